/* SPDX-License-Identifier: MIT */
/* libsrtp2 is the oracle: what we seal is what it would have sealed, byte for byte. */
#include "srtp/seal.h"

#include "../rtp/dice.h"
#include "oracle.h"
#include "rtp/bytes.h"
#include "rtp/header.h"
#include "srtp/open.h"

#define ROOM 2048

static const StoaSrtpProfile profiles[] = { STOA_SRTP_AEAD_AES_128_GCM,
                                            STOA_SRTP_AES128_CM_SHA1_80 };

static StoaSrtpKeys random_keys(StoaSrtpProfile profile)
{
    StoaSrtpKeys keys = { .profile = profile };

    dice_fill(keys.key, sizeof(keys.key));
    dice_fill(keys.salt, stoa_srtp_salt_len(profile));
    return keys;
}

/* A stream of packets whose sequence number runs and rolls over. */
typedef struct {
    uint32_t ssrc;
    uint64_t index;
} Stream;

/* Writes a header with a random extension block at times. Returns its length. */
static size_t random_header(const Stream *stream, uint8_t *packet)
{
    StoaRtpHeader header = {
        .ssrc = stream->ssrc,
        .seq = (uint16_t)stream->index,
        .timestamp = dice(),
        .payload_type = (uint8_t)dice_below(128),
        .marker = dice_below(2),
        .has_extension = dice_below(2),
    };
    size_t words = dice_below(8);

    stoa_rtp_header_write(&header, packet);
    if (!header.has_extension)
        return STOA_RTP_HEADER_LEN;
    stoa_bytes_put16(packet + 12, 0xbede);
    stoa_bytes_put16(packet + 14, (uint16_t)words);
    dice_fill(packet + 16, words * 4);
    return 16 + words * 4;
}

/* Seals by both, in one part or two, and compares. */
static void check_packet(StoaSrtpSeal *seal, srtp_t oracle, const Stream *stream)
{
    uint8_t ours[ROOM], theirs[ROOM] __attribute__((aligned(8))), payload[1400];
    size_t len = dice_below(20) == 0 ? 0 : dice_below(sizeof(payload));
    size_t prefix_len = dice_below(2) ? dice_below(24) : 0;
    size_t header_len = random_header(stream, ours);
    StoaSrtpPayload parts;
    size_t sealed;
    int expected;

    dice_fill(payload, len);
    prefix_len = MIN(prefix_len, len);
    memcpy(theirs, ours, header_len);
    memcpy(theirs + header_len, payload, len);
    expected = (int)(header_len + len);
    assert_int_equal(srtp_protect(oracle, theirs, &expected), srtp_err_status_ok);

    parts = (StoaSrtpPayload){ payload, prefix_len, payload + prefix_len, len - prefix_len };
    sealed = stoa_srtp_seal_rtp(seal, ours, header_len, sizeof(ours), &parts,
                                (uint32_t)(stream->index >> 16));
    assert_int_equal(sealed, expected);
    assert_memory_equal(ours, theirs, sealed);
}

static void every_packet_is_what_libsrtp2_would_have_sealed(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        srtp_t oracle = oracle_new(&keys, ssrc_any_outbound);
        Stream streams[4];

        assert_non_null(seal);
        assert_non_null(oracle);
        for (size_t i = 0; i < 4; i++)
            streams[i] = (Stream){ .ssrc = dice(), .index = dice_below(30000) };
        for (unsigned n = 0; n < 4000; n++) {
            Stream *stream = &streams[dice_below(4)];

            stream->index += 1 + (dice_below(4) == 0 ? dice_below(900) : 0);
            check_packet(seal, oracle, stream);
        }
        for (size_t i = 0; i < 4; i++)
            assert_true(streams[i].index >> 16 >= 1); /* each rolled over */
        srtp_dealloc(oracle);
    }
}

static size_t seal_one(StoaSrtpSeal *seal, Stream *stream, const char *text, uint8_t *packet)
{
    StoaRtpHeader header = { .ssrc = stream->ssrc, .seq = (uint16_t)stream->index };
    StoaSrtpPayload payload = { .data = (const uint8_t *)text, .len = strlen(text) };

    stoa_rtp_header_write(&header, packet);
    return stoa_srtp_seal_rtp(seal, packet, STOA_RTP_HEADER_LEN, ROOM, &payload,
                              (uint32_t)(stream->index >> 16));
}

static void what_is_sealed_can_be_opened_over_many_rolls(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        g_autoptr(StoaSrtpOpen) open = stoa_srtp_open_new(&keys);
        Stream stream = { .ssrc = 0xcafe, .index = 100 };
        uint8_t packet[ROOM] __attribute__((aligned(8)));

        for (; stream.index < 5 << 16; stream.index += 1 + dice_below(2000)) {
            size_t len = seal_one(seal, &stream, "hello there", packet);

            assert_int_equal(stoa_srtp_open_rtp(open, packet, &len), STOA_SRTP_OPEN_OK);
            assert_int_equal(len, STOA_RTP_HEADER_LEN + 11);
            assert_memory_equal(packet + STOA_RTP_HEADER_LEN, "hello there", 11);
        }
    }
}

