/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "config.h"

#include "host/options.h"

bool stoa_options_read(StoaOptions *options, int *argc, char ***argv, GError **error)
{
    /* "name" is read as a file name is: its bytes, whatever the locale. */
    gboolean check = FALSE, version = FALSE, list_hosts = FALSE;
    const GOptionEntry entries[] = {
        { "conf", 'c', 0, G_OPTION_ARG_FILENAME, &options->conf_dir, "Folder of the conf files",
          "DIR" },
        { "data", 'd', 0, G_OPTION_ARG_FILENAME, &options->data_dir,
          "Folder that the gateway writes to", "DIR" },
        { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &options->overrides,
          "Override a key of a conf file; may be repeated", "FILE:SECTION.KEY=VALUE" },
        { "check", 't', 0, G_OPTION_ARG_NONE, &check, "Check all conf files and modules, and exit",
          NULL },
        { "describe", 0, 0, G_OPTION_ARG_STRING, &options->describe,
          "Print the reference of a module, and exit", "MODULE" },
        { "backup", 0, 0, G_OPTION_ARG_FILENAME, &options->backup,
          "Copy the database to a new file, also while a gateway runs, and exit", "FILE" },
        { "add-host", 0, 0, G_OPTION_ARG_STRING, &options->add_host,
          "Make a host, print a sign-in link that is good once, and exit", "EMAIL" },
        { "name", 0, 0, G_OPTION_ARG_FILENAME, &options->name,
          "With --add-host: what the host is called", "NAME" },
        { "list-hosts", 0, 0, G_OPTION_ARG_NONE, &list_hosts, "Print the hosts, and exit", NULL },
        { "remove-host", 0, 0, G_OPTION_ARG_STRING, &options->remove_host,
          "Erase a host and all of their rooms, and exit", "EMAIL" },
        { "version", 'v', 0, G_OPTION_ARG_NONE, &version, "Print the version, and exit", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, "Stoa, a virtual-room server for live online classes.");
    g_option_context_set_description(context,
                                     "When it is ready it prints one line with its addresses.\n"
                                     "SIGHUP reads the conf files again, SIGTERM ends it.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return false;
    if (options->name && !g_utf8_validate(options->name, -1, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--name must be UTF-8");
        return false;
    }
    options->check = check;
    options->version = version;
    options->list_hosts = list_hosts;
    if (*argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "\"%s\" is no option: see --help",
                    (*argv)[1]);
        return false;
    }
    return true;
}

void stoa_options_clear(StoaOptions *options)
{
    g_free(options->conf_dir);
    g_free(options->data_dir);
    g_strfreev(options->overrides);
    g_free(options->describe);
    g_free(options->backup);
    g_free(options->add_host);
    g_free(options->name);
    g_free(options->remove_host);
}
