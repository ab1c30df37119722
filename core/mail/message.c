/* SPDX-License-Identifier: MIT */
/* From a kind and a payload to the bytes of a mail, by GMime: it encodes headers and bodies. */
#include "config.h"

#include "mail/message.h"

#include "mail/calendar.h"
#include "mail/template.h"

#include <stoa/error.h>

#include <gmime/gmime.h>
#include <stdatomic.h>
#include <string.h>

static const char *const kind_names[STOA_MAIL_N_KINDS] = {
    [STOA_MAIL_SIGNIN] = "signin",   [STOA_MAIL_INVITATION] = "invitation",
    [STOA_MAIL_MOVED] = "moved",     [STOA_MAIL_CANCELLED] = "cancelled",
    [STOA_MAIL_SUMMARY] = "summary",
};

struct StoaMailTemplates {
    struct {
        char *subject, *text, *html;
    } of[STOA_MAIL_N_KINDS];
    _Atomic(int) refs;
};

const char *stoa_mail_kind_name(StoaMailKind kind)
{
    return kind_names[kind];
}

StoaMailKind stoa_mail_kind_of(const char *name)
{
    for (int kind = 0; kind < STOA_MAIL_N_KINDS; kind++) {
        if (g_str_equal(kind_names[kind], name))
            return (StoaMailKind)kind;
    }
    return STOA_MAIL_N_KINDS;
}

/* -- templates ---------------------------------------------------------------------------- */

static char *read_template(const char *dir, const char *kind, const char *ending, GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.%s", kind, ending);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) why = NULL;
    char *text = NULL;

    if (g_file_get_contents(path, &text, NULL, &why) && g_utf8_validate(text, -1, NULL) &&
        stoa_template_check(text, &why))
        return text;
    g_free(text);
    stoa_fail(error, STOA_ERROR_INVALID, "mail template %s: %s", path,
              why ? why->message : "it is not UTF-8");
    return NULL;
}

/* "Subject: …", an empty line, the text. */
static bool split_subject(const char *kind, char **text, char **subject, GError **error)
{
    static const char head[] = "Subject: ";
    const char *end = strstr(*text, "\n\n");

    if (!g_str_has_prefix(*text, head) || !end)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "mail template %s.txt must begin with \"Subject: …\" and an empty line",
                         kind);
    *subject = g_strndup(*text + strlen(head), (gsize)(end - *text) - strlen(head));
    char *rest = g_strdup(end + 2);
    g_free(*text);
    *text = rest;
    return true;
}

StoaMailTemplates *stoa_mail_templates_new(const char *conf_dir, const char *language,
                                           GError **error)
{
    g_autofree char *dir = g_build_filename(conf_dir, "mail", language, NULL);
    g_autoptr(StoaMailTemplates) templates = g_new0(StoaMailTemplates, 1);

    atomic_init(&templates->refs, 1);
    for (int kind = 0; kind < STOA_MAIL_N_KINDS; kind++) {
        char **text = &templates->of[kind].text;

        *text = read_template(dir, kind_names[kind], "txt", error);
        if (!*text || !split_subject(kind_names[kind], text, &templates->of[kind].subject, error))
            return NULL;
        templates->of[kind].html = read_template(dir, kind_names[kind], "html", error);
        if (!templates->of[kind].html)
            return NULL;
    }
    return g_steal_pointer(&templates);
}

StoaMailTemplates *stoa_mail_templates_ref(StoaMailTemplates *templates)
{
    atomic_fetch_add(&templates->refs, 1);
    return templates;
}

void stoa_mail_templates_unref(StoaMailTemplates *templates)
{
    if (!templates || atomic_fetch_sub(&templates->refs, 1) > 1)
        return;
    for (int kind = 0; kind < STOA_MAIL_N_KINDS; kind++) {
        g_free(templates->of[kind].subject);
        g_free(templates->of[kind].text);
        g_free(templates->of[kind].html);
    }
    g_free(templates);
}

/* -- the message -------------------------------------------------------------------------- */

char *stoa_mail_address(const char *from)
{
    InternetAddressList *list = internet_address_list_parse(NULL, from ? from : "");
    InternetAddress *first = list ? internet_address_list_get_address(list, 0) : NULL;
    char *address = NULL;

    if (first && INTERNET_ADDRESS_IS_MAILBOX(first))
        address = g_strdup(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first)));
    g_clear_object(&list);
    if (address && !strchr(address, '@'))
        g_clear_pointer(&address, g_free);
    return address;
}

/* The payload with a readable text for each time in it. */
static json_t *with_times(const json_t *payload)
{
    json_t *data = json_copy((json_t *)payload);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)payload, name, value)
    {
        if (!g_str_has_suffix(name, "_at") || !json_is_integer(value))
            continue;
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(json_integer_value(value) / 1000);
        g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : NULL;
        json_object_set_new(data, name, text ? json_string(text) : json_null());
    }
    return data;
}

/* How a text may go as it is, in short lines: ASCII anywhere, more of it in a file only, for which no server stands. (RFC 2045, 2.7
 * and 2.8) What cannot is quoted-printable, which breaks links in two for who reads the bytes. */
