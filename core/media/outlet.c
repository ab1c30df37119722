/* SPDX-License-Identifier: MIT */
#include "media/outlet.h"

#include <string.h>

#include "media/downlink.h"
#include "media/event.h"
#include "media/peer.h"
#include "rtp/bytes.h"
#include "rtp/rtx.h"
#include "rtp/seq.h"

#include "base/poison.h"

enum {
    JUMP = 1000, /* a gap of the source that is a new beginning for its subscribers */
    SOON_US = 100000,
    MAX_EARLY_US = 100000, /* a time of capture that is reasonable */
    MAX_BEHIND_US = 2000000,
    PADDING = 255,
    MAX_PREFIX = STOA_RTX_PREFIX_LEN + MAX(STOA_REWRITE_MAX, STOA_RED_HEADS_MAX),
};
#define EXTS_IN_USE (UINT32_C(1) << 31)

/* -- life ---------------------------------------------------------------------------------- */

StoaOutlet *stoa_outlet_new(StoaPeer *peer, uint32_t number)
{
    StoaOutlet *outlet = g_new0(StoaOutlet, 1);

    outlet->peer = peer;
    outlet->number = number;
    outlet->encoding = outlet->target = -1;
    outlet->max_substream = outlet->max_temporal = -1;
    outlet->allowed_substream = outlet->allowed_temporal = -1;
    outlet->usable_bps = STOA_OUTLET_ANY_BPS;
    outlet->max_spatial = -1;
    outlet->wish = STOA_LAYERS_ALL;
    outlet->fallback_us = STOA_FALLBACK_US;
    outlet->told_substream = outlet->told_temporal = -1;
    outlet->resend_budget = STOA_RESEND_BUDGET;
    return outlet;
}

static void retire(StoaOutlet *outlet)
{
    if (outlet->row.ssrc)
        stoa_peer_retire(outlet->peer, outlet->row.ssrc, outlet->splice.next_out);
    if (outlet->row.rtx_ssrc)
        stoa_peer_retire(outlet->peer, outlet->row.rtx_ssrc, outlet->next_rtx);
}

void stoa_outlet_free(StoaOutlet *outlet)
{
    if (!outlet)
        return;
    if (outlet->feed)
        stoa_feed_remove_outlet(outlet->feed, outlet);
    retire(outlet);
    stoa_splice_clear(&outlet->splice);
    stoa_pool_keep_table(outlet->peer->worker->pool, outlet->resent);
    g_free(outlet->sent_exts);
    g_free(outlet);
}

/* -- what control wants -------------------------------------------------------------------- */

static void begin_sequences(StoaOutlet *outlet, const StoaSend *row)
{
    if (outlet->row.ssrc != row->ssrc) {
        stoa_splice_clear(&outlet->splice);
        stoa_splice_init(&outlet->splice, stoa_peer_first_index(outlet->peer, row->ssrc),
                         row->clock_hz);
        stoa_report_tx_init(&outlet->tx, row->ssrc, row->clock_hz);
        outlet->is_relaying = false;
    }
    if (outlet->row.rtx_ssrc != row->rtx_ssrc)
        outlet->next_rtx = stoa_peer_first_index(outlet->peer, row->rtx_ssrc);
}

void stoa_outlet_set_row(StoaOutlet *outlet, const StoaSend *row)
{
    if (outlet->has_row && memcmp(&outlet->row, row, sizeof(*row)) == 0)
        return;
    if (outlet->row.ssrc != row->ssrc || outlet->row.rtx_ssrc != row->rtx_ssrc) {
        retire(outlet);
        begin_sequences(outlet, row);
    }
    stoa_splice_forget(&outlet->splice);
    g_clear_pointer(&outlet->sent_exts, g_free);
    outlet->row = *row;
    outlet->row.mid[STOA_MID_MAX - 1] = '\0';
    outlet->mid_len = (uint8_t)strlen(outlet->row.mid);
    outlet->has_row = true;
    if (!stoa_outlet_has_rtx(outlet))
        stoa_cushion_settle(&outlet->cushion);
    stoa_rtp_extension_sink_init(&outlet->ext, &row->ext);
    stoa_outlet_choose(outlet, outlet->peer->worker->now_us);
}

