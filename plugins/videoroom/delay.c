/* SPDX-License-Identifier: MIT */
/* `min_delay` and `max_delay`: for how long players hold pictures back. (Janus API, 10.3: playout delay) */
#include "videoroom.h"

/* What is said of it: absent bounds are `none`. */
static VrDelay said_of(StoaRequest *req, const json_t *item, int none)
{
    VrDelay delay = { none, none };

    if (item && stoa_item_has(item, "min_delay"))
        delay.least = (int)stoa_item_int(item, "min_delay");
    if (item && stoa_item_has(item, "max_delay"))
        delay.most = (int)stoa_item_int(item, "max_delay");
    if (!item && stoa_request_has(req, "min_delay"))
        delay.least = (int)stoa_request_int(req, "min_delay");
    if (!item && stoa_request_has(req, "max_delay"))
        delay.most = (int)stoa_request_int(req, "max_delay");
    return delay;
}

static bool is_in_order(VrDelay delay, GError **error)
{
    if (delay.least <= delay.most || delay.most < 0)
        return true;
    return stoa_refuse(error, "wrong_type",
                       "min_delay %d is above max_delay %d: no player can do both", delay.least,
                       delay.most);
}

bool vr_delays_fit(StoaRequest *req, const char *field, GError **error)
{
    const json_t *item;

    if (!field)
        return is_in_order(said_of(req, NULL, -1), error);
    for (size_t i = 0; (item = stoa_request_item(req, field, i)); i++) {
        if (!is_in_order(said_of(req, item, -1), error))
            return false;
    }
    return true;
}

enum { NOT_SAID = -2 };

/* -1 takes both away, as Janus does; a bound that crosses the other moves it along. False: nothing was said. */
static bool take(VrDelay *delay, VrDelay said)
{
    if (said.least == -1 || said.most == -1)
        *delay = VR_NO_DELAY;
    if (said.least >= 0) {
        delay->least = said.least;
        if (delay->most >= 0)
            delay->most = MAX(delay->most, said.least);
    }
    if (said.most >= 0) {
        delay->most = said.most;
        delay->least = MIN(delay->least, said.most);
    }
    return said.least != NOT_SAID || said.most != NOT_SAID;
}

/* What is said of a whole request is said of pictures. */
static bool concerns(StoaKind kind, const json_t *item)
{
    return kind == STOA_VIDEO || (item && kind == STOA_AUDIO);
}

void vr_track_delay(StoaTrack *track, StoaRequest *req, const json_t *item)
{
    VrTrack *mine = stoa_track_data(track);

    if (concerns(stoa_track_info(track)->kind, item) &&
        take(&mine->delay, said_of(req, item, NOT_SAID)))
        stoa_track_delay(track, mine->delay.least * VR_DELAY_STEP_MS,
                         mine->delay.most * VR_DELAY_STEP_MS);
}

static void apply(StoaSink *sink, VrDelay delay)
{
    stoa_sink_delay(sink, delay.least * VR_DELAY_STEP_MS, delay.most * VR_DELAY_STEP_MS);
}

void vr_slot_delay(StoaSink *sink, StoaRequest *req, const json_t *item)
{
    VrSlot *slot = stoa_sink_data(sink);

    if (slot && concerns(stoa_sink_kind(sink), item) &&
        take(&slot->delay, said_of(req, item, NOT_SAID)))
        apply(sink, slot->delay);
}

void vr_handle_delay(StoaHandle *handle, StoaRequest *req)
{
    VrHandle *state = stoa_handle_state(handle);

    take(&state->delay, said_of(req, NULL, NOT_SAID));
}

void vr_slot_inherit_delay(StoaSink *sink)
{
    VrSlot *slot = stoa_sink_data(sink);
    const VrHandle *state = stoa_handle_state(slot->handle);

    slot->delay = state->delay;
    apply(sink, slot->delay);
}
