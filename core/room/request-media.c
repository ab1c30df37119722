/* SPDX-License-Identifier: MIT */
/* Offers and answers that come and go with requests: the SDK's side. */
#include "config.h"

#include "base/error.h"
#include "room/request-private.h"

StoaJsep stoa_request_jsep(StoaRequest *req)
{
    return req->message->jsep;
}

static bool may_have_media(StoaRequest *req, GError **error)
{
    if (req->handle && (req->module->plugin.caps & STOA_CAP_MEDIA))
        return true;
    return stoa_fail(error, STOA_ERROR_FORBIDDEN, "%s takes no media", req->module->plugin.name);
}

/* A description that does not fit gets the vocabulary's number for it; the text says what is wrong. */
static bool bad_sdp(const StoaRequest *req, GError **error, GError *why)
{
    const char *reason = "bad_sdp";

    if (g_error_matches(why, STOA_ERROR, STOA_ERROR_CONFLICT))
        reason = "wrong_state";
    for (const StoaNumber *row = req->module->plugin.numbers; row && row->reason; row++) {
        if (g_strcmp0(row->reason, stoa_error_reason(why)) == 0) /* it has a word for just that */
            reason = row->reason;
    }
    stoa_refuse(error, reason, "%s", why->message);
    g_error_free(why);
    return false;
}

typedef struct {
    StoaHandle *handle;
    StoaWireFunc *wire;
    void *data;
} Wiring;

static void run_wire(void *data)
{
    const Wiring *wiring = data;

    wiring->wire(wiring->handle, wiring->data);
}

bool stoa_request_accept_offer(StoaRequest *req, const StoaMediaRules *rules, GError **error)
{
    return stoa_request_wire_offer(req, rules, NULL, NULL, error);
}

bool stoa_request_wire_offer(StoaRequest *req, const StoaMediaRules *rules, StoaWireFunc *wire,
                             void *data, GError **error)
{
    Wiring wiring = { req->handle, wire, data };
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    if (req->message->jsep != STOA_JSEP_OFFER)
        return stoa_refuse(error, "wrong_jsep", "an SDP offer is due here");
    bool fresh = !stoa_handle_has_media(req->handle);
    stoa_connection_wire(stoa_handle_connection(req->handle), wire ? run_wire : NULL, &wiring);
    g_autofree char *sdp = stoa_connection_set_offer(stoa_handle_connection(req->handle),
                                                     req->message->sdp, rules, &why);
    if (!sdp) {
        if (fresh)
            g_clear_pointer(&req->handle->connection, stoa_connection_free);
        return bad_sdp(req, error, why);
    }
    g_clear_pointer(&req->jsep, json_decref);
    req->jsep = json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp);
    return true;
}

bool stoa_request_accept_answer(StoaRequest *req, GError **error)
{
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    if (req->message->jsep != STOA_JSEP_ANSWER)
        return stoa_refuse(error, "wrong_jsep", "an SDP answer is due here");
    if (!stoa_connection_set_answer(stoa_handle_connection(req->handle), req->message->sdp, &why))
        return bad_sdp(req, error, why);
    return true;
}

bool stoa_request_offer(StoaRequest *req, bool restart, GError **error)
{
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    g_autofree char *sdp =
        stoa_connection_make_offer(stoa_handle_connection(req->handle), restart, &why);
    if (!sdp)
        return bad_sdp(req, error, why);
    g_clear_pointer(&req->jsep, json_decref);
    req->jsep = json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp);
    return true;
}
