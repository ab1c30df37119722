/* SPDX-License-Identifier: MIT */
/* Templates, calendar parts and whole mails. */
#include "mail/message.h"

#include "mail/calendar.h"
#include "mail/send.h"
#include "mail/template.h"

#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1893456000000) /* 2030-01-01T00:00:00Z */

static json_t *json_of(const char *text)
{
    g_autofree char *plain = g_strdelimit(g_strdup(text), "'", '"');
    json_t *value = json_loads(plain, 0, NULL);

    assert_non_null(value);
    return value;
}

static void fills(const char *template, const char *data, bool html, const char *wanted)
{
    json_t *value = json_of(data);
    g_autofree char *text = NULL;

    assert_true(stoa_template_check(template, NULL));
    text = stoa_template_fill(template, value, html);
    assert_string_equal(text, wanted);
    json_decref(value);
}

static void a_template_fills_holes_and_sections(void **unused G_GNUC_UNUSED)
{
    fills("{{a}} and {{ b }}{{c}}", "{'a': 'x', 'b': 7}", false, "x and 7");
    fills("{{#l}}<{{n}}{{o}}>{{/l}}", "{'o': '!', 'l': [{'n': 1}, {'n': 2}]}", false, "<1!><2!>");
    fills("{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{'a': ''}", false, "no");
    fills("{{#a}}{{a}}{{/a}}", "{'a': 'me'}", false, "me");
    fills("{{#a}}{{#a}}x{{/a}}{{/a}}", "{'a': true}", false, "x");
    fills("no } tag { here", "{}", false, "no } tag { here");
}

static void html_is_escaped_and_text_is_not(void **unused G_GNUC_UNUSED)
{
    fills("{{t}}", "{'t': '<b>&'}", true, "&lt;b&gt;&amp;");
    fills("{{t}}", "{'t': '<b>&'}", false, "<b>&");
    fills("{{t}}", "{'t': '{{#x}}'}", false, "{{#x}}"); /* what is put in is no template */
}

static void a_broken_template_is_named(void **unused G_GNUC_UNUSED)
{
    static const char *const broken[] = { "{{#a}}", "{{/a}}", "{{#a}}{{/b}}",
                                          "{{",     "{{}}",   "{{#a}}{{#b}}{{/a}}{{/b}}" };

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        assert_false(stoa_template_check(broken[i], &error));
        assert_non_null(error);
    }
}

static void an_event_has_its_times_and_a_cancellation_its_uid_only(void **unused G_GNUC_UNUSED)
{
    json_t *payload =
        json_of("{'uid': 'u1', 'sequence': 2, 'title': 'Algebra; part 1, again',"
                " 'starts_at': 1893459600000, 'duration_min': 45, 'link': 'https://x/#i=t'}");
    g_autofree char *text =
        stoa_calendar_text(STOA_CALENDAR_REQUEST, payload, "a@x.org", "b@x.org", NOW_MS);

    assert_non_null(strstr(text, "METHOD:REQUEST\r\n"));
    assert_non_null(strstr(text, "UID:u1\r\n"));
    assert_non_null(strstr(text, "SEQUENCE:2\r\n"));
    assert_non_null(strstr(text, "DTSTART:20300101T010000Z\r\n"));
    assert_non_null(strstr(text, "DTEND:20300101T014500Z\r\n"));
    assert_non_null(strstr(text, "SUMMARY:Algebra\\; part 1\\, again\r\n"));
    g_autofree char *cancel =
        stoa_calendar_text(STOA_CALENDAR_CANCEL, payload, "a@x.org", "b@x.org", NOW_MS);
    assert_non_null(strstr(cancel, "METHOD:CANCEL\r\n"));
    assert_non_null(strstr(cancel, "STATUS:CANCELLED\r\n"));
    assert_non_null(strstr(cancel, "SEQUENCE:2\r\n"));
    assert_non_null(strstr(cancel, "ATTENDEE:mailto:b@x.org\r\n"));
    assert_null(strstr(cancel, "Algebra"));
    json_decref(payload);
}

