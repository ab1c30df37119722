/* SPDX-License-Identifier: MIT */
/* multipart/form-data, read as it comes. */
#include "config.h"

#include "web/multipart.h"

#include <stoa/error.h>
#include <string.h>

enum { MAX_BOUNDARY = 70, MAX_HEAD = 8192, MAX_PADDING = 128, MAX_PARTS = 64 };

typedef enum {
    SEEK,  /* before the first delimiter */
    AFTER, /* behind a delimiter: another part, or the end */
    HEAD,
    FILE_PART,
    OTHER_PART,
    END, /* of all; what follows is of no matter */
} State;

struct StoaMultipart {
    StoaMultipartOutlet outlet;
    State state;
    char delimiter[MAX_BOUNDARY + 5]; /* CR LF - - boundary */
    size_t delimiter_len;
    GByteArray *pending; /* came and is not used */
    unsigned n_parts;
    bool found, complete;
};

bool stoa_multipart_is(const char *content_type)
{
    size_t len = strlen("multipart/form-data");

    return content_type && g_ascii_strncasecmp(content_type, "multipart/form-data", len) == 0 &&
           strchr("; \t", content_type[len]);
}

/* The value of a parameter: `; name=value` or `; name="value"`, with \" and \\ inside of quotes. */
static char *read_parameter(const char *header, const char *name)
{
    size_t len = strlen(name);
    bool quoted = false;

    for (const char *p = header; *p; p++) {
        if (quoted && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && *p == ';') {
            const char *at = p + 1;
            while (*at == ' ' || *at == '\t')
                at++;
            if (g_ascii_strncasecmp(at, name, len) != 0 || at[len] != '=')
                continue;
            at += len + 1;
            if (*at != '"')
                return g_strndup(at, strcspn(at, "; \t\r\n"));
            GString *value = g_string_new(NULL);
            for (at++; *at && *at != '"'; at++) {
                if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
                    at++;
                g_string_append_c(value, *at);
            }
            return g_string_free(value, FALSE);
        }
    }
    return NULL;
}

StoaMultipart *stoa_multipart_new(const char *content_type, const StoaMultipartOutlet *outlet,
                                  GError **error)
{
    g_autofree char *boundary = read_parameter(content_type, "boundary");
    StoaMultipart *multipart;
    size_t len = boundary ? strlen(boundary) : 0;

    if (len == 0 || len > MAX_BOUNDARY) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"Content-Type\" must name a boundary of 1 to %d characters", MAX_BOUNDARY);
        return NULL;
    }
    multipart = g_new0(StoaMultipart, 1);
    multipart->outlet = *outlet;
    multipart->delimiter_len =
        (size_t)g_snprintf(multipart->delimiter, sizeof multipart->delimiter, "\r\n--%s", boundary);
    multipart->pending = g_byte_array_new();
    g_byte_array_append(multipart->pending, (const uint8_t *)"\r\n",
                        2); /* the first delimiter may lack it */
    return multipart;
}

void stoa_multipart_free(StoaMultipart *multipart)
{
    if (!multipart)
        return;
    g_byte_array_unref(multipart->pending);
    g_free(multipart);
}

/* -- heads ------------------------------------------------------------------------------------- */

/* RFC 8187: charset'language'percent-encoded. */
static char *read_extended(const char *text)
{
    const char *quote = text ? strchr(text, '\'') : NULL;
    const char *second = quote ? strchr(quote + 1, '\'') : NULL;
    char *name = second && g_ascii_strncasecmp(text, "UTF-8'", 6) == 0
                     ? g_uri_unescape_string(second + 1, NULL)
                     : NULL;

    if (name && g_utf8_validate(name, -1, NULL))
        return name;
    g_free(name);
    return NULL;
}

/* The file's name of a part's head; NULL: it is no file. Browsers write %22 for a quote. (HTML, 4.10.21.8) */
static char *file_name_of(const char *head)
{
    g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
    char *name = NULL;

    for (char **line = lines; *line && !name; line++) {
        if (g_ascii_strncasecmp(*line, "Content-Disposition:", 20) != 0)
            continue;
        g_autofree char *extended = read_parameter(*line, "filename*");
        g_autofree char *plain = read_parameter(*line, "filename");
        name = read_extended(extended);
        if (!name && plain) {
            g_auto(GStrv) parts = g_strsplit(plain, "%22", -1);
            g_autofree char *joined = g_strjoinv("\"", parts);
            name = g_utf8_make_valid(joined, -1);
        }
    }
    return name;
}

