/* SPDX-License-Identifier: MIT */
/* A mail address as we take one. */
#include "config.h"

#include "room/address.h"

#include <idn2.h>
#include <stoa/error.h>
#include <string.h>

enum { MAX_BYTES = 254, MAX_LOCAL_BYTES = 64 };

static bool is_fit(const char *text)
{
    const char *at = strrchr(text, '@');
    size_t len = strlen(text);

    if (!at || at == text || !at[1] || len > MAX_BYTES || at - text > MAX_LOCAL_BYTES ||
        !g_utf8_validate(text, -1, NULL) || memchr(text, '@', (size_t)(at - text)))
        return false;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (g_unichar_isspace(c) || !g_unichar_isprint(c) ||
            (c < 0x80 && strchr("()<>[]:;\\,\"", (int)c)))
            return false;
    }
    return at[1] != '.' && at[1] != '-' && !strstr(at, "..") && text[len - 1] != '.' &&
           !strchr(at, '\'') && !strchr(at, '/');
}

static bool has_letters_only(const char *host)
{
    for (const char *p = host; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (!g_unichar_isalnum(c) && !g_unichar_ismark(c) && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* As names of servers are sent and compared (RFC 5891, 5). Returns it in lower case, for g_free(); NULL: it is none. */
static char *read_host(const char *host)
{
    char *ascii = NULL;
    g_autofree char *lower = NULL;

    if (g_str_is_ascii(host))
        return g_ascii_strdown(host, -1);
    if (!has_letters_only(host) ||
        idn2_to_ascii_8z(host, &ascii, IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES) != IDN2_OK)
        return NULL;
    lower = g_ascii_strdown(ascii, -1);
    idn2_free(ascii);
    return g_steal_pointer(&lower);
}

char *stoa_address_read(const char *text, GError **error)
{
    const char *at = strrchr(text, '@');
    g_autofree char *host = is_fit(text) ? read_host(at + 1) : NULL;
    g_autofree char *name = host ? g_utf8_strdown(text, at - text) : NULL;
    g_autofree char *address = host ? g_strdup_printf("%s@%s", name, host) : NULL;

    if (address && is_fit(address))
        return g_steal_pointer(&address);
    if (at && !host && is_fit(text))
        stoa_fail(error, STOA_ERROR_INVALID, "\"email\": no server can be called \"%s\"", at + 1);
    else
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"email\" must be an address like name@school.example");
    return NULL;
}
