/* SPDX-License-Identifier: MIT */
/* Invitations of a room. A link is in one answer or in one mail, and nowhere else. */
#include "config.h"

#include "room/address.h"
#include "room/check.h"
#include "room/invitation.h"
#include "room/room-info.h"
#include "web/invitations.h"
#include "web/live.h"
#include "web/rooms.h"
#include "web/schedule.h"
#include "web/web-private.h"

#include <string.h>

#define WHO (STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT)

static const char *const roles[] = { "participant", "cohost", NULL };
static const char *const deliveries[] = { "mail", "none", NULL };

static char *link_of(StoaWebCall *call, const char *token)
{
    return g_strconcat(stoa_web_base_url(call), "/join.html#i=", token, NULL);
}

static bool mail_it(StoaDb *db, const StoaRoomInfo *room, const StoaInvitation *invitation,
                    const char *link, GError **error)
{
    json_t *payload =
        json_pack("{s:s, s:s, s:s?, s:s, s:s}", "link", link, "title", room->title, "name",
                  invitation->name, "host", room->host_name, "role", invitation->role);

    if (room->starts_ms)
        json_object_set_new(payload, "starts_at", json_integer(room->starts_ms));
    if (room->duration_min)
        json_object_set_new(payload, "duration_min", json_integer(room->duration_min));
    if (stoa_schedule_number(db, invitation->id, payload, error))
        return stoa_mail_put(db, STOA_MAIL_INVITATION, invitation->email, room->id, payload, error);
    json_decref(payload);
    return false;
}

/* The JSON of an invitation whose token was just made: mailed, or with its link. */
static json_t *hand_over(StoaDb *db, StoaWebCall *call, const StoaRoomInfo *room,
                         const StoaInvitation *invitation, const char *token, bool mailed,
                         GError **error)
{
    g_autofree char *link = link_of(call, token);
    json_t *json;

    if (mailed && !mail_it(db, room, invitation, link, error))
        return NULL;
    json = stoa_invitation_json(invitation);
    if (!mailed)
        json_object_set_new(json, "link", json_string(link));
    return json;
}

/* "mail" unless the body says "none". */
static bool is_mailed(const StoaWebCall *call)
{
    return g_strcmp0(json_string_value(json_object_get(stoa_web_body(call), "deliver")), "none") !=
           0;
}

static StoaInvitationWay way_of(const StoaWebCall *call)
{
    if (is_mailed(call))
        return STOA_INVITATION_MAILED;
    return stoa_web_caller(call)->kind == STOA_WEB_KEY ? STOA_INVITATION_VOUCHED
                                                       : STOA_INVITATION_HANDED;
}

/* -- POST /rooms/ID/invitations ---------------------------------------------------------------- */

typedef struct {
    char *email, *name;
    const char *role;
} Person;

static void person_clear(gpointer data)
{
    g_free(((Person *)data)->email);
    g_free(((Person *)data)->name);
}

/* Without the blanks around it. New. */
static char *stripped(const char *text)
{
    return text ? g_strstrip(g_strdup(text)) : NULL;
}

/* The people of the body, each address once. */
static GArray *read_people(StoaWebCall *call, GError **error)
{
    const json_t *people = json_object_get(stoa_web_body(call), "people"), *one;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GArray) list = g_array_new(FALSE, TRUE, sizeof(Person));
    size_t i;

    g_array_set_clear_func(list, person_clear);
    json_array_foreach(people, i, one)
    {
        Person person = { stoa_address_read(json_string_value(json_object_get(one, "email")),
                                            error),
                          stripped(json_string_value(json_object_get(one, "name"))),
                          json_string_value(json_object_get(one, "role")) };
        if (!person.email || (person.name && !stoa_check_name(person.name, error))) {
            g_prefix_error(error, "people[%zu]: ", i);
            person_clear(&person);
            return NULL;
        }
        if (g_hash_table_add(seen, person.email))
            g_array_append_val(list, person);
        else
            person_clear(&person);
    }
    return g_steal_pointer(&list);
}

static bool has_room_for_one(StoaDb *db, StoaWebCall *call, const char *room, GError **error)
{
    g_autoptr(GError) why = NULL;
    int64_t known =
        stoa_db_int(db, &why, 0, "SELECT COUNT(*) FROM invitation WHERE room_id = ?1", "s", room);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    return known < stoa_web_conf(call)->invitations_per_room ||
           stoa_fail(error, STOA_ERROR_CONFLICT,
                     "the room has as many invitations as may be (limits.invitations_per_room)");
}

/* Who was asked for before keeps the invitation that exists; one that is no good any more is made good again. */
static json_t *invite(StoaDb *db, StoaWebCall *call, const StoaRoomInfo *room, const Person *person,
                      GError **error)
{
    char token[STOA_TOKEN_LEN + 1];
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaInvitation) invitation =
        stoa_invitation_of(db, room->id, person->email, stoa_web_conf(call), &why);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (invitation && strcmp(invitation->state, "revoked") != 0 &&
        strcmp(invitation->state, "expired") != 0)
        return stoa_invitation_json(invitation);
    if (invitation) {
        if (!stoa_invitation_renew(db, invitation, way_of(call), token, error))
            return NULL;
    } else {
        if (!has_room_for_one(db, call, room->id, error))
            return NULL;
        invitation = stoa_invitation_new(db, room->id, person->email, person->name,
                                         person->role ? person->role : "participant", way_of(call),
                                         token, error);
        if (!invitation)
            return NULL;
    }
    return hand_over(db, call, room, invitation, token, is_mailed(call), error);
}

