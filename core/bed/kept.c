/* SPDX-License-Identifier: MIT */
/* The bed's room where a plugin keeps records: rows in a store in memory, members made of one word, restarts. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include "base/loop.h"
#include "room/journal.h"

#include <string.h>

typedef struct {
    char *id, *name; /* name NULL: erased */
    StoaRole role;
} Member;

static void member_free(gpointer data)
{
    Member *member = data;

    g_free(member->id);
    g_free(member->name);
    g_free(member);
}

/* -- the store ---------------------------------------------------------------------------- */

static bool make_room(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_exec(db, error, "INSERT INTO host VALUES('h', 'h@host.example', 'Host', 1)",
                        "") &&
           stoa_db_exec(
               db, error,
               "INSERT INTO room(id, host_id, title, access, lobby, locked, e2ee, modules, "
               "retention_days, state, created_at) VALUES(?1, 'h', 'The bed', 'public', 0, "
               "0, 'off', '[]', 365, 'open', 1)",
               "s", BED_ROOM_ID);
}

static bool read_last(StoaDb *db, void *data, GError **error)
{
    *(uint64_t *)data = stoa_journal_last_seq(db, BED_ROOM_ID, error);
    return true;
}

static bool drop_snapshots(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_exec(db, error, "DELETE FROM snapshot", "");
}

static bool set_pages(StoaDb *db, void *data, GError **error)
{
    return stoa_db_exec(db, error,
                        data ? "PRAGMA max_page_count = 1" : "PRAGMA max_page_count = 1000000", "");
}

typedef struct {
    const char *text;
    int64_t n;
} Search;

static bool search(StoaDb *db, void *data, GError **error)
{
    Search *it = data;

    it->n = stoa_db_int(db, error, 0,
                        "SELECT (SELECT count(*) FROM record WHERE instr(body, ?1) > 0)"
                        " + (SELECT count(*) FROM snapshot WHERE instr(body, ?1) > 0)",
                        "s", it->text);
    return true;
}

/* Runs a job, and all that comes of it. */
static void run(StoaBed *bed, StoaStoreWork *work, void *data)
{
    if (!bed->store)
        bed_fail("%s keeps nothing: it needs STOA_CAP_HISTORY", bed->plugin->name);
    stoa_control_settle();
    stoa_store_run(bed->store, work, NULL, data, NULL);
    stoa_control_settle();
}

/* -- members ------------------------------------------------------------------------------ */

static bool face_of(void *user, const char *id, StoaMemberFace *face)
{
    const Member *member = g_hash_table_lookup(((StoaBed *)user)->members, id);

    if (member)
        *face = (StoaMemberFace){ member->name, member->role };
    return member != NULL;
}

static StoaModule *find_module(void *user, const char *name)
{
    StoaBed *bed = user;

    return g_str_equal(bed->plugin->name, name) ? bed->module : NULL;
}

/* A name that can be an id is one: tests say 'to': 'ben'. */
static Member *make_member(StoaBed *bed, const char *name, StoaRole role)
{
    bool fits = strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == strlen(name);
    g_autofree char *id =
        fits ? g_strdup(name) : g_strdup_printf("p%u", g_str_hash(name) % 100000000);
    Member *member = g_hash_table_lookup(bed->members, id);

    if (!member) {
        member = g_new0(Member, 1);
        member->id = g_strdup(id);
        member->name = g_strdup(name);
        g_hash_table_insert(bed->members, member->id, member);
    }
    member->role = role;
    return member;
}

/* -- the room ----------------------------------------------------------------------------- */

void bed_kept_start(StoaBed *bed)
{
    if (!(bed->plugin->caps & STOA_CAP_HISTORY) || bed->plugin->scope != STOA_SCOPE_ROOM)
        return;
    bed->store = stoa_store_new(NULL, NULL, NULL);
    bed->members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, member_free);
    run(bed, make_room, NULL);
}

static void close_core(bool save)
{
    StoaRoomCore *core = stoa_room_core_find(BED_ROOM_ID);

    if (core)
        stoa_room_core_close(core, save);
    stoa_control_settle();
}

void bed_kept_stop(StoaBed *bed)
{
    if (bed->store)
        close_core(false);
    g_clear_pointer(&bed->store, stoa_store_free);
    g_clear_pointer(&bed->members, g_hash_table_unref);
}

static void on_view(StoaRoom *view, const GError *error, void *data)
{
    if (error)
        bed_fail("the room cannot be opened: %s", error->message);
    *(StoaRoom **)data = view;
}

