/* SPDX-License-Identifier: MIT */
/* The fields of each request; the core checks them before a handler runs. Fields not named here are not looked at. */
#include "params.h"

#include "videoroom.h"

/* clang-format off */
#define ID(name, flags, text)  { name, STOA_ID, flags, .help = text }
#define BOOL(name, text)       { name, STOA_BOOL, .help = text }
#define INT(name, most, text)  { name, STOA_INT, 0, 0, most, .help = text }
#define TEXT(name, most, text) { name, STOA_STRING, 0, 0, most, .help = text }
#define SECRET(name, text)     { name, STOA_STRING, STOA_SECRET, 0, 256, .help = text }
#define MID(name, text)        { name, STOA_STRING, 0, 1, 64, .help = text }
#define LAYER(name, text)      { name, STOA_INT, 0, 0, 2, .help = text }
#define TOKENS(name) \
    { name, STOA_ARRAY, STOA_SECRET, .items = STOA_STRING, .help = "tokens of people who may come in" }
/* clang-format on */
#define ROOM        ID("room", 0, "the room's number; not needed with a participant token")
#define ROOM_SECRET SECRET("secret", "the room's secret, if it has one")
#define PERMANENT   BOOL("permanent", "taken, but rooms are kept in conf/videoroom.conf only")

/* What a room is set to, with the prefix of `edit`. */
#define SETTINGS(p)                                                                                \
    TEXT(p "description", 1024, "what the room is called"),                                        \
        BOOL(p "is_private", "whether list leaves it out"),                                        \
        SECRET(p "secret", "a secret for its management"), SECRET(p "pin", "a secret to come in"), \
        INT(p "publishers", 10000, "publishers at one time"),                                      \
        INT(p "bitrate", UINT32_MAX, "bits per second for a publisher's video; 0: no limit"),      \
        BOOL(p "bitrate_cap", "whether that also limits a publisher's own wish"),                  \
        INT(p "fir_freq", 86400, "seconds between keyframe requests; 0: on demand"),               \
        TEXT(p "audiocodec", 256, "audio codecs, the preferred first: \"opus,pcmu\""),             \
        TEXT(p "videocodec", 256, "video codecs, the preferred first: \"vp8,h264\""),              \
        TEXT(p "vp9_profile", 16, "the VP9 profile to accept"),                                    \
        TEXT(p "h264_profile", 16, "the H.264 profile to accept"),                                 \
        BOOL(p "opus_fec", "ask for Opus in-band error correction"),                               \
        BOOL(p "opus_red", "ask for redundant Opus"),                                              \
        BOOL(p "opus_dtx", "ask for no Opus during silence"),                                      \
        BOOL(p "audiolevel_ext", "negotiate the audio level extension"),                           \
        BOOL(p "audiolevel_event", "tell the publishers who talks"),                               \
        BOOL(p "speaker_event", "tell the publishers who has the floor"),                          \
        { p "audio_active_packets", STOA_INT, 0, 1, 10000, .help = "packets to average over" },    \
        { p "audio_level_average", STOA_INT, 0, 0, 127, .help = "the level of talking" },          \
        BOOL(p "videoorient_ext", "negotiate the video orientation extension"),                    \
        BOOL(p "playoutdelay_ext", "negotiate the playout delay extension"),                       \
        BOOL(p "transport_wide_cc_ext", "negotiate transport-wide congestion control"),            \
        BOOL(p "notify_joining", "tell publishers of everybody who comes in"),                     \
        BOOL(p "require_pvtid", "let only publishers subscribe")

const StoaParam vr_room_params[] = { ROOM, { NULL } };
const StoaParam vr_owner_params[] = { ROOM, ROOM_SECRET, PERMANENT, { NULL } };
const StoaParam vr_list_params[] = {
    SECRET("admin_key", "shows private rooms too"),
    { NULL },
};

