/* SPDX-License-Identifier: MIT */
#include "bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../ice/client.h"
#include "base/log.h"
#include "base/loop.h"
#include "dtls/link.h"
#include "media/media-private.h"
#include "rtp/bytes.h"
#include "rtp/seq.h"
#include "sctp/association.h"
#include "srtp/open.h"
#include "srtp/seal.h"

struct Bed {
    StoaMedia *media;
    StoaCertificate *certificate; /* of all people */
    StoaDtlsContext *context;
    GPtrArray *people;
};

static Bed *left_over;

/* -- events -------------------------------------------------------------------------------- */

static void on_up(void *user)
{
    ((Person *)user)->is_up = true;
    g_string_append(((Person *)user)->events, "up ");
}

static void on_down(void *user, StoaPeerDown why)
{
    Person *person = user;

    person->is_down = true;
    person->why = why;
    g_string_append_printf(person->events, "down(%d) ", (int)why);
}

static void on_media(void *user, uint32_t track, bool receiving, int encoding, int64_t silent_ms)
{
    g_string_append_printf(((Person *)user)->events, "media(%u,%s,%d%s) ", track,
                           receiving ? "on" : "off", encoding, silent_ms > 0 ? ",silent" : "");
}

static void on_slowlink(void *user, uint32_t number, bool uplink, unsigned lost)
{
    g_string_append_printf(((Person *)user)->events, "slowlink(%u,%s,%u) ", number,
                           uplink ? "up" : "down", lost);
}

static void on_layer(void *user, uint32_t sink, int substream, int temporal G_GNUC_UNUSED)
{
    g_string_append_printf(((Person *)user)->events, "layer(%u,%d) ", sink, substream);
}

static void on_layers(void *user, uint32_t track, unsigned spatial, unsigned temporal)
{
    g_string_append_printf(((Person *)user)->events, "layers(%u,%ux%u) ", track, spatial, temporal);
}

static void on_talking(void *user, uint32_t track, bool talking, double average G_GNUC_UNUSED)
{
    g_string_append_printf(((Person *)user)->events, "talking(%u,%s) ", track,
                           talking ? "on" : "off");
}

static void on_candidate(void *user, const char *candidate)
{
    Person *person = user;
    unsigned port;

    if (candidate &&
        sscanf(candidate, "candidate:%*s 1 %*[uU]%*[dD]%*[pP] %*u 127.0.0.1 %u", &port) == 1)
        stoa_address_parse("127.0.0.1", (uint16_t)port, &person->server);
    g_string_append_printf(((Person *)user)->events, "%s ", candidate ? "candidate" : "gathered");
}

static void on_data_open(void *user, const char *label, const char *protocol G_GNUC_UNUSED)
{
    g_string_append_printf(((Person *)user)->events, "channel(%s) ", label);
}

static void on_data(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                    bool text)
{
    g_string_append_printf(((Person *)user)->events, "data(%s,%s,%.*s) ", channel->label,
                           text ? "text" : "binary", (int)len, (const char *)buf);
}

static void on_data_closed(void *user, const char *label)
{
    g_string_append_printf(((Person *)user)->events, "closed(%s) ", label);
}

static void on_voice(void *user, uint32_t track, double loudness)
{
    g_string_append_printf(((Person *)user)->events, "voice(%u,%.0f) ", track, loudness);
}

static const StoaPeerEvents events = {
    on_up,        on_down,      on_media, on_slowlink,    on_layer, on_talking,
    on_candidate, on_data_open, on_data,  on_data_closed, on_voice, on_layers,
};

/* -- the engine ---------------------------------------------------------------------------- */

Bed *bed_new_conf(const StoaMediaConf *conf)
{
    g_autoptr(GError) error = NULL;
    static bool has_control;
    Bed *bed;

    if (left_over)
        bed_free(left_over); /* of a test that failed */
    bed = left_over = g_new0(Bed, 1);
    if (!has_control)
        stoa_control_init();
    has_control = true;
    if (g_getenv("STOA_TEST_DEBUG"))
        stoa_log_set_level(STOA_LOG_DEBUG);
    bed->media = stoa_media_new(conf, &error);
    if (!bed->media)
        fail_msg("%s", error->message);
    bed->certificate = stoa_certificate_new(NULL);
    bed->context = stoa_dtls_context_new(bed->certificate, NULL);
    bed->people = g_ptr_array_new();
    return bed;
}

