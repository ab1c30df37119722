/* SPDX-License-Identifier: MIT */
#pragma once
/* A bed for connections: the functions of media/command.h only note what they were told, and a client made of text.
 *
 *   Bed       what a session would be: a connection, and the events that came
 *   FakePeer  what a worker would know */

#include "media/command.h"
#include "media/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* -- the fake worker ---------------------------------------------------------------------- */

typedef struct {
    StoaPeerId id;
    bool open, controlling, dtls_client, data;
    const StoaPeerEvents *events;
    void *user;
    StoaPeerLocal local;
    char ufrag[16], pwd[32];
    unsigned n_restarts, n_remotes;
    char *remote_ufrag, *remote_fingerprint;
    GPtrArray *candidates; /* of char *; "end" for the last */
    GArray *receives;      /* StoaReceive */
    GArray *sends;         /* StoaSend */
    StoaRtpExtIds ext;
    GHashTable *routes;   /* sink -> StoaTrackRef * */
    GHashTable *wishes;   /* "pause 1" -> "true" */
    GHashTable *taps;     /* track -> GDestroyNotify */
    unsigned n_keyframes; /* asked of any track */
    GString *sent;        /* data channel messages, one line each */
    uint32_t bitrate_bps, muted, watched;
} FakePeer;

static GPtrArray *fake_peers;  /* by id - 1 */
static bool fake_is_full;      /* the next open fails */
static bool fake_is_gathering; /* full ICE */

static inline FakePeer *fake_peer(StoaPeerId id)
{
    FakePeer *peer;

    assert_true(id > 0 && id <= fake_peers->len);
    peer = g_ptr_array_index(fake_peers, id - 1);
    assert_true(peer->open);
    return peer;
}

static inline void fake_set_local(FakePeer *peer)
{
    g_snprintf(peer->ufrag, sizeof peer->ufrag, "srv%u.%u", (unsigned)peer->id, peer->n_restarts);
    g_snprintf(peer->pwd, sizeof peer->pwd, "serverpassword%08u", peer->n_restarts);
    peer->local.ufrag = peer->ufrag;
    peer->local.pwd = peer->pwd;
    peer->local.fingerprint = "sha-256 "
                              "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                              "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    peer->local.lite = !fake_is_gathering;
    peer->local.gathering = fake_is_gathering;
}

static inline void fake_peer_free(gpointer data)
{
    FakePeer *peer = data;

    g_free(peer->remote_ufrag);
    g_free(peer->remote_fingerprint);
    g_ptr_array_unref(peer->candidates);
    g_ptr_array_unref(peer->local.candidates);
    g_array_unref(peer->receives);
    g_array_unref(peer->sends);
    g_hash_table_unref(peer->routes);
    g_hash_table_unref(peer->wishes);
    g_hash_table_unref(peer->taps);
    g_string_free(peer->sent, TRUE);
    g_free(peer);
}

StoaPeerId stoa_peer_open(StoaMedia *media, const StoaPeerSpec *spec, const StoaPeerLocal **local,
                          GError **error)
{
    FakePeer *peer;

    assert_null(media);
    if (fake_is_full)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "no port is free");
    peer = g_new0(FakePeer, 1);
    peer->id = fake_peers->len + 1;
    peer->open = true;
    peer->controlling = spec->controlling;
    peer->events = spec->events;
    peer->user = spec->user;
    peer->candidates = g_ptr_array_new_with_free_func(g_free);
    peer->receives = g_array_new(FALSE, FALSE, sizeof(StoaReceive));
    peer->sends = g_array_new(FALSE, FALSE, sizeof(StoaSend));
    peer->routes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    peer->wishes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    peer->taps = g_hash_table_new(NULL, NULL);
    peer->sent = g_string_new(NULL);
    peer->local.candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(peer->local.candidates,
                    g_strdup("candidate:1 1 udp 2130706431 192.0.2.1 10000 typ host"));
    fake_set_local(peer);
    g_ptr_array_add(fake_peers, peer);
    *local = &peer->local;
    return peer->id;
}

void stoa_peer_restart(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaPeerLocal **local)
{
    FakePeer *peer = fake_peer(id);

    peer->n_restarts++;
    fake_set_local(peer);
    *local = &peer->local;
}

