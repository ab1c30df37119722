/* SPDX-License-Identifier: MIT */
#pragma once /* A thread that looks after what libmicrohttpd does not: deadlines, and pollers who hung up. */

#include "http.h"

/** Start the thread. Thread: control. */
bool http_watch_start(Http *http, GError **error);

/** End it and give its descriptors back; also when it was never started. Thread: control. */
void http_watch_stop(Http *http);

/**
 * Tell the thread to notice when the other end of `fd` hangs up while a request waits: while a connection is suspended,
 * libmicrohttpd does not look, and an event would be handed to nobody.
 *
 * @request  http_request_abandon() is called with it
 * Thread: any.
 */
void http_watch_add(Http *http, int fd, uint64_t request);
void http_watch_remove(Http *http, int fd);
