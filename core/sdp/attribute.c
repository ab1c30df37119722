/* SPDX-License-Identifier: MIT */
/* The `a=` lines: one handler each, found by name in the table at the end. */
#include "sdp/attribute.h"

#include "sdp/candidate.h"
#include "sdp/stream.h"

#include <stoa/error.h>

#include "base/poison.h"

enum { MAX_TEXT = 256 };

bool stoa_sdp_attribute_fail(const StoaSdpReader *r, const char *what, const StoaSdpText *value,
                             const char *fits, GError **error)
{
    char shown[48] = "";

    if (value)
        stoa_sdp_scan_show(*value, shown);
    return stoa_fail(error, STOA_ERROR_INVALID, "SDP line %u: %s%s%s does not fit: it wants %s",
                     r->line, what, shown[0] ? " " : "", shown, fits);
}

const char *stoa_sdp_attribute_keep(const StoaSdpReader *r, StoaSdpText text)
{
    return stoa_sdp_scan_keep(r->sdp->strings, text);
}

bool stoa_sdp_attribute_too_many(const StoaSdpReader *r, const char *what, unsigned max,
                                 GError **error)
{
    return stoa_fail(error, STOA_ERROR_LIMIT, "SDP line %u: more than %u %s in one section",
                     r->line, max, what);
}

static StoaSdpTransport *transport_of(StoaSdpReader *r)
{
    return r->media ? &r->media->transport : &r->sdp->transport;
}

/* -- transport: session or m-line --------------------------------------------------------- */

static bool on_ice_ufrag(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    if (!stoa_sdp_scan_is_token(value, MAX_TEXT))
        return stoa_sdp_attribute_fail(r, "a=ice-ufrag", &value, "4 to 256 letters and digits",
                                       error);
    transport_of(r)->ufrag = stoa_sdp_attribute_keep(r, value);
    return true;
}

static bool on_ice_pwd(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    if (!stoa_sdp_scan_is_token(value, MAX_TEXT))
        return stoa_sdp_attribute_fail(r, "a=ice-pwd", NULL, "22 to 256 letters and digits", error);
    transport_of(r)->pwd = stoa_sdp_attribute_keep(r, value);
    return true;
}

static bool on_ice_options(StoaSdpReader *r, StoaSdpText value, GError **error G_GNUC_UNUSED)
{
    while (value.len > 0)
        if (stoa_sdp_scan_is(stoa_sdp_scan_word(&value), "trickle"))
            transport_of(r)->trickle = true;
    return true;
}

static bool on_ice_lite(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                        GError **error G_GNUC_UNUSED)
{
    r->sdp->ice_lite = true;
    return true;
}

static bool on_setup(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    static const StoaSdpSetup setups[] = { STOA_SDP_ACTPASS, STOA_SDP_ACTIVE, STOA_SDP_PASSIVE };

    for (size_t i = 0; i < G_N_ELEMENTS(setups); i++) {
        if (stoa_sdp_scan_is_like(value, stoa_sdp_setup_name(setups[i]))) {
            transport_of(r)->setup = setups[i];
            return true;
        }
    }
    return stoa_sdp_attribute_fail(r, "a=setup", &value, "actpass, active or passive", error);
}

/* The bytes of each hash. Others (md5, md2) prove nothing and are passed over. */
static unsigned hash_bytes(StoaSdpText hash)
{
    static const struct {
        const char *name;
        unsigned bytes;
    } hashes[] = {
        { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 }, { "sha-224", 28 }, { "sha-1", 20 }
    };

    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (stoa_sdp_scan_is_like(hash, hashes[i].name))
            return hashes[i].bytes;
    return 0;
}

/* "AB:CD:…", as many pairs as the hash has bytes. */
static bool is_hex_pairs(StoaSdpText digest, unsigned bytes)
{
    if (digest.len != (size_t)bytes * 3 - 1)
        return false;
    for (size_t i = 0; i < digest.len; i++)
        if (i % 3 == 2 ? digest.at[i] != ':' : !g_ascii_isxdigit(digest.at[i]))
            return false;
    return true;
}

