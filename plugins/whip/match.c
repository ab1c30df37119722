/* SPDX-License-Identifier: MIT */
/* What fits what: a list of entity tags, the m-lines of an offer and of its answer. */
#include "whip.h"

#include <string.h>

/* -- If-Match ---------------------------------------------------------------------------------- */

static bool is_any(const char *text)
{
    g_autofree char *bare = g_strstrip(g_strdup(text));

    return strcmp(bare, "*") == 0 ||
           strcmp(bare, "\"*\"") == 0; /* RFC 9725 has it with quotes in its examples */
}

bool whip_match_tag(const char *if_match, const char *tag)
{
    if (is_any(if_match))
        return true;
    for (const char *at = if_match; *at;) { /* a tag may have commas inside its quotes */
        at += strspn(at, ", \t");
        bool is_weak = g_str_has_prefix(at, "W/");
        at += is_weak ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        size_t len = (size_t)(end + 1 - at);
        if (!is_weak && len == strlen(tag) && strncmp(at, tag, len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* -- offer and answer -------------------------------------------------------------------------- */

/* What an m-line says of itself. */
typedef struct {
    bool stopped; /* port 0, which is no stop where it says that it is bundled */
    bool bundle_only, receives, sends;
} Line;

static void read_attribute(Line *line, const char *text)
{
    static const struct {
        const char *name;
        bool receives, sends;
    } directions[] = { { "a=inactive", false, false },
                       { "a=sendonly", false, true },
                       { "a=recvonly", true, false },
                       { "a=sendrecv", true, true } };

    line->bundle_only |= g_str_has_prefix(text, "a=bundle-only");
    for (size_t i = 0; i < G_N_ELEMENTS(directions); i++) {
        if (!g_str_has_prefix(text, directions[i].name))
            continue;
        line->receives = directions[i].receives;
        line->sends = directions[i].sends;
    }
}

/* The m-lines of a description, to be unref'd: directions before the first count for those that say none. */
static GArray *read_lines(const char *sdp)
{
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
    Line all = { .receives = true, .sends = true };

    for (const char *text = sdp; text; text = strchr(text, '\n')) {
        text += *text == '\n';
        if (g_str_has_prefix(text, "m=")) {
            const char *port = text + strcspn(text, " \r\n");
            Line line = all;
            line.stopped = *port != ' ' || g_ascii_strtoull(port, NULL, 10) == 0;
            g_array_append_val(lines, line);
        } else {
            read_attribute(lines->len ? &g_array_index(lines, Line, lines->len - 1) : &all, text);
        }
    }
    return lines;
}

bool whip_match_takes_all(const char *offer, const char *answer)
{
    g_autoptr(GArray) offered = read_lines(offer), answered = read_lines(answer);
    guint n_taken = 0;

    for (guint i = 0; i < offered->len; i++) {
        const Line *theirs = &g_array_index(offered, Line, i);
        if ((theirs->stopped && !theirs->bundle_only) || !(theirs->sends || theirs->receives))
            continue;
        const Line *ours = i < answered->len ? &g_array_index(answered, Line, i) : NULL;
        if (!ours || ours->stopped || !ours->receives)
            return false;
        n_taken++;
    }
    return n_taken > 0;
}
