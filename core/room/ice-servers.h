/* SPDX-License-Identifier: MIT */
/* STUN and TURN servers that a browser is told of, with credentials that are good for a while. (draft-uberti-behave-turn-rest) */
#pragma once

#include "room/rooms-conf.h"

#include <jansson.h>

/**
 * A list of RTCIceServer. TURN servers get a username that names its own end and the person, and the matching password, as
 * coturn's `use-auth-secret` wants them.
 *
 * Returns a new reference; an empty array when none is configured. Thread: control.
 */
json_t *stoa_ice_servers(const StoaRoomsConf *conf, const char *person, int64_t now_ms);
