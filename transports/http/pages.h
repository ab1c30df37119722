/* SPDX-License-Identifier: MIT */
#pragma once /* The bundled pages, held in memory: what is not in the list does not exist. (SECURITY R27) */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct HttpPages HttpPages;

typedef struct {
    GBytes *body;
    const char *type; /* static: "text/html; charset=utf-8" */
    char *etag;       /* quoted, of the content */
} HttpPage;

/**
 * Read a folder and all below it. Links, hidden files and files of more than 16 MiB are left out.
 *
 * @folder  borrowed; NULL makes an empty list
 *
 * Returns NULL with `error` set when the folder cannot be read. Thread: control; free with http_pages_free().
 */
HttpPages *http_pages_new(const char *folder, GError **error);
void http_pages_free(HttpPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpPages, http_pages_free)

/**
 * The page at a path; a folder's is its index.html.
 *
 * Returns NULL when there is none; borrowed from `pages`. Thread: any, nothing is changed.
 */
const HttpPage *http_pages_find(const HttpPages *pages, const char *path);

/** Whether `path` names a folder with a page of its own, but lacks the slash at the end. */
bool http_pages_wants_slash(const HttpPages *pages, const char *path);

/** How many files there are. */
unsigned http_pages_count(const HttpPages *pages);

/** Whether a client that sent this If-None-Match has the page already. */
bool http_pages_is_fresh(const HttpPage *page, const char *if_none_match);
