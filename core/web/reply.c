/* SPDX-License-Identifier: MIT */
/* Answers: status, headers, and JSON, a file, or an error in the contract's words. */
#include "config.h"

#define LOG_AREA "web"

#include "base/error.h"
#include "base/log.h"
#include "web/web-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RETRY_S = 10 };

typedef struct {
    const char *name;
    unsigned status;
} Reason;

static const Reason reasons[] = {
    { "invalid_request", 400 },
    { "unauthenticated", 401 },
    { "forbidden", 403 },
    { "not_found", 404 },
    { "method_not_allowed", 405 },
    { "not_acceptable", 406 },
    { "conflict", 409 },
    { "room_full", 409 },
    { "room_locked", 409 },
    { "gone", 410 },
    { "precondition_failed", 412 },
    { "too_large", 413 },
    { "unsupported_type", 415 },
    { "range_not_satisfiable", 416 },
    { "unprocessable", 422 },
    { "precondition_required", 428 },
    { "slow_down", 429 },
    { "unavailable", 503 },
    { "disk_full", 507 },
};

static const Reason codes[] = {
    [STOA_ERROR_INVALID] = { "invalid_request", 400 },
    [STOA_ERROR_FORBIDDEN] = { "forbidden", 403 },
    [STOA_ERROR_NOT_FOUND] = { "not_found", 404 },
    [STOA_ERROR_CONFLICT] = { "conflict", 409 },
    [STOA_ERROR_LIMIT] = { "slow_down", 429 },
    [STOA_ERROR_UNAVAILABLE] = { "unavailable", 503 },
    [STOA_ERROR_INTERNAL] = { "internal", 500 },
    [STOA_ERROR_REFUSED] = { "conflict", 409 },
};

/* A reason that is not in the table is a conflict by its own name. */
static Reason reason_of(const GError *error)
{
    const char *name = stoa_error_reason(error);

    for (size_t i = 0; name && i < G_N_ELEMENTS(reasons); i++) {
        if (strcmp(reasons[i].name, name) == 0)
            return reasons[i];
    }
    if (name)
        return (Reason){ name, 409 };
    if (error->domain == STOA_ERROR && (size_t)error->code < G_N_ELEMENTS(codes))
        return codes[error->code];
    return codes[STOA_ERROR_INTERNAL];
}

void stoa_web_answer_free(StoaWebAnswer *answer)
{
    if (!answer)
        return;
    if (answer->fd >= 0)
        close(answer->fd);
    g_strfreev(answer->headers);
    g_free(answer->body);
    g_free(answer);
}

static void begin(StoaWebCall *call, unsigned status)
{
    stoa_web_answer_free(call->answer);
    call->answer = g_new0(StoaWebAnswer, 1);
    call->answer->fd = -1;
    call->answer->status = status;
}

void stoa_web_set_header(StoaWebCall *call, const char *name, const char *value)
{
    for (guint i = 0; i + 1 < call->answer_headers->len; i += 2) {
        if (g_ascii_strcasecmp(call->answer_headers->pdata[i], name) != 0)
            continue;
        g_free(call->answer_headers->pdata[i + 1]);
        call->answer_headers->pdata[i + 1] = g_strdup(value);
        return;
    }
    g_ptr_array_add(call->answer_headers, g_strdup(name));
    g_ptr_array_add(call->answer_headers, g_strdup(value));
}

/* @type  NULL: there is no body, so it has none (RFC 9110, 8.3) */
static void set_plain_headers(StoaWebCall *call, const char *type)
{
    if (type)
        stoa_web_set_header(call, "Content-Type", type);
    stoa_web_set_header(call, "Cache-Control", "no-store");
    stoa_web_set_header(call, "Content-Security-Policy",
                        "default-src 'none'; frame-ancestors 'none'");
}

void stoa_web_set_reply(StoaWebCall *call, unsigned status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    begin(call, status);
    set_plain_headers(call, body ? "application/json" : NULL);
    call->answer->body = g_strdup(text);
    call->answer->body_len = text ? strlen(text) : 0;
    free(text);
    json_decref(body);
}

/* 10 s where nobody knows better. */
static void set_retry_after(StoaWebCall *call)
{
    g_autofree char *seconds = g_strdup_printf("%u", call->wait_s ? call->wait_s : 10);

    stoa_web_set_header(call, "Retry-After", seconds);
}

void stoa_web_set_error(StoaWebCall *call, const GError *error)
{
    Reason reason = reason_of(error);
    g_autofree char *message = g_utf8_make_valid(error->message, -1);

    if (reason.status == 500) {
        const char *method = call->route ? call->route->method
                             : call->row ? call->row->method
                                         : "?";
        const char *path = call->route ? call->route->path : call->row ? call->row->path : "?";
        log_error(stoa_process, "%s %s failed: %s", method, path, error->message);
        g_free(message);
        message = g_strdup("something went wrong in the server: its log says what");
    }
    stoa_web_set_reply(
        call, reason.status,
        json_pack("{s:{s:s, s:s}}", "error", "code", reason.name, "message", message));
    if (reason.status == 401)
        stoa_web_set_header(call, "WWW-Authenticate", "Bearer");
    if (reason.status == 405 && call->allow)
        stoa_web_set_header(call, "Allow", call->allow);
    if (reason.status == 429 || reason.status == 503)
        set_retry_after(call);
}