void stoa_outlet_route(StoaOutlet *outlet, StoaTrackRef ref)
{
    StoaFeed *old = outlet->feed;

    if (old && old->ref.peer == ref.peer && old->ref.track == ref.track)
        return;
    stoa_outlet_break(outlet);
    outlet->feed = ref.peer ? stoa_feed_get(outlet->peer->worker, ref) : NULL;
    outlet->target = -1;
    if (outlet->feed)
        stoa_feed_add_outlet(outlet->feed, outlet);
    if (old)
        stoa_feed_remove_outlet(old, outlet);
    stoa_downlink_changed(outlet->peer);
    stoa_outlet_choose(outlet, outlet->peer->worker->now_us);
}

void stoa_outlet_pause(StoaOutlet *outlet, bool paused)
{
    if (outlet->is_paused == paused)
        return;
    outlet->is_paused = paused;
    stoa_downlink_changed(outlet->peer);
    stoa_outlet_choose(outlet, outlet->peer->worker->now_us);
}

/* A number that was sealed one way is never sealed another way. */
void stoa_outlet_thin(StoaOutlet *outlet, bool is_thin)
{
    if (outlet->is_thin == is_thin)
        return;
    outlet->is_thin = is_thin;
    stoa_splice_forget(&outlet->splice);
}

/* Without RTX a repeat says what the first sending said. */
void stoa_outlet_delay(StoaOutlet *outlet, StoaDelay delay)
{
    if (!stoa_cushion_ask(&outlet->cushion, delay, outlet->peer->worker->now_us) ||
        stoa_outlet_has_rtx(outlet))
        return;
    stoa_cushion_settle(&outlet->cushion);
    stoa_splice_forget(&outlet->splice);
}

void stoa_outlet_break(StoaOutlet *outlet)
{
    stoa_splice_cut(&outlet->splice);
    outlet->is_relaying = outlet->is_ending = false;
    outlet->encoding = -1;
}

void stoa_outlet_end(StoaOutlet *outlet)
{
    if (outlet->is_relaying && outlet->is_mid_picture)
        outlet->is_ending = true;
    else
        stoa_outlet_break(outlet);
}

static bool has_timing_exts(const StoaOutlet *outlet)
{
    const uint8_t *id = outlet->ext.map.id_of_kind;

    return id[STOA_RTP_EXT_TWCC] || id[STOA_RTP_EXT_ABS_SEND_TIME];
}

/* Allocated here, off the packet path. */
void stoa_outlet_prepare(StoaOutlet *outlet, bool leaves_out)
{
    stoa_splice_expect(&outlet->splice, outlet->is_waiting, leaves_out);
    if (!outlet->sent_exts && outlet->row.nack && !stoa_outlet_has_rtx(outlet) &&
        has_timing_exts(outlet))
        outlet->sent_exts = g_new0(StoaSentExts, STOA_SENT_EXTS);
}

/* -- the packet path ----------------------------------------------------------------------- */

static bool has_keyframes(StoaCodec codec)
{
    return codec == STOA_CODEC_VP8 || codec == STOA_CODEC_VP9 || codec == STOA_CODEC_H264 ||
           codec == STOA_CODEC_AV1;
}

static bool can_begin(const StoaOutlet *outlet, const StoaPacket *packet)
{
    return packet->info.is_keyframe || !has_keyframes(outlet->row.codec);
}

/* When a packet was captured, and was on its way at best: by the reports of its sender, whose streams share a clock; by its
 * arrival as long as there are none. */
