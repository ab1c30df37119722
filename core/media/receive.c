/* SPDX-License-Identifier: MIT */
/* From a sealed datagram to a packet in the ring of its source: opened once, parsed once. (DESIGN section 3) */
#include <string.h>

#include "media/copies.h"
#include "media/peer-private.h"
#include "rtp/dd.h"
#include "rtp/rtx.h"

#include "base/poison.h"

enum { MAX_SSRCS = 512 };

/* -- which SSRC is what -------------------------------------------------------------------- */

const StoaSsrcEntry *stoa_peer_ssrc(StoaPeer *peer, uint32_t ssrc)
{
    if (peer->last_ssrc < peer->n_ssrcs && peer->ssrcs[peer->last_ssrc].ssrc == ssrc)
        return &peer->ssrcs[peer->last_ssrc];
    for (unsigned i = 0; i < peer->n_ssrcs; i++)
        if (peer->ssrcs[i].ssrc == ssrc)
            return &peer->ssrcs[peer->last_ssrc = i];
    return NULL;
}

static void unbind_at(StoaPeer *peer, unsigned i)
{
    if (peer->open)
        stoa_srtp_open_rest(peer->open, peer->ssrcs[i].ssrc, true);
    peer->ssrcs[i] = peer->ssrcs[--peer->n_ssrcs];
}

void stoa_peer_unbind(StoaPeer *peer, const StoaFeed *feed)
{
    for (unsigned i = 0; i < peer->n_ssrcs;)
        if (peer->ssrcs[i].feed == feed)
            unbind_at(peer, i);
        else
            i++;
}

static void unbind_ssrc(StoaPeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < peer->n_ssrcs; i++)
        if (peer->ssrcs[i].ssrc == ssrc) {
            unbind_at(peer, i);
            return;
        }
}

/* The encoding gets another SSRC than it had: the old one's packets mean nothing any more. */
static void replace(StoaPeer *peer, uint32_t *known, uint32_t ssrc)
{
    if (*known && *known != ssrc)
        unbind_ssrc(peer, *known);
    *known = ssrc;
}

static const StoaSsrcEntry *bind_ssrc(StoaPeer *peer, const StoaSsrcEntry *entry)
{
    StoaSource *source = stoa_feed_source(entry->feed, entry->encoding);

    if (!entry->is_rtx && source->ssrc && source->ssrc != entry->ssrc)
        stoa_source_restart(source);
    replace(peer, entry->is_rtx ? &source->rtx_ssrc : &source->ssrc, entry->ssrc);
    unbind_ssrc(peer, entry->ssrc);
    if (peer->open)
        stoa_srtp_open_rest(peer->open, entry->ssrc, false);
    if (peer->n_ssrcs == peer->room_ssrcs) {
        peer->room_ssrcs = MAX(4, 2 * peer->room_ssrcs);
        peer->ssrcs = g_renew(StoaSsrcEntry, peer->ssrcs, peer->room_ssrcs);
    }
    peer->ssrcs[peer->n_ssrcs] = *entry;
    return &peer->ssrcs[peer->last_ssrc = peer->n_ssrcs++];
}

static bool is_bound(StoaPeer *peer, const StoaFeed *feed, unsigned encoding, uint32_t ssrc)
{
    const StoaSsrcEntry *entry = stoa_peer_ssrc(peer, ssrc);

    return entry && entry->feed == feed && entry->encoding == encoding;
}

void stoa_peer_bind_row(StoaPeer *peer, StoaFeed *feed)
{
    for (unsigned i = 0; i < feed->n_encodings; i++) {
        uint32_t ssrc = feed->row.encodings[i].ssrc;
        uint32_t rtx_ssrc = feed->row.encodings[i].rtx_ssrc;

        if (ssrc && !is_bound(peer, feed, i, ssrc))
            bind_ssrc(peer, &(StoaSsrcEntry){ ssrc, (uint8_t)i, false, feed });
        if (rtx_ssrc && !is_bound(peer, feed, i, rtx_ssrc))
            bind_ssrc(peer, &(StoaSsrcEntry){ rtx_ssrc, (uint8_t)i, true, feed });
    }
}

static StoaFeed *feed_of_mid(const StoaPeer *peer, const char *mid)
{
    for (unsigned i = 0; i < peer->n_feeds; i++)
        if (strcmp(peer->feeds[i]->row.mid, mid) == 0)
            return peer->feeds[i];
    return NULL;
}

static bool is_of_track(const StoaReceive *row, uint8_t payload_type)
{
    return row->payload_type == payload_type ||
           (row->red_payload_type && row->red_payload_type == payload_type);
}

static bool carries(const StoaFeed *feed, uint8_t payload_type)
{
    const StoaReceive *row = &feed->row;

    return is_of_track(row, payload_type) ||
           (row->rtx_payload_type && row->rtx_payload_type == payload_type);
}

