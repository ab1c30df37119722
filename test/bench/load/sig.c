/* SPDX-License-Identifier: MIT */
/* sfuload - Janus API signaling over WebSocket ("janus-protocol") or HTTP long-poll.
 * Non-blocking, driven by the one epoll loop. Plain ws:// and http:// only. */
#include "sl.h"
#include <unistd.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <netinet/tcp.h>

typedef struct { char *p; size_t n, cap; } sbuf;
typedef struct req { struct req *next; size_t n; char d[]; } req_t;
typedef struct {
	evsrc ev; int state;            /* 0 closed 1 connecting 2 handshake 3 open */
	sbuf in, out; size_t outoff; int want_out;
	sbuf frag;
	int inflight;                   /* HTTP: request under way */
} conn_t;
struct sig {
	int http, dead, closing;
	char host[128], path[128]; int port;
	struct sockaddr_in sa;
	void *user; const sig_cb *cb;
	conn_t a, b;                    /* a: WebSocket or POST; b: long poll */
	req_t *qh, **qt;
	uint64_t session;
};

static void sb_add(sbuf *b, const void *p, size_t n)
{
	if (b->n + n + 1 > b->cap) { b->cap = (b->n + n + 1) * 2; b->p = realloc(b->p, b->cap); if (!b->p) abort(); }
	memcpy(b->p + b->n, p, n); b->n += n; b->p[b->n] = 0;
}
static void sb_cut(sbuf *b, size_t n) { memmove(b->p, b->p + n, b->n - n); b->n -= n; b->p[b->n] = 0; }

int sig_is_http(const chan_t *s) { return s->http; }

static void fail(chan_t *s, const char *why)
{
	if (s->dead) return;
	s->dead = 1;
	if (!s->closing) s->cb->err(s->user, why);
}
static void conn_close(conn_t *c)
{
	if (c->ev.fd >= 0) { close(c->ev.fd); c->ev.fd = -1; }
	c->state = 0; c->in.n = c->out.n = c->outoff = 0; c->want_out = 0; c->inflight = 0; c->frag.n = 0;
}
static int conn_start(chan_t *s, conn_t *c)
{
	c->ev.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->ev.fd < 0) { fail(s, strerror(errno)); return -1; }
	int one = 1; setsockopt(c->ev.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->ev.fd, (struct sockaddr *)&s->sa, sizeof s->sa) < 0 && errno != EINPROGRESS) {
		char m[160]; snprintf(m, sizeof m, "connect %s:%d: %s", s->host, s->port, strerror(errno));
		fail(s, m); return -1;
	}
	c->state = 1; c->want_out = 1;
	return ev_add(&c->ev, EPOLLIN | EPOLLOUT);
}
static void conn_flush(chan_t *s, conn_t *c)
{
	while (c->state >= 2 && c->outoff < c->out.n) {
		ssize_t r = send(c->ev.fd, c->out.p + c->outoff, c->out.n - c->outoff, MSG_NOSIGNAL);
		if (r < 0) { if (errno == EAGAIN || errno == EWOULDBLOCK) break; fail(s, strerror(errno)); return; }
		c->outoff += r;
	}
	if (c->outoff == c->out.n) c->outoff = c->out.n = 0;
	int want = c->out.n > 0;
	if (c->state >= 2 && want != c->want_out) { c->want_out = want; ev_mod(&c->ev, EPOLLIN | (want ? EPOLLOUT : 0)); }
}

chan_t *sig_open(const char *url, void *user, const sig_cb *cb)
{
	chan_t *s = calloc(1, sizeof *s);
	s->user = user; s->cb = cb; s->qt = &s->qh;
	s->a.ev = (evsrc){ EV_SIGA, -1, s }; s->b.ev = (evsrc){ EV_SIGB, -1, s };
	const char *p;
	if (!strncmp(url, "ws://", 5)) p = url + 5;
	else if (!strncmp(url, "http://", 7)) { p = url + 7; s->http = 1; }
	else { fprintf(stderr, "sfuload: only ws:// and http:// URLs\n"); exit(2); }
	const char *sl = strchr(p, '/'); size_t hl = sl ? (size_t)(sl - p) : strlen(p);
	if (hl >= sizeof s->host) hl = sizeof s->host - 1;
	memcpy(s->host, p, hl); s->host[hl] = 0;
	snprintf(s->path, sizeof s->path, "%s", sl ? sl : "/");
	char *col = strrchr(s->host, ':'); s->port = 80;
	if (col) { s->port = atoi(col + 1); *col = 0; }
	struct addrinfo hi = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *ai = NULL;
	if (getaddrinfo(s->host, NULL, &hi, &ai) || !ai) { fprintf(stderr, "sfuload: cannot resolve %s\n", s->host); exit(2); }
	s->sa = *(struct sockaddr_in *)ai->ai_addr; s->sa.sin_port = htons(s->port); freeaddrinfo(ai);
	size_t pl = strlen(s->path); if (s->http && pl > 1 && s->path[pl - 1] == '/') s->path[pl - 1] = 0;
	conn_start(s, &s->a);
	return s;
}

