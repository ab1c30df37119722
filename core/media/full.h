/* SPDX-License-Identifier: MIT */
#pragma once /* Full ICE: an agent on the ICE thread instead of a place in the worker's hub. */

#include "media/media-private.h"

/**
 * Make an agent whose datagrams and states go to a peer on its worker, and whose candidates go to control.
 *
 * Returns the agent; the worker's peer ends it. NULL: it cannot be made. Thread: control.
 */
StoaIceAgent *stoa_full_open(StoaMedia *media, StoaWorker *worker, StoaPeerId peer,
                             bool controlling);
