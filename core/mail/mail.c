/* SPDX-License-Identifier: MIT */
/* Empties the outbox: takes what is due out of the store, sends it or writes it on a task thread, and says so to the store.
 *
 * One round at a time: due (store thread) → sent (task thread) → settled (store thread), each reported to control. A mail leaves
 * the outbox only when it was taken by a server or lies on disk; a crash in between sends it twice, with one Message-ID. */
#include "config.h"

#define LOG_AREA "mail"

#include "mail/mail.h"

#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/task.h"
#include "base/timer.h"
#include "mail/message.h"
#include "mail/outbox.h"
#include "mail/send.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PER_ROUND = 50,
    SCRUB_MS = 1000, /* one emptying of the WAL for all mails that have gone meanwhile */
};

struct StoaMail {
    StoaStore *store;
    char *data_dir, *conf_dir;
    StoaMailConf conf; /* strings are ours */
    StoaMailTemplates *templates;
    StoaTimer *timer, *scrub_timer;
    bool busy, again; /* a round is under way; look once more after it */
    _Atomic(bool) stop;
    unsigned refs;   /* a round holds one; control only */
    GArray *waiters; /* of Waiter: for the end of the round */
    StoaMetricCell *sent, *failed;
};

typedef struct {
    void (*done)(void *data);
    void *data;
} Waiter;

/* What became of one mail. */
typedef struct {
    StoaMailJob *job;
    StoaSendResult result;
    char *why;
    char *file;      /* the .eml that was written; NULL: none */
    bool unwanted;   /* it was forgotten while it was written */
    int64_t next_ms; /* of LATER */
} Outcome;

typedef struct {
    StoaMail *mail; /* a ref */
    StoaMailConf conf;
    StoaMailTemplates *templates;
    char *data_dir, *conf_dir;
    GPtrArray *jobs, *outcomes;
    int64_t now_ms, next_ms;
} Round;

/* -- conf --------------------------------------------------------------------------------- */

static void conf_clear(StoaMailConf *conf)
{
    g_free(conf->url);
    g_free(conf->user);
    g_free(conf->password);
    g_free(conf->from);
    g_free(conf->tls);
    g_free(conf->ca_file);
    g_free(conf->language);
}

static StoaMailConf conf_copy(const StoaMailConf *conf)
{
    StoaMailConf copy = *conf;

    copy.url = g_strdup(conf->url);
    copy.user = g_strdup(conf->user);
    copy.password = g_strdup(conf->password);
    copy.from = g_strdup(conf->from);
    copy.tls = g_strdup(conf->tls);
    copy.ca_file = g_strdup(conf->ca_file);
    copy.language = g_strdup(conf->language);
    return copy;
}

static StoaMailTemplates *check_all(const StoaMailConf *conf, const char *conf_dir, GError **error)
{
    g_mime_init();
    g_autofree char *address = stoa_mail_address(conf->from);

    if (!address) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "mail.conf: smtp.from must be \"Name <address>\" or an address");
        return NULL;
    }
    if (conf->url && !g_str_has_prefix(conf->url, "smtp://") &&
        !g_str_has_prefix(conf->url, "smtps://")) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "mail.conf: smtp.url must begin with smtp:// or smtps://");
        return NULL;
    }
    return stoa_mail_templates_new(conf_dir, conf->language, error);
}

bool stoa_mail_check(const StoaMailConf *conf, const char *conf_dir, GError **error)
{
    StoaMailTemplates *templates = check_all(conf, conf_dir, error);
    bool ok = templates != NULL;

    stoa_mail_templates_unref(templates);
    return ok;
}

bool stoa_mail_reconfigure(StoaMail *mail, const StoaMailConf *conf, GError **error)
{
    StoaMailTemplates *templates = check_all(conf, mail->conf_dir, error);

    if (!templates)
        return false;
    stoa_mail_templates_unref(mail->templates);
    mail->templates = templates;
    conf_clear(&mail->conf);
    mail->conf = conf_copy(conf);
    stoa_mail_wake(mail);
    return true;
}

/* -- a round ------------------------------------------------------------------------------ */

static void outcome_free(gpointer data)
{
    Outcome *outcome = data;

    stoa_mail_job_free(outcome->job);
    g_free(outcome->why);
    g_free(outcome->file);
    g_free(outcome);
}

