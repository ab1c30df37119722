/* SPDX-License-Identifier: MIT */
/* The registry of metrics: families by name, in each the cells by their labels. A lock for making and printing only. */
#include "base/metric.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

typedef enum { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM } Kind;

struct StoaMetricHistogram {
    int64_t per_unit;
    int64_t *bounds;
    size_t n_bounds;
    _Atomic(int64_t) sum;
    _Atomic(int64_t) *buckets; /* n_bounds + 1, each on its own */
};

/* One line of the print, or several for a histogram. */
typedef struct {
    char *labels; /* `a="b",c="d"`, or "" */
    bool retired;
    StoaMetricCell *cell;
    StoaMetricHistogram *histogram;
} Series;

typedef struct {
    Kind kind;
    char *help;
    GTree *series; /* labels -> Series */
} Family;

typedef struct {
    StoaMetricFunc *fn;
    void *data;
} Hook;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GTree *families; /* name -> Family */
static GArray *hooks;   /* of Hook; the control thread's */

/* -- making ---------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b, void *unused G_GNUC_UNUSED)
{
    return strcmp(a, b);
}

static void put_label_value(GString *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            g_string_append_c(out, '\\');
        if (*value == '\n')
            g_string_append(out, "\\n");
        else
            g_string_append_c(out, *value);
    }
}

static void put_label(GString *out, const char *label, const char *value)
{
    g_string_append_printf(out, "%s%s=\"", out->len ? "," : "", label);
    put_label_value(out, value);
    g_string_append_c(out, '"');
}

static char *read_labels(va_list args)
{
    GString *out = g_string_new(NULL);
    const char *label, *value;

    while ((label = va_arg(args, const char *)) && (value = va_arg(args, const char *)))
        put_label(out, label, value);
    return g_string_free(out, FALSE);
}

static Family *find_family(const char *name, const char *help, Kind kind)
{
    Family *family;

    if (!families)
        families = g_tree_new_full(by_name, NULL, NULL, NULL);
    family = g_tree_lookup(families, name);
    if (!family) {
        family = g_new(Family, 1);
        *family = (Family){ .kind = kind, .help = g_strdup(help) };
        family->series = g_tree_new_full(by_name, NULL, NULL, NULL);
        g_tree_insert(families, g_strdup(name), family);
    }
    g_assert(family->kind == kind);
    return family;
}

/* Takes `labels`. */
static Series *find_series(Family *family, char *labels)
{
    Series *series = g_tree_lookup(family->series, labels);

    if (series) {
        g_free(labels);
    } else {
        series = g_new0(Series, 1);
        series->labels = labels;
        g_tree_insert(family->series, labels, series);
    }
    series->retired = false;
    return series;
}

static StoaMetricCell *find_cell(const char *name, const char *help, Kind kind, va_list args)
{
    char *labels = read_labels(args);
    Series *series;

    pthread_mutex_lock(&lock);
    series = find_series(find_family(name, help, kind), labels);
    if (!series->cell)
        series->cell = g_aligned_alloc0(1, sizeof *series->cell, _Alignof(StoaMetricCell));
    pthread_mutex_unlock(&lock);
    return series->cell;
}

StoaMetricCell *stoa_metric_counter(const char *name, const char *help, ...)
{
    StoaMetricCell *cell;
    va_list args;

    va_start(args, help);
    cell = find_cell(name, help, KIND_COUNTER, args);
    va_end(args);
    return cell;
}

StoaMetricCell *stoa_metric_gauge(const char *name, const char *help, ...)
{
    StoaMetricCell *cell;
    va_list args;

    va_start(args, help);
    cell = find_cell(name, help, KIND_GAUGE, args);
    va_end(args);
    return cell;
}

static StoaMetricHistogram *histogram_new(const StoaMetricScale *scale)
{
    StoaMetricHistogram *histogram = g_new0(StoaMetricHistogram, 1);

    histogram->per_unit = scale->per_unit;
    histogram->bounds = g_memdup2(scale->bounds, scale->n_bounds * sizeof *scale->bounds);
    histogram->n_bounds = scale->n_bounds;
    histogram->buckets = g_malloc0_n(scale->n_bounds + 1, sizeof *histogram->buckets);
    return histogram;
}

StoaMetricHistogram *stoa_metric_histogram(const StoaMetricScale *scale, ...)
{
    Series *series;
    char *labels;
    va_list args;

    va_start(args, scale);
    labels = read_labels(args);
    va_end(args);
    pthread_mutex_lock(&lock);
    series = find_series(find_family(scale->name, scale->help, KIND_HISTOGRAM), labels);
    if (!series->histogram)
        series->histogram = histogram_new(scale);
    pthread_mutex_unlock(&lock);
    return series->histogram;
}

StoaMetricHistogram *stoa_metric_loop_lag(const char *loop)
{
    static const int64_t bounds[] = { 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 500000 };
    static const StoaMetricScale scale = {
        "stoa_loop_lag_seconds", "How late an event loop's timers fire, the worst of each second",
        STOA_METRIC_US, bounds, G_N_ELEMENTS(bounds)
    };

    return stoa_metric_histogram(&scale, "loop", loop, NULL);
}

