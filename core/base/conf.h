/* SPDX-License-Identifier: MIT */
/* Conf files: a folder of NAME.conf, checked against tables of StoaOption and poured into plain structs.
 *
 *     conf = stoa_conf_load(dir, overrides, &error);            // read all files, once
 *     values = stoa_conf_fill(conf, &table);                    // for each file that somebody knows
 *     if (!stoa_conf_check(conf, &error)) …                     // every problem of every file, one a line
 *     const HandsConf *hands = stoa_conf_values(values);
 *
 * Nothing is silently ignored. A problem names the file, the key, what would fit and the nearest known name.
 * A row "SECTION.*" of type STOA_LIST takes a section of free keys: each becomes "KEY=VALUE"; an empty value takes a default pair away.
 * All functions: one thread at a time (control). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stoa/table.h>

/* What a file may hold, and the struct that it fills. Borrowed by every call, kept by none. */
typedef struct {
    const char *file;          /* "poll": poll.conf */
    const StoaOption *options; /* ends with a NULL key; a key without a dot lives in [module] */
    const StoaGroup *groups;   /* ends with a NULL prefix; NULL: none */
    size_t size;               /* bytes of the struct */
    size_t option_size;        /* bytes of a row as the module was built; 0: as we were */
    size_t group_size;         /* the same */
    bool is_module;            /* [module] enabled is known too: read it with stoa_conf_enabled() */
} StoaConfTable;

/* The conf folder and the overrides as read at one moment, with the problems found so far. */
typedef struct StoaConf StoaConf;

/* One struct that was filled, and the strings in it. */
typedef struct StoaConfValues StoaConfValues;

/* What a reload changed. Each a NULL-terminated list of "section.key" (or "[room-7]": came or went). */
typedef struct {
    char **live;    /* taken over */
    char **restart; /* needs a restart: the old value stays */
} StoaConfChanges;

/**
 * Read all *.conf of a folder.
 *
 * @dir        must exist; a file that cannot be read or parsed is a problem, told by stoa_conf_check()
 * @overrides  NULL-terminated "FILE:SECTION.KEY=VALUE" (the text after the first "=" as it is), or NULL; they win over the files,
 *             the later over the earlier. SECTION ends at the first dot.
 *
 * Returns NULL if the folder cannot be read or an override is not of that form.
 */
StoaConf *stoa_conf_load(const char *dir, const char *const *overrides, GError **error);

void stoa_conf_free(StoaConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaConf, stoa_conf_free)

/** The names of all files, sorted, without ".conf". Free with g_strfreev(). */
char **stoa_conf_files(const StoaConf *conf);
bool stoa_conf_has_file(const StoaConf *conf, const char *file);

/** Whether FILE says `[module] enabled`; `fallback` if it is silent. A value that is no boolean is a problem, and false. */
bool stoa_conf_enabled(StoaConf *conf, const char *file, bool fallback);

/**
 * Check one file against its table and fill a struct. A file that does not exist is one of defaults.
 *
 * Returns the values, owned by the caller; where a value was wrong its default stands, and a problem was noted.
 */
StoaConfValues *stoa_conf_fill(StoaConf *conf, const StoaConfTable *table);

/**
 * The same, on a reload: a changed key that is not STOA_LIVE keeps its old value and is logged once as needing a restart.
 *
 * @old      as filled before from the same table; borrowed, its strings are not shared
 * @changes  written if not NULL; clear with stoa_conf_changes_clear()
 */
StoaConfValues *stoa_conf_refill(StoaConf *conf, const StoaConfTable *table,
                                 const StoaConfValues *old, StoaConfChanges *changes);
void stoa_conf_changes_clear(StoaConfChanges *changes);

/** The filled struct: to be cast. Lives as long as `values`. Never NULL. */
const void *stoa_conf_values(const StoaConfValues *values);
void stoa_conf_values_free(StoaConfValues *values);
/** Whether a group's section, "room-7", says the same in both; false if one has no such section. */
bool stoa_conf_section_equal(const StoaConfValues *a, const StoaConfValues *b, const char *section);

/** Read group `i` of a table; false past its end. */
bool stoa_conf_group(const StoaConfTable *table, unsigned i, StoaGroup *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaConfValues, stoa_conf_values_free)

/** Note a problem that only the caller can see; `key` is "section.key" or NULL. */
void stoa_conf_problem(StoaConf *conf, const char *file, const char *key, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);

/** How many problems there are now, and each. Borrowed. */
unsigned stoa_conf_n_problems(const StoaConf *conf);
const char *stoa_conf_problem_at(const StoaConf *conf, unsigned i);

/**
 * The verdict, after all fills: false with every problem, one a line. Overrides of files that are neither in the folder
 * nor were filled are problems too.
 */
bool stoa_conf_check(StoaConf *conf, GError **error);

/** What would fit a row, in words: "an integer from 0 to 65535". Free with g_free(). */
char *stoa_conf_value_wanted(const StoaOption *row);

/** A commented sample of a file with every key and its default, from the tables alone. Free with g_free(). */
char *stoa_conf_sample(const StoaConfTable *table, const char *summary);

/**
 * Whether a sample's text has every key of the table with its default value and a comment, and none other.
 * (A group's keys may stand commented out, `# key = value`, or in any group of that prefix.)
 */
bool stoa_conf_sample_check(const StoaConfTable *table, const char *text, GError **error);

/** The known name nearest to `name` by edit distance, or NULL if none is near. `known` ends with NULL. */
const char *stoa_conf_nearest(const char *name, const char *const *known);
