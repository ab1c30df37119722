/* SPDX-License-Identifier: MIT */
/* One usrsctp socket: how it is set, read and written. Upcalls only mark it; work is done when usrsctp has
 * returned, since its callback API is known to deadlock. */
#include "sctp/thread.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

enum {
    DEFAULT_PORT = 5000,
    BUFFER_BYTES = 1 << 20, /* of usrsctp, each way: a 256 KiB message must fit */
    PATH_MTU = 1148,        /* usrsctp adds its header of 12; DTLS, 37 more, makes 1197 of it */
    CHUNK_HEADER = 16,
    PART_BYTES = 1 << 20, /* of unfinished messages, over all streams */
};

/* -- opening ------------------------------------------------------------------------------- */

static void on_upcall(struct socket *socket G_GNUC_UNUSED, void *data, int flags G_GNUC_UNUSED)
{
    StoaSctp *sctp = data;

    sctp->is_dirty = true;
}

static struct sockaddr_conn make_address(const StoaSctp *sctp, uint16_t port)
{
    struct sockaddr_conn address = { 0 };

    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port ? port : DEFAULT_PORT);
    address.sconn_addr = (void *)sctp->id;
    return address;
}

static bool set(struct socket *socket, int level, int name, const void *value, size_t len)
{
    return usrsctp_setsockopt(socket, level, name, value, (socklen_t)len) == 0;
}

static bool subscribe(struct socket *socket, uint16_t type)
{
    struct sctp_event event = { .se_assoc_id = SCTP_ALL_ASSOC, .se_type = type, .se_on = 1 };

    return set(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event));
}

static bool set_options(struct socket *socket)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    const struct sctp_initmsg init = { .sinit_num_ostreams = STOA_SCTP_STREAMS,
                                       .sinit_max_instreams = STOA_SCTP_STREAMS };
    const struct sctp_assoc_value reset = {
        .assoc_id = SCTP_ALL_ASSOC,
        .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ,
    };
    const int bytes = BUFFER_BYTES, on = 1;

    return set(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) &&
           set(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) &&
           set(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) &&
           set(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on)) &&
           set(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on)) &&
           set(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init)) &&
           set(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset)) &&
           subscribe(socket, SCTP_ASSOC_CHANGE) && subscribe(socket, SCTP_STREAM_RESET_EVENT);
}

/* A fixed path MTU: DTLS and the way below tell nothing about theirs. */
static bool set_mtu(struct socket *socket, const struct sockaddr_conn *remote)
{
    struct sctp_paddrparams params = { .spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = PATH_MTU };

    memcpy(&params.spp_address, remote, sizeof(*remote));
    return set(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof(params));
}

static bool start_connecting(StoaSctp *sctp)
{
    struct sockaddr_conn local = make_address(sctp, sctp->options.local_port);
    struct sockaddr_conn remote = make_address(sctp, sctp->options.remote_port);

    if (usrsctp_bind(sctp->socket, (struct sockaddr *)&local, sizeof(local)) < 0)
        return false;
    if (usrsctp_connect(sctp->socket, (struct sockaddr *)&remote, sizeof(remote)) < 0 &&
        errno != EINPROGRESS)
        return false;
    return set_mtu(sctp->socket, &remote); /* there is an association to set it for */
}

bool stoa_sctp_socket_open(StoaSctp *sctp)
{
    usrsctp_register_address((void *)sctp->id);
    sctp->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!sctp->socket) {
        usrsctp_deregister_address((void *)sctp->id);
        atomic_store(&sctp->over, true);
        return false;
    }
    usrsctp_set_non_blocking(sctp->socket, 1);
    usrsctp_set_upcall(sctp->socket, on_upcall, sctp);
    if (set_options(sctp->socket) && start_connecting(sctp))
        return true;
    stoa_sctp_socket_close(sctp);
    return false;
}

void stoa_sctp_socket_close(StoaSctp *sctp)
{
    struct socket *socket = sctp->socket;

    atomic_store(&sctp->over, true);
    if (!socket)
        return;
    sctp->socket = NULL;
    usrsctp_set_upcall(socket, NULL, NULL);
    usrsctp_close(socket);
    usrsctp_deregister_address((void *)sctp->id);
}

/* It ended by itself. */
static void lose(StoaSctp *sctp)
{
    stoa_sctp_socket_close(sctp);
    stoa_sctp_channel_close_all(sctp);
    if (sctp->callbacks.closed)
        sctp->callbacks.closed(sctp->user);
}

/* -- reading ------------------------------------------------------------------------------- */

static void on_assoc_change(StoaSctp *sctp, const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        sctp->is_connected = true;
        if (sctp->callbacks.connected)
            sctp->callbacks.connected(sctp->user);
        return;
    case SCTP_COMM_LOST:
    case SCTP_SHUTDOWN_COMP:
    case SCTP_CANT_STR_ASSOC: lose(sctp); return;
    default: return;
    }
}