/* By payload type, if that says it without doubt. */
static StoaFeed *feed_of_payload_type(const StoaPeer *peer, uint8_t payload_type)
{
    StoaFeed *found = NULL;

    for (unsigned i = 0; i < peer->n_feeds; i++) {
        if (!carries(peer->feeds[i], payload_type))
            continue;
        if (found)
            return NULL;
        found = peer->feeds[i];
    }
    return found;
}

static int encoding_of_rid(const StoaFeed *feed, const char *rid)
{
    for (unsigned i = 0; i < feed->n_encodings; i++)
        if (strcmp(feed->row.encodings[i].rid, rid) == 0)
            return (int)i;
    return -1;
}

/* Which encoding of a feed: by rid (repaired rid for RTX); the only one needs none. */
static int encoding_of(const StoaFeed *feed, const StoaPacket *packet, bool is_rtx)
{
    StoaRtpExtKind kind = is_rtx ? STOA_RTP_EXT_REPAIRED_RID : STOA_RTP_EXT_RID;
    char rid[STOA_RID_MAX];

    if (feed->n_encodings == 1)
        return 0;
    if (stoa_rtp_extension_text(packet->data, &packet->exts, kind, rid, sizeof(rid)))
        return encoding_of_rid(feed, rid);
    return -1;
}

/* An SSRC that is new: its first packet tells by mid and rid what it is. (RFC 8843, 9.2; RFC 8853) */
static const StoaSsrcEntry *learn(StoaPeer *peer, const StoaPacket *packet)
{
    StoaSsrcEntry entry = { .ssrc = packet->header.ssrc };
    char mid[STOA_MID_MAX];
    int encoding;

    if (stoa_rtp_extension_text(packet->data, &packet->exts, STOA_RTP_EXT_MID, mid, sizeof(mid)))
        entry.feed = feed_of_mid(peer, mid);
    else
        entry.feed = feed_of_payload_type(peer, packet->header.payload_type);
    if (!entry.feed || !carries(entry.feed, packet->header.payload_type) ||
        peer->n_ssrcs >= MAX_SSRCS)
        return NULL;
    entry.is_rtx = entry.feed->row.rtx_payload_type &&
                   packet->header.payload_type == entry.feed->row.rtx_payload_type;
    encoding = encoding_of(entry.feed, packet, entry.is_rtx);
    if (encoding < 0)
        return NULL;
    entry.encoding = (uint8_t)encoding;
    return bind_ssrc(peer, &entry);
}

/* -- reading ------------------------------------------------------------------------------- */

static bool drop(StoaPeer *peer, StoaCount why)
{
    stoa_count(&peer->worker->counters, why, 1);
    return false;
}

static bool open_packet(StoaPeer *peer, StoaPacket *packet)
{
    size_t len = packet->len;

    if (!peer->open || !stoa_peer_is_ready(peer))
        return drop(peer, STOA_DROP_EARLY);
    switch (stoa_srtp_open_rtp(peer->open, packet->data, &len)) {
    case STOA_SRTP_OPEN_OK: break;
    case STOA_SRTP_OPEN_REPLAY: return drop(peer, STOA_DROP_REPLAY);
    case STOA_SRTP_OPEN_BAD_AUTH: return drop(peer, STOA_DROP_AUTH);
    default: return drop(peer, STOA_DROP_JUNK);
    }
    peer->n_in++;
    peer->bytes_in += packet->len;
    stoa_count(&peer->worker->counters, STOA_COUNT_IN_PACKETS, 1);
    stoa_count(&peer->worker->counters, STOA_COUNT_IN_BYTES, packet->len);
    packet->len = (uint16_t)len;
    packet->arrived_us = peer->worker->now_us;
    return true;
}

static bool read_header(StoaPeer *peer, StoaPacket *packet)
{
    if (!stoa_rtp_header_read(packet->data, packet->len, &packet->header))
        return drop(peer, STOA_DROP_JUNK);
    stoa_rtp_extension_read(packet->data, &packet->header, &peer->ext, &packet->exts);
    return true;
}

static void note_twcc(StoaPeer *peer, const StoaPacket *packet)
{
    uint16_t seq;

    if (!stoa_rtp_extension_twcc_seq(packet->data, &packet->exts, &seq))
        return;
    if (!peer->twcc)
        peer->twcc = g_new0(StoaTwccRecorder, 1);
    stoa_twcc_recorder_input(peer->twcc, seq, packet->arrived_us);
    stoa_wheel_set_by(&peer->worker->wheel, &peer->feedback, packet->arrived_us + STOA_FEEDBACK_US);
}

static bool unwrap(StoaPeer *peer, StoaPacket *packet, const StoaSource *source)
{
    size_t at = source->ssrc ? stoa_rtx_unwrap(packet->data, packet->len, &packet->header,
                                               source->ssrc, source->feed->row.payload_type)
                             : 0;

    if (at == 0)
        return false; /* padding: a probe */
    packet->data += at;
    packet->len = (uint16_t)(packet->len - at);
    return read_header(peer, packet);
}

