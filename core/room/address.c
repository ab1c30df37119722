/* SPDX-License-Identifier: MIT */
/* A mail address as we take one. */
#include "config.h"

#include "room/address.h"

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

char *stoa_address_read(const char *text, GError **error)
{
    const char *at = strrchr(text, '@');

    if (is_fit(text) && g_str_is_ascii(at))
        return g_utf8_strdown(text, -1);
    if (at && !g_str_is_ascii(at)) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"email\": write the name of the server in ASCII, like xn--mnchen-3ya.example");
        return NULL;
    }
    stoa_fail(error, STOA_ERROR_INVALID, "\"email\" must be an address like name@school.example");
    return NULL;
}
