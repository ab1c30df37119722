/* SPDX-License-Identifier: MIT */
/* The two messages that open a data channel. Pure, no I/O. (RFC 8832, 5) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Payload protocol identifiers. (RFC 8831, 8) */
enum {
    STOA_PPID_DCEP = 50,
    STOA_PPID_STRING = 51,
    STOA_PPID_BINARY_PART = 52, /* deprecated, as STRING_PART: read as a whole message */
    STOA_PPID_BINARY = 53,
    STOA_PPID_STRING_PART = 54,
    STOA_PPID_STRING_EMPTY = 56,
    STOA_PPID_BINARY_EMPTY = 57,
};

enum {
    STOA_DCEP_ACK = 2,
    STOA_DCEP_OPEN = 3,
    STOA_DCEP_HEADER = 12, /* bytes of an OPEN before label and protocol */
};

typedef enum {
    STOA_DCEP_RELIABLE = 0,
    STOA_DCEP_RETRANSMITS = 1,
    STOA_DCEP_LIFETIME = 2,
} StoaDcepPolicy;

typedef struct {
    bool unordered;
    StoaDcepPolicy policy;
    uint32_t limit;               /* retransmissions, or milliseconds */
    const char *label, *protocol; /* not terminated */
    size_t label_len, protocol_len;
} StoaDcepOpen;

/**
 * Read a DATA_CHANNEL_OPEN.
 *
 * @open  written on success only; its texts lie in `buf`
 *
 * Returns false if it is cut short or of a channel type that does not exist.
 * Thread: any; allocates nothing.   Source: RFC 8832, 5.1.
 */
bool stoa_dcep_open_read(const uint8_t *buf, size_t len, StoaDcepOpen *open);

/**
 * Write a DATA_CHANNEL_OPEN.
 *
 * Returns its bytes; 0 if `room` is too small.   Thread: any.
 */
size_t stoa_dcep_open_write(const StoaDcepOpen *open, uint8_t *buf, size_t room);