void stoa_peer_set_remote(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *ufrag,
                          const char *pwd, const char *fingerprint, bool dtls_client, bool data)
{
    FakePeer *peer = fake_peer(id);

    assert_non_null(ufrag);
    assert_non_null(pwd);
    assert_non_null(fingerprint);
    peer->n_remotes++;
    g_free(peer->remote_ufrag);
    g_free(peer->remote_fingerprint);
    peer->remote_ufrag = g_strdup(ufrag);
    peer->remote_fingerprint = g_strdup(fingerprint);
    peer->dtls_client = dtls_client;
    peer->data = data;
}

void stoa_peer_add_candidate(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *candidate)
{
    FakePeer *peer = fake_peer(id);

    assert_non_null(peer->remote_ufrag); /* never before the description */
    g_ptr_array_add(peer->candidates, g_strdup(candidate ? candidate : "end"));
}

void stoa_peer_set_receives(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaReceive *rows,
                            unsigned n, const StoaRtpExtIds *ext)
{
    FakePeer *peer = fake_peer(id);

    g_array_set_size(peer->receives, 0);
    g_array_append_vals(peer->receives, rows, n);
    peer->ext = *ext;
}

/* A row that was there stays there: see stoa_connection_post_sends(). */
static inline void check_sends(const FakePeer *peer, const StoaSend *rows, unsigned n)
{
    for (unsigned i = 0; i < peer->sends->len; i++) {
        const StoaSend *was = &g_array_index(peer->sends, StoaSend, i);
        bool found = false;

        for (unsigned k = 0; k < n; k++)
            found |= rows[k].sink == was->sink && rows[k].ssrc == was->ssrc;
        assert_true(found);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < i; k++) {
            assert_int_not_equal(rows[i].sink, rows[k].sink);
            assert_int_not_equal(rows[i].ssrc, rows[k].ssrc);
        }
}

void stoa_peer_set_sends(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaSend *rows,
                         unsigned n)
{
    FakePeer *peer = fake_peer(id);

    check_sends(peer, rows, n);
    g_array_set_size(peer->sends, 0);
    g_array_append_vals(peer->sends, rows, n);
}

static inline const StoaSend *fake_send(StoaPeerId id, uint32_t sink)
{
    FakePeer *peer = fake_peer(id);

    for (unsigned i = 0; i < peer->sends->len; i++) {
        const StoaSend *row = &g_array_index(peer->sends, StoaSend, i);

        if (row->sink == sink)
            return row;
    }
    return NULL;
}

/* A row that must be there. */
static inline const StoaSend *fake_row(StoaPeerId id, uint32_t sink)
{
    const StoaSend *row = fake_send(id, sink);

    g_assert(row);
    return row;
}

static inline const StoaReceive *fake_receive(StoaPeerId id, uint32_t track)
{
    FakePeer *peer = fake_peer(id);

    for (unsigned i = 0; i < peer->receives->len; i++) {
        const StoaReceive *row = &g_array_index(peer->receives, StoaReceive, i);

        if (row->track == track)
            return row;
    }
    return NULL;
}

/* A route may be named before its row exists, but never to something of another codec than the row says. */
void stoa_peer_route(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink,
                     StoaTrackRef source)
{
    FakePeer *peer = fake_peer(id);
    const StoaSend *row = fake_send(id, sink);

    if (source.peer) {
        const StoaReceive *from = fake_receive(source.peer, source.track);

        g_assert(row);
        g_assert(from);
        assert_int_equal(row->codec, from->codec);
    }
    g_hash_table_replace(peer->routes, GUINT_TO_POINTER(sink), g_memdup2(&source, sizeof source));
}

/* The source of a sink; .peer 0: none. */
static inline StoaTrackRef fake_route(StoaPeerId id, uint32_t sink)
{
    const StoaTrackRef *ref = g_hash_table_lookup(fake_peer(id)->routes, GUINT_TO_POINTER(sink));

    return ref ? *ref : (StoaTrackRef){ 0 };
}

void stoa_peer_pause(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, bool paused)
{
    assert_non_null(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("pause %u", sink),
                         g_strdup(paused ? "true" : "false"));
}

void stoa_peer_limit(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, int substream,
                     int temporal)
{
    assert_non_null(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("limit %u", sink),
                         g_strdup_printf("%d %d", substream, temporal));
}

