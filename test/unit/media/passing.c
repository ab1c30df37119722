/* SPDX-License-Identifier: MIT */
/* What of a packet passes through as it is, what is rewritten and what is left out, by what each subscriber negotiated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "rtp/bytes.h"
#include "rtp/nack.h"
#include "rtp/rtcp-feedback.h"

enum {
    VOICE = 2000,
    OUT = 5000,
    OUT_RTX = 5001,
    FIRST_SEQ = 65530,
    RED = 63,      /* as ana has it */
    RED_OUT = 101, /* as ben has it */
    FRAME = 960,
};

typedef struct {
    Bed *bed;
    Person *ana, *ben, *cleo; /* ana publishes; on workers of their own if there are several */
} Scene;

static StoaReceive voice_in(void)
{
    StoaReceive row = bed_audio_in(1, "0", VOICE);

    row.red_payload_type = RED;
    return row;
}

static Scene scene_new(const void *workers)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = *(const unsigned *)workers, .addresses = addresses };
    Scene scene;

    conf.room_peers_per_worker = conf.workers > 1 ? 1 : 0;
    scene.bed = bed_new_conf(&conf);
    scene.ana = person_new(scene.bed, 1);
    scene.ben = person_new(scene.bed, 1);
    scene.cleo = person_new(scene.bed, 1);
    return scene;
}

static void connect_all(Scene *s)
{
    person_connect(s->ana);
    person_connect(s->ben);
    person_connect(s->cleo);
    bed_run(s->bed, 20);
}

static void publish(Person *person, StoaReceive row)
{
    stoa_peer_set_receives(bed_media(person->bed), person->id, &row, 1, &person->ext);
}

static void watch(Person *to, const Person *from, StoaSend row)
{
    stoa_peer_set_sends(bed_media(to->bed), to->id, &row, 1);
    stoa_peer_route(bed_media(to->bed), to->id, 1, (StoaTrackRef){ from->id, 1 });
}

typedef struct {
    Person *person;
    unsigned n;
} Wanted;

static bool has_received(void *data)
{
    Wanted *wanted = data;

    return person_n_received(wanted->person, OUT) >= wanted->n;
}

static void expect(Person *person, unsigned n)
{
    Wanted wanted = { person, n };

    bed_until(person->bed, 3000, has_received, &wanted);
    assert_int_equal(person_n_received(person, OUT), n);
}

static void says(const Received *received, const void *payload, size_t len)
{
    assert_int_equal(received->header.payload_len, len);
    assert_memory_equal(received->buf + received->header.payload_at, payload, len);
}

/* -- redundant audio ----------------------------------------------------------------------- */

/* "new0" and so on; from the second on with the one before as a copy. */
static size_t red_payload(unsigned i, uint8_t payload_type, uint8_t out[32])
{
    size_t at = 0;

    if (i > 0) {
        stoa_bytes_put32(out, (uint32_t)(0x80 | payload_type) << 24 | FRAME << 10 | 4);
        at = 4;
    }
    out[at++] = payload_type;
    if (i > 0) {
        memcpy(out + at, "new", 3);
        out[at + 3] = (uint8_t)('0' + (i - 1) % 10);
        at += 4;
    }
    memcpy(out + at, "new", 3);
    out[at + 3] = (uint8_t)('0' + i % 10);
    return at + 4;
}

/* Every seventh comes plain, as where a sender has nothing to repeat. */
static bool is_plain(unsigned i)
{
    return i % 7 == 3;
}

static void speak(Person *person, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t payload[32];
        size_t len = red_payload(i, 111, payload);

        person_send(person, VOICE, is_plain(i) ? 111 : RED, FIRST_SEQ + i, 5000 + i * FRAME, i == 0,
                    is_plain(i) ? payload + len - 4 : payload, is_plain(i) ? 4 : len);
    }
}

static void assert_unbroken(const Person *person, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const StoaRtpHeader *first = &person_received(person, OUT, 0)->header;
        const StoaRtpHeader *now = &person_received(person, OUT, i)->header;

        assert_int_equal((uint16_t)(now->seq - first->seq), i);
        assert_int_equal(now->timestamp - first->timestamp, i * FRAME);
        assert_int_equal(now->marker, i == 0);
    }
}

