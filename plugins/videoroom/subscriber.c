/* SPDX-License-Identifier: MIT */
/* Handles that watch and listen: one PeerConnection with any mix of streams. (Janus API, 10.3) */
#include "videoroom.h"

#include <string.h>

static VrHandle *state_of(StoaHandle *handle)
{
    return stoa_handle_state(handle);
}

static json_t *with_streams(StoaHandle *handle, const char *what)
{
    json_t *body = vr_body(what, stoa_handle_room(handle));

    json_object_set_new(body, "streams", vr_slots_json(handle));
    return body;
}

static void reply_event(StoaRequest *req, const char *word)
{
    json_t *body = vr_event(stoa_request_room(req));

    json_object_set_new(body, word, json_string("ok"));
    stoa_request_reply(req, body);
}

static void relay_all(StoaHandle *handle)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < sinks->len; i++)
        vr_slot_relay(sinks->pdata[i]);
}

/* -- offers by themselves ------------------------------------------------------------------------------ */

static json_t *updated_json(StoaHandle *handle)
{
    return with_streams(handle, "updated");
}

static void offer_if_due(StoaHandle *handle)
{
    VrHandle *state = state_of(handle);
    g_autoptr(GError) error = NULL;

    if (!state->due || stoa_handle_offer_pending(handle))
        return;
    state->due = false;
    if (stoa_handle_needs_offer(handle) &&
        !stoa_handle_send_offer(handle, updated_json, false, &error))
        stoa_room_log(stoa_handle_room(handle), G_LOG_LEVEL_WARNING,
                      "no offer to subscriber %" PRIu64 ": %s", stoa_handle_number(handle),
                      error->message);
}

static void sweep(StoaRoom *room, void *data G_GNUC_UNUSED)
{
    VrRoom *state = stoa_room_state(room);
    g_autoptr(GPtrArray) handles = vr_handles(room);

    state->sweep = NULL;
    for (guint i = 0; i < handles->len; i++) {
        StoaHandle *handle = handles->pdata[i];
        if (vr_kind(handle) != VR_SUBSCRIBER)
            continue;
        if (state_of(handle)->by_offer) {
            vr_watcher_fill(handle);
            continue;
        }
        bool changed = vr_slots_sweep(handle);
        if (state_of(handle)->last_n > 0) {
            vr_last_n_update(handle);
            changed |= stoa_handle_needs_offer(handle) || !stoa_handle_has_media(handle);
        }
        if (changed && state_of(handle)->autoupdate)
            state_of(handle)->due = true;
        offer_if_due(handle);
    }
}

void vr_sweep_later(StoaRoom *room)
{
    VrRoom *state = stoa_room_state(room);

    if (!state->sweep)
        state->sweep = stoa_room_after(room, 0, sweep, NULL, NULL);
}

/* The fields that are meant for every sink of a kind. */
static void configure_sink(StoaRequest *req, StoaSink *sink)
{
    const char *kind = vr_kinds[stoa_sink_kind(sink)];
    VrSlot *slot = stoa_sink_data(sink);

    if (!slot)
        return;
    if (stoa_request_has(req, kind))
        slot->held = !stoa_request_bool(req, kind);
    const VrLayers layers = vr_layers_of(req);
    vr_slot_limit(sink, &layers);
    vr_slot_delay(sink, req, NULL);
    vr_slot_relay(sink);
}

static void configure_sinks(StoaRequest *req, StoaHandle *handle)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    vr_handle_delay(handle, req);
    for (guint i = 0; i < sinks->len; i++)
        configure_sink(req, sinks->pdata[i]);
}

/* -- join ---------------------------------------------------------------------------------------------------- */

static bool is_wanted(StoaRequest *req, const char *field)
{
    return !stoa_request_has(req, field) || stoa_request_bool(req, field);
}

static bool read_wants(StoaRequest *req, const char *field, StoaRoom *room, GArray *wants,
                       GError **error)
{
    const json_t *item;

    for (size_t i = 0; (item = stoa_request_item(req, field, i)); i++) {
        if (!vr_want(req, room, item, wants, error))
            return false;
    }
    return vr_delays_fit(req, field, error);
}

