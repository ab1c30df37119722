/* SPDX-License-Identifier: MIT */
/* What remains of a released link. A browser says goodbye by a sealed alert, so its record key is kept. */
#include "dtls/rest.h"

#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/poison.h"

enum {
    HEADER = 13, /* type, version, epoch, sequence, length */
    TYPE_CHANGE_CIPHER = 20,
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    KEY = 16,
    SALT = 4,
    NONCE = 8, /* the explicit part */
    TAG = 16,
    ALERT = 2,
    SEALED_ALERT = HEADER + NONCE + ALERT + TAG,
    MAX_REPEATS = 20,
    REPEAT_US = 10000000,
    FAR_SEQUENCE = 1 << 30, /* of our goodbye: past anything OpenSSL has sent */
};

typedef struct {
    uint8_t key[KEY];
    uint8_t salt[SALT];
} RecordKey;

struct StoaDtlsRest {
    bool has_keys; /* the cipher is AES-128-GCM */
    bool closed, doubtful;
    unsigned repeats;
    int64_t first_repeat_us;
    RecordKey read, write;
};

/* -- flight -------------------------------------------------------------------------------- */

void stoa_dtls_flight_add(StoaDtlsFlight *flight, const uint8_t *buf, size_t len)
{
    if (flight->len == 0)
        flight->n = 0;
    if (flight->n == STOA_DTLS_FLIGHT_DATAGRAMS || len > sizeof(flight->bytes) - flight->len)
        return;
    memcpy(flight->bytes + flight->len, buf, len);
    flight->lens[flight->n++] = (uint16_t)len;
    flight->len += len;
}

void stoa_dtls_flight_send(const StoaDtlsFlight *flight,
                           void (*output)(void *user, const uint8_t *buf, size_t len), void *user)
{
    size_t at = 0;

    for (unsigned i = 0; flight->len > 0 && i < flight->n; i++) {
        output(user, flight->bytes + at, flight->lens[i]);
        at += flight->lens[i];
    }
}

/* -- keys ---------------------------------------------------------------------------------- */

static bool is_known_cipher(const SSL *ssl)
{
    uint32_t id = SSL_CIPHER_get_id(SSL_get_current_cipher(ssl));

    return id == TLS1_CK_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ||
           id == TLS1_CK_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
}

/* TLS 1.2's key expansion. (RFC 5246, 6.3) */
static bool expand(SSL *ssl, uint8_t *block, size_t len)
{
    uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t seed[2 * SSL3_RANDOM_SIZE];
    char digest[] = "SHA256", label[] = "key expansion";
    size_t n = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof(secret));
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok;

    SSL_get_server_random(ssl, seed, SSL3_RANDOM_SIZE);
    SSL_get_client_random(ssl, seed + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end(),
    };
    ok = ctx && EVP_KDF_derive(ctx, block, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    OPENSSL_cleanse(secret, sizeof(secret));
    return ok;
}

static bool take_keys(StoaDtlsRest *rest, SSL *ssl, bool is_client)
{
    uint8_t block[2 * (KEY + SALT)]; /* client key, server key, client salt, server salt */
    RecordKey *client = is_client ? &rest->write : &rest->read;
    RecordKey *server = is_client ? &rest->read : &rest->write;

    if (!is_known_cipher(ssl) || !expand(ssl, block, sizeof(block)))
        return false;
    memcpy(client->key, block, KEY);
    memcpy(server->key, block + KEY, KEY);
    memcpy(client->salt, block + 2 * KEY, SALT);
    memcpy(server->salt, block + 2 * KEY + SALT, SALT);
    OPENSSL_cleanse(block, sizeof(block));
    return true;
}

StoaDtlsRest *stoa_dtls_rest_new(SSL *ssl, bool is_client)
{
    StoaDtlsRest *rest = g_new0(StoaDtlsRest, 1);

    rest->has_keys = take_keys(rest, ssl, is_client);
    return rest;
}

void stoa_dtls_rest_free(StoaDtlsRest *rest)
{
    if (!rest)
        return;
    OPENSSL_cleanse(rest, sizeof(*rest));
    g_free(rest);
}

