/* SPDX-License-Identifier: MIT */
/* What is done without starting: a backup, the check of all conf files, the reference of a module. */
#include "config.h"

#include "base/conf.h"
#include "base/error.h"
#include "base/paths.h"
#include "dtls/certificate.h"
#include "host/describe.h"
#include "host/gateway-private.h"

#include <netdb.h>
#include <sys/socket.h>

bool stoa_gateway_backup(const StoaOptions *options, const char *path, GError **error)
{
    const char *dir = options->data_dir ? options->data_dir : stoa_paths()->data_dir;

    return stoa_store_backup(dir, path, error);
}

static bool check_certificate(const StoaGateway *gateway, GError **error)
{
    if (!stoa_gateway_has_certificate(gateway))
        return true;
    g_autoptr(StoaCertificate) certificate =
        stoa_certificate_load(gateway->conf.media_certificate, gateway->conf.media_key, error);
    if (!certificate || !stoa_certificate_key_is_private(gateway->conf.media_key, error)) {
        g_prefix_error(error, "stoa.conf: media.certificate and media.key: ");
        return false;
    }
    return true;
}

static bool check_admin_address(const StoaGateway *gateway, GError **error)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    const char *address = gateway->conf.admin_address;
    struct addrinfo *found = NULL;

    if (!address || gateway->conf.admin_port < 0)
        return true;
    if (getaddrinfo(address, NULL, &hints, &found) != 0)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "stoa.conf: admin.address: \"%s\" is no address of this machine", address);
    freeaddrinfo(found);
    return true;
}

static void note(GString *problems, GError **error)
{
    if (*error)
        g_string_append_printf(problems, "%s%s", problems->len ? "\n" : "", (*error)->message);
    g_clear_error(error);
}

/* The files and addresses that the core's values name. */
static void check_named(const StoaGateway *gateway, GString *problems)
{
    GError *error = NULL;

    stoa_mail_check(stoa_conf_values(gateway->mail_values), stoa_gateway_templates_dir(gateway),
                    &error);
    note(problems, &error);
    check_certificate(gateway, &error);
    note(problems, &error);
    check_admin_address(gateway, &error);
    note(problems, &error);
}

bool stoa_gateway_check(const StoaOptions *options, GError **error)
{
    g_autoptr(StoaGateway) gateway = stoa_gateway_alloc(options);
    g_autoptr(StoaConf) conf = stoa_gateway_load_conf(gateway, error);
    g_autoptr(GString) problems = g_string_new(NULL);
    GError *invalid = NULL;

    if (!conf)
        return false;
    if (stoa_gateway_read_conf(gateway, conf, true, &invalid))
        check_named(gateway, problems);
    note(problems, &invalid);
    g_autofree char *failures = stoa_modules_prepared_failures(gateway->modules);
    if (failures)
        g_string_append_printf(problems, "%s%s", problems->len ? "\n" : "", failures);
    return !problems->len || stoa_fail(error, STOA_ERROR_INVALID, "%s", problems->str);
}

static void no_such_module(const StoaGateway *gateway, const char *name, GError **error)
{
    g_auto(GStrv) names = stoa_object_names(gateway->plugin_dirs, gateway->transport_dirs);
    const char *nearest = stoa_conf_nearest(name, (const char *const *)names);
    g_autofree char *all = g_strjoinv(", ", names);

    stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no module \"%s\"%s%s%s; there are: %s", name,
              nearest ? ", the nearest is \"" : "", nearest ? nearest : "", nearest ? "\"" : "",
              *all ? all : "none (stoa.conf, [modules])");
}

char *stoa_gateway_describe(const StoaOptions *options, const char *module, GError **error)
{
    g_autoptr(StoaGateway) gateway = stoa_gateway_alloc(options);
    g_autoptr(StoaConf) conf = stoa_gateway_load_conf(gateway, error);

    if (!conf)
        return NULL;
    if (g_str_equal(module, "room"))
        return stoa_describe_plugin(stoa_room_module_plugin(), false);
    stoa_gateway_read_conf(gateway, conf, false, NULL);
    g_autofree char *path = stoa_object_find(gateway->plugin_dirs, module);
    StoaObjectKind kind = path ? STOA_OBJECT_PLUGIN : STOA_OBJECT_TRANSPORT;
    if (!path)
        path = stoa_object_find(gateway->transport_dirs, module);
    if (!path) {
        no_such_module(gateway, module, error);
        return NULL;
    }
    g_autoptr(StoaObject) object = stoa_object_open(path, module, kind, error);
    if (!object)
        return NULL;
    return kind == STOA_OBJECT_PLUGIN ? stoa_describe_plugin(stoa_object_plugin(object), true)
                                      : stoa_describe_transport(stoa_object_transport(object));
}
