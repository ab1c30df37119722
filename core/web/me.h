/* SPDX-License-Identifier: MIT */
/* GET /me/export and DELETE /me: what is held about a person, and its end. (SECURITY R30; GDPR 15, 17, 20) */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_me_routes(void);
