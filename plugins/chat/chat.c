/* SPDX-License-Identifier: MIT */
/* Messages to everyone and between two. All of them are in the room's journal and none in memory. (rooms API, chat; R23) */
#include <stoa/plugin.h>

#include <string.h>

enum {
    TEXT_MAX = 4000,
    PAGE = 50,
    PAGE_MAX = 200,
    PAGE_BYTES = 1024 * 1024, /* what a connection can take at once, other answers beside it */
};

typedef struct {
    int64_t messages_per_second; /* a person; 0: no limit */
} ChatConf;
typedef struct {
    StoaRate sends, types;
} ChatSeat;

enum { SENT, DELETED };
static const StoaMetric metrics[] = {
    { "messages_total", "Messages sent" },
    { "deleted_total", "Messages deleted" },
    { NULL },
};

/* -- what people see ---------------------------------------------------------------------------- */

/* The other end of a private message, by id as `send` takes it, and by name. */
static void put_recipient(json_t *message, StoaRoom *room, const char *to)
{
    json_t *who = stoa_room_who(room, to);

    json_object_set(message, "to", json_object_get(who, "id"));
    json_object_set(message, "to_name", json_object_get(who, "name"));
    json_decref(who);
}

/* A message whose author was erased has no text any more: it says so itself, for pages that look no further. */
static json_t *message_of(StoaRoom *room, const StoaRecord *record)
{
    json_t *text = json_object_get(stoa_record_body(record), "text");
    json_t *message =
        json_pack("{s:o, s:s, s:o}", "id", stoa_record_id(stoa_record_seq(record)), "at",
                  stoa_record_at(record), "from", stoa_room_who(room, stoa_record_author(record)));

    if (text) {
        json_object_set(message, "text", text);
    } else {
        json_object_set_new(message, "text", json_string("erased"));
        json_object_set_new(message, "erased", json_true());
    }
    if (stoa_record_to(record))
        put_recipient(message, room, stoa_record_to(record));
    return message;
}

static json_t *present(StoaRoom *room, const StoaRecord *record,
                       StoaParticipant *viewer G_GNUC_UNUSED)
{
    if (stoa_record_is_erased(record))
        return NULL;
    if (g_str_equal(stoa_record_kind(record), "message"))
        return message_of(room, record);
    return json_deep_copy(stoa_record_body(record));
}

static json_t *redact(StoaRoom *room G_GNUC_UNUSED, const StoaRecord *record)
{
    if (g_str_equal(stoa_record_kind(record), "message"))
        return json_object();
    return json_deep_copy(stoa_record_body(record));
}

/* -- sending -------------------------------------------------------------------------------------- */

static bool on_send(StoaRequest *req, GError **error)
{
    const ChatConf *conf = stoa_module_conf(stoa_request_module(req));
    ChatSeat *seat = stoa_participant_state(stoa_request_from(req));
    const char *to = stoa_request_id(req, "to");

    if (!stoa_rate_take(&seat->sends, conf->messages_per_second, error))
        return false;
    if (to && g_str_equal(to, stoa_participant_id(stoa_request_from(req))))
        return stoa_fail(error, STOA_ERROR_INVALID, "\"to\" is yourself: name another person");
    json_t *body = json_pack("{s:O}", "text", stoa_request_json(req, "text"));
    if (!stoa_request_record_to(req, "message", body, to, error))
        return false;
    stoa_request_reply(req, json_pack("{s:o, s:s}", "id", stoa_record_id(stoa_request_seq(req)),
                                      "at", stoa_request_at(req)));
    stoa_room_count(stoa_request_room(req), SENT, 1);
    return true;
}

/* Of the moment only: one that comes too fast is left out, for the next will do as well. */
static bool on_typing(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    StoaParticipant *from = stoa_request_from(req);
    StoaRoom *room = stoa_request_room(req);
    ChatSeat *seat = stoa_participant_state(from);

    if (stoa_rate_take(&seat->types, 2, NULL))
        stoa_room_broadcast_except(
            room, from, "typing",
            json_pack("{s:o}", "from", stoa_room_who(room, stoa_participant_id(from))));
    return true;
}

/* -- reading back ----------------------------------------------------------------------------------- */

static bool got_history(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                        GError **error G_GNUC_UNUSED)
{
    json_t *messages = json_array();
    size_t bytes = 0, i = n;

    for (; i > 0 && bytes < PAGE_BYTES; i--) {
        json_t *message = message_of(stoa_request_room(req), records[i - 1]);
        bytes += json_dumpb(message, NULL, 0, JSON_COMPACT);
        json_array_insert_new(messages, 0, message);
    }
    stoa_request_reply(req, json_pack("{s:o, s:b}", "messages", messages, "more", more || i > 0));
    return true;
}

