/* SPDX-License-Identifier: MIT */
/* The numbers of the session protocol's errors. (Janus API section 5) */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef enum {
    STOA_WIRE_UNAUTHORIZED = 403,
    STOA_WIRE_LIMIT = 450, /* "transport-specific": a limit of this server was passed */
    STOA_WIRE_UNKNOWN_VERB = 453,
    STOA_WIRE_BAD_JSON = 454,
    STOA_WIRE_BAD_OBJECT = 455,
    STOA_WIRE_MISSING = 456,
    STOA_WIRE_BAD_LEVEL = 457,
    STOA_WIRE_NO_SESSION = 458,
    STOA_WIRE_NO_HANDLE = 459,
    STOA_WIRE_NO_PLUGIN = 460,
    STOA_WIRE_ATTACH_REFUSED = 461,
    STOA_WIRE_BAD_JSEP_TYPE = 464,
    STOA_WIRE_BAD_SDP = 465,
    STOA_WIRE_WRONG_TYPE = 467,
    STOA_WIRE_ID_TAKEN = 468,
    STOA_WIRE_UNEXPECTED_ANSWER = 469,
    STOA_WIRE_NO_TOKEN = 470,
    STOA_WIRE_NOT_ACCEPTING = 472,
    STOA_WIRE_UNKNOWN = 490,
} StoaWireError;

/**
 * {"janus": "error", session_id?, transaction?, error: {code, reason}}. New reference.
 *
 * @session      0: none was named
 * @transaction  NULL: left out
 */
json_t *stoa_wire_error(StoaWireError code, uint64_t session, const char *transaction,
                        const char *fmt, ...) G_GNUC_PRINTF(4, 5);
