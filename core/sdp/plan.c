/* SPDX-License-Identifier: MIT */
/* What we say, m-line by m-line: its life and its copies. */
#include "sdp/plan.h"

#include "sdp/fmtp.h"
#include "sdp/line.h"

#include "base/poison.h"

static void free_line(gpointer data)
{
    StoaSdpLine *line = data;

    g_free(line->sources);
    g_free(line->others);
    g_free(line);
}

StoaSdpPlan *stoa_sdp_plan_new(StoaSdpType type)
{
    StoaSdpPlan *plan = g_new0(StoaSdpPlan, 1);

    plan->type = type;
    plan->version = 1;
    plan->setup = type == STOA_SDP_OFFER ? STOA_SDP_ACTPASS : STOA_SDP_PASSIVE;
    plan->lines = g_ptr_array_new_with_free_func(free_line);
    plan->remote_candidates = g_ptr_array_new();
    plan->numbers = g_array_new(FALSE, FALSE, sizeof(StoaSdpNumber));
    plan->strings = g_string_chunk_new(512);
    return plan;
}

void stoa_sdp_plan_free(StoaSdpPlan *plan)
{
    if (!plan)
        return;
    g_ptr_array_unref(plan->lines);
    g_ptr_array_unref(plan->remote_candidates);
    g_array_unref(plan->numbers);
    g_string_chunk_free(plan->strings);
    g_free(plan);
}

const char *stoa_sdp_line_keep(StoaSdpPlan *plan, const char *text)
{
    return text ? g_string_chunk_insert(plan->strings, text) : NULL;
}

/* What many lines say: kept once. */
static const char *keep_common(StoaSdpPlan *plan, const char *text)
{
    return text ? g_string_chunk_insert_const(plan->strings, text) : NULL;
}

StoaSdpLine *stoa_sdp_line_new(StoaSdpPlan *plan)
{
    StoaSdpLine *line = g_new0(StoaSdpLine, 1);

    line->index = plan->lines->len;
    line->rtx_pt = line->red_pt = -1;
    line->remote_sctp_port = 5000;
    line->max_message_size = STOA_SDP_MAX_MESSAGE_SIZE;
    for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
        line->ext_direction[ext] = STOA_SDP_SENDRECV;
    g_ptr_array_add(plan->lines, line);
    return line;
}

StoaSdpTransport stoa_sdp_line_keep_transport(StoaSdpPlan *plan, const StoaSdpTransport *transport)
{
    StoaSdpTransport copy = *transport;

    copy.ufrag = stoa_sdp_line_keep(plan, transport->ufrag);
    copy.pwd = stoa_sdp_line_keep(plan, transport->pwd);
    copy.fingerprint = stoa_sdp_line_keep(plan, transport->fingerprint);
    return copy;
}

static StoaSdpSend keep_send(StoaSdpPlan *plan, const StoaSdpSend *send)
{
    StoaSdpSend copy = *send;

    copy.cname = keep_common(plan, send->cname);
    copy.stream = keep_common(plan, send->stream);
    copy.track = stoa_sdp_line_keep(plan, send->track);
    return copy;
}

static void copy_line(StoaSdpPlan *plan, const StoaSdpLine *from)
{
    StoaSdpLine *line = stoa_sdp_line_new(plan);

    *line = *from;
    line->mid = stoa_sdp_line_keep(plan, from->mid);
    line->reason = stoa_sdp_line_keep(plan, from->reason);
    line->fmtp = keep_common(plan, from->fmtp);
    for (unsigned i = 0; i < line->n_encodings; i++)
        line->encodings[i].rid = stoa_sdp_line_keep(plan, from->encodings[i].rid);
    line->sources = g_memdup2(from->sources, from->n_sources * sizeof(*from->sources));
    line->others = g_memdup2(from->others, from->n_others * sizeof(*from->others));
    for (unsigned i = 0; i < line->n_others; i++)
        line->others[i].fmtp = keep_common(plan, from->others[i].fmtp);
    line->stream = keep_common(plan, from->stream);
    line->track = stoa_sdp_line_keep(plan, from->track);
    line->send = keep_send(plan, &from->send);
    line->kind_text = keep_common(plan, from->kind_text);
    line->proto = keep_common(plan, from->proto);
    line->format = keep_common(plan, from->format);
}

