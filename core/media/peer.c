/* SPDX-License-Identifier: MIT */
#define LOG_AREA "media"
#include "media/peer.h"

#include <string.h>

#include "base/id.h"
#include "media/downlink.h"
#include "media/event.h"
#include "media/peer-private.h"
#include "media/relay.h"
#include "rtp/bytes.h"
#include "rtp/header.h"

#include "base/poison.h"

static void live(StoaWheelTimer *timer, int64_t now_us);
static void dtls_output(void *user, const uint8_t *buf, size_t len);
static void dtls_data(void *user, const uint8_t *buf, size_t len);

static const StoaDtlsCallbacks dtls_callbacks = { dtls_output, dtls_data };

/* -- life ---------------------------------------------------------------------------------- */

static bool take_ice(StoaPeer *peer, const StoaPeerMake *make)
{
    peer->agent = make->agent;
    if (!peer->agent)
        peer->lite = stoa_ice_lite_new_with(peer->worker->hub, peer, make->ufrag, make->pwd);
    return peer->agent || peer->lite;
}

StoaPeer *stoa_peer_make(StoaWorker *w, const StoaPeerMake *make)
{
    StoaPeer *peer = g_new0(StoaPeer, 1);

    stoa_log_tag_set(&peer->log, "%s", make->log_ids);
    peer->id = make->id;
    peer->worker = w;
    peer->state = STOA_PEER_CHECKING;
    peer->state_us = w->now_us;
    peer->context = make->context;
    peer->ssrc = stoa_id_random32();
    peer->twcc_seq = 1;
    stoa_id_text(peer->cname, sizeof(peer->cname) - 1);
    peer->life.fire = live;
    peer->report.fire = stoa_peer_report;
    peer->feedback.fire = stoa_peer_feedback;
    if (!take_ice(peer, make)) {
        g_free(peer);
        return NULL;
    }
    g_hash_table_insert(w->peers, &peer->id, peer);
    stoa_wheel_set(&w->wheel, &peer->life, w->now_us + STOA_REMOTE_TIMEOUT_US);
    return peer;
}

static void drop_transport(StoaPeer *peer)
{
    if (peer->dtls)
        stoa_dtls_link_close(peer->dtls);
    g_clear_pointer(&peer->dtls, stoa_dtls_link_free);
    g_clear_pointer(&peer->open, stoa_srtp_open_free);
    g_clear_pointer(&peer->seal, stoa_srtp_seal_free);
    g_clear_pointer(&peer->lite, stoa_ice_lite_free);
    if (peer->agent)
        stoa_ice_agent_close(g_steal_pointer(&peer->agent));
    peer->path.kind = STOA_ICE_NO_PATH;
    if (peer->worker->last_peer == peer)
        peer->worker->last_peer = NULL;
}

static void stop_timers(StoaPeer *peer)
{
    stoa_wheel_clear(&peer->worker->wheel, &peer->life);
    stoa_wheel_clear(&peer->worker->wheel, &peer->report);
    stoa_wheel_clear(&peer->worker->wheel, &peer->feedback);
    stoa_downlink_stop(peer->downlink);
}

void stoa_peer_end(StoaPeer *peer)
{
    stop_timers(peer);
    stoa_peer_close_data(peer);
    stoa_peer_drop_media(peer);
    drop_transport(peer);
    g_hash_table_remove(peer->worker->peers, &peer->id);
    stoa_downlink_free(peer->downlink);
    g_free(peer->twcc);
    g_free(peer->ssrcs);
    if (peer->retired)
        g_array_unref(peer->retired);
    g_free(peer);
}

/* -- the state table's actions ------------------------------------------------------------- */

static void set_life(StoaPeer *peer)
{
    int64_t now_us = peer->worker->now_us;
    int64_t due_us = INT64_MAX;

    if (peer->state == STOA_PEER_DOWN)
        return;
    if (peer->lite)
        due_us = stoa_ice_lite_deadline_us(peer->lite);
    if (peer->dtls)
        due_us = MIN(due_us, stoa_dtls_link_deadline_us(peer->dtls, now_us));
    if (peer->state == STOA_PEER_CHECKING)
        due_us = MIN(due_us, peer->state_us +
                                 (peer->has_remote ? STOA_ICE_TIMEOUT_US : STOA_REMOTE_TIMEOUT_US));
    if (peer->state == STOA_PEER_HANDSHAKE)
        due_us = MIN(due_us, peer->state_us + STOA_DTLS_TIMEOUT_US);
    if (due_us != INT64_MAX)
        stoa_wheel_set(&peer->worker->wheel, &peer->life, due_us);
}

