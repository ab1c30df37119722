/* SPDX-License-Identifier: MIT */
/* stoa/bed.h: the test bed. A plugin runs in your test's process, on the gateway's own rooms, requests and connections; the
 * clock is a fake, the browsers are made of text, and no socket is opened. JSON is written in single quotes, for the eye.
 *
 *     g_autoptr(StoaBed) bed = stoa_bed_new("hands", "max_raised = 1");
 *     StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
 *     stoa_bed_accepts(ana, "raise", "{'up': true}");
 *     stoa_bed_describes(ana, "{'raised': 1, 'mine': true}");
 *
 * Build with `pkg-config --cflags --libs stoa-bed`. A check that fails tells the line of your test and what it got; with
 * cmocka in the program that test fails and the next one runs, without it the program aborts. What is expected ("wanted")
 * may leave members out; null means that a member must be absent; arrays have the same length. */
#pragma once

#include <stoa/plugin.h>

typedef struct StoaBed StoaBed;             /* a gateway with one plugin and one room */
typedef struct StoaBedPerson StoaBedPerson; /* a client attached to the plugin; the bed frees it */

/* -- the bed ------------------------------------------------------------------------------------------------------ */

/**
 * Start a plugin. One bed at a time.
 *
 * @name  the plugin linked into the program if that is its name; else NAME.so is opened, out of the folders in the environment
 *        variable STOA_PLUGINS (with ':' between) and the present one
 * @conf  the text of conf/NAME.conf; without a [section] on top it stands in [module]; "" or NULL: all defaults
 */
STOA_EXPORT StoaBed *stoa_bed_new(const char *name, const char *conf);
/** The same for a start that may fail: NULL with `error`. */
STOA_EXPORT StoaBed *stoa_bed_try(const char *name, const char *conf, GError **error);
/** Everybody leaves, the plugin stops. A PeerConnection or timer that is left over fails the test. */
STOA_EXPORT void stoa_bed_free(StoaBed *bed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaBed, stoa_bed_free)

/** Read another conf, as SIGHUP does. `error` NULL: it must be taken. Else false with `error` when it is not. */
STOA_EXPORT bool stoa_bed_reload(StoaBed *bed, const char *conf, GError **error);

/** Let `ms` go by: the timers that come due fire, each at its own moment; tasks under way end. */
STOA_EXPORT void stoa_bed_advance(StoaBed *bed, unsigned ms);

STOA_EXPORT StoaModule *stoa_bed_module(StoaBed *bed);
/** The room that stoa_bed_join() fills; NULL while it is empty. */
STOA_EXPORT StoaRoom *stoa_bed_room(StoaBed *bed);
/** What a metric of the plugin stands at: how much it was counted in this bed. */
STOA_EXPORT int64_t stoa_bed_counted(StoaBed *bed, const char *metric);
/** Whether a sample of conf/NAME.conf has every key with its default and a comment, and none other. */
STOA_EXPORT void stoa_bed_sample(StoaBed *bed, const char *path);

/* -- people -------------------------------------------------------------------------------------------------------- */

/** Attach, without joining a room. @name: for messages of the bed, and the name in the room. */
STOA_EXPORT StoaBedPerson *stoa_bed_attach(StoaBed *bed, const char *name);
/** Attach and take a seat in the room of the bed, with that role. (A plugin with a `join` of its own is asked for it.) */
STOA_EXPORT StoaBedPerson *stoa_bed_join(StoaBed *bed, const char *name, StoaRole role);
/** Give up the seat; the handle stays. */
STOA_EXPORT void stoa_bed_leave(StoaBedPerson *who);
/** Detach: as if the browser's window was closed. Nothing but this header's "what came" may be asked of it any more. */
STOA_EXPORT void stoa_bed_detach(StoaBedPerson *who);
/* g_autoptr(StoaBedPerson) detaches at the end of its scope; without it the bed does at its own. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaBedPerson, stoa_bed_detach)
STOA_EXPORT StoaHandle *stoa_bed_handle(StoaBedPerson *who);
/** NULL when it sits in no room. */
STOA_EXPORT StoaParticipant *stoa_bed_participant(StoaBedPerson *who);

/* -- requests ------------------------------------------------------------------------------------------------------ */

