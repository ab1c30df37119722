/* SPDX-License-Identifier: MIT */
/* People who come and go, publish, subscribe, refuse, restart and switch in any order: what the workers know is always what
 * the sinks say, and nothing is left behind. */
#include "connection-bed.h"

#include "base/log.h"
#include "sdp/read.h"

enum { N_PEOPLE = 4, N_ROUNDS = 40, N_STEPS = 150, MAX_LINES = 12 };

typedef struct {
    GRand *random;
    Bed *people[N_PEOPLE];
    char *pending[N_PEOPLE]; /* our offer that waits for its answer */
    unsigned n_mids;
} World;

static unsigned pick(World *world, unsigned n)
{
    return (unsigned)g_rand_int_range(world->random, 0, (gint32)n);
}

/* -- what the client offers: the m-lines there are, and new ones --------------------------- */

static const char *some_direction(World *world)
{
    static const char *const directions[] = { "sendrecv", "sendonly", "recvonly", "inactive" };

    return directions[pick(world, G_N_ELEMENTS(directions))];
}

static ClientLine new_line(World *world, GStringChunk *strings)
{
    static const char *const kinds[] = { "audio", "video", "video", "application" };
    ClientLine line = { .kind = kinds[pick(world, G_N_ELEMENTS(kinds))] };
    g_autofree char *mid = g_strdup_printf("c%u", world->n_mids++);

    line.mid = g_string_chunk_insert(strings, mid);
    line.direction = some_direction(world);
    line.ssrc = g_rand_int(world->random) | 1;
    return line;
}

/* What becomes of an m-line of before. */
static ClientLine next_line(World *world, GStringChunk *strings, const StoaSdpMedia *media)
{
    ClientLine line = { .kind = g_string_chunk_insert(strings, media->kind_text),
                        .mid = g_string_chunk_insert(strings, media->mid) };

    if (media->port == 0 && pick(world, 2) == 0)
        return new_line(world, strings);
    line.stopped = media->port == 0 || pick(world, 20) == 0;
    line.direction = some_direction(world);
    return line;
}

static char *next_offer(World *world, const Bed *bed)
{
    static const char *const videos[] = { "96 VP8,102 H264", "102 H264,96 VP8", "96 VP8" };
    g_autoptr(GStringChunk) strings = g_string_chunk_new(512);
    ClientLine lines[MAX_LINES + 1] = { 0 };
    g_autofree char *local = stoa_connection_local_sdp(bed->connection);
    g_autoptr(StoaSdp) before = local ? stoa_sdp_read(local, strlen(local), NULL, NULL) : NULL;
    unsigned n = 0;

    for (; before && n < before->media->len && n < MAX_LINES; n++)
        lines[n] = next_line(world, strings, stoa_sdp_media(before, n));
    while (n < MAX_LINES && (n == 0 || pick(world, 3) == 0))
        lines[n++] = new_line(world, strings);
    for (unsigned i = 0; i < n; i++) {
        if (g_str_equal(lines[i].kind, "video"))
            lines[i].codecs = videos[pick(world, G_N_ELEMENTS(videos))];
    }
    return client_offer(&bed->client, lines);
}

/* -- the steps ----------------------------------------------------------------------------- */

static void client_offers(World *world, unsigned who)
{
    Bed *bed = world->people[who];
    StoaMediaRules rules = { .receive = pick(world, 5) > 0,
                             .send = pick(world, 3) > 0,
                             .data = pick(world, 2) == 0,
                             .video_codecs = pick(world, 2) ? "h264,vp8" : NULL };
    g_autoptr(GError) error = NULL;
    g_autofree char *offer = NULL;
    g_autofree char *answer = NULL;

    bed->echo = pick(world, 2) == 0;
    if (pick(world, 4) == 0)
        g_snprintf(bed->client.ufrag, sizeof bed->client.ufrag, "r%u", pick(world, 1000000));
    offer = next_offer(world, bed);
    answer = stoa_connection_set_offer(bed->connection, offer, &rules, &error);
    assert_true((answer == NULL) == (error != NULL));
    if (stoa_connection_offer_pending(bed->connection))
        assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_CONFLICT));
}

static void we_offer(World *world, unsigned who)
{
    Bed *bed = world->people[who];
    bool restart = pick(world, 5) == 0;
    bool was_pending = stoa_connection_offer_pending(bed->connection);
    char *offer = stoa_connection_make_offer(bed->connection, restart, NULL);

    assert_true(!was_pending || restart || !offer);
    if (!offer)
        return;
    assert_false(stoa_connection_needs_offer(bed->connection));
    g_free(world->pending[who]);
    world->pending[who] = offer;
}

static void client_answers(World *world, unsigned who)
{
    Bed *bed = world->people[who];
    g_autofree char *refused = g_strdup_printf(",%u,", pick(world, 30));
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;

    if (!world->pending[who])
        return;
    answer = client_answer(&bed->client, world->pending[who], refused);
    if (!stoa_connection_set_answer(bed->connection, answer, &error))
        fail_msg("%s\n-- offer\n%s\n-- answer\n%s", error->message, world->pending[who], answer);
    g_clear_pointer(&world->pending[who], g_free);
}

