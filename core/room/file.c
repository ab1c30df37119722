/* SPDX-License-Identifier: MIT */
/* What a module may know of an uploaded file. */
#include "config.h"

#include "room/file.h"
#include "room/room-private.h"

const char *stoa_file_id(const StoaFile *file)
{
    return file->id;
}

const char *stoa_file_name(const StoaFile *file)
{
    return file->name;
}

const char *stoa_file_type(const StoaFile *file)
{
    return file->type;
}

int64_t stoa_file_size(const StoaFile *file)
{
    return file->size;
}

char *stoa_room_file_url(StoaRoom *room, const char *file)
{
    const StoaRoomEnv *env = room->module->env;

    return env->file_url && room->core ? env->file_url(room->core->id, file) : NULL;
}