static GBytes *make_as(StoaMailKind kind, const char *payload, const char *language, bool is_file)
{
    g_autofree char *dir =
        g_build_filename(g_getenv("srcdir") ? g_getenv("srcdir") : ".", "conf", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaMailTemplates) templates = stoa_mail_templates_new(dir, language, &error);
    json_t *value = json_of(payload);

    if (!templates)
        fail_msg("%s", error->message);
    StoaMailSpec spec = { .kind = kind,
                          .from = "Stoa Schule <stoa@x.org>",
                          .recipient = "ben@example.org",
                          .payload = value,
                          .id = 42,
                          .created_ms = 7,
                          .now_ms = NOW_MS,
                          .is_file = is_file };
    GBytes *bytes = stoa_mail_message(templates, &spec);
    json_decref(value);
    return bytes;
}

static GBytes *make(StoaMailKind kind, const char *payload, const char *language)
{
    return make_as(kind, payload, language, false);
}

static GMimeMessage *parse(GBytes *bytes)
{
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    g_object_unref(parser);
    g_object_unref(stream);
    assert_non_null(message);
    return message;
}

/* Every part's text, one behind the other, with its type before it. */
static void gather(GMimeObject *parent G_GNUC_UNUSED, GMimeObject *part, gpointer data)
{
    GString *all = data;

    g_autofree char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part));
    g_string_append_printf(all, "[%s]", type);
    if (GMIME_IS_TEXT_PART(part)) {
        g_autofree char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
        g_string_append(all, text);
    }
}

static void an_invitation_has_text_html_and_calendar(void **unused G_GNUC_UNUSED)
{
    GBytes *bytes = make(STOA_MAIL_INVITATION,
                         "{'title': 'Größe <b>&', 'link': 'https://x/join.html#i=abc', 'uid': 'u',"
                         " 'starts_at': 1893459600000, 'host': 'Ana\\r\\nBcc: eve@x.org'}",
                         "en");
    GMimeMessage *message = parse(bytes);
    GString *all = g_string_new(NULL);

    g_mime_message_foreach(message, gather, all);
    assert_string_equal(g_mime_message_get_subject(message), "Invitation: Größe <b>&");
    assert_non_null(strstr(all->str, "[text/plain]"));
    assert_non_null(strstr(all->str, "[text/html]"));
    assert_non_null(strstr(all->str, "[text/calendar]BEGIN:VCALENDAR"));
    assert_non_null(strstr(all->str, "Größe &lt;b&gt;&amp;"));
    assert_non_null(strstr(all->str, "https://x/join.html#i=abc"));
    assert_null(
        internet_address_list_length(g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_BCC))
            ? ""
            : NULL);
    assert_string_equal(g_mime_message_get_message_id(message), "stoa.42.7.invitation@x.org");
    g_string_free(all, TRUE);
    g_object_unref(message);
    g_bytes_unref(bytes);
}

