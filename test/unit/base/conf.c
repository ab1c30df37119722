/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* -- a small module and its table ------------------------------------------------------------ */
typedef struct {
    char *name;
    int64_t publishers;
    char *pin;
} Room;

typedef struct {
    int64_t port;
    bool fast;
    char *mode;
    char *secret;
    char **origins;
    char **names;
    int64_t limit;
    Room *rooms;
    size_t n_rooms;
} Conf;

static const char *const modes[] = { "lite", "full", NULL };
static const StoaOption room_options[] = {
    { "publishers", STOA_INT, STOA_LIVE, offsetof(Room, publishers), "3", 1, 1000, "Publishers" },
    { "pin", STOA_STRING, STOA_SECRET, offsetof(Room, pin), "", 0, 0, "Who knows it may join" },
    { NULL },
};
static const StoaOption options[] = {
    { "listen.port", STOA_INT, 0, offsetof(Conf, port), "8088", 0, 65535, "TCP port" },
    { "listen.fast", STOA_BOOL, STOA_LIVE, offsetof(Conf, fast), "false", 0, 0, "Faster" },
    { "listen.mode", STOA_ENUM, 0, offsetof(Conf, mode), "lite", 0, 0, "Mode", modes },
    { "listen.allow_origins", STOA_LIST, STOA_LIVE, offsetof(Conf, origins), "a;b", 0, 0,
      "Origins" },
    { "admin.secret", STOA_STRING, STOA_SECRET, offsetof(Conf, secret), "", 0, 64, "Secret" },
    { "names.*", STOA_LIST, 0, offsetof(Conf, names), "janus.x=stoa.x;janus.y=stoa.y", 0, 0,
      "Names" },
    { "limit", STOA_INT, STOA_LIVE, offsetof(Conf, limit), "-1", 0, 0, "Any number" },
    { NULL },
};
static const StoaGroup groups[] = {
    { "room-", room_options, sizeof(Room), offsetof(Conf, rooms), offsetof(Conf, n_rooms),
      "A room" },
    { NULL },
};
static const StoaConfTable table = {
    .file = "mod",
    .options = options,
    .groups = groups,
    .size = sizeof(Conf),
    .is_module = true,
};

/* -- a folder of its own for each test -------------------------------------------------------- */
static char *dir;

static int make_dir(void **unused G_GNUC_UNUSED)
{
    dir = g_dir_make_tmp("stoa-conf-XXXXXX", NULL);
    return dir ? 0 : -1;
}

static int remove_dir(void **unused G_GNUC_UNUSED)
{
    GDir *open = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(open))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
    g_dir_close(open);
    g_rmdir(dir);
    g_clear_pointer(&dir, g_free);
    return 0;
}

static char *write_file(const char *name, const char *text)
{
    char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    g_chmod(path, 0600);
    return path;
}

static void write_conf(const char *text)
{
    g_free(write_file("mod.conf", text));
}

static StoaConf *load_with(const char *override)
{
    const char *const overrides[] = { override, NULL };
    g_autoptr(GError) error = NULL;
    StoaConf *conf = stoa_conf_load(dir, overrides, &error);

    if (error)
        fail_msg("%s", error->message);
    return conf;
}

/* Reads mod.conf and expects exactly these problems, in order; NULL: none. */
static void expect_problem_with(const char *override, const char *expected)
{
    g_autoptr(StoaConf) conf = load_with(override);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    g_autoptr(GError) error = NULL;

    if (stoa_conf_check(conf, &error))
        assert_null(expected);
    else
        assert_string_equal(error->message, expected ? expected : "");
    assert_non_null(stoa_conf_values(values));
}

static void expect_problem(const char *text, const char *expected)
{
    write_conf(text);
    expect_problem_with(NULL, expected);
}

/* -- values ---------------------------------------------------------------------------------- */
static void a_missing_file_is_one_of_defaults(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaConf) conf = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const Conf *c = stoa_conf_values(values);

    assert_true(stoa_conf_check(conf, NULL));
    assert_int_equal(c->port, 8088);
    assert_false(c->fast);
    assert_string_equal(c->mode, "lite");
    assert_null(c->secret);
    assert_int_equal(g_strv_length(c->origins), 2);
    assert_int_equal(c->limit, -1);
    assert_int_equal(c->n_rooms, 0);
}

