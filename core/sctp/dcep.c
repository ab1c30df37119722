/* SPDX-License-Identifier: MIT */
/* DATA_CHANNEL_OPEN: type, channel type, priority, reliability, two lengths, label, protocol. */
#include "sctp/dcep.h"

#include <string.h>

#include "base/poison.h"

enum { UNORDERED = 0x80 };

static size_t read16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static void write16(uint8_t *p, size_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

bool stoa_dcep_open_read(const uint8_t *buf, size_t len, StoaDcepOpen *open)
{
    size_t label_len, protocol_len;

    if (len < STOA_DCEP_HEADER || buf[0] != STOA_DCEP_OPEN ||
        (buf[1] & ~UNORDERED) > STOA_DCEP_LIFETIME)
        return false;
    label_len = read16(buf + 8);
    protocol_len = read16(buf + 10);
    if (len - STOA_DCEP_HEADER < label_len + protocol_len)
        return false;
    open->unordered = buf[1] & UNORDERED;
    open->policy = buf[1] & ~UNORDERED;
    open->limit = (uint32_t)(read16(buf + 4) << 16 | read16(buf + 6));
    open->label = (const char *)buf + STOA_DCEP_HEADER;
    open->label_len = label_len;
    open->protocol = open->label + label_len;
    open->protocol_len = protocol_len;
    return true;
}

size_t stoa_dcep_open_write(const StoaDcepOpen *open, uint8_t *buf, size_t room)
{
    size_t len = STOA_DCEP_HEADER + open->label_len + open->protocol_len;

    if (len > room || open->label_len > UINT16_MAX || open->protocol_len > UINT16_MAX)
        return 0;
    memset(buf, 0, STOA_DCEP_HEADER);
    buf[0] = STOA_DCEP_OPEN;
    buf[1] = (uint8_t)(open->policy | (open->unordered ? UNORDERED : 0));
    write16(buf + 4, open->limit >> 16);
    write16(buf + 6, open->limit & 0xffff);
    write16(buf + 8, open->label_len);
    write16(buf + 10, open->protocol_len);
    memcpy(buf + STOA_DCEP_HEADER, open->label, open->label_len);
    memcpy(buf + STOA_DCEP_HEADER + open->label_len, open->protocol, open->protocol_len);
    return len;
}
