/* SPDX-License-Identifier: MIT */
/* Timers of a worker: one wheel with slots of 10 ms. A timer lives inside what it belongs to; nothing is allocated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STOA_WHEEL_SLOTS = 512, STOA_WHEEL_SLOT_US = 10000 };

typedef struct StoaWheelTimer StoaWheelTimer;
typedef void StoaWheelFunc(StoaWheelTimer *timer, int64_t now_us);

/* All zero but `fire` is a timer that is not set. Private but for `fire`. */
struct StoaWheelTimer {
    StoaWheelTimer *next;
    StoaWheelTimer **link; /* what points to this one; NULL: not set */
    int64_t due_us;
    uint32_t slot;
    StoaWheelFunc *fire;
};

typedef struct {
    int64_t tick; /* slots passed since time 0 */
    uint64_t used[STOA_WHEEL_SLOTS / 64];
    StoaWheelTimer *slots[STOA_WHEEL_SLOTS];
} StoaWheel;

void stoa_wheel_init(StoaWheel *wheel, int64_t now_us);

/** Fire once at `due_us` or up to a slot later; a timer that is set already moves. */
void stoa_wheel_set(StoaWheel *wheel, StoaWheelTimer *timer, int64_t due_us);

/** As stoa_wheel_set(), but never later than it is set for already. */
void stoa_wheel_set_by(StoaWheel *wheel, StoaWheelTimer *timer, int64_t due_us);

/** Take it off the wheel; fine if it is not on it. */
void stoa_wheel_clear(StoaWheel *wheel, StoaWheelTimer *timer);

static inline bool stoa_wheel_is_set(const StoaWheelTimer *timer)
{
    return timer->link != NULL;
}

/** Fire what is due. A timer is off the wheel when it fires, and may set or clear any. */
void stoa_wheel_advance(StoaWheel *wheel, int64_t now_us);

/** When to call stoa_wheel_advance() next; INT64_MAX: no timer is set. */
int64_t stoa_wheel_next_us(const StoaWheel *wheel);

#define STOA_WHEEL_OWNER(timer, Type, member) \
    ((Type *)(void *)((char *)(timer)-offsetof(Type, member)))
