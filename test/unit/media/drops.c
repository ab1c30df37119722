/* SPDX-License-Identifier: MIT */
/* Whatever is not passed on is counted, under its reason and once; what the kernel did not take is not counted as sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/metric.h"
#include "bed.h"
#include "media/handshake.h"
#include "media/media-private.h"
#include "media/peer.h"
#include "rtp/bytes.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VOICE = 2000, OUT = 5000, OPUS = 111, OPUS_OUT = 109, NOBODYS = 77, FIRST = 200 };

/* -- between the worker and the kernel -------------------------------------------------------- */

static atomic_int refusal;   /* an errno for the next flush that begins with RTP */
static atomic_uint n_denied; /* datagrams of the latest call that failed so */
static atomic_uint n_rtp;    /* packets that the kernel took */

static bool is_rtp(const struct iovec *iov)
{
    const uint8_t *buf = iov->iov_base;

    return iov->iov_len > 12 && buf[0] >> 6 == 2 && (buf[1] & 0x7f) == OPUS_OUT;
}

int __real_sendmmsg(int fd, struct mmsghdr *list, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *list, unsigned n, int flags);

int __wrap_sendmmsg(int fd, struct mmsghdr *list, unsigned n, int flags)
{
    int why = atomic_load(&refusal), done;

    if (why && is_rtp(list[0].msg_hdr.msg_iov)) {
        unsigned denied = 0;

        for (unsigned i = 0; i < n; i++)
            denied += (unsigned)list[i].msg_hdr.msg_iovlen;
        atomic_store(&n_denied, why == EAGAIN ? denied : 1);
        if (why != EAGAIN)
            atomic_store(&refusal, 0);
        errno = why;
        return -1;
    }
    done = __real_sendmmsg(fd, list, n, flags);
    for (int i = 0; i < done; i++)
        for (size_t k = 0; k < list[i].msg_hdr.msg_iovlen; k++)
            atomic_fetch_add(&n_rtp, is_rtp(&list[i].msg_hdr.msg_iov[k]));
    return done;
}

/* The pool is empty for one packet. */
static atomic_bool is_empty;

StoaPacket *__real_stoa_packet_shrink(StoaPool *pool, const StoaPacket *packet);
StoaPacket *__wrap_stoa_packet_shrink(StoaPool *pool, const StoaPacket *packet);
bool __real_stoa_pool_has_large(const StoaPool *pool);
bool __wrap_stoa_pool_has_large(const StoaPool *pool);

StoaPacket *__wrap_stoa_packet_shrink(StoaPool *pool, const StoaPacket *packet)
{
    return atomic_load(&is_empty) ? NULL : __real_stoa_packet_shrink(pool, packet);
}

bool __wrap_stoa_pool_has_large(const StoaPool *pool)
{
    return !atomic_exchange(&is_empty, false) && __real_stoa_pool_has_large(pool);
}

/* A connection breaks at the next packet that it is given. */
static atomic_bool is_broken;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (message->msg_iovlen == 2 && is_rtp(&message->msg_iov[1])) {
        if (atomic_exchange(&is_broken, false)) {
            errno = EPIPE;
            return -1;
        }
        atomic_fetch_add(&n_rtp, 1);
    }
    return __real_sendmsg(fd, message, flags);
}

/* -- what is counted --------------------------------------------------------------------------- */

static int64_t dropped(const char *reason)
{
    return stoa_metric_read(stoa_metric_counter("stoa_media_drop_packets_total", "", "reason",
                                                reason, "worker", "0", NULL));
}

static int64_t sent(void)
{
    return stoa_metric_read(stoa_metric_counter("stoa_media_sent_packets_total", "", NULL));
}

typedef struct {
    const char *reason;
    int64_t n;
} Wanted;

static bool has_dropped(void *data)
{
    const Wanted *wanted = data;

    return dropped(wanted->reason) >= wanted->n;
}

static bool has_heard_all(void *ben)
{
    return person_n_received(ben, OUT) >= 1 + 5 + 1;
}

static bool has_told(void *unused G_GNUC_UNUSED)
{
    return sent() == atomic_load(&n_rtp);
}

/* -- the scene: ana publishes a voice, ben hears it ----------------------------------------------- */

typedef struct {
    Bed *bed;
    Person *ana, *ben, *dan; /* dan has a way to the server, and no keys */
    uint64_t next;
} Scene;

static void speak(Scene *s, uint64_t index)
{
    person_send(s->ana, VOICE, OPUS, index, (uint32_t)(index * 960), false, "hello", 5);
}

static void speak_next(Scene *s)
{
    speak(s, s->next++);
}

