/* SPDX-License-Identifier: MIT */
/* Plugins that cannot run, each in its own way: built with -DMISFIT_major, _nosymbol, _nostart, _silent, _othername, _tiny. */
#include <stoa/plugin.h>

#if defined(MISFIT_nosymbol)
STOA_EXPORT int something_else(void);
int something_else(void)
{
    return 0;
}
#else
static bool start(StoaModule *module, GError **error)
{
    const char *name = g_getenv("STOA_NONE");

    stoa_module_log(module, G_LOG_LEVEL_DEBUG, "%s", name ? name : "starting");
#if defined(MISFIT_nostart)
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the piano is out of tune");
#elif defined(MISFIT_silent)
    (void)error;
    return false;
#else
    return error || !error;
#endif
}

#if defined(MISFIT_major)
STOA_PLUGIN(.name = MISFIT, .version = "1", .start = start, .abi = (STOA_ABI_MAJOR + 1) << 16)
#elif defined(MISFIT_othername)
STOA_PLUGIN(.name = "somebody", .version = "1", .start = start)
#elif defined(MISFIT_tiny)
STOA_PLUGIN(.name = MISFIT, .version = "1", .start = start, .struct_size = 24)
#else
STOA_PLUGIN(.name = MISFIT, .version = "1", .start = start)
#endif
#endif
