/* SPDX-License-Identifier: MIT */
/* Which codec of an offered m-line we take. */
#include "sdp/choose.h"

#include "sdp/fmtp.h"
#include "sdp/scan.h"

#include "base/poison.h"

static bool is_allowed(const StoaSdpKindRules *rules, StoaSdpCodec codec)
{
    StoaSdpText rest = stoa_sdp_scan_text(rules->codecs);

    if (!rules->codecs)
        return true;
    while (rest.len > 0) {
        StoaSdpText name = stoa_sdp_scan_until(&rest, ',');

        name = stoa_sdp_scan_word(&name);
        if (name.len > 0 && stoa_sdp_codec_find(name.at, name.len) == codec)
            return true;
    }
    return false;
}

static bool is_usable(const StoaSdpMedia *media, const StoaSdpPayload *payload)
{
    return payload->codec != STOA_SDP_CODEC_NONE &&
           stoa_sdp_codec_kind(payload->codec) == media->kind &&
           stoa_sdp_codec_clock_hz(payload->codec) == payload->clock_hz;
}

/* Constrained baseline in packets of any size is what every browser decodes. */
static int rate_h264(const char *fmtp, const char *wanted)
{
    char profile[8] = "420000";
    int rate = stoa_sdp_fmtp_number(fmtp, "packetization-mode", 0) == 1 ? 4 : 0;

    stoa_sdp_fmtp_get(fmtp, "profile-level-id", profile, sizeof profile);
    if (wanted && g_ascii_strncasecmp(profile, wanted, 4) == 0)
        rate += 8;
    if (g_ascii_strncasecmp(profile, "42e0", 4) == 0)
        rate += 2;
    else if (g_ascii_strncasecmp(profile, "4200", 4) == 0)
        rate += 1;
    return rate;
}

static int rate(const StoaSdpPayload *payload, const StoaSdpRules *rules)
{
    uint64_t vp9 = 0;

    switch (payload->codec) {
    case STOA_SDP_H264: return rate_h264(payload->fmtp, rules->h264_profile);
    case STOA_SDP_VP9:
        if (rules->vp9_profile)
            stoa_sdp_scan_number(stoa_sdp_scan_text(rules->vp9_profile), 3, &vp9);
        return stoa_sdp_fmtp_number(payload->fmtp, "profile-id", 0) == (long)vp9;
    case STOA_SDP_AV1: return stoa_sdp_fmtp_number(payload->fmtp, "profile", 0) == 0;
    default: return 0;
    }
}

/* The best payload of one codec, the first of equals. */
static const StoaSdpPayload *best_of(const StoaSdpMedia *media, StoaSdpCodec codec,
                                     const StoaSdpRules *rules)
{
    const StoaSdpPayload *best = NULL;

    for (guint i = 0; i < media->payloads->len; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (payload->codec == codec && is_usable(media, payload) &&
            (!best || rate(payload, rules) > rate(best, rules)))
            best = payload;
    }
    return best;
}

static const StoaSdpPayload *by_preference(const StoaSdpMedia *media,
                                           const StoaSdpKindRules *kind_rules,
                                           const StoaSdpRules *rules)
{
    StoaSdpText rest = stoa_sdp_scan_text(kind_rules->codecs);

    while (rest.len > 0) {
        StoaSdpText name = stoa_sdp_scan_until(&rest, ',');
        const StoaSdpPayload *payload;

        name = stoa_sdp_scan_word(&name);
        payload = best_of(media, stoa_sdp_codec_find(name.at, name.len), rules);
        if (payload)
            return payload;
    }
    return NULL;
}

static bool is_among(const StoaSdpPayload *const *list, unsigned n, StoaSdpCodec codec)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i]->codec == codec)
            return true;
    return false;
}

unsigned stoa_sdp_choose_others(const StoaSdpMedia *media, const StoaSdpKindRules *kind_rules,
                                const StoaSdpRules *rules, StoaSdpCodec first,
                                const StoaSdpPayload **others)
{
    StoaSdpText rest = stoa_sdp_scan_text(kind_rules->codecs);
    unsigned n = 0;

    while (rest.len > 0 && n < STOA_SDP_MAX_OTHERS) {
        StoaSdpText name = stoa_sdp_scan_until(&rest, ',');
        const StoaSdpPayload *payload;
        StoaSdpCodec codec;

        name = stoa_sdp_scan_word(&name);
        codec = stoa_sdp_codec_find(name.at, name.len);
        payload =
            codec != first && !is_among(others, n, codec) ? best_of(media, codec, rules) : NULL;
        if (payload)
            others[n++] = payload;
    }
    return n;
}

static const StoaSdpPayload *by_offer(const StoaSdpMedia *media, const StoaSdpRules *rules)
{
    for (guint i = 0; i < media->payloads->len; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (is_usable(media, payload))
            return best_of(media, payload->codec, rules);
    }
    return NULL;
}

const StoaSdpPayload *stoa_sdp_choose_same(const StoaSdpMedia *media, StoaSdpCodec codec,
                                           const char *fmtp)
{
    for (guint i = 0; i < media->payloads->len; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (payload->codec == codec && is_usable(media, payload) &&
            stoa_sdp_fmtp_same(codec, payload->fmtp, fmtp))
            return payload;
    }
    return NULL;
}

const StoaSdpPayload *stoa_sdp_choose_payload(const StoaSdpMedia *media,
                                              const StoaSdpKindRules *kind_rules,
                                              const StoaSdpRules *rules, const StoaSdpLine *before)
{
    if (before && before->accepted && before->codec && is_allowed(kind_rules, before->codec)) {
        const StoaSdpPayload *same = stoa_sdp_choose_same(media, before->codec, before->fmtp);

        if (same)
            return same;
    }
    return kind_rules->codecs ? by_preference(media, kind_rules, rules) : by_offer(media, rules);
}

int stoa_sdp_choose_rtx(const StoaSdpMedia *media, int pt)
{
    for (guint i = 0; i < media->payloads->len; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (payload->codec == STOA_SDP_RTX && payload->apt == pt)
            return payload->pt;
    }
    return -1;
}

/* "111/111": the primary and its copies are of the same payload type. (RFC 2198, 5) */
static bool red_holds(const StoaSdpPayload *red, int pt)
{
    StoaSdpText rest = stoa_sdp_scan_text(red->fmtp);
    uint64_t number;

    return !red->fmtp || (stoa_sdp_scan_number(stoa_sdp_scan_until(&rest, '/'), 127, &number) &&
                          (int)number == pt);
}

int stoa_sdp_choose_red(const StoaSdpMedia *media, int pt)
{
    const StoaSdpPayload *inner = stoa_sdp_payload(media, pt);

    for (guint i = 0; i < media->payloads->len && media->kind == STOA_SDP_AUDIO; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (payload->codec == STOA_SDP_RED && inner && payload->clock_hz == inner->clock_hz &&
            red_holds(payload, pt))
            return payload->pt;
    }
    return -1;
}
