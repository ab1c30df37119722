/* SPDX-License-Identifier: MIT */
/* sfuload - shared declarations */
#ifndef SL_H
#define SL_H
#define _GNU_SOURCE
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>
#include <netinet/in.h>
#include <jansson.h>

/* ---------- util.c ---------- */
uint64_t mono_ns(void);
uint64_t real_ns(void);
uint64_t rnd64(void);
void rnd_str(char *out, int n);            /* n chars + NUL, base62 */
uint32_t crc32_ieee(const uint8_t *p, size_t n);
void logmsg(int lvl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern int g_sctp_up; /* associations that the server opened */
extern int g_verbose;

static inline void put16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = v; }
static inline void put32(uint8_t *p, uint32_t v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v; }
static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

/* log-linear histogram of nanosecond values: 32 sub-buckets per power of two */
#define HSUB 32
#define HBUCK (64 * HSUB)
typedef struct { uint64_t n, sum, max; uint32_t b[HBUCK]; } hist_t;
void hist_add(hist_t *h, uint64_t ns);
double hist_q(const hist_t *h, double q);   /* microseconds */
json_t *hist_json(const hist_t *h);         /* p50/p95/p99/max/mean in microseconds */

typedef struct {
	int ok; double user, sys; long rss_kb, hwm_kb, threads;
	uint64_t vctx, nvctx; uint64_t t_ns; int fds;
} pstat_t;
int pstat_read(int pid, pstat_t *o);

/* ---------- event sources ---------- */
enum { EV_UDP = 1, EV_SIGA, EV_SIGB };
typedef struct { int kind, fd; void *owner; } evsrc;
extern int g_ep;
int ev_add(evsrc *e, uint32_t events);
int ev_mod(evsrc *e, uint32_t events);

/* ---------- sig.c : Janus API transport (WebSocket or HTTP long-poll) ---------- */
typedef struct sig chan_t;
typedef struct {
	void (*up)(void *user);
	void (*msg)(void *user, json_t *j);        /* borrowed reference */
	void (*err)(void *user, const char *why);
} sig_cb;
chan_t *sig_open(const char *url, void *user, const sig_cb *cb);
void sig_send(chan_t *s, json_t *j);            /* steals the reference */
void sig_start_poll(chan_t *s, uint64_t session_id); /* no-op on WebSocket */
void sig_event(evsrc *e, uint32_t events);
void sig_close(chan_t *s);
int sig_is_http(const chan_t *s);

/* ---------- rtc.c : ICE + DTLS + SRTP + SDP ---------- */
typedef struct pc pc_t;
typedef struct {
	char kind;                  /* 'a', 'v', 'd' */
	char mid[16];
	int port, pt, rtxpt;        /* pt = first payload type (or preferred) */
	char codec[24]; int clock;
	uint32_t ssrc, rtx_ssrc;
	int ext_mid, ext_al, ext_twcc, ext_abs;
	int dir;                    /* 0 inactive 1 sendonly 2 recvonly 3 sendrecv */
} msec_t;
#define MAX_MSEC 256
typedef struct {
	char ufrag[264], pwd[264], fp[200], setup[16];
	int lite, ncand, nm;
	struct sockaddr_in cand[16];
	msec_t m[MAX_MSEC];
} sdp_t;
int sdp_parse(const char *s, sdp_t *o);

typedef struct {
	void (*up)(pc_t *, void *user);                         /* DTLS finished */
	void (*rtp)(pc_t *, void *user, uint8_t *p, int n, uint64_t rx_real_ns);  /* still protected */
	void (*rtcp)(pc_t *, void *user, uint8_t *p, int n);    /* plain */
	void (*fail)(pc_t *, void *user, const char *why);
} pc_cb;

int rtc_init(const char *srtp_profiles);
pc_t *pc_new(void *user, const pc_cb *cb);
void pc_free(pc_t *);
const char *pc_sdp_transport(pc_t *, const char *setup);  /* ufrag/pwd/fp/setup lines */
const char *pc_candidate(pc_t *);                         /* "candidate:..." */
void pc_remote(pc_t *, const char *ufrag, const char *pwd, const char *fp, const char *setup, int lite, int we_offer);
void pc_remote_cand(pc_t *, const struct sockaddr_in *sa);
void pc_remote_cand_str(pc_t *, const char *cand);
void pc_input(pc_t *);           /* socket readable */
void pc_tick(pc_t *, uint64_t now);
int pc_is_up(pc_t *);
int pc_unprotect(pc_t *, uint8_t *p, int *n);
int pc_protect(pc_t *, uint8_t *p, int *n);
int pc_send_rtcp(pc_t *, uint8_t *p, int n); /* buffer needs 64 spare bytes */
int pc_send_batch(pc_t *, uint8_t **p, int *n, int cnt);
uint64_t pc_ice_up_ns(pc_t *);
uint64_t pc_dtls_up_ns(pc_t *);
const char *pc_profile(pc_t *);
const char *pc_state(pc_t *);
void pc_move(pc_t *, const char *ip, int aware);
void pc_restart(pc_t *);
void pc_renew(pc_t *, const char *ufrag, const char *pwd);
int pc_has_remote(pc_t *);
extern uint64_t g_rxq_drops;      /* packets the generator's own sockets dropped */
#endif
