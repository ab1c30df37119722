/* SPDX-License-Identifier: MIT */
#pragma once /* Requests of the rooms API, below /api/v1, and of modules' routes: handed over to the core, head first. */

#include "request.h"

/** The head is there: open the call, and ask whether an upload is welcome. Thread: libmicrohttpd's. */
enum MHD_Result http_web_begin(HttpRequest *request);

/** A piece of an upload's body; `*len` becomes 0. */
enum MHD_Result http_web_take(HttpRequest *request, const char *data, size_t *len);

/** The body is complete: run the call and wait. */
enum MHD_Result http_web_run(HttpRequest *request);

/** The core has answered. */
enum MHD_Result http_web_resumed(HttpRequest *request);
