/* SPDX-License-Identifier: MIT */
/* How long a kept message takes from the request to its reply, through a real store: ROOMS rooms, PEOPLE in each, at RATE a
 * second for SECONDS. Prints percentiles in milliseconds. Usage: records [RATE [SECONDS [STORED]]]; STORED messages are in the
 * database before it begins. */
#include "../unit/store/room-row.h"
#include "base/loop.h"
#include "room/journal.h"
#include "room/request.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOMS = 10, PEOPLE = 5, TICK_MS = 2 };

typedef struct {
    StoaHandle *handle;
    GQueue asked; /* of int64_t *: when each request was made */
} Sender;

static Sender senders[ROOMS * PEOPLE];
static StoaRoom *views[ROOMS];
static StoaStore *store;
static StoaModule *module;
static GArray *waits_us;
static int64_t n_sent, n_heard, n_wanted, began_us;
static int rate = 2000;

static bool on_send(StoaRequest *req, GError **error)
{
    return stoa_request_record(req, "message",
                               json_pack("{s:s}", "text", stoa_request_string(req, "text")), error);
}

static const StoaParam send_params[] = { { "text", STOA_STRING, STOA_REQUIRED }, { NULL } };
static const StoaMethod methods[] = { { "send", on_send, STOA_ROLE_PARTICIPANT, send_params, "" },
                                      { NULL } };
static const StoaPlugin chat = { STOA_PLUGIN_SIZES, .name = "chat", .version = "1",
                                 .caps = STOA_CAP_HISTORY, .methods = methods };

static bool member(void *user G_GNUC_UNUSED, const char *id, StoaMemberFace *face)
{
    *face = (StoaMemberFace){ id, STOA_ROLE_PARTICIPANT };
    return true;
}

static void on_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    Sender *sender = stoa_handle_user(handle);

    json_decref(data);
    json_decref(jsep);
    if (!transaction) {
        n_heard++;
        return;
    }
    int64_t *asked = g_queue_pop_head(&sender->asked);
    int64_t wait = g_get_monotonic_time() - *asked;
    g_free(asked);
    g_array_append_val(waits_us, wait);
}

static const StoaHandleOutlet outlet = { on_event, NULL };

static void send_one(Sender *sender)
{
    json_t *body = json_pack("{s:s, s:s}", "request", "send", "text",
                             "Has everybody found the second exercise on page twelve?");
    StoaMessage message = { .transaction = "t", .body = body };
    int64_t now = g_get_monotonic_time();

    g_queue_push_tail(&sender->asked, g_memdup2(&now, sizeof now));
    stoa_request_run(module, sender->handle, &message);
    json_decref(body);
}

static gboolean on_tick(gpointer loop)
{
    int64_t due = MIN((g_get_monotonic_time() - began_us) * rate / G_USEC_PER_SEC, n_wanted);

    while (n_sent < due)
        send_one(&senders[n_sent++ % (ROOMS * PEOPLE)]);
    if (waits_us->len < n_wanted)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static bool make_rooms(StoaDb *db, void *data, GError **error)
{
    int64_t n_stored = *(int64_t *)data;
    bool ok = true;

    for (int i = 0; i < ROOMS + 1 && ok; i++) {
        g_autofree char *id = g_strdup_printf("%020d", i);
        ok = room_row(db, id, error);
    }
    for (int64_t i = 1; i <= n_stored && ok; i++)
        ok = stoa_db_exec(db, error,
                          "INSERT INTO record(room_id, seq, module, kind, author, at, body)"
                          " VALUES(?1, ?2, 'chat', 'message', 'somebody', 1, '{\"text\": \"stored "
                          "before, as long as people write on average in a class\"}')",
                          "si", "00000000000000000010", i);
    return ok;
}

static void on_view(StoaRoom *view, const GError *error, void *data)
{
    if (error)
        g_error("%s", error->message);
    *(StoaRoom **)data = view;
}

static void settle(void)
{
    while (stoa_store_pending(store) > 0)
        g_main_context_iteration(NULL, TRUE);
}

static void open_rooms(void)
{
    for (int i = 0; i < ROOMS; i++) {
        g_autofree char *id = g_strdup_printf("%020d", i);
        StoaRoomKeep keep = { .id = id, .title = "T", .store = store, .member = member };
        StoaRoomCore *core = stoa_room_core_keep(&keep);
        stoa_room_view_open(module, core, on_view, &views[i]);
        settle();
        for (int j = 0; j < PEOPLE; j++) {
            Sender *sender = &senders[i * PEOPLE + j];
            g_autofree char *who = g_strdup_printf("person%d", j);
            sender->handle = stoa_handle_new(module, &outlet, sender, "bench", NULL);
            stoa_handle_sit(sender->handle, views[i], who, NULL);
        }
    }
}

static void close_rooms(void)
{
    for (int i = 0; i < ROOMS * PEOPLE; i++)
        stoa_handle_free(senders[i].handle);
    for (int i = 0; i < ROOMS; i++) {
        g_autofree char *id = g_strdup_printf("%020d", i);
        stoa_room_core_close(stoa_room_core_find(id), true);
    }
    settle();
}

static int by_size(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double percentile(double part)
{
    guint at = (guint)((double)(waits_us->len - 1) * part);

    return (double)g_array_index(waits_us, int64_t, at) / 1000.0;
}

static void report(void)
{
    double seconds = (double)(g_get_monotonic_time() - began_us) / G_USEC_PER_SEC;

    g_array_sort(waits_us, by_size);
    printf(
        "%u replies in %.1f s: %.0f a second, %.0f events; p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f "
        "most %.1f ms\n",
        waits_us->len, seconds, waits_us->len / seconds, (double)n_heard, percentile(0.5),
        percentile(0.9), percentile(0.99), percentile(0.999), percentile(1));
}

int main(int argc, char **argv)
{
    int64_t n_stored = argc > 3 ? g_ascii_strtoll(argv[3], NULL, 10) : 0;
    g_autofree char *dir = g_strdup("stoa-records-XXXXXX");
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    StoaRoomEnv env = { 0 };

    rate = argc > 1 ? (int)g_ascii_strtoll(argv[1], NULL, 10) : rate;
    n_wanted = (int64_t)rate * (argc > 2 ? (int)g_ascii_strtoll(argv[2], NULL, 10) : 10);
    waits_us = g_array_new(FALSE, FALSE, sizeof(int64_t));
    stoa_control_init();
    store = stoa_store_new(g_mkdtemp(dir), NULL, &error);
    if (!store)
        g_error("%s", error->message);
    stoa_store_run(store, make_rooms, NULL, &n_stored, NULL);
    StoaConfTable table = stoa_module_conf_table(&chat);
    g_autoptr(StoaConf) conf = stoa_conf_load(dir, NULL, NULL);
    module = stoa_module_new(&chat, &env, stoa_conf_fill(conf, &table), &error);
    open_rooms();
    began_us = g_get_monotonic_time();
    g_timeout_add(TICK_MS, on_tick, loop);
    g_main_loop_run(loop);
    report();
    close_rooms();
    stoa_module_free(module);
    stoa_store_free(store);
    stoa_control_shutdown();
    static const char *const names[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
    g_array_unref(waits_us);
    return 0;
}
