/* SPDX-License-Identifier: MIT */
/* The log: a line is put together in one buffer and leaves in one write, so that threads never mix within a line. */
#include "base/log.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_SIZE  2048
#define N_PII_BUFS 8

static const StoaLogProcess process;
const StoaLogProcess *const stoa_process = &process;

static _Atomic(int) shown_level = STOA_LOG_INFO;
static _Atomic(bool) pii_shown;
static _Atomic(StoaLogSink *) line_sink;

/* -- one line ------------------------------------------------------------------------------ */
typedef struct {
    char text[LINE_SIZE];
    size_t len; /* never over LINE_SIZE - 1 */
} Line;

static void line_put_args(Line *line, const char *fmt, va_list args) G_GNUC_PRINTF(2, 0);
static void line_put(Line *line, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static void line_put_args(Line *line, const char *fmt, va_list args)
{
    size_t left = LINE_SIZE - line->len;
    int wanted = vsnprintf(line->text + line->len, left, fmt, args);

    if (wanted > 0)
        line->len += MIN((size_t)wanted, left - 1);
}

static void line_put(Line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_put_args(line, fmt, args);
    va_end(args);
}

/* What a stranger sent may be in the message: it must not end the line, nor speak to the terminal. */
static void line_clean(Line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if ((unsigned char)line->text[i] < 0x20 || line->text[i] == 0x7f)
            line->text[i] = ' ';
}

static void line_finish(Line *line)
{
    StoaLogSink *sink = atomic_load(&line_sink);

    line_clean(line);
    line->text[MIN(line->len, LINE_SIZE - 2)] = '\n';
    line->len = MIN(line->len + 1, LINE_SIZE - 1);
    if (sink)
        sink(line->text, line->len);
    else if (write(STDERR_FILENO, line->text, line->len) < 0)
        return; /* there is nowhere to say so */
}

static const char *level_name(StoaLogLevel level)
{
    switch (level) {
    case STOA_LOG_ERROR: return "error";
    case STOA_LOG_WARN: return "warn";
    case STOA_LOG_INFO: return "info";
    case STOA_LOG_DEBUG: return "debug";
    }
    return "log";
}

void stoa_log_write(StoaLogLevel level, const char *area, const char *ids, const char *fmt, ...)
{
    char now[STOA_CLOCK_TEXT_SIZE];
    Line line = { .len = 0 };
    va_list args;

    if (!stoa_log_is_on(level))
        return;
    line_put(&line, "%s %s %s ", stoa_clock_text(stoa_clock_wall_us(), now), level_name(level),
             area);
    if (ids && *ids)
        line_put(&line, "%s ", ids);
    va_start(args, fmt);
    line_put_args(&line, fmt, args);
    va_end(args);
    line_finish(&line);
}

bool stoa_log_is_on(StoaLogLevel level)
{
    return (int)level <= atomic_load_explicit(&shown_level, memory_order_relaxed);
}

void stoa_log_set_level(int level)
{
    atomic_store(&shown_level, CLAMP(level, 0, 7));
}

int stoa_log_level(void)
{
    return atomic_load(&shown_level);
}

int stoa_log_level_from_name(const char *name)
{
    for (int level = STOA_LOG_ERROR; level <= STOA_LOG_DEBUG; level++)
        if (strcmp(name, level_name((StoaLogLevel)level)) == 0)
            return level;
    if (name[0] >= '0' && name[0] <= '7' && name[1] == '\0')
        return name[0] - '0';
    return -1;
}

void stoa_log_set_sink(StoaLogSink *sink)
{
    atomic_store(&line_sink, sink);
}

void stoa_log_tag_set(StoaLogTag *tag, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(tag->ids, sizeof tag->ids, fmt, args);
    va_end(args);
}

/* -- glib's own messages -------------------------------------------------------------------- */
static StoaLogLevel level_of_glib(GLogLevelFlags flags)
{
    if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return STOA_LOG_ERROR;
    if (flags & G_LOG_LEVEL_WARNING)
        return STOA_LOG_WARN;
    /* What libraries call info is for their own debugging. */
    return STOA_LOG_DEBUG;
}

static const char *field(const GLogField *fields, gsize n_fields, const char *key, const char *none)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
            return fields[i].value;
    return none;
}

static GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField *fields, gsize n_fields,
                                   gpointer unused G_GNUC_UNUSED)
{
    const char *domain = field(fields, n_fields, "GLIB_DOMAIN", "glib");

    stoa_log_write(level_of_glib(flags), domain, NULL, "%s",
                   field(fields, n_fields, "MESSAGE", "(no text)"));
    return G_LOG_WRITER_HANDLED;
}

void stoa_log_init(void)
{
    static bool done;

    if (!done)
        g_log_set_writer_func(write_glib, NULL, NULL);
    done = true;
}

/* -- addresses and names -------------------------------------------------------------------- */
void stoa_log_set_pii(bool shown)
{
    atomic_store(&pii_shown, shown);
}

/* The address in "192.0.2.7", "192.0.2.7:5000", "[2001:db8::1]:5000", "[2001:db8::1]" or "2001:db8::1". */
static bool host_of(const char *text, char *host, size_t size)
{
    const char *colon = strchr(text, ':');
    size_t len = strlen(text);

    if (text[0] == '[')
        len = strcspn(++text, "]");
    else if (colon && !strchr(colon + 1, ':'))
        len = (size_t)(colon - text);
    if (len >= size)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    return true;
}

static void truncate_address(const char *text, char *out, socklen_t size)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    snprintf(out, size, "(hidden)");
    if (!host_of(text, host, sizeof host))
        return;
    if (inet_pton(AF_INET, host, &four) == 1) {
        four.s_addr &= htonl(0xffffff00);
        inet_ntop(AF_INET, &four, out, size);
        g_strlcat(out, "/24", size);
    } else if (inet_pton(AF_INET6, host, &six) == 1) {
        memset(six.s6_addr + 6, 0, 10);
        inet_ntop(AF_INET6, &six, out, size);
        g_strlcat(out, "/48", size);
    }
}

const char *stoa_log_pii(const char *text)
{
    static _Thread_local char bufs[N_PII_BUFS][INET6_ADDRSTRLEN + 4];
    static _Thread_local unsigned turn;
    char *buf;

    if (!text)
        return "-";
    if (atomic_load_explicit(&pii_shown, memory_order_relaxed))
        return text;
    buf = bufs[turn++ % N_PII_BUFS];
    truncate_address(text, buf, sizeof bufs[0]);
    return buf;
}
