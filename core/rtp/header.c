/* SPDX-License-Identifier: MIT */
/* The RTP fixed header, read and written. (RFC 3550, 5.1 and 5.3.1) */

#include "rtp/header.h"

#include "rtp/bytes.h"

/* Finds the extension block that begins at `at`. False if it runs past the packet. */
static bool read_extension(const uint8_t *buf, size_t len, size_t at, StoaRtpHeader *header)
{
    if (len - at < 4)
        return false;
    header->has_extension = true;
    header->ext_profile = stoa_bytes_get16(buf + at);
    header->ext_len = (uint32_t)stoa_bytes_get16(buf + at + 2) * 4;
    header->ext_at = (uint16_t)(at + 4);
    return header->ext_len <= len - at - 4;
}

bool stoa_rtp_header_read_sealed(const uint8_t *buf, size_t len, StoaRtpHeader *header)
{
    StoaRtpHeader read = { 0 };
    size_t at;

    if (len < STOA_RTP_HEADER_LEN || buf[0] >> 6 != 2)
        return false;
    read.n_csrc = buf[0] & 15;
    read.marker = buf[1] >> 7;
    read.payload_type = buf[1] & 127;
    read.seq = stoa_bytes_get16(buf + 2);
    read.timestamp = stoa_bytes_get32(buf + 4);
    read.ssrc = stoa_bytes_get32(buf + 8);

    at = STOA_RTP_HEADER_LEN + 4u * read.n_csrc;
    if (at > len)
        return false;
    if (buf[0] & 0x10) {
        if (!read_extension(buf, len, at, &read))
            return false;
        at = (size_t)read.ext_at + read.ext_len;
    }
    read.payload_at = at;
    read.payload_len = len - at;
    *header = read;
    return true;
}

bool stoa_rtp_header_read(const uint8_t *buf, size_t len, StoaRtpHeader *header)
{
    StoaRtpHeader read;

    if (!stoa_rtp_header_read_sealed(buf, len, &read))
        return false;
    if (buf[0] & 0x20) {
        read.padding_len = buf[len - 1];
        if (read.padding_len == 0 || read.padding_len > read.payload_len)
            return false;
        read.payload_len -= read.padding_len;
    }
    *header = read;
    return true;
}

void stoa_rtp_header_write(const StoaRtpHeader *header, uint8_t *out)
{
    out[0] = (uint8_t)(0x80 | (header->has_extension ? 0x10 : 0));
    out[1] = (uint8_t)((header->marker ? 0x80 : 0) | (header->payload_type & 127));
    stoa_bytes_put16(out + 2, header->seq);
    stoa_bytes_put32(out + 4, header->timestamp);
    stoa_bytes_put32(out + 8, header->ssrc);
}