/* Who made the offer has the m-lines of that, and is never offered another. */
static bool refuse_last_n(GError **error)
{
    return stoa_refuse(error, "unsupported",
                       "\"last_n\" needs offers of ours: join without one of your own");
}

static bool read_join(StoaRequest *req, StoaRoom *room, GArray *wants, GError **error)
{
    const bool kinds[3] = { [STOA_AUDIO] = is_wanted(req, "offer_audio"),
                            [STOA_VIDEO] = is_wanted(req, "offer_video"),
                            [STOA_DATA] = is_wanted(req, "offer_data") };

    bool has_last_n = stoa_request_int(req, "last_n") > 0;

    if (has_last_n && stoa_request_jsep(req) == STOA_JSEP_OFFER)
        return refuse_last_n(error);
    if (stoa_request_has(req, "streams")) {
        if (!read_wants(req, "streams", room, wants, error))
            return false;
    } else if (!stoa_request_has(req, "feed") && stoa_request_jsep(req) == STOA_JSEP_OFFER) {
        return true; /* anything: vr_join_watcher() finds it */
    } else if (!stoa_request_has(req, "feed")) {
        return has_last_n || stoa_refuse(error, "missing_element",
                                         "a subscriber says what it wants in \"streams\"");
    } else if (!vr_want_feed(room, stoa_request_id(req, "feed"), kinds, NULL, wants, error)) {
        return false;
    }
    if (wants->len == 0 && !has_last_n)
        return stoa_refuse(error, "missing_element", "that is no stream at all: name one");
    return true;
}

/* In the older form of a request, the one feed that it is about. */
static void name_feed(StoaRequest *req, StoaRoom *room, json_t *body)
{
    StoaParticipant *who = NULL;

    if (!stoa_request_has(req, "streams") && stoa_request_has(req, "feed"))
        who = stoa_room_find(room, stoa_request_id(req, "feed"));
    if (!who)
        return;
    json_object_set_new(body, "id", stoa_participant_id_json(who));
    if (stoa_participant_name(who))
        json_object_set_new(body, "display", json_string(stoa_participant_name(who)));
}

static bool attach(StoaRequest *req, StoaRoom *room, const GArray *wants, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);

    bool ok = vr_slots_add(handle, wants, error);
    if (ok && stoa_request_int(req, "last_n") > 0) /* of nobody there is nothing to offer yet */
        vr_last_n_set(handle, (unsigned)stoa_request_int(req, "last_n"));
    if (ok && (wants->len > 0 || stoa_handle_needs_offer(handle)))
        ok = stoa_request_offer(req, false, error);
    if (!ok) {
        stoa_handle_leave(handle);
        vr_handle_reset(handle);
        return false;
    }
    configure_sinks(req, handle);
    json_t *body = with_streams(handle, "attached");
    name_feed(req, room, body);
    stoa_request_reply(req, body);
    return true;
}

static bool join_by_offer(StoaRequest *req, StoaRoom *room, StoaParticipant *owner, GArray *wants,
                          GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);

    if (!vr_join_watcher(req, room, owner, wants, error))
        return false;
    configure_sinks(req, handle);
    json_t *body = with_streams(handle, "attached");
    name_feed(req, room, body);
    stoa_request_reply(req, body);
    return true;
}

bool vr_join_subscriber(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    StoaRoom *room = vr_find_room(req, error);
    g_autoptr(GArray) wants = g_array_new(FALSE, FALSE, sizeof(VrWant));

    if (!room)
        return false;
    const VrRoom *settings = stoa_room_state(room);
    StoaParticipant *owner = vr_owner_of(room, stoa_request_int(req, "private_id"));
    StoaSeat seat;
    if (!owner && vr_seat(req, &seat))
        owner = stoa_room_find(room, seat.id);
    if (!vr_may_enter(room, req, owner, error))
        return false;
    if (settings->set.require_pvtid && !owner)
        return stoa_refuse(error, "unauthorized",
                           "this room needs the private_id of your publisher");
    if (!read_join(req, room, wants, error))
        return false;
    if (stoa_request_jsep(req) == STOA_JSEP_OFFER)
        return join_by_offer(req, room, owner, wants, error);
    stoa_handle_enter(handle, room, owner);
    *state_of(handle) = (VrHandle){ .kind = VR_SUBSCRIBER,
                                    .autoupdate = is_wanted(req, "autoupdate"),
                                    .delay = VR_NO_DELAY };
    return attach(req, room, wants, error);
}

