/* SPDX-License-Identifier: MIT */
/* ICE-lite: one hub per worker knows every local ufrag and every validated path; only a check with valid
 * integrity enters a path. (SECURITY.md section 5) */
#include "ice/lite.h"

#include <string.h>

#include "base/id.h"
#include "ice/stun.h"
#include "ice/table.h"

#include "base/poison.h"

enum {
    WORKER_CHARS = 2,
    MAX_UFRAG = 32,
    MAX_PWD = 64,
    LIVE_US = 10000000,      /* a path checked within this is not handed to another peer */
    AGGRESSIVE_US = 1000000, /* nominations this close together: the higher priority wins */
    SILENT_US = 3500000,     /* longer than a browser lets the path rest that it sends on */
};

static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

typedef struct {
    StoaTableNode node;
    StoaIceLite *lite;
    char ufrag[MAX_UFRAG + 1];
    char pwd[MAX_PWD + 1];
} Credentials;

typedef struct {
    StoaTableNode node;
    StoaIceLite *lite;
    StoaIcePath path;
    int64_t checked_us;
    int64_t nominated_us; /* 0: never */
    uint32_t priority;
} Path;

struct StoaIceHub {
    unsigned worker;
    unsigned n_peers;
    StoaStun *stun;
    StoaHashKey key;
    StoaTable ufrags;
    StoaTable paths;
    StoaIceStats stats;
};

struct StoaIceLite {
    StoaIceHub *hub;
    void *owner;
    Credentials *now;
    Credentials *before;         /* between a restart and its first check; else NULL */
    Path *paths[STOA_ICE_PATHS]; /* most peers have one; NULL: free */
    Path *selected;
    int64_t checked_us; /* the last valid check, on any path */
    bool is_lost;       /* LOST was told, and no check came since */
    StoaIceEvents pending;
};

/* -- credentials --------------------------------------------------------------------------- */

void stoa_ice_credentials(unsigned worker, char ufrag[STOA_ICE_UFRAG + 1],
                          char pwd[STOA_ICE_PWD + 1])
{
    ufrag[0] = ice_chars[worker >> 6 & 63];
    ufrag[1] = ice_chars[worker & 63];
    stoa_id_text(ufrag + WORKER_CHARS, STOA_ICE_UFRAG - WORKER_CHARS);
    stoa_id_text(pwd, STOA_ICE_PWD);
}

static int char_value(char c)
{
    const char *at = c ? strchr(ice_chars, c) : NULL;

    return at ? (int)(at - ice_chars) : -1;
}

int stoa_ice_ufrag_worker(const char *ufrag, size_t len)
{
    int high = len >= WORKER_CHARS ? char_value(ufrag[0]) : -1;
    int low = len >= WORKER_CHARS ? char_value(ufrag[1]) : -1;

    return high < 0 || low < 0 ? -1 : high << 6 | low;
}

static Credentials *find_credentials(const StoaIceHub *hub, const char *ufrag, size_t len)
{
    StoaTableNode *node = stoa_table_first(&hub->ufrags, stoa_hash(&hub->key, ufrag, len));

    for (; node; node = stoa_table_next(node)) {
        Credentials *credentials = STOA_TABLE_ENTRY(node, Credentials, node);

        if (strlen(credentials->ufrag) == len && memcmp(credentials->ufrag, ufrag, len) == 0)
            return credentials;
    }
    return NULL;
}

static void *look_up(void *user, const char *ufrag, size_t len, const char **password,
                     size_t *password_len)
{
    Credentials *credentials = find_credentials(user, ufrag, len);

    if (credentials) {
        *password = credentials->pwd;
        *password_len = strlen(credentials->pwd);
    }
    return credentials;
}

static bool can_use(const StoaIceHub *hub, const char *ufrag, const char *pwd)
{
    size_t ufrag_len = strlen(ufrag);
    size_t pwd_len = strlen(pwd);

    return ufrag_len >= 4 && ufrag_len <= MAX_UFRAG && pwd_len >= 22 && pwd_len <= MAX_PWD &&
           !find_credentials(hub, ufrag, ufrag_len);
}

static Credentials *add_credentials(StoaIceLite *lite, const char *ufrag, const char *pwd)
{
    Credentials *credentials = g_new0(Credentials, 1);

    g_strlcpy(credentials->ufrag, ufrag, sizeof(credentials->ufrag));
    g_strlcpy(credentials->pwd, pwd, sizeof(credentials->pwd));
    credentials->lite = lite;
    stoa_table_insert(&lite->hub->ufrags, &credentials->node,
                      stoa_hash(&lite->hub->key, ufrag, strlen(ufrag)));
    return credentials;
}

