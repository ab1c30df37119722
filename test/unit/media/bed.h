/* SPDX-License-Identifier: MIT */
/* A media engine in process, and people who talk to it through real sockets: ICE checks, DTLS, SRTP.
 *
 * The test's thread is the control loop; bed_run() lets it and the people's sockets live for a while. */
#pragma once

#include "base/queue.h"
#include "media/command.h"
#include "media/media.h"
#include "net/address.h"
#include "rtp/extension.h"
#include "rtp/header.h"
#include "rtp/rtcp.h"

#include <glib.h>

typedef struct Bed Bed;
typedef struct Person Person;

enum { BED_PAYLOAD = 1200 };

/* One RTP packet that a person received, opened. */
typedef struct {
    StoaRtpHeader header;
    StoaRtpExts exts;
    size_t len;
    uint8_t buf[BED_PAYLOAD + 200];
    size_t sealed_len;
    uint8_t sealed[BED_PAYLOAD + 250]; /* as it came */
    int64_t at_us;
} Received;

typedef struct {
    size_t len;
    uint8_t buf[1500];
} Rtcp;

/* What the data thread hands to a person. */
typedef struct {
    StoaQueueNode node;
    size_t len;
    uint8_t buf[];
} SctpPacket;

struct Person {
    Bed *bed;
    StoaPeerId id;
    const StoaPeerLocal *local;
    int fd; /* UDP, or TCP */
    bool tcp;
    bool slow; /* over TCP, with a small receive buffer */
    bool deaf; /* reads nothing for now */
    StoaAddress server;
    bool is_up, is_down, has_path;
    struct StoaStun *stun; /* answers checks of a full agent; NULL: lite */
    StoaPeerDown why;
    struct StoaDtlsLink *dtls;
    struct StoaSrtpOpen *open;
    struct StoaSrtpSeal *seal;
    bool wants_data;         /* negotiate a data channel section */
    const char *fingerprint; /* what SDP says of its certificate; NULL: the truth */
    struct StoaSctp *sctp;   /* of its own, made by the test; NULL: none */
    StoaQueue *sctp_out;     /* of SctpPacket, to be sealed */
    int sctp_open, sctp_bytes;
    GArray *received;    /* of Received */
    GArray *rtcp;        /* of Rtcp */
    GString *events;     /* what control was told, a word each */
    GByteArray *stream;  /* TCP: bytes not framed yet */
    unsigned lose_every; /* RTP packets that come are lost: each n-th; 0: none */
    unsigned n_came;     /* RTP packets, lost and repeated ones among them */
    size_t last_len;     /* the last of them, sealed */
    uint8_t last[BED_PAYLOAD + 250];
    StoaRtpExtIds ext;
};

/** An engine with so many workers on loopback. */
Bed *bed_new(unsigned workers);
Bed *bed_new_conf(const StoaMediaConf *conf);
void bed_free(Bed *bed);
StoaMedia *bed_media(Bed *bed);
/** The process's data thread, for associations of people. */
struct StoaSctpThread *bed_sctp_thread(Bed *bed);

/** Let everything live for a while, or until `done` says so; false: it did not in time. */
void bed_run(Bed *bed, unsigned ms);
bool bed_until(Bed *bed, unsigned ms, bool (*done)(void *data), void *data);

/** A peer with a client behind it; not connected yet. */
Person *person_new(Bed *bed, uint64_t room);
/** Go through ICE and DTLS; the test fails if that takes over 5 s. */
void person_connect(Person *person);
/** The same, without waiting for the end. */
void person_try(Person *person);
/** Take another socket: its address changes. */
void person_move(Person *person);
/** ICE restart of a full agent, by a client that is where it is now. */
void person_restart(Person *person);
/** As far as one ICE check with its answer. */
void person_check(Person *person);
void person_free(Person *person); /* closes the peer, too */

/** Seal and send. @index  with the roll-over count above bit 16 */
void person_send(Person *person, uint32_t ssrc, uint8_t payload_type, uint64_t index,
                 uint32_t timestamp, bool marker, const void *payload, size_t len);
/** The same with extension elements of one-byte form, `ext_len` a multiple of four. */
void person_send_ext(Person *person, const StoaRtpHeader *header, uint64_t index,
                     const uint8_t *ext, size_t ext_len, const void *payload, size_t len);
/** The same with a header of one's own making, under its number. */
void person_send_packet(Person *person, const uint8_t *header, size_t header_len, uint64_t index,
                        const void *payload, size_t len);
void person_send_rtcp(Person *person, const uint8_t *buf, size_t len);
/** Send raw bytes. */
void person_send_raw(Person *person, const uint8_t *buf, size_t len);

/** The i-th packet received of an SSRC; NULL: there is none. */
const Received *person_received(const Person *person, uint32_t ssrc, unsigned i);
unsigned person_n_received(const Person *person, uint32_t ssrc);
void person_forget(Person *person);
void person_forget_rtcp(Person *person);
/** How many RTCP packets of a type (and FMT or count, -1: any) came. */
unsigned person_n_rtcp(const Person *person, uint8_t type, int count);

/** Rows for tests: opus 111 or VP8 96 with RTX 97, SSRC given or 0. */
StoaReceive bed_audio_in(uint32_t track, const char *mid, uint32_t ssrc);
StoaReceive bed_video_in(uint32_t track, const char *mid, uint32_t ssrc, uint32_t rtx_ssrc);
StoaSend bed_audio_out(uint32_t sink, const char *mid, uint32_t ssrc);
StoaSend bed_video_out(uint32_t sink, const char *mid, uint32_t ssrc, uint32_t rtx_ssrc);

/** A VP8 payload with picture id: `len` bytes, of which the last carry `tag`. */
void bed_vp8(uint8_t *payload, size_t len, bool starts, bool key, uint16_t picture_id,
             uint32_t tag);
uint32_t bed_tag(const Received *received);
