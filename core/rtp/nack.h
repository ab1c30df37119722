/* SPDX-License-Identifier: MIT */
#pragma once /* Which packets are missing, when to ask for them, and how a NACK says so. (RFC 4585, 6.2.1) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_NACK_MAX_MISSING 512  /* more missing than this: a key frame is cheaper */
#define STOA_NACK_MAX_TRIES   8    /* times that one packet is asked for */
#define STOA_NACK_MAX_JUMP    2000 /* a larger gap is a new stream, not loss */

typedef struct {
    uint16_t seq;
    uint8_t tries;
    int64_t born_us; /* when the gap was seen */
    int64_t next_us; /* not asked for before */
} StoaNackMissing;

/* One packet whose repair shows how long the way there and back is, be it still wanted when it comes or not. */
typedef struct {
    uint16_t seq;
    uint8_t tries;             /* 0: there is none */
    int64_t first_us, last_us; /* when it was asked for */
} StoaNackProbe;

/* The missing list of one received stream. Its owner may read the counters; the rest is private. */
typedef struct {
    uint16_t highest;
    bool has_begun;
    bool wants_keyframe;
    size_t n_missing;
    int64_t rtt_us;
    bool is_guess; /* `rtt_us` was not measured, or on another path */
    StoaNackProbe probe;
    int64_t reorder_us;                                    /* how late packets come by themselves */
    uint64_t n_recovered, n_repaired, n_given_up, n_asked; /* repaired: recovered, and asked for */
    StoaNackMissing missing[STOA_NACK_MAX_MISSING];        /* oldest first */
} StoaNackGen;

typedef enum {
    STOA_NACK_IN_ORDER, /* the newest so far */
    STOA_NACK_FILLED,   /* late or repaired: one that was missing */
    STOA_NACK_OLD,      /* seen before, or given up */
    STOA_NACK_JUMPED    /* far away: everything was forgotten, a new stream begins here */
} StoaNackVerdict;

/** Begin with nothing received. @rtt_us  a guess; 0 is fine */
void stoa_nack_gen_init(StoaNackGen *gen, int64_t rtt_us);

/** Begin again, with another stream: the way to its sender is the same, and what was counted stays. */
void stoa_nack_gen_restart(StoaNackGen *gen);

/**
 * Tell a round-trip time that was measured. It spaces the repeats, which are 10 ms apart at least and twice that each
 * time. A longer one counts at once, a shorter one by and by: too many requests do more harm than a late one.
 */
void stoa_nack_gen_note_rtt(StoaNackGen *gen, int64_t rtt_us);

/** The path is another one: what was measured is a guess now. */
void stoa_nack_gen_doubt_rtt(StoaNackGen *gen);

/**
 * A retransmission came, of a packet that may have been given up: does it tell the round-trip time?
 *
 * @certain  false: it came in the stream itself, and may be the first sending, late
 */
bool stoa_nack_gen_repaired(StoaNackGen *gen, uint16_t seq, bool certain, int64_t now_us);

/**
 * Feed one received packet (a retransmission under its original number).
 *
 * @now_us  monotonic
 */
StoaNackVerdict stoa_nack_gen_input(StoaNackGen *gen, uint16_t seq, int64_t now_us);

/** Forget what is missing before `seq`: a key frame began there, nobody needs the rest. */
void stoa_nack_gen_forget_before(StoaNackGen *gen, uint16_t seq);

/**
 * The sequence numbers to ask for now, oldest first; they count as asked. One that was asked for often enough is waited
 * for until it is too old.
 *
 * @seqs            gets at most `max` of them
 * @wants_keyframe  set to true (once) if packets were given up, so that only a key frame helps
 *
 * Returns how many. Call when stoa_nack_gen_deadline_us() is reached.
 */
size_t stoa_nack_gen_output(StoaNackGen *gen, int64_t now_us, uint16_t *seqs, size_t max,
                            bool *wants_keyframe);

/** When stoa_nack_gen_output() will have something to say: INT64_MAX if nothing is missing. */
int64_t stoa_nack_gen_deadline_us(const StoaNackGen *gen);

/**
 * Write the FCI of a generic NACK: pairs of a number and a mask of the sixteen after it.
 *
 * @seqs  oldest first
 * @size  bytes at `out`
 *
 * Returns the bytes written, a multiple of four, or 0 if they do not fit.
 */
size_t stoa_nack_fci_write(const uint16_t *seqs, size_t n, uint8_t *out, size_t size);

/**
 * Read every number of a generic NACK's FCI.
 *
 * @fci   borrowed, `len` bytes (StoaRtcpFeedback)
 * @seqs  gets at most `max`; 17 for each four bytes is always enough
 *
 * Returns how many.   Fuzzed by: test/fuzz/fuzz_rtcp.c
 */
size_t stoa_nack_fci_read(const uint8_t *fci, size_t len, uint16_t *seqs, size_t max);
