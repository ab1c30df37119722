/* SPDX-License-Identifier: MIT */
/* From the workers to control: each call posts one event, which finds the peer by id there and calls its StoaPeerEvents. */
#pragma once

#include "media/worker.h"
#include "sctp/association.h"

/** Much was freed: once it is quiet, the C library is to give it back to the system. */
void stoa_event_freed(StoaWorker *w);
void stoa_event_up(StoaWorker *w, StoaPeerId peer);
void stoa_event_down(StoaWorker *w, StoaPeerId peer, StoaPeerDown why);
/** The data channel association was made: control may send on it until it closes the peer. */
void stoa_event_sctp(StoaWorker *w, StoaPeerId peer, StoaSctp *sctp);
void stoa_event_media(StoaWorker *w, StoaPeerId peer, uint32_t track, bool receiving, int encoding,
                      int64_t silent_ms);
void stoa_event_slowlink(StoaWorker *w, StoaPeerId peer, uint32_t number, bool uplink,
                         unsigned lost);
void stoa_event_layer(StoaWorker *w, StoaPeerId peer, uint32_t sink, int substream, int temporal);
void stoa_event_layers(StoaWorker *w, StoaPeerId peer, uint32_t track, unsigned spatial,
                       unsigned temporal);
void stoa_event_talking(StoaWorker *w, StoaPeerId peer, uint32_t track, bool talking,
                        double average);
void stoa_event_voice(StoaWorker *w, StoaPeerId peer, uint32_t track, double loudness);
void stoa_event_candidate(StoaMedia *media, StoaPeerId peer, const char *candidate);
/** @toll  as all `bytes` below taken, and freed when control has seen it */
void stoa_event_data_open(StoaMedia *media, StoaPeerId peer, const char *label,
                          const char *protocol, GBytes *toll);
void stoa_event_data_closed(StoaMedia *media, StoaPeerId peer, const char *label, GBytes *toll);
void stoa_event_data(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel,
                     GBytes *bytes, bool text);
