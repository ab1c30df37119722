/* SPDX-License-Identifier: MIT */
/* Packets from one person to others, through real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bed.h"

static void route_video(Person *to, Person *from)
{
    StoaSend row = bed_video_out(1, "0", 5000, 5001);

    stoa_peer_set_sends(bed_media(to->bed), to->id, &row, 1);
    stoa_peer_route(bed_media(to->bed), to->id, 1, (StoaTrackRef){ from->id, 1 });
}

static void publish_video(Person *person)
{
    StoaReceive row = bed_video_in(1, "0", 1000, 1001);

    stoa_peer_set_receives(bed_media(person->bed), person->id, &row, 1, &person->ext);
}

static void send_frames(Person *person, unsigned from, unsigned n, bool key)
{
    uint8_t payload[300];

    for (unsigned i = from; i < from + n; i++) {
        bed_vp8(payload, sizeof(payload), true, key && i == from, (uint16_t)i, i);
        person_send(person, 1000, 96, 65500 + i, 90000 + i * 3000, true, payload, sizeof(payload));
    }
}

static void video_comes_back_in_echo(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);

    person_connect(ana);
    publish_video(ana);
    route_video(ana, ana);
    bed_run(bed, 50);
    send_frames(ana, 0, 60, true);
    bed_run(bed, 200);
    assert_int_equal(person_n_received(ana, 5000), 60);
    for (unsigned i = 0; i < 60; i++) {
        const Received *received = person_received(ana, 5000, i);

        assert_int_equal(bed_tag(received), i);
        assert_int_equal(received->header.payload_type, 120);
        assert_int_equal(
            (uint16_t)(received->header.seq - person_received(ana, 5000, 0)->header.seq), i);
        assert_int_equal(received->header.timestamp, 90000 + i * 3000);
    }
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_comes_back_in_echo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
