/* SPDX-License-Identifier: MIT */
/* POST /host/signin, POST and DELETE /host/session. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_host_routes(void);
