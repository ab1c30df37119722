/* SPDX-License-Identifier: MIT */
#include "dtls/records.h"

#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/poison.h"

enum {
    MAX_KEY = 32,
    NONCE = 12,
    EXPLICIT = 8, /* the part of a GCM nonce that travels with the record */
    TAG = 16,
    AAD = 13,
    WINDOW = 64, /* records that may come late */
    FATAL = 2,
};

/* What differs between the AEADs. */
typedef struct {
    int nid;
    const EVP_CIPHER *(*cipher)(void);
    size_t key_len;
    size_t salt_len;     /* bytes of the nonce that are secret */
    size_t explicit_len; /* bytes of it in the record; 0: the sequence number is mixed in */
} Suite;

static const Suite suites[] = {
    { NID_aes_128_gcm, EVP_aes_128_gcm, 16, NONCE - EXPLICIT, EXPLICIT },
    { NID_aes_256_gcm, EVP_aes_256_gcm, 32, NONCE - EXPLICIT, EXPLICIT },
    { NID_chacha20_poly1305, EVP_chacha20_poly1305, 32, NONCE, 0 },
};

typedef struct {
    uint8_t key[MAX_KEY];
    uint8_t salt[NONCE];
    EVP_CIPHER_CTX *ctx; /* made when first needed: most peers only ever say goodbye */
} Way;

struct StoaDtlsRecords {
    const Suite *suite;
    Way read, write;
    uint64_t next_sequence, next_nonce;
    uint64_t highest; /* sequence number read so far */
    uint64_t window;  /* bit i: `highest` - i was read */
};

static uint64_t read_number(const uint8_t *p, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static void write_number(uint8_t *p, unsigned n, uint64_t value)
{
    for (unsigned i = n; i-- > 0; value >>= 8)
        p[i] = (uint8_t)value;
}

/* Bytes of the record at `buf`, header and all; 0: there is none whole. */
static size_t record_len(const uint8_t *buf, size_t len)
{
    size_t n;

    if (len < STOA_DTLS_HEADER)
        return 0;
    n = STOA_DTLS_HEADER + read_number(buf + 11, 2);
    return n <= len ? n : 0;
}

static bool is_sealed(const uint8_t *record)
{
    return record[1] == 0xfe && record[2] == 0xfd && record[3] == 0 && record[4] == 1;
}

void stoa_dtls_sent_note(StoaDtlsSent *sent, const uint8_t *buf, size_t len)
{
    for (size_t n; (n = record_len(buf, len)) > 0; buf += n, len -= n) {
        if (!is_sealed(buf) || n < STOA_DTLS_HEADER + EXPLICIT)
            continue;
        sent->any = true;
        sent->sequence = read_number(buf + 5, 6);
        sent->nonce = read_number(buf + STOA_DTLS_HEADER, EXPLICIT);
    }
}

/* -- keys ---------------------------------------------------------------------------------- */

static const Suite *find_suite(const SSL_CIPHER *cipher)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(suites); i++)
        if (suites[i].nid == SSL_CIPHER_get_cipher_nid(cipher))
            return &suites[i];
    return NULL;
}

/* TLS 1.2's key expansion. (RFC 5246, 6.3) */
static bool expand(SSL *ssl, const SSL_CIPHER *cipher, uint8_t *block, size_t len)
{
    uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t seed[2 * SSL3_RANDOM_SIZE];
    char digest[32], label[] = "key expansion";
    size_t n = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof(secret));
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok;

    g_strlcpy(digest, EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(cipher)), sizeof(digest));
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