/** A whole body, and what its answer must have, refusal or not. */
STOA_EXPORT void stoa_bed_asks(StoaBedPerson *who, const char *body, const char *wanted);
/** A request with these arguments ("{…}" or NULL) must succeed. */
STOA_EXPORT void stoa_bed_accepts(StoaBedPerson *who, const char *request, const char *args);
/** It must fail with that code. */
STOA_EXPORT void stoa_bed_refuses(StoaBedPerson *who, const char *request, const char *args,
                                  StoaErrorCode code);
/** It must fail for that reason: one of `.numbers`, of stoa_refuse(), or the core's ("missing_element", "wrong_type"). */
STOA_EXPORT void stoa_bed_refuses_as(StoaBedPerson *who, const char *request, const char *args,
                                     const char *reason);
/** A whole body must be refused with that number. */
STOA_EXPORT void stoa_bed_refuses_number(StoaBedPerson *who, const char *body, int number);
/** The answer to the last request; borrowed until the next. */
STOA_EXPORT const json_t *stoa_bed_reply(StoaBedPerson *who);

/* -- what arrived by itself ------------------------------------------------------------------------------------------ */

/** The first event of that name must fit; it is taken out, those before it stay. */
STOA_EXPORT void stoa_bed_event(StoaBedPerson *who, const char *event, const char *wanted);
/** What came next must fit, whatever it is. Events of the core read {'core': 'webrtcup'}. */
STOA_EXPORT void stoa_bed_hears(StoaBedPerson *who, const char *wanted);
STOA_EXPORT void stoa_bed_hears_nothing(StoaBedPerson *who);
/** Forget what came so far. */
STOA_EXPORT void stoa_bed_forget(StoaBedPerson *who);
/** What the plugin's `describe` shows to that person. */
STOA_EXPORT void stoa_bed_describes(StoaBedPerson *who, const char *wanted);

/* -- lasting state: with STOA_CAP_HISTORY the bed's room is one that is kept, in a store in memory. ------------------
 * The id of a person in it is their name, where it can be one; who joins twice is one person. */

/**
 * End the gateway and start it again: who sat in the room sits in it, and what came before is forgotten. Twice: the state is made
 * of the records alone, then of what `save` wrote; both must describe the same to everyone.
 */
STOA_EXPORT void stoa_bed_restart(StoaBed *bed);
/** From here on nothing can be written, for the disk is full; or again. */
STOA_EXPORT void stoa_bed_fill_disk(StoaBed *bed, bool full);
/** Erase a person, as DELETE /me does: `redact` is asked for each of their records, `redact_other` for those of others, and their
 * name is gone. */
STOA_EXPORT void stoa_bed_erase(StoaBedPerson *who);
/** Whether that text is in any record or snapshot that is kept. */
STOA_EXPORT bool stoa_bed_keeps(StoaBed *bed, const char *text);

/* -- media and data: the browser's side, and what a worker was told ---------------------------------------------------- */

/** A request along with an offer of these tracks: "audio video data", an m-line for each word. */
STOA_EXPORT void stoa_bed_publish(StoaBedPerson *who, const char *body, const char *tracks,
                                  const char *wanted);
/** A request along with the answer to the last offer that came. */
STOA_EXPORT void stoa_bed_answer(StoaBedPerson *who, const char *body, const char *wanted);
/** The offer or answer that came last; NULL: none since the last request. */
STOA_EXPORT const char *stoa_bed_sdp(StoaBedPerson *who);
/** The PeerConnection comes up (the person hears `webrtcup`), or breaks down. */
STOA_EXPORT void stoa_bed_connects(StoaBedPerson *who);
STOA_EXPORT void stoa_bed_breaks(StoaBedPerson *who);
/** How many tracks are sent to that person, whose it is that one of them shows (NULL: none), whether it is held back. */
STOA_EXPORT unsigned stoa_bed_n_shown(StoaBedPerson *who);
STOA_EXPORT StoaBedPerson *stoa_bed_shown(StoaBedPerson *who, unsigned index);
STOA_EXPORT bool stoa_bed_is_held(StoaBedPerson *who, unsigned index);
/** How often a keyframe was asked of that person's camera, and the bitrate it was told. */
STOA_EXPORT unsigned stoa_bed_n_keyframes(StoaBedPerson *who);
STOA_EXPORT int64_t stoa_bed_bitrate(StoaBedPerson *who);
/** A text on a data channel; and what was sent back so far, "LABEL TEXT\n" for each. */
STOA_EXPORT void stoa_bed_says(StoaBedPerson *who, const char *label, const char *text);
STOA_EXPORT const char *stoa_bed_heard(StoaBedPerson *who);

