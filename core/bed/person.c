/* SPDX-License-Identifier: MIT */
/* People of the bed: what they ask, and what they hear. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include "base/loop.h"

#include <string.h>

/* -- what arrives --------------------------------------------------------------------------------------------------- */

static void on_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    StoaBedPerson *who = stoa_handle_user(handle);

    if (jsep) {
        json_decref(who->jsep);
        who->jsep = jsep;
    }
    if (jsep && g_str_equal(json_string_value(json_object_get(jsep, "type")), "offer")) {
        g_free(who->offer);
        who->offer = g_strdup(json_string_value(json_object_get(jsep, "sdp")));
    }
    if (transaction) {
        g_assert_null(who->reply); /* one answer for each request */
        who->reply = data;
    } else {
        g_queue_push_tail(who->inbox, data);
    }
}

static void on_core_event(StoaHandle *handle, const char *name, json_t *fields)
{
    StoaBedPerson *who = stoa_handle_user(handle);
    json_t *event = fields ? fields : json_object();

    json_object_set_new(event, "core", json_string(name));
    g_queue_push_tail(who->inbox, event);
}

/* -- coming and going ------------------------------------------------------------------------------------------------- */

void bed_attach_again(StoaBedPerson *who)
{
    static const StoaHandleOutlet outlet = { on_event, on_core_event };
    g_autoptr(GError) error = NULL;

    who->handle = stoa_handle_new(who->bed->module, &outlet, who, "test", &error);
    if (!who->handle)
        bed_fail("%s cannot attach: %s", who->name, error->message);
}

StoaBedPerson *stoa_bed_attach(StoaBed *bed, const char *name)
{
    StoaBedPerson *who = g_new0(StoaBedPerson, 1);

    who->bed = bed;
    who->name = g_strdup(name);
    who->inbox = g_queue_new();
    g_ptr_array_add(bed->people, who);
    bed_client_init(&who->client, bed->people->len);
    bed_attach_again(who);
    return who;
}

/* The view of the bed's room, which is opened for the first who comes. */
static StoaRoom *open_room(StoaBed *bed)
{
    StoaRoom *room = stoa_bed_room(bed);
    StoaRoomCore *core = stoa_room_core_find(BED_ROOM_ID);

    if (room)
        return room;
    if (!core)
        core = stoa_room_core(BED_ROOM_ID, NULL, false);
    return stoa_room_open_view(bed->module, core, false);
}

StoaBedPerson *stoa_bed_join(StoaBed *bed, const char *name, StoaRole role)
{
    StoaBedPerson *who = stoa_bed_attach(bed, name);
    StoaSeat seat = { .name = name, .role = role };
    g_autoptr(GError) error = NULL;

    bool ok = bed->store ? bed_kept_join(who, role, &error)
                         : stoa_handle_join(who->handle, open_room(bed), &seat, &error) != NULL;
    if (!ok)
        bed_fail("%s cannot join: %s", name, error->message);
    return who;
}

void stoa_bed_leave(StoaBedPerson *who)
{
    stoa_handle_leave(who->handle);
}

void stoa_bed_detach(StoaBedPerson *who)
{
    if (who)
        g_clear_pointer(&who->handle, stoa_handle_free);
}

void bed_person_free(gpointer data)
{
    StoaBedPerson *who = data;

    stoa_bed_detach(who);
    g_queue_free_full(who->inbox, (GDestroyNotify)json_decref);
    json_decref(who->reply);
    json_decref(who->jsep);
    g_free(who->offer);
    g_free(who->member);
    g_free(who->name);
    g_free(who);
}

StoaHandle *stoa_bed_handle(StoaBedPerson *who)
{
    return who->handle;
}

StoaParticipant *stoa_bed_participant(StoaBedPerson *who)
{
    return who->handle ? stoa_handle_participant(who->handle) : NULL;
}

/* -- asking ------------------------------------------------------------------------------------------------------------ */

const json_t *bed_ask(StoaBedPerson *who, json_t *body, StoaJsep type, const char *sdp)
{
    StoaMessage message = { .transaction = "t", .body = body, .jsep = type, .sdp = sdp };

    if (!who->handle)
        bed_fail("%s has detached and cannot ask", who->name);
    g_clear_pointer(&who->reply, json_decref);
    g_clear_pointer(&who->jsep, json_decref);
    json_t *answer = stoa_request_run(who->bed->module, who->handle, &message);
    json_decref(body);
    if (answer)
        who->reply = answer;
    if (!who->reply) /* held until what it recorded is on disk */
        stoa_control_settle();
    if (!who->reply)
        bed_fail("%s got no answer", who->name);
    return who->reply;
}

