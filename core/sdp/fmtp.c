/* SPDX-License-Identifier: MIT */
/* The parameters of a codec. */
#include "sdp/fmtp.h"

#include "sdp/scan.h"

#include "base/poison.h"

/* The next `key=value`, spaces around it taken off. Returns false at the end. */
static bool next_parameter(StoaSdpText *rest, StoaSdpText *key, StoaSdpText *value,
                           StoaSdpText *whole)
{
    while (rest->len > 0) {
        *whole = stoa_sdp_scan_until(rest, ';');
        while (whole->len > 0 && *whole->at == ' ')
            *whole = (StoaSdpText){ whole->at + 1, whole->len - 1 };
        while (whole->len > 0 && whole->at[whole->len - 1] == ' ')
            whole->len--;
        *value = *whole;
        *key = stoa_sdp_scan_until(value, '=');
        if (whole->len > 0)
            return true;
    }
    return false;
}

static bool find(const char *fmtp, const char *wanted, StoaSdpText *value)
{
    StoaSdpText rest = stoa_sdp_scan_text(fmtp), key, whole;

    while (next_parameter(&rest, &key, value, &whole))
        if (stoa_sdp_scan_is_like(key, wanted))
            return true;
    return false;
}

bool stoa_sdp_fmtp_get(const char *fmtp, const char *key, char *value, size_t size)
{
    StoaSdpText found;

    if (!find(fmtp, key, &found))
        return false;
    if (value && size > 0) {
        size_t n = MIN(found.len, size - 1);

        if (n > 0)
            memcpy(value, found.at, n);
        value[n] = '\0';
    }
    return true;
}

long stoa_sdp_fmtp_number(const char *fmtp, const char *key, long missing)
{
    StoaSdpText found;
    uint64_t number;

    if (!find(fmtp, key, &found) || !stoa_sdp_scan_number(found, INT32_MAX, &number))
        return missing;
    return (long)number;
}

static void append(GString *out, StoaSdpText text)
{
    if (out->len > 0)
        g_string_append_c(out, ';');
    g_string_append_len(out, text.at, (gssize)text.len);
}

/* It may be kept for long: without the room that a GString leaves at its end. */
static char *finish(GString *out)
{
    size_t len = out->len;
    char *text = g_string_free(out, len == 0);

    return text ? g_realloc(text, len + 1) : NULL;
}

char *stoa_sdp_fmtp_set_dup(const char *fmtp, const char *key, const char *value)
{
    GString *out = g_string_new(NULL);
    StoaSdpText rest = stoa_sdp_scan_text(fmtp), name, old, whole;
    g_autofree char *parameter = value ? g_strconcat(key, "=", value, NULL) : NULL;

    while (next_parameter(&rest, &name, &old, &whole)) {
        bool is_it = stoa_sdp_scan_is_like(name, key);

        if (!is_it)
            append(out, whole);
        else if (parameter)
            append(out, stoa_sdp_scan_text(parameter));
        if (is_it)
            g_clear_pointer(&parameter, g_free); /* once */
    }
    if (parameter)
        append(out, stoa_sdp_scan_text(parameter));
    return finish(out);
}

/* The first four digits of profile-level-id: profile and constraints. The level is in the last two. (RFC 6184, 8.1) */
static void h264_profile(const char *fmtp, char profile[5])
{
    if (!stoa_sdp_fmtp_get(fmtp, "profile-level-id", profile, 5))
        memcpy(profile, "4200", 5);
}

bool stoa_sdp_fmtp_same(StoaSdpCodec codec, const char *a, const char *b)
{
    char profile_a[5], profile_b[5];

    switch (codec) {
    case STOA_SDP_H264:
        h264_profile(a, profile_a);
        h264_profile(b, profile_b);
        return g_ascii_strcasecmp(profile_a, profile_b) == 0 &&
               stoa_sdp_fmtp_number(a, "packetization-mode", 0) ==
                   stoa_sdp_fmtp_number(b, "packetization-mode", 0);
    case STOA_SDP_VP9:
        return stoa_sdp_fmtp_number(a, "profile-id", 0) == stoa_sdp_fmtp_number(b, "profile-id", 0);
    case STOA_SDP_AV1:
        return stoa_sdp_fmtp_number(a, "profile", 0) == stoa_sdp_fmtp_number(b, "profile", 0);
    default: return true;
    }
}

char *stoa_sdp_fmtp_forward_dup(StoaSdpCodec codec, const char *fmtp)
{
    static const char *const limits[] = { "max-fs", "max-fr", "max-br", "maxplaybackrate",
                                          "maxaveragebitrate" };
    char *out = g_strdup(fmtp);

    if (codec == STOA_SDP_VP8)
        g_clear_pointer(&out, g_free);
    for (size_t i = 0; out && i < G_N_ELEMENTS(limits); i++) {
        char *shorter = stoa_sdp_fmtp_set_dup(out, limits[i], NULL);

        g_free(out);
        out = shorter;
    }
    return out;
}
