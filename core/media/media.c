/* SPDX-License-Identifier: MIT */
#define LOG_AREA "media"
#include "media/gauges.h"
#include "media/media-private.h"

#include <gio/gio.h>
#include <malloc.h>
#include <netdb.h>
#include <string.h>

#include "base/loop.h"
#include "base/task.h"
#include <stoa/error.h>

#include "base/poison.h"

enum { DEFAULT_TIMEOUT_MS = 1000, QUIET_MS = 2000 };

/* -- references ---------------------------------------------------------------------------- */

StoaMedia *stoa_media_ref(StoaMedia *media)
{
    g_atomic_ref_count_inc(&media->refs);
    return media;
}

void stoa_media_unref(StoaMedia *media)
{
    if (g_atomic_ref_count_dec(&media->refs))
        g_free(media);
}

StoaPeerRecord *stoa_media_peer(StoaMedia *media, StoaPeerId id)
{
    return g_hash_table_lookup(media->peers, &id);
}

static void free_record(void *data)
{
    StoaPeerRecord *record = data;

    g_free(record->ufrag);
    g_free(record->pwd);
    g_ref_string_release(record->fingerprint);
    g_clear_pointer(&record->local.candidates, g_ptr_array_unref);
    g_free(record);
}

/* -- start --------------------------------------------------------------------------------- */

static bool add_context(StoaMedia *media, GError **error)
{
    g_autoptr(StoaCertificate) certificate = NULL;
    g_autoptr(StoaDtlsContext) context = NULL;

    if (media->certificate_path || media->key_path)
        certificate = stoa_certificate_load(media->certificate_path, media->key_path, error);
    else
        certificate = stoa_certificate_new(error);
    if (!certificate)
        return false;
    context = stoa_dtls_context_new(certificate, error);
    if (!context)
        return false;
    g_ptr_array_add(media->certificates, g_steal_pointer(&certificate));
    g_ptr_array_add(media->contexts, g_steal_pointer(&context));
    return true;
}

static bool take_addresses(StoaMedia *media, const char *const *addresses, GError **error)
{
    g_autoptr(GArray) list = NULL;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    char text[STOA_ADDRESS_TEXT];

    for (unsigned i = 0; addresses && addresses[i]; i++) {
        StoaAddress address;

        if (!stoa_address_parse(addresses[i], 0, &address))
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "media.addresses: \"%s\" is not an IP address", addresses[i]);
        g_ptr_array_add(texts, g_strdup(stoa_address_format_ip(&address, text)));
    }
    if (texts->len == 0) {
        list = stoa_address_interfaces(error);
        if (!list)
            return false;
        for (unsigned i = 0; i < list->len; i++)
            g_ptr_array_add(texts, g_strdup(stoa_address_format_ip(
                                       &g_array_index(list, StoaAddress, i), text)));
    }
    g_ptr_array_add(texts, NULL);
    media->addresses = (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
    return true;
}

static void drop_workers(StoaMedia *media)
{
    while (media->n_workers > 0)
        stoa_worker_free(g_steal_pointer(&media->workers[--media->n_workers]));
}

/* Workers on `port` and those after it; 0: wherever the kernel puts the first. */
static bool make_workers_at(StoaMedia *media, unsigned n, uint16_t port, GError **error)
{
    for (unsigned i = 0; i < n; i++) {
        StoaWorkerSpec spec = { media, i, media->ice == STOA_ICE_LITE, port, n };

        media->workers[i] = stoa_worker_new(&spec, error);
        if (!media->workers[i]) {
            g_prefix_error(error, "media.port: ");
            return false;
        }
        media->n_workers = i + 1;
        port = stoa_worker_port(media->workers[i]);
        port = (uint16_t)(port ? port + 1 : 0); /* after 65535: any, which are not in a row */
    }
    return true;
}

/* An operator opens FIRST to LAST in the firewall: they must be in a row, whoever chose them. */
static bool are_in_a_row(const StoaMedia *media)
{
    for (unsigned i = 1; i < media->n_workers; i++)
        if (stoa_worker_port(media->workers[i]) != stoa_worker_port(media->workers[0]) + i)
            return false;
    return true;
}

