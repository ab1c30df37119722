/* SPDX-License-Identifier: MIT */
/* A thread that looks after what libmicrohttpd does not. */
#include "watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stoa/error.h>

#include "connection.h"
#include "request.h"

#define N_EVENTS 64
#define TICK_MS  500

static void *watch(void *data)
{
    Http *http = data;
    struct epoll_event events[N_EVENTS];

    for (;;) {
        int n = epoll_wait(http->epoll_fd, events, N_EVENTS, TICK_MS);

        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == 0) /* http_watch_stop() */
                return NULL;
            http_request_abandon(http, events[i].data.u64);
        }
        http_connection_expire(http, g_get_monotonic_time());
    }
}

bool http_watch_start(Http *http, GError **error)
{
    struct epoll_event wake = { .events = EPOLLIN, .data.u64 = 0 };

    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (http->epoll_fd < 0 || http->wake_fd < 0 ||
        epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->wake_fd, &wake) != 0)
        return stoa_fail(error, STOA_ERROR_INTERNAL, "no descriptor for the watch thread: %s",
                         g_strerror(errno));
    http->watch = g_thread_new("http-watch", watch, http);
    return true;
}

void http_watch_stop(Http *http)
{
    if (http->watch) {
        (void)eventfd_write(http->wake_fd, 1);
        g_thread_join(http->watch);
    }
    if (http->wake_fd >= 0)
        close(http->wake_fd);
    if (http->epoll_fd >= 0)
        close(http->epoll_fd);
    http->watch = NULL;
    http->wake_fd = http->epoll_fd = -1;
}

void http_watch_add(Http *http, int fd, uint64_t request)
{
    struct epoll_event hangup = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = request };

    (void)epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &hangup);
}

void http_watch_remove(Http *http, int fd)
{
    (void)epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}
