/* SPDX-License-Identifier: MIT */
/* What tells the household of a guest in one room: a keyed hash of the address. The key is of this installation and lies beside the
 * database, so that who has the database alone (a backup) cannot try out all addresses. */
#pragma once

#include <stdint.h>

enum { STOA_HOME_KEY_LEN = 32 };

/** Read the key, or make it. Where it cannot be kept, one of this process is used. Thread: any. */
void stoa_home_key_open(const char *data_dir, uint8_t key[STOA_HOME_KEY_LEN]);

/** Of one address two rooms have two. NULL: nothing is known of it, as in stoa_attempts_home(). Free with g_free(). Thread: any. */
char *stoa_home_mark(const uint8_t key[STOA_HOME_KEY_LEN], const char *room, const char *address);
