/* SPDX-License-Identifier: MIT */
/* PeerConnections for the API tests: JSON lines in, JSON lines out; test/lib/peers.mjs does the signaling.
 *
 * {"do": "open", "id": N}                          answers {id, transport, candidate}
 * {"do": "remote", "id", "sdp", "offered": BOOL}   ICE and DTLS start; later {id, "up": true} or {id, "failed": WHY}
 * {"do": "send", "id", "ssrc", "pt", "lose": N}    a packet every 20 ms, each with a counter; ssrc 0: stop; each Nth is lost
 * {"do": "packets", "id", "packets": [HEX]}        these leave at once, plain RTP with their headers
 * {"do": "rtcp", "id", "packets": [HEX]}           likewise, plain RTCP datagrams
 * {"do": "hear", "id", "on": BOOL}                 keep what comes from now on
 * {"do": "heard", "id"}                            answers {id, heard: [[MS, HEX]]}: when it came, and plain RTP with headers;
 *                                                  and forgets it
 * {"do": "told", "id"}                             likewise {id, told: [[MS, HEX]]}, of RTCP
 * {"do": "count", "id"}                            answers {id, sent, streams: {SSRC: {n, first, last, gap_ms}}}, the gap
 *                                                  the longest between two packets since the last count
 * {"do": "gaps", "id"}                            answers {id, gaps: [N]}: how many times a packet came 0, 1, 2 … ms after the one
 *                                                  before, and forgets it; longer than a second counts as that
 * {"do": "move", "id", "ip", "aware": BOOL}        another socket, there; aware: a check leaves at once, else when it is due
 * {"do": "restart", "id"}                          new ICE credentials: {id, transport, candidate}; then "remote" again
 * {"do": "candidate", "id", "candidate"}           one of the other side's
 * {"do": "silence", "id", "on": BOOL}              nothing leaves, no check either, and nothing that comes is heard
 * {"do": "close", "id"}                            goodbye by close_notify */
#include "sl.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    MAX_PEERS = 4096,
    MAX_STREAMS = 16,
    EVERY_NS = 20000000,
    HEADER = 12,
    LEN = 80,
    GAPS = 1001
};

typedef struct {
    uint32_t ssrc, n, first, last;
    uint64_t at_ns, gap_ns;
} Stream;

typedef struct {
    pc_t *pc;
    unsigned id;
    uint32_t ssrc, sent, lose;
    uint8_t payload_type;
    int silent;
    uint64_t next_ns;
    Stream streams[MAX_STREAMS];
    json_t *heard, *told; /* RTP and RTCP; NULL: nothing is kept */
    uint32_t gaps[GAPS];
} Peer;

static Peer *peers[MAX_PEERS];
static unsigned n_peers, n_silent;
int g_ep;

int ev_add(evsrc *e, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = e };

    return epoll_ctl(g_ep, EPOLL_CTL_ADD, e->fd, &event);
}