static bool on_fingerprint(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpTransport *transport = transport_of(r);
    StoaSdpText rest = value;
    StoaSdpText hash = stoa_sdp_scan_word(&rest), digest = stoa_sdp_scan_word(&rest);
    unsigned bytes = hash_bytes(hash);
    char text[256];
    size_t n = 0;

    if (bytes == 0)
        return true;
    if (!is_hex_pairs(digest, bytes))
        return stoa_sdp_attribute_fail(r, "a=fingerprint", &value,
                                       "a hash and its bytes: sha-256 AB:CD:...", error);
    if (transport->fingerprint && g_str_has_prefix(transport->fingerprint, "sha-256 "))
        return true;
    for (size_t i = 0; i < hash.len; i++)
        text[n++] = g_ascii_tolower(hash.at[i]);
    text[n++] = ' ';
    for (size_t i = 0; i < digest.len; i++)
        text[n++] = g_ascii_toupper(digest.at[i]);
    transport->fingerprint = stoa_sdp_attribute_keep(r, (StoaSdpText){ text, n });
    return true;
}

/* -- the session ---------------------------------------------------------------------------- */

static bool on_group(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpGroup group = { 0 };

    if (r->media)
        return true;
    if (r->sdp->groups->len >= STOA_SDP_MAX_GROUPS)
        return stoa_sdp_attribute_too_many(r, "groups", STOA_SDP_MAX_GROUPS, error);
    group.semantics = stoa_sdp_attribute_keep(r, stoa_sdp_scan_word(&value));
    group.mids = g_ptr_array_new();
    while (value.len > 0) {
        StoaSdpText mid = stoa_sdp_scan_word(&value);

        if (mid.len > 0)
            g_ptr_array_add(group.mids, (gpointer)stoa_sdp_attribute_keep(r, mid));
    }
    g_array_append_val(r->sdp->groups, group);
    return true;
}

static bool on_extmap_allow_mixed(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                                  GError **error G_GNUC_UNUSED)
{
    if (r->media)
        r->media->extmap_allow_mixed = true;
    else
        r->sdp->extmap_allow_mixed = true;
    return true;
}

/* -- session or m-line: directions, header extensions, rtcp --------------------------------------- */

static bool find_direction(StoaSdpText name, StoaSdpDirection *direction)
{
    for (int d = STOA_SDP_INACTIVE; d <= STOA_SDP_SENDRECV; d++) {
        if (stoa_sdp_scan_is(name, stoa_sdp_direction_name((StoaSdpDirection)d))) {
            *direction = (StoaSdpDirection)d;
            return true;
        }
    }
    return false;
}

static bool on_extmap(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText number = stoa_sdp_scan_word(&rest), uri = stoa_sdp_scan_word(&rest);
    StoaSdpText id_text = stoa_sdp_scan_until(&number, '/');
    StoaSdpDirection direction = STOA_SDP_SENDRECV;
    StoaSdpExt ext = stoa_sdp_ext_find(uri.at, uri.len);
    StoaSdpExtmap *extmap;
    uint64_t id;

    if (!stoa_sdp_scan_number(id_text, UINT16_MAX, &id) || id == 0 || uri.len == 0 ||
        (number.len > 0 && !find_direction(number, &direction)))
        return stoa_sdp_attribute_fail(
            r, "a=extmap", &value, "an id from 1 to 255, a direction, a URI: 3/sendonly urn:...",
            error);
    if (ext == STOA_SDP_N_EXTS || id > 255) /* above: proposals without a number (RFC 8285, 6) */
        return true;
    extmap = r->media ? &r->media->exts[ext] : &r->exts[ext];
    if (extmap->id == 0)
        *extmap = (StoaSdpExtmap){ (uint8_t)id, direction };
    return true;
}

static bool on_rtcp_mux(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                        GError **error G_GNUC_UNUSED)
{
    *(r->media ? &r->media->rtcp_mux : &r->rtcp_mux) = true;
    return true;
}

static bool on_rtcp_rsize(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                          GError **error G_GNUC_UNUSED)
{
    *(r->media ? &r->media->rtcp_rsize : &r->rtcp_rsize) = true;
    return true;
}

/* -- the m-line ------------------------------------------------------------------------------ */

