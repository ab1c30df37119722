/* SPDX-License-Identifier: MIT */
/* Our own offer, and what the answer makes of it. */
#include "sdp/offer.h"

#include "sdp/choose.h"
#include "sdp/line.h"
#include "sdp/scan.h"

#include <stoa/error.h>

#include "base/poison.h"

/* -- numbers: payload types and extension ids for the life of the session -------------------------- */

/* One offer in the making. */
typedef struct {
    const StoaSdpPlan *before;
    StoaSdpPlan *plan;
    GHashTable *mids;
    uint8_t ext_id[STOA_SDP_N_EXTS];
    bool pt_used[128];
} Offer;

unsigned stoa_sdp_offer_feedback(StoaSdpKind kind)
{
    return kind == STOA_SDP_VIDEO ? STOA_SDP_FB_ALL : kind == STOA_SDP_AUDIO ? STOA_SDP_FB_TWCC : 0;
}

uint32_t stoa_sdp_offer_exts(StoaSdpKind kind)
{
    const uint32_t both = STOA_SDP_EXT_BIT(STOA_SDP_EXT_MID) | STOA_SDP_EXT_BIT(STOA_SDP_EXT_TWCC) |
                          STOA_SDP_EXT_BIT(STOA_SDP_EXT_ABS_SEND_TIME) |
                          STOA_SDP_EXT_BIT(STOA_SDP_EXT_ABS_CAPTURE_TIME);

    if (kind == STOA_SDP_AUDIO)
        return both | STOA_SDP_EXT_BIT(STOA_SDP_EXT_AUDIO_LEVEL);
    if (kind != STOA_SDP_VIDEO)
        return 0;
    return both | STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_ORIENTATION) |
           STOA_SDP_EXT_BIT(STOA_SDP_EXT_PLAYOUT_DELAY) |
           STOA_SDP_EXT_BIT(STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR) |
           STOA_SDP_EXT_BIT(STOA_SDP_EXT_COLOR_SPACE);
}

static StoaSdpNumber *find_number(const StoaSdpPlan *plan, StoaSdpCodec codec, const char *fmtp)
{
    for (guint i = 0; i < plan->numbers->len; i++) {
        StoaSdpNumber *number = &g_array_index(plan->numbers, StoaSdpNumber, i);

        if (number->codec == codec && g_strcmp0(number->fmtp, fmtp) == 0)
            return number;
    }
    return NULL;
}

static void mark_used(Offer *o, int pt)
{
    if (pt >= 0 && pt < 128)
        o->pt_used[pt] = true;
}

/* Lines of a description that the other end offered keep its numbers. */
static void adopt_line(Offer *o, const StoaSdpLine *line)
{
    StoaSdpNumber number = { line->codec, NULL, line->pt, line->rtx_pt, line->red_pt };

    if (!line->accepted || line->codec == STOA_SDP_CODEC_NONE)
        return;
    for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
        if (line->ext_id[ext] != 0)
            o->ext_id[ext] = line->ext_id[ext];
    mark_used(o, line->pt);
    mark_used(o, line->rtx_pt);
    mark_used(o, line->red_pt);
    if (find_number(o->plan, line->codec, line->fmtp))
        return;
    number.fmtp = stoa_sdp_line_keep(o->plan, line->fmtp);
    g_array_append_val(o->plan->numbers, number);
}

/* Extensions without an id yet: their place in StoaSdpExt if it is free, else any. 1 to 14 fit one byte (RFC 8285, 4.2). */
static void fill_ext_ids(Offer *o)
{
    bool used[256] = { true };

    for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
        used[o->ext_id[ext]] = true;
    for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
        uint8_t id = (uint8_t)(ext + 1);

        if (o->ext_id[ext] != 0)
            continue;
        for (uint8_t next = 1; used[id]; next++)
            id = next;
        o->ext_id[ext] = id;
        used[id] = true;
    }
}

static void adopt_before(Offer *o)
{
    const StoaSdpPlan *before = o->before;

    if (before) {
        stoa_sdp_line_copy_numbers(o->plan, before);
        for (guint i = 0; i < before->lines->len; i++)
            adopt_line(o, stoa_sdp_plan_line(before, i));
    }
    for (guint i = 0; i < o->plan->numbers->len; i++) {
        const StoaSdpNumber *number = &g_array_index(o->plan->numbers, StoaSdpNumber, i);

        mark_used(o, number->pt);
        mark_used(o, number->rtx_pt);
        mark_used(o, number->red_pt);
    }
    fill_ext_ids(o);
}

