/* SPDX-License-Identifier: MIT */
/* The functions of media/command.h, which only note what they were told. */
#include "config.h"

#include "bed/fake-worker.h"

#include "media/figures.h"

#include <string.h>

GPtrArray *fake_peers;
bool fake_is_full, fake_is_gathering;

FakePeer *fake_peer(StoaPeerId id)
{
    FakePeer *peer;

    g_assert(id > 0 && id <= fake_peers->len);
    peer = g_ptr_array_index(fake_peers, id - 1);
    g_assert(peer->open);
    return peer;
}

static void fake_set_local(FakePeer *peer)
{
    g_snprintf(peer->ufrag, sizeof peer->ufrag, "srv%u.%u", (unsigned)peer->id, peer->n_restarts);
    g_snprintf(peer->pwd, sizeof peer->pwd, "serverpassword%08u", peer->n_restarts);
    peer->local.ufrag = peer->ufrag;
    peer->local.pwd = peer->pwd;
    peer->local.fingerprint = "sha-256 "
                              "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                              "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    peer->local.lite = !fake_is_gathering;
    peer->local.gathering = fake_is_gathering;
}

static void fake_peer_free(gpointer data)
{
    FakePeer *peer = data;

    g_free(peer->remote_ufrag);
    g_free(peer->remote_fingerprint);
    g_ptr_array_unref(peer->candidates);
    g_ptr_array_unref(peer->local.candidates);
    g_array_unref(peer->receives);
    g_array_unref(peer->sends);
    g_hash_table_unref(peer->routes);
    g_hash_table_unref(peer->wishes);
    g_hash_table_unref(peer->taps);
    g_string_free(peer->sent, TRUE);
    g_free(peer);
}

StoaPeerId stoa_peer_open(StoaMedia *media, const StoaPeerSpec *spec, const StoaPeerLocal **local,
                          GError **error)
{
    FakePeer *peer;

    g_assert_null(media);
    if (fake_is_full)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "no port is free");
    peer = g_new0(FakePeer, 1);
    peer->id = fake_peers->len + 1;
    peer->open = true;
    peer->controlling = spec->controlling;
    peer->events = spec->events;
    peer->user = spec->user;
    peer->candidates = g_ptr_array_new_with_free_func(g_free);
    peer->receives = g_array_new(FALSE, FALSE, sizeof(StoaReceive));
    peer->sends = g_array_new(FALSE, FALSE, sizeof(StoaSend));
    peer->routes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    peer->wishes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    peer->taps = g_hash_table_new(NULL, NULL);
    peer->sent = g_string_new(NULL);
    peer->local.candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(peer->local.candidates,
                    g_strdup("candidate:1 1 udp 2130706431 192.0.2.1 10000 typ host"));
    fake_set_local(peer);
    g_ptr_array_add(fake_peers, peer);
    *local = &peer->local;
    return peer->id;
}

void stoa_peer_restart(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaPeerLocal **local)
{
    FakePeer *peer = fake_peer(id);

    peer->n_restarts++;
    fake_set_local(peer);
    *local = &peer->local;
}

void stoa_peer_set_remote(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *ufrag,
                          const char *pwd, const char *fingerprint, bool dtls_client, bool data)
{
    FakePeer *peer = fake_peer(id);

    g_assert_nonnull(ufrag);
    g_assert_nonnull(pwd);
    g_assert_nonnull(fingerprint);
    peer->n_remotes++;
    g_free(peer->remote_ufrag);
    g_free(peer->remote_fingerprint);
    peer->remote_ufrag = g_strdup(ufrag);
    peer->remote_fingerprint = g_strdup(fingerprint);
    peer->dtls_client = dtls_client;
    peer->data = data;
}

void stoa_peer_add_candidate(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *candidate)
{
    FakePeer *peer = fake_peer(id);

    g_assert_nonnull(peer->remote_ufrag); /* never before the description */
    g_ptr_array_add(peer->candidates, g_strdup(candidate ? candidate : "end"));
}

void stoa_peer_set_receives(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaReceive *rows,
                            unsigned n, const StoaRtpExtIds *ext)
{
    FakePeer *peer = fake_peer(id);

    g_array_set_size(peer->receives, 0);
    g_array_append_vals(peer->receives, rows, n);
    peer->ext = *ext;
}

