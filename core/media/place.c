/* SPDX-License-Identifier: MIT */
/* Which worker a peer goes to, and what its side of the SDP says. */
#include "media/place.h"

#include "base/poison.h"

enum { TCP_PRIORITY = 1518280447, MAX_ADDRESSES = 8 };

static unsigned least_loaded(const StoaMedia *media)
{
    unsigned best = 0;

    for (unsigned i = 1; i < media->n_workers; i++)
        if (media->loads[i] < media->loads[best])
            best = i;
    return best;
}

/* The peers of a room on each worker, made if need be. */
static unsigned *seats_of(StoaMedia *media, uint64_t room)
{
    unsigned *seats = g_hash_table_lookup(media->rooms, &room);

    if (seats)
        return seats;
    seats = g_new0(unsigned, media->n_workers);
    g_hash_table_insert(media->rooms, g_memdup2(&room, sizeof(room)), seats);
    return seats;
}

/* The fullest worker of the room that still has a seat: rooms stay together. */
static int shared_worker(const StoaMedia *media, const unsigned *seats)
{
    int best = -1;

    for (unsigned i = 0; i < media->n_workers; i++) {
        if (seats[i] == 0 ||
            (media->room_peers_per_worker && seats[i] >= media->room_peers_per_worker))
            continue;
        if (best < 0 || seats[i] > seats[best])
            best = (int)i;
    }
    return best;
}

unsigned stoa_place_take(StoaMedia *media, uint64_t room)
{
    unsigned *seats = room ? seats_of(media, room) : NULL;
    int shared = seats ? shared_worker(media, seats) : -1;
    unsigned worker = shared >= 0 ? (unsigned)shared : least_loaded(media);

    media->loads[worker]++;
    if (seats)
        seats[worker]++;
    return worker;
}

void stoa_place_leave(StoaMedia *media, uint64_t room, unsigned worker)
{
    unsigned *seats = room ? g_hash_table_lookup(media->rooms, &room) : NULL;

    media->loads[worker]--;
    if (!seats)
        return;
    seats[worker]--;
    for (unsigned i = 0; i < media->n_workers; i++)
        if (seats[i] > 0)
            return;
    g_hash_table_remove(media->rooms, &room);
}

static GPtrArray *make_candidates(const StoaMedia *media, const StoaWorker *worker)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    uint16_t port = stoa_worker_port(worker);
    unsigned n = 0;

    for (unsigned i = 0; media->addresses[i] && n < MAX_ADDRESSES; i++) {
        bool is_v6 = strchr(media->addresses[i], ':') != NULL;

        if (is_v6 && worker->n_sockets < 2)
            continue;
        g_ptr_array_add(list, g_strdup_printf("candidate:%u 1 udp %u %s %u typ host", n + 1,
                                              126u << 24 | (65535 - n) << 8 | 255,
                                              media->addresses[i], port));
        n++;
    }
    for (unsigned i = 0, k = 0; media->addresses[i] && k < n; i++) {
        bool is_v6 = strchr(media->addresses[i], ':') != NULL;

        if (is_v6 && worker->n_sockets < 2)
            continue;
        g_ptr_array_add(
            list, g_strdup_printf("candidate:%u 1 tcp %u %s %u typ host tcptype passive", n + k + 1,
                                  TCP_PRIORITY - (k << 8), media->addresses[i], port));
        k++;
    }
    return list;
}

GPtrArray *stoa_place_candidates(StoaMedia *media, const StoaWorker *worker)
{
    GPtrArray **shared = &media->candidates[worker->index];

    if (!*shared)
        *shared = make_candidates(media, worker);
    return g_ptr_array_ref(*shared);
}