static void values_land_in_the_struct(void **unused G_GNUC_UNUSED)
{
    write_conf("[module]\nenabled = no\nlimit = 7\n[listen]\nport = 0\nfast = Yes\nmode=full\n"
               "allow_origins = https://a.example , https://b.example;\n");
    g_autoptr(StoaConf) conf = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const Conf *c = stoa_conf_values(values);

    assert_true(stoa_conf_check(conf, NULL));
    assert_false(stoa_conf_enabled(conf, "mod", true));
    assert_int_equal(c->limit, 7);
    assert_int_equal(c->port, 0);
    assert_true(c->fast);
    assert_string_equal(c->mode, "full");
    assert_string_equal(c->origins[0], "https://a.example");
    assert_string_equal(c->origins[1], "https://b.example");
    assert_null(c->origins[2]);
}

static void an_empty_list_is_an_empty_list(void **unused G_GNUC_UNUSED)
{
    write_conf("[listen]\nallow_origins =\n");
    g_autoptr(StoaConf) conf = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const Conf *c = stoa_conf_values(values);

    assert_non_null(c->origins);
    assert_null(c->origins[0]);
}

static void free_keys_join_their_defaults(void **unused G_GNUC_UNUSED)
{
    write_conf("[names]\njanus.x = stoa.other\njanus.y =\nmine = stoa.m\n");
    g_autoptr(StoaConf) conf = load_with("mod:names.yours=stoa.z");
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const Conf *c = stoa_conf_values(values);
    g_autofree char *joined = g_strjoinv(" ", c->names);

    assert_true(stoa_conf_check(conf, NULL));
    assert_string_equal(joined, "janus.x=stoa.other mine=stoa.m yours=stoa.z");
}

static void groups_keep_the_order_of_the_file(void **unused G_GNUC_UNUSED)
{
    write_conf("[room-9]\npublishers = 9\n[listen]\nport = 1\n[room-1234]\n[room-5]\npin = x\n");
    g_autoptr(StoaConf) conf = load_with("mod:room-1234.publishers=12");
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const Conf *c = stoa_conf_values(values);

    assert_true(stoa_conf_check(conf, NULL));
    assert_int_equal(c->n_rooms, 3);
    assert_string_equal(c->rooms[0].name, "9");
    assert_int_equal(c->rooms[0].publishers, 9);
    assert_string_equal(c->rooms[1].name, "1234");
    assert_int_equal(c->rooms[1].publishers, 12);
    assert_null(c->rooms[1].pin);
    assert_string_equal(c->rooms[2].name, "5");
    assert_int_equal(c->rooms[2].publishers, 3);
    assert_string_equal(c->rooms[2].pin, "x");
}

/* -- problems -------------------------------------------------------------------------------- */
static void an_unknown_key_names_the_nearest(void **unused G_GNUC_UNUSED)
{
    expect_problem("[listen]\nprot = 1\n",
                   "mod.conf: listen.prot: no such key, did you mean \"port\"?; known in [listen]: "
                   "port, fast, mode, allow_origins");
}

static void an_unknown_section_names_the_nearest(void **unused G_GNUC_UNUSED)
{
    expect_problem("[lisen]\nport = 1\n",
                   "mod.conf: [lisen]: no such section, did you mean [listen]?; known: module, "
                   "listen, admin, names, room-ID");
    expect_problem("[rom-7]\n",
                   "mod.conf: [rom-7]: no such section, did you mean [room-7]?; known: module, "
                   "listen, admin, names, room-ID");
    expect_problem("[something-else]\n",
                   "mod.conf: [something-else]: no such section; known: module, "
                   "listen, admin, names, room-ID");
}

static void an_unknown_key_of_a_group_is_found(void **unused G_GNUC_UNUSED)
{
    expect_problem(
        "[room-7]\npublisher = 1\n",
        "mod.conf: room-7.publisher: no such key, did you mean \"publishers\"?; known in "
        "[room-7]: publishers, pin");
}

