/* SPDX-License-Identifier: MIT */
/* The core's side of stoa/transport.h. What comes from a transport's thread is posted to the control loop, in order. */
#include "config.h"

#define LOG_AREA "transport"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/timer.h"
#include "host/transport.h"

#include <gio/gio.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#define HEALTHY_US (2 * G_USEC_PER_SEC)
enum { BEAT_MS = 500 };

struct StoaTransportHub {
    StoaSignaling *signaling; /* control only */
    StoaWeb *web;             /* fixed while transports run */
    GHashTable *origins;      /* role → origin; control writes, `lock` guards */
    StoaTimer *beat;
    StoaMetricHistogram *lag; /* of the control loop */
    _Atomic(int64_t) beat_us; /* when the control loop last turned */
    _Atomic(int64_t) message_bytes, json_depth, connections_per_address;
    _Atomic(uint64_t) last_client;
    /* Connections are counted and origins checked on the transports' own threads: this is what they share. */
    GMutex lock;
    GHashTable *addresses; /* address → count */
    char **proxies;
    char *base_url;
};

struct StoaTransportHost {
    StoaTransportHub *hub;
    const StoaTransport *transport;
    StoaConfValues *conf;
    StoaClientOutlet outlet;
    GHashTable *clients; /* set of ids that are open; control only */
    char *ids;           /* for the log */
    _Atomic(int) refs;   /* posted messages hold it */
    bool stopped;        /* control only */
};

static void beat(void *data)
{
    StoaTransportHub *hub = data;

    int64_t now_us = stoa_clock_now_us();
    int64_t late_us = now_us - hub->beat_us - BEAT_MS * 1000;

    if (hub->beat_us > 0)
        stoa_metric_observe(hub->lag, MAX(late_us, 0));
    atomic_store(&hub->beat_us, now_us);
}

StoaTransportHub *stoa_transport_hub_new(void)
{
    StoaTransportHub *hub = g_new0(StoaTransportHub, 1);

    hub->origins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    hub->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&hub->lock);
    hub->lag = stoa_metric_loop_lag("control");
    hub->beat = stoa_timer_every(BEAT_MS, beat, hub);
    beat(hub);
    return hub;
}

void stoa_transport_hub_free(StoaTransportHub *hub)
{
    if (!hub)
        return;
    stoa_timer_clear(&hub->beat);
    g_hash_table_unref(hub->origins);
    g_hash_table_unref(hub->addresses);
    g_strfreev(hub->proxies);
    g_free(hub->base_url);
    g_mutex_clear(&hub->lock);
    g_free(hub);
}

void stoa_transport_hub_set_signaling(StoaTransportHub *hub, StoaSignaling *signaling)
{
    hub->signaling = signaling;
}

void stoa_transport_hub_set_web(StoaTransportHub *hub, StoaWeb *web)
{
    hub->web = web;
}

int64_t stoa_transport_hub_json_depth(StoaTransportHub *hub)
{
    return atomic_load(&hub->json_depth);
}

void stoa_transport_hub_configure(StoaTransportHub *hub, const StoaTransportSettings *settings,
                                  int64_t json_depth)
{
    atomic_store(&hub->message_bytes, settings->message_bytes);
    atomic_store(&hub->json_depth, json_depth);
    atomic_store(&hub->connections_per_address, settings->connections_per_address);
    g_mutex_lock(&hub->lock);
    g_strfreev(hub->proxies);
    hub->proxies = g_strdupv((char **)settings->trusted_proxies);
    g_free(hub->base_url);
    hub->base_url = g_strdup(settings->base_url);
    g_mutex_unlock(&hub->lock);
}

const char *stoa_transport_hub_origin(StoaTransportHub *hub, const char *role)
{
    return g_hash_table_lookup(hub->origins, role);
}

/* -- life --------------------------------------------------------------------------------- */

StoaConfTable stoa_transport_conf_table(const StoaTransport *transport)
{
    return (StoaConfTable){ .file = transport->name,
                            .options = transport->options,
                            .size = transport->conf_size,
                            .option_size = transport->option_size,
                            .is_module = true };
}

static void host_unref(gpointer data)
{
    StoaTransportHost *host = data;

    if (atomic_fetch_sub(&host->refs, 1) > 1)
        return;
    g_hash_table_unref(host->clients);
    stoa_conf_values_free(host->conf);
    g_free(host->ids);
    g_free(host);
}

