/* SPDX-License-Identifier: MIT */
/* STUN and TURN servers that a browser is told of. */
#include "config.h"

#include "room/ice-servers.h"

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static char *password_of(const char *secret, const char *username)
{
    guint8 digest[20];
    gsize len = sizeof digest;
    g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)secret, strlen(secret));

    g_hmac_update(hmac, (const guchar *)username, -1);
    g_hmac_get_digest(hmac, digest, &len);
    return g_base64_encode(digest, len);
}

static bool is_turn(const char *url)
{
    return g_str_has_prefix(url, "turn:") || g_str_has_prefix(url, "turns:");
}

json_t *stoa_ice_servers(const StoaRoomsConf *conf, const char *person, int64_t now_ms)
{
    json_t *list = json_array(), *stun = json_array(), *turn = json_array();

    for (char **url = conf->ice_servers; url && *url; url++)
        json_array_append_new(is_turn(*url) ? turn : stun, json_string(*url));
    if (json_array_size(stun) > 0)
        json_array_append_new(list, json_pack("{s:O}", "urls", stun));
    if (json_array_size(turn) > 0 && conf->turn_secret) {
        g_autofree char *username =
            g_strdup_printf("%" PRId64 ":%s", now_ms / 1000 + conf->turn_s, person);
        g_autofree char *password = password_of(conf->turn_secret, username);
        json_array_append_new(list, json_pack("{s:O, s:s, s:s}", "urls", turn, "username", username,
                                              "credential", password));
    }
    json_decref(stun);
    json_decref(turn);
    return list;
}