static StoaSend red_out(void)
{
    StoaSend row = bed_audio_out(1, "0", OUT);

    row.payload_type = 100;
    row.red_payload_type = RED_OUT;
    return row;
}

static void red_goes_whole_to_who_takes_it_and_its_news_to_all(void **state)
{
    Scene s = scene_new(*state);
    StoaSend plain = bed_audio_out(1, "0", OUT);

    publish(s.ana, voice_in());
    watch(s.ben, s.ana, red_out());
    watch(s.cleo, s.ana, plain);
    connect_all(&s);
    speak(s.ana, 20);
    expect(s.ben, 20);
    expect(s.cleo, 20);
    assert_unbroken(s.ben, 20);
    assert_unbroken(s.cleo, 20);
    for (unsigned i = 0; i < 20; i++) {
        uint8_t payload[32];
        size_t len = red_payload(i, 100, payload); /* her number of it is inside, too */
        const Received *whole = person_received(s.ben, OUT, i);
        const Received *news = person_received(s.cleo, OUT, i);

        assert_int_equal(news->header.payload_type, plain.payload_type);
        says(news, payload + len - 4, 4);
        assert_int_equal(whole->header.payload_type, is_plain(i) ? 100 : RED_OUT);
        if (is_plain(i))
            says(whole, payload + len - 4, 4);
        else
            says(whole, payload, len);
    }
    bed_free(s.bed);
}

static void what_is_no_red_goes_to_nobody(void **state)
{
    static const uint8_t cut[] = { 0xef, 0x0f, 0x00, 0xff, 0x6f, 'x' };
    static const uint8_t other[] = { 0x68, 'x' };
    Scene s = scene_new(*state);
    uint8_t payload[32];

    publish(s.ana, voice_in());
    watch(s.ben, s.ana, red_out());
    connect_all(&s);
    person_send(s.ana, VOICE, RED, FIRST_SEQ, 5000, false, cut, sizeof(cut));
    person_send(s.ana, VOICE, RED, FIRST_SEQ + 1, 5960, false, other, sizeof(other));
    person_send(s.ana, VOICE, RED, FIRST_SEQ + 2, 6920, false, payload,
                red_payload(1, 111, payload));
    expect(s.ben, 1);
    bed_free(s.bed);
}

/* The i-th as RED with a copy that is so many frames old, 0: none. */
static void say(Person *person, unsigned i, unsigned age)
{
    uint8_t payload[32];
    size_t len = red_payload(age ? i : 0, 111, payload);

    payload[len - 1] = (uint8_t)('0' + i);
    if (age) {
        stoa_bytes_put32(payload, (0x80u | 111) << 24 | age * FRAME << 10 | 4);
        payload[len - 5] = (uint8_t)('0' + i - age);
    }
    person_send(person, VOICE, RED, FIRST_SEQ + i, 5000 + i * FRAME, i == 0, payload, len);
}

static void what_is_lost_on_the_way_up_comes_back_from_the_copy(void **state)
{
    Scene s = scene_new(*state);

    publish(s.ana, voice_in());
    watch(s.ben, s.ana, red_out());
    watch(s.cleo, s.ana, bed_audio_out(1, "0", OUT));
    connect_all(&s);
    say(s.ana, 0, 0);
    say(s.ana, 1, 1);
    say(s.ana, 3, 1); /* 2 is lost */
    say(s.ana, 4, 1);
    say(s.ana, 6, 1); /* 5 comes late */
    say(s.ana, 5, 1);
    say(s.ana, 7, 1);
    expect(s.ben, 8);
    expect(s.cleo, 8);
    assert_unbroken(s.ben, 8);
    assert_unbroken(s.cleo, 8);
    for (unsigned i = 0; i < 8; i++) {
        char frame[5] = { 'n', 'e', 'w', (char)('0' + i) };

        says(person_received(s.cleo, OUT, i), frame, 4);
        assert_int_equal(person_received(s.ben, OUT, i)->header.payload_type,
                         i == 2 || i == 5 ? 100 : RED_OUT);
    }
    bed_free(s.bed);
}

