/* SPDX-License-Identifier: MIT */
/* Mail: an outbox in the store, sent by a thread of its own with libcurl, or written as .eml files where no SMTP server is
 * configured. A mail is promised by the same transaction that made its reason. */
#pragma once

#include "base/conf.h"
#include "store/store.h"

typedef struct StoaMail StoaMail;

/* What a mail says; each has a template in conf/mail/LANG/KIND.txt and KIND.html. The payload's members, all optional but the
 * first: a template leaves out what is not there.
 *   signin     link, name, minutes (15)
 *   invitation link, title, name, host, role, starts_at, duration_min, uid, sequence (0, 1, … with each mail of that uid)
 *   moved      title, name, host, role, starts_at (none: it has no time any more), duration_min, uid, sequence
 *   cancelled  uid, sequence, is_task, revoked (the invitation was; else the room is erased)
 *   summary    link, title, name, started_at, ended_at, people: [{name, role}], items: [{title, kind, link}],
 *              polls: [{question}], messages (a count); and what room/summary.c needs to write it anew
 * Each member that ends in _at is a time in milliseconds, and gives the template NAME_at as text (UTC). "language" chooses the
 * folder, where there is one of that name. */
typedef enum {
    STOA_MAIL_SIGNIN,     /* a host's sign-in link */
    STOA_MAIL_INVITATION, /* with an .ics */
    STOA_MAIL_MOVED,      /* the time is another one: an .ics without a link */
    STOA_MAIL_CANCELLED,  /* a calendar cancellation: UID only */
    STOA_MAIL_SUMMARY,    /* after a meeting */
    STOA_MAIL_N_KINDS
} StoaMailKind;

/* conf/mail.conf; the strings belong to the conf values. */
typedef struct {
    char *url, *user, *password, *from; /* smtp.*; url NULL: .eml files */
    char *tls;                          /* "auto", "required", "off": see conf/mail.conf */
    char *ca_file;                      /* PEM; NULL: the system's authorities */
    int64_t timeout_s;
    char *language; /* folder of conf/mail/ */
    int64_t retry_s, retry_max_s, give_up_s;
} StoaMailConf;

/** The table of mail.conf. Static. */
const StoaConfTable *stoa_mail_conf_table(void);

/** Start sending what is in the outbox.
 * @conf      copied
 * @data_dir  .eml files go to its folder mail/
 * @conf_dir  templates come from its folder mail/LANG/
 * NULL with `error`: a template is missing or broken. Thread: control. */
StoaMail *stoa_mail_new(StoaStore *store, const StoaMailConf *conf, const char *data_dir,
                        const char *conf_dir, GError **error);
/** Stop: a conversation under way with a server is broken off, what was not sent waits in the outbox. Before the store ends. */
void stoa_mail_free(StoaMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMail, stoa_mail_free)
/** Take new conf values; false with `error` and the old ones kept: a template is broken. */
bool stoa_mail_reconfigure(StoaMail *mail, const StoaMailConf *conf, GError **error);
/** Whether the conf makes sense and its templates are all there and in order (for -t). */
bool stoa_mail_check(const StoaMailConf *conf, const char *conf_dir, GError **error);

/**
 * Put a mail into the outbox, within the caller's transaction.
 *
 * @email    the recipient, lower case
 * @room_id  what it is about; NULL: no room. Deleting a room removes what still waits, but for cancellations.
 * @payload  taken; see StoaMailKind
 * Thread: store.
 */
bool stoa_mail_put(StoaDb *db, StoaMailKind kind, const char *email, const char *room_id,
                   json_t *payload, GError **error);

/** Look into the outbox now: call it on control when a transaction with stoa_mail_put() is done. NULL is fine. */
void stoa_mail_wake(StoaMail *mail);

/** Call `done` once no file is being written any more of what has just been forgotten: at once, unless a round that writes files is
 * under way. A server is not waited for. NULL is fine. Thread: control. */
void stoa_mail_settle(StoaMail *mail, void (*done)(void *data), void *data);

/** Within a transaction: forget what waits for an address, or for a room (cancellations stay), and name the .eml files to be
 * unlinked by stoa_mail_unlink() once it is committed. `files` gets g_strdup()ed names. @email or @room_id may be NULL. */
bool stoa_mail_forget(StoaDb *db, const char *email, const char *room_id, GPtrArray *files,
                      GError **error);
/** Within a transaction: forget the summaries that are files and whose meeting is there no more. @files: as above. Thread: store. */
bool stoa_mail_forget_old_summaries(StoaDb *db, GPtrArray *files, GError **error);
/**
 * Within a transaction: forget files that are no summaries: those about a room when its history that came after them has run out, or
 * would have, had there been one by the time that an invitation is good for; those about none after that time.
 *
 * @good_ms  how long an invitation is good for that names no time
 * @files    as above
 *
 * To be called before meetings are erased whose time is over. Thread: store.
 */
bool stoa_mail_forget_old_files(StoaDb *db, int64_t good_ms, GPtrArray *files, GError **error);
/** Look at a payload again. @is_file  it lies in data/mail/ by now: no member "link" is left in it. `*changed`: what was done to it counts.
 * False with `error`. */
typedef bool StoaMailEdit(StoaDb *db, json_t *payload, bool is_file, bool *changed, void *data,
                          GError **error);
/**
 * Within a transaction: have another look at the summaries about a room, those that wait and those that are files.
 *
 * A changed one waits anew in the place of the one there was, also while that is just being sent or written; a file's becomes a file
 * again, and the old one's name is added to `files` for stoa_mail_unlink(). So is that of a file that says no more what is in it.
 * Call stoa_mail_wake() after the transaction. Thread: store.
 */
bool stoa_mail_edit_summaries(StoaDb *db, const char *room_id, StoaMailEdit *edit, void *data,
                              GPtrArray *files, GError **error);
/** Overwrite and remove .eml files that stoa_mail_forget() named. Thread: any; blocks. */
void stoa_mail_unlink(const char *data_dir, GPtrArray *files);
