/* SPDX-License-Identifier: MIT */
/* What a worker keeps for a peer and for each of its streams: it shall not creep. The whole gateway's figures are those of
 * `./dev bench idle stream`: 20 KB a peer, 2 KB a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bed.h"
#include "heap.h"

enum {
    VIDEO = 1000,
    OUT = 5000,
    FEW = 1,
    MANY = 101,
    N_PEERS = 100,
    STREAM_BYTES =
        450, /* of the worker, for a subscribed stream, but for what it keeps of the past ones */
    PEER_BYTES = 3650, /* of both, for a peer with two tracks that has not come up */
};

typedef struct {
    Bed *bed;
    Person *ana, *ben;
    unsigned n_streams, n_frames;
} Scene;

static void publish(Scene *scene)
{
    StoaReceive row = bed_video_in(1, "0", VIDEO, 0);

    stoa_peer_set_receives(bed_media(scene->bed), scene->ana->id, &row, 1, &scene->ana->ext);
}

static void subscribe(Scene *scene, unsigned n)
{
    g_autofree StoaSend *rows = g_new0(StoaSend, n);

    for (unsigned i = 0; i < n; i++)
        rows[i] = bed_video_out(i + 1, "0", OUT + 2 * i, OUT + 2 * i + 1);
    stoa_peer_set_sends(bed_media(scene->bed), scene->ben->id, rows, n);
    for (unsigned i = scene->n_streams; i < n; i++)
        stoa_peer_route(bed_media(scene->bed), scene->ben->id, i + 1,
                        (StoaTrackRef){ scene->ana->id, 1 });
    scene->n_streams = n;
}

static bool shows_all(void *data)
{
    const Scene *scene = data;

    for (unsigned i = 0; i < scene->n_streams; i++)
        if (person_n_received(scene->ben, OUT + 2 * i) == 0)
            return false;
    return true;
}

static void send_frame(Scene *scene)
{
    uint8_t payload[100];
    unsigned i = scene->n_frames++;

    bed_vp8(payload, sizeof payload, true, true, (uint16_t)i, i);
    person_send(scene->ana, VIDEO, 96, 100 + i, 90000 + i * 3000, true, payload, sizeof payload);
}

static void expect_flow(Scene *scene)
{
    bool flows = false;

    for (unsigned i = 0; i < 20 && !flows; i++) {
        send_frame(scene);
        flows = bed_until(scene->bed, 300, shows_all, scene);
    }
    assert_true(flows);
}

/* What comes free when all go but a few: what the viewer itself keeps of each stays. */
static void a_subscribed_stream_is_small(void **unused G_GNUC_UNUSED)
{
    Scene scene = { .bed = bed_new(1) };
    size_t many, few;

    scene.ana = person_new(scene.bed, 1);
    scene.ben = person_new(scene.bed, 1);
    publish(&scene);
    subscribe(&scene, MANY);
    person_connect(scene.ana);
    person_connect(scene.ben);
    expect_flow(&scene);
    many = heap_used();
    subscribe(&scene, FEW);
    bed_run(scene.bed, 50);
    few = heap_used();
    print_message("%zd bytes a stream\n", (ssize_t)(many - few) / (MANY - FEW));
    if (heap_is_known())
        assert_in_range(many - few, 1, STREAM_BYTES * (MANY - FEW));
    person_free(scene.ana);
    person_free(scene.ben);
    bed_free(scene.bed);
}

/* Both sides of it, but for DTLS and SRTP, which begin with the client. */
static void a_peer_that_waits_is_small(void **unused G_GNUC_UNUSED)
{
    static const StoaPeerEvents none;
    StoaPeerSpec spec = { .room = 1, .events = &none, .log_ids = "session=1 handle=1" };
    StoaReceive rows[] = { bed_video_in(1, "0", VIDEO, VIDEO + 1), bed_audio_in(2, "1", 3000) };
    StoaRtpExtIds ext = { .kind_of_id[4] = STOA_RTP_EXT_MID };
    Bed *bed = bed_new(1);
    StoaPeerId peers[N_PEERS + 1];
    size_t before = 0;

    for (unsigned i = 0; i <= N_PEERS; i++) {
        const StoaPeerLocal *local;
        g_autoptr(GError) error = NULL;

        peers[i] = stoa_peer_open(bed_media(bed), &spec, &local, &error);
        assert_int_not_equal(peers[i], 0);
        stoa_peer_set_receives(bed_media(bed), peers[i], rows, 2, &ext);
        if (i == 0) { /* with the first comes what all share */
            bed_run(bed, 50);
            before = heap_used();
        }
    }
    bed_run(bed, 100);
    print_message("%zd bytes a peer\n", (ssize_t)(heap_used() - before) / N_PEERS);
    if (heap_is_known())
        assert_in_range(heap_used() - before, 1, PEER_BYTES * N_PEERS);
    for (unsigned i = 0; i <= N_PEERS; i++)
        stoa_peer_close(bed_media(bed), peers[i]);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscribed_stream_is_small),
        cmocka_unit_test(a_peer_that_waits_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
