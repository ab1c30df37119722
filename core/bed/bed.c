/* SPDX-License-Identifier: MIT */
/* The bed: one plugin on the real core. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include "base/clock.h"
#include "base/conf-private.h"
#include "base/loop.h"
#include "base/task.h"
#include "base/timer.h"

#include <string.h>

/* The test's program may have the plugin in it. */
extern const StoaPlugin *stoa_plugin(void) __attribute__((weak));

static StoaBed *current; /* a test that failed jumped over its stoa_bed_free() */

/* -- the plugin --------------------------------------------------------------------------------------------------- */

static bool open_plugin(StoaBed *bed, const char *name, GError **error)
{
    const char *env = g_getenv("STOA_PLUGINS");
    g_autofree char *folders = g_strdup_printf("%s%s.", env ? env : "", env ? ":" : "");
    g_auto(GStrv) dirs = g_strsplit(folders, ":", -1);

    if (stoa_plugin && g_str_equal(stoa_plugin()->name, name)) {
        bed->plugin = stoa_plugin();
        return true;
    }
    g_autofree char *path = stoa_object_find(dirs, name);
    if (!path)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND,
                         "there is no plugin \"%s\": link it into the test, or name the folder of "
                         "%s.so in the variable STOA_PLUGINS",
                         name, name);
    bed->object = stoa_object_open(path, name, STOA_OBJECT_PLUGIN, error);
    bed->plugin = bed->object ? stoa_object_plugin(bed->object) : NULL;
    return bed->plugin != NULL;
}

/* Values of a text; NULL with `error` when the gateway would not take it. */
static StoaConfValues *fill(const StoaPlugin *plugin, const char *text, GError **error)
{
    StoaConfTable table = stoa_module_conf_table(plugin);
    const char *top = text ? text + strspn(text, " \t\n") : "";
    g_autofree char *whole = g_strconcat(*top == '[' || *top == '#' ? "" : "[module]\n", top, NULL);
    g_autoptr(StoaConf) conf = stoa_conf_of_text(table.file, whole);
    StoaConfValues *values = stoa_conf_fill(conf, &table);

    if (stoa_conf_check(conf, error))
        return values;
    stoa_conf_values_free(values);
    return NULL;
}

static bool start(StoaBed *bed, const char *conf, GError **error)
{
    StoaConfValues *values = fill(bed->plugin, conf, error);

    if (!values)
        return false;
    g_free(bed->conf);
    bed->conf = g_strdup(conf);
    bed->module = stoa_module_new(bed->plugin, &bed->env, values, error);
    return bed->module && stoa_module_start(bed->module, error);
}

static void stop_module(StoaBed *bed)
{
    bed_http_stop(bed);
    if (bed->module)
        stoa_bridge_drain(bed->module);
    stoa_control_settle();
    g_clear_pointer(&bed->module, stoa_module_free);
}

void bed_start_again(StoaBed *bed)
{
    g_autofree char *conf = g_strdup(bed->conf);
    g_autoptr(GError) error = NULL;

    stop_module(bed);
    if (!start(bed, conf, &error))
        bed_fail("the plugin does not start again: %s", error->message);
}

static void note_counts(StoaBed *bed)
{
    for (const StoaMetric *row = bed->module->plugin.metrics; row && row->name; row++) {
        int64_t now = stoa_metric_read(bed->module->cells[bed->counts->len]);
        g_array_append_val(bed->counts, now);
    }
}

/* -- its life ------------------------------------------------------------------------------------------------------ */

static void let_go(StoaBed *bed)
{
    for (guint i = bed->people->len; i > 0; i--)
        stoa_bed_detach(bed->people->pdata[i - 1]);
    stoa_control_settle();
    bed_kept_stop(bed);
    stop_module(bed);
    g_clear_pointer(&bed->object, stoa_object_close);
    g_ptr_array_unref(bed->people);
    g_array_unref(bed->counts);
    g_free(bed->conf);
    g_free(bed);
    current = NULL;
}

static void leave_process(void)
{
    stoa_task_shutdown();
    stoa_control_shutdown();
    stoa_clock_real();
}

static StoaModule *own_module(void *user, const char *name)
{
    const StoaBed *bed = user;

    return bed->module && g_str_equal(name, bed->plugin->name) ? bed->module : NULL;
}

StoaBed *stoa_bed_try(const char *name, const char *conf, GError **error)
{
    StoaBed *bed;

    if (current) {
        let_go(current);
        fake_reset();
        leave_process();
    }
    stoa_control_init();
    stoa_clock_fake(1000000);
    fake_setup(NULL);
    current = bed = g_new0(StoaBed, 1);
    bed->env.adhoc = true;
    bed->env.module = own_module;
    bed->env.user = bed;
    bed->people = g_ptr_array_new_with_free_func(bed_person_free);
    bed->counts = g_array_new(FALSE, TRUE, sizeof(int64_t));
    if (open_plugin(bed, name, error) && start(bed, conf, error)) {
        note_counts(bed);
        bed_kept_start(bed);
        return bed;
    }
    stoa_bed_free(bed);
    return NULL;
}

StoaBed *stoa_bed_new(const char *name, const char *conf)
{
    g_autoptr(GError) error = NULL;
    StoaBed *bed = stoa_bed_try(name, conf, &error);

    if (!bed)
        bed_fail("%s", error->message);
    return bed;
}

void stoa_bed_free(StoaBed *bed)
{
    if (!bed)
        return;
    let_go(bed);
    fake_teardown(NULL);
    g_assert_cmpuint(stoa_timer_count(), ==, 0);
    leave_process();
}

bool stoa_bed_reload(StoaBed *bed, const char *conf, GError **error)
{
    g_autoptr(GError) why = NULL;
    StoaConfValues *values = fill(bed->plugin, conf, &why);

    if (values && stoa_module_reconfigure(bed->module, values, &why)) {
        g_free(bed->conf);
        bed->conf = g_strdup(conf);
        return true;
    }
    if (!error)
        bed_fail("the conf was not taken: %s", why ? why->message : "no reason was given");
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

void bed_settle(void)
{
    stoa_clock_advance(1000);
    stoa_control_settle();
}

void stoa_bed_advance(StoaBed *bed G_GNUC_UNUSED, unsigned ms)
{
    stoa_clock_advance((int64_t)ms * 1000);
    stoa_control_settle();
}

/* -- looking into it ------------------------------------------------------------------------------------------------- */

StoaModule *stoa_bed_module(StoaBed *bed)
{
    return bed->module;
}

StoaRoom *stoa_bed_room(StoaBed *bed)
{
    return stoa_module_room(bed->module, BED_ROOM_ID);
}

int64_t stoa_bed_counted(StoaBed *bed, const char *metric)
{
    const StoaMetric *rows = bed->module->plugin.metrics;

    for (unsigned i = 0; rows && rows[i].name; i++) {
        if (g_str_equal(rows[i].name, metric))
            return stoa_metric_read(bed->module->cells[i]) - g_array_index(bed->counts, int64_t, i);
    }
    bed_fail("the plugin has no metric \"%s\"", metric);
}

void stoa_bed_sample(StoaBed *bed, const char *path)
{
    StoaConfTable table = stoa_module_conf_table(bed->plugin);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error) ||
        !stoa_conf_sample_check(&table, text, &error))
        bed_fail("%s", error->message);
}
