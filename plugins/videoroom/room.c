/* SPDX-License-Identifier: MIT */
/* The life of a room, and the requests that make, change, show and end rooms. (Janus API, 10.1) */
#include "videoroom.h"

#include <string.h>

enum { KEPT_PUBLISHERS = 10000 };

/* -- who may ------------------------------------------------------------------------------------ */

StoaRoom *vr_find_room(StoaRequest *req, GError **error)
{
    StoaSeat seat;

    if (vr_seat(req, &seat))
        return vr_own_seat(req, error);
    if (!vr_ids_fit(req, error))
        return NULL;
    if (!stoa_request_has(req, "room")) {
        stoa_refuse(error, "missing_element", "\"room\" is missing: the room's number");
        return NULL;
    }
    const char *id = stoa_request_id(req, "room");
    StoaRoom *room = stoa_module_room(stoa_request_module(req), id);
    if (room && !stoa_room_is_kept(room))
        return room;
    stoa_refuse(error, "no_such_room", "there is no room %s", id);
    return NULL;
}

StoaRoom *vr_find_own_room(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_find_room(req, error);

    if (!room || stoa_request_is_operators(req))
        return room;
    if (stoa_room_is_kept(room))
        return vr_may_manage(req, "manage", error) ? room : NULL;
    const VrRoom *state = stoa_room_state(room);
    return stoa_request_knows(req, "secret", state->set.secret, error) ? room : NULL;
}

/* -- life ----------------------------------------------------------------------------------------- */

static void ask_keyframes(StoaRoom *room)
{
    g_autoptr(GPtrArray) people = vr_people(room);

    for (guint i = 0; i < people->len; i++) {
        StoaHandle *handle = stoa_participant_handle(people->pdata[i]);
        g_autoptr(GPtrArray) tracks = handle ? vr_tracks(handle) : g_ptr_array_new();
        for (guint j = 0; j < tracks->len; j++)
            stoa_track_keyframe(tracks->pdata[j]);
    }
}

static void arm_fir(StoaRoom *room);

static void on_fir(StoaRoom *room, void *data G_GNUC_UNUSED)
{
    VrRoom *state = stoa_room_state(room);

    state->fir = NULL;
    ask_keyframes(room);
    arm_fir(room);
}

static void arm_fir(StoaRoom *room)
{
    VrRoom *state = stoa_room_state(room);

    if (state->fir)
        stoa_room_cancel(room, state->fir);
    state->fir = NULL;
    if (state->set.fir_freq > 0)
        state->fir =
            stoa_room_after(room, (unsigned)state->set.fir_freq * 1000, on_fir, NULL, NULL);
}

