/* SPDX-License-Identifier: MIT */
/* One peer's DTLS: OpenSSL shakes hands, then records.c takes over and OpenSSL's memory is let go. A broken handshake
 * costs an attempt and a fresh SSL object, never the link: strangers' junk must not end a call. (SECURITY.md, section 3) */
#include "dtls/link.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <string.h>

#include "dtls/context.h"
#include "dtls/flight.h"
#include "dtls/records.h"

#include "base/poison.h"

enum {
    KEY_LEN = 16,
    FIRST_REPEAT_US = 100000, /* browsers repeat after 50 ms and find OpenSSL silent: be quick */
    FAST_REPEAT_US = 400000,
    SLOW_REPEAT_US = 2000000, /* OpenSSL gives up after 12 repeats: stretch them over the 15 s */
    FAST_REPEATS = 7,
    RETRY_US = 250000, /* between attempts, when too many broke */
    MAX_REPEATS = 20,  /* of our last flight, for a peer that missed it */
    REPEAT_US = 10000000,
};

struct StoaDtlsLink {
    StoaDtlsContext *context;
    StoaDtlsRole role;
    StoaDtlsState state;
    StoaDtlsCallbacks callbacks;
    void *user;

    SSL *ssl; /* NULL: before the first record, between attempts, once CONNECTED */
    StoaDtlsPipe pipe;
    StoaDtlsSent sent;        /* by OpenSSL */
    StoaDtlsRecords *records; /* once CONNECTED */
    StoaDtlsKeys keys;        /* until they are asked for */
    unsigned attempts;
    unsigned repeats;   /* flights repeated in this attempt */
    int64_t started_us; /* the first record; 0: not yet */
    int64_t retry_us;   /* client: when to try again; 0: no need */
    const char *failure;
    char *hash, *fingerprint; /* what SDP announced; NULL: not known yet */
    StoaDtlsFlight flight;    /* our last flight of the handshake */
    unsigned flights;         /* repeated since CONNECTED */
    int64_t first_flight_us;  /* when the first of them was */
};

/* -- life ---------------------------------------------------------------------------------- */

/* Everything OpenSSL writes passes here. */
static void on_output(void *user, const uint8_t *buf, size_t len)
{
    StoaDtlsLink *link = user;
    bool in_handshake = link->state == STOA_DTLS_HANDSHAKE;

    /* A plain alert says "your handshake is broken" to whom it may concern; sent because of a stranger's
     * junk it would end the honest peer's. It learns of a real failure by our silence. */
    if (in_handshake && len > 4 && buf[0] == STOA_DTLS_ALERT && buf[3] == 0 && buf[4] == 0)
        return;
    if (in_handshake)
        stoa_dtls_flight_add(&link->flight, buf, len);
    stoa_dtls_sent_note(&link->sent, buf, len);
    link->callbacks.output(link->user, buf, len);
}

StoaDtlsLink *stoa_dtls_link_new(StoaDtlsContext *context, StoaDtlsRole role,
                                 const StoaDtlsCallbacks *callbacks, void *user)
{
    StoaDtlsLink *link = g_new0(StoaDtlsLink, 1);

    link->context = context;
    link->role = role;
    link->callbacks = *callbacks;
    link->user = user;
    link->pipe.output = on_output;
    link->pipe.user = link;
    return link;
}

static void drop_ssl(StoaDtlsLink *link)
{
    SSL_free(link->ssl);
    link->ssl = NULL;
    link->pipe.in_len = 0;
    ERR_clear_error();
}

void stoa_dtls_link_free(StoaDtlsLink *link)
{
    if (!link)
        return;
    drop_ssl(link);
    stoa_dtls_records_free(link->records);
    stoa_dtls_flight_clear(&link->flight);
    OPENSSL_cleanse(&link->keys, sizeof(link->keys));
    g_free(link->hash);
    g_free(link->fingerprint);
    g_free(link);
}

static StoaDtlsState fail(StoaDtlsLink *link, const char *failure)
{
    drop_ssl(link);
    link->failure = failure;
    link->state = STOA_DTLS_FAILED;
    return link->state;
}

const char *stoa_dtls_link_failure(const StoaDtlsLink *link)
{
    return link->failure;
}

StoaDtlsState stoa_dtls_link_state(const StoaDtlsLink *link)
{
    return link->state;
}

