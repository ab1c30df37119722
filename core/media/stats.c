/* SPDX-License-Identifier: MIT */
#include "media/stats.h"

#include "media/downlink.h"

#include "base/poison.h"

static json_t *source_stats(const StoaFeed *feed, const StoaSource *source, int64_t now_us)
{
    const char *rid = feed->row.encodings[source->encoding].rid;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "ssrc",
                     (json_int_t)source->ssrc, "rtx-ssrc", (json_int_t)source->rtx_ssrc, "packets",
                     (json_int_t)source->n_packets, "bytes", (json_int_t)source->n_bytes, "lost",
                     (json_int_t)stoa_report_rx_lost(&source->rx), "recovered",
                     (json_int_t)source->n_recovered, "keyframes", (json_int_t)source->n_keyframes,
                     "keyframe-requests", (json_int_t)source->n_asked, "jitter-us",
                     (json_int_t)stoa_report_rx_jitter_us(&source->rx), "rtt-us",
                     (json_int_t)stoa_source_rtt_us(source), "bitrate", (json_int_t)source->bps,
                     "receiving", stoa_source_is_flowing(source, now_us), "rid", rid);
}

static json_t *feed_stats(const StoaFeed *feed, int64_t now_us)
{
    json_t *encodings = json_array();

    for (unsigned i = 0; i < feed->n_encodings; i++)
        if (feed->sources[i])
            json_array_append_new(encodings, source_stats(feed, feed->sources[i], now_us));
    return json_pack("{s:I, s:s, s:s, s:s, s:i, s:b, s:I, s:o}", "track",
                     (json_int_t)feed->ref.track, "mid", feed->row.mid, "kind",
                     feed->kind == STOA_AUDIO ? "audio" : "video", "codec",
                     stoa_codec_name(feed->codec), "sinks", (int)feed->n_outlets, "muted",
                     feed->is_muted, "clock", (json_int_t)feed->clock_hz, "encodings", encodings);
}

static json_t *outlet_stats(const StoaOutlet *outlet)
{
    const StoaTrackRef none = { 0, 0 };
    const StoaTrackRef *ref = outlet->feed ? &outlet->feed->ref : &none;

    return json_pack(
        "{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:I, s:I, s:b, s:b}", "sink",
        (json_int_t)outlet->number, "mid", outlet->row.mid, "codec",
        stoa_codec_name(outlet->row.codec), "ssrc", (json_int_t)outlet->row.ssrc, "packets",
        (json_int_t)outlet->n_packets, "bytes", (json_int_t)outlet->n_bytes, "resent",
        (json_int_t)outlet->n_resent, "late", (json_int_t)outlet->n_late, "lost",
        (json_int_t)outlet->lost, "fraction-lost", (int)outlet->fraction_lost, "encoding",
        (int)outlet->encoding, "allowed-substream", (int)outlet->allowed_substream, "source-peer",
        (json_int_t)ref->peer, "source-track", (json_int_t)ref->track, "paused", outlet->is_paused,
        "relaying", outlet->is_relaying);
}

static const char *path_name(const StoaPeer *peer)
{
    if (peer->agent && peer->pair.is_relayed)
        return "full, relayed";
    if (peer->agent)
        return peer->pair.is_tcp ? "full, tcp" : "full";
    if (peer->path.kind == STOA_ICE_UDP)
        return "udp";
    return peer->path.kind == STOA_ICE_TCP ? "tcp" : "none";
}

json_t *stoa_stats_peer(const StoaPeer *peer)
{
    json_t *tracks = json_array();
    json_t *sinks = json_array();

    for (unsigned i = 0; i < peer->n_feeds; i++)
        json_array_append_new(tracks, feed_stats(peer->feeds[i], peer->worker->now_us));
    for (unsigned i = 0; i < peer->n_outlets; i++)
        json_array_append_new(sinks, outlet_stats(peer->outlets[i]));
    return json_pack("{s:s, s:s, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}",
                     "state", stoa_peer_state_name(peer->state), "path", path_name(peer),
                     "path-changes", (json_int_t)peer->n_moves, "worker", (int)peer->worker->index,
                     "rtt-us", (json_int_t)peer->rtt_us, "packets-in", (json_int_t)peer->n_in,
                     "bytes-in", (json_int_t)peer->bytes_in, "packets-out", (json_int_t)peer->n_out,
                     "bytes-out", (json_int_t)peer->bytes_out, "remb",
                     (json_int_t)(peer->downlink ? peer->downlink->remb_bps : 0), "estimate",
                     (json_int_t)stoa_downlink_estimate_bps(peer->downlink), "data",
                     peer->sctp != NULL, "tracks", tracks, "sinks", sinks);
}