/* A free dynamic payload type: 96 to 127, then 35 to 63 (RFC 5761, 4 keeps 64 to 95 for RTCP); -1: none is left. */
static int take_free_pt(Offer *o)
{
    for (int i = 0; i < 32 + 29; i++) {
        int pt = i < 32 ? 96 + i : 35 + i - 32;

        if (!o->pt_used[pt]) {
            o->pt_used[pt] = true;
            return pt;
        }
    }
    return -1;
}

static int take_pt(Offer *o, StoaSdpCodec codec)
{
    int wanted = codec == STOA_SDP_PCMU   ? 0
                 : codec == STOA_SDP_PCMA ? 8
                 : codec == STOA_SDP_G722 ? 9
                                          : -1;

    if (wanted < 0 || o->pt_used[wanted])
        return take_free_pt(o);
    o->pt_used[wanted] = true;
    return wanted;
}

static bool give_numbers(Offer *o, StoaSdpLine *line, bool rtx, bool red, GError **error)
{
    StoaSdpNumber *number = find_number(o->plan, line->codec, line->fmtp);

    if (!number) {
        StoaSdpNumber made = { line->codec, line->fmtp, take_pt(o, line->codec), -1, -1 };

        g_array_append_val(o->plan->numbers, made);
        number = find_number(o->plan, line->codec, line->fmtp);
    }
    if (rtx && number->rtx_pt < 0)
        number->rtx_pt = take_free_pt(o);
    if (red && number->red_pt < 0)
        number->red_pt = take_free_pt(o);
    line->pt = number->pt;
    line->rtx_pt = rtx ? number->rtx_pt : -1;
    line->red_pt = red ? number->red_pt : -1;
    line->red = red && line->red_pt >= 0; /* without a number left it goes plain */
    if (line->pt < 0 || (rtx && line->rtx_pt < 0))
        return stoa_fail(error, STOA_ERROR_LIMIT,
                         "m-line %u: all payload types are in use: too many codec profiles in one "
                         "connection, open another one",
                         line->index);
    return true;
}

/* -- the offer ------------------------------------------------------------------------------------------ */

static bool take_mid(Offer *o, StoaSdpLine *line, const StoaSdpSlot *slot, const StoaSdpLine *was,
                     GError **error)
{
    char index[16];

    g_snprintf(index, sizeof index, "%u", line->index);
    line->mid = stoa_sdp_line_keep(o->plan, slot->mid ? slot->mid : was ? was->mid : index);
    line->has_mid = true;
    if (!stoa_sdp_scan_is_token(stoa_sdp_scan_text(line->mid), STOA_SDP_MID_MAX))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u: a mid has 1 to 31 visible characters", line->index);
    if (!g_hash_table_add(o->mids, (gpointer)line->mid))
        return stoa_fail(error, STOA_ERROR_INVALID, "m-line %u: another one has the mid \"%s\" too",
                         line->index, line->mid);
    if (was && was->accepted && (!g_str_equal(was->mid, line->mid) || was->kind != slot->kind))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u is \"%s\" (%s) and stays so until it is stopped", line->index,
                         was->mid, was->kind_text);
    return true;
}

static bool take_codec(Offer *o, StoaSdpLine *line, const StoaSdpSlot *slot, const StoaSdpLine *was,
                       GError **error)
{
    StoaSdpText name = stoa_sdp_scan_text(slot->codec);
    bool as_before = !slot->codec && was && was->codec;

    line->codec = as_before ? was->codec : stoa_sdp_codec_find(name.at, name.len);
    if (stoa_sdp_codec_kind(line->codec) != line->kind)
        return stoa_fail(error, STOA_ERROR_INVALID, "m-line %u: \"%s\" is no %s codec", line->index,
                         slot->codec ? slot->codec : "", line->kind_text);
    line->fmtp = stoa_sdp_line_keep(o->plan, as_before ? was->fmtp : slot->fmtp);
    line->clock_hz = stoa_sdp_codec_clock_hz(line->codec);
    line->channels = line->codec == STOA_SDP_OPUS ? 2 : 1;
    return give_numbers(o, line, slot->rtx || (as_before && was->rtx_pt >= 0),
                        line->kind == STOA_SDP_AUDIO && (slot->red || (as_before && was->red)),
                        error);
}

static void take_exts(const Offer *o, StoaSdpLine *line, uint32_t exts)
{
    for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
        if (exts & STOA_SDP_EXT_BIT(ext))
            line->ext_id[ext] = o->ext_id[ext];
}