static void set_scene(Scene *s)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 1, .addresses = addresses };
    StoaReceive voice = bed_audio_in(1, "0", VOICE);
    StoaSend hears = bed_audio_out(1, "0", OUT);

    *s = (Scene){ .bed = bed_new_conf(&conf), .next = FIRST };
    s->ana = person_new(s->bed, 1);
    s->ben = person_new(s->bed, 1);
    s->dan = person_new(s->bed, 1);
    person_connect(s->ana);
    person_connect(s->ben);
    stoa_peer_set_receives(bed_media(s->bed), s->ana->id, &voice, 1, &s->ana->ext);
    bed_run(s->bed, 20);
    speak_next(s);
    bed_run(s->bed, 20);
    s->next += 20; /* ben comes to a stream that runs */
    stoa_peer_set_sends(bed_media(s->bed), s->ben->id, &hears, 1);
    stoa_peer_route(bed_media(s->bed), s->ben->id, 1, (StoaTrackRef){ s->ana->id, 1 });
    bed_run(s->bed, 20);
    speak_next(s);
    bed_run(s->bed, 20);
    assert_int_equal(person_n_received(s->ben, OUT), 1);
}

static void end_scene(Scene *s)
{
    person_free(s->ana);
    person_free(s->ben);
    person_free(s->dan);
    bed_free(s->bed);
}

/* -- one packet for each reason ------------------------------------------------------------------- */

static const uint8_t bare[40] = { 0x80, OPUS, 0, 1, 0, 0, 0, 0, 0, 0, VOICE >> 8, VOICE & 255 };

static void from_a_stranger(Scene *s)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    sendto(fd, bare, sizeof bare, 0, &s->ana->server.sa, stoa_address_len(&s->ana->server));
    close(fd);
}

static void of_no_known_kind(Scene *s)
{
    person_send_raw(s->ana, (const uint8_t *)"\xff what is this", 14);
}

static bool has_path(void *person)
{
    return ((Person *)person)->has_path;
}

static void before_the_keys(Scene *s)
{
    person_check(s->dan);
    assert_true(bed_until(s->bed, 5000, has_path, s->dan));
    person_send_raw(s->dan, bare, sizeof bare);
}

static void with_a_wrong_tag(Scene *s)
{
    person_send_raw(s->ana, bare, sizeof bare);
}

static void seen_before(Scene *s)
{
    speak(s, s->next - 1);
}

static void of_an_unknown_ssrc(Scene *s)
{
    person_send(s->ana, VOICE + 1, NOBODYS, 1, 0, false, "hello", 5);
}

static void of_an_unknown_payload_type(Scene *s)
{
    person_send(s->ana, VOICE, NOBODYS, s->next++, 0, false, "hello", 5);
}

static void older_than_the_ring(Scene *s)
{
    speak(s, FIRST - 100);
}

static void older_than_bens_piece(Scene *s)
{
    speak(s, FIRST + 10);
}

static void of_which_no_copy_can_be_kept(Scene *s)
{
    atomic_store(&is_empty, true);
    speak_next(s);
}

static void refused_by_the_kernel(Scene *s)
{
    atomic_store(&refusal, EPERM); /* as a firewall's rule does */
    speak_next(s);
}

typedef struct {
    const char *reason;
    void (*act)(Scene *s);
} Case;

static const Case cases[] = {
    { "stranger", from_a_stranger },
    { "junk", of_no_known_kind },
    { "early", before_the_keys },
    { "auth", with_a_wrong_tag },
    { "replay", seen_before },
    { "unknown_ssrc", of_an_unknown_ssrc },
    { "payload_type", of_an_unknown_payload_type },
    { "duplicate", older_than_the_ring },
    { "late", older_than_bens_piece },
    { "pool", of_which_no_copy_can_be_kept },
    { "refused", refused_by_the_kernel },
};

static void each_reason_is_counted_once_and_no_other(void **unused G_GNUC_UNUSED)
{
    int64_t before[G_N_ELEMENTS(cases)];
    Scene s;

    set_scene(&s);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        before[i] = dropped(cases[i].reason);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        cases[i].act(&s);
        bed_run(s.bed, 20);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Wanted wanted = { cases[i].reason, before[i] + 1 };

        if (!bed_until(s.bed, 5000, has_dropped, &wanted) || dropped(wanted.reason) != wanted.n)
            fail_msg("%s: %d, not 1", wanted.reason, (int)(dropped(wanted.reason) - before[i]));
    }
    assert_int_equal(dropped("socket_full") + dropped("receive_overflow") + dropped("send"), 0);
    end_scene(&s);
}

/* -- what the kernel has no room for ---------------------------------------------------------------- */

static void what_does_not_leave_is_not_counted_as_sent(void **unused G_GNUC_UNUSED)
{
    Wanted full = { "socket_full", 0 };
    Scene s;

    set_scene(&s);
    for (unsigned i = 0; i < 5; i++)
        speak_next(&s);
    bed_run(s.bed, 20);
    atomic_store(&refusal, EAGAIN);
    speak_next(&s);
    bed_run(s.bed, 50); /* it is waited for shortly */
    atomic_store(&refusal, 0);
    full.n = dropped("socket_full") + atomic_load(&n_denied);
    assert_true(atomic_load(&n_denied) >= 1);
    assert_true(bed_until(s.bed, 5000, has_dropped, &full));
    speak_next(&s);
    assert_true(bed_until(s.bed, 5000, has_heard_all, s.ben));
    assert_true(bed_until(s.bed, 5000, has_told, NULL));
    assert_int_equal(dropped("socket_full"), full.n);
    end_scene(&s);
}

