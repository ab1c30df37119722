/* SPDX-License-Identifier: MIT */
/* One pass over the bytes: brackets and strings, nothing is believed but what it takes to find two members. */
#include "config.h"

#include "signaling/remains.h"

#include <glib.h>
#include <string.h>

#define MAX_EXACT ((uint64_t)1 << 53)

typedef struct {
    const char *buf;
    size_t len;
    StoaRemains *remains;
} Scan;

/* Where the string ends that begins behind `at`: its quote, or the end of all. */
static size_t string_end(const Scan *scan, size_t at)
{
    while (at < scan->len && scan->buf[at] != '"')
        at += scan->buf[at] == '\\' ? 2 : 1;
    return MIN(at, scan->len);
}

static size_t skip_blanks(const Scan *scan, size_t at)
{
    while (at < scan->len && scan->buf[at] && strchr(" \t\r\n", scan->buf[at]))
        at++;
    return at;
}

static void read_transaction(const Scan *scan, size_t at)
{
    size_t end = at < scan->len && scan->buf[at] == '"' ? string_end(scan, at + 1) : at;
    size_t n = end > at ? end - at - 1 : 0;

    if (n == 0 || n > STOA_TRANSACTION_LEN || end == scan->len || *scan->remains->transaction ||
        memchr(scan->buf + at + 1, '\\', n) || !g_utf8_validate_len(scan->buf + at + 1, n, NULL))
        return;
    memcpy(scan->remains->transaction, scan->buf + at + 1, n);
}

static void read_session(const Scan *scan, size_t at)
{
    uint64_t id = 0;

    while (at < scan->len && g_ascii_isdigit(scan->buf[at]) && id < MAX_EXACT)
        id = id * 10 + (uint64_t)(scan->buf[at++] - '0');
    if (id < MAX_EXACT && !scan->remains->session)
        scan->remains->session = id;
}

static void read_member(const Scan *scan, size_t name_at, size_t name_end)
{
    const char *name = scan->buf + name_at;
    size_t n = name_end - name_at, at = skip_blanks(scan, name_end + 1);

    if (at >= scan->len || scan->buf[at] != ':')
        return;
    at = skip_blanks(scan, at + 1);
    if (n == strlen("transaction") && memcmp(name, "transaction", n) == 0)
        read_transaction(scan, at);
    else if (n == strlen("session_id") && memcmp(name, "session_id", n) == 0)
        read_session(scan, at);
}

void stoa_remains_read(const char *buf, size_t len, StoaRemains *remains)
{
    const Scan scan = { buf, len, remains };
    int64_t depth = 0;

    memset(remains, 0, sizeof *remains);
    for (size_t at = 0; at < len; at++) {
        if (buf[at] == '{' || buf[at] == '[') {
            depth++;
        } else if (buf[at] == '}' || buf[at] == ']') {
            depth--;
        } else if (buf[at] == '"') {
            size_t end = string_end(&scan, at + 1);
            if (depth == 1 && end < len)
                read_member(&scan, at + 1, end);
            at = end;
        }
    }
}
