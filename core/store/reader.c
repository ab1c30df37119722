/* SPDX-License-Identifier: MIT */
/* The thread that answers questions. In a WAL who reads and who writes do not wait for each other. */
#include "config.h"

#include "store/db.h"
#include "store/reader.h"

#include <poll.h>
#include <stdatomic.h>

struct StoaReader {
    StoaDb *db;       /* the thread's while it runs */
    StoaQueue *asked; /* of StoaJob */
    StoaQueue *finished;
    GThread *thread;
    atomic_bool end;
};

/* All that one job asks is of one moment. */
static void answer(StoaDb *db, StoaJob *job)
{
    if (!stoa_db_begin_reading(db, &job->error))
        return;
    if (!job->work(db, job->data, &job->error) && !job->error)
        stoa_fail(&job->error, STOA_ERROR_INTERNAL, "the store failed without saying why");
    stoa_db_end_reading(db);
}

static void answer_all(StoaReader *reader)
{
    StoaQueueNode *node = stoa_queue_take(reader->asked);

    while (node) {
        StoaJob *job = STOA_QUEUE_ENTRY(node, StoaJob, node);
        node = node->next;
        answer(reader->db, job);
        stoa_queue_push(reader->finished, &job->node);
    }
}

static gpointer run_thread(gpointer data)
{
    StoaReader *reader = data;
    struct pollfd fd = { .fd = stoa_queue_fd(reader->asked), .events = POLLIN };

    for (;;) {
        poll(&fd, 1, -1);
        bool end = atomic_load(&reader->end); /* before: what was given first is answered */
        answer_all(reader);
        if (end)
            return NULL;
    }
}

StoaReader *stoa_reader_new(const char *path, const StoaStoreConf *conf, StoaQueue *finished,
                            GError **error)
{
    g_autoptr(StoaReader) reader = g_new0(StoaReader, 1);

    reader->finished = finished;
    reader->db = stoa_db_open_again(path, conf, error);
    if (!reader->db || !stoa_db_forbid_writing(reader->db, error))
        return NULL;
    reader->asked = stoa_queue_new(error);
    if (!reader->asked)
        return NULL;
    reader->thread = g_thread_new("store-read", run_thread, reader);
    return g_steal_pointer(&reader);
}

void stoa_reader_give(StoaReader *reader, StoaJob *job)
{
    stoa_queue_push(reader->asked, &job->node);
}

void stoa_reader_free(StoaReader *reader)
{
    if (!reader)
        return;
    if (reader->thread) {
        atomic_store(&reader->end, true);
        stoa_queue_wake(reader->asked);
        g_thread_join(reader->thread);
    }
    stoa_queue_free(reader->asked);
    stoa_db_close(reader->db);
    g_free(reader);
}