static void say(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    puts(text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

static Peer *find(unsigned id)
{
    for (unsigned i = 0; i < n_peers; i++)
        if (peers[i]->id == id)
            return peers[i];
    return NULL;
}

/* -- what the connection tells ------------------------------------------------------------- */

static void on_up(pc_t *pc, void *user)
{
    say(json_pack("{s:i, s:b}", "id", (int)((Peer *)user)->id, "up", 1));
}

static void on_failed(pc_t *pc, void *user, const char *why)
{
    say(json_pack("{s:i, s:s}", "id", (int)((Peer *)user)->id, "failed", why));
}

static Stream *find_stream(Peer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < MAX_STREAMS; i++)
        if (peer->streams[i].n == 0 || peer->streams[i].ssrc == ssrc)
            return &peer->streams[i];
    return NULL;
}

/* -- packets in full ------------------------------------------------------------------------ */

static json_t *timed(uint64_t at_ns, const uint8_t *buf, int len)
{
    char text[2 * 2048 + 1] = "";

    for (int i = 0; i < len && i < 2048; i++)
        snprintf(text + 2 * i, 3, "%02x", buf[i]);
    return json_pack("[f, s]", (double)at_ns / 1e6, text);
}

static int read_hex(const char *text, uint8_t *buf, int size)
{
    int len = 0;

    for (unsigned byte; len < size && sscanf(text + 2 * len, "%2x", &byte) == 1; len++)
        buf[len] = (uint8_t)byte;
    return len;
}

static void do_packets(Peer *peer, const json_t *packets)
{
    for (size_t i = 0; i < json_array_size(packets); i++) {
        uint8_t buf[2048 + 64], *list[] = { buf };
        int len = read_hex(json_string_value(json_array_get(packets, i)), buf, 2048);

        if (pc_protect(peer->pc, buf, &len) == 0)
            pc_send_batch(peer->pc, list, &len, 1);
    }
}

static void do_rtcp(Peer *peer, const json_t *packets)
{
    for (size_t i = 0; i < json_array_size(packets); i++) {
        uint8_t buf[2048 + 64];
        int len = read_hex(json_string_value(json_array_get(packets, i)), buf, 2048);

        pc_send_rtcp(peer->pc, buf, len);
    }
}

static void do_hear(Peer *peer, int on)
{
    json_decref(peer->heard);
    json_decref(peer->told);
    peer->heard = on ? json_array() : NULL;
    peer->told = on ? json_array() : NULL;
}

static void do_heard(Peer *peer)
{
    say(json_pack("{s:i, s:o}", "id", (int)peer->id, "heard",
                  peer->heard ? peer->heard : json_array()));
    peer->heard = peer->heard ? json_array() : NULL;
}

static void do_told(Peer *peer)
{
    say(json_pack("{s:i, s:o}", "id", (int)peer->id, "told",
                  peer->told ? peer->told : json_array()));
    peer->told = peer->told ? json_array() : NULL;
}

static void note_gap(Peer *peer, Stream *stream, uint64_t gap_ns)
{
    uint64_t ms = gap_ns / 1000000;

    peer->gaps[ms < GAPS ? ms : GAPS - 1]++;
    if (gap_ns > stream->gap_ns)
        stream->gap_ns = gap_ns;
}

static void on_rtp(pc_t *pc, void *user, uint8_t *buf, int len, uint64_t at_ns)
{
    Peer *peer = user;
    int at = HEADER;
    Stream *stream;
    uint32_t counter;

    if (pc_unprotect(pc, buf, &len) || len < HEADER)
        return;
    if (peer->heard)
        json_array_append_new(peer->heard, timed(mono_ns(), buf, len));
    if (buf[0] & 0x10)
        at += 4 + 4 * get16(buf + HEADER + 2);
    stream = find_stream(peer, get32(buf + 8));
    if (!stream || len < at + 8 || memcmp(buf + at, "peer", 4) != 0)
        return;
    counter = get32(buf + at + 4);
    if (stream->n++ == 0)
        stream->first = counter;
    else
        note_gap(peer, stream, at_ns - stream->at_ns);
    stream->at_ns = at_ns;
    stream->ssrc = get32(buf + 8);
    stream->last = counter;
}

static void on_rtcp(pc_t *pc, void *user, uint8_t *buf, int len)
{
    Peer *peer = user;

    if (peer->told)
        json_array_append_new(peer->told, timed(mono_ns(), buf, len));
}

static const pc_cb callbacks = { on_up, on_rtp, on_rtcp, on_failed };

/* -- what we are told ---------------------------------------------------------------------- */

static void say_transport(const Peer *peer)
{
    say(json_pack("{s:i, s:s, s:s}", "id", (int)peer->id, "transport",
                  pc_sdp_transport(peer->pc, "SETUP"), "candidate", pc_candidate(peer->pc)));
}

static void do_open(unsigned id)
{
    Peer *peer = calloc(1, sizeof(*peer));

    if (n_peers == MAX_PEERS)
        exit(2);
    peer->id = id;
    peer->pc = pc_new(peer, &callbacks);
    peers[n_peers++] = peer;
    say_transport(peer);
}

static void do_remote(Peer *peer, const char *text, int offered)
{
    static sdp_t sdp;

    if (sdp_parse(text, &sdp) != 0) {
        on_failed(NULL, peer, "unreadable SDP");
        return;
    }
    for (int i = 0; i < sdp.ncand; i++)
        pc_remote_cand(peer->pc, &sdp.cand[i]);
    if (pc_has_remote(peer->pc)) {
        pc_renew(peer->pc, sdp.ufrag, sdp.pwd);
        return;
    }
    pc_remote(peer->pc, sdp.ufrag, sdp.pwd, sdp.fp, sdp.setup, sdp.lite, offered);
}

static void do_count(Peer *peer)
{
    json_t *streams = json_object();

    for (unsigned i = 0; i < MAX_STREAMS && peer->streams[i].n > 0; i++) {
        Stream *stream = &peer->streams[i];
        char ssrc[16];

        snprintf(ssrc, sizeof(ssrc), "%u", stream->ssrc);
        json_object_set_new(streams, ssrc,
                            json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t)stream->n, "first",
                                      (json_int_t)stream->first, "last", (json_int_t)stream->last,
                                      "gap_ms", (json_int_t)(stream->gap_ns / 1000000)));
        stream->gap_ns = 0;
    }
    say(json_pack("{s:i, s:I, s:o}", "id", (int)peer->id, "sent", (json_int_t)peer->sent, "streams",
                  streams));
}