static bool take_keys(StoaDtlsRecords *records, SSL *ssl, bool is_client)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const Suite *suite = find_suite(cipher);
    uint8_t block[2 * (MAX_KEY + NONCE)]; /* client key, server key, client salt, server salt */
    Way *client = is_client ? &records->write : &records->read;
    Way *server = is_client ? &records->read : &records->write;

    if (!suite || !expand(ssl, cipher, block, 2 * (suite->key_len + suite->salt_len)))
        return false;
    records->suite = suite;
    memcpy(client->key, block, suite->key_len);
    memcpy(server->key, block + suite->key_len, suite->key_len);
    memcpy(client->salt, block + 2 * suite->key_len, suite->salt_len);
    memcpy(server->salt, block + 2 * suite->key_len + suite->salt_len, suite->salt_len);
    OPENSSL_cleanse(block, sizeof(block));
    return true;
}

StoaDtlsRecords *stoa_dtls_records_new(SSL *ssl, bool is_client, const StoaDtlsSent *sent)
{
    StoaDtlsRecords *records = g_new0(StoaDtlsRecords, 1);

    records->next_sequence = sent->sequence + 1;
    records->next_nonce = sent->nonce + 1;
    if (sent->any && take_keys(records, ssl, is_client))
        return records;
    stoa_dtls_records_free(records);
    return NULL;
}

void stoa_dtls_records_free(StoaDtlsRecords *records)
{
    if (!records)
        return;
    EVP_CIPHER_CTX_free(records->read.ctx);
    EVP_CIPHER_CTX_free(records->write.ctx);
    OPENSSL_cleanse(records, sizeof(*records));
    g_free(records);
}

/* -- one record ---------------------------------------------------------------------------- */

static bool make_ctx(const Suite *suite, Way *way, bool seal)
{
    if (way->ctx)
        return true;
    way->ctx = EVP_CIPHER_CTX_new();
    if (way->ctx && EVP_CipherInit_ex(way->ctx, suite->cipher(), NULL, way->key, NULL, seal) == 1)
        return true;
    g_clear_pointer(&way->ctx, EVP_CIPHER_CTX_free);
    return false;
}

/* Of a record whose header and explicit part are written. (RFC 5288, 3; RFC 7905, 2) */
static void make_nonce(const Suite *suite, const Way *way, const uint8_t *record,
                       uint8_t nonce[NONCE])
{
    memcpy(nonce, way->salt, suite->salt_len);
    if (suite->explicit_len > 0)
        memcpy(nonce + suite->salt_len, record + STOA_DTLS_HEADER, suite->explicit_len);
    else
        for (unsigned i = 0; i < 8; i++)
            nonce[NONCE - 8 + i] ^= record[3 + i];
}

/* Start on a record of `len` plain bytes: key, nonce, and what is authenticated beside them. */
static bool prepare(const Suite *suite, Way *way, const uint8_t *record, size_t len, bool seal)
{
    uint8_t nonce[NONCE], aad[AAD];
    int n = 0;

    make_nonce(suite, way, record, nonce);
    memcpy(aad, record + 3, 8);
    memcpy(aad + 8, record, 3);
    write_number(aad + 11, 2, len);
    return make_ctx(suite, way, seal) &&
           EVP_CipherInit_ex(way->ctx, NULL, NULL, NULL, nonce, seal) == 1 &&
           EVP_CipherUpdate(way->ctx, NULL, &n, aad, sizeof(aad)) == 1;
}

