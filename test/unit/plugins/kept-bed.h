/* SPDX-License-Identifier: MIT */
#pragma once
/* A bed for modules that keep things: a kept room on a store in memory, with a host, a cohost and two participants.
 *
 *     Kept *kept = kept_new("");
 *     StoaBedPerson *ben = kept_person(kept, "ben");
 *     says(ben, "{'request': 'send', 'text': 'hello'}", "{'reply': 'send', 'id': '1'}");
 *     stoa_bed_hears(ben, "{'event': 'message', 'text': 'hello'}");
 *     kept_restart(kept);  // people have to come again
 */
#include "plugin-bed.h"

#include "base/loop.h"
#include "room/journal.h"
#include "store/store.h"

const StoaPlugin *stoa_plugin(void);

typedef struct {
    StoaBed *plugin;
    StoaStore *store;
    StoaRoomCore *core;
    bool sealed;
    GHashTable *erased; /* set of member ids whose names are gone */
} Kept;

/* -- the room -------------------------------------------------------------------------------------- */

static inline bool kept_member(void *user, const char *id, StoaMemberFace *face)
{
    static const StoaMemberFace faces[] = { { "Ana", STOA_ROLE_HOST },
                                            { "Cem", STOA_ROLE_COHOST },
                                            { "Ben", STOA_ROLE_PARTICIPANT },
                                            { "Dora", STOA_ROLE_PARTICIPANT } };
    const Kept *kept = user;
    bool known = g_str_has_prefix(id, "pupil"); /* as many as are wanted */

    *face = (StoaMemberFace){ "Pupil", STOA_ROLE_PARTICIPANT };
    for (size_t i = 0; i < G_N_ELEMENTS(faces) && !known; i++) {
        known = g_ascii_strcasecmp(faces[i].name, id) == 0;
        *face = faces[i];
    }
    if (g_hash_table_contains(kept->erased, id))
        face->name = NULL;
    return known;
}

static inline StoaModule *kept_module(void *user, const char *name)
{
    const Kept *kept = user;
    StoaModule *module = kept->plugin->module;

    return g_str_equal(stoa_module_plugin(module)->name, name) ? module : NULL;
}

static inline bool kept_rows(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO host(id, email, name, created_at) VALUES(?1, ?2, ?3, 1)",
                        "sss", "h", "ana@example.org", "Ana") &&
           stoa_db_exec(db, error,
                        "INSERT INTO room(id, host_id, title, access, lobby, locked, e2ee, modules,"
                        " retention_days, state, created_at)"
                        " VALUES(?1, 'h', 'Class', 'invited', 0, 0, 'off', '[]', 365, 'open', 1)",
                        "s", "R");
}

