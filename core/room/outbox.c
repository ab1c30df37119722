/* SPDX-License-Identifier: MIT */
/* What a handle says, in order. */
#include "config.h"

#include "room/journal-private.h"
#include "room/room-private.h"

static void output_free(gpointer data)
{
    StoaOutput *output = data;

    if (output->journal)
        stoa_journal_unref(output->journal);
    g_free(output->transaction);
    json_decref(output->data);
    json_decref(output->jsep);
    stoa_shared_unref(output->shared);
    g_clear_error(&output->error);
    g_free(output);
}

/* What it owns goes on to who gets it. */
static void deliver(StoaOutbox *outbox, StoaOutput *output)
{
    StoaHandle *handle = outbox->handle;

    if (!handle && output->done) {
        output->done(output->error ? NULL : output->data, output->error, output->done_data);
        return;
    }
    if (!handle || !handle->outlet)
        return;
    if (output->shared && handle->outlet->shared)
        handle->outlet->shared(handle, output->shared);
    else if (output->shared)
        handle->outlet->event(handle, NULL, json_incref(stoa_shared_body(output->shared)), NULL);
    else if (output->error && handle->outlet->refused)
        handle->outlet->refused(handle, output->transaction, output->error);
    else
        handle->outlet->event(handle, output->transaction, g_steal_pointer(&output->data),
                              g_steal_pointer(&output->jsep));
    if (output->hangup)
        stoa_handle_end_media(handle, "Close PC");
}

static bool is_ready(const StoaOutput *output)
{
    return output->kind != STOA_OUTPUT_PLACE &&
           (!output->journal || stoa_journal_is_done(output->journal, output->batch));
}

/* It waits for what its journal has not committed yet. */
static StoaOutput *output_new(StoaOutbox *outbox, StoaJournal *journal, const StoaOutput *output)
{
    uint64_t batch = journal ? stoa_journal_wait(journal) : 0;
    StoaOutput *copy = g_memdup2(output, sizeof *output);

    if (batch > 0) {
        copy->journal = stoa_journal_ref(journal);
        copy->batch = batch;
        stoa_journal_add_waiting(journal, outbox);
    }
    return copy;
}

void stoa_outbox_push(StoaOutbox *outbox, StoaJournal *journal, StoaOutput output)
{
    StoaOutput *copy = output_new(outbox, journal, &output);

    g_queue_push_tail(&outbox->outputs, copy);
    if (outbox->outputs.length == 1)
        stoa_outbox_flush(outbox);
}

bool stoa_outbox_waits_for(const StoaOutbox *outbox, const StoaJournal *journal)
{
    for (const GList *at = outbox->outputs.head; at; at = at->next) {
        if (((const StoaOutput *)at->data)->journal == journal)
            return true;
    }
    return false;
}

void stoa_outbox_flush(StoaOutbox *outbox)
{
    StoaOutput *output;

    while ((output = g_queue_peek_head(&outbox->outputs)) && is_ready(output)) {
        g_queue_pop_head(&outbox->outputs);
        deliver(outbox, output);
        output_free(output);
    }
}

static void become_error(StoaOutbox *outbox, StoaOutput *output, const GError *error)
{
    g_clear_pointer(&output->journal, stoa_journal_unref);
    g_clear_pointer(&output->jsep, json_decref);
    g_clear_pointer(&output->data, json_decref);
    if (outbox->handle)
        output->data = stoa_reply_error(outbox->handle->module, error);
    if (!output->error)
        output->error = g_error_copy(error);
}

void stoa_outbox_fail(StoaOutbox *outbox, const StoaJournal *journal, uint64_t batch,
                      const GError *error)
{
    for (GList *at = outbox->outputs.head, *next; at; at = next) {
        StoaOutput *output = at->data;
        next = at->next;
        if (output->journal != journal || output->batch < batch)
            continue;
        if (output->kind == STOA_OUTPUT_REPLY) {
            become_error(outbox, output, error);
        } else if (output->kind == STOA_OUTPUT_EVENT) {
            g_queue_delete_link(&outbox->outputs, at);
            output_free(output);
        }
    }
}

void stoa_outbox_forget_after(StoaOutbox *outbox, uint64_t seq)
{
    for (GList *at = outbox->outputs.head, *next; at; at = next) {
        StoaOutput *output = at->data;
        next = at->next;
        if (output->kind == STOA_OUTPUT_EVENT && output->seq > seq) {
            g_queue_delete_link(&outbox->outputs, at);
            output_free(output);
        }
    }
}

StoaOutput *stoa_outbox_keep_place(StoaOutbox *outbox)
{
    StoaOutput *place = g_new0(StoaOutput, 1);

    place->kind = STOA_OUTPUT_PLACE;
    g_queue_push_tail(&outbox->outputs, place);
    return place;
}

void stoa_outbox_say_before(StoaOutbox *outbox, const StoaOutput *place, GArray *outputs)
{
    GList *at = g_queue_find(&outbox->outputs, place);

    for (guint i = 0; i < outputs->len; i++)
        g_queue_insert_before(&outbox->outputs, at,
                              g_memdup2(&g_array_index(outputs, StoaOutput, i), sizeof *place));
    g_array_set_size(outputs, 0);
    stoa_outbox_flush(outbox);
}

void stoa_outbox_fill_place(StoaOutbox *outbox, StoaOutput *place, StoaJournal *journal,
                            StoaOutput output)
{
    GList *at = g_queue_find(&outbox->outputs, place);

    at->data = output_new(outbox, journal, &output);
    output_free(place);
    stoa_outbox_flush(outbox);
}

void stoa_outbox_clear(StoaOutbox *outbox)
{
    for (GList *at = outbox->outputs.head; at; at = at->next) {
        StoaOutput *output = at->data;
        if (output->journal)
            stoa_journal_remove_waiting(output->journal, outbox);
    }
    g_queue_clear_full(&outbox->outputs, output_free);
}
