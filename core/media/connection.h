/* SPDX-License-Identifier: MIT */
/* One PeerConnection as control code sees it: the state of its negotiation (RFC 8829), its tracks and sinks.
 *
 * It turns offers and answers into the tables of media/command.h. StoaTrack and StoaSink (stoa/media.h) live here. */
#pragma once

#include "media/media.h"

#include <stoa/media.h>

typedef struct StoaConnection StoaConnection;

/* All called on the control loop with the `user` of stoa_connection_new(). */
typedef struct {
    void (*up)(void *user);
    void (*down)(void *user, const char *reason,
                 bool ice_failed); /* it is dead: free it (not inside the call) */
    void (*media)(void *user, const char *mid, StoaKind kind, bool receiving, int substream,
                  double seconds);
    void (*slowlink)(void *user, const char *mid, StoaKind kind, bool uplink, unsigned lost);
    void (*candidate)(void *user, const char *candidate, const char *mid,
                      unsigned mindex); /* NULL: no more */
    void (*track_added)(void *user,
                        StoaTrack *track); /* inside set_offer, before the answer is made */
    void (*track_removed)(
        void *user, StoaTrack *track); /* its sinks show nothing any more; freed after the call */
    void (*unmuted)(void *user,
                    StoaTrack *track); /* by stoa_track_mute(), perhaps not muted before */
    void (*layer)(void *user, StoaSink *sink, int substream, int temporal);
    void (*talking)(void *user, StoaTrack *track, bool talking, double average_dbov);
    void (*voice)(void *user, StoaTrack *track, double loudness);
    void (*data_open)(void *user, const char *label, const char *protocol);
    void (*data_closed)(void *user, const char *label);
    void (*data)(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                 bool text); /* the channel that it came on */
} StoaConnectionEvents;

typedef struct {
    StoaMedia *media;
    StoaHandle *handle; /* what stoa_track_handle() returns */
    uint64_t room;      /* people of a room share a worker */
    const char *log_ids;
    int64_t sdp_bytes, sdp_media; /* limits; 0: none */
    const StoaConnectionEvents *events;
    void *user;
} StoaConnectionSpec;

StoaConnection *stoa_connection_new(const StoaConnectionSpec *spec);
/** Closes the peer, takes its tracks away (`track_removed` is called for each), frees its sinks. */
void stoa_connection_free(StoaConnection *connection);

/**
 * Take the client's offer and make the answer. `track_added` and `track_removed` are called on the way; sinks made inside
 * `track_added` for this same connection take m-lines of this offer. Works for the first offer, renegotiation and ICE restart.
 *
 * Returns the answer's SDP, to be freed with g_free(); NULL with `error` (STOA_ERROR_INVALID) and nothing changed.
 * STOA_ERROR_CONFLICT: an offer of ours waits for its answer.
 */
char *stoa_connection_set_offer(StoaConnection *connection, const char *sdp,
                                const StoaMediaRules *rules, GError **error);
/** For the next offer: call `wire` after `track_added`, before the answer is made. Sinks made in it take m-lines of the offer too. */
void stoa_connection_wire(StoaConnection *connection, void (*wire)(void *data), void *data);

/**
 * Take a fragment of the client's: more candidates, or new credentials, which restart ICE with everything else as it was agreed.
 *
 * @answer  set on success: our own fragment after a restart, to be freed with g_free(); NULL when it was candidates alone
 *
 * False with `error`: it cannot be read, or nothing is agreed yet (CONFLICT).   Source: RFC 8840, 9; RFC 9725, 4.3.3.
 */
bool stoa_connection_take_fragment(StoaConnection *connection, const char *text, char **answer,
                                   GError **error);
/** Whether candidates of ours are still to come (full ICE). */
bool stoa_connection_is_gathering(const StoaConnection *connection);
/** Our description, or with @fragment our side of ICE alone, with all candidates there are by now. NULL: nothing is agreed. */
char *stoa_connection_describe(StoaConnection *connection, bool fragment);

/**
 * Make an offer of all sinks; one that is pending is replaced only when nothing of it was answered.
 * @restart  with new ICE credentials
 */
char *stoa_connection_make_offer(StoaConnection *connection, bool restart, GError **error);

/** Whether sinks were added or removed since the last offer. */
bool stoa_connection_needs_offer(const StoaConnection *connection);
bool stoa_connection_offer_pending(const StoaConnection *connection);

/** Take the client's answer. STOA_ERROR_CONFLICT when no offer is pending. */
bool stoa_connection_set_answer(StoaConnection *connection, const char *sdp, GError **error);

/** A trickled candidate; NULL: no more. May come before the description. */
void stoa_connection_add_candidate(StoaConnection *connection, const char *candidate);

bool stoa_connection_is_up(const StoaConnection *connection);
bool stoa_connection_has_data(
    const StoaConnection *connection); /* a data channel section is negotiated */
void stoa_connection_bitrate(StoaConnection *connection, uint32_t bps);
bool stoa_connection_send_data(StoaConnection *connection, const char *label, const void *buf,
                               size_t len, bool text);
/** See stoa_handle_data_waiting(). */
size_t stoa_connection_data_waiting(const StoaConnection *connection);
/** See stoa_handle_relay_data(). */
bool stoa_connection_relay_data(StoaConnection *connection, const StoaDataChannel *channel,
                                const void *buf, size_t len, bool text);
/** See stoa_handle_open_data() and stoa_handle_close_data(). */
bool stoa_connection_open_data(StoaConnection *connection, const StoaDataChannel *channel);
void stoa_connection_close_data(StoaConnection *connection, const char *label);
/** Make the next offer contain a data channel section. */
void stoa_connection_want_data(StoaConnection *connection);

/** The sink for a track; see stoa_track_send() in stoa/media.h. */
StoaSink *stoa_connection_add_sink(StoaConnection *connection, StoaTrack *track, GError **error);
/** See stoa_handle_reserve(). */
StoaSink *stoa_connection_reserve_sink(StoaConnection *connection, StoaKind kind);
void stoa_connection_foreach_track(StoaConnection *connection,
                                   void (*fn)(StoaTrack *track, void *data), void *data);
void stoa_connection_foreach_sink(StoaConnection *connection,
                                  void (*fn)(StoaSink *sink, void *data), void *data);
StoaTrack *stoa_connection_track(StoaConnection *connection, const char *mid);
StoaSink *stoa_connection_sink(StoaConnection *connection, const char *mid);

/** The last descriptions, ours as it would be written now; the caller's. NULL: none. For handle_info. */
char *stoa_connection_local_sdp(const StoaConnection *connection);
char *stoa_connection_remote_sdp(const StoaConnection *connection);
struct StoaFigures; /* figures.h */
/** See stoa_peer_figures(); connection NULL: there is none. */
void stoa_connection_figures(StoaConnection *connection,
                             void (*got)(const struct StoaFigures *figures, void *data), void *data,
                             GDestroyNotify free_data);
/** See stoa_peer_stats(). */
void stoa_connection_stats(StoaConnection *connection, void (*got)(json_t *stats, void *data),
                           void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaConnection, stoa_connection_free)
