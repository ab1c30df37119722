/* SPDX-License-Identifier: MIT */
/* A plugin as the headers of an older minor would have built it: its descriptor ends early, and the rows of its tables are
 * shorter than today's, with other rows right behind them. It must load, answer, refuse and be described as before. */
#include <stoa/plugin.h>

#include <string.h>

/* Rows without what came last: the core must step by the sizes that the descriptor tells. */
typedef struct {
    const char *name;
    StoaType type;
    StoaFlags flags;
    int64_t min, max;
    const char *const *choices;
    const void *fields;
} OldParam;
typedef struct {
    const char *name;
    StoaHandler *handle;
    StoaRole role;
    const OldParam *params;
    const char *help;
} OldMethod;
typedef struct {
    const char *key;
    StoaType type;
    StoaFlags flags;
    size_t offset;
    const char *fallback;
    int64_t min, max;
    const char *help;
} OldOption;

typedef struct {
    int64_t factor;
} Conf;

static bool on_sum(StoaRequest *req, GError **error)
{
    const Conf *conf = stoa_module_conf(stoa_request_module(req));
    const json_t *item;
    int64_t sum = 0;

    for (size_t i = 0; (item = stoa_request_item(req, "terms", i)); i++)
        sum += stoa_item_int(item, "value");
    if (sum > 1000)
        return stoa_refuse(error, "too_much", "that is too much");
    stoa_request_reply(req, json_pack("{s:I}", "sum", (json_int_t)(sum * conf->factor)));
    return true;
}

static const OldParam term_params[] = {
    { .name = "value", .type = STOA_INT, .flags = STOA_REQUIRED, .min = 0, .max = 1000 },
    { 0 },
};
static const OldParam sum_params[] = {
    { .name = "terms", .type = STOA_ARRAY, .flags = STOA_REQUIRED, .fields = term_params },
    { 0 },
};
static const OldMethod methods[] = {
    { "sum", on_sum, STOA_ROLE_ANYONE, sum_params, "Add up" },
    { "twice", on_sum, STOA_ROLE_ANYONE, sum_params, "The same again" },
    { 0 },
};
static const OldOption options[] = {
    { .key = "factor",
      .type = STOA_INT,
      .flags = STOA_LIVE,
      .offset = offsetof(Conf, factor),
      .fallback = "2",
      .min = 1,
      .max = 9,
      .help = "multiplies every sum" },
    { 0 },
};
static const StoaNumber numbers[] = { { "too_much", STOA_ERROR_LIMIT, 477 }, STOA_END };

STOA_EXPORT const StoaPlugin *stoa_plugin(void);
const StoaPlugin *stoa_plugin(void)
{
    static union {
        StoaPlugin plugin;
        char bytes[sizeof(StoaPlugin)];
    } self;

    memset(&self, 0xff, sizeof self); /* what lies behind an older descriptor is not ours to read */
    memset(&self, 0, offsetof(StoaPlugin, layer_changed));
    self.plugin.abi = STOA_ABI_MAJOR << 16; /* minor 0 */
    self.plugin.struct_size = offsetof(StoaPlugin, layer_changed);
    self.plugin.param_size = sizeof(OldParam);
    self.plugin.method_size = sizeof(OldMethod);
    self.plugin.option_size = sizeof(OldOption);
    self.plugin.group_size = sizeof(StoaGroup);
    self.plugin.metric_size = sizeof(StoaMetric);
    self.plugin.number_size = sizeof(StoaNumber);
    self.plugin.name = "older";
    self.plugin.version = "0.1";
    self.plugin.summary = "Built long ago";
    self.plugin.scope = STOA_SCOPE_HANDLE;
    self.plugin.methods = (const StoaMethod *)methods;
    self.plugin.options = (const StoaOption *)options;
    self.plugin.numbers = numbers;
    self.plugin.conf_size = sizeof(Conf);
    return &self.plugin;
}
