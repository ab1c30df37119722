/* SPDX-License-Identifier: MIT */
/* Routes of modules: from a path to the row of a loaded module that serves it, and the calls that modules hold. (stoa/web.h) */
#include "config.h"

#define LOG_AREA "web"

#include "base/id.h"
#include "base/log.h"
#include "room/ice-servers.h"
#include "store/store.h"
#include "web/web-private.h"

#include <string.h>

#define WORD_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define OWN        "m"
enum { MAX_WORD = 32 };

/* The first part of a path, to be freed; NULL: it has none that could be a module's. */
static char *first_word(const char *path)
{
    size_t len = path[0] == '/' ? strspn(path + 1, WORD_CHARS) : 0;

    if (len == 0 || len > MAX_WORD || (path[1 + len] && path[1 + len] != '/'))
        return NULL;
    return g_strndup(path + 1, len);
}

/* What is the core's or the pages' own. (The transport looks there first; this is so that a module hears of it.) */
static bool is_reserved(const char *word)
{
    static const char *const taken[] = { "api", "janus", "admin",   "healthz", "metrics",
                                         "css", "js",    "favicon", "i18n",    NULL };

    return g_strv_contains(taken, word);
}

static bool is_below(const char *path, const char *word)
{
    size_t len = strlen(word);

    return strncmp(path + 1, word, len) == 0 && path[1 + len] == '/';
}

/* "m/NAME" for what is below /m/, else the word itself. */
static char *mount_of(const char *path)
{
    char *word = first_word(path);

    if (!word || strcmp(word, OWN) != 0)
        return word;
    g_free(word);
    word = path[2] == '/' ? first_word(path + 2) : NULL;
    char *mount = word ? g_strconcat(OWN "/", word, NULL) : NULL;
    g_free(word);
    return mount;
}

/* -- mounts: control changes them, transports look -------------------------------------------- */

static bool add_mount(StoaWeb *web, StoaModule *module, const char *path)
{
    const char *name = stoa_module_plugin(module)->name;
    g_autofree char *own = g_strconcat(OWN "/", name, NULL);
    g_autofree char *mount = mount_of(path);

    if (!mount || is_reserved(mount) || (is_below(path, OWN) && strcmp(mount, own) != 0)) {
        log_warn(stoa_process, "module %s: the path %s cannot be served: begin it with /m/%s/",
                 name, path, name);
        return false;
    }
    g_mutex_lock(&web->lock);
    StoaModule *owner = g_hash_table_lookup(web->mounts, mount);
    if (!owner)
        g_hash_table_insert(web->mounts, g_strdup(mount), module);
    g_mutex_unlock(&web->lock);
    if (owner && owner != module)
        log_warn(stoa_process, "module %s: /%s is served by module %s already", name, mount,
                 stoa_module_plugin(owner)->name);
    return true;
}

void stoa_web_add_module(StoaWeb *web, StoaModule *module)
{
    const StoaPlugin *plugin = stoa_module_plugin(module);

    for (const StoaRoute *row = plugin->routes; row && row->method; row++) {
        if (!(plugin->caps & STOA_CAP_HTTP)) {
            log_warn(stoa_process, "module %s has routes, but does not declare STOA_CAP_HTTP",
                     plugin->name);
            return;
        }
        add_mount(web, module, row->path);
    }
}

static gboolean is_of(gpointer mount G_GNUC_UNUSED, gpointer owner, gpointer module)
{
    return owner == module;
}

void stoa_web_remove_module(StoaWeb *web, StoaModule *module)
{
    g_autoptr(GError) error = NULL;

    g_mutex_lock(&web->lock);
    g_hash_table_foreach_remove(web->mounts, is_of, module);
    g_mutex_unlock(&web->lock);
    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "this part of the server was just switched off");
    for (guint i = web->held->len; i-- > 0;) {
        StoaWebCall *call = web->held->pdata[i];
        if (call->module == module)
            stoa_web_fail(call, error);
    }
}

static StoaModule *find_module(StoaWeb *web, const char *path)
{
    g_autofree char *mount = mount_of(path);

    g_mutex_lock(&web->lock);
    StoaModule *module = mount ? g_hash_table_lookup(web->mounts, mount) : NULL;
    g_mutex_unlock(&web->lock);
    return module;
}

bool stoa_web_serves(StoaWeb *web, const char *path)
{
    return find_module(web, path) != NULL;
}

/* -- a call on its way ------------------------------------------------------------------------ */

static const StoaRoute *find_row(StoaWebCall *call, const StoaRoute *rows)
{
    const char *wanted = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;
    GString *others = g_string_new(NULL);

    for (const StoaRoute *row = rows; row->method; row++) {
        if (!stoa_web_route_fits(row->path, call->path, call->args))
            continue;
        if (strcmp(row->method, wanted) == 0) {
            g_string_free(others, TRUE);
            return row;
        }
        stoa_web_route_note(others, row->method);
    }
    call->allow = g_string_free(others, others->len == 0);
    return NULL;
}

