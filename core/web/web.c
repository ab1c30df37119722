/* SPDX-License-Identifier: MIT */
/* The way of a request: who asks, may they, is it well formed; the half on the store thread; the half on control; the answer. */
#include "config.h"

#include "base/clock.h"
#include "base/task.h"
#include "room/check.h"
#include "web/web-private.h"

enum { WINDOW_S = 60 };

StoaWeb *stoa_web_new(const StoaWebSpec *spec)
{
    StoaWeb *web = g_new0(StoaWeb, 1);

    web->spec = *spec;
    web->tables = g_ptr_array_new();
    web->attempts = stoa_attempts_new();
    return web;
}

void stoa_web_free(StoaWeb *web)
{
    if (!web)
        return;
    g_ptr_array_unref(web->tables);
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
    call->outlet(call->outlet_user, call->request, answer);
    stoa_web_call_unref(call);
}

void stoa_web_send(StoaWebCall *call)
{
    if (!call->answer)
        stoa_web_set_reply(call, 204, NULL);
    deliver(call, finished_answer(call));
}

static void refuse_attempt(StoaWebCall *call, unsigned wait_s)
{
    g_autofree char *seconds = g_strdup_printf("%u", wait_s);
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, "slow_down",
                "too many wrong tokens or links came from your address: wait %u s", wait_s);
    stoa_web_set_error(call, error);
    stoa_web_set_header(call, "Retry-After", seconds);
}

void stoa_web_fail(StoaWebCall *call, const GError *error)
{
    StoaWeb *web = call->web;
    unsigned wait_s = 0;

    if (call->attempt)
        wait_s =
            stoa_attempts_count(web->attempts, "token", call->address,
                                web->spec.conf->attempts_per_minute, WINDOW_S, stoa_clock_now_us());
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

static bool check(StoaWebCall *call, GError **error)
{
    if (call->allow)
        return stoa_refuse(error, "method_not_allowed", "this path takes %s", call->allow);
    if (!call->route)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such path");
    return stoa_web_identify(call, error);
}

static void run_store(void *data)
{
    StoaWebCall *call = data;

    stoa_store_run(call->web->spec.store, work, done, call, NULL);
}

static void settle(void *data)
{
    StoaWebCall *call = data;

    if (!call->refusal)
        stoa_upload_settle(call->upload, &call->refusal);
}

static void start(StoaWebCall *call)
{
    g_autoptr(GError) error = NULL;

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
