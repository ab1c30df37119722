/* SPDX-License-Identifier: MIT */
/* One `message` to a plugin: found in the method table, checked against its rows, carried out, answered. */
#pragma once

#include "room/handle.h"

/* What arrived. Borrowed during the call. */
typedef struct {
    const char *transaction;
    json_t *body;
    StoaJsep jsep;
    const char *sdp; /* of the jsep */
} StoaMessage;

typedef enum { STOA_MESSAGE_SYNC, STOA_MESSAGE_ASYNC } StoaMessageMode;

/**
 * Whether the answer belongs into the transport's own reply. Of an unknown request: asynchronous, unless the plugin speaks the
 * rooms API.
 */
StoaMessageMode stoa_request_mode(StoaModule *module, const json_t *body);

/** The requests that the core has for that plugin: join, leave, state, resume, the last two for "room"; NULL: none. */
const StoaMethod *stoa_request_builtin(const StoaPlugin *plugin);

/**
 * Carry out a message.
 *
 * Synchronous: returns the `data` of the answer, errors included. Asynchronous: the outlet's `event` was called, returns NULL.
 * @handle  NULL: asked by the operator (synchronous methods only)
 */
json_t *stoa_request_run(StoaModule *module, StoaHandle *handle, const StoaMessage *message);
/** The same; of a synchronous request that failed also `why`. */
json_t *stoa_request_run_or_fail(StoaModule *module, StoaHandle *handle, const StoaMessage *message,
                                 GError **why);

/* What became of a file: `reply` (borrowed) once it is on disk, or `error`. */
typedef void StoaFileDone(const json_t *reply, const GError *error, void *data);

/**
 * Tell a module of an uploaded file (`file_added`).
 *
 * @view  of that module
 * @who   who uploaded it, as stoa_room_member() gives it
 * @done  called once, also before this returns
 */
void stoa_request_run_file(StoaRoom *view, StoaParticipant *who, const StoaFile *file,
                           StoaFileDone *done, void *data);