static inline const char *fake_wish(StoaPeerId id, const char *what, uint32_t sink)
{
    g_autofree char *key = g_strdup_printf("%s %u", what, sink);

    return g_hash_table_lookup(fake_peer(id)->wishes, key);
}

void stoa_peer_mute(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track, bool muted)
{
    fake_peer(id)->muted = muted ? track : 0;
}

void stoa_peer_keyframe(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track G_GNUC_UNUSED)
{
    fake_peer(id)->n_keyframes++;
}

void stoa_peer_watch_level(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track,
                           unsigned packets, unsigned level G_GNUC_UNUSED)
{
    fake_peer(id)->watched = packets ? track : 0;
}

void stoa_peer_bitrate(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t bps)
{
    fake_peer(id)->bitrate_bps = bps;
}

void stoa_peer_tap(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track, StoaTapFunc *fn,
                   void *data G_GNUC_UNUSED, GDestroyNotify done G_GNUC_UNUSED)
{
    if (fn)
        assert_true(g_hash_table_add(fake_peer(id)->taps, GUINT_TO_POINTER(track)));
    else
        assert_true(g_hash_table_remove(fake_peer(id)->taps, GUINT_TO_POINTER(track)));
}

bool stoa_peer_send_data(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *label,
                         const void *buf, size_t len, bool text G_GNUC_UNUSED)
{
    FakePeer *peer = fake_peer(id);

    if (peer->data)
        g_string_append_printf(peer->sent, "%s %.*s\n", label ? label : "any", (int)len,
                               (const char *)buf);
    return peer->data;
}

void stoa_peer_close(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id)
{
    FakePeer *peer = fake_peer(id);

    assert_int_equal(g_hash_table_size(peer->taps), 0);
    peer->open = false;
}

void stoa_peer_stats(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id,
                     void (*got)(json_t *stats, void *data), void *data)
{
    fake_peer(id);
    got(json_object(), data);
}

static inline int fake_setup(void **unused G_GNUC_UNUSED)
{
    fake_peers = g_ptr_array_new_with_free_func(fake_peer_free);
    fake_is_full = fake_is_gathering = false;
    return 0;
}

/* Whoever made a peer has closed it. */
static inline int fake_teardown(void **unused G_GNUC_UNUSED)
{
    for (unsigned i = 0; i < fake_peers->len; i++)
        assert_false(((FakePeer *)g_ptr_array_index(fake_peers, i))->open);
    g_ptr_array_unref(fake_peers);
    return 0;
}

/* -- a session of one connection ---------------------------------------------------------- */

typedef struct Bed {
    StoaConnection *connection;
    GPtrArray *tracks; /* of StoaTrack *: those alive, in the order of their coming */
    unsigned n_added, n_removed;
    bool echo; /* send every track back */
    bool free_on_added, free_on_removed;
    GString *said;  /* the other events, one line each */
    char ufrag[16]; /* of the client */
    const char *fingerprint;
} Bed;

static const char finger_a[] = "sha-256 "
                               "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:"
                               "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA";

static inline void bed_track_added(void *user, StoaTrack *track)
{
    Bed *bed = user;

    bed->n_added++;
    g_ptr_array_add(bed->tracks, track);
    if (bed->free_on_added)
        g_clear_pointer(&bed->connection, stoa_connection_free);
    else if (bed->echo)
        assert_non_null(stoa_connection_add_sink(bed->connection, track, NULL));
}

static inline void bed_track_removed(void *user, StoaTrack *track)
{
    Bed *bed = user;

    bed->n_removed++;
    assert_true(g_ptr_array_remove(bed->tracks, track));
    if (bed->free_on_removed)
        g_clear_pointer(&bed->connection, stoa_connection_free);
}

static inline void bed_up(void *user)
{
    g_string_append(((Bed *)user)->said, "up\n");
}

static inline void bed_down(void *user, const char *reason, bool ice_failed)
{
    g_string_append_printf(((Bed *)user)->said, "down: %s%s\n", reason, ice_failed ? " (ice)" : "");
}

static inline void bed_media(void *user, const char *mid, StoaKind kind, bool receiving,
                             int substream, double seconds)
{
    g_string_append_printf(((Bed *)user)->said, "media %s %s %d %.1f%s\n", mid,
                           kind == STOA_AUDIO ? "audio" : "video", substream, seconds,
                           receiving ? "" : " silent");
}

