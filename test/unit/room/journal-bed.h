/* SPDX-License-Identifier: MIT */
#pragma once /* A room with a journal for tests: the plugin of STYLE section 10, a store in memory, people who speak JSON. */
#include "../store/room-row.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/timer.h"
#include "room/file.h"
#include "room/journal-private.h"
#include "room/request-private.h"
#include "room/room-private.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- the plugin --------------------------------------------------------------------------- */

typedef struct {
    int64_t raised, turns;
    char *last; /* who moved last, to see that what is owned is freed */
} HandsRoom;
typedef struct {
    int64_t turn;
} HandsSeat;

static unsigned n_applied, n_joined, n_left, n_forgotten;

static bool on_raise(StoaRequest *req, GError **error)
{
    HandsSeat *seat = stoa_participant_state(stoa_request_from(req));
    bool up = stoa_request_bool(req, "up");

    if (up == (seat->turn > 0))
        return stoa_fail(error, STOA_ERROR_CONFLICT, "your hand is there already");
    return stoa_request_record(req, "hand", json_pack("{s:b}", "up", up), error);
}

/* Says something to one person, and what it said before is erased. */
static bool on_whisper(StoaRequest *req, GError **error)
{
    uint64_t erase = (uint64_t)stoa_request_int(req, "erase");
    json_t *body = json_pack("{s:s}", "text", stoa_request_string(req, "text"));

    if (!stoa_request_record_to(req, "whisper", body, stoa_request_string(req, "to"), error))
        return false;
    if (erase)
        stoa_room_erase(stoa_request_room(req), erase);
    return true;
}

/* Proposes and then fails: nothing of it happened. */
static bool on_stumble(StoaRequest *req, GError **error)
{
    return stoa_request_record(req, "hand", json_pack("{s:b}", "up", 1), error) &&
           stoa_fail(error, STOA_ERROR_LIMIT, "stumbled");
}

static bool got_history(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                        GError **error G_GNUC_UNUSED)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer((json_int_t)stoa_record_seq(records[i])));
    stoa_request_reply(req, json_pack("{s:o, s:b}", "seqs", list, "more", more));
    return true;
}

static bool on_history(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    StoaRecordQuery query = { .limit = (unsigned)stoa_request_int(req, "limit"),
                              .before = (uint64_t)stoa_request_int(req, "before"),
                              .kind = stoa_request_string(req, "kind"),
                              .newest = true };

    stoa_request_read(req, &query, got_history);
    return true;
}

static bool file_added(StoaRequest *req, const StoaFile *file, GError **error)
{
    if (stoa_file_size(file) > 100)
        return stoa_fail(error, STOA_ERROR_LIMIT, "too large");
    stoa_request_reply(req, json_pack("{s:s, s:s}", "name", stoa_file_name(file), "by",
                                      stoa_participant_id(stoa_request_from(req))));
    return stoa_request_record(req, "whisper", json_pack("{s:s}", "text", stoa_file_id(file)),
                               error);
}

static void apply(StoaRoom *room, StoaParticipant *author, const StoaRecord *record)
{
    HandsRoom *state = stoa_room_state(room);
    HandsSeat *seat = stoa_participant_state(author);
    bool up = json_is_true(json_object_get(stoa_record_body(record), "up"));

    n_applied++;
    if (!g_str_equal(stoa_record_kind(record), "hand"))
        return;
    seat->turn = up ? ++state->turns : 0;
    state->raised += up ? 1 : -1;
    g_free(state->last);
    state->last = g_strdup(stoa_participant_id(author));
}

static json_t *describe(StoaRoom *room, StoaParticipant *viewer)
{
    const HandsRoom *state = stoa_room_state(room);
    const HandsSeat *seat = stoa_participant_state(viewer);

    return json_pack("{s:I, s:b}", "raised", (json_int_t)state->raised, "mine", seat->turn > 0);
}

static void save_seat(StoaParticipant *who, void *data)
{
    const HandsSeat *seat = stoa_participant_state(who);

    json_object_set_new(data, stoa_participant_id(who), json_integer((json_int_t)seat->turn));
}

static json_t *save(StoaRoom *room)
{
    const HandsRoom *state = stoa_room_state(room);
    json_t *seats = json_object();

    stoa_room_foreach(room, save_seat, seats);
    return json_pack("{s:I, s:I, s:o}", "raised", (json_int_t)state->raised, "turns",
                     (json_int_t)state->turns, "seats", seats);
}

static bool load(StoaRoom *room, const json_t *snapshot)
{
    HandsRoom *state = stoa_room_state(room);
    const char *id;
    json_t *turn;

    if (!json_object_get(snapshot, "seats"))
        return false;
    state->raised = json_integer_value(json_object_get(snapshot, "raised"));
    state->turns = json_integer_value(json_object_get(snapshot, "turns"));
    json_object_foreach(json_object_get(snapshot, "seats"), id, turn)
    {
        HandsSeat *seat = stoa_participant_state(stoa_room_find(room, id));
        seat->turn = json_integer_value(turn);
    }
    return true;
}

