/* SPDX-License-Identifier: MIT */
#pragma once /* SRTP master keys and where they come from. (RFC 5764, RFC 3711, RFC 7714) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of the DTLS extension use_srtp. */
typedef enum {
    STOA_SRTP_NO_PROFILE = 0,
    STOA_SRTP_AES128_CM_SHA1_80 = 0x0001,
    STOA_SRTP_AEAD_AES_128_GCM = 0x0007
} StoaSrtpProfile;

#define STOA_SRTP_EXPORTER_LABEL "EXTRACTOR-dtls_srtp"
#define STOA_SRTP_KEY_LEN        16
#define STOA_SRTP_SALT_MAX       14 /* 14 for AES-CM, 12 for GCM */
#define STOA_SRTP_EXPORT_MAX     60 /* bytes to ask of the exporter, at most */
#define STOA_SRTP_MAX_OVERHEAD   20 /* what sealing adds to a packet, RTCP's index among it */

/* One direction's master key and salt. */
typedef struct {
    StoaSrtpProfile profile;
    uint8_t key[STOA_SRTP_KEY_LEN];
    uint8_t salt[STOA_SRTP_SALT_MAX];
} StoaSrtpKeys;

/** Bytes to take from the DTLS exporter for a profile, 0 for an unknown one. */
size_t stoa_srtp_export_len(StoaSrtpProfile profile);

/** Bytes of salt of a profile, 0 for an unknown one. */
size_t stoa_srtp_salt_len(StoaSrtpProfile profile);

/**
 * Split the exporter's output.
 *
 * @material   borrowed, stoa_srtp_export_len(profile) bytes; wipe it afterwards
 * @is_server  true where we were the DTLS server: the server's keys are for sealing
 * @open       gets the keys for what comes in
 * @seal       gets the keys for what goes out
 *
 * Returns false if the profile is unknown or `len` does not fit it.   Source: RFC 5764, 4.2.
 */
bool stoa_srtp_keys_split(StoaSrtpProfile profile, const uint8_t *material, size_t len,
                          bool is_server, StoaSrtpKeys *open, StoaSrtpKeys *seal);

/** Wipe keys from memory. */
void stoa_srtp_keys_wipe(StoaSrtpKeys *keys);
