/* SPDX-License-Identifier: MIT */
#pragma once /* Who has the floor: what is voice in a track's levels, and whose it is in a room. Pure, no clock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STOA_VOICE_WINDOW_US = 200000 }; /* one judgement for so much sound */

/* One track, where its packets come in. Zeroed it is fresh. */
typedef struct {
    int64_t window; /* that is being gathered: time in windows */
    unsigned n, sum;
    double noise; /* what is heard when nobody speaks: dBov without sign */
} StoaVoice;

/**
 * Take one packet's audio level.
 *
 * @dbov      without sign: 0 loudest, 127 silence
 * @loudness  written on true: dB above silence, 0 to 127
 *
 * Returns true if a window ended that had voice in it: louder than silence and than the noise of that track.
 */
bool stoa_voice_input(StoaVoice *voice, int64_t now_us, uint8_t dbov, double *loudness);

/* All tracks of a room. A cough gives nobody the floor, a second of speech does; while two speak it stays where it is,
 * unless one is clearly louder for long; silence leaves it with who spoke last. */
typedef struct StoaSpeakers StoaSpeakers;

typedef enum {
    STOA_SPEAKERS_SAME = 0,
    STOA_SPEAKERS_BEGAN = 1 << 0, /* this one began to speak: it is the most recent speaker now */
    STOA_SPEAKERS_DOMINANT = 1 << 1, /* and it has the floor, which another had, or nobody */
} StoaSpeakersChange;

StoaSpeakers *stoa_speakers_new(void);
void stoa_speakers_free(StoaSpeakers *speakers);

/** Voice was heard on a track. @key  names it, never NULL */
StoaSpeakersChange stoa_speakers_input(StoaSpeakers *speakers, int64_t now_us, const void *key,
                                       double loudness);

/** A track is gone: if it had the floor, nobody has. */
void stoa_speakers_forget(StoaSpeakers *speakers, const void *key);

/** Who has the floor; NULL: nobody has spoken yet. */
const void *stoa_speakers_dominant(const StoaSpeakers *speakers);

/** The track that spoke most recently (0), the one before (1), and so on; NULL: no more have spoken. */
const void *stoa_speakers_recent(const StoaSpeakers *speakers, unsigned index);
