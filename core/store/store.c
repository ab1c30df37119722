/* SPDX-License-Identifier: MIT */
/* The store's thread: takes what waits, runs it in one transaction, gives it back to control. */
#include "config.h"

#define LOG_AREA "store"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "store/checkpoint.h"
#include "store/db.h"
#include "store/job.h"
#include "store/reader.h"

#include <glib-unix.h>
#include <poll.h>

enum {
    JOBS_PER_TRANSACTION = 1000,
    WAL_PAGES = 1000, /* so often the WAL is brought into the database, beside the writing */
    WAL_MOST =
        12 * WAL_PAGES, /* so long it never gets to its end: the rest is done between two batches */
    QUIET_MS = 5000,    /* without a job for so long, the database may be written anew */
    TRY_AGAIN_MS = 20,  /* another connection reads the WAL */
    GIVE_BACK_BYTES =
        64
        << 20, /* copied in about a second, in which nothing is written: at a quiet moment only */
};

struct StoaStore {
    StoaLogTag log;
    StoaDb *db;                 /* the thread's while it runs */
    StoaCheckpoint *checkpoint; /* NULL: in memory */
    StoaReader *reader; /* NULL: in memory, and at the end: questions are jobs like the others */
    int64_t wal_step;   /* the thread's: thousands of pages in the WAL when it was last looked at */
    StoaQueue *jobs, *finished;
    GThread *thread; /* NULL: jobs run on the calling thread */
    GSource *source; /* of `finished` */
    unsigned n_pending;
    unsigned n_writing; /* of them those that went to the writing thread */
    int64_t patience_us;
    /* the thread's: upkeep that could not be done yet */
    GPtrArray *scrubs; /* of StoaJob: who waits for it */
    bool is_scrub_due, is_give_back_due;
    int64_t scrub_since_us, scrub_again_us;
    struct {
        StoaMetricCell *jobs, *failures, *commits, *pending, *scrubs;
        StoaMetricHistogram *wait, *commit, *ask;
    } count;
};

/* -- the thread's side -------------------------------------------------------------------- */

static void fail_all(StoaJob **jobs, size_t n, const GError *error)
{
    for (size_t i = 0; i < n; i++) {
        if (!jobs[i]->error)
            jobs[i]->error = g_error_copy(error);
    }
}

/* Work that failed without a reason gets one. False: its part could not be undone alone. */
static bool run_job(StoaDb *db, StoaJob *job)
{
    if (!stoa_db_mark(db, &job->error))
        return stoa_db_undo(db);
    if ((!job->work || job->work(db, job->data, &job->error)) && stoa_db_keep(db, &job->error))
        return true;
    if (!job->error)
        stoa_fail(&job->error, STOA_ERROR_INTERNAL, "the store failed without saying why");
    return stoa_db_undo(db);
}

/* One transaction. The database may give up on it half-way: then what came before fails too, and what follows gets another. */
static void run_transaction(StoaStore *store, StoaJob **jobs, size_t n)
{
    g_autoptr(GError) error = NULL;
    size_t i = 0;

    if (!stoa_db_begin(store->db, &error)) {
        stoa_db_rollback(store->db);
        fail_all(jobs, n, error);
        return;
    }
    while (i < n && run_job(store->db, jobs[i]))
        i++;
    if (i < n) {
        stoa_db_rollback(store->db);
        fail_all(jobs, i + 1, jobs[i]->error);
        run_transaction(store, jobs + i + 1, n - i - 1);
        return;
    }
    int64_t began_us = stoa_clock_now_us();
    if (!stoa_db_commit(store->db, &error)) {
        stoa_db_rollback(store->db);
        fail_all(jobs, n, error);
    }
    stoa_metric_add(store->count.commits, 1);
    stoa_metric_observe(store->count.commit, stoa_clock_now_us() - began_us);
}

/* Each time that it grew by a step. It begins anew at a commit that finds all of it in the database. */
static void look_after_wal(StoaStore *store)
{
    int64_t step = stoa_db_wal_pages(store->db) / WAL_PAGES;

    if (step == store->wal_step || !store->checkpoint)
        return;
    store->wal_step = step;
    if (step >= WAL_MOST / WAL_PAGES)
        stoa_db_checkpoint(store->db);
    else if (step > 0)
        stoa_checkpoint_wake(store->checkpoint);
}

static void give_back(StoaStore *store, StoaJob **jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        jobs[i]->node.next = i + 1 < n ? &jobs[i + 1]->node : NULL;
    if (n > 0)
        stoa_queue_push_many(store->finished, &jobs[0]->node);
}

/* -- upkeep ------------------------------------------------------------------------------- */

static void end_scrubs(StoaStore *store)
{
    give_back(store, (StoaJob **)store->scrubs->pdata, store->scrubs->len);
    g_ptr_array_set_size(store->scrubs, 0);
}