static inline void bed_slowlink(void *user, const char *mid, StoaKind kind, bool uplink,
                                unsigned lost)
{
    g_string_append_printf(((Bed *)user)->said, "slowlink %s %s %s %u\n", mid,
                           kind == STOA_AUDIO ? "audio" : "video", uplink ? "up" : "down", lost);
}

static inline void bed_candidate(void *user, const char *candidate, const char *mid,
                                 unsigned mindex)
{
    g_string_append_printf(((Bed *)user)->said, "candidate %s %s %u\n",
                           candidate ? candidate : "end", mid, mindex);
}

static inline void bed_layer(void *user, StoaSink *sink, int substream, int temporal)
{
    g_string_append_printf(((Bed *)user)->said, "layer %s %d %d\n", stoa_sink_mid(sink), substream,
                           temporal);
}

static inline void bed_talking(void *user, StoaTrack *track, bool talking, double average_dbov)
{
    g_string_append_printf(((Bed *)user)->said, "%s %s %.0f\n", talking ? "talks" : "is silent",
                           stoa_track_info(track)->mid, average_dbov);
}

static inline void bed_data_open(void *user, const char *label, const char *protocol)
{
    g_string_append_printf(((Bed *)user)->said, "data open %s %s\n", label, protocol);
}

static inline void bed_data(void *user, const char *label, const char *protocol G_GNUC_UNUSED,
                            const void *buf, size_t len, bool text)
{
    g_string_append_printf(((Bed *)user)->said, "data %s %.*s%s\n", label, (int)len,
                           (const char *)buf, text ? "" : " binary");
}

static const StoaConnectionEvents bed_events = {
    .up = bed_up,
    .down = bed_down,
    .media = bed_media,
    .slowlink = bed_slowlink,
    .candidate = bed_candidate,
    .track_added = bed_track_added,
    .track_removed = bed_track_removed,
    .layer = bed_layer,
    .talking = bed_talking,
    .data_open = bed_data_open,
    .data = bed_data,
};

static const StoaMediaRules bed_takes_all = { .receive = true, .send = true, .data = true };

static inline Bed *bed_new(void)
{
    static unsigned n;
    Bed *bed = g_new0(Bed, 1);
    StoaConnectionSpec spec = { .events = &bed_events, .user = bed, .log_ids = "handle=7" };

    bed->tracks = g_ptr_array_new();
    bed->said = g_string_new(NULL);
    bed->fingerprint = finger_a;
    g_snprintf(bed->ufrag, sizeof bed->ufrag, "cli%u", ++n);
    bed->connection = stoa_connection_new(&spec);
    return bed;
}

static inline void bed_free(Bed *bed)
{
    stoa_connection_free(bed->connection);
    assert_int_equal(bed->tracks->len, 0);
    assert_int_equal(bed->n_added, bed->n_removed);
    g_ptr_array_unref(bed->tracks);
    g_string_free(bed->said, TRUE);
    g_free(bed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bed, bed_free)

static inline StoaTrack *bed_track(const Bed *bed, unsigned i)
{
    assert_true(i < bed->tracks->len);
    return g_ptr_array_index(bed->tracks, i);
}

/* -- a client made of text ---------------------------------------------------------------- */

/* One m-line of a client's offer. Rows end with one without `kind`. */
typedef struct {
    const char *kind; /* "audio" "video" "application" "text" */
    const char *mid;
    const char *direction;
    const char *codecs; /* "96 VP8,102 H264"; NULL: opus or VP8 */
    uint32_t ssrc;
    const char *extra; /* more lines */
    bool stopped;
} ClientLine;

static inline void client_put_payload(GString *sdp, unsigned pt, const char *codec, bool is_video)
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

static inline void client_put_transport(GString *sdp, const Bed *bed, const char *setup)
{
    g_string_append_printf(sdp,
                           "a=ice-ufrag:%s\r\na=ice-pwd:clientpasswordclientpassword\r\n"
                           "a=fingerprint:%s\r\na=setup:%s\r\na=rtcp-mux\r\n",
                           bed->ufrag, bed->fingerprint, setup);
}

static inline void client_put_line(GString *sdp, const Bed *bed, const ClientLine *line)
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
    client_put_transport(sdp, bed, "actpass");
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

static inline char *client_offer(const Bed *bed, const ClientLine *lines)
{
    GString *sdp = g_string_new("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                                "a=group:BUNDLE");

    for (const ClientLine *line = lines; line->kind; line++)
        if (!line->stopped)
            g_string_append_printf(sdp, " %s", line->mid);
    g_string_append(sdp, "\r\n");
    for (const ClientLine *line = lines; line->kind; line++)
        client_put_line(sdp, bed, line);
    return g_string_free(sdp, FALSE);
}

/* What a client makes of a section of our offer: it takes all, but the mids in `refused` ("1,3,"). */
static inline void client_answer_section(GString *sdp, const Bed *bed, const char *section,
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
    client_put_transport(sdp, bed, "active");
    if (is_refused)
        g_string_replace(sdp, " 9 ", " 0 ", 1);
}

/* @refused: ",1,3,"; NULL: nothing */
static inline char *client_answer(const Bed *bed, const char *offer, const char *refused)
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

        client_answer_section(out, bed, whole, refused);
        g_string_append(sdp, out->str);
    }
    return g_string_free(sdp, FALSE);
}