/* Returns the bytes of `plain`, or -1: forged. */
static ssize_t open_record(StoaDtlsRecords *records, const uint8_t *record, size_t len,
                           uint8_t plain[STOA_DTLS_RECORD])
{
    const Suite *suite = records->suite;
    Way *way = &records->read;
    const uint8_t *body = record + STOA_DTLS_HEADER + suite->explicit_len;
    uint8_t tag[TAG];
    size_t plain_len;
    int n = 0;

    if (len > STOA_DTLS_RECORD || len < STOA_DTLS_HEADER + suite->explicit_len + TAG)
        return -1;
    plain_len = len - STOA_DTLS_HEADER - suite->explicit_len - TAG;
    memcpy(tag, body + plain_len, TAG);
    if (!prepare(suite, way, record, plain_len, false) ||
        EVP_CipherUpdate(way->ctx, plain, &n, body, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(way->ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
        EVP_CipherFinal_ex(way->ctx, plain + plain_len, &n) != 1)
        return -1;
    return (ssize_t)plain_len;
}

size_t stoa_dtls_records_seal(StoaDtlsRecords *records, uint8_t type, const uint8_t *buf,
                              size_t len, uint8_t *out)
{
    const Suite *suite = records->suite;
    Way *way = &records->write;
    uint8_t *body = out + STOA_DTLS_HEADER + suite->explicit_len;
    int n = 0;

    if (len > STOA_DTLS_RECORD - STOA_DTLS_OVERHEAD || records->next_sequence >> 48)
        return 0;
    out[0] = type;
    write_number(out + 1, 2, 0xfefd);
    write_number(out + 3, 2, 1);
    write_number(out + 5, 6, records->next_sequence++);
    write_number(out + 11, 2, suite->explicit_len + len + TAG);
    write_number(out + STOA_DTLS_HEADER, (unsigned)suite->explicit_len, records->next_nonce++);
    if (!prepare(suite, way, out, len, true) ||
        EVP_CipherUpdate(way->ctx, body, &n, buf, (int)len) != 1 ||
        EVP_CipherFinal_ex(way->ctx, body + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(way->ctx, EVP_CTRL_AEAD_GET_TAG, TAG, body + len) != 1)
        return 0;
    return STOA_DTLS_HEADER + suite->explicit_len + len + TAG;
}

/* -- a datagram ---------------------------------------------------------------------------- */

static bool is_new(const StoaDtlsRecords *records, uint64_t sequence)
{
    uint64_t behind = records->highest - sequence;

    if (sequence > records->highest)
        return true;
    return behind < WINDOW && !(records->window >> behind & 1);
}

/* Only after its seal was found valid. (RFC 6347, 4.1.2.6) */
static void mark_read(StoaDtlsRecords *records, uint64_t sequence)
{
    uint64_t ahead;

    if (sequence <= records->highest) {
        records->window |= (uint64_t)1 << (records->highest - sequence);
        return;
    }
    ahead = sequence - records->highest;
    records->window = (ahead < WINDOW ? records->window << ahead : 0) | 1;
    records->highest = sequence;
}

static bool is_end(const uint8_t *alert, ssize_t len)
{
    return len == 2 && (alert[0] == FATAL || alert[1] == 0 /* close_notify */);
}

StoaDtlsSeen stoa_dtls_records_open(StoaDtlsRecords *records, const uint8_t *buf, size_t len,
                                    void (*data)(void *user, const uint8_t *buf, size_t len),
                                    void *user)
{
    uint8_t plain[STOA_DTLS_RECORD];
    unsigned seen = 0;

    for (size_t n; (n = record_len(buf, len)) > 0; buf += n, len -= n) {
        uint64_t sequence = read_number(buf + 5, 6);
        ssize_t plain_len;

        if (buf[0] == STOA_DTLS_SHAKE || buf[0] == STOA_DTLS_CHANGE_CIPHER)
            seen |= STOA_DTLS_SEEN_SHAKE;
        if ((buf[0] != STOA_DTLS_DATA && buf[0] != STOA_DTLS_ALERT) || !is_sealed(buf) ||
            !is_new(records, sequence))
            continue;
        plain_len = open_record(records, buf, n, plain);
        if (plain_len < 0)
            continue;
        mark_read(records, sequence);
        if (buf[0] == STOA_DTLS_DATA && plain_len > 0 && data)
            data(user, plain, (size_t)plain_len);
        else if (buf[0] == STOA_DTLS_ALERT && is_end(plain, plain_len))
            seen |= STOA_DTLS_SEEN_CLOSED;
    }
    return (StoaDtlsSeen)seen;
}
