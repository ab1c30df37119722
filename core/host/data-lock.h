/* SPDX-License-Identifier: MIT */
#pragma once /* One gateway a data folder: two would write over each other's journal. */

#include <glib.h>

/**
 * Take the folder for this process, until the descriptor is closed or the process ends.
 *
 * Waits a moment for one that is ending. Where the file system knows no locks it is told in the log, and nobody is kept out.
 * Returns a descriptor, or -1 with `error`: another gateway has it.
 */
int stoa_data_lock(const char *dir, GError **error);
