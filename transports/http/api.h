/* SPDX-License-Identifier: MIT */
#pragma once /* What a whole request gets: the Janus API over HTTP (section 3), and the paths beside it. */

#include "request.h"

/** Answer a request, or suspend it until the core has. Its body is complete. Thread: libmicrohttpd's. */
enum MHD_Result http_api_answer(HttpRequest *request);

/** Answer that the server stops. */
enum MHD_Result http_api_reply_stopping(HttpRequest *request);
