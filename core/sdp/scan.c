/* SPDX-License-Identifier: MIT */
/* Cutting text into lines, words and numbers. */
#include "sdp/scan.h"

#include "base/poison.h"

StoaSdpText stoa_sdp_scan_until(StoaSdpText *rest, char stop)
{
    const char *found = rest->len > 0 ? memchr(rest->at, stop, rest->len) : NULL;
    StoaSdpText head = *rest;

    if (!found) {
        *rest = (StoaSdpText){ rest->len > 0 ? rest->at + rest->len : rest->at, 0 };
        return head;
    }
    head.len = (size_t)(found - rest->at);
    *rest = (StoaSdpText){ found + 1, rest->len - head.len - 1 };
    return head;
}

StoaSdpText stoa_sdp_scan_word(StoaSdpText *rest)
{
    while (rest->len > 0 && (*rest->at == ' ' || *rest->at == '\t')) {
        rest->at++;
        rest->len--;
    }
    return stoa_sdp_scan_until(rest, ' ');
}

bool stoa_sdp_scan_is(StoaSdpText text, const char *literal)
{
    return strlen(literal) == text.len &&
           (text.len == 0 || memcmp(text.at, literal, text.len) == 0);
}

bool stoa_sdp_scan_is_like(StoaSdpText text, const char *literal)
{
    return strlen(literal) == text.len &&
           (text.len == 0 || g_ascii_strncasecmp(text.at, literal, text.len) == 0);
}

bool stoa_sdp_scan_skip(StoaSdpText *text, const char *literal)
{
    size_t len = strlen(literal);

    if (len == 0 || text->len < len || memcmp(text->at, literal, len) != 0)
        return false;
    *text = (StoaSdpText){ text->at + len, text->len - len };
    return true;
}

bool stoa_sdp_scan_number(StoaSdpText text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.at[i] - '0';

        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool stoa_sdp_scan_is_id(StoaSdpText text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!g_ascii_isalnum(text.at[i]) && text.at[i] != '-' && text.at[i] != '_')
            return false;
    return true;
}

bool stoa_sdp_scan_is_token(StoaSdpText text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!g_ascii_isgraph(text.at[i]))
            return false;
    return true;
}

const char *stoa_sdp_scan_keep(GStringChunk *strings, StoaSdpText text)
{
    return g_string_chunk_insert_len(strings, text.len > 0 ? text.at : "", (gssize)text.len);
}

const char *stoa_sdp_scan_show(StoaSdpText text, char buf[48])
{
    size_t n = MIN(text.len, 44);

    for (size_t i = 0; i < n; i++)
        buf[i] = g_ascii_isprint(text.at[i]) ? text.at[i] : '?';
    memcpy(buf + n, text.len > n ? "..." : "", text.len > n ? 4 : 1);
    return buf;
}