void stoa_sdp_line_copy_numbers(StoaSdpPlan *plan, const StoaSdpPlan *from)
{
    for (guint i = 0; i < from->numbers->len; i++) {
        StoaSdpNumber number = g_array_index(from->numbers, StoaSdpNumber, i);

        number.fmtp = stoa_sdp_line_keep(plan, number.fmtp);
        g_array_append_val(plan->numbers, number);
    }
}

StoaSdpPlan *stoa_sdp_plan_copy(const StoaSdpPlan *plan)
{
    StoaSdpPlan *copy = stoa_sdp_plan_new(plan->type);

    copy->version = plan->version;
    copy->setup = plan->setup;
    copy->extmap_allow_mixed = plan->extmap_allow_mixed;
    copy->bundle = plan->bundle;
    copy->n_accepted = plan->n_accepted;
    copy->remote = stoa_sdp_line_keep_transport(copy, &plan->remote);
    copy->remote_ice_lite = plan->remote_ice_lite;
    copy->remote_end_of_candidates = plan->remote_end_of_candidates;
    copy->ice_restart = plan->ice_restart;
    for (guint i = 0; i < plan->lines->len; i++)
        copy_line(copy, g_ptr_array_index(plan->lines, i));
    for (guint i = 0; i < plan->remote_candidates->len; i++)
        stoa_sdp_line_keep_candidate(copy, g_ptr_array_index(plan->remote_candidates, i));
    stoa_sdp_line_copy_numbers(copy, plan);
    return copy;
}

void stoa_sdp_line_keep_candidate(StoaSdpPlan *plan, const char *text)
{
    g_ptr_array_add(plan->remote_candidates, (gpointer)stoa_sdp_line_keep(plan, text));
}

StoaSdpLine *stoa_sdp_plan_line(const StoaSdpPlan *plan, unsigned index)
{
    return index < plan->lines->len ? g_ptr_array_index(plan->lines, index) : NULL;
}

StoaSdpLine *stoa_sdp_plan_line_by_mid(const StoaSdpPlan *plan, const char *mid)
{
    for (guint i = 0; i < plan->lines->len; i++) {
        StoaSdpLine *line = g_ptr_array_index(plan->lines, i);

        if (line->accepted && g_strcmp0(line->mid, mid) == 0)
            return line;
    }
    return NULL;
}

bool stoa_sdp_plan_format(const StoaSdpLine *line, StoaSdpCodec codec, const char *fmtp,
                          StoaSdpFormat *format)
{
    if (line->codec == codec && stoa_sdp_fmtp_same(codec, line->fmtp, fmtp)) {
        *format = (StoaSdpFormat){ line->codec,    line->pt,       line->rtx_pt, line->clock_hz,
                                   line->channels, line->feedback, line->fmtp };
        return true;
    }
    for (unsigned i = 0; i < line->n_others; i++) {
        const StoaSdpFormat *other = &line->others[i];

        if (other->codec == codec && stoa_sdp_fmtp_same(codec, other->fmtp, fmtp)) {
            *format = *other;
            return true;
        }
    }
    return false;
}

void stoa_sdp_plan_refuse(StoaSdpPlan *plan, unsigned index, const char *reason)
{
    StoaSdpLine *line = stoa_sdp_plan_line(plan, index);

    if (!line)
        return;
    if (line->accepted)
        plan->n_accepted--;
    line->accepted = false;
    line->direction = STOA_SDP_INACTIVE;
    line->reason = stoa_sdp_line_keep(plan, reason ? reason : "refused");
}

void stoa_sdp_plan_send(StoaSdpPlan *plan, unsigned index, const StoaSdpSend *send)
{
    StoaSdpLine *line = stoa_sdp_plan_line(plan, index);

    if (!line)
        return;
    if (send) {
        line->send = keep_send(plan, send);
        return;
    }
    line->send = (StoaSdpSend){ 0 };
    line->direction = (StoaSdpDirection)(line->direction & STOA_SDP_RECVONLY);
}

bool stoa_sdp_plan_has_data(const StoaSdpPlan *plan)
{
    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = g_ptr_array_index(plan->lines, i);

        if (line->accepted && line->kind == STOA_SDP_APPLICATION)
            return true;
    }
    return false;
}

void stoa_sdp_plan_restart(StoaSdpPlan *plan, const char *ufrag, const char *pwd)
{
    plan->remote.ufrag = stoa_sdp_line_keep(plan, ufrag);
    plan->remote.pwd = stoa_sdp_line_keep(plan, pwd);
    plan->remote_end_of_candidates = false;
    g_ptr_array_set_size(plan->remote_candidates, 0);
}
