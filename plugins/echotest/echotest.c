/* SPDX-License-Identifier: MIT */
/* Sends your audio, video and data back to you. (Janus API, section 9) */
#include <stoa/plugin.h>

#include <string.h>

typedef struct {
    bool audio_off, video_off;     /* not echoed now */
    char *audiocodec, *videocodec; /* wished first; NULL: any */
    char *videoprofile;
    int64_t bitrate;                      /* bits per second; 0: no limit */
    int64_t substream, temporal, spatial; /* wished at most plus one; 0: no wish */
    int64_t min_delay, max_delay;         /* in steps of 10 ms, plus one; 0: no wish */
} EchoHandle;

enum { DELAY_STEP_MS = 10, MAX_DELAY = 4095 };

#define AUDIO_CODECS "opus,pcmu,pcma,g722"
#define VIDEO_CODECS "vp8,vp9,h264,av1"

static const char you_wrote[] = "Stoa is listening. You wrote: ";

/* -- media ------------------------------------------------------------------------------------ */

/* Hold or let go what is echoed, and its layers, as the client wished. */
static void apply_to_sink(StoaSink *sink, void *data)
{
    const EchoHandle *state = data;
    bool video = stoa_sink_kind(sink) == STOA_VIDEO;

    stoa_sink_pause(sink, video ? state->video_off : state->audio_off);
    if (video && (state->substream || state->temporal))
        stoa_sink_limit(sink, (int)state->substream - 1, (int)state->temporal - 1);
    if (video && state->spatial)
        stoa_sink_limit_spatial(sink, (int)state->spatial - 1);
    if (video)
        stoa_sink_delay(sink, (int)(state->min_delay - 1) * DELAY_STEP_MS,
                        (int)(state->max_delay - 1) * DELAY_STEP_MS);
}

static void ask_keyframe(StoaTrack *track, void *data G_GNUC_UNUSED)
{
    stoa_track_keyframe(track);
}

static void track_added(StoaHandle *handle, StoaTrack *track)
{
    g_autoptr(GError) error = NULL;

    if (stoa_track_info(track)->kind == STOA_DATA)
        return;
    StoaSink *sink = stoa_track_send(track, handle, &error);
    if (sink)
        apply_to_sink(sink, stoa_handle_state(handle));
    else
        stoa_module_log(stoa_handle_module(handle), G_LOG_LEVEL_WARNING,
                        "cannot echo the track %s: %s", stoa_track_info(track)->mid,
                        error->message);
}

static void disconnected(StoaHandle *handle, const char *reason G_GNUC_UNUSED)
{
    stoa_handle_send(handle, json_pack("{s:s, s:s}", "echotest", "event", "result", "done"));
}

static void layer_changed(StoaSink *sink, int substream, int temporal)
{
    StoaTrack *track = stoa_sink_track(sink);
    json_t *body =
        json_pack("{s:s, s:s*}", "echotest", "event", "videocodec", stoa_sink_codec(sink));

    if (substream >= 0)
        json_object_set_new(body, "substream", json_integer(substream));
    json_object_set_new(body, "temporal", json_integer(temporal));
    if (track && stoa_track_info(track)->temporal_layers > 0)
        json_object_set_new(body, "tot_temporal_layers",
                            json_integer(stoa_track_info(track)->temporal_layers));
    if (track)
        stoa_handle_send(stoa_track_handle(track), body);
    else
        json_decref(body);
}

static void slow_link(StoaHandle *handle, const char *mid G_GNUC_UNUSED, StoaKind kind, bool uplink,
                      unsigned lost G_GNUC_UNUSED)
{
    const EchoHandle *state = stoa_handle_state(handle);

    if (!uplink)
        return;
    stoa_handle_send(handle, json_pack("{s:s, s:s, s:s, s:I}", "echotest", "event", "event",
                                       "slow_link", "media", kind == STOA_VIDEO ? "video" : "audio",
                                       "current-bitrate", (json_int_t)state->bitrate));
}

static void data_received(StoaHandle *handle, const char *label, const void *buf, size_t len,
                          bool text)
{
    g_autoptr(GString) answer = NULL;

    if (!text) {
        stoa_handle_send_data(handle, label, buf, len, false);
        return;
    }
    answer = g_string_sized_new(sizeof you_wrote + len);
    g_string_append(answer, you_wrote);
    g_string_append_len(answer, buf, (gssize)len);
    stoa_handle_send_data(handle, label, answer->str, answer->len, true);
}

/* -- the one request ---------------------------------------------------------------------------- */

