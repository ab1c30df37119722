/* SPDX-License-Identifier: MIT */
/* What the server says of itself to anybody: which API it speaks and where signaling is. (SECURITY R28: no versions, no addresses) */
#include "config.h"

#include "web/server.h"

static void say(StoaWebCall *call)
{
    stoa_web_set_reply(call, 200,
                       json_pack("{s:[i], s:{s:s?, s:s}}", "versions", 1, "signaling", "websocket",
                                 stoa_web_websocket_url(call), "http",
                                 stoa_web_signaling_url(call)));
    stoa_web_send(call);
}

const StoaWebRoute *stoa_web_server_routes(void)
{
    static const StoaWebRoute routes[] = {
        { "GET", "/server", STOA_WEB_ANYONE, .live = say,
          .help = "the API's versions, where signaling is" },
        { NULL },
    };

    return routes;
}
