/* SPDX-License-Identifier: MIT */
/* A peer's m-lines: rows that come, change and go while media flows. */
#include <string.h>

#include "base/id.h"
#include "media/peer-private.h"

#include "base/poison.h"

/* -- incoming ------------------------------------------------------------------------------ */

StoaFeed *stoa_peer_feed(const StoaPeer *peer, uint32_t track)
{
    for (unsigned i = 0; i < peer->n_feeds; i++)
        if (peer->feeds[i]->ref.track == track)
            return peer->feeds[i];
    return NULL;
}

static bool has_track(const StoaReceive *rows, unsigned n, uint32_t track)
{
    for (unsigned i = 0; i < n; i++)
        if (rows[i].track == track)
            return true;
    return false;
}

static void remove_feed(StoaPeer *peer, unsigned i)
{
    StoaFeed *feed = peer->feeds[i];

    peer->feeds[i] = peer->feeds[--peer->n_feeds];
    stoa_peer_unbind(peer, feed);
    stoa_feed_unset_local(feed);
}

static void set_row_in(StoaPeer *peer, const StoaReceive *row)
{
    StoaFeed *feed = stoa_peer_feed(peer, row->track);

    if (feed && memcmp(&feed->row, row, sizeof(*row)) == 0)
        return;
    if (!feed) {
        feed = stoa_feed_get(peer->worker, (StoaTrackRef){ peer->id, row->track });
        peer->feeds = g_renew(StoaFeed *, peer->feeds, peer->n_feeds + 1);
        peer->feeds[peer->n_feeds++] = feed;
    }
    stoa_feed_set_local(feed, peer, row);
    stoa_peer_bind_row(peer, feed);
}

void stoa_peer_set_rows_in(StoaPeer *peer, const StoaReceive *rows, unsigned n,
                           const StoaRtpExtIds *ext)
{
    peer->ext = *ext;
    for (unsigned i = 0; i < peer->n_feeds;) {
        if (has_track(rows, n, peer->feeds[i]->ref.track))
            i++;
        else
            remove_feed(peer, i);
    }
    for (unsigned i = 0; i < n; i++)
        set_row_in(peer, &rows[i]);
}

/* -- outgoing ------------------------------------------------------------------------------ */

static StoaOutlet *find_outlet(const StoaPeer *peer, uint32_t sink)
{
    for (unsigned i = 0; i < peer->n_outlets; i++)
        if (peer->outlets[i]->number == sink)
            return peer->outlets[i];
    return NULL;
}

StoaOutlet *stoa_peer_outlet(StoaPeer *peer, uint32_t sink)
{
    StoaOutlet *outlet = find_outlet(peer, sink);

    if (outlet)
        return outlet;
    outlet = stoa_outlet_new(peer, sink);
    peer->outlets = g_renew(StoaOutlet *, peer->outlets, peer->n_outlets + 1);
    peer->outlets[peer->n_outlets++] = outlet;
    return outlet;
}

StoaOutlet *stoa_peer_outlet_by_ssrc(const StoaPeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < peer->n_outlets; i++)
        if (peer->outlets[i]->has_row && peer->outlets[i]->row.ssrc == ssrc)
            return peer->outlets[i];
    return NULL;
}

static bool has_sink(const StoaSend *rows, unsigned n, uint32_t sink)
{
    for (unsigned i = 0; i < n; i++)
        if (rows[i].sink == sink)
            return true;
    return false;
}

/* Two streams under one SSRC and key would give numbers twice: the second is refused. */
static bool is_ssrc_taken(const StoaPeer *peer, const StoaSend *row)
{
    for (unsigned i = 0; i < peer->n_outlets; i++) {
        const StoaOutlet *outlet = peer->outlets[i];
        const StoaSend *other = &outlet->row;

        if (outlet->number == row->sink || !outlet->has_row)
            continue;
        if (row->ssrc && (other->ssrc == row->ssrc || other->rtx_ssrc == row->ssrc))
            return true;
        if (row->rtx_ssrc && (other->ssrc == row->rtx_ssrc || other->rtx_ssrc == row->rtx_ssrc))
            return true;
    }
    return row->ssrc && row->ssrc == row->rtx_ssrc;
}

void stoa_peer_set_rows_out(StoaPeer *peer, const StoaSend *rows, unsigned n)
{
    for (unsigned i = 0; i < peer->n_outlets;) {
        StoaOutlet *outlet = peer->outlets[i];

        if (!outlet->has_row || has_sink(rows, n, outlet->number)) {
            i++; /* one without a row was only routed so far: it waits for its row */
            continue;
        }
        peer->outlets[i] = peer->outlets[--peer->n_outlets];
        stoa_outlet_free(outlet);
    }
    for (unsigned i = 0; i < n; i++)
        if (!is_ssrc_taken(peer, &rows[i]))
            stoa_outlet_set_row(stoa_peer_outlet(peer, rows[i].sink), &rows[i]);
}

void stoa_peer_drop_media(StoaPeer *peer)
{
    while (peer->n_outlets > 0)
        stoa_outlet_free(peer->outlets[--peer->n_outlets]);
    while (peer->n_feeds > 0)
        remove_feed(peer, peer->n_feeds - 1);
    g_clear_pointer(&peer->outlets, g_free);
    g_clear_pointer(&peer->feeds, g_free);
}

/* -- numbers that must never come twice ---------------------------------------------------- */

static StoaRetired *find_retired(const StoaPeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; peer->retired && i < peer->retired->len; i++) {
        StoaRetired *retired = &g_array_index(peer->retired, StoaRetired, i);

        if (retired->ssrc == ssrc)
            return retired;
    }
    return NULL;
}

/* Random, in the lower half: receivers need not guess whether it rolled over before their first packet. */
uint64_t stoa_peer_first_index(StoaPeer *peer, uint32_t ssrc)
{
    const StoaRetired *retired = find_retired(peer, ssrc);

    return retired ? retired->next : (stoa_id_random32() & 0x7fff);
}

void stoa_peer_retire(StoaPeer *peer, uint32_t ssrc, uint64_t next)
{
    StoaRetired *retired = find_retired(peer, ssrc);

    if (!peer->retired)
        peer->retired = g_array_new(FALSE, FALSE, sizeof(StoaRetired));
    if (retired)
        retired->next = MAX(retired->next, next);
    else
        g_array_append_val(peer->retired, ((StoaRetired){ ssrc, next }));
}
