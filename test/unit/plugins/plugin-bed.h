/* SPDX-License-Identifier: MIT */
#pragma once
/* A bed for plugins: the real core from room/ up to the fake worker of connection-bed.h, a fake clock, and people who speak JSON
 * in single quotes.
 *
 *     PluginBed *bed = plugin_bed_new("[room-7]\npublishers = 1\n");
 *     Person *ana = person_new(bed);
 *     asks(ana, "{'request': 'join', …}", "{'videoroom': 'joined', 'id': null}");  // null: must be absent
 */
#include "../media/connection-bed.h"

#include "base/clock.h"
#include "base/conf-private.h"
#include "base/loop.h"
#include "base/timer.h"
#include "room/request.h"
#include "room/room-private.h"

const StoaPlugin *stoa_plugin(void);

typedef struct {
    StoaModule *module;
    StoaRoomEnv env;
} PluginBed;

typedef struct {
    PluginBed *bed;
    StoaHandle *handle;
    Bed client;    /* its ICE name and fingerprint: for SDP only */
    GQueue *inbox; /* of json_t: what came by itself, core events as {"core": NAME, …} */
    json_t *reply; /* to the last request */
    json_t *jsep;  /* that came with the last answer, or since */
    char *offer;   /* the last that came at all */
} Person;

/* -- JSON --------------------------------------------------------------------------------------- */

static inline json_t *json_of(const char *text)
{
    g_autofree char *plain = g_strdelimit(g_strdup(text), "'", '"');
    json_error_t error;
    json_t *value = json_loads(plain, JSON_DECODE_ANY, &error);

    if (!value)
        fail_msg("%s in %s", error.text, text);
    return value;
}

/* Whether `value` has all of `wanted`; null in `wanted`: absent. Arrays have the same length. */
static inline bool json_fits(const json_t *value, const json_t *wanted)
{
    const char *key;
    json_t *part;
    size_t i;

    if (!value || json_is_null(wanted))
        return !value && json_is_null(wanted);
    if (json_is_object(wanted)) {
        json_object_foreach((json_t *)wanted, key, part)
        {
            if (!json_fits(json_object_get(value, key), part))
                return false;
        }
        return json_is_object(value);
    }
    if (!json_is_array(wanted))
        return json_equal(value, wanted);
    json_array_foreach(wanted, i, part)
    {
        if (!json_fits(json_array_get(value, i), part))
            return false;
    }
    return json_is_array(value) && json_array_size(value) == json_array_size(wanted);
}

static inline void check_fits(const json_t *value, const char *wanted, const char *what)
{
    json_t *want = json_of(wanted);

    if (!json_fits(value, want)) {
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        fail_msg("%s\n  wanted: %s\n  got:    %s", what, wanted, text ? text : "nothing");
    }
    json_decref(want);
}

/* -- people ----------------------------------------------------------------------------------------- */

static inline void person_event(StoaHandle *handle, const char *transaction, json_t *data,
                                json_t *jsep)
{
    Person *person = stoa_handle_user(handle);

    if (jsep) {
        json_decref(person->jsep);
        person->jsep = jsep;
    }
    if (jsep && g_str_equal(json_string_value(json_object_get(jsep, "type")), "offer")) {
        g_free(person->offer);
        person->offer = g_strdup(json_string_value(json_object_get(jsep, "sdp")));
    }
    if (transaction) {
        assert_null(person->reply); /* one answer for each request */
        person->reply = data;
    } else {
        g_queue_push_tail(person->inbox, data);
    }
}

static inline void person_core_event(StoaHandle *handle, const char *name, json_t *fields)
{
    Person *person = stoa_handle_user(handle);
    json_t *event = fields ? fields : json_object();

    json_object_set_new(event, "core", json_string(name));
    g_queue_push_tail(person->inbox, event);
}

static inline Person *person_new(PluginBed *bed)
{
    static const StoaHandleOutlet outlet = { person_event, person_core_event };
    static unsigned n;
    Person *person = g_new0(Person, 1);

    person->bed = bed;
    person->inbox = g_queue_new();
    person->client.fingerprint = finger_a;
    g_snprintf(person->client.ufrag, sizeof person->client.ufrag, "cli%u", ++n);
    person->handle = stoa_handle_new(bed->module, &outlet, person, "test", NULL);
    assert_non_null(person->handle);
    return person;
}

static inline void person_detach(Person *person)
{
    g_clear_pointer(&person->handle, stoa_handle_free);
}

static inline void person_free(Person *person)
{
    person_detach(person);
    g_queue_free_full(person->inbox, (GDestroyNotify)json_decref);
    json_decref(person->reply);
    json_decref(person->jsep);
    g_free(person->offer);
    g_free(person);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Person, person_free)

static inline const json_t *ask_with(Person *person, const char *text, StoaJsep type,
                                     const char *sdp)
{
    json_t *body = json_of(text);
    StoaMessage message = { .transaction = "t", .body = body, .jsep = type, .sdp = sdp };

    g_clear_pointer(&person->reply, json_decref);
    g_clear_pointer(&person->jsep, json_decref);
    json_t *answer = stoa_request_run(person->bed->module, person->handle, &message);
    json_decref(body);
    if (answer)
        person->reply = answer;
    assert_non_null(person->reply);
    return person->reply;
}

