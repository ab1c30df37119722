/* SPDX-License-Identifier: MIT */
/* The file of a private key. */
#include "key-file.h"

#include <sys/stat.h>

bool stoa_key_file_check(const char *option, const char *path, GError **error)
{
    struct stat st;

    if (!path || !*path || stat(path, &st) != 0 || !(st.st_mode & S_IROTH))
        return true;
    return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                     "%s: every user of this machine can read the private key in %s: chmod 600 it",
                     option, path);
}

void stoa_key_file_warn(StoaTransportHost *host, const char *option, const char *path)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_key_file_check(option, path, &error))
        stoa_transport_log(host, G_LOG_LEVEL_WARNING, "%s", error->message);
}