/* -- states: each takes what it can off `pending`; false: more bytes are needed ----------------- */

static void drop(StoaMultipart *multipart, size_t n)
{
    g_byte_array_remove_range(multipart->pending, 0, (guint)n);
}

static const uint8_t *find(const StoaMultipart *multipart, const char *what, size_t len)
{
    if (multipart->pending->len < len)
        return NULL;
    return memmem(multipart->pending->data, multipart->pending->len, what, len);
}

/* What lies before the next delimiter goes to the file, or nowhere; behind it the next state begins. */
static bool pass(StoaMultipart *multipart, bool is_file, bool *wanted)
{
    const uint8_t *end = find(multipart, multipart->delimiter, multipart->delimiter_len);
    size_t keep = MIN(multipart->delimiter_len - 1, multipart->pending->len);
    size_t n = end ? (size_t)(end - multipart->pending->data) : multipart->pending->len - keep;

    if (is_file && n > 0)
        *wanted = multipart->outlet.data(multipart->outlet.user, multipart->pending->data, n);
    drop(multipart, end ? n + multipart->delimiter_len : n);
    if (!end || !*wanted)
        return false;
    multipart->complete |= is_file;
    multipart->state = AFTER;
    return true;
}

static bool after_delimiter(StoaMultipart *multipart, GError **error)
{
    const uint8_t *data = multipart->pending->data, *line;

    if (multipart->pending->len < 2)
        return false;
    if (data[0] == '-' && data[1] == '-') {
        multipart->state = END;
        return true;
    }
    line = find(multipart, "\r\n", 2);
    if ((line ? (size_t)(line - data) : multipart->pending->len - 1) >
            MAX_PADDING || /* a CR may be there already */
        ++multipart->n_parts > MAX_PARTS)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the body is no well-formed multipart/form-data");
    if (!line) {
        multipart->n_parts--;
        return false;
    }
    drop(
        multipart,
        (size_t)(line - data)); /* its CR LF stays: with an empty head it is half of what ends it */
    multipart->state = HEAD;
    return true;
}

static bool read_head(StoaMultipart *multipart, GError **error)
{
    const uint8_t *end = find(multipart, "\r\n\r\n", 4);
    size_t len = end ? (size_t)(end - multipart->pending->data) : multipart->pending->len;

    if (len > MAX_HEAD + (end ? 0 : 3)) /* three of the four that end it may be there already */
        return stoa_fail(error, STOA_ERROR_INVALID, "a part's head is longer than %d bytes",
                         MAX_HEAD);
    if (!end)
        return false;
    g_autofree char *head = g_strndup((const char *)multipart->pending->data, len);
    g_autofree char *name = file_name_of(head);
    if (name && multipart->found)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the body has more than one file: send each in a request of its own");
    drop(multipart, len + 4);
    multipart->state = name ? FILE_PART : OTHER_PART;
    multipart->found |= name != NULL;
    if (name)
        multipart->outlet.name(multipart->outlet.user, name);
    return true;
}

/* Carries one state as far as it goes; false: wait for more, or `error`. */
static bool step(StoaMultipart *multipart, bool *wanted, GError **error)
{
    switch (multipart->state) {
    case SEEK:
    case OTHER_PART: return pass(multipart, false, wanted);
    case FILE_PART: return pass(multipart, true, wanted);
    case AFTER: return after_delimiter(multipart, error);
    case HEAD: return read_head(multipart, error);
    case END: break;
    }
    drop(multipart, multipart->pending->len);
    return false;
}

bool stoa_multipart_feed(StoaMultipart *multipart, const void *buf, size_t len, GError **error)
{
    const uint8_t *at = buf;
    g_autoptr(GError) why = NULL;
    bool wanted = true;

    while (len > 0) {
        size_t n = MIN(len, 64 * 1024); /* so that `pending` stays small whatever a caller brings */
        g_byte_array_append(multipart->pending, at, (guint)n);
        at += n;
        len -= n;
        while (step(multipart, &wanted, &why))
            ;
        if (!why && wanted)
            continue;
        if (why)
            g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    return true;
}

bool stoa_multipart_finish(const StoaMultipart *multipart, GError **error)
{
    if (multipart->complete && multipart->state == END)
        return true;
    if (!multipart->found)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the body has no part with a file: filename=\"...\"");
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "the body ends before its last delimiter: nothing was kept");
}
