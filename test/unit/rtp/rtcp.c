/* SPDX-License-Identifier: MIT */
#include "rtp/rtcp.h"

#include "dice.h"
#include "rtp/bytes.h"

static StoaRtcpBlock random_block(void)
{
    return (StoaRtcpBlock){ .ssrc = dice(),
                            .fraction_lost = (uint8_t)dice(),
                            .total_lost = (int32_t)dice_below(0x1000000) - 0x800000,
                            .highest_seq = dice(),
                            .jitter = dice(),
                            .lsr = dice(),
                            .dlsr = dice() };
}

static StoaRtcpPacket only_packet(const uint8_t *buf, size_t len)
{
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    stoa_rtcp_iter_init(&iter, buf, len);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_int_equal(iter.left, 0);
    return packet;
}

static void check_blocks(const StoaRtcpPacket *packet, const StoaRtcpBlock *blocks, size_t n)
{
    StoaRtcpBlock block;

    for (size_t i = 0; i < n; i++) {
        assert_true(stoa_rtcp_block_read(packet, i, &block));
        assert_true(block.ssrc == blocks[i].ssrc && block.fraction_lost == blocks[i].fraction_lost);
        assert_int_equal(block.total_lost, blocks[i].total_lost);
        assert_true(block.highest_seq == blocks[i].highest_seq && block.jitter == blocks[i].jitter);
        assert_true(block.lsr == blocks[i].lsr && block.dlsr == blocks[i].dlsr);
    }
    assert_false(stoa_rtcp_block_read(packet, n, &block));
}

static void reports_survive_writing_and_reading(void **unused G_GNUC_UNUSED)
{
    for (size_t n = 0; n <= 31; n++) {
        StoaRtcpSr sr = { dice(), (uint64_t)dice() << 32 | dice(), dice(), dice(), dice() }, seen;
        StoaRtcpBlock blocks[31];
        StoaRtcpPacket packet;
        uint8_t buf[1000];
        uint32_t ssrc;
        size_t len;

        for (size_t i = 0; i < n; i++)
            blocks[i] = random_block();
        len = stoa_rtcp_sr_write(&sr, blocks, n, buf, sizeof(buf));
        assert_int_equal(len, 28 + 24 * n);
        packet = only_packet(buf, len);
        assert_true(stoa_rtcp_sr_read(&packet, &seen));
        assert_true(seen.ssrc == sr.ssrc && seen.ntp == sr.ntp && seen.timestamp == sr.timestamp);
        assert_true(seen.n_packets == sr.n_packets && seen.n_bytes == sr.n_bytes);
        check_blocks(&packet, blocks, n);
        assert_int_equal(stoa_rtcp_sr_write(&sr, blocks, n, buf, len - 1), 0);

        len = stoa_rtcp_rr_write(sr.ssrc, blocks, n, buf, sizeof(buf));
        packet = only_packet(buf, len);
        assert_false(stoa_rtcp_sr_read(&packet, &seen));
        assert_true(stoa_rtcp_sender(&packet, &ssrc));
        assert_int_equal(ssrc, sr.ssrc);
        check_blocks(&packet, blocks, n);
    }
}

static void more_than_31_blocks_do_not_fit_one_report(void **unused G_GNUC_UNUSED)
{
    static const StoaRtcpBlock blocks[32];
    uint8_t buf[1000];

    assert_int_equal(stoa_rtcp_rr_write(1, blocks, 32, buf, sizeof(buf)), 0);
}

static void losses_may_be_negative(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock in = { .total_lost = -1 }, out;
    StoaRtcpPacket packet;
    uint8_t buf[64];

    packet = only_packet(buf, stoa_rtcp_rr_write(1, &in, 1, buf, sizeof(buf)));
    assert_true(stoa_rtcp_block_read(&packet, 0, &out));
    assert_int_equal(out.total_lost, -1);
}

static void a_count_beyond_the_packet_gives_only_what_is_there(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock in = random_block(), out;
    uint8_t buf[64];
    StoaRtcpPacket packet;
    size_t len = stoa_rtcp_rr_write(1, &in, 1, buf, sizeof(buf));

    buf[0] = 0x80 | 31;
    packet = only_packet(buf, len);
    assert_true(stoa_rtcp_block_read(&packet, 0, &out));
    assert_false(stoa_rtcp_block_read(&packet, 1, &out));
}

static void a_compound_is_walked_in_order(void **unused G_GNUC_UNUSED)
{
    static const uint8_t bye[] = { 0x81, 203, 0, 1, 0, 0, 0, 11 };
    uint8_t buf[200];
    StoaRtcpPacket packet;
    StoaRtcpIter iter;
    size_t len;

    len = stoa_rtcp_rr_write(7, NULL, 0, buf, sizeof(buf));
    len += stoa_rtcp_sdes_write(7, "someone", buf + len, sizeof(buf) - len);
    memcpy(buf + len, bye, sizeof(bye));
    len += sizeof(bye);
    assert_true(stoa_rtcp_is_valid(buf, len));

    stoa_rtcp_iter_init(&iter, buf, len);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_int_equal(packet.type, STOA_RTCP_RR);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_int_equal(packet.type, STOA_RTCP_SDES);
    assert_int_equal(packet.count, 1);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_int_equal(packet.type, STOA_RTCP_BYE);
    assert_int_equal(packet.body_len, 4);
    assert_false(stoa_rtcp_iter_next(&iter, &packet));
}

