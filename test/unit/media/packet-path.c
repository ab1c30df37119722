/* SPDX-License-Identifier: MIT */
/* The way of a packet takes no memory: not in a steady stream, not at the first repair, a switch, a burst or after a pause. What
 * allocates is counted, in all libraries of the process, while a worker is on that way. (DESIGN section 3) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "media/feed.h"
#include "media/outlet.h"
#include "media/peer.h"
#include "rtp/rtcp-feedback.h"

#include <stdatomic.h>

enum { OUT = 5000, OUT_RTX = 5001, VOICE = 2000, VOICE_OUT = 6000, RED = 63, RED_OUT = 121 };
enum { MID_ID = 4, RID_ID = 10, LEVEL_ID = 1, TWCC_ID = 5, ABS_ID = 2 };

/* -- what allocates --------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_COUNT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CAN_COUNT false
#endif
#endif
#ifndef CAN_COUNT
#define CAN_COUNT true
#endif

static __thread unsigned depth; /* calls of the packet path that this thread is in */
static atomic_bool counts;
static atomic_uint n_taken, n_calls;
static atomic_size_t taken_size; /* of the first of them: says what it may be */

#if CAN_COUNT
static void note(size_t size)
{
    if (depth > 0 && atomic_load(&counts) && atomic_fetch_add(&n_taken, 1) == 0)
        atomic_store(&taken_size, size);
}

#define INSTEAD __attribute__((visibility("default")))
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
INSTEAD void *malloc(size_t size);
INSTEAD void *calloc(size_t n, size_t size);
INSTEAD void *realloc(void *memory, size_t size);
INSTEAD void *aligned_alloc(size_t alignment, size_t size);

void *malloc(size_t size)
{
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    note(n * size);
    return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    note(size);
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note(size);
    return __libc_memalign(alignment, size);
}
#endif

/* -- where it counts: from the sealed datagram to the ring, from there to the subscribers, and again ------ */

static void enter(void)
{
    depth++;
    if (atomic_load(&counts))
        atomic_fetch_add(&n_calls, 1);
}

void __real_stoa_peer_rtp(StoaPeer *peer, StoaPacket *packet);
void __wrap_stoa_peer_rtp(StoaPeer *peer, StoaPacket *packet);
void __real_stoa_feed_fan_out(StoaFeed *feed);
void __wrap_stoa_feed_fan_out(StoaFeed *feed);
void __real_stoa_outlet_resend(StoaOutlet *outlet, const uint16_t *seqs, size_t n, int64_t now_us);
void __wrap_stoa_outlet_resend(StoaOutlet *outlet, const uint16_t *seqs, size_t n, int64_t now_us);

void __wrap_stoa_peer_rtp(StoaPeer *peer, StoaPacket *packet)
{
    enter();
    __real_stoa_peer_rtp(peer, packet);
    depth--;
}

void __wrap_stoa_feed_fan_out(StoaFeed *feed)
{
    enter();
    __real_stoa_feed_fan_out(feed);
    depth--;
}

void __wrap_stoa_outlet_resend(StoaOutlet *outlet, const uint16_t *seqs, size_t n, int64_t now_us)
{
    enter();
    __real_stoa_outlet_resend(outlet, seqs, n, now_us);
    depth--;
}

static void begin_count(void)
{
    atomic_store(&n_taken, 0);
    atomic_store(&n_calls, 0);
    atomic_store(&counts, true);
}

static void end_count(const char *what)
{
    atomic_store(&counts, false);
    assert_true(atomic_load(&n_calls) > 0);
    if (atomic_load(&n_taken) > 0)
        fail_msg("%s: %u allocations in %u calls, the first of %zu bytes", what,
                 atomic_load(&n_taken), atomic_load(&n_calls), atomic_load(&taken_size));
}

/* -- the scene: ana sends a picture in two encodings, and speaks; two see and hear her ------------------- */

static const char *const rids[] = { "h", "l" };

typedef struct {
    Bed *bed;
    Person *ana, *ben, *cem; /* ben's repeats go by RTX, cem's are the same bytes */
    uint64_t next[2], voice;
    unsigned n_frames;
} Scene;

static void watch(Scene *s, Person *person, bool rtx)
{
    StoaSend rows[] = { bed_video_out(1, "0", OUT, rtx ? OUT_RTX : 0),
                        bed_audio_out(2, "1", VOICE_OUT) };

    for (unsigned i = 0; i < 2; i++) {
        rows[i].ext.id_of_kind[STOA_RTP_EXT_TWCC] = TWCC_ID;
        rows[i].ext.id_of_kind[STOA_RTP_EXT_ABS_SEND_TIME] = ABS_ID;
        rows[i].ext.id_of_kind[STOA_RTP_EXT_MID] = MID_ID;
        rows[i].nack = true;
        stoa_peer_route(bed_media(s->bed), person->id, i + 1, (StoaTrackRef){ s->ana->id, i + 1 });
    }
    stoa_peer_set_sends(bed_media(s->bed), person->id, rows, 2);
    person_connect(person);
}

static void send_picture(Scene *s, bool key, uint8_t tid)
{
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t ext[8] = { MID_ID << 4 | 0, '0', RID_ID << 4 | 0, (uint8_t)rids[i][0] };
        StoaRtpHeader header = {
            .ssrc = 100 + i, .payload_type = 96, .timestamp = s->n_frames * 1800, .marker = true
        };
        uint8_t payload[400];

        bed_vp8(payload, sizeof(payload), true, key, (uint16_t)s->n_frames, i);
        payload[1] |= 0x20; /* with a temporal layer */
        memmove(payload + 5, payload + 4, 300);
        payload[4] = (uint8_t)(tid << 6 | 0x20);
        person_send_ext(s->ana, &header, 10 + s->next[i]++, ext, 4, payload, sizeof(payload));
    }
    s->n_frames++;
}

