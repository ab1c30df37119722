/* SPDX-License-Identifier: MIT */
#include "media/event.h"

#include "base/loop.h"
#include "media/media-private.h"

#include "base/poison.h"

/* One event on its way; what its kind does not need stays 0. */
typedef struct Event Event;
struct Event {
    StoaMedia *media; /* a reference */
    StoaPeerId peer;
    void (*call)(StoaPeerRecord *record, Event *event);
    uint32_t number;
    int a, b;
    int64_t ms;
    double average;
    bool flag, is_text;
    StoaSctp *sctp;
    char *label, *protocol;  /* or a candidate */
    StoaDataChannel channel; /* its texts are the two above */
    GBytes *bytes;
};

static void free_event(void *data)
{
    Event *event = data;

    stoa_media_unref(event->media);
    g_free(event->label);
    g_free(event->protocol);
    g_clear_pointer(&event->bytes, g_bytes_unref);
    g_free(event);
}

static void run(void *data)
{
    Event *event = data;
    StoaPeerRecord *record =
        event->media->is_closed ? NULL : stoa_media_peer(event->media, event->peer);

    if (record)
        event->call(record, event);
}

static void post(StoaMedia *media, StoaPeerId peer, const Event *content)
{
    Event *event = g_new(Event, 1);

    *event = *content;
    event->media = stoa_media_ref(media);
    event->peer = peer;
    stoa_control_post(run, event, free_event);
}

static void on_freed(void *data)
{
    StoaMedia *media = data;

    if (!media->is_closed)
        stoa_media_stir(media);
}

static void unref_media(void *media)
{
    stoa_media_unref(media);
}

void stoa_event_freed(StoaWorker *w)
{
    stoa_control_post(on_freed, stoa_media_ref(w->media), unref_media);
}

static void call_up(StoaPeerRecord *record, Event *event G_GNUC_UNUSED)
{
    record->events->up(record->user);
}

void stoa_event_up(StoaWorker *w, StoaPeerId peer)
{
    post(w->media, peer, &(Event){ .call = call_up });
}

static void call_down(StoaPeerRecord *record, Event *event)
{
    record->events->down(record->user, (StoaPeerDown)event->a);
}

void stoa_event_down(StoaWorker *w, StoaPeerId peer, StoaPeerDown why)
{
    post(w->media, peer, &(Event){ .call = call_down, .a = (int)why });
}

static void call_sctp(StoaPeerRecord *record, Event *event)
{
    record->sctp = event->sctp;
}

void stoa_event_sctp(StoaWorker *w, StoaPeerId peer, StoaSctp *sctp)
{
    post(w->media, peer, &(Event){ .call = call_sctp, .sctp = sctp });
}

static void call_media(StoaPeerRecord *record, Event *event)
{
    record->events->media(record->user, event->number, event->flag, event->a, event->ms);
}

void stoa_event_media(StoaWorker *w, StoaPeerId peer, uint32_t track, bool receiving, int encoding,
                      int64_t silent_ms)
{
    post(w->media, peer,
         &(Event){ .call = call_media,
                   .number = track,
                   .flag = receiving,
                   .a = encoding,
                   .ms = silent_ms });
}

static void call_slowlink(StoaPeerRecord *record, Event *event)
{
    record->events->slowlink(record->user, event->number, event->flag, (unsigned)event->a);
}

void stoa_event_slowlink(StoaWorker *w, StoaPeerId peer, uint32_t number, bool uplink,
                         unsigned lost)
{
    post(w->media, peer,
         &(Event){ .call = call_slowlink, .number = number, .flag = uplink, .a = (int)lost });
}

static void call_layer(StoaPeerRecord *record, Event *event)
{
    record->events->layer(record->user, event->number, event->a, event->b);
}

void stoa_event_layer(StoaWorker *w, StoaPeerId peer, uint32_t sink, int substream, int temporal)
{
    post(w->media, peer,
         &(Event){ .call = call_layer, .number = sink, .a = substream, .b = temporal });
}

static void call_layers(StoaPeerRecord *record, Event *event)
{
    record->events->layers(record->user, event->number, (unsigned)event->a, (unsigned)event->b);
}

void stoa_event_layers(StoaWorker *w, StoaPeerId peer, uint32_t track, unsigned spatial,
                       unsigned temporal)
{
    post(w->media, peer,
         &(Event){ .call = call_layers, .number = track, .a = (int)spatial, .b = (int)temporal });
}

static void call_talking(StoaPeerRecord *record, Event *event)
{
    record->events->talking(record->user, event->number, event->flag, event->average);
}

void stoa_event_talking(StoaWorker *w, StoaPeerId peer, uint32_t track, bool talking,
                        double average)
{
    post(w->media, peer,
         &(Event){ .call = call_talking, .number = track, .flag = talking, .average = average });
}

static void call_voice(StoaPeerRecord *record, Event *event)
{
    if (record->events->voice)
        record->events->voice(record->user, event->number, event->average);
}

void stoa_event_voice(StoaWorker *w, StoaPeerId peer, uint32_t track, double loudness)
{
    post(w->media, peer, &(Event){ .call = call_voice, .number = track, .average = loudness });
}

static void call_candidate(StoaPeerRecord *record, Event *event)
{
    if (event->label)
        g_ptr_array_add(record->local.candidates, g_strdup(event->label));
    else
        record->local.gathering = false;
    record->events->candidate(record->user, event->label);
}

void stoa_event_candidate(StoaMedia *media, StoaPeerId peer, const char *candidate)
{
    post(media, peer, &(Event){ .call = call_candidate, .label = g_strdup(candidate) });
}

static void call_data_open(StoaPeerRecord *record, Event *event)
{
    record->events->data_open(record->user, event->label, event->protocol);
}

void stoa_event_data_open(StoaMedia *media, StoaPeerId peer, const char *label,
                          const char *protocol, GBytes *toll)
{
    post(media, peer,
         &(Event){ .call = call_data_open,
                   .label = g_strdup(label),
                   .protocol = g_strdup(protocol),
                   .bytes = toll });
}

static void call_data_closed(StoaPeerRecord *record, Event *event)
{
    if (record->events->data_closed)
        record->events->data_closed(record->user, event->label);
}

void stoa_event_data_closed(StoaMedia *media, StoaPeerId peer, const char *label, GBytes *toll)
{
    post(media, peer,
         &(Event){ .call = call_data_closed, .label = g_strdup(label), .bytes = toll });
}

static void call_data(StoaPeerRecord *record, Event *event)
{
    size_t len;
    const void *buf = g_bytes_get_data(event->bytes, &len);

    event->channel.label = event->label;
    event->channel.protocol = event->protocol;
    record->events->data(record->user, &event->channel, buf ? buf : "", len, event->is_text);
}

void stoa_event_data(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel,
                     GBytes *bytes, bool text)
{
    post(media, peer,
         &(Event){ .call = call_data,
                   .label = g_strdup(channel->label),
                   .protocol = g_strdup(channel->protocol),
                   .channel = *channel,
                   .bytes = bytes,
                   .is_text = text });
}
