/* SPDX-License-Identifier: MIT */
#pragma once /* Which codec of an offered m-line we take. Private to negotiate.c. */

#include "sdp/negotiate.h"

/**
 * The payload that fits best.
 *
 * @kind_rules  names the allowed codecs
 * @before      the line of the last round, NULL: none; its codec is kept if it can be
 *
 * Returns NULL if none fits. Borrowed from `media`.
 */
const StoaSdpPayload *stoa_sdp_choose_payload(const StoaSdpMedia *media,
                                              const StoaSdpKindRules *kind_rules,
                                              const StoaSdpRules *rules, const StoaSdpLine *before);

/**
 * The best payload of each other codec that `kind_rules` names, in that order.
 *
 * @others  room for STOA_SDP_MAX_OTHERS
 *
 * Returns how many were written.
 */
unsigned stoa_sdp_choose_others(const StoaSdpMedia *media, const StoaSdpKindRules *kind_rules,
                                const StoaSdpRules *rules, StoaSdpCodec first,
                                const StoaSdpPayload **others);

/** The rtx payload for `pt`; -1: none is offered. */
int stoa_sdp_choose_rtx(const StoaSdpMedia *media, int pt);

/** The payload of redundant audio around `pt`; -1: none is offered. */
int stoa_sdp_choose_red(const StoaSdpMedia *media, int pt);

/** A payload of the same codec that decodes the same stream (in an answer to our offer); NULL: none. */
const StoaSdpPayload *stoa_sdp_choose_same(const StoaSdpMedia *media, StoaSdpCodec codec,
                                           const char *fmtp);
