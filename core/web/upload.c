/* SPDX-License-Identifier: MIT */
/* A file on its way to the disk. */
#include "config.h"

#include "base/id.h"
#include "room/check.h"
#include "store/store.h"
#include "web/multipart.h"
#include "web/sniff.h"
#include "web/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stoa/error.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILES    "files"
#define INCOMING "incoming"
enum {
    MAX_NAME_BYTES = 255,
    MAX_SEALED_NAME_BYTES = 4096,
    MAX_HEADER_BYTES = 3 * MAX_SEALED_NAME_BYTES,
    AHEAD_BYTES =
        8 * 1024 * 1024, /* files end so much before the store does: people can still write */
    LOOK_BYTES =
        1024 * 1024, /* after so many more the disk is looked at again: others write, too */
};

static int64_t reserve_bytes; /* of the disk; set once, before anybody uploads */

struct StoaUpload {
    char *id, *dir, *path; /* of the data folder; where it is now */
    char *name, *type;
    int fd;
    int64_t size, max_bytes, look_at; /* the size at which the disk is looked at again */
    bool sealed, kept;
    GError *error;            /* why no more was taken */
    StoaMultipart *multipart; /* NULL: the body is the file */
    uint8_t head[STOA_SNIFF_BYTES];
    size_t head_len;
};

static bool disk_error(GError **error, int why)
{
    if (why == ENOSPC || why == EDQUOT)
        return stoa_refuse(error, "disk_full", "the server's disk is full: nothing was kept");
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the file cannot be written: %s",
                     g_strerror(why));
}

char *stoa_upload_path(const char *data_dir, const char *room, const char *id)
{
    return g_build_filename(data_dir, FILES, room, id, NULL);
}

void stoa_upload_set_reserve(int64_t min_free_bytes)
{
    reserve_bytes = min_free_bytes + AHEAD_BYTES;
}

bool stoa_upload_fits_disk(const char *data_dir, int64_t n_bytes)
{
    struct statvfs disk;

    return statvfs(data_dir, &disk) != 0 || /* the write will tell */
           n_bytes <= (int64_t)disk.f_bavail * (int64_t)disk.f_frsize - reserve_bytes;
}

/* -- names ------------------------------------------------------------------------------------- */

/* What separates folders, ends a text or turns it around has no place in a name that others will save under. */
static bool is_odd(gunichar c)
{
    return g_unichar_iscntrl(c) || !g_unichar_isdefined(c) ||
           (c < 0x80 && strchr("/\\:*?\"<>|", (int)c)) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c ||
           c == 0x2028 || c == 0x2029;
}

/* The last part of a path, without what could mislead a browser or a shell, at most 255 bytes. */
static char *safe_name(const char *text)
{
    const char *slash = strrchr(text, '/'), *back = strrchr(text, '\\');
    const char *start = MAX(slash ? slash + 1 : text, back ? back + 1 : text);
    GString *name = g_string_new(NULL);

    for (const char *at = start; *at && name->len + 6 <= MAX_NAME_BYTES; at = g_utf8_next_char(at))
        if (!is_odd(g_utf8_get_char(at)))
            g_string_append_unichar(name, g_utf8_get_char(at));
    g_strstrip(name->str);
    while (name->str[0] == '.')
        memmove(name->str, name->str + 1, strlen(name->str));
    if (!name->str[0])
        g_string_assign(name, "file");
    return g_string_free(name, FALSE);
}

/* In a room that is sealed the name is what a title is there: {"sealed": …, "epoch": …}, written out. */
static bool is_sealed_name(const char *name, GError **error)
{
    static const StoaParam rows[] = {
        { "X-Filename", STOA_TEXT, STOA_REQUIRED, .min = 1, .max = MAX_SEALED_NAME_BYTES / 4 },
        { NULL },
    };
    json_t *sealed = json_loads(name, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    json_t *head = json_pack("{s:o}", rows[0].name, sealed ? sealed : json_null());
    bool ok = stoa_check(head, rows, true, error) == STOA_CHECK_OK;

    json_decref(head);
    return ok;
}

static bool set_name(StoaUpload *upload, const char *name, GError **error)
{
    if (upload->sealed && !is_sealed_name(name, error))
        return false;
    g_free(upload->name);
    upload->name = upload->sealed ? g_strdup(name) : safe_name(name);
    return true;
}

static bool read_name(StoaUpload *upload, const char *header, GError **error)
{
    g_autofree char *name = NULL;
    size_t most = upload->sealed ? MAX_SEALED_NAME_BYTES : 4 * MAX_NAME_BYTES;

    if (!header && !upload->sealed)
        return true;
    if (!header) /* a part of a form may have it */
        return upload->multipart || set_name(upload, "", error);
    name = strlen(header) <= MAX_HEADER_BYTES ? g_uri_unescape_string(header, NULL) : NULL;
    if (!name || strlen(name) > most || !g_utf8_validate(name, -1, NULL))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"X-Filename\" must be percent-encoded UTF-8 of at most %zu bytes", most);
    return set_name(upload, name, error);
}

/* -- bytes ------------------------------------------------------------------------------------- */

/* Its room on the disk is free at once, while the rest of the body is read off. */
static bool give_up(StoaUpload *upload)
{
    int done G_GNUC_UNUSED = ftruncate(upload->fd, 0);

    return false;
}

