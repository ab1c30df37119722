/* SPDX-License-Identifier: MIT */
/* The layers of a simulcast or of SVC: which a subscriber asks for, which it is told that it gets. (Janus API, 10.3) */
#include "videoroom.h"

/* -- what is asked for ------------------------------------------------------------------------------ */

static int layer_of(const json_t *fields, const char *name, const char *other)
{
    if (stoa_item_has(fields, name))
        return (int)stoa_item_int(fields, name);
    return other ? layer_of(fields, other, NULL) : -1;
}

VrLayers vr_layers_of_item(const json_t *item)
{
    return (VrLayers){ layer_of(item, "substream", NULL),
                       layer_of(item, "temporal", "temporal_layer"),
                       layer_of(item, "spatial", "spatial_layer"),
                       stoa_item_has(item, "fallback") ? stoa_item_int(item, "fallback") : -1 };
}

static int64_t wish(StoaRequest *req, const char *name, const char *other)
{
    if (stoa_request_has(req, name))
        return stoa_request_int(req, name);
    return other ? wish(req, other, NULL) : -1;
}

VrLayers vr_layers_of(StoaRequest *req)
{
    return (VrLayers){ (int)wish(req, "substream", NULL),
                       (int)wish(req, "temporal", "temporal_layer"),
                       (int)wish(req, "spatial", "spatial_layer"), wish(req, "fallback", NULL) };
}

void vr_slot_limit(StoaSink *sink, const VrLayers *layers)
{
    VrSlot *slot = stoa_sink_data(sink);

    if (!slot || stoa_sink_kind(sink) != STOA_VIDEO)
        return;
    if (layers->substream >= 0)
        slot->substream_target = layers->substream;
    if (layers->temporal >= 0)
        slot->temporal_target = layers->temporal;
    if (layers->spatial >= 0)
        slot->spatial_target = layers->spatial;
    if (layers->substream >= 0 || layers->temporal >= 0)
        stoa_sink_limit(sink, layers->substream, layers->temporal);
    stoa_sink_limit_spatial(sink, layers->spatial);
    if (layers->fallback_us >= 0)
        stoa_sink_fallback(sink, layers->fallback_us);
}

/* -- what is told ------------------------------------------------------------------------------------ */

static bool is_svc(const StoaTrack *track)
{
    return track && stoa_track_info(track)->svc && !stoa_track_info(track)->simulcast;
}

/* What waits because the line is too narrow, and that it does not any more. */
static void tell_narrow(StoaSink *sink, VrSlot *slot, StoaRoom *room, bool narrow)
{
    json_t *body;

    if (slot->too_narrow == narrow)
        return;
    slot->too_narrow = narrow;
    body = vr_event(room);
    json_object_set_new(body, "mid", json_string(stoa_sink_mid(sink)));
    json_object_set_new(body, "too_narrow", json_boolean(narrow));
    stoa_handle_send(slot->handle, body);
}

void vr_layer_changed(StoaSink *sink, int substream, int temporal)
{
    VrSlot *slot = stoa_sink_data(sink);
    StoaRoom *room = slot ? stoa_handle_room(slot->handle) : NULL;
    int *known[] = { slot ? &slot->substream : NULL, slot ? &slot->temporal : NULL };
    const int now[] = { substream, temporal };
    static const char *const of_simulcast[] = { "substream", "temporal" };
    static const char *const of_svc[] = { "spatial_layer", "temporal_layer" };
    const char *const *names = is_svc(stoa_sink_track(sink)) ? of_svc : of_simulcast;

    if (room)
        tell_narrow(sink, slot, room, substream < 0);
    for (size_t i = 0; room && i < G_N_ELEMENTS(now); i++) {
        if (now[i] < 0 || now[i] == *known[i])
            continue;
        *known[i] = now[i];
        json_t *body = vr_event(room);
        json_object_set_new(body, "mid", json_string(stoa_sink_mid(sink)));
        json_object_set_new(body, names[i], json_integer(now[i]));
        stoa_handle_send(slot->handle, body);
    }
}

static void set_layer(json_t *object, const char *name, int layer)
{
    if (layer >= 0)
        json_object_set_new(object, name, json_integer(layer));
}

static json_t *simulcast_json(const VrSlot *slot)
{
    json_t *object = json_object();

    set_layer(object, "substream", slot->substream);
    set_layer(object, "substream-target", slot->substream_target);
    set_layer(object, "temporal", slot->temporal);
    set_layer(object, "temporal-target", slot->temporal_target);
    return object;
}

static json_t *svc_json(const VrSlot *slot)
{
    json_t *object = json_object();

    set_layer(object, "spatial-layer", slot->substream);
    set_layer(object, "spatial-layer-target", MIN(slot->spatial_target, slot->substream_target));
    set_layer(object, "temporal-layer", slot->temporal);
    set_layer(object, "temporal-layer-target", slot->temporal_target);
    return object;
}

void vr_layers_describe(json_t *item, const VrSlot *slot, const StoaTrackInfo *info)
{
    if (info->simulcast)
        json_object_set_new(item, "simulcast", simulcast_json(slot));
    else if (info->svc)
        json_object_set_new(item, "svc", svc_json(slot));
}
