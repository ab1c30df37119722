/* SPDX-License-Identifier: MIT */
/* A ticket lets who has it fetch one file for some minutes: signed, not stored. */
#pragma once

#include "web/home.h"

#include <stdbool.h>
#include <stdint.h>

/** Sign with a key that outlives a restart. Before the first ticket. Thread: control. */
void stoa_ticket_set_key(const uint8_t installation[STOA_HOME_KEY_LEN]);
/** Make one: text of [A-Za-z0-9_-], to be freed with g_free(). Thread: any. */
char *stoa_ticket_new(const char *room, const char *file, int64_t expires_ms);
/** Whether it is for this file, and still good. Thread: any. */
bool stoa_ticket_is_good(const char *ticket, const char *room, const char *file, int64_t now_ms);