/* A row that was there stays there: see stoa_connection_post_sends(). */
static void check_sends(const FakePeer *peer, const StoaSend *rows, unsigned n)
{
    for (unsigned i = 0; i < peer->sends->len; i++) {
        const StoaSend *was = &g_array_index(peer->sends, StoaSend, i);
        bool found = false;

        for (unsigned k = 0; k < n; k++)
            found |= rows[k].sink == was->sink; /* with other SSRCs, perhaps, when it rested */
        g_assert(found);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < i; k++) {
            g_assert_true(rows[i].sink != rows[k].sink);
            g_assert_true(rows[i].ssrc != rows[k].ssrc);
        }
}

void stoa_peer_set_sends(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const StoaSend *rows,
                         unsigned n)
{
    FakePeer *peer = fake_peer(id);

    check_sends(peer, rows, n);
    g_array_set_size(peer->sends, 0);
    g_array_append_vals(peer->sends, rows, n);
}

const StoaSend *fake_send(StoaPeerId id, uint32_t sink)
{
    FakePeer *peer = fake_peer(id);

    for (unsigned i = 0; i < peer->sends->len; i++) {
        const StoaSend *row = &g_array_index(peer->sends, StoaSend, i);

        if (row->sink == sink)
            return row;
    }
    return NULL;
}

/* A row that must be there. */
const StoaSend *fake_row(StoaPeerId id, uint32_t sink)
{
    const StoaSend *row = fake_send(id, sink);

    g_assert(row);
    return row;
}

const StoaReceive *fake_receive(StoaPeerId id, uint32_t track)
{
    FakePeer *peer = fake_peer(id);

    for (unsigned i = 0; i < peer->receives->len; i++) {
        const StoaReceive *row = &g_array_index(peer->receives, StoaReceive, i);

        if (row->track == track)
            return row;
    }
    return NULL;
}

/* A route may be named before its row exists, but never to something of another codec than the row says. */
void stoa_peer_route(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink,
                     StoaTrackRef source)
{
    FakePeer *peer = fake_peer(id);
    const StoaSend *row = fake_send(id, sink);

    if (source.peer) {
        const StoaReceive *from = fake_receive(source.peer, source.track);

        g_assert(row);
        g_assert(from);
        g_assert_cmpuint(row->codec, ==, from->codec);
    }
    g_hash_table_replace(peer->routes, GUINT_TO_POINTER(sink), g_memdup2(&source, sizeof source));
}

/* The source of a sink; .peer 0: none. */
StoaTrackRef fake_route(StoaPeerId id, uint32_t sink)
{
    const StoaTrackRef *ref = g_hash_table_lookup(fake_peer(id)->routes, GUINT_TO_POINTER(sink));

    return ref ? *ref : (StoaTrackRef){ 0 };
}

void stoa_peer_pause(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, bool paused)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("pause %u", sink),
                         g_strdup(paused ? "true" : "false"));
}

void stoa_peer_limit(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, int substream,
                     int temporal)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("limit %u", sink),
                         g_strdup_printf("%d %d", substream, temporal));
}

void stoa_peer_priority(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink,
                        unsigned priority)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("priority %u", sink),
                         g_strdup_printf("%u", priority));
}

void stoa_peer_limit_spatial(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink,
                             int spatial)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("spatial %u", sink),
                         g_strdup_printf("%d", spatial));
}

void stoa_peer_fallback(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, uint32_t us)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("fallback %u", sink),
                         g_strdup_printf("%u", us));
}

void stoa_peer_delay(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t sink, StoaDelay delay)
{
    g_assert_nonnull(fake_send(id, sink));
    g_hash_table_replace(fake_peer(id)->wishes, g_strdup_printf("delay %u", sink),
                         g_strdup_printf("%d %d", delay.least, delay.most));
}

const char *fake_wish(StoaPeerId id, const char *what, uint32_t sink)
{
    g_autofree char *key = g_strdup_printf("%s %u", what, sink);

    return g_hash_table_lookup(fake_peer(id)->wishes, key);
}

void stoa_peer_mute(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track, bool muted)
{
    fake_peer(id)->muted = muted ? track : 0;
}

void stoa_peer_keyframe(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track G_GNUC_UNUSED)
{
    fake_peer(id)->n_keyframes++;
}

void stoa_peer_watch_level(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track,
                           unsigned packets, unsigned level G_GNUC_UNUSED)
{
    fake_peer(id)->watched = packets ? track : 0;
}

void stoa_peer_watch_voice(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track, bool on)
{
    fake_peer(id)->heard = on ? track : 0;
}

void stoa_peer_bitrate(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t bps)
{
    fake_peer(id)->bitrate_bps = bps;
}