static void ws_frame(conn_t *c, int op, const char *d, size_t n)
{
	uint8_t h[14]; int hl = 2; uint32_t mask = (uint32_t)rnd64(); uint8_t *mk = (uint8_t *)&mask;
	h[0] = 0x80 | op;
	if (n < 126) h[1] = 0x80 | n;
	else if (n < 65536) { h[1] = 0x80 | 126; put16(h + 2, n); hl = 4; }
	else { h[1] = 0x80 | 127; put32(h + 2, (uint64_t)n >> 32); put32(h + 6, (uint32_t)n); hl = 10; }
	memcpy(h + hl, mk, 4); hl += 4;
	sb_add(&c->out, h, hl); size_t o = c->out.n; sb_add(&c->out, d, n);
	for (size_t i = 0; i < n; i++) c->out.p[o + i] ^= mk[i & 3];
}

static void http_next(chan_t *s)
{
	conn_t *c = &s->a;
	if (c->inflight || !s->qh) return;
	if (c->state == 0) { conn_start(s, c); return; }
	if (c->state != 3) return;
	req_t *r = s->qh; s->qh = r->next; if (!s->qh) s->qt = &s->qh;
	sb_add(&c->out, r->d, r->n); free(r); c->inflight = 1;
	conn_flush(s, c);
}
static void http_poll(chan_t *s)
{
	conn_t *c = &s->b;
	if (!s->session || c->inflight || s->closing) return;
	if (c->state == 0) { conn_start(s, c); return; }
	if (c->state != 3) return;
	char q[512]; int n = snprintf(q, sizeof q, "GET %s/%llu?maxev=10&rid=%llu HTTP/1.1\r\nHost: %s:%d\r\n\r\n", s->path,
		(unsigned long long)s->session, (unsigned long long)(real_ns() / 1000000), s->host, s->port);
	sb_add(&c->out, q, n); c->inflight = 1; conn_flush(s, c);
}
void sig_start_poll(chan_t *s, uint64_t id) { if (s->http) { s->session = id; http_poll(s); } }

void sig_send(chan_t *s, json_t *j)
{
	if (s->dead) { json_decref(j); return; }
	if (!s->http) {
		char *t = json_dumps(j, JSON_COMPACT);
		logmsg(4, "-> %s", t);
		if (s->a.state == 3) { ws_frame(&s->a, 1, t, strlen(t)); conn_flush(s, &s->a); }
		free(t); json_decref(j); return;
	}
	uint64_t sid = json_integer_value(json_object_get(j, "session_id")), hid = json_integer_value(json_object_get(j, "handle_id"));
	json_object_del(j, "session_id"); json_object_del(j, "handle_id");
	char *t = json_dumps(j, JSON_COMPACT); json_decref(j);
	logmsg(4, "-> %s", t);
	char path[256]; int pl = snprintf(path, sizeof path, "%s", s->path);
	if (sid) pl += snprintf(path + pl, sizeof path - pl, "/%llu", (unsigned long long)sid);
	if (hid) pl += snprintf(path + pl, sizeof path - pl, "/%llu", (unsigned long long)hid);
	size_t bl = strlen(t); req_t *r = malloc(sizeof *r + bl + 600);
	r->next = NULL;
	r->n = sprintf(r->d, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path, s->host, s->port, bl, t);
	free(t);
	*s->qt = r; s->qt = &r->next;
	http_next(s);
}

static void deliver(chan_t *s, const char *d, size_t n)
{
	json_error_t e; json_t *j = json_loadb(d, n, 0, &e);
	logmsg(4, "<- %.*s", (int)n, d);
	if (!j) { char m[200]; snprintf(m, sizeof m, "bad JSON from server: %s", e.text); fail(s, m); return; }
	if (json_is_array(j)) { size_t i; json_t *v; json_array_foreach(j, i, v) if (!s->dead) s->cb->msg(s->user, v); }
	else s->cb->msg(s->user, j);
	json_decref(j);
}

static void ws_input(chan_t *s)
{
	conn_t *c = &s->a;
	if (c->state == 2) {
		char *e = c->in.n ? strstr(c->in.p, "\r\n\r\n") : NULL; if (!e) return;
		if (strncmp(c->in.p, "HTTP/1.1 101", 12)) { char m[120]; snprintf(m, sizeof m, "WebSocket upgrade refused: %.60s", c->in.p); fail(s, m); return; }
		sb_cut(&c->in, e + 4 - c->in.p); c->state = 3; s->cb->up(s->user);
	}
	size_t off = 0;
	while (c->state == 3 && !s->dead) {
		uint8_t *b = (uint8_t *)c->in.p + off; size_t n = c->in.n - off;
		if (n < 2) break;
		size_t hl = 2; uint64_t len = b[1] & 127;
		if (b[1] & 0x80) { fail(s, "server sent a masked frame"); return; }
		if (len == 126) { if (n < 4) break; len = get16(b + 2); hl = 4; }
		else if (len == 127) { if (n < 10) break; len = (uint64_t)get32(b + 2) << 32 | get32(b + 6); hl = 10; }
		if (n < hl + len) break;
		int op = b[0] & 15, fin = b[0] >> 7; char *d = (char *)b + hl; off += hl + len;
		if (op == 9) { ws_frame(c, 10, d, len); conn_flush(s, c); }
		else if (op == 8) { fail(s, "server closed the WebSocket"); return; }
		else if (op == 1 || op == 2 || op == 0) {
			if (fin && op && !c->frag.n) deliver(s, d, len);
			else { sb_add(&c->frag, d, len); if (fin) { size_t fn = c->frag.n; c->frag.n = 0; deliver(s, c->frag.p, fn); } }
		}
	}
	if (off && c->in.n) sb_cut(&c->in, off);
}