void stoa_peer_start_dtls(StoaPeer *peer)
{
    if (peer->dtls)
        stoa_dtls_link_start(peer->dtls, peer->worker->now_us);
    set_life(peer);
}

static StoaSrtpKeys srtp_keys(const StoaDtlsKeys *keys, const uint8_t *key, const uint8_t *salt)
{
    StoaSrtpKeys out = { .profile = (StoaSrtpProfile)keys->profile };

    memcpy(out.key, key, sizeof(out.key));
    memcpy(out.salt, salt, keys->salt_len);
    return out;
}

static bool take_keys(StoaPeer *peer)
{
    StoaDtlsKeys keys;
    StoaSrtpKeys local, remote;

    if (!stoa_dtls_link_keys(peer->dtls, &keys))
        return false;
    local = srtp_keys(&keys, keys.local_key, keys.local_salt);
    remote = srtp_keys(&keys, keys.remote_key, keys.remote_salt);
    peer->seal = stoa_srtp_seal_new(&local);
    peer->open = stoa_srtp_open_new(&remote);
    stoa_srtp_keys_wipe(&local);
    stoa_srtp_keys_wipe(&remote);
    explicit_bzero(&keys, sizeof(keys));
    return peer->seal && peer->open;
}

void stoa_peer_open_media(StoaPeer *peer)
{
    if (!take_keys(peer)) {
        stoa_peer_step(peer, STOA_PEER_EV_FAILED);
        return;
    }
    if (peer->flight_us)
        peer->rtt_us = CLAMP(peer->worker->now_us - peer->flight_us, 1000, 500000);
    if (peer->data)
        stoa_peer_open_data(peer);
    for (unsigned i = 0; i < peer->n_outlets; i++)
        stoa_outlet_choose(peer->outlets[i], peer->worker->now_us);
    stoa_wheel_set(&peer->worker->wheel, &peer->report, peer->worker->now_us + STOA_REPORT_US / 4);
    stoa_event_up(peer->worker, peer->id);
    log_info(peer, "up");
}

/* Called from within DTLS and ICE, too: what they use is freed when control closes the peer. */
void stoa_peer_go_down(StoaPeer *peer)
{
    static const char *const words[] = {
        [STOA_DOWN_ICE] = "no path was found",
        [STOA_DOWN_DTLS_ALERT] = "the client said goodbye",
        [STOA_DOWN_DTLS_FAILED] = "the DTLS handshake failed",
        [STOA_DOWN_CONSENT] = "nothing was heard of the client for too long",
    };

    if (peer->why == STOA_DOWN_DTLS_FAILED && peer->dtls && stoa_dtls_link_failure(peer->dtls))
        log_info(peer, "down: %s", stoa_dtls_link_failure(peer->dtls));
    else
        log_info(peer, "down: %s", words[peer->why]);
    stop_timers(peer);
    for (unsigned i = 0; i < peer->n_outlets; i++)
        stoa_outlet_choose(peer->outlets[i], peer->worker->now_us);
    stoa_event_down(peer->worker, peer->id, peer->why);
}

/* -- ICE and DTLS -------------------------------------------------------------------------- */

static void after_dtls(StoaPeer *peer, StoaDtlsState state)
{
    if (state == STOA_DTLS_CONNECTED && peer->state == STOA_PEER_HANDSHAKE)
        stoa_peer_step(peer, STOA_PEER_EV_KEYED);
    else if (state == STOA_DTLS_CLOSED)
        stoa_peer_step(peer, STOA_PEER_EV_CLOSED);
    else if (state == STOA_DTLS_FAILED)
        stoa_peer_step(peer, STOA_PEER_EV_FAILED);
    set_life(peer);
}

