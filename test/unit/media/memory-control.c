/* SPDX-License-Identifier: MIT */
/* What control keeps of each stream of a subscriber, and of a publisher's description. As memory.c, on the other side. */
#include "connection-bed.h"
#include "heap.h"

enum {
    N = 100,
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

static void a_sink_is_small(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(video);
    Bed *before = subscriber(bed_track(ana, 0)), *bed; /* what is kept for the next is made now */
    size_t used;

    bed_free(before);
    used = heap_used();
    bed = subscriber(bed_track(ana, 0));
    used = heap_used() - used;
    bed_free(bed);
    print_message("%zu bytes a sink\n", used / N);
    if (heap_is_known())
        assert_in_range(used, 1, SINK_BYTES * N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sink_is_small, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