static void begin_line(StoaSdpLine *line, const StoaSdpSlot *slot)
{
    static const char *const kinds[] = { "audio", "video", "application" };
    bool is_data = slot->kind == STOA_SDP_APPLICATION;

    line->kind = slot->kind;
    line->kind_text = kinds[slot->kind];
    line->proto = is_data ? "UDP/DTLS/SCTP" : "UDP/TLS/RTP/SAVPF";
    line->format = is_data ? "webrtc-datachannel" : "0";
    line->direction = is_data ? STOA_SDP_SENDRECV : slot->direction;
    line->accepted = !slot->stopped;
    line->reason = slot->stopped ? "stopped by us" : NULL;
    line->rtcp_rsize = !is_data;
    line->feedback = slot->feedback;
    if (is_data && slot->max_message_size > 0 && slot->max_message_size < STOA_SDP_MAX_MESSAGE_SIZE)
        line->max_message_size = slot->max_message_size;
}

/* Data channels that began in the words of 2014 go on in them. */
static void take_old_words(Offer *o, StoaSdpLine *line, const StoaSdpLine *was)
{
    if (!was || !was->accepted || !was->is_old_sctp)
        return;
    line->is_old_sctp = true;
    line->proto = stoa_sdp_line_keep(o->plan, was->proto);
    line->format = stoa_sdp_line_keep(o->plan, was->format);
}

static bool add_slot(Offer *o, const StoaSdpSlot *slot, GError **error)
{
    StoaSdpLine *line = stoa_sdp_line_new(o->plan);
    const StoaSdpLine *was = o->before ? stoa_sdp_plan_line(o->before, line->index) : NULL;

    if (slot->kind > STOA_SDP_APPLICATION)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u: only audio, video and data channels can be offered",
                         line->index);
    begin_line(line, slot);
    if (!take_mid(o, line, slot, was, error))
        return false;
    if (slot->stopped) {
        line->direction = STOA_SDP_INACTIVE;
        return true;
    }
    o->plan->n_accepted++;
    if (slot->kind == STOA_SDP_APPLICATION) {
        take_old_words(o, line, was);
        return true;
    }
    take_exts(o, line, slot->exts);
    stoa_sdp_plan_send(o->plan, line->index, &slot->send);
    return take_codec(o, line, slot, was, error);
}

static bool add_slots(Offer *o, const StoaSdpSlot *slots, unsigned n_slots, GError **error)
{
    unsigned least = o->before ? o->before->lines->len : 1;

    if (n_slots < least)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "an offer of %u m-lines, where there must be %u at least: stop them, "
                         "never take them out",
                         n_slots, least);
    for (unsigned i = 0; i < n_slots; i++)
        if (!add_slot(o, &slots[i], error))
            return false;
    return true;
}

StoaSdpPlan *stoa_sdp_offer(const StoaSdpSlot *slots, unsigned n_slots, const StoaSdpPlan *before,
                            GError **error)
{
    g_autoptr(StoaSdpPlan) plan = stoa_sdp_plan_new(STOA_SDP_OFFER);
    g_autoptr(GHashTable) mids = g_hash_table_new(g_str_hash, g_str_equal);
    Offer offer = { .before = before, .plan = plan, .mids = mids };

    plan->bundle = true;
    plan->extmap_allow_mixed = true;
    if (before) {
        plan->version = before->version + 1;
        plan->remote = stoa_sdp_line_keep_transport(plan, &before->remote);
        plan->remote_ice_lite = before->remote_ice_lite;
    }
    adopt_before(&offer);
    if (!add_slots(&offer, slots, n_slots, error))
        return NULL;
    return g_steal_pointer(&plan);
}

/* -- the answer to it ------------------------------------------------------------------------------------- */

static bool check_answer_line(const StoaSdpLine *line, const StoaSdpMedia *media, GError **error)
{
    if (media->has_mid && g_strcmp0(line->mid, media->mid) != 0)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u of the answer has the mid \"%s\", the offer said \"%s\"",
                         line->index, media->mid, line->mid);
    if (line->kind != media->kind)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u of the answer is %s, the offer said %s", line->index,
                         media->kind_text, line->kind_text);
    return true;
}

static bool check_answer(const StoaSdpPlan *offer, const StoaSdp *answer, GError **error)
{
    if (answer->media->len != offer->lines->len)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the answer has %u m-lines, the offer had %u: it belongs to another offer",
                         answer->media->len, offer->lines->len);
    for (guint i = 0; i < offer->lines->len; i++)
        if (!check_answer_line(stoa_sdp_plan_line(offer, i), stoa_sdp_media(answer, i), error))
            return false;
    return true;
}

static void accept_exts(StoaSdpLine *line, const StoaSdpMedia *media)
{
    for (int i = 0; i < STOA_SDP_N_EXTS; i++) {
        StoaSdpExtmap answered = media->exts[i];

        if (answered.id != line->ext_id[i] || answered.direction == STOA_SDP_INACTIVE)
            line->ext_id[i] = 0;
        line->ext_direction[i] = stoa_sdp_flip(answered.direction);
    }
    if (line->ext_id[STOA_SDP_EXT_TWCC] == 0 || !(line->feedback & STOA_SDP_FB_TWCC)) {
        line->ext_id[STOA_SDP_EXT_TWCC] = 0;
        line->feedback &= ~(unsigned)STOA_SDP_FB_TWCC;
    }
}

