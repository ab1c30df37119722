/* SPDX-License-Identifier: MIT */
#include "rtp/extension.h"

#include "dice.h"
#include "rtp/bytes.h"

/* A packet with an extension block of these elements; `len` a multiple of four. */
static StoaRtpHeader make_packet(uint8_t *packet, uint16_t profile, const uint8_t *block,
                                 size_t len)
{
    StoaRtpHeader header = { .has_extension = true, .payload_type = 96 };

    stoa_rtp_header_write(&header, packet);
    stoa_bytes_put16(packet + 12, profile);
    stoa_bytes_put16(packet + 14, (uint16_t)(len / 4));
    memcpy(packet + 16, block, len);
    assert_true(stoa_rtp_header_read(packet, 16 + len, &header));
    return header;
}

static StoaRtpExtIds some_ids(void)
{
    StoaRtpExtIds ids = { 0 };

    ids.kind_of_id[1] = STOA_RTP_EXT_AUDIO_LEVEL;
    ids.kind_of_id[3] = STOA_RTP_EXT_TWCC;
    ids.kind_of_id[4] = STOA_RTP_EXT_MID;
    ids.kind_of_id[10] = STOA_RTP_EXT_RID;
    ids.kind_of_id[12] = STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR;
    ids.kind_of_id[200] = STOA_RTP_EXT_VIDEO_ORIENTATION;
    return ids;
}

static void one_byte_elements_are_found(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 0x10, 0x8a, 0x31, 0xab, 0xcd, 0, 0x40, '0',
                                     0xa1, 'h',  'i',  0x70, 9,    0, 0,    0 };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0xbede, block, sizeof(block));
    StoaRtpExts exts;
    StoaRtpAudioLevel level;
    char text[8];
    uint16_t seq;

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_true(stoa_rtp_extension_audio_level(packet, &exts, &level));
    assert_int_equal(level.level_dbov, 10);
    assert_true(level.is_voice);
    assert_true(stoa_rtp_extension_twcc_seq(packet, &exts, &seq));
    assert_int_equal(seq, 0xabcd);
    assert_true(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_MID, text, sizeof(text)));
    assert_string_equal(text, "0");
    assert_true(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_RID, text, sizeof(text)));
    assert_string_equal(text, "hi");
    assert_false(stoa_rtp_extension_has(&exts, STOA_RTP_EXT_VIDEO_ORIENTATION));
}

static void two_byte_elements_are_found(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = {
        0, 3, 2, 0x12, 0x34, 0, 0, 1, 1, 0x7f, 200, 0, 4, 2, 'a', 'b'
    };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0x1005, block, sizeof(block));
    StoaRtpExts exts;
    StoaRtpAudioLevel level;
    uint16_t seq;

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_true(stoa_rtp_extension_twcc_seq(packet, &exts, &seq));
    assert_int_equal(seq, 0x1234);
    assert_true(stoa_rtp_extension_audio_level(packet, &exts, &level));
    assert_int_equal(level.level_dbov, 127);
    assert_false(level.is_voice);
    assert_true(stoa_rtp_extension_has(&exts, STOA_RTP_EXT_VIDEO_ORIENTATION));
    assert_int_equal(exts.len[STOA_RTP_EXT_VIDEO_ORIENTATION], 0);
    assert_int_equal(exts.len[STOA_RTP_EXT_MID], 2);
}

static void an_element_past_the_block_ends_the_walk(void **unused G_GNUC_UNUSED)
{
    static const uint8_t one[] = { 0x10, 0x05, 0x3f, 1 }, two[] = { 1, 1, 5, 3, 4, 0, 3, 9 };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0xbede, one, sizeof(one));
    StoaRtpExts exts;

    assert_false(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_int_equal(exts.found, 1 << STOA_RTP_EXT_AUDIO_LEVEL);
    header = make_packet(packet, 0x1000, two, sizeof(two));
    assert_false(stoa_rtp_extension_read(packet, &header, &ids, &exts));
}

static void id_15_ends_one_byte_elements(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 0xf0, 1, 0x10, 5 };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0xbede, block, sizeof(block));
    StoaRtpExts exts;

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_int_equal(exts.found, 0);
}