static void mail_unref(StoaMail *mail)
{
    if (--mail->refs > 0)
        return;
    conf_clear(&mail->conf);
    stoa_mail_templates_unref(mail->templates);
    g_array_unref(mail->waiters);
    g_free(mail->data_dir);
    g_free(mail->conf_dir);
    g_free(mail);
}

static void round_free(gpointer data)
{
    Round *round = data;

    g_clear_pointer(&round->jobs, g_ptr_array_unref);
    g_clear_pointer(&round->outcomes, g_ptr_array_unref);
    stoa_mail_templates_unref(round->templates);
    conf_clear(&round->conf);
    g_free(round->data_dir);
    g_free(round->conf_dir);
    mail_unref(round->mail);
    g_free(round);
}

static Round *round_new(StoaMail *mail)
{
    Round *round = g_new0(Round, 1);

    mail->refs++;
    round->mail = mail;
    round->conf = conf_copy(&mail->conf);
    round->templates = stoa_mail_templates_ref(mail->templates);
    round->data_dir = g_strdup(mail->data_dir);
    round->conf_dir = g_strdup(mail->conf_dir);
    round->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_mail_job_free);
    round->outcomes = g_ptr_array_new_with_free_func(outcome_free);
    round->now_ms = stoa_store_now_ms();
    return round;
}

/* All that a round holds, for its next step: the old one is left empty, to be freed by who called back with it. */
static Round *hand_over(Round *round)
{
    Round *next = g_memdup2(round, sizeof *round);

    *round = (Round){ .mail = next->mail };
    next->mail->refs++;
    return next;
}

/* Those of the payload's language, where there are some. */
static StoaMailTemplates *templates_for(const Round *round, const StoaMailJob *job)
{
    const char *language = json_string_value(json_object_get(job->payload, "language"));
    StoaMailTemplates *templates = NULL;

    if (language && !g_str_equal(language, round->conf.language) &&
        g_regex_match_simple("^[a-z]{2,3}(-[A-Za-z]{2,8})?$", language, 0, 0))
        templates = stoa_mail_templates_new(round->conf_dir, language, NULL);
    return templates ? templates : stoa_mail_templates_ref(round->templates);
}

static char *eml_name(const Round *round, const StoaMailJob *job)
{
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(round->now_ms / 1000);
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");

    return g_strdup_printf("%s-%s-%" PRId64 ".eml", stamp, stoa_mail_kind_name(job->kind), job->id);
}

static void write_eml(const Round *round, Outcome *outcome, GBytes *message)
{
    g_autofree char *dir = g_build_filename(round->data_dir, "mail", NULL);
    g_autofree char *name = eml_name(round, outcome->job);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) error = NULL;

    g_mkdir_with_parents(dir, 0700);
    if (g_file_set_contents_full(path, g_bytes_get_data(message, NULL),
                                 (gssize)g_bytes_get_size(message), G_FILE_SET_CONTENTS_CONSISTENT,
                                 0600, &error)) {
        outcome->file = g_steal_pointer(&name);
        return;
    }
    outcome->result = STOA_SEND_LATER;
    outcome->why = g_strdup(error->message);
}

static void send_one(const Round *round, StoaSender *sender, Outcome *outcome)
{
    StoaMailJob *job = outcome->job;
    g_autoptr(StoaMailTemplates) templates = NULL;
    StoaMailSpec spec = { .kind = job->kind,
                          .from = round->conf.from,
                          .recipient = job->recipient,
                          .payload = job->payload,
                          .id = job->id,
                          .created_ms = job->created_ms,
                          .is_file = !sender || job->to_file,
                          .now_ms = round->now_ms };

    if (job->kind == STOA_MAIL_N_KINDS || !job->payload) {
        outcome->result = STOA_SEND_NEVER;
        outcome->why = g_strdup("it is of no kind that this version knows");
        return;
    }
    templates = templates_for(round, job);
    GBytes *message = stoa_mail_message(templates, &spec);
    if (!spec.is_file)
        outcome->result = stoa_sender_send(sender, job->recipient, message, &outcome->why);
    else
        write_eml(round, outcome, message);
    g_bytes_unref(message);
}

