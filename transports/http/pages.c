/* SPDX-License-Identifier: MIT */
/* The bundled pages, held in memory. */
#include "pages.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <stoa/error.h>

#define MAX_FILE_BYTES (16 * 1024 * 1024)
#define MAX_DEPTH      12

struct HttpPages {
    GHashTable *by_path; /* "/js/stoa.js" → HttpPage, both owned */
};

static const struct {
    const char *suffix, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".json", "application/json" },
    { ".map", "application/json" },
    { ".webmanifest", "application/manifest+json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".webp", "image/webp" },
    { ".ico", "image/x-icon" },
    { ".woff2", "font/woff2" },
    { ".wasm", "application/wasm" },
    { ".mp3", "audio/mpeg" },
    { ".ogg", "audio/ogg" },
    { ".webm", "video/webm" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".md", "text/plain; charset=utf-8" },
};

static const char *type_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(name, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

static void page_free(void *data)
{
    HttpPage *page = data;

    g_bytes_unref(page->body);
    g_free(page->etag);
    g_free(page);
}

static bool add_file(HttpPages *pages, const char *file, const char *path, GError **error)
{
    g_autofree char *digest = NULL;
    char *content = NULL;
    size_t len = 0;
    HttpPage *page;

    if (!g_file_get_contents(file, &content, &len, error))
        return false;
    page = g_new0(HttpPage, 1);
    page->body = g_bytes_new_take(content, len);
    page->type = type_of(path);
    digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, page->body);
    page->etag = g_strdup_printf("\"%.32s\"", digest);
    g_hash_table_insert(pages->by_path, g_strdup(path), page);
    return true;
}

static bool add_folder(HttpPages *pages, const char *folder, const char *path, int depth,
                       GError **error)
{
    g_autoptr(GDir) dir = depth < MAX_DEPTH ? g_dir_open(folder, 0, error) : NULL;
    const char *name;

    if (depth >= MAX_DEPTH)
        return stoa_fail(error, STOA_ERROR_LIMIT, "folders lie deeper than %d", MAX_DEPTH);
    if (!dir)
        return false;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_autofree char *below = g_strconcat(path, "/", name, NULL);
        struct stat st;

        if (name[0] == '.' || strcmp(name, "node_modules") == 0 || lstat(file, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && !add_folder(pages, file, below, depth + 1, error))
            return false;
        if (S_ISREG(st.st_mode) && st.st_size <= MAX_FILE_BYTES &&
            !add_file(pages, file, below, error))
            return false;
    }
    return true;
}

HttpPages *http_pages_new(const char *folder, GError **error)
{
    g_autoptr(HttpPages) pages = g_new0(HttpPages, 1);

    pages->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, page_free);
    if (folder && !add_folder(pages, folder, "", 0, error))
        return NULL;
    return g_steal_pointer(&pages);
}

void http_pages_free(HttpPages *pages)
{
    if (!pages)
        return;
    g_hash_table_destroy(pages->by_path);
    g_free(pages);
}

const HttpPage *http_pages_find(const HttpPages *pages, const char *path)
{
    g_autofree char *index = NULL;

    if (!g_str_has_suffix(path, "/"))
        return g_hash_table_lookup(pages->by_path, path);
    index = g_strconcat(path, "index.html", NULL);
    return g_hash_table_lookup(pages->by_path, index);
}

bool http_pages_wants_slash(const HttpPages *pages, const char *path)
{
    g_autofree char *index = g_strconcat(path, "/index.html", NULL);

    return path[0] == '/' && path[1] && g_hash_table_contains(pages->by_path, index);
}

unsigned http_pages_count(const HttpPages *pages)
{
    return g_hash_table_size(pages->by_path);
}

bool http_pages_is_fresh(const HttpPage *page, const char *if_none_match)
{
    g_auto(GStrv) tags = NULL;

    if (!if_none_match)
        return false;
    tags = g_strsplit(if_none_match, ",", 32);
    for (char **tag = tags; *tag; tag++) {
        const char *bare = g_strstrip(*tag);

        if (strcmp(bare, "*") == 0)
            return true;
        if (g_str_has_prefix(bare,
                             "W/")) /* a proxy that compressed it on the way (RFC 9110, 8.8.3.2) */
            bare += 2;
        if (strcmp(bare, page->etag) == 0)
            return true;
    }
    return false;
}