static const json_t *ask_named(StoaBedPerson *who, const char *request, const char *args)
{
    json_t *body = bed_json(args);

    json_object_set_new(body, "request", json_string(request));
    return bed_ask(who, body, STOA_JSEP_NONE, NULL);
}

void stoa_bed_asks(StoaBedPerson *who, const char *body, const char *wanted)
{
    bed_check(bed_ask(who, bed_json(body), STOA_JSEP_NONE, NULL), wanted, body);
}

void stoa_bed_accepts(StoaBedPerson *who, const char *request, const char *args)
{
    const json_t *reply = ask_named(who, request, args);
    const char *error = json_string_value(json_object_get(reply, "error"));

    if (json_object_get(reply, "error_code"))
        bed_fail("\"%s\" of %s was refused: %s", request, who->name, error ? error : "?");
}

/* The refusal must look as this error would. */
static void check_refusal(StoaBedPerson *who, const char *request, const json_t *reply,
                          const GError *error)
{
    json_t *whole = stoa_reply_error(who->bed->module, error);
    json_t *wanted = json_pack("{s:O, s:O*}", "error_code", json_object_get(whole, "error_code"),
                               "code", json_object_get(whole, "code"));
    char *text = json_dumps(wanted, 0);

    if (!bed_fits(reply, wanted)) {
        char *got = json_dumps(reply, 0);
        bed_fail("\"%s\" of %s\n  wanted: %s\n  got:    %s", request, who->name, text, got);
    }
    free(text);
    json_decref(wanted);
    json_decref(whole);
}

void stoa_bed_refuses(StoaBedPerson *who, const char *request, const char *args, StoaErrorCode code)
{
    g_autoptr(GError) error = NULL;

    stoa_fail(&error, code, "as wanted");
    check_refusal(who, request, ask_named(who, request, args), error);
}

void stoa_bed_refuses_as(StoaBedPerson *who, const char *request, const char *args,
                         const char *reason)
{
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, reason, "as wanted");
    check_refusal(who, request, ask_named(who, request, args), error);
}

void stoa_bed_refuses_number(StoaBedPerson *who, const char *body, int number)
{
    g_autofree char *wanted = g_strdup_printf("{'error_code': %d}", number);

    bed_check(bed_ask(who, bed_json(body), STOA_JSEP_NONE, NULL), wanted, body);
    if (!json_string_value(json_object_get(who->reply, "error")))
        bed_fail("%s was refused without a word", body);
}

const json_t *stoa_bed_reply(StoaBedPerson *who)
{
    return who->reply;
}

/* -- hearing ----------------------------------------------------------------------------------------------------------- */

void stoa_bed_event(StoaBedPerson *who, const char *event, const char *wanted)
{
    bed_settle();
    for (GList *at = who->inbox->head; at; at = at->next) {
        json_t *one = at->data;
        const char *name = json_string_value(json_object_get(one, "event"));

        if (g_strcmp0(name, event) != 0)
            continue;
        g_queue_delete_link(who->inbox, at);
        bed_check(one, wanted, event);
        json_decref(one);
        return;
    }
    bed_fail("%s heard no event \"%s\"", who->name, event);
}

void stoa_bed_hears(StoaBedPerson *who, const char *wanted)
{
    g_autofree char *what = g_strconcat(who->name, " hears", NULL);

    bed_settle();
    json_t *event = g_queue_pop_head(who->inbox);
    bed_check(event, wanted, what);
    json_decref(event);
}

void stoa_bed_hears_nothing(StoaBedPerson *who)
{
    bed_settle();
    json_t *event = g_queue_peek_head(who->inbox);

    if (event)
        bed_fail("%s did not expect %s", who->name, json_dumps(event, 0));
}

void stoa_bed_forget(StoaBedPerson *who)
{
    bed_settle();
    g_queue_clear_full(who->inbox, (GDestroyNotify)json_decref);
}

void stoa_bed_describes(StoaBedPerson *who, const char *wanted)
{
    StoaParticipant *seat = stoa_bed_participant(who);
    json_t *(*describe)(StoaRoom *, StoaParticipant *) = who->bed->module->plugin.describe;

    if (!seat)
        bed_fail("%s sits in no room", who->name);
    if (!describe)
        bed_fail("the plugin has no `describe`");
    json_t *state = describe(stoa_participant_room(seat), seat);
    bed_check(state, wanted, "describe");
    json_decref(state);
}
