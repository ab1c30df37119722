/* SPDX-License-Identifier: MIT */
/* Data channels: one SCTP association per peer, all on the data thread. (RFC 8831, RFC 8832, RFC 9260)
 * usrsctp keeps process-wide state, so nothing of it runs elsewhere; everything here may be called from
 * any thread, posts to the data thread, and does not block. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StoaSctpThread StoaSctpThread; /* one per process */
typedef struct StoaSctp StoaSctp;             /* one association */

enum {
    STOA_SCTP_MESSAGE = 262144, /* bytes of the longest message, both ways */
    STOA_SCTP_STREAMS = 400,    /* both ways: ids 0 to 399; each takes 120 bytes, used or not */
    STOA_SCTP_LABEL = 255,      /* bytes of the longest label or protocol we take */
};

typedef struct {
    uint16_t local_port, remote_port; /* of a=sctp-port; 0: 5000 */
    bool dtls_client;                 /* we are the DTLS client: our new channels have even ids */
    size_t queue_bytes;               /* unsent bytes that may wait; 0: 4 MiB */
    size_t max_message;               /* the peer's a=max-message-size; 0 or more than ours: ours */
} StoaSctpOptions;

/* How a channel behaves. Zeroed: ordered and reliable. */
typedef struct {
    bool unordered;
    bool has_max_retransmits, has_max_lifetime; /* at most one of them */
    uint16_t max_retransmits;
    uint16_t max_lifetime_ms;
} StoaSctpReliability;

/* The channel that a message came on. `label` is "" on a stream that nobody opened (negotiated out of band), whose answers go back
 * there by "". */
typedef struct {
    uint16_t stream;
    const char *label, *protocol;
    StoaSctpReliability reliability;
} StoaSctpOrigin;

/* All called on the data thread; each may be NULL; what they are given is borrowed. */
typedef struct {
    /* An SCTP packet to be sealed by DTLS and sent. */
    void (*packet)(void *user, const uint8_t *buf, size_t len);
    /* The association is up: messages can be sent. */
    void (*connected)(void *user);
    /* A channel is usable: opened by the peer, or ours was acknowledged. */
    void (*channel)(void *user, uint16_t stream, const char *label, const char *protocol);
    /* A whole message. */
    void (*message)(void *user, const StoaSctpOrigin *from, const uint8_t *buf, size_t len,
                    bool is_text);
    /* The peer closed a channel, the association ended, or one of ours could not be opened (STOA_SCTP_STREAMS). */
    void (*channel_closed)(void *user, uint16_t stream, const char *label);
    /* The association ended (by the peer or by failure). Not called after stoa_sctp_close(). */
    void (*closed)(void *user);
    /* The last call with this `user`. */
    void (*gone)(void *user);
    /* Whether messages may come now. While not, nothing is read and SCTP's own window holds the peer back; asked anew
     * every 10 ms. */
    bool (*is_ready)(void *user);
} StoaSctpCallbacks;

typedef enum {
    STOA_SCTP_QUEUED,
    STOA_SCTP_FULL,     /* queue_bytes wait already: try later */
    STOA_SCTP_TOO_LONG, /* longer than the peer takes */
    STOA_SCTP_NOT_OPEN, /* no such stream, or the association is over */
} StoaSctpResult;

/** Start the data thread (once per process: usrsctp). */
StoaSctpThread *stoa_sctp_thread_new(GError **error);

/** Close all associations, wait for the thread, free it. Close them before where `gone` matters. */
void stoa_sctp_thread_free(StoaSctpThread *thread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSctpThread, stoa_sctp_thread_free)

/**
 * Start an association; it connects by itself, packets start to come by the callback. Start it when DTLS is up.
 *
 * @options, @callbacks  copied
 *
 * Returns an association to be ended with stoa_sctp_close().
 */
StoaSctp *stoa_sctp_open(StoaSctpThread *thread, const StoaSctpOptions *options,
                         const StoaSctpCallbacks *callbacks, void *user);

/** Hand over an SCTP packet that DTLS opened; copied. Dropped if too many wait (false). */
bool stoa_sctp_input(StoaSctp *sctp, const uint8_t *buf, size_t len);

/**
 * Open a channel of ours by DCEP; the `channel` callback tells when it is acknowledged.
 * Messages may be sent to its label at once.
 */
void stoa_sctp_open_channel(StoaSctp *sctp, const char *label, const char *protocol,
                            const StoaSctpReliability *reliability);

/**
 * Know a channel that both sides agreed on elsewhere: nothing is sent for it, and its messages come with that label.
 * One that is known on that stream gives way.
 */
void stoa_sctp_add_channel(StoaSctp *sctp, uint16_t stream, const char *label, const char *protocol,
                           const StoaSctpReliability *reliability);

/** Send one message on a stream; copied. It need not be a known channel (negotiated ones have no DCEP). */
StoaSctpResult stoa_sctp_send(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len,
                              bool is_text);

/**
 * As stoa_sctp_send(), to the channel of this label: the peer's, if both sides have one. If there is none, one is opened,
 * ordered and reliable. NULL: the first channel, whatever its label; it waits until there is one.
 */
StoaSctpResult stoa_sctp_send_label(StoaSctp *sctp, const char *label, const uint8_t *buf,
                                    size_t len, bool is_text);

/**
 * Pass on what came on another association, on a channel of that label: the peer's, whatever its kind, else one of ours of the same
 * protocol and kind. If there is none, one is opened.
 */
StoaSctpResult stoa_sctp_relay(StoaSctp *sctp, const char *label, const char *protocol,
                               const StoaSctpReliability *reliability, const uint8_t *buf,
                               size_t len, bool is_text);

/**
 * Close one channel: its stream is reset when what was queued for it is sent, and is used again when the peer has reset its
 * side too. (RFC 8831, 6.7)
 */
void stoa_sctp_close_channel(StoaSctp *sctp, uint16_t stream);

/** The same of the channel of this label: the peer's, if both sides have one. */
void stoa_sctp_close_label(StoaSctp *sctp, const char *label);

/** Unsent bytes that wait on our side. */
size_t stoa_sctp_queued(const StoaSctp *sctp);

/** End it: `sctp` is not to be used any more; callbacks may still come until `gone`. */
void stoa_sctp_close(StoaSctp *sctp);
