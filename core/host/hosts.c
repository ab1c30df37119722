/* SPDX-License-Identifier: MIT */
/* Hosts, from the command line. */
#include "config.h"

#include "base/loop.h"
#include "base/paths.h"
#include "host/core-conf.h"
#include "host/hosts.h"
#include "room/address.h"
#include "room/check.h"
#include "room/host.h"
#include "room/rooms-conf.h"
#include "store/store.h"
#include "web/erase.h"

#include <errno.h>
#include <string.h>

enum { WAIT_STEPS = 60, WAIT_MS = 50 }; /* how long a running gateway has to take its rooms apart */

typedef struct {
    const StoaOptions *options;
    const char *data_dir;
    StoaStore *store;
    char *email, *base_url;
    int64_t signin_s;
    GString *out;
    char *host; /* --remove-host: whom */
    GPtrArray *rooms, *mails;
    bool any_port; /* the link cannot name it */
    bool there, done;
    GError *error;
} Command;

/* -- conf -------------------------------------------------------------------------------------- */

/* Of http.conf only what a link needs. */
typedef struct {
    int64_t port;
    char *certificate;
} HttpKeys;

static char *url_by_conf(StoaConf *conf, const StoaCoreConf *core, bool *any_port)
{
    static const StoaOption keys[] = {
        { "listen.port", STOA_INT, 0, offsetof(HttpKeys, port), "8088", 0, 65535 },
        { "tls.certificate", STOA_STRING, 0, offsetof(HttpKeys, certificate), "" },
        { NULL },
    };
    static const StoaConfTable table = { .file = "http",
                                         .options = keys,
                                         .size = sizeof(HttpKeys),
                                         .option_size = sizeof(StoaOption),
                                         .is_module = true };
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, &table);
    const HttpKeys *http = stoa_conf_values(values);

    if (core->base_url)
        return stoa_core_conf_bare_url(g_strdup(core->base_url));
    *any_port = http->port == 0;
    if (*any_port)
        return g_strdup_printf("%s://localhost:PORT", http->certificate ? "https" : "http");
    return g_strdup_printf("%s://localhost:%" G_GINT64_FORMAT, http->certificate ? "https" : "http",
                           http->port);
}

static bool read_conf(Command *command, GError **error)
{
    const StoaOptions *options = command->options;
    g_autoptr(StoaConf) conf =
        stoa_conf_load(options->conf_dir ? options->conf_dir : stoa_paths()->conf_dir,
                       (const char *const *)options->overrides, error);

    if (!conf)
        return false;
    g_autoptr(StoaConfValues) core = stoa_conf_fill(conf, stoa_core_conf_table());
    g_autoptr(StoaConfValues) rooms = stoa_conf_fill(conf, stoa_rooms_conf_table());
    command->signin_s = ((const StoaRoomsConf *)stoa_conf_values(rooms))->signin_s;
    command->base_url = url_by_conf(conf, stoa_conf_values(core), &command->any_port);
    return true;
}

/* -- jobs -------------------------------------------------------------------------------------- */

static void finished(void *data, const GError *error)
{
    Command *command = data;

    command->done = true;
    command->error = error ? g_error_copy(error) : NULL;
}

/* @work  NULL: let go of what was deleted */
static bool run(Command *command, StoaStoreWork *work, GError **error)
{
    command->done = false;
    if (work)
        stoa_store_run(command->store, work, finished, command, NULL);
    else
        stoa_store_scrub(command->store, finished, command, NULL);
    while (!command->done)
        g_main_context_iteration(stoa_control_context(), TRUE);
    if (!command->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&command->error));
    return false;
}

static bool add(StoaDb *db, void *data, GError **error)
{
    Command *command = data;
    g_autofree char *host = stoa_host_add(db, command->email, command->options->name, error);
    char token[STOA_TOKEN_LEN + 1];

    if (!host ||
        !stoa_host_link(db, host, stoa_store_now_ms() + command->signin_s * 1000, token, error))
        return false;
    g_string_printf(command->out, "%s/host.html#s=%s\n", command->base_url, token);
    return true;
}