static bool is_fit(const StoaRoomsConf *conf, guint n, GError **error)
{
    return (n >= 1 && n <= conf->invitations_per_request) ||
           stoa_fail(error, STOA_ERROR_INVALID,
                     "\"people\" must have 1 to %" G_GINT64_FORMAT " items in one request",
                     conf->invitations_per_request);
}

static bool invite_all(StoaDb *db, StoaWebCall *call, GError **error)
{
    const char *id = stoa_web_arg(call, "room");

    if (!stoa_web_must_be_host(call, error))
        return false;
    g_autoptr(GArray) people = read_people(call, error);
    if (!people || !is_fit(stoa_web_conf(call), people->len, error))
        return false;
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, id, error);
    if (!room)
        return false;
    json_t *list = json_array();
    for (guint i = 0; i < people->len; i++) {
        json_t *one = invite(db, call, room, &g_array_index(people, Person, i), error);
        if (!one) {
            json_decref(list);
            return false;
        }
        json_array_append_new(list, one);
    }
    stoa_web_set_reply(call, 201, json_pack("{s:o}", "invitations", list));
    return true;
}

static void mails_wait(StoaWebCall *call)
{
    stoa_mail_wake(stoa_web_mail(call));
    stoa_web_send(call);
}

/* -- GET, resend, DELETE ----------------------------------------------------------------------- */

static bool list(StoaDb *db, StoaWebCall *call, GError **error)
{
    if (!stoa_web_must_be_host(call, error))
        return false;
    g_autoptr(GPtrArray) found =
        stoa_invitation_list(db, stoa_web_arg(call, "room"), NULL, stoa_web_conf(call), error);
    if (!found)
        return false;
    json_t *array = json_array();
    for (guint i = 0; i < found->len; i++)
        json_array_append_new(array, stoa_invitation_json(found->pdata[i]));
    stoa_web_set_reply(call, 200, array);
    return true;
}

/* The invitation of the path, in an array of one. */
static GPtrArray *find(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(GPtrArray) found = NULL;

    if (!stoa_web_must_be_host(call, error))
        return NULL;
    found = stoa_invitation_list(db, stoa_web_arg(call, "room"), stoa_web_arg(call, "invitation"),
                                 stoa_web_conf(call), error);
    if (found && found->len == 0) {
        stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such invitation");
        return NULL;
    }
    return g_steal_pointer(&found);
}

/* Nobody is mailed a link that is no good already. */
static bool is_in_time(const StoaWebCall *call, const StoaRoomInfo *room, GError **error)
{
    int64_t now = stoa_store_now_ms();

    return !is_mailed(call) ||
           stoa_invitation_expires_ms(now, room->starts_ms, room->duration_min,
                                      stoa_web_conf(call)) > now ||
           stoa_fail(error, STOA_ERROR_CONFLICT,
                     "the class is over, and with it every invitation: give the room a new time "
                     "first (\"starts_at\")");
}

static bool resend(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(GPtrArray) found = find(db, call, error);
    char token[STOA_TOKEN_LEN + 1];

    if (!found)
        return false;
    StoaInvitation *invitation = found->pdata[0];
    if (strcmp(invitation->state, "revoked") == 0)
        return stoa_refuse(error, "gone", "the invitation was revoked: invite that address again");
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, stoa_web_arg(call, "room"), error);
    if (!room || !is_in_time(call, room, error) ||
        !stoa_invitation_renew(db, invitation, way_of(call), token, error))
        return false;
    json_t *json = hand_over(db, call, room, invitation, token, is_mailed(call), error);
    if (!json)
        return false;
    stoa_web_set_reply(call, 200, json);
    return true;
}

static bool revoke_it(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(GPtrArray) found = find(db, call, error);
    char *participant = NULL;

    if (!found)
        return false;
    const char *id = ((StoaInvitation *)found->pdata[0])->id;
    if (!stoa_schedule_cancel(db, stoa_web_arg(call, "room"), id, error) ||
        !stoa_invitation_revoke(db, id, &participant, error))
        return false;
    stoa_web_set_data(call, participant, g_free);
    return true;
}

static void revoked(StoaWebCall *call)
{
    if (stoa_web_data(call))
        stoa_live_removed(call->web, stoa_web_arg(call, "room"), stoa_web_data(call), "revoked");
    mails_wait(call);
}

const StoaWebRoute *stoa_web_invitation_routes(void)
{
    static const StoaParam person[] = {
        { "email", STOA_STRING, STOA_REQUIRED, 0, 1024, .help = "whom" },
        { "name", STOA_STRING, STOA_NULLABLE, 0, 1024, .help = "as the class shall see them" },
        { "role", STOA_ENUM, STOA_NULLABLE, .choices = roles, .help = "participant or cohost" },
        { NULL },
    };
    static const StoaParam params[] = {
        { "people", STOA_ARRAY, STOA_REQUIRED, 0, 10000, .fields = person,
          .help = "who is invited" },
        { "deliver", STOA_ENUM, .choices = deliveries,
          .help = "none: links in the answer, and no mail" },
        { NULL },
    };
    static const StoaParam resend_params[] = {
        { "deliver", STOA_ENUM, .choices = deliveries,
          .help = "none: the link in the answer, and no mail" },
        { NULL },
    };
    static const StoaWebRoute routes[] = {
        { "POST", "/rooms/:room/invitations", WHO, params, invite_all, mails_wait,
          "invites people" },
        { "GET", "/rooms/:room/invitations", WHO, NULL, list, .help = "who is invited" },
        { "POST", "/rooms/:room/invitations/:invitation/resend", WHO, resend_params, resend,
          mails_wait, "a new link in place of the old one" },
        { "DELETE", "/rooms/:room/invitations/:invitation", WHO, NULL, revoke_it, revoked,
          "the link is no good any more" },
        { NULL },
    };

    return routes;
}