static json_t *redact(StoaRoom *room G_GNUC_UNUSED, const StoaRecord *record)
{
    return g_str_equal(stoa_record_kind(record), "hand") ? json_incref(record->body) : NULL;
}

static void joined(StoaRoom *room, StoaParticipant *who G_GNUC_UNUSED)
{
    n_joined++;
    stoa_room_broadcast(room, "came", NULL);
}

static void left(StoaRoom *room G_GNUC_UNUSED, StoaParticipant *who G_GNUC_UNUSED)
{
    n_left++;
}

static void forgotten(StoaRoom *room G_GNUC_UNUSED, StoaParticipant *who G_GNUC_UNUSED)
{
    n_forgotten++;
}

static void room_closed(StoaRoom *room)
{
    HandsRoom *state = stoa_room_state(room);

    g_free(state->last);
}

static const StoaParam raise_params[] = { { "up", STOA_BOOL, STOA_REQUIRED }, { NULL } };
static const StoaParam whisper_params[] = { { "to", STOA_STRING, 0 },
                                            { "text", STOA_STRING, STOA_REQUIRED },
                                            { "erase", STOA_INT },
                                            { NULL } };
static const StoaParam history_params[] = {
    { "limit", STOA_INT }, { "before", STOA_INT }, { "kind", STOA_STRING }, { NULL }
};
static const StoaMethod methods[] = {
    { "raise", on_raise, STOA_ROLE_PARTICIPANT, raise_params, "" },
    { "whisper", on_whisper, STOA_ROLE_PARTICIPANT, whisper_params, "" },
    { "stumble", on_stumble, STOA_ROLE_PARTICIPANT, NULL, "" },
    { "history", on_history, STOA_ROLE_PARTICIPANT, history_params, "" },
    { NULL },
};

static const StoaPlugin hands = {
    STOA_PLUGIN_SIZES,
    .name = "hands",
    .version = "1",
    .caps = STOA_CAP_HISTORY,
    .methods = methods,
    .room_size = sizeof(HandsRoom),
    .participant_size = sizeof(HandsSeat),
    .apply = apply,
    .describe = describe,
    .redact = redact,
    .joined = joined,
    .left = left,
    .forgotten = forgotten,
    .room_closed = room_closed,
    .file_added = file_added,
};
static StoaPlugin hands_that_save;

/* -- the bed ------------------------------------------------------------------------------ */

typedef struct {
    StoaStore *store;
    StoaModule *module;
    StoaRoomEnv env;
    StoaRoomCore *core;
    StoaRoom *view;
} Bed;

typedef struct {
    StoaHandle *handle;
    GQueue inbox; /* of json_t; replies with "transaction" */
} Person;

static const char room_id[] = "room0000000000000001";