/* -- update ---------------------------------------------------------------------------------------------------- */

static bool reply_updated(StoaRequest *req, StoaHandle *handle, GError **error)
{
    bool needs = stoa_handle_needs_offer(handle);

    if (needs && stoa_handle_offer_pending(handle)) {
        state_of(handle)->due = true;
        stoa_request_reply(req, with_streams(handle, "updating"));
        return true;
    }
    if (needs && !stoa_request_offer(req, false, error))
        return false;
    stoa_request_reply(req, updated_json(handle));
    return true;
}

static bool check_unwanted(StoaRequest *req, const char *field, GError **error)
{
    const json_t *item;

    for (size_t i = 0; (item = stoa_request_item(req, field, i)); i++) {
        if (!stoa_item_has(item, "feed") && !stoa_item_has(item, "sub_mid"))
            return stoa_refuse(error, "missing_element", "%s[%zu] needs \"feed\" or \"sub_mid\"",
                               field, i);
    }
    return true;
}

/* All is looked at before anything changes; freed m-lines are taken first by what comes new. */
static bool update(StoaRequest *req, const char *add, const char *drop, GError **error)
{
    StoaHandle *handle = vr_handle_of(req, VR_SUBSCRIBER, error);
    g_autoptr(GArray) wants = g_array_new(FALSE, FALSE, sizeof(VrWant));
    const json_t *item;

    if (!handle || !vr_ids_fit(req, error))
        return false;
    if (!(add && stoa_request_has(req, add)) && !(drop && stoa_request_has(req, drop)))
        return stoa_refuse(error, "missing_element", "\"%s\" is missing", add ? add : drop);
    if (add && !read_wants(req, add, stoa_handle_room(handle), wants, error))
        return false;
    if (drop && !check_unwanted(req, drop, error))
        return false;
    for (size_t i = 0; drop && (item = stoa_request_item(req, drop, i)); i++)
        vr_slots_drop(handle, stoa_item_id(req, item, "feed"), stoa_item_string(item, "mid"),
                      stoa_item_string(item, "sub_mid"));
    return vr_slots_add(handle, wants, error) && reply_updated(req, handle, error);
}

bool vr_on_update(StoaRequest *req, GError **error)
{
    return update(req, "subscribe", "unsubscribe", error);
}

bool vr_on_subscribe(StoaRequest *req, GError **error)
{
    return update(req, "streams", NULL, error);
}

bool vr_on_unsubscribe(StoaRequest *req, GError **error)
{
    return update(req, NULL, "streams", error);
}

/* -- start, pause, configure ---------------------------------------------------------------------------------- */

bool vr_on_start(StoaRequest *req, GError **error)
{
    StoaHandle *handle = vr_handle_of(req, VR_SUBSCRIBER, error);

    if (!handle)
        return false;
    if (stoa_request_jsep(req) == STOA_JSEP_OFFER)
        return stoa_refuse(error, "wrong_jsep", "a subscriber sends an answer, not an offer");
    if (stoa_request_jsep(req) == STOA_JSEP_ANSWER && !stoa_request_accept_answer(req, error))
        return false;
    state_of(handle)->paused = false;
    relay_all(handle);
    if (state_of(handle)->due)
        vr_sweep_later(stoa_handle_room(handle)); /* the next offer goes out behind this reply */
    reply_event(req, "started");
    return true;
}

bool vr_on_pause(StoaRequest *req, GError **error)
{
    StoaHandle *handle = vr_handle_of(req, VR_SUBSCRIBER, error);

    if (!handle)
        return false;
    state_of(handle)->paused = true;
    relay_all(handle);
    reply_event(req, "paused");
    return true;
}

static bool check_mids(StoaRequest *req, StoaHandle *handle, GError **error)
{
    const json_t *item;

    for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++) {
        const char *mid = stoa_item_string(item, "mid");
        if (!stoa_handle_sink(handle, mid))
            return stoa_refuse(error, "no_such_feed", "you have no m-line with the mid %s", mid);
    }
    return true;
}