StoaTransportHost *stoa_transport_start(StoaTransportHub *hub, const StoaTransport *transport,
                                        StoaConfValues *conf, const StoaTransportSettings *settings,
                                        GError **error)
{
    StoaTransportHost *host = g_new0(StoaTransportHost, 1);

    host->hub = hub;
    host->transport = transport;
    host->conf = conf;
    host->outlet =
        (StoaClientOutlet){ transport->deliver, transport->close_client, transport->deliver_text };
    host->clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    host->ids = g_strdup_printf("transport=%s", transport->name);
    atomic_init(&host->refs, 1);
    if (!transport->start(host, stoa_conf_values(conf), settings, error)) {
        host->stopped = true;
        host_unref(host);
        return NULL;
    }
    return host;
}

const StoaConfValues *stoa_transport_conf_values(const StoaTransportHost *host)
{
    return host->conf;
}

bool stoa_transport_reconfigure(StoaTransportHost *host, StoaConfValues *conf,
                                const StoaTransportSettings *settings, GError **error)
{
    StoaConfValues *old = conf ? host->conf : NULL;
    bool ok = true;

    if (conf)
        host->conf = conf;
    if (host->transport->conf_changed)
        ok = host->transport->conf_changed(stoa_conf_values(host->conf), settings, error);
    stoa_conf_values_free(old);
    return ok;
}

void stoa_transport_quiesce(StoaTransportHost *host)
{
    if (host->transport->quiesce)
        host->transport->quiesce();
}

void stoa_transport_stop(StoaTransportHost *host)
{
    GHashTableIter iter;
    gpointer id;

    host->transport->stop();
    host->stopped = true;
    g_hash_table_iter_init(&iter, host->clients);
    while (g_hash_table_iter_next(&iter, &id, NULL)) {
        if (host->hub->signaling)
            stoa_signaling_client_closed(host->hub->signaling, *(const uint64_t *)id);
    }
    g_hash_table_remove_all(host->clients);
    host_unref(host);
}

/* -- messages to the control loop --------------------------------------------------------- */

typedef enum { CLIENT_OPEN, CLIENT_REQUEST, CLIENT_POLL, CLIENT_CLOSED } MailKind;

typedef struct {
    StoaTransportHost *host;
    MailKind kind;
    uint64_t client, request, session;
    unsigned maxev;
    json_t *message;
    StoaClientInfo info;
    char *address;
} Mail;

static void mail_free(gpointer data)
{
    Mail *mail = data;

    json_decref(mail->message);
    g_free(mail->address);
    host_unref(mail->host);
    g_free(mail);
}

static void mail_run(void *data)
{
    Mail *mail = data;
    StoaTransportHost *host = mail->host;
    StoaSignaling *signaling = host->hub->signaling;

    if (host->stopped || !signaling)
        return;
    switch (mail->kind) {
    case CLIENT_OPEN:
        g_hash_table_add(host->clients, g_memdup2(&mail->client, sizeof mail->client));
        stoa_signaling_client_open(signaling, mail->client, &mail->info, &host->outlet);
        break;
    case CLIENT_REQUEST:
        stoa_signaling_request(signaling, mail->client, mail->request,
                               g_steal_pointer(&mail->message));
        break;
    case CLIENT_POLL:
        stoa_signaling_poll(signaling, mail->client, mail->request, mail->session, mail->maxev,
                            g_steal_pointer(&mail->message));
        break;
    case CLIENT_CLOSED:
        g_hash_table_remove(host->clients, &mail->client);
        stoa_signaling_client_closed(signaling, mail->client);
        break;
    }
}

static Mail *mail_new(StoaTransportHost *host, MailKind kind, uint64_t client)
{
    Mail *mail = g_new0(Mail, 1);

    mail->host = host;
    mail->kind = kind;
    mail->client = client;
    atomic_fetch_add(&host->refs, 1);
    return mail;
}

static void mail_post(Mail *mail)
{
    stoa_control_post(mail_run, mail, mail_free);
}

uint64_t stoa_client_open(StoaTransportHost *host, const StoaClientInfo *info)
{
    uint64_t id = atomic_fetch_add(&host->hub->last_client, 1) + 1;
    Mail *mail = mail_new(host, CLIENT_OPEN, id);

    mail->info = *info;
    mail->address = g_strdup(info->address);
    mail->info.address = mail->address;
    mail_post(mail);
    return id;
}

