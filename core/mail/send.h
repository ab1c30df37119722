/* SPDX-License-Identifier: MIT */
/* One mail to an SMTP server, by libcurl. (RFC 5321, RFC 3207, RFC 8314) */
#pragma once

#include "mail/mail.h"

#include <stdatomic.h>

/* How a server took it. */
typedef enum {
    STOA_SEND_OK,
    STOA_SEND_LATER, /* not now: it says so (4xx), or refuses for a reason that the operator may mend (policy) */
    STOA_SEND_DOWN, /* no mail now: it cannot be reached, or takes nothing from us: greeting, TLS, password, sender */
    STOA_SEND_NEVER, /* it refuses this mail for good: the recipient, or what is in it (5xx) */
} StoaSendResult;

/* A connection that is kept from one mail to the next. One thread at a time. */
typedef struct StoaSender StoaSender;

/**
 * @conf  copied
 * @stop  looked at while a server keeps us waiting; true breaks off
 */
StoaSender *stoa_sender_new(const StoaMailConf *conf, const _Atomic(bool) *stop);
void stoa_sender_free(StoaSender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSender, stoa_sender_free)

/**
 * Send; blocks, for `timeout_s` at most.
 *
 * @why  gets the reason of a failure in words without addresses; free with g_free()
 */
StoaSendResult stoa_sender_send(StoaSender *sender, const char *recipient, GBytes *message,
                                char **why);

/** Whether the host of an smtp:// or smtps:// URL is this machine. Pure. */
bool stoa_sender_is_local(const char *url);