static bool on_history(StoaRequest *req, GError **error)
{
    StoaRecordQuery query = { .kind = "message", .newest = true, .limit = PAGE };

    if (stoa_request_has(req, "before"))
        query.before = stoa_record_id_seq(stoa_request_id(req, "before"));
    if (stoa_request_has(req, "before") && query.before == 0)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"before\" must be the id of a message");
    if (stoa_request_has(req, "limit"))
        query.limit = (unsigned)stoa_request_int(req, "limit");
    stoa_request_read(req, &query, got_history);
    return true;
}

/* -- deleting ------------------------------------------------------------------------------------- */

/* The text goes for good; that there was a message, and who took it away, stays. Told to those who could see it. */
static bool got_message(StoaRequest *req, const StoaRecord *const *records, size_t n,
                        bool more G_GNUC_UNUSED, GError **error)
{
    StoaParticipant *from = stoa_request_from(req);
    const StoaRecord *record = n > 0 ? records[0] : NULL;
    const char *me = stoa_participant_id(from);

    if (!record || stoa_record_is_erased(record))
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no message %s",
                         stoa_request_id(req, "id"));
    bool own = g_strcmp0(stoa_record_author(record), me) == 0;
    if (!own && stoa_participant_role(from) < STOA_ROLE_COHOST)
        return stoa_fail(error, STOA_ERROR_FORBIDDEN, "you may delete your own messages only");
    const char *to =
        own || !stoa_record_to(record) ? stoa_record_to(record) : stoa_record_author(record);
    uint64_t seq = stoa_record_seq(record);
    if (!stoa_request_record_to(req, "deleted", json_pack("{s:o}", "id", stoa_record_id(seq)), to,
                                error))
        return false;
    stoa_room_erase(stoa_request_room(req), seq);
    stoa_room_count(stoa_request_room(req), DELETED, 1);
    stoa_request_reply(req, json_pack("{s:o}", "id", stoa_record_id(seq)));
    return true;
}

static bool on_delete(StoaRequest *req, GError **error)
{
    StoaRecordQuery query = { .kind = "message",
                              .seq = stoa_record_id_seq(stoa_request_id(req, "id")) };

    if (query.seq == 0)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no message %s",
                         stoa_request_id(req, "id"));
    stoa_request_read(req, &query, got_message);
    return true;
}

/* -- tables --------------------------------------------------------------------------------------- */

static const StoaParam send_params[] = {
    { "text", STOA_TEXT, STOA_REQUIRED, 1, TEXT_MAX, .help = "what you say, as plain text" },
    { "to", STOA_ID, STOA_NULLABLE, .help = "a participant: for that person only" },
    { NULL },
};
static const StoaParam history_params[] = {
    { "before", STOA_ID, STOA_NULLABLE, .help = "the id of a message: only what came before it" },
    { "limit", STOA_INT, STOA_NULLABLE, 1, PAGE_MAX, .help = "at most so many, 50 without it" },
    { NULL },
};
static const StoaParam delete_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the message" },
    { NULL },
};
static const StoaMethod methods[] = {
    { "send", on_send, STOA_ROLE_PARTICIPANT, send_params, "Write to everyone, or to one person" },
    { "history", on_history, STOA_ROLE_PARTICIPANT, history_params,
      "The newest messages that you may see, oldest first" },
    { "delete", on_delete, STOA_ROLE_PARTICIPANT, delete_params,
      "Erase a message of yours; cohosts: any that they see" },
    { "typing", on_typing, STOA_ROLE_PARTICIPANT, NULL, "Show the others that you are writing" },
    { NULL },
};
static const StoaOption options[] = {
    { "limits.messages_per_second", STOA_INT, STOA_LIVE, offsetof(ChatConf, messages_per_second),
      "10", 0, 100000, "Messages a second that one person may send; 0: no limit" },
    { NULL },
};

STOA_PLUGIN(.name = "chat", .version = "1.0",
            .summary = "Messages to everyone and between two, kept with the room",
            .caps = STOA_CAP_HISTORY, .methods = methods, .options = options, .metrics = metrics,
            .conf_size = sizeof(ChatConf), .participant_size = sizeof(ChatSeat), .present = present,
            .present_alike = true, .redact = redact, .history_name = "chat",
            .history_kind = "message")