bool vr_configure_subscriber(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    const json_t *item;

    if (!check_mids(req, handle, error) || !vr_delays_fit(req, NULL, error) ||
        !vr_delays_fit(req, "streams", error))
        return false;
    if (stoa_request_int(req, "last_n") > 0 && state_of(handle)->by_offer)
        return refuse_last_n(error);
    configure_sinks(req, handle);
    for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++)
        vr_slot_configure(stoa_handle_sink(handle, stoa_item_string(item, "mid")), item);
    if (stoa_request_has(req, "last_n") && !state_of(handle)->by_offer) {
        vr_last_n_set(handle, (unsigned)stoa_request_int(req, "last_n"));
        vr_sweep_later(stoa_handle_room(handle)); /* for the offer that may be due */
    }
    if (stoa_request_bool(req, "restart") && !stoa_request_offer(req, true, error))
        return false;
    reply_event(req, "configured");
    return true;
}

/* -- switch ------------------------------------------------------------------------------------------------------ */

typedef struct {
    StoaSink *sink;
    StoaTrack *track;
} Change;

static bool read_change(StoaRequest *req, StoaHandle *handle, const json_t *item, GArray *changes,
                        GError **error)
{
    const char *feed = stoa_item_id(req, item, "feed"), *mid = stoa_item_string(item, "mid");
    const char *sub_mid = stoa_item_string(item, "sub_mid");
    Change change = { stoa_handle_sink(handle, sub_mid),
                      vr_find_stream(stoa_handle_room(handle), feed, mid, error) };

    if (!change.track)
        return false;
    if (!change.sink || !stoa_sink_active(change.sink))
        return stoa_refuse(error, "no_such_feed", "you have no m-line %s in use", sub_mid);
    g_array_append_val(changes, change);
    return true;
}

/* The older form: the first stream of a kind goes where the first of that kind is shown, and so on. */
static void pair_up(StoaHandle *handle, const GArray *wants, GArray *changes)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < wants->len; i++) {
        StoaTrack *track = g_array_index(wants, VrWant, i).track;
        for (guint j = 0; j < sinks->len; j++) {
            Change change = { sinks->pdata[j], track };
            if (!change.sink || !stoa_sink_active(change.sink) ||
                stoa_sink_kind(change.sink) != stoa_track_info(track)->kind)
                continue;
            g_array_append_val(changes, change);
            sinks->pdata[j] = NULL;
            break;
        }
    }
}

static bool read_changes(StoaRequest *req, StoaHandle *handle, GArray *changes, GError **error)
{
    const bool kinds[3] = { [STOA_AUDIO] = is_wanted(req, "audio"),
                            [STOA_VIDEO] = is_wanted(req, "video"),
                            [STOA_DATA] = is_wanted(req, "data") };
    g_autoptr(GArray) wants = g_array_new(FALSE, FALSE, sizeof(VrWant));
    const json_t *item;

    for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++) {
        if (!read_change(req, handle, item, changes, error))
            return false;
    }
    if (stoa_request_has(req, "streams"))
        return true;
    if (!stoa_request_has(req, "feed"))
        return stoa_refuse(error, "missing_element", "\"streams\" is missing: what to show where");
    if (!vr_want_feed(stoa_handle_room(handle), stoa_request_id(req, "feed"), kinds, NULL, wants,
                      error))
        return false;
    pair_up(handle, wants, changes);
    return true;
}

bool vr_on_switch(StoaRequest *req, GError **error)
{
    StoaHandle *handle = vr_handle_of(req, VR_SUBSCRIBER, error);
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(Change));
    int n = 0;

    if (!handle || !vr_ids_fit(req, error) || !read_changes(req, handle, changes, error))
        return false;
    for (guint i = 0; i < changes->len; i++) {
        const Change *change = &g_array_index(changes, Change, i);
        if (stoa_sink_track(change->sink) != change->track)
            n += vr_slot_show(change->sink, change->track);
    }
    stoa_room_count(stoa_handle_room(handle), VR_SWITCHED, (uint64_t)n);
    json_t *body = with_streams(handle, "event");
    json_object_set_new(body, "switched", json_string("ok"));
    json_object_set_new(body, "changes", json_integer(n));
    name_feed(req, stoa_handle_room(handle), body);
    stoa_request_reply(req, body);
    return true;
}