/* How long OpenSSL waits before it repeats a flight. (Called by it.) */
static unsigned next_timer(SSL *ssl, unsigned last_us)
{
    StoaDtlsLink *link = SSL_get_app_data(ssl);

    if (last_us == 0) {
        link->repeats = 0;
        return FIRST_REPEAT_US;
    }
    return ++link->repeats < FAST_REPEATS ? MIN(2 * last_us, FAST_REPEAT_US) : SLOW_REPEAT_US;
}

static bool open_ssl(StoaDtlsLink *link)
{
    link->ssl = stoa_dtls_context_open(link->context, &link->pipe);
    if (!link->ssl)
        return false;
    link->sent = (StoaDtlsSent){ 0 };
    SSL_set_app_data(link->ssl, link);
    DTLS_set_timer_cb(link->ssl, next_timer);
    if (link->role == STOA_DTLS_SERVER)
        SSL_set_accept_state(link->ssl);
    else
        SSL_set_connect_state(link->ssl);
    return true;
}

/* -- handshake ----------------------------------------------------------------------------- */

/* Salt of the chosen profile in bytes; 0: a profile that is not ours. */
static size_t salt_len(unsigned long profile)
{
    if (profile == STOA_DTLS_AEAD_AES_128_GCM)
        return 12;
    return profile == STOA_DTLS_AES128_CM_SHA1_80 ? 14 : 0;
}

/* The keys of SRTP. (RFC 5764, 4.2) */
static void export_keys(StoaDtlsLink *link)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t block[2 * (KEY_LEN + 14)]; /* client key, server key, client salt, server salt */
    bool client = link->role == STOA_DTLS_CLIENT;
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(link->ssl);
    size_t salt = profile ? salt_len(profile->id) : 0;
    StoaDtlsKeys *keys = &link->keys;

    if (salt == 0 || SSL_export_keying_material(link->ssl, block, 2 * (KEY_LEN + salt), label,
                                                sizeof(label) - 1, NULL, 0, 0) != 1)
        return;
    keys->profile = (StoaDtlsProfile)profile->id;
    keys->salt_len = salt;
    memcpy(client ? keys->local_key : keys->remote_key, block, KEY_LEN);
    memcpy(client ? keys->remote_key : keys->local_key, block + KEY_LEN, KEY_LEN);
    memcpy(client ? keys->local_salt : keys->remote_salt, block + 2 * KEY_LEN, salt);
    memcpy(client ? keys->remote_salt : keys->local_salt, block + 2 * KEY_LEN + salt, salt);
    OPENSSL_cleanse(block, sizeof(block));
}

/* The handshake is done: is the peer who its SDP said? Then OpenSSL has done its part. */
static StoaDtlsState verify(StoaDtlsLink *link)
{
    X509 *x509;
    bool same;

    if (link->state != STOA_DTLS_HANDSHAKE || !link->ssl || !SSL_is_init_finished(link->ssl) ||
        !link->fingerprint)
        return link->state;
    x509 = SSL_get1_peer_certificate(link->ssl);
    same = stoa_certificate_matches(x509, link->hash, link->fingerprint);
    X509_free(x509);
    if (!same) {
        SSL_shutdown(link->ssl);
        return fail(link, "the peer's certificate is not the one of its SDP");
    }
    export_keys(link);
    link->records = stoa_dtls_records_new(link->ssl, link->role == STOA_DTLS_CLIENT, &link->sent);
    if (!link->records)
        return fail(link, "the DTLS cipher is not one of ours");
    drop_ssl(link);
    stoa_dtls_flight_settle(&link->flight);
    link->state = STOA_DTLS_CONNECTED;
    return link->state;
}

StoaDtlsState stoa_dtls_link_expect(StoaDtlsLink *link, const char *hash, const char *fingerprint)
{
    g_free(link->hash);
    g_free(link->fingerprint);
    link->hash = g_strdup(hash);
    link->fingerprint = g_strdup(fingerprint);
    return verify(link);
}

/* This attempt is beyond repair; the next record starts another. */
static StoaDtlsState break_off(StoaDtlsLink *link, int64_t now_us)
{
    bool pause = ++link->attempts >= STOA_DTLS_ATTEMPTS || link->role == STOA_DTLS_CLIENT;

    drop_ssl(link);
    link->flight.len = 0;
    link->retry_us = pause ? now_us + RETRY_US : 0;
    return link->state;
}

static StoaDtlsState shake_hands(StoaDtlsLink *link, int64_t now_us)
{
    int done;

    ERR_clear_error();
    done = SSL_do_handshake(link->ssl);
    if (done == 1)
        return verify(link);
    if (SSL_get_error(link->ssl, done) == SSL_ERROR_WANT_READ)
        return link->state;
    return break_off(link, now_us);
}

