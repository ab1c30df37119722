/* SPDX-License-Identifier: MIT */
/* What control keeps of each stream of a subscriber, and of a publisher's description. As memory.c, on the other side. */
#include "connection-bed.h"
#include "heap.h"

enum {
    N = 100,
    N_ROUNDS = 15,
    SINK_BYTES = 960, /* of a subscribed stream: the sink, the m-line that was agreed, its names */
};

static const ClientLine video[] = { { "video", "v", .ssrc = 2222 }, { 0 } };

/* A subscriber of many streams. */
static Bed *subscriber(StoaTrack *track)
{
    Bed *bed = bed_new();

    for (unsigned i = 0; i < N; i++)
        bed_add_sink(bed, track);
    bed_negotiate(bed);
    return bed;
}

/* The heap hands out what was free before, more of it or less: of one subscriber it says little. */
static int compare_sizes(const void *a, const void *b)
{
    size_t left = *(const size_t *)a, right = *(const size_t *)b;

    return (left > right) - (left < right);
}

static void a_sink_is_small(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(video);
    size_t used[N_ROUNDS];

    bed_free(subscriber(bed_track(ana, 0))); /* what is kept for the next is made now */
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        size_t before = heap_used();
        Bed *bed = subscriber(bed_track(ana, 0));

        used[i] = heap_used() - before;
        bed_free(bed);
    }
    qsort(used, N_ROUNDS, sizeof *used, compare_sizes);
    print_message("%zu bytes a sink, %zu to %zu\n", used[N_ROUNDS / 2] / N, used[0] / N,
                  used[N_ROUNDS - 1] / N);
    if (heap_is_known())
        assert_in_range(used[N_ROUNDS / 2], 1, SINK_BYTES * N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sink_is_small, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
