/* SPDX-License-Identifier: MIT */
/* Kept rooms on a store in memory and a fake clock; people who join, attach `room`, and hear what is said. */
#pragma once

#include "room/capability.h"
#include "room/kept-room.h"
#include "room/request.h"
#include "store-bed.h"

/* A browser: one handle of `room`. */
typedef struct {
    const char *id;
    char token[STOA_TOKEN_LEN + 1];
    StoaHandle *handle; /* NULL: none, or ended */
    GString *heard;     /* names of events, each with a blank: "state participant_joined " */
    json_t *last;       /* event or reply */
    char *refusal;      /* reason or text of the last error */
    bool waiting;
} Browser;

static StoaStore *store;
static StoaRooms *rooms;
static StoaRoomsConf conf;
static StoaRoomEnv env;

static StoaModule *bed_no_module(void *user G_GNUC_UNUSED, const char *name G_GNUC_UNUSED)
{
    return NULL;
}

static void bed_open(void)
{
    const StoaRoomsSpec spec = {
        .store = store, .conf = &conf, .env = &env, .module = bed_no_module
    };

    rooms = stoa_rooms_new(&spec);
    assert_true(stoa_rooms_start(rooms, NULL));
    stoa_control_settle();
}

static int bed_set_up(void **unused G_GNUC_UNUSED)
{
    stoa_control_init();
    stoa_clock_fake(1000000);
    conf = (StoaRoomsConf){ .participant_s = 900,
                            .linger_s = 300,
                            .reconnect_s = 30,
                            .people_per_room = 100,
                            .waiting_per_room = 100 };
    store = bed_store_new();
    bed_fill(store);
    bed_open();
    return 0;
}

static void bed_shut(void)
{
    stoa_rooms_close(rooms);
    stoa_control_settle();
}

static int bed_tear_down(void **unused G_GNUC_UNUSED)
{
    bed_shut();
    stoa_store_free(store);
    stoa_rooms_free(rooms);
    stoa_clock_real();
    stoa_control_shutdown();
    return 0;
}

/* As after a crash or a stop: the handles are gone with their connections. */
static inline void bed_restart(void)
{
    bed_shut();
    stoa_rooms_free(rooms);
    bed_open();
}

static inline void go_on_s(int64_t s)
{
    stoa_clock_advance(s * G_USEC_PER_SEC);
    stoa_control_settle();
}

/* -- browsers ------------------------------------------------------------------------------- */

static void bed_event(StoaHandle *handle, const char *transaction G_GNUC_UNUSED, json_t *data,
                      json_t *jsep)
{
    Browser *browser = stoa_handle_user(handle);
    const char *name = json_string_value(json_object_get(data, "event"));

    if (name)
        g_string_append_printf(browser->heard, "%s ", name);
    json_decref(browser->last);
    browser->last = data;
    json_decref(jsep);
}

static void bed_end(StoaHandle *handle)
{
    Browser *browser = stoa_handle_user(handle);

    stoa_handle_free(handle);
    browser->handle = NULL;
}

static Browser *browser_new(const char *id)
{
    Browser *browser = g_new0(Browser, 1);

    browser->id = id;
    browser->heard = g_string_new("");
    return browser;
}

static void browser_free(Browser *browser)
{
    if (browser->handle)
        stoa_handle_free(browser->handle);
    g_string_free(browser->heard, true);
    json_decref(browser->last);
    g_free(browser->refusal);
    g_free(browser);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Browser, browser_free)

static void note_error(Browser *browser, const GError *error)
{
    const char *reason = error ? stoa_error_reason(error) : NULL;

    g_free(browser->refusal);
    browser->refusal = error ? g_strdup(reason ? reason : error->message) : NULL;
}

static void bed_joined(const StoaJoined *joined, const GError *error, void *data)
{
    Browser *browser = data;

    note_error(browser, error);
    if (!joined)
        return;
    g_strlcpy(browser->token, joined->token, sizeof browser->token);
    browser->waiting = joined->waiting;
}

/* POST /join; true: in or waiting. */
static bool joins_as(Browser *browser, const char *role)
{
    const StoaJoin join = {
        .person = { .id = browser->id, .room = "r", .name = browser->id, .role = role }
    };

    stoa_rooms_join(rooms, &join, bed_joined, browser);
    stoa_control_settle();
    return !browser->refusal;
}

static inline bool joins(Browser *browser)
{
    return joins_as(browser, "participant");
}

static void bed_seated(StoaMember *member, const GError *error, void *data)
{
    static const StoaHandleOutlet outlet = { .event = bed_event, .end = bed_end };
    Browser *browser = data;

    note_error(browser, error);
    if (!member)
        return;
    browser->handle =
        stoa_handle_new_for(stoa_rooms_module(rooms), &outlet, browser, "test", member, NULL);
    stoa_member_seat(member, browser->handle);
}

static inline bool attaches(Browser *browser)
{
    const StoaSeatClaim claim = { .token = browser->token, .module = stoa_rooms_module(rooms) };

    stoa_rooms_claim(rooms, &claim, bed_seated, browser);
    stoa_control_settle();
    return !browser->refusal;
}

static inline void comes(Browser *browser)
{
    assert_true(joins(browser));
    assert_true(attaches(browser));
}

static inline void loses_connection(Browser *browser)
{
    g_clear_pointer(&browser->handle, stoa_handle_free);
    stoa_control_settle();
}

/* Ask `room` something; the code of the error, NULL: it was done. */
static inline const char *asks(Browser *browser, const char *request)
{
    g_autofree char *text = g_strdelimit(g_strdup(request), "'", '"');
    StoaMessage message = { .transaction = "t", .body = json_loads(text, 0, NULL) };

    assert_non_null(message.body);
    stoa_request_run(stoa_rooms_module(rooms), browser->handle, &message);
    stoa_control_settle();
    json_decref(message.body);
    return json_string_value(json_object_get(browser->last, "code"));
}

#define hears(browser, text)                                \
    do {                                                    \
        assert_string_equal((browser)->heard->str, (text)); \
        g_string_set_size((browser)->heard, 0);             \
    } while (0)

/* -- what a host does ------------------------------------------------------------------------ */

static void bed_done(json_t *answer G_GNUC_UNUSED, const GError *error, void *data)
{
    GError **to = data;

    if (error)
        *to = g_error_copy(error);
}

static inline bool acts(const char *action, const char *person)
{
    g_autoptr(GError) error = NULL;
    const StoaAction act = {
        .room = "r", .person = person, .action = action, .role = STOA_ROLE_COHOST
    };

    stoa_rooms_act(rooms, &act, bed_done, &error);
    stoa_control_settle();
    return !error;
}

static inline bool ends(void)
{
    g_autoptr(GError) error = NULL;

    stoa_rooms_end(rooms, "r", bed_done, &error);
    stoa_control_settle();
    return !error;
}

static inline bool leaves(Browser *browser)
{
    g_autoptr(GError) error = NULL;

    stoa_rooms_leave(rooms, "r", browser->id, bed_done, &error);
    stoa_control_settle();
    return !error;
}

static inline const char *state_of(const char *id)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, "r");
    const StoaMember *member = room ? stoa_kept_room_member(room, id) : NULL;

    return member ? stoa_member_state_name(member) : "nobody";
}
