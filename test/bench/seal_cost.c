/* SPDX-License-Identifier: MIT */
/* What one forwarded packet costs in our own code: sealing, by both profiles and by libsrtp2, and
 * the header and extensions before it. Prints nanoseconds a packet. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "../unit/srtp/oracle.h"
#include "rtp/bytes.h"
#include "rtp/extension.h"
#include "srtp/open.h"
#include "srtp/seal.h"

#define N_PACKETS 200000
#define LEN       1100

static const StoaRtpExtMap map = { .id_of_kind = { [STOA_RTP_EXT_MID] = 4,
                                                   [STOA_RTP_EXT_AUDIO_LEVEL] = 1,
                                                   [STOA_RTP_EXT_TWCC] = 3,
                                                   [STOA_RTP_EXT_ABS_SEND_TIME] = 2,
                                                   [STOA_RTP_EXT_VIDEO_ORIENTATION] = 5,
                                                   [STOA_RTP_EXT_PLAYOUT_DELAY] = 6 } };

static void print(const char *what, gint64 began_us)
{
    printf("%-36s %7.1f ns\n", what,
           (double)(g_get_monotonic_time() - began_us) * 1000.0 / N_PACKETS);
}

static StoaSrtpKeys some_keys(StoaSrtpProfile profile)
{
    StoaSrtpKeys keys = { .profile = profile };

    memset(keys.key, 7, sizeof(keys.key));
    memset(keys.salt, 9, stoa_srtp_salt_len(profile));
    return keys;
}

static void seal_all(const char *what, StoaSrtpProfile profile, size_t prefix_len)
{
    static uint8_t packet[1500], payload[LEN];
    StoaSrtpKeys keys = some_keys(profile);
    g_autoptr(StoaSrtpSeal) seal = stoa_srtp_seal_new(&keys);
    StoaSrtpPayload parts = { payload, prefix_len, payload, LEN - prefix_len };
    StoaRtpHeader header = { .ssrc = 1, .payload_type = 96 };
    gint64 began_us = g_get_monotonic_time();

    for (unsigned n = 0; n < N_PACKETS; n++) {
        header.seq = (uint16_t)n;
        stoa_rtp_header_write(&header, packet);
        stoa_srtp_seal_rtp(seal, packet, STOA_RTP_HEADER_LEN, sizeof(packet), &parts, n >> 16);
    }
    print(what, began_us);
}

static void protect_all(const char *what, StoaSrtpProfile profile)
{
    static uint8_t packet[1500] __attribute__((aligned(8))) = { 0x80, 96 };
    StoaSrtpKeys keys = some_keys(profile);
    srtp_t session = oracle_new(&keys, ssrc_any_outbound);
    gint64 began_us = g_get_monotonic_time();

    for (unsigned n = 0; n < N_PACKETS; n++) {
        int len = STOA_RTP_HEADER_LEN + LEN;

        stoa_bytes_put16(packet + 2, (uint16_t)n);
        srtp_protect(session, packet, &len);
    }
    print(what, began_us);
    srtp_dealloc(session);
}

static void write_all(void)
{
    static const uint8_t block[] = { 0x10, 0x8a, 0x31, 1, 2, 0x40, '0', 0x50,
                                     0,    0x62, 0,    0, 0, 0,    0,   0 };
    StoaRtpHeader header = { .ssrc = 1, .payload_type = 96, .has_extension = true }, seen;
    StoaRtpExtValues values = {
        .mid = "0", .mid_len = 1, .has_twcc = true, .has_abs_send_time = true
    };
    uint8_t packet[100], out[100];
    StoaRtpExtIds ids = { 0 };
    StoaRtpExtSink sink;
    StoaRtpExts exts;
    size_t sum = 0;
    gint64 began_us;

    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        ids.kind_of_id[map.id_of_kind[kind]] = (uint8_t)kind;
    ids.kind_of_id[0] = STOA_RTP_EXT_NONE;
    stoa_rtp_extension_sink_init(&sink, &map);
    stoa_rtp_header_write(&header, packet);
    stoa_bytes_put32(packet + 12, 0xbede0004);
    memcpy(packet + 16, block, sizeof(block));

    began_us = g_get_monotonic_time();
    for (unsigned n = 0; n < N_PACKETS; n++) {
        stoa_rtp_header_read(packet, 32, &seen);
        stoa_rtp_extension_read(packet, &seen, &ids, &exts);
        sum += exts.found;
    }
    print("read header and extensions", began_us);
    began_us = g_get_monotonic_time();
    for (unsigned n = 0; n < N_PACKETS; n++) {
        values.twcc_seq = header.seq = (uint16_t)n;
        stoa_rtp_header_write(&header, out);
        sum += stoa_rtp_extension_write(&sink, packet, &exts, &values, out + 12, sizeof(out) - 12);
    }
    print("write header and extensions", began_us);
    g_assert(sum > 0);
}

int main(void)
{
    write_all();
    seal_all("seal, GCM", STOA_SRTP_AEAD_AES_128_GCM, 0);
    seal_all("seal, GCM, prefix of 2", STOA_SRTP_AEAD_AES_128_GCM, 2);
    seal_all("seal, AES-CM", STOA_SRTP_AES128_CM_SHA1_80, 0);
    seal_all("seal, AES-CM, prefix of 2", STOA_SRTP_AES128_CM_SHA1_80, 2);
    protect_all("libsrtp2, GCM", STOA_SRTP_AEAD_AES_128_GCM);
    protect_all("libsrtp2, AES-CM", STOA_SRTP_AES128_CM_SHA1_80);
    return 0;
}
