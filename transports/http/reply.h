/* SPDX-License-Identifier: MIT */
#pragma once /* Answers, with the headers that each kind of them must have. (SECURITY R26) */

#include "pages.h"
#include "request.h"

#include <stoa/abi.h>

/** Answer with JSON text. @json is taken. */
enum MHD_Result http_reply_json(HttpRequest *request, unsigned status, char *json);

/** Answer with a Janus error: {"janus":"error","error":{code,reason}}. */
enum MHD_Result http_reply_error(HttpRequest *request, unsigned status, int code, const char *fmt,
                                 ...) G_GNUC_PRINTF(4, 5);

/** As http_reply_error(), and close the connection: what follows on it cannot be trusted, or was not read. */
enum MHD_Result http_reply_last_error(HttpRequest *request, unsigned status, int code,
                                      const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/** Answer with what the core says: a body, or a file that is read as it is sent. @answer is taken. */
enum MHD_Result http_reply_web(HttpRequest *request, StoaWebAnswer *answer, bool last);

/** Answer with plain text; @type of it, @text is taken. */
enum MHD_Result http_reply_text(HttpRequest *request, unsigned status, const char *type,
                                char *text);

/** Answer with no body at all. */
enum MHD_Result http_reply_empty(HttpRequest *request, unsigned status);

/** Answer that the path takes other methods. */
enum MHD_Result http_reply_not_allowed(HttpRequest *request);

/** Answer a preflight. (Fetch, 4.8) */
enum MHD_Result http_reply_preflight(HttpRequest *request);

/** Answer with a page, or that the client has it already. */
enum MHD_Result http_reply_page(HttpRequest *request, const HttpPage *page);

/** Answer that there is nothing, with a page that says so. */
enum MHD_Result http_reply_no_page(HttpRequest *request, const HttpPage *page);

/** Send the client to another path of ours. */
enum MHD_Result http_reply_redirect(HttpRequest *request, const char *path);
