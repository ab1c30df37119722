/* SPDX-License-Identifier: MIT */
/* Mail: an outbox in the store, sent by a thread of its own with libcurl, or written as .eml files where no SMTP server is
 * configured. A mail is promised by the same transaction that made its reason. */
#pragma once

#include "store/store.h"

typedef struct StoaMail StoaMail;

/* What a mail says; each has a template in conf/mail/LANG/KIND.txt and .html. */
typedef enum {
    STOA_MAIL_SIGNIN,     /* a host's sign-in link */
    STOA_MAIL_INVITATION, /* with an .ics */
    STOA_MAIL_CANCELLED,  /* a calendar cancellation: UID only */
    STOA_MAIL_SUMMARY,    /* after a meeting */
    STOA_MAIL_N_KINDS
} StoaMailKind;

/* conf/mail.conf */
typedef struct {
    char *url, *user, *password,
        *from;         /* smtp.url: smtp://host:587, smtps://host:465; NULL: .eml files */
    bool starttls;     /* smtp.starttls: refuse to send without it (smtp:// only) */
    char *ca_file;     /* smtp.ca_file: a CA of the operator's own; NULL: the system's */
    int64_t timeout_s; /* smtp.timeout_s */
    char *language;    /* templates.language: a folder of conf/mail/ */
    int64_t retry_s, retry_max_s, give_up_s; /* retry.first_s, retry.longest_s, retry.give_up_s */
} StoaMailConf;

/** Start sending what is in the outbox. @data_dir for mail/; @conf_dir for mail/LANG/. Thread: control. */
StoaMail *stoa_mail_new(StoaStore *store, const StoaMailConf *conf, const char *data_dir,
                        const char *conf_dir, GError **error);
void stoa_mail_free(StoaMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMail, stoa_mail_free)
/** New conf values (borrowed, as at stoa_mail_new()). */
void stoa_mail_reconfigure(StoaMail *mail, const StoaMailConf *conf);

/**
 * Put a mail into the outbox, within the caller's transaction.
 *
 * @email    the recipient, lower case
 * @room_id  what it is about; NULL: no room. Deleting a room removes what still waits, but for cancellations.
 * @payload  taken; what the template names: {"name", "title", "link", "host", "starts_at" (ms), "duration_min", "uid", …},
 *           lists of objects for {{#each}}: see conf/mail/README
 * Thread: store.
 */
bool stoa_mail_put(StoaDb *db, StoaMailKind kind, const char *email, const char *room_id,
                   json_t *payload, GError **error);

/** Look into the outbox now: call it on control when a transaction with stoa_mail_put() is done. NULL is fine. */
void stoa_mail_wake(StoaMail *mail);

/** Within a transaction: forget what waits for an address, or for a room (cancellations stay), and name the .eml files to be
 * unlinked by stoa_mail_unlink() once it is committed. `files` gets g_strdup()ed names. @email or @room_id may be NULL. */
bool stoa_mail_forget(StoaDb *db, const char *email, const char *room_id, GPtrArray *files,
                      GError **error);
/** Overwrite and remove .eml files that stoa_mail_forget() named. Thread: any; blocks. */
void stoa_mail_unlink(const char *data_dir, GPtrArray *files);