/* On a task thread. */
static void send_all(void *data)
{
    Round *round = data;
    g_autoptr(StoaSender) sender =
        round->conf.url ? stoa_sender_new(&round->conf, &round->mail->stop) : NULL;
    bool down = false; /* nothing is asked of a server that takes no mail, until the next round */

    while (round->jobs->len > 0 && !atomic_load(&round->mail->stop)) {
        Outcome *outcome = g_new0(Outcome, 1);
        outcome->job = g_ptr_array_steal_index(round->jobs, 0);
        g_ptr_array_add(round->outcomes, outcome);
        if (down)
            outcome->result = STOA_SEND_DOWN;
        else
            send_one(round, sender, outcome);
        down = outcome->result == STOA_SEND_DOWN;
    }
}

static int64_t wait_ms(const Round *round, const StoaMailJob *job)
{
    int64_t wait = round->conf.retry_s * 1000;
    int64_t most = round->conf.retry_max_s * 1000;

    for (int64_t i = 0; i < job->tries && wait < most; i++)
        wait *= 2;
    return MIN(wait, most);
}

static bool waits(const Outcome *outcome)
{
    return outcome->result == STOA_SEND_LATER || outcome->result == STOA_SEND_DOWN;
}

/* On the store thread. */
static bool settle(StoaDb *db, void *data, GError **error)
{
    Round *round = data;
    g_autoptr(GError) why = NULL;

    for (guint i = 0; i < round->outcomes->len; i++) {
        Outcome *outcome = round->outcomes->pdata[i];
        if (outcome->file)
            outcome->unwanted = !stoa_outbox_filed(db, outcome->job, outcome->file, &why);
        else if (waits(outcome))
            stoa_outbox_later(db, outcome->job->id, outcome->next_ms, &why);
        else
            stoa_outbox_done(db, outcome->job->id, &why);
        if (why) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
    }
    return true;
}

static void report(StoaMail *mail, const Outcome *outcome)
{
    const char *kind = outcome->job->kind < STOA_MAIL_N_KINDS
                           ? stoa_mail_kind_name(outcome->job->kind)
                           : "unknown";
    int64_t id = outcome->job->id;

    if (outcome->file)
        log_info(stoa_process, "mail %" PRId64 " (%s) was written to %s/mail/%s", id, kind,
                 mail->data_dir, outcome->file);
    else if (outcome->result == STOA_SEND_OK)
        log_info(stoa_process, "mail %" PRId64 " (%s) was sent", id, kind);
    else if (outcome->result == STOA_SEND_NEVER)
        log_error(stoa_process, "mail %" PRId64 " (%s) is dropped: %s", id, kind,
                  outcome->why ? outcome->why : "the server took no mail for too long");
    else if (outcome->why)
        log_warn(stoa_process, "mail %" PRId64 " (%s) is tried again in %" PRId64 " s: %s", id,
                 kind, MAX(outcome->next_ms - stoa_store_now_ms(), 0) / 1000, outcome->why);
    stoa_metric_add(outcome->result == STOA_SEND_OK ? mail->sent : mail->failed, 1);
}

static void scrub_now(void *data)
{
    StoaMail *mail = data;

    mail->scrub_timer = NULL;
    stoa_store_scrub(mail->store, NULL, NULL, NULL);
}

/* A mail that has gone leaves its address and the token in its link in no file of the store. */
static void scrub_soon(StoaMail *mail)
{
    if (atomic_load(&mail->stop))
        stoa_store_scrub(mail->store, NULL, NULL, NULL);
    else if (!mail->scrub_timer)
        mail->scrub_timer = stoa_timer_after(SCRUB_MS, scrub_now, mail);
}

static void tell_waiters(StoaMail *mail)
{
    g_autoptr(GArray) waiters = mail->waiters;

    mail->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    for (guint i = 0; i < waiters->len; i++) {
        const Waiter *waiter = &g_array_index(waiters, Waiter, i);
        waiter->done(waiter->data);
    }
}

static void look(StoaMail *mail);

static void look_later(void *data)
{
    StoaMail *mail = data;

    mail->timer = NULL;
    look(mail);
}