static void on_stream_reset(StoaSctp *sctp, const struct sctp_stream_reset_event *event)
{
    size_t n = (event->strreset_length - sizeof(*event)) / sizeof(uint16_t);
    bool failed = event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED);

    for (size_t i = 0; i < n; i++) {
        uint16_t stream = event->strreset_stream_list[i];

        if (event->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN && stream < STOA_SCTP_STREAMS)
            sctp->closing[stream] &= STOA_SCTP_THEIRS;
        if (event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN && !failed)
            stoa_sctp_channel_close(sctp, stream, true);
    }
}

static void on_notification(StoaSctp *sctp, const uint8_t *buf, size_t len)
{
    const union sctp_notification *note = (const void *)buf;

    if (len < sizeof(note->sn_header) || note->sn_header.sn_length != len)
        return;
    if (note->sn_header.sn_type == SCTP_ASSOC_CHANGE && len >= sizeof(note->sn_assoc_change))
        on_assoc_change(sctp, &note->sn_assoc_change);
    else if (note->sn_header.sn_type == SCTP_STREAM_RESET_EVENT &&
             len >= sizeof(note->sn_strreset_event))
        on_stream_reset(sctp, &note->sn_strreset_event);
}

static void *part_key(const struct sctp_rcvinfo *info)
{
    uint32_t unordered = info->rcv_flags & SCTP_UNORDERED ? 1u << 16 : 0;

    return GUINT_TO_POINTER(info->rcv_sid | unordered);
}

static StoaSctpPart *part_of(StoaSctp *sctp, const struct sctp_rcvinfo *info)
{
    StoaSctpPart *part = g_hash_table_lookup(sctp->parts, part_key(info));

    if (!part) {
        part = g_new0(StoaSctpPart, 1);
        part->bytes = g_byte_array_new();
        g_hash_table_insert(sctp->parts, part_key(info), part);
    }
    return part;
}

/* A piece of a message that does not come in one read. */
static void on_piece(StoaSctp *sctp, const struct sctp_rcvinfo *info, const uint8_t *buf,
                     size_t len, bool is_last)
{
    StoaSctpPart *part = part_of(sctp, info);

    if (part->bytes->len + len > STOA_SCTP_MESSAGE || sctp->part_bytes + len > PART_BYTES)
        part->skip = true;
    if (!part->skip) {
        g_byte_array_append(part->bytes, buf, (guint)len);
        sctp->part_bytes += len;
    }
    if (!is_last)
        return;
    if (!part->skip)
        stoa_sctp_channel_input(sctp, info->rcv_sid, ntohl(info->rcv_ppid), part->bytes->data,
                                part->bytes->len);
    sctp->part_bytes -= part->bytes->len;
    g_hash_table_remove(sctp->parts, part_key(info)); /* frees it: an array keeps its room */
}

static bool has_part(StoaSctp *sctp, const struct sctp_rcvinfo *info)
{
    return g_hash_table_contains(sctp->parts, part_key(info));
}

static void on_data(StoaSctp *sctp, const struct sctp_rcvinfo *info, const uint8_t *buf, size_t len,
                    bool is_last)
{
    if (!is_last || has_part(sctp, info))
        on_piece(sctp, info, buf, len, is_last);
    else if (len <= STOA_SCTP_MESSAGE)
        stoa_sctp_channel_input(sctp, info->rcv_sid, ntohl(info->rcv_ppid), buf, len);
}

