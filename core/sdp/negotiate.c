/* SPDX-License-Identifier: MIT */
/* An offer and our rules make an answer. */
#include "sdp/negotiate.h"

#include "sdp/choose.h"
#include "sdp/fmtp.h"
#include "sdp/line.h"

#include <stoa/error.h>
#include <string.h>

#include "base/poison.h"

/* One answer in the making. */
typedef struct {
    const StoaSdp *offer;
    const StoaSdpRules *rules;
    const StoaSdpPlan *before;
    StoaSdpPlan *plan;
    GHashTable *bundles; /* see stoa_sdp_line_bundles_new() */
    gpointer bundle;     /* the group of the first taken line; NULL: none */
    bool has_first;      /* a line was taken: all others use its transport */
    bool has_data;       /* one m-line of data channels is enough */
    uint8_t ext_of[256]; /* extension id -> StoaSdpExt + 1, over the whole BUNDLE */
} Answer;

void stoa_sdp_rules_init(StoaSdpRules *rules)
{
    const StoaSdpKindRules all = {
        .accept = true,
        .can_receive = true,
        .can_send = true,
        .exts =
            (STOA_SDP_EXT_BIT(STOA_SDP_N_EXTS) - 1) & ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_LAYERS),
        .feedback = STOA_SDP_FB_ALL,
        .rtx = true,
        .simulcast = true,
    };

    *rules = (StoaSdpRules){ .audio = all, .video = all, .data = true };
}

static const StoaSdpKindRules *kind_rules(const Answer *a, StoaSdpKind kind)
{
    static const StoaSdpKindRules nothing = { 0 };

    return kind == STOA_SDP_AUDIO   ? &a->rules->audio
           : kind == STOA_SDP_VIDEO ? &a->rules->video
                                    : &nothing;
}

/* -- renegotiation: what must not change ------------------------------------------------------------------ */

static bool check_line(const StoaSdpLine *was, const StoaSdpMedia *now, GError **error)
{
    if (!was->accepted || (g_str_equal(was->mid, now->mid) && was->kind == now->kind))
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "m-line %u was \"%s\" (%s) and is now \"%s\" (%s): stop it with port 0 in one "
                     "offer before another one uses its place",
                     now->index, was->mid, was->kind_text, now->mid, now->kind_text);
}

static bool check_growth(const StoaSdp *offer, const StoaSdpPlan *before, GError **error)
{
    if (offer->media->len == 0)
        return stoa_fail(error, STOA_ERROR_INVALID, "the offer has no m-line");
    if (!before)
        return true;
    if (offer->media->len < before->lines->len)
        return stoa_fail(
            error, STOA_ERROR_INVALID,
            "the offer has %u m-lines, there were %u: m-lines are stopped with port 0, "
            "never removed",
            offer->media->len, before->lines->len);
    for (guint i = 0; i < before->lines->len; i++)
        if (!check_line(stoa_sdp_plan_line(before, i), stoa_sdp_media(offer, i), error))
            return false;
    return true;
}

/* -- which lines can be taken at all ------------------------------------------------------------------------- */

static const char *why_not_rtp(const Answer *a, const StoaSdpMedia *media)
{
    const StoaSdpKindRules *rules = kind_rules(a, media->kind);

    if (!rules->accept)
        return media->kind == STOA_SDP_AUDIO ? "no audio is taken here" : "no video is taken here";
    if (!strstr(media->proto, "RTP/SAVP"))
        return "its protocol is not UDP/TLS/RTP/SAVPF";
    return NULL;
}

static const char *why_not_data(const Answer *a, const StoaSdpMedia *media)
{
    if (!media->is_sctp)
        return "it is no m-line of data channels";
    return a->rules->data ? NULL : "no data channels are taken here";
}

/* NULL: it can be taken, if its codec and transport fit. */
static const char *why_not(const Answer *a, const StoaSdpMedia *media)
{
    if (!stoa_sdp_line_is_alive(media))
        return "the offer stopped it";
    switch (media->kind) {
    case STOA_SDP_AUDIO:
    case STOA_SDP_VIDEO: return why_not_rtp(a, media);
    case STOA_SDP_APPLICATION: return why_not_data(a, media);
    default: return "it is neither audio, video nor data channels";
    }
}

/* -- one transport for all --------------------------------------------------------------------------------------- */

/* The first taken line decides; the others must share its BUNDLE group, which implies rtcp-mux. (RFC 8843, 7.3) */
static const char *why_not_transport(Answer *a, const StoaSdpMedia *media)
{
    bool has_mux = media->rtcp_mux || media->kind == STOA_SDP_APPLICATION;
    gpointer bundle = g_hash_table_lookup(a->bundles, media->mid);

    if (a->has_first)
        return bundle && bundle == a->bundle ? NULL
                                             : "it is outside the BUNDLE group of the first "
                                               "m-line, and there is one transport";
    if (!bundle && media->port == 0)
        return "it is bundle-only, but in no BUNDLE group";
    if (!bundle && !has_mux)
        return "it has no a=rtcp-mux: RTCP on a port of its own is not offered here";
    a->has_first = true;
    a->bundle = bundle;
    return NULL;
}

