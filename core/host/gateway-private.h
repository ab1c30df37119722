/* SPDX-License-Identifier: MIT */
/* What the files of the gateway share: gateway.c (start, reload, end), gateway-conf.c, gateway-ties.c, gateway-check.c. */
#pragma once

#include "base/metric.h"
#include "host/core-conf.h"
#include "host/gateway.h"
#include "host/modules.h"
#include "mail/mail.h"
#include "room/rooms-conf.h"
#include "room/rooms.h"
#include "store/store.h"
#include "web/web.h"

struct StoaGateway {
    char *conf_dir, *data_dir, **overrides;
    int data_lock; /* a descriptor, or -1: stoa_data_lock() */
    StoaConfValues *values;
    StoaCoreConf conf; /* a copy of the values, at an address that stays */
    StoaConfValues *rooms_values;
    StoaRoomsConf rooms; /* the same of rooms.conf */
    StoaConfValues *store_values;
    StoaStore *store; /* data/stoa.db */
    StoaConfValues *mail_values;
    StoaMail *mail;
    char *made_secret; /* of the admin API, when conf has none */
    char **plugin_dirs, **transport_dirs;
    StoaRoomEnv env;
    StoaTransportSettings settings;
    StoaMedia *media;
    StoaTransportHub *hub;
    StoaSignaling *signaling;
    StoaWeb *web;
    StoaRooms *kept; /* the rooms of the rooms API */
    StoaModules *modules;
    StoaMetricCell *sessions_gauge, *clients_gauge;
};

/* -- gateway-conf.c ------------------------------------------------------------------------ */

/** One that knows its folders and nothing else yet. */
StoaGateway *stoa_gateway_alloc(const StoaOptions *options);
StoaConf *stoa_gateway_load_conf(StoaGateway *gateway, GError **error);
/** Read all conf files, open the wanted modules' objects; false with every problem. */
bool stoa_gateway_read_conf(StoaGateway *gateway, StoaConf *conf, bool dry, GError **error);

/* Values (taken) brought to where everybody reads them. */
void stoa_gateway_adopt(StoaGateway *gateway, StoaConfValues *values);
void stoa_gateway_adopt_rooms(StoaGateway *gateway, StoaConfValues *values);
void stoa_gateway_adopt_store(StoaGateway *gateway, StoaConfValues *values);
void stoa_gateway_adopt_mail(StoaGateway *gateway, StoaConfValues *values);

/** The folder of the operator's own mail templates, or of those that came with the gateway. */
const char *stoa_gateway_templates_dir(const StoaGateway *gateway);
/** Whether the conf names a DTLS certificate. */
bool stoa_gateway_has_certificate(const StoaGateway *gateway);

/* -- gateway-ties.c ------------------------------------------------------------------------ */

extern const StoaSignalingHost stoa_gateway_signaling_host; /* user: the gateway */

void stoa_gateway_make_modules(StoaGateway *gateway);
/** What was open when the server stopped is open again before anybody can ask. */
bool stoa_gateway_open_rooms(StoaGateway *gateway, GError **error);
void stoa_gateway_open_web(StoaGateway *gateway);
/** For stoa_metric_on_print(). */
void stoa_gateway_set_gauges(void *gateway);