static void speak(Scene *s, uint8_t dbov)
{
    const uint8_t ext[8] = { MID_ID << 4 | 0, '1', LEVEL_ID << 4 | 0, dbov };
    StoaRtpHeader header = { .ssrc = VOICE,
                             .payload_type = 111,
                             .timestamp = (uint32_t)s->voice * 960 };

    person_send_ext(s->ana, &header, 10 + s->voice++, ext, 4, "hello", 5);
}

/* A keyframe when it is asked for, or now. */
static void stream(Scene *s, unsigned n, bool key)
{
    static const uint8_t tids[] = { 0, 2, 1, 2 };

    for (unsigned i = 0; i < n; i++) {
        bool is_asked = person_n_rtcp(s->ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI) > 0;

        person_forget_rtcp(s->ana);
        send_picture(s, is_asked || (key && i == 0), tids[i % 4]);
        speak(s, i / 10 % 2 ? 20 : 100);
        bed_run(s->bed, 10);
    }
}

static Scene scene_new(unsigned workers)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = workers,
                           .addresses = addresses,
                           .room_peers_per_worker = workers > 1 ? 1 : 0 };
    Scene s = { .bed = bed_new_conf(&conf) };
    StoaReceive rows[] = { bed_video_in(1, "0", 0, 0), bed_audio_in(2, "1", VOICE) };

    rows[0].n_encodings = 2;
    for (unsigned i = 0; i < 2; i++)
        g_strlcpy(rows[0].encodings[i].rid, rids[i], STOA_RID_MAX);
    s.ana = person_new(s.bed, 1);
    s.ben = person_new(s.bed, 1);
    s.cem = person_new(s.bed, 1);
    s.ana->ext.kind_of_id[RID_ID] = STOA_RTP_EXT_RID;
    s.ana->ext.kind_of_id[LEVEL_ID] = STOA_RTP_EXT_AUDIO_LEVEL;
    stoa_peer_set_receives(bed_media(s.bed), s.ana->id, rows, 2, &s.ana->ext);
    stoa_peer_watch_level(bed_media(s.bed), s.ana->id, 2, 5, 40);
    stoa_peer_watch_voice(bed_media(s.bed), s.ana->id, 2, true);
    person_connect(s.ana);
    watch(&s, s.ben, true);
    watch(&s, s.cem, false);
    stream(&s, 20, true); /* what is only once: sources, keys of each stream */
    return s;
}

static bool has_repeats(void *person)
{
    return person_n_received(person, OUT_RTX) >= 5;
}

static bool has_come(void *person)
{
    Person *self = person;

    return self->n_came >= self->received->len + 5; /* the same bytes are no new packets */
}

static void ask_again(const Scene *s, Person *person)
{
    unsigned n = person_n_received(person, OUT);
    uint16_t seqs[5];
    uint8_t buf[200];

    assert_true(n > 5);
    for (unsigned i = 0; i < 5; i++)
        seqs[i] = person_received(person, OUT, n - 5 + i)->header.seq;
    person_send_rtcp(person, buf, stoa_rtcp_nack_write(7, OUT, seqs, 5, buf, sizeof(buf)));
    assert_true(bed_until(s->bed, 5000, person == s->ben ? has_repeats : has_come, person));
}

static uint32_t last_encoding(const Person *person)
{
    unsigned n = person_n_received(person, OUT);

    return n > 0 ? bed_tag(person_received(person, OUT, n - 1)) : 99;
}

static void limit(const Scene *s, int substream, int temporal)
{
    stoa_peer_limit(bed_media(s->bed), s->ben->id, 1, substream, temporal);
    stoa_peer_limit(bed_media(s->bed), s->cem->id, 1, substream, temporal);
}

static void the_way_of_a_packet_takes_no_memory(void **state)
{
    Scene s;

    if (!CAN_COUNT)
        skip();
    s = scene_new(*(unsigned *)*state);
    begin_count();
    stream(&s, 20, false);
    end_count("a stream");

    begin_count();
    ask_again(&s, s.ben);
    ask_again(&s, s.cem);
    end_count("the first repairs");

    begin_count();
    for (int i = 0; i < 4; i++) {
        limit(&s, i % 2, 2);
        for (unsigned n = 0; n < 100 && last_encoding(s.ben) != 1u - (unsigned)i % 2; n++)
            stream(&s, 10, false);
        assert_int_equal(last_encoding(s.ben), 1 - i % 2);
    }
    end_count("switches");

    begin_count();
    limit(&s, 1, 0);
    stream(&s, 20, false);
    end_count("layers that are left out");

    begin_count();
    for (unsigned i = 0; i < 150; i++)
        send_picture(&s, i == 0, 0);
    stream(&s, 5, false);
    end_count("a burst");

    bed_run(s.bed, 1600); /* rings are given back */
    begin_count();
    stream(&s, 10, false);
    end_count("after a pause");

    begin_count();
    stoa_peer_mute(bed_media(s.bed), s.ana->id, 1, true);
    stream(&s, 5, false);
    stoa_peer_mute(bed_media(s.bed), s.ana->id, 1, false);
    stream(&s, 20, false);
    end_count("a mute");
    bed_free(s.bed);
}

int main(int argc, char **argv)
{
    static unsigned one = 1, three = 3;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(the_way_of_a_packet_takes_no_memory, &one),
        cmocka_unit_test_prestate(the_way_of_a_packet_takes_no_memory, &three),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