static void a_value_out_of_range_says_what_would_fit(void **unused G_GNUC_UNUSED)
{
    expect_problem("[listen]\nport = 70000\n",
                   "mod.conf: listen.port: \"70000\" is not an integer from 0 to 65535");
    expect_problem("[listen]\nport =\n",
                   "mod.conf: listen.port: \"\" is not an integer from 0 to 65535");
    expect_problem("[listen]\nport = 80x\n",
                   "mod.conf: listen.port: \"80x\" is not an integer from 0 to 65535");
    expect_problem("[listen]\nport = 65535\n", NULL);
    expect_problem("[module]\nlimit = 99999999999999999999\n",
                   "mod.conf: module.limit: \"99999999999999999999\" is not an integer");
    expect_problem("[listen]\nfast = maybe\n",
                   "mod.conf: listen.fast: \"maybe\" is not true or false");
    expect_problem(
        "[listen]\nmode = ful\n",
        "mod.conf: listen.mode: \"ful\" is not one of lite, full; did you mean \"full\"?");
    expect_problem("[listen]\nmode =\n", "mod.conf: listen.mode: \"\" is not one of lite, full");
}

static void a_key_given_twice_is_told_with_its_lines(void **unused G_GNUC_UNUSED)
{
    expect_problem("[listen]\nport = 1\n\nport = 2\n",
                   "mod.conf: listen.port: given twice, in lines 2 and 4: keep one");
}

static void every_problem_is_told_not_only_the_first(void **unused G_GNUC_UNUSED)
{
    expect_problem("[listen]\nport = x\nmode = y\n",
                   "mod.conf: listen.port: \"x\" is not an integer from 0 to 65535\n"
                   "mod.conf: listen.mode: \"y\" is not one of lite, full");
}

static void a_line_that_is_no_line_is_told(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaConf) conf = NULL;

    write_conf("[listen]\nport\n");
    conf = load_with(NULL);
    assert_int_equal(stoa_conf_n_problems(conf), 1);
    assert_non_null(strstr(stoa_conf_problem_at(conf, 0), "mod.conf: "));
    assert_non_null(strstr(stoa_conf_problem_at(conf, 0), "port"));
}

static void a_folder_that_is_not_there_is_an_error(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    assert_null(stoa_conf_load("/nonexistent/conf", NULL, &error));
    assert_non_null(strstr(error->message, "/nonexistent/conf"));
}

/* -- overrides ------------------------------------------------------------------------------- */
static void an_override_wins_and_is_taken_as_it_is(void **unused G_GNUC_UNUSED)
{
    write_conf("[listen]\nport = 1\n");
    g_autoptr(StoaConf) conf = load_with("mod:listen.port=2");
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    g_autoptr(StoaConf) other = load_with("mod:admin.secret=a\\b=c #d");
    g_autoptr(StoaConfValues) more = stoa_conf_fill(other, &table);

    assert_int_equal(((const Conf *)stoa_conf_values(values))->port, 2);
    assert_string_equal(((const Conf *)stoa_conf_values(more))->secret, "a\\b=c #d");
}

static void an_override_reaches_a_file_that_does_not_exist(void **unused G_GNUC_UNUSED)
{
    expect_problem_with("mod:listen.port=5", NULL);
}

static void an_override_of_an_unknown_name_is_the_same_error(void **unused G_GNUC_UNUSED)
{
    expect_problem_with("mod:listen.prot=5",
                        "mod.conf: listen.prot: no such key, did you mean \"port\"?; known in "
                        "[listen]: port, fast, mode, allow_origins");
    write_conf("");
    expect_problem_with("mmod:listen.port=5",
                        "mmod.conf: no such file, did you mean \"mod\"?; known: mod");
}

