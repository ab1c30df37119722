/* SPDX-License-Identifier: MIT */
#pragma once /* What a whole request gets: the Janus API over HTTP (section 3), and the paths beside it. */

#include "request.h"

/** Answer a request, or suspend it until the core has. Its body is complete. Thread: libmicrohttpd's. */
enum MHD_Result http_api_answer(HttpRequest *request);

/** Whether pages of its origin may use the server; notes what Access-Control-Allow-Origin will say. */
bool http_api_is_origin_allowed(HttpRequest *request);

/** Answer that they may not. */
enum MHD_Result http_api_refuse_origin(HttpRequest *request);

/** Whether the person's browser sees https, be it ours or that of a proxy in front of us. */
bool http_api_is_secure_page(HttpRequest *request);

/** Answer that the server stops. */
enum MHD_Result http_api_reply_stopping(HttpRequest *request);
