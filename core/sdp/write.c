/* SPDX-License-Identifier: MIT */
/* Plan to text. */
#include "sdp/write.h"

#include <stoa/error.h>

#include "base/poison.h"

/* A text that grows line by line. What is wrong with it is found once, at the end. */
typedef struct {
    GString *text;
    size_t max_bytes;    /* 0: no limit */
    bool is_full;        /* nothing more is taken */
    bool has_control;    /* somebody tried to write a line of his own */
    bool has_candidates; /* they are in the first accepted section */
} Out;

static void put(Out *out, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* One line. */
static void put(Out *out, const char *fmt, ...)
{
    gsize start = out->text->len;
    va_list args;

    if (out->is_full)
        return;
    va_start(args, fmt);
    g_string_append_vprintf(out->text, fmt, args);
    va_end(args);
    for (gsize i = start; i < out->text->len; i++)
        out->has_control |= g_ascii_iscntrl(out->text->str[i]) && out->text->str[i] != '\t';
    g_string_append(out->text, "\r\n");
    out->is_full = out->max_bytes > 0 && out->text->len > out->max_bytes;
}

/* -- the session ---------------------------------------------------------------------------------- */

static void put_bundle(Out *out, const StoaSdpPlan *plan)
{
    g_autoptr(GString) mids = g_string_new(NULL);

    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);

        if (line->accepted && line->has_mid)
            g_string_append_printf(mids, " %s", line->mid);
    }
    if (plan->bundle && mids->len > 0)
        put(out, "a=group:BUNDLE%s", mids->str);
}

static void put_session(Out *out, const StoaSdpPlan *plan, const StoaSdpLocal *local)
{
    put(out, "v=0");
    put(out, "o=- %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " IN IP4 127.0.0.1", local->session_id,
        plan->version);
    put(out, "s=-");
    put(out, "t=0 0");
    put_bundle(out, plan);
    if (local->ice_lite)
        put(out, "a=ice-lite");
    if (plan->extmap_allow_mixed)
        put(out, "a=extmap-allow-mixed");
    put(out, "a=msid-semantic: WMS *");
}

/* -- what every section has -------------------------------------------------------------------------- */

static void put_transport(Out *out, const StoaSdpPlan *plan, const StoaSdpLocal *local)
{
    put(out, "a=ice-ufrag:%s", local->ufrag);
    put(out, "a=ice-pwd:%s", local->pwd);
    if (local->trickle)
        put(out, "a=ice-options:trickle");
    put(out, "a=fingerprint:%s", local->fingerprint);
    put(out, "a=setup:%s", stoa_sdp_setup_name(plan->setup));
}

static void put_candidates(Out *out, const StoaSdpLocal *local)
{
    if (out->has_candidates)
        return;
    out->has_candidates = true;
    for (unsigned i = 0; i < local->n_candidates; i++)
        put(out, "a=%s", local->candidates[i]);
    if (local->end_of_candidates)
        put(out, "a=end-of-candidates");
}

static void put_mid(Out *out, const StoaSdpLine *line)
{
    if (line->has_mid)
        put(out, "a=mid:%s", line->mid);
}

static void put_refused(Out *out, const StoaSdpLine *line)
{
    put(out, "m=%s 0 %s %s", line->kind_text, line->proto, line->format);
    put(out, "c=IN IP4 0.0.0.0");
    put_mid(out, line);
    put(out, "a=inactive");
}

/* -- audio and video ------------------------------------------------------------------------------------- */

static void put_exts(Out *out, const StoaSdpLine *line)
{
    for (int i = 0; i < STOA_SDP_N_EXTS; i++) {
        StoaSdpDirection direction = line->ext_direction[i];
        bool both = direction == STOA_SDP_SENDRECV;

        if (line->ext_id[i] != 0)
            put(out, "a=extmap:%u%s%s %s", line->ext_id[i], both ? "" : "/",
                both ? "" : stoa_sdp_direction_name(direction), stoa_sdp_ext_uri((StoaSdpExt)i));
    }
}

