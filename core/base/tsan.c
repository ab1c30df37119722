/* SPDX-License-Identifier: MIT */
/* In a ThreadSanitizer build only: the sanitizer does not see glib's locks, which sleep on the kernel directly, so each
 * call tells it here what the lock means. In every other build this file is empty. */
#include <glib.h>

#if defined(__SANITIZE_THREAD__)
#include <dlfcn.h>

void __tsan_acquire(void *at);
void __tsan_release(void *at);

/* glib's own function of that name. */
#define GLIBS(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((visibility("default"))) void g_mutex_lock(GMutex *mutex)
{
    GLIBS(g_mutex_lock)(mutex);
    __tsan_acquire(mutex);
}

__attribute__((visibility("default"))) gboolean g_mutex_trylock(GMutex *mutex)
{
    gboolean locked = GLIBS(g_mutex_trylock)(mutex);

    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

__attribute__((visibility("default"))) void g_mutex_unlock(GMutex *mutex)
{
    __tsan_release(mutex);
    GLIBS(g_mutex_unlock)(mutex);
}

__attribute__((visibility("default"))) void g_cond_wait(GCond *cond, GMutex *mutex)
{
    __tsan_release(mutex);
    GLIBS(g_cond_wait)(cond, mutex);
    __tsan_acquire(mutex);
}

__attribute__((visibility("default"))) gboolean g_cond_wait_until(GCond *cond, GMutex *mutex,
                                                                  gint64 end_us)
{
    gboolean signalled;

    __tsan_release(mutex);
    signalled = GLIBS(g_cond_wait_until)(cond, mutex, end_us);
    __tsan_acquire(mutex);
    return signalled;
}

/* What one thread hands to another's loop. */
typedef struct {
    GSourceFunc fn;
    void *data;
    GDestroyNotify free_data;
} Call;

static gboolean call_run(void *data)
{
    Call *call = data;

    __tsan_acquire(call);
    return call->fn(call->data);
}

static void call_free(void *data)
{
    Call *call = data;

    if (call->free_data)
        call->free_data(call->data);
    g_free(call);
}

__attribute__((visibility("default"))) void g_main_context_invoke_full(GMainContext *context,
                                                                       gint priority,
                                                                       GSourceFunc fn, void *data,
                                                                       GDestroyNotify free_data)
{
    Call *call = g_new(Call, 1);

    *call = (Call){ fn, data, free_data };
    __tsan_release(call);
    GLIBS(g_main_context_invoke_full)(context, priority, call_run, call, call_free);
}
#endif
