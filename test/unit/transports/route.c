/* SPDX-License-Identifier: MIT */
/* Tests of transports/http: paths, the Host header, the list of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../transports/http/pages.h"
#include "../../../transports/http/route.h"
#include "../../../transports/http/web-host.h"

static void assert_route(const char *path, HttpRouteKind kind, uint64_t session, uint64_t handle)
{
    HttpRoute route = http_route_find(path, "/janus");

    assert_int_equal(route.kind, kind);
    assert_int_equal(route.session, session);
    assert_int_equal(route.handle, handle);
}

static void paths_of_the_api_carry_ids(void **unused G_GNUC_UNUSED)
{
    assert_route("/janus", HTTP_ROUTE_ROOT, 0, 0);
    assert_route("/janus/", HTTP_ROUTE_ROOT, 0, 0);
    assert_route("/janus/info", HTTP_ROUTE_INFO, 0, 0);
    assert_route("/janus/9007199254740991", HTTP_ROUTE_SESSION, 9007199254740991, 0);
    assert_route("/janus/12/", HTTP_ROUTE_SESSION, 12, 0);
    assert_route("/janus/12/34", HTTP_ROUTE_HANDLE, 12, 34);
    assert_route("/janus/12/34/", HTTP_ROUTE_HANDLE, 12, 34);
}

static void what_is_no_id_is_no_path(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "/janus/0",
                                       "/janus/x",
                                       "/janus/1x",
                                       "/janus/-1",
                                       "/janus//",
                                       "/janus/+1",
                                       "/janus/1/2/3",
                                       "/janus/1//",
                                       "/janus/1/x",
                                       "/janus/1/0",
                                       "/janus/99999999999999999999",
                                       "/janus/ 1" };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_route(bad[i], HTTP_ROUTE_NONE, 0, 0);
}

static void other_paths_are_pages(void **unused G_GNUC_UNUSED)
{
    assert_route("/", HTTP_ROUTE_PAGE, 0, 0);
    assert_route("/janusx", HTTP_ROUTE_PAGE, 0, 0);
    assert_route("/api/v1", HTTP_ROUTE_WEB, 0, 0);
    assert_route("/api/v1/rooms/x", HTTP_ROUTE_WEB, 0, 0);
    assert_route("/api/v1x", HTTP_ROUTE_PAGE, 0, 0);
    assert_route("/healthz", HTTP_ROUTE_HEALTH, 0, 0);
    assert_route("/metrics", HTTP_ROUTE_METRICS, 0, 0);
    assert_route("/stoa.json", HTTP_ROUTE_SERVERS, 0, 0);
}

static void each_route_takes_its_methods(void **unused G_GNUC_UNUSED)
{
    assert_true(http_route_takes(HTTP_ROUTE_SESSION, false, "GET"));
    assert_false(http_route_takes(HTTP_ROUTE_SESSION, true, "GET"));
    assert_false(http_route_takes(HTTP_ROUTE_ROOT, false, "GET"));
    assert_false(http_route_takes(HTTP_ROUTE_ROOT, false, "POS"));
    assert_true(http_route_takes(HTTP_ROUTE_PAGE, false, "HEAD"));
    assert_false(http_route_takes(HTTP_ROUTE_PAGE, false, "POST"));
}

static void a_host_header_is_a_name_and_a_port_or_nothing(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "",      "a b",  "a;b",   "a'b", "*",        "a:",  "a:b",
                                       "a:1:2", "[::1", "[x]:1", "-a",  "a:123456", "a/b", "a@b" };
    g_autofree char *endless = g_strnfill(300, 'a');
    char name[256];

    assert_true(http_web_host_read("class.example.org:8088", name, sizeof name));
    assert_string_equal(name, "class.example.org");
    assert_true(http_web_host_read("[2001:db8::1]:8088", name, sizeof name));
    assert_string_equal(name, "[2001:db8::1]");
    assert_true(http_web_host_read("127.0.0.1", name, sizeof name));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(http_web_host_read(bad[i], name, sizeof name));
    assert_false(http_web_host_read(NULL, name, sizeof name));
    assert_false(http_web_host_read(endless, name, sizeof name));
}

static void assert_websocket(const char *expected, char *found /* taken */)
{
    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
    g_free(found);
}

