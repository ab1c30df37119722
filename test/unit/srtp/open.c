/* SPDX-License-Identifier: MIT */
#include "srtp/open.h"

#include "../rtp/dice.h"
#include "rtp/header.h"
#include "srtp/seal.h"

typedef struct {
    StoaSrtpSeal *seal;
    StoaSrtpOpen *open;
    uint8_t packet[256] __attribute__((aligned(8)));
} Pair;

static const StoaSrtpProfile profiles[] = { STOA_SRTP_AEAD_AES_128_GCM,
                                            STOA_SRTP_AES128_CM_SHA1_80 };

static void pair_begin(Pair *pair, StoaSrtpProfile profile)
{
    StoaSrtpKeys keys = { .profile = profile };

    dice_fill(keys.key, sizeof(keys.key));
    dice_fill(keys.salt, stoa_srtp_salt_len(profile));
    pair->seal = stoa_srtp_seal_new(&keys);
    pair->open = stoa_srtp_open_new(&keys);
    assert_non_null(pair->seal);
    assert_non_null(pair->open);
}

static void pair_end(Pair *pair)
{
    stoa_srtp_seal_free(pair->seal);
    stoa_srtp_open_free(pair->open);
}

static size_t seal_packet(Pair *pair, uint32_t ssrc, uint16_t seq)
{
    StoaRtpHeader header = { .ssrc = ssrc, .seq = seq };
    static const uint8_t text[] = "payload";
    StoaSrtpPayload payload = { .data = text, .len = sizeof(text) };

    stoa_rtp_header_write(&header, pair->packet);
    return stoa_srtp_seal_rtp(pair->seal, pair->packet, 12, sizeof(pair->packet), &payload, 0);
}

static StoaSrtpOpenResult send_packet(Pair *pair, uint32_t ssrc, uint16_t seq)
{
    size_t len = seal_packet(pair, ssrc, seq);
    return stoa_srtp_open_rtp(pair->open, pair->packet, &len);
}

static void a_replayed_packet_is_refused(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        Pair pair;

        pair_begin(&pair, profiles[p]);
        assert_int_equal(send_packet(&pair, 7, 5000), STOA_SRTP_OPEN_OK);
        assert_int_equal(send_packet(&pair, 7, 5000), STOA_SRTP_OPEN_REPLAY);
        assert_int_equal(send_packet(&pair, 7, 5001), STOA_SRTP_OPEN_OK);
        assert_int_equal(send_packet(&pair, 7, 3500), STOA_SRTP_OPEN_OK); /* within the window */
        assert_int_equal(send_packet(&pair, 7, 3500), STOA_SRTP_OPEN_REPLAY);
        assert_int_equal(send_packet(&pair, 7, 2000), STOA_SRTP_OPEN_REPLAY); /* older than it */
        pair_end(&pair);
    }
}

static void no_flipped_bit_gets_through(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        Pair pair;
        size_t len;

        pair_begin(&pair, profiles[p]);
        assert_int_equal(send_packet(&pair, 7, 1), STOA_SRTP_OPEN_OK);
        len = seal_packet(&pair, 7, 2);
        for (size_t bit = 0; bit < len * 8; bit++) {
            uint8_t copy[256] __attribute__((aligned(8)));
            size_t copy_len = len;

            memcpy(copy, pair.packet, len);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(stoa_srtp_open_rtp(pair.open, copy, &copy_len), STOA_SRTP_OPEN_OK);
            assert_int_equal(copy_len, len);
        }
        assert_int_equal(stoa_srtp_open_rtp(pair.open, pair.packet, &len), STOA_SRTP_OPEN_OK);
        pair_end(&pair);
    }
}

static void noise_of_any_length_is_refused(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        Pair pair;

        pair_begin(&pair, profiles[p]);
        for (size_t n = 0; n < 6000; n++) {
            size_t len = n % 130;
            uint8_t *noise = malloc(len + 1);

            dice_fill(noise, len);
            if (len > 0 && n % 3)
                noise[0] = (uint8_t)(0x80 | (noise[0] & 0x3f));
            if (n % 2)
                assert_int_not_equal(stoa_srtp_open_rtp(pair.open, noise, &len), STOA_SRTP_OPEN_OK);
            else
                assert_int_not_equal(stoa_srtp_open_rtcp(pair.open, noise, &len),
                                     STOA_SRTP_OPEN_OK);
            free(noise);
        }
        pair_end(&pair);
    }
}

static void a_peer_cannot_open_streams_without_end(void **unused G_GNUC_UNUSED)
{
    Pair pair;

    pair_begin(&pair, STOA_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 1; ssrc <= STOA_SRTP_OPEN_MAX_SSRCS; ssrc++)
        assert_int_equal(send_packet(&pair, ssrc, 1), STOA_SRTP_OPEN_OK);
    assert_int_equal(send_packet(&pair, 5000, 1), STOA_SRTP_OPEN_TOO_MANY);
    assert_int_equal(send_packet(&pair, 3, 2), STOA_SRTP_OPEN_OK); /* the old ones go on */
    stoa_srtp_open_forget(pair.open, 3);
    stoa_srtp_open_forget(pair.open, 4000); /* never seen */
    assert_int_equal(send_packet(&pair, 5000, 1), STOA_SRTP_OPEN_OK);
    assert_int_equal(send_packet(&pair, 5001, 1), STOA_SRTP_OPEN_TOO_MANY);
    pair_end(&pair);
}

static gpointer init_many_times(gpointer unused G_GNUC_UNUSED)
{
    for (int i = 0; i < 1000; i++)
        if (!stoa_srtp_init())
            return GINT_TO_POINTER(1);
    return NULL;
}

static void threads_may_begin_together(void **unused G_GNUC_UNUSED)
{
    GThread *threads[4];

    for (size_t i = 0; i < 4; i++)
        threads[i] = g_thread_new("init", init_many_times, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_null(g_thread_join(threads[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_may_begin_together),
        cmocka_unit_test(a_replayed_packet_is_refused),
        cmocka_unit_test(no_flipped_bit_gets_through),
        cmocka_unit_test(noise_of_any_length_is_refused),
        cmocka_unit_test(a_peer_cannot_open_streams_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
