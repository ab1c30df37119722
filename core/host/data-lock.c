/* SPDX-License-Identifier: MIT */
#include "config.h"

#define LOG_AREA "gateway"

#include "base/error.h"
#include "base/log.h"
#include "host/data-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TRIES = 40, TRY_US = 50 * 1000 };

/* 0, or why not. The lock is the folder's own: no file is left behind. */
static int lock(int fd)
{
    for (unsigned n = 0; n < TRIES; n++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errno;
        g_usleep(TRY_US);
    }
    return EWOULDBLOCK;
}

int stoa_data_lock(const char *dir, GError **error)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int why = fd < 0 ? errno : lock(fd);

    if (fd < 0) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the data folder %s cannot be opened: %s", dir,
                  g_strerror(why));
        return -1;
    }
    if (why == EWOULDBLOCK) {
        close(fd);
        stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                  "another gateway uses the data folder %s: end it, or give this one its own "
                  "(--data)",
                  dir);
        return -1;
    }
    if (why)
        log_warn(stoa_process, "the data folder %s cannot be locked (%s): start one gateway on it",
                 dir, g_strerror(why));
    return fd;
}