void stoa_web_set_text(StoaWebCall *call, unsigned status, const char *type, const char *text)
{
    begin(call, status);
    set_plain_headers(call, type);
    call->answer->body = g_strdup(text);
    call->answer->body_len = strlen(text);
}

/* -- files ------------------------------------------------------------------------------------- */

typedef enum { RANGE_NONE, RANGE_OK, RANGE_BAD } RangeVerdict;

static bool read_number(const char **at, uint64_t *value)
{
    const char *p = *at;

    for (*value = 0; g_ascii_isdigit(*p); p++) {
        if (*value > (UINT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    if (p == *at)
        return false;
    *at = p;
    return true;
}

/* One range: "bytes=0-99", "bytes=100-", "bytes=-5". Several, and other units, count as none. (RFC 9110, 14.1.2) */
static RangeVerdict read_range(const char *text, uint64_t size, uint64_t *first, uint64_t *len)
{
    uint64_t last = 0, n = 0;

    if (!text || !g_str_has_prefix(text, "bytes=") || strchr(text, ','))
        return RANGE_NONE;
    text += strlen("bytes=");
    if (*text == '-') {
        text++;
        if (!read_number(&text, &n) || *text)
            return RANGE_NONE;
        *len = MIN(n, size);
        *first = size - *len;
        return *len ? RANGE_OK : RANGE_BAD;
    }
    if (!read_number(&text, first) || *text++ != '-')
        return RANGE_NONE;
    if (!*text)
        last = UINT64_MAX;
    else if (!read_number(&text, &last) || *text || last < *first)
        return RANGE_NONE;
    if (*first >= size)
        return RANGE_BAD;
    *len = MIN(last, size - 1) - *first + 1;
    return RANGE_OK;
}

/* A range of another version of the file is no use to the client. (RFC 9110, 13.1.5) */
static const char *wanted_range(const StoaWebCall *call, const char *etag)
{
    const char *condition = stoa_web_header(call, "If-Range");

    return condition && strcmp(condition, etag) != 0 ? NULL : stoa_web_header(call, "Range");
}

/* RFC 6266 and 8187: a plain name for old clients, and the real one. */
static char *disposition(const char *name)
{
    g_autofree char *plain = g_str_to_ascii(name, "C");
    g_autofree char *escaped = g_uri_escape_string(name, NULL, FALSE);

    for (char *p = plain; *p; p++) {
        if (!g_ascii_isalnum(*p) && !strchr(" .-_()", *p))
            *p = '_';
    }
    return g_strdup_printf("attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, escaped);
}

static void set_file_headers(StoaWebCall *call, const char *type, const char *name,
                             const char *etag)
{
    g_autofree char *attachment = disposition(name);

    stoa_web_set_header(call, "Content-Type", type);
    stoa_web_set_header(call, "Content-Disposition", attachment);
    stoa_web_set_header(call, "Content-Security-Policy",
                        "sandbox; default-src 'none'; frame-ancestors 'none'");
    stoa_web_set_header(call, "Cross-Origin-Resource-Policy", "same-origin");
    stoa_web_set_header(call, "Cache-Control", "private, no-store");
    stoa_web_set_header(call, "Accept-Ranges", "bytes");
    stoa_web_set_header(call, "ETag", etag);
}

static void set_no_range(StoaWebCall *call, uint64_t size)
{
    g_autofree char *all = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, size);
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, "range_not_satisfiable",
                "the file is shorter than the range that was asked for");
    stoa_web_set_error(call, error);
    stoa_web_set_header(call, "Content-Range", all);
}

void stoa_web_set_file(StoaWebCall *call, const char *path, const char *type, const char *name)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    g_autoptr(GError) error = NULL;
    struct stat info;

    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd >= 0)
            close(fd);
        stoa_fail(&error, STOA_ERROR_NOT_FOUND, "the file is not there any more");
        stoa_web_set_error(call, error);
        return;
    }
    uint64_t size = (uint64_t)info.st_size, first = 0, len = size;
    g_autofree char *etag = g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"",
                                            (uint64_t)info.st_ino, size);
    RangeVerdict verdict = read_range(wanted_range(call, etag), size, &first, &len);
    if (verdict == RANGE_BAD) {
        close(fd);
        set_no_range(call, size);
        return;
    }
    if (verdict == RANGE_NONE) { /* what was read of it does not count */
        first = 0;
        len = size;
    }
    begin(call, verdict == RANGE_OK ? 206 : 200);
    set_file_headers(call, type, name, etag);
    if (verdict == RANGE_OK) {
        g_autofree char *part =
            g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                            first, first + len - 1, size);
        stoa_web_set_header(call, "Content-Range", part);
    }
    call->answer->fd = fd;
    call->answer->file_at = first;
    call->answer->file_len = len;
}