static void do_gaps(Peer *peer)
{
    json_t *list = json_array();

    for (unsigned ms = 0; ms < GAPS; ms++)
        json_array_append_new(list, json_integer(peer->gaps[ms]));
    memset(peer->gaps, 0, sizeof(peer->gaps));
    say(json_pack("{s:i, s:o}", "id", (int)peer->id, "gaps", list));
}

static void do_silence(Peer *peer, int on)
{
    n_silent += (unsigned)(on - peer->silent);
    peer->silent = on;
}

/* A check that is heard would be answered. */
static void hear_nothing(int fd)
{
    uint8_t buf[2048];

    while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
        ;
}

static int is_silent(const pc_t *pc)
{
    for (unsigned i = 0; n_silent > 0 && i < n_peers; i++)
        if (peers[i]->pc == pc)
            return peers[i]->silent;
    return 0;
}

static void do_close(Peer *peer)
{
    do_silence(peer, 0);
    for (unsigned i = 0; i < n_peers; i++)
        if (peers[i] == peer)
            peers[i] = peers[--n_peers];
    pc_free(peer->pc); /* rtc.c keeps the object: its batch may still name it, and us */
    peer->ssrc = 0;
    do_hear(peer, 0);
}

static void on_line(const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    const char *what = json_string_value(json_object_get(line, "do"));
    unsigned id = (unsigned)json_integer_value(json_object_get(line, "id"));
    Peer *peer = find(id);

    if (what && strcmp(what, "open") == 0)
        do_open(id);
    else if (what && peer && strcmp(what, "remote") == 0)
        do_remote(peer, json_string_value(json_object_get(line, "sdp")),
                  json_is_true(json_object_get(line, "offered")));
    else if (what && peer && strcmp(what, "send") == 0) {
        peer->ssrc = (uint32_t)json_integer_value(json_object_get(line, "ssrc"));
        peer->lose = (uint32_t)json_integer_value(json_object_get(line, "lose"));
        peer->payload_type = (uint8_t)json_integer_value(json_object_get(line, "pt"));
    } else if (what && peer && strcmp(what, "packets") == 0)
        do_packets(peer, json_object_get(line, "packets"));
    else if (what && peer && strcmp(what, "rtcp") == 0)
        do_rtcp(peer, json_object_get(line, "packets"));
    else if (what && peer && strcmp(what, "told") == 0)
        do_told(peer);
    else if (what && peer && strcmp(what, "hear") == 0)
        do_hear(peer, json_is_true(json_object_get(line, "on")));
    else if (what && peer && strcmp(what, "heard") == 0)
        do_heard(peer);
    else if (what && peer && strcmp(what, "count") == 0)
        do_count(peer);
    else if (what && peer && strcmp(what, "gaps") == 0)
        do_gaps(peer);
    else if (what && peer && strcmp(what, "move") == 0)
        pc_move(peer->pc, json_string_value(json_object_get(line, "ip")),
                json_is_true(json_object_get(line, "aware")));
    else if (what && peer && strcmp(what, "restart") == 0) {
        pc_restart(peer->pc);
        say_transport(peer);
    } else if (what && peer && strcmp(what, "candidate") == 0)
        pc_remote_cand_str(peer->pc, json_string_value(json_object_get(line, "candidate")));
    else if (what && peer && strcmp(what, "silence") == 0)
        do_silence(peer, json_is_true(json_object_get(line, "on")));
    else if (what && peer && strcmp(what, "close") == 0)
        do_close(peer);
    json_decref(line);
}

