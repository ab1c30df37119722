/* SPDX-License-Identifier: MIT */
/* The way down the text: lines, m-lines, and what an m-line takes from the session. */
#include "sdp/read.h"

#include "sdp/attribute.h"

#include <stoa/error.h>

#include "base/poison.h"

static const StoaSdpLimits no_limits = { 0, 0 };

static StoaSdp *sdp_new(void)
{
    StoaSdp *sdp = g_new0(StoaSdp, 1);

    sdp->groups = g_array_new(FALSE, FALSE, sizeof(StoaSdpGroup));
    sdp->media = g_ptr_array_new();
    sdp->by_mid = g_hash_table_new(g_str_hash, g_str_equal);
    sdp->strings = g_string_chunk_new(4096);
    return sdp;
}

/* An m-line at the end of the tree, with what the session said for all of them. */
static StoaSdpMedia *media_new(StoaSdpReader *r)
{
    StoaSdpMedia *media = g_new0(StoaSdpMedia, 1);

    media->index = r->sdp->media->len;
    media->line = r->line;
    media->direction = r->direction;
    media->rtcp_mux = r->rtcp_mux;
    media->rtcp_rsize = r->rtcp_rsize;
    media->sctp_port = 5000;
    media->max_message_size = 65536;
    memcpy(media->exts, r->exts, sizeof media->exts);
    media->payloads = g_array_new(FALSE, FALSE, sizeof(StoaSdpPayload));
    media->ssrcs = g_array_new(FALSE, FALSE, sizeof(StoaSdpSsrc));
    media->ssrc_groups = g_array_new(FALSE, FALSE, sizeof(StoaSdpSsrcGroup));
    media->msids = g_array_new(FALSE, FALSE, sizeof(StoaSdpMsid));
    media->rids = g_array_new(FALSE, FALSE, sizeof(StoaSdpRid));
    media->simulcast_send = g_array_new(FALSE, FALSE, sizeof(StoaSdpSimulcast));
    media->simulcast_recv = g_array_new(FALSE, FALSE, sizeof(StoaSdpSimulcast));
    media->candidates = g_array_new(FALSE, FALSE, sizeof(StoaSdpCandidate));
    g_ptr_array_add(r->sdp->media, media);
    return media;
}

/* -- the end of an m-line ---------------------------------------------------------------------- */

/* Payload types that need no rtpmap. (RFC 3551, 6) */
static void name_static_payload(StoaSdpPayload *payload)
{
    static const struct {
        uint8_t pt;
        StoaSdpCodec codec;
    } statics[] = { { 0, STOA_SDP_PCMU }, { 8, STOA_SDP_PCMA }, { 9, STOA_SDP_G722 } };

    for (size_t i = 0; i < G_N_ELEMENTS(statics) && !payload->name; i++) {
        if (payload->pt == statics[i].pt) {
            payload->codec = statics[i].codec;
            payload->name = stoa_sdp_codec_rtpmap(payload->codec);
            payload->clock_hz = stoa_sdp_codec_clock_hz(payload->codec);
        }
    }
}

static int apt_of(const StoaSdpPayload *payload)
{
    StoaSdpText rest = stoa_sdp_scan_text(payload->fmtp);
    uint64_t apt;

    while (rest.len > 0) {
        StoaSdpText parameter = stoa_sdp_scan_until(&rest, ';');

        parameter = stoa_sdp_scan_word(&parameter);
        if (stoa_sdp_scan_skip(&parameter, "apt="))
            return stoa_sdp_scan_number(parameter, 127, &apt) ? (int)apt : -1;
    }
    return -1;
}

static void finish_payloads(StoaSdpReader *r)
{
    GArray *payloads = r->media->payloads;

    for (guint i = 0; i < payloads->len; i++) {
        StoaSdpPayload *payload = &g_array_index(payloads, StoaSdpPayload, i);

        name_static_payload(payload);
        payload->feedback |= r->feedback_all;
        if (payload->codec == STOA_SDP_RTX)
            payload->apt = apt_of(payload);
    }
}

static bool has_rid(const StoaSdpMedia *media, const char *id, bool send)
{
    for (guint i = 0; i < media->rids->len; i++) {
        const StoaSdpRid *rid = &g_array_index(media->rids, StoaSdpRid, i);

        if (rid->send == send && g_str_equal(rid->id, id))
            return true;
    }
    return false;
}

/* Without an a=rid line a rid means nothing. (RFC 8853, 5.2) */
static void drop_undeclared(const StoaSdpMedia *media, GArray *rows, bool send)
{
    guint kept = 0;

    for (guint i = 0; i < rows->len; i++) {
        StoaSdpSimulcast row = g_array_index(rows, StoaSdpSimulcast, i);

        if (has_rid(media, row.rid, send))
            g_array_index(rows, StoaSdpSimulcast, kept++) = row;
    }
    g_array_set_size(rows, kept);
}

static void inherit_transport(StoaSdpTransport *own, const StoaSdpTransport *session)
{
    own->ufrag = own->ufrag ? own->ufrag : session->ufrag;
    own->pwd = own->pwd ? own->pwd : session->pwd;
    own->fingerprint = own->fingerprint ? own->fingerprint : session->fingerprint;
    own->setup = own->setup != STOA_SDP_SETUP_NONE ? own->setup : session->setup;
    own->trickle = own->trickle || session->trickle;
}

