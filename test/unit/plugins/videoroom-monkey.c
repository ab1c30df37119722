/* SPDX-License-Identifier: MIT */
/* videoroom in the hands of monkeys: any request at any moment must be answered, and nothing may break. Worth most under ASan. */
#include "videoroom-bed.h"

enum { PEOPLE = 8, STEPS = 20000 };

static StoaBedPerson *crowd[PEOPLE];
static GRand *dice;

static int roll(int n)
{
    return g_rand_int_range(dice, 0, n);
}

static const ClientLine *any_lines(void)
{
    static const ClientLine h264[] = { { "audio", "a", "inactive" },
                                       { "video", "v", .codecs = "102 H264", .ssrc = 5 },
                                       { "application", "d" },
                                       { 0 } };
    const ClientLine *const sets[] = { voice_and_face, with_data, two_faces, h264 };

    return sets[roll(G_N_ELEMENTS(sets))];
}

/* %i is the monkey's own id, %d anybody's, %m one of our mids, %s one of theirs. */
static const char *const requests[] = {
    "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': %i, 'display': 'x'}",
    "{'request': 'join', 'ptype': 'publisher', 'room': 7}",
    "{'request': 'join', 'ptype': 'subscriber', 'room': 7, 'streams': [{'feed': %d}]}",
    "{'request': 'join', 'ptype': 'subscriber', 'room': 7, 'streams': [{'feed': %d, 'mid': '%s'}, "
    "{'feed': %d}]}",
    "{'request': 'join', 'ptype': 'subscriber', 'room': 7, 'feed': %d, 'autoupdate': false}",
    "{'request': 'subscribe', 'streams': [{'feed': %d}]}",
    "{'request': 'subscribe', 'streams': [{'feed': %d, 'mid': '%s', 'crossrefid': 'c'}]}",
    "{'request': 'unsubscribe', 'streams': [{'feed': %d}]}",
    "{'request': 'unsubscribe', 'streams': [{'sub_mid': '%m'}]}",
    "{'request': 'update', 'subscribe': [{'feed': %d, 'mid': '%s'}], 'unsubscribe': [{'feed': %d, "
    "'mid': '%s'}]}",
    "{'request': 'switch', 'streams': [{'feed': %d, 'mid': '%s', 'sub_mid': '%m'}]}",
    "{'request': 'switch', 'feed': %d}",
    "{'request': 'configure', 'streams': [{'mid': '%m', 'send': false, 'substream': 1}]}",
    "{'request': 'configure', 'restart': true}",
    "{'request': 'configure', 'video': true, 'audio': false, 'display': 'y'}",
    "{'request': 'pause'}",
    "{'request': 'start'}",
    "{'request': 'unpublish'}",
    "{'request': 'leave'}",
    "{'request': 'kick', 'room': 7, 'id': %d}",
    "{'request': 'moderate', 'room': 7, 'id': %d, 'mid': '%s', 'mute': true}",
    "{'request': 'listparticipants', 'room': 7}",
    "{'request': 'edit', 'room': 7, 'new_publishers': 3}",
    "{'request': 'edit', 'room': 7, 'new_publishers': 9, 'new_fir_freq': 1, "
    "'new_audiolevel_event': true}",
    "{'request': 'destroy', 'room': 7}",
    "{'request': 'create', 'room': 7, 'videocodec': 'vp8,h264', 'publishers': 9}",
    "{'request': 'create', 'room': 7, 'videocodec': 'h264,vp8', 'publishers': 9}",
};

static int number_of(char what, int own)
{
    return what == 'i' ? own : what == 'd' ? 1 + roll(PEOPLE / 2) : roll(5);
}

static bool is_an_end(const char *text)
{
    return strstr(text, "destroy") || strstr(text, "kick") || strstr(text, "leave") ||
           strstr(text, "unpublish");
}

/* What ends things comes seldom, or nobody would get far; half of them are rather publishers. */
static const char *any_template(int own)
{
    const char *text = requests[roll(G_N_ELEMENTS(requests))];
    bool publishes = own <= PEOPLE / 2;

    if ((is_an_end(text) && roll(12) > 0) || (strstr(text, "join") && roll(4) > 0))
        return requests[publishes ? 0 : 2 + roll(3)];
    return text;
}

static char *any_request(int own)
{
    static const char *const theirs[] = { "a", "v", "w", "d" };
    GString *text = g_string_new(NULL);

    for (const char *at = any_template(own); *at; at++) {
        if (*at != '%') {
            g_string_append_c(text, *at);
            continue;
        }
        at++;
        if (*at == 's')
            g_string_append(text, theirs[roll(G_N_ELEMENTS(theirs))]);
        else
            g_string_append_printf(text, "%d", number_of(*at, own));
    }
    return g_string_free(text, FALSE);
}

static void offer_anything(StoaBedPerson *person)
{
    g_autofree char *sdp = client_offer(&person->client, any_lines());

    bed_ask(person, bed_json("{'request': 'publish'}"), STOA_JSEP_OFFER, sdp);
}

static void answer_the_last_offer(StoaBedPerson *person)
{
    g_autofree char *sdp =
        person->offer ? client_answer(&person->client, person->offer, NULL) : NULL;

    if (sdp)
        bed_ask(person, bed_json("{'request': 'start'}"), STOA_JSEP_ANSWER, sdp);
}

static void let_the_worker_speak(StoaBedPerson *person)
{
    FakePeer *peer = bed_peer_or_none(person);

    if (!peer)
        return;
    if (peer->remote_ufrag && !stoa_handle_is_up(person->handle)) {
        peer->events->up(peer->user);
        return;
    }
    switch (roll(20)) {
    case 0: stoa_bed_breaks(person); break;
    case 1: stoa_handle_end_media(person->handle, "Janus API"); break;
    case 2: peer->events->talking(peer->user, 1, true, 10); break;
    case 3: peer->events->layer(peer->user, 1, roll(3), roll(3)); break;
    default:
        peer->events->data(peer->user, &(StoaDataChannel){ .label = "chat", .protocol = "" }, "x",
                           1, true);
    }
}

static void ask_anything(StoaBedPerson *person, int own)
{
    g_autofree char *text = any_request(own);

    bed_ask(person, bed_json(text), STOA_JSEP_NONE, NULL);
}

static void step(StoaBed *bed, int i)
{
    switch (roll(12)) {
    case 0: offer_anything(crowd[i]); break;
    case 1:
    case 2: answer_the_last_offer(crowd[i]); break;
    case 3:
    case 4: let_the_worker_speak(crowd[i]); break;
    case 5: bed_settle(); break;
    case 6:
        if (roll(10) > 0)
            break;
        stoa_bed_detach(crowd[i]);
        crowd[i] = stoa_bed_attach(bed, "somebody");
        break;
    default: ask_anything(crowd[i], i + 1);
    }
    g_queue_clear_full(crowd[i]->inbox, (GDestroyNotify)json_decref);
}

static void any_request_at_any_moment_is_answered(void **unused G_GNUC_UNUSED)
{
    for (guint32 seed = 1; seed <= 4; seed++) {
        g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
        dice = g_rand_new_with_seed(seed);
        for (unsigned i = 0; i < PEOPLE; i++)
            crowd[i] = stoa_bed_attach(bed, "somebody");
        for (unsigned i = 0; i < STEPS; i++)
            step(bed, roll(PEOPLE));
        for (unsigned i = 0; i < PEOPLE; i++)
            stoa_bed_detach(crowd[i]);
        g_rand_free(dice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_request_at_any_moment_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