/* An answer that is being read keeps the WAL from being emptied; a backup may for long. */
static void scrub(StoaStore *store, int64_t now_us, bool is_last)
{
    if (stoa_db_empty_wal(store->db)) {
        store->is_scrub_due = false;
        end_scrubs(store);
        stoa_metric_add(store->count.scrubs, 1);
        return;
    }
    store->scrub_again_us = now_us + TRY_AGAIN_MS * 1000;
    if (store->scrubs->len == 0 ||
        (!is_last && now_us < store->scrub_since_us + store->patience_us))
        return;
    log_warn(store, "another program reads the database: traces of what was deleted stay in its "
                    "WAL until that has ended");
    end_scrubs(store);
}

static void look_after_scrubs(StoaStore *store, bool is_last)
{
    int64_t now_us = stoa_clock_now_us();

    if (store->is_scrub_due && (is_last || now_us >= store->scrub_again_us))
        scrub(store, now_us, is_last);
}

static void take_scrub(StoaStore *store, StoaJob *job)
{
    if (store->scrubs->len == 0)
        store->scrub_since_us = stoa_clock_now_us();
    store->is_scrub_due = store->is_give_back_due = true;
    store->scrub_again_us = 0;
    g_ptr_array_add(store->scrubs, job);
}

static void rest(StoaStore *store)
{
    if (store->is_scrub_due) {
        look_after_scrubs(store, false);
        return;
    }
    stoa_db_give_back(store->db, GIVE_BACK_BYTES);
    store->is_give_back_due = false;
}

/* -- the thread --------------------------------------------------------------------------- */

/* By the kind of job. What was asked in between goes to who reads, now that what came before it is committed. */
static void run_batch(StoaStore *store, GPtrArray *jobs)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new(), asked = g_ptr_array_new();

    for (guint i = 0; i < jobs->len; i++) {
        StoaJob *job = jobs->pdata[i];
        if (job->kind == STOA_JOB_SCRUB)
            take_scrub(store, job);
        else
            g_ptr_array_add(job->kind == STOA_JOB_ASK && store->reader ? asked : runs, job);
    }
    if (runs->len > 0)
        run_transaction(store, (StoaJob **)runs->pdata, runs->len);
    for (guint i = 0; i < asked->len; i++)
        stoa_reader_give(store->reader, asked->pdata[i]);
    give_back(store, (StoaJob **)runs->pdata, runs->len);
}

/* Takes all that waits. True: the end was among it. */
static bool run_waiting(StoaStore *store)
{
    StoaQueueNode *node = stoa_queue_take(store->jobs);
    bool end = false;

    while (node) {
        g_autoptr(GPtrArray) batch = g_ptr_array_new();
        for (; node && batch->len < JOBS_PER_TRANSACTION; node = node->next) {
            StoaJob *job = STOA_QUEUE_ENTRY(node, StoaJob, node);
            end |= job->kind == STOA_JOB_STOP;
            g_ptr_array_add(batch, job);
        }
        run_batch(store, batch);
        look_after_wal(store);
    }
    return end;
}

static gpointer run_thread(gpointer data)
{
    StoaStore *store = data;
    struct pollfd fd = { .fd = stoa_queue_fd(store->jobs), .events = POLLIN };

    for (;;) {
        int wait_ms = store->is_scrub_due ? TRY_AGAIN_MS : store->is_give_back_due ? QUIET_MS : -1;
        bool is_end = false;
        if (poll(&fd, 1, wait_ms) == 0)
            rest(store);
        else
            is_end = run_waiting(store);
        look_after_scrubs(store, is_end);
        if (is_end)
            return NULL;
    }
}

/* -- control's side ----------------------------------------------------------------------- */

static void finish(StoaStore *store, StoaJob *job)
{
    store->n_pending--;
    store->n_writing -= job->is_writers;
    stoa_metric_add(store->count.jobs, 1);
    stoa_metric_set(store->count.pending, store->n_pending);
    if (job->error)
        stoa_metric_add(store->count.failures, 1);
    if (job->kind == STOA_JOB_RUN)
        stoa_metric_observe(store->count.wait, stoa_clock_now_us() - job->given_us);
    if (job->kind == STOA_JOB_ASK)
        stoa_metric_observe(store->count.ask, stoa_clock_now_us() - job->given_us);
    if (job->done)
        job->done(job->data, job->error);
    if (job->free_data)
        job->free_data(job->data);
    g_clear_error(&job->error);
    g_free(job);
}

static gboolean on_finished(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED,
                            gpointer data)
{
    StoaStore *store = data;
    StoaQueueNode *node = stoa_queue_take(store->finished);

    while (node) {
        StoaJob *job = STOA_QUEUE_ENTRY(node, StoaJob, node);
        node = node->next;
        finish(store, job);
    }
    return G_SOURCE_CONTINUE;
}

static StoaMetricHistogram *make_histogram(const char *name, const char *help)
{
    static const int64_t bounds[] = {
        1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000
    };
    StoaMetricScale scale = { name, help, STOA_METRIC_US, bounds, G_N_ELEMENTS(bounds) };

    return stoa_metric_histogram(&scale, NULL);
}

