/* SPDX-License-Identifier: MIT */
/* Brings a module's declared tables to the row sizes of today, so that rows may grow at their end. */
#pragma once

#include <stoa/plugin.h>

/**
 * Bring every table of `plugin` (a copy of the module's descriptor) to our row sizes.
 *
 * @copies  gets the arrays that had to be made; free with g_ptr_array_unref() (made with g_free) after the last use
 */
void stoa_table_normalise(StoaPlugin *plugin, GPtrArray *copies);
