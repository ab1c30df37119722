/* SPDX-License-Identifier: MIT */
/* What is measured of a handle's PeerConnection, for its client and for the operator. */
#include "config.h"

#include "room/request-private.h"
#include "room/stats.h"
#include "rtp/codec.h"

static const char *const kinds[] = { "audio", "video", "data" };

static void set_layer(json_t *item, const char *name, int layer)
{
    if (layer >= 0)
        json_object_set_new(item, name, json_integer(layer));
}

static json_t *stream_json(const StoaFigure *row)
{
    g_autofree char *codec = g_ascii_strdown(stoa_codec_name(row->codec), -1);
    json_t *item =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I}", "mid",
                  row->mid, "type", kinds[row->kind], "direction", row->is_out ? "out" : "in",
                  "codec", codec, "held", row->is_held, "bitrate", (json_int_t)row->bps, "packets",
                  (json_int_t)row->packets, "bytes", (json_int_t)row->bytes, "lost",
                  (json_int_t)row->lost, "loss", row->loss, "jitter_ms", row->jitter_us / 1000.0,
                  "nacks_asked", (json_int_t)row->asked, "nacks_served", (json_int_t)row->served);

    if (row->rtt_us > 0)
        json_object_set_new(item, "rtt_ms", json_real((double)row->rtt_us / 1000.0));
    set_layer(item, "substream", row->substream);
    set_layer(item, "temporal", row->temporal);
    return item;
}

json_t *stoa_stats_json(const StoaFigures *figures)
{
    json_t *streams = json_array();
    json_t *body = json_pack("{s:o}", "streams", streams);

    for (unsigned i = 0; figures && i < figures->n; i++)
        json_array_append_new(streams, stream_json(&figures->streams[i]));
    if (figures && figures->rtt_us > 0)
        json_object_set_new(body, "rtt_ms", json_real((double)figures->rtt_us / 1000.0));
    if (figures && figures->estimate_bps > 0)
        json_object_set_new(body, "estimate", json_integer((json_int_t)figures->estimate_bps));
    return body;
}

void stoa_handle_figures(StoaHandle *handle, void (*got)(const StoaFigures *figures, void *data),
                         void *data, GDestroyNotify free_data)
{
    stoa_connection_figures(handle->connection, got, data, free_data);
}

/* -- requests ----------------------------------------------------------------------------- */

/* Between a request and the worker: either may be gone before the other. */
struct StoaMeasure {
    StoaRequest *req; /* NULL: gone with its handle */
    StoaStatsFunc *got;
};

static void got_figures(const StoaFigures *figures, void *data)
{
    StoaMeasure *measure = data;
    StoaRequest *req = measure->req;

    if (!req)
        return;
    measure->req = NULL;
    req->measure = NULL;
    json_t *stats = stoa_stats_json(figures);
    stoa_request_measured(req, stats, measure->got);
    json_decref(stats);
}

static void measure_free(void *data)
{
    StoaMeasure *measure = data;

    if (measure->req)
        measure->req->measure = NULL;
    g_free(measure);
}

void stoa_request_stats(StoaRequest *req, StoaStatsFunc *got)
{
    g_return_if_fail(req->handle && !req->measure);
    req->measure = g_new0(StoaMeasure, 1);
    req->measure->req = req;
    req->measure->got = got;
}

void stoa_measure_start(StoaRequest *req)
{
    stoa_handle_figures(req->handle, got_figures, req->measure, measure_free);
}

void stoa_measure_forget(StoaMeasure *measure)
{
    if (measure)
        measure->req = NULL;
}
