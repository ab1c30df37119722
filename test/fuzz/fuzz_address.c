/* SPDX-License-Identifier: MIT */
/* A mail address: what is taken is one line of a mail's header, its server in ASCII, and taken again it is the same. */
#include "room/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 1000));
    g_autoptr(GError) error = NULL;
    g_autofree char *address = stoa_address_read(text, &error);
    g_autofree char *again = address ? stoa_address_read(address, NULL) : NULL;

    if (!address != !!error)
        abort();
    if (!address)
        return 0;
    if (!again || strcmp(address, again) != 0 || strlen(address) > 254 ||
        strpbrk(address, " \t\r\n<>\",;:()[]\\") || !g_str_is_ascii(strrchr(address, '@')))
        abort();
    return 0;
}
