/* SPDX-License-Identifier: MIT */
/* What each role may do, by the wire's names: the one table. (rooms API, "Roles") */
#pragma once

#include <stoa/plugin.h>

/** "host", "cohost", "participant"; NULL for STOA_ROLE_ANYONE. Static. */
const char *stoa_role_name(StoaRole role);
/** The role of such a name; STOA_ROLE_ANYONE: there is none. */
StoaRole stoa_role_from_name(const char *name);

/** The least role that may do `what` ("send", "admit", "end"); STOA_ROLE_ANYONE: the table does not know it. */
StoaRole stoa_capability_least(const char *what);

/** Whether a role may do `what`. False for what the table does not know. */
bool stoa_capability_allows(StoaRole role, const char *what);

/** The names in the table, one after the other; NULL after the last. For tests and the reference. */
const char *stoa_capability_name(size_t index);