/* "Accept-Post", "Accept-Patch": what the rows of this path take. (RFC 5789, 3.1) */
static void say_accepts(StoaWebCall *call, const StoaRoute *rows)
{
    for (const StoaRoute *row = rows; row->method; row++) {
        if (!row->accepts || !stoa_web_route_fits(row->path, call->path, call->args))
            continue;
        if (strcmp(row->method, "POST") == 0)
            stoa_web_set_header(call, "Accept-Post", row->accepts);
        else if (strcmp(row->method, "PATCH") == 0)
            stoa_web_set_header(call, "Accept-Patch", row->accepts);
    }
}

static bool is_of_type(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    return type && g_ascii_strncasecmp(type, wanted, len) == 0 &&
           (type[len] == '\0' || strchr("; \t", type[len]));
}

static bool check_body(const StoaWebCall *call, const StoaRoute *row, GError **error)
{
    if (row->accepts && !is_of_type(stoa_web_header(call, "Content-Type"), row->accepts))
        return stoa_refuse(error, "unsupported_type", "the body must be %s", row->accepts);
    if (row->body_max > 0 && call->text_len > row->body_max)
        return stoa_refuse(error, "too_large", "the body is longer than %zu bytes", row->body_max);
    if (row->accepts && call->text_len == 0)
        return stoa_fail(error, STOA_ERROR_INVALID, "the body is empty: it must be %s",
                         row->accepts);
    return true;
}

static void answer_options(StoaWebCall *call, const StoaRoute *rows)
{
    g_autofree char *allow = g_strconcat(call->allow, ", OPTIONS", NULL);

    stoa_web_set_reply(call, 200, NULL);
    stoa_web_set_header(call, "Allow", allow);
    say_accepts(call, rows);
    stoa_web_send(call);
}

static bool hand_over(StoaWebCall *call, const StoaRoute *row, GError **error)
{
    call->row = row;
    g_ptr_array_add(call->web->held, call);
    if (row->handle(call, error))
        return true;
    return error && *error ? false
                           : stoa_fail(error, STOA_ERROR_INTERNAL,
                                       "%s %s failed without saying why", row->method, row->path);
}

void stoa_web_module_start(StoaWebCall *call)
{
    StoaModule *module = find_module(call->web, call->path);
    const StoaRoute *rows = module ? stoa_module_plugin(module)->routes : NULL;
    const StoaRoute *row = rows ? find_row(call, rows) : NULL;
    g_autoptr(GError) error = NULL;

    call->module = module;
    if (!row && !call->allow)
        stoa_fail(&error, STOA_ERROR_NOT_FOUND, "there is no such path");
    else if (!row && strcmp(call->method, "OPTIONS") == 0)
        answer_options(call, rows);
    else if (!row)
        stoa_refuse(&error, "method_not_allowed", "this path takes %s", call->allow);
    else if (!check_body(call, row, &error))
        say_accepts(call, rows);
    else
        hand_over(call, row, &error);
    if (error)
        stoa_web_fail(call, error);
}

void stoa_web_module_done(StoaWebCall *call)
{
    g_ptr_array_remove_fast(call->web->held, call);
}

/* -- the SDK's side --------------------------------------------------------------------------- */

StoaModule *stoa_web_module(const StoaWebCall *call)
{
    return call->module;
}

const char *stoa_web_bearer(const StoaWebCall *call)
{
    return call->token;
}

const char *stoa_web_text(const StoaWebCall *call, size_t *len)
{
    if (len)
        *len = call->text_len;
    return call->text ? call->text : "";
}

/* <turn:host>; rel="ice-server"; username="…"; credential="…"; credential-type="password" */
static void put_link(GString *links, const char *url, const json_t *server)
{
    const char *username = json_string_value(json_object_get(server, "username"));
    const char *credential = json_string_value(json_object_get(server, "credential"));

    g_string_append_printf(links, "%s<%s>; rel=\"ice-server\"", links->len ? ", " : "", url);
    if (username && credential)
        g_string_append_printf(links,
                               "; username=\"%s\"; credential=\"%s\"; credential-type=\"password\"",
                               username, credential);
}

void stoa_web_set_ice_links(StoaWebCall *call)
{
    char person[17];
    json_t *servers = stoa_ice_servers(call->conf, stoa_id_text(person, 16), stoa_store_now_ms());
    g_autoptr(GString) links = g_string_new(NULL);
    json_t *server, *url;
    size_t i, j;

    json_array_foreach(servers, i, server)
    {
        json_array_foreach(json_object_get(server, "urls"), j, url)
            put_link(links, json_string_value(url), server);
    }
    if (links->len > 0)
        stoa_web_set_header(call, "Link", links->str);
    json_decref(servers);
}

char *stoa_random_text(size_t n)
{
    return stoa_id_text(g_malloc(n + 1), n);
}

bool stoa_secrets_equal(const char *a, const char *b)
{
    return stoa_id_constant_time_equal(a, b);
}