/* The offered stream in the answer; one of the same number and codec that says nothing of a profile is taken at its word. */
static const StoaSdpPayload *answered_payload(const StoaSdpLine *line, const StoaSdpMedia *media)
{
    const StoaSdpPayload *same = stoa_sdp_choose_same(media, line->codec, line->fmtp);
    const StoaSdpPayload *bare = stoa_sdp_payload(media, line->pt);

    if (same || !bare || bare->codec != line->codec || bare->fmtp)
        return same;
    return bare;
}

/* Returns why the line cannot be used; NULL if it can. */
static const char *accept_rtp(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media)
{
    const StoaSdpPayload *payload = answered_payload(line, media);

    if (!payload)
        return "the answer took the offered codec out";
    line->direction =
        (StoaSdpDirection)((int)stoa_sdp_flip(media->direction) & (int)line->direction);
    line->pt = payload->pt;
    line->rtx_pt = line->rtx_pt >= 0 ? stoa_sdp_choose_rtx(media, payload->pt) : -1;
    line->red_pt = line->red ? stoa_sdp_choose_red(media, payload->pt) : -1;
    line->red = line->red_pt >= 0;
    line->feedback &= payload->feedback;
    line->rtcp_rsize = line->rtcp_rsize && media->rtcp_rsize;
    accept_exts(line, media);
    stoa_sdp_line_take_streams(plan, line, media, false);
    return NULL;
}

static const char *accept_line(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media)
{
    if (media->port == 0)
        return "the answer refused it";
    if (line->kind != STOA_SDP_APPLICATION)
        return accept_rtp(plan, line, media);
    if (!media->is_sctp)
        return "the answer took the data channels out";
    line->remote_sctp_port = media->sctp_port;
    line->remote_max_message_size = media->max_message_size;
    return NULL;
}

static void accept_lines(StoaSdpPlan *plan, const StoaSdp *answer)
{
    for (guint i = 0; i < plan->lines->len; i++) {
        StoaSdpLine *line = stoa_sdp_plan_line(plan, i);
        const char *reason;

        if (!line->accepted)
            continue;
        reason = accept_line(plan, line, stoa_sdp_media(answer, i));
        if (reason)
            stoa_sdp_plan_refuse(plan, i, reason);
    }
}

static bool check_bundle_line(const StoaSdpMedia *media, gpointer bundle, gpointer first,
                              const char *first_mid, GError **error)
{
    if (!first && media->kind != STOA_SDP_APPLICATION && !media->rtcp_mux)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u (\"%s\") of the answer has no a=rtcp-mux, which this server "
                         "needs",
                         media->index, media->mid);
    if (first_mid && (!bundle || bundle != first))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line %u (\"%s\") of the answer is not in the BUNDLE group of \"%s\": "
                         "all m-lines share one transport here",
                         media->index, media->mid, first_mid);
    return true;
}

static bool check_bundle(const StoaSdpPlan *plan, const StoaSdp *answer, GError **error)
{
    g_autoptr(GHashTable) bundles = stoa_sdp_line_bundles_new(answer);
    const char *first_mid = NULL;
    gpointer first = NULL;

    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpMedia *media = stoa_sdp_media(answer, i);
        gpointer bundle = g_hash_table_lookup(bundles, media->mid);

        if (!stoa_sdp_plan_line(plan, i)->accepted)
            continue;
        if (!first_mid)
            first = bundle;
        if (!check_bundle_line(media, bundle, first, first_mid, error))
            return false;
        first_mid = first_mid ? first_mid : media->mid;
    }
    return true;
}

static bool take_setup(StoaSdpPlan *plan, GError **error)
{
    if (plan->n_accepted > 0 && plan->remote.setup == STOA_SDP_ACTPASS)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the answer says a=setup:actpass: an answer chooses, active or passive");
    plan->setup = plan->remote.setup == STOA_SDP_PASSIVE ? STOA_SDP_ACTIVE : STOA_SDP_PASSIVE;
    return true;
}

StoaSdpPlan *stoa_sdp_accept_answer(const StoaSdpPlan *offer, const StoaSdp *answer, GError **error)
{
    g_autoptr(StoaSdpPlan) plan = NULL;

    if (!check_answer(offer, answer, error))
        return NULL;
    plan = stoa_sdp_plan_copy(offer);
    accept_lines(plan, answer);
    if (!check_bundle(plan, answer, error) ||
        !stoa_sdp_line_take_transport(plan, answer, offer, error) || !take_setup(plan, error))
        return NULL;
    return g_steal_pointer(&plan);
}
