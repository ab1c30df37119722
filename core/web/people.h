/* SPDX-License-Identifier: MIT */
/* Coming in, leaving, who is here, and what is done to somebody. (rooms API, "Join", "Rooms") */
#pragma once

#include "web/web.h"

/** POST /join, /leave; /rooms/:room/participants…, /rooms/:room/end. Static. */
const StoaWebRoute *stoa_web_people_routes(void);

/** StoaWebSpec.seat on the kept rooms. @caller  NULL: only ask whether the token still lives */
bool stoa_web_seat(struct StoaRooms *rooms, const char *token, StoaWebCaller *caller);
