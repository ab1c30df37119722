/* SPDX-License-Identifier: MIT */
#include "srtp/keys.h"

#include "../rtp/dice.h"
#include "srtp/kdf.h"

static const StoaSrtpKeys rfc3711_master = {
    .profile = STOA_SRTP_AES128_CM_SHA1_80,
    .key = { 0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde,
             0x41, 0x39 },
    .salt = { 0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6 },
};

static void the_export_lengths_are_those_of_the_rfcs(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_srtp_export_len(STOA_SRTP_AES128_CM_SHA1_80), 60);
    assert_int_equal(stoa_srtp_export_len(STOA_SRTP_AEAD_AES_128_GCM), 56);
    assert_int_equal(stoa_srtp_export_len(STOA_SRTP_NO_PROFILE), 0);
    assert_int_equal(stoa_srtp_export_len((StoaSrtpProfile)99), 0);
}

static void check_split(StoaSrtpProfile profile, size_t salt_len)
{
    uint8_t material[STOA_SRTP_EXPORT_MAX];
    StoaSrtpKeys open, seal, open2, seal2;
    size_t len = stoa_srtp_export_len(profile);

    for (size_t i = 0; i < len; i++)
        material[i] = (uint8_t)i;
    assert_true(stoa_srtp_keys_split(profile, material, len, true, &open, &seal));
    assert_memory_equal(open.key, material, 16);
    assert_memory_equal(seal.key, material + 16, 16);
    assert_memory_equal(open.salt, material + 32, salt_len);
    assert_memory_equal(seal.salt, material + 32 + salt_len, salt_len);
    assert_int_equal(open.profile, profile);

    assert_true(stoa_srtp_keys_split(profile, material, len, false, &open2, &seal2));
    assert_memory_equal(&open2, &seal, sizeof(seal));
    assert_memory_equal(&seal2, &open, sizeof(open));
}

static void a_server_opens_with_the_client_keys_and_seals_with_its_own(void **unused G_GNUC_UNUSED)
{
    check_split(STOA_SRTP_AES128_CM_SHA1_80, 14);
    check_split(STOA_SRTP_AEAD_AES_128_GCM, 12);
}

static void material_of_another_length_is_refused(void **unused G_GNUC_UNUSED)
{
    uint8_t material[STOA_SRTP_EXPORT_MAX] = { 0 };
    StoaSrtpKeys open, seal;

    assert_false(
        stoa_srtp_keys_split(STOA_SRTP_AEAD_AES_128_GCM, material, 60, true, &open, &seal));
    assert_false(
        stoa_srtp_keys_split(STOA_SRTP_AES128_CM_SHA1_80, material, 56, true, &open, &seal));
    assert_false(stoa_srtp_keys_split(STOA_SRTP_NO_PROFILE, material, 0, true, &open, &seal));
}

/* RFC 3711, appendix B.3 */
static void session_keys_are_those_of_the_rfc(void **unused G_GNUC_UNUSED)
{
    static const uint8_t key[] = { 0xc6, 0x1e, 0x7a, 0x93, 0x74, 0x4f, 0x39, 0xee,
                                   0x10, 0x73, 0x4a, 0xfe, 0x3f, 0xf7, 0xa0, 0x87 };
    static const uint8_t salt[] = { 0x30, 0xcb, 0xbc, 0x08, 0x86, 0x3d, 0x8c,
                                    0x85, 0xd4, 0x9d, 0xb3, 0x4a, 0x9a, 0xe1 };
    static const uint8_t auth[] = { 0xce, 0xbe, 0x32, 0x1f, 0x6f, 0xf7, 0x71, 0x6b, 0x6f, 0xd4,
                                    0xab, 0x49, 0xaf, 0x25, 0x6a, 0x15, 0x6d, 0x38, 0xba, 0xa4 };
    uint8_t out[32];

    assert_true(stoa_srtp_kdf(&rfc3711_master, STOA_SRTP_LABEL_KEY, out, sizeof(key)));
    assert_memory_equal(out, key, sizeof(key));
    assert_true(stoa_srtp_kdf(&rfc3711_master, STOA_SRTP_LABEL_SALT, out, sizeof(salt)));
    assert_memory_equal(out, salt, sizeof(salt));
    assert_true(stoa_srtp_kdf(&rfc3711_master, STOA_SRTP_LABEL_AUTH, out, sizeof(auth)));
    assert_memory_equal(out, auth, sizeof(auth));
    assert_false(stoa_srtp_kdf(&rfc3711_master, STOA_SRTP_LABEL_AUTH, out, 33));
}

static void wiped_keys_are_gone(void **unused G_GNUC_UNUSED)
{
    StoaSrtpKeys keys = rfc3711_master, zeros;

    memset(&zeros, 0, sizeof(zeros));
    stoa_srtp_keys_wipe(&keys);
    assert_memory_equal(&keys, &zeros, sizeof(keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_export_lengths_are_those_of_the_rfcs),
        cmocka_unit_test(a_server_opens_with_the_client_keys_and_seals_with_its_own),
        cmocka_unit_test(material_of_another_length_is_refused),
        cmocka_unit_test(session_keys_are_those_of_the_rfc),
        cmocka_unit_test(wiped_keys_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
