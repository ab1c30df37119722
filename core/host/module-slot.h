/* SPDX-License-Identifier: MIT */
/* One module of its conf file's name: whether it is wanted, what of it is loaded. modules.c has them all. Nobody else includes
 * this. Thread: control. */
#pragma once

#include "base/timer.h"
#include "host/modules.h"
#include "host/object.h"

typedef enum {
    STOA_MODULE_OFF,
    STOA_MODULE_LOADED,
    STOA_MODULE_DRAINING,
    STOA_MODULE_FAILED
} StoaModuleSlotState;

typedef struct {
    const StoaModulesSpec *spec; /* borrowed */
    char *name;
    StoaObjectKind kind;
    StoaModuleSlotState state;
    char *why; /* of STOA_MODULE_FAILED */
    StoaObject *object;
    StoaModule *module;           /* of a plugin */
    StoaTransportHost *transport; /* of a transport */
    StoaTimer *drainer;
    /* What prepare found, for commit. */
    struct {
        bool prepared, wanted;
        StoaObject *object;     /* newly opened */
        StoaConfValues *values; /* for it, or for the one that runs */
        char *why;              /* it cannot be opened */
        char *wrong;            /* what a dry run found in its files */
    } next;
} StoaModuleSlot;

StoaModuleSlot *stoa_module_slot_new(const StoaModulesSpec *spec, const char *name);
/** Of a StoaModuleSlot; what it has loaded must be gone. */
void stoa_module_slot_free(gpointer slot);

/** "off", "loaded", … */
const char *stoa_module_slot_state_name(const StoaModuleSlot *slot);

/** Look at the conf for what is wanted, into `next`; nothing changes yet. @dry  look at one that is switched off, too */
void stoa_module_slot_prepare(StoaModuleSlot *slot, StoaConf *conf, bool dry);
/** Open its object anew and check its conf file, into `next`. False with `error`. */
bool stoa_module_slot_prepare_anew(StoaModuleSlot *slot, StoaConf *conf, GError **error);
/** Do what was prepared. A failure is a line in the log. */
void stoa_module_slot_commit(StoaModuleSlot *slot);
/** Forget what was prepared. */
void stoa_module_slot_clear_next(StoaModuleSlot *slot);

/** Load what was prepared. False with `error`, and in the log. */
bool stoa_module_slot_load_next(StoaModuleSlot *slot, GError **error);
/** Unload: at once, or, as long as it is at work, in a while (STOA_MODULE_DRAINING). */
void stoa_module_slot_unload(StoaModuleSlot *slot);

/** Tell a transport that the settings of all have changed. */
void stoa_module_slot_tell_settings(StoaModuleSlot *slot);
