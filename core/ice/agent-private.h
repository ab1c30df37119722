/* SPDX-License-Identifier: MIT */
/* What the files of full ICE share: an agent, the thread that it lives on, and the commands that reach it there.
 *
 *   agent.c            what others call: each call becomes a command
 *   agent-thread.c     the ICE thread: conf, commands in the order of their coming
 *   nice.c             one libnice agent: open, credentials, sending, close
 *   nice-candidates.c  which candidates of ours are told, which of the peer's are taken
 *   nice-state.c       what libnice says of the path, and how a lost one is waited for; which pair it chose
 *
 * An agent is made, used and let go on the ICE thread alone: libnice's callbacks and an unref from elsewhere do not mix. All
 * else is a queue that wakes that thread once a burst. */
#pragma once

#include "ice/agent.h"

#include <nice/agent.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "ice/lite.h"

enum {
    STOA_NICE_COMPONENT = 1,
    STOA_NICE_BURST = 64,          /* datagrams given to libnice in one call */
    STOA_NICE_MAX_CANDIDATES = 64, /* of the peer; more are ignored */
    STOA_NICE_PATIENCE_MS = STOA_ICE_CONSENT_US / 1000,
};

typedef enum {
    STOA_ICE_DO_OPEN,
    STOA_ICE_DO_REMOTE,
    STOA_ICE_DO_ROLE,
    STOA_ICE_DO_CANDIDATE,
    STOA_ICE_DO_RESTART,
    STOA_ICE_DO_SEND,
    STOA_ICE_DO_CLOSE,
    STOA_ICE_DO_STOP,
} StoaIceVerb;

typedef struct {
    StoaQueueNode node;
    StoaIceVerb verb;
    StoaIceAgent *agent;
    bool flag;
    char *first, *second;
    size_t len;
    uint8_t bytes[];
} StoaIceCommand;

struct StoaIceThread {
    GThread *thread;
    GMainContext *context;
    GMainLoop *loop;
    StoaQueue *queue;
    GPtrArray *agents; /* StoaIceAgent */
    GPtrArray *dirty;  /* those with something in `burst` */
    unsigned n_closing;
    StoaIceConf conf; /* its strings are copies */
    char **addresses, **mapped;
};

struct StoaIceAgent {
    StoaIceThread *thread;
    StoaIceCallbacks callbacks;
    void *user;
    char ufrag[STOA_ICE_UFRAG + 1], pwd[STOA_ICE_PWD + 1];
    atomic_uint waiting; /* datagrams posted, not yet with libnice */

    /* From here on the ICE thread's alone. */
    bool controlling;
    bool has_remote; /* credentials: before them candidates are kept in `early` */
    bool was_up;
    StoaIceState told;
    StoaIcePair pair;           /* as told last; its address not set: none */
    char *local[2], *remote[2]; /* ufrag and password in use */
    GSource *patience;          /* for so long a lost path may come back; NULL: none is lost */
    unsigned n_candidates;
    NiceAgent *nice;
    guint stream;
    GPtrArray *early;
    unsigned n_burst;
    StoaIceCommand *burst[STOA_NICE_BURST];
};

/* -- agent.c ------------------------------------------------------------------------------- */

StoaIceCommand *stoa_ice_command_new(StoaIceAgent *agent, StoaIceVerb verb, size_t len);
void stoa_ice_command_free(StoaIceCommand *command);
/** Taken. */
void stoa_ice_command_post(StoaIceThread *thread, StoaIceCommand *command);

/* From here on the ICE thread's alone. */

/* -- nice.c -------------------------------------------------------------------------------- */

void stoa_nice_open(StoaIceAgent *agent);
/** No callback comes after this; libnice says goodbye to TURN in its own time. Frees the agent. */
void stoa_nice_close(StoaIceAgent *agent);
void stoa_nice_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd);
void stoa_nice_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd);
/** Takes the command. */
void stoa_nice_send(StoaIceAgent *agent, StoaIceCommand *command);
/** Give libnice what was sent and waits. */
void stoa_nice_flush(StoaIceAgent *agent);
/** Copy credentials; NULL: none. */
void stoa_nice_set_credentials(char *pair[2], const char *ufrag, const char *pwd);

/* -- nice-candidates.c --------------------------------------------------------------------- */

/** Whether a text is an address, and no name. */
bool stoa_nice_is_numeric(const char *text);
void stoa_nice_tell_candidate(StoaIceAgent *agent, NiceCandidate *candidate);
/** A candidate of the peer. @text  NULL: it has no more */
void stoa_nice_candidate(StoaIceAgent *agent, const char *text);
/** Credentials are there: take those that came before. */
void stoa_nice_take_early(StoaIceAgent *agent);

/* -- nice-state.c -------------------------------------------------------------------------- */

/** libnice's component-state-changed. */
void stoa_nice_on_state(NiceAgent *nice, guint stream, guint component, guint state, gpointer data);
/** libnice's new-selected-pair-full. */
void stoa_nice_on_pair(NiceAgent *nice, guint stream, guint component, NiceCandidate *local,
                       NiceCandidate *remote, gpointer data);
/** A restart began: what was up must be up again in time, or it has failed. */
void stoa_nice_await(StoaIceAgent *agent);
void stoa_nice_stop_waiting(StoaIceAgent *agent);
