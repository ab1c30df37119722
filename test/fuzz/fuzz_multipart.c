/* SPDX-License-Identifier: MIT */
/* An upload's form, in pieces of any size, and what its bytes are told to be: the result does not depend on the pieces. */
#include "web/multipart.h"
#include "web/sniff.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 16 * 1024 };

typedef struct {
    GString *name;
    GByteArray *bytes;
    unsigned n_names;
} Got;

static void take_name(void *user, const char *name)
{
    Got *got = user;

    if (got->n_names++ > 0 || got->bytes->len > 0 || strlen(name) > MAX_NAME ||
        !g_utf8_validate(name, -1, NULL))
        abort();
    g_string_assign(got->name, name);
}

static bool take_bytes(void *user, const void *buf, size_t len)
{
    Got *got = user;

    if (got->n_names != 1 || len == 0)
        abort();
    g_byte_array_append(got->bytes, buf, (guint)len);
    return true;
}

/* Whether it was a whole form. */
static bool read_form(const uint8_t *data, size_t size, size_t piece, Got *got)
{
    const StoaMultipartOutlet outlet = { take_name, take_bytes, got };
    g_autoptr(StoaMultipart) form =
        stoa_multipart_new("multipart/form-data; boundary=\"b\"", &outlet, NULL);
    bool ok = true;

    *got = (Got){ g_string_new(NULL), g_byte_array_new(), 0 };
    for (size_t at = 0; at < size && ok; at += piece)
        ok = stoa_multipart_feed(form, data + at, MIN(piece, size - at), NULL);
    return ok && stoa_multipart_finish(form, NULL);
}

static void got_clear(Got *got)
{
    g_string_free(got->name, TRUE);
    g_byte_array_unref(got->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? data[0] % 16 + 1 : 1;
    g_autofree char *type = g_strndup((const char *)data, MIN(size, 200));
    Got whole, pieces;
    bool one = read_form(data, size, size + 1, &whole), two = read_form(data, size, piece, &pieces);

    if (one != two ||
        (one && (whole.bytes->len != pieces.bytes->len ||
                 strcmp(whole.name->str, pieces.name->str) != 0)) ||
        (one && whole.bytes->len &&
         memcmp(whole.bytes->data, pieces.bytes->data, whole.bytes->len) != 0))
        abort();
    got_clear(&whole);
    got_clear(&pieces);
    if (!stoa_sniff(data, MIN(size, STOA_SNIFF_BYTES)))
        abort();
    if (stoa_multipart_is(type))
        stoa_multipart_free(stoa_multipart_new(
            type, &(const StoaMultipartOutlet){ take_name, take_bytes, NULL }, NULL));
    return 0;
}