/* One read. False: nothing waits, or it is over. */
static bool read_once(StoaSctp *sctp)
{
    struct sctp_rcvinfo info = { 0 };
    socklen_t info_len = sizeof(info), from_len = 0;
    unsigned type = 0;
    int flags = 0;
    uint8_t *buf = sctp->thread->buf;
    ssize_t n = usrsctp_recvv(sctp->socket, buf, STOA_SCTP_READ, NULL, &from_len, &info, &info_len,
                              &type, &flags);

    if (n < 0 && (errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (n <= 0) {
        lose(sctp);
        return false;
    }
    if (flags & MSG_NOTIFICATION)
        on_notification(sctp, buf, (size_t)n);
    else if (type == SCTP_RECVV_RCVINFO)
        on_data(sctp, &info, buf, (size_t)n, flags & MSG_EOR);
    return true;
}

static bool is_ready(StoaSctp *sctp)
{
    return !sctp->callbacks.is_ready || sctp->callbacks.is_ready(sctp->user);
}

void stoa_sctp_socket_serve(StoaSctp *sctp)
{
    while (sctp->socket && sctp->is_dirty && is_ready(sctp)) {
        sctp->is_dirty = false;
        while (sctp->socket && usrsctp_get_events(sctp->socket) & SCTP_EVENT_READ) {
            if (!is_ready(sctp))
                sctp->is_dirty = true; /* the next tick goes on */
            if (sctp->is_dirty || !read_once(sctp))
                break;
        }
    }
    stoa_sctp_socket_flush(sctp);
}

/* -- writing ------------------------------------------------------------------------------- */

static void fill_prinfo(struct sctp_sendv_spa *spa, const StoaSctpChannel *channel)
{
    if (!channel || channel->policy == STOA_DCEP_RELIABLE || !channel->confirmed)
        return;
    spa->sendv_flags |= SCTP_SEND_PRINFO_VALID;
    spa->sendv_prinfo.pr_policy =
        channel->policy == STOA_DCEP_RETRANSMITS ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
    spa->sendv_prinfo.pr_value = channel->limit;
}

/* usrsctp ends a message's life only when it would send it again. Its time before that is ours to look at: it is not given a message
 * that has outlived, nor one that it could not send at once. */
typedef enum { BRIEF_FITS, BRIEF_WAITS, BRIEF_OVER } BriefVerdict;

/* Whether a message would be sent at once: with what is not acknowledged yet it fits the congestion window, as far as usrsctp says
 * (it counts chunks, not bytes). */
static bool has_window(StoaSctp *sctp, size_t len)
{
    struct sctp_status status = { 0 };
    socklen_t status_len = sizeof(status);

    if (usrsctp_getsockopt(sctp->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &status_len) != 0)
        return true;
    return status.sstat_unackdata == 0 ||
           (status.sstat_unackdata + 1U) * (MIN(len, PATH_MTU) + CHUNK_HEADER) <=
               status.sstat_primary.spinfo_cwnd;
}

static BriefVerdict look_at_life(StoaSctp *sctp, const StoaSctpChannel *channel,
                                 const StoaSctpOutgoing *out)
{
    if (!channel || channel->policy != STOA_DCEP_LIFETIME || !channel->confirmed)
        return BRIEF_FITS;
    if (g_get_monotonic_time() - out->queued_us > (int64_t)channel->limit * 1000)
        return BRIEF_OVER;
    return has_window(sctp, out->len) ? BRIEF_FITS : BRIEF_WAITS;
}

/* Hand one message to usrsctp. False: no room now. */
static bool write_once(StoaSctp *sctp, const StoaSctpOutgoing *out)
{
    const StoaSctpChannel *channel = stoa_sctp_channel_find(sctp, out->stream);
    struct sctp_sendv_spa spa = { .sendv_flags = SCTP_SEND_SNDINFO_VALID };
    bool is_dcep = out->ppid == STOA_PPID_DCEP;

    BriefVerdict life = is_dcep ? BRIEF_FITS : look_at_life(sctp, channel, out);
    if (life != BRIEF_FITS)
        return life == BRIEF_OVER;
    spa.sendv_sndinfo.snd_sid = out->stream;
    spa.sendv_sndinfo.snd_ppid = htonl(out->ppid);
    spa.sendv_sndinfo.snd_flags = SCTP_EOR;
    if (!is_dcep && channel && channel->unordered && channel->confirmed)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (!is_dcep)
        fill_prinfo(&spa, channel);
    if (usrsctp_sendv(sctp->socket, out->bytes, out->len, NULL, 0, &spa, sizeof(spa),
                      SCTP_SENDV_SPA, 0) >= 0)
        return true;
    return errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS; /* this one never goes */
}

static void reset_streams(StoaSctp *sctp)
{
    _Alignas(struct sctp_reset_streams)
        uint8_t request[sizeof(struct sctp_reset_streams) + 2] = { 0 };
    struct sctp_reset_streams *head = (void *)request;

    head->srs_assoc_id = SCTP_ALL_ASSOC;
    head->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    head->srs_number_streams = 1;
    while (sctp->socket && sctp->resets->len > 0) {
        uint16_t stream = g_array_index(sctp->resets, uint16_t, 0);

        head->srs_stream_list[0] = stream;
        if (!set(sctp->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, request, sizeof(request))) {
            if (errno == EALREADY || errno == EAGAIN)
                return;                /* one is under way: the next tick tries again */
            sctp->closing[stream] = 0; /* the peer knows no resets */
        }
        g_array_remove_index(sctp->resets, 0);
    }
}

/* The first in line goes out. False: not now. */
static bool send_first(StoaSctp *sctp, const StoaSctpOutgoing *out)
{
    if (out->ppid == STOA_SCTP_RESET) {
        sctp->closing[out->stream] |= STOA_SCTP_RESETTING;
        g_array_append_val(sctp->resets, out->stream);
        return true;
    }
    return !(sctp->closing[out->stream] & STOA_SCTP_RESETTING) && write_once(sctp, out);
}

void stoa_sctp_socket_flush(StoaSctp *sctp)
{
    while (sctp->socket && sctp->is_connected && !g_queue_is_empty(&sctp->outgoing)) {
        StoaSctpOutgoing *out = g_queue_peek_head(&sctp->outgoing);

        if (!send_first(sctp, out))
            break;
        g_queue_pop_head(&sctp->outgoing);
        atomic_fetch_sub(&sctp->queued, out->cost);
        g_free(out);
    }
    if (sctp->is_connected)
        reset_streams(sctp);
}
