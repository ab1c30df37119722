/* SPDX-License-Identifier: MIT */
/* A history as a zip, written by libarchive. */
#include "config.h"

#include "store/store.h"
#include "web/export-guide.h"
#include "web/export.h"
#include "web/upload.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stoa/error.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

typedef struct {
    char *id, *name; /* in the zip: files/ID-NAME */
} Item;

struct StoaExport {
    char *data_dir, *room, *path, *text;
    GArray *items;
};

static void item_clear(gpointer data)
{
    Item *item = data;

    g_free(item->id);
    g_free(item->name);
}

/* "…/files/ID?ticket=…" */
static char *file_of(const char *url)
{
    const char *at = url ? strstr(url, "/files/") : NULL;

    return at ? g_strndup(at + 7, strcspn(at + 7, "?/")) : NULL;
}

/* An export is read when a ticket is long over: the url that stays is asked for with a token. */
static void settle_url(json_t *item)
{
    const char *url = json_string_value(json_object_get(item, "url"));

    json_object_set_new(item, "url", json_stringn(url, strcspn(url, "?")));
}

static char *path_of(const char *id, const char *name)
{
    return g_strdup_printf("files/%s-%s", id, name);
}

static void add_items(StoaExport *export, const json_t *meeting)
{
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(meeting, "workspace"), i, item)
    {
        const char *title = json_string_value(json_object_get(item, "title"));
        const char *kind = json_string_value(json_object_get(item, "kind"));
        Item one = { 0 };
        if (g_strcmp0(kind, "file") != 0)
            continue;
        one.id = file_of(json_string_value(json_object_get(item, "url")));
        one.name = g_strdelimit(g_strdup(title ? title : "file"), "/\\", '_');
        if (!one.id) {
            item_clear(&one);
            continue;
        }
        g_autofree char *path = path_of(one.id, one.name);
        json_object_set_new(item, "path", json_string(path));
        g_array_append_val(export->items, one);
    }
}

void stoa_export_settle(json_t *history)
{
    const json_t *meeting;
    json_t *item;
    size_t i, n;

    json_array_foreach(json_object_get(history, "meetings"), i, meeting)
    {
        json_array_foreach(json_object_get(meeting, "workspace"), n, item)
        {
            if (g_strcmp0(json_string_value(json_object_get(item, "kind")), "file") == 0 &&
                json_string_value(json_object_get(item, "url")))
                settle_url(item);
        }
    }
}

StoaExport *stoa_export_new(const char *data_dir, const char *room, json_t *history)
{
    StoaExport *export = g_new0(StoaExport, 1);
    const json_t *meeting;
    char *text;
    size_t i;

    export->data_dir = g_strdup(data_dir);
    export->room = g_strdup(room);
    export->items = g_array_new(FALSE, TRUE, sizeof(Item));
    g_array_set_clear_func(export->items, item_clear);
    json_array_foreach(json_object_get(history, "meetings"), i, meeting) add_items(export, meeting);
    text = json_dumps(history, JSON_INDENT(2));
    export->text = g_strdup(text);
    free(text);
    return export;
}

void stoa_export_free(StoaExport *export)
{
    if (!export)
        return;
    if (export->path)
        g_unlink(export->path);
    g_array_unref(export->items);
    g_free(export->data_dir);
    g_free(export->room);
    g_free(export->path);
    g_free(export->text);
    g_free(export);
}

const char *stoa_export_path(const StoaExport *export)
{
    return export->path;
}

static bool is_full(GError **error)
{
    return stoa_refuse(error, "disk_full",
                       "the server's disk is full: the export cannot be made now");
}

/* At each piece: other exports and uploads take of the same disk. */
static bool fits(const StoaExport *export, size_t len, GError **error)
{
    return stoa_upload_fits_disk(export->data_dir, (int64_t)len) || is_full(error);
}

static bool fail(struct archive *zip, GError **error)
{
    if (archive_errno(zip) == ENOSPC)
        return is_full(error);
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the export cannot be written: %s",
                     archive_error_string(zip));
}

static bool begin_entry(struct archive *zip, const char *name, int64_t size, GError **error)
{
    struct archive_entry *entry = archive_entry_new();
    bool ok;

    archive_entry_set_pathname_utf8(entry, name);
    archive_entry_set_size(entry, size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, (time_t)(stoa_store_now_ms() / 1000), 0);
    ok = archive_write_header(zip, entry) == ARCHIVE_OK || fail(zip, error);
    archive_entry_free(entry);
    return ok;
}

static bool add_text(const StoaExport *export, struct archive *zip, const char *name,
                     const char *text, GError **error)
{
    size_t len = strlen(text);

    return fits(export, len, error) && begin_entry(zip, name, (int64_t)len, error) &&
           (archive_write_data(zip, text, len) >= 0 || fail(zip, error));
}

static bool copy_bytes(const StoaExport *export, struct archive *zip, int fd, GError **error)
{
    g_autofree char *block = g_malloc(BLOCK);
    ssize_t n;

    while ((n = read(fd, block, BLOCK)) > 0) {
        if (!fits(export, (size_t)n, error))
            return false;
        if (archive_write_data(zip, block, (size_t)n) < 0)
            return fail(zip, error);
    }
    return true;
}

/* A file that went meanwhile is left out. */
static bool add_file(StoaExport *export, struct archive *zip, const Item *item, GError **error)
{
    g_autofree char *path = stoa_upload_path(export->data_dir, export->room, item->id);
    g_autofree char *name = path_of(item->id, item->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    bool ok;

    if (fd < 0)
        return true;
    ok = fstat(fd, &info) != 0 ||
         (fits(export, (size_t)info.st_size, error) &&
          begin_entry(zip, name, info.st_size, error) && copy_bytes(export, zip, fd, error));
    close(fd);
    return ok;
}

static bool write_all(StoaExport *export, struct archive *zip, GError **error)
{
    for (const StoaExportPage *page = stoa_export_guide(); page->name; page++)
        if (!add_text(export, zip, page->name, page->text, error))
            return false;
    if (!add_text(export, zip, "history.json", export->text, error))
        return false;
    for (guint i = 0; i < export->items->len; i++)
        if (!add_file(export, zip, &g_array_index(export->items, Item, i), error))
            return false;
    return archive_write_close(zip) == ARCHIVE_OK || fail(zip, error);
}

bool stoa_export_write(StoaExport *export, GError **error)
{
    g_autofree char *id = stoa_store_id();
    g_autofree char *folder = g_build_filename(export->data_dir, "files", "incoming", NULL);
    struct archive *zip = archive_write_new();
    bool ok;
    int fd;

    export->path = g_build_filename(folder, id, NULL);
    g_mkdir_with_parents(folder, 0700);
    fd = open(export->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    archive_write_set_format_zip(zip);
    archive_write_set_options(zip, "hdrcharset=UTF-8");
    ok = (fd >= 0 && archive_write_open_fd(zip, fd) == ARCHIVE_OK) ? write_all(export, zip, error)
                                                                   : fail(zip, error);
    archive_write_free(zip);
    if (fd >= 0)
        close(fd);
    return ok;
}