static int64_t captured_us(const StoaOutlet *outlet, const StoaPacket *packet, unsigned encoding)
{
    const StoaFeed *feed = outlet->feed;
    const StoaSource *source = feed->sources[encoding];
    int64_t now_us = outlet->peer->worker->now_us, us;
    uint32_t timestamp;

    if (!source || !feed->clock_hz ||
        !stoa_report_rx_timestamp(&source->rx, stoa_feed_clock(feed), g_get_real_time(),
                                  &timestamp))
        return packet->arrived_us;
    us = (int64_t)(int32_t)(timestamp - packet->header.timestamp) * 1000000 / feed->clock_hz;
    return us > -MAX_EARLY_US && us < MAX_BEHIND_US ? now_us - us : packet->arrived_us;
}

/* AV1 tells its layers in some packets only, but for the dependency descriptor: without that it goes whole. */
static bool is_told(const StoaOutlet *outlet, const StoaRtpFrameInfo *info)
{
    return info->has_dd || outlet->row.codec != STOA_CODEC_AV1;
}

static void begin(StoaOutlet *outlet, const StoaPacket *packet, unsigned encoding)
{
    const StoaTrackRef *ref = &outlet->feed->ref;
    StoaSpanSource source = { ref->peer, ref->track, (uint8_t)encoding };

    stoa_splice_begin(&outlet->splice, &source, packet, captured_us(outlet, packet, encoding),
                      is_told(outlet, &packet->info) ? outlet->wish : STOA_LAYERS_ALL);
    outlet->is_relaying = true;
    outlet->is_ending = false;
    outlet->encoding = (int8_t)encoding;
    outlet->picture_wish = outlet->wish;
    stoa_feed_note(outlet->feed); /* which layers it relays is told soon */
    /* what the stream's clock shows is new: say so soon, or lips and voice part */
    stoa_wheel_set_by(&outlet->peer->worker->wheel, &outlet->peer->report,
                      packet->arrived_us + SOON_US);
}

static bool leaves_out(StoaOutlet *outlet, const StoaPacket *packet)
{
    const StoaRtpFrameInfo *info = &packet->info;
    StoaLayers now, next;

    if (!info->has_layers || !is_told(outlet, info))
        return false;
    now = next = stoa_splice_layers(&outlet->splice);
    if (packet->index > outlet->splice.highest_in) {
        if (info->starts_frame && info->sid == 0)
            outlet->picture_wish = outlet->wish; /* and that until the next */
        next = stoa_layers_follow(now, outlet->picture_wish, outlet->row.codec, info);
    }
    if (!stoa_layers_same(now, next))
        stoa_splice_set_layers(&outlet->splice, packet, next);
    return !stoa_layers_have(next, info) &&
           stoa_splice_skip(&outlet->splice, packet, outlet->row.codec == STOA_CODEC_VP8);
}

/* False: this packet is not for us, or not yet. */
static bool take_over(StoaOutlet *outlet, const StoaPacket *packet, unsigned encoding)
{
    if ((int)encoding != outlet->target || !can_begin(outlet, packet))
        return false;
    begin(outlet, packet, encoding);
    return true;
}

/* Redundant audio goes as it came to whom it means something, else as what is new in it; never by RTX, whose payload type
 * stands for the plain codec. */
static bool goes_as_red(const StoaOutlet *outlet, const StoaPacket *packet, bool rtx)
{
    return packet->info.red.heads_len > 0 && outlet->row.red_payload_type && !outlet->is_thin &&
           !rtx;
}

/* Too late to be left out: of the packet goes just its number, so that nobody asks for it. */
static bool is_hollow(const StoaPacket *packet, const StoaSpan *span)
{
    return !stoa_layers_have(span->layers, &packet->info);
}

static bool has_marker(const StoaPacket *packet, const StoaSpan *span)
{
    return (packet->header.marker || stoa_layers_end_picture(span->layers, &packet->info)) &&
           !is_hollow(packet, span);
}

static bool has_jumped(const StoaOutlet *outlet, const StoaPacket *packet)
{
    return packet->index > outlet->splice.highest_in + JUMP;
}