static bool make_link(StoaPeer *peer)
{
    StoaDtlsRole role = peer->dtls_client ? STOA_DTLS_CLIENT : STOA_DTLS_SERVER;

    if (!peer->dtls)
        peer->dtls = stoa_dtls_link_new(peer->context, role, &dtls_callbacks, peer);
    return peer->dtls != NULL;
}

static void expect(StoaPeer *peer, const char *fingerprint)
{
    g_auto(GStrv) parts = g_strsplit(fingerprint, " ", 2);

    if (peer->state == STOA_PEER_READY)
        return; /* the certificate of a running session is proven */
    if (g_strv_length(parts) == 2)
        after_dtls(peer, stoa_dtls_link_expect(peer->dtls, parts[0], parts[1]));
}

void stoa_peer_remote(StoaPeer *peer, const char *fingerprint, bool dtls_client, bool data)
{
    if (peer->state == STOA_PEER_DOWN)
        return;
    if (!peer->has_remote) {
        peer->has_remote = true;
        peer->dtls_client = dtls_client;
        if (peer->state == STOA_PEER_CHECKING)
            peer->state_us = peer->worker->now_us;
    }
    if (!make_link(peer))
        return;
    if (data && !peer->data && peer->state == STOA_PEER_READY)
        stoa_peer_open_data(peer);
    peer->data = data || peer->data;
    if (peer->state == STOA_PEER_HANDSHAKE && dtls_client)
        stoa_dtls_link_start(peer->dtls, peer->worker->now_us);
    expect(peer, fingerprint);
    set_life(peer);
}

/* Another network: what was known of the way there holds no more. @had  there was one */
static void leave_path(StoaPeer *peer, bool had)
{
    peer->n_moves += had;
    if (peer->downlink)
        stoa_downlink_moved(peer->downlink);
}

static void take_path(StoaPeer *peer, const StoaIcePath *path, bool is_restarted)
{
    bool has_moved = !stoa_address_equal(&path->remote, &peer->path.remote);

    if (has_moved)
        leave_path(peer, stoa_address_is_set(&peer->path.remote));
    peer->path = *path;
    if (has_moved || is_restarted)
        stoa_peer_doubt_rtt(peer);
}

void stoa_peer_take_pair(StoaPeer *peer, const StoaIcePair *pair)
{
    leave_path(peer, stoa_address_is_set(&peer->pair.remote));
    peer->pair = *pair;
    stoa_peer_doubt_rtt(peer);
}

void stoa_peer_ice(StoaPeer *peer, StoaIceEvents events, int64_t now_us)
{
    const StoaIcePath *selected;

    if (peer->state == STOA_PEER_DOWN)
        return;
    if (events & (STOA_ICE_SELECTED | STOA_ICE_CONNECTED | STOA_ICE_RESTARTED | STOA_ICE_LOST)) {
        selected = stoa_ice_lite_selected(peer->lite);
        if (selected)
            take_path(peer, selected, events & STOA_ICE_RESTARTED);
        else
            peer->path.kind = STOA_ICE_NO_PATH;
    }
    if (events & STOA_ICE_CONNECTED)
        stoa_peer_step(peer, STOA_PEER_EV_PATH);
    if (events & STOA_ICE_LOST)
        stoa_peer_step(peer, STOA_PEER_EV_NO_PATH);
    (void)now_us;
    if (events)
        set_life(peer);
}

void stoa_peer_dtls(StoaPeer *peer, const uint8_t *buf, size_t len)
{
    if (peer->state == STOA_PEER_DOWN || !make_link(peer))
        return;
    after_dtls(peer, stoa_dtls_link_input(peer->dtls, peer->worker->now_us, buf, len));
}

static bool is_too_long(const StoaPeer *peer, int64_t now_us)
{
    int64_t us = now_us - peer->state_us;

    if (peer->state == STOA_PEER_CHECKING)
        return us >= (peer->has_remote ? STOA_ICE_TIMEOUT_US : STOA_REMOTE_TIMEOUT_US);
    return peer->state == STOA_PEER_HANDSHAKE && us >= STOA_DTLS_TIMEOUT_US;
}

