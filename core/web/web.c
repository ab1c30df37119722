/* SPDX-License-Identifier: MIT */
/* The way of a request: who asks, may they, is it well formed; the half on the store thread; the half on control; the answer. */
#include "config.h"

#include "base/clock.h"
#include "base/task.h"
#include "room/check.h"
#include "web/sweep.h"
#include "web/ticket.h"
#include "web/web-private.h"

enum { WINDOW_S = 60 };

static void clear_conf(void *data)
{
    StoaRoomsConf *conf = data;

    g_strfreev(conf->api_keys);
    g_strfreev(conf->modules);
    g_strfreev(conf->file_types);
    g_strfreev(conf->ice_servers);
    g_free(conf->turn_secret);
}

StoaRoomsConf *stoa_web_conf_ref(StoaRoomsConf *conf)
{
    return g_atomic_rc_box_acquire(conf);
}

void stoa_web_conf_unref(StoaRoomsConf *conf)
{
    if (conf)
        g_atomic_rc_box_release_full(conf, clear_conf);
}

void stoa_web_conf_changed(StoaWeb *web)
{
    StoaRoomsConf *conf = g_atomic_rc_box_new0(StoaRoomsConf);

    *conf = *web->spec.conf;
    conf->api_keys = g_strdupv(conf->api_keys);
    conf->modules = g_strdupv(conf->modules);
    conf->file_types = g_strdupv(conf->file_types);
    conf->ice_servers = g_strdupv(conf->ice_servers);
    conf->turn_secret = g_strdup(conf->turn_secret);
    stoa_web_conf_unref(web->conf);
    web->conf = conf;
}

StoaWeb *stoa_web_new(const StoaWebSpec *spec)
{
    StoaWeb *web = g_new0(StoaWeb, 1);

    web->spec = *spec;
    web->tables = g_ptr_array_new();
    web->mounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    web->held = g_ptr_array_new();
    g_mutex_init(&web->lock);
    web->attempts = stoa_attempts_new();
    stoa_web_conf_changed(web);
    if (spec->store) {
        stoa_home_key_open(spec->data_dir, web->home_key);
        stoa_ticket_set_key(web->home_key);
        web->sweep = stoa_sweep_new(web);
    }
    return web;
}

void stoa_web_free(StoaWeb *web)
{
    if (!web)
        return;
    stoa_sweep_free(web->sweep);
    stoa_web_conf_unref(web->conf);
    g_ptr_array_unref(web->tables);
    g_hash_table_unref(web->mounts);
    g_ptr_array_unref(web->held);
    g_mutex_clear(&web->lock);
    stoa_attempts_free(web->attempts);
    g_free(web);
}

void stoa_web_add_routes(StoaWeb *web, const StoaWebRoute *routes)
{
    g_ptr_array_add(web->tables, (gpointer)routes);
}

void stoa_web_set_mail(StoaWeb *web, StoaMail *mail)
{
    web->spec.mail = mail;
}

/* -- the end of a call ------------------------------------------------------------------------- */

static StoaWebAnswer *finished_answer(StoaWebCall *call)
{
    StoaWebAnswer *answer = g_steal_pointer(&call->answer);

    g_ptr_array_add(call->answer_headers, NULL);
    answer->headers = (char **)g_ptr_array_steal(call->answer_headers, NULL);
    return answer;
}

/* The reference that the way through the core held goes with the answer. */
static void deliver(StoaWebCall *call, StoaWebAnswer *answer)
{
    g_return_if_fail(!call->sent);
    call->sent = !(call->admitting && !answer);
    if (call->row)
        stoa_web_module_done(call);
    call->outlet(call->outlet_user, call->request, answer);
    stoa_web_call_unref(call);
}

void stoa_web_send(StoaWebCall *call)
{
    if (!call->answer)
        stoa_web_set_reply(call, 204, NULL);
    deliver(call, finished_answer(call));
}

bool stoa_web_wrong_token(StoaWeb *web, const char *address)
{
    return stoa_attempts_count(web->attempts, "token", address, web->conf->attempts_per_minute,
                               WINDOW_S, stoa_clock_now_us()) > 0;
}

static void refuse_attempt(StoaWebCall *call, unsigned wait_s)
{
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, "slow_down",
                "too many wrong tokens or links came from your address: wait %u s", wait_s);
    call->wait_s = wait_s;
    stoa_web_set_error(call, error);
}

