/* SPDX-License-Identifier: MIT */
/* Two links with somebody between them who drops, repeats, cuts, changes and invents datagrams, before and after the handshake.
 * However it goes: what an end is given as data the other one sent, keys agree, nobody is connected who is not expected. */
#include <glib.h>
#include <string.h>

#include "dtls/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE = 16, MAX = 2048, STEPS = 64, STEP = 3 };

typedef struct End {
    StoaDtlsLink *link;
    struct End *other;
    unsigned n_out;
    size_t out_len[QUEUE];
    uint8_t out[QUEUE][MAX];
    unsigned n_said; /* messages sent, each `n_said` in four bytes */
} End;

static StoaCertificate *certificates[2];
static StoaDtlsContext *contexts[2];

static void on_output(void *user, const uint8_t *buf, size_t len)
{
    End *end = user;

    g_assert(len > 0 && len <= MAX);
    if (end->n_out == QUEUE) /* lost */
        return;
    memcpy(end->out[end->n_out], buf, len);
    end->out_len[end->n_out++] = len;
}

static void on_data(void *user, const uint8_t *buf, size_t len)
{
    const End *end = user;
    uint32_t number;

    g_assert(stoa_dtls_link_state(end->link) == STOA_DTLS_CONNECTED);
    g_assert(len == sizeof(number));
    memcpy(&number, buf, len);
    g_assert(number < end->other->n_said);
}

static void say(End *end)
{
    uint32_t number = end->n_said;

    if (stoa_dtls_link_send(end->link, (const uint8_t *)&number, sizeof(number)))
        end->n_said++;
}

static size_t take(End *end, uint8_t buf[MAX])
{
    size_t len = end->n_out > 0 ? end->out_len[0] : 0;

    if (len == 0)
        return 0;
    memcpy(buf, end->out[0], len);
    end->n_out--;
    memmove(end->out[0], end->out[1], end->n_out * sizeof(end->out[0]));
    memmove(end->out_len, end->out_len + 1, end->n_out * sizeof(end->out_len[0]));
    return len;
}

/* In a block of its own size, so that a sanitizer sees a read past the end. */
static void give(End *end, const uint8_t *buf, size_t len)
{
    uint8_t *exact = g_memdup2(buf, len);

    if (len > 0)
        stoa_dtls_link_input(end->link, g_get_monotonic_time(), exact, len);
    g_free(exact);
}

static void shake(End *one, End *two)
{
    uint8_t buf[MAX];

    for (unsigned n = 0; n < 32 && (one->n_out > 0 || two->n_out > 0); n++) {
        for (size_t len; (len = take(one, buf)) > 0;)
            give(two, buf, len);
        for (size_t len; (len = take(two, buf)) > 0;)
            give(one, buf, len);
    }
}

/* One step of [what, which, n] and `n` bytes; returns how many bytes it took. */
static size_t step(End ends[2], const uint8_t *data, size_t size)
{
    End *from = &ends[data[0] >> 7], *to = from->other;
    size_t n = MIN(data[2], size - STEP), len;
    uint8_t buf[MAX];

    switch (data[0] & 7) {
    case 0: give(to, data + STEP, n); return STEP + n;
    case 1: say(from); return STEP;
    case 2: take(from, buf); return STEP;
    case 3: /* as a record of our making, of the epoch of sealed ones */
        memcpy(buf,
               (const uint8_t[]){ data[1], 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, data[2], data[0], 0,
                                  (uint8_t)n },
               13);
        memcpy(buf + 13, data + STEP, n);
        give(to, buf, 13 + n);
        return STEP + n;
    case 4: stoa_dtls_link_tick(from->link, g_get_monotonic_time() + data[1] * 100000); return STEP;
    default: break;
    }
    len = take(from, buf);
    if (len == 0)
        return STEP;
    if ((data[0] & 7) == 5)
        buf[data[1] * 8u % len] ^= data[2];
    if ((data[0] & 7) == 6)
        len = data[1] * 8u % len;
    give(to, buf, len);
    if ((data[0] & 7) == 7 && data[1] & 1)
        give(to, buf, len);
    return STEP;
}

static void check(End ends[2])
{
    StoaDtlsKeys keys[2];

    memset(keys, 0, sizeof(keys));
    if (!stoa_dtls_link_keys(ends[0].link, &keys[0]) ||
        !stoa_dtls_link_keys(ends[1].link, &keys[1]))
        return;
    g_assert(keys[0].profile == keys[1].profile && keys[0].profile != STOA_DTLS_PROFILE_NONE);
    g_assert(memcmp(keys[0].local_key, keys[1].remote_key, sizeof(keys[0].local_key)) == 0);
    g_assert(memcmp(keys[1].local_salt, keys[0].remote_salt, keys[0].salt_len) == 0);
}

static void prepare(void)
{
    for (int i = 0; i < 2; i++) {
        certificates[i] = stoa_certificate_new(NULL);
        contexts[i] = stoa_dtls_context_new(certificates[i], NULL);
        g_assert(contexts[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const StoaDtlsCallbacks callbacks = { on_output, on_data };
    static End ends[2];
    unsigned how = size > 0 ? data[0] : 0;

    if (!contexts[0])
        prepare();
    memset(ends, 0, sizeof(ends));
    for (int i = 0; i < 2; i++) {
        ends[i].other = &ends[1 - i];
        ends[i].link = stoa_dtls_link_new(contexts[i], i == 0 ? STOA_DTLS_SERVER : STOA_DTLS_CLIENT,
                                          &callbacks, &ends[i]);
    }
    if (how & 1) /* else a stranger's certificate is expected */
        stoa_dtls_link_expect(ends[0].link, "sha-256",
                              stoa_certificate_fingerprint(certificates[1]));
    else
        stoa_dtls_link_expect(ends[0].link, "sha-256",
                              stoa_certificate_fingerprint(certificates[0]));
    stoa_dtls_link_expect(ends[1].link, "sha-256", stoa_certificate_fingerprint(certificates[0]));
    stoa_dtls_link_start(ends[1].link, g_get_monotonic_time());
    if (how & 2)
        shake(&ends[1], &ends[0]);
    if ((how & 3) == 3)
        g_assert(stoa_dtls_link_state(ends[0].link) == STOA_DTLS_CONNECTED);
    for (unsigned n = 0, at = 1; n < STEPS && at + STEP <= size; n++)
        at += step(ends, data + at, size - at);
    if (!(how & 1))
        g_assert(stoa_dtls_link_state(ends[0].link) != STOA_DTLS_CONNECTED);
    check(ends);
    for (int i = 0; i < 2; i++) {
        if (how & 4)
            stoa_dtls_link_close(ends[i].link);
        stoa_dtls_link_free(ends[i].link);
    }
    return 0;
}
