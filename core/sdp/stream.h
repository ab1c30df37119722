/* SPDX-License-Identifier: MIT */
#pragma once /* The `a=` lines about streams. Private to attribute.c. (RFC 5576, 8830, 8851, 8853) */

#include "sdp/attribute.h"

StoaSdpHandler stoa_sdp_stream_msid, stoa_sdp_stream_ssrc, stoa_sdp_stream_ssrc_group,
    stoa_sdp_stream_rid, stoa_sdp_stream_simulcast;