/* It is there as it is, on a line of its own if wanted, and every line ends with CRLF. */
static void has_whole_lines(GBytes *bytes, const char *words, bool alone)
{
    size_t len;
    const char *text = g_bytes_get_data(bytes, &len);
    g_autofree char *line = alone ? g_strdup_printf("\r\n%s\r\n", words) : g_strdup(words);

    assert_non_null(g_strstr_len(text, (gssize)len, line));
    for (size_t i = 0; i < len; i++)
        assert_true(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
}

static void a_link_is_whole_to_who_opens_the_file(void **unused G_GNUC_UNUSED)
{
    const char *link =
        "https://class.example.org/host.html#s=-9B0clOOuuBdPnxToxfahzyUrbs8Uo_atINpsUCpFE";
    g_autofree char *payload = g_strdup_printf("{'link': '%s'}", link);
    g_autofree char *odd = g_strdup_printf("{'link': '%s', 'name': 'Jürgen 木'}", link);
    GBytes *bytes = make(STOA_MAIL_SIGNIN, payload, "en");

    has_whole_lines(bytes, link, true);
    g_bytes_unref(bytes);
    bytes = make_as(STOA_MAIL_SIGNIN, odd, "de", true);
    has_whole_lines(bytes, link, true);
    has_whole_lines(bytes, "Guten Tag Jürgen 木,", false);
    g_bytes_unref(bytes);
    bytes = make(STOA_MAIL_SIGNIN, odd, "de"); /* a server may take ASCII only */
    size_t len;
    const char *text = g_bytes_get_data(bytes, &len);
    for (size_t i = 0; i < len; i++)
        assert_true((unsigned char)text[i] < 0x80);
    g_bytes_unref(bytes);
}

/* A line past what a mail may have is folded even in a file. (RFC 5322, 2.1.1) */
static void no_line_is_too_long(void **unused G_GNUC_UNUSED)
{
    g_autofree char *title = g_strnfill(2000, 'x');
    g_autofree char *payload = g_strdup_printf("{'link': 'https://x/', 'title': 'ü%s'}", title);
    GBytes *bytes = make_as(STOA_MAIL_INVITATION, payload, "en", true);
    size_t len, line = 0;
    const char *text = g_bytes_get_data(bytes, &len);

    for (size_t i = 0; i < len; i++) {
        line = text[i] == '\n' ? 0 : line + 1;
        assert_true(line <= 998);
    }
    g_bytes_unref(bytes);
}

static void a_title_cannot_add_a_header(void **unused G_GNUC_UNUSED)
{
    GBytes *bytes = make(STOA_MAIL_SUMMARY,
                         "{'title': 'x\\r\\nBcc: eve@x.org\\r\\n\\r\\nbody', 'link': 'https://x/',"
                         " 'started_at': 1, 'ended_at': 2}",
                         "de");
    GMimeMessage *message = parse(bytes);

    assert_int_equal(
        internet_address_list_length(g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_BCC)),
        0);
    assert_non_null(strstr(g_mime_message_get_subject(message), "Bcc: eve@x.org"));
    g_object_unref(message);
    g_bytes_unref(bytes);
}

static void every_language_has_every_template(void **unused G_GNUC_UNUSED)
{
    static const char *const languages[] = { "en", "de" };

    for (size_t i = 0; i < G_N_ELEMENTS(languages); i++) {
        for (int kind = 0; kind < STOA_MAIL_N_KINDS; kind++)
            g_bytes_unref(
                make((StoaMailKind)kind, "{'title': 't', 'link': 'https://x/'}", languages[i]));
    }
}

static void local_servers_are_told_from_others(void **unused G_GNUC_UNUSED)
{
    assert_true(stoa_sender_is_local("smtp://127.0.0.1:2525"));
    assert_true(stoa_sender_is_local("smtp://localhost"));
    assert_true(stoa_sender_is_local("smtps://[::1]:465"));
    assert_false(stoa_sender_is_local("smtp://mail.example.org:587"));
    assert_false(stoa_sender_is_local("smtp://localhost.example.org"));
    assert_false(stoa_sender_is_local("nonsense"));
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    g_autofree char *path =
        g_build_filename(g_getenv("srcdir") ? g_getenv("srcdir") : ".", "conf", "mail.conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (!stoa_conf_sample_check(stoa_mail_conf_table(), text, &error))
        fail_msg("%s", error->message);
}

static int set_up(void **unused G_GNUC_UNUSED)
{
    g_mime_init();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_fills_holes_and_sections),
        cmocka_unit_test(html_is_escaped_and_text_is_not),
        cmocka_unit_test(a_broken_template_is_named),
        cmocka_unit_test(an_event_has_its_times_and_a_cancellation_its_uid_only),
        cmocka_unit_test(an_invitation_has_text_html_and_calendar),
        cmocka_unit_test(a_link_is_whole_to_who_opens_the_file),
        cmocka_unit_test(no_line_is_too_long),
        cmocka_unit_test(a_title_cannot_add_a_header),
        cmocka_unit_test(every_language_has_every_template),
        cmocka_unit_test(the_sample_agrees_with_the_table),
        cmocka_unit_test(local_servers_are_told_from_others),
    };

    if (argc > 1 && g_str_equal(argv[1], "print")) {
        g_autofree char *sample = stoa_conf_sample(stoa_mail_conf_table(),
                                                   "Mail: sign-in links, invitations, summaries.");
        fputs(sample, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, NULL);
}
