/* SPDX-License-Identifier: MIT */
/* What the server says of itself: GET /api/v1/server. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_server_routes(void);