static void what_a_connection_does_not_take_is_not_counted_as_sent(void **unused G_GNUC_UNUSED)
{
    StoaSend hears = bed_audio_out(1, "0", OUT);
    Wanted lost = { "send", 0 };
    Scene s;

    set_scene(&s);
    s.dan->tcp = true;
    person_connect(s.dan);
    stoa_peer_set_sends(bed_media(s.bed), s.dan->id, &hears, 1);
    stoa_peer_route(bed_media(s.bed), s.dan->id, 1, (StoaTrackRef){ s.ana->id, 1 });
    bed_run(s.bed, 20);
    speak_next(&s);
    bed_run(s.bed, 50);
    assert_int_equal(person_n_received(s.dan, OUT), 1);
    lost.n = dropped("send") + 1;
    atomic_store(&is_broken, true);
    speak_next(&s);
    assert_true(bed_until(s.bed, 5000, has_dropped, &lost));
    assert_false(atomic_load(&is_broken));
    assert_true(bed_until(s.bed, 5000, has_told, NULL));
    assert_int_equal(person_n_received(s.dan, OUT), 1);
    end_scene(&s);
}

/* A buffer of the least size that there is, and more at once than fits. */
static void what_comes_and_finds_no_room_is_counted(void **unused G_GNUC_UNUSED)
{
    static uint8_t big[1400] = { 0xff };
    struct iovec iov = { big, sizeof big };
    struct mmsghdr list[64];
    Wanted overflow = { "receive_overflow", dropped("receive_overflow") + 1 };
    const StoaUdpSocket *socket;
    int64_t came = dropped("junk");
    unsigned n = 0;
    Scene s;

    set_scene(&s);
    socket = &bed_media(s.bed)->workers[0]->sockets[0];
    setsockopt(socket->fd, SOL_SOCKET, SO_RCVBUF, &(int){ 0 }, sizeof(int));
    for (unsigned i = 0; i < G_N_ELEMENTS(list); i++) {
        list[i] = (struct mmsghdr){ 0 };
        list[i].msg_hdr = (struct msghdr){ .msg_name = &s.ana->server,
                                           .msg_namelen = stoa_address_len(&s.ana->server),
                                           .msg_iov = &iov,
                                           .msg_iovlen = 1 };
    }
    for (unsigned tries = 0; tries < 200 && stoa_udp_overflow(socket) == 0; tries++)
        n += (unsigned)MAX(0, sendmmsg(s.ana->fd, list, G_N_ELEMENTS(list), 0));
    overflow.n += stoa_udp_overflow(socket) - 1;
    assert_true(stoa_udp_overflow(socket) > 0);
    assert_true(bed_until(s.bed, 5000, has_dropped, &overflow));
    assert_int_equal(dropped("receive_overflow"), overflow.n);
    assert_true(dropped("junk") - came <= n - stoa_udp_overflow(socket)); /* nothing twice */
    end_scene(&s);
}

/* Who floods the line of handshakes keeps nobody else out of it. */
static void a_peer_has_few_places_in_the_line_of_handshakes(void **unused G_GNUC_UNUSED)
{
    enum { FLOOD = 3000, MOST = 16 };
    const uint8_t junk[40] = { 22, 0xfe, 0xfd };
    StoaWorker *w = g_aligned_alloc0(1, sizeof *w, 64);
    StoaPeer loud = { .id = 1, .state = STOA_PEER_DOWN }, calm = { .id = 2 };

    g_queue_init(&w->handshakes);
    w->peers = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_hash_table_insert(w->peers, &loud.id, &loud);
    for (unsigned i = 0; i < FLOOD; i++)
        stoa_handshake_wait(w, &loud, junk, sizeof junk);
    assert_int_equal(w->handshakes.length, MOST);
    stoa_handshake_wait(w, &calm, junk, sizeof junk);
    assert_int_equal(w->handshakes.length, MOST + 1);
    while (stoa_handshake_is_waiting(w))
        stoa_handshake_run(w);
    stoa_handshake_wait(w, &loud, junk, sizeof junk);
    assert_int_equal(w->handshakes.length, 1); /* its places are free again */
    stoa_handshake_clear(w);
    g_hash_table_unref(w->peers);
    g_aligned_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_counted_once_and_no_other),
        cmocka_unit_test(what_does_not_leave_is_not_counted_as_sent),
        cmocka_unit_test(what_a_connection_does_not_take_is_not_counted_as_sent),
        cmocka_unit_test(what_comes_and_finds_no_room_is_counted),
        cmocka_unit_test(a_peer_has_few_places_in_the_line_of_handshakes),
    };
    return cmocka_run_group_tests_name("media/drops", tests, NULL, NULL);
}
