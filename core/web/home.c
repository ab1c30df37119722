/* SPDX-License-Identifier: MIT */
/* HMAC-SHA-256 over room and household, by a key of this installation. */
#include "config.h"

#define LOG_AREA "web"

#include "base/id.h"
#include "base/log.h"
#include "web/attempts.h"
#include "web/home.h"

#include <string.h>

void stoa_home_key_open(const char *data_dir, uint8_t key[STOA_HOME_KEY_LEN])
{
    g_autofree char *path = g_build_filename(data_dir, "address.key", NULL);
    g_autofree char *kept = NULL;
    g_autoptr(GError) error = NULL;
    gsize len = 0;

    if (g_file_get_contents(path, &kept, &len, NULL) && len == STOA_HOME_KEY_LEN) {
        memcpy(key, kept, STOA_HOME_KEY_LEN);
        return;
    }
    stoa_id_bytes(key, STOA_HOME_KEY_LEN);
    if (!g_file_set_contents_full(path, (const char *)key, STOA_HOME_KEY_LEN,
                                  G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        log_warn(stoa_process, "who was banned may come back after a restart: %s", error->message);
}

char *stoa_home_mark(const uint8_t key[STOA_HOME_KEY_LEN], const char *room, const char *address)
{
    g_autofree char *home = stoa_attempts_home(address);
    g_autofree char *text = home ? g_strdup_printf("%s %s", room, home) : NULL;

    return text ? g_compute_hmac_for_string(G_CHECKSUM_SHA256, key, STOA_HOME_KEY_LEN, text, -1)
                : NULL;
}
