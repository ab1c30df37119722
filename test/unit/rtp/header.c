/* SPDX-License-Identifier: MIT */
#include "rtp/header.h"

#include "dice.h"

/* V=2, padding, extension, two CSRCs; marker, type 96; two words of extension; "abc"; 5 of padding */
static const uint8_t full[] = {
    0xb2, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xba, 0xbe, 1, 1,
    1,    1,    2,    2,    2,    2,    0xbe, 0xde, 0x00, 0x02, 0x10, 0x41, 0, 0,
    0,    0,    0,    0,    'a',  'b',  'c',  0,    0,    0,    0,    5,
};

static void every_part_of_a_full_packet_is_found(void **unused G_GNUC_UNUSED)
{
    StoaRtpHeader header;

    assert_true(stoa_rtp_header_read(full, sizeof(full), &header));
    assert_int_equal(header.ssrc, 0xcafebabe);
    assert_int_equal(header.timestamp, 0xdeadbeef);
    assert_int_equal(header.seq, 0x1234);
    assert_int_equal(header.payload_type, 96);
    assert_true(header.marker);
    assert_int_equal(header.n_csrc, 2);
    assert_true(header.has_extension);
    assert_int_equal(header.ext_profile, 0xbede);
    assert_int_equal(header.ext_at, 24);
    assert_int_equal(header.ext_len, 8);
    assert_int_equal(header.payload_at, 32);
    assert_int_equal(header.payload_len, 3);
    assert_int_equal(header.padding_len, 5);
}

static void a_packet_cut_anywhere_is_refused_or_stays_inside(void **unused G_GNUC_UNUSED)
{
    for (size_t len = 0; len < sizeof(full); len++) {
        uint8_t *cut = dice_exact(full, len);
        StoaRtpHeader header = { .ssrc = 99 };

        if (stoa_rtp_header_read(cut, len, &header))
            assert_true(header.payload_at + header.payload_len + header.padding_len == len);
        else
            assert_int_equal(header.ssrc, 99); /* untouched */
        assert_int_equal(stoa_rtp_header_read_sealed(cut, len, &header), len >= 32);
        free(cut);
    }
}

static void padding_only_packets_are_legal(void **unused G_GNUC_UNUSED)
{
    uint8_t packet[12 + 255] = { 0xa0, 96 };
    StoaRtpHeader header;

    packet[sizeof(packet) - 1] = 255;
    assert_true(stoa_rtp_header_read(packet, sizeof(packet), &header));
    assert_int_equal(header.payload_len, 0);
    assert_int_equal(header.padding_len, 255);
    packet[12] = 1;
    assert_true(stoa_rtp_header_read(packet, 13, &header));
    assert_int_equal(header.payload_len, 0);
}

static void padding_past_its_own_end_is_refused(void **unused G_GNUC_UNUSED)
{
    uint8_t packet[20] = { 0xa0, 96 };
    StoaRtpHeader header;

    packet[19] = 9;
    assert_false(stoa_rtp_header_read(packet, 20, &header));
    packet[19] = 0;
    assert_false(stoa_rtp_header_read(packet, 20, &header));
    packet[19] = 8;
    assert_true(stoa_rtp_header_read(packet, 20, &header));
    assert_false(stoa_rtp_header_read(packet, 12, &header)); /* P is set, nothing follows */
}

static void another_version_is_refused(void **unused G_GNUC_UNUSED)
{
    uint8_t packet[12] = { 0 };
    StoaRtpHeader header;

    for (unsigned version = 0; version < 4; version++) {
        packet[0] = (uint8_t)(version << 6);
        assert_int_equal(stoa_rtp_header_read(packet, 12, &header), version == 2);
    }
}

static void what_is_written_is_read_again(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 2000; n++) {
        StoaRtpHeader in = { .ssrc = dice(),
                             .timestamp = dice(),
                             .seq = (uint16_t)dice(),
                             .payload_type = (uint8_t)dice_below(128),
                             .marker = dice_below(2) };
        StoaRtpHeader out;
        uint8_t packet[12];

        stoa_rtp_header_write(&in, packet);
        assert_true(stoa_rtp_header_read(packet, 12, &out));
        assert_int_equal(out.ssrc, in.ssrc);
        assert_int_equal(out.timestamp, in.timestamp);
        assert_int_equal(out.seq, in.seq);
        assert_int_equal(out.payload_type, in.payload_type);
        assert_int_equal(out.marker, in.marker);
        assert_false(out.has_extension);
        assert_int_equal(out.payload_len, 0);
    }
}

static void noise_never_leads_outside_the_packet(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t noise[80];
        size_t len = dice_below(sizeof(noise));
        StoaRtpHeader header;

        dice_fill(noise, len);
        noise[0] = (uint8_t)((noise[0] & 0x3f) | 0x80);
        noise[14] = 0;
        if (stoa_rtp_header_read(noise, len, &header))
            assert_int_equal(header.payload_at + header.payload_len + header.padding_len, len);
    }
}

static void rtcp_is_told_from_rtp(void **unused G_GNUC_UNUSED)
{
    static const uint8_t sr[] = { 0x80, 200 }, video[] = { 0x80, 0x80 | 96 },
                         audio[] = { 0x80, 111 };
    static const uint8_t pli[] = { 0x81, 206 };

    assert_true(stoa_rtp_header_is_rtcp(sr, 2));
    assert_true(stoa_rtp_header_is_rtcp(pli, 2));
    assert_false(stoa_rtp_header_is_rtcp(video, 2));
    assert_false(stoa_rtp_header_is_rtcp(audio, 2));
    assert_false(stoa_rtp_header_is_rtcp(sr, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_full_packet_is_found),
        cmocka_unit_test(a_packet_cut_anywhere_is_refused_or_stays_inside),
        cmocka_unit_test(padding_only_packets_are_legal),
        cmocka_unit_test(padding_past_its_own_end_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(noise_never_leads_outside_the_packet),
        cmocka_unit_test(rtcp_is_told_from_rtp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
