/* SPDX-License-Identifier: MIT */
/* A module with routes, and with a bridge to itself: what the core answers for it, what it answers later, how it all ends. */
#include <stoa/bed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* -- the module: a door that is knocked at, and opened by request ------------------------------ */

typedef struct {
    StoaWebCall *waiting; /* NULL: nobody */
    StoaBridge *bridge;
    int n_ended, n_told;
} Door;

static Door *door_of(StoaModule *module)
{
    return stoa_module_state(module);
}

static bool on_knock(StoaWebCall *call, GError **error)
{
    Door *door = door_of(stoa_web_module(call));

    if (g_strcmp0(stoa_web_bearer(call), "sesame") != 0)
        return stoa_refuse(error, "unauthenticated", "say the word");
    if (door->waiting)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "somebody waits already");
    door->waiting = call;
    return true;
}

static bool on_look(StoaWebCall *call, GError **error G_GNUC_UNUSED)
{
    stoa_web_set_header(call, "X-Name", stoa_web_arg(call, "name"));
    stoa_web_set_header(call, "X-Agent", stoa_web_header(call, "user-AGENT"));
    stoa_web_set_text(call, 200, "text/plain", stoa_web_text(call, NULL));
    stoa_web_send(call);
    return true;
}

static void got_reply(StoaBridge *bridge G_GNUC_UNUSED, const json_t *body, const char *sdp,
                      const GError *error, void *call)
{
    if (error) {
        stoa_web_fail(call, error);
        return;
    }
    assert_null(sdp);
    stoa_web_set_reply(call, 200, json_incref((json_t *)body));
    stoa_web_send(call);
}

static void on_bridge_event(StoaBridge *bridge, const json_t *body G_GNUC_UNUSED,
                            const char *sdp G_GNUC_UNUSED)
{
    door_of(stoa_bridge_module(bridge))->n_told++;
}

static void on_bridge_ended(StoaBridge *bridge, const GError *error)
{
    Door *door = door_of(stoa_bridge_module(bridge));

    assert_non_null(error);
    door->n_ended++;
    door->bridge = NULL;
}

static bool on_ask(StoaWebCall *call, GError **error G_GNUC_UNUSED)
{
    Door *door = door_of(stoa_web_module(call));
    const StoaBridgeSpec spec = { .struct_size = sizeof spec,
                                  .module = stoa_web_arg(call, "module"),
                                  .event = on_bridge_event,
                                  .ended = on_bridge_ended };

    if (!door->bridge)
        door->bridge = stoa_bridge_open(stoa_web_module(call), &spec);
    stoa_bridge_request(door->bridge, json_loads(stoa_web_text(call, NULL), 0, NULL), NULL,
                        got_reply, call);
    return true;
}

static bool on_open(StoaRequest *req, GError **error)
{
    Door *door = door_of(stoa_request_module(req));

    if (!door->waiting)
        return stoa_refuse(error, "nobody", "nobody knocks");
    stoa_web_set_reply(door->waiting, 200, json_pack("{s:b}", "open", 1));
    stoa_web_send(g_steal_pointer(&door->waiting));
    return true;
}

static bool on_size(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_handle_send(stoa_request_handle(req), json_pack("{s:s}", "event", "measured"));
    stoa_request_reply(req, json_pack("{s:i}", "metres", 2));
    return true;
}

static const StoaRoute routes[] = {
    { "POST", "/m/door/knock", on_knock, "text/plain", 10, "Knock, and wait" },
    { "GET", "/door/:name", on_look, NULL, 0, "Look" },
    { "PATCH", "/door/:name", on_look, "text/plain", 0, "Look again" },
    { "POST", "/m/door/ask/:module", on_ask, "application/json", 0, "Ask over a bridge" },
    { "GET", "/m/gate/x", on_look, NULL, 0, "Another module's: left out" },
    { "GET", "/api/x", on_look, NULL, 0, "The core's: left out" },
    STOA_END,
};
static const StoaMethod methods[] = {
    { .name = "open", .handle = on_open },
    { .name = "size", .handle = on_size, .sync = true },
    { .name = "measure", .handle = on_size },
    STOA_END,
};

STOA_PLUGIN(.name = "door", .version = "1.0", .summary = "Somebody knocks", .caps = STOA_CAP_HTTP,
            .scope = STOA_SCOPE_HANDLE, .routes = routes, .methods = methods,
            .module_size = sizeof(Door))

/* -- the tests --------------------------------------------------------------------------------- */

#define WORD "Authorization: Bearer sesame\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\n"
#define JSON "Content-Type: application/json\n"