static inline void kept_must(void *data G_GNUC_UNUSED, const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static inline bool kept_last(StoaDb *db, void *data, GError **error G_GNUC_UNUSED)
{
    *(uint64_t *)data = stoa_journal_last_seq(db, "R", NULL);
    return true;
}

static inline void kept_open(Kept *kept)
{
    StoaRoomKeep keep = { .id = "R",
                          .title = "Class",
                          .store = kept->store,
                          .user = kept,
                          .member = kept_member,
                          .module = kept_module };

    stoa_store_run(kept->store, kept_last, kept_must, &keep.last_seq, NULL);
    stoa_control_settle();
    kept->core = stoa_room_core_keep(&keep);
    stoa_room_core_set_sealing(kept->core, kept->sealed ? "all" : "off");
    stoa_room_core_set_meeting(kept->core, "M");
}

static inline Kept *kept_new(const char *conf)
{
    static const StoaStoreConf store = { .busy_ms = 1000 };
    Kept *kept = g_new0(Kept, 1);
    g_autoptr(GError) error = NULL;

    kept->plugin = stoa_bed_new(stoa_plugin()->name, conf);
    kept->erased = g_hash_table_new(g_str_hash, g_str_equal);
    kept->store = stoa_store_new(NULL, &store, &error);
    if (!kept->store)
        fail_msg("%s", error->message);
    stoa_store_run(kept->store, kept_rows, kept_must, NULL, NULL);
    kept_open(kept);
    return kept;
}

/* The room closes, with snapshots or as after a crash, and opens again. */
static inline void kept_restart(Kept *kept, bool save)
{
    stoa_control_settle();
    stoa_room_core_close(kept->core, save);
    kept_open(kept);
}

static inline void kept_free(Kept *kept)
{
    g_ptr_array_foreach(kept->plugin->people, (GFunc)(void (*)(void))stoa_bed_detach, NULL);
    stoa_control_settle();
    stoa_room_core_close(kept->core, true);
    stoa_control_settle();
    g_clear_pointer(&kept->store, stoa_store_free);
    stoa_bed_free(kept->plugin);
    g_hash_table_unref(kept->erased);
    g_free(kept);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kept, kept_free)

/* -- its people ------------------------------------------------------------------------------------- */

typedef struct {
    StoaRoom *view;
    bool done;
} KeptView;

static inline void kept_ready(StoaRoom *view, const GError *error, void *data)
{
    kept_must(NULL, error);
    *(KeptView *)data = (KeptView){ view, true };
}

static inline StoaRoom *kept_view(Kept *kept)
{
    KeptView it = { 0 };

    stoa_room_view_open(kept->plugin->module, kept->core, kept_ready, &it);
    stoa_control_settle();
    assert_true(it.done);
    return it.view;
}

static inline StoaBedPerson *kept_person(Kept *kept, const char *id)
{
    StoaBedPerson *person = stoa_bed_attach(kept->plugin, "somebody");
    g_autoptr(GError) error = NULL;

    if (!stoa_handle_sit(person->handle, kept_view(kept), id, &error))
        fail_msg("%s", error->message);
    return person;
}

/* Ask, and let everything settle that follows from it. */
static inline const json_t *say(StoaBedPerson *person, const char *text)
{
    json_t *body = bed_json(text);
    StoaMessage message = { .transaction = "t", .body = body };

    g_clear_pointer(&person->reply, json_decref);
    json_t *answer = stoa_request_run(person->bed->module, person->handle, &message);
    json_decref(body);
    stoa_control_settle();
    if (answer)
        person->reply = answer;
    assert_non_null(person->reply);
    return person->reply;
}

static inline void says(StoaBedPerson *person, const char *text, const char *wanted)
{
    bed_check(say(person, text), wanted, text);
}

static inline void is_told(StoaBedPerson *person, const char *text, int number, const char *code)
{
    g_autofree char *wanted = g_strdup_printf("{'error_code': %d, 'code': '%s'}", number, code);

    says(person, text, wanted);
    assert_non_null(json_string_value(json_object_get(person->reply, "error")));
}

/* A text of the last reply, as "id". */
static inline const char *told(StoaBedPerson *person, const char *name)
{
    const char *text = json_string_value(json_object_get(person->reply, name));

    assert_non_null(text);
    return text;
}

/* -- what is on the disk ---------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    int64_t n;
} KeptSearch;

static inline bool kept_count(StoaDb *db, void *data, GError **error)
{
    KeptSearch *search = data;

    search->n = stoa_db_int(db, error, 0,
                            "SELECT (SELECT count(*) FROM record WHERE instr(body, ?1)) +"
                            " (SELECT count(*) FROM snapshot WHERE instr(body, ?1))",
                            "s", search->text);
    return true;
}

/* In how many rows of the journal, snapshots included, a text stands. */
static inline int64_t kept_rows_with(Kept *kept, const char *text)
{
    KeptSearch search = { text, 0 };

    stoa_store_run(kept->store, kept_count, kept_must, &search, NULL);
    stoa_control_settle();
    return search.n;
}

static inline void kept_erased(const GError *error, void *data)
{
    kept_must(NULL, error);
    *(bool *)data = true;
}

/* A person's data is erased from the journal. */
static inline void kept_erase(Kept *kept, const char *id)
{
    bool done = false;

    g_hash_table_add(kept->erased, (gpointer)id);
    stoa_room_core_redact(kept->core, id, kept_erased, &done);
    stoa_control_settle();
    assert_true(done);
}
