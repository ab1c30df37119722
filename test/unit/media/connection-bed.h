/* SPDX-License-Identifier: MIT */
#pragma once
/* A bed for connections: the functions of media/command.h only note what they were told, and a client made of text.
 *
 *   Bed       what a session would be: a connection, and the events that came
 *   FakePeer  what a worker would know */

#include "bed/client.h"
#include "bed/fake-worker.h"
#include "media/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* -- a session of one connection ---------------------------------------------------------- */

typedef struct Bed {
    StoaConnection *connection;
    GPtrArray *tracks; /* of StoaTrack *: those alive, in the order of their coming */
    unsigned n_added, n_removed;
    bool echo; /* send every track back */
    bool free_on_added, free_on_removed;
    GString *said; /* the other events, one line each */
    BedClient client;
} Bed;

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

static inline void bed_data(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                            bool text)
{
    g_string_append_printf(((Bed *)user)->said, "data %s %.*s%s\n", channel->label, (int)len,
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
    bed_client_init(&bed->client, ++n);
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

/* -- whole rounds ------------------------------------------------------------------------- */

static const ClientLine bed_audio_video[] = { { "audio", "a", .ssrc = 1111 },
                                              { "video", "v", .ssrc = 2222 },
                                              { 0 } };

/* The client offers; returns our answer. */
static inline char *bed_offer(Bed *bed, const ClientLine *lines, const StoaMediaRules *rules)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *offer = client_offer(&bed->client, lines);
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
    g_autofree char *answer = client_answer(&bed->client, offer, refused);

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
