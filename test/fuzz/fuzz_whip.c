/* SPDX-License-Identifier: MIT */
/* What WHIP reads of headers and descriptions by itself: a list of entity tags, and the m-lines of an offer and its answer. A line
 * with only a zero in it parts the two. */
#include "../../plugins/whip/whip.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *tags = g_strdup_printf("%s, \"tag\"", text);
    char *middle = strstr(text, "\n0\n");

    if (whip_match_tag(text, "\"tag\"") && !strstr(text, "\"tag\"") && !strchr(text, '*'))
        abort();
    whip_match_tag(tags, "\"tag\"");
    if (middle)
        *middle = 0;
    if (whip_match_takes_all(text, "v=0\r\n")) /* an answer without m-lines takes nothing */
        abort();
    whip_match_takes_all(text, middle ? middle + 3 : text);
    return 0;
}