static void a_page_finds_the_websocket_at_its_own_host(void **unused G_GNUC_UNUSED)
{
    assert_websocket("ws://a.example:8188",
                     http_web_host_websocket(NULL, "ws://127.0.0.1:8188", "a.example:80", false));
    assert_websocket("wss://[::1]:8188",
                     http_web_host_websocket("", "wss://127.0.0.1:8188", "[::1]", true));
    assert_websocket("ws://127.0.0.1:8188",
                     http_web_host_websocket(NULL, "ws://127.0.0.1:8188", "a b", false));
    assert_websocket(NULL, http_web_host_websocket(NULL, "ws://127.0.0.1:8188", "a.example", true));
    assert_websocket(NULL, http_web_host_websocket(NULL, NULL, "a.example", false));
    assert_websocket(
        "wss://b.example/ws",
        http_web_host_websocket("wss://b.example/ws", "ws://127.0.0.1:8188", "a", true));
}

static void a_policy_takes_no_foreign_words(void **unused G_GNUC_UNUSED)
{
    g_autofree char *plain = http_web_host_policy(NULL, NULL, "a.example");
    g_autofree char *evil =
        http_web_host_policy("wss://x; script-src *", "ws://127.0.0.1:8188", "y; script-src *");
    g_autofree char *secure = http_web_host_policy(NULL, "wss://127.0.0.1:8188", "a.example");
    g_autofree char *configured = http_web_host_policy("wss://b.example/ws", NULL, NULL);

    assert_non_null(strstr(plain, "connect-src 'self'; worker-src"));
    assert_null(strstr(evil, "script-src *"));
    assert_non_null(
        strstr(secure, "connect-src 'self' wss://127.0.0.1:8188 wss://a.example:8188; "));
    assert_non_null(strstr(configured, "connect-src 'self' wss://b.example; worker-src"));
}

static void write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void remove_all(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            remove_all(path);
        else
            g_unlink(path);
    }
    g_rmdir(folder);
}

static void only_files_of_the_folder_are_pages(void **unused G_GNUC_UNUSED)
{
    g_autofree char *folder = g_dir_make_tmp("stoa-pages-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(folder, "link.html", NULL);
    g_autoptr(HttpPages) pages = NULL;
    const HttpPage *page;

    write_file(folder, "index.html", "home");
    write_file(folder, "js/a.js", "export {}");
    write_file(folder, "demo/index.html", "demo");
    write_file(folder, ".git/config", "no");
    assert_int_equal(symlink("/etc/hostname", link), 0);
    pages = http_pages_new(folder, NULL);
    assert_int_equal(http_pages_count(pages), 3);
    page = http_pages_find(pages, "/");
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_true(http_pages_is_fresh(page, page->etag));
    assert_true(http_pages_is_fresh(page, "*"));
    assert_false(http_pages_is_fresh(page, "\"other\""));
    assert_false(http_pages_is_fresh(page, NULL));
    assert_non_null(http_pages_find(pages, "/js/a.js"));
    assert_null(http_pages_find(pages, "/js/../index.html"));
    assert_null(http_pages_find(pages, "/link.html"));
    assert_true(http_pages_wants_slash(pages, "/demo"));
    assert_false(http_pages_wants_slash(pages, "/js"));
    remove_all(folder);
}

static void no_folder_is_an_empty_list(void **unused G_GNUC_UNUSED)
{
    g_autoptr(HttpPages) pages = http_pages_new(NULL, NULL);

    assert_int_equal(http_pages_count(pages), 0);
    assert_null(http_pages_find(pages, "/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_the_api_carry_ids),
        cmocka_unit_test(what_is_no_id_is_no_path),
        cmocka_unit_test(other_paths_are_pages),
        cmocka_unit_test(each_route_takes_its_methods),
        cmocka_unit_test(a_host_header_is_a_name_and_a_port_or_nothing),
        cmocka_unit_test(a_page_finds_the_websocket_at_its_own_host),
        cmocka_unit_test(a_policy_takes_no_foreign_words),
        cmocka_unit_test(only_files_of_the_folder_are_pages),
        cmocka_unit_test(no_folder_is_an_empty_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