static void an_override_of_another_form_is_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "",
                                       "mod",
                                       "mod:port=1",
                                       "mod:listen.port",
                                       ":listen.port=1",
                                       "mod:.port=1",
                                       "mod:listen.=1",
                                       NULL };

    for (unsigned i = 0; bad[i]; i++) {
        const char *const overrides[] = { bad[i], NULL };
        g_autoptr(GError) error = NULL;
        assert_null(stoa_conf_load(dir, overrides, &error));
        assert_non_null(strstr(error->message, "FILE:SECTION.KEY=VALUE"));
    }
}

/* -- secrets --------------------------------------------------------------------------------- */
static void a_secret_is_read_from_its_file_without_the_newline(void **unused G_GNUC_UNUSED)
{
    g_free(write_file("secret", "s3cret\n"));
    write_conf("[admin]\nsecret = file:secret\n");
    g_autoptr(StoaConf) conf = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);

    assert_true(stoa_conf_check(conf, NULL));
    assert_string_equal(((const Conf *)stoa_conf_values(values))->secret, "s3cret");
}

static void a_secret_that_others_can_read_is_refused(void **unused G_GNUC_UNUSED)
{
    g_autofree char *path = write_file("secret", "s3cret\n");
    g_autofree char *expected = g_strdup_printf(
        "mod.conf: admin.secret: others can read the secret in %s: chmod 600 it", path);

    g_chmod(path, 0644);
    expect_problem("[admin]\nsecret = file:secret\n", expected);
}

static void a_secret_is_never_shown_in_a_problem(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = g_strdup_printf("[admin]\nsecret = %0100d\n", 7);

    expect_problem(text, "mod.conf: admin.secret: the value given is not text of 0 to 64 bytes");
}

/* -- reload ---------------------------------------------------------------------------------- */
static void a_reload_takes_what_is_live_and_keeps_the_rest(void **unused G_GNUC_UNUSED)
{
    write_conf(
        "[listen]\nport = 1\nfast = no\nallow_origins = a\n[room-1]\npublishers = 1\n[room-2]\n");
    g_autoptr(StoaConf) before = load_with(NULL);
    g_autoptr(StoaConfValues) old = stoa_conf_fill(before, &table);
    write_conf("[listen]\nport = 2\nfast = yes\nallow_origins = a ;\n[room-1]\npublishers = 4\npin "
               "= x\n[room-3]\n");
    g_autoptr(StoaConf) after = load_with(NULL);
    StoaConfChanges changes;
    g_autoptr(StoaConfValues) values = stoa_conf_refill(after, &table, old, &changes);
    g_autofree char *live = g_strjoinv(" ", changes.live);
    g_autofree char *restart = g_strjoinv(" ", changes.restart);
    const Conf *c = stoa_conf_values(values);

    assert_string_equal(live, "listen.fast room-1.publishers [room-3] [room-2]");
    assert_string_equal(restart, "listen.port room-1.pin");
    assert_int_equal(c->port, 1);
    assert_true(c->fast);
    assert_int_equal(c->rooms[0].publishers, 4);
    assert_null(c->rooms[0].pin);
    assert_string_equal(c->rooms[1].name, "3");
    stoa_conf_changes_clear(&changes);
}

static void a_reload_with_a_bad_value_keeps_the_old_one(void **unused G_GNUC_UNUSED)
{
    write_conf("[module]\nlimit = 5\n");
    g_autoptr(StoaConf) before = load_with(NULL);
    g_autoptr(StoaConfValues) old = stoa_conf_fill(before, &table);
    write_conf("[module]\nlimit = five\n");
    g_autoptr(StoaConf) after = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_refill(after, &table, old, NULL);

    assert_false(stoa_conf_check(after, NULL));
    assert_int_equal(((const Conf *)stoa_conf_values(values))->limit, 5);
}

/* -- samples, rows of another size, names ----------------------------------------------------- */
static void a_printed_sample_agrees_with_its_table(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = stoa_conf_sample(&table, "a module");
    g_autoptr(GError) error = NULL;

    if (!stoa_conf_sample_check(&table, text, &error))
        fail_msg("%s\n%s", error->message, text);
    assert_non_null(strstr(text, "# TCP port (an integer from 0 to 65535)\nport = 8088\n"));
    assert_non_null(strstr(text, "#publishers = 3\n"));
    assert_non_null(strstr(text,
                           "[module]\n\n# Whether this module is loaded (true or false; applies "
                           "on reload)\nenabled = true\n"));
}

