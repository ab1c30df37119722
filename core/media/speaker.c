/* SPDX-License-Identifier: MIT */
/* The last second of each track in windows of 200 ms, and an average that fades: after the idea of Volfin and Cohen, "Dominant
 * speaker identification for multipoint videoconferencing" (2012), with two spans of time instead of three. */
#include "media/speaker.h"

#include <glib.h>
#include <math.h>

#include "base/poison.h"

enum {
    WINDOWS = 5,     /* that are remembered: one second */
    SPEAKS = 4,      /* of them with voice: somebody speaks. A cough is two, three at most */
    PAUSES = 2,      /* of them with voice: somebody has stopped, the floor is free */
    QUIET_DBOV = 55, /* nothing below is voice */
    START_NOISE_DBOV = 70,
};
static const double above_noise_db = 6, noise_rise_db = 0.1; /* a window: half a dB in a second */
static const double fade = 0.7, louder_db = 6;

/* -- one track ------------------------------------------------------------------------------------- */

static void follow_noise(StoaVoice *voice, double dbov)
{
    if (voice->noise <= 0)
        voice->noise = START_NOISE_DBOV;
    if (dbov > voice->noise)
        voice->noise += (dbov - voice->noise) / 2;
    else
        voice->noise -= noise_rise_db;
}

bool stoa_voice_input(StoaVoice *voice, int64_t now_us, uint8_t dbov, double *loudness)
{
    int64_t window = now_us / STOA_VOICE_WINDOW_US;
    bool has_voice = false;

    if (window != voice->window && voice->n > 0) {
        double average = (double)voice->sum / voice->n;

        has_voice = average < QUIET_DBOV && average < voice->noise - above_noise_db;
        *loudness = has_voice ? 127 - average : *loudness;
        follow_noise(voice, average);
        voice->n = voice->sum = 0;
    }
    if (voice->noise <= 0)
        voice->noise = START_NOISE_DBOV;
    voice->window = window;
    voice->sum += MIN(dbov, 127);
    voice->n++;
    return has_voice;
}

/* -- a room ------------------------------------------------------------------------------------------ */

typedef struct {
    const void *key;
    int64_t window; /* of the last bit */
    unsigned bits;  /* windows with voice, the last one lowest */
    double loud;    /* fading average of the loudness */
    int64_t spoke_us;
} Speaker;

struct StoaSpeakers {
    GArray *list;         /* of Speaker */
    const void *dominant; /* NULL: nobody */
};

StoaSpeakers *stoa_speakers_new(void)
{
    StoaSpeakers *speakers = g_new0(StoaSpeakers, 1);

    speakers->list = g_array_new(FALSE, FALSE, sizeof(Speaker));
    return speakers;
}

void stoa_speakers_free(StoaSpeakers *speakers)
{
    if (!speakers)
        return;
    g_array_unref(speakers->list);
    g_free(speakers);
}

static Speaker *find(const StoaSpeakers *speakers, const void *key)
{
    for (unsigned i = 0; key && i < speakers->list->len; i++) {
        Speaker *speaker = &g_array_index(speakers->list, Speaker, i);
        if (speaker->key == key)
            return speaker;
    }
    return NULL;
}

static void advance(Speaker *speaker, int64_t window)
{
    int64_t steps = CLAMP(window - speaker->window, 0, 64);

    speaker->bits = steps < WINDOWS ? speaker->bits << steps & ((1u << WINDOWS) - 1) : 0;
    speaker->loud *= pow(fade, (double)steps);
    speaker->window = MAX(window, speaker->window);
}

static int n_voiced(const Speaker *speaker)
{
    return __builtin_popcount(speaker->bits);
}

static Speaker *find_or_add(StoaSpeakers *speakers, const void *key)
{
    Speaker *speaker = find(speakers, key);
    Speaker fresh = { .key = key };

    if (speaker)
        return speaker;
    g_array_append_val(speakers->list, fresh);
    return &g_array_index(speakers->list, Speaker, speakers->list->len - 1);
}

static bool takes_the_floor(StoaSpeakers *speakers, const Speaker *speaker)
{
    Speaker *holder = find(speakers, speakers->dominant);

    if (speakers->dominant == speaker->key)
        return false;
    if (!holder)
        return true;
    advance(holder, speaker->window - 1); /* its own packets of this window may come later */
    return n_voiced(holder) <= PAUSES || speaker->loud >= holder->loud + louder_db;
}

StoaSpeakersChange stoa_speakers_input(StoaSpeakers *speakers, int64_t now_us, const void *key,
                                       double loudness)
{
    Speaker *speaker = find_or_add(speakers, key);
    StoaSpeakersChange change = STOA_SPEAKERS_SAME;

    advance(speaker, now_us / STOA_VOICE_WINDOW_US);
    if (!(speaker->bits & 1))
        speaker->loud += (1 - fade) * loudness;
    speaker->bits |= 1;
    if (n_voiced(speaker) < SPEAKS)
        return change;
    if (speaker->spoke_us == 0 || now_us - speaker->spoke_us > WINDOWS * STOA_VOICE_WINDOW_US)
        change |= STOA_SPEAKERS_BEGAN;
    speaker->spoke_us = MAX(now_us, 1);
    if (takes_the_floor(speakers, speaker)) {
        speakers->dominant = key;
        change |= STOA_SPEAKERS_DOMINANT;
    }
    return change;
}

void stoa_speakers_forget(StoaSpeakers *speakers, const void *key)
{
    Speaker *speaker = find(speakers, key);

    if (speaker)
        g_array_remove_index_fast(speakers->list,
                                  (unsigned)(speaker - (Speaker *)(void *)speakers->list->data));
    if (speakers->dominant == key)
        speakers->dominant = NULL;
}

const void *stoa_speakers_dominant(const StoaSpeakers *speakers)
{
    return speakers->dominant;
}

const void *stoa_speakers_recent(const StoaSpeakers *speakers, unsigned index)
{
    for (unsigned i = 0; i < speakers->list->len; i++) {
        const Speaker *speaker = &g_array_index(speakers->list, Speaker, i);
        unsigned n_later = 0;

        for (unsigned j = 0; j < speakers->list->len; j++) {
            const Speaker *other = &g_array_index(speakers->list, Speaker, j);
            n_later += other->spoke_us > speaker->spoke_us ||
                       (other->spoke_us == speaker->spoke_us && j < i);
        }
        if (speaker->spoke_us > 0 && n_later == index)
            return speaker->key;
    }
    return NULL;
}