static void a_copy_of_something_else_fills_no_gap(void **state)
{
    Scene s = scene_new(*state);

    publish(s.ana, voice_in());
    watch(s.cleo, s.ana, bed_audio_out(1, "0", OUT));
    connect_all(&s);
    say(s.ana, 0, 0);
    say(s.ana, 2, 2); /* 1 is lost, this has 0 */
    say(s.ana, 4, 0); /* 3 is lost, this has none */
    expect(s.cleo, 3);
    bed_run(s.bed, 50);
    assert_int_equal(person_n_received(s.cleo, OUT), 3);
    bed_free(s.bed);
}

static void repeat(Person *person, uint16_t seq)
{
    uint8_t buf[100];

    person_send_rtcp(person, buf, stoa_rtcp_nack_write(7, OUT, &seq, 1, buf, sizeof(buf)));
}

static bool came_again(void *data)
{
    return ((Person *)data)->n_came > 10;
}

/* Under one number go the same bytes, as GCM must have it; by RTX, which names the plain codec, goes what is new. */
static void red_is_sent_again_as_it_was_and_plain_by_rtx(void **state)
{
    Scene s = scene_new(*state);
    StoaSend again = red_out(), rtx = red_out();
    uint8_t payload[32];
    size_t len;

    again.nack = rtx.nack = true;
    rtx.rtx_payload_type = 102;
    rtx.rtx_ssrc = OUT_RTX;
    publish(s.ana, voice_in());
    watch(s.ben, s.ana, again);
    watch(s.cleo, s.ana, rtx);
    connect_all(&s);
    speak(s.ana, 10);
    expect(s.ben, 10);
    expect(s.cleo, 10);
    repeat(s.ben, person_received(s.ben, OUT, 5)->header.seq);
    repeat(s.cleo, person_received(s.cleo, OUT, 5)->header.seq);
    assert_true(bed_until(s.bed, 3000, came_again, s.ben));
    assert_true(bed_until(s.bed, 3000, came_again, s.cleo));
    assert_int_equal(s.ben->last_len, person_received(s.ben, OUT, 5)->sealed_len);
    assert_memory_equal(s.ben->last, person_received(s.ben, OUT, 5)->sealed, s.ben->last_len);
    len = red_payload(5, 100, payload);
    stoa_bytes_put16(payload + len - 6, person_received(s.cleo, OUT, 5)->header.seq);
    says(person_received(s.cleo, OUT_RTX, 0), payload + len - 6, 6);
    bed_free(s.bed);
}

/* -- silence ------------------------------------------------------------------------------- */

/* With DTX a sender skips time, not numbers, and marks where speech begins again. (RFC 3551, 4.1; RFC 7587, 4.2) */
static void silence_stays_a_gap_in_time_only(void **state)
{
    static const uint32_t at[] = { 0, 960, 960 + 19200, 960 + 2 * 19200,
                                   960 + 2 * 19200 + 5 * 960 };
    Scene s = scene_new(*state);

    publish(s.ana, voice_in());
    watch(s.ben, s.ana, bed_audio_out(1, "0", OUT));
    connect_all(&s);
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++)
        person_send(s.ana, VOICE, 111, FIRST_SEQ + i, 5000 + at[i], i == 0 || i == 4, "x", 1);
    expect(s.ben, G_N_ELEMENTS(at));
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        const StoaRtpHeader *first = &person_received(s.ben, OUT, 0)->header;
        const StoaRtpHeader *now = &person_received(s.ben, OUT, i)->header;

        assert_int_equal((uint16_t)(now->seq - first->seq), i);
        assert_int_equal(now->timestamp - first->timestamp, at[i]);
        assert_int_equal(now->marker, i == 0 || i == 4);
    }
    bed_free(s.bed);
}

/* -- extensions ---------------------------------------------------------------------------- */