static void live(StoaWheelTimer *timer, int64_t now_us)
{
    StoaPeer *peer = STOA_WHEEL_OWNER(timer, StoaPeer, life);

    if (peer->lite) {
        peer->worker->last_peer = NULL; /* its path may expire */
        stoa_peer_ice(peer, stoa_ice_lite_tick(peer->lite, now_us), now_us);
    }
    if (peer->dtls && peer->state != STOA_PEER_DOWN)
        after_dtls(peer, stoa_dtls_link_tick(peer->dtls, now_us));
    if (is_too_long(peer, now_us))
        stoa_peer_step(peer, STOA_PEER_EV_TIMEOUT);
    set_life(peer);
}

/* -- sending ------------------------------------------------------------------------------- */

uint8_t *stoa_peer_slot(StoaPeer *peer)
{
    if (peer->path.kind == STOA_ICE_UDP)
        return stoa_udp_batch_slot(peer->worker->batch);
    return peer->worker->outgoing;
}

/* Sealed or not, the header of RTP can be read. */
static bool is_video(const StoaPeer *peer, const uint8_t *buf, size_t len)
{
    uint32_t ssrc;

    if (len < STOA_RTP_HEADER_LEN || buf[0] >> 6 != 2 || stoa_rtp_header_is_rtcp(buf, len))
        return false;
    ssrc = stoa_bytes_get32(buf + 8);
    for (unsigned i = 0; i < peer->n_outlets; i++) {
        const StoaSend *row = &peer->outlets[i]->row;

        if (row->ssrc == ssrc || (row->rtx_ssrc && row->rtx_ssrc == ssrc))
            return row->kind == STOA_VIDEO;
    }
    return false;
}

/* A receiver on a slow line: voice comes before pictures. */
static bool send_tcp(StoaPeer *peer, const uint8_t *buf, size_t len)
{
    StoaWorker *w = peer->worker;
    StoaTcpConnection *connection = stoa_worker_connection(w, peer->path.connection);
    StoaTcpResult result;

    if (!connection)
        return false;
    if (stoa_tcp_connection_is_congested(connection, w->now_us) && is_video(peer, buf, len))
        return false;
    result = stoa_tcp_connection_send(connection, w->now_us, buf, len);
    stoa_worker_mind_connection(peer->worker, connection, result == STOA_TCP_BROKEN);
    return result == STOA_TCP_SENT;
}

bool stoa_peer_commit(StoaPeer *peer, size_t len)
{
    StoaWorker *w = peer->worker;
    bool sent = false;

    if (peer->path.kind == STOA_ICE_UDP) {
        stoa_udp_batch_commit(w->batch, len, &w->sockets[peer->path.socket], &peer->path.remote,
                              &peer->path.local);
        return true;
    }
    if (peer->path.kind == STOA_ICE_TCP)
        sent = send_tcp(peer, w->outgoing, len);
    else if (peer->agent)
        sent = stoa_ice_agent_send(peer->agent, w->outgoing, len);
    if (!sent)
        stoa_count(&w->counters, STOA_DROP_SEND, 1);
    return sent;
}

void stoa_peer_send_rtcp(StoaPeer *peer, const uint8_t *buf, size_t len)
{
    uint8_t *slot;

    if (!peer->seal || len + STOA_SRTP_MAX_OVERHEAD > STOA_UDP_SLOT)
        return;
    slot = stoa_peer_slot(peer);
    memcpy(slot, buf, len);
    len = stoa_srtp_seal_rtcp(peer->seal, slot, len, STOA_UDP_SLOT);
    if (len > 0)
        stoa_peer_commit(peer, len);
}

static void dtls_output(void *user, const uint8_t *buf, size_t len)
{
    StoaPeer *peer = user;

    if (len > STOA_UDP_SLOT)
        return;
    if (!peer->flight_us)
        peer->flight_us = peer->worker->now_us;
    memcpy(stoa_peer_slot(peer), buf, len);
    stoa_peer_commit(peer, len);
}

static void dtls_data(void *user, const uint8_t *buf, size_t len)
{
    StoaPeer *peer = user;

    if (peer->sctp)
        stoa_sctp_input(peer->sctp, buf, len);
}
