/* SPDX-License-Identifier: MIT */
/* The version of the module interface, and the threads its functions belong to. */
#pragma once

#include <stdint.h>

#define STOA_ABI_MAJOR 1 /* a module built for another major is refused */
#define STOA_ABI_MINOR 2 /* grows with every appended field or new function */
#define STOA_ABI       ((STOA_ABI_MAJOR << 16) | STOA_ABI_MINOR)

/* With clang, threads are capabilities: a function for workers cannot be called from control code, nor the reverse. */
#if defined(__clang__)
#define STOA_THREAD_ATTR(x) __attribute__((x))
#else
#define STOA_THREAD_ATTR(x)
#endif
typedef int STOA_THREAD_ATTR(capability("thread")) StoaThread;
extern StoaThread stoa_worker_thread;
#define STOA_ON_WORKER  STOA_THREAD_ATTR(requires_capability(stoa_worker_thread))
#define STOA_ON_CONTROL STOA_THREAD_ATTR(locks_excluded(stoa_worker_thread))
