/* SPDX-License-Identifier: MIT */
/* A media worker that only notes what it was told: media/command.h is carried out by these functions instead of the real ones. */
#pragma once

#include "media/command.h"

/* What a worker would know of a peer. */
typedef struct {
    StoaPeerId id;
    bool open, controlling, dtls_client, data;
    const StoaPeerEvents *events;
    void *user;
    StoaPeerLocal local;
    char ufrag[16], pwd[32];
    unsigned n_restarts, n_remotes;
    char *remote_ufrag, *remote_fingerprint;
    GPtrArray *candidates; /* of char *; "end" for the last */
    GArray *receives;      /* StoaReceive */
    GArray *sends;         /* StoaSend */
    StoaRtpExtIds ext;
    GHashTable *routes; /* sink -> StoaTrackRef * */
    size_t
        waiting; /* of data: what stoa_handle_data_waiting() says; nothing is relayed above 4 MiB */
    GHashTable *wishes;   /* "pause 1" -> "true" */
    GHashTable *taps;     /* track -> GDestroyNotify */
    unsigned n_keyframes; /* asked of any track */
    GString *sent;        /* data channel messages, one line each */
    uint32_t bitrate_bps, muted, watched;
    uint32_t heard; /* the track whose voice is listened to; 0: none */
} FakePeer;

extern GPtrArray *fake_peers;  /* by id - 1 */
extern bool fake_is_full;      /* the next open fails */
extern bool fake_is_gathering; /* full ICE */

/** A peer that is open. */
FakePeer *fake_peer(StoaPeerId id);
/** The row of a sink, or of a track; NULL: none. */
const StoaSend *fake_send(StoaPeerId id, uint32_t sink);
const StoaReceive *fake_receive(StoaPeerId id, uint32_t track);
/** A row that must be there. */
const StoaSend *fake_row(StoaPeerId id, uint32_t sink);
/** The source of a sink; .peer 0: none. */
StoaTrackRef fake_route(StoaPeerId id, uint32_t sink);
/** What was last wished for a sink: fake_wish(id, "pause", 1) is "true" or "false"; NULL: nothing. */
const char *fake_wish(StoaPeerId id, const char *what, uint32_t sink);

/** For the setup and teardown of cmocka. Whoever made a peer has closed it. */
int fake_setup(void **unused);
int fake_teardown(void **unused);
/** After a test that failed half-way. */
void fake_reset(void);
