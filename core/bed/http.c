/* SPDX-License-Identifier: MIT */
/* HTTP requests to the routes of the bed's plugin, without a socket. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include "base/loop.h"
#include "web/web.h"

#include <string.h>

struct BedHttp {
    StoaWeb *web;
    StoaRoomsConf conf;
    StoaWebAnswer *answer; /* to the last call; NULL: none yet */
    uint64_t last;
};

static void take_answer(void *user, uint64_t request, StoaWebAnswer *answer)
{
    BedHttp *http = user;

    if (request != http->last) {
        stoa_web_answer_free(answer);
        return;
    }
    stoa_web_answer_free(http->answer);
    http->answer = answer;
}

static BedHttp *http_of(StoaBed *bed)
{
    BedHttp *http = bed->http;

    if (http)
        return http;
    http = bed->http = g_new0(BedHttp, 1);
    const StoaWebSpec spec = { .conf = &http->conf };
    http->web = stoa_web_new(&spec);
    stoa_web_add_module(http->web, bed->module);
    return http;
}

void bed_http_stop(StoaBed *bed)
{
    BedHttp *http = bed->http;

    bed->http = NULL;
    if (!http)
        return;
    stoa_web_remove_module(http->web, bed->module);
    stoa_control_settle();
    stoa_web_free(http->web);
    stoa_web_answer_free(http->answer);
    g_free(http);
}

/* "Name: value\nName: value" → pairs. */
static char **pairs_of(const char *headers)
{
    g_auto(GStrv) lines = g_strsplit(headers ? headers : "", "\n", -1);
    GPtrArray *pairs = g_ptr_array_new();

    for (char **line = lines; *line && **line; line++) {
        char *colon = strstr(*line, ": ");

        if (!colon)
            bed_fail("\"%s\" is no header: \"Name: value\"", *line);
        g_ptr_array_add(pairs, g_strndup(*line, (gsize)(colon - *line)));
        g_ptr_array_add(pairs, g_strdup(colon + 2));
    }
    g_ptr_array_add(pairs, NULL);
    return (char **)g_ptr_array_free(pairs, FALSE);
}

void stoa_bed_calls(StoaBed *bed, const char *line, const char *headers, const char *body,
                    unsigned status)
{
    BedHttp *http = http_of(bed);
    g_auto(GStrv) words = g_strsplit(line, " ", 2);
    g_auto(GStrv) pairs = pairs_of(headers);
    static const char *const no_query[] = { NULL };

    if (!words[0] || !words[1])
        bed_fail("\"%s\" is no request: \"POST /m/NAME/…\"", line);
    const StoaWebHead head = { .method = words[0],
                               .path = words[1],
                               .address = "192.0.2.1",
                               .query = no_query,
                               .headers = (const char *const *)pairs,
                               .origin = "http://bed.example",
                               .base_path = "/janus" };
    g_clear_pointer(&http->answer, stoa_web_answer_free);
    StoaWebCall *call = stoa_web_call_new(http->web, &head, take_answer, http, NULL);
    stoa_web_call_run(call, ++http->last, body, body ? strlen(body) : 0);
    stoa_control_settle();
    stoa_bed_answered(bed, status);
}

void stoa_bed_answered(StoaBed *bed, unsigned status)
{
    const StoaWebAnswer *answer = http_of(bed)->answer;
    unsigned got = answer ? answer->status : 0;

    if (got != status)
        bed_fail("the call was answered with %u, not %u: %s", got, status,
                 answer && answer->body ? answer->body : "(no body)");
}

const char *stoa_bed_answer_header(StoaBed *bed, const char *name)
{
    const StoaWebAnswer *answer = http_of(bed)->answer;

    for (char **pair = answer ? answer->headers : NULL; pair && pair[0]; pair += 2) {
        if (g_ascii_strcasecmp(pair[0], name) == 0)
            return pair[1];
    }
    return NULL;
}

const char *stoa_bed_answer_body(StoaBed *bed)
{
    const StoaWebAnswer *answer = http_of(bed)->answer;

    return answer && answer->body ? answer->body : "";
}
