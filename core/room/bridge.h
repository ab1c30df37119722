/* SPDX-License-Identifier: MIT */
/* Bridges: stoa/bridge.h, and what the host must do about them. */
#pragma once

#include "room/module.h"

#include <stoa/bridge.h>

/** A module is about to go: its own bridges are closed, those of others to it are ended. Thread: control. */
void stoa_bridge_drain(StoaModule *module);
/** For the list of a module's bridges. */
void stoa_bridge_unref(void *bridge);