/* -- what is agreed on one line ----------------------------------------------------------------------------------- */

/* An id that already means something else in this BUNDLE is not taken. (RFC 8843, 7.1.3 by way of RFC 8285) */
static bool claim_ext(Answer *a, uint8_t id, StoaSdpExt ext)
{
    if (a->ext_of[id] != 0 && a->ext_of[id] != ext + 1)
        return false;
    a->ext_of[id] = (uint8_t)(ext + 1);
    return true;
}

static void take_exts(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media)
{
    uint32_t wanted =
        kind_rules(a, line->kind)->exts & ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_LAYERS);

    for (int i = 0; i < STOA_SDP_N_EXTS; i++) {
        StoaSdpExtmap offered = media->exts[i];

        if (offered.id == 0 || !(wanted & STOA_SDP_EXT_BIT(i)) ||
            offered.direction == STOA_SDP_INACTIVE || !claim_ext(a, offered.id, (StoaSdpExt)i))
            continue;
        line->ext_id[i] = offered.id;
        line->ext_direction[i] = stoa_sdp_flip(offered.direction);
    }
}

/* Numbers without reports, or reports without numbers, stall a sender: both or neither. */
static void pair_twcc(StoaSdpLine *line)
{
    if (line->ext_id[STOA_SDP_EXT_TWCC] != 0 && (line->feedback & STOA_SDP_FB_TWCC))
        return;
    line->ext_id[STOA_SDP_EXT_TWCC] = 0;
    line->feedback &= ~(unsigned)STOA_SDP_FB_TWCC;
}

static char *put_wish(char *fmtp, const char *key, StoaSdpWish wish)
{
    char *changed;

    if (wish == STOA_SDP_AS_OFFERED)
        return fmtp;
    changed = stoa_sdp_fmtp_set_dup(fmtp, key, wish == STOA_SDP_YES ? "1" : NULL);
    g_free(fmtp);
    return changed;
}

static void take_fmtp(const Answer *a, StoaSdpLine *line, const char *offered)
{
    g_autofree char *fmtp = g_strdup(offered);

    if (line->codec == STOA_SDP_OPUS) {
        fmtp = put_wish(fmtp, "useinbandfec", a->rules->opus_fec);
        fmtp = put_wish(fmtp, "usedtx", a->rules->opus_dtx);
        fmtp = put_wish(fmtp, "stereo", a->rules->opus_stereo);
    }
    line->fmtp = stoa_sdp_line_keep(a->plan, fmtp);
}

static void take_payload(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media,
                         const StoaSdpPayload *payload)
{
    const StoaSdpKindRules *rules = kind_rules(a, line->kind);

    line->codec = payload->codec;
    line->pt = payload->pt;
    line->clock_hz = payload->clock_hz;
    line->channels = payload->channels;
    line->feedback = payload->feedback & rules->feedback;
    line->rtx_pt = rules->rtx ? stoa_sdp_choose_rtx(media, payload->pt) : -1;
    line->red_pt = stoa_sdp_choose_red(media, payload->pt);
    line->red = rules->red && line->red_pt >= 0;
    take_fmtp(a, line, payload->fmtp);
}

static void take_others(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media)
{
    const StoaSdpKindRules *rules = kind_rules(a, line->kind);
    const StoaSdpPayload *others[STOA_SDP_MAX_OTHERS];

    if (!rules->every || line->direction != STOA_SDP_SENDONLY)
        return;
    line->n_others = (uint8_t)stoa_sdp_choose_others(media, rules, a->rules, line->codec, others);
    if (line->n_others > 0)
        line->others = g_new0(StoaSdpFormat, line->n_others);
    for (unsigned i = 0; i < line->n_others; i++)
        line->others[i] = (StoaSdpFormat){
            .codec = others[i]->codec,
            .pt = others[i]->pt,
            .rtx_pt = rules->rtx ? stoa_sdp_choose_rtx(media, others[i]->pt) : -1,
            .clock_hz = others[i]->clock_hz,
            .channels = others[i]->channels,
            .feedback = others[i]->feedback & line->feedback,
            .fmtp = stoa_sdp_line_keep(a->plan, others[i]->fmtp),
        };
}

