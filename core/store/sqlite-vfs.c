/* SPDX-License-Identifier: MIT */
/* A file of the system's own VFS behind one of ours, which wipes each page on its way. Only the file of the database is: its WAL
 * has checksums, and goes. */
#include "config.h"

#include "store/sqlite-page.h"
#include "store/sqlite-vfs.h"

#include <glib.h>
#include <sqlite3.h>
#include <string.h>

/* The system's file follows it in the same memory. */
typedef struct {
    sqlite3_file base; /* first: what SQLite sees */
    uint8_t *page;     /* a copy on its way */
    size_t page_len;
} File;

static sqlite3_vfs *system_vfs;

static sqlite3_file *real(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)((File *)(void *)file + 1);
}

static bool is_page(int len, sqlite3_int64 at)
{
    return len >= 512 && (len & (len - 1)) == 0 && at % len == 0;
}

static int on_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
    File *it = (File *)(void *)file;

    if (!is_page(len, at))
        return real(file)->pMethods->xWrite(real(file), buf, len, at);
    if (it->page_len < (size_t)len) {
        it->page_len = (size_t)len;
        it->page = g_realloc(it->page, it->page_len);
    }
    memcpy(it->page, buf, (size_t)len);
    stoa_sqlite_page_wipe(it->page, (size_t)len, at == 0);
    return real(file)->pMethods->xWrite(real(file), it->page, len, at);
}

static int on_close(sqlite3_file *file)
{
    g_free(((File *)(void *)file)->page);
    return real(file)->pMethods->xClose(real(file));
}

/* -- as it is ----------------------------------------------------------------------------- */

static int on_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
    return real(file)->pMethods->xRead(real(file), buf, len, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    return real(file)->pMethods->xSync(real(file), flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int on_lock(sqlite3_file *file, int lock)
{
    return real(file)->pMethods->xLock(real(file), lock);
}

static int on_unlock(sqlite3_file *file, int lock)
{
    return real(file)->pMethods->xUnlock(real(file), lock);
}

static int on_check_reserved_lock(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int on_control(sqlite3_file *file, int what, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), what, arg);
}

static int on_sector_size(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int on_device_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove)
{
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

/* Version 2: a database in a WAL, not mapped into memory. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_reserved_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_device_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

/* -- opening ------------------------------------------------------------------------------ */

static int on_open(sqlite3_vfs *vfs G_GNUC_UNUSED, const char *name, sqlite3_file *file, int flags,
                   int *out_flags)
{
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
    memset(file, 0, sizeof(File));
    int code = system_vfs->xOpen(system_vfs, name, real(file), flags, out_flags);
    if (real(file)->pMethods) /* to be closed, also after a failure */
        file->pMethods = &methods;
    return code;
}

static gpointer make(gpointer unused G_GNUC_UNUSED)
{
    static sqlite3_vfs ours;

    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs)
        return NULL;
    ours = *system_vfs;
    ours.pNext = NULL;
    ours.zName = "stoa";
    ours.szOsFile = (int)sizeof(File) + system_vfs->szOsFile;
    ours.xOpen = on_open;
    return sqlite3_vfs_register(&ours, 0) == SQLITE_OK ? (gpointer)ours.zName : NULL;
}

const char *stoa_sqlite_vfs(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, make, NULL);
}
