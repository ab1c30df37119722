/* SPDX-License-Identifier: MIT */
/* The store: one transaction for what waits, a savepoint a job, order, errors, backup. "print" prints the conf sample. */
#include "store/store.h"
#include "base/loop.h"
#include "first-schema.h"
#include "store/schema.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char *dir;
    StoaStore *store;
} Bed;

/* What jobs said when they were done, in that order: "a", or "b!" with an error. */
static GString *told;
static GError *last_error;

typedef struct {
    const char *name, *sql;
    int64_t number; /* read by a job that asks */
    bool fail;
} Task;

static bool work(StoaDb *db, void *data, GError **error)
{
    Task *task = data;

    if (task->sql && !stoa_db_exec(db, error, task->sql, ""))
        return false;
    return !task->fail || stoa_fail(error, STOA_ERROR_CONFLICT, "as asked");
}

static void done(void *data, const GError *error)
{
    const Task *task = data;

    stoa_control_assert();
    g_string_append_printf(told, "%s%s", task->name, error ? "!" : "");
    g_clear_error(&last_error);
    last_error = error ? g_error_copy(error) : NULL;
}

static bool count(StoaDb *db, void *data, GError **error)
{
    Task *task = data;

    task->number = stoa_db_int(db, error, -1, task->sql, "");
    return task->number >= 0;
}

static void give(Bed *bed, Task task)
{
    stoa_store_run(bed->store, work, done, g_memdup2(&task, sizeof task), g_free);
}

static void wait_for_store(Bed *bed)
{
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    while (stoa_store_pending(bed->store) > 0 && g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, TRUE);
    assert_int_equal(stoa_store_pending(bed->store), 0);
}

static int64_t ask(Bed *bed, const char *sql)
{
    Task task = { .sql = sql, .number = -1 };

    stoa_store_run(bed->store, count, NULL, &task, NULL);
    wait_for_store(bed);
    return task.number;
}

static StoaStoreConf conf = { .busy_ms = 1000 };

static void open_store(Bed *bed)
{
    g_autoptr(GError) error = NULL;

    bed->store = stoa_store_new(bed->dir, &conf, &error);
    if (!bed->store)
        fail_msg("%s", error->message);
}

static int set_up(void **state)
{
    Bed *bed = g_new0(Bed, 1);

    stoa_control_init();
    conf = (StoaStoreConf){ .busy_ms = 1000 };
    told = g_string_new(NULL);
    bed->dir = g_dir_make_tmp("stoa-store-XXXXXX", NULL);
    open_store(bed);
    *state = bed;
    return 0;
}

static void remove_dir(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_unlink(file);
    }
    g_dir_close(dir);
    g_rmdir(path);
}

static int tear_down(void **state)
{
    Bed *bed = *state;

    stoa_store_free(bed->store);
    remove_dir(bed->dir);
    g_free(bed->dir);
    g_free(bed);
    g_string_free(told, TRUE);
    g_clear_error(&last_error);
    stoa_control_shutdown();
    return 0;
}

#define HOST(id) "INSERT INTO host VALUES('" id "', '" id "@x.example', 'N', 1)"

static void jobs_are_done_in_order_on_control(void **state)
{
    Bed *bed = *state;

    give(bed, (Task){ "a", HOST("a") });
    give(bed, (Task){ "b", HOST("b") });
    give(bed, (Task){ "c", NULL });
    assert_int_equal(stoa_store_pending(bed->store), 3);
    wait_for_store(bed);
    assert_string_equal(told->str, "abc");
    assert_int_equal(ask(bed, "SELECT count(*) FROM host"), 2);
}

static void one_that_fails_is_undone_alone(void **state)
{
    Bed *bed = *state;

    give(bed, (Task){ "a", HOST("a") });
    give(bed, (Task){ "b", HOST("b"), .fail = true });
    give(bed, (Task){ "c", HOST("a") }); /* the same address */
    give(bed, (Task){ "d", HOST("d") });
    give(bed, (Task){ "e", "no SQL at all" });
    give(bed, (Task){ "f", HOST("f") });
    wait_for_store(bed);
    assert_string_equal(told->str, "ab!c!de!f");
    assert_int_equal(ask(bed, "SELECT count(*) FROM host WHERE id IN ('a', 'd', 'f')"), 3);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host"), 3);
}