static bool on_mid(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpMedia *media = r->media;

    if (!stoa_sdp_scan_is_token(value, STOA_SDP_MID_MAX))
        return stoa_sdp_attribute_fail(r, "a=mid", &value, "1 to 31 visible characters", error);
    if (media->has_mid)
        return stoa_sdp_attribute_fail(r, "a second a=mid", &value, "one for each m-line", error);
    media->mid = stoa_sdp_attribute_keep(r, value);
    media->has_mid = true;
    if (!g_hash_table_insert(r->sdp->by_mid, (gpointer)media->mid, media))
        return stoa_sdp_attribute_fail(r, "a=mid", &value, "a mid that no other m-line has", error);
    return true;
}

static bool on_bundle_only(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                           GError **error G_GNUC_UNUSED)
{
    r->media->bundle_only = true;
    return true;
}

/* The payload that a line is about. NULL in `*payload`: not on the m= line, so of no interest. */
static bool payload_of(StoaSdpReader *r, StoaSdpText number, StoaSdpPayload **payload)
{
    uint64_t pt;

    if (!stoa_sdp_scan_number(number, 127, &pt))
        return false;
    *payload = r->payload_at[pt] < 0
                   ? NULL
                   : &g_array_index(r->media->payloads, StoaSdpPayload, (guint)r->payload_at[pt]);
    return true;
}

static bool on_rtpmap(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText number = stoa_sdp_scan_word(&rest), encoding = stoa_sdp_scan_word(&rest);
    StoaSdpText name = stoa_sdp_scan_until(&encoding, '/');
    StoaSdpText clock = stoa_sdp_scan_until(&encoding, '/');
    StoaSdpPayload *payload;
    uint64_t clock_hz, channels = 1;

    if (!payload_of(r, number, &payload) || !stoa_sdp_scan_is_token(name, 64) ||
        !stoa_sdp_scan_number(clock, UINT32_MAX, &clock_hz) || clock_hz == 0 ||
        (encoding.len > 0 && !stoa_sdp_scan_number(encoding, 255, &channels)))
        return stoa_sdp_attribute_fail(r, "a=rtpmap", &value,
                                       "a payload type from 0 to 127 and NAME/CLOCK or "
                                       "NAME/CLOCK/CHANNELS: 96 VP8/90000",
                                       error);
    if (!payload || payload->name)
        return true;
    payload->name = stoa_sdp_attribute_keep(r, name);
    payload->codec = stoa_sdp_codec_find(name.at, name.len);
    payload->clock_hz = (uint32_t)clock_hz;
    payload->channels = channels > 0 ? (unsigned)channels : 1;
    return true;
}

static bool on_fmtp(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText number = stoa_sdp_scan_word(&rest);
    StoaSdpPayload *payload;

    if (!payload_of(r, number, &payload))
        return stoa_sdp_attribute_fail(r, "a=fmtp", &value,
                                       "a payload type from 0 to 127 and its parameters", error);
    while (rest.len > 0 && *rest.at == ' ')
        rest = (StoaSdpText){ rest.at + 1, rest.len - 1 };
    if (payload && !payload->fmtp && rest.len > 0)
        payload->fmtp = stoa_sdp_attribute_keep(r, rest);
    return true;
}

static unsigned feedback_of(StoaSdpText type, StoaSdpText parameter)
{
    if (stoa_sdp_scan_is(type, "nack"))
        return parameter.len == 0                   ? STOA_SDP_FB_NACK
               : stoa_sdp_scan_is(parameter, "pli") ? STOA_SDP_FB_PLI
                                                    : 0;
    if (stoa_sdp_scan_is(type, "ccm"))
        return stoa_sdp_scan_is(parameter, "fir") ? STOA_SDP_FB_FIR : 0;
    if (stoa_sdp_scan_is(type, "goog-remb"))
        return STOA_SDP_FB_REMB;
    return stoa_sdp_scan_is(type, "transport-cc") ? STOA_SDP_FB_TWCC : 0;
}

