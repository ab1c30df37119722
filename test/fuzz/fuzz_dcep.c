/* SPDX-License-Identifier: MIT */
/* Whatever a peer says on its streams, without usrsctp: openings, acknowledgements, messages, resets. What an OPEN was
 * understood as is written and read again; the table of channels and the queue stay bounded. */
#include <string.h>

#include "sctp/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    unsigned n_open, n_closed, n_messages;
} Told;

static void on_channel(void *user, uint16_t stream, const char *label, const char *protocol)
{
    g_assert(stream < STOA_SCTP_STREAMS);
    g_assert(g_utf8_validate(label, -1, NULL) && g_utf8_validate(protocol, -1, NULL));
    ((Told *)user)->n_open++;
}

static void on_message(void *user, const StoaSctpOrigin *from, const uint8_t *buf, size_t len,
                       bool is_text G_GNUC_UNUSED)
{
    g_assert(from->stream < STOA_SCTP_STREAMS && from->label && (buf || len == 0));
    ((Told *)user)->n_messages++;
}

static void on_closed(void *user, uint16_t stream G_GNUC_UNUSED, const char *label)
{
    g_assert_nonnull(label);
    ((Told *)user)->n_closed++;
}

static void try_open(const uint8_t *buf, size_t len)
{
    uint8_t out[STOA_DCEP_HEADER + 512];
    StoaDcepOpen open, again;
    size_t n;

    if (!stoa_dcep_open_read(buf, len, &open))
        return;
    n = stoa_dcep_open_write(&open, out, sizeof(out));
    if (n == 0)
        return;
    g_assert(stoa_dcep_open_read(out, n, &again));
    g_assert(again.unordered == open.unordered && again.policy == open.policy &&
             again.limit == open.limit && again.label_len == open.label_len &&
             again.protocol_len == open.protocol_len);
    g_assert(memcmp(again.label, open.label, open.label_len) == 0);
}

static void free_part(void *part)
{
    g_free(part);
}

/* Records of [stream, what, len, bytes]. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t ppids[] = { STOA_PPID_DCEP,
                                      STOA_PPID_STRING,
                                      STOA_PPID_BINARY,
                                      STOA_PPID_STRING_EMPTY,
                                      STOA_PPID_BINARY_EMPTY,
                                      STOA_PPID_STRING_PART,
                                      0,
                                      99 };
    StoaSctp *sctp = g_new0(StoaSctp, 1);
    Told told = { 0 };

    sctp->callbacks = (StoaSctpCallbacks){ .channel = on_channel,
                                           .message = on_message,
                                           .channel_closed = on_closed };
    sctp->user = &told;
    sctp->channels = g_hash_table_new_full(NULL, NULL, NULL, stoa_sctp_channel_free);
    while (size >= 3) {
        uint16_t stream = data[0] == 255 ? STOA_SCTP_STREAMS + data[1] : data[0] % 8;
        unsigned what = data[1] % 16;
        size_t len = MIN(data[2], size - 3);
        const uint8_t *buf = data + 3;

        if (what < G_N_ELEMENTS(ppids))
            stoa_sctp_channel_input(sctp, stream, ppids[what], buf, len);
        else if (what < 10)
            stoa_sctp_channel_close(sctp, stream, what == 8);
        else if (what == 10)
            stoa_sctp_channel_open(sctp, "ours", "", &(StoaSctpReliability){ .unordered = true });
        else if (stream < STOA_SCTP_STREAMS)
            stoa_sctp_channel_output_any(sctp, buf, len, true);
        try_open(buf, len);
        data += 3 + len;
        size -= 3 + len;
        g_assert(g_hash_table_size(sctp->channels) == sctp->channel_order.length);
    }
    g_assert(told.n_closed <= told.n_open + told.n_messages + size + STOA_SCTP_STREAMS * 64);
    stoa_sctp_channel_close_all(sctp);
    g_assert(g_hash_table_size(sctp->channels) == 0);
    g_hash_table_unref(sctp->channels);
    g_queue_clear(&sctp->channel_order);
    g_queue_clear_full(&sctp->outgoing, free_part);
    g_queue_clear_full(&sctp->held, free_part);
    g_free(sctp);
    return 0;
}