/* -- sealed alerts ------------------------------------------------------------------------- */

/* What GCM authenticates beside the alert: epoch and sequence, type, version, plain length. */
static void write_aad(const uint8_t *header, uint8_t aad[HEADER])
{
    memcpy(aad, header + 3, 8);
    memcpy(aad + 8, header, 3);
    aad[11] = 0;
    aad[12] = ALERT;
}

/* Seal or open the two bytes of an alert record in place. */
static bool crypt_alert(const RecordKey *key, uint8_t record[SEALED_ALERT], bool seal)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *body = record + HEADER + NONCE;
    uint8_t nonce[SALT + NONCE], aad[HEADER];
    int n = 0;
    bool ok;

    memcpy(nonce, key->salt, SALT);
    memcpy(nonce + SALT, record + HEADER, NONCE);
    write_aad(record, aad);
    ok = ctx && EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key->key, nonce, seal) == 1 &&
         EVP_CipherUpdate(ctx, NULL, &n, aad, sizeof(aad)) == 1 &&
         EVP_CipherUpdate(ctx, body, &n, body, ALERT) == 1;
    if (ok && !seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, body + ALERT) == 1;
    ok = ok && EVP_CipherFinal_ex(ctx, body + ALERT, &n) == 1;
    if (ok && seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, body + ALERT) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static void on_alert(StoaDtlsRest *rest, const uint8_t *record, size_t len)
{
    uint8_t copy[SEALED_ALERT];

    if (record[3] == 0 && record[4] == 0) /* epoch 0: nobody's word */
        return;
    if (!rest->has_keys) {
        rest->doubtful = true;
        return;
    }
    if (len != SEALED_ALERT)
        return;
    memcpy(copy, record, SEALED_ALERT);
    if (crypt_alert(&rest->read, copy, false))
        rest->closed = true;
}

static bool may_repeat(StoaDtlsRest *rest, int64_t now_us)
{
    if (rest->repeats == 0)
        rest->first_repeat_us = now_us;
    return now_us - rest->first_repeat_us < REPEAT_US && rest->repeats++ < MAX_REPEATS;
}

StoaDtlsRestVerdict stoa_dtls_rest_input(StoaDtlsRest *rest, int64_t now_us, const uint8_t *buf,
                                         size_t len)
{
    bool repeat = false;

    for (size_t at = 0; len - at >= HEADER;) {
        const uint8_t *record = buf + at;
        size_t record_len = HEADER + ((size_t)record[11] << 8 | record[12]);

        if (record_len > len - at)
            break;
        if (record[0] == TYPE_ALERT)
            on_alert(rest, record, record_len);
        repeat |= record[0] == TYPE_HANDSHAKE || record[0] == TYPE_CHANGE_CIPHER;
        at += record_len;
    }
    return repeat && may_repeat(rest, now_us) ? STOA_DTLS_REST_REPEAT : STOA_DTLS_REST_NOTHING;
}

bool stoa_dtls_rest_is_closed(const StoaDtlsRest *rest)
{
    return rest->closed;
}

bool stoa_dtls_rest_is_doubtful(const StoaDtlsRest *rest)
{
    return rest->doubtful;
}

void stoa_dtls_rest_close(StoaDtlsRest *rest,
                          void (*output)(void *user, const uint8_t *buf, size_t len), void *user)
{
    static const uint8_t header[HEADER] = {
        TYPE_ALERT, 0xfe, 0xfd, 0, 1, 0, 0, FAR_SEQUENCE >> 24, 0, 0, 0, 0, NONCE + ALERT + TAG,
    };
    uint8_t record[SEALED_ALERT] = { 0 };

    if (!rest->has_keys)
        return;
    memcpy(record, header, HEADER);
    if (RAND_bytes(record + HEADER, NONCE) != 1) /* OpenSSL's own counter starts at random, too */
        return;
    record[HEADER + NONCE] = 1; /* warning; close_notify is 0 */
    if (crypt_alert(&rest->write, record, true))
        output(user, record, sizeof(record));
}
