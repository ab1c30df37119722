/* SPDX-License-Identifier: MIT */
#include "srtp/open.h"

#include "../rtp/dice.h"
#include "oracle.h"
#include "rtp/bytes.h"
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

/* So many that had a track are remembered, and know what came; the one that rests longest makes way. */
static void streams_that_rest_are_remembered_within_bounds(void **unused G_GNUC_UNUSED)
{
    enum { N = STOA_SRTP_OPEN_RESTING + 1 };
    Pair pair;

    pair_begin(&pair, STOA_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 1; ssrc <= N; ssrc++)
        assert_int_equal(send_packet(&pair, ssrc, 1), STOA_SRTP_OPEN_OK);
    stoa_srtp_open_rest(pair.open, N + 1, true); /* never seen */
    for (uint32_t ssrc = 1; ssrc < N; ssrc++)
        stoa_srtp_open_rest(pair.open, ssrc, true);
    stoa_srtp_open_forget(pair.open, 1);
    assert_int_equal(send_packet(&pair, 1, 1), STOA_SRTP_OPEN_REPLAY);
    stoa_srtp_open_rest(pair.open, 1, false); /* it has a track again */
    stoa_srtp_open_rest(pair.open, N, true);
    assert_int_equal(send_packet(&pair, 2, 1), STOA_SRTP_OPEN_REPLAY);
    stoa_srtp_open_rest(pair.open, 1, true); /* now it is the latest */
    assert_int_equal(send_packet(&pair, 1, 1), STOA_SRTP_OPEN_REPLAY);
    assert_int_equal(send_packet(&pair, 3, 1), STOA_SRTP_OPEN_REPLAY);
    assert_int_equal(send_packet(&pair, 2, 1), STOA_SRTP_OPEN_OK); /* was forgotten */
    pair_end(&pair);
}

/* -- libsrtp2 is the oracle ---------------------------------------------------------------- */

enum { ROOM = 1600, KEPT = 64 };

typedef struct {
    uint8_t buf[ROOM];
    size_t len;
} Sealed;

static StoaSrtpOpenResult verdict_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok: return STOA_SRTP_OPEN_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old: return STOA_SRTP_OPEN_REPLAY;
    case srtp_err_status_auth_fail: return STOA_SRTP_OPEN_BAD_AUTH;
    default: return STOA_SRTP_OPEN_MALFORMED;
    }
}

typedef srtp_err_status_t Unprotect(srtp_t session, void *buf, int *len);
typedef StoaSrtpOpenResult Open(StoaSrtpOpen *open, uint8_t *buf, size_t *len);

/* Both get the same bytes: the verdict, and what comes out, must be the same. */
static void check_both(StoaSrtpOpen *ours, srtp_t theirs, Open *open, Unprotect *unprotect,
                       const Sealed *sealed)
{
    uint8_t a[ROOM], b[ROOM] __attribute__((aligned(8)));
    size_t a_len = sealed->len;
    int b_len = (int)sealed->len;
    StoaSrtpOpenResult verdict;

    memcpy(a, sealed->buf, sealed->len);
    memcpy(b, sealed->buf, sealed->len);
    verdict = verdict_of(unprotect(theirs, b, &b_len));
    assert_int_equal(open(ours, a, &a_len), verdict);
    if (verdict != STOA_SRTP_OPEN_OK)
        return;
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
}

/* A packet with contributing sources, an extension and a payload, all of them at times. */
static void seal_rtp(srtp_t sender, uint32_t ssrc, uint16_t seq, Sealed *out)
{
    StoaRtpHeader header = { .ssrc = ssrc, .seq = seq, .timestamp = dice() };
    uint8_t buf[ROOM] __attribute__((aligned(8)));
    size_t n_sources = dice_below(3) ? 0 : dice_below(16), words = dice_below(6);
    size_t payload = dice_below(8) ? dice_below(1200) : 0;
    bool has_extension = dice_below(2);
    int len = (int)(12 + 4 * n_sources);

    stoa_rtp_header_write(&header, buf);
    buf[0] |= (uint8_t)n_sources;
    dice_fill(buf + 12, 4 * n_sources);
    if (has_extension) {
        buf[0] |= 0x10;
        stoa_bytes_put16(buf + len, 0xbede);
        stoa_bytes_put16(buf + len + 2, (uint16_t)words);
        dice_fill(buf + len + 4, 4 * words);
        len += 4 + 4 * (int)words;
    }
    dice_fill(buf + len, payload);
    len += (int)payload;
    assert_int_equal(srtp_protect(sender, buf, &len), srtp_err_status_ok);
    out->len = (size_t)len;
    memcpy(out->buf, buf, out->len);
}

static void damage(Sealed *sealed)
{
    size_t at = dice_below((uint32_t)sealed->len);

    if (dice_below(8) == 0)
        sealed->len = 12 + dice_below((uint32_t)(sealed->len - 12));
    else if (
        at >= 12 ||
        at ==
            3) /* elsewhere it may become another SSRC or shape, which both judge in their own order */
        sealed->buf[at] ^= (uint8_t)(1 + dice_below(255));
}