static bool list(StoaDb *db, void *data, GError **error)
{
    Command *command = data;
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT email, name, created_at, (SELECT COUNT(*) FROM room WHERE host_id = host.id)"
        " FROM host WHERE email NOT LIKE 'removed:%' ORDER BY email",
        "");
    g_autoptr(GError) why = NULL;

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why)) {
        g_autofree char *since = stoa_store_time(stoa_rows_int(rows, 2));
        g_string_append_printf(command->out, "%s\t%s\tsince %.10s\t%d rooms\n",
                               stoa_rows_text(rows, 0), stoa_rows_text(rows, 1), since,
                               (int)stoa_rows_int(rows, 3));
    }
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* Signed out at once; a gateway that runs sees the mark, and takes the rooms apart with the people in them. */
static bool mark(StoaDb *db, void *data, GError **error)
{
    Command *command = data;
    g_autoptr(GError) why = NULL;

    command->host = stoa_host_find(db, command->email, &why);
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (!command->host)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND,
                         "there is no host of that address: see --list-hosts");
    return stoa_erase_mark_host(db, command->host, command->email, command->mails, error);
}

static bool look(StoaDb *db, void *data, GError **error)
{
    Command *command = data;
    g_autoptr(GError) why = NULL;

    command->there =
        stoa_db_int(db, &why, 0, "SELECT COUNT(*) FROM host WHERE id = ?1", "s", command->host) > 0;
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool erase(StoaDb *db, void *data, GError **error)
{
    Command *command = data;

    return stoa_erase_host_rows(db, command->host, command->rooms, command->mails, error);
}

/* No gateway took it: there is none, and nobody is in these rooms. */
static bool erase_here(Command *command, GError **error)
{
    if (!run(command, erase, error))
        return false;
    for (guint i = 0; i < command->rooms->len; i++)
        stoa_erase_room_files(command->data_dir, command->rooms->pdata[i]);
    return run(command, NULL, error) && run(command, look, error);
}

static bool remove_host(Command *command, GError **error)
{
    if (!run(command, mark, error))
        return false;
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (!run(command, look, error))
            return false;
        if (!command->there)
            break;
        g_usleep(WAIT_MS * 1000);
    }
    if (command->there && !erase_here(command, error))
        return false;
    stoa_mail_unlink(command->data_dir, command->mails);
    g_string_assign(command->out, "the host and all rooms of that address are gone\n");
    return true;
}

/* -- the command ------------------------------------------------------------------------------- */

static bool open_store(Command *command, GError **error)
{
    static const StoaStoreConf conf = { .busy_ms = 20000 };

    if (g_mkdir_with_parents(command->data_dir, 0700) != 0)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the data folder %s cannot be made: %s",
                         command->data_dir, g_strerror(errno));
    command->store = stoa_store_new(command->data_dir, &conf, error);
    return command->store != NULL;
}

static bool carry_out(Command *command, GError **error)
{
    const StoaOptions *options = command->options;
    const char *email = options->add_host ? options->add_host : options->remove_host;

    if (options->name && !stoa_check_name(options->name, error))
        return false;
    command->email = email ? stoa_address_read(email, error) : NULL;
    if ((email && !command->email) || !read_conf(command, error) || !open_store(command, error))
        return false;
    if (options->add_host && command->any_port)
        g_printerr("stoa: http.conf takes any free port (listen.port = 0): in the link, put the "
                   "one that the"
                   " gateway names as it starts (\"ready http=...\") in the place of PORT, or set"
                   " public.base_url in stoa.conf\n");
    if (options->add_host)
        return run(command, add, error);
    return options->remove_host ? remove_host(command, error) : run(command, list, error);
}

char *stoa_hosts_command(const StoaOptions *options, GError **error)
{
    Command command = { .options = options,
                        .data_dir = options->data_dir ? options->data_dir : stoa_paths()->data_dir,
                        .out = g_string_new(NULL),
                        .rooms = g_ptr_array_new_with_free_func(g_free),
                        .mails = g_ptr_array_new_with_free_func(g_free) };
    bool ok = carry_out(&command, error);

    stoa_store_free(command.store);
    g_ptr_array_unref(command.rooms);
    g_ptr_array_unref(command.mails);
    g_free(command.email);
    g_free(command.base_url);
    g_free(command.host);
    return g_string_free(command.out, !ok);
}