/* -- whole rounds ------------------------------------------------------------------------- */

static const ClientLine bed_audio_video[] = { { "audio", "a", .ssrc = 1111 },
                                              { "video", "v", .ssrc = 2222 },
                                              { 0 } };

/* The client offers; returns our answer. */
static inline char *bed_offer(Bed *bed, const ClientLine *lines, const StoaMediaRules *rules)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *offer = client_offer(bed, lines);
    char *answer = stoa_connection_set_offer(bed->connection, offer, rules, &error);

    if (!answer)
        fail_msg("%s", error->message);
    return answer;
}

/* Somebody who publishes these lines. */
static inline Bed *bed_publisher(const ClientLine *lines)
{
    Bed *bed = bed_new();

    g_free(bed_offer(bed, lines, &(StoaMediaRules){ .receive = true, .data = true }));
    return bed;
}

static inline StoaSink *bed_add_sink(Bed *bed, StoaTrack *track)
{
    g_autoptr(GError) error = NULL;
    StoaSink *sink = stoa_connection_add_sink(bed->connection, track, &error);

    if (!sink)
        fail_msg("%s", error->message);
    return sink;
}

static inline char *bed_make_offer(Bed *bed)
{
    g_autoptr(GError) error = NULL;
    char *offer = stoa_connection_make_offer(bed->connection, false, &error);

    if (!offer)
        fail_msg("%s", error->message);
    return offer;
}

static inline void bed_answer(Bed *bed, const char *offer, const char *refused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = client_answer(bed, offer, refused);

    if (!stoa_connection_set_answer(bed->connection, answer, &error))
        fail_msg("%s\n%s", error->message, answer);
}

/* Our offer and the client's yes to all of it. */
static inline void bed_negotiate(Bed *bed)
{
    g_autofree char *offer = bed_make_offer(bed);

    bed_answer(bed, offer, NULL);
}

/* The peer of a bed; each bed that negotiated has its own. */
static inline FakePeer *bed_peer(const Bed *bed)
{
    for (unsigned i = 0; i < fake_peers->len; i++) {
        FakePeer *peer = g_ptr_array_index(fake_peers, i);

        if (peer->open && peer->user == bed->connection)
            return peer;
    }
    g_error("this bed has no open peer");
}

static inline void bed_go_up(Bed *bed)
{
    FakePeer *peer = bed_peer(bed);

    peer->events->up(peer->user);
}

/* How many lines of a text are `line`, or begin with it when it ends in '*'. */
static inline unsigned count_lines(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    size_t len = strlen(line);
    unsigned n = 0;

    for (char **at = lines; *at; at++)
        n += line[len - 1] == '*' ? strncmp(*at, line, len - 1) == 0 : g_str_equal(*at, line);
    return n;
}

#define assert_fails(code_, call)                                  \
    do {                                                           \
        g_autoptr(GError) error_ = NULL;                           \
        GError **error = &error_;                                  \
        assert_false(call);                                        \
        assert_true(g_error_matches(error_, STOA_ERROR, (code_))); \
    } while (0)