const StoaParam vr_create_params[] = {
    ID("room", 0, "its number; random if absent"),
    SETTINGS(""),
    TOKENS("allowed"),
    SECRET("admin_key", "the operator's key, if one is set"),
    PERMANENT,
    BOOL("record", "taken; recording is not there yet"),
    TEXT("rec_dir", 1024, "taken; recording is not there yet"),
    BOOL("lock_record", "taken; recording is not there yet"),
    BOOL("signed_tokens", "true is refused: not supported"),
    BOOL("require_e2ee", "true is refused: not supported"),
    BOOL("dummy_publisher", "true is refused: not supported"),
    { "dummy_streams", STOA_ARRAY, .help = "taken; there are no dummy publishers" },
    INT("threads", 1024, "taken; the media workers are the operator's"),
    { NULL },
};

const StoaParam vr_edit_params[] = {
    ROOM,
    ROOM_SECRET,
    SETTINGS("new_"),
    PERMANENT,
    BOOL("new_lock_record", "taken; recording is not there yet"),
    TEXT("new_rec_dir", 1024, "taken; recording is not there yet"),
    { NULL },
};

static const char *const actions[] = { "enable", "disable", "add", "remove", NULL };

const StoaParam vr_allowed_params[] = {
    ROOM,
    ROOM_SECRET,
    { "action", STOA_ENUM, STOA_REQUIRED, .choices = actions, .help = "what to do" },
    TOKENS("allowed"),
    { NULL },
};

#define PERSON ID("id", STOA_REQUIRED, "the participant")

const StoaParam vr_person_params[] = { ROOM, ROOM_SECRET, PERSON, { NULL } };

const StoaParam vr_moderate_params[] = {
    ROOM,
    ROOM_SECRET,
    PERSON,
    { "mid", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "the stream" },
    { "mute", STOA_BOOL, STOA_REQUIRED, .help = "true: nobody gets it until unmuted" },
    { NULL },
};

/* -- media ---------------------------------------------------------------------------------------- */

#define FALLBACK "microseconds after which a missing encoding is replaced by a lower one"

/* clang-format off */
#define DELAY(name, text) { name, STOA_INT, 0, -1, VR_MAX_DELAY, .help = text }
/* clang-format on */
#define DELAYS                                                                                     \
    DELAY("min_delay", "players hold pictures back so long at least, in steps of 10 ms; -1: any"), \
        DELAY("max_delay", "and so long at most, 0: show at once; -1: any")

#define LAST_N INT("last_n", 32, "a subscriber's: so many pictures, of those who spoke last")

/* As the events and Janus's demo pages call them. */
#define LAYER_NAMES \
    LAYER("spatial_layer", "the same as spatial"), LAYER("temporal_layer", "the same as temporal")

/* One stream that is subscribed to. */
#define WANTED                                                                     \
    ID("feed", 0, "the publisher"), MID("mid", "its stream; absent: all of them"), \
        TEXT("crossrefid", 256, "your own name for it"),                           \
        BOOL("send", "false: subscribed, but held back"),                          \
        LAYER("substream", "the simulcast layer wanted at most"),                  \
        LAYER("temporal", "the temporal layer wanted at most"),                    \
        LAYER("spatial", "the spatial layer (SVC) wanted at most"), LAYER_NAMES,   \
        INT("fallback", 60000000, FALLBACK), DELAYS

static const StoaParam wanted[] = { WANTED, { NULL } };

static const StoaParam unwanted[] = {
    ID("feed", 0, "the publisher"),
    MID("mid", "its stream; absent: all of them"),
    MID("sub_mid", "your own m-line"),
    { NULL },
};

static const StoaParam switched[] = {
    ID("feed", STOA_REQUIRED, "the publisher to show"),
    { "mid", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "its stream" },
    { "sub_mid", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "your m-line that shall show it" },
    { NULL },
};

static const StoaParam configured[] = {
    { "mid", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "your m-line" },
    BOOL("keyframe", "a publisher's: make a keyframe now"),
    BOOL("send", "whether it is relayed"),
    LAYER("substream", "a subscriber's: the simulcast layer wanted at most"),
    LAYER("temporal", "a subscriber's: the temporal layer wanted at most"),
    LAYER("spatial", "a subscriber's: the spatial layer (SVC) wanted at most"),
    LAYER_NAMES,
    INT("fallback", 60000000, FALLBACK),
    INT("audio_level_average", 127, "taken"),
    INT("audio_active_packets", 10000, "taken"),
    DELAYS,
    { NULL },
};