static void drop_credentials(Credentials **credentials)
{
    if (!*credentials)
        return;
    stoa_table_remove(&(*credentials)->lite->hub->ufrags, &(*credentials)->node);
    g_clear_pointer(credentials, g_free);
}

/* -- the hub ------------------------------------------------------------------------------- */

StoaIceHub *stoa_ice_hub_new(unsigned worker)
{
    StoaIceHub *hub = g_new0(StoaIceHub, 1);

    hub->worker = worker;
    hub->stun = stoa_stun_new(look_up, hub);
    stoa_hash_key_init(&hub->key);
    stoa_table_init(&hub->ufrags);
    stoa_table_init(&hub->paths);
    return hub;
}

void stoa_ice_hub_free(StoaIceHub *hub)
{
    if (!hub)
        return;
    g_assert(hub->n_peers == 0);
    stoa_stun_free(hub->stun);
    stoa_table_clear(&hub->ufrags);
    stoa_table_clear(&hub->paths);
    g_free(hub);
}

const StoaIceStats *stoa_ice_hub_stats(const StoaIceHub *hub)
{
    return &hub->stats;
}

static uint64_t path_hash(const StoaIceHub *hub, const StoaIcePath *path)
{
    if (path->kind == STOA_ICE_TCP)
        return stoa_hash(&hub->key, &path->connection, sizeof(path->connection));
    return stoa_address_hash(&hub->key, &path->remote);
}

static bool is_same_path(const StoaIcePath *a, const StoaIcePath *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == STOA_ICE_TCP)
        return a->connection == b->connection;
    return stoa_address_equal(&a->remote, &b->remote) &&
           stoa_address_equal_ip(&a->local, &b->local);
}

static Path *find_path(const StoaIceHub *hub, const StoaIcePath *path)
{
    StoaTableNode *node = stoa_table_first(&hub->paths, path_hash(hub, path));

    for (; node; node = stoa_table_next(node)) {
        Path *found = STOA_TABLE_ENTRY(node, Path, node);

        if (is_same_path(&found->path, path))
            return found;
    }
    return NULL;
}

StoaIceLite *stoa_ice_hub_find(const StoaIceHub *hub, const StoaIcePath *path)
{
    const Path *found = find_path(hub, path);

    return found ? found->lite : NULL;
}

/* -- paths of a peer ----------------------------------------------------------------------- */

/* The best of what is left: nominated last, else checked last. */
static Path *next_best(StoaIceLite *lite)
{
    Path *best = NULL;

    for (unsigned i = 0; i < STOA_ICE_PATHS; i++) {
        Path *p = lite->paths[i];

        if (!p)
            continue;
        if (!best || p->nominated_us > best->nominated_us ||
            (p->nominated_us == best->nominated_us && p->checked_us > best->checked_us))
            best = p;
    }
    return best;
}

static StoaIceEvents drop_path(StoaIceLite *lite, Path *path)
{
    bool was_selected = lite->selected == path;

    stoa_table_remove(&lite->hub->paths, &path->node);
    for (unsigned i = 0; i < STOA_ICE_PATHS; i++)
        if (lite->paths[i] == path)
            lite->paths[i] = NULL;
    g_free(path);
    if (!was_selected)
        return 0;
    lite->selected = next_best(lite);
    return STOA_ICE_SELECTED;
}

/* A free slot; if there is none, that of the path which was silent longest, the selected one spared. */
static Path **free_slot(StoaIceLite *lite)
{
    Path **oldest = lite->paths[0] == lite->selected ? &lite->paths[1] : &lite->paths[0];

    for (Path **p = lite->paths; p < lite->paths + STOA_ICE_PATHS; p++) {
        if (!*p)
            return p;
        if (*p != lite->selected && (*p)->checked_us < (*oldest)->checked_us)
            oldest = p;
    }
    drop_path(lite, *oldest);
    return oldest;
}

static Path *add_path(StoaIceLite *lite, const StoaIcePath *from)
{
    Path **slot = free_slot(lite);
    Path *path = g_new0(Path, 1);

    path->lite = lite;
    path->path = *from;
    *slot = path;
    stoa_table_insert(&lite->hub->paths, &path->node, path_hash(lite->hub, from));
    return path;
}

