/* SPDX-License-Identifier: MIT */
/* The core's side of stoa/transport.h: what transports call from their threads, brought to the control loop. */
#pragma once

#include "base/conf.h"
#include "host/object.h"
#include "signaling/signaling.h"
#include "web/web.h"

/* What all transports share: limits, addresses counted, origins, the way to signaling. */
typedef struct StoaTransportHub StoaTransportHub;

StoaTransportHub *stoa_transport_hub_new(void);
void stoa_transport_hub_free(StoaTransportHub *hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaTransportHub, stoa_transport_hub_free)

/** Where requests go; before it is set, and after it was set to NULL, they are dropped. */
void stoa_transport_hub_set_signaling(StoaTransportHub *hub, StoaSignaling *signaling);

/** Where web requests go: set before the first transport starts, and not while one runs. */
void stoa_transport_hub_set_web(StoaTransportHub *hub, StoaWeb *web);
/** limits.json_depth, as configured. */
int64_t stoa_transport_hub_json_depth(StoaTransportHub *hub);

/** Take over what the operator set; copied. */
void stoa_transport_hub_configure(StoaTransportHub *hub, const StoaTransportSettings *settings,
                                  int64_t json_depth);

/** Where a role listens: "http", "websocket", "admin"; NULL: nowhere. Borrowed. */
const char *stoa_transport_hub_origin(StoaTransportHub *hub, const char *role);

/**
 * Start a transport of a descriptor.
 *
 * @conf  taken
 */
StoaTransportHost *stoa_transport_start(StoaTransportHub *hub, const StoaTransport *transport,
                                        StoaConfValues *conf, const StoaTransportSettings *settings,
                                        GError **error);
/** Give it new values (taken), or tell it that only the settings changed (conf NULL). */
bool stoa_transport_reconfigure(StoaTransportHost *host, StoaConfValues *conf,
                                const StoaTransportSettings *settings, GError **error);
const StoaConfValues *stoa_transport_conf_values(const StoaTransportHost *host);
void stoa_transport_quiesce(StoaTransportHost *host);
/** Stop it: its clients are gone after this. */
void stoa_transport_stop(StoaTransportHost *host);

/** The table of a transport's conf file. */
StoaConfTable stoa_transport_conf_table(const StoaTransport *transport);