static void put_feedback(Out *out, int pt, unsigned feedback)
{
    static const struct {
        unsigned bit;
        const char *text;
    } kinds[] = {
        { STOA_SDP_FB_REMB, "goog-remb" }, { STOA_SDP_FB_TWCC, "transport-cc" },
        { STOA_SDP_FB_FIR, "ccm fir" },    { STOA_SDP_FB_NACK, "nack" },
        { STOA_SDP_FB_PLI, "nack pli" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (feedback & kinds[i].bit)
            put(out, "a=rtcp-fb:%d %s", pt, kinds[i].text);
}

static void put_rtpmap(Out *out, const StoaSdpFormat *format, int pt, const char *name)
{
    if (format->channels > 1)
        put(out, "a=rtpmap:%d %s/%u/%u", pt, name, format->clock_hz, format->channels);
    else
        put(out, "a=rtpmap:%d %s/%u", pt, name, format->clock_hz);
}

static void put_format(Out *out, const StoaSdpFormat *format)
{
    put_rtpmap(out, format, format->pt, stoa_sdp_codec_rtpmap(format->codec));
    put_feedback(out, format->pt, format->feedback);
    if (format->fmtp)
        put(out, "a=fmtp:%d %s", format->pt, format->fmtp);
    if (format->rtx_pt >= 0) {
        put(out, "a=rtpmap:%d rtx/%u", format->rtx_pt, format->clock_hz);
        put(out, "a=fmtp:%d apt=%d", format->rtx_pt, format->pt);
    }
}

static void put_codecs(Out *out, const StoaSdpLine *line)
{
    const StoaSdpFormat first = { line->codec,    line->pt,       line->rtx_pt, line->clock_hz,
                                  line->channels, line->feedback, line->fmtp };

    put_format(out, &first);
    if (line->red) {
        put_rtpmap(out, &first, line->red_pt, "red");
        put(out, "a=fmtp:%d %d/%d", line->red_pt, line->pt, line->pt);
    }
    for (unsigned i = 0; i < line->n_others; i++)
        put_format(out, &line->others[i]);
}

/* What we take of a simulcast, in the order of the offer. */
static void put_rids(Out *out, const StoaSdpLine *line)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (unsigned i = 0; i < line->n_encodings && line->encodings[i].rid; i++) {
        put(out, "a=rid:%s recv", line->encodings[i].rid);
        g_string_append_printf(list, "%s%s", i > 0 ? ";" : "", line->encodings[i].rid);
    }
    if (list->len > 0)
        put(out, "a=simulcast:recv %s", list->str);
}

static void put_send(Out *out, const StoaSdpLine *line)
{
    const StoaSdpSend *send = &line->send;
    const char *cname = send->cname ? send->cname : "stoa";

    if (!(line->direction & STOA_SDP_SENDONLY))
        return;
    put(out, "a=msid:%s %s", send->stream ? send->stream : "-",
        send->track ? send->track : line->mid);
    if (send->ssrc == 0)
        return;
    if (send->rtx_ssrc != 0 && line->rtx_pt >= 0)
        put(out, "a=ssrc-group:FID %u %u", send->ssrc, send->rtx_ssrc);
    put(out, "a=ssrc:%u cname:%s", send->ssrc, cname);
    if (send->rtx_ssrc != 0 && line->rtx_pt >= 0)
        put(out, "a=ssrc:%u cname:%s", send->rtx_ssrc, cname);
}

/* Chromium sends redundant audio only where that stands before the codec itself. */
static void put_rtp_formats(Out *out, const StoaSdpLine *line)
{
    g_autoptr(GString) formats = g_string_new(NULL);
    bool red_first = line->red && (line->direction & STOA_SDP_RECVONLY);

    if (red_first)
        g_string_printf(formats, "%d ", line->red_pt);
    g_string_append_printf(formats, "%d", line->pt);
    if (line->rtx_pt >= 0)
        g_string_append_printf(formats, " %d", line->rtx_pt);
    if (line->red && !red_first)
        g_string_append_printf(formats, " %d", line->red_pt);
    for (unsigned i = 0; i < line->n_others; i++) {
        g_string_append_printf(formats, " %d", line->others[i].pt);
        if (line->others[i].rtx_pt >= 0)
            g_string_append_printf(formats, " %d", line->others[i].rtx_pt);
    }
    put(out, "m=%s 9 %s %s", line->kind_text, line->proto, formats->str);
}

static void put_rtp(Out *out, const StoaSdpPlan *plan, const StoaSdpLine *line,
                    const StoaSdpLocal *local)
{
    put_rtp_formats(out, line);
    put(out, "c=IN IP4 0.0.0.0");
    put(out, "a=rtcp:9 IN IP4 0.0.0.0");
    put_mid(out, line);
    put(out, "a=%s", stoa_sdp_direction_name(line->direction));
    put(out, "a=rtcp-mux");
    if (line->rtcp_rsize)
        put(out, "a=rtcp-rsize");
    put_transport(out, plan, local);
    if (line->extmap_allow_mixed)
        put(out, "a=extmap-allow-mixed");
    put_exts(out, line);
    put_codecs(out, line);
    if (plan->type == STOA_SDP_ANSWER)
        put_rids(out, line);
    put_send(out, line);
    put_candidates(out, local);
}

/* -- data channels ------------------------------------------------------------------------------------------ */

static void put_data(Out *out, const StoaSdpPlan *plan, const StoaSdpLine *line,
                     const StoaSdpLocal *local)
{
    put(out, "m=%s 9 %s %s", line->kind_text, line->proto,
        line->is_old_sctp ? "5000" : line->format);
    put(out, "c=IN IP4 0.0.0.0");
    put_mid(out, line);
    put(out, "a=sendrecv");
    put_transport(out, plan, local);
    put(out, line->is_old_sctp ? "a=sctpmap:5000 webrtc-datachannel 1024" : "a=sctp-port:5000");
    put(out, "a=max-message-size:%" G_GUINT64_FORMAT, line->max_message_size);
    put_candidates(out, local);
}

static void put_line(Out *out, const StoaSdpPlan *plan, const StoaSdpLine *line,
                     const StoaSdpLocal *local)
{
    if (!line->accepted)
        put_refused(out, line);
    else if (line->kind == STOA_SDP_APPLICATION)
        put_data(out, plan, line, local);
    else
        put_rtp(out, plan, line, local);
}

static bool check(const Out *out, GError **error)
{
    if (out->is_full)
        return stoa_fail(error, STOA_ERROR_LIMIT,
                         "the SDP of this connection is longer than %zu bytes: use fewer tracks",
                         out->max_bytes);
    if (out->has_control)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "a name or id in the SDP holds a control character");
    return true;
}