static void sealing_the_same_bytes_again_gives_the_same_packet(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        Stream stream = { .ssrc = 1, .index = 65535 }, other = { .ssrc = 2, .index = 70000 };
        uint8_t first[ROOM], second[ROOM];
        size_t len = seal_one(seal, &stream, "one text", first);

        seal_one(seal, &other, "another text in between", second);
        assert_int_equal(seal_one(seal, &stream, "one text", second), len);
        assert_memory_equal(first, second, len);
    }
}

static void a_packet_that_does_not_fit_is_not_sealed(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        uint8_t packet[200] = { 0x80 }, text[100] = { 0 };
        StoaSrtpPayload payload = { .data = text, .len = sizeof(text) };
        size_t need = 12 + sizeof(text) + stoa_srtp_seal_overhead(seal);

        assert_int_equal(stoa_srtp_seal_rtp(seal, packet, 12, need - 1, &payload, 0), 0);
        assert_int_equal(stoa_srtp_seal_rtp(seal, packet, 11, need, &payload, 0), 0);
        assert_int_equal(stoa_srtp_seal_rtp(seal, packet, 12, need, &payload, 0), need);
    }
}

static void rtcp_is_sealed_and_opened(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        g_autoptr(StoaSrtpOpen) open = stoa_srtp_open_new(&keys);

        for (unsigned n = 0; n < 200; n++) {
            uint8_t plain[120] = { 0x81, 201, 0, 7 }, buf[160] __attribute__((aligned(8)));
            size_t len = 32, sealed;

            dice_fill(plain + 8, len - 8);
            plain[7] = (uint8_t)dice_below(3); /* several senders */
            memcpy(buf, plain, len);
            sealed = stoa_srtp_seal_rtcp(seal, buf, len, sizeof(buf));
            assert_true(sealed > len && sealed <= len + STOA_SRTP_MAX_OVERHEAD);
            assert_memory_not_equal(buf + 8, plain + 8, len - 8);
            assert_int_equal(stoa_srtp_open_rtcp(open, buf, &sealed), STOA_SRTP_OPEN_OK);
            assert_int_equal(sealed, len);
            assert_memory_equal(buf, plain, len);
        }
        uint8_t small[40] = { 0x80, 201 };
        assert_int_equal(stoa_srtp_seal_rtcp(seal, small, 32, 32 + STOA_SRTP_MAX_OVERHEAD - 1), 0);
        assert_int_equal(stoa_srtp_seal_rtcp(seal, small, 4, sizeof(small)), 0);
    }
}

/* One sender: libsrtp2 counts for each SSRC, we over all of them. */
static void rtcp_is_what_libsrtp2_would_have_sealed(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        StoaSrtpKeys keys = random_keys(profiles[p]);
        g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
        srtp_t oracle = oracle_new(&keys, ssrc_any_outbound);

        for (unsigned n = 0; n < 2000; n++) {
            uint8_t ours[ROOM] = { 0x81, 201, 0, 7, 1, 2, 3, 4 };
            uint8_t theirs[ROOM] __attribute__((aligned(8)));
            size_t len = 8 + 4 * dice_below(300);
            int expected = (int)len;

            dice_fill(ours + 8, len - 8);
            memcpy(theirs, ours, len);
            assert_int_equal(srtp_protect_rtcp(oracle, theirs, &expected), srtp_err_status_ok);
            assert_int_equal(stoa_srtp_seal_rtcp(seal, ours, len, sizeof(ours)), expected);
            assert_memory_equal(ours, theirs, (size_t)expected);
        }
        srtp_dealloc(oracle);
    }
}

static void keys_without_a_profile_are_refused(void **unused G_GNUC_UNUSED)
{
    StoaSrtpKeys keys = { .profile = STOA_SRTP_NO_PROFILE };

    assert_null(stoa_srtp_seal_new(&keys));
    assert_null(stoa_srtp_open_new(&keys));
    stoa_srtp_seal_free(NULL);
    stoa_srtp_open_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_is_what_libsrtp2_would_have_sealed),
        cmocka_unit_test(what_is_sealed_can_be_opened_over_many_rolls),
        cmocka_unit_test(sealing_the_same_bytes_again_gives_the_same_packet),
        cmocka_unit_test(a_packet_that_does_not_fit_is_not_sealed),
        cmocka_unit_test(rtcp_is_sealed_and_opened),
        cmocka_unit_test(rtcp_is_what_libsrtp2_would_have_sealed),
        cmocka_unit_test(keys_without_a_profile_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