/* May `path`, now selected, give way to a newer nomination? Aggressive nomination (Firefox) nominates
 * every pair it checks, and means the one of highest priority. */
static bool gives_way(const Path *path, const Path *to, int64_t now_us)
{
    return path->nominated_us == 0 || now_us - path->nominated_us >= AGGRESSIVE_US ||
           to->priority >= path->priority;
}

/* A NAT gave the peer another address: to it, it is the pair that it nominated long ago, so it need not say so again. The
 * old address falls silent, and what is heard is heard here. */
static bool fell_silent(const Path *path, int64_t now_us)
{
    return now_us - path->checked_us >= SILENT_US;
}

/* After a valid check on `path`: is it the one to send on now? */
static StoaIceEvents select_path(StoaIceLite *lite, Path *path, bool use_candidate, int64_t now_us)
{
    Path *selected = lite->selected;

    if (!selected) {
        lite->selected = path;
        path->nominated_us = use_candidate ? now_us : 0;
        return STOA_ICE_SELECTED | STOA_ICE_CONNECTED;
    }
    if (!use_candidate && selected != path && fell_silent(selected, now_us)) {
        path->nominated_us = selected->nominated_us;
        lite->selected = path;
        return STOA_ICE_SELECTED;
    }
    if (!use_candidate)
        return 0;
    if (selected != path && !gives_way(selected, path, now_us))
        return 0;
    path->nominated_us = now_us;
    lite->selected = path;
    return selected == path ? 0 : STOA_ICE_SELECTED;
}

/* Take a path from a peer that no longer uses it. False: it does. */
static bool take_over(StoaIceHub *hub, Path *path, int64_t now_us, StoaIceCheck *check)
{
    StoaIceLite *loser = path->lite;

    if (now_us - path->checked_us < LIVE_US) {
        hub->stats.taken++;
        return false;
    }
    loser->pending |= drop_path(loser, path);
    check->loser = loser;
    return true;
}

/* A check with valid integrity came over `path`. */
static bool on_check(StoaIceHub *hub, int64_t now_us, const StoaIcePath *from,
                     const StoaStunResult *result, StoaIceCheck *check)
{
    Credentials *credentials = result->owner;
    StoaIceLite *lite = credentials->lite;
    Path *path = find_path(hub, from);

    if (path && path->lite != lite) {
        if (!take_over(hub, path, now_us, check))
            return false;
        path = NULL;
    }
    if (!path) {
        path = add_path(lite, from);
        check->events |= STOA_ICE_NEW_PATH;
    }
    if (credentials == lite->now && lite->before) {
        drop_credentials(&lite->before);
        check->events |= STOA_ICE_RESTARTED;
    }
    path->path.socket = from->socket;
    path->checked_us = now_us;
    path->priority = result->priority;
    lite->checked_us = now_us;
    lite->is_lost = false;
    check->lite = lite;
    check->events |= select_path(lite, path, result->use_candidate, now_us);
    return true;
}

void stoa_ice_hub_stun(StoaIceHub *hub, int64_t now_us, const uint8_t *buf, size_t len,
                       const StoaIcePath *path, uint8_t *reply, StoaIceCheck *check)
{
    StoaStunResult result;

    *check = (StoaIceCheck){ 0 };
    switch (stoa_stun_input(hub->stun, now_us, buf, len, &path->remote, reply, &result)) {
    case STOA_STUN_CHECK:
        hub->stats.checks++;
        if (on_check(hub, now_us, path, &result, check))
            check->reply_len = result.reply_len;
        return;
    case STOA_STUN_REFUSED:
        hub->stats.refused++;
        check->reply_len = result.reply_len;
        return;
    case STOA_STUN_INDICATION: hub->stats.indications++; return;
    case STOA_STUN_IGNORED: hub->stats.ignored++; return;
    }
}

StoaIceLite *stoa_ice_hub_closed(StoaIceHub *hub, uint32_t connection, StoaIceEvents *events)
{
    StoaIcePath key = { .kind = STOA_ICE_TCP, .connection = connection };
    Path *path = find_path(hub, &key);
    StoaIceLite *lite = path ? path->lite : NULL;

    *events = lite ? drop_path(lite, path) : 0;
    return lite;
}

/* -- a peer -------------------------------------------------------------------------------- */

