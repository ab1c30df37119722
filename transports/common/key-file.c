/* SPDX-License-Identifier: MIT */
/* The file of a private key. */
#include "key-file.h"

#include <sys/stat.h>

void stoa_key_file_check(StoaTransportHost *host, const char *option, const char *path)
{
    struct stat st;

    if (!path || !*path || stat(path, &st) != 0 || !(st.st_mode & S_IROTH))
        return;
    stoa_transport_log(host, G_LOG_LEVEL_WARNING,
                       "%s: every user of this machine can read the private key: chmod 600 it",
                       option);
}
