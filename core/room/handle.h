/* SPDX-License-Identifier: MIT */
/* One attachment of a client to a plugin: its state, its seat in a room, its PeerConnection. Signaling gives it an outlet. */
#pragma once

#include "room/module.h"

typedef struct StoaShared StoaShared; /* what many hear: room/shared.h */
typedef struct StoaMember StoaMember; /* a person of a kept room: room/rooms.h */

/* Where a handle's messages go; set by signaling. */
typedef struct {
    /* An event of the plugin. `transaction` NULL: not caused by a request. data and jsep taken; jsep may be NULL. */
    void (*event)(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep);
    /* An event of the core: "webrtcup", "media", "slowlink", "hangup", "ice-failed", "trickle". fields taken, may be NULL. */
    void (*core_event)(StoaHandle *handle, const char *name, json_t *fields);
    /* The server ends the handle: its client is told `detached`; a session, a connection that has nothing else ends too. */
    void (*end)(StoaHandle *handle);
    /* A request failed: instead of `event`. NULL: `event` it is. */
    void (*refused)(StoaHandle *handle, const char *transaction, const GError *error);
    /* An event that many hear: instead of `event`. Borrowed. NULL: `event` it is, with the body to be read only. */
    void (*shared)(StoaHandle *handle, StoaShared *shared);
    /* As `end`, but whatever else the client has goes on. NULL: `end` it is. */
    void (*detach)(StoaHandle *handle);
} StoaHandleOutlet;

/**
 * Attach to a module: its `attached` is called.
 *
 * @user      for the outlet: stoa_handle_user()
 * @log_ids   "session=… handle=…", copied
 *
 * Returns NULL with `error` when the plugin refuses.
 */
StoaHandle *stoa_handle_new(StoaModule *module, const StoaHandleOutlet *outlet, void *user,
                            const char *log_ids, GError **error);

/** The same for a person of a kept room, within StoaSeatReady (room/rooms.h): stoa_member_seat() is to follow. */
StoaHandle *stoa_handle_new_for(StoaModule *module, const StoaHandleOutlet *outlet, void *user,
                                const char *log_ids, StoaMember *member, GError **error);

/** Whether it is a module's own (bridge.h), and not on any connection. */
bool stoa_handle_is_bridge(const StoaHandle *handle);

/** Whose participant token it was attached with; NULL: nobody's. */
StoaMember *stoa_handle_member(const StoaHandle *handle);
bool stoa_handle_has_member(const StoaHandle *handle);

/** Detach: the PeerConnection ends, `detached` is called, the seat is given up. Sends nothing. */
void stoa_handle_free(StoaHandle *handle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaHandle, stoa_handle_free)

void *stoa_handle_user(const StoaHandle *handle);

/** End the PeerConnection, if there is one: `disconnected`, then `hangup` with that reason. False: there was none. */
bool stoa_handle_end_media(StoaHandle *handle, const char *reason);

/** A trickled candidate; NULL: no more. Kept until there is a description. */
void stoa_handle_candidate(StoaHandle *handle, const char *candidate);

/** What handle_info shows: plugin_specific, flags, sdps; new reference. */
json_t *stoa_handle_info(StoaHandle *handle);
/** Statistics of the PeerConnection, given later on control; NULL when there is none. */
void stoa_handle_stats(StoaHandle *handle, void (*got)(json_t *stats, void *data), void *data);
