/* SPDX-License-Identifier: MIT */
/* The tree's life, and the tables of names. */
#include "sdp/sdp.h"

#include "sdp/scan.h"

#include "base/poison.h"

static void free_media(StoaSdpMedia *media)
{
    g_array_unref(media->payloads);
    g_array_unref(media->ssrcs);
    g_array_unref(media->ssrc_groups);
    g_array_unref(media->msids);
    g_array_unref(media->rids);
    g_array_unref(media->simulcast_send);
    g_array_unref(media->simulcast_recv);
    g_array_unref(media->candidates);
    g_free(media);
}

void stoa_sdp_free(StoaSdp *sdp)
{
    if (!sdp)
        return;
    for (guint i = 0; i < sdp->media->len; i++)
        free_media(g_ptr_array_index(sdp->media, i));
    for (guint i = 0; i < sdp->groups->len; i++)
        g_ptr_array_unref(g_array_index(sdp->groups, StoaSdpGroup, i).mids);
    g_ptr_array_unref(sdp->media);
    g_array_unref(sdp->groups);
    g_hash_table_unref(sdp->by_mid);
    g_string_chunk_free(sdp->strings);
    g_free(sdp);
}

const StoaSdpMedia *stoa_sdp_media(const StoaSdp *sdp, unsigned index)
{
    return index < sdp->media->len ? g_ptr_array_index(sdp->media, index) : NULL;
}

const StoaSdpMedia *stoa_sdp_media_by_mid(const StoaSdp *sdp, const char *mid)
{
    return g_hash_table_lookup(sdp->by_mid, mid);
}

const StoaSdpPayload *stoa_sdp_payload(const StoaSdpMedia *media, int pt)
{
    for (guint i = 0; i < media->payloads->len; i++) {
        const StoaSdpPayload *payload = &g_array_index(media->payloads, StoaSdpPayload, i);

        if (payload->pt == pt)
            return payload;
    }
    return NULL;
}

const char *stoa_sdp_direction_name(StoaSdpDirection direction)
{
    static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

    return names[direction & STOA_SDP_SENDRECV];
}

const char *stoa_sdp_setup_name(StoaSdpSetup setup)
{
    static const char *const names[] = { "holdconn", "actpass", "active", "passive" };

    return names[setup];
}

/* `name` is ours; `rtpmap` what goes on the wire. RTX stands behind the codecs, see StoaSdpCodec. */
static const struct {
    const char *name, *rtpmap;
    StoaSdpKind kind;
    uint32_t clock_hz;
} codecs[STOA_SDP_N_CODECS] = {
    [STOA_SDP_CODEC_NONE] = { "unknown", "unknown", STOA_SDP_OTHER, 0 },
    [STOA_SDP_OPUS] = { "opus", "opus", STOA_SDP_AUDIO, 48000 },
    [STOA_SDP_PCMU] = { "pcmu", "PCMU", STOA_SDP_AUDIO, 8000 },
    [STOA_SDP_PCMA] = { "pcma", "PCMA", STOA_SDP_AUDIO, 8000 },
    [STOA_SDP_G722] = { "g722", "G722", STOA_SDP_AUDIO, 8000 },
    [STOA_SDP_VP8] = { "vp8", "VP8", STOA_SDP_VIDEO, 90000 },
    [STOA_SDP_VP9] = { "vp9", "VP9", STOA_SDP_VIDEO, 90000 },
    [STOA_SDP_H264] = { "h264", "H264", STOA_SDP_VIDEO, 90000 },
    [STOA_SDP_AV1] = { "av1", "AV1", STOA_SDP_VIDEO, 90000 },
    [STOA_SDP_RTX] = { "rtx", "rtx", STOA_SDP_OTHER, 90000 },
    [STOA_SDP_RED] = { "red", "red", STOA_SDP_OTHER, 48000 },
};

const char *stoa_sdp_codec_name(StoaSdpCodec codec)
{
    return codecs[codec].name;
}

const char *stoa_sdp_codec_rtpmap(StoaSdpCodec codec)
{
    return codecs[codec].rtpmap;
}

StoaSdpCodec stoa_sdp_codec_find(const char *name, size_t len)
{
    for (int i = STOA_SDP_OPUS; i < STOA_SDP_N_CODECS; i++)
        if (stoa_sdp_scan_is_like((StoaSdpText){ name, len }, codecs[i].name))
            return (StoaSdpCodec)i;
    return STOA_SDP_CODEC_NONE;
}

StoaSdpKind stoa_sdp_codec_kind(StoaSdpCodec codec)
{
    return codecs[codec].kind;
}

uint32_t stoa_sdp_codec_clock_hz(StoaSdpCodec codec)
{
    return codecs[codec].clock_hz;
}

static const char *const uris[STOA_SDP_N_EXTS] = {
    [STOA_SDP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [STOA_SDP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [STOA_SDP_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [STOA_SDP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [STOA_SDP_EXT_TWCC] =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [STOA_SDP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [STOA_SDP_EXT_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [STOA_SDP_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [STOA_SDP_EXT_TOFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
    [STOA_SDP_EXT_COLOR_SPACE] = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    [STOA_SDP_EXT_ABS_CAPTURE_TIME] =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [STOA_SDP_EXT_VIDEO_LAYERS] =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
};

const char *stoa_sdp_ext_uri(StoaSdpExt ext)
{
    return uris[ext];
}

StoaSdpExt stoa_sdp_ext_find(const char *uri, size_t len)
{
    for (int i = 0; i < STOA_SDP_N_EXTS; i++)
        if (stoa_sdp_scan_is((StoaSdpText){ uri, len }, uris[i]))
            return (StoaSdpExt)i;
    return STOA_SDP_N_EXTS;
}
