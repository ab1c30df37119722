/* SPDX-License-Identifier: MIT */
#pragma once /* Private to srtp/: a libsrtp2 session of one direction, for any SSRC. */

#include <srtp2/srtp.h>

#include "srtp/keys.h"

/** A session, or NULL. `direction` is ssrc_any_inbound or ssrc_any_outbound. Free: srtp_dealloc(). */
srtp_t stoa_srtp_session_new(const StoaSrtpKeys *keys, srtp_ssrc_type_t direction);