/* It was to relay no more than the picture that it was in; true: another one began. */
static bool has_ended(const StoaOutlet *outlet, const StoaPacket *packet)
{
    const StoaSpan *span = stoa_splice_newest(&outlet->splice);

    return packet->index > outlet->splice.highest_in &&
           packet->header.timestamp + span->timestamp != outlet->splice.last_timestamp;
}

static bool must_break(const StoaOutlet *outlet, const StoaPacket *packet)
{
    return has_jumped(outlet, packet) || (outlet->is_ending && has_ended(outlet, packet));
}

static void note(StoaOutlet *outlet, const StoaPacket *packet, const StoaSpan *span)
{
    size_t len = packet->header.payload_len;

    if (!goes_as_red(outlet, packet, false))
        len -= packet->info.red.primary_at;
    stoa_report_tx_packet(&outlet->tx, packet->header.timestamp + span->timestamp, len,
                          packet->arrived_us);
    if (packet->info.is_keyframe)
        outlet->keyframe_us = packet->arrived_us;
    outlet->n_packets++;
    outlet->n_bytes += len;
    if (!stoa_wheel_is_set(&outlet->peer->report))
        stoa_wheel_set(&outlet->peer->worker->wheel, &outlet->peer->report,
                       packet->arrived_us + STOA_REPORT_US);
}

void stoa_outlet_forward(StoaOutlet *outlet, const StoaPacket *packet, unsigned encoding)
{
    const StoaSpan *span;
    uint64_t out;

    if (outlet->is_relaying && (int)encoding == outlet->encoding && must_break(outlet, packet))
        stoa_outlet_break(outlet);
    if (outlet->target < 0 && !outlet->is_ending)
        return;
    if (!outlet->is_relaying || (int)encoding != outlet->encoding) {
        if (!take_over(outlet, packet, encoding))
            return;
    } else if (leaves_out(outlet, packet)) {
        if (stoa_splice_is_tight(&outlet->splice))
            stoa_feed_note(outlet->feed);
        return;
    }
    span = stoa_splice_place(&outlet->splice, packet, &out);
    if (!span) {
        outlet->n_late++;
        stoa_count(&outlet->peer->worker->counters, STOA_DROP_LATE, 1);
        return;
    }
    stoa_outlet_seal(outlet, packet, span, out, STOA_SEAL_FIRST);
    if (packet->index == outlet->splice.highest_in)
        outlet->is_mid_picture = outlet->row.kind == STOA_VIDEO && !has_marker(packet, span);
    note(outlet, packet, span);
    if (outlet->is_ending && !outlet->is_mid_picture)
        stoa_outlet_break(outlet);
}

/* -- writing ------------------------------------------------------------------------------- */

/* What the extensions say: new for a first sending, the same again for a repeat. False: not known any more. */
static bool ext_values(StoaOutlet *outlet, uint16_t seq, bool again, StoaRtpExtValues *values)
{
    const uint8_t *id = outlet->ext.map.id_of_kind;
    StoaSentExts *sent = outlet->sent_exts ? &outlet->sent_exts[seq % STOA_SENT_EXTS] : NULL;

    *values = (StoaRtpExtValues){
        .mid = id[STOA_RTP_EXT_MID] && outlet->mid_len ? outlet->row.mid : NULL,
        .mid_len = outlet->mid_len,
        .has_twcc = id[STOA_RTP_EXT_TWCC],
        .has_abs_send_time = id[STOA_RTP_EXT_ABS_SEND_TIME],
    };
    if (!values->has_twcc && !values->has_abs_send_time)
        return true;
    if (again) {
        if (!sent || sent->seq != seq || !(sent->abs_send_time & EXTS_IN_USE))
            return false;
        values->twcc_seq = sent->twcc_seq;
        values->abs_send_time = sent->abs_send_time & ~EXTS_IN_USE;
        return true;
    }
    if (values->has_twcc)
        values->twcc_seq = outlet->peer->twcc_seq++;
    values->abs_send_time = stoa_rtp_extension_abs_send_time(outlet->peer->worker->now_us);
    if (sent)
        *sent = (StoaSentExts){ seq, values->twcc_seq, values->abs_send_time | EXTS_IN_USE };
    return true;
}