static GMimeContentEncoding encoding_of(const char *text, bool is_file)
{
    GMimeContentEncoding encoding = GMIME_CONTENT_ENCODING_7BIT;
    size_t line = 0;

    for (; *text; text++) {
        if ((unsigned char)*text >= 0x7f)
            encoding = GMIME_CONTENT_ENCODING_8BIT;
        if (*text == '\r' || line > 900)
            return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
        line = *text == '\n' ? 0 : line + 1;
    }
    return encoding == GMIME_CONTENT_ENCODING_7BIT || is_file
               ? encoding
               : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

/* The bytes as they are; g_mime_text_part_set_text() would look for a smaller charset. */
static void set_content(GMimePart *made, const char *text)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(made, content);
    g_object_unref(content);
    g_object_unref(stream);
}

static GMimeObject *part(const StoaMailSpec *spec, const char *type, const char *subtype,
                         const char *text)
{
    GMimeTextPart *made = g_mime_text_part_new_with_subtype(subtype);
    GMimeContentType *content_type = g_mime_content_type_new(type, subtype);

    g_mime_object_set_content_type(GMIME_OBJECT(made), content_type);
    g_object_unref(content_type);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(made), "charset", "utf-8");
    set_content(GMIME_PART(made), text);
    g_mime_part_set_content_encoding(GMIME_PART(made), encoding_of(text, spec->is_file));
    return GMIME_OBJECT(made);
}

static void add_part(GMimeMultipart *into, GMimeObject *made)
{
    g_mime_multipart_add(into, made);
    g_object_unref(made);
}

/* A class that has no time any more is none for a calendar. */
static bool is_cancellation(const StoaMailSpec *spec)
{
    return spec->kind == STOA_MAIL_CANCELLED ||
           (spec->kind == STOA_MAIL_MOVED && !json_object_get(spec->payload, "starts_at"));
}

static GMimeObject *calendar_part(const StoaMailSpec *spec)
{
    bool cancel = is_cancellation(spec);
    g_autofree char *organizer = stoa_mail_address(spec->from);
    g_autofree char *text =
        stoa_calendar_text(cancel ? STOA_CALENDAR_CANCEL : STOA_CALENDAR_REQUEST, spec->payload,
                           organizer ? organizer : "", spec->recipient, spec->now_ms);
    GMimeObject *made = part(spec, "text", "calendar", text);

    g_mime_object_set_content_type_parameter(made, "method", cancel ? "CANCEL" : "REQUEST");
    g_mime_object_set_disposition(made, "attachment");
    g_mime_part_set_filename(GMIME_PART(made), "class.ics");
    return made;
}

static GMimeObject *make_body(const StoaMailTemplates *templates, const StoaMailSpec *spec,
                              const json_t *data)
{
    g_autofree char *text = stoa_template_fill(templates->of[spec->kind].text, data, false);
    g_autofree char *html = stoa_template_fill(templates->of[spec->kind].html, data, true);
    GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");

    add_part(both, part(spec, "text", "plain", text));
    add_part(both, part(spec, "text", "html", html));
    if (spec->kind == STOA_MAIL_SIGNIN || spec->kind == STOA_MAIL_SUMMARY)
        return GMIME_OBJECT(both);
    GMimeMultipart *all = g_mime_multipart_new_with_subtype("mixed");
    add_part(all, GMIME_OBJECT(both));
    add_part(all, calendar_part(spec));
    return GMIME_OBJECT(all);
}

/* A subject is one line, whatever a title holds. */
static char *one_line(char *text)
{
    return g_strstrip(g_strdelimit(text, "\r\n\t", ' '));
}

static void set_head(GMimeMessage *message, const StoaMailTemplates *templates,
                     const StoaMailSpec *spec, const json_t *data)
{
    g_autofree char *subject = stoa_template_fill(templates->of[spec->kind].subject, data, false);
    g_autofree char *sender = stoa_mail_address(spec->from);
    const char *at = sender ? strchr(sender, '@') : NULL;
    g_autofree char *id =
        g_strdup_printf("stoa.%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ".%s%s", spec->id,
                        spec->created_ms, stoa_mail_kind_name(spec->kind), at ? at : "@localhost");
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(spec->now_ms / 1000);
    InternetAddressList *from = internet_address_list_parse(NULL, spec->from);

    if (from)
        internet_address_list_append(g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_FROM),
                                     from);
    g_clear_object(&from);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, NULL, spec->recipient);
    g_mime_message_set_subject(message, one_line(subject), "utf-8");
    g_mime_message_set_date(message, now);
    g_mime_message_set_message_id(message, id);
    g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-generated", NULL);
}

/* CRLF at every end of line, as SMTP wants. */
static GBytes *to_bytes(GMimeMessage *message)
{
    GMimeStream *memory = g_mime_stream_mem_new();
    GMimeStream *stream = g_mime_stream_filter_new(memory);
    GMimeFilter *crlf = g_mime_filter_unix2dos_new(TRUE);

    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), crlf);
    g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
    g_mime_stream_flush(stream);
    GByteArray *array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    GBytes *bytes = g_bytes_new(array->data, array->len);
    g_object_unref(crlf);
    g_object_unref(stream);
    g_object_unref(memory);
    return bytes;
}

GBytes *stoa_mail_message(const StoaMailTemplates *templates, const StoaMailSpec *spec)
{
    json_t *data = with_times(spec->payload);
    GMimeMessage *message = g_mime_message_new(TRUE);
    GMimeObject *body = make_body(templates, spec, data);

    set_head(message, templates, spec, data);
    g_mime_message_set_mime_part(message, body);
    g_object_unref(body);
    GBytes *bytes = to_bytes(message);
    g_object_unref(message);
    json_decref(data);
    return bytes;
}
