/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dtls/certificate.h"

static X509 *x509_of(const StoaCertificate *certificate)
{
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
    X509 *x509;

    assert_true(stoa_certificate_use(certificate, ctx));
    x509 = SSL_CTX_get0_certificate(ctx);
    X509_up_ref(x509);
    SSL_CTX_free(ctx);
    return x509;
}

static void each_fresh_certificate_is_another(void **state)
{
    g_autoptr(StoaCertificate) a = stoa_certificate_new(NULL);
    g_autoptr(StoaCertificate) b = stoa_certificate_new(NULL);

    (void)state;
    assert_int_equal(strlen(stoa_certificate_fingerprint(a)), 95);
    assert_string_not_equal(stoa_certificate_fingerprint(a), stoa_certificate_fingerprint(b));
}

static void a_fresh_certificate_is_p256_and_signs_itself(void **state)
{
    g_autoptr(StoaCertificate) certificate = stoa_certificate_new(NULL);
    X509 *x509 = x509_of(certificate);
    EVP_PKEY *key = X509_get0_pubkey(x509);

    (void)state;
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    assert_int_equal(X509_verify(x509, key), 1);
    assert_true(X509_cmp_current_time(X509_get0_notBefore(x509)) < 0);
    assert_true(X509_cmp_current_time(X509_get0_notAfter(x509)) > 0);
    X509_free(x509);
}

static void only_the_right_fingerprint_matches(void **state)
{
    g_autoptr(StoaCertificate) certificate = stoa_certificate_new(NULL);
    g_autofree char *text = g_ascii_strdown(stoa_certificate_fingerprint(certificate), -1);
    X509 *x509 = x509_of(certificate);

    (void)state;
    assert_true(stoa_certificate_matches(x509, "sha-256", text));
    assert_true(
        stoa_certificate_matches(x509, "SHA-256", stoa_certificate_fingerprint(certificate)));
    assert_false(stoa_certificate_matches(x509, "sha-1", text));
    assert_false(stoa_certificate_matches(x509, "sha-512", text));
    assert_false(stoa_certificate_matches(x509, NULL, text));
    assert_false(stoa_certificate_matches(x509, "sha-256", NULL));
    assert_false(stoa_certificate_matches(x509, "sha-256", ""));
    assert_false(stoa_certificate_matches(NULL, "sha-256", text));
    text[94] = text[94] == '0' ? '1' : '0';
    assert_false(stoa_certificate_matches(x509, "sha-256", text));
    X509_free(x509);
}

static void the_shape_of_fingerprints_is_checked(void **state)
{
    g_autoptr(StoaCertificate) certificate = stoa_certificate_new(NULL);
    g_autofree char *text = g_strdup(stoa_certificate_fingerprint(certificate));

    (void)state;
    assert_true(stoa_certificate_fingerprint_is_valid("sha-256", text));
    assert_false(stoa_certificate_fingerprint_is_valid("sha-384", text));
    assert_false(stoa_certificate_fingerprint_is_valid("md5", text));
    text[2] = '-';
    assert_false(stoa_certificate_fingerprint_is_valid("sha-256", text));
    text[2] = ':';
    text[3] = 'G';
    assert_false(stoa_certificate_fingerprint_is_valid("sha-256", text));
    text[3] = '\0';
    assert_false(stoa_certificate_fingerprint_is_valid("sha-256", text));
}

/* Write a key and, if asked for, a certificate of it. */
static void write_pem(const char *path, EVP_PKEY *key, X509 *x509)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    if (x509)
        PEM_write_X509(file, x509);
    else
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

static void certificate_and_key_are_read_from_files(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-XXXXXX", NULL);
    g_autofree char *certificate_path = g_build_filename(dir, "certificate.pem", NULL);
    g_autofree char *key_path = g_build_filename(dir, "key.pem", NULL);
    g_autofree char *other_path = g_build_filename(dir, "other.pem", NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    g_autoptr(GError) error = NULL;
    StoaCertificate *certificate;

    (void)state;
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 1000);
    X509_set_pubkey(x509, key);
    X509_sign(x509, key, EVP_sha256());
    write_pem(certificate_path, NULL, x509);
    write_pem(key_path, key, NULL);
    write_pem(other_path, other, NULL);

    certificate = stoa_certificate_load(certificate_path, key_path, &error);
    assert_non_null(certificate);
    assert_true(
        stoa_certificate_matches(x509, "sha-256", stoa_certificate_fingerprint(certificate)));
    stoa_certificate_free(certificate);
    assert_null(stoa_certificate_load(certificate_path, other_path, &error));
    assert_non_null(strstr(error->message, other_path));
    g_clear_error(&error);
    assert_null(stoa_certificate_load(key_path, key_path, &error));
    assert_non_null(strstr(error->message, key_path));
    g_clear_error(&error);
    assert_null(stoa_certificate_load("/nonexistent", key_path, &error));

    unlink(certificate_path);
    unlink(key_path);
    unlink(other_path);
    rmdir(dir);
    X509_free(x509);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fresh_certificate_is_another),
        cmocka_unit_test(a_fresh_certificate_is_p256_and_signs_itself),
        cmocka_unit_test(only_the_right_fingerprint_matches),
        cmocka_unit_test(the_shape_of_fingerprints_is_checked),
        cmocka_unit_test(certificate_and_key_are_read_from_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