static StoaDtlsState begin(StoaDtlsLink *link, int64_t now_us)
{
    if (!open_ssl(link))
        return fail(link, "out of memory for DTLS");
    if (link->started_us == 0)
        link->started_us = now_us;
    link->retry_us = 0;
    link->state = STOA_DTLS_HANDSHAKE;
    return link->state;
}

StoaDtlsState stoa_dtls_link_start(StoaDtlsLink *link, int64_t now_us)
{
    if (link->role != STOA_DTLS_CLIENT || link->state != STOA_DTLS_NEW)
        return link->state;
    if (begin(link, now_us) != STOA_DTLS_HANDSHAKE)
        return link->state;
    return shake_hands(link, now_us);
}

/* -- records ------------------------------------------------------------------------------- */

bool stoa_dtls_link_is(const uint8_t *buf, size_t len)
{
    return len >= STOA_DTLS_HEADER && buf[0] >= 20 && buf[0] <= 63;
}

/* Can it open a handshake? A plain handshake record of epoch 0, nothing else makes us take memory. */
static bool is_opening(const uint8_t *buf)
{
    return buf[0] == STOA_DTLS_SHAKE && buf[1] == 0xfe && buf[3] == 0 && buf[4] == 0;
}

/* Could every record of the datagram be one of a finished handshake? Types of DTLS 1.2, its version, epoch 0 (a repeated last
 * flight) or 1, and sealed ones long enough for nonce and tag: OpenSSL 3.0.19 ends a connection over a sealed record that is
 * shorter, which anybody can forge. (RFC 6347, 4.1; RFC 5288, 3; RFC 7905, 2) */
static bool is_believable(const StoaDtlsLink *link, const uint8_t *buf, size_t len)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(link->ssl);
    bool chacha = cipher && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305;
    size_t shortest = chacha ? 16 : 24;

    while (len >= STOA_DTLS_HEADER) {
        size_t body = (size_t)buf[11] << 8 | buf[12];

        if (buf[0] < 20 || buf[0] > 23 || buf[1] != 0xfe || buf[3] != 0 || buf[4] > 1)
            return false;
        if (body > len - STOA_DTLS_HEADER || (buf[4] == 1 && body < shortest))
            return false;
        buf += STOA_DTLS_HEADER + body;
        len -= STOA_DTLS_HEADER + body;
    }
    return len == 0;
}

/* The handshake is done, but SDP has not told yet who the peer should be: its data is dropped, its goodbye taken. */
static StoaDtlsState read_unverified(StoaDtlsLink *link)
{
    uint8_t buf[STOA_DTLS_RECORD];
    int n;

    ERR_clear_error();
    do
        n = SSL_read(link->ssl, buf, sizeof(buf));
    while (n > 0);
    /* Some releases of OpenSSL report a junk record as SSL_ERROR_SYSCALL: only what the peer sealed ends the link. */
    if (SSL_get_error(link->ssl, n) != SSL_ERROR_SSL && SSL_get_shutdown(link->ssl) == 0)
        return link->state;
    drop_ssl(link); /* close_notify, or an alert with a valid seal: either way it is over */
    link->state = STOA_DTLS_CLOSED;
    return link->state;
}

static void on_data(void *user, const uint8_t *buf, size_t len)
{
    StoaDtlsLink *link = user;

    if (link->callbacks.data && link->state == STOA_DTLS_CONNECTED)
        link->callbacks.data(link->user, buf, len);
}

static bool may_repeat(StoaDtlsLink *link, int64_t now_us)
{
    if (link->flights == 0)
        link->first_flight_us = now_us;
    return now_us - link->first_flight_us < REPEAT_US && link->flights++ < MAX_REPEATS;
}

/* @is_last  it is the datagram that ended the handshake: nobody missed our flight */
static StoaDtlsState read_records(StoaDtlsLink *link, int64_t now_us, const uint8_t *buf,
                                  size_t len, bool is_last)
{
    StoaDtlsSeen seen = stoa_dtls_records_open(link->records, buf, len, on_data, link);

    if (seen & STOA_DTLS_SEEN_SHAKE && !is_last && may_repeat(link, now_us))
        stoa_dtls_flight_send(&link->flight, link->callbacks.output, link->user);
    if (seen & STOA_DTLS_SEEN_CLOSED)
        link->state = STOA_DTLS_CLOSED;
    return link->state;
}

