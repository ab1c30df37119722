/* SPDX-License-Identifier: MIT */
/* Tests of transports/websocket: frames, the reader of messages, the handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "../../../transports/websocket/handshake.h"
#include "../../../transports/websocket/reader.h"

/* -- a listener that notes what it hears ------------------------------------------------------- */

typedef struct {
    GString *heard; /* "text:…;" "ping:…;" "close:1000;" "long:11;" */
} Notes;

static void note_message(void *user, const char *text, size_t len)
{
    g_string_append_printf(((Notes *)user)->heard, "text:%.*s;", (int)len, text);
}

static void note_too_long(void *user, const char *text G_GNUC_UNUSED, size_t len)
{
    g_string_append_printf(((Notes *)user)->heard, "long:%zu;", len);
}

static void note_ping(void *user, const uint8_t *payload, size_t len)
{
    g_string_append_printf(((Notes *)user)->heard, "ping:%.*s;", (int)len, (const char *)payload);
}

static void note_closed(void *user, uint16_t code)
{
    g_string_append_printf(((Notes *)user)->heard, "close:%u;", code);
}

static const WsReaderEvents noting = { note_message, note_too_long, note_ping, note_closed };

/* A client's frame, masked with 1 2 3 4. */
static void put(GByteArray *out, uint8_t first, const char *payload, size_t len)
{
    const uint8_t mask[4] = { 1, 2, 3, 4 };
    uint8_t head[4] = { first, (uint8_t)(0x80 | (len < 126 ? len : 126)), (uint8_t)(len >> 8),
                        (uint8_t)len };

    g_byte_array_append(out, head, len < 126 ? 2 : 4);
    g_byte_array_append(out, mask, 4);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)payload[i] ^ mask[i & 3];

        g_byte_array_append(out, &byte, 1);
    }
}

static void put_text(GByteArray *out, uint8_t first, const char *text)
{
    put(out, first, text, strlen(text));
}

/* Feed `bytes` in pieces of `step`, and compare what was heard; returns the first code. */
static uint16_t read_in_steps(const GByteArray *bytes, size_t step, size_t limit,
                              const char *expected)
{
    Notes notes = { g_string_new(NULL) };
    WsReader reader;
    uint16_t first = 0;

    ws_reader_init(&reader, &noting, &notes, limit);
    for (size_t at = 0; at < bytes->len; at += step) {
        uint16_t code = ws_reader_input(&reader, bytes->data + at, MIN(step, bytes->len - at));

        first = first ? first : code;
    }
    assert_string_equal(notes.heard->str, expected);
    ws_reader_clear(&reader);
    g_string_free(notes.heard, TRUE);
    return first;
}

static void assert_heard(GByteArray *bytes, size_t limit, uint16_t code, const char *expected)
{
    for (size_t step = 1; step <= bytes->len; step++)
        assert_int_equal(read_in_steps(bytes, step, limit, expected), code);
    g_byte_array_unref(bytes);
}

/* -- reader ------------------------------------------------------------------------------------ */

static void fragments_make_one_message_in_any_cut(void **unused G_GNUC_UNUSED)
{
    GByteArray *bytes = g_byte_array_new();

    put_text(bytes, 0x01, "{\"a");
    put_text(bytes, 0x89, "hi");
    put_text(bytes, 0x00, "");
    put_text(bytes, 0x80, "\":1}");
    put_text(bytes, 0x8a, "pong");
    put_text(bytes, 0x81, "");
    assert_heard(bytes, 0, 0, "ping:hi;text:{\"a\":1};text:;");
}

static void a_message_of_exactly_the_limit_passes(void **unused G_GNUC_UNUSED)
{
    GByteArray *fits = g_byte_array_new(), *too_long = g_byte_array_new();

    put_text(fits, 0x81, "0123456789");
    assert_heard(fits, 10, 0, "text:0123456789;");
    put_text(too_long, 0x01, "01234567");
    put_text(too_long, 0x80, "89a");
    put_text(too_long, 0x81, "next");
    assert_heard(too_long, 10, 0, "long:11;text:next;");
}

static void after_too_long_a_message_all_else_is_heard(void **unused G_GNUC_UNUSED)
{
    GByteArray *bytes = g_byte_array_new();

    put_text(bytes, 0x81, "0123456789abcdef");
    put_text(bytes, 0x81, "x");
    put_text(bytes, 0x89, "x");
    put(bytes, 0x88, "\x03\xe8", 2);
    put_text(bytes, 0x81, "after the end");
    assert_heard(bytes, 10, 0, "long:11;text:x;ping:x;close:1000;");
}