/* A chunk: the SSRC, the item CNAME, and one to four zeros behind it. (RFC 3550, 6.5) */
static void names_of_any_length_are_padded_right(void **unused G_GNUC_UNUSED)
{
    static const uint8_t zeros[4] = { 0 };
    char name[258] = "";

    for (size_t n = 0; n <= 256; n++) {
        uint8_t buf[300];
        StoaRtcpPacket packet;
        size_t len = stoa_rtcp_sdes_write(9, name, buf, sizeof(buf));

        if (n == 256) {
            assert_int_equal(len, 0);
            return;
        }
        assert_true(len > 0 && len % 4 == 0);
        packet = only_packet(buf, len);
        assert_int_equal(packet.type, STOA_RTCP_SDES);
        assert_int_equal(packet.count, 1);
        assert_in_range(packet.body_len - n, 7, 10);
        assert_memory_equal(packet.body, "\0\0\0\x09\x01", 5);
        assert_int_equal(packet.body[5], n);
        assert_memory_equal(packet.body + 6, name, n);
        assert_memory_equal(packet.body + 6 + n, zeros, packet.body_len - 6 - n);
        name[n] = 'x';
    }
}

static void a_datagram_that_does_not_add_up_is_refused(void **unused G_GNUC_UNUSED)
{
    uint8_t buf[100];
    size_t len = stoa_rtcp_rr_write(7, NULL, 0, buf, sizeof(buf));

    len += stoa_rtcp_sdes_write(7, "someone", buf + len, sizeof(buf) - len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(stoa_rtcp_is_valid(buf, cut), cut == 8);
    buf[8] ^= 0x40;
    assert_false(stoa_rtcp_is_valid(buf, len));
    buf[8] ^= 0x40;
    buf[9] = 10;
    assert_false(stoa_rtcp_is_valid(buf, len));
}

static void padding_is_taken_off(void **unused G_GNUC_UNUSED)
{
    static const uint8_t good[] = { 0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4 };
    static const uint8_t bad[] = { 0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9 };
    StoaRtcpPacket packet = only_packet(good, sizeof(good));

    assert_int_equal(packet.body_len, 4);
    assert_false(stoa_rtcp_is_valid(bad, sizeof(bad)));
}

static void round_trip_blocks_survive(void **unused G_GNUC_UNUSED)
{
    StoaRtcpDlrr in[5], out;
    StoaRtcpPacket packet;
    StoaRtcpXr xr;
    uint8_t buf[200];

    packet = only_packet(buf, stoa_rtcp_rrtr_write(5, 0x123456789abcdef0, buf, sizeof(buf)));
    assert_true(stoa_rtcp_xr_read(&packet, &xr));
    assert_true(xr.has_rrtr && xr.rrtr_ntp == 0x123456789abcdef0 && xr.ssrc == 5);
    assert_int_equal(xr.n_dlrr, 0);

    stoa_bytes_put32(buf, 0x80cf0011); /* XR, 18 words with the header */
    stoa_bytes_put32(buf + 4, 6);
    stoa_bytes_put32(buf + 8, 0x0500000f); /* DLRR, 15 words */
    for (size_t i = 0; i < 5; i++) {
        in[i] = (StoaRtcpDlrr){ dice(), dice(), dice() };
        stoa_bytes_put32(buf + 12 + 12 * i, in[i].ssrc);
        stoa_bytes_put32(buf + 16 + 12 * i, in[i].lrr);
        stoa_bytes_put32(buf + 20 + 12 * i, in[i].dlrr);
    }
    packet = only_packet(buf, 72);
    assert_true(stoa_rtcp_xr_read(&packet, &xr));
    assert_false(xr.has_rrtr);
    for (size_t i = 0; i < 5; i++) {
        assert_true(stoa_rtcp_dlrr_read(&xr, i, &out));
        assert_memory_equal(&in[i], &out, sizeof(out));
    }
    assert_false(stoa_rtcp_dlrr_read(&xr, 5, &out));
}

/* Every reader over noise with a good frame around it, in a block of its own size. */
static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 30000; n++) {
        size_t len = 4 * (1 + dice_below(20));
        uint8_t *noise = malloc(len);
        StoaRtcpPacket packet;
        StoaRtcpBlock block;
        StoaRtcpDlrr dlrr;
        StoaRtcpIter iter;
        StoaRtcpSr sr;
        StoaRtcpXr xr;
        uint32_t ssrc;

        dice_fill(noise, len);
        noise[0] = (uint8_t)(0x80 | (noise[0] & 0x1f));
        noise[1] = (uint8_t)(200 + dice_below(8));
        stoa_bytes_put16(noise + 2, (uint16_t)(len / 4 - 1));
        stoa_rtcp_iter_init(&iter, noise, len);
        while (stoa_rtcp_iter_next(&iter, &packet)) {
            stoa_rtcp_sr_read(&packet, &sr);
            stoa_rtcp_sender(&packet, &ssrc);
            for (size_t i = 0; i < 32; i++) {
                stoa_rtcp_block_read(&packet, i, &block);
            }
            if (stoa_rtcp_xr_read(&packet, &xr))
                for (size_t i = 0; stoa_rtcp_dlrr_read(&xr, i, &dlrr);)
                    i++;
        }
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_survive_writing_and_reading),
        cmocka_unit_test(more_than_31_blocks_do_not_fit_one_report),
        cmocka_unit_test(losses_may_be_negative),
        cmocka_unit_test(a_count_beyond_the_packet_gives_only_what_is_there),
        cmocka_unit_test(a_compound_is_walked_in_order),
        cmocka_unit_test(names_of_any_length_are_padded_right),
        cmocka_unit_test(a_datagram_that_does_not_add_up_is_refused),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(round_trip_blocks_survive),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