typedef struct {
    uint8_t payload_type;
    uint32_t ssrc;
    uint64_t index;
} Stream;

static size_t write_header(const StoaOutlet *outlet, const StoaPacket *packet, const StoaSpan *span,
                           const Stream *stream, const StoaRtpExtValues *values, uint8_t *out)
{
    size_t len = STOA_RTP_HEADER_LEN + 4u * packet->header.n_csrc;
    size_t ext_len =
        stoa_rtp_extension_write(&outlet->ext, packet->data, &packet->exts, values, out + len, 256);

    out[0] = (uint8_t)((ext_len > 0 ? 0x90 : 0x80) | packet->header.n_csrc);
    out[1] = (uint8_t)(has_marker(packet, span) << 7 | stream->payload_type);
    stoa_bytes_put16(out + 2, (uint16_t)stream->index);
    stoa_bytes_put32(out + 4, packet->header.timestamp + span->timestamp);
    stoa_bytes_put32(out + 8, stream->ssrc);
    if (packet->header.n_csrc > 0)
        memcpy(out + STOA_RTP_HEADER_LEN, packet->data + STOA_RTP_HEADER_LEN,
               4u * packet->header.n_csrc);
    return len + ext_len;
}

static bool moves_pictures(const StoaSpan *span)
{
    return span->picture.picture_id || span->picture.tl0_pic_idx;
}

/* The payload is the shared one but for what differs: RTX's original number, the numbers of pictures, the payload types
 * inside of redundant audio. */
static StoaSrtpPayload payload_of(const StoaOutlet *outlet, const StoaPacket *packet,
                                  const StoaSpan *span, uint64_t out, bool rtx,
                                  uint8_t prefix[MAX_PREFIX])
{
    const uint8_t *data = packet->data + packet->header.payload_at;
    size_t len = is_hollow(packet, span) ? 0 : packet->header.payload_len;
    size_t n = 0, replaced = 0;

    if (rtx) {
        stoa_rtx_prefix_write((uint16_t)out, prefix);
        n = STOA_RTX_PREFIX_LEN;
    }
    if (packet->info.red.heads_len > 0) {
        const StoaRed *red = &packet->info.red;

        if (!goes_as_red(outlet, packet, rtx))
            return (StoaSrtpPayload){ prefix, n, data + red->primary_at, len - red->primary_at };
        stoa_red_heads_write(data, red->heads_len, outlet->row.payload_type, prefix + n);
        replaced = red->heads_len;
    }
    if (len > 0 && moves_pictures(span))
        replaced = stoa_rtp_payload_rewrite(outlet->row.codec, data, &packet->info, &span->picture,
                                            prefix + n);
    return (StoaSrtpPayload){ prefix, n + replaced, data + replaced, len - replaced };
}

static bool commit(StoaPeer *peer, size_t len, const StoaRtpExtValues *values)
{
    if (len == 0) {
        stoa_count(&peer->worker->counters, STOA_DROP_SEND, 1);
        return false;
    }
    if (stoa_peer_commit(peer, len)) {
        peer->n_out++;
        peer->bytes_out += len;
        stoa_count(&peer->worker->counters, STOA_COUNT_OUT_PACKETS, 1);
        stoa_count(&peer->worker->counters, STOA_COUNT_OUT_BYTES, len);
    }
    if (peer->downlink && values->has_twcc)
        stoa_downlink_sent(peer->downlink, values->twcc_seq, len, peer->worker->now_us);
    return true;
}

static bool seal(StoaOutlet *outlet, const StoaPacket *packet, const StoaSpan *span, uint64_t out,
                 const Stream *stream, const StoaRtpExtValues *values)
{
    StoaPeer *peer = outlet->peer;
    bool rtx = stream->ssrc != outlet->row.ssrc;
    uint8_t prefix[MAX_PREFIX];
    uint8_t *slot = stoa_peer_slot(peer);
    StoaSrtpPayload payload = payload_of(outlet, packet, span, out, rtx, prefix);
    size_t header_len = write_header(outlet, packet, span, stream, values, slot);
    size_t len = stoa_srtp_seal_rtp(peer->seal, slot, header_len, STOA_UDP_SLOT, &payload,
                                    stoa_seq_roc(stream->index));

    return commit(peer, len, values);
}

