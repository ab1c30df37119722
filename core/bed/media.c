/* SPDX-License-Identifier: MIT */
/* Media of the bed: the browser's side made of text, and what the fake worker was told. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include <string.h>

FakePeer *bed_peer_or_none(const StoaBedPerson *who)
{
    for (unsigned i = 0; i < fake_peers->len; i++) {
        FakePeer *peer = g_ptr_array_index(fake_peers, i);

        if (who->handle && peer->open && who->handle->connection &&
            peer->user == who->handle->connection)
            return peer;
    }
    return NULL;
}

FakePeer *bed_peer_of(const StoaBedPerson *who)
{
    FakePeer *peer = bed_peer_or_none(who);

    if (!peer)
        bed_fail("%s has no PeerConnection", who->name);
    return peer;
}

const StoaSend *bed_send_of(const StoaBedPerson *who, unsigned index)
{
    FakePeer *peer = bed_peer_of(who);

    if (index >= peer->sends->len)
        bed_fail("%s is sent %u tracks only", who->name, peer->sends->len);
    return &g_array_index(peer->sends, StoaSend, index);
}

/* -- descriptions ------------------------------------------------------------------------------------------------------ */

void bed_offer_lines(StoaBedPerson *who, const char *body, const ClientLine *lines,
                     const char *wanted)
{
    g_autofree char *sdp = client_offer(&who->client, lines);

    bed_check(bed_ask(who, bed_json(body), STOA_JSEP_OFFER, sdp), wanted, body);
}

static ClientLine line_of(const char *word, const char *mid, unsigned i)
{
    bool is_data = g_str_equal(word, "data");

    if (!is_data && !g_str_equal(word, "audio") && !g_str_equal(word, "video"))
        bed_fail("\"%s\" is no track: audio, video or data", word);
    return (ClientLine){ is_data ? "application" : word, mid, .ssrc = is_data ? 0 : 1000 + i };
}

void stoa_bed_publish(StoaBedPerson *who, const char *body, const char *tracks, const char *wanted)
{
    enum { MAX = 16 };
    static const char *const mids[MAX] = { "0", "1", "2",  "3",  "4",  "5",  "6",  "7",
                                           "8", "9", "10", "11", "12", "13", "14", "15" };
    g_auto(GStrv) words = g_strsplit(tracks, " ", MAX);
    ClientLine lines[MAX + 1] = { { 0 } };

    for (unsigned i = 0; words[i]; i++)
        lines[i] = line_of(words[i], mids[i], i);
    bed_offer_lines(who, body, lines, wanted);
}

void stoa_bed_answer(StoaBedPerson *who, const char *body, const char *wanted)
{
    const char *type = json_string_value(json_object_get(who->jsep, "type"));

    if (g_strcmp0(type, "offer") != 0)
        bed_fail("no offer came to %s", who->name);
    g_autofree char *sdp = client_answer(&who->client, stoa_bed_sdp(who), NULL);
    bed_check(bed_ask(who, bed_json(body), STOA_JSEP_ANSWER, sdp), wanted, body);
}

const char *stoa_bed_sdp(StoaBedPerson *who)
{
    return json_string_value(json_object_get(who->jsep, "sdp"));
}

/* -- the connection ---------------------------------------------------------------------------------------------------- */

void stoa_bed_connects(StoaBedPerson *who)
{
    FakePeer *peer = bed_peer_of(who);

    peer->events->up(peer->user);
    stoa_bed_hears(who, "{'core': 'webrtcup'}");
}

void stoa_bed_breaks(StoaBedPerson *who)
{
    FakePeer *peer = bed_peer_of(who);

    peer->events->down(peer->user, STOA_DOWN_DTLS_ALERT);
    bed_settle();
}

unsigned stoa_bed_n_shown(StoaBedPerson *who)
{
    FakePeer *peer = bed_peer_or_none(who);

    return peer ? peer->sends->len : 0;
}

StoaBedPerson *stoa_bed_shown(StoaBedPerson *who, unsigned index)
{
    StoaTrackRef source = fake_route(bed_peer_of(who)->id, bed_send_of(who, index)->sink);

    for (guint i = 0; source.peer && i < who->bed->people->len; i++) {
        StoaBedPerson *other = who->bed->people->pdata[i];
        FakePeer *peer = bed_peer_or_none(other);

        if (peer && peer->id == source.peer)
            return other;
    }
    return NULL;
}

bool stoa_bed_is_held(StoaBedPerson *who, unsigned index)
{
    const char *wish = fake_wish(bed_peer_of(who)->id, "pause", bed_send_of(who, index)->sink);

    return g_strcmp0(wish, "true") == 0;
}

unsigned stoa_bed_n_keyframes(StoaBedPerson *who)
{
    return bed_peer_of(who)->n_keyframes;
}

int64_t stoa_bed_bitrate(StoaBedPerson *who)
{
    return bed_peer_of(who)->bitrate_bps;
}

/* -- data channels ----------------------------------------------------------------------------------------------------- */

void stoa_bed_says(StoaBedPerson *who, const char *label, const char *text)
{
    FakePeer *peer = bed_peer_of(who);

    const StoaDataChannel channel = { .label = label, .protocol = "" };
    peer->events->data(peer->user, &channel, text, strlen(text), true);
}

const char *stoa_bed_heard(StoaBedPerson *who)
{
    return bed_peer_of(who)->sent->str;
}
