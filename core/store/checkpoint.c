/* SPDX-License-Identifier: MIT */
/* The WAL's way into the database. Within a commit, as SQLite does it by itself, it makes one commit in fifty wait for two more
 * fsyncs of many pages: that is the tail of a busy chat. */
#include "config.h"

#include "base/queue.h"
#include "store/checkpoint.h"
#include "store/db.h"

#include <poll.h>
#include <stdatomic.h>

struct StoaCheckpoint {
    StoaDb *db; /* the thread's while it runs */
    StoaQueue *wanted;
    GThread *thread;
    atomic_bool end;
};

static gpointer run_thread(gpointer data)
{
    StoaCheckpoint *checkpoint = data;
    struct pollfd fd = { .fd = stoa_queue_fd(checkpoint->wanted), .events = POLLIN };

    for (;;) {
        poll(&fd, 1, -1);
        stoa_queue_take(checkpoint->wanted);
        if (atomic_load(&checkpoint->end))
            return NULL;
        stoa_db_checkpoint(checkpoint->db);
    }
}

StoaCheckpoint *stoa_checkpoint_new(const char *path, const StoaStoreConf *conf, GError **error)
{
    g_autoptr(StoaCheckpoint) checkpoint = g_new0(StoaCheckpoint, 1);

    checkpoint->db = stoa_db_open_again(path, conf, error);
    checkpoint->wanted = checkpoint->db ? stoa_queue_new(error) : NULL;
    if (!checkpoint->wanted)
        return NULL;
    checkpoint->thread = g_thread_new("checkpoint", run_thread, checkpoint);
    return g_steal_pointer(&checkpoint);
}

void stoa_checkpoint_wake(StoaCheckpoint *checkpoint)
{
    stoa_queue_wake(checkpoint->wanted);
}

void stoa_checkpoint_free(StoaCheckpoint *checkpoint)
{
    if (!checkpoint)
        return;
    if (checkpoint->thread) {
        atomic_store(&checkpoint->end, true);
        stoa_checkpoint_wake(checkpoint);
        g_thread_join(checkpoint->thread);
    }
    stoa_queue_free(checkpoint->wanted);
    stoa_db_close(checkpoint->db);
    g_free(checkpoint);
}