static bool on_rtcp_fb(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText number = stoa_sdp_scan_word(&rest), type = stoa_sdp_scan_word(&rest);
    unsigned feedback = feedback_of(type, stoa_sdp_scan_word(&rest));
    StoaSdpPayload *payload;

    if (stoa_sdp_scan_is(number, "*")) {
        r->feedback_all |= feedback;
        return true;
    }
    if (!payload_of(r, number, &payload) || type.len == 0)
        return stoa_sdp_attribute_fail(r, "a=rtcp-fb", &value,
                                       "a payload type or *, and a kind of feedback: 96 nack pli",
                                       error);
    if (payload)
        payload->feedback |= feedback;
    return true;
}

/* -- candidates and data channels --------------------------------------------------------------- */

/* A broken candidate costs one path, not the call. */
static bool on_candidate(StoaSdpReader *r, StoaSdpText value, GError **error G_GNUC_UNUSED)
{
    StoaSdpCandidate candidate;
    StoaSdpText whole = { value.at - strlen("candidate:"), value.len + strlen("candidate:") };

    if (r->media->candidates->len < STOA_SDP_MAX_CANDIDATES && value.len > 0 &&
        stoa_sdp_candidate_read(whole.at, whole.len, r->sdp->strings, &candidate, NULL))
        g_array_append_val(r->media->candidates, candidate);
    return true;
}

static bool on_end_of_candidates(StoaSdpReader *r, StoaSdpText value G_GNUC_UNUSED,
                                 GError **error G_GNUC_UNUSED)
{
    if (r->media)
        r->media->end_of_candidates = true;
    return true;
}

static bool on_sctp_port(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    uint64_t port;

    if (!stoa_sdp_scan_number(value, UINT16_MAX, &port) || port == 0)
        return stoa_sdp_attribute_fail(r, "a=sctp-port", &value, "a port from 1 to 65535", error);
    r->media->sctp_port = (uint16_t)port;
    return true;
}

static bool on_sctpmap(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    return on_sctp_port(r, stoa_sdp_scan_word(&value), error);
}

static bool on_max_message_size(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    if (!stoa_sdp_scan_number(value, UINT64_MAX, &r->media->max_message_size))
        return stoa_sdp_attribute_fail(r, "a=max-message-size", &value, "a number of bytes", error);
    return true;
}

static const struct {
    const char *name;
    bool in_session; /* it also stands before the first m-line */
    StoaSdpHandler *handler;
} table[] = {
    { "rtpmap", false, on_rtpmap },
    { "fmtp", false, on_fmtp },
    { "rtcp-fb", false, on_rtcp_fb },
    { "ssrc", false, stoa_sdp_stream_ssrc },
    { "candidate", false, on_candidate },
    { "extmap", true, on_extmap },
    { "mid", false, on_mid },
    { "ice-ufrag", true, on_ice_ufrag },
    { "ice-pwd", true, on_ice_pwd },
    { "ice-options", true, on_ice_options },
    { "ice-lite", true, on_ice_lite },
    { "setup", true, on_setup },
    { "fingerprint", true, on_fingerprint },
    { "group", true, on_group },
    { "extmap-allow-mixed", true, on_extmap_allow_mixed },
    { "rtcp-mux", true, on_rtcp_mux },
    { "rtcp-rsize", true, on_rtcp_rsize },
    { "bundle-only", false, on_bundle_only },
    { "msid", false, stoa_sdp_stream_msid },
    { "ssrc-group", false, stoa_sdp_stream_ssrc_group },
    { "rid", false, stoa_sdp_stream_rid },
    { "simulcast", false, stoa_sdp_stream_simulcast },
    { "end-of-candidates", true, on_end_of_candidates },
    { "sctp-port", false, on_sctp_port },
    { "sctpmap", false, on_sctpmap },
    { "max-message-size", false, on_max_message_size },
};

bool stoa_sdp_attribute_read(StoaSdpReader *r, StoaSdpText name, StoaSdpText value, GError **error)
{
    StoaSdpDirection direction;

    if (find_direction(name, &direction)) {
        *(r->media ? &r->media->direction : &r->direction) = direction;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        if (stoa_sdp_scan_is(name, table[i].name))
            return !(r->media || table[i].in_session) || table[i].handler(r, value, error);
    return true;
}
