/* SPDX-License-Identifier: MIT */
/* What the files of conf share: conf.c reads folders, conf-value.c single values, conf-fill.c pours, conf-sample.c prints. */
#pragma once

#include "base/conf.h"

#define CONF_MAX_SECTION 96

struct StoaConf {
    char *dir;           /* for messages, and for file:PATH */
    GHashTable *files;   /* name -> GKeyFile; also those that only an override named */
    GHashTable *on_disk; /* set of names */
    GHashTable *known;   /* set of names that somebody asked for */
    GPtrArray *problems; /* of char * */
};

struct StoaConfValues {
    void *data; /* the caller's struct */
    GHashTable
        *texts; /* "section.key" -> the value in its canonical form: what a reload compares */
    GHashTable *items; /* set of group sections, "room-7" */
    GPtrArray *blocks; /* everything that `data` points to; freed by their own functions below */
    GPtrArray *lists;  /* of char ** */
};

/* One row with its key taken apart. */
typedef struct {
    StoaOption row;
    char section[CONF_MAX_SECTION];
    const char *name; /* points into row.key; "*": any key of that section */
} ConfKey;

/** Read row `i` of a table's options; false past its end. `section`: for a group's rows, or NULL to take it from the key. */
bool stoa_conf_key_at(const StoaConfTable *table, const StoaOption *rows, unsigned i,
                      const char *section, ConfKey *key);

/** The row that the core adds to each module: [module] enabled. */
extern const StoaOption stoa_conf_enabled_row;

/** A conf of one file that lies in memory, for the samples. */
StoaConf *stoa_conf_of_text(const char *file, const char *text);

/**
 * Check one value.
 *
 * @dir        where a relative file:PATH is looked up
 * @canonical  on success the value in its one form ("yes" → "true"), to be freed
 *
 * Returns NULL if it fits, else the complaint, to be freed; it never holds a secret.
 */
char *stoa_conf_value_check(const StoaOption *row, const char *text, const char *dir,
                            char **canonical);

/** Whether a text looks as the row's `form` asks; one item of a list. Not called for an empty one. */
bool stoa_conf_form_fits(const StoaOption *row, const char *text);

/** The same in words: "an IP address"; NULL: any text. @many  a list of them. Free with g_free(). */
char *stoa_conf_form_wanted(const StoaOption *row, bool many);

/** Put a canonical value into the struct that begins at `base`. */
void stoa_conf_value_store(StoaConfValues *values, const StoaOption *row, const char *canonical,
                           void *base);

/** Split at ';' and ',', each part stripped, none empty. Free with g_strfreev(). */
char **stoa_conf_value_split(const char *text);
