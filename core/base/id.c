/* SPDX-License-Identifier: MIT */
/* Randomness from getrandom(2), and the forms in which it is used. */
#include "base/id.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK 256 /* getrandom() gives up to this much without being interrupted */

void stoa_id_bytes(void *buf, size_t len)
{
    uint8_t *at = buf;

    while (len > 0) {
        ssize_t got = getrandom(at, MIN(len, BLOCK), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            g_error("getrandom: %s", g_strerror(errno));
        at += got;
        len -= (size_t)got;
    }
}

uint64_t stoa_id_random53(void)
{
    uint64_t id;

    do {
        stoa_id_bytes(&id, sizeof id);
        id >>= 11;
    } while (id == 0);
    return id;
}

uint32_t stoa_id_random32(void)
{
    uint32_t id;

    do
        stoa_id_bytes(&id, sizeof id);
    while (id == 0);
    return id;
}

/* A byte picks a character if it is below the largest multiple of 62, so that none is likelier than another. */
char *stoa_id_text(char *buf, size_t n)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const unsigned n_alphabet = sizeof alphabet - 1;
    uint8_t block[64];
    size_t done = 0;

    while (done < n) {
        stoa_id_bytes(block, sizeof block);
        for (size_t i = 0; i < sizeof block && done < n; i++)
            if (block[i] < 256 / n_alphabet * n_alphabet)
                buf[done++] = alphabet[block[i] % n_alphabet];
    }
    buf[n] = '\0';
    return buf;
}

bool stoa_id_constant_time_equal(const char *a, const char *b)
{
    size_t len = a ? strlen(a) : 0;
    volatile uint8_t different = 0;

    if (!a || !b || strlen(b) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        different |= (uint8_t)(a[i] ^ b[i]);
    return different == 0;
}
