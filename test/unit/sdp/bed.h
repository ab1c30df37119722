/* SPDX-License-Identifier: MIT */
#pragma once /* What the tests of sdp/ share: the browsers' real offers, and a local end. */

#include "sdp/negotiate.h"
#include "sdp/offer.h"
#include "sdp/read.h"
#include "sdp/write.h"

#include <stoa/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FINGERPRINT                                            \
    "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

/* The head of a hand-made offer: session, credentials, fingerprint. */
#define HEAD(groups)                                                                     \
    "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" groups                         \
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:" FINGERPRINT \
    "\r\na=setup:actpass\r\n"
#define AUDIO(mid)                                  \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:" mid \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
#define VIDEO(mid) \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:" mid "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

static const char *const fixtures[] = {
    "chromium-audio-video", "chromium-simulcast", "chromium-datachannel",
    "firefox-audio-video",  "firefox-simulcast",  "firefox-datachannel",
};

static const char *const candidates[] = {
    "candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host",
    "candidate:2 1 tcp 1518280447 192.0.2.7 10000 typ host tcptype passive",
};

static const StoaSdpLocal local_end = {
    .session_id = 4711,
    .ufrag = "ourufrag",
    .pwd = "ourpasswordourpassword",
    .fingerprint = FINGERPRINT,
    .ice_lite = true,
    .candidates = candidates,
    .n_candidates = 2,
    .end_of_candidates = true,
};

/* The names of this header that a test does not use. */
G_GNUC_UNUSED static const void *const unused_here[] = { fixtures, &local_end };

G_GNUC_UNUSED static char *load_dup(const char *name)
{
    const char *top = getenv("STOA_SRCDIR");
    g_autofree char *file = g_strconcat(name, ".sdp", NULL);
    g_autofree char *path =
        g_build_filename(top ? top : ".", "test", "fixtures", "sdp", file, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        fail_msg("cannot read test/fixtures/sdp/%s.sdp: set STOA_SRCDIR to the source tree", name);
    return text;
}

/* Text to tree, which must work. */
G_GNUC_UNUSED static StoaSdp *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    StoaSdp *sdp = stoa_sdp_read(text, strlen(text), NULL, &error);

    if (!sdp)
        fail_msg("%s", error->message);
    return sdp;
}

G_GNUC_UNUSED static StoaSdp *load(const char *name)
{
    g_autofree char *text = load_dup(name);

    return parse(text);
}

/* Text to tree, which must not work: the error has this code and says this. */
G_GNUC_UNUSED static void refuses(const char *text, StoaErrorCode code, const char *says)
{
    g_autoptr(GError) error = NULL;
    StoaSdp *sdp = stoa_sdp_read(text, strlen(text), NULL, &error);

    assert_null(sdp);
    assert_true(g_error_matches(error, STOA_ERROR, (int)code));
    if (!strstr(error->message, says))
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
}

/* Answer, which must work. */
G_GNUC_UNUSED static StoaSdpPlan *answer_to(const StoaSdp *offer, const StoaSdpRules *rules,
                                            const StoaSdpPlan *before)
{
    g_autoptr(GError) error = NULL;
    StoaSdpPlan *plan = stoa_sdp_answer(offer, rules, before, &error);

    if (!plan)
        fail_msg("%s", error->message);
    return plan;
}

G_GNUC_UNUSED static char *write_dup(const StoaSdpPlan *plan)
{
    g_autoptr(GError) error = NULL;
    char *text = stoa_sdp_write(plan, &local_end, &error);

    if (!text)
        fail_msg("%s", error->message);
    return text;
}

/* `old` replaced everywhere. */
G_GNUC_UNUSED static char *replace_dup(const char *text, const char *old, const char *new)
{
    g_auto(GStrv) parts = g_strsplit(text, old, -1);

    return g_strjoinv(new, parts);
}

/* Rules of a room that only takes what people publish, and of an echo. */
G_GNUC_UNUSED static StoaSdpRules publisher_rules(void)
{
    StoaSdpRules rules;

    stoa_sdp_rules_init(&rules);
    rules.audio.can_send = rules.video.can_send = false;
    return rules;
}

G_GNUC_UNUSED static StoaSdpRules echo_rules(void)
{
    StoaSdpRules rules;

    stoa_sdp_rules_init(&rules);
    return rules;
}
