/* SPDX-License-Identifier: MIT */
/* Erasure is real: after a scrub no byte of what was deleted is left in the database or its WAL. */
#include "base/loop.h"
#include "first-schema.h"
#include "room-row.h"
#include "store/store.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOMS = 40, STEPS = 120 };

/* Every row carries a mark of its own; `live` are those that were not deleted, by room. */
typedef struct {
    GRand *dice;
    GHashTable *live[ROOMS]; /* mark → number of the record */
    unsigned n_marks, seq;
} World;

static char *new_mark(World *world, unsigned room, unsigned seq)
{
    char *mark = g_strdup_printf("MARK%08uX", ++world->n_marks);

    g_hash_table_insert(world->live[room], g_strdup(mark), GUINT_TO_POINTER(seq));
    return mark;
}

static bool add_record(StoaDb *db, World *world, GError **error)
{
    static const int lengths[] = { 0, 10, 50, 300, 1500, 6000 };
    unsigned room = (unsigned)g_rand_int_range(world->dice, 0, ROOMS), seq = ++world->seq;
    g_autofree char *id = g_strdup_printf("room%u", room);
    g_autofree char *mark = new_mark(world, room, seq);
    g_autofree char *mail = new_mark(world, room, 0);
    g_autofree char *person = g_strdup_printf("%08x", g_rand_int(world->dice));
    g_autofree char *filling =
        g_strnfill((gsize)lengths[g_rand_int_range(world->dice, 0, G_N_ELEMENTS(lengths))], 'z');
    g_autofree char *body = g_strconcat(mark, filling, NULL);

    return stoa_db_exec(db, error,
                        "INSERT INTO record(room_id, seq, module, kind, author, at, body)"
                        " VALUES(?1, ?2, 'chat', 'message', ?3, 1, ?4)",
                        "siss", id, (int64_t)seq, person, body) &&
           stoa_db_exec(db, error,
                        "INSERT INTO participant(id, room_id, email, name, role, created_at)"
                        " VALUES(?1, ?2, ?3, ?3, 'participant', 1)",
                        "sss", person, id, mail);
}

static bool forget_record(StoaDb *db, World *world, GError **error)
{
    unsigned room = (unsigned)g_rand_int_range(world->dice, 0, ROOMS);
    GHashTableIter iter;
    gpointer seq = NULL;

    g_hash_table_iter_init(&iter, world->live[room]);
    while (g_hash_table_iter_next(&iter, NULL, &seq) && !seq)
        continue;
    if (!seq)
        return true;
    g_hash_table_iter_remove(&iter);
    return stoa_db_exec(db, error, "UPDATE record SET body = NULL WHERE seq = ?1", "i",
                        (int64_t)GPOINTER_TO_UINT(seq));
}

static bool forget_room(StoaDb *db, World *world, GError **error)
{
    unsigned room = (unsigned)g_rand_int_range(world->dice, 0, ROOMS);
    g_autofree char *id = g_strdup_printf("room%u", room);

    g_hash_table_remove_all(world->live[room]);
    return stoa_db_exec(db, error, "DELETE FROM record WHERE room_id = ?1", "s", id) &&
           stoa_db_exec(db, error, "DELETE FROM participant WHERE room_id = ?1", "s", id);
}

static bool make_rooms(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    bool ok = true;

    for (unsigned i = 0; i < ROOMS && ok; i++) {
        g_autofree char *id = g_strdup_printf("room%u", i);
        ok = room_row(db, id, error);
    }
    return ok;
}

static bool live_a_little(StoaDb *db, void *data, GError **error)
{
    World *world = data;
    bool ok = true;

    for (int n = g_rand_int_range(world->dice, 1, 50); n > 0 && ok; n--)
        ok = add_record(db, world, error);
    for (int n = g_rand_int_range(world->dice, 0, 5); n > 0 && ok; n--)
        ok = forget_record(db, world, error);
    if (g_rand_int_range(world->dice, 0, 3) == 0 && ok)
        ok = forget_room(db, world, error);
    return ok;
}