Bed *bed_new(unsigned workers)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = workers, .addresses = addresses, .room_peers_per_worker = 0 };

    return bed_new_conf(&conf);
}

void bed_free(Bed *bed)
{
    while (bed->people->len > 0)
        person_free(g_ptr_array_index(bed->people, 0));
    stoa_media_free(bed->media);
    stoa_control_settle();
    stoa_dtls_context_free(bed->context);
    stoa_certificate_free(bed->certificate);
    g_ptr_array_unref(bed->people);
    g_free(bed);
    left_over = NULL;
}

StoaMedia *bed_media(Bed *bed)
{
    return bed->media;
}

struct StoaSctpThread *bed_sctp_thread(Bed *bed)
{
    return bed->media->sctp_thread;
}

static void listen_to(Person *person);

static void tick(Person *person)
{
    StoaQueueNode *node = stoa_queue_take(person->sctp_out);

    while (node) {
        g_autofree SctpPacket *packet = STOA_QUEUE_ENTRY(node, SctpPacket, node);

        node = node->next;
        stoa_dtls_link_send(person->dtls, packet->buf, packet->len);
    }
    if (person->dtls && !person->seal)
        stoa_dtls_link_tick(person->dtls, g_get_monotonic_time());
}

bool bed_until(Bed *bed, unsigned ms, bool (*done)(void *data), void *data)
{
    int64_t end_us = g_get_monotonic_time() + (int64_t)ms * 1000;

    for (;;) {
        while (stoa_control_turn())
            continue;
        for (unsigned i = 0; i < bed->people->len; i++) {
            tick(g_ptr_array_index(bed->people, i));
            listen_to(g_ptr_array_index(bed->people, i));
        }
        if (done && done(data))
            return true;
        if (g_get_monotonic_time() >= end_us)
            return false;
        g_usleep(500);
    }
}

void bed_run(Bed *bed, unsigned ms)
{
    bed_until(bed, ms, NULL, NULL);
}

/* -- one person ---------------------------------------------------------------------------- */

