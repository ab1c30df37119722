/* SPDX-License-Identifier: MIT */
/* Answers questions on a connection and a thread of its own, which cannot write: whoever writes does not wait for a long answer. */
#pragma once

#include "store/job.h"

typedef struct StoaReader StoaReader;

/**
 * Start it.
 *
 * @path      of a database that is open already
 * @finished  borrowed; where jobs go when they are answered
 *
 * NULL with `error`: the database cannot be opened once more. Thread: any.
 */
StoaReader *stoa_reader_new(const char *path, const StoaStoreConf *conf, StoaQueue *finished,
                            GError **error);

/** A question; it sees what is committed by now. Answered in the order that they are given. Taken. Thread: any. */
void stoa_reader_give(StoaReader *reader, StoaJob *job);

/** Answers what waits. Thread: the maker's. */
void stoa_reader_free(StoaReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaReader, stoa_reader_free)