static void no_error(void *data G_GNUC_UNUSED, const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static void wait_for(StoaStore *store)
{
    gint64 until = g_get_monotonic_time() + 120 * G_USEC_PER_SEC;

    while (stoa_store_pending(store) > 0 && g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, TRUE);
    assert_int_equal(stoa_store_pending(store), 0);
}

static World *world_new(StoaStore *store)
{
    World *world = g_new0(World, 1);

    world->dice =
        g_rand_new_with_seed(3); /* one that leaves something behind in each way there is */
    for (unsigned i = 0; i < ROOMS; i++)
        world->live[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    stoa_store_run(store, make_rooms, no_error, NULL, NULL);
    for (unsigned i = 0; i < STEPS; i++) {
        stoa_store_run(store, live_a_little, no_error, world, NULL);
        wait_for(store); /* a transaction each: pages are split and joined in between */
    }
    return world;
}

static void world_free(World *world)
{
    for (unsigned i = 0; i < ROOMS; i++)
        g_hash_table_unref(world->live[i]);
    g_rand_free(world->dice);
    g_free(world);
}

static void remove_all(const char *dir)
{
    static const char *const names[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm", "copy.db" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
}

/* Marks in a file that should not be there; those that are there and should be are taken off `missing`. */
static unsigned count_stale(World *world, const char *dir, const char *name, unsigned *n_found)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *bytes = NULL;
    gsize len = 0;
    unsigned n = 0;

    if (!g_file_get_contents(path, &bytes, &len, NULL))
        return 0;
    /* no memmem(): a sanitizer looks at all that is left of the file at each call */
    for (const char *at = bytes; (at = memchr(at, 'M', len - (gsize)(at - bytes))); at++) {
        bool is_live = false;
        if (strncmp(at, "MARK", 4) != 0)
            continue;
        g_autofree char *mark = g_strndup(at, 13);
        for (unsigned i = 0; i < ROOMS; i++)
            is_live |= g_hash_table_contains(world->live[i], mark);
        *n_found += is_live;
        n += !is_live;
    }
    return n;
}

static void assert_clean(World *world, const char *dir)
{
    unsigned n_live = 0, n_found = 0;

    for (unsigned i = 0; i < ROOMS; i++)
        n_live += g_hash_table_size(world->live[i]);
    assert_true(n_live > 1000);
    assert_int_equal(count_stale(world, dir, "stoa.db", &n_found), 0);
    assert_int_equal(count_stale(world, dir, "stoa.db-wal", &n_found), 0);
    assert_true(n_found >= n_live);
}

static bool is_sound(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_int(db, error, 0,
                       "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'",
                       "") == 1;
}

static bool add_more(StoaDb *db, void *data, GError **error)
{
    return add_record(db, data, error) && add_record(db, data, error);
}

static void nothing_that_was_deleted_is_left_after_a_scrub(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    World *world = world_new(store);

    stoa_store_scrub(store, no_error, NULL, NULL);
    wait_for(store);
    assert_clean(world, dir);
    for (int i = 0; i < 200; i++) /* pages are changed that were in memory before */
        stoa_store_run(store, add_more, no_error, world, NULL);
    stoa_store_run(store, is_sound, no_error, NULL, NULL);
    wait_for(store);
    assert_clean(world, dir);
    stoa_store_free(store);
    world_free(world);
    remove_all(dir);
}

static void a_backup_holds_nothing_that_was_deleted_before(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    g_autofree char *copy = g_build_filename(dir, "copy.db", NULL);
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    World *world = world_new(store);
    unsigned n_found = 0;

    assert_true(stoa_store_backup(dir, copy, NULL));
    assert_int_equal(count_stale(world, dir, "copy.db", &n_found), 0);
    assert_true(n_found > 1000);
    stoa_store_free(store);
    world_free(world);
    remove_all(dir);
}

/* What a gateway that was killed leaves: the file, and a WAL that nobody brought into it. */
static void copy_as_killed(const char *from, const char *to)
{
    static const char *const names[] = { "stoa.db", "stoa.db-wal" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *source = g_build_filename(from, names[i], NULL);
        g_autofree char *target = g_build_filename(to, names[i], NULL);
        g_autofree char *bytes = NULL;
        gsize len = 0;
        assert_true(g_file_get_contents(source, &bytes, &len, NULL));
        assert_true(g_file_set_contents(target, bytes, (gssize)len, NULL));
    }
}

static void a_backup_leaves_nothing_in_what_a_killed_gateway_left(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    g_autofree char *killed = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    g_autofree char *copy = g_build_filename(killed, "copy.db", NULL);
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    World *world = world_new(store);

    copy_as_killed(dir, killed);
    assert_true(stoa_store_backup(killed, copy, NULL)); /* closes it as the last */
    assert_clean(world, killed);
    stoa_store_free(store);
    world_free(world);
    remove_all(killed);
    remove_all(dir);
}

static void what_was_deleted_before_a_kill_goes_at_the_next_start(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    g_autofree char *killed = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    World *world = world_new(store);
    unsigned n_found = 0;

    copy_as_killed(dir, killed);
    assert_true(count_stale(world, killed, "stoa.db-wal", &n_found) > 0);
    stoa_store_free(store);
    store = stoa_store_new(killed, NULL, NULL);
    while (count_stale(world, killed, "stoa.db-wal", &n_found) > 0 &&
           g_get_monotonic_time() < until)
        g_usleep(10000);
    assert_clean(world, killed);
    stoa_store_free(store);
    world_free(world);
    remove_all(killed);
    remove_all(dir);
}

static bool become_old(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(back_to_first); i++) {
        if (!stoa_db_exec(db, error, back_to_first[i], ""))
            return false;
    }
    return true;
}

/* As a build without a VFS of its own did. Behind the cell pointers of a leaf are bytes that nobody owns. */
static unsigned leave_marks(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize len = 0;
    unsigned n = 0;

    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    for (gsize at = 4096; at + 4096 <= len; at += 4096) {
        const uint8_t *page = (const uint8_t *)bytes + at;
        size_t gap = 8 + 2 * (size_t)(page[3] << 8 | page[4]);
        size_t cells = (size_t)(page[5] << 8 | page[6]);
        if (page[0] != 13 || gap + 13 > cells)
            continue;
        memcpy(bytes + at + gap, "MARKdeadbeefX", 13);
        n++;
    }
    assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
    return n;
}

static void what_an_older_build_left_goes_when_it_is_opened(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-scrub-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "stoa.db", NULL);
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    World *world = world_new(store);
    unsigned n_found = 0;

    stoa_store_run(store, become_old, no_error, NULL, NULL);
    stoa_store_free(store);
    assert_true(leave_marks(path) > 10);
    assert_true(count_stale(world, dir, "stoa.db", &n_found) > 10);
    store = stoa_store_new(dir, NULL, NULL);
    assert_non_null(store);
    stoa_store_scrub(store, no_error, NULL, NULL);
    stoa_store_run(store, is_sound, no_error, NULL, NULL);
    wait_for(store);
    assert_clean(world, dir);
    stoa_store_free(store);
    world_free(world);
    remove_all(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_deleted_is_left_after_a_scrub),
        cmocka_unit_test(a_backup_holds_nothing_that_was_deleted_before),
        cmocka_unit_test(a_backup_leaves_nothing_in_what_a_killed_gateway_left),
        cmocka_unit_test(what_was_deleted_before_a_kill_goes_at_the_next_start),
        cmocka_unit_test(what_an_older_build_left_goes_when_it_is_opened),
    };

    stoa_control_init();
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    stoa_control_shutdown();
    return bad;
}
