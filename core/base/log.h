/* SPDX-License-Identifier: MIT */
/* The core's log: `log_info(peer, "nominated %s", pair)` prints the peer's own ids. One write per line, to stderr.
 *
 *     #define LOG_AREA "ice"
 *     #include "base/log.h"
 */
#pragma once

#include <stddef.h>
#include <stoa/log.h>

#ifndef LOG_AREA
#define LOG_AREA "stoa"
#endif

/* Whom a line is about: the ids as text, kept in the object under the name `log`. */
typedef struct {
    char ids[80]; /* "room=4711 peer=k3v" */
} StoaLogTag;

/* For lines about nothing in particular: log_info(stoa_process, "…"). */
typedef struct {
    StoaLogTag log;
} StoaLogProcess;
extern const StoaLogProcess *const stoa_process;

#define log_error(obj, ...) LOG_AT(STOA_LOG_ERROR, obj, __VA_ARGS__)
#define log_warn(obj, ...)  LOG_AT(STOA_LOG_WARN, obj, __VA_ARGS__)
#define log_info(obj, ...)  LOG_AT(STOA_LOG_INFO, obj, __VA_ARGS__)
#define log_debug(obj, ...) LOG_AT(STOA_LOG_DEBUG, obj, __VA_ARGS__)
#define LOG_AT(level, obj, ...)                                             \
    do {                                                                    \
        if (stoa_log_is_on(level))                                          \
            stoa_log_write((level), LOG_AREA, (obj)->log.ids, __VA_ARGS__); \
    } while (0)

/** Write the ids of an object: stoa_log_tag_set(&peer->log, "room=%s peer=%s", …). Longer text is cut. */
void stoa_log_tag_set(StoaLogTag *tag, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** Route glib's own messages (and libnice's) into this log. Once, first thing in main(). */
void stoa_log_init(void);

/** Show lines up to this level: 0 (nothing) to 7, as Janus numbers them. Thread: any. */
void stoa_log_set_level(int level);
int stoa_log_level(void);

/** The level of a name, "error" "warn" "info" "debug" or a digit 0 to 7; -1 if it is none. */
int stoa_log_level_from_name(const char *name);

/** Whether STOA_PII() shows what it is given. Thread: any. */
void stoa_log_set_pii(bool shown);

/** Send lines elsewhere (tests); NULL: to stderr again. `line` is borrowed and ends with a newline. */
typedef void StoaLogSink(const char *line, size_t len);
void stoa_log_set_sink(StoaLogSink *sink);