bool stoa_outlet_seal(StoaOutlet *outlet, const StoaPacket *packet, const StoaSpan *span,
                      uint64_t out, StoaSealing sealing)
{
    Stream stream = { outlet->row.payload_type, outlet->row.ssrc, out };
    StoaRtpExtValues values;

    if (goes_as_red(outlet, packet, sealing == STOA_SEAL_RTX))
        stream.payload_type = outlet->row.red_payload_type;
    if (sealing == STOA_SEAL_RTX)
        stream = (Stream){ outlet->row.rtx_payload_type, outlet->row.rtx_ssrc, outlet->next_rtx++ };
    if (!ext_values(outlet, (uint16_t)out, sealing == STOA_SEAL_AGAIN, &values))
        return false;
    values.dd_frames = span->frame_number;
    values.has_playout_delay =
        stoa_cushion_tells(&outlet->cushion, outlet->peer->worker->now_us, &values.playout_delay);
    values.is_playout_delay_firm = outlet->cushion.is_asked;
    return seal(outlet, packet, span, out, &stream, &values);
}

/* -- padding ------------------------------------------------------------------------------- */

bool stoa_outlet_can_pad(const StoaOutlet *outlet, bool numbered)
{
    return outlet->has_row && stoa_outlet_has_rtx(outlet) && outlet->tx.has_sent &&
           (!numbered || outlet->ext.map.id_of_kind[STOA_RTP_EXT_TWCC]);
}

/* RTX without an original: a receiver counts it and throws it away. The last byte says how much of it is padding. */
size_t stoa_outlet_pad(StoaOutlet *outlet)
{
    static const uint8_t padding[PADDING] = { [PADDING - 1] = PADDING };
    static const StoaRtpExts none = { 0 };
    StoaPeer *peer = outlet->peer;
    uint8_t *slot = stoa_peer_slot(peer);
    uint64_t index = outlet->next_rtx++;
    StoaSrtpPayload payload = { NULL, 0, padding, PADDING };
    StoaRtpExtValues values;
    size_t len;

    ext_values(outlet, 0, false, &values);
    len = STOA_RTP_HEADER_LEN + stoa_rtp_extension_write(&outlet->ext, slot, &none, &values,
                                                         slot + STOA_RTP_HEADER_LEN, 256);
    slot[0] = len > STOA_RTP_HEADER_LEN ? 0xb0 : 0xa0;
    slot[1] = outlet->row.rtx_payload_type;
    stoa_bytes_put16(slot + 2, (uint16_t)index);
    stoa_bytes_put32(slot + 4, outlet->splice.last_timestamp);
    stoa_bytes_put32(slot + 8, outlet->row.rtx_ssrc);
    len = stoa_srtp_seal_rtp(peer->seal, slot, len, STOA_UDP_SLOT, &payload, stoa_seq_roc(index));
    return commit(peer, len, &values) ? len : 0;
}

bool stoa_outlet_timestamp(const StoaOutlet *outlet, int64_t realtime_us, int64_t now_us,
                           uint32_t *timestamp)
{
    const StoaSpan *span = stoa_splice_newest(&outlet->splice);
    const StoaSource *source;

    if (!outlet->tx.has_sent || !span)
        return false;
    source = outlet->is_relaying && outlet->feed ? outlet->feed->sources[outlet->encoding] : NULL;
    if (source && stoa_report_rx_timestamp(&source->rx, stoa_feed_clock(outlet->feed), realtime_us,
                                           timestamp))
        *timestamp += span->timestamp;
    else
        *timestamp = stoa_report_tx_timestamp(&outlet->tx, now_us);
    return true;
}
