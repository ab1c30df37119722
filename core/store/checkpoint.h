/* SPDX-License-Identifier: MIT */
/* Moves what was committed from the WAL into the database, on a connection and a thread of its own: writing goes on meanwhile. */
#pragma once

#include "store/store.h"

#include <glib.h>

typedef struct StoaCheckpoint StoaCheckpoint;

/**
 * Start it.
 *
 * @path  of a database that is open already
 *
 * NULL with `error`: the database cannot be opened once more. Thread: any.
 */
StoaCheckpoint *stoa_checkpoint_new(const char *path, const StoaStoreConf *conf, GError **error);

/** Ask for one; what is asked for while one is under way is the next. Thread: any. */
void stoa_checkpoint_wake(StoaCheckpoint *checkpoint);

/** Waits for the one under way. Thread: the maker's. */
void stoa_checkpoint_free(StoaCheckpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaCheckpoint, stoa_checkpoint_free)
