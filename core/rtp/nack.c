/* SPDX-License-Identifier: MIT */
/* The list of missing packets: a gap opens entries, arrivals close them, time asks for the rest. */

#include "rtp/nack.h"

#include <string.h>

#include "rtp/bytes.h"
#include "rtp/seq.h"

#define MIN_INTERVAL_US 10000 /* between two requests for one packet, however near the sender is */
#define MAX_INTERVAL_US 1000000
#define MIN_AGE_US \
    600000 /* after this and some round trips a repair comes too late: a key frame is better */
#define MAX_AGE_US     2000000
#define MAX_REORDER_US 20000
#define OLD_REACH      10000 /* numbers this far back are late packets, not a new stream */

void stoa_nack_gen_init(StoaNackGen *gen, int64_t rtt_us)
{
    memset(gen, 0, offsetof(StoaNackGen, missing));
    gen->rtt_us = rtt_us > 0 ? rtt_us : 0;
    gen->is_guess = true;
}

void stoa_nack_gen_restart(StoaNackGen *gen)
{
    gen->n_given_up += gen->n_missing;
    gen->n_missing = 0;
    gen->has_begun = gen->wants_keyframe = false;
    gen->probe.tries = 0;
    gen->reorder_us = 0;
}

/* -- the round trip ------------------------------------------------------------------------ */

void stoa_nack_gen_note_rtt(StoaNackGen *gen, int64_t rtt_us)
{
    if (rtt_us < 0)
        return;
    if (gen->is_guess || rtt_us > gen->rtt_us)
        gen->rtt_us = rtt_us;
    else
        gen->rtt_us -= (gen->rtt_us - rtt_us) / 2;
    gen->is_guess = false;
}

void stoa_nack_gen_doubt_rtt(StoaNackGen *gen)
{
    gen->is_guess = true;
    gen->probe.tries = 0;
}

/* Asked for more than once, it answers one of the requests, nobody knows which: the estimate doubles at most. */
static int64_t sample_us(const StoaNackGen *gen, int64_t now_us)
{
    int64_t longest_us = now_us - gen->probe.first_us;
    int64_t us = now_us - gen->probe.last_us;

    if (us < 2 * gen->rtt_us)
        us = 2 * gen->rtt_us;
    return gen->probe.tries > 1 && us < longest_us ? us : longest_us;
}

bool stoa_nack_gen_repaired(StoaNackGen *gen, uint16_t seq, bool certain, int64_t now_us)
{
    int64_t us;

    if (gen->probe.tries == 0 || gen->probe.seq != seq)
        return false;
    us = sample_us(gen, now_us);
    gen->probe.tries = 0;
    if (!certain && us < gen->rtt_us / 2)
        return false;
    stoa_nack_gen_note_rtt(gen, us);
    return true;
}

static void note_asked(StoaNackGen *gen, const StoaNackMissing *entry, int64_t now_us)
{
    StoaNackProbe *probe = &gen->probe;

    if (entry->tries == 1 && (probe->tries == 0 || now_us - probe->first_us > MAX_AGE_US)) {
        *probe = (StoaNackProbe){ entry->seq, 1, now_us, now_us };
    } else if (entry->tries > 1 && probe->tries > 0 && probe->seq == entry->seq) {
        probe->tries = entry->tries;
        probe->last_us = now_us;
    }
}

/* -- when to ask --------------------------------------------------------------------------- */

static int64_t max_age_us(const StoaNackGen *gen)
{
    int64_t us = MIN_AGE_US + 4 * gen->rtt_us;

    return us < MAX_AGE_US ? us : MAX_AGE_US;
}

/* Repeats wait for the round trip and some jitter, longer each time: twice as long, should the round trip be longer than
 * is known. */
static int64_t interval_us(const StoaNackGen *gen, unsigned tries)
{
    int64_t least_us = MIN_INTERVAL_US << (tries - 1);
    int64_t us = gen->rtt_us + gen->rtt_us / 4;

    us += us * (tries - 1) / 4;
    if (us < least_us)
        us = least_us;
    return us < MAX_INTERVAL_US ? us : MAX_INTERVAL_US;
}

/* Asked for again, or given up. */
static int64_t next_us(const StoaNackGen *gen, const StoaNackMissing *entry, int64_t now_us)
{
    int64_t end_us = entry->born_us + max_age_us(gen) + 1;
    int64_t us = now_us + interval_us(gen, entry->tries);

    return entry->tries < STOA_NACK_MAX_TRIES && us < end_us ? us : end_us;
}

/* -- what is missing ----------------------------------------------------------------------- */

/* Takes `n` entries out, beginning with the i-th. */
static void drop(StoaNackGen *gen, size_t i, size_t n)
{
    gen->n_missing -= n;
    memmove(&gen->missing[i], &gen->missing[i + n], (gen->n_missing - i) * sizeof(gen->missing[0]));
}

static void give_up(StoaNackGen *gen, size_t i, size_t n)
{
    drop(gen, i, n);
    gen->n_given_up += n;
    gen->wants_keyframe = true;
}

