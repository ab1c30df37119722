/* SPDX-License-Identifier: MIT */
/* What the text of a value has to look like: an address, a URL. Pure. */
#include <arpa/inet.h>
#include <string.h>

#include "base/conf-private.h"

static bool read_address(const char *text, int *bits)
{
    struct in6_addr place;
    bool is_v4 = inet_pton(AF_INET, text, &place) == 1;

    *bits = is_v4 ? 32 : 128;
    return is_v4 || inet_pton(AF_INET6, text, &place) == 1;
}

static bool is_address(const char *text)
{
    int bits;

    return read_address(text, &bits);
}

/* With no bit of the host set: 10.0.0.1/8 holds nobody whom its writer thinks of. */
static bool is_network(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    unsigned char place[16] = { 0 };
    guint64 prefix;
    int bits;

    if (!parts[0] || !read_address(parts[0], &bits))
        return false;
    if (!parts[1])
        return true;
    if (!g_ascii_string_to_unsigned(parts[1], 10, 0, (guint64)bits, &prefix, NULL))
        return false;
    inet_pton(bits == 32 ? AF_INET : AF_INET6, parts[0], place);
    for (unsigned bit = (unsigned)prefix; bit < (unsigned)bits; bit++)
        if (place[bit / 8] & (0x80U >> bit % 8))
            return false;
    return true;
}

static bool is_port(const char *text)
{
    return g_ascii_string_to_unsigned(text, 10, 1, 65535, NULL, NULL);
}

/* What may stand in a URL: no blanks, quotes or control characters. */
static bool is_url_text(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at == 127 || strchr("\"'<>\\^`{|}", *at))
            return false;
    return *text != '\0';
}

/* "class.example", "192.0.2.7:8088", "[2001:db8::7]:8088": `len` bytes of it. */
static bool is_host(const char *text, size_t len)
{
    g_autofree char *host = g_strndup(text, len);
    char *end = *host == '[' ? strchr(host, ']') : NULL;
    char *colon = strchr(end ? end : host, ':');

    if (*host == '[' && (!end || (end[1] != '\0' && end[1] != ':')))
        return false;
    if (colon) {
        *colon = '\0';
        if (!is_port(colon + 1))
            return false;
    }
    if (end) {
        *end = '\0';
        return is_address(host + 1);
    }
    for (const char *at = host; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("-._", *at))
            return false;
    return *host != '\0';
}

/* What follows "SCHEME:", when the scheme is one of these. */
static const char *after_scheme(const char *text, const char *const *schemes)
{
    for (; schemes && *schemes; schemes++) {
        size_t len = strlen(*schemes);
        if (g_ascii_strncasecmp(text, *schemes, len) == 0 && text[len] == ':')
            return text + len + 1;
    }
    return NULL;
}

/* stun: and turn: have no slashes before the host, the others do. */
static bool is_url(const StoaOption *row, const char *text)
{
    const char *rest = after_scheme(text, row->choices);
    bool is_ice =
        g_ascii_strncasecmp(text, "stun", 4) == 0 || g_ascii_strncasecmp(text, "turn", 4) == 0;

    if (!rest || !is_url_text(text) || (!is_ice && strncmp(rest, "//", 2) != 0))
        return false;
    rest += is_ice ? 0 : 2;
    return is_host(rest, strcspn(rest, "/?#"));
}

static bool is_origin(const char *text)
{
    const char *host = strstr(text, "://");

    return strcmp(text, "*") == 0 ||
           (host && host > text && is_url_text(text) && is_host(host + 3, strlen(host + 3)));
}

static bool is_pair(const char *text)
{
    const char *equals = strchr(text, '=');

    return equals && equals > text && equals[1];
}

/* "VP8, h264": in any case, the spaces do not count. */
static bool are_choices(const StoaOption *row, const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_auto(GStrv) parts = stoa_conf_value_split(lower);

    for (unsigned i = 0; parts[i]; i++)
        if (!g_strv_contains(row->choices, parts[i]))
            return false;
    return true;
}

bool stoa_conf_form_fits(const StoaOption *row, const char *text)
{
    switch (row->form) {
    case STOA_FORM_ADDRESS: return is_address(text);
    case STOA_FORM_NETWORK: return is_network(text);
    case STOA_FORM_ORIGIN: return is_origin(text);
    case STOA_FORM_URL: return is_url(row, text);
    case STOA_FORM_PAIR: return is_pair(text);
    case STOA_FORM_CHOICES: return are_choices(row, text);
    case STOA_FORM_ANY: break;
    }
    return true;
}

char *stoa_conf_form_wanted(const StoaOption *row, bool many)
{
    g_autofree char *choices = row->choices ? g_strjoinv(", ", (char **)row->choices) : NULL;
    const char *one = NULL, *all = NULL;

    switch (row->form) {
    case STOA_FORM_ADDRESS: one = "an IP address", all = "IP addresses"; break;
    case STOA_FORM_NETWORK:
        one = "an IP address or a network like 192.0.2.0/24";
        all = "IP addresses and networks like 192.0.2.0/24";
        break;
    case STOA_FORM_ORIGIN:
        one = "an origin like https://class.example";
        all = "origins like https://class.example";
        break;
    case STOA_FORM_PAIR: one = "NAME=VALUE", all = "NAME=VALUE"; break;
    case STOA_FORM_URL:
        return g_strdup_printf(many ? "a list of URLs (%s), separated by ;" : "a URL (%s)",
                               choices);
    case STOA_FORM_CHOICES: return g_strdup_printf("a list of %s", choices);
    case STOA_FORM_ANY: return NULL;
    }
    return many ? g_strdup_printf("a list of %s, separated by ;", all) : g_strdup(one);
}
