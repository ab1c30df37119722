/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <errno.h>
#include <unistd.h>
static inline double cpu_now(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static inline int dcmp(const void *a, const void *b) { double x = *(const double *)a, y = *(const double *)b; return x < y ? -1 : x > y; }
/* median and minimum of n samples */
static inline double med(double *v, int n) { qsort(v, n, sizeof *v, dcmp); return v[n / 2]; }
static inline void p16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = v; }
static inline void p32(uint8_t *p, uint32_t v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v; }
#endif