static StoaTrack *some_track(World *world)
{
    const Bed *bed = world->people[pick(world, N_PEOPLE)];

    return bed->tracks->len > 0 ? bed_track(bed, pick(world, bed->tracks->len)) : NULL;
}

static void collect(StoaSink *sink, void *data)
{
    g_ptr_array_add(data, sink);
}

static void change_a_sink(World *world, unsigned who)
{
    Bed *bed = world->people[who];
    g_autoptr(GPtrArray) sinks = g_ptr_array_new();
    StoaSink *sink;

    stoa_connection_foreach_sink(bed->connection, collect, sinks);
    if (sinks->len == 0)
        return;
    sink = g_ptr_array_index(sinks, pick(world, sinks->len));
    switch (pick(world, 5)) {
    case 0:
    case 1: stoa_sink_remove(sink); break;
    case 2: stoa_sink_pause(sink, pick(world, 2)); break;
    case 3: stoa_sink_limit(sink, (int)pick(world, 4) - 1, (int)pick(world, 4) - 1); break;
    default: stoa_sink_switch(sink, some_track(world), NULL); break;
    }
}

static void somebody_else_comes(World *world, unsigned who)
{
    bed_free(world->people[who]);
    world->people[who] = bed_new();
    g_clear_pointer(&world->pending[who], g_free);
}

static void step(World *world)
{
    unsigned who = pick(world, N_PEOPLE);
    Bed *bed = world->people[who];
    StoaTrack *track = some_track(world);

    switch (pick(world, 16)) {
    case 0:
    case 1:
    case 2: client_offers(world, who); break;
    case 3:
    case 4:
    case 5: we_offer(world, who); break;
    case 6:
    case 7:
    case 8: client_answers(world, who); break;
    case 9:
    case 10:
    case 11:
        if (track)
            stoa_connection_add_sink(bed->connection, track, NULL);
        break;
    case 12:
    case 13: change_a_sink(world, who); break;
    case 14:
        if (track)
            stoa_track_mute(track, pick(world, 2));
        break;
    default:
        if (pick(world, 4) == 0)
            somebody_else_comes(world, who);
        break;
    }
}

/* -- what must always hold ----------------------------------------------------------------- */

static const FakePeer *peer_of(const Bed *bed)
{
    for (unsigned i = 0; i < fake_peers->len; i++) {
        const FakePeer *peer = g_ptr_array_index(fake_peers, i);

        if (peer->open && peer->user == bed->connection)
            return peer;
    }
    return NULL;
}

/* A sink shows what it says, and what it says is still sent. */
static void check_sink(StoaSink *sink, void *data)
{
    const FakePeer *peer = data;
    const StoaTrack *track = stoa_sink_track(sink);
    const StoaSend *row = NULL;
    StoaTrackRef route;

    assert_true(stoa_sink_active(sink) || !track);
    if (!peer || stoa_sink_kind(sink) == STOA_DATA)
        return;
    for (unsigned i = 0; i < peer->sends->len && stoa_sink_mid(sink); i++) {
        const StoaSend *other = &g_array_index(peer->sends, StoaSend, i);

        if (g_str_equal(other->mid, stoa_sink_mid(sink)))
            row = other;
    }
    if (!row)
        return;
    route = fake_route(peer->id, row->sink);
    if (!track)
        assert_int_equal(route.peer, 0);
    if (route.peer)
        assert_non_null(fake_receive(route.peer, route.track));
}

static void check(World *world)
{
    for (unsigned i = 0; i < N_PEOPLE; i++) {
        const Bed *bed = world->people[i];
        const FakePeer *peer = peer_of(bed);
        unsigned n_media = 0;

        stoa_connection_foreach_sink(bed->connection, check_sink, (void *)peer);
        for (unsigned k = 0; k < bed->tracks->len; k++)
            n_media += stoa_track_info(bed_track(bed, k))->kind != STOA_DATA;
        assert_int_equal(peer ? peer->receives->len : 0, n_media);
        assert_int_equal(world->pending[i] != NULL, stoa_connection_offer_pending(bed->connection));
    }
}

static void any_order_of_things_is_survived(void **unused G_GNUC_UNUSED)
{
    stoa_log_set_level(STOA_LOG_WARN);
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        World world = { .random = g_rand_new_with_seed(round) };

        for (unsigned i = 0; i < N_PEOPLE; i++)
            world.people[i] = bed_new();
        for (unsigned i = 0; i < N_STEPS; i++) {
            step(&world);
            check(&world);
        }
        for (unsigned i = 0; i < N_PEOPLE; i++) {
            bed_free(world.people[i]);
            g_free(world.pending[i]);
        }
        g_rand_free(world.random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_order_of_things_is_survived, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
