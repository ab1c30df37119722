/* SPDX-License-Identifier: MIT */
/* What a stranger sends as a request: its bytes parsed within the limits, then checked against rows of every type. */
#include "room/check.h"
#include "signaling/signaling.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const colours[] = { "red", "green", NULL };

static const StoaParam inner[] = {
    { "mid", STOA_STRING, STOA_REQUIRED, 1, 32 },
    { "feed", STOA_ID, 0 },
    { "send", STOA_BOOL, STOA_NULLABLE },
    { NULL },
};

static const StoaParam rows[] = {
    { "request", STOA_STRING, STOA_REQUIRED },
    { "room", STOA_ID, STOA_REQUIRED },
    { "bitrate", STOA_INT, 0, 0, 1000000 },
    { "colour", STOA_ENUM, 0, .choices = colours },
    { "streams", STOA_ARRAY, 0, 0, 16, .fields = inner },
    { "allowed", STOA_ARRAY, 0, .items = STOA_STRING },
    { "extra", STOA_OBJECT, 0, .fields = inner },
    { "any", STOA_ANY, 0 },
    { "text", STOA_TEXT, 0, 1, 40 },
    { "options", STOA_ARRAY, 0, 2, 10, .items = STOA_TEXT, .item_max = 20 },
    { "update", STOA_BYTES, 0, 1, 64 },
    { NULL },
};

static void check_name(const json_t *message)
{
    const char *display = json_string_value(json_object_get(message, "display"));

    if (display)
        stoa_check_name(display, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *refusal = NULL;
    json_t *message = stoa_signaling_parse(65536, 32, (const char *)data, size, &refusal);
    g_autoptr(GError) error = NULL;

    if ((message == NULL) == (refusal == NULL))
        abort(); /* the one or the other, never both */
    if (message) {
        StoaCheck verdict = stoa_check(message, rows, size % 2, &error);
        if ((verdict == STOA_CHECK_OK) != (error == NULL))
            abort(); /* a refusal says why */
        check_name(message);
    }
    json_decref(message);
    json_decref(refusal);
    return 0;
}