static void errors_are_told_in_their_words(void **state)
{
    Bed *bed = *state;

    give(bed, (Task){ "a", .fail = true });
    wait_for_store(bed);
    assert_true(g_error_matches(last_error, STOA_ERROR, STOA_ERROR_CONFLICT));
    assert_string_equal(last_error->message, "as asked");
    give(bed, (Task){ "b", HOST("b") });
    give(bed, (Task){ "c", HOST("b") });
    wait_for_store(bed);
    assert_true(g_error_matches(last_error, STOA_ERROR, STOA_ERROR_CONFLICT));
    assert_null(strstr(last_error->message, "host")); /* tables are nobody's business */
}

static void a_full_database_fails_and_loses_nothing(void **state)
{
    Bed *bed = *state;

    give(bed, (Task){ "a", HOST("a") });
    give(bed, (Task){ "b", "PRAGMA max_page_count = 1" });
    wait_for_store(bed);
    for (int i = 0; i < 20; i++)
        give(bed, (Task){ "-", "INSERT INTO mail(recipient, kind, payload, next_try_at, created_at)"
                               " VALUES('x', 'k', hex(randomblob(30000)), 1, 1)" });
    wait_for_store(bed);
    assert_true(g_error_matches(last_error, STOA_ERROR, STOA_ERROR_UNAVAILABLE));
    assert_string_equal(last_error->message, "the server's disk is full: nothing can be kept now");
    give(bed, (Task){ "c", "PRAGMA max_page_count = 1000000" });
    give(bed, (Task){ "d", HOST("d") });
    wait_for_store(bed);
    assert_null(last_error);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host"), 2);
    assert_int_equal(ask(bed, "SELECT count(*) FROM pragma_integrity_check WHERE "
                              "integrity_check = 'ok'"),
                     1);
}

static void with_little_room_nothing_is_inserted_but_much_is_deleted(void **state)
{
    Bed *bed = *state;

    give(bed, (Task){ "a", HOST("a") });
    wait_for_store(bed);
    stoa_store_free(bed->store);
    conf.min_free_bytes = INT64_MAX;
    open_store(bed);
    give(bed, (Task){ "b", HOST("b") });
    wait_for_store(bed);
    assert_true(g_error_matches(last_error, STOA_ERROR, STOA_ERROR_UNAVAILABLE));
    give(bed, (Task){ "c", "DELETE FROM host" });
    wait_for_store(bed);
    assert_null(last_error);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host"), 0);
}

static void the_end_waits_for_what_was_given(void **state)
{
    Bed *bed = *state;

    for (int i = 0; i < 50; i++)
        give(bed, (Task){ "-", NULL });
    give(bed, (Task){ "z", HOST("z") });
    stoa_store_free(bed->store);
    assert_int_equal(told->len, 51);
    open_store(bed);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host WHERE id = 'z'"), 1);
}

/* How often the WAL began anew: a number in its head. */
static int64_t n_wal_rounds(const Bed *bed)
{
    g_autofree char *path = g_build_filename(bed->dir, "stoa.db-wal", NULL);
    uint8_t head[16] = { 0 };
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fread(head, sizeof head, 1, file), 1);
    fclose(file);
    return (int64_t)head[12] << 24 | head[13] << 16 | head[14] << 8 | head[15];
}

static void the_wal_comes_into_the_database_beside_the_writing(void **state)
{
    Bed *bed = *state;
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    give(bed, (Task){ "a", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                           " WHERE i < 1200) INSERT INTO host SELECT i, i || '@x.example',"
                           " hex(zeroblob(2000)), 1 FROM n" });
    wait_for_store(bed);
    int64_t before = n_wal_rounds(bed);
    while (n_wal_rounds(bed) == before && g_get_monotonic_time() < until) {
        give(bed, (Task){ "b", "UPDATE host SET name = name || 'x' WHERE id = 1" });
        wait_for_store(bed);
    }
    assert_int_not_equal(n_wal_rounds(bed), before);
}