static bool wishes_anything(StoaRequest *req)
{
    static const char *const fields[] = {
        "audio",         "video",          "bitrate",      "record",    "substream", "temporal",
        "audiocodec",    "videocodec",     "videoprofile", "min_delay", "max_delay", "svc",
        "spatial_layer", "temporal_layer", "stats",        "spatial"
    };

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (stoa_request_has(req, fields[i]))
            return true;
    }
    return stoa_request_jsep(req) != STOA_JSEP_NONE;
}

static void note_text(StoaRequest *req, const char *name, char **text)
{
    if (!stoa_request_has(req, name))
        return;
    g_free(*text);
    *text = g_strdup(stoa_request_string(req, name));
}

static void note_wishes(StoaRequest *req, EchoHandle *state)
{
    if (stoa_request_has(req, "audio"))
        state->audio_off = !stoa_request_bool(req, "audio");
    if (stoa_request_has(req, "video"))
        state->video_off = !stoa_request_bool(req, "video");
    if (stoa_request_has(req, "substream"))
        state->substream = stoa_request_int(req, "substream") + 1;
    if (stoa_request_has(req, "temporal"))
        state->temporal = stoa_request_int(req, "temporal") + 1;
    else if (stoa_request_has(req, "temporal_layer"))
        state->temporal = stoa_request_int(req, "temporal_layer") + 1;
    if (stoa_request_has(req, "spatial"))
        state->spatial = stoa_request_int(req, "spatial") + 1;
    else if (stoa_request_has(req, "spatial_layer"))
        state->spatial = stoa_request_int(req, "spatial_layer") + 1;
    if (stoa_request_has(req, "min_delay"))
        state->min_delay = stoa_request_int(req, "min_delay") + 1;
    if (stoa_request_has(req, "max_delay"))
        state->max_delay = stoa_request_int(req, "max_delay") + 1;
    note_text(req, "audiocodec", &state->audiocodec);
    note_text(req, "videocodec", &state->videocodec);
    note_text(req, "videoprofile", &state->videoprofile);
}

/* The wished codec first, then all of them: an offer without it is echoed too. */
static char *codecs_from(const char *wish, const char *all)
{
    return wish ? g_strdup_printf("%s,%s", wish, all) : g_strdup(all);
}

static bool accept_offer(StoaRequest *req, const EchoHandle *state, GError **error)
{
    g_autofree char *audio = codecs_from(state->audiocodec, AUDIO_CODECS);
    g_autofree char *video = codecs_from(state->videocodec, VIDEO_CODECS);
    bool h264 = g_strcmp0(state->videocodec, "h264") == 0;
    bool vp9 = g_strcmp0(state->videocodec, "vp9") == 0;
    StoaMediaRules rules = { .receive = true,
                             .send = true,
                             .data = true,
                             .audio_codecs = audio,
                             .video_codecs = state->videocodec ? video : NULL,
                             .h264_profile = h264 ? state->videoprofile : NULL,
                             .vp9_profile = vp9 ? state->videoprofile : NULL };

    return stoa_request_accept_offer(req, &rules, error);
}

static bool got_stats(StoaRequest *req, const json_t *stats, GError **error G_GNUC_UNUSED)
{
    stoa_request_reply(req, json_pack("{s:s, s:s, s:O}", "echotest", "event", "result", "ok",
                                      "stats", (json_t *)stats));
    return true;
}

static bool on_message(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    EchoHandle *state = stoa_handle_state(handle);
    bool video_was_off = state->video_off;

    if (!wishes_anything(req))
        return stoa_refuse(error, "wrong_type",
                           "nothing to do: send a jsep offer, or one of audio, video, bitrate");
    if (stoa_request_jsep(req) == STOA_JSEP_ANSWER)
        return stoa_refuse(error, "wrong_jsep", "an echo test takes an offer, not an answer");
    if (stoa_request_int(req, "max_delay") >= 0 && stoa_request_has(req, "max_delay") &&
        stoa_request_int(req, "min_delay") > stoa_request_int(req, "max_delay"))
        return stoa_refuse(error, "wrong_type",
                           "min_delay is above max_delay: no player can do both");
    note_wishes(req, state);
    if (stoa_request_jsep(req) == STOA_JSEP_OFFER && !accept_offer(req, state, error))
        return false;
    if (stoa_request_has(req, "bitrate")) {
        state->bitrate = stoa_request_int(req, "bitrate");
        stoa_handle_bitrate(handle, (uint32_t)state->bitrate);
    }
    stoa_handle_foreach_sink(handle, apply_to_sink, state);
    if (video_was_off && !state->video_off)
        stoa_handle_foreach_track(handle, ask_keyframe, NULL);
    stoa_request_reply(req, json_pack("{s:s, s:s}", "echotest", "event", "result", "ok"));
    if (stoa_request_bool(req, "stats"))
        stoa_request_stats(req, got_stats);
    return true;
}