static void make_metrics(StoaStore *store)
{
    store->count.jobs =
        stoa_metric_counter("stoa_store_jobs_total", "Jobs that the store did", NULL);
    store->count.failures =
        stoa_metric_counter("stoa_store_failures_total", "Jobs that failed and were undone", NULL);
    store->count.commits = stoa_metric_counter("stoa_store_commits_total", "Transactions", NULL);
    store->count.scrubs =
        stoa_metric_counter("stoa_store_scrubs_total", "Times that deleted bytes were wiped", NULL);
    store->count.pending = stoa_metric_gauge("stoa_store_pending", "Jobs given and not done", NULL);
    store->count.wait = make_histogram("stoa_store_wait_seconds", "From a job to its commit");
    store->count.ask = make_histogram("stoa_store_ask_seconds", "From a question to its answer");
    store->count.commit =
        make_histogram("stoa_store_commit_seconds", "How long the disk takes for one transaction");
}

static bool make_queues(StoaStore *store, GError **error)
{
    store->jobs = stoa_queue_new(error);
    store->finished = store->jobs ? stoa_queue_new(error) : NULL;
    if (!store->finished)
        return false;
    store->source = g_unix_fd_source_new(stoa_queue_fd(store->finished), G_IO_IN);
    g_source_set_callback(store->source, G_SOURCE_FUNC(on_finished), store, NULL);
    g_source_attach(store->source, stoa_control_context());
    return true;
}

StoaStore *stoa_store_new(const char *dir, const StoaStoreConf *conf, GError **error)
{
    g_autoptr(StoaStore) store = g_new0(StoaStore, 1);
    g_autofree char *path = dir ? g_build_filename(dir, "stoa.db", NULL) : NULL;

    stoa_log_tag_set(&store->log, "store");
    store->patience_us = (conf ? conf->busy_ms : 5000) * 1000;
    store->scrubs = g_ptr_array_new();
    make_metrics(store);
    store->db = stoa_db_open(path, conf, error);
    if (!store->db || !make_queues(store, error))
        return NULL;
    store->checkpoint = path ? stoa_checkpoint_new(path, conf, error) : NULL;
    store->reader = store->checkpoint ? stoa_reader_new(path, conf, store->finished, error) : NULL;
    if (path && !store->reader)
        return NULL;
    store->is_scrub_due = path != NULL; /* of what was deleted just before a kill */
    if (dir)
        store->thread = g_thread_new("store", run_thread, store);
    return g_steal_pointer(&store);
}

static void give(StoaStore *store, StoaJob job)
{
    StoaJob *copy = g_new(StoaJob, 1);

    *copy = job;
    copy->given_us = stoa_clock_now_us();
    store->n_pending++;
    if (job.kind == STOA_JOB_ASK && store->reader && store->n_writing == 0) {
        stoa_reader_give(store->reader, copy);
        return;
    }
    copy->is_writers = true;
    store->n_writing++;
    stoa_queue_push(store->jobs, &copy->node);
    if (store->thread)
        return;
    run_waiting(store);
    look_after_scrubs(store, true);
}

/* What is given while the last jobs are done is done too, on this thread. */
void stoa_store_free(StoaStore *store)
{
    if (!store)
        return;
    if (store->thread) {
        give(store, (StoaJob){ .kind = STOA_JOB_STOP });
        g_thread_join(g_steal_pointer(&store->thread));
    }
    g_clear_pointer(&store->reader, stoa_reader_free);
    while (store->n_pending > 0)
        on_finished(0, 0, store);
    if (store->source) {
        g_source_destroy(store->source);
        g_source_unref(store->source);
    }
    stoa_checkpoint_free(store->checkpoint);
    stoa_queue_free(store->jobs);
    stoa_queue_free(store->finished);
    stoa_db_close(store->db);
    if (store->scrubs)
        g_ptr_array_unref(store->scrubs);
    g_free(store);
}

void stoa_store_run(StoaStore *store, StoaStoreWork *work, StoaStoreDone *done, void *data,
                    GDestroyNotify free_data)
{
    give(store, (StoaJob){ .work = work, .done = done, .data = data, .free_data = free_data });
}

void stoa_store_ask(StoaStore *store, StoaStoreWork *work, StoaStoreDone *done, void *data,
                    GDestroyNotify free_data)
{
    give(store, (StoaJob){ .kind = STOA_JOB_ASK,
                           .work = work,
                           .done = done,
                           .data = data,
                           .free_data = free_data });
}

void stoa_store_scrub(StoaStore *store, StoaStoreDone *done, void *data, GDestroyNotify free_data)
{
    give(store,
         (StoaJob){ .kind = STOA_JOB_SCRUB, .done = done, .data = data, .free_data = free_data });
}

unsigned stoa_store_pending(const StoaStore *store)
{
    return store->n_pending;
}