char *stoa_sdp_write(const StoaSdpPlan *plan, const StoaSdpLocal *local, GError **error)
{
    Out out = { .text = g_string_sized_new(4096), .max_bytes = local->max_bytes };
    bool good;

    put_session(&out, plan, local);
    for (guint i = 0; i < plan->lines->len; i++)
        put_line(&out, plan, stoa_sdp_plan_line(plan, i), local);
    good = check(&out, error);
    return g_string_free(out.text, !good);
}

/* The first of the bundle: the one that has the transport. */
static const StoaSdpLine *tagged_line(const StoaSdpPlan *plan)
{
    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);

        if (line->accepted)
            return line;
    }
    return NULL;
}

char *stoa_sdp_write_fragment(const StoaSdpPlan *plan, const StoaSdpLocal *local, GError **error)
{
    Out out = { .text = g_string_sized_new(512), .max_bytes = local->max_bytes };
    const StoaSdpLine *line = tagged_line(plan);
    bool good;

    if (local->ice_lite)
        put(&out, "a=ice-lite");
    if (local->trickle)
        put(&out, "a=ice-options:trickle");
    put_bundle(&out, plan);
    if (line && line->kind == STOA_SDP_APPLICATION)
        put(&out, "m=%s 9 %s %s", line->kind_text, line->proto, line->format);
    else if (line)
        put(&out, "m=%s 9 %s %d", line->kind_text, line->proto, line->pt);
    if (line)
        put_mid(&out, line);
    put(&out, "a=ice-ufrag:%s", local->ufrag);
    put(&out, "a=ice-pwd:%s", local->pwd);
    put_candidates(&out, local);
    good = check(&out, error);
    return g_string_free(out.text, !good);
}
