/* SPDX-License-Identifier: MIT */
#pragma once
/* People of a videoroom: publishers who are up, subscribers who have started. */
#include "plugin-bed.h"

static const ClientLine voice_and_face[] = { { "audio", "a", .ssrc = 11 },
                                             { "video", "v", .ssrc = 12 },
                                             { 0 } };
static const ClientLine with_data[] = {
    { "audio", "a", .ssrc = 11 }, { "video", "v", .ssrc = 12 }, { "application", "d" }, { 0 }
};
static const ClientLine two_faces[] = { { "video", "v", .ssrc = 12 },
                                        { "video", "w", .ssrc = 13 },
                                        { 0 } };

#define ROOM7 "[room-7]\ndescription = Seven\n"

/* In the room under that id and name, with nothing published. */
static inline StoaBedPerson *joined(StoaBed *bed, int id, const char *name)
{
    StoaBedPerson *person = stoa_bed_attach(bed, "somebody");
    g_autofree char *text = g_strdup_printf("{'request': 'join', 'ptype': 'publisher', 'room': 7, "
                                            "'id': %d, 'display': '%s'}",
                                            id, name);

    stoa_bed_asks(person, text, "{'videoroom': 'joined', 'room': 7}");
    return person;
}

static inline StoaBedPerson *publishing(StoaBed *bed, int id, const char *name,
                                        const ClientLine *lines)
{
    StoaBedPerson *person = joined(bed, id, name);

    bed_offer_lines(person, "{'request': 'publish'}", lines, "{'configured': 'ok'}");
    stoa_bed_connects(person);
    return person;
}

/* A subscriber to what `streams` says, whose offer waits for an answer. */
static inline StoaBedPerson *attached(StoaBed *bed, const char *streams)
{
    StoaBedPerson *person = stoa_bed_attach(bed, "somebody");
    g_autofree char *text = g_strdup_printf("{'request': 'join', 'ptype': 'subscriber', 'room': 7, "
                                            "'streams': %s}",
                                            streams);

    stoa_bed_asks(person, text, "{'videoroom': 'attached', 'room': 7}");
    return person;
}

static inline StoaBedPerson *watching(StoaBed *bed, const char *streams)
{
    StoaBedPerson *person = attached(bed, streams);

    stoa_bed_answer(person, "{'request': 'start'}", "{'videoroom': 'event', 'started': 'ok'}");
    stoa_bed_connects(person);
    return person;
}

/* The source of the sink on a subscriber's m-line, by its index among the sends. */
static inline StoaTrackRef shown(StoaBedPerson *person, unsigned index)
{
    FakePeer *peer = bed_peer_of(person);

    assert_true(index < peer->sends->len);
    return fake_route(peer->id, g_array_index(peer->sends, StoaSend, index).sink);
}

static inline const char *wish_of(StoaBedPerson *person, const char *what, unsigned index)
{
    FakePeer *peer = bed_peer_of(person);

    return fake_wish(peer->id, what, g_array_index(peer->sends, StoaSend, index).sink);
}