static bool write_all(StoaUpload *upload, const char *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = write(upload->fd, buf, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            disk_error(&upload->error, n < 0 ? errno : EIO);
            return give_up(upload);
        }
        buf += n;
        len -= (size_t)n;
    }
    return true;
}

static bool take(StoaUpload *upload, const void *buf, size_t len)
{
    size_t head = MIN(len, sizeof upload->head - upload->head_len);

    if (upload->error)
        return false;
    if ((uint64_t)len > (uint64_t)(upload->max_bytes - upload->size)) {
        stoa_refuse(&upload->error, "too_large",
                    "the file is longer than %" G_GINT64_FORMAT " bytes, or the room's files are",
                    upload->max_bytes);
        return give_up(upload);
    }
    if (upload->size >= upload->look_at && !stoa_upload_fits_disk(upload->dir, (int64_t)len)) {
        disk_error(&upload->error, ENOSPC);
        return give_up(upload);
    }
    if (upload->size >= upload->look_at)
        upload->look_at = upload->size + LOOK_BYTES;
    if (head)
        memcpy(upload->head + upload->head_len, buf, head);
    upload->head_len += head;
    upload->size += (int64_t)len;
    return write_all(upload, buf, len);
}

static void take_name(void *data, const char *name)
{
    StoaUpload *upload = data;

    if (!upload->error)
        set_name(upload, name, &upload->error);
}

static bool take_data(void *upload, const void *buf, size_t len)
{
    return take(upload, buf, len);
}

/* -- life -------------------------------------------------------------------------------------- */

static bool open_file(StoaUpload *upload, GError **error)
{
    g_autofree char *incoming = g_build_filename(upload->dir, FILES, INCOMING, NULL);

    if (g_mkdir_with_parents(incoming, 0700) != 0)
        return disk_error(error, errno);
    upload->path = g_build_filename(incoming, upload->id, NULL);
    upload->fd = open(upload->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    return upload->fd >= 0 || disk_error(error, errno);
}

StoaUpload *stoa_upload_new(const StoaUploadSpec *spec, GError **error)
{
    StoaUpload *upload = g_new0(StoaUpload, 1);

    upload->id = stoa_store_id();
    upload->dir = g_strdup(spec->data_dir);
    upload->fd = -1;
    upload->max_bytes = spec->max_bytes;
    upload->sealed = spec->sealed;
    upload->name = g_strdup("file");
    if (stoa_multipart_is(spec->content_type)) {
        const StoaMultipartOutlet outlet = { take_name, take_data, upload };
        upload->multipart = stoa_multipart_new(spec->content_type, &outlet, error);
        if (!upload->multipart) {
            stoa_upload_free(upload);
            return NULL;
        }
    }
    if (read_name(upload, spec->file_name, error) && open_file(upload, error))
        return upload;
    stoa_upload_free(upload);
    return NULL;
}

void stoa_upload_free(StoaUpload *upload)
{
    if (!upload)
        return;
    if (upload->fd >= 0)
        close(upload->fd);
    if (upload->path && !upload->kept)
        g_unlink(upload->path);
    g_clear_error(&upload->error);
    stoa_multipart_free(upload->multipart);
    g_free(upload->id);
    g_free(upload->dir);
    g_free(upload->path);
    g_free(upload->name);
    g_free(upload->type);
    g_free(upload);
}

bool stoa_upload_write(StoaUpload *upload, const void *buf, size_t len)
{
    if (upload->error)
        return false;
    if (!upload->multipart)
        return take(upload, buf, len);
    return stoa_multipart_feed(upload->multipart, buf, len,
                               upload->error ? NULL : &upload->error) ||
           give_up(upload);
}

bool stoa_upload_finish(StoaUpload *upload, GError **error)
{
    if (!upload->error && upload->multipart)
        stoa_multipart_finish(upload->multipart, &upload->error);
    if (!upload->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&upload->error));
    return false;
}

bool stoa_upload_settle(StoaUpload *upload, GError **error)
{
    upload->type =
        g_strdup(upload->sealed ? STOA_SNIFF_UNKNOWN : stoa_sniff(upload->head, upload->head_len));
    if (fsync(upload->fd) != 0)
        return disk_error(error, errno);
    close(upload->fd);
    upload->fd = -1;
    return true;
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

bool stoa_upload_keep(StoaUpload *upload, const char *room, GError **error)
{
    g_autofree char *folder = g_build_filename(upload->dir, FILES, room, NULL);
    g_autofree char *place = g_build_filename(folder, upload->id, NULL);

    if (g_mkdir_with_parents(folder, 0700) != 0 || g_rename(upload->path, place) != 0 ||
        !sync_folder(folder))
        return disk_error(error, errno);
    g_free(upload->path);
    upload->path = g_steal_pointer(&place);
    return true;
}

void stoa_upload_commit(StoaUpload *upload)
{
    upload->kept = true;
}

const char *stoa_upload_id(const StoaUpload *upload)
{
    return upload->id;
}

const char *stoa_upload_name(const StoaUpload *upload)
{
    return upload->name;
}

const char *stoa_upload_type(const StoaUpload *upload)
{
    return upload->type;
}

int64_t stoa_upload_size(const StoaUpload *upload)
{
    return upload->size;
}

void stoa_upload_sweep(const char *data_dir)
{
    g_autofree char *incoming = g_build_filename(data_dir, FILES, INCOMING, NULL);
    g_autoptr(GDir) dir = g_dir_open(incoming, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(incoming, name, NULL);
        g_unlink(path);
    }
}
