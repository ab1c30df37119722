/* SPDX-License-Identifier: MIT */
/* Our certificate, fresh or from files, and fingerprints. Browsers look at the fingerprint alone, never at names. */
#include "dtls/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#include <stoa/error.h>

#include "base/id.h"

#include "base/poison.h"

enum {
    DAY_S = 24 * 3600,
    LIFE_S = 365 * DAY_S,
};

struct StoaCertificate {
    X509 *x509;
    EVP_PKEY *key;
    char fingerprint[STOA_FINGERPRINT_TEXT];
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

static const struct {
    const char *name;
    size_t bytes;
    const EVP_MD *(*md)(void);
} hashes[] = {
    { "sha-256", 32, EVP_sha256 },
    { "sha-384", 48, EVP_sha384 },
    { "sha-512", 64, EVP_sha512 },
};

static bool find_hash(const char *name, size_t *index)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(hashes); i++) {
        if (g_ascii_strcasecmp(name, hashes[i].name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool write_fingerprint(const X509 *x509, const EVP_MD *md, char text[STOA_FINGERPRINT_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(x509, md, digest, &len) != 1 || len * 3 > STOA_FINGERPRINT_TEXT)
        return false;
    for (unsigned i = 0; i < len; i++)
        g_snprintf(text + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    return true;
}

bool stoa_certificate_matches(const X509 *x509, const char *hash, const char *text)
{
    char ours[STOA_FINGERPRINT_TEXT];
    size_t i;

    if (!x509 || !text || !find_hash(hash, &i) || !write_fingerprint(x509, hashes[i].md(), ours))
        return false;
    return g_ascii_strcasecmp(ours, text) == 0;
}

bool stoa_certificate_fingerprint_is_valid(const char *hash, const char *text)
{
    size_t h;

    if (!text || !find_hash(hash, &h) || strlen(text) != hashes[h].bytes * 3 - 1)
        return false;
    for (size_t i = 0; text[i]; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return false;
    }
    return true;
}

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason ? reason : "unknown reason";
}

/* Takes both parts, also on failure. */
static StoaCertificate *assemble(X509 *x509, EVP_PKEY *key, GError **error)
{
    StoaCertificate *certificate = g_new0(StoaCertificate, 1);

    certificate->x509 = x509;
    certificate->key = key;
    if (write_fingerprint(x509, EVP_sha256(), certificate->fingerprint))
        return certificate;
    stoa_certificate_free(certificate);
    stoa_fail(error, STOA_ERROR_INTERNAL, "no fingerprint of the DTLS certificate: %s",
              openssl_reason());
    return NULL;
}

static bool fill(X509 *x509, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(x509);
    uint64_t serial = stoa_id_random53();

    return X509_set_version(x509, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) &&
           X509_gmtime_adj(X509_getm_notAfter(x509), LIFE_S) && X509_set_pubkey(x509, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"stoa", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(x509, name) == 1 && X509_sign(x509, key, EVP_sha256()) > 0;
}

StoaCertificate *stoa_certificate_new(GError **error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();

    if (key && x509 && fill(x509, key))
        return assemble(x509, key, error);
    X509_free(x509);
    EVP_PKEY_free(key);
    stoa_fail(error, STOA_ERROR_INTERNAL, "cannot make a DTLS certificate: %s", openssl_reason());
    return NULL;
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *x509 = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;

    BIO_free(file);
    return x509;
}

/* No pass phrase is asked for: a server has nobody to ask. */
static int no_phrase(char *buf G_GNUC_UNUSED, int size G_GNUC_UNUSED, int rw G_GNUC_UNUSED,
                     void *user G_GNUC_UNUSED)
{
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_phrase, NULL) : NULL;

    BIO_free(file);
    return key;
}

StoaCertificate *stoa_certificate_load(const char *certificate_path, const char *key_path,
                                       GError **error)
{
    if (!certificate_path || !key_path) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "the %s is missing: a certificate and its key go together",
                  key_path ? "certificate" : "key");
        return NULL;
    }
    g_autoptr(X509) x509 = read_certificate(certificate_path);
    EVP_PKEY *key;

    if (!x509) {
        stoa_fail(error, STOA_ERROR_INVALID, "%s is not a readable PEM certificate: %s",
                  certificate_path, openssl_reason());
        return NULL;
    }
    key = read_key(key_path);
    if (!key) {
        stoa_fail(error, STOA_ERROR_INVALID, "%s is not a readable PEM key without pass phrase: %s",
                  key_path, openssl_reason());
        return NULL;
    }
    if (X509_check_private_key(x509, key) == 1)
        return assemble(g_steal_pointer(&x509), key, error);
    EVP_PKEY_free(key);
    stoa_fail(error, STOA_ERROR_INVALID, "the key %s does not belong to the certificate %s: %s",
              key_path, certificate_path, openssl_reason());
    return NULL;
}

bool stoa_certificate_key_is_private(const char *key_path, GError **error)
{
    struct stat st;

    if (stat(key_path, &st) != 0 || !(st.st_mode & S_IROTH))
        return true;
    return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                     "every user of this machine can read the private key in %s: chmod 600 it",
                     key_path);
}

void stoa_certificate_free(StoaCertificate *certificate)
{
    if (!certificate)
        return;
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    g_free(certificate);
}

const char *stoa_certificate_fingerprint(const StoaCertificate *certificate)
{
    return certificate->fingerprint;
}

bool stoa_certificate_use(const StoaCertificate *certificate, SSL_CTX *ctx)
{
    return SSL_CTX_use_certificate(ctx, certificate->x509) == 1 &&
           SSL_CTX_use_PrivateKey(ctx, certificate->key) == 1;
}