static const StoaParam described[] = {
    { "mid", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "your m-line" },
    { "description", STOA_STRING, STOA_REQUIRED, 0, 1024, .help = "what it shows" },
    { NULL },
};

/* What a publisher may set when it joins and later. */
#define PUBLISHING                                                                            \
    TEXT("display", 256, "the name that others see"),                                         \
        { "metadata", STOA_OBJECT, .help = "anything that others shall know" },               \
        INT("bitrate", UINT32_MAX, "bits per second for your video; 0: no limit"),            \
        BOOL("keyframe", "make keyframes now"),                                               \
        BOOL("record", "taken; recording is not there yet"),                                  \
        TEXT("filename", 1024, "taken; recording is not there yet"),                          \
        TEXT("audiocodec", 16, "the audio codec to use, of the room's"),                      \
        TEXT("videocodec", 16, "the video codec to use, of the room's"),                      \
        BOOL("audio", "whether audio is relayed"), BOOL("video", "whether video is relayed"), \
        BOOL("data", "whether data is relayed"), BOOL("update", "taken: an offer tells"),     \
        { "audio_active_packets", STOA_INT, 0, 1, 10000, .help = "packets to average over" }, \
        { "audio_level_average", STOA_INT, 0, 0, 127, .help = "the level of talking" },       \
    {                                                                                         \
        "descriptions", STOA_ARRAY, .fields = described, .help = "what your streams show"     \
    }

/* "listener" is what older clients of Janus say for "subscriber". */
static const char *const ptypes[] = { "publisher", "subscriber", "listener", NULL };

const StoaParam vr_join_params[] = {
    ROOM,
    { "ptype", STOA_ENUM, STOA_REQUIRED, .choices = ptypes, .help = "what this handle is" },
    SECRET("pin", "the room's pin, if it has one"),
    SECRET("token", "a token that the room knows"),
    ID("id", 0, "your own choice of a number; random if absent"),
    PUBLISHING,
    { "streams", STOA_ARRAY, .fields = wanted, .help = "what to subscribe to" },
    ID("feed", 0, "the older form: all streams of one publisher"),
    BOOL("offer_audio", "the older form: its audio"),
    BOOL("offer_video", "the older form: its video"),
    BOOL("offer_data", "the older form: its data"),
    LAYER("substream", "the older form: for its video"),
    LAYER("temporal", "the older form: for its video"),
    LAYER("spatial", "the older form: for its video"),
    LAYER_NAMES,
    INT("fallback", 60000000, FALLBACK),
    DELAYS,
    INT("private_id", UINT32_MAX, "yours, if you came in as a publisher too"),
    BOOL("autoupdate", "false: no offers by themselves when a feed goes"),
    BOOL("use_msid", "taken"),
    LAST_N,
    { NULL },
};

const StoaParam vr_configure_params[] = {
    PUBLISHING,
    { "streams", STOA_ARRAY, .fields = configured, .help = "single streams" },
    LAYER("substream", "a subscriber's: for all its video"),
    LAYER("temporal", "a subscriber's: for all its video"),
    INT("fallback", 60000000, FALLBACK),
    LAYER("spatial", "a subscriber's: the spatial layer (SVC) wanted at most"),
    LAYER_NAMES,
    DELAYS,
    LAST_N,
    BOOL("restart", "a subscriber's: an offer with new ICE credentials"),
    { NULL },
};

const StoaParam vr_subscribe_params[] = {
    { "streams", STOA_ARRAY, .fields = wanted, .help = "what to add" },
    { NULL },
};

const StoaParam vr_unsubscribe_params[] = {
    { "streams", STOA_ARRAY, .fields = unwanted, .help = "what to take away" },
    { NULL },
};

const StoaParam vr_update_params[] = {
    { "subscribe", STOA_ARRAY, .fields = wanted, .help = "what to add" },
    { "unsubscribe", STOA_ARRAY, .fields = unwanted, .help = "what to take away first" },
    { NULL },
};

const StoaParam vr_switch_params[] = {
    { "streams", STOA_ARRAY, .fields = switched, .help = "which stream into which m-line" },
    ID("feed", 0, "the older form: all of one publisher"),
    BOOL("audio", "the older form: its audio"),
    BOOL("video", "the older form: its video"),
    BOOL("data", "the older form: its data"),
    { NULL },
};