/* A request, and what its answer must have. */
static inline void asks(Person *person, const char *text, const char *wanted)
{
    check_fits(ask_with(person, text, STOA_JSEP_NONE, NULL), wanted, text);
}

static inline void is_refused(Person *person, const char *text, int number)
{
    g_autofree char *wanted = g_strdup_printf("{'error_code': %d}", number);

    check_fits(ask_with(person, text, STOA_JSEP_NONE, NULL), wanted, text);
    assert_non_null(json_string_value(json_object_get(person->reply, "error")));
}

/* Go on with the events that are due now. */
static inline void settle(void)
{
    stoa_clock_advance(1000);
}

/* What came by itself next. */
static inline void hears(Person *person, const char *wanted)
{
    settle();
    json_t *event = g_queue_pop_head(person->inbox);

    check_fits(event, wanted, "hears");
    json_decref(event);
}

static inline void hears_nothing(Person *person)
{
    settle();
    json_t *event = g_queue_peek_head(person->inbox);
    char *text = event ? json_dumps(event, 0) : NULL;

    if (text)
        fail_msg("did not expect %s", text);
}

static inline void forget(Person *person)
{
    settle();
    g_queue_clear_full(person->inbox, (GDestroyNotify)json_decref);
}

/* -- media ---------------------------------------------------------------------------------------------- */

static inline FakePeer *peer_of(Person *person)
{
    for (unsigned i = 0; i < fake_peers->len; i++) {
        FakePeer *peer = g_ptr_array_index(fake_peers, i);
        if (peer->open && peer->user == person->handle->connection)
            return peer;
    }
    g_error("a person has no PeerConnection");
}

static inline void offers(Person *person, const char *text, const ClientLine *lines,
                          const char *wanted)
{
    g_autofree char *sdp = client_offer(&person->client, lines);

    check_fits(ask_with(person, text, STOA_JSEP_OFFER, sdp), wanted, text);
}

/* The PeerConnection is up, or broke down. */
static inline void goes_up(Person *person)
{
    FakePeer *peer = peer_of(person);

    peer->events->up(peer->user);
    hears(person, "{'core': 'webrtcup'}");
}

static inline void breaks_down(Person *person)
{
    FakePeer *peer = peer_of(person);

    peer->events->down(peer->user, STOA_DOWN_DTLS_ALERT);
}

/* The last offer that came. */
static inline const char *offer_of(Person *person)
{
    const char *type = json_string_value(json_object_get(person->jsep, "type"));

    assert_string_equal(type ? type : "none", "offer");
    return json_string_value(json_object_get(person->jsep, "sdp"));
}

static inline void answers(Person *person, const char *text, const char *wanted)
{
    g_autofree char *sdp = client_answer(&person->client, offer_of(person), NULL);

    check_fits(ask_with(person, text, STOA_JSEP_ANSWER, sdp), wanted, text);
}

/* -- the bed ------------------------------------------------------------------------------------------------ */

static inline StoaConfValues *bed_conf(const char *text)
{
    StoaConfTable table = stoa_module_conf_table(stoa_plugin());
    g_autoptr(StoaConf) conf = stoa_conf_of_text(table.file, text);
    StoaConfValues *values = stoa_conf_fill(conf, &table);
    g_autoptr(GError) error = NULL;

    if (!stoa_conf_check(conf, &error))
        fail_msg("%s", error->message);
    return values;
}

static inline PluginBed *plugin_bed_new(const char *conf)
{
    PluginBed *bed = g_new0(PluginBed, 1);
    g_autoptr(GError) error = NULL;

    bed->module = stoa_module_new(stoa_plugin(), &bed->env, bed_conf(conf), &error);
    if (!bed->module || !stoa_module_start(bed->module, &error))
        fail_msg("%s", error->message);
    return bed;
}

static inline void bed_reload(PluginBed *bed, const char *conf)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_module_reconfigure(bed->module, bed_conf(conf), &error))
        fail_msg("%s", error->message);
}

static inline void plugin_bed_free(PluginBed *bed)
{
    stoa_module_free(bed->module);
    g_free(bed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PluginBed, plugin_bed_free)

/* A test of its own: conf/NAME.conf has every key with its default. */
static inline void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    StoaConfTable table = stoa_module_conf_table(stoa_plugin());
    const char *top = g_getenv("STOA_SRCDIR");
    g_autofree char *name = g_strdup_printf("%s.conf", table.file);
    g_autofree char *path = g_build_filename(top ? top : ".", "conf", name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error) ||
        !stoa_conf_sample_check(&table, text, &error))
        fail_msg("%s", error->message);
}

/* For cmocka_unit_test_setup_teardown(). */
static inline int plugin_setup(void **state)
{
    stoa_control_init();
    stoa_clock_fake(1000000);
    return fake_setup(state);
}

static inline int plugin_teardown(void **state)
{
    int bad = fake_teardown(state);

    assert_int_equal(stoa_timer_count(), 0);
    stoa_control_shutdown();
    stoa_clock_real();
    return bad;
}