static bool make_workers(StoaMedia *media, const StoaMediaConf *conf, GError **error)
{
    enum { TRIES = 64 }; /* with any port: one after the first may be taken */
    unsigned n = conf->workers ? conf->workers : g_get_num_processors();

    n = MIN(n, STOA_MAX_WORKERS);
    if (conf->port && conf->port + n - 1 > UINT16_MAX)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "media.port: %u leaves no room for %u workers: take a lower one",
                         conf->port, n);
    if (conf->port || media->ice != STOA_ICE_LITE)
        return make_workers_at(media, n, conf->port, error);
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (make_workers_at(media, n, 0, NULL) && are_in_a_row(media))
            return true;
        drop_workers(media);
    }
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                     "media.port: no %u free ports in a row were found: name the first of them", n);
}

/* "host:port" to a numeric address; names are looked up now, at the start. */
static bool resolve(const char *key, const char *text, uint16_t default_port, char **host,
                    uint16_t *port, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(GSocketConnectable) parsed = NULL;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM }, *found = NULL;
    char numeric[STOA_ADDRESS_TEXT];
    StoaAddress address;

    if (!text)
        return true;
    parsed = g_network_address_parse(text, default_port, &reason);
    if (!parsed)
        return stoa_fail(error, STOA_ERROR_INVALID, "%s: \"%s\" is not host:port", key, text);
    if (getaddrinfo(g_network_address_get_hostname(G_NETWORK_ADDRESS(parsed)), NULL, &hints,
                    &found) != 0)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s: \"%s\" cannot be found", key, text);
    stoa_address_set(&address, found->ai_addr);
    freeaddrinfo(found);
    *host = g_strdup(stoa_address_format_ip(&address, numeric));
    *port = g_network_address_get_port(G_NETWORK_ADDRESS(parsed));
    return true;
}

static bool is_own(const GArray *interfaces, const char *text)
{
    StoaAddress address;

    for (guint i = 0; stoa_address_parse(text, 0, &address) && i < interfaces->len; i++)
        if (stoa_address_equal_ip(&g_array_index(interfaces, StoaAddress, i), &address))
            return true;
    return false;
}

/* Of the addresses in conf, an agent gathers on those of this host; the others are what a 1:1 NAT calls us. */
static bool sort_addresses(char **addresses, GPtrArray *own, GPtrArray *mapped, GError **error)
{
    g_autoptr(GArray) interfaces = stoa_address_interfaces(error);

    if (!interfaces)
        return false;
    for (char **text = addresses; *text; text++)
        g_ptr_array_add(is_own(interfaces, *text) ? own : mapped, *text);
    g_ptr_array_add(own, NULL);
    g_ptr_array_add(mapped, NULL);
    return true;
}

/* The ports of conf, for a firewall; without them any. */
static void set_ports(StoaMedia *media, const StoaMediaConf *conf, StoaIceConf *ice)
{
    if (!conf->port || !conf->full_ports)
        return;
    media->full_first = ice->port_min = conf->port;
    media->full_last = ice->port_max = (uint16_t)MIN(UINT16_MAX, conf->port + conf->full_ports - 1);
}

static bool start_full_ice(StoaMedia *media, const StoaMediaConf *conf, GError **error)
{
    g_autofree char *stun = NULL, *turn = NULL;
    g_autoptr(GPtrArray) own = g_ptr_array_new(), mapped = g_ptr_array_new();
    StoaIceConf ice = { .turn_user = conf->turn_user,
                        .turn_password = conf->turn_password,
                        .turn_transport = conf->turn_transport };

    if (media->ice != STOA_ICE_FULL)
        return true;
    if (!resolve("media.stun_server", conf->stun_server, 3478, &stun, &ice.stun_port, error) ||
        !resolve("media.turn_server", conf->turn_server, 3478, &turn, &ice.turn_port, error))
        return false;
    ice.stun_server = stun;
    ice.turn_server = turn;
    if (conf->addresses && conf->addresses[0]) {
        if (!sort_addresses(media->addresses, own, mapped, error))
            return false;
        ice.addresses = (const char *const *)own->pdata;
        ice.mapped = (const char *const *)mapped->pdata;
    }
    set_ports(media, conf, &ice);
    media->ice_thread = stoa_ice_thread_new(&ice, error);
    return media->ice_thread != NULL;
}

