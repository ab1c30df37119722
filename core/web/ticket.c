/* SPDX-License-Identifier: MIT */
/* EXPIRY-SIGNATURE: HMAC-SHA-256 over room, file and expiry, by a key of this installation. */
#include "config.h"

#include "base/id.h"
#include "web/ticket.h"

#include <glib.h>
#include <string.h>

static uint8_t key[STOA_HOME_KEY_LEN];

void stoa_ticket_set_key(const uint8_t installation[STOA_HOME_KEY_LEN])
{
    memcpy(key, installation, sizeof key);
}

char *stoa_ticket_new(const char *room, const char *file, int64_t expires_ms)
{
    g_autofree char *text =
        g_strdup_printf("ticket %s/%s/%" G_GINT64_FORMAT, room, file, expires_ms);
    g_autofree char *mark = g_compute_hmac_for_string(G_CHECKSUM_SHA256, key, sizeof key, text, -1);

    return g_strdup_printf("%" G_GINT64_FORMAT "-%s", expires_ms, mark);
}

bool stoa_ticket_is_good(const char *ticket, const char *room, const char *file, int64_t now_ms)
{
    int64_t expires_ms = g_ascii_strtoll(ticket, NULL, 10);
    g_autofree char *right = stoa_ticket_new(room, file, expires_ms);

    return expires_ms > now_ms && stoa_id_constant_time_equal(ticket, right);
}