/* The place of the first entry that is not before `seq`. */
static size_t find(const StoaNackGen *gen, uint16_t seq)
{
    size_t low = 0, high = gen->n_missing;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (stoa_seq_is_newer(seq, gen->missing[mid].seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Everything between the highest so far and `seq` is missing. */
static void open_gap(StoaNackGen *gen, uint16_t seq, int64_t now_us)
{
    size_t n = (uint16_t)(seq - gen->highest - 1);

    if (gen->n_missing + n > STOA_NACK_MAX_MISSING) {
        size_t excess = gen->n_missing + n - STOA_NACK_MAX_MISSING;

        give_up(gen, 0, excess < gen->n_missing ? excess : gen->n_missing);
    }
    if (n > STOA_NACK_MAX_MISSING) {
        gen->n_given_up += n - STOA_NACK_MAX_MISSING;
        gen->wants_keyframe = true;
        n = STOA_NACK_MAX_MISSING;
    }
    for (uint16_t missing = (uint16_t)(seq - n); missing != seq; missing++)
        gen->missing[gen->n_missing++] = (StoaNackMissing){
            .seq = missing,
            .born_us = now_us,
            .next_us = now_us + gen->reorder_us,
        };
}

/* A packet that came by itself shows how long to wait before asking; the wait shrinks slowly. */
static void learn_reordering(StoaNackGen *gen, const StoaNackMissing *entry, int64_t now_us)
{
    int64_t late_us = now_us - entry->born_us;

    if (entry->tries > 0)
        return;
    late_us += late_us / 4;
    if (late_us > gen->reorder_us)
        gen->reorder_us = late_us < MAX_REORDER_US ? late_us : MAX_REORDER_US;
}

static StoaNackVerdict fill(StoaNackGen *gen, uint16_t seq, int64_t now_us)
{
    size_t i = find(gen, seq);

    if (i == gen->n_missing || gen->missing[i].seq != seq)
        return STOA_NACK_OLD;
    learn_reordering(gen, &gen->missing[i], now_us);
    gen->n_repaired += gen->missing[i].tries > 0;
    drop(gen, i, 1);
    gen->n_recovered++;
    return STOA_NACK_FILLED;
}

static StoaNackVerdict start_over(StoaNackGen *gen, uint16_t seq)
{
    gen->n_given_up += gen->n_missing;
    gen->n_missing = 0;
    gen->highest = seq;
    gen->wants_keyframe = true;
    return STOA_NACK_JUMPED;
}

StoaNackVerdict stoa_nack_gen_input(StoaNackGen *gen, uint16_t seq, int64_t now_us)
{
    int ahead;

    if (!gen->has_begun) {
        gen->has_begun = true;
        gen->highest = seq;
        return STOA_NACK_IN_ORDER;
    }
    ahead = stoa_seq_diff(seq, gen->highest);
    if (ahead > STOA_NACK_MAX_JUMP || ahead < -OLD_REACH)
        return start_over(gen, seq);
    if (ahead <= 0)
        return fill(gen, seq, now_us);
    if (ahead > 1)
        open_gap(gen, seq, now_us);
    gen->highest = seq;
    gen->reorder_us -= gen->reorder_us >> 10;
    return STOA_NACK_IN_ORDER;
}

void stoa_nack_gen_forget_before(StoaNackGen *gen, uint16_t seq)
{
    drop(gen, 0, find(gen, seq));
    gen->wants_keyframe = false;
}

/* Entries are in the order of their birth: those past their time are at the front. */
static void give_up_stale(StoaNackGen *gen, int64_t now_us)
{
    size_t n = 0;

    while (n < gen->n_missing && now_us - gen->missing[n].born_us > max_age_us(gen))
        n++;
    if (n > 0)
        give_up(gen, 0, n);
}

size_t stoa_nack_gen_output(StoaNackGen *gen, int64_t now_us, uint16_t *seqs, size_t max,
                            bool *wants_keyframe)
{
    size_t n = 0;

    give_up_stale(gen, now_us);
    for (size_t i = 0; i < gen->n_missing && n < max; i++) {
        StoaNackMissing *entry = &gen->missing[i];

        if (entry->next_us > now_us)
            continue;
        if (entry->tries < STOA_NACK_MAX_TRIES) {
            entry->tries++;
            note_asked(gen, entry, now_us);
            seqs[n++] = entry->seq;
        }
        entry->next_us = next_us(gen, entry, now_us);
    }
    gen->n_asked += n;
    *wants_keyframe = gen->wants_keyframe;
    gen->wants_keyframe = false;
    return n;
}

int64_t stoa_nack_gen_deadline_us(const StoaNackGen *gen)
{
    int64_t deadline_us = INT64_MAX;

    if (gen->wants_keyframe)
        return 0;
    for (size_t i = 0; i < gen->n_missing; i++)
        if (gen->missing[i].next_us < deadline_us)
            deadline_us = gen->missing[i].next_us;
    return deadline_us;
}

size_t stoa_nack_fci_write(const uint16_t *seqs, size_t n, uint8_t *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < n;) {
        uint16_t first = seqs[i++];
        uint16_t mask = 0;

        for (; i < n; i++) {
            unsigned after = (uint16_t)(seqs[i] - first);

            if (after > 16)
                break;
            if (after > 0)
                mask = (uint16_t)(mask | 1u << (after - 1));
        }
        if (size - len < 4)
            return 0;
        stoa_bytes_put16(out + len, first);
        stoa_bytes_put16(out + len + 2, mask);
        len += 4;
    }
    return len;
}

size_t stoa_nack_fci_read(const uint8_t *fci, size_t len, uint16_t *seqs, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at + 4 <= len; at += 4) {
        uint16_t seq = stoa_bytes_get16(fci + at);
        unsigned mask = stoa_bytes_get16(fci + at + 2);

        for (unsigned bits = 1u | mask << 1; bits != 0 && n < max; bits &= bits - 1)
            seqs[n++] = (uint16_t)(seq + __builtin_ctz(bits));
    }
    return n;
}
