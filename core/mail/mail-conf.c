/* SPDX-License-Identifier: MIT */
/* conf/mail.conf: every key, its default and its range. */
#include "config.h"

#include "mail/mail.h"

static const char *const tls_modes[] = { "auto", "required", "off", NULL };

#define AT(member) offsetof(StoaMailConf, member)

static const StoaOption options[] = {
    { "smtp.url", STOA_STRING, STOA_LIVE, AT(url), "",
      .help = "smtp://host:587 or smtps://host:465; empty: mails are written as .eml files into "
              "the data folder" },
    { "smtp.user", STOA_STRING, STOA_LIVE, AT(user), "", .help = "who logs in; empty: nobody" },
    { "smtp.password", STOA_STRING, STOA_SECRET | STOA_LIVE, AT(password), "",
      .help = "with this password" },
    { "smtp.from", STOA_STRING, STOA_LIVE, AT(from), "Stoa <no-reply@localhost>",
      .help = "the sender: Name <address>" },
    { "smtp.tls", STOA_ENUM, STOA_LIVE, AT(tls), "auto", .choices = tls_modes,
      .help = "required: never without a verified certificate; auto: required where a password is "
              "sent, else when the server offers it (a server on this machine is trusted); "
              "off: never" },
    { "smtp.ca_file", STOA_STRING, STOA_LIVE, AT(ca_file), "",
      .help = "PEM file of the authority that signed the server's certificate; empty: the "
              "system's authorities" },
    { "smtp.timeout_s", STOA_INT, STOA_LIVE, AT(timeout_s), "30", 1, 600,
      "a server that takes longer over one mail is tried again later" },
    { "retry.first_s", STOA_INT, STOA_LIVE, AT(retry_s), "30", 1, 86400,
      "wait before a mail is tried again; each time twice as long" },
    { "retry.longest_s", STOA_INT, STOA_LIVE, AT(retry_max_s), "3600", 1, 86400,
      "but never longer than this" },
    { "retry.give_up_s", STOA_INT, STOA_LIVE, AT(give_up_s), "172800", 60, 2592000,
      "a mail older than this is dropped, and the log says so" },
    { "templates.language", STOA_STRING, STOA_LIVE, AT(language), "en",
      .help = "a folder of conf/mail/ with a template for each kind of mail" },
    { NULL },
};

const StoaConfTable *stoa_mail_conf_table(void)
{
    static const StoaConfTable table = { .file = "mail",
                                         .options = options,
                                         .size = sizeof(StoaMailConf),
                                         .option_size = sizeof(StoaOption) };

    return &table;
}