/* one HTTP response; returns 1 if consumed */
static int http_input(chan_t *s, conn_t *c)
{
	char *e = c->in.n ? strstr(c->in.p, "\r\n\r\n") : NULL; if (!e) return 0;
	size_t hl = e + 4 - c->in.p, bl = 0; int chunked = 0, closec = 0;
	for (char *l = c->in.p; l < e; ) {
		char *nl = strstr(l, "\r\n");
		if (!strncasecmp(l, "content-length:", 15)) bl = strtoul(l + 15, NULL, 10);
		if (!strncasecmp(l, "transfer-encoding:", 18) && strcasestr(l, "chunked") && strcasestr(l, "chunked") < nl) chunked = 1;
		if (!strncasecmp(l, "connection:", 11) && strcasestr(l, "close") && strcasestr(l, "close") < nl) closec = 1;
		l = nl + 2;
	}
	int status = atoi(c->in.p + 9); sbuf body = { 0 };
	if (chunked) {
		size_t o = hl;
		for (;;) {
			char *nl = c->in.n > o ? strstr(c->in.p + o, "\r\n") : NULL; if (!nl) { free(body.p); return 0; }
			size_t k = strtoul(c->in.p + o, NULL, 16); o = nl + 2 - c->in.p;
			if (c->in.n < o + k + 2) { free(body.p); return 0; }
			if (k) sb_add(&body, c->in.p + o, k);
			o += k + 2; if (!k) break;
		}
		sb_cut(&c->in, o);
	} else {
		if (c->in.n < hl + bl) return 0;
		sb_add(&body, c->in.p + hl, bl); sb_cut(&c->in, hl + bl);
	}
	c->inflight = 0;
	if (closec) conn_close(c);
	if (status != 200) { char m[200]; snprintf(m, sizeof m, "HTTP status %d: %.120s", status, body.p ? body.p : ""); if (c == &s->a || !s->closing) fail(s, m); }
	else if (body.n) deliver(s, body.p, body.n);
	free(body.p);
	if (s->dead) return 0;
	if (c == &s->a) http_next(s); else http_poll(s);
	return 1;
}

void sig_event(evsrc *ev, uint32_t events)
{
	chan_t *s = ev->owner; conn_t *c = ev->kind == EV_SIGA ? &s->a : &s->b;
	if (s->dead || c->ev.fd < 0) return;
	if (c->state == 1) {
		int e = 0; socklen_t l = sizeof e; getsockopt(c->ev.fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e) { char m[160]; snprintf(m, sizeof m, "connect %s:%d: %s", s->host, s->port, strerror(e)); fail(s, m); return; }
		if (!(events & EPOLLOUT)) return;
		if (s->http) { c->state = 3; conn_flush(s, c); if (c == &s->a) { if (!s->session && !s->qh) s->cb->up(s->user); http_next(s); } else http_poll(s); }
		else {
			char h[600]; int n = snprintf(h, sizeof h, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				"Sec-WebSocket-Key: c2Z1bG9hZC1zZnVsb2FkIQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n", s->path, s->host, s->port);
			c->state = 2; sb_add(&c->out, h, n); conn_flush(s, c);
		}
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		char b[65536];
		for (;;) {
			ssize_t r = recv(c->ev.fd, b, sizeof b, 0);
			if (r > 0) { sb_add(&c->in, b, r); if (r < (ssize_t)sizeof b) break; continue; }
			if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
			if (s->http && !c->inflight) { conn_close(c); if (c == &s->a) http_next(s); else http_poll(s); return; }
			fail(s, r == 0 ? "connection closed by server" : strerror(errno)); return;
		}
		if (s->http) { while (c->state == 3 && !s->dead && http_input(s, c)) ; } else ws_input(s);
	}
	if (!s->dead && c->state >= 2 && (events & EPOLLOUT)) conn_flush(s, c);
}

void sig_close(chan_t *s)
{
	if (!s) return;
	s->closing = 1; s->dead = 1;
	if (!s->http && s->a.state == 3) { ws_frame(&s->a, 8, "\x03\xe8", 2); s->dead = 0; conn_flush(s, &s->a); s->dead = 1; }
	conn_close(&s->a); conn_close(&s->b);
	/* the struct itself is kept until exit: events for it may still sit in the epoll batch */
}
