/* SPDX-License-Identifier: MIT */
/* The API secret and the stored tokens. Those of conf are as they are; those added by the admin API are kept in data/tokens.json. */
#include "config.h"

#define LOG_AREA "auth"

#include "base/id.h"
#include "signaling/private.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *token_file(StoaSignaling *signaling)
{
    const char *dir = signaling->host->data_dir ? signaling->host->data_dir(signaling->user) : NULL;

    return dir ? g_build_filename(dir, "tokens.json", NULL) : NULL;
}

void stoa_auth_load(StoaSignaling *signaling)
{
    g_autofree char *path = token_file(signaling);
    json_t *list = path ? json_load_file(path, 0, NULL) : NULL;
    const json_t *token;
    size_t i;

    json_array_foreach(list, i, token)
    {
        if (json_is_string(token))
            g_hash_table_add(signaling->tokens, g_strdup(json_string_value(token)));
    }
    json_decref(list);
}

static void save(StoaSignaling *signaling)
{
    g_autofree char *path = token_file(signaling);
    g_autoptr(GError) error = NULL;
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer token;

    g_hash_table_iter_init(&iter, signaling->tokens);
    while (g_hash_table_iter_next(&iter, &token, NULL))
        json_array_append_new(list, json_string(token));
    char *text = json_dumps(list, JSON_COMPACT);
    if (path &&
        !g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        log_error(stoa_process, "the tokens cannot be kept: %s", error->message);
    free(text);
    json_decref(list);
}

void stoa_auth_add(StoaSignaling *signaling, const char *token)
{
    g_hash_table_add(signaling->tokens, g_strdup(token));
    save(signaling);
}

bool stoa_auth_remove(StoaSignaling *signaling, const char *token)
{
    bool known = g_hash_table_remove(signaling->tokens, token);

    if (known)
        save(signaling);
    return known;
}

json_t *stoa_auth_list(StoaSignaling *signaling)
{
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer token;

    for (char **at = signaling->conf->api_tokens; at && *at; at++)
        json_array_append_new(list, json_string(*at));
    g_hash_table_iter_init(&iter, signaling->tokens);
    while (g_hash_table_iter_next(&iter, &token, NULL))
        json_array_append_new(list, json_string(token));
    return list;
}

/* Every stored token is compared, so that the time does not tell which one came near. */
bool stoa_auth_is_token(StoaSignaling *signaling, const char *token)
{
    GHashTableIter iter;
    gpointer known;
    bool found = false;

    for (char **at = signaling->conf->api_tokens; at && *at; at++)
        found |= stoa_id_constant_time_equal(*at, token);
    g_hash_table_iter_init(&iter, signaling->tokens);
    while (g_hash_table_iter_next(&iter, &known, NULL))
        found |= stoa_id_constant_time_equal(known, token);
    return found;
}

/* Who sits in a room proves more by their own token than by a secret that all clients share. */
bool stoa_auth_allows(StoaSignaling *signaling, const json_t *message)
{
    const StoaSignalingConf *conf = signaling->conf;
    const char *secret = json_string_value(json_object_get(message, "apisecret"));
    const char *token = json_string_value(json_object_get(message, "token"));

    if ((conf->api_secret || conf->token_auth) && token && stoa_seat_is_token(signaling, token))
        return true;
    if (conf->api_secret && !stoa_id_constant_time_equal(conf->api_secret, secret))
        return false;
    return !conf->token_auth || (token && stoa_auth_is_token(signaling, token));
}
