/* SPDX-License-Identifier: MIT */
/* Something that was uploaded to a room. Its bytes lie in files/ROOM/ID of the data folder. */
#pragma once

#include <stoa/plugin.h>

struct StoaFile {
    char *id, *name, *type; /* type: by content */
    int64_t size;
};
