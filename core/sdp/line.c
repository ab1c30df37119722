/* SPDX-License-Identifier: MIT */
/* What an answer and the acceptance of one have in common: streams, BUNDLE, transport. */
#include "sdp/line.h"

#include "sdp/negotiate.h"

#include <stoa/error.h>

#include "base/poison.h"

/* -- streams --------------------------------------------------------------------------------------- */

/* The partner of `ssrc` in a group of two; `*is_second`: ssrc repairs another one. */
static uint32_t partner(const StoaSdpMedia *media, const char *semantics, uint32_t ssrc,
                        bool *is_second)
{
    uint32_t found = 0;

    for (guint i = 0; i < media->ssrc_groups->len; i++) {
        const StoaSdpSsrcGroup *group = &g_array_index(media->ssrc_groups, StoaSdpSsrcGroup, i);

        if (group->n_ssrcs < 2 || !g_str_equal(group->semantics, semantics))
            continue;
        if (group->ssrcs[0] == ssrc && found == 0)
            found = group->ssrcs[1];
        else if (group->ssrcs[1] == ssrc)
            *is_second = true;
    }
    return found;
}

static void add_source(StoaSdpLine *line, const StoaSdpMedia *media, uint32_t ssrc)
{
    bool is_second = false;
    uint32_t rtx_ssrc = partner(media, "FID", ssrc, &is_second);

    partner(media, "FEC-FR", ssrc, &is_second);
    for (unsigned i = 0; i < line->n_sources; i++)
        if (line->sources[i].ssrc == ssrc)
            return;
    if (is_second || ssrc == 0 || line->n_sources == STOA_SDP_MAX_SOURCES)
        return;
    line->sources = g_renew(StoaSdpSource, line->sources, line->n_sources + 1);
    line->sources[line->n_sources++] = (StoaSdpSource){ ssrc, rtx_ssrc };
}

/* Those of a=ssrc lines first, then what only an ssrc-group names. */
static void take_sources(StoaSdpLine *line, const StoaSdpMedia *media)
{
    for (guint i = 0; i < media->ssrcs->len; i++)
        add_source(line, media, g_array_index(media->ssrcs, StoaSdpSsrc, i).ssrc);
    for (guint i = 0; i < media->ssrc_groups->len; i++) {
        const StoaSdpSsrcGroup *group = &g_array_index(media->ssrc_groups, StoaSdpSsrcGroup, i);

        for (unsigned k = 0; k < group->n_ssrcs; k++)
            add_source(line, media, group->ssrcs[k]);
    }
}

/* The first alternative of each stream, the highest quality first as all browsers list them. */
static void take_rids(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media)
{
    unsigned last = G_MAXUINT;

    for (guint i = 0; i < media->simulcast_send->len; i++) {
        const StoaSdpSimulcast *row = &g_array_index(media->simulcast_send, StoaSdpSimulcast, i);

        if (row->stream == last || line->n_encodings >= STOA_SDP_MAX_ENCODINGS)
            continue;
        last = row->stream;
        line->encodings[line->n_encodings++].rid = stoa_sdp_line_keep(plan, row->rid);
    }
}

/* Simulcast of old, made by editing the offer: the group begins with the lowest quality. */
static void take_sim_group(StoaSdpLine *line, const StoaSdpMedia *media)
{
    for (guint i = 0; i < media->ssrc_groups->len && line->n_encodings == 0; i++) {
        const StoaSdpSsrcGroup *group = &g_array_index(media->ssrc_groups, StoaSdpSsrcGroup, i);

        if (!g_str_equal(group->semantics, "SIM"))
            continue;
        for (unsigned k = group->n_ssrcs; k > 0 && line->n_encodings < STOA_SDP_MAX_ENCODINGS;
             k--) {
            uint32_t ssrc = group->ssrcs[k - 1];
            bool is_second = false;

            line->encodings[line->n_encodings++] =
                (StoaSdpEncoding){ NULL, ssrc, partner(media, "FID", ssrc, &is_second) };
        }
    }
}