static StoaMedia *allocate(const StoaMediaConf *conf)
{
    StoaMedia *media = g_new0(StoaMedia, 1);

    g_atomic_ref_count_init(&media->refs);
    media->ice = conf->ice;
    media->room_peers_per_worker = conf->room_peers_per_worker;
    media->media_timeout_ms = conf->media_timeout_ms ? conf->media_timeout_ms : DEFAULT_TIMEOUT_MS;
    media->slowlink_threshold = conf->slowlink_threshold;
    media->certificate_path = g_strdup(conf->certificate);
    media->key_path = g_strdup(conf->key);
    media->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_certificate_free);
    media->contexts = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_dtls_context_free);
    media->peers = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_record);
    media->rooms = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return media;
}

StoaMedia *stoa_media_new(const StoaMediaConf *conf, GError **error)
{
    g_autoptr(StoaMedia) media = allocate(conf);

    if (!add_context(media, error) || !take_addresses(media, conf->addresses, error))
        return NULL;
    media->sctp_thread = stoa_sctp_thread_new(error);
    if (!media->sctp_thread || !start_full_ice(media, conf, error) ||
        !make_workers(media, conf, error))
        return NULL;
    stoa_counters_init(media->n_workers);
    stoa_gauges_init(media->n_workers);
    for (unsigned i = 0; i < media->n_workers; i++)
        stoa_worker_start(media->workers[i]);
    return g_steal_pointer(&media);
}

/* -- end ----------------------------------------------------------------------------------- */

/* What was posted to stopped workers is run here, so that nothing is lost hold of; then they may go. */
static void free_workers(StoaMedia *media)
{
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < media->n_workers; i++)
            stoa_worker_drain(media->workers[i]);
    for (unsigned i = 0; i < media->n_workers; i++)
        stoa_worker_drop_feeds(media->workers[i]);
    for (unsigned i = 0; i < media->n_workers; i++)
        stoa_worker_free(g_steal_pointer(&media->workers[i]));
}

void stoa_media_free(StoaMedia *media)
{
    if (!media)
        return;
    media->is_closed = true;
    stoa_timer_clear(&media->quiet);
    for (unsigned i = 0; i < media->n_workers; i++)
        stoa_worker_stop(media->workers[i]);
    g_clear_pointer(&media->sctp_thread, stoa_sctp_thread_free);
    g_clear_pointer(&media->ice_thread, stoa_ice_thread_free);
    free_workers(media);
    g_ptr_array_unref(media->contexts);
    g_ptr_array_unref(media->certificates);
    for (unsigned i = 0; i < STOA_MAX_WORKERS; i++)
        g_clear_pointer(&media->candidates[i], g_ptr_array_unref);
    g_hash_table_unref(media->peers);
    g_hash_table_unref(media->rooms);
    g_strfreev(media->addresses);
    g_free(media->certificate_path);
    g_free(media->key_path);
    stoa_media_unref(media);
}

/* -- quiet --------------------------------------------------------------------------------- */

/* Descriptions, handshakes and lists of people are made and dropped by the thousand when a class comes in; what lies between
 * the things that stay is not given back by itself. It takes a millisecond or so, on a thread that has nothing else to do. */
static void give_back(void *unused G_GNUC_UNUSED)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void on_quiet(void *data)
{
    StoaMedia *media = data;

    media->quiet = NULL;
    if (media->n_changes != media->n_seen)
        stoa_media_stir(media);
    else
        stoa_task_run(give_back, NULL, NULL, NULL);
}

void stoa_media_stir(StoaMedia *media)
{
    media->n_changes++;
    if (media->quiet)
        return;
    media->n_seen = media->n_changes;
    media->quiet = stoa_timer_after(QUIET_MS, on_quiet, media);
}

/* -- small things -------------------------------------------------------------------------- */

void stoa_media_ports(const StoaMedia *media, uint16_t *first, uint16_t *last)
{
    *first = media->full_first;
    *last = media->full_last;
    if (media->ice == STOA_ICE_FULL)
        return;
    *first = *last = stoa_worker_port(media->workers[0]);
    for (unsigned i = 1; i < media->n_workers; i++) {
        uint16_t port = stoa_worker_port(media->workers[i]);

        *first = MIN(*first, port);
        *last = MAX(*last, port);
    }
}

unsigned stoa_media_n_workers(const StoaMedia *media)
{
    return media->n_workers;
}

bool stoa_media_reload_certificate(StoaMedia *media, GError **error)
{
    if (!media->certificate_path)
        return true;
    return add_context(media, error);
}
