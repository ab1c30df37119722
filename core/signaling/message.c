/* SPDX-License-Identifier: MIT */
/* `message` and `trickle`: what goes to plugins and PeerConnections. (Janus API sections 6 and 7) */
#include "config.h"

#define LOG_AREA "signaling"

#include "sdp/read.h"
#include "signaling/private.h"

#include <string.h>

/* -- message ------------------------------------------------------------------------------ */

static bool fail_with(StoaCall *call, StoaWireError code, const char *reason)
{
    stoa_call_fail(call, code, "%s", reason);
    return false;
}

static bool read_jsep_type(StoaCall *call, const char *type, StoaJsep *jsep)
{
    if (g_str_equal(type, "offer"))
        *jsep = STOA_JSEP_OFFER;
    else if (g_str_equal(type, "answer"))
        *jsep = STOA_JSEP_ANSWER;
    else
        return fail_with(call, STOA_WIRE_BAD_JSEP_TYPE,
                         "\"jsep.type\" must be \"offer\" or \"answer\"");
    return true;
}

/* The description must parse and hold something: what it means is the plugin's affair. */
static bool check_sdp(StoaCall *call, const char *text)
{
    const StoaSignalingConf *conf = call->signaling->conf;
    StoaSdpLimits limits = { (size_t)conf->sdp_bytes, (unsigned)conf->sdp_media };
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaSdp) sdp = stoa_sdp_read(text, strlen(text), &limits, &error);

    if (!sdp)
        return fail_with(call, STOA_WIRE_BAD_SDP, error->message);
    if (sdp->media->len == 0)
        return fail_with(call, STOA_WIRE_BAD_SDP, "the SDP has no m-line");
    return true;
}

static bool read_jsep(StoaCall *call, StoaMessage *message)
{
    const json_t *jsep = json_object_get(call->message, "jsep");
    const json_t *type = json_object_get(jsep, "type"), *sdp = json_object_get(jsep, "sdp");

    if (!jsep || json_is_null(jsep))
        return true;
    if (!json_is_object(jsep))
        return fail_with(call, STOA_WIRE_BAD_OBJECT, "\"jsep\" must be an object");
    if (!type)
        return fail_with(call, STOA_WIRE_MISSING, "\"jsep.type\" is missing");
    if (!json_is_string(type) || (sdp && !json_is_string(sdp)))
        return fail_with(call, STOA_WIRE_WRONG_TYPE,
                         "\"jsep.type\" and \"jsep.sdp\" must be strings");
    if (!read_jsep_type(call, json_string_value(type), &message->jsep))
        return false;
    if (!sdp)
        return fail_with(call, STOA_WIRE_MISSING, "\"jsep.sdp\" is missing");
    if (!check_sdp(call, json_string_value(sdp)))
        return false;
    if (message->jsep == STOA_JSEP_ANSWER && !stoa_handle_offer_pending(call->attachment->handle))
        return fail_with(call, STOA_WIRE_UNEXPECTED_ANSWER, "no offer waits for an answer");
    message->sdp = json_string_value(sdp);
    return true;
}

static void send_ack(StoaCall *call)
{
    stoa_call_answer(call,
                     json_pack("{s:s, s:I, s:s}", "janus", "ack", "session_id",
                               (json_int_t)call->session->id, "transaction", call->transaction));
}

void stoa_verb_message(StoaCall *call)
{
    StoaHandle *handle = call->attachment->handle;
    StoaModule *module = stoa_handle_module(handle);
    StoaMessage message = { .transaction = call->transaction,
                            .body = json_object_get(call->message, "body") };

    if (!message.body) {
        stoa_call_fail(call, STOA_WIRE_MISSING, "\"body\" is missing");
        return;
    }
    if (!json_is_object(message.body)) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE, "\"body\" must be an object");
        return;
    }
    if (!read_jsep(call, &message))
        return;
    if (stoa_request_mode(module, message.body) == STOA_MESSAGE_ASYNC) {
        send_ack(call);
        stoa_request_run(module, handle, &message);
        return;
    }
    json_int_t sender = (json_int_t)call->attachment->id;
    g_autofree char *package = g_strdup(call->attachment->package); /* the request may end it */
    json_t *data = stoa_request_run(module, handle, &message);
    stoa_call_success(call, json_pack("{s:I, s:{s:s, s:o}}", "sender", sender, "plugindata",
                                      "plugin", package, "data", data));
}

/* -- trickle ------------------------------------------------------------------------------ */

static bool is_candidate(const json_t *value)
{
    if (json_is_null(value))
        return true;
    if (!json_is_object(value))
        return false;
    return json_is_true(json_object_get(value, "completed")) ||
           json_is_string(json_object_get(value, "candidate"));
}

static void take_candidate(StoaHandle *handle, const json_t *value)
{
    const char *text = json_string_value(json_object_get(value, "candidate"));

    if (json_is_null(value) || json_is_true(json_object_get(value, "completed")))
        stoa_handle_candidate(handle, NULL);
    else if (*text) /* an empty candidate ends one m-line's only: the completed one follows */
        stoa_handle_candidate(handle, text);
}

static bool check_candidates(StoaCall *call, const json_t *one, const json_t *many)
{
    if (one && many)
        return fail_with(call, STOA_WIRE_BAD_JSON,
                         "send \"candidate\" or \"candidates\", not both");
    if (!one && !many)
        return fail_with(call, STOA_WIRE_MISSING, "\"candidate\" is missing");
    if (one && !json_is_object(one) && !json_is_null(one))
        return fail_with(call, STOA_WIRE_WRONG_TYPE, "\"candidate\" must be an object or null");
    if (one && !is_candidate(one)) {
        if (json_object_get(one, "candidate"))
            return fail_with(call, STOA_WIRE_WRONG_TYPE,
                             "\"candidate.candidate\" must be a string");
        return fail_with(call, STOA_WIRE_MISSING, "\"candidate.candidate\" is missing");
    }
    if (many && !json_is_array(many))
        return fail_with(call, STOA_WIRE_WRONG_TYPE, "\"candidates\" must be an array");
    return true;
}

void stoa_verb_trickle(StoaCall *call)
{
    const json_t *one = json_object_get(call->message, "candidate");
    const json_t *many = json_object_get(call->message, "candidates");
    StoaHandle *handle = call->attachment->handle;

    if (!check_candidates(call, one, many))
        return;
    if (one)
        take_candidate(handle, one);
    for (size_t i = 0; many && i < json_array_size(many); i++) {
        if (is_candidate(json_array_get(many, i)))
            take_candidate(handle, json_array_get(many, i));
    }
    send_ack(call);
}