/* It would, on its way out, if it took itself for the last one. */
static void another_program_leaves_the_wal_alone(void **state)
{
    Bed *bed = *state;
    g_autofree char *path = g_build_filename(bed->dir, "stoa.db", NULL);
    g_autofree char *wal = g_build_filename(bed->dir, "stoa.db-wal", NULL);
    g_autofree char *command = g_strdup_printf("sqlite3 %s 'SELECT count(*) FROM host'", path);
    struct stat before, after;
    int status = -1;

    give(bed, (Task){ "a", HOST("a") });
    wait_for_store(bed);
    assert_int_equal(stat(wal, &before), 0);
    g_autofree char *printed = NULL;
    if (!g_spawn_command_line_sync(command, &printed, NULL, &status, NULL))
        skip();
    assert_int_equal(status, 0);
    assert_int_equal(stat(wal, &after), 0);
    assert_true(before.st_ino == after.st_ino);
}

static void the_settings_are_those_of_a_careful_store(void **state)
{
    Bed *bed = *state;
    static const char *const names[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm" };

    give(bed, (Task){ "a", HOST("a") });
    wait_for_store(bed);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(bed->dir, names[i], NULL);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_int_equal(
        ask(bed, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(ask(bed, "PRAGMA synchronous"), 2);
    assert_int_equal(ask(bed, "PRAGMA secure_delete"), 1);
    assert_int_equal(ask(bed, "PRAGMA foreign_keys"), 1);
    assert_int_equal(ask(bed, "PRAGMA user_version"), stoa_schema_version());
}

static void assert_refused(Bed *bed, const char *words)
{
    g_autoptr(GError) error = NULL;
    StoaStore *store = stoa_store_new(bed->dir, &conf, &error);

    assert_null(store);
    if (!strstr(error->message, words))
        fail_msg("%s", error->message);
}

static void an_older_database_is_brought_up(void **state)
{
    Bed *bed = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(back_to_first); i++)
        give(bed, (Task){ "a", back_to_first[i] });
    wait_for_store(bed);
    g_clear_pointer(&bed->store, stoa_store_free);
    open_store(bed);
    assert_int_equal(ask(bed, "PRAGMA user_version"), stoa_schema_version());
    assert_int_equal(ask(bed, "SELECT id * 10 + tries FROM mail WHERE file = 0"), 73);
    assert_int_equal(ask(bed, "SELECT count(*) FROM mail_file WHERE payload IS NULL"), 1);
    assert_int_equal(ask(bed, "SELECT written_at > 1700000000000 FROM mail_file"), 1);
    give(bed, (Task){ "b", "DELETE FROM mail" });
    give(bed, (Task){ "b", "INSERT INTO mail (recipient, kind, payload, next_try_at, created_at)"
                           " VALUES ('a@x.org', 'signin', '{}', 1, 1)" });
    wait_for_store(bed);
    assert_int_equal(ask(bed, "SELECT id FROM mail"), 8); /* no number twice */
}

static void a_newer_or_foreign_database_is_refused(void **state)
{
    Bed *bed = *state;
    g_autofree char *path = g_build_filename(bed->dir, "stoa.db", NULL);

    give(bed, (Task){ "a", "PRAGMA user_version = 1000" });
    wait_for_store(bed);
    g_clear_pointer(&bed->store, stoa_store_free);
    assert_refused(bed, "newer Stoa (schema 1000, this program knows 8)");
    conf.busy_ms = 1000;
    remove_dir(bed->dir);
    g_mkdir(bed->dir, 0700);
    assert_true(
        g_file_set_contents(path, "this is a text of somebody else, no database", -1, NULL));
    assert_refused(bed, "is no database");
    g_unlink(path);
    open_store(bed);
    give(bed, (Task){ "b", "PRAGMA application_id = 7" });
    wait_for_store(bed);
    g_clear_pointer(&bed->store, stoa_store_free);
    assert_refused(bed, "none of Stoa's");
}

static bool all_types(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8", "sinbjtts", "it's ü", (int64_t)-7,
        "a\0b", (size_t)3, json_true(), (int64_t)0, (int64_t)1234, (const char *)NULL);
    size_t len;

    assert_non_null(rows);
    assert_true(stoa_rows_next(rows, error));
    assert_string_equal(stoa_rows_text(rows, 0), "it's ü");
    assert_int_equal(stoa_rows_int(rows, 1), -7);
    assert_true(stoa_rows_is_null(rows, 2));
    assert_memory_equal(stoa_rows_blob(rows, 3, &len), "a\0b", 3);
    assert_int_equal(len, 3);
    json_t *value = stoa_rows_json(rows, 4);
    assert_true(json_is_true(value));
    assert_true(stoa_rows_is_null(rows, 5));
    assert_int_equal(stoa_rows_int(rows, 6), 1234);
    assert_null(stoa_rows_text(rows, 7));
    assert_false(stoa_rows_next(rows, error));
    return true;
}

static bool one_within_another(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    static const char sql[] = "SELECT 1 UNION ALL SELECT 2";
    g_autoptr(StoaRows) outer = stoa_db_query(db, error, sql, "");
    int n = 0;

    while (stoa_rows_next(outer, error)) {
        g_autoptr(StoaRows) inner = stoa_db_query(db, error, sql, "");
        while (stoa_rows_next(inner, error))
            n++;
    }
    return n == 4;
}

static void parameters_and_columns_keep_their_types(void **state)
{
    Bed *bed = *state;
    Task task = { .name = "a" };

    stoa_store_run(bed->store, all_types, done, &task, NULL);
    stoa_store_run(bed->store, one_within_another, done, &task, NULL);
    wait_for_store(bed);
    assert_string_equal(told->str, "aa");
}

static void a_backup_of_a_running_store_is_a_whole_one(void **state)
{
    Bed *bed = *state;
    g_autofree char *copy = g_build_filename(bed->dir, "copy.db", NULL);
    g_autofree char *live = g_build_filename(bed->dir, "stoa.db", NULL);
    g_autoptr(GError) error = NULL;
    struct stat info;

    give(bed, (Task){ "a", HOST("a") });
    wait_for_store(bed);
    assert_true(stoa_store_backup(bed->dir, copy, &error));
    assert_int_equal(stat(copy, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_false(stoa_store_backup(bed->dir, copy, &error)); /* never over another */
    give(bed, (Task){ "b", HOST("b") });
    wait_for_store(bed);
    g_clear_pointer(&bed->store, stoa_store_free);
    assert_int_equal(g_rename(copy, live), 0); /* the restore, as the operator's guide has it */
    open_store(bed);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host"), 1);
    assert_int_equal(ask(bed, "SELECT count(*) FROM host WHERE id = 'a'"), 1);
}

static void a_store_in_memory_is_done_at_the_next_turn(void **state G_GNUC_UNUSED)
{
    g_autoptr(StoaStore) store = stoa_store_new(NULL, NULL, NULL);
    Task task = { "a", HOST("a") };

    stoa_store_run(store, work, done, &task, NULL);
    assert_string_equal(told->str, "");
    stoa_control_turn();
    assert_string_equal(told->str, "a");
}

static void ids_and_times_have_their_shape(void **state G_GNUC_UNUSED)
{
    g_autofree char *id = stoa_store_id();
    g_autofree char *at = stoa_store_time(1700000000123);

    assert_int_equal(strlen(id), 20);
    assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                     20);
    assert_string_equal(at, "2023-11-14T22:13:20.123Z");
    assert_null(stoa_store_time(0));
}

static void the_sample_has_every_key_with_its_default(void **state G_GNUC_UNUSED)
{
    const char *top = g_getenv("STOA_SRCDIR");
    g_autofree char *path = g_build_filename(top ? top : ".", "conf", "store.conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (!stoa_conf_sample_check(stoa_store_conf_table(), text, &error))
        fail_msg("%s", error->message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(jobs_are_done_in_order_on_control),
        TEST(one_that_fails_is_undone_alone),
        TEST(errors_are_told_in_their_words),
        TEST(a_full_database_fails_and_loses_nothing),
        TEST(with_little_room_nothing_is_inserted_but_much_is_deleted),
        TEST(the_end_waits_for_what_was_given),
        TEST(the_wal_comes_into_the_database_beside_the_writing),
        TEST(another_program_leaves_the_wal_alone),
        TEST(the_settings_are_those_of_a_careful_store),
        TEST(an_older_database_is_brought_up),
        TEST(a_newer_or_foreign_database_is_refused),
        TEST(parameters_and_columns_keep_their_types),
        TEST(a_backup_of_a_running_store_is_a_whole_one),
        TEST(a_store_in_memory_is_done_at_the_next_turn),
        TEST(ids_and_times_have_their_shape),
        TEST(the_sample_has_every_key_with_its_default),
    };

    if (argc > 1 && g_str_equal(argv[1], "print")) {
        g_autofree char *sample = stoa_conf_sample(
            stoa_store_conf_table(), "The database, stoa.db in the data folder: what rooms keep.");
        fputs(sample, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