void stoa_peer_tap(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, uint32_t track, StoaTapFunc *fn,
                   void *data G_GNUC_UNUSED, GDestroyNotify done G_GNUC_UNUSED)
{
    if (fn)
        g_assert(g_hash_table_add(fake_peer(id)->taps, GUINT_TO_POINTER(track)));
    else
        g_assert(g_hash_table_remove(fake_peer(id)->taps, GUINT_TO_POINTER(track)));
}

bool stoa_peer_send_data(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *label,
                         const void *buf, size_t len, bool text G_GNUC_UNUSED)
{
    FakePeer *peer = fake_peer(id);

    if (peer->data)
        g_string_append_printf(peer->sent, "%s %.*s\n", label ? label : "any", (int)len,
                               (const char *)buf);
    return peer->data;
}

size_t stoa_peer_data_waiting(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id)
{
    return fake_peer(id)->waiting;
}

/* "LABEL TEXT", with what is not as usual of the channel: "LABEL(unordered,tries=0,life=5,PROTOCOL) TEXT" */
bool stoa_peer_relay_data(StoaMedia *media, StoaPeerId id, const StoaDataChannel *channel,
                          const void *buf, size_t len, bool text)
{
    g_autoptr(GString) label = g_string_new(channel->label);

    if (fake_peer(id)->waiting + len > 4 << 20)
        return false;
    if (channel->unordered || channel->limit_retransmits || channel->max_life_ms ||
        *channel->protocol)
        g_string_append_printf(label, "(%s,tries=%d,life=%u,%s)",
                               channel->unordered ? "unordered" : "ordered",
                               channel->limit_retransmits ? channel->max_retransmits : -1,
                               channel->max_life_ms, channel->protocol);
    return stoa_peer_send_data(media, id, label->str, buf, len, text);
}

void stoa_peer_set_data(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id,
                        uint16_t sctp_port G_GNUC_UNUSED, uint64_t max_message G_GNUC_UNUSED)
{
    fake_peer(id);
}

bool stoa_peer_open_channel(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id,
                            const StoaDataChannel *channel)
{
    FakePeer *peer = fake_peer(id);

    if (peer->data)
        g_string_append_printf(peer->sent, "open %s\n", channel->label);
    return peer->data;
}

void stoa_peer_close_channel(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id, const char *label)
{
    g_string_append_printf(fake_peer(id)->sent, "close %s\n", label);
}

void stoa_peer_close(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id)
{
    FakePeer *peer = fake_peer(id);

    g_assert_cmpuint(g_hash_table_size(peer->taps), ==, 0);
    peer->open = false;
}

void stoa_peer_stats(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id,
                     void (*got)(json_t *stats, void *data), void *data)
{
    fake_peer(id);
    got(json_object(), data);
}

int fake_setup(void **unused G_GNUC_UNUSED)
{
    fake_peers = g_ptr_array_new_with_free_func(fake_peer_free);
    fake_is_full = fake_is_gathering = false;
    return 0;
}

void fake_reset(void)
{
    g_clear_pointer(&fake_peers, g_ptr_array_unref);
}

int fake_teardown(void **unused G_GNUC_UNUSED)
{
    unsigned n_open = 0;

    for (unsigned i = 0; i < fake_peers->len; i++)
        n_open += ((FakePeer *)g_ptr_array_index(fake_peers, i))->open;
    if (n_open > 0)
        g_printerr("%u peers were left open\n", n_open);
    fake_reset();
    return n_open > 0 ? -1 : 0;
}

/* One stream in, one out, with figures of their own. */
void stoa_peer_figures(StoaMedia *media G_GNUC_UNUSED, StoaPeerId id,
                       void (*got)(const StoaFigures *figures, void *data), void *data,
                       GDestroyNotify free_data)
{
    g_autofree StoaFigures *figures = g_malloc0(sizeof *figures + 2 * sizeof(StoaFigure));
    bool is_there = fake_peer(id)->open;

    figures->rtt_us = 20500;
    figures->n = 2;
    figures->streams[0] = (StoaFigure){ .mid = "0",
                                        .kind = STOA_AUDIO,
                                        .codec = STOA_CODEC_OPUS,
                                        .substream = -1,
                                        .temporal = -1,
                                        .packets = 50,
                                        .bps = 32000 };
    figures->streams[1] = (StoaFigure){ .mid = "1",
                                        .is_out = true,
                                        .kind = STOA_VIDEO,
                                        .codec = STOA_CODEC_VP8,
                                        .substream = 1,
                                        .temporal = 2,
                                        .lost = 3,
                                        .loss = 0.25,
                                        .asked = 5,
                                        .served = 4,
                                        .jitter_us = 1500 };
    got(is_there ? figures : NULL, data);
    if (free_data)
        free_data(data);
}
