/* SPDX-License-Identifier: MIT */
#pragma once /* How often one subscriber's requests for a keyframe are passed on: everybody pays for each. Pure, no I/O.
              *
              * As long as none comes that answers it, a request is passed on at once. Who is answered and asks again waits:
              * 300 ms, then twice that each time, up to three seconds. (SECURITY R16) */

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t passed_us;  /* when one was passed on that began something; 0: never */
    int64_t wait_us;    /* until the next after it, if it is answered */
    int64_t waiting_us; /* when one came too soon; 0: none waits */
    bool has_fir;
    uint8_t fir_seq; /* of the last FIR */
} StoaPlea;

/**
 * A request came, by PLI or FIR.
 *
 * @keyframe_us  when the subscriber was sent a keyframe last; 0: never
 *
 * Returns whether it is passed on now; else stoa_plea_is_due() tells when.
 */
bool stoa_plea_input(StoaPlea *plea, int64_t keyframe_us, int64_t now_us);

/** Whether a FIR is new, or its answer has not been sent. The same number is the same request. (RFC 5104, 4.3.1.2) */
bool stoa_plea_fir(StoaPlea *plea, uint8_t seq, int64_t keyframe_us);

/** Whether one that came too soon is passed on now, as no keyframe came meanwhile. Asked now and then. */
bool stoa_plea_is_due(StoaPlea *plea, int64_t keyframe_us, int64_t now_us);