static void a_message_without_end_is_1009(void **unused G_GNUC_UNUSED)
{
    g_autofree char *much = g_strnfill(60000, 'x');
    Notes notes = { g_string_new(NULL) };
    GByteArray *part = g_byte_array_new();
    WsReader reader;
    uint16_t code = 0;

    put_text(part, 0x00, much);
    ws_reader_init(&reader, &noting, &notes, 10);
    assert_int_equal(ws_reader_input(&reader, (const uint8_t *)"\x01\x80\0\0\0\0", 6), 0);
    for (int n = 0; n < 1000 && !code; n++)
        code = ws_reader_input(&reader, part->data, part->len);
    assert_int_equal(code, 1009);
    assert_string_equal(notes.heard->str, "long:11;");
    ws_reader_clear(&reader);
    g_byte_array_unref(part);
    g_string_free(notes.heard, TRUE);
}

static void text_that_is_no_utf8_is_1007(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "\xc3\x28", "\xc0\x80", "\xed\xa0\x80",
                                       "\xe2\x82", "\xff",     "\xf4\x90\x80\x80" };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GByteArray *bytes = g_byte_array_new();

        put_text(bytes, 0x81, bad[i]);
        assert_heard(bytes, 0, 1007, "");
    }
}

static void a_nul_is_a_character_for_utf8(void **unused G_GNUC_UNUSED)
{
    GByteArray *bytes = g_byte_array_new();

    put(bytes, 0x81, "a\0b", 3);
    assert_heard(bytes, 0, 0, "text:a;"); /* the note ends at the NUL; no 1007 came */
}

static void a_character_may_be_cut_between_fragments(void **unused G_GNUC_UNUSED)
{
    GByteArray *bytes = g_byte_array_new();

    put_text(bytes, 0x01, "\xe2");
    put_text(bytes, 0x80, "\x82\xac");
    assert_heard(bytes, 0, 0, "text:\xe2\x82\xac;");
}

static void frames_out_of_order_are_1002(void **unused G_GNUC_UNUSED)
{
    GByteArray *stray = g_byte_array_new(), *nested = g_byte_array_new();

    put_text(stray, 0x80, "x");
    assert_heard(stray, 0, 1002, "");
    put_text(nested, 0x01, "x");
    put_text(nested, 0x81, "y");
    assert_heard(nested, 0, 1002, "");
}

static void a_close_says_its_code(void **unused G_GNUC_UNUSED)
{
    GByteArray *none = g_byte_array_new(), *with = g_byte_array_new(), *odd = g_byte_array_new(),
               *reserved = g_byte_array_new();

    put_text(none, 0x88, "");
    assert_heard(none, 0, 0, "close:1005;");
    put(with, 0x88, "\x0f\xa0 bye", 6);
    assert_heard(with, 0, 0, "close:4000;");
    put(odd, 0x88, "\x03", 1);
    assert_heard(odd, 0, 1002, "");
    put(reserved, 0x88, "\x03\xee", 2);
    assert_heard(reserved, 0, 1002, "");
}

static void binary_is_1003(void **unused G_GNUC_UNUSED)
{
    GByteArray *bytes = g_byte_array_new();

    put_text(bytes, 0x82, "x");
    assert_heard(bytes, 0, 1003, "");
}

/* -- frames ------------------------------------------------------------------------------------ */

static WsFrameResult read_bytes(const char *bytes, size_t len)
{
    WsFrame frame;
    size_t head_len;

    return ws_frame_read((const uint8_t *)bytes, len, &frame, &head_len);
}

static void frames_that_no_client_may_send_are_invalid(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        { "\x81\x01", 2 },                                      /* unmasked */
        { "\xc1\x80", 2 },                                      /* a reserved bit */
        { "\x83\x80", 2 },                                      /* an opcode of the future */
        { "\x09\x80", 2 },                                      /* a ping in fragments */
        { "\x89\xfe", 2 },                                      /* a ping of more than 125 bytes */
        { "\x81\xfe\x00\x7d\x01\x02\x03\x04", 8 },              /* 125 in two bytes */
        { "\x81\xff\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04", 14 }, /* 65535 in eight */
        { "\x81\xff\x80\0\0\0\0\0\0\0\x01\x02\x03\x04", 14 },   /* the sign bit */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_int_equal(read_bytes(bad[i].bytes, bad[i].len), WS_FRAME_INVALID);
    assert_int_equal(read_bytes("\x81\xfe\x00\x7e\x01\x02\x03", 7), WS_FRAME_SHORT);
    assert_int_equal(read_bytes("\x81\xfe\x00\x7e\x01\x02\x03\x04", 8), WS_FRAME_READY);
}

