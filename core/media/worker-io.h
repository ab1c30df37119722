/* SPDX-License-Identifier: MIT */
/* A worker's sockets: UDP in batches, ICE-TCP connections, and which peer a datagram is from. */
#pragma once

#include "media/worker.h"

/* What an epoll event is about: below, or the id of a TCP connection above STOA_IO_CONNECTION. */
enum { STOA_IO_QUEUE = 0, STOA_IO_UDP = 1, STOA_IO_LISTENER = 8 };
#define STOA_IO_CONNECTION (UINT64_C(1) << 32)

bool stoa_worker_open_io(StoaWorker *w, const StoaWorkerSpec *spec, GError **error);
void stoa_worker_close_io(StoaWorker *w);
void stoa_worker_on_io(StoaWorker *w, uint64_t what, uint32_t events);
/** Count what the kernel had no room for: once a second, and at the end. */
void stoa_worker_count_overflow(StoaWorker *w);
/** Close connections that never showed a valid check. */
void stoa_worker_expire_connections(StoaWorker *w, int64_t now_us);
/** Free the connections that broke during the turn. */
void stoa_worker_sweep_connections(StoaWorker *w);