static void detached(StoaHandle *handle)
{
    EchoHandle *state = stoa_handle_state(handle);

    g_free(state->audiocodec);
    g_free(state->videocodec);
    g_free(state->videoprofile);
}

static json_t *info(StoaHandle *handle)
{
    const EchoHandle *state = stoa_handle_state(handle);

    return json_pack("{s:b, s:b, s:I}", "audio_active", !state->audio_off, "video_active",
                     !state->video_off, "bitrate", (json_int_t)state->bitrate);
}

/* -- tables --------------------------------------------------------------------------------------- */

static const char *const audio_codecs[] = { "opus", "pcmu", "pcma", "g722", NULL };
static const char *const video_codecs[] = { "vp8", "vp9", "h264", "av1", NULL };

static const StoaParam params[] = {
    { "audio", STOA_BOOL, .help = "whether your audio comes back" },
    { "video", STOA_BOOL, .help = "whether your video comes back" },
    { "bitrate", STOA_INT, .min = 0, .max = UINT32_MAX,
      .help = "the most your video may take, bits per second; 0: no limit" },
    { "stats", STOA_BOOL, .help = "true: tell what is measured of your streams" },
    { "record", STOA_BOOL, .help = "taken for the sake of clients; nothing is recorded" },
    { "filename", STOA_STRING, .help = "taken for the sake of clients" },
    { "substream", STOA_INT, .min = 0, .max = 2, .help = "the simulcast layer wanted at most" },
    { "temporal", STOA_INT, .min = 0, .max = 2, .help = "the temporal layer wanted at most" },
    { "svc", STOA_BOOL, .help = "taken for the sake of clients" },
    { "spatial", STOA_INT, .min = 0, .max = 2, .help = "the spatial layer wanted at most" },
    { "spatial_layer", STOA_INT, .min = 0, .max = 2, .help = "the same as spatial" },
    { "temporal_layer", STOA_INT, .min = 0, .max = 2, .help = "the same as temporal" },
    { "audiocodec", STOA_ENUM, .choices = audio_codecs, .help = "the audio codec to prefer" },
    { "videocodec", STOA_ENUM, .choices = video_codecs, .help = "the video codec to prefer" },
    { "videoprofile", STOA_STRING, .max = 16,
      .help = "profile of H.264 or VP9: \"42e01f\", \"2\"" },
    { "min_delay", STOA_INT, .min = -1, .max = MAX_DELAY,
      .help = "your player holds pictures back so long at least, in steps of 10 ms; -1: any" },
    { "max_delay", STOA_INT, .min = -1, .max = MAX_DELAY,
      .help = "and so long at most, 0: show at once; -1: any" },
    { NULL },
};

static const StoaMethod methods[] = {
    { "", on_message, STOA_ROLE_ANYONE, params, "Start the echo with an offer, or change it" },
    { NULL },
};

/* The first row of a code serves its nameless failures. */
static const StoaNumber numbers[] = {
    { "wrong_type", STOA_ERROR_INVALID, 413 },      { "no_message", STOA_ERROR_INVALID, 411 },
    { "bad_json", STOA_ERROR_INVALID, 412 },        { "missing_element", STOA_ERROR_INVALID, 413 },
    { "unknown_request", STOA_ERROR_INVALID, 413 }, { "wrong_jsep", STOA_ERROR_CONFLICT, 414 },
    { "bad_sdp", STOA_ERROR_INVALID, 414 },         { "wrong_state", STOA_ERROR_CONFLICT, 414 },
    { "unknown", STOA_ERROR_INTERNAL, 499 },        { NULL },
};

STOA_PLUGIN(.name = "echotest", .version = "1.0",
            .summary = "Sends your audio, video and data back to you", .vocabulary = "echotest",
            .scope = STOA_SCOPE_HANDLE, .caps = STOA_CAP_MEDIA | STOA_CAP_DATA, .methods = methods,
            .numbers = numbers, .handle_size = sizeof(EchoHandle), .detached = detached,
            .info = info, .disconnected = disconnected, .track_added = track_added,
            .layer_changed = layer_changed, .slow_link = slow_link, .data_received = data_received)