/* Numbers run, jump, roll over; packets come late, twice, damaged. */
static void every_rtp_verdict_is_that_of_libsrtp2(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        StoaSrtpKeys keys = { .profile = profiles[p] };
        srtp_t sender, receiver;
        g_autoptr(StoaSrtpOpen) open = NULL;
        g_autofree Sealed *kept = g_new0(Sealed, KEPT);
        uint32_t seq[3] = { dice_below(65536), dice_below(30000), 65500 };
        unsigned n_kept = 0;

        dice_fill(keys.key, sizeof(keys.key));
        dice_fill(keys.salt, stoa_srtp_salt_len(keys.profile));
        sender = oracle_new(&keys, ssrc_any_outbound);
        receiver = oracle_new(&keys, ssrc_any_inbound);
        open = stoa_srtp_open_new(&keys);
        for (unsigned n = 0; n < 20000; n++) {
            unsigned s = dice_below(3);
            Sealed *sealed = &kept[n_kept++ % KEPT];

            seq[s] += 1 + (dice_below(30) == 0 ? dice_below(3000) : 0);
            seal_rtp(sender, 100 + s, (uint16_t)seq[s], sealed);
            if (dice_below(5) == 0) { /* late, or never */
                check_both(open, receiver, stoa_srtp_open_rtp, srtp_unprotect,
                           &kept[dice_below(MIN(n_kept, KEPT))]);
                continue;
            }
            if (dice_below(10) == 0) {
                Sealed broken = *sealed;

                damage(&broken);
                check_both(open, receiver, stoa_srtp_open_rtp, srtp_unprotect, &broken);
            }
            check_both(open, receiver, stoa_srtp_open_rtp, srtp_unprotect, sealed);
        }
        assert_true(seq[0] >> 16 > 1); /* it rolled over */
        srtp_dealloc(sender);
        srtp_dealloc(receiver);
    }
}

static void every_rtcp_verdict_is_that_of_libsrtp2(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        StoaSrtpKeys keys = { .profile = profiles[p] };
        srtp_t sender, receiver;
        g_autoptr(StoaSrtpOpen) open = NULL;
        g_autofree Sealed *kept = g_new0(Sealed, KEPT * 4);
        unsigned n_kept = 0;

        dice_fill(keys.key, sizeof(keys.key));
        dice_fill(keys.salt, stoa_srtp_salt_len(keys.profile));
        sender = oracle_new(&keys, ssrc_any_outbound);
        receiver = oracle_new(&keys, ssrc_any_inbound);
        open = stoa_srtp_open_new(&keys);
        for (unsigned n = 0; n < 6000; n++) {
            Sealed *sealed = &kept[n_kept++ % (KEPT * 4)];
            uint8_t buf[ROOM] __attribute__((aligned(8))) = { 0x81, 201, 0, 7 };
            int len = 8 + 4 * (int)dice_below(200);

            dice_fill(buf + 8, (size_t)len - 8);
            buf[7] = (uint8_t)dice_below(3);
            assert_int_equal(srtp_protect_rtcp(sender, buf, &len), srtp_err_status_ok);
            sealed->len = (size_t)len;
            memcpy(sealed->buf, buf, sealed->len);
            if (dice_below(4))
                check_both(open, receiver, stoa_srtp_open_rtcp, srtp_unprotect_rtcp, sealed);
            check_both(open, receiver, stoa_srtp_open_rtcp, srtp_unprotect_rtcp,
                       &kept[dice_below(MIN(n_kept, KEPT * 4))]);
        }
        srtp_dealloc(sender);
        srtp_dealloc(receiver);
    }
}

static void rtcp_in_the_open_or_damaged_is_refused(void **unused G_GNUC_UNUSED)
{
    for (size_t p = 0; p < 2; p++) {
        uint8_t buf[80] = { 0x81, 201, 0, 7 }, copy[80];
        size_t len;
        Pair pair;

        pair_begin(&pair, profiles[p]);
        len = stoa_srtp_seal_rtcp(pair.seal, buf, 32, sizeof(buf));
        for (size_t bit = 0; bit < len * 8; bit++) {
            size_t copy_len = len;

            memcpy(copy, buf, len);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(stoa_srtp_open_rtcp(pair.open, copy, &copy_len),
                                 STOA_SRTP_OPEN_OK);
        }
        assert_int_equal(stoa_srtp_open_rtcp(pair.open, buf, &len), STOA_SRTP_OPEN_OK);
        pair_end(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replayed_packet_is_refused),
        cmocka_unit_test(no_flipped_bit_gets_through),
        cmocka_unit_test(noise_of_any_length_is_refused),
        cmocka_unit_test(a_peer_cannot_open_streams_without_end),
        cmocka_unit_test(streams_that_rest_are_remembered_within_bounds),
        cmocka_unit_test(every_rtp_verdict_is_that_of_libsrtp2),
        cmocka_unit_test(every_rtcp_verdict_is_that_of_libsrtp2),
        cmocka_unit_test(rtcp_in_the_open_or_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