/* -- routes (STOA_CAP_HTTP) and bridges: the one module that a bridge finds on the bed is the plugin itself ------------- */

/** An HTTP request, "POST /m/NAME/x", must be answered with that status; 0: not yet. @headers  "Name: value\n…", or NULL */
STOA_EXPORT void stoa_bed_calls(StoaBed *bed, const char *line, const char *headers,
                                const char *body, unsigned status);
/** The last call must have got that answer by now. */
STOA_EXPORT void stoa_bed_answered(StoaBed *bed, unsigned status);
/** A header of the last answer (NULL: it has none of that name), and its body. Borrowed until the next call. */
STOA_EXPORT const char *stoa_bed_answer_header(StoaBed *bed, const char *name);
STOA_EXPORT const char *stoa_bed_answer_body(StoaBed *bed);

/** The place in the test that a complaint names; the macros below note it. */
STOA_EXPORT void stoa_bed_here(const char *file, int line);

#ifndef STOA_BED_WITHOUT_PLACES
#define STOA_BED_AT(call)            (stoa_bed_here(__FILE__, __LINE__), call)
#define stoa_bed_new(...)            STOA_BED_AT(stoa_bed_new(__VA_ARGS__))
#define stoa_bed_reload(...)         STOA_BED_AT(stoa_bed_reload(__VA_ARGS__))
#define stoa_bed_advance(...)        STOA_BED_AT(stoa_bed_advance(__VA_ARGS__))
#define stoa_bed_counted(...)        STOA_BED_AT(stoa_bed_counted(__VA_ARGS__))
#define stoa_bed_sample(...)         STOA_BED_AT(stoa_bed_sample(__VA_ARGS__))
#define stoa_bed_attach(...)         STOA_BED_AT(stoa_bed_attach(__VA_ARGS__))
#define stoa_bed_join(...)           STOA_BED_AT(stoa_bed_join(__VA_ARGS__))
#define stoa_bed_asks(...)           STOA_BED_AT(stoa_bed_asks(__VA_ARGS__))
#define stoa_bed_accepts(...)        STOA_BED_AT(stoa_bed_accepts(__VA_ARGS__))
#define stoa_bed_refuses(...)        STOA_BED_AT(stoa_bed_refuses(__VA_ARGS__))
#define stoa_bed_refuses_as(...)     STOA_BED_AT(stoa_bed_refuses_as(__VA_ARGS__))
#define stoa_bed_refuses_number(...) STOA_BED_AT(stoa_bed_refuses_number(__VA_ARGS__))
#define stoa_bed_event(...)          STOA_BED_AT(stoa_bed_event(__VA_ARGS__))
#define stoa_bed_hears(...)          STOA_BED_AT(stoa_bed_hears(__VA_ARGS__))
#define stoa_bed_hears_nothing(...)  STOA_BED_AT(stoa_bed_hears_nothing(__VA_ARGS__))
#define stoa_bed_describes(...)      STOA_BED_AT(stoa_bed_describes(__VA_ARGS__))
#define stoa_bed_restart(...)        STOA_BED_AT(stoa_bed_restart(__VA_ARGS__))
#define stoa_bed_fill_disk(...)      STOA_BED_AT(stoa_bed_fill_disk(__VA_ARGS__))
#define stoa_bed_erase(...)          STOA_BED_AT(stoa_bed_erase(__VA_ARGS__))
#define stoa_bed_publish(...)        STOA_BED_AT(stoa_bed_publish(__VA_ARGS__))
#define stoa_bed_answer(...)         STOA_BED_AT(stoa_bed_answer(__VA_ARGS__))
#define stoa_bed_connects(...)       STOA_BED_AT(stoa_bed_connects(__VA_ARGS__))
#define stoa_bed_breaks(...)         STOA_BED_AT(stoa_bed_breaks(__VA_ARGS__))
#define stoa_bed_shown(...)          STOA_BED_AT(stoa_bed_shown(__VA_ARGS__))
#define stoa_bed_says(...)           STOA_BED_AT(stoa_bed_says(__VA_ARGS__))
#define stoa_bed_calls(...)          STOA_BED_AT(stoa_bed_calls(__VA_ARGS__))
#define stoa_bed_answered(...)       STOA_BED_AT(stoa_bed_answered(__VA_ARGS__))
#endif
