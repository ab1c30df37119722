/* SPDX-License-Identifier: MIT */
/* Rooms that a module's conf lists: opened at start, followed at every reload. (StoaPlugin's conf_rooms) */
#pragma once

#include "room/module.h"

/** Whether the rooms of a conf are sound; nothing is touched. True for a module that has none. */
bool stoa_conf_rooms_check(StoaModule *module, const StoaConfValues *conf, GError **error);

/** Open those of the module's conf. */
bool stoa_conf_rooms_open(StoaModule *module, GError **error);

/** The conf was read again: close what is gone, open what is new, set what changed. @old  what it said before; borrowed */
void stoa_conf_rooms_follow(StoaModule *module, const StoaConfValues *old);