/* What ana has under which id, and what her packets say. */
static const uint8_t ana_ids[] = {
    [1] = STOA_RTP_EXT_ABS_SEND_TIME, [2] = STOA_RTP_EXT_VIDEO_ORIENTATION,
    [3] = STOA_RTP_EXT_PLAYOUT_DELAY, [4] = STOA_RTP_EXT_MID,
    [5] = STOA_RTP_EXT_AUDIO_LEVEL,   [6] = STOA_RTP_EXT_ABS_CAPTURE_TIME,
    [7] = STOA_RTP_EXT_TOFFSET,       [8] = STOA_RTP_EXT_RID,
};
static const uint8_t ana_says[] = {
    0x12, 0xaa, 0xbb, 0xcc,                                        /* 1 */
    0x20, 0x03,                                                    /* 2 */
    0x32, 0x01, 0x20, 0x64,                                        /* 3 */
    0x40, '0',                                                     /* 4 */
    0x50, 0x85,                                                    /* 5 */
    0x6f, 1,    2,    3,    4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, /* 6 */
    0x72, 0x11, 0x11, 0x11,                                        /* 7 */
    0x80, 'h',                                                     /* 8 */
    0,    0,    0,
};
G_STATIC_ASSERT(sizeof(ana_says) % 4 == 0);

static void speak_with_extensions(Person *person)
{
    StoaRtpHeader header = { .ssrc = VOICE, .payload_type = 111, .timestamp = 5000 };

    person_send_ext(person, &header, FIRST_SEQ, ana_says, sizeof(ana_says), "x", 1);
}

/* What the subscriber reads under each of the ids 1 to 14 is of the kind of its own number. */
static void learn_ids(Person *person)
{
    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        person->ext.kind_of_id[kind] = (uint8_t)kind;
}

static StoaSend with_exts(uint32_t kinds)
{
    StoaSend row = bed_audio_out(1, "mid-of-ben", OUT);

    memset(&row.ext, 0, sizeof(row.ext));
    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        if (kinds >> kind & 1)
            row.ext.id_of_kind[kind] = (uint8_t)kind;
    return row;
}

static void has_ext(const Received *received, StoaRtpExtKind kind, const void *value, size_t len)
{
    assert_true(stoa_rtp_extension_has(&received->exts, kind));
    assert_int_equal(received->exts.len[kind], len);
    if (value)
        assert_memory_equal(received->buf + received->exts.at[kind], value, len);
}

#define BIT(kind) (UINT32_C(1) << STOA_RTP_EXT_##kind)

static void extensions_go_by_what_each_negotiated(void **state)
{
    const uint32_t of_media =
        BIT(VIDEO_ORIENTATION) | BIT(PLAYOUT_DELAY) | BIT(AUDIO_LEVEL) | BIT(ABS_CAPTURE_TIME);
    Scene s = scene_new(*state);
    const Received *all, *some;

    for (unsigned id = 0; id < G_N_ELEMENTS(ana_ids); id++)
        s.ana->ext.kind_of_id[id] = ana_ids[id];
    learn_ids(s.ben);
    learn_ids(s.cleo);
    publish(s.ana, voice_in());
    watch(s.ben, s.ana, with_exts(UINT32_MAX));
    watch(s.cleo, s.ana, with_exts(BIT(PLAYOUT_DELAY) | BIT(MID)));
    connect_all(&s);
    speak_with_extensions(s.ana);
    expect(s.ben, 1);
    expect(s.cleo, 1);

    all = person_received(s.ben, OUT, 0);
    has_ext(all, STOA_RTP_EXT_VIDEO_ORIENTATION, "\x03", 1);
    has_ext(all, STOA_RTP_EXT_PLAYOUT_DELAY, "\x01\x20\x64", 3);
    has_ext(all, STOA_RTP_EXT_AUDIO_LEVEL, "\x85", 1);
    has_ext(all, STOA_RTP_EXT_ABS_CAPTURE_TIME, "\1\2\3\4\5\6\7\10",
            8); /* not ana's clock offset */
    has_ext(all, STOA_RTP_EXT_MID, "mid-of-ben", 10);
    has_ext(all, STOA_RTP_EXT_TWCC, NULL, 2);
    has_ext(all, STOA_RTP_EXT_ABS_SEND_TIME, NULL, 3);
    assert_memory_not_equal(all->buf + all->exts.at[STOA_RTP_EXT_ABS_SEND_TIME], "\xaa\xbb\xcc", 3);
    assert_int_equal(all->exts.found, of_media | BIT(MID) | BIT(TWCC) | BIT(ABS_SEND_TIME));

    some = person_received(s.cleo, OUT, 0);
    has_ext(some, STOA_RTP_EXT_PLAYOUT_DELAY, "\x01\x20\x64", 3);
    assert_int_equal(some->exts.found, BIT(PLAYOUT_DELAY) | BIT(MID));
    bed_free(s.bed);
}

