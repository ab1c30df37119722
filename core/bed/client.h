/* SPDX-License-Identifier: MIT */
/* A browser made of text: it writes offers, and says yes to ours. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char ufrag[16];
    const char *fingerprint;
} BedClient;

/* One m-line of a client's offer. Rows end with one without `kind`. */
typedef struct {
    const char *kind; /* "audio" "video" "application" "text" */
    const char *mid;
    const char *direction;
    const char *codecs; /* "96 VP8,102 H264"; NULL: opus or VP8 */
    uint32_t ssrc;
    const char *extra; /* more lines */
    bool stopped;
} ClientLine;

extern const char finger_a[]; /* the fingerprint of all, unless a test says otherwise */

/** The `n`th of them: its ICE name and its fingerprint. */
void bed_client_init(BedClient *me, unsigned n);

/** An offer of these lines. To be freed. */
char *client_offer(const BedClient *me, const ClientLine *lines);

/** Its answer to an offer of ours. @refused: the mids that it does not want, ",1,3,"; NULL: it takes all. To be freed. */
char *client_answer(const BedClient *me, const char *offer, const char *refused);
