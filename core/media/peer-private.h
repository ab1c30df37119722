/* SPDX-License-Identifier: MIT */
/* What the state table of a peer calls, and what its parts share. */
#pragma once

#include "media/outlet.h"
#include "media/peer.h"

void stoa_peer_start_dtls(StoaPeer *peer);
void stoa_peer_open_media(StoaPeer *peer);
void stoa_peer_go_down(StoaPeer *peer);

/* data.c */
void stoa_peer_open_data(StoaPeer *peer);
void stoa_peer_close_data(StoaPeer *peer);