/* Nobody is sent what cannot be taken apart: some subscribers get what is new in it only. */
static bool look_into_red(const StoaSource *source, StoaPacket *packet)
{
    const StoaReceive *row = &source->feed->row;

    if (packet->header.payload_type == row->payload_type || packet->header.payload_len == 0)
        return true;
    return stoa_red_read(packet->data + packet->header.payload_at, packet->header.payload_len,
                         row->payload_type, &packet->info.red);
}

static bool look_inside(StoaSource *source, StoaPacket *packet)
{
    const StoaRtpExts *exts = &packet->exts;
    StoaDd dd;
    bool has_dd = false;

    if (stoa_rtp_extension_has(exts, STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR)) {
        if (!source->dd)
            source->dd = g_new0(StoaDdStructure, 1);
        has_dd = stoa_dd_read(packet->data + exts->at[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR],
                              exts->len[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR], source->dd, &dd);
    }
    stoa_rtp_payload_info(source->feed->codec, packet->data + packet->header.payload_at,
                          packet->header.payload_len, has_dd ? &dd : NULL, &packet->info);
    return look_into_red(source, packet);
}

/* What the ring keeps: a small copy if it fits, else the packet itself, while others are left to receive with. */
static StoaPacket *keep(StoaPeer *peer, StoaPacket *packet)
{
    StoaPool *pool = peer->worker->pool;
    StoaPacket *small = stoa_packet_shrink(pool, packet);

    if (small)
        return small;
    return stoa_pool_has_large(pool) ? stoa_packet_ref(packet) : NULL;
}

static void fill_gap(StoaPeer *peer, StoaSource *source, const StoaPacket *packet)
{
    StoaPool *pool = peer->worker->pool;
    StoaPacket *lost = stoa_copies_lost(source, packet, pool);

    if (!lost)
        return;
    if (stoa_source_file(source, lost, pool)) {
        source->n_recovered++;
        stoa_count(&peer->worker->counters, STOA_COUNT_RECOVERED, 1);
        stoa_feed_push(source->feed, source, lost);
    }
    stoa_packet_unref(lost, pool);
}

static void file(StoaPeer *peer, StoaSource *source, StoaPacket *packet, bool is_rtx)
{
    StoaWorker *w = peer->worker;
    StoaPacket *kept;

    if (!stoa_source_index(source, packet->header.seq, is_rtx, &packet->index)) {
        drop(peer, STOA_DROP_DUPLICATE);
        return;
    }
    if (!look_inside(source, packet)) {
        drop(peer, STOA_DROP_JUNK);
        return;
    }
    if (packet->info.red.copy_len > 0)
        fill_gap(peer, source, packet);
    kept = keep(peer, packet);
    if (!kept) {
        drop(peer, STOA_DROP_POOL);
        return;
    }
    if (stoa_source_file(source, kept, w->pool)) {
        stoa_source_count(source, kept, is_rtx);
        stoa_count(&w->counters, STOA_COUNT_RECOVERED, is_rtx);
        stoa_feed_push(source->feed, source, kept);
    } else {
        if (kept->info.red.heads_len > 0 && !is_rtx)
            stoa_source_count(source, kept,
                              false); /* it came after all, behind its copy: no loss */
        drop(peer, STOA_DROP_DUPLICATE);
    }
    stoa_packet_unref(kept, w->pool);
    if (source->nack && source->nack->n_missing > 0)
        stoa_wheel_set_by(&w->wheel, &peer->feedback, stoa_nack_gen_deadline_us(source->nack));
}

void stoa_peer_rtp(StoaPeer *peer, StoaPacket *packet)
{
    const StoaSsrcEntry *entry;
    StoaSource *source;

    if (!open_packet(peer, packet) || !read_header(peer, packet))
        return;
    note_twcc(peer, packet);
    entry = stoa_peer_ssrc(peer, packet->header.ssrc);
    if (!entry)
        entry = learn(peer, packet);
    if (!entry) {
        stoa_srtp_open_forget(peer->open, packet->header.ssrc);
        drop(peer, STOA_DROP_UNKNOWN);
        return;
    }
    source = stoa_feed_source(entry->feed, entry->encoding);
    if (entry->is_rtx && !unwrap(peer, packet, source))
        return;
    if (!is_of_track(&entry->feed->row, packet->header.payload_type)) {
        drop(peer, STOA_DROP_PAYLOAD);
        return;
    }
    if (!stoa_wheel_is_set(&peer->report))
        stoa_wheel_set(&peer->worker->wheel, &peer->report,
                       packet->arrived_us + STOA_REPORT_US / 4);
    file(peer, source, packet, entry->is_rtx);
}