static void take_msid(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media)
{
    if (media->msids->len > 0) {
        const StoaSdpMsid *msid = &g_array_index(media->msids, StoaSdpMsid, 0);

        line->stream = stoa_sdp_line_keep(plan, msid->stream);
        line->track = stoa_sdp_line_keep(plan, msid->track);
    } else if (media->ssrcs->len > 0) {
        const StoaSdpSsrc *ssrc = &g_array_index(media->ssrcs, StoaSdpSsrc, 0);

        line->stream = stoa_sdp_line_keep(plan, ssrc->stream);
        line->track = stoa_sdp_line_keep(plan, ssrc->track);
    }
}

void stoa_sdp_line_take_streams(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media,
                                bool by_rid)
{
    take_msid(plan, line, media);
    take_sources(line, media);
    if (!(line->direction & STOA_SDP_RECVONLY))
        return;
    if (by_rid)
        take_rids(plan, line, media);
    if (line->n_encodings == 0)
        take_sim_group(line, media);
    line->simulcast = line->n_encodings > 1;
    if (line->n_encodings > 0)
        return;
    line->n_encodings = 1;
    if (line->n_sources > 0)
        line->encodings[0] =
            (StoaSdpEncoding){ NULL, line->sources[0].ssrc, line->sources[0].rtx_ssrc };
}

/* -- BUNDLE and transport ------------------------------------------------------------------------------ */

GHashTable *stoa_sdp_line_bundles_new(const StoaSdp *sdp)
{
    GHashTable *bundles = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < sdp->groups->len; i++) {
        const StoaSdpGroup *group = &g_array_index(sdp->groups, StoaSdpGroup, i);

        if (!g_str_equal(group->semantics, "BUNDLE"))
            continue;
        for (guint k = 0; k < group->mids->len; k++) {
            gpointer mid = g_ptr_array_index(group->mids, k);

            if (!g_hash_table_contains(bundles, mid))
                g_hash_table_insert(bundles, mid, GUINT_TO_POINTER(i + 1));
        }
    }
    return bundles;
}

static void take_candidates(StoaSdpPlan *plan, const StoaSdpMedia *media)
{
    for (guint i = 0; i < media->candidates->len; i++)
        stoa_sdp_line_keep_candidate(plan,
                                     g_array_index(media->candidates, StoaSdpCandidate, i).text);
}

bool stoa_sdp_line_take_transport(StoaSdpPlan *plan, const StoaSdp *sdp, const StoaSdpPlan *before,
                                  GError **error)
{
    StoaSdpTransport found = { 0 };

    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpMedia *media = stoa_sdp_media(sdp, i);

        if (!stoa_sdp_plan_line(plan, i)->accepted)
            continue;
        found.ufrag = found.ufrag ? found.ufrag : media->transport.ufrag;
        found.pwd = found.pwd ? found.pwd : media->transport.pwd;
        found.fingerprint = found.fingerprint ? found.fingerprint : media->transport.fingerprint;
        found.setup = found.setup ? found.setup : media->transport.setup;
        found.trickle = found.trickle || media->transport.trickle;
        plan->remote_end_of_candidates |= media->end_of_candidates;
        if (plan->remote_candidates->len == 0)
            take_candidates(plan, media);
    }
    if (plan->n_accepted == 0) {
        if (before)
            plan->remote = stoa_sdp_line_keep_transport(plan, &before->remote);
        return true;
    }
    if (!found.ufrag || !found.pwd)
        return stoa_fail(error, STOA_ERROR_INVALID, "the SDP has no %s: ICE cannot work without it",
                         found.ufrag ? "a=ice-pwd" : "a=ice-ufrag");
    if (!found.fingerprint)
        return stoa_fail(
            error, STOA_ERROR_INVALID,
            "the SDP has no a=fingerprint with a hash of the SHA family: DTLS needs it");
    plan->remote = stoa_sdp_line_keep_transport(plan, &found);
    plan->remote_ice_lite = sdp->ice_lite;
    plan->ice_restart = before && stoa_sdp_ice_restarted(&before->remote, &plan->remote);
    return true;
}

bool stoa_sdp_ice_restarted(const StoaSdpTransport *before, const StoaSdpTransport *now)
{
    return before->ufrag && before->pwd && now->ufrag && now->pwd &&
           (g_strcmp0(before->ufrag, now->ufrag) != 0 || g_strcmp0(before->pwd, now->pwd) != 0);
}