static void finish_media(StoaSdpReader *r)
{
    if (!r->media)
        return;
    finish_payloads(r);
    drop_undeclared(r->media, r->media->simulcast_send, true);
    drop_undeclared(r->media, r->media->simulcast_recv, false);
    inherit_transport(&r->media->transport, &r->sdp->transport);
}

/* -- m= ------------------------------------------------------------------------------------------ */

static StoaSdpKind kind_of(StoaSdpText text)
{
    if (stoa_sdp_scan_is(text, "audio"))
        return STOA_SDP_AUDIO;
    if (stoa_sdp_scan_is(text, "video"))
        return STOA_SDP_VIDEO;
    return stoa_sdp_scan_is(text, "application") ? STOA_SDP_APPLICATION : STOA_SDP_OTHER;
}

static bool read_payload_types(StoaSdpReader *r, StoaSdpText formats, GError **error)
{
    while (formats.len > 0) {
        StoaSdpText number = stoa_sdp_scan_word(&formats);
        StoaSdpPayload payload = { .channels = 1, .apt = -1 };
        uint64_t pt;

        if (number.len == 0)
            break;
        if (!stoa_sdp_scan_number(number, 127, &pt))
            return stoa_sdp_attribute_fail(r, "the payload type", &number, "0 to 127", error);
        if (r->payload_at[pt] >= 0)
            continue;
        r->payload_at[pt] = (int)r->media->payloads->len;
        payload.pt = (uint8_t)pt;
        g_array_append_val(r->media->payloads, payload);
    }
    return true;
}

/* Data channels, in today's words or those of 2014. (RFC 8841, 4; draft-ietf-mmusic-sctp-sdp-05) */
static void read_sctp(StoaSdpMedia *media, StoaSdpText proto, StoaSdpText format)
{
    uint64_t port;

    if (stoa_sdp_scan_is(proto, "UDP/DTLS/SCTP") || stoa_sdp_scan_is(proto, "TCP/DTLS/SCTP")) {
        media->is_sctp = stoa_sdp_scan_is(format, "webrtc-datachannel");
    } else if (stoa_sdp_scan_is(proto, "DTLS/SCTP") &&
               stoa_sdp_scan_number(format, UINT16_MAX, &port) && port > 0) {
        media->is_sctp = media->is_old_sctp = true;
        media->sctp_port = (uint16_t)port;
    }
}

static void begin_media(StoaSdpReader *r)
{
    finish_media(r);
    r->media = media_new(r);
    r->feedback_all = 0;
    r->last_ssrc = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(r->payload_at); i++)
        r->payload_at[i] = -1;
}

static bool read_media_line(StoaSdpReader *r, StoaSdpText value, const StoaSdpLimits *limits,
                            GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText kind = stoa_sdp_scan_word(&rest), ports = stoa_sdp_scan_word(&rest);
    StoaSdpText port_text = stoa_sdp_scan_until(&ports, '/');
    StoaSdpText proto = stoa_sdp_scan_word(&rest), formats = rest;
    StoaSdpText format = stoa_sdp_scan_word(&rest);
    GStringChunk *strings = r->sdp->strings;
    StoaSdpMedia *media;
    uint64_t port;

    if (limits->max_media > 0 && r->sdp->media->len >= limits->max_media)
        return stoa_fail(error, STOA_ERROR_LIMIT,
                         "SDP line %u: more than %u m-lines, the limit of this server", r->line,
                         limits->max_media);
    if (!stoa_sdp_scan_is_token(kind, 32) || !stoa_sdp_scan_number(port_text, UINT16_MAX, &port) ||
        !stoa_sdp_scan_is_token(proto, 64) || !stoa_sdp_scan_is_token(format, 64))
        return stoa_sdp_attribute_fail(r, "m=", &value,
                                       "a kind, a port, a protocol and formats: "
                                       "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                                       error);
    begin_media(r);
    media = r->media;
    media->kind = kind_of(kind);
    media->kind_text = stoa_sdp_scan_keep(strings, kind);
    media->port = (uint16_t)port;
    media->proto = stoa_sdp_scan_keep(strings, proto);
    media->format = stoa_sdp_scan_keep(strings, format);
    if (media->kind == STOA_SDP_APPLICATION)
        read_sctp(media, proto, format);
    if (media->kind != STOA_SDP_AUDIO && media->kind != STOA_SDP_VIDEO)
        return true;
    return !strstr(media->proto, "RTP/") || read_payload_types(r, formats, error);
}

/* -- other lines ----------------------------------------------------------------------------------- */

/* "- 4711 2 IN IP4 127.0.0.1". Nobody depends on it: what is no number counts as 0. */
static void read_origin(StoaSdp *sdp, StoaSdpText value)
{
    stoa_sdp_scan_word(&value);
    stoa_sdp_scan_number(stoa_sdp_scan_word(&value), UINT64_MAX, &sdp->session_id);
    stoa_sdp_scan_number(stoa_sdp_scan_word(&value), UINT64_MAX, &sdp->version);
}

static void read_bandwidth(StoaSdpMedia *media, StoaSdpText value)
{
    StoaSdpText type = stoa_sdp_scan_until(&value, ':');
    uint64_t number;

    if (!media || !stoa_sdp_scan_number(value, UINT32_MAX, &number))
        return;
    if (stoa_sdp_scan_is(type, "TIAS"))
        media->bandwidth_bps = number;
    else if (stoa_sdp_scan_is(type, "AS") && media->bandwidth_bps == 0)
        media->bandwidth_bps = number * 1000;
}

static bool read_attribute(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText name = stoa_sdp_scan_until(&value, ':');

    return stoa_sdp_attribute_read(r, name, value, error);
}

static bool has_control(StoaSdpText line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.at[i] < ' ' ? line.at[i] != '\t' : line.at[i] == 0x7f)
            return true;
    return false;
}