void stoa_metric_observe(StoaMetricHistogram *histogram, int64_t value)
{
    size_t i = 0;

    while (i < histogram->n_bounds && value > histogram->bounds[i])
        i++;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

/* -- retiring -------------------------------------------------------------------------------- */
static gboolean retire_series(gpointer key, gpointer value, gpointer label)
{
    const char *labels = key, *at = strstr(labels, label);
    Series *series = value;

    if (at && (at == labels || at[-1] == ','))
        series->retired = true;
    return FALSE;
}

static gboolean retire_family(gpointer name G_GNUC_UNUSED, gpointer value, gpointer label)
{
    const Family *family = value;

    g_tree_foreach(family->series, retire_series, label);
    return FALSE;
}

void stoa_metric_retire(const char *label, const char *value)
{
    GString *text = g_string_new(NULL);

    put_label(text, label, value);
    pthread_mutex_lock(&lock);
    if (families)
        g_tree_foreach(families, retire_family, text->str);
    pthread_mutex_unlock(&lock);
    g_string_free(text, TRUE);
}

/* -- printing -------------------------------------------------------------------------------- */
typedef struct {
    GString *out;
    const char *name;
    bool headed; /* HELP and TYPE were printed */
    const Family *family;
} Print;

/* The format has two escapes here, and quotes are not among them. */
static void put_help(GString *out, const char *help)
{
    for (; *help; help++) {
        if (*help == '\\' || *help == '\n')
            g_string_append(out, *help == '\n' ? "\\n" : "\\\\");
        else
            g_string_append_c(out, *help);
    }
}

static void print_head(Print *print)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };

    if (print->headed)
        return;
    g_string_append_printf(print->out, "# HELP %s ", print->name);
    put_help(print->out, print->family->help);
    g_string_append_printf(print->out, "\n# TYPE %s %s\n", print->name, kinds[print->family->kind]);
    print->headed = true;
}

/* In full and without an exponent: 2500 of STOA_METRIC_US is 0.0025. */
static void put_in_units(GString *out, int64_t value, int64_t per_unit)
{
    int64_t rest = value % per_unit;

    g_string_append_printf(out, "%" G_GINT64_FORMAT, value / per_unit);
    if (rest != 0)
        g_string_append_c(out, '.');
    for (; rest != 0; rest %= per_unit) {
        rest *= 10;
        g_string_append_c(out, (char)('0' + rest / per_unit));
    }
}

static void print_name(const Print *print, const char *suffix, const char *labels, const char *more)
{
    const char *comma = *labels && *more ? "," : "";
    bool has_labels = *labels || *more;

    g_string_append_printf(print->out, "%s%s%s%s%s%s%s ", print->name, suffix,
                           has_labels ? "{" : "", labels, comma, more, has_labels ? "}" : "");
}

static void print_line(const Print *print, const char *suffix, const char *labels, const char *more,
                       int64_t value)
{
    print_name(print, suffix, labels, more);
    g_string_append_printf(print->out, "%" G_GINT64_FORMAT "\n", value);
}

static void print_histogram(const Print *print, const char *labels, StoaMetricHistogram *histogram)
{
    int64_t total = 0;

    for (size_t i = 0; i <= histogram->n_bounds; i++) {
        g_autoptr(GString) bound = g_string_new("le=\"");
        if (i < histogram->n_bounds)
            put_in_units(bound, histogram->bounds[i], histogram->per_unit);
        else
            g_string_append(bound, "+Inf");
        g_string_append_c(bound, '"');
        total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        print_line(print, "_bucket", labels, bound->str, total);
    }
    print_name(print, "_sum", labels, "");
    put_in_units(print->out, atomic_load_explicit(&histogram->sum, memory_order_relaxed),
                 histogram->per_unit);
    g_string_append_c(print->out, '\n');
    print_line(print, "_count", labels, "", total);
}

static gboolean print_series(gpointer key G_GNUC_UNUSED, gpointer value, gpointer data)
{
    const Series *series = value;
    Print *print = data;

    if (series->retired)
        return FALSE;
    print_head(print);
    if (series->histogram)
        print_histogram(print, series->labels, series->histogram);
    else
        print_line(print, "", series->labels, "", stoa_metric_read(series->cell));
    return FALSE;
}

static gboolean print_family(gpointer name, gpointer value, gpointer out)
{
    Print print = { .out = out, .name = name, .family = value };

    g_tree_foreach(print.family->series, print_series, &print);
    return FALSE;
}

void stoa_metric_on_print(StoaMetricFunc *fn, void *data)
{
    Hook hook = { fn, data };

    if (!hooks)
        hooks = g_array_new(FALSE, FALSE, sizeof hook);
    g_array_append_val(hooks, hook);
}

void stoa_metric_off_print(StoaMetricFunc *fn, void *data)
{
    for (unsigned i = 0; hooks && i < hooks->len; i++) {
        const Hook *hook = &g_array_index(hooks, Hook, i);
        if (hook->fn == fn && hook->data == data) {
            g_array_remove_index(hooks, i);
            return;
        }
    }
}

char *stoa_metric_text(void)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; hooks && i < hooks->len; i++) {
        const Hook *hook = &g_array_index(hooks, Hook, i);
        hook->fn(hook->data);
    }
    pthread_mutex_lock(&lock);
    if (families)
        g_tree_foreach(families, print_family, out);
    pthread_mutex_unlock(&lock);
    return g_string_free(out, FALSE);
}
