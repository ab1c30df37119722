/* SPDX-License-Identifier: MIT */
/* conf/rooms.conf: rooms that are kept, their people, tokens and limits. One table for the core's room/ and web/. */
#pragma once

#include "base/conf.h"

#include <stdint.h>

typedef struct {
    char **api_keys;
    int64_t linger_s, reconnect_s;
    int64_t participant_s, host_s, signin_s, history_s, ticket_s;
    int64_t invitation_days, invitation_after_s;
    int64_t retention_days, retention_max_days, retention_sweep_s;
    char **modules;
    int64_t attempts_per_minute, joins_per_minute, signin_per_hour, signin_requests_per_hour;
    int64_t rooms_per_host, people_per_room, waiting_per_room, invitations_per_room,
        invitations_per_request;
    char **file_types;
    char **ice_servers, *turn_secret;
    int64_t turn_s;
} StoaRoomsConf;

/** The table of rooms.conf. Static. */
const StoaConfTable *stoa_rooms_conf_table(void);