static void lengths_are_written_in_as_few_bytes_as_they_take(void **unused G_GNUC_UNUSED)
{
    uint8_t head[10];

    assert_int_equal(ws_frame_write(head, WS_OPCODE_TEXT, 125), 2);
    assert_int_equal(ws_frame_write(head, WS_OPCODE_TEXT, 126), 4);
    assert_memory_equal(head, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(ws_frame_write(head, WS_OPCODE_TEXT, 65536), 10);
    assert_memory_equal(head, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
}

/* -- handshake --------------------------------------------------------------------------------- */

#define GOOD_LINES                                                         \
    "Host: x\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define GOOD                         \
    "GET /x HTTP/1.1\r\n" GOOD_LINES \
    "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n"

static void a_good_handshake_is_accepted(void **unused G_GNUC_UNUSED)
{
    WsHandshake handshake;
    size_t head_len;
    unsigned status;
    g_autofree char *answer = NULL;

    for (size_t len = 0; len < strlen(GOOD); len++)
        assert_int_equal(ws_handshake_read(GOOD, len, &handshake, &head_len), WS_HANDSHAKE_SHORT);
    assert_int_equal(ws_handshake_read(GOOD "\0\x81", strlen(GOOD) + 2, &handshake, &head_len),
                     WS_HANDSHAKE_READY);
    assert_int_equal(head_len, strlen(GOOD));
    assert_null(ws_handshake_complaint(&handshake, &status));
    assert_int_equal(ws_handshake_protocol(&handshake), WS_PROTOCOL_JANUS);
    answer = ws_handshake_accept(&handshake, WS_PROTOCOL_JANUS);
    assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(answer, "Sec-WebSocket-Protocol: janus-protocol\r\n"));
    ws_handshake_clear(&handshake);
}

static void what_is_no_http_is_invalid(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = {
        "GET / HTTP/2.0\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / / HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
    };
    g_autofree char *endless = g_strnfill(WS_HANDSHAKE_MAX_BYTES, 'a');
    WsHandshake handshake;
    size_t head_len;

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_int_equal(ws_handshake_read(bad[i], strlen(bad[i]), &handshake, &head_len),
                         WS_HANDSHAKE_INVALID);
    assert_int_equal(ws_handshake_read(endless, strlen(endless), &handshake, &head_len),
                     WS_HANDSHAKE_INVALID);
    assert_int_equal(ws_handshake_read("GET\0", 4, &handshake, &head_len), WS_HANDSHAKE_INVALID);
}

static void two_hosts_or_two_keys_are_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const twice[] = { "Host: y\r\n",
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" };

    for (size_t i = 0; i < G_N_ELEMENTS(twice); i++) {
        g_autofree char *text =
            g_strconcat("GET / HTTP/1.1\r\n", GOOD_LINES,
                        "Sec-WebSocket-Protocol: janus-protocol\r\n", twice[i], "\r\n", NULL);
        WsHandshake handshake;
        size_t head_len;
        unsigned status = 0;

        assert_int_equal(ws_handshake_read(text, strlen(text), &handshake, &head_len),
                         WS_HANDSHAKE_READY);
        assert_non_null(ws_handshake_complaint(&handshake, &status));
        assert_int_equal(status, 400);
        ws_handshake_clear(&handshake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_make_one_message_in_any_cut),
        cmocka_unit_test(a_message_of_exactly_the_limit_passes),
        cmocka_unit_test(after_too_long_a_message_all_else_is_heard),
        cmocka_unit_test(a_message_without_end_is_1009),
        cmocka_unit_test(text_that_is_no_utf8_is_1007),
        cmocka_unit_test(a_nul_is_a_character_for_utf8),
        cmocka_unit_test(a_character_may_be_cut_between_fragments),
        cmocka_unit_test(frames_out_of_order_are_1002),
        cmocka_unit_test(a_close_says_its_code),
        cmocka_unit_test(binary_is_1003),
        cmocka_unit_test(frames_that_no_client_may_send_are_invalid),
        cmocka_unit_test(lengths_are_written_in_as_few_bytes_as_they_take),
        cmocka_unit_test(a_good_handshake_is_accepted),
        cmocka_unit_test(what_is_no_http_is_invalid),
        cmocka_unit_test(two_hosts_or_two_keys_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
