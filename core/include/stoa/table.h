/* SPDX-License-Identifier: MIT */
/* The declared tables of a module: requests, options, numbers, metrics. The core checks, answers and documents from them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_EXPORT __attribute__((visibility("default")))

/* The row that ends a table. ({ NULL } does too, but a compiler with -Wextra wants to see every member of such a row; of rows
 * that name their members, { .name = "up", .type = STOA_BOOL }, it never complains.) */
/* clang-format off */
#define STOA_END { 0 }
/* clang-format on */

typedef enum {
    STOA_BOOL = 1,
    STOA_INT,
    STOA_STRING,
    STOA_ENUM,   /* a string out of `choices` */
    STOA_OBJECT, /* members in `fields`; without `fields` any object */
    STOA_ARRAY,  /* of objects (`fields`), or of `items` */
    STOA_ANY,    /* any JSON value: passed on, never looked into */
    STOA_ID, /* a positive integer below 2^53, or a text of [A-Za-z0-9_-], where the room API allows */
    STOA_LIST, /* conf only: strings separated by ';' or ',' */
    STOA_TEXT, /* requests only: what people write, min to max code points, with min not blank; in a room whose texts are
                  sealed {"sealed": BASE64, "epoch": N} instead: take it as it is, stoa_request_json() */
    STOA_BYTES, /* requests only: bytes as base64 (RFC 4648, 4) */
} StoaType;

typedef enum {
    STOA_REQUIRED = 1 << 0, /* a request without it is refused */
    STOA_SECRET = 1 << 1,   /* never printed nor logged; in conf also as file:PATH */
    STOA_LIVE = 1 << 2,     /* conf: a reload applies it without a restart */
    STOA_NULLABLE = 1 << 3, /* requests: an explicit null counts as absent */
    STOA_ZEROES = 1 << 4, /* requests: a string may hold U+0000; take it with stoa_request_json() */
} StoaFlags;

/* One field of a request. Rows end with one whose `name` is NULL. */
typedef struct StoaParam {
    const char *name;
    StoaType type;
    StoaFlags flags;
    int64_t min, max; /* INT: value; STRING: bytes of UTF-8; BYTES: bytes; TEXT: code points;
                                ARRAY: items; both 0: any */
    const char *const *choices;     /* ENUM: NULL-terminated */
    const struct StoaParam *fields; /* OBJECT, ARRAY of objects: their members, by the same rules */
    StoaType items;                 /* ARRAY without `fields`: the type of each item */
    const char *help;               /* one line; printed in the generated reference */
    int64_t
        item_max; /* ARRAY of `items`: an INT is 0 to this, a STRING, TEXT or BYTES 1 to this long; 0: any */
} StoaParam;

/* What a STRING of a conf file, or each item of a LIST, has to look like; an empty value always fits. */
typedef enum {
    STOA_FORM_ANY,
    STOA_FORM_ADDRESS, /* 192.0.2.7 or 2001:db8::7 */
    STOA_FORM_NETWORK, /* an address, or 192.0.2.0/24 */
    STOA_FORM_ORIGIN,  /* https://class.example, or *: no path */
    STOA_FORM_URL,     /* of one of the schemes in `choices`: "https", "stun" */
    STOA_FORM_PAIR,    /* NAME=VALUE */
    STOA_FORM_CHOICES  /* a STRING: some of `choices`, with commas between */
} StoaForm;

/* One key of a conf file, and where its value goes in a plain struct. Rows end with one whose `key` is NULL.
 * In the struct: BOOL is bool, INT int64_t, STRING and ENUM char * (NULL when empty), LIST char ** (never NULL).
 * The strings belong to the core and live until the next reload. */
typedef struct {
    const char *key; /* "section.key"; without a dot it lives in [module] */
    StoaType type;
    StoaFlags flags;
    size_t offset;        /* into the struct */
    const char *fallback; /* the default, as the conf file would write it */
    int64_t min, max;     /* INT: both 0: any */
    const char *help;
    const char *const *choices; /* ENUM, or what `form` needs: NULL-terminated */
    StoaForm form;
} StoaOption;

/* A group of conf that may occur many times: [PREFIXid]. Each becomes one item in an array.
 * The item's first member is `char *name`: what follows the prefix. Rows end with a NULL prefix. */
typedef struct {
    const char *prefix; /* "room-" */
    const StoaOption *options;
    size_t item_size;
    size_t items_at; /* offset of a pointer to the first item, into the struct */
    size_t n_at;     /* offset of a size_t: how many */
    const char *help;
} StoaGroup;

/* A counter; the core adds the stoa_NAME_ prefix and a module label. */
typedef struct {
    const char *name, *help;
} StoaMetric;