static void settled(void *data, const GError *error)
{
    Round *round = data;
    StoaMail *mail = round->mail;
    int64_t next = round->next_ms;
    g_autoptr(GPtrArray) unwanted = g_ptr_array_new();
    bool any_gone = false;

    for (guint i = 0; i < round->outcomes->len; i++) {
        const Outcome *outcome = round->outcomes->pdata[i];
        report(mail, outcome);
        any_gone |= !waits(outcome);
        if (outcome->unwanted)
            g_ptr_array_add(unwanted, outcome->file);
        if (waits(outcome) && (next == 0 || outcome->next_ms < next))
            next = outcome->next_ms;
    }
    stoa_mail_unlink(round->data_dir, unwanted);
    if (error) {
        log_error(stoa_process, "the outbox cannot be written: %s", error->message);
        next = round->now_ms + round->conf.retry_s * 1000;
    } else if (any_gone) {
        scrub_soon(mail);
    }
    mail->busy = false;
    tell_waiters(mail);
    if (atomic_load(&mail->stop))
        return;
    if (!error && (mail->again || round->outcomes->len == PER_ROUND)) {
        look(mail);
    } else if (next) {
        int64_t ms = CLAMP(next - stoa_store_now_ms(), 1, 3600000);
        stoa_timer_clear(&mail->timer);
        mail->timer = stoa_timer_after((unsigned)ms, look_later, mail);
    }
}

static void sent(void *data)
{
    Round *round = data;

    for (guint i = 0; i < round->outcomes->len; i++) {
        Outcome *outcome = round->outcomes->pdata[i];
        if (!waits(outcome))
            continue;
        if (round->now_ms - outcome->job->created_ms > round->conf.give_up_s * 1000)
            outcome->result = STOA_SEND_NEVER;
        outcome->next_ms = stoa_store_now_ms() + wait_ms(round, outcome->job);
    }
    stoa_store_run(round->mail->store, settle, settled, hand_over(round), round_free);
}

/* On the store thread. */
static bool take_due(StoaDb *db, void *data, GError **error)
{
    Round *round = data;

    return stoa_outbox_due(db, round->now_ms, PER_ROUND, round->jobs, &round->next_ms, error);
}

static void due(void *data, const GError *error)
{
    Round *round = data;

    if (error || round->jobs->len == 0) {
        settled(round, error);
        return;
    }
    stoa_task_run(send_all, sent, hand_over(round), round_free);
}

static void look(StoaMail *mail)
{
    mail->again = mail->busy;
    if (mail->busy)
        return;
    mail->busy = true;
    stoa_timer_clear(&mail->timer);
    stoa_store_run(mail->store, take_due, due, round_new(mail), round_free);
}

void stoa_mail_wake(StoaMail *mail)
{
    if (mail && !atomic_load(&mail->stop))
        look(mail);
}

void stoa_mail_settle(StoaMail *mail, void (*done)(void *data), void *data)
{
    Waiter waiter = { done, data };

    if (mail && mail->busy && !mail->conf.url)
        g_array_append_val(mail->waiters, waiter);
    else
        done(data);
}

/* -- life --------------------------------------------------------------------------------- */

StoaMail *stoa_mail_new(StoaStore *store, const StoaMailConf *conf, const char *data_dir,
                        const char *conf_dir, GError **error)
{
    StoaMailTemplates *templates = check_all(conf, conf_dir, error);
    if (!templates)
        return NULL;
    StoaMail *mail = g_new0(StoaMail, 1);
    mail->store = store;
    mail->conf = conf_copy(conf);
    mail->templates = templates;
    mail->data_dir = g_strdup(data_dir);
    mail->conf_dir = g_strdup(conf_dir);
    mail->refs = 1;
    mail->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    mail->sent = stoa_metric_counter("stoa_mails_sent_total",
                                     "Mails that a server took or a file holds", NULL);
    mail->failed =
        stoa_metric_counter("stoa_mails_failed_total", "Attempts to send a mail that failed", NULL);
    look(mail);
    return mail;
}

void stoa_mail_free(StoaMail *mail)
{
    if (!mail)
        return;
    atomic_store(&mail->stop, true);
    stoa_timer_clear(&mail->timer);
    if (mail->scrub_timer)
        stoa_store_scrub(mail->store, NULL, NULL, NULL);
    stoa_timer_clear(&mail->scrub_timer);
    mail_unref(mail);
}
