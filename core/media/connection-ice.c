/* SPDX-License-Identifier: MIT */
/* ICE alone, for those who do not negotiate again: candidates that come in fragments, restarts without an offer. (RFC 9725, 4.3) */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "sdp/negotiate.h"
#include "sdp/read.h"

#include <stoa/error.h>

#include <string.h>

#include "base/poison.h"

static const StoaSdpTransport *transport_of(const StoaSdp *fragment)
{
    const StoaSdpMedia *media = stoa_sdp_media(fragment, 0);

    return media ? &media->transport : &fragment->transport;
}

/* Candidates of another generation than the fragment's are of no use. (RFC 8838, 11) */
static void add_candidates(StoaConnection *connection, const StoaSdp *fragment)
{
    const char *ufrag = transport_of(fragment)->ufrag;

    for (guint i = 0; i < fragment->media->len; i++) {
        const StoaSdpMedia *media = stoa_sdp_media(fragment, i);

        for (guint k = 0; k < media->candidates->len; k++) {
            const StoaSdpCandidate *one = &g_array_index(media->candidates, StoaSdpCandidate, k);

            if (!one->ufrag || !ufrag || strcmp(one->ufrag, ufrag) == 0)
                stoa_connection_add_candidate(connection, one->text);
        }
        if (media->end_of_candidates)
            stoa_connection_add_candidate(connection, NULL);
    }
}

static void restart(StoaConnection *connection, const StoaSdpTransport *theirs)
{
    stoa_peer_restart(connection->media, connection->peer, &connection->local);
    stoa_sdp_plan_restart(connection->plan, theirs->ufrag, theirs->pwd);
    stoa_connection_post_remote(connection);
    log_debug(connection, "ICE restarts without an offer");
}

static StoaSdp *read_fragment(const StoaConnection *connection, const char *text, GError **error)
{
    StoaSdpLimits limits = { .max_bytes = (size_t)MAX(connection->sdp_bytes, 0),
                             .max_media = (unsigned)CLAMP(connection->sdp_media, 0, G_MAXINT) };
    StoaSdp *fragment = stoa_sdp_read_fragment(text, strlen(text), &limits, error);

    if (!fragment)
        g_prefix_error(error, "fragment: ");
    return fragment;
}

bool stoa_connection_take_fragment(StoaConnection *connection, const char *text, char **answer,
                                   GError **error)
{
    g_autoptr(StoaSdp) fragment = read_fragment(connection, text, error);

    if (!fragment || !stoa_connection_is_alive(connection, error))
        return false;
    if (!connection->peer || !connection->plan ||
        connection->negotiation != STOA_NEGOTIATION_STABLE)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "nothing is agreed yet: ICE can be changed once it is");
    const StoaSdpTransport *theirs = transport_of(fragment);
    if (!theirs->ufrag != !theirs->pwd)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the fragment has only one of a=ice-ufrag and a=ice-pwd");
    bool restarts = stoa_sdp_ice_restarted(&connection->plan->remote, theirs);
    *answer = NULL;
    if (restarts)
        restart(connection, theirs);
    add_candidates(connection, fragment);
    if (restarts)
        *answer = stoa_connection_describe(connection, true);
    return true;
}

bool stoa_connection_is_gathering(const StoaConnection *connection)
{
    return connection->local && connection->local->gathering;
}

char *stoa_connection_describe(StoaConnection *connection, bool fragment)
{
    if (!connection->plan || !connection->local)
        return NULL;
    StoaSdpLocal ours = stoa_connection_ours(connection);

    return fragment ? stoa_sdp_write_fragment(connection->plan, &ours, NULL)
                    : stoa_sdp_write(connection->plan, &ours, NULL);
}