void person_send_raw(Person *person, const uint8_t *buf, size_t len)
{
    uint8_t frame[2];

    if (!person->tcp) {
        if (sendto(person->fd, buf, len, 0, &person->server.sa, stoa_address_len(&person->server)) <
            0)
            fail_msg("sendto: %s", g_strerror(errno));
        return;
    }
    stoa_bytes_put16(frame, (uint16_t)len);
    assert_int_equal(send(person->fd, frame, 2, MSG_NOSIGNAL), 2);
    assert_int_equal(send(person->fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void dtls_output(void *user, const uint8_t *buf, size_t len)
{
    person_send_raw(user, buf, len);
}

static void dtls_data(void *user, const uint8_t *buf, size_t len)
{
    Person *person = user;

    if (person->sctp)
        stoa_sctp_input(person->sctp, buf, len);
}

static StoaSrtpKeys keys_of(const StoaDtlsKeys *keys, bool local)
{
    StoaSrtpKeys out = { .profile = (StoaSrtpProfile)keys->profile };

    memcpy(out.key, local ? keys->local_key : keys->remote_key, 16);
    memcpy(out.salt, local ? keys->local_salt : keys->remote_salt, keys->salt_len);
    return out;
}

static void take_keys(Person *person)
{
    StoaDtlsKeys keys;
    StoaSrtpKeys local, remote;

    assert_true(stoa_dtls_link_keys(person->dtls, &keys));
    local = keys_of(&keys, true);
    remote = keys_of(&keys, false);
    person->seal = stoa_srtp_seal_new(&local);
    person->open = stoa_srtp_open_new(&remote);
}

Person *person_new(Bed *bed, uint64_t room)
{
    static const StoaDtlsCallbacks callbacks = { dtls_output, dtls_data };
    Person *person = g_new0(Person, 1);
    StoaPeerSpec spec = { .room = room, .events = &events, .user = person, .log_ids = "test=1" };
    g_autoptr(GError) error = NULL;
    unsigned port = 0;

    person->bed = bed;
    person->events = g_string_new("");
    person->sctp_out = stoa_queue_new(NULL);
    person->ext.kind_of_id[4] = STOA_RTP_EXT_MID;
    person->received = g_array_new(FALSE, FALSE, sizeof(Received));
    person->rtcp = g_array_new(FALSE, FALSE, sizeof(Rtcp));
    person->stream = g_byte_array_new();
    person->id = stoa_peer_open(bed->media, &spec, &person->local, &error);
    assert_true(person->id != 0);
    if (person->local->candidates->len > 0)
        assert_int_equal(sscanf(g_ptr_array_index(person->local->candidates, 0),
                                "candidate:%*s 1 udp %*u 127.0.0.1 %u", &port),
                         1);
    assert_true(stoa_address_parse("127.0.0.1", (uint16_t)port, &person->server));
    person->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    person->dtls = stoa_dtls_link_new(bed->context, STOA_DTLS_CLIENT, &callbacks, person);
    g_ptr_array_add(bed->people, person);
    return person;
}

void person_check(Person *person)
{
    g_autofree char *username = g_strdup_printf("%s:client", person->local->ufrag);
    Check check = {
        .username = username, .password = person->local->pwd, .use_candidate = true, .priority = 1
    };
    uint8_t buf[500];

    person_send_raw(person, buf, client_check(&check, buf, sizeof(buf)));
}

static bool has_path(void *data)
{
    return ((Person *)data)->has_path;
}

static bool is_up(void *data)
{
    Person *person = data;

    return person->is_up && person->seal;
}

void person_move(Person *person)
{
    close(person->fd);
    person->fd = socket(AF_INET, (person->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (person->slow)
        setsockopt(person->fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
    if (person->tcp)
        assert_int_equal(connect(person->fd, &person->server.sa, stoa_address_len(&person->server)),
                         0);
    fcntl(person->fd, F_SETFL, O_NONBLOCK);
}

#define UFRAG "cufr"
#define PWD   "clientpasswordclientpassw"

static void *own_credentials(void *user, const char *ufrag, size_t len, const char **password,
                             size_t *password_len)
{
    if (len != strlen(UFRAG) || memcmp(ufrag, UFRAG, len) != 0)
        return NULL;
    *password = PWD;
    *password_len = strlen(PWD);
    return user;
}

static bool knows_server(void *data)
{
    return stoa_address_port(&((Person *)data)->server) != 0;
}

/* A full agent checks us, too: it must know where we are, and get answers. */
static void meet_agent(Person *person)
{
    StoaAddress own = { 0 };
    socklen_t len = sizeof(own);
    g_autofree char *line = NULL;

    assert_true(bed_until(person->bed, 5000, knows_server, person));
    assert_int_equal(connect(person->fd, &person->server.sa, stoa_address_len(&person->server)), 0);
    assert_int_equal(getsockname(person->fd, &own.sa, &len), 0);
    person->stun = stoa_stun_new(own_credentials, person);
    line = g_strdup_printf("candidate:1 1 udp 2130706431 127.0.0.1 %u typ host",
                           stoa_address_port(&own));
    stoa_peer_add_candidate(person->bed->media, person->id, line);
}

static void set_remote(Person *person)
{
    g_autofree char *fingerprint =
        g_strconcat("sha-256 ", stoa_certificate_fingerprint(person->bed->certificate), NULL);

    stoa_peer_set_remote(person->bed->media, person->id, UFRAG, PWD,
                         person->fingerprint ? person->fingerprint : fingerprint, false,
                         person->wants_data);
}

void person_restart(Person *person)
{
    stoa_peer_restart(person->bed->media, person->id, &person->local);
    set_remote(person);
    stoa_stun_free(person->stun);
    meet_agent(person);
}

void person_try(Person *person)
{
    set_remote(person);
    if (person->tcp)
        person_move(person);
    if (!person->local->lite)
        meet_agent(person);
    for (unsigned i = 0; i < 20 && !person->has_path; i++) {
        person_check(person);
        bed_until(person->bed, 50, has_path, person);
    }
    assert_true(person->has_path);
    stoa_dtls_link_expect(person->dtls, "sha-256", strchr(person->local->fingerprint, ' ') + 1);
    stoa_dtls_link_start(person->dtls, g_get_monotonic_time());
}

void person_connect(Person *person)
{
    person_try(person);
    if (!bed_until(person->bed, 5000, is_up, person))
        fail_msg("not connected: up %d, keys %d, DTLS state %d, events: %s", person->is_up,
                 person->seal != NULL, (int)stoa_dtls_link_state(person->dtls),
                 person->events->str);
}

void person_free(Person *person)
{
    stoa_peer_close(person->bed->media, person->id);
    tick(person); /* empties its queue */
    stoa_dtls_link_free(person->dtls);
    stoa_srtp_open_free(person->open);
    stoa_srtp_seal_free(person->seal);
    stoa_stun_free(person->stun);
    close(person->fd);
    g_array_unref(person->received);
    g_array_unref(person->rtcp);
    g_byte_array_unref(person->stream);
    g_string_free(person->events, TRUE);
    stoa_queue_free(person->sctp_out);
    g_ptr_array_remove(person->bed->people, person);
    g_free(person);
}

/* -- what comes ---------------------------------------------------------------------------- */

static void take_rtp(Person *person, const uint8_t *buf, size_t len)
{
    Received received = { .sealed_len = len, .at_us = g_get_monotonic_time() };
    size_t plain = len;

    person->n_came++;
    person->last_len = MIN(len, sizeof(person->last));
    memcpy(person->last, buf, person->last_len);
    if (person->lose_every && person->n_came % person->lose_every == 0)
        return;
    assert_true(len <= sizeof(received.sealed));
    memcpy(received.sealed, buf, len);
    memcpy(received.buf, buf, MIN(len, sizeof(received.buf)));
    switch (stoa_srtp_open_rtp(person->open, received.buf, &plain)) {
    case STOA_SRTP_OPEN_OK: break;
    case STOA_SRTP_OPEN_REPLAY: plain = 0; break; /* a byte-identical repeat of one that came */
    default: fail_msg("a packet that cannot be opened");
    }
    if (plain == 0)
        return;
    received.len = plain;
    assert_true(stoa_rtp_header_read(received.buf, plain, &received.header));
    stoa_rtp_extension_read(received.buf, &received.header, &person->ext, &received.exts);
    g_array_append_val(person->received, received);
}

static void take_rtcp(Person *person, const uint8_t *buf, size_t len)
{
    Rtcp rtcp = { .len = len };

    memcpy(rtcp.buf, buf, len);
    assert_int_equal(stoa_srtp_open_rtcp(person->open, rtcp.buf, &rtcp.len), STOA_SRTP_OPEN_OK);
    assert_true(stoa_rtcp_is_valid(rtcp.buf, rtcp.len));
    g_array_append_val(person->rtcp, rtcp);
}

static void answer_check(Person *person, const uint8_t *buf, size_t len)
{
    uint8_t reply[STOA_STUN_REPLY];
    StoaStunResult result;

    stoa_stun_input(person->stun, g_get_monotonic_time(), buf, len, &person->server, reply,
                    &result);
    if (result.reply_len > 0)
        person_send_raw(person, reply, result.reply_len);
}

static void take(Person *person, const uint8_t *buf, size_t len)
{
    if (len == 0)
        return;
    if (person->stun && buf[0] == 0 && buf[1] == 1) {
        answer_check(person, buf, len);
        return;
    }
    if (buf[0] < 4) {
        person->has_path |= buf[0] == 1 && buf[1] == 1; /* a success response */
        return;
    }
    if (stoa_dtls_link_is(buf, len)) {
        if (stoa_dtls_link_input(person->dtls, g_get_monotonic_time(), buf, len) ==
                STOA_DTLS_CONNECTED &&
            !person->seal)
            take_keys(person);
        return;
    }
    if (!person->open)
        return;
    if (stoa_rtp_header_is_rtcp(buf, len))
        take_rtcp(person, buf, len);
    else
        take_rtp(person, buf, len);
}

static void listen_tcp(Person *person)
{
    uint8_t buf[65536];
    ssize_t n = recv(person->fd, buf, sizeof(buf), MSG_DONTWAIT);
    size_t at = 0;

    if (n > 0)
        g_byte_array_append(person->stream, buf, (guint)n);
    while (person->stream->len - at >= 2) {
        size_t len = stoa_bytes_get16(person->stream->data + at);

        if (person->stream->len - at < 2 + len)
            break;
        take(person, person->stream->data + at + 2, len);
        at += 2 + len;
    }
    g_byte_array_remove_range(person->stream, 0, (guint)at);
}

static void listen_to(Person *person)
{
    uint8_t buf[2000];
    ssize_t n;

    if (person->deaf)
        return;
    if (person->tcp) {
        listen_tcp(person);
        return;
    }
    while ((n = recv(person->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        take(person, buf, (size_t)n);
}

/* -- what goes ----------------------------------------------------------------------------- */

void person_send_packet(Person *person, const uint8_t *header, size_t header_len, uint64_t index,
                        const void *payload, size_t len)
{
    uint8_t buf[2000];
    StoaSrtpPayload body = { .data = payload, .len = len };

    memcpy(buf, header, header_len);
    stoa_bytes_put16(buf + 2, (uint16_t)index);
    len =
        stoa_srtp_seal_rtp(person->seal, buf, header_len, sizeof(buf), &body, stoa_seq_roc(index));
    assert_true(len > 0);
    person_send_raw(person, buf, len);
}

void person_send_ext(Person *person, const StoaRtpHeader *header, uint64_t index,
                     const uint8_t *ext, size_t ext_len, const void *payload, size_t len)
{
    uint8_t buf[300];
    StoaRtpHeader out = *header;
    size_t header_len = STOA_RTP_HEADER_LEN;

    out.seq = (uint16_t)index;
    out.has_extension = ext_len > 0;
    stoa_rtp_header_write(&out, buf);
    if (ext_len > 0) {
        stoa_bytes_put16(buf + 12, 0xbede);
        stoa_bytes_put16(buf + 14, (uint16_t)(ext_len / 4));
        memcpy(buf + 16, ext, ext_len);
        header_len += 4 + ext_len;
    }
    person_send_packet(person, buf, header_len, index, payload, len);
}

void person_send(Person *person, uint32_t ssrc, uint8_t payload_type, uint64_t index,
                 uint32_t timestamp, bool marker, const void *payload, size_t len)
{
    StoaRtpHeader header = {
        .ssrc = ssrc, .payload_type = payload_type, .timestamp = timestamp, .marker = marker
    };

    person_send_ext(person, &header, index, NULL, 0, payload, len);
}

void person_send_rtcp(Person *person, const uint8_t *buf, size_t len)
{
    uint8_t out[1600];

    memcpy(out, buf, len);
    len = stoa_srtp_seal_rtcp(person->seal, out, len, sizeof(out));
    assert_true(len > 0);
    person_send_raw(person, out, len);
}

/* -- looking ------------------------------------------------------------------------------- */

const Received *person_received(const Person *person, uint32_t ssrc, unsigned i)
{
    for (unsigned k = 0; k < person->received->len; k++) {
        const Received *received = &g_array_index(person->received, Received, k);

        if (received->header.ssrc == ssrc && i-- == 0)
            return received;
    }
    return NULL;
}

unsigned person_n_received(const Person *person, uint32_t ssrc)
{
    unsigned n = 0;

    while (person_received(person, ssrc, n))
        n++;
    return n;
}

void person_forget(Person *person)
{
    g_array_set_size(person->received, 0);
    person_forget_rtcp(person);
}

void person_forget_rtcp(Person *person)
{
    g_array_set_size(person->rtcp, 0);
}

unsigned person_n_rtcp(const Person *person, uint8_t type, int count)
{
    unsigned n = 0;

    for (unsigned i = 0; i < person->rtcp->len; i++) {
        const Rtcp *rtcp = &g_array_index(person->rtcp, Rtcp, i);
        StoaRtcpPacket packet;
        StoaRtcpIter iter;

        stoa_rtcp_iter_init(&iter, rtcp->buf, rtcp->len);
        while (stoa_rtcp_iter_next(&iter, &packet))
            n += packet.type == type && (count < 0 || packet.count == count);
    }
    return n;
}

/* -- rows and payloads --------------------------------------------------------------------- */

StoaReceive bed_audio_in(uint32_t track, const char *mid, uint32_t ssrc)
{
    StoaReceive row = { .track = track,
                        .kind = STOA_AUDIO,
                        .codec = STOA_CODEC_OPUS,
                        .payload_type = 111,
                        .clock_hz = 48000,
                        .n_encodings = 1 };

    g_strlcpy(row.mid, mid, sizeof(row.mid));
    row.encodings[0].ssrc = ssrc;
    return row;
}

StoaReceive bed_video_in(uint32_t track, const char *mid, uint32_t ssrc, uint32_t rtx_ssrc)
{
    StoaReceive row = { .track = track,
                        .kind = STOA_VIDEO,
                        .codec = STOA_CODEC_VP8,
                        .payload_type = 96,
                        .rtx_payload_type = 97,
                        .clock_hz = 90000,
                        .nack = true,
                        .pli = true,
                        .fir = true,
                        .remb = true,
                        .n_encodings = 1 };

    g_strlcpy(row.mid, mid, sizeof(row.mid));
    row.encodings[0].ssrc = ssrc;
    row.encodings[0].rtx_ssrc = rtx_ssrc;
    return row;
}

StoaSend bed_audio_out(uint32_t sink, const char *mid, uint32_t ssrc)
{
    StoaSend row = { .sink = sink,
                     .kind = STOA_AUDIO,
                     .codec = STOA_CODEC_OPUS,
                     .payload_type = 109,
                     .clock_hz = 48000,
                     .ssrc = ssrc };

    g_strlcpy(row.mid, mid, sizeof(row.mid));
    return row;
}

StoaSend bed_video_out(uint32_t sink, const char *mid, uint32_t ssrc, uint32_t rtx_ssrc)
{
    StoaSend row = { .sink = sink,
                     .kind = STOA_VIDEO,
                     .codec = STOA_CODEC_VP8,
                     .payload_type = 120,
                     .rtx_payload_type = (uint8_t)(rtx_ssrc ? 124 : 0),
                     .clock_hz = 90000,
                     .ssrc = ssrc,
                     .rtx_ssrc = rtx_ssrc,
                     .nack = true,
                     .pli = true };

    g_strlcpy(row.mid, mid, sizeof(row.mid));
    return row;
}

void bed_vp8(uint8_t *payload, size_t len, bool starts, bool key, uint16_t picture_id, uint32_t tag)
{
    static const uint8_t key_start[] = {
        0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00
    };

    assert_true(len >= 18);
    memset(payload, 0x5a, len);
    payload[0] = (uint8_t)(0x80 | (starts ? 0x10 : 0));
    payload[1] = 0x80; /* picture id */
    stoa_bytes_put16(payload + 2, picture_id | 0x8000);
    if (starts && key)
        memcpy(payload + 4, key_start, sizeof(key_start));
    else
        payload[4] = 0x11;
    stoa_bytes_put32(payload + len - 4, tag);
}

uint32_t bed_tag(const Received *received)
{
    return stoa_bytes_get32(received->buf + received->header.payload_at +
                            received->header.payload_len - 4);
}