static void short_elements_have_no_value(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 1, 0, 3, 1, 9, 4, 0, 0 };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0x1000, block, sizeof(block));
    StoaRtpAudioLevel level;
    StoaRtpExts exts;
    uint16_t seq;
    char text[4];

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_false(stoa_rtp_extension_audio_level(packet, &exts, &level));
    assert_false(stoa_rtp_extension_twcc_seq(packet, &exts, &seq));
    assert_false(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_MID, text, sizeof(text)));
}

static void text_is_a_token_that_fits(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 0x42, 'a', 'b', 'c', 0xa1, 'h', ' ', 0 };
    StoaRtpExtIds ids = some_ids();
    uint8_t packet[64];
    StoaRtpHeader header = make_packet(packet, 0xbede, block, sizeof(block));
    StoaRtpExts exts;
    char text[8];

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_false(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_MID, text, 3));
    assert_true(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_MID, text, 4));
    assert_false(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_RID, text, sizeof(text)));
    assert_false(stoa_rtp_extension_text(packet, &exts, STOA_RTP_EXT_REPAIRED_RID, text, 8));
}

static StoaRtpExtIds inverse(const StoaRtpExtMap *map)
{
    StoaRtpExtIds ids = { 0 };

    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        if (map->id_of_kind[kind] != 0)
            ids.kind_of_id[map->id_of_kind[kind]] = (uint8_t)kind;
    return ids;
}

/* Writes for a sink and reads it back as the subscriber would. Returns the block's length. */
static size_t forward(const StoaRtpExtMap *map, const uint8_t *packet, const StoaRtpExts *exts,
                      const StoaRtpExtValues *values, uint8_t *out, size_t size, StoaRtpExts *seen)
{
    StoaRtpHeader header = { .has_extension = true };
    StoaRtpExtIds ids = inverse(map);
    StoaRtpExtSink sink;
    size_t len;

    stoa_rtp_extension_sink_init(&sink, map);
    stoa_rtp_header_write(&header, out);
    len = stoa_rtp_extension_write(&sink, packet, exts, values, out + 12, size - 12);
    if (len == 0)
        return 0;
    assert_int_equal(len % 4, 0);
    assert_true(len <= size - 12);
    assert_true(stoa_rtp_header_read(out, 12 + len, &header));
    assert_int_equal(header.payload_len, 0);
    assert_true(stoa_rtp_extension_read(out, &header, &ids, seen));
    return len;
}

static void a_sink_gets_our_values_and_the_medias_own(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 0x10, 0x8a, 0x31, 0xab, 0xcd, 0x40, 'x', 0xa0,
                                     'h',  0xc3, 1,    2,    3,    4,    0,   0 };
    StoaRtpExtIds ids = some_ids();
    StoaRtpExtMap map = { .id_of_kind = { [STOA_RTP_EXT_MID] = 9,
                                          [STOA_RTP_EXT_AUDIO_LEVEL] = 7,
                                          [STOA_RTP_EXT_TWCC] = 5,
                                          [STOA_RTP_EXT_ABS_SEND_TIME] = 2,
                                          [STOA_RTP_EXT_RID] = 3,
                                          [STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = 14 } };
    StoaRtpExtValues values = { .mid = "m1",
                                .mid_len = 2,
                                .has_twcc = true,
                                .twcc_seq = 777,
                                .has_abs_send_time = true,
                                .abs_send_time = 0x123456 };
    uint8_t packet[64], out[100];
    StoaRtpHeader header = make_packet(packet, 0xbede, block, sizeof(block));
    StoaRtpExts exts, seen;
    StoaRtpAudioLevel level;
    char text[8];
    uint16_t seq;

    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_true(forward(&map, packet, &exts, &values, out, sizeof(out), &seen) > 0);
    assert_int_equal(stoa_bytes_get16(out + 12), 0xbede);
    assert_true(stoa_rtp_extension_text(out, &seen, STOA_RTP_EXT_MID, text, sizeof(text)));
    assert_string_equal(text, "m1");
    assert_true(stoa_rtp_extension_twcc_seq(out, &seen, &seq));
    assert_int_equal(seq, 777);
    assert_true(stoa_rtp_extension_audio_level(out, &seen, &level));
    assert_int_equal(level.level_dbov, 10);
    assert_int_equal(stoa_bytes_get24(out + seen.at[STOA_RTP_EXT_ABS_SEND_TIME]), 0x123456);
    assert_memory_equal(out + seen.at[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR], "\1\2\3\4", 4);
    assert_false(stoa_rtp_extension_has(&seen, STOA_RTP_EXT_RID)); /* never passed on */
}