StoaIceLite *stoa_ice_lite_new_with(StoaIceHub *hub, void *owner, const char *ufrag,
                                    const char *pwd)
{
    StoaIceLite *lite;

    if (!can_use(hub, ufrag, pwd))
        return NULL;
    lite = g_new0(StoaIceLite, 1);
    lite->hub = hub;
    lite->owner = owner;
    hub->n_peers++;
    lite->now = add_credentials(lite, ufrag, pwd);
    return lite;
}

StoaIceLite *stoa_ice_lite_new(StoaIceHub *hub, void *owner)
{
    char ufrag[STOA_ICE_UFRAG + 1], pwd[STOA_ICE_PWD + 1];
    StoaIceLite *lite;

    do {
        stoa_ice_credentials(hub->worker, ufrag, pwd);
        lite = stoa_ice_lite_new_with(hub, owner, ufrag, pwd);
    } while (!lite);
    return lite;
}

void stoa_ice_lite_free(StoaIceLite *lite)
{
    if (!lite)
        return;
    for (unsigned i = 0; i < STOA_ICE_PATHS; i++) {
        if (lite->paths[i])
            stoa_table_remove(&lite->hub->paths, &lite->paths[i]->node);
        g_free(lite->paths[i]);
    }
    drop_credentials(&lite->now);
    drop_credentials(&lite->before);
    lite->hub->n_peers--;
    g_free(lite);
}

void *stoa_ice_lite_owner(const StoaIceLite *lite)
{
    return lite->owner;
}

const char *stoa_ice_lite_ufrag(const StoaIceLite *lite)
{
    return lite->now->ufrag;
}

const char *stoa_ice_lite_pwd(const StoaIceLite *lite)
{
    return lite->now->pwd;
}

bool stoa_ice_lite_restart(StoaIceLite *lite, const char *ufrag, const char *pwd)
{
    char own_ufrag[STOA_ICE_UFRAG + 1], own_pwd[STOA_ICE_PWD + 1];

    if (!ufrag || !pwd) {
        stoa_ice_credentials(lite->hub->worker, own_ufrag, own_pwd);
        ufrag = own_ufrag;
        pwd = own_pwd;
    }
    if (!can_use(lite->hub, ufrag, pwd))
        return false;
    if (lite->before) /* a second restart before the first was used: the peer still has the oldest */
        drop_credentials(&lite->now);
    else
        lite->before = lite->now;
    lite->now = add_credentials(lite, ufrag, pwd);
    return true;
}

const StoaIcePath *stoa_ice_lite_selected(const StoaIceLite *lite)
{
    return lite->selected ? &lite->selected->path : NULL;
}

bool stoa_ice_lite_is_nominated(const StoaIceLite *lite)
{
    return lite->selected && lite->selected->nominated_us > 0;
}

unsigned stoa_ice_lite_n_paths(const StoaIceLite *lite)
{
    unsigned n = 0;

    for (unsigned i = 0; i < STOA_ICE_PATHS; i++)
        n += lite->paths[i] != NULL;
    return n;
}

static int64_t expiry_us(const Path *path)
{
    return path->checked_us + STOA_ICE_CONSENT_US;
}

/* Without a path, it is gone when its last consent is over: who lost a connection has till then to make another. */
static bool waits_for_path(const StoaIceLite *lite)
{
    return !lite->selected && lite->checked_us > 0 && !lite->is_lost;
}

int64_t stoa_ice_lite_deadline_us(const StoaIceLite *lite)
{
    int64_t first = lite->pending ? 0 : INT64_MAX;

    if (waits_for_path(lite))
        first = MIN(first, lite->checked_us + STOA_ICE_CONSENT_US);
    for (unsigned i = 0; i < STOA_ICE_PATHS; i++) {
        if (lite->paths[i])
            first = MIN(first, expiry_us(lite->paths[i]));
    }
    return first;
}

StoaIceEvents stoa_ice_lite_tick(StoaIceLite *lite, int64_t now_us)
{
    StoaIceEvents events = lite->pending;

    lite->pending = 0;
    for (unsigned i = 0; i < STOA_ICE_PATHS; i++) {
        if (lite->paths[i] && now_us >= expiry_us(lite->paths[i]))
            events |= drop_path(lite, lite->paths[i]);
    }
    if (waits_for_path(lite) && now_us >= lite->checked_us + STOA_ICE_CONSENT_US) {
        lite->is_lost = true;
        events |= STOA_ICE_LOST;
    }
    return events;
}
