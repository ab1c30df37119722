/* SPDX-License-Identifier: MIT */
/* We offer, the client answers. (RFC 8829, 5.2 and 5.11) */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "sdp/offer.h"

#include <stoa/error.h>

#include "base/poison.h"

static unsigned feedback_of(StoaSdpKind kind)
{
    return stoa_sdp_offer_feedback(kind) & ~(unsigned)STOA_SDP_FB_TWCC;
}

static void want_send(StoaSdpSlot *slot, const StoaSink *sink)
{
    slot->direction |= STOA_SDP_SENDONLY;
    slot->codec = stoa_sdp_codec_name(sink->codec);
    slot->fmtp = sink->fmtp;
    slot->rtx = sink->kind == STOA_VIDEO;
    slot->red = sink->red;
    slot->exts |= sink->exts;
    slot->feedback |= stoa_sdp_offer_feedback(slot->kind); /* transport-cc, too, where we send */
    slot->send = stoa_sink_send(sink);
}

/* What the client sends goes on as it was agreed. */
static void want_receive(StoaSdpSlot *slot, const StoaTrack *track, const StoaSdpLine *before)
{
    slot->direction |= STOA_SDP_RECVONLY;
    slot->codec = stoa_sdp_codec_name(track->sdp_codec);
    slot->fmtp = track->fmtp;
    slot->rtx = before->rtx_pt > 0;
    slot->red = before->red;
    slot->feedback |= before->feedback;
    for (unsigned ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
        if (before->ext_id[ext])
            slot->exts |= STOA_SDP_EXT_BIT(ext);
    }
}

/* An m-line that has been described before. */
static StoaSdpSlot slot_of_line(const StoaLine *line, const StoaSdpLine *before)
{
    StoaSdpSlot slot = { .kind = before->kind };
    bool sends = line->sink && line->sink->active;

    if (!before->accepted) {
        slot.stopped = true;
        if (slot.kind == STOA_SDP_OTHER)
            slot.kind = STOA_SDP_AUDIO; /* what it was is of no interest any more */
        return slot;
    }
    if (before->kind == STOA_SDP_APPLICATION) {
        slot.direction = STOA_SDP_SENDRECV;
        return slot;
    }
    slot.feedback = feedback_of(before->kind);
    slot.exts = STOA_SDP_EXT_BIT(STOA_SDP_EXT_MID);
    if (sends && (!line->track || stoa_sink_suits(line->sink, line->track)))
        want_send(&slot, line->sink);
    if (line->track)
        want_receive(&slot, line->track, before);
    return slot;
}

/* An offer in the making: the m-lines, and for each the sink that waits for it (NULL: none). */
typedef struct {
    GArray *slots;    /* StoaSdpSlot */
    GPtrArray *sinks; /* borrowed */
    GStringChunk *strings;
} Draft;

static Draft *draft_new(void)
{
    Draft *draft = g_new0(Draft, 1);

    draft->slots = g_array_new(FALSE, TRUE, sizeof(StoaSdpSlot));
    draft->sinks = g_ptr_array_new();
    draft->strings = g_string_chunk_new(256);
    return draft;
}

static void draft_free(Draft *draft)
{
    g_array_unref(draft->slots);
    g_ptr_array_unref(draft->sinks);
    g_string_chunk_free(draft->strings);
    g_free(draft);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Draft, draft_free)

static bool mid_is_used(const StoaConnection *connection, const Draft *draft, const char *mid)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        if (g_str_equal(stoa_connection_line(connection, i)->mid, mid))
            return true;
    }
    for (unsigned i = 0; i < draft->slots->len; i++) {
        if (g_strcmp0(g_array_index(draft->slots, StoaSdpSlot, i).mid, mid) == 0)
            return true;
    }
    return false;
}

/* The index, or the next number that no m-line of this session has had. */
static const char *new_mid(const StoaConnection *connection, Draft *draft, unsigned index)
{
    char mid[16];

    do
        g_snprintf(mid, sizeof mid, "%u", index++);
    while (mid_is_used(connection, draft, mid));
    return g_string_chunk_insert(draft->strings, mid);
}

/* A new m-line takes the place of one that was stopped or refused, else it comes last. */
static void add_slot(const StoaConnection *connection, Draft *draft, StoaSdpSlot slot,
                     StoaSink *sink)
{
    for (unsigned i = 0; i < draft->slots->len; i++) {
        StoaSdpSlot *spare = &g_array_index(draft->slots, StoaSdpSlot, i);

        if (!spare->stopped || !stoa_connection_line_is_spare(connection, i))
            continue;
        slot.mid = new_mid(connection, draft, i);
        *spare = slot;
        draft->sinks->pdata[i] = sink;
        return;
    }
    slot.mid = new_mid(connection, draft, draft->slots->len);
    g_array_append_val(draft->slots, slot);
    g_ptr_array_add(draft->sinks, sink);
}

static Draft *draft_offer(const StoaConnection *connection)
{
    Draft *draft = draft_new();
    const StoaSdpPlan *before = stoa_connection_last_plan(connection);

    for (unsigned i = 0; before && i < before->lines->len; i++) {
        StoaSdpSlot slot =
            slot_of_line(stoa_connection_line(connection, i), stoa_sdp_plan_line(before, i));

        g_array_append_val(draft->slots, slot);
        g_ptr_array_add(draft->sinks, NULL);
    }
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);
        StoaSdpKind kind = sink->kind == STOA_AUDIO ? STOA_SDP_AUDIO : STOA_SDP_VIDEO;
        StoaSdpSlot slot = { .kind = kind, .feedback = feedback_of(kind) };

        if (!sink->active || sink->line || sink->kind == STOA_DATA)
            continue;
        want_send(&slot, sink);
        add_slot(connection, draft, slot, sink);
    }
    if (connection->wants_data && !(before && stoa_sdp_plan_has_data(before)))
        add_slot(connection, draft, (StoaSdpSlot){ .kind = STOA_SDP_APPLICATION }, NULL);
    return draft;
}