static void a_playout_delay_of_ours_gives_way_to_that_of_the_source(void **unused G_GNUC_UNUSED)
{
    static const uint8_t block[] = { 0x62, 0x01, 0x02, 0x03 };
    StoaRtpExtIds ids = { .kind_of_id = { [6] = STOA_RTP_EXT_PLAYOUT_DELAY } };
    StoaRtpExtMap map = { .id_of_kind = { [STOA_RTP_EXT_PLAYOUT_DELAY] = 8 } };
    StoaRtpExtValues values = { .has_playout_delay = true, .playout_delay = 0x0143e8 };
    StoaRtpExts none = { 0 }, exts, seen;
    uint8_t packet[64], out[100];
    StoaRtpHeader header = make_packet(packet, 0xbede, block, sizeof(block));

    assert_true(forward(&map, packet, &none, &values, out, sizeof(out), &seen) > 0);
    assert_int_equal(stoa_bytes_get24(out + seen.at[STOA_RTP_EXT_PLAYOUT_DELAY]), 0x0143e8);
    assert_true(stoa_rtp_extension_read(packet, &header, &ids, &exts));
    assert_true(forward(&map, packet, &exts, &values, out, sizeof(out), &seen) > 0);
    assert_int_equal(stoa_bytes_get24(out + seen.at[STOA_RTP_EXT_PLAYOUT_DELAY]), 0x010203);
    values.is_playout_delay_firm = true;
    assert_int_equal(forward(&map, packet, &exts, &values, out, sizeof(out), &seen), 8);
    assert_int_equal(stoa_bytes_get24(out + seen.at[STOA_RTP_EXT_PLAYOUT_DELAY]), 0x0143e8);
}

