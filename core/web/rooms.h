/* SPDX-License-Identifier: MIT */
/* POST, GET, PATCH and DELETE of rooms. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_room_routes(void);

/** Whether the caller acts as host of the room of the path: its host, an API key, or the host's participant token. */
bool stoa_web_is_host(const StoaWebCall *call);
/** The same, as a check that fails with "forbidden". */
bool stoa_web_must_be_host(const StoaWebCall *call, GError **error);