static json_t *json_of(const char *text)
{
    g_autofree char *plain = g_strdelimit(g_strdup(text), "'", '"');
    json_t *value = json_loads(plain, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    return value;
}

static bool member(void *user G_GNUC_UNUSED, const char *id, StoaMemberFace *face)
{
    static const char *const names[] = { "ana", "ben", "eve", NULL };

    *face = (StoaMemberFace){ .name = id, .role = STOA_ROLE_PARTICIPANT };
    return g_strv_contains(names, id);
}

static StoaModule *find_module(void *user, const char *name)
{
    Bed *bed = user;

    return g_str_equal(name, "hands") ? bed->module : NULL;
}

static bool make_room(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return room_row(db, room_id, error);
}

static bool read_last(StoaDb *db, void *data, GError **error)
{
    *(uint64_t *)data = stoa_journal_last_seq(db, room_id, error);
    return true;
}

static void turn(void)
{
    while (stoa_control_turn())
        continue;
}

static void on_view(StoaRoom *view, const GError *error, void *data)
{
    assert_null(error);
    ((Bed *)data)->view = view;
}

static void open_room(Bed *bed)
{
    uint64_t last = 0;

    stoa_store_run(bed->store, read_last, NULL, &last, NULL);
    turn();
    StoaRoomKeep keep = { .id = room_id,
                          .title = "T",
                          .store = bed->store,
                          .last_seq = last,
                          .user = bed,
                          .member = member,
                          .module = find_module };
    bed->core = stoa_room_core_keep(&keep);
    bed->view = NULL;
    stoa_room_view_open(bed->module, bed->core, on_view, bed);
    turn();
    assert_non_null(bed->view);
}

static void start_module(Bed *bed, const StoaPlugin *plugin)
{
    StoaConfTable table = stoa_module_conf_table(plugin);
    g_autofree char *dir = g_dir_make_tmp("stoa-conf-XXXXXX", NULL);
    g_autoptr(StoaConf) conf = stoa_conf_load(dir, NULL, NULL);

    bed->module = stoa_module_new(plugin, &bed->env, stoa_conf_fill(conf, &table), NULL);
    g_rmdir(dir);
}

static Bed *bed_new(const StoaPlugin *plugin)
{
    Bed *bed = g_new0(Bed, 1);

    n_applied = n_joined = n_left = n_forgotten = 0;
    bed->store = stoa_store_new(NULL, NULL, NULL);
    bed->env.adhoc = true;
    stoa_store_run(bed->store, make_room, NULL, NULL, NULL);
    start_module(bed, plugin);
    open_room(bed);
    return bed;
}

static void bed_free(Bed *bed)
{
    if (bed->core)
        stoa_room_core_close(bed->core, true);
    stoa_module_free(bed->module);
    turn();
    stoa_store_free(bed->store);
    g_free(bed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bed, bed_free)

static void on_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    Person *person = stoa_handle_user(handle);

    assert_null(jsep);
    if (transaction)
        json_object_set_new(data, "transaction", json_string(transaction));
    /* events are shared between people: look only */
    g_queue_push_tail(&person->inbox, data);
}

static const StoaHandleOutlet outlet = { on_event, NULL };

static Person *attach(Bed *bed)
{
    Person *person = g_new0(Person, 1);

    person->handle = stoa_handle_new(bed->module, &outlet, person, "test", NULL);
    return person;
}

static Person *sit(Bed *bed, const char *id)
{
    Person *person = attach(bed);

    assert_true(stoa_handle_sit(person->handle, bed->view, id, NULL));
    return person;
}

static void forget(Person *person)
{
    g_queue_clear_full(&person->inbox, (GDestroyNotify)json_decref);
}

static void go(Person *person)
{
    g_clear_pointer(&person->handle, stoa_handle_free);
    forget(person);
    g_free(person);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Person, go)

static void say(Person *person, const char *text)
{
    json_t *body = json_of(text);
    StoaMessage message = { .transaction = "t", .body = body };

    json_t *answer = stoa_request_run(person->handle->module, person->handle, &message);
    assert_null(answer);
    json_decref(body);
}

/* Whether it has all of `wanted`; null in it: absent. */
static bool fits(const json_t *value, const json_t *wanted)
{
    const char *key;
    json_t *part;

    json_object_foreach((json_t *)wanted, key, part)
    {
        const json_t *mine = json_object_get(value, key);
        if (json_is_null(part) ? mine != NULL : !json_equal(mine, part))
            return false;
    }
    return value != NULL;
}

static void hears(Person *person, const char *text)
{
    json_t *wanted = json_of(text), *value = g_queue_pop_head(&person->inbox);

    if (!fits(value, wanted)) {
        char *dump = value ? json_dumps(value, 0) : NULL;
        fail_msg("wanted %s, got %s", text, dump ? dump : "nothing");
    }
    json_decref(wanted);
    json_decref(value);
}

static void hears_nothing(Person *person)
{
    json_t *value = g_queue_peek_head(&person->inbox);

    if (value)
        fail_msg("did not expect %s", json_dumps(value, 0));
}

static void describes(Bed *bed, const char *id, const char *text)
{
    StoaParticipant *who = stoa_room_member(bed->view, id);
    json_t *value = describe(bed->view, who), *wanted = json_of(text);

    if (!fits(value, wanted))
        fail_msg("%s: wanted %s, got %s", id, text, json_dumps(value, 0));
    json_decref(value);
    json_decref(wanted);
}

/* The room is closed and opened from what is kept. */
static void restart(Bed *bed, bool save_first)
{
    stoa_room_core_close(bed->core, save_first);
    turn();
    n_applied = 0;
    open_room(bed);
}

static bool set_pages(StoaDb *db, void *data, GError **error)
{
    g_autofree char *sql = g_strdup_printf("PRAGMA max_page_count = %d", GPOINTER_TO_INT(data));

    return stoa_db_exec(db, error, sql, "");
}

/* From here on nothing can be written, or again. */
static void fill_disk(Bed *bed, bool full)
{
    stoa_store_run(bed->store, set_pages, NULL, GINT_TO_POINTER(full ? 1 : 1000000), NULL);
    turn();
}

static int64_t counted;

static bool count(StoaDb *db, void *data, GError **error)
{
    counted = stoa_db_int(db, error, -1, data, "");
    return true;
}

static int64_t ask(Bed *bed, const char *sql)
{
    stoa_store_run(bed->store, count, NULL, (void *)sql, NULL);
    turn();
    return counted;
}