void vr_room_opened(StoaRoom *room)
{
    VrRoom *state = stoa_room_state(room);

    vr_settings_init(&state->set);
    if (stoa_room_is_kept(room)) { /* how many are in is the core's affair */
        state->set.publishers = KEPT_PUBLISHERS;
        state->set.opus_red =
            true; /* clients of Janus expect one codec in an answer; a class's are ours */
        state->set.description = g_strdup(stoa_room_title(room));
    }
    state->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void vr_room_closed(StoaRoom *room)
{
    VrRoom *state = stoa_room_state(room);

    vr_settings_clear(&state->set);
    g_clear_pointer(&state->allowed, g_hash_table_unref);
}

static void apply_to_people(StoaRoom *room)
{
    g_autoptr(GPtrArray) people = vr_people(room);

    for (guint i = 0; i < people->len; i++) {
        StoaHandle *handle = stoa_participant_handle(people->pdata[i]);
        if (!handle)
            continue;
        vr_bitrate(people->pdata[i]);
        g_autoptr(GPtrArray) tracks = vr_tracks(handle);
        for (guint j = 0; j < tracks->len; j++)
            vr_watch(tracks->pdata[j]);
    }
}

void vr_room_apply(StoaRoom *room, const VrSettings *settings)
{
    VrRoom *state = stoa_room_state(room);
    VrSettings old = state->set;

    vr_settings_copy(&state->set, settings);
    vr_settings_clear(&old);
    if (!state->set.description)
        state->set.description = g_strdup_printf("Room %s", stoa_room_id(room));
    stoa_room_set_title(room, state->set.description);
    arm_fir(room);
    apply_to_people(room);
}

bool vr_conf_room_check(const void *item, GError **error)
{
    g_auto(VrSettings) copy = { 0 };

    vr_settings_copy(&copy, item);
    return vr_settings_check(&copy, error);
}

void vr_conf_room_set(StoaRoom *room, const void *item)
{
    g_auto(VrSettings) copy = { 0 };

    vr_settings_copy(&copy, item);
    if (vr_settings_check(&copy, NULL))
        vr_room_apply(room, &copy);
}

static StoaRoom *open_room(StoaModule *module, const VrSettings *settings, const char *id,
                           GError **error)
{
    StoaRoomSpec spec = { .id = id, .title = settings->description };
    StoaRoom *room = stoa_module_create_room(module, &spec, error);

    if (room)
        vr_room_apply(room, settings);
    return room;
}

static void end_handle(StoaHandle *handle, void *data G_GNUC_UNUSED)
{
    vr_handle_reset(handle);
}

void vr_room_destroy(StoaRoom *room)
{
    VrRoom *state = stoa_room_state(room);

    state->destroyed = true;
    stoa_room_broadcast(room, NULL, vr_body("destroyed", room));
    stoa_room_foreach_handle(room, end_handle, NULL);
    stoa_room_close(room);
}

/* -- requests ----------------------------------------------------------------------------------------- */

/* What would weaken a room if it were silently left out. */
static bool asks_for_more(StoaRequest *req, GError **error)
{
    static const char *const unsupported[] = { "require_e2ee", "signed_tokens", "dummy_publisher" };

    for (size_t i = 0; i < G_N_ELEMENTS(unsupported); i++) {
        if (stoa_request_bool(req, unsupported[i])) {
            stoa_refuse(error, "unsupported", "\"%s\" is not supported: leave it out",
                        unsupported[i]);
            return true;
        }
    }
    return false;
}

bool vr_on_create(StoaRequest *req, GError **error)
{
    const VrConf *conf = stoa_module_conf(stoa_request_module(req));
    g_auto(VrSettings) settings = { 0 };

    if (vr_is_elsewhere(req, error) || !vr_ids_fit(req, error) ||
        !stoa_request_may_create(req, conf->admin_key, conf->max_rooms, error) ||
        asks_for_more(req, error))
        return false;
    vr_settings_init(&settings);
    vr_settings_read(&settings, "", req);
    if (!vr_settings_check(&settings, error))
        return false;
    const char *id = stoa_request_has(req, "room") ? stoa_request_id(req, "room") : NULL;
    StoaRoom *room = open_room(stoa_request_module(req), &settings, id, error);
    if (!room)
        return false;
    if (stoa_request_has(req, "allowed")) {
        VrRoom *state = stoa_room_state(room);
        state->check_allowed = true;
        vr_allow(room, req, "allowed");
    }
    json_t *body = vr_body("created", room);
    json_object_set_new(body, "permanent", json_false());
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_edit(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_is_elsewhere(req, error) ? NULL : vr_find_own_room(req, error);
    g_auto(VrSettings) settings = { 0 };

    if (!room)
        return false;
    const VrRoom *state = stoa_room_state(room);
    vr_settings_copy(&settings, &state->set);
    vr_settings_read(&settings, "new_", req);
    if (!vr_settings_check(&settings, error))
        return false;
    vr_room_apply(room, &settings);
    json_t *body = vr_body("edited", room);
    json_object_set_new(body, "permanent", json_false());
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_destroy(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_is_elsewhere(req, error) ? NULL : vr_find_own_room(req, error);

    if (!room)
        return false;
    json_t *body = vr_body("destroyed", room);
    json_object_set_new(body, "permanent", json_false());
    vr_room_destroy(room);
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_exists(StoaRequest *req, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool exists = vr_find_room(req, &why) != NULL;
    json_t *room = (json_t *)stoa_request_json(req, "room");

    if (!room || (json_is_string(room) && !exists)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return exists;
    }
    stoa_request_reply(
        req, json_pack("{s:s, s:O, s:b}", "videoroom", "success", "room", room, "exists", exists));
    return true;
}

static json_t *room_json(StoaRoom *room)
{
    const VrSettings *set = &((const VrRoom *)stoa_room_state(room))->set;
    json_t *item =
        json_pack("{s:o, s:s*, s:b, s:b, s:I, s:I, s:I, s:s, s:s, s:i}", "room",
                  stoa_room_id_json(room), "description", set->description, "pin_required",
                  set->pin != NULL, "is_private", set->is_private, "max_publishers",
                  (json_int_t)set->publishers, "bitrate", (json_int_t)set->bitrate, "fir_freq",
                  (json_int_t)set->fir_freq, "audiocodec", set->audiocodec, "videocodec",
                  set->videocodec, "num_participants", (int)stoa_room_n_participants(room));
    json_t *flags = json_pack(
        "{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "require_pvtid",
        set->require_pvtid, "require_e2ee", false, "dummy_publisher", false, "notify_joining",
        set->notify_joining, "opus_fec", set->opus_fec, "record", false, "lock_record", false,
        "audiolevel_ext", set->audiolevel_ext, "audiolevel_event", set->audiolevel_event,
        "videoorient_ext", set->videoorient_ext, "playoutdelay_ext", set->playoutdelay_ext,
        "transport_wide_cc_ext", set->transport_wide_cc_ext);

    json_object_update(item, flags);
    json_decref(flags);
    if (set->bitrate_cap)
        json_object_set_new(item, "bitrate_cap", json_true());
    if (set->audiolevel_event) {
        json_object_set_new(item, "audio_active_packets", json_integer(set->audio_active_packets));
        json_object_set_new(item, "audio_level_average", json_integer(set->audio_level_average));
    }
    return item;
}

typedef struct {
    json_t *list;
    bool all;
} Listing;

static void list_room(StoaRoom *room, void *data)
{
    const VrRoom *state = stoa_room_state(room);
    Listing *listing = data;

    if (!stoa_room_is_kept(room) && (listing->all || !state->set.is_private))
        json_array_append_new(listing->list, room_json(room));
}

bool vr_on_list(StoaRequest *req, GError **error)
{
    const VrConf *conf = stoa_module_conf(stoa_request_module(req));
    Listing listing = { .all = stoa_request_is_operators(req) };

    if (stoa_request_has(req, "admin_key") && conf->admin_key) {
        if (!stoa_request_knows(req, "admin_key", conf->admin_key, error))
            return false;
        listing.all = true;
    }
    listing.list = json_array();
    stoa_module_foreach_room(stoa_request_module(req), list_room, &listing);
    stoa_request_reply(req, json_pack("{s:s, s:o}", "videoroom", "success", "list", listing.list));
    return true;
}
