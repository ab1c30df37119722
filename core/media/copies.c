/* SPDX-License-Identifier: MIT */
#include "media/copies.h"

#include <string.h>

#include "media/feed.h"

#include "base/poison.h"

/* A copy of something older yet, or of what is there, is not what is missing: its time lies between the neighbours'. */
static bool is_of_missing(const StoaSource *source, const StoaPacket *packet, uint32_t timestamp)
{
    const StoaPacket *before = stoa_ring_get(&source->ring, source->highest);

    return packet->info.red.copy_age > 0 && before &&
           (int32_t)(timestamp - before->header.timestamp) > 0;
}

StoaPacket *stoa_copies_lost(const StoaSource *source, const StoaPacket *packet, StoaPool *pool)
{
    const StoaRed *red = &packet->info.red;
    uint32_t timestamp = packet->header.timestamp - red->copy_age;
    const uint8_t *copy =
        packet->data + packet->header.payload_at + red->primary_at - red->copy_len;
    StoaPacket *lost;
    bool is_large;

    if (red->copy_len == 0 || source->is_restarted || !source->has_begun ||
        source->feed->row.nack || packet->index < source->highest + 2 ||
        !is_of_missing(source, packet, timestamp))
        return NULL;
    is_large = red->copy_len + STOA_RTP_HEADER_LEN > STOA_PACKET_SMALL;
    lost = is_large && !stoa_pool_has_large(pool) ? NULL : stoa_packet_new(pool, is_large);
    if (!lost)
        return NULL;
    lost->header = (StoaRtpHeader){ .ssrc = packet->header.ssrc,
                                    .timestamp = timestamp,
                                    .seq = (uint16_t)(packet->header.seq - 1),
                                    .payload_type = source->feed->row.payload_type,
                                    .payload_at = STOA_RTP_HEADER_LEN,
                                    .payload_len = red->copy_len };
    lost->index = packet->index - 1;
    lost->arrived_us = packet->arrived_us;
    lost->exts.found = 0;
    lost->info = (StoaRtpFrameInfo){ 0 };
    lost->len = (uint16_t)(STOA_RTP_HEADER_LEN + red->copy_len);
    stoa_rtp_header_write(&lost->header, lost->data);
    memcpy(lost->data + STOA_RTP_HEADER_LEN, copy, red->copy_len);
    return lost;
}
