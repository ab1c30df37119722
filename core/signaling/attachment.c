/* SPDX-License-Identifier: MIT */
/* Handles as a session knows them: their ids on the wire, their events. (Janus API sections 6 and 8) */
#include "config.h"

#define LOG_AREA "handle"

#include "base/clock.h"
#include "base/id.h"
#include "room/shared.h"
#include "signaling/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *start_event(const StoaAttachment *attachment, const char *name)
{
    return json_pack("{s:s, s:I, s:I}", "janus", name, "session_id",
                     (json_int_t)attachment->session->id, "sender", (json_int_t)attachment->id);
}

static void plugin_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    StoaAttachment *attachment = stoa_handle_user(handle);
    json_t *event = start_event(attachment, "event");

    if (transaction)
        json_object_set_new(event, "transaction", json_string(transaction));
    json_object_set_new(event, "plugindata",
                        json_pack("{s:s, s:o}", "plugin", attachment->package, "data", data));
    if (jsep)
        json_object_set_new(event, "jsep", jsep);
    stoa_session_event(attachment->session, event);
}

/* All of an event of the plugin but what the plugin says, and the two braces behind it. */
static const char *event_head(StoaAttachment *attachment)
{
    static const char nothing[] = "null}}";

    if (attachment->event_head)
        return attachment->event_head;
    json_t *event = start_event(attachment, "event");
    json_object_set_new(event, "plugindata",
                        json_pack("{s:s, s:n}", "plugin", attachment->package, "data"));
    char *text = json_dumps(event, JSON_COMPACT);
    attachment->event_head = g_strndup(text, strlen(text) - strlen(nothing));
    free(text);
    json_decref(event);
    return attachment->event_head;
}

/* What many hear is there as text: only what is of this handle is written for each. */
static void shared_event(StoaHandle *handle, StoaShared *shared)
{
    StoaAttachment *attachment = stoa_handle_user(handle);
    StoaClient *owner = attachment->session->owner;
    size_t len = 0;
    const char *body = owner && owner->outlet->deliver_text ? stoa_shared_text(shared, &len) : NULL;

    if (!body) {
        plugin_event(handle, NULL, json_incref(stoa_shared_body(shared)), NULL);
        return;
    }
    const char *head = event_head(attachment);
    size_t head_len = strlen(head);
    g_autoptr(GString) text = g_string_sized_new(head_len + len + sizeof "}}");
    g_string_append_len(text, head, (gssize)head_len);
    g_string_append_len(text, body, (gssize)len);
    g_string_append_len(text, "}}", 2);
    owner->outlet->deliver_text(owner->id, text->str, text->len);
}

static void core_event(StoaHandle *handle, const char *name, json_t *fields)
{
    StoaAttachment *attachment = stoa_handle_user(handle);
    json_t *event = start_event(attachment, name);

    if (fields)
        json_object_update(event, fields);
    json_decref(fields);
    stoa_session_event(attachment->session, event);
}

static void detach(StoaHandle *handle)
{
    stoa_attachment_detach(stoa_handle_user(handle));
}

static const StoaHandleOutlet outlet = { .event = plugin_event,
                                         .core_event = core_event,
                                         .end = stoa_seat_end,
                                         .shared = shared_event,
                                         .detach = detach };

StoaAttachment *stoa_attachment_new(StoaSession *session, const StoaAttachWish *wish,
                                    StoaMember *member, GError **error)
{
    StoaAttachment *attachment = g_new0(StoaAttachment, 1);
    char ids[64];

    attachment->session = session;
    do
        attachment->id = stoa_id_random53();
    while (g_hash_table_contains(session->handles, &attachment->id));
    g_snprintf(ids, sizeof ids, "%s handle=%04" PRIx64 "…", session->log.ids, attachment->id >> 37);
    attachment->package = g_strdup(wish->package);
    attachment->opaque_id = g_strdup(wish->opaque_id);
    attachment->created_us = stoa_clock_wall_us();
    attachment->handle = stoa_handle_new_for(wish->module, &outlet, attachment, ids, member, error);
    if (!attachment->handle) {
        stoa_attachment_free(attachment);
        return NULL;
    }
    g_hash_table_insert(session->handles, &attachment->id, attachment);
    return attachment;
}

/* The hash table of handles frees it. */
void stoa_attachment_free(gpointer data)
{
    StoaAttachment *attachment = data;

    stoa_handle_free(attachment->handle);
    g_free(attachment->event_head);
    g_free(attachment->opaque_id);
    g_free(attachment->package);
    g_free(attachment);
}

void stoa_attachment_detach(StoaAttachment *attachment)
{
    StoaSession *session = attachment->session;
    json_t *event = start_event(attachment, "detached");

    stoa_handle_end_media(attachment->handle, "Detached");
    g_hash_table_remove(session->handles, &attachment->id);
    stoa_session_event(session, event);
}