static void place_data(StoaConnection *connection, const StoaSdpPlan *plan)
{
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        for (unsigned k = 0; sink->kind == STOA_DATA && !sink->line && k < plan->lines->len; k++) {
            const StoaSdpLine *line = stoa_sdp_plan_line(plan, k);

            if (line->accepted && line->kind == STOA_SDP_APPLICATION)
                stoa_sink_place(sink, stoa_connection_line(connection, k));
        }
    }
}

/* The offer is made: its new m-lines are there from now on. */
static void commit(StoaConnection *connection, StoaSdpPlan *plan, const Draft *draft)
{
    stoa_connection_sync_lines(connection, plan);
    for (unsigned i = 0; i < draft->sinks->len; i++) {
        if (draft->sinks->pdata[i])
            stoa_sink_place(draft->sinks->pdata[i], stoa_connection_line(connection, i));
    }
    place_data(connection, plan);
    stoa_sdp_plan_free(connection->offered);
    connection->offered = plan;
    connection->lines_changed = false;
    stoa_connection_step(connection, STOA_NEGOTIATION_GIVE_OFFER);
}

static bool check_offer(const StoaConnection *connection, bool restart, GError **error)
{
    if (!stoa_connection_may(connection, STOA_NEGOTIATION_GIVE_OFFER))
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "the client's own offer is just being answered");
    if (connection->offered && !restart)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "the offer before waits for its answer: make the next one then");
    return true;
}

static StoaSdpPlan *plan_offer(const StoaConnection *connection, const Draft *draft, GError **error)
{
    if (draft->slots->len == 0) {
        stoa_fail(error, STOA_ERROR_CONFLICT,
                  "there is nothing to offer: give the handle a track or data channels first");
        return NULL;
    }
    return stoa_sdp_offer((const StoaSdpSlot *)draft->slots->data, draft->slots->len,
                          stoa_connection_last_plan(connection), error);
}

char *stoa_connection_make_offer(StoaConnection *connection, bool restart, GError **error)
{
    g_autoptr(Draft) draft = NULL;
    g_autoptr(StoaSdpPlan) plan = NULL;
    bool is_first = connection->peer == 0;
    char *text = NULL;

    if (!check_offer(connection, restart, error))
        return NULL;
    draft = draft_offer(connection);
    plan = plan_offer(connection, draft, error);
    if (!plan || !stoa_connection_open(connection, true, error))
        return NULL;
    if (restart && !is_first)
        stoa_peer_restart(connection->media, connection->peer, &connection->local);
    text = stoa_connection_write(connection, plan, error);
    if (!text)
        return NULL;
    commit(connection, g_steal_pointer(&plan), draft);
    return text;
}

static StoaSdpPlan *read_answer(const StoaConnection *connection, const char *sdp, GError **error)
{
    g_autoptr(StoaSdp) answer = stoa_connection_read(connection, sdp, "answer", error);
    g_autoptr(StoaSdpPlan) agreed = NULL;

    if (!answer)
        return NULL;
    agreed = stoa_sdp_accept_answer(connection->offered, answer, error);
    if (!agreed || !stoa_connection_same_peer(connection, agreed, error))
        return NULL;
    return g_steal_pointer(&agreed);
}

/* The answer is in force: tell what changed, and wire what goes out. */
static bool apply(StoaConnection *connection, GError **error)
{
    GPtrArray *added = NULL;
    bool alive = stoa_connection_drop_tracks(connection);

    if (alive) {
        added = stoa_connection_make_tracks(connection, false);
        stoa_connection_post_remote(connection);
        alive = stoa_connection_tell_tracks(connection, added);
    }
    if (!alive)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "the PeerConnection was closed while its answer was taken");
    stoa_connection_post_sends(connection);
    return true;
}

bool stoa_connection_set_answer(StoaConnection *connection, const char *sdp, GError **error)
{
    g_autoptr(StoaSdpPlan) agreed = NULL;
    bool ok;

    if (!stoa_connection_may(connection, STOA_NEGOTIATION_TAKE_ANSWER))
        return stoa_fail(error, STOA_ERROR_CONFLICT, "no offer of ours waits for an answer");
    if (!stoa_connection_is_alive(connection, error))
        return false;
    agreed = read_answer(connection, sdp, error);
    if (!agreed)
        return false;

    stoa_connection_enter(connection);
    stoa_connection_step(connection, STOA_NEGOTIATION_TAKE_ANSWER);
    if (stoa_sdp_plan_has_data(connection->offered) && !stoa_sdp_plan_has_data(agreed))
        connection->wants_data = false; /* refused: do not ask again by ourselves */
    g_clear_pointer(&connection->offered, stoa_sdp_plan_free);
    stoa_connection_adopt(connection, g_steal_pointer(&agreed));
    stoa_connection_keep_remote(connection, sdp);
    ok = apply(connection, error);
    stoa_connection_leave(connection);
    return ok;
}