static void the_core_answers_what_no_handler_need_see(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("door", "");

    stoa_bed_calls(bed, "POST /m/door/knock", WORD, "x", 415);
    assert_string_equal(stoa_bed_answer_header(bed, "Accept-Post"), "text/plain");
    stoa_bed_calls(bed, "POST /m/door/knock", TEXT WORD, "eleven byte", 413);
    stoa_bed_calls(bed, "POST /m/door/knock", TEXT WORD, "", 400);
    stoa_bed_calls(bed, "GET /m/door/knock", NULL, NULL, 405);
    assert_string_equal(stoa_bed_answer_header(bed, "Allow"), "POST");
    stoa_bed_calls(bed, "OPTIONS /door/x", NULL, NULL, 200);
    assert_string_equal(stoa_bed_answer_header(bed, "Allow"), "GET, HEAD, PATCH, OPTIONS");
    assert_string_equal(stoa_bed_answer_header(bed, "Accept-Patch"), "text/plain");
    stoa_bed_calls(bed, "GET /door", NULL, NULL, 404);
    stoa_bed_calls(bed, "GET /door/a.b", NULL, NULL, 404);
    stoa_bed_calls(bed, "GET /m/gate/x", NULL, NULL, 404);
    stoa_bed_calls(bed, "GET /m/door/", NULL, NULL, 404);
}

static void a_handler_sees_path_headers_and_body(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("door", "");

    stoa_bed_calls(bed, "PATCH /door/oak", TEXT "User-Agent: me\nUser-Agent: other", "hello", 200);
    assert_string_equal(stoa_bed_answer_header(bed, "X-Name"), "oak");
    assert_string_equal(stoa_bed_answer_header(bed, "X-Agent"), "me");
    assert_string_equal(stoa_bed_answer_header(bed, "Content-Type"), "text/plain");
    assert_string_equal(stoa_bed_answer_body(bed), "hello");
    stoa_bed_calls(bed, "HEAD /door/oak", "User-Agent: me", NULL, 200);
}

static void an_answer_may_come_later(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("door", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_calls(bed, "POST /m/door/knock", TEXT, "hello", 401);
    assert_string_equal(stoa_bed_answer_header(bed, "WWW-Authenticate"), "Bearer");
    stoa_bed_calls(bed, "POST /m/door/knock", TEXT WORD, "hello", 0);
    stoa_bed_accepts(ana, "open", NULL);
    stoa_bed_answered(bed, 200);
    assert_string_equal(stoa_bed_answer_body(bed), "{\"open\":true}");
}

static void what_a_module_holds_when_it_goes_is_answered(void **unused G_GNUC_UNUSED)
{
    StoaBed *bed = stoa_bed_new("door", "");

    stoa_bed_calls(bed, "POST /m/door/knock", TEXT WORD, "hello", 0);
    stoa_bed_free(bed); /* an answer that nobody gives would be a leak */
}

static void a_bridge_asks_like_any_client(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("door", "");
    Door *door = door_of(stoa_bed_module(bed));

    stoa_bed_calls(bed, "POST /m/door/ask/door", JSON, "{\"request\": \"size\"}", 200);
    assert_non_null(strstr(stoa_bed_answer_body(bed), "\"metres\":2"));
    stoa_bed_calls(bed, "POST /m/door/ask/door", JSON, "{\"request\": \"measure\"}", 200);
    assert_int_equal(door->n_told, 2); /* what it says by itself */
    stoa_bed_calls(bed, "POST /m/door/ask/door", JSON, "{\"request\": \"open\"}", 409);
    assert_non_null(strstr(stoa_bed_answer_body(bed), "\"code\":\"nobody\""));
    stoa_bed_calls(bed, "POST /m/door/ask/door", JSON, "{\"request\": \"nonsense\"}", 409);
    assert_non_null(strstr(stoa_bed_answer_body(bed), "\"code\":\"unknown_request\""));
    assert_int_equal(door->n_ended, 0);
}

static void a_bridge_to_nowhere_ends_and_says_so(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("door", "");
    Door *door = door_of(stoa_bed_module(bed));

    stoa_bed_calls(bed, "POST /m/door/ask/gate", JSON, "{\"request\": \"size\"}", 503);
    assert_int_equal(door->n_ended, 1);
    stoa_bed_calls(bed, "POST /m/door/ask/door", JSON, "{\"request\": \"size\"}", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_core_answers_what_no_handler_need_see),
        cmocka_unit_test(a_handler_sees_path_headers_and_body),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(what_a_module_holds_when_it_goes_is_answered),
        cmocka_unit_test(a_bridge_asks_like_any_client),
        cmocka_unit_test(a_bridge_to_nowhere_ends_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
