/* SPDX-License-Identifier: MIT */
/* Invitations of a room: made, listed, sent again, revoked. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_invitation_routes(void);
