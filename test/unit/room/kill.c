/* SPDX-License-Identifier: MIT */
/* kill -9 at any moment loses nothing that was acknowledged. A child keeps messages as fast as it can and says on a pipe which
 * were acknowledged; it is killed, and the store is opened again. 5 rounds, or as many as STOA_ROUNDS says. */
#include "../store/room-row.h"
#include "base/loop.h"
#include "room/journal.h"
#include "room/request.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ON_THE_WAY = 20, MOST_MS = 150 };

static const char room_id[] = "room0000000000000001";

/* -- the child ---------------------------------------------------------------------------- */

static int acks_fd;
static StoaModule *module;

static bool on_send(StoaRequest *req, GError **error)
{
    g_autofree char *filling = g_strnfill((gsize)g_random_int_range(0, 3000), 'x');

    return stoa_request_record(req, "message", json_pack("{s:s}", "text", filling), error);
}

static const StoaMethod methods[] = { { "send", on_send, STOA_ROLE_PARTICIPANT, NULL, "" },
                                      { NULL } };
static const StoaPlugin chat = { STOA_PLUGIN_SIZES, .name = "chat", .version = "1",
                                 .caps = STOA_CAP_HISTORY, .methods = methods };

static bool member(void *user G_GNUC_UNUSED, const char *id G_GNUC_UNUSED, StoaMemberFace *face)
{
    *face = (StoaMemberFace){ "Ana", STOA_ROLE_PARTICIPANT };
    return true;
}

static void send_one(void *handle)
{
    json_t *body = json_pack("{s:s}", "request", "send");
    StoaMessage message = { .transaction = "t", .body = body };

    stoa_request_run(module, handle, &message);
    json_decref(body);
}

static void on_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(data, "seq"));

    json_decref(data);
    json_decref(jsep);
    if (!transaction)
        return;
    if (seq == 0 || write(acks_fd, &seq, sizeof seq) != sizeof seq)
        _exit(1);
    stoa_control_post(send_one, handle, NULL);
}

static const StoaHandleOutlet outlet = { on_event, NULL };

static void on_view(StoaRoom *view, const GError *error, void *data G_GNUC_UNUSED)
{
    if (error)
        _exit(2);
    StoaHandle *handle = stoa_handle_new(module, &outlet, NULL, "kill", NULL);
    stoa_handle_sit(handle, view, "ana", NULL);
    for (int i = 0; i < ON_THE_WAY; i++)
        send_one(handle);
}

static bool make_room(StoaDb *db, void *data, GError **error)
{
    *(uint64_t *)data = stoa_journal_last_seq(db, room_id, error);
    return room_row(db, room_id, error);
}

static void be_the_child(const char *dir)
{
    static StoaRoomEnv env;
    StoaConfTable table = stoa_module_conf_table(&chat);
    uint64_t last = 0;

    stoa_control_init();
    g_autoptr(StoaConf) conf = stoa_conf_load(dir, NULL, NULL);
    StoaStore *store = stoa_store_new(dir, NULL, NULL);
    if (!store)
        _exit(3);
    stoa_store_run(store, make_room, NULL, &last, NULL);
    while (stoa_store_pending(store) > 0)
        g_main_context_iteration(NULL, TRUE);
    module = stoa_module_new(&chat, &env, stoa_conf_fill(conf, &table), NULL);
    StoaRoomKeep keep = {
        .id = room_id, .title = "T", .store = store, .last_seq = last, .member = member
    };
    stoa_room_view_open(module, stoa_room_core_keep(&keep), on_view, NULL);
    stoa_control_run();
}

/* -- the parent --------------------------------------------------------------------------- */

static pid_t start_child(const char *dir, int *fd)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        acks_fd = ends[1];
        be_the_child(dir);
        _exit(4);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

/* Reads until the child is gone; it is killed some moments after its first word. */
static GArray *read_acks(pid_t pid, int fd)
{
    GArray *acks = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    gint64 kill_at = 0;
    uint64_t seq;

    while (read(fd, &seq, sizeof seq) == sizeof seq) {
        g_array_append_val(acks, seq);
        if (kill_at == 0)
            kill_at = g_get_monotonic_time() + g_random_int_range(0, MOST_MS) * 1000;
        if (g_get_monotonic_time() >= kill_at)
            kill(pid, SIGKILL);
    }
    close(fd);
    return acks;
}

typedef struct {
    GArray *acks;
    int64_t n, last, n_broken, n_missing;
    bool is_whole;
} Finding;

static bool look(StoaDb *db, void *data, GError **error)
{
    Finding *found = data;

    found->n = stoa_db_int(db, error, -1, "SELECT count(*) FROM record", "");
    found->last = stoa_db_int(db, error, -1, "SELECT max(seq) FROM record", "");
    found->n_broken =
        stoa_db_int(db, error, -1, "SELECT count(*) FROM record WHERE NOT json_valid(body)", "");
    for (guint i = 0; i < found->acks->len; i++)
        found->n_missing += stoa_db_int(db, error, 0, "SELECT count(*) FROM record WHERE seq = ?1",
                                        "i", (int64_t)g_array_index(found->acks, uint64_t, i)) != 1;
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, "PRAGMA integrity_check", "");
    found->is_whole = stoa_rows_next(rows, error) && g_str_equal(stoa_rows_text(rows, 0), "ok");
    return true;
}

static void check(const char *dir, GArray *acks)
{
    Finding found = { .acks = acks };
    StoaStore *store = stoa_store_new(dir, NULL, NULL);

    assert_non_null(store);
    stoa_store_run(store, look, NULL, &found, NULL);
    stoa_store_free(store);
    assert_int_equal(found.n_missing, 0);
    assert_int_equal(found.n_broken, 0);
    assert_int_equal(found.n, found.last); /* numbers without a gap, over all lives */
    assert_true(found.is_whole);
}

static void what_was_acknowledged_is_there_after_a_kill(void **unused G_GNUC_UNUSED)
{
    g_autofree char *dir = g_dir_make_tmp("stoa-kill-XXXXXX", NULL);
    const char *asked = g_getenv("STOA_ROUNDS");
    int rounds = asked ? (int)g_ascii_strtoll(asked, NULL, 10) : 5, fd, status;
    guint n_acks = 0;

    for (int i = 0; i < rounds; i++) {
        pid_t pid = start_child(dir, &fd);
        g_autoptr(GArray) acks = read_acks(pid, fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        stoa_control_init();
        check(dir, acks);
        stoa_control_shutdown();
        n_acks += acks->len;
    }
    assert_true(n_acks > (guint)rounds);
    print_message("%d kills, %u acknowledged\n", rounds, n_acks);
    static const char *const names[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_is_there_after_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
