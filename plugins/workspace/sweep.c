/* SPDX-License-Identifier: MIT */
/* Erases updates that a snapshot replaced some days ago, and those of items that were removed. */
#include "workspace.h"

#include <string.h>

enum { SOON_MS = 1000, LATER_MS = 3600 * 1000, PAGE = 100 };

static void look(StoaRoom *room, void *data);
static void read_on(StoaRoom *room, const Sweep *sweep, uint64_t after);

static void again_in(StoaRoom *room, unsigned ms)
{
    Workspace *state = stoa_room_state(room);

    state->is_sweeping = true;
    stoa_room_after(room, ms, look, NULL, NULL);
}

void workspace_sweep_soon(StoaRoom *room)
{
    const Workspace *state = stoa_room_state(room);

    if (!state->is_sweeping)
        again_in(room, SOON_MS);
}

/* The first that is due; NULL: none. It stays on the list until it is done, that a restart takes it up again. */
static const Sweep *find_due(const Workspace *state)
{
    int64_t now_ms = stoa_now_ms();

    for (guint i = 0; i < state->sweeps->len; i++) {
        const Sweep *sweep = &g_array_index(state->sweeps, Sweep, i);
        if (sweep->due_ms <= now_ms)
            return sweep;
    }
    return NULL;
}

static void forget(Workspace *state, const Sweep *done)
{
    for (guint i = state->sweeps->len; i > 0; i--) {
        const Sweep *sweep = &g_array_index(state->sweeps, Sweep, i - 1);
        if (sweep->item == done->item && sweep->before == done->before)
            g_array_remove_index(state->sweeps, i - 1);
    }
}

static bool is_swept(const Sweep *sweep, const StoaRecord *record)
{
    const json_t *body = stoa_record_body(record);
    bool is_snapshot = json_object_get(body, "upto") != NULL;

    return stoa_record_id_seq(json_string_value(json_object_get(body, "id"))) == sweep->item &&
           (is_snapshot ? stoa_record_seq(record) < sweep->before
                        : stoa_record_seq(record) <= sweep->upto);
}

static void got_page(StoaRoom *room, const StoaRecord *const *records, size_t n, bool more,
                     void *data)
{
    const Sweep *sweep = data;

    for (size_t i = 0; i < n; i++) {
        if (is_swept(sweep, records[i]))
            stoa_room_erase(room, stoa_record_seq(records[i]));
    }
    if (more && n > 0) {
        read_on(room, sweep, stoa_record_seq(records[n - 1]));
        return;
    }
    forget(stoa_room_state(room), sweep);
    look(room, NULL);
}

static void read_on(StoaRoom *room, const Sweep *sweep, uint64_t after)
{
    StoaRecordQuery query = {
        .kind = "sync", .after = after, .before = sweep->before, .limit = PAGE
    };

    stoa_room_read(room, &query, got_page, g_memdup2(sweep, sizeof *sweep), g_free);
}

/* On with the next that is due; else rest while any wait for their day. */
static void look(StoaRoom *room, void *data G_GNUC_UNUSED)
{
    Workspace *state = stoa_room_state(room);
    const Sweep *sweep = find_due(state);

    state->is_sweeping = sweep != NULL;
    if (sweep)
        read_on(room, sweep, sweep->item);
    else if (state->sweeps->len > 0)
        again_in(room, LATER_MS);
}
