/* SPDX-License-Identifier: MIT */
/* Read, negotiate, write, read again: what we write about any offer is a description, and it says what was agreed. */
#include "sdp/candidate.h"
#include "sdp/negotiate.h"
#include "sdp/offer.h"
#include "sdp/read.h"
#include "sdp/write.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const StoaSdpLimits limits = { .max_bytes = 256 * 1024, .max_media = 64 };
static const char *const candidates[] = { "candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host" };
static const StoaSdpLocal local = {
    .session_id = 1,
    .ufrag = "u",
    .pwd = "p",
    .fingerprint = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                   "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
    .candidates = candidates,
    .n_candidates = 1,
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_fragment(const StoaSdpPlan *plan)
{
    g_autofree char *text = stoa_sdp_write_fragment(plan, &local, NULL);
    g_autoptr(StoaSdp) fragment = stoa_sdp_read_fragment(text, strlen(text), NULL, NULL);

    require(fragment && fragment->media->len <= 1);
}

/* What was written must read back as the same lines. */
static void check(const StoaSdpPlan *plan)
{
    g_autofree char *text = stoa_sdp_write(plan, &local, NULL);
    g_autoptr(StoaSdp) sdp = NULL;

    require(text != NULL);
    sdp = stoa_sdp_read(text, strlen(text), NULL, NULL);
    require(sdp && sdp->media->len == plan->lines->len);
    check_fragment(plan);
    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);
        const StoaSdpMedia *media = stoa_sdp_media(sdp, i);

        require(media->kind == line->kind && (media->port != 0) == line->accepted);
        if (line->accepted && line->kind != STOA_SDP_APPLICATION)
            require(stoa_sdp_payload(media, line->pt)->codec == line->codec);
    }
}

/* The same text as a second offer, and as the answer to an offer of ours. */
static void go_on(const StoaSdp *sdp, const StoaSdpRules *rules, const StoaSdpPlan *first)
{
    g_autoptr(StoaSdpPlan) second = stoa_sdp_answer(sdp, rules, first, NULL);
    g_autofree StoaSdpSlot *slots = g_new0(StoaSdpSlot, first->lines->len);
    g_autoptr(StoaSdpPlan) offer = NULL, agreed = NULL;

    require(second != NULL);
    for (guint i = 0; i < first->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(first, i);

        slots[i] = (StoaSdpSlot){ .kind = line->kind,
                                  .direction = STOA_SDP_SENDRECV,
                                  .stopped = !line->accepted,
                                  .exts = 0xfff,
                                  .feedback = 31 };
        if (slots[i].kind == STOA_SDP_OTHER)
            slots[i].kind = STOA_SDP_AUDIO;
    }
    offer = stoa_sdp_offer(slots, first->lines->len, first, NULL);
    if (!offer)
        return;
    check(offer);
    agreed = stoa_sdp_accept_answer(offer, sdp, NULL);
    if (agreed)
        check(agreed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    g_autoptr(StoaSdp) sdp = stoa_sdp_read(text, size, &limits, NULL);
    g_autoptr(StoaSdp) fragment = stoa_sdp_read_fragment(text, size, &limits, NULL);
    GStringChunk *strings = g_string_chunk_new(256);
    g_autoptr(StoaSdpPlan) plan = NULL;
    StoaSdpCandidate candidate;
    StoaSdpRules rules;

    stoa_sdp_candidate_read(text, size, strings, &candidate, NULL);
    g_string_chunk_free(strings);
    require(!sdp || fragment); /* a description is a fragment too */
    stoa_sdp_rules_init(&rules);
    rules.audio.red = size % 2;
    rules.video.every = size % 5 == 0;
    rules.video.can_receive = size % 5 != 0;
    rules.video.codecs = size % 3 ? NULL : "h264,av1,vp9";
    plan = sdp ? stoa_sdp_answer(sdp, &rules, NULL, NULL) : NULL;
    if (plan) {
        check(plan);
        go_on(sdp, &rules, plan);
    }
    return 0;
}
