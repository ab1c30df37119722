/* SPDX-License-Identifier: MIT */
/* sfuload - small utilities */
#include "sl.h"
#include <stdarg.h>
#include <unistd.h>
#include <dirent.h>
#include <sys/random.h>

int g_verbose = 1;

uint64_t mono_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
uint64_t real_ns(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }

uint64_t rnd64(void)
{
	static uint64_t s;
	if (!s) { if (getrandom(&s, 8, 0) != 8) s = mono_ns(); s |= 1; }
	uint64_t z = (s += 0x9e3779b97f4a7c15ull);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void rnd_str(char *out, int n)
{
	static const char a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	for (int i = 0; i < n; i++) out[i] = a[rnd64() % 62];
	out[n] = 0;
}

uint32_t crc32_ieee(const uint8_t *p, size_t n)
{
	static uint32_t t[256]; static int init;
	if (!init) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
			t[i] = c;
		}
		init = 1;
	}
	uint32_t c = ~0u;
	while (n--) c = t[(c ^ *p++) & 255] ^ (c >> 8);
	return ~c;
}

void logmsg(int lvl, const char *fmt, ...)
{
	if (lvl > g_verbose) return;
	static uint64_t t0; if (!t0) t0 = mono_ns();
	va_list ap; va_start(ap, fmt);
	fprintf(stderr, "[%7.3f] ", (mono_ns() - t0) / 1e9);
	vfprintf(stderr, fmt, ap); fputc('\n', stderr);
	va_end(ap);
}

static int hidx(uint64_t v)
{
	if (v < HSUB) return (int)v;
	int e = 63 - __builtin_clzll(v);            /* e >= 5 */
	return (e - 4) * HSUB + (int)((v >> (e - 5)) & (HSUB - 1));
}
static double hval(int i)
{
	if (i < HSUB) return i;
	int e = i / HSUB + 4; uint64_t m = i % HSUB;
	return (double)((1ull << e) + (m << (e - 5))) + (double)(1ull << (e - 5)) / 2;
}
void hist_add(hist_t *h, uint64_t v) { h->n++; h->sum += v; if (v > h->max) h->max = v; int i = hidx(v); if (i >= HBUCK) i = HBUCK - 1; h->b[i]++; }
double hist_q(const hist_t *h, double q)
{
	if (!h->n) return 0;
	uint64_t want = (uint64_t)(q * (double)h->n), c = 0; if (want >= h->n) want = h->n - 1;
	for (int i = 0; i < HBUCK; i++) { c += h->b[i]; if (c > want) { double v = hval(i); return (v > (double)h->max ? (double)h->max : v) / 1e3; } }
	return h->max / 1e3;
}
json_t *hist_json(const hist_t *h)
{
	return json_pack("{s:I,s:f,s:f,s:f,s:f,s:f,s:f}", "n", (json_int_t)h->n,
		"mean_us", h->n ? h->sum / 1e3 / h->n : 0.0, "p50_us", hist_q(h, .5), "p95_us", hist_q(h, .95),
		"p99_us", hist_q(h, .99), "p999_us", hist_q(h, .999), "max_us", h->max / 1e3);
}

int pstat_read(int pid, pstat_t *o)
{
	memset(o, 0, sizeof *o);
	if (pid <= 0) return -1;
	char path[128], buf[4096]; FILE *f;
	o->t_ns = mono_ns();
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (!(f = fopen(path, "r"))) return -1;
	size_t n = fread(buf, 1, sizeof buf - 1, f); fclose(f); buf[n] = 0;
	char *p = strrchr(buf, ')'); if (!p) return -1;
	unsigned long ut = 0, st = 0; long thr = 0;
	if (sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld", &ut, &st, &thr) < 3) return -1;
	double hz = sysconf(_SC_CLK_TCK);
	o->user = ut / hz; o->sys = st / hz; o->threads = thr;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	if ((f = fopen(path, "r"))) {
		while (fgets(buf, sizeof buf, f)) {
			sscanf(buf, "VmRSS: %ld", &o->rss_kb); sscanf(buf, "VmHWM: %ld", &o->hwm_kb);
		}
		fclose(f);
	}
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *d = opendir(path);
	if (d) {
		struct dirent *e;
		while ((e = readdir(d))) {
			if (e->d_name[0] == '.') continue;
			char q[400]; snprintf(q, sizeof q, "/proc/%d/task/%s/status", pid, e->d_name);
			if (!(f = fopen(q, "r"))) continue;
			unsigned long v;
			while (fgets(buf, sizeof buf, f)) {
				if (sscanf(buf, "voluntary_ctxt_switches: %lu", &v) == 1) o->vctx += v;
				else if (sscanf(buf, "nonvoluntary_ctxt_switches: %lu", &v) == 1) o->nvctx += v;
			}
			fclose(f);
		}
		closedir(d);
	}
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	if ((d = opendir(path))) { while (readdir(d)) o->fds++; o->fds -= 2; closedir(d); }
	o->ok = 1;
	return 0;
}
