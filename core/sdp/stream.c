/* SPDX-License-Identifier: MIT */
/* The `a=` lines about streams: msid, ssrc, ssrc-group, rid, simulcast. */
#include "sdp/stream.h"

#include "base/poison.h"

enum { MAX_MSIDS = 16, MAX_TEXT = 256 };

static bool read_msid(StoaSdpReader *r, StoaSdpText value, const char **stream, const char **track)
{
    StoaSdpText first = stoa_sdp_scan_word(&value), second = stoa_sdp_scan_word(&value);

    if (!stoa_sdp_scan_is_token(first, MAX_TEXT) || second.len > MAX_TEXT)
        return false;
    *stream = stoa_sdp_attribute_keep(r, first);
    *track = stoa_sdp_scan_is_token(second, MAX_TEXT) ? stoa_sdp_attribute_keep(r, second) : NULL;
    return true;
}

bool stoa_sdp_stream_msid(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpMsid msid;

    if (!read_msid(r, value, &msid.stream, &msid.track))
        return stoa_sdp_attribute_fail(r, "a=msid", &value, "the ids of a stream and a track",
                                       error);
    if (r->media->msids->len < MAX_MSIDS)
        g_array_append_val(r->media->msids, msid);
    return true;
}

/* The row of an SSRC, made if it is new; NULL if there is no room for it. */
static StoaSdpSsrc *ssrc_row(StoaSdpReader *r, uint32_t ssrc)
{
    GArray *rows = r->media->ssrcs;
    StoaSdpSsrc row = { .ssrc = ssrc };

    if (r->last_ssrc < rows->len && g_array_index(rows, StoaSdpSsrc, r->last_ssrc).ssrc == ssrc)
        return &g_array_index(rows, StoaSdpSsrc, r->last_ssrc);
    for (r->last_ssrc = 0; r->last_ssrc < rows->len; r->last_ssrc++)
        if (g_array_index(rows, StoaSdpSsrc, r->last_ssrc).ssrc == ssrc)
            return &g_array_index(rows, StoaSdpSsrc, r->last_ssrc);
    if (rows->len >= STOA_SDP_MAX_SSRCS)
        return NULL;
    g_array_append_val(rows, row);
    return &g_array_index(rows, StoaSdpSsrc, r->last_ssrc);
}

bool stoa_sdp_stream_ssrc(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText number = stoa_sdp_scan_word(&rest);
    StoaSdpSsrc *row;
    uint64_t ssrc;

    if (!stoa_sdp_scan_number(number, UINT32_MAX, &ssrc))
        return stoa_sdp_attribute_fail(r, "a=ssrc", &value,
                                       "a number below 2^32 and an attribute: 1234 cname:x", error);
    if (ssrc == 0)
        return true;
    row = ssrc_row(r, (uint32_t)ssrc);
    if (!row)
        return stoa_sdp_attribute_too_many(r, "SSRCs", STOA_SDP_MAX_SSRCS, error);
    if (stoa_sdp_scan_skip(&rest, "cname:") && stoa_sdp_scan_is_token(rest, MAX_TEXT))
        row->cname = stoa_sdp_attribute_keep(r, rest);
    else if (stoa_sdp_scan_skip(&rest, "msid:"))
        read_msid(r, rest, &row->stream, &row->track);
    return true;
}

bool stoa_sdp_stream_ssrc_group(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText rest = value;
    StoaSdpText semantics = stoa_sdp_scan_word(&rest);
    StoaSdpSsrcGroup group = { 0 };

    if (!stoa_sdp_scan_is_token(semantics, 32))
        return stoa_sdp_attribute_fail(r, "a=ssrc-group", &value, "FID or SIM and its SSRCs",
                                       error);
    while (rest.len > 0 && group.n_ssrcs < G_N_ELEMENTS(group.ssrcs)) {
        StoaSdpText number = stoa_sdp_scan_word(&rest);
        uint64_t ssrc;

        if (number.len == 0)
            break;
        if (!stoa_sdp_scan_number(number, UINT32_MAX, &ssrc))
            return stoa_sdp_attribute_fail(r, "a=ssrc-group", &value, "SSRCs below 2^32", error);
        group.ssrcs[group.n_ssrcs++] = (uint32_t)ssrc;
    }
    if (r->media->ssrc_groups->len >= STOA_SDP_MAX_GROUPS)
        return stoa_sdp_attribute_too_many(r, "SSRC groups", STOA_SDP_MAX_GROUPS, error);
    group.semantics = stoa_sdp_attribute_keep(r, semantics);
    g_array_append_val(r->media->ssrc_groups, group);
    return true;
}

/* A broken rid line is passed over, as RFC 8851, 6 wants. */
bool stoa_sdp_stream_rid(StoaSdpReader *r, StoaSdpText value, GError **error)
{
    StoaSdpText id = stoa_sdp_scan_word(&value), direction = stoa_sdp_scan_word(&value);
    bool send = stoa_sdp_scan_is(direction, "send");
    StoaSdpRid rid = { .send = send };

    if (!stoa_sdp_scan_is_id(id, STOA_SDP_RID_MAX) ||
        (!send && !stoa_sdp_scan_is(direction, "recv")))
        return true;
    if (r->media->rids->len >= STOA_SDP_MAX_RIDS)
        return stoa_sdp_attribute_too_many(r, "rids", STOA_SDP_MAX_RIDS, error);
    rid.id = stoa_sdp_attribute_keep(r, id);
    rid.restrictions = value.len > 0 ? stoa_sdp_attribute_keep(r, value) : NULL;
    g_array_append_val(r->media->rids, rid);
    return true;
}

/* "h;m,m2;~l": streams by `;`, alternatives by `,`, `~` for paused. Returns false if it is broken. */
static bool read_simulcast_list(StoaSdpReader *r, StoaSdpText list, GArray *rows)
{
    for (unsigned stream = 0; list.len > 0; stream++) {
        StoaSdpText choices = stoa_sdp_scan_until(&list, ';');

        do {
            StoaSdpText rid = stoa_sdp_scan_until(&choices, ',');
            StoaSdpSimulcast row = { .stream = stream, .paused = stoa_sdp_scan_skip(&rid, "~") };

            if (!stoa_sdp_scan_is_id(rid, STOA_SDP_RID_MAX) || rows->len >= STOA_SDP_MAX_RIDS)
                return false;
            row.rid = stoa_sdp_attribute_keep(r, rid);
            g_array_append_val(rows, row);
        } while (choices.len > 0);
    }
    return true;
}

/* One line only, "send …", "recv …" or both; a broken one counts as none (RFC 8853, 5.2). */
bool stoa_sdp_stream_simulcast(StoaSdpReader *r, StoaSdpText value, GError **error G_GNUC_UNUSED)
{
    GArray *send = r->media->simulcast_send, *recv = r->media->simulcast_recv;
    bool good = send->len == 0 && recv->len == 0;

    while (good && value.len > 0) {
        StoaSdpText direction = stoa_sdp_scan_word(&value), list = stoa_sdp_scan_word(&value);
        GArray *rows = stoa_sdp_scan_is(direction, "send")   ? send
                       : stoa_sdp_scan_is(direction, "recv") ? recv
                                                             : NULL;

        good = direction.len == 0 ||
               (rows && rows->len == 0 && list.len > 0 && read_simulcast_list(r, list, rows));
    }
    if (!good) {
        g_array_set_size(send, 0);
        g_array_set_size(recv, 0);
    }
    return true;
}
