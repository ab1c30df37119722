/* SPDX-License-Identifier: MIT */
/* A window for each address: it begins with the first attempt, and forgets them all when it is over. */
#include "config.h"

#include "web/attempts.h"

#include <gio/gio.h>
#include <string.h>

enum { MAX_ADDRESSES = 20000 }; /* so that a flood of addresses costs no more than this */

typedef struct {
    int64_t ends_us, n;
} Window;

struct StoaAttempts {
    GHashTable *windows; /* "what address" → Window */
};

StoaAttempts *stoa_attempts_new(void)
{
    StoaAttempts *attempts = g_new0(StoaAttempts, 1);

    attempts->windows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return attempts;
}

void stoa_attempts_free(StoaAttempts *attempts)
{
    if (!attempts)
        return;
    g_hash_table_unref(attempts->windows);
    g_free(attempts);
}

/* The first four groups of an IPv6 address: what one household or one server has. */
static size_t home_len(const char *address)
{
    const char *at = address;

    if (!strchr(address, ':') || strstr(address, "::ffff:") == address)
        return strlen(address);
    for (int groups = 0; *at && groups < 4; at++) {
        if (*at == ':' && (++groups == 4 || at[1] == ':'))
            break;
    }
    return (size_t)(at - address);
}

char *stoa_attempts_home(const char *address)
{
    const char *plain = address && g_str_has_prefix(address, "::ffff:") ? address + 7 : address;
    g_autoptr(GInetAddress) inet = plain ? g_inet_address_new_from_string(plain) : NULL;

    if (!inet || g_inet_address_get_is_loopback(inet))
        return NULL;
    return g_strndup(plain, home_len(plain));
}

static char *key_of(const char *what, const char *address)
{
    return g_strdup_printf("%s %.*s", what, (int)home_len(address), address);
}

static gboolean is_over(gpointer key G_GNUC_UNUSED, gpointer value, gpointer now_us)
{
    return ((const Window *)value)->ends_us <= *(const int64_t *)now_us;
}

static Window *window_of(StoaAttempts *attempts, char *key, unsigned window_s, int64_t now_us)
{
    Window *window = g_hash_table_lookup(attempts->windows, key);

    if (window && window->ends_us > now_us) {
        g_free(key);
        return window;
    }
    if (!window && g_hash_table_size(attempts->windows) >= MAX_ADDRESSES) {
        g_hash_table_foreach_remove(attempts->windows, is_over, &now_us);
        if (g_hash_table_size(attempts->windows) >= MAX_ADDRESSES)
            g_hash_table_remove_all(attempts->windows);
    }
    window = g_new0(Window, 1);
    window->ends_us = now_us + window_s * G_USEC_PER_SEC;
    g_hash_table_replace(attempts->windows, key, window);
    return window;
}

unsigned stoa_attempts_count(StoaAttempts *attempts, const char *what, const char *address,
                             int64_t limit, unsigned window_s, int64_t now_us)
{
    Window *window;

    if (limit == 0)
        return 0;
    window = window_of(attempts, key_of(what, address), window_s, now_us);
    if (++window->n <= limit)
        return 0;
    return (unsigned)((window->ends_us - now_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}
