/* SPDX-License-Identifier: MIT */
/* stoa: reads the command line, starts the gateway, waits for signals. */
#include "config.h"

#define LOG_AREA "main"

#include "base/log.h"
#include "base/loop.h"
#include "base/task.h"
#include "base/watchdog.h"
#include "host/gateway.h"
#include "host/hosts.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean on_terminate(gpointer data G_GNUC_UNUSED)
{
    log_info(stoa_process, "asked to end");
    stoa_control_quit();
    return G_SOURCE_REMOVE;
}

static gboolean on_hangup(gpointer data)
{
    g_autoptr(GError) error = NULL;

    if (stoa_gateway_reload(data, &error))
        log_info(stoa_process, "the conf was read again");
    else
        log_error(stoa_process, "the conf was not taken over, all goes on as before: %s",
                  error->message);
    return G_SOURCE_CONTINUE;
}

static int complain(const GError *error)
{
    fprintf(stderr, "stoa: %s\n", error->message);
    return EXIT_FAILURE;
}

static int run(const StoaOptions *options)
{
    g_autoptr(GError) error = NULL;

    stoa_watchdog_start();
    StoaGateway *gateway = stoa_gateway_new(options, &error);
    if (!gateway)
        return complain(error);
    g_unix_signal_add(SIGTERM, on_terminate, NULL);
    g_unix_signal_add(SIGINT, on_terminate, NULL);
    guint hangup = g_unix_signal_add(SIGHUP, on_hangup, gateway);
    g_autofree char *ready = stoa_gateway_ready_line(gateway);
    puts(ready);
    fflush(stdout);
    stoa_control_run();
    g_source_remove(hangup);
    stoa_gateway_free(gateway);
    return EXIT_SUCCESS;
}

static int describe(const StoaOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = stoa_gateway_describe(options, options->describe, &error);

    if (!text)
        return complain(error);
    fputs(text, stdout);
    return EXIT_SUCCESS;
}

static int backup(const StoaOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_gateway_backup(options, options->backup, &error))
        return complain(error);
    printf("the database was copied to %s\n", options->backup);
    return EXIT_SUCCESS;
}

static int hosts(const StoaOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = stoa_hosts_command(options, &error);

    if (!text)
        return complain(error);
    fputs(text, stdout);
    return EXIT_SUCCESS;
}

static int check(const StoaOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_gateway_check(options, &error))
        return complain(error);
    puts("the conf files and all enabled modules are in order");
    return EXIT_SUCCESS;
}

static int choose(const StoaOptions *options)
{
    if (options->version) {
        puts("stoa " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    if (options->describe)
        return describe(options);
    if (options->backup)
        return backup(options);
    if (options->add_host || options->list_hosts || options->remove_host)
        return hosts(options);
    return options->check ? check(options) : run(options);
}

int main(int argc, char **argv)
{
    StoaOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    int status;

    stoa_log_init();
    stoa_control_init();
    signal(SIGPIPE, SIG_IGN);
    status = stoa_options_read(&options, &argc, &argv, &error) ? choose(&options) : complain(error);
    stoa_task_shutdown();
    stoa_control_shutdown();
    stoa_watchdog_stop();
    stoa_options_clear(&options);
    return status;
}
