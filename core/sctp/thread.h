/* SPDX-License-Identifier: MIT */
/* Inside sctp/ only: the data thread, its messages, and what an association is made of. */
#pragma once

#include <stdatomic.h>
#include <usrsctp.h>

#include "base/queue.h"
#include "sctp/association.h"
#include "sctp/dcep.h"

/* What other threads ask of the data thread. */
typedef enum {
    STOA_SCTP_DO_OPEN,
    STOA_SCTP_DO_INPUT,
    STOA_SCTP_DO_SEND,
    STOA_SCTP_DO_SEND_LABEL,
    STOA_SCTP_DO_RELAY,
    STOA_SCTP_DO_OPEN_CHANNEL,
    STOA_SCTP_DO_ADD_CHANNEL,
    STOA_SCTP_DO_CLOSE_CHANNEL,
    STOA_SCTP_DO_CLOSE_LABEL,
    STOA_SCTP_DO_CLOSE,
} StoaSctpVerb;

typedef struct {
    StoaQueueNode node;
    StoaSctp *sctp;
    StoaSctpVerb verb;
    uint16_t stream;
    bool is_text;
    bool has_label; /* false: any channel */
    StoaSctpReliability reliability;
    char label[STOA_SCTP_LABEL + 1],
        protocol[STOA_SCTP_LABEL + 1]; /* only as far as the verb needs */
    size_t len;
    uint8_t *bytes; /* behind the message itself */
} StoaSctpMessage;

typedef struct {
    uint16_t stream;
    bool unordered, confirmed; /* confirmed: the peer has it, unordered messages may fly */
    bool by_peer;              /* it opened the channel, not we */
    bool opened;               /* by the peer, with a DATA_CHANNEL_OPEN */
    StoaDcepPolicy policy;
    uint32_t limit;
    char *label, *protocol;
} StoaSctpChannel;

/* One message on its way out, waiting for room in usrsctp; or the reset of its stream, behind its last message. */
typedef struct {
    int64_t queued_us;
    uint32_t ppid; /* STOA_SCTP_RESET: no message */
    uint16_t stream;
    size_t cost; /* its share of `queued` */
    size_t len;
    uint8_t bytes[];
} StoaSctpOutgoing;

/* A message of a stream that came in part. */
typedef struct {
    GByteArray *bytes;
    bool skip; /* too long: dropped up to its end */
} StoaSctpPart;

struct StoaSctp {
    StoaSctpThread *thread;
    StoaSctpOptions options;
    StoaSctpCallbacks callbacks;
    void *user;
    atomic_size_t queued;  /* bytes posted or waiting, not yet with usrsctp */
    atomic_size_t waiting; /* packets posted, not yet taken */
    atomic_bool over;

    /* From here on the data thread's alone. */
    uintptr_t id; /* its address as usrsctp knows it; never used twice */
    struct socket *socket;
    bool is_connected, is_dirty;
    GHashTable *channels; /* stream -> StoaSctpChannel */
    GQueue channel_order; /* StoaSctpChannel, oldest first */
    GQueue outgoing;      /* StoaSctpOutgoing */
    GQueue held;          /* the same, for the first channel: there is none yet */
    GHashTable *parts;    /* stream and order -> StoaSctpPart */
    size_t part_bytes;
    GArray *resets; /* uint16_t: streams whose reset usrsctp has not taken yet */
    uint8_t closing[STOA_SCTP_STREAMS]; /* whose reset a stream waits for: not free, not written */
};

struct StoaSctpThread {
    GThread *thread;
    StoaQueue *queue;
    GHashTable *associations; /* id -> StoaSctp */
    uintptr_t last_id;

    atomic_bool stop;
    uint8_t *buf; /* for one whole message */
};

enum { STOA_SCTP_RESET = 0 }; /* no payload has this identifier */
enum {
    STOA_SCTP_OURS = 1 << 0,      /* ours is in line, or under way */
    STOA_SCTP_RESETTING = 1 << 1, /* ours is under way: nothing may be written */
    STOA_SCTP_THEIRS = 1 << 2,    /* we closed it, the peer has not yet */
};

enum {
    STOA_SCTP_COST = 64, /* of a message in `queued`, beside its bytes: empty ones are not free */
    STOA_SCTP_READ = STOA_SCTP_MESSAGE + 1024, /* bytes of StoaSctpThread.buf */
};

/* -- socket.c: one usrsctp socket ---------------------------------------------------------- */

/** Make the socket and start to connect; false: `over`. */
bool stoa_sctp_socket_open(StoaSctp *sctp);

/** End it at once (ABORT, no lingering). Harmless if it is not open. */
void stoa_sctp_socket_close(StoaSctp *sctp);

/** Read all that waits, then write what fits. */
void stoa_sctp_socket_serve(StoaSctp *sctp);

/** Send `outgoing` as far as usrsctp takes it, and resets. */
void stoa_sctp_socket_flush(StoaSctp *sctp);

/* -- channel.c: labels, DCEP, messages ----------------------------------------------------- */

StoaSctpChannel *stoa_sctp_channel_find(StoaSctp *sctp, uint16_t stream);
StoaSctpChannel *stoa_sctp_channel_find_label(StoaSctp *sctp, const char *label);
/** The same, but of ours only those of that protocol and kind. */
StoaSctpChannel *stoa_sctp_channel_find_like(StoaSctp *sctp, const char *label,
                                             const char *protocol,
                                             const StoaSctpReliability *reliability);

/** Open one of ours; NULL when no stream is left. */
StoaSctpChannel *stoa_sctp_channel_open(StoaSctp *sctp, const char *label, const char *protocol,
                                        const StoaSctpReliability *reliability);

/** Know one that was agreed on elsewhere. */
void stoa_sctp_channel_add(StoaSctp *sctp, uint16_t stream, const char *label, const char *protocol,
                           const StoaSctpReliability *reliability);

/** The peer closed it, or we do: forget it and reset our side. */
void stoa_sctp_channel_close(StoaSctp *sctp, uint16_t stream, bool by_peer);

/** It is all over: each channel is closed. */
void stoa_sctp_channel_close_all(StoaSctp *sctp);

/** A whole message came in. */
void stoa_sctp_channel_input(StoaSctp *sctp, uint16_t stream, uint32_t ppid, const uint8_t *buf,
                             size_t len);

/** Queue one message that was counted in `queued`; an empty one becomes one byte with a PPID of its own. */
void stoa_sctp_channel_output(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len,
                              bool is_text);

/** The same for the first channel, whatever its label; until there is one it waits. */
void stoa_sctp_channel_output_any(StoaSctp *sctp, const uint8_t *buf, size_t len, bool is_text);

/** Free a channel: for the table. */
void stoa_sctp_channel_free(void *channel);