static void take_rtp(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media,
                     const StoaSdpPayload *payload)
{
    const StoaSdpKindRules *rules = kind_rules(a, line->kind);
    int most =
        (rules->can_send ? STOA_SDP_SENDONLY : 0) | (rules->can_receive ? STOA_SDP_RECVONLY : 0);

    line->direction = (StoaSdpDirection)((int)stoa_sdp_flip(media->direction) & most);
    line->rtcp_rsize = media->rtcp_rsize;
    take_payload(a, line, media, payload);
    take_exts(a, line, media);
    pair_twcc(line);
    take_others(a, line, media);
    stoa_sdp_line_take_streams(a->plan, line, media,
                               rules->simulcast && line->ext_id[STOA_SDP_EXT_RID] != 0);
}

static void take_data(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media)
{
    uint64_t most = a->rules->max_message_size;

    line->direction = STOA_SDP_SENDRECV;
    line->is_old_sctp = media->is_old_sctp;
    line->remote_sctp_port = media->sctp_port;
    line->remote_max_message_size = media->max_message_size;
    if (most > 0 && most < STOA_SDP_MAX_MESSAGE_SIZE)
        line->max_message_size = most;
    a->has_data = true;
}

/* Returns why not; NULL if it was taken. */
static const char *take_line(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media)
{
    const StoaSdpLine *was = a->before ? stoa_sdp_plan_line(a->before, media->index) : NULL;
    const StoaSdpPayload *payload = NULL;
    const char *reason = why_not(a, media);
    bool is_data = media->kind == STOA_SDP_APPLICATION;

    if (!reason && is_data && a->has_data)
        reason = "there is one m-line of data channels already";
    if (reason)
        return reason;
    if (!is_data) {
        payload = stoa_sdp_choose_payload(media, kind_rules(a, media->kind), a->rules, was);
        if (!payload)
            return "none of its codecs is taken here";
    }
    reason = why_not_transport(a, media);
    if (reason)
        return reason;
    if (is_data)
        take_data(a, line, media);
    else
        take_rtp(a, line, media, payload);
    return NULL;
}

/* -- the whole ------------------------------------------------------------------------------------------------------ */

/* What every line says back, refused or not. */
static void begin_line(Answer *a, StoaSdpLine *line, const StoaSdpMedia *media)
{
    line->kind = media->kind;
    line->kind_text = stoa_sdp_line_keep(a->plan, media->kind_text);
    line->proto = stoa_sdp_line_keep(a->plan, media->proto);
    line->format = stoa_sdp_line_keep(a->plan, media->format);
    line->mid = stoa_sdp_line_keep(a->plan, media->mid);
    line->has_mid = media->has_mid;
    line->extmap_allow_mixed = media->extmap_allow_mixed;
}

static void take_lines(Answer *a)
{
    for (guint i = 0; i < a->offer->media->len; i++) {
        const StoaSdpMedia *media = stoa_sdp_media(a->offer, i);
        StoaSdpLine *line = stoa_sdp_line_new(a->plan);
        const char *reason;

        begin_line(a, line, media);
        reason = take_line(a, line, media);
        line->accepted = !reason;
        line->reason = stoa_sdp_line_keep(a->plan, reason);
        a->plan->n_accepted += line->accepted;
    }
}

static bool check_taken(const StoaSdpPlan *plan, GError **error)
{
    const StoaSdpLine *line = stoa_sdp_plan_line(plan, 0);

    if (plan->n_accepted > 0)
        return true;
    return stoa_refuse(error, "no_codec",
                       "nothing in the offer can be taken; of its first m-line (%s): %s",
                       line->kind_text, line->reason);
}

/* Passive unless the other end insists on it, or it was agreed otherwise before. (RFC 8842, 5.3) */
static StoaSdpSetup choose_setup(const Answer *a)
{
    if (a->plan->remote.setup == STOA_SDP_PASSIVE)
        return STOA_SDP_ACTIVE;
    if (a->plan->remote.setup != STOA_SDP_ACTIVE && a->before &&
        a->before->setup == STOA_SDP_ACTIVE)
        return STOA_SDP_ACTIVE;
    return STOA_SDP_PASSIVE;
}

StoaSdpPlan *stoa_sdp_answer(const StoaSdp *offer, const StoaSdpRules *rules,
                             const StoaSdpPlan *before, GError **error)
{
    g_autoptr(StoaSdpPlan) plan = stoa_sdp_plan_new(STOA_SDP_ANSWER);
    Answer answer = { .offer = offer, .rules = rules, .before = before, .plan = plan };

    if (!check_growth(offer, before, error))
        return NULL;
    plan->extmap_allow_mixed = offer->extmap_allow_mixed;
    if (before) {
        plan->version = before->version + 1;
        stoa_sdp_line_copy_numbers(plan, before);
    }
    answer.bundles = stoa_sdp_line_bundles_new(offer);
    take_lines(&answer);
    g_hash_table_unref(answer.bundles);
    plan->bundle = answer.bundle != NULL;
    if ((!before && !check_taken(plan, error)) ||
        !stoa_sdp_line_take_transport(plan, offer, before, error))
        return NULL;
    plan->setup = choose_setup(&answer);
    return g_steal_pointer(&plan);
}
