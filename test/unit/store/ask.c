/* SPDX-License-Identifier: MIT */
/* Questions to the store: what they see, and that whoever writes does not wait for them. */
#include "base/loop.h"
#include "store/store.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 200, PATIENCE_S = 60 };

typedef struct {
    char *dir;
    StoaStore *store;
    atomic_bool asked, go_on; /* the question is being answered; it may end */
    int64_t first, second;    /* what it read, before and after it waited */
    char *refusal;
    unsigned n_written;
} Bed;

static const StoaStoreConf conf = { .busy_ms = PATIENCE_S * 1000 };

static int set_up(void **state)
{
    Bed *bed = g_new0(Bed, 1);

    stoa_control_init();
    bed->dir = g_dir_make_tmp("stoa-ask-XXXXXX", NULL);
    bed->store = stoa_store_new(bed->dir, &conf, NULL);
    assert_non_null(bed->store);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm" };
    Bed *bed = *state;

    stoa_store_free(bed->store);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(bed->dir, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(bed->dir);
    g_free(bed->dir);
    g_free(bed->refusal);
    g_free(bed);
    stoa_control_shutdown();
    return 0;
}

static void turn_until(const atomic_bool *flag)
{
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

    while (!atomic_load(flag) && g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, FALSE);
    assert_true(atomic_load(flag));
}

static void wait_for_store(Bed *bed)
{
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

    while (stoa_store_pending(bed->store) > 0 && g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, TRUE);
    assert_int_equal(stoa_store_pending(bed->store), 0);
}

static int64_t count(StoaDb *db, GError **error)
{
    return stoa_db_int(db, error, -1, "SELECT count(*) FROM host", "");
}

static bool write_one(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO host SELECT 'h' || n, n || '@x.example', 'H', 1"
                        " FROM (SELECT count(*) AS n FROM host)",
                        "");
}

static void written(void *data, const GError *error)
{
    assert_null(error);
    ((Bed *)data)->n_written++;
}

static bool count_once(StoaDb *db, void *data, GError **error)
{
    int64_t *n = data;

    *n = count(db, error);
    return *n >= 0;
}

static bool count_twice(StoaDb *db, void *data, GError **error)
{
    Bed *bed = data;
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

    bed->first = count(db, error);
    atomic_store(&bed->asked, true);
    while (!atomic_load(&bed->go_on) && g_get_monotonic_time() < until)
        g_usleep(1000);
    bed->second = count(db, error);
    return bed->second >= 0;
}

static void a_question_sees_all_that_was_given_before_it(void **state)
{
    Bed *bed = *state;
    int64_t seen[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        stoa_store_run(bed->store, write_one, written, bed, NULL);
        stoa_store_ask(bed->store, count_once, NULL, &seen[i], NULL);
        for (int k = i % 4; k > 0; k--) /* with the one before on its way, committed, or answered */
            g_main_context_iteration(NULL, FALSE);
    }
    wait_for_store(bed);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(seen[i] > i);
}

static void a_write_does_not_wait_for_a_long_answer(void **state)
{
    Bed *bed = *state;

    stoa_store_ask(bed->store, count_twice, NULL, bed, NULL);
    turn_until(&bed->asked);
    stoa_store_run(bed->store, write_one, written, bed, NULL);
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    while (bed->n_written == 0 && g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, FALSE);
    assert_int_equal(bed->n_written, 1);
    assert_int_equal(stoa_store_pending(bed->store), 1); /* the question */
    atomic_store(&bed->go_on, true);
    wait_for_store(bed);
    assert_int_equal(bed->first, 0);
    assert_int_equal(bed->second, 0); /* all of one moment */
}

static void scrubbed(void *data, const GError *error)
{
    assert_null(error);
    *(bool *)data = true;
}

static void a_scrub_waits_for_an_answer_and_nobody_for_the_scrub(void **state)
{
    Bed *bed = *state;
    bool is_scrubbed = false;

    stoa_store_run(bed->store, write_one, written, bed, NULL); /* something is in the WAL */
    wait_for_store(bed);
    stoa_store_ask(bed->store, count_twice, NULL, bed, NULL);
    turn_until(&bed->asked);
    stoa_store_scrub(bed->store, scrubbed, &is_scrubbed, NULL);
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    for (unsigned n = 2; n <= 20; n++) {
        stoa_store_run(bed->store, write_one, written, bed, NULL);
        while (bed->n_written < n && g_get_monotonic_time() < until)
            g_main_context_iteration(NULL, FALSE);
    }
    assert_int_equal(bed->n_written, 20);
    assert_false(is_scrubbed);
    atomic_store(&bed->go_on, true);
    wait_for_store(bed);
    assert_true(is_scrubbed);
}

static void refused(void *data, const GError *error)
{
    Bed *bed = data;

    bed->refusal = error ? g_strdup(error->message) : NULL;
}

static void a_question_changes_nothing(void **state)
{
    Bed *bed = *state;
    int64_t n = -1;

    stoa_store_ask(bed->store, write_one, refused, bed, NULL);
    stoa_store_ask(bed->store, count_once, NULL, &n, NULL);
    wait_for_store(bed);
    assert_string_equal(bed->refusal, "the server's database cannot be written");
    assert_int_equal(n, 0);
}

static void the_end_waits_for_questions(void **state)
{
    Bed *bed = *state;
    int64_t n[20];

    for (size_t i = 0; i < G_N_ELEMENTS(n); i++) {
        stoa_store_run(bed->store, write_one, written, bed, NULL);
        stoa_store_ask(bed->store, count_once, NULL, &n[i], NULL);
    }
    g_clear_pointer(&bed->store, stoa_store_free);
    for (size_t i = 0; i < G_N_ELEMENTS(n); i++)
        assert_true(n[i] > (int64_t)i);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_question_sees_all_that_was_given_before_it),
        TEST(a_write_does_not_wait_for_a_long_answer),
        TEST(a_scrub_waits_for_an_answer_and_nobody_for_the_scrub),
        TEST(a_question_changes_nothing),
        TEST(the_end_waits_for_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