void stoa_client_closed(StoaTransportHost *host, uint64_t client)
{
    mail_post(mail_new(host, CLIENT_CLOSED, client));
}

json_t *stoa_client_parse(StoaTransportHost *host, const char *buf, size_t len, json_t **refusal)
{
    return stoa_signaling_parse(atomic_load(&host->hub->message_bytes),
                                atomic_load(&host->hub->json_depth), buf, len, refusal);
}

void stoa_client_request(StoaTransportHost *host, uint64_t client, uint64_t request,
                         json_t *message)
{
    Mail *mail = mail_new(host, CLIENT_REQUEST, client);

    mail->request = request;
    mail->message = message;
    mail_post(mail);
}

void stoa_client_poll(StoaTransportHost *host, uint64_t client, uint64_t request, uint64_t session,
                      unsigned maxev, json_t *query)
{
    Mail *mail = mail_new(host, CLIENT_POLL, client);

    mail->request = request;
    mail->session = session;
    mail->maxev = maxev;
    mail->message = query;
    mail_post(mail);
}

/* -- web requests ------------------------------------------------------------------------- */

/* An answer may be ready when its transport is gone already. */
static void answer_web(void *user, uint64_t request, StoaWebAnswer *answer)
{
    StoaTransportHost *host = user;

    if (!host->stopped && host->transport->answer_web)
        host->transport->answer_web(request, answer);
    else
        stoa_web_answer_free(answer);
}

bool stoa_web_path_is_served(StoaTransportHost *host, const char *path)
{
    return stoa_web_serves(host->hub->web, path);
}

StoaWebCall *stoa_web_call_open(StoaTransportHost *host, const StoaWebHead *head)
{
    atomic_fetch_add(&host->refs, 1);
    return stoa_web_call_new(host->hub->web, head, answer_web, host, host_unref);
}

/* -- services ----------------------------------------------------------------------------- */

void stoa_transport_listening(StoaTransportHost *host, const char *role, const char *origin)
{
    g_mutex_lock(&host->hub->lock);
    g_hash_table_replace(host->hub->origins, g_strdup(role), g_strdup(origin));
    g_mutex_unlock(&host->hub->lock);
    stoa_log_write(STOA_LOG_INFO, LOG_AREA, host->ids, "%s listens on %s", role, origin);
}

/* Metrics are printed on the control loop; who asks waits a moment for them. */
typedef struct {
    GMutex lock;
    GCond cond;
    char *text;
    bool done;
    _Atomic(int) refs;
} Print;

static void print_unref(gpointer data)
{
    Print *print = data;

    if (atomic_fetch_sub(&print->refs, 1) > 1)
        return;
    g_mutex_clear(&print->lock);
    g_cond_clear(&print->cond);
    g_free(print->text);
    g_free(print);
}

static void print_run(void *data)
{
    Print *print = data;

    g_mutex_lock(&print->lock);
    print->text = stoa_metric_text();
    print->done = true;
    g_cond_signal(&print->cond);
    g_mutex_unlock(&print->lock);
}

char *stoa_transport_metrics(StoaTransportHost *host G_GNUC_UNUSED)
{
    Print *print = g_new0(Print, 1);
    gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC;

    g_mutex_init(&print->lock);
    g_cond_init(&print->cond);
    atomic_init(&print->refs, 2);
    stoa_control_post(print_run, print, print_unref);
    g_mutex_lock(&print->lock);
    while (!print->done && g_cond_wait_until(&print->cond, &print->lock, until))
        ;
    char *text = g_steal_pointer(&print->text);
    g_mutex_unlock(&print->lock);
    print_unref(print);
    return text ? text : g_strdup("# the control loop does not answer\n");
}

bool stoa_transport_healthy(StoaTransportHost *host)
{
    return stoa_clock_now_us() - atomic_load(&host->hub->beat_us) < HEALTHY_US;
}

bool stoa_transport_claim_address(StoaTransportHost *host, const char *address)
{
    StoaTransportHub *hub = host->hub;
    int64_t limit = atomic_load(&hub->connections_per_address);

    g_mutex_lock(&hub->lock);
    int64_t n = GPOINTER_TO_INT(g_hash_table_lookup(hub->addresses, address));
    bool ok = limit == 0 || n < limit;
    if (ok)
        g_hash_table_replace(hub->addresses, g_strdup(address), GINT_TO_POINTER((int)n + 1));
    g_mutex_unlock(&hub->lock);
    return ok;
}