static void a_sample_that_lacks_a_key_or_says_another_default_is_refused(
    void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = stoa_conf_sample(&table, "a module");
    char *port = strstr(text, "port = 8088");
    g_autoptr(GError) error = NULL, missing = NULL;

    port[10] = '9';
    assert_false(stoa_conf_sample_check(&table, text, &error));
    assert_string_equal(error->message,
                        "mod.conf: listen.port: the sample says \"8089\", the table's "
                        "default is \"8088\"");
    port[0] = '#';
    assert_false(stoa_conf_sample_check(&table, text, &missing));
    assert_string_equal(missing->message, "mod.conf: listen.port: is missing from the sample");
}

static void rows_of_an_older_module_are_read_by_their_size(void **unused G_GNUC_UNUSED)
{
    typedef struct {
        const char *key;
        StoaType type;
        StoaFlags flags;
        size_t offset;
        const char *fallback;
    } OldOption;
    static const OldOption rows[] = {
        { "limit", STOA_INT, 0, offsetof(Conf, limit), "4" },
        { "listen.port", STOA_INT, 0, offsetof(Conf, port), "5" },
        { NULL },
    };
    const StoaConfTable old = { .file = "mod",
                                .options = (const StoaOption *)(const void *)rows,
                                .option_size = sizeof(OldOption),
                                .size = sizeof(Conf) };
    g_autoptr(StoaConf) conf = load_with(NULL);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &old);
    const Conf *c = stoa_conf_values(values);

    assert_int_equal(c->limit, 4);
    assert_int_equal(c->port, 5);
}

static void the_nearest_name_forgives_a_slip_but_not_another_word(void **unused G_GNUC_UNUSED)
{
    static const char *const known[] = { "port", "address", "allow_origins", NULL };

    assert_string_equal(stoa_conf_nearest("prot", known), "port");
    assert_string_equal(stoa_conf_nearest("PORT", known), "port");
    assert_string_equal(stoa_conf_nearest("adress", known), "address");
    assert_string_equal(stoa_conf_nearest("allowed_origins", known), "allow_origins");
    assert_null(stoa_conf_nearest("certificate", known));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_file_is_one_of_defaults),
        TEST(values_land_in_the_struct),
        TEST(an_empty_list_is_an_empty_list),
        TEST(free_keys_join_their_defaults),
        TEST(groups_keep_the_order_of_the_file),
        TEST(an_unknown_key_names_the_nearest),
        TEST(an_unknown_section_names_the_nearest),
        TEST(an_unknown_key_of_a_group_is_found),
        TEST(a_value_out_of_range_says_what_would_fit),
        TEST(a_key_given_twice_is_told_with_its_lines),
        TEST(every_problem_is_told_not_only_the_first),
        TEST(a_line_that_is_no_line_is_told),
        TEST(a_folder_that_is_not_there_is_an_error),
        TEST(an_override_wins_and_is_taken_as_it_is),
        TEST(an_override_reaches_a_file_that_does_not_exist),
        TEST(an_override_of_an_unknown_name_is_the_same_error),
        TEST(an_override_of_another_form_is_refused),
        TEST(a_secret_is_read_from_its_file_without_the_newline),
        TEST(a_secret_that_others_can_read_is_refused),
        TEST(a_secret_is_never_shown_in_a_problem),
        TEST(a_reload_takes_what_is_live_and_keeps_the_rest),
        TEST(a_reload_with_a_bad_value_keeps_the_old_one),
        TEST(a_printed_sample_agrees_with_its_table),
        TEST(a_sample_that_lacks_a_key_or_says_another_default_is_refused),
        TEST(rows_of_an_older_module_are_read_by_their_size),
        TEST(the_nearest_name_forgives_a_slip_but_not_another_word),
    };
    return cmocka_run_group_tests_name("base/conf", tests, NULL, NULL);
}
