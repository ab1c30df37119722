/* SPDX-License-Identifier: MIT */
/* From a kind and a payload to the bytes of a mail. (RFC 5322, RFC 2045 to 2047) */
#pragma once

#include "mail/mail.h"

typedef struct StoaMailTemplates
    StoaMailTemplates; /* of one language; read once, shared by threads, never changed */

/** Read conf/mail/LANG/: each KIND.txt begins with "Subject: …" and an empty line. NULL with `error`: file and tag are named. */
StoaMailTemplates *stoa_mail_templates_new(const char *conf_dir, const char *language,
                                           GError **error);
StoaMailTemplates *stoa_mail_templates_ref(StoaMailTemplates *templates);
void stoa_mail_templates_unref(StoaMailTemplates *templates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMailTemplates, stoa_mail_templates_unref)

/** "invitation" and back; STOA_MAIL_N_KINDS: none of ours. */
const char *stoa_mail_kind_name(StoaMailKind kind);
StoaMailKind stoa_mail_kind_of(const char *name);

typedef struct {
    StoaMailKind kind;
    const char *from;      /* "Name <address>" */
    const char *recipient; /* address */
    const json_t *payload;
    int64_t id,
        created_ms; /* of the outbox: make the Message-ID, so that a repeated sending can be told */
    int64_t now_ms;
    bool is_file; /* nobody's wire: letters go as they are, and links stay whole */
} StoaMailSpec;

/** The address of "Name <address>" or "address"; NULL: it has none. Free with g_free(). */
char *stoa_mail_address(const char *from);

/** The whole mail, CRLF, ready for SMTP but for the dots that libcurl doubles. Thread: any. */
GBytes *stoa_mail_message(const StoaMailTemplates *templates, const StoaMailSpec *spec);