void stoa_transport_release_address(StoaTransportHost *host, const char *address)
{
    StoaTransportHub *hub = host->hub;

    g_mutex_lock(&hub->lock);
    int n = GPOINTER_TO_INT(g_hash_table_lookup(hub->addresses, address));
    if (n > 1)
        g_hash_table_replace(hub->addresses, g_strdup(address), GINT_TO_POINTER(n - 1));
    else
        g_hash_table_remove(hub->addresses, address);
    g_mutex_unlock(&hub->lock);
}

/* "192.0.2.0/24" or "192.0.2.7" holds `address`? */
static bool network_holds(const char *network, const char *address)
{
    g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(network, NULL);
    g_autoptr(GInetAddress) one = g_inet_address_new_from_string(address);

    return mask && one && g_inet_address_mask_matches(mask, one);
}

static bool is_trusted(StoaTransportHub *hub, const char *address)
{
    for (char **at = hub->proxies; at && *at; at++) {
        if (network_holds(*at, address))
            return true;
    }
    return false;
}

void stoa_transport_client_address(StoaTransportHost *host, const char *peer,
                                   const char *forwarded_for, char *out, size_t size)
{
    StoaTransportHub *hub = host->hub;

    g_strlcpy(out, peer, size);
    g_mutex_lock(&hub->lock);
    if (forwarded_for && is_trusted(hub, peer)) {
        g_auto(GStrv) hops = g_strsplit(forwarded_for, ",", 64);
        for (guint i = g_strv_length(hops); i > 0; i--) {
            const char *hop = g_strstrip(hops[i - 1]);
            g_autoptr(GInetAddress) address = g_inet_address_new_from_string(hop);
            if (!address)
                break;
            g_strlcpy(out, hop, size);
            if (!is_trusted(hub, hop))
                break;
        }
    }
    g_mutex_unlock(&hub->lock);
}

/* The host part of "http://host:port" or of a Host header: without scheme and port. */
static char *host_of(const char *text)
{
    const char *at = strstr(text, "://");
    const char *begin = at ? at + 3 : text;
    const char *end = begin[0] == '[' ? strchr(begin, ']') : NULL;
    size_t len = end ? (size_t)(end - begin) + 1 : strcspn(begin, ":/");

    return g_ascii_strdown(begin, (gssize)len);
}

static bool is_own_origin(StoaTransportHub *hub, const char *origin, const char *host_header)
{
    GHashTableIter iter;
    gpointer ours;
    g_autofree char *origin_host = host_of(origin);
    g_autofree char *header_host = host_header ? host_of(host_header) : NULL;

    if (hub->base_url && g_str_has_prefix(hub->base_url, origin) &&
        strchr("/", hub->base_url[strlen(origin)]))
        return true;
    g_hash_table_iter_init(&iter, hub->origins);
    while (g_hash_table_iter_next(&iter, NULL, &ours)) {
        if (g_ascii_strcasecmp(ours, origin) == 0)
            return true;
    }
    return !hub->base_url && header_host && g_str_equal(origin_host, header_host);
}

bool stoa_transport_origin_allowed(StoaTransportHost *host, char *const *allow_origins,
                                   const char *origin, const char *host_header)
{
    StoaTransportHub *hub = host->hub;

    if (!origin)
        return true;
    for (char *const *at = allow_origins; at && *at; at++) {
        if (g_str_equal(*at, "*") || g_ascii_strcasecmp(*at, origin) == 0)
            return true;
    }
    if (!strstr(origin, "://"))
        return false; /* "null": a page from a file or a sandbox */
    g_mutex_lock(&hub->lock);
    bool own = is_own_origin(hub, origin, host_header);
    g_mutex_unlock(&hub->lock);
    return own;
}

void stoa_transport_log(StoaTransportHost *host, GLogLevelFlags level, const char *fmt, ...)
{
    va_list args;
    StoaLogLevel ours = level & G_LOG_LEVEL_CRITICAL  ? STOA_LOG_ERROR
                        : level & G_LOG_LEVEL_WARNING ? STOA_LOG_WARN
                        : level & G_LOG_LEVEL_DEBUG   ? STOA_LOG_DEBUG
                                                      : STOA_LOG_INFO;

    if (!stoa_log_is_on(ours))
        return;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    stoa_log_write(ours, LOG_AREA, host->ids, "%s", text);
}
