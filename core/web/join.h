/* SPDX-License-Identifier: MIT */
/* POST /join: who it is that comes, and by what. (rooms API, "Join") */
#pragma once

#include "web/web.h"

extern const StoaParam stoa_web_join_params[];
/** The halves of the route. */
bool stoa_web_join_store(StoaDb *db, StoaWebCall *call, GError **error);
bool stoa_web_join_look(StoaDb *db, StoaWebCall *call, GError **error);
void stoa_web_join_live(StoaWebCall *call);
