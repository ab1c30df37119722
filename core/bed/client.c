/* SPDX-License-Identifier: MIT */
/* A browser made of text. */
#include "config.h"

#include "bed/client.h"

#include <string.h>

const char finger_a[] = "sha-256 "
                        "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:"
                        "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA";

void bed_client_init(BedClient *me, unsigned n)
{
    me->fingerprint = finger_a;
    g_snprintf(me->ufrag, sizeof me->ufrag, "cli%u", n);
}

static void client_put_payload(GString *sdp, unsigned pt, const char *codec, bool is_video)
{
    bool is_opus = g_str_equal(codec, "opus");

    g_string_append_printf(sdp, "a=rtpmap:%u %s/%s\r\n", pt, codec,
                           is_opus    ? "48000/2"
                           : is_video ? "90000"
                                      : "8000");
    if (is_opus)
        g_string_append_printf(sdp, "a=fmtp:%u minptime=10;useinbandfec=1\r\n", pt);
    if (g_str_equal(codec, "H264"))
        g_string_append_printf(sdp, "a=fmtp:%u packetization-mode=1;profile-level-id=42e01f\r\n",
                               pt);
    if (!is_video)
        return;
    for (const char *const *fb = (const char *const[]){ "nack", "nack pli", "ccm fir", "goog-remb",
                                                        "transport-cc", NULL };
         *fb; fb++)
        g_string_append_printf(sdp, "a=rtcp-fb:%u %s\r\n", pt, *fb);
    g_string_append_printf(sdp, "a=rtpmap:%u rtx/90000\r\na=fmtp:%u apt=%u\r\n", pt + 1, pt + 1,
                           pt);
}

static void client_put_transport(GString *sdp, const BedClient *me, const char *setup)
{
    g_string_append_printf(sdp,
                           "a=ice-ufrag:%s\r\na=ice-pwd:clientpasswordclientpassword\r\n"
                           "a=fingerprint:%s\r\na=setup:%s\r\na=rtcp-mux\r\n",
                           me->ufrag, me->fingerprint, setup);
}

static void client_put_line(GString *sdp, const BedClient *me, const ClientLine *line)
{
    bool is_video = g_str_equal(line->kind, "video");
    bool is_rtp = is_video || g_str_equal(line->kind, "audio");
    const char *wanted = line->codecs ? line->codecs : is_video ? "96 VP8" : "111 opus";
    g_auto(GStrv) codecs = g_strsplit(wanted, ",", -1);

    g_string_append_printf(sdp, "m=%s %d %s", line->kind, line->stopped ? 0 : 9,
                           is_rtp ? "UDP/TLS/RTP/SAVPF" : "UDP/DTLS/SCTP webrtc-datachannel");
    for (unsigned i = 0; is_rtp && codecs[i]; i++) {
        unsigned pt = (unsigned)g_ascii_strtoull(codecs[i], NULL, 10);

        g_string_append_printf(sdp, is_video ? " %u %u" : " %u", pt, pt + 1);
    }
    g_string_append_printf(sdp, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n", line->mid);
    client_put_transport(sdp, me, "actpass");
    if (!is_rtp) {
        g_string_append(sdp, "a=sctp-port:5000\r\n");
        return;
    }
    g_string_append_printf(sdp, "a=%s\r\n", line->direction ? line->direction : "sendrecv");
    g_string_append(sdp, "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n");
    g_string_append(sdp, is_video ? "a=extmap:13 urn:3gpp:video-orientation\r\n"
                                  : "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
    for (unsigned i = 0; codecs[i]; i++)
        client_put_payload(sdp, (unsigned)g_ascii_strtoull(codecs[i], NULL, 10),
                           strchr(codecs[i], ' ') + 1, is_video);
    if (line->ssrc)
        g_string_append_printf(sdp, "a=ssrc:%u cname:me\r\n", line->ssrc);
    if (line->extra)
        g_string_append(sdp, line->extra);
}

char *client_offer(const BedClient *me, const ClientLine *lines)
{
    GString *sdp = g_string_new("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                                "a=group:BUNDLE");

    for (const ClientLine *line = lines; line->kind; line++)
        if (!line->stopped)
            g_string_append_printf(sdp, " %s", line->mid);
    g_string_append(sdp, "\r\n");
    for (const ClientLine *line = lines; line->kind; line++)
        client_put_line(sdp, me, line);
    return g_string_free(sdp, FALSE);
}

/* What a client makes of a section of our offer: it takes all, but the mids in `refused` ("1,3,"). */
static void client_answer_section(GString *sdp, const BedClient *me, const char *section,
                                  const char *refused)
{
    g_auto(GStrv) lines = g_strsplit(section, "\r\n", -1);
    bool is_refused = false;

    for (char **line = lines; *line; line++) {
        g_autofree char *mid = g_str_has_prefix(*line, "a=mid:")
                                   ? g_strdup_printf(",%s,", *line + strlen("a=mid:"))
                                   : NULL;

        is_refused |= mid && refused && strstr(refused, mid);
    }
    for (char **line = lines; *line; line++) {
        if (!**line || g_str_has_prefix(*line, "a=ice-") || g_str_has_prefix(*line, "a=finger") ||
            g_str_has_prefix(*line, "a=setup") || g_str_has_prefix(*line, "a=ssrc") ||
            g_str_has_prefix(*line, "a=msid") || g_str_has_prefix(*line, "a=candidate") ||
            g_str_has_prefix(*line, "a=end-of") || g_str_equal(*line, "a=rtcp-mux"))
            continue;
        if (g_str_equal(*line, "a=sendonly"))
            g_string_append(sdp, "a=recvonly\r\n");
        else if (g_str_equal(*line, "a=recvonly"))
            g_string_append(sdp, "a=sendonly\r\n");
        else
            g_string_append_printf(sdp, "%s\r\n", *line);
    }
    client_put_transport(sdp, me, "active");
    if (is_refused)
        g_string_replace(sdp, " 9 ", " 0 ", 1);
}

char *client_answer(const BedClient *me, const char *offer, const char *refused)
{
    g_auto(GStrv) sections = g_strsplit(offer, "\r\nm=", -1);
    GString *sdp = g_string_new(NULL);
    g_auto(GStrv) session = g_strsplit(sections[0], "\r\n", -1);

    for (char **line = session; *line; line++)
        if (**line && !g_str_has_prefix(*line, "a=ice"))
            g_string_append_printf(sdp, "%s\r\n", *line);
    for (char **section = sections + 1; *section; section++) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_autofree char *whole = g_strconcat("m=", *section, NULL);

        client_answer_section(out, me, whole, refused);
        g_string_append(sdp, out->str);
    }
    return g_string_free(sdp, FALSE);
}