static void who_negotiated_none_gets_no_block(void **state)
{
    Scene s = scene_new(*state);

    for (unsigned id = 0; id < G_N_ELEMENTS(ana_ids); id++)
        s.ana->ext.kind_of_id[id] = ana_ids[id];
    publish(s.ana, voice_in());
    watch(s.ben, s.ana, with_exts(0));
    connect_all(&s);
    speak_with_extensions(s.ana);
    expect(s.ben, 1);
    assert_false(person_received(s.ben, OUT, 0)->header.has_extension);
    bed_free(s.bed);
}

/* -- contributors -------------------------------------------------------------------------- */

/* A publisher that mixes names whom one hears: we are no mixer, and pass the names on. (RFC 3550, 7.1) */
static void contributors_are_named_to_all(void **state)
{
    Scene s = scene_new(*state);
    uint8_t header[STOA_RTP_HEADER_LEN + 15 * 4] = { 0x8f, 111 };

    publish(s.ana, voice_in());
    watch(s.ben, s.ana, bed_audio_out(1, "0", OUT));
    watch(s.cleo, s.ana, with_exts(BIT(MID)));
    connect_all(&s);
    stoa_bytes_put32(header + 8, VOICE);
    for (unsigned i = 0; i < 15; i++)
        stoa_bytes_put32(header + STOA_RTP_HEADER_LEN + 4 * i, 0xc0de0000 + i);
    person_send_packet(s.ana, header, sizeof(header), FIRST_SEQ, "x", 1);
    person_send(s.ana, VOICE, 111, FIRST_SEQ + 1, 960, false, "y", 1);
    expect(s.ben, 2);
    expect(s.cleo, 2);
    for (unsigned i = 0; i < 2; i++) {
        const Received *received = person_received(i == 0 ? s.ben : s.cleo, OUT, 0);

        assert_int_equal(received->header.n_csrc, 15);
        assert_memory_equal(received->buf + STOA_RTP_HEADER_LEN, header + STOA_RTP_HEADER_LEN, 60);
        says(received, "x", 1);
    }
    assert_int_equal(person_received(s.ben, OUT, 1)->header.n_csrc, 0);
    bed_free(s.bed);
}

int main(int argc, char **argv)
{
    static unsigned one = 1, three = 3;
#define BOTH(test)                                         \
    { #test " (one worker)", test, NULL, NULL, &one },     \
    {                                                      \
#test " (three workers)", test, NULL, NULL, &three \
    }
    const struct CMUnitTest tests[] = {
        BOTH(red_goes_whole_to_who_takes_it_and_its_news_to_all),
        BOTH(what_is_no_red_goes_to_nobody),
        BOTH(what_is_lost_on_the_way_up_comes_back_from_the_copy),
        BOTH(a_copy_of_something_else_fills_no_gap),
        BOTH(red_is_sent_again_as_it_was_and_plain_by_rtx),
        BOTH(silence_stays_a_gap_in_time_only),
        BOTH(extensions_go_by_what_each_negotiated),
        BOTH(who_negotiated_none_gets_no_block),
        BOTH(contributors_are_named_to_all),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