/* False at the end of input. */
static int read_lines(void)
{
    static char buf[1 << 16];
    static size_t len;
    ssize_t n = read(0, buf + len, sizeof(buf) - 1 - len);
    char *end;

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    len += (size_t)n;
    while ((end = memchr(buf, '\n', len))) {
        *end = 0;
        on_line(buf);
        len -= (size_t)(end + 1 - buf);
        memmove(buf, end + 1, len);
    }
    return 1;
}

/* -- time ---------------------------------------------------------------------------------- */

static void send_one(Peer *peer)
{
    uint8_t buf[LEN + 64] = { 0x80, peer->payload_type }, *list[] = { buf };
    int len = LEN;

    if (peer->lose && peer->sent % peer->lose == peer->lose - 1) {
        peer->sent++;
        return;
    }
    put16(buf + 2, (uint16_t)peer->sent);
    put32(buf + 4, peer->sent * 960);
    put32(buf + 8, peer->ssrc);
    memcpy(buf + HEADER, "peer", 4);
    put32(buf + HEADER + 4, peer->sent++);
    if (pc_protect(peer->pc, buf, &len) == 0)
        pc_send_batch(peer->pc, list, &len, 1);
}

static void tick(uint64_t now_ns)
{
    for (unsigned i = 0; i < n_peers; i++) {
        Peer *peer = peers[i];

        if (peer->silent)
            continue;
        pc_tick(peer->pc, now_ns);
        if (peer->ssrc && pc_is_up(peer->pc) && now_ns >= peer->next_ns) {
            peer->next_ns = now_ns + EVERY_NS;
            send_one(peer);
        }
    }
}

/* An argument: the SRTP profiles to offer, in OpenSSL's words. */
int main(int argc, char **argv)
{
    const char *profiles = argc > 1 ? argv[1] : "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
    struct epoll_event events[64], input = { .events = EPOLLIN };

    g_verbose = 0;
    g_ep = epoll_create1(EPOLL_CLOEXEC);
    fcntl(0, F_SETFL, O_NONBLOCK);
    epoll_ctl(g_ep, EPOLL_CTL_ADD, 0, &input);
    if (rtc_init(profiles) != 0)
        return 2;
    for (;;) {
        int n = epoll_wait(g_ep, events, 64, 5);

        for (int i = 0; i < n; i++) {
            evsrc *source = events[i].data.ptr;

            if (source && is_silent(source->owner))
                hear_nothing(source->fd);
            else if (source)
                pc_input((pc_t *)source->owner);
            else if (!read_lines())
                return 0;
        }
        tick(mono_ns());
    }
}
