/* SPDX-License-Identifier: MIT */
/* Slots of doubly linked timers. One that is due later than the wheel reaches waits in the last slot and is filed anew. */
#include "media/wheel.h"

#include <string.h>

#include "base/poison.h"

void stoa_wheel_init(StoaWheel *wheel, int64_t now_us)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->tick = now_us / STOA_WHEEL_SLOT_US;
}

static void mark(StoaWheel *wheel, uint32_t slot)
{
    wheel->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void unmark_empty(StoaWheel *wheel, uint32_t slot)
{
    if (!wheel->slots[slot])
        wheel->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

static void file(StoaWheel *wheel, StoaWheelTimer *timer)
{
    int64_t tick = (timer->due_us + STOA_WHEEL_SLOT_US - 1) / STOA_WHEEL_SLOT_US;

    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    if (tick >= wheel->tick + STOA_WHEEL_SLOTS)
        tick = wheel->tick + STOA_WHEEL_SLOTS - 1;
    timer->slot = (uint32_t)(tick % STOA_WHEEL_SLOTS);
    timer->next = wheel->slots[timer->slot];
    timer->link = &wheel->slots[timer->slot];
    if (timer->next)
        timer->next->link = &timer->next;
    wheel->slots[timer->slot] = timer;
    mark(wheel, timer->slot);
}

void stoa_wheel_clear(StoaWheel *wheel, StoaWheelTimer *timer)
{
    if (!timer->link)
        return;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->link = NULL;
    timer->next = NULL;
    unmark_empty(wheel, timer->slot);
}

void stoa_wheel_set(StoaWheel *wheel, StoaWheelTimer *timer, int64_t due_us)
{
    stoa_wheel_clear(wheel, timer);
    timer->due_us = due_us;
    file(wheel, timer);
}

void stoa_wheel_set_by(StoaWheel *wheel, StoaWheelTimer *timer, int64_t due_us)
{
    if (!timer->link || due_us < timer->due_us)
        stoa_wheel_set(wheel, timer, due_us);
}

/* What is due fires, the rest is filed again: first for a later round, then the slot is looked at anew, since firing
 * may set and clear any timer. */
static void turn(StoaWheel *wheel, uint32_t slot, int64_t now_us)
{
    StoaWheelTimer *later = NULL;
    StoaWheelTimer *timer;

    while ((timer = wheel->slots[slot])) {
        stoa_wheel_clear(wheel, timer);
        if (timer->due_us <= now_us) {
            timer->fire(timer, now_us);
            continue;
        }
        timer->next = later;
        timer->link = &later;
        if (later)
            later->link = &timer->next;
        later = timer;
    }
    while ((timer = later)) {
        later = timer->next;
        if (later)
            later->link = &later;
        file(wheel, timer);
    }
}

void stoa_wheel_advance(StoaWheel *wheel, int64_t now_us)
{
    int64_t until = now_us / STOA_WHEEL_SLOT_US;

    if (until - wheel->tick > STOA_WHEEL_SLOTS)
        wheel->tick = until - STOA_WHEEL_SLOTS;
    while (wheel->tick < until) {
        uint32_t slot = (uint32_t)(++wheel->tick % STOA_WHEEL_SLOTS);

        if (wheel->slots[slot])
            turn(wheel, slot, now_us);
    }
}

int64_t stoa_wheel_next_us(const StoaWheel *wheel)
{
    for (int64_t tick = wheel->tick + 1; tick < wheel->tick + STOA_WHEEL_SLOTS;) {
        uint32_t slot = (uint32_t)(tick % STOA_WHEEL_SLOTS);
        uint64_t rest = wheel->used[slot / 64] >> (slot % 64);

        if (rest)
            return (tick + __builtin_ctzll(rest)) * STOA_WHEEL_SLOT_US;
        tick += 64 - slot % 64;
    }
    return INT64_MAX;
}