static bool read_line(StoaSdpReader *r, StoaSdpText line, const StoaSdpLimits *limits,
                      GError **error)
{
    StoaSdpText value;

    if (has_control(line))
        return stoa_sdp_attribute_fail(r, "a control character", NULL, "text", error);
    if (line.len < 2 || line.at[1] != '=')
        return stoa_sdp_attribute_fail(r, "the line", &line, "a letter, \"=\" and a value", error);
    value = (StoaSdpText){ line.at + 2, line.len - 2 };
    switch (line.at[0]) {
    case 'a': return read_attribute(r, value, error);
    case 'm': return read_media_line(r, value, limits, error);
    case 'b': read_bandwidth(r->media, value); return true;
    case 'o': read_origin(r->sdp, value); return true;
    case 's': r->sdp->name = stoa_sdp_scan_keep(r->sdp->strings, value); return true;
    default: return true;
    }
}

/* The next line that is not empty, without its end. */
static bool next_line(StoaSdpReader *r, StoaSdpText *rest, StoaSdpText *line)
{
    while (rest->len > 0) {
        *line = stoa_sdp_scan_until(rest, '\n');
        r->line++;
        while (line->len > 0 && line->at[line->len - 1] == '\r')
            line->len--;
        if (line->len > 0)
            return true;
    }
    return false;
}

static bool read_version(StoaSdpReader *r, StoaSdpText *rest, GError **error)
{
    StoaSdpText line;

    return (next_line(r, rest, &line) && stoa_sdp_scan_is(line, "v=0")) ||
           stoa_fail(error, STOA_ERROR_INVALID,
                     "this is no session description: it does not begin with \"v=0\"");
}

static bool read_lines(StoaSdpReader *r, StoaSdpText rest, const StoaSdpLimits *limits,
                       GError **error)
{
    StoaSdpText line;

    while (next_line(r, &rest, &line))
        if (!read_line(r, line, limits, error))
            return false;
    finish_media(r);
    return true;
}

/* A mid of its own for each m-line that has none: its index. */
static bool name_media(StoaSdp *sdp, GError **error)
{
    for (guint i = 0; i < sdp->media->len; i++) {
        StoaSdpMedia *media = g_ptr_array_index(sdp->media, i);
        char index[16];

        if (media->has_mid)
            continue;
        g_snprintf(index, sizeof index, "%u", i);
        media->mid = g_string_chunk_insert(sdp->strings, index);
        if (!g_hash_table_insert(sdp->by_mid, (gpointer)media->mid, media))
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "SDP line %u: the m-line has no a=mid, and another one is called "
                             "\"%s\": give every m-line a mid",
                             media->line, index);
    }
    return true;
}

static StoaSdp *read_text(const char *text, size_t len, const StoaSdpLimits *limits,
                          bool is_fragment, GError **error)
{
    g_autoptr(StoaSdp) sdp = NULL;
    StoaSdpReader reader = { .direction = STOA_SDP_SENDRECV };
    StoaSdpText rest = { text, len };

    limits = limits ? limits : &no_limits;
    if (limits->max_bytes > 0 && len > limits->max_bytes) {
        stoa_fail(error, STOA_ERROR_LIMIT,
                  "the SDP has %zu bytes, this server takes %zu: send fewer m-lines", len,
                  limits->max_bytes);
        return NULL;
    }
    if (!g_utf8_validate_len(text, len, NULL)) {
        stoa_fail(error, STOA_ERROR_INVALID, "the SDP is not UTF-8 text");
        return NULL;
    }
    sdp = sdp_new();
    reader.sdp = sdp;
    if ((!is_fragment && !read_version(&reader, &rest, error)) ||
        !read_lines(&reader, rest, limits, error) || !name_media(sdp, error))
        return NULL;
    return g_steal_pointer(&sdp);
}

StoaSdp *stoa_sdp_read(const char *text, size_t len, const StoaSdpLimits *limits, GError **error)
{
    return read_text(text, len, limits, false, error);
}

StoaSdp *stoa_sdp_read_fragment(const char *text, size_t len, const StoaSdpLimits *limits,
                                GError **error)
{
    return read_text(text, len, limits, true, error);
}