void stoa_web_fail(StoaWebCall *call, const GError *error)
{
    StoaWeb *web = call->web;
    unsigned wait_s = 0;

    if (call->attempt)
        wait_s =
            stoa_attempts_count(web->attempts, "token", call->address,
                                call->conf->attempts_per_minute, WINDOW_S, stoa_clock_now_us());
    if (wait_s)
        refuse_attempt(call, wait_s);
    else
        stoa_web_set_error(call, error);
    deliver(call, finished_answer(call));
}

/* -- the two halves ---------------------------------------------------------------------------- */

static void go_live(StoaWebCall *call)
{
    if (call->admitting)
        deliver(call, NULL);
    else if (call->route->live)
        call->route->live(call);
    else
        stoa_web_send(call);
}

/* Only who may ask is told what is wrong with the body. */
static bool check_body(StoaWebCall *call, GError **error)
{
    if (call->refusal) {
        g_propagate_error(error, g_steal_pointer(&call->refusal));
        return false;
    }
    return !call->route->params || call->route->upload ||
           stoa_check(call->body, call->route->params, false, error) == STOA_CHECK_OK;
}

static bool work(StoaDb *db, void *data, GError **error)
{
    StoaWebCall *call = data;

    if (!stoa_web_authorize(db, call, error) || !check_body(call, error))
        return false;
    return !call->route->store || call->route->store(db, call, error);
}

static void done(void *data, const GError *error)
{
    if (error)
        stoa_web_fail(data, error);
    else
        go_live(data);
}

static bool has_file_limits(StoaWebCall *call, GError **error)
{
    const StoaWebSpec *spec = &call->web->spec;

    return !call->route->upload || !call->admitting ||
           (spec->file_limits &&
            spec->file_limits(spec->user, &call->file_bytes, &call->room_bytes)) ||
           stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                     "this server takes no files now: its workspace module is off");
}

static bool check(StoaWebCall *call, GError **error)
{
    if (call->allow)
        return stoa_refuse(error, "method_not_allowed", "this path takes %s", call->allow);
    if (!call->route)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such path");
    return stoa_web_identify(call, error) && has_file_limits(call, error);
}

/* Who only looks does not wait for those who write, nor they for them. */
static void run_store(void *data)
{
    StoaWebCall *call = data;
    bool only_looks = strcmp(call->route->method, "GET") == 0;

    (only_looks ? stoa_store_ask : stoa_store_run)(call->web->spec.store, work, done, call, NULL);
}

static void settle(void *data)
{
    StoaWebCall *call = data;

    if (!call->refusal && stoa_upload_settle(call->upload, &call->refusal))
        stoa_upload_keep(call->upload, stoa_web_arg(call, "room"), &call->refusal);
}

static char *ask(const StoaWeb *web, const char *(*what)(void *user))
{
    return what ? g_strdup(what(web->spec.user)) : NULL;
}

/* What may change at a reload is held as it is now. */
static void hold_conf(StoaWebCall *call)
{
    if (call->conf)
        return;
    call->conf = stoa_web_conf_ref(call->web->conf);
    call->base_url = ask(call->web, call->web->spec.base_url);
    call->own_url = ask(call->web, call->web->spec.own_url);
    call->residency = ask(call->web, call->web->spec.residency);
}

static void start(StoaWebCall *call)
{
    g_autoptr(GError) error = NULL;

    hold_conf(call);
    if (call->path) {
        stoa_web_module_start(call);
        return;
    }
    if (!check(call, &error)) {
        stoa_web_fail(call, error);
        return;
    }
    if (!stoa_web_needs_store(call)) {
        if (stoa_web_authorize(NULL, call, &error) && check_body(call, &error))
            go_live(call);
        else
            stoa_web_fail(call, error);
        return;
    }
    if (!call->web->spec.store) {
        stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "this server keeps nothing");
        stoa_web_fail(call, error);
        return;
    }
    if (call->upload)
        stoa_task_run(settle, run_store, call, NULL);
    else
        run_store(call);
}

void stoa_web_start(StoaWebCall *call)
{
    start(stoa_web_call_ref(call)); /* deliver() gives this one back */
}
