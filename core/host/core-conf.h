/* SPDX-License-Identifier: MIT */
/* conf/stoa.conf: the gateway's own keys. */
#pragma once

#include "base/conf.h"
#include "signaling/signaling.h"

typedef struct {
    StoaSignalingConf signaling;
    int64_t admin_port;
    char *admin_address;
    int64_t media_port, media_workers, media_room_peers, media_timeout_ms, media_slowlink;
    char **media_addresses;
    char *media_ice, *media_certificate, *media_key;
    char *media_stun, *media_turn, *media_turn_user, *media_turn_password, *media_turn_transport;
    int64_t media_full_ports;
    char *base_url, *residency;
    char **trusted_proxies;
    int64_t connections_per_address;
    bool adhoc;
    char **aliases, **plugin_dirs, **transport_dirs;
    char *log_level;
    bool log_debug_pii;
} StoaCoreConf;

/** Take the slashes off a URL's end, in place: paths are appended to it. NULL is fine. Returns it. */
char *stoa_core_conf_bare_url(char *url);

/** The table of stoa.conf. Static. */
const StoaConfTable *stoa_core_conf_table(void);