static void a_large_id_or_element_makes_two_byte_form(void **unused G_GNUC_UNUSED)
{
    StoaRtpExtMap map = { .id_of_kind = { [STOA_RTP_EXT_TWCC] = 15 } };
    StoaRtpExtValues values = { .has_twcc = true, .twcc_seq = 0xfffe };
    StoaRtpExts exts = { 0 }, seen;
    uint8_t packet[64] = { 0 }, out[100];
    uint16_t seq;

    assert_int_equal(forward(&map, packet, &exts, &values, out, sizeof(out), &seen), 8);
    assert_int_equal(stoa_bytes_get16(out + 12), 0x1000);
    assert_true(stoa_rtp_extension_twcc_seq(out, &seen, &seq));
    assert_int_equal(seq, 0xfffe);

    map = (StoaRtpExtMap){ .id_of_kind = { [STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = 1 } };
    exts.found = 1 << STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR;
    exts.at[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = 20;
    exts.len[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = 17;
    assert_int_equal(forward(&map, packet, &exts, &values, out, sizeof(out), &seen), 24);
    assert_int_equal(stoa_bytes_get16(out + 12), 0x1000);
    assert_int_equal(seen.len[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR], 17);
    exts.len[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = 16;
    assert_int_equal(forward(&map, packet, &exts, &values, out, sizeof(out), &seen), 24);
    assert_int_equal(stoa_bytes_get16(out + 12), 0xbede);
}

static void nothing_to_say_writes_nothing(void **unused G_GNUC_UNUSED)
{
    StoaRtpExtMap map = { .id_of_kind = { [STOA_RTP_EXT_RID] = 3 } };
    StoaRtpExtValues values = { .mid = "0", .mid_len = 1, .has_twcc = true };
    StoaRtpExts exts = { .found = 1 << STOA_RTP_EXT_RID }, seen;
    uint8_t packet[64] = { 0 }, out[100];

    assert_int_equal(forward(&map, packet, &exts, &values, out, sizeof(out), &seen), 0);
}

/* Any mix of ids, lengths and room: the block is well-formed and holds what fits. */
static void random_blocks_survive_the_way_through_a_sink(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t packet[1200], out[1500];
        StoaRtpExts exts = { 0 }, seen;
        StoaRtpExtMap map = { 0 };
        StoaRtpExtValues values = { .mid = "video-7",
                                    .mid_len = (uint8_t)dice_below(8),
                                    .has_twcc = dice_below(2),
                                    .twcc_seq = (uint16_t)dice(),
                                    .has_abs_send_time = dice_below(2) };
        size_t size = 12 + dice_below(sizeof(out) - 12);

        dice_fill(packet, sizeof(packet));
        for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++) {
            if (dice_below(2))
                exts.found = (uint16_t)(exts.found | 1u << kind);
            exts.at[kind] = (uint16_t)dice_below(900);
            exts.len[kind] = (uint8_t)(dice_below(4) ? dice_below(17) : dice_below(256));
            map.id_of_kind[kind] = dice_below(4) ? (uint8_t)(kind + (n % 2 ? 0 : 100)) : 0;
        }
        if (forward(&map, packet, &exts, &values, out, size, &seen) == 0)
            continue;
        for (unsigned kind = STOA_RTP_EXT_VIDEO_ORIENTATION; kind < STOA_RTP_EXT_N_KINDS; kind++) {
            if (!stoa_rtp_extension_has(&seen, kind))
                continue;
            assert_int_equal(seen.len[kind], kind == STOA_RTP_EXT_ABS_CAPTURE_TIME
                                                 ? MIN(8, exts.len[kind])
                                                 : exts.len[kind]);
            assert_memory_equal(out + seen.at[kind], packet + exts.at[kind], seen.len[kind]);
        }
    }
}

static void noise_never_leads_outside_the_block(void **unused G_GNUC_UNUSED)
{
    StoaRtpExtIds ids;

    for (size_t i = 0; i < 256; i++)
        ids.kind_of_id[i] = (uint8_t)(i % STOA_RTP_EXT_N_KINDS);
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t block[60], packet[100];
        size_t len = 4 * dice_below(sizeof(block) / 4);
        StoaRtpHeader header;
        StoaRtpExts exts;

        dice_fill(block, sizeof(block));
        header = make_packet(packet, n % 2 ? 0xbede : 0x1000, block, len);
        stoa_rtp_extension_read(packet, &header, &ids, &exts);
        for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
            if (stoa_rtp_extension_has(&exts, kind))
                assert_true(exts.at[kind] >= 16 && exts.at[kind] + exts.len[kind] <= 16 + len);
    }
}

static void kinds_and_uris_go_both_ways(void **unused G_GNUC_UNUSED)
{
    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        assert_int_equal(stoa_rtp_extension_kind(stoa_rtp_extension_uri(kind)), kind);
    assert_null(stoa_rtp_extension_uri(STOA_RTP_EXT_NONE));
    assert_null(stoa_rtp_extension_uri((StoaRtpExtKind)77));
    assert_int_equal(stoa_rtp_extension_kind("urn:example"), STOA_RTP_EXT_NONE);
}

static void abs_send_time_is_six_bits_of_seconds(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_rtp_extension_abs_send_time(0), 0);
    assert_int_equal(stoa_rtp_extension_abs_send_time(1000000), 1 << 18);
    assert_int_equal(stoa_rtp_extension_abs_send_time(64000000), 0);
    assert_int_equal(stoa_rtp_extension_abs_send_time(63500000), (63 << 18) + (1 << 17));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_elements_are_found),
        cmocka_unit_test(two_byte_elements_are_found),
        cmocka_unit_test(an_element_past_the_block_ends_the_walk),
        cmocka_unit_test(id_15_ends_one_byte_elements),
        cmocka_unit_test(short_elements_have_no_value),
        cmocka_unit_test(text_is_a_token_that_fits),
        cmocka_unit_test(a_sink_gets_our_values_and_the_medias_own),
        cmocka_unit_test(a_playout_delay_of_ours_gives_way_to_that_of_the_source),
        cmocka_unit_test(a_large_id_or_element_makes_two_byte_form),
        cmocka_unit_test(nothing_to_say_writes_nothing),
        cmocka_unit_test(random_blocks_survive_the_way_through_a_sink),
        cmocka_unit_test(noise_never_leads_outside_the_block),
        cmocka_unit_test(kinds_and_uris_go_both_ways),
        cmocka_unit_test(abs_send_time_is_six_bits_of_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
