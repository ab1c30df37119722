/* SPDX-License-Identifier: MIT */
/* What a room is set to: one table for conf, `create` and `edit`. */
#include "videoroom.h"

#include <string.h>

/* clang-format off */
#define ROW(type, member, fallback, min, max, help) \
    { #member, type, STOA_LIVE, offsetof(VrSettings, member), fallback, min, max, help }
#define SECRET(member, help) \
    { #member, STOA_STRING, STOA_LIVE | STOA_SECRET, offsetof(VrSettings, member), "", 0, 0, help }
#define TEXT(member, fallback, help)     ROW(STOA_STRING, member, fallback, 0, 0, help)
#define CODECS(member, fallback, known, help) \
    { #member, STOA_STRING, STOA_LIVE, offsetof(VrSettings, member), fallback, 0, 0, help, known, STOA_FORM_CHOICES }
#define BOOL(member, fallback, help)     ROW(STOA_BOOL, member, fallback, 0, 0, help)
#define INT(member, fallback, max, help) ROW(STOA_INT, member, fallback, 0, max, help)
/* clang-format on */

static const char *const audio_codecs[] = { "opus", "pcmu", "pcma", "g722", NULL };
static const char *const video_codecs[] = { "vp8", "vp9", "h264", "av1", NULL };

enum { LEAST_BITRATE = 64000 };

const StoaOption vr_room_options[] = {
    TEXT(description, "", "What the room is called; empty: Room NUMBER"),
    BOOL(is_private, "false", "Whether list leaves it out"),
    SECRET(secret, "Needed to edit, moderate and destroy it; empty: anybody may"),
    SECRET(pin, "Needed to come in; empty: anybody may"),
    INT(publishers, "3", 10000, "Publishers at one time"),
    INT(bitrate, "0", UINT32_MAX,
        "Bits per second that a publisher is asked to keep its video to; 0: no limit"),
    BOOL(bitrate_cap, "false", "Whether a publisher's own wish may not go above bitrate"),
    INT(fir_freq, "0", 86400, "Seconds between keyframe requests to publishers; 0: on demand only"),
    CODECS(audiocodec, "opus", audio_codecs,
           "Audio codecs that may be published, the preferred first"),
    CODECS(videocodec, "vp8", video_codecs,
           "Video codecs that may be published, the preferred first"),
    TEXT(h264_profile, "", "The H.264 profile to accept, like 42e01f; empty: any"),
    TEXT(vp9_profile, "", "The VP9 profile to accept, 0 to 3; empty: any"),
    BOOL(opus_fec, "true", "Whether publishers are asked for Opus in-band error correction"),
    BOOL(opus_red, "false",
         "Whether publishers are asked to send Opus twice, against losses (RED)"),
    BOOL(opus_dtx, "false", "Whether publishers are asked to send no Opus during silence"),
    BOOL(audiolevel_ext, "true", "Whether the audio level extension is negotiated"),
    BOOL(audiolevel_event, "false", "Whether the publishers are told who talks"),
    BOOL(speaker_event, "false", "Whether the publishers are told who has the floor"),
    ROW(STOA_INT, audio_active_packets, "100", 1, 10000,
        "Packets over which the audio level is averaged"),
    ROW(STOA_INT, audio_level_average, "25", 0, 127,
        "The average that counts as talking: 0 loudest, 127 silence"),
    BOOL(videoorient_ext, "true", "Whether the video orientation extension is negotiated"),
    BOOL(playoutdelay_ext, "true",
         "Whether players are told how long to wait, on lossy lines for repairs (playout delay "
         "extension)"),
    BOOL(transport_wide_cc_ext, "true", "Whether transport-wide congestion control is negotiated"),
    BOOL(notify_joining, "false", "Whether publishers are told of everybody who comes in"),
    BOOL(require_pvtid, "false", "Whether only those who came in as publishers may subscribe"),
    { NULL },
};

static char **text_at(VrSettings *settings, const StoaOption *row)
{
    return (char **)(void *)((char *)settings + row->offset);
}

static int64_t *int_at(VrSettings *settings, const StoaOption *row)
{
    return (int64_t *)(void *)((char *)settings + row->offset);
}

static bool *bool_at(VrSettings *settings, const StoaOption *row)
{
    return (bool *)((char *)settings + row->offset);
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

void vr_settings_init(VrSettings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (const StoaOption *row = vr_room_options; row->key; row++) {
        if (row->type == STOA_BOOL)
            *bool_at(settings, row) = g_str_equal(row->fallback, "true");
        else if (row->type == STOA_INT)
            *int_at(settings, row) = g_ascii_strtoll(row->fallback, NULL, 10);
        else if (*row->fallback)
            *text_at(settings, row) = g_strdup(row->fallback);
    }
}

void vr_settings_copy(VrSettings *to, const VrSettings *from)
{
    *to = *from;
    to->name = g_strdup(from->name);
    for (const StoaOption *row = vr_room_options; row->key; row++) {
        if (row->type == STOA_STRING)
            *text_at(to, row) = g_strdup(*text_at(to, row));
    }
}

void vr_settings_clear(VrSettings *settings)
{
    g_clear_pointer(&settings->name, g_free);
    for (const StoaOption *row = vr_room_options; row->key; row++) {
        if (row->type == STOA_STRING)
            g_clear_pointer(text_at(settings, row), g_free);
    }
}

void vr_settings_read(VrSettings *settings, const char *prefix, StoaRequest *req)
{
    for (const StoaOption *row = vr_room_options; row->key; row++) {
        g_autofree char *field = g_strconcat(prefix, row->key, NULL);

        if (!stoa_request_has(req, field))
            continue;
        if (row->type == STOA_BOOL)
            *bool_at(settings, row) = stoa_request_bool(req, field);
        else if (row->type == STOA_INT)
            *int_at(settings, row) = stoa_request_int(req, field);
        else
            set_text(text_at(settings, row), stoa_request_string(req, field));
    }
}

static bool is_one_of(const char *name, const char *const *known)
{
    for (; *known; known++) {
        if (g_str_equal(*known, name))
            return true;
    }
    return false;
}

/* "VP8, h264" becomes "vp8,h264"; an empty list the default. */
static bool tidy_codecs(char **list, const char *what, const char *fallback,
                        const char *const *known, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(*list && **list ? *list : fallback, -1);
    g_auto(GStrv) names = g_strsplit(lower, ",", 16);
    g_autofree char *fit = g_strjoinv(", ", (char **)known);

    for (char **name = names; *name; name++) {
        if (!is_one_of(g_strstrip(*name), known))
            return stoa_refuse(error, "wrong_type", "%s: \"%.32s\" is none of %s", what, *name,
                               fit);
    }
    g_free(*list);
    *list = g_strjoinv(",", names);
    return true;
}

bool vr_settings_check(VrSettings *settings, GError **error)
{
    if (!tidy_codecs(&settings->audiocodec, "audiocodec", "opus", audio_codecs, error) ||
        !tidy_codecs(&settings->videocodec, "videocodec", "vp8", video_codecs, error))
        return false;
    if (settings->bitrate > 0 && settings->bitrate < LEAST_BITRATE)
        settings->bitrate = LEAST_BITRATE; /* no camera gets below, and Janus clients count on it */
    return true;
}

bool vr_codec_is_in(const char *list, const char *codec)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    return is_one_of(codec, (const char *const *)names);
}