static StoaDtlsState read_handshake(StoaDtlsLink *link, int64_t now_us, const uint8_t *buf,
                                    size_t len)
{
    if (SSL_is_init_finished(link->ssl) && !is_believable(link, buf, len))
        return link->state;
    link->pipe.in = buf;
    link->pipe.in_len = len;
    if (!SSL_is_init_finished(link->ssl)) {
        link->flight.len = 0;
        shake_hands(link, now_us);
    }
    if (link->ssl && SSL_is_init_finished(link->ssl))
        read_unverified(link);
    link->pipe.in_len = 0;
    return link->records ? read_records(link, now_us, buf, len, true) : link->state;
}

StoaDtlsState stoa_dtls_link_input(StoaDtlsLink *link, int64_t now_us, const uint8_t *buf,
                                   size_t len)
{
    if (link->state >= STOA_DTLS_CLOSED || !stoa_dtls_link_is(buf, len))
        return link->state;
    if (link->records)
        return read_records(link, now_us, buf, len, false);
    if (!link->ssl) {
        if (link->role == STOA_DTLS_CLIENT || !is_opening(buf) || now_us < link->retry_us)
            return link->state;
        if (begin(link, now_us) != STOA_DTLS_HANDSHAKE)
            return link->state;
    }
    return read_handshake(link, now_us, buf, len);
}

/* -- time ---------------------------------------------------------------------------------- */

static bool is_shaking(const StoaDtlsLink *link)
{
    return link->state == STOA_DTLS_HANDSHAKE && !(link->ssl && SSL_is_init_finished(link->ssl));
}

/* A client between two attempts. */
static bool is_waiting(const StoaDtlsLink *link)
{
    return link->role == STOA_DTLS_CLIENT && !link->ssl;
}

int64_t stoa_dtls_link_deadline_us(const StoaDtlsLink *link, int64_t now_us)
{
    int64_t first = link->started_us + STOA_DTLS_HANDSHAKE_US;
    struct timeval left;

    if (!is_shaking(link))
        return INT64_MAX;
    if (is_waiting(link))
        first = MIN(first, link->retry_us);
    if (link->ssl && DTLSv1_get_timeout(link->ssl, &left) == 1)
        first = MIN(first, now_us + left.tv_sec * 1000000 + left.tv_usec);
    return first;
}

StoaDtlsState stoa_dtls_link_tick(StoaDtlsLink *link, int64_t now_us)
{
    if (!is_shaking(link))
        return link->state;
    if (now_us - link->started_us >= STOA_DTLS_HANDSHAKE_US)
        return fail(link, "the DTLS handshake took too long");
    if (is_waiting(link) && now_us >= link->retry_us && begin(link, now_us) == STOA_DTLS_HANDSHAKE)
        return shake_hands(link, now_us);
    if (!link->ssl)
        return link->state;
    ERR_clear_error();
    link->flight.len = 0;
    if (DTLSv1_handle_timeout(link->ssl) < 0)
        return break_off(link, now_us);
    return link->state;
}

/* -- keys, data, goodbye ------------------------------------------------------------------- */

bool stoa_dtls_link_keys(StoaDtlsLink *link, StoaDtlsKeys *keys)
{
    if (link->state != STOA_DTLS_CONNECTED || link->keys.profile == STOA_DTLS_PROFILE_NONE)
        return false;
    *keys = link->keys;
    OPENSSL_cleanse(&link->keys, sizeof(link->keys));
    return true;
}

static bool send_record(StoaDtlsLink *link, uint8_t type, const uint8_t *buf, size_t len)
{
    uint8_t record[STOA_DTLS_RECORD];
    size_t n = stoa_dtls_records_seal(link->records, type, buf, len, record);

    if (n > 0)
        link->callbacks.output(link->user, record, n);
    return n > 0;
}

bool stoa_dtls_link_send(StoaDtlsLink *link, const uint8_t *buf, size_t len)
{
    if (link->state != STOA_DTLS_CONNECTED || len == 0 || len > STOA_DTLS_MTU)
        return false;
    return send_record(link, STOA_DTLS_DATA, buf, len);
}

void stoa_dtls_link_close(StoaDtlsLink *link)
{
    static const uint8_t close_notify[] = { 1, 0 };

    if (link->state >= STOA_DTLS_CLOSED)
        return;
    if (link->records)
        send_record(link, STOA_DTLS_ALERT, close_notify, sizeof(close_notify));
    else if (link->ssl && SSL_is_init_finished(link->ssl))
        SSL_shutdown(link->ssl);
    ERR_clear_error();
    link->state = STOA_DTLS_CLOSED;
}