StoaRoom *bed_kept_room(StoaBed *bed)
{
    StoaRoomCore *core = stoa_room_core_find(BED_ROOM_ID);
    StoaRoom *view = NULL;

    if (!core) {
        StoaRoomKeep keep = { .id = BED_ROOM_ID,
                              .title = "The bed",
                              .store = bed->store,
                              .user = bed,
                              .member = face_of,
                              .module = find_module };
        run(bed, read_last, &keep.last_seq);
        core = stoa_room_core_keep(&keep);
    }
    stoa_room_view_open(bed->module, core, on_view, &view);
    stoa_control_settle();
    return view;
}

bool bed_kept_join(StoaBedPerson *who, StoaRole role, GError **error)
{
    const Member *member = make_member(who->bed, who->name, role);
    StoaRoom *view = bed_kept_room(who->bed);

    stoa_room_core_member_changed(stoa_room_core_find(BED_ROOM_ID), member->id);
    g_free(who->member);
    who->member = g_strdup(member->id);
    return stoa_handle_sit(who->handle, view, member->id, error);
}

/* -- what a test does to it --------------------------------------------------------------- */

/* Everybody's handle goes, and the module; both come back, and who sat sits again. */
static void cycle(StoaBed *bed, bool save)
{
    g_autoptr(GPtrArray) sat = g_ptr_array_new();
    g_autoptr(GPtrArray) were = g_ptr_array_new();

    for (guint i = 0; i < bed->people->len; i++) {
        StoaBedPerson *who = bed->people->pdata[i];
        if (!who->handle)
            continue;
        g_ptr_array_add(were, who);
        if (stoa_bed_participant(who) && who->member)
            g_ptr_array_add(sat, who);
        stoa_bed_detach(who);
    }
    close_core(save);
    bed_start_again(bed);
    for (guint i = 0; i < were->len; i++)
        bed_attach_again(were->pdata[i]);
    for (guint i = 0; i < sat->len; i++) {
        StoaBedPerson *who = sat->pdata[i];
        stoa_handle_sit(who->handle, bed_kept_room(bed), who->member, NULL);
    }
    for (guint i = 0; i < were->len; i++)
        stoa_bed_forget(were->pdata[i]);
}

/* What everyone who is in is shown; new reference. */
static json_t *describe_all(StoaBed *bed)
{
    json_t *(*describe)(StoaRoom *, StoaParticipant *) = bed->module->plugin.describe;
    json_t *all = json_object();

    for (guint i = 0; describe && i < bed->people->len; i++) {
        StoaParticipant *seat = stoa_bed_participant(bed->people->pdata[i]);
        if (seat)
            json_object_set_new(all, stoa_participant_id(seat),
                                describe(stoa_participant_room(seat), seat));
    }
    return all;
}

void stoa_bed_restart(StoaBed *bed)
{
    run(bed, drop_snapshots, NULL);
    cycle(bed, false);
    json_t *replayed = describe_all(bed);
    cycle(bed, true);
    json_t *loaded = describe_all(bed);
    if (!json_equal(replayed, loaded))
        bed_fail("`load` makes another state than the records do\n  records: %s\n  load:    %s",
                 json_dumps(replayed, 0), json_dumps(loaded, 0));
    json_decref(replayed);
    json_decref(loaded);
}

void stoa_bed_fill_disk(StoaBed *bed, bool full)
{
    run(bed, set_pages, full ? bed : NULL);
}

static void on_redacted(const GError *error, void *data)
{
    if (error)
        bed_fail("the records were not redacted: %s", error->message);
    *(bool *)data = true;
}

void stoa_bed_erase(StoaBedPerson *who)
{
    StoaBed *bed = who->bed;
    Member *member = who->member ? g_hash_table_lookup(bed->members, who->member) : NULL;
    bool done = false;

    if (!member)
        bed_fail("%s was never in the room", who->name);
    bed_kept_room(bed);
    g_clear_pointer(&member->name, g_free);
    stoa_room_core_member_changed(stoa_room_core_find(BED_ROOM_ID), member->id);
    stoa_room_core_redact(stoa_room_core_find(BED_ROOM_ID), member->id, on_redacted, &done);
    stoa_control_settle();
    if (!done)
        bed_fail("the records were not redacted");
}

bool stoa_bed_keeps(StoaBed *bed, const char *text)
{
    Search it = { text, 0 };

    run(bed, search, &it);
    return it.n > 0;
}
