/* SPDX-License-Identifier: MIT */
/* sfuload - load generator and measuring instrument for WebRTC servers that speak the
 * Janus API with a VideoRoom-compatible plugin. See README.md. */
#include "sl.h"
#include <getopt.h>
#include <signal.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>

/* ------------------------------------------------------------------ options */
static struct {
	const char *url, *http, *json, *srtp, *plugin, *label, *video_codec; int room, pubs, subs, rooms, mesh;
	double duration, warmup, settle, join_timeout, drop, up_drop, rtt; int vkbps, vpkt, fps, audio, video, asize, pid, join_par, storm, rtx, nomedia, data;
	int room_threads, sigrate, sig_conns, trickle, keep, bitrate, keyint, twcc, delays_check; const char *admin_key, *secret;
} o = { .plugin = "janus.plugin.videoroom", .room = 77000, .pubs = 1, .subs = 1, .rooms = 1, .duration = 10, .warmup = 2, .rtt = 20, .join_timeout = 60,
	.vkbps = 600, .vpkt = 1100, .fps = 30, .audio = 0, .video = 1, .asize = 100, .join_par = 16, .srtp = "auto", .sig_conns = 4, .keyint = 0, .label = "", .video_codec = "VP8" };

int g_ep;
enum { PUB, SUB, ADMIN };
enum { S_NEW, S_CONNECT, S_CREATE, S_ATTACH, S_JOIN, S_NEGO, S_ICE, S_UP, S_MEDIA, S_FAILED, S_CLOSED };
static const char *stname[] = { "not started", "connecting signaling", "create session", "attach plugin", "join request", "offer/answer", "ICE/DTLS", "waiting for media", "media", "failed", "closed" };

#define MAGIC 0x53464c31u
#define PL_OFF 16               /* our block starts here inside the RTP payload */
typedef struct {                /* host order: generator and checker are one process */
	uint32_t magic, pub; uint64_t counter, ts; uint32_t kind, size;
} __attribute__((packed)) stamp_t;

#define WIN 8192
typedef struct {
	uint32_t ssrc, rtx_ssrc; char kind; int pt, rtxpt, pub, seen; char mid[16];
	uint64_t c_first, c_max, uniq, dup, reord, rtxd; uint16_t seqoff; uint64_t bm[WIN / 64];
	uint16_t maxseq; uint32_t cycles, base_ext; uint64_t rx_rtp, exp_prior, rx_prior; double jitter; int64_t transit; uint32_t lsr; uint64_t lsr_at, next_rr;
	struct { uint16_t seq; uint8_t tries; uint64_t next; } miss[512]; int nmiss; uint64_t skipped, nack_given_up;
	uint64_t maxgap_ns, last_rx;
} rstream;

typedef struct { uint8_t d[1500 + 64]; uint16_t n, seq; } sent_t;
#define RING 1024
typedef struct {
	char kind; int on, pt, rtxpt; uint32_t ssrc; uint16_t seq; uint32_t ts; uint64_t counter, pkts, bytes; char mid[16];
	int x_mid, x_al, x_twcc, x_abs; sent_t *ring; double acc; int want_key; uint16_t picid; uint8_t tl0; uint64_t frames;
} track;

typedef struct client {
	int role, idx, room, state, started; chan_t *sig; uint64_t sid, hid, feed, priv; char trans[16]; int step;
	pc_t *pc; uint64_t t_start, t_attach, t_up, t_media, next_rr, next_ka, next_nack, rnd;
	track a, v; uint64_t next_frame, next_audio; uint16_t twcc_seq;
	uint64_t nacks_in, plis_in, rtx_out, updropped;
	rstream *st; int nst; int map[1024]; int nseen; uint32_t my_ssrc;
	int ext_mid; char why[240];
} client;

static client *cl; static int ncl, npub, nsub; static client admin;
static int n_started, n_up, n_media, n_failed; static uint64_t g_failed_first;
enum { PH_ADMIN, PH_PUBS, PH_SUBS, PH_WARM, PH_STEADY, PH_DRAIN, PH_TEAR, PH_END };
static int phase; static uint64_t ph_t; static volatile sig_atomic_t stop_flag;
static int rc;
static uint8_t *pool;          /* pseudo-random payload bytes */
#define POOL 8192
/* counters for the steady window */
static struct { uint64_t rx, rx_bytes, sent, sent_bytes, rtcp_in, dropped, late; } W;
static uint64_t tot_rx, tot_bad, tot_unprot, tot_foreign, tot_nack_sent, tot_recovered, tot_sr, bad_pt, bad_map;
static hist_t h_delay, h_delay_v, h_delay_a, h_join, h_pubjoin, h_iceup, h_dtls, h_pub_late, h_rtxdelay;
static pstat_t ps_start, ps_pub, ps_sub, ps_w0, ps_w1, ps_end; static struct rusage ru0, ru1;
static uint64_t t_pubs, t_subs0, t_subs_all, rxq_w0, rx_at_sub0, rx_at_suball; static char first_bad[160];

static client *pubs_at(int i) { return &cl[i]; }

/* ------------------------------------------------------------------ signaling requests */
static void fail_client(client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail_client(client *c, const char *fmt, ...)
{
	if (c->state == S_FAILED || c->state == S_CLOSED) return;
	if (phase >= PH_TEAR) { c->state = S_CLOSED; return; }
	va_list ap; va_start(ap, fmt); vsnprintf(c->why, sizeof c->why, fmt, ap); va_end(ap);
	int was = c->state; c->state = S_FAILED; n_failed++;
	if (!g_failed_first) g_failed_first = mono_ns();
	if (n_failed <= 10) logmsg(0, "FAILED %s %d (room %d) in step '%s': %s", c->role == PUB ? "publisher" : c->role == SUB ? "subscriber" : "admin", c->idx, c->room, stname[was], c->why);
	rc = 1;
	if (c->role == ADMIN) stop_flag = 1;
}
static void send_req(client *c, const char *janus, json_t *body, const char *jtype, const char *jsdp)
{
	static unsigned tn; snprintf(c->trans, sizeof c->trans, "t%u", ++tn);
	json_t *j = json_pack("{s:s,s:s}", "janus", janus, "transaction", c->trans);
	if (c->sid) json_object_set_new(j, "session_id", json_integer(c->sid));
	if (c->hid && strcmp(janus, "keepalive") && strcmp(janus, "destroy")) json_object_set_new(j, "handle_id", json_integer(c->hid));
	if (body) json_object_set_new(j, "body", body);
	if (jsdp) json_object_set_new(j, "jsep", json_pack("{s:s,s:s}", "type", jtype, "sdp", jsdp));
	if (!strcmp(janus, "attach")) json_object_set_new(j, "plugin", json_string(o.plugin));
	sig_send(c->sig, j);
}
static void send_trickle(client *c)
{
	json_t *j = json_pack("{s:s,s:s,s:I,s:I}", "janus", "trickle", "transaction", "tr", "session_id", (json_int_t)c->sid, "handle_id", (json_int_t)c->hid);
	if (o.trickle) json_object_set_new(j, "candidates", json_pack("[{s:s,s:i,s:s},{s:b}]", "sdpMid", "0", "sdpMLineIndex", 0, "candidate", pc_candidate(c->pc), "completed", 1));
	else json_object_set_new(j, "candidate", json_pack("{s:b}", "completed", 1));
	sig_send(c->sig, j);
}

/* ------------------------------------------------------------------ SDP writing */
static char *sb; static size_t sbn, sbc;
static void S(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void S(const char *fmt, ...)
{
	if (sbc - sbn < 4096) { sbc = sbc * 2 + 8192; sb = realloc(sb, sbc); }
	va_list ap; va_start(ap, fmt); sbn += vsnprintf(sb + sbn, sbc - sbn, fmt, ap); va_end(ap);
}
static const char *offer_sdp(client *c)
{
	sbn = 0; int na = o.audio, nv = o.video, k = 0;
	S("v=0\r\no=- %u 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", (unsigned)(rnd64() >> 34));
	for (int i = 0; i < na + nv + o.data; i++) S(" %d", i);
	S("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n");
	if (na) {
		S("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n%s", pc_sdp_transport(c->pc, "actpass"));
		if (!o.trickle) S("a=%s\r\na=end-of-candidates\r\n", pc_candidate(c->pc));
		S("a=mid:%d\r\na=sendonly\r\na=msid:s%d a%d\r\na=rtcp-mux\r\n", k++, c->idx, c->idx);
		S("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n");
		S("a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n");
		S("a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=ssrc:%u cname:sl%d\r\n", c->a.ssrc, c->idx);
	}
	if (nv) {
		S("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n%s", pc_sdp_transport(c->pc, "actpass"));
		if (!o.trickle && !na) S("a=%s\r\na=end-of-candidates\r\n", pc_candidate(c->pc));
		S("a=mid:%d\r\na=sendonly\r\na=msid:s%d v%d\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", k++, c->idx, c->idx);
		S("a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n");
		S("a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n");
		S("a=rtpmap:96 %s/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n", o.video_codec);
		S("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n");
		S("a=ssrc-group:FID %u %u\r\na=ssrc:%u cname:sl%d\r\na=ssrc:%u cname:sl%d\r\n", c->v.ssrc, c->v.ssrc + 1, c->v.ssrc, c->idx, c->v.ssrc + 1, c->idx);
	}
	if (o.data) S("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:%d\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n", pc_sdp_transport(c->pc, "actpass"), k++);
	return sb;
}
static const char *answer_sdp(client *c, const sdp_t *r)
{
	sbn = 0; int first = 1;
	S("v=0\r\no=- %u 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", (unsigned)(rnd64() >> 34));
	for (int i = 0; i < r->nm; i++) if (r->m[i].kind != 'd') S(" %s", r->m[i].mid);
	S("\r\na=msid-semantic: WMS *\r\n");
	for (int i = 0; i < r->nm; i++) {
		const msec_t *m = &r->m[i]; int rtx = o.rtx && m->rtxpt >= 0;
		if (m->kind == 'd') { S("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive\r\n", m->mid); continue; }
		S("m=%s 9 UDP/TLS/RTP/SAVPF %d", m->kind == 'a' ? "audio" : "video", m->pt);
		if (rtx) S(" %d", m->rtxpt);
		S("\r\nc=IN IP4 0.0.0.0\r\n%s", pc_sdp_transport(c->pc, "active"));
		if (first && !o.trickle) S("a=%s\r\na=end-of-candidates\r\n", pc_candidate(c->pc));
		first = 0;
		S("a=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", m->mid, (m->dir & 1) ? "recvonly" : "inactive");
		if (m->ext_mid) S("a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", m->ext_mid);
		if (m->ext_al) S("a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", m->ext_al);
		if (m->ext_abs) S("a=extmap:%d http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n", m->ext_abs);
		if (m->kind == 'a') S("a=rtpmap:%d %s/%d/2\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n", m->pt, *m->codec ? m->codec : "opus", m->clock ? m->clock : 48000, m->pt);
		else {
			S("a=rtpmap:%d %s/90000\r\na=rtcp-fb:%d goog-remb\r\na=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n", m->pt, *m->codec ? m->codec : "VP8", m->pt, m->pt, m->pt, m->pt);
			if (rtx) S("a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", m->rtxpt, m->rtxpt, m->pt);
		}
	}
	return sb;
}

/* ------------------------------------------------------------------ RTP out */
static int build_rtp(client *c, track *t, uint8_t *b, int payload, int marker, int first, int key)
{
	uint8_t *p = b; b[0] = 0x90; b[1] = t->pt | (marker ? 0x80 : 0); put16(b + 2, t->seq); put32(b + 4, t->ts); put32(b + 8, t->ssrc);
	p = b + 16; int ml = strlen(t->mid);
	if (t->x_mid && ml) { *p++ = t->x_mid << 4 | (ml - 1); memcpy(p, t->mid, ml); p += ml; }
	if (t->x_abs) { uint64_t ms = real_ns() / 1000; uint32_t a = (uint32_t)(((ms % 64000000) << 18) / 1000000); *p++ = t->x_abs << 4 | 2; *p++ = a >> 16; *p++ = a >> 8; *p++ = a; }
	if (t->x_twcc) { *p++ = t->x_twcc << 4 | 1; put16(p, c->twcc_seq++); p += 2; }
	if (t->x_al && t->kind == 'a') { *p++ = t->x_al << 4; *p++ = 0x80 | 30; }
	int xl = p - (b + 16);
	if (!xl) { b[0] = 0x80; p = b + 12; }
	else { while (xl % 4) { *p++ = 0; xl++; } put16(b + 12, 0xBEDE); put16(b + 14, xl / 4); }
	memset(p, 0, PL_OFF);
	if (t->kind == 'v') {
		p[0] = 0x80 | (first ? 0x10 : 0); p[1] = 0xE0; p[2] = 0x80 | (t->picid >> 8 & 0x7f); p[3] = t->picid; p[4] = t->tl0; p[5] = 0x20;
		if (first) { p[6] = key ? 0x10 : 0x11; p[7] = 2; if (key) { p[9] = 0x9d; p[10] = 0x01; p[11] = 0x2a; p[12] = 0x80; p[13] = 0x02; p[14] = 0x68; p[15] = 0x01; } }
	} else p[0] = 0x78;
	stamp_t s = { MAGIC, (uint32_t)c->idx, t->counter, real_ns(), (uint32_t)t->kind, (uint32_t)payload };
	memcpy(p + PL_OFF, &s, sizeof s);
	int body = payload - PL_OFF - (int)sizeof s;
	if (body > 0) memcpy(p + PL_OFF + sizeof s, pool + ((t->counter * 8 + c->idx * 104) % (POOL - 1600)), body);
	return p - b + payload;
}
static void send_frame(client *c, track *t, int npk, int payload, int key)
{
	uint8_t *bp[64]; int bn[64], k = 0;
	for (int i = 0; i < npk && k < 64; i++) {
		sent_t *r = &t->ring[t->seq % RING];
		int n = build_rtp(c, t, r->d, payload, i == npk - 1 && t->kind == 'v', i == 0, key);
		if (pc_protect(c->pc, r->d, &n)) { fail_client(c, "srtp_protect failed"); return; }
		r->n = n; r->seq = t->seq; t->seq++; t->counter++; t->pkts++; t->bytes += payload;
		if (o.up_drop > 0 && (rnd64() % 1000000) < o.up_drop * 10000) { c->updropped++; continue; }
		bp[k] = r->d; bn[k++] = n;
	}
	int s = pc_send_batch(c->pc, bp, bn, k);
	if (phase == PH_STEADY) { W.sent += s; for (int i = 0; i < s; i++) W.sent_bytes += bn[i]; }
}
static void send_sr(client *c, track *t)
{
	uint8_t b[256]; uint64_t r = real_ns(); uint64_t sec = r / 1000000000ull + 2208988800ull, fr = ((r % 1000000000ull) << 32) / 1000000000ull;
	b[0] = 0x80; b[1] = 200; put16(b + 2, 6); put32(b + 4, t->ssrc); put32(b + 8, sec); put32(b + 12, fr); put32(b + 16, t->ts); put32(b + 20, t->pkts); put32(b + 24, t->bytes);
	b[28] = 0x81; b[29] = 202; put16(b + 30, 3); put32(b + 32, t->ssrc); b[36] = 1; b[37] = 4; memcpy(b + 38, "slod", 4); b[42] = b[43] = 0;
	pc_send_rtcp(c->pc, b, 44);
}
static uint64_t next_pub_deadline = ~0ull;
static int pub_due(client *c, uint64_t now)
{
	if (c->state < S_UP || c->state >= S_FAILED || o.nomedia || phase >= PH_DRAIN) return 0;
	if (c->v.on && now >= c->next_frame) {
		if (phase == PH_STEADY) hist_add(&h_pub_late, now - c->next_frame);
		c->v.acc += o.vkbps * 1000.0 / 8 / o.vpkt / o.fps; int n = (int)c->v.acc; if (n < 1) n = 1; c->v.acc -= n; if (c->v.acc < -1) c->v.acc = -1;
		int key = c->v.want_key || !c->v.frames || (o.keyint && c->v.frames % o.keyint == 0); c->v.want_key = 0;
		c->v.ts += 90000 / o.fps; c->v.picid = (c->v.picid + 1) & 0x7fff; c->v.tl0++; c->v.frames++;
		send_frame(c, &c->v, n, o.vpkt, key);
		c->next_frame += 1000000000ull / o.fps; if (now > c->next_frame + 500000000ull) { c->next_frame = now; W.late++; }
	}
	if (c->a.on && now >= c->next_audio) {
		c->a.ts += 960; send_frame(c, &c->a, 1, o.asize, 0);
		c->next_audio += 20000000ull; if (now > c->next_audio + 500000000ull) { c->next_audio = now; W.late++; }
	}
	return 1;
}
static void run_publishers(uint64_t now)
{
	uint64_t nd = ~0ull;
	for (int i = 0; i < npub; i++) {
		client *c = pubs_at(i);
		if (!pub_due(c, now)) continue;
		if (c->v.on && c->next_frame < nd) nd = c->next_frame;
		if (c->a.on && c->next_audio < nd) nd = c->next_audio;
	}
	next_pub_deadline = nd;
}

/* ------------------------------------------------------------------ RTCP out (subscriber) */
static void send_pli(client *c, uint32_t media)
{
	uint8_t b[128]; b[0] = 0x80; b[1] = 201; put16(b + 2, 1); put32(b + 4, c->my_ssrc);
	b[8] = 0x81; b[9] = 206; put16(b + 10, 2); put32(b + 12, c->my_ssrc); put32(b + 16, media);
	pc_send_rtcp(c->pc, b, 20);
}
/* One receiver report per stream, as browsers send them (video every second, audio every five).
 * --rtt makes the report claim that round-trip time: servers size their retransmission buffers
 * from it, and a loopback round trip would read as zero. */
static void send_rr(client *c, uint64_t now)
{
	for (int i = 0; i < c->nst; i++) {
		rstream *s = &c->st[i]; if (!s->seen || now < s->next_rr) continue;
		s->next_rr = now + (s->kind == 'v' || !s->lsr ? 1000000000ull : 5000000000ull) - 10000000;
		uint64_t ext = (uint64_t)s->cycles + s->maxseq, exp = ext - s->base_ext + 1; int64_t lost = (int64_t)exp - (int64_t)s->rx_rtp; if (lost < 0) lost = 0; if (lost > 0x7fffff) lost = 0x7fffff;
		uint64_t de = exp - s->exp_prior, dr = s->rx_rtp - s->rx_prior; int fr = de && de > dr ? (int)(((de - dr) << 8) / de) : 0; if (fr > 255) fr = 255;
		s->exp_prior = exp; s->rx_prior = s->rx_rtp;
		uint8_t b[256]; uint64_t hold = s->lsr ? now - s->lsr_at : 0, sim = (uint64_t)(o.rtt * 1e6); hold = hold > sim ? hold - sim : 0;
		b[0] = 0x81; b[1] = 201; put16(b + 2, 7); put32(b + 4, c->my_ssrc); put32(b + 8, s->ssrc);
		put32(b + 12, (uint32_t)fr << 24 | (uint32_t)lost); put32(b + 16, (uint32_t)ext); put32(b + 20, (uint32_t)s->jitter);
		put32(b + 24, s->lsr); put32(b + 28, s->lsr ? (uint32_t)(hold * 65536 / 1000000000ull) : 0);
		pc_send_rtcp(c->pc, b, 32);
	}
}
static void send_nacks(client *c, uint64_t now)
{
	for (int i = 0; i < c->nst; i++) {
		rstream *s = &c->st[i]; if (!s->nmiss || s->kind != 'v') continue;
		uint8_t b[1200]; int n = 12, w = 0; uint16_t pid = 0; int have = 0; uint16_t blp = 0;
		for (int k = 0; k < s->nmiss; k++) {
			if (now >= s->miss[k].next && n < 1000) {
				if (s->miss[k].tries >= 10) { s->nack_given_up++; continue; }
				uint16_t q = s->miss[k].seq; s->miss[k].tries++; s->miss[k].next = now + 60000000ull; tot_nack_sent++;
				if (have && (uint16_t)(q - pid) >= 1 && (uint16_t)(q - pid) <= 16) blp |= 1 << ((uint16_t)(q - pid) - 1);
				else { if (have) { put16(b + n, pid); put16(b + n + 2, blp); n += 4; } pid = q; blp = 0; have = 1; }
			}
			s->miss[w++] = s->miss[k];
		}
		s->nmiss = w;
		if (have) {
			put16(b + n, pid); put16(b + n + 2, blp); n += 4;
			b[0] = 0x81; b[1] = 205; put16(b + 2, n / 4 - 1); put32(b + 4, c->my_ssrc); put32(b + 8, s->ssrc); pc_send_rtcp(c->pc, b, n);
		}
	}
}

/* ------------------------------------------------------------------ media in */
static void note_bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note_bad(const char *fmt, ...)
{
	tot_bad++; rc = 1;
	if (!*first_bad) { va_list ap; va_start(ap, fmt); vsnprintf(first_bad, sizeof first_bad, fmt, ap); va_end(ap); logmsg(0, "INTEGRITY: %s", first_bad); }
}
static int stream_by_ssrc(client *c, uint32_t ssrc)
{
	unsigned h = ssrc * 2654435761u >> 22;
	for (int k = 0; k < 1024; k++, h = (h + 1) & 1023) { int i = c->map[h] - 1; if (i < 0) return -1; if (c->st[i].ssrc == ssrc || c->st[i].rtx_ssrc == ssrc) return i; }
	return -1;
}
static void map_ssrc(client *c, uint32_t ssrc, int i)
{
	unsigned h = ssrc * 2654435761u >> 22;
	for (int k = 0; k < 1024; k++, h = (h + 1) & 1023) if (!c->map[h]) { c->map[h] = i + 1; return; }
}
static void on_rtp(pc_t *pc, void *u, uint8_t *b, int n, uint64_t rx)
{
	client *c = u; if (c->role != SUB) return;
	if (phase == PH_STEADY) { W.rx++; W.rx_bytes += n; }
	tot_rx++;
	if (o.drop > 0 && (rnd64() % 1000000) < o.drop * 10000) { W.dropped++; return; }
	if (pc_unprotect(pc, b, &n)) { tot_unprot++; return; }
	int h = 12 + 4 * (b[0] & 15); uint8_t *midp = NULL; int midl = 0;
	if (b[0] & 0x10) {
		if (n < h + 4) { note_bad("short extension"); return; }
		int xl = 4 * get16(b + h + 2), e = h + 4 + xl; if (e > n) { note_bad("extension past the end"); return; }
		if (get16(b + h) == 0xBEDE) for (int q = h + 4; q < e; ) {
			if (!b[q]) { q++; continue; }
			int id = b[q] >> 4, l = (b[q] & 15) + 1; if (id == 15) break;
			if (id == c->ext_mid) { midp = b + q + 1; midl = l; }
			q += 1 + l;
		}
		h = e;
	}
	if (b[0] & 0x20) { n -= b[n - 1]; }
	uint32_t ssrc = get32(b + 8); int si = stream_by_ssrc(c, ssrc), pt = b[1] & 0x7f; uint16_t seq = get16(b + 2); int rtx = 0;
	if (n - h <= 0) return;            /* padding-only probe */
	if (si < 0 && midp) for (int i = 0; i < c->nst; i++) if ((int)strlen(c->st[i].mid) == midl && !memcmp(c->st[i].mid, midp, midl)) {
		si = i; if (pt == c->st[i].rtxpt) c->st[i].rtx_ssrc = ssrc; else if (!c->st[i].seen) c->st[i].ssrc = ssrc; else { note_bad("SSRC changed mid-stream"); return; }
		map_ssrc(c, ssrc, i); break;
	}
	if (si >= 0 && midp && ((int)strlen(c->st[si].mid) != midl || memcmp(c->st[si].mid, midp, midl))) { bad_map++; note_bad("mid extension does not match the SSRC's m-line"); return; }
	if (si >= 0 && c->st[si].rtxpt >= 0 && pt == c->st[si].rtxpt) { if (n - h < 2) return; rtx = 1; seq = get16(b + h); h += 2; }
	stamp_t s; if (n - h < PL_OFF + (int)sizeof s) { note_bad("payload too short (%d bytes)", n - h); return; }
	memcpy(&s, b + h + PL_OFF, sizeof s);
	if (s.magic != MAGIC || s.pub >= (uint32_t)npub) { tot_foreign++; note_bad("payload stamp missing"); return; }
	if ((int)s.size != n - h) { note_bad("payload length %d, sent %u", n - h, s.size); return; }
	int body = n - h - PL_OFF - (int)sizeof s;
	if (body > 0 && memcmp(b + h + PL_OFF + sizeof s, pool + ((s.counter * 8 + s.pub * 104) % (POOL - 1600)), body)) { note_bad("payload bytes differ"); return; }
	if (si < 0) for (int i = 0; i < c->nst; i++) if (!c->st[i].seen && !c->st[i].ssrc && c->st[i].pub == (int)s.pub && c->st[i].kind == (char)s.kind) { si = i; c->st[i].ssrc = ssrc; map_ssrc(c, ssrc, i); break; }
	if (si < 0) { bad_map++; note_bad("packet with unknown SSRC %u (publisher %u %c)", ssrc, s.pub, (char)s.kind); return; }
	rstream *r = &c->st[si];
	if (r->pub != (int)s.pub || r->kind != (char)s.kind) { bad_map++; note_bad("publisher %u %c arrived on the m-line of publisher %d %c", s.pub, (char)s.kind, r->pub, r->kind); return; }
	if (!rtx && pt != r->pt) { bad_pt++; note_bad("payload type %d, negotiated %d", pt, r->pt); return; }
	uint64_t now = mono_ns();
	if (!r->seen) {
		r->seen = 1; c->nseen++; r->c_first = r->c_max = s.counter; r->seqoff = seq - (uint16_t)s.counter; r->maxseq = seq; r->base_ext = seq; r->bm[(s.counter % WIN) / 64] |= 1ull << (s.counter % 64); r->uniq = 1; r->rx_rtp = 1;
		if (!c->t_media) { c->t_media = now; hist_add(&h_join, now - c->t_attach); c->state = S_MEDIA; n_media++; }
		if (c->nseen == c->nst && n_media == nsub && !t_subs_all) {
			int all = 1; for (int i = npub; i < ncl; i++) if (cl[i].nseen < cl[i].nst) { all = 0; break; }
			if (all) t_subs_all = now;
		}
	} else {
		if ((uint16_t)(seq - (uint16_t)s.counter) != r->seqoff) { note_bad("RTP sequence rewritten inconsistently: counter %llu seq %u offset %u expected %u", (unsigned long long)s.counter, seq, (uint16_t)(seq - (uint16_t)s.counter), r->seqoff); r->seqoff = seq - (uint16_t)s.counter; }
		if (s.counter > r->c_max) {
			uint64_t gap = s.counter - r->c_max;
			if (gap >= WIN) memset(r->bm, 0, sizeof r->bm);
			else for (uint64_t k = r->c_max + 1; k <= s.counter; k++) r->bm[(k % WIN) / 64] &= ~(1ull << (k % 64));
			if (o.drop > 0 || o.up_drop > 0) for (uint64_t k = r->c_max + 1; k < s.counter && r->nmiss < 512; k++) { r->miss[r->nmiss].seq = (uint16_t)((uint16_t)k + r->seqoff); r->miss[r->nmiss].tries = 0; r->miss[r->nmiss++].next = now + (o.up_drop > 0 ? 30000000 : 0); }
			r->c_max = s.counter;
			if ((uint16_t)(seq - r->maxseq) < 0x8000) { if (seq < r->maxseq) r->cycles += 65536; r->maxseq = seq; }
			if (r->bm[(s.counter % WIN) / 64] >> (s.counter % 64) & 1) r->dup++;
			else { r->bm[(s.counter % WIN) / 64] |= 1ull << (s.counter % 64); r->uniq++; }
			r->rx_rtp++;
		} else {
			uint64_t *w = &r->bm[(s.counter % WIN) / 64], bit = 1ull << (s.counter % 64);
			if (s.counter < r->c_first) { return; }
			if (r->c_max - s.counter >= WIN || (*w & bit)) { r->dup++; return; }
			*w |= bit; r->uniq++; r->rx_rtp++;
			int was = 0; for (int k = 0; k < r->nmiss; k++) if (r->miss[k].seq == seq) { was = r->miss[k].tries > 0; r->miss[k] = r->miss[--r->nmiss]; break; }
			if (was || rtx) { tot_recovered++; r->rtxd++; if (phase == PH_STEADY) hist_add(&h_rtxdelay, rx > s.ts ? rx - s.ts : 0); return; }
			r->reord++;
		}
	}
	int64_t tr = (int64_t)(rx / 1000) * (r->kind == 'v' ? 90 : 48) / 1000 - get32(b + 4);
	if (r->transit) { int64_t d = (int32_t)(tr - r->transit); if (d < 0) d = -d; if (d < 450000) r->jitter += (d - r->jitter) / 16; }
	r->transit = tr;
	if (phase == PH_STEADY) {
		uint64_t d = rx > s.ts ? rx - s.ts : 0;
		hist_add(&h_delay, d); hist_add(r->kind == 'v' ? &h_delay_v : &h_delay_a, d);
		if (r->last_rx && now - r->last_rx > r->maxgap_ns) r->maxgap_ns = now - r->last_rx;
		r->last_rx = now;
	}
}
static void on_rtcp(pc_t *pc, void *u, uint8_t *b, int n)
{
	client *c = u; (void)pc; W.rtcp_in++;
	while (n >= 8) {
		int l = 4 + 4 * get16(b + 2), f = b[0] & 31; if (l > n) break;
		if (b[1] == 200 && l >= 28) {
			tot_sr++;
			if (c->role == SUB) { int si = stream_by_ssrc(c, get32(b + 4)); if (si >= 0) { c->st[si].lsr = get32(b + 8) << 16 | get32(b + 12) >> 16; c->st[si].lsr_at = mono_ns(); } }
		}
		else if (b[1] == 206 && (f == 1 || f == 4) && c->role == PUB) { c->plis_in++; c->v.want_key = 1; }
		else if (b[1] == 205 && f == 1 && c->role == PUB && l >= 16) {
			track *t = get32(b + 8) == c->v.ssrc ? &c->v : get32(b + 8) == c->a.ssrc ? &c->a : NULL;
			for (int q = 12; t && t->ring && q + 4 <= l; q += 4) {
				uint16_t pid = get16(b + q), blp = get16(b + q + 2);
				for (int k = -1; k < 16; k++) {
					if (k >= 0 && !(blp >> k & 1)) continue;
					uint16_t sq = pid + 1 + k; sent_t *r = &t->ring[sq % RING]; c->nacks_in++;
					if (r->seq == sq && r->n) { uint8_t *bp = r->d; int bn = r->n; pc_send_batch(c->pc, &bp, &bn, 1); c->rtx_out++; }
				}
			}
		}
		b += l; n -= l;
	}
}
static void on_pc_up(pc_t *pc, void *u)
{
	client *c = u; if (c->state == S_FAILED) return;
	c->t_up = mono_ns(); c->state = S_UP; n_up++;
	hist_add(&h_iceup, pc_ice_up_ns(pc) - c->t_attach); hist_add(&h_dtls, pc_dtls_up_ns(pc) - pc_ice_up_ns(pc));
	uint64_t now = c->t_up;
	if (c->role == PUB) {
		hist_add(&h_pubjoin, now - c->t_attach);
		c->next_frame = now + rnd64() % (1000000000ull / o.fps); c->next_audio = now + rnd64() % 20000000ull;
		if (next_pub_deadline > now) next_pub_deadline = now;
	} else {
		for (int i = 0; i < c->nst; i++) if (c->st[i].kind == 'v' && c->st[i].ssrc) { send_pli(c, c->st[i].ssrc); break; }
		if (o.nomedia) { c->state = S_MEDIA; n_media++; hist_add(&h_join, now - c->t_attach); if (n_media == nsub) t_subs_all = now; }
	}
	c->next_rr = now + 200000000ull + rnd64() % 1000000000ull;
}
static void on_pc_fail(pc_t *pc, void *u, const char *why) { (void)pc; fail_client(u, "%s", why); }
static const pc_cb PCB = { on_pc_up, on_rtp, on_rtcp, on_pc_fail };

/* ------------------------------------------------------------------ Janus client state machine */
static json_int_t J(json_t *j, const char *k) { return json_integer_value(json_object_get(j, k)); }
static const char *JS(json_t *j, const char *k) { const char *s = json_string_value(json_object_get(j, k)); return s ? s : ""; }
static int admin_next, admin_closing;
static void admin_step(void)
{
	if (admin_next < o.rooms) {
		json_t *b = json_pack("{s:s,s:i,s:b,s:i,s:i,s:s,s:s,s:s,s:b,s:b,s:i}", "request", admin_closing ? "destroy" : "create", "room", o.room + admin_next, "permanent", 0,
			"publishers", o.pubs + 2, "bitrate", o.bitrate ? o.bitrate : o.vkbps * 4000, "audiocodec", "opus", "videocodec", "vp8", "description", "load test",
			"notify_joining", 0, "audiolevel_event", 0, "fir_freq", 0);
		if (o.room_threads) json_object_set_new(b, "threads", json_integer(o.room_threads));
		if (o.admin_key) json_object_set_new(b, "admin_key", json_string(o.admin_key));
		if (o.secret) json_object_set_new(b, "secret", json_string(o.secret));
		if (admin_closing) { json_object_del(b, "publishers"); json_object_del(b, "bitrate"); }
		send_req(&admin, "message", b, NULL, NULL);
	} else if (!admin_closing) { admin.state = S_UP; phase = PH_PUBS; ph_t = mono_ns(); }
	else { admin.state = S_CLOSED; send_req(&admin, "destroy", NULL, NULL, NULL); }
}
static void apply_sdp(client *c, json_t *jsep, int we_offer, sdp_t *r)
{
	const char *s = JS(jsep, "sdp");
	if (sdp_parse(s, r)) { fail_client(c, "cannot use the server's SDP (ufrag/pwd/fingerprint missing)"); return; }
	for (int i = 0; i < r->ncand; i++) pc_remote_cand(c->pc, &r->cand[i]);
	(void)we_offer;
}
static void on_up(void *u)
{
	client *c = u; c->state = S_CREATE; send_req(c, "create", NULL, NULL, NULL);
}
static void on_err(void *u, const char *why) { fail_client(u, "signaling: %s", why); }
static void setup_tracks(client *c, const sdp_t *r)
{
	for (int i = 0; i < r->nm; i++) {
		const msec_t *m = &r->m[i]; track *t = m->kind == 'a' ? &c->a : m->kind == 'v' ? &c->v : NULL;
		if (!t || !m->port || !(m->dir & 2)) { if (t) { fail_client(c, "server rejected our %s m-line", m->kind == 'a' ? "audio" : "video"); return; } continue; }
		t->on = 1; t->kind = m->kind; t->pt = m->pt; snprintf(t->mid, sizeof t->mid, "%s", m->mid);
		t->x_mid = m->ext_mid; t->x_al = m->ext_al; t->x_twcc = m->ext_twcc; t->x_abs = m->ext_abs;
		t->ring = calloc(RING, sizeof *t->ring); t->seq = rnd64() & 0x7fff; t->ts = (uint32_t)rnd64();
	}
}
static void on_msg(void *u, json_t *j)
{
	client *c = u; const char *k = JS(j, "janus"), *t = JS(j, "transaction");
	if (c->state == S_FAILED || c->state == S_CLOSED) return;
	int mine = !strcmp(t, c->trans);
	if (!strcmp(k, "error")) {
		if (!mine && strcmp(t, "tr")) { logmsg(1, "error for another transaction: %s", JS(json_object_get(j, "error"), "reason")); return; }
		fail_client(c, "server error %d: %s", (int)J(json_object_get(j, "error"), "code"), JS(json_object_get(j, "error"), "reason")); return;
	}
	if (!strcmp(k, "ack") || !strcmp(k, "keepalive") || !strcmp(k, "webrtcup") || !strcmp(k, "media") || !strcmp(k, "slowlink")) return;
	if (!strcmp(k, "hangup")) { if (phase < PH_DRAIN) fail_client(c, "server hung up: %s", JS(j, "reason")); return; }
	if (!strcmp(k, "timeout")) { fail_client(c, "session timed out on the server"); return; }
	if (!strcmp(k, "detached")) return;
	if (!strcmp(k, "trickle")) {
		json_t *cs = json_object_get(j, "candidates"), *cd = json_object_get(j, "candidate"), *v; size_t i;
		if (c->pc && cd) pc_remote_cand_str(c->pc, JS(cd, "candidate"));
		if (c->pc && cs) json_array_foreach(cs, i, v) pc_remote_cand_str(c->pc, JS(v, "candidate"));
		return;
	}
	json_t *data = json_object_get(json_object_get(j, "plugindata"), "data"); const char *vr = JS(data, "videoroom");
	if (data && (json_object_get(data, "error_code") || !strcmp(vr, "error"))) {
		if (c->role == ADMIN && admin_closing) { admin_next++; admin_step(); return; }
		fail_client(c, "plugin error %d: %s", (int)J(data, "error_code"), JS(data, "error")); return;
	}
	if (c->state == S_CREATE && mine && !strcmp(k, "success")) {
		c->sid = J(json_object_get(j, "data"), "id"); if (!c->sid) { fail_client(c, "no session id"); return; }
		sig_start_poll(c->sig, c->sid);
		c->state = S_ATTACH; c->t_attach = mono_ns(); c->next_ka = c->t_attach + 20000000000ull; send_req(c, "attach", NULL, NULL, NULL); return;
	}
	if (c->state == S_ATTACH && mine && !strcmp(k, "success")) {
		c->hid = J(json_object_get(j, "data"), "id"); c->state = S_JOIN;
		if (c->role == ADMIN) { admin_step(); return; }
		char nm[32]; snprintf(nm, sizeof nm, "p%d", c->idx); json_t *b;
		if (c->role == PUB) b = json_pack("{s:s,s:s,s:i,s:s}", "request", "join", "ptype", "publisher", "room", c->room, "display", nm);
		else {
			json_t *a = json_array(); int first = (c->room - o.room) * o.pubs;
			for (int i = 0; i < o.pubs; i++) { if (o.mesh && (c->idx - npub) % o.subs == i) continue; if (cl[first + i].state >= S_UP && cl[first + i].state < S_FAILED) json_array_append_new(a, json_pack("{s:I}", "feed", (json_int_t)cl[first + i].feed)); }
			b = json_pack("{s:s,s:s,s:i,s:o}", "request", "join", "ptype", "subscriber", "room", c->room, "streams", a);
			json_object_set_new(b, "private_id", json_integer(cl[first].priv));
		}
		send_req(c, "message", b, NULL, NULL); return;
	}
	if (c->role == ADMIN) {
		if (mine && (!strcmp(vr, "created") || !strcmp(vr, "destroyed"))) { admin_next++; admin_step(); }
		return;
	}
	if (c->role == PUB && c->state == S_JOIN && !strcmp(vr, "joined")) {
		c->feed = J(data, "id"); c->priv = J(data, "private_id"); if (!c->feed) { fail_client(c, "joined without a feed id"); return; }
		c->pc = pc_new(c, &PCB); c->state = S_NEGO;
		json_t *b = json_pack("{s:s,s:b,s:b}", "request", "publish", "audio", o.audio, "video", o.video);
		send_req(c, "message", b, "offer", offer_sdp(c)); send_trickle(c); return;
	}
	static sdp_t r; json_t *jsep = json_object_get(j, "jsep");
	if (c->role == PUB && c->state == S_NEGO && jsep) {
		apply_sdp(c, jsep, 1, &r); if (c->state == S_FAILED) return;
		setup_tracks(c, &r); if (c->state == S_FAILED) return;
		c->state = S_ICE; pc_remote(c->pc, r.ufrag, r.pwd, r.fp, r.setup, r.lite, 1); return;
	}
	if (c->role == SUB && c->state == S_JOIN && !strcmp(vr, "attached")) {
		if (!jsep) { fail_client(c, "attached without an offer"); return; }
		c->pc = pc_new(c, &PCB); apply_sdp(c, jsep, 0, &r); if (c->state == S_FAILED) return;
		json_t *ss = json_object_get(data, "streams"), *v; size_t i;
		c->st = calloc(r.nm, sizeof *c->st);
		for (int m = 0; m < r.nm; m++) {
			if (r.m[m].kind == 'd' || !(r.m[m].dir & 1)) continue;
			rstream *s = &c->st[c->nst]; s->pub = -1; s->kind = r.m[m].kind; s->pt = r.m[m].pt; s->rtxpt = o.rtx ? r.m[m].rtxpt : -1; snprintf(s->mid, sizeof s->mid, "%s", r.m[m].mid);
			if (r.m[m].ext_mid) c->ext_mid = r.m[m].ext_mid;
			json_array_foreach(ss, i, v) if (!strcmp(JS(v, "mid"), r.m[m].mid)) {
				json_int_t f = J(v, "feed_id");
				for (int p = 0; p < npub; p++) if ((json_int_t)cl[p].feed == f) s->pub = p;
			}
			if (s->pub < 0) { fail_client(c, "m-line %s has no known feed_id in 'streams'", r.m[m].mid); return; }
			s->ssrc = r.m[m].ssrc; s->rtx_ssrc = r.m[m].rtx_ssrc;
			if (s->ssrc) map_ssrc(c, s->ssrc, c->nst);
			if (s->rtx_ssrc) map_ssrc(c, s->rtx_ssrc, c->nst);
			c->nst++;
		}
		int want = (o.pubs - (o.mesh ? 1 : 0)) * (o.audio + o.video);
		if (c->nst != want) { fail_client(c, "offer has %d streams, expected %d", c->nst, want); return; }
		c->state = S_NEGO;
		json_t *b = json_pack("{s:s}", "request", "start");
		send_req(c, "message", b, "answer", answer_sdp(c, &r)); send_trickle(c);
		c->state = S_ICE; pc_remote(c->pc, r.ufrag, r.pwd, r.fp, r.setup, r.lite, 0);
	}
}
static const sig_cb SCB = { on_up, on_msg, on_err };

static void start_client(client *c)
{
	c->started = 1; c->state = S_CONNECT; c->t_start = mono_ns(); n_started++;
	c->sig = sig_open(o.http ? o.http : o.url, c, &SCB);
}

/* ------------------------------------------------------------------ periodic work */
static void tick(uint64_t now)
{
	if (admin.sid && admin.state == S_UP && now >= admin.next_ka && !sig_is_http(admin.sig)) {
		admin.next_ka = now + 25000000000ull;
		sig_send(admin.sig, json_pack("{s:s,s:s,s:I}", "janus", "keepalive", "transaction", "ka", "session_id", (json_int_t)admin.sid));
	}
	for (int i = 0; i < ncl; i++) {
		client *c = &cl[i]; if (!c->started || c->state == S_FAILED || c->state == S_CLOSED) continue;
		if (c->pc) {
			pc_tick(c->pc, now);
			if (pc_is_up(c->pc)) {
				if (now >= c->next_rr && phase < PH_TEAR) {
					c->next_rr = now + (c->role == SUB ? 100000000ull : 1000000000ull);
					if (c->role == SUB) send_rr(c, now);
					else if (!o.nomedia) { if (c->v.on && c->v.pkts) send_sr(c, &c->v); if (c->a.on && c->a.pkts) send_sr(c, &c->a); }
				}
				if (c->role == SUB && (o.drop > 0 || o.up_drop > 0)) send_nacks(c, now);
			}
		}
		if (c->sid && now >= c->next_ka && !sig_is_http(c->sig)) {
			c->next_ka = now + 25000000000ull;
			json_t *k = json_pack("{s:s,s:s,s:I}", "janus", "keepalive", "transaction", "ka", "session_id", (json_int_t)c->sid); sig_send(c->sig, k);
		}
	}
}
static int start_some(int from, int to, int done_state)
{
	int inflight = 0, done = 0, failed = 0, left = 0;
	for (int i = from; i < to; i++) {
		client *c = &cl[i];
		if (c->state == S_FAILED) failed++; else if (!c->started) left++; else if (c->state >= done_state) done++; else inflight++;
	}
	int par = o.storm ? 1 << 30 : o.join_par;
	for (int i = from; i < to && left && inflight < par; i++) if (!cl[i].started) { start_client(&cl[i]); inflight++; left--; }
	return !left && !inflight;
}
static void stop_phase(int p, uint64_t now) { phase = p; ph_t = now; }

static void control(uint64_t now)
{
	double el = (now - ph_t) / 1e9;
	if (stop_flag && phase < PH_DRAIN) {
		if (phase == PH_STEADY) { pstat_read(o.pid, &ps_w1); getrusage(RUSAGE_SELF, &ru1); }
		stop_phase(PH_DRAIN, now); return;
	}
	switch (phase) {
	case PH_ADMIN: if (el > o.join_timeout) fail_client(&admin, "timeout"); break;
	case PH_PUBS:
		if (start_some(0, npub, S_UP)) {
			if (!t_pubs) t_pubs = now;
			if ((now - t_pubs) / 1e9 < o.settle) break;
			 pstat_read(o.pid, &ps_pub); logmsg(1, "%d/%d publishers up", n_up, npub); stop_phase(PH_SUBS, now); t_subs0 = now; rx_at_sub0 = tot_rx; }
		else if (el > o.join_timeout) { for (int i = 0; i < npub; i++) if (cl[i].state < S_UP) fail_client(&cl[i], "join timeout (%s)", pc_state(cl[i].pc)); }
		break;
	case PH_SUBS: {
		int fin = start_some(npub, ncl, S_MEDIA);
		if (nsub && fin && n_media == nsub && !t_subs_all && el < o.join_timeout && !o.nomedia) break;  /* wait for every stream of every subscriber */
		if (fin) {
			if (!t_subs_all) { t_subs_all = now; if (nsub && n_media == nsub && !o.nomedia) { int miss = 0; for (int i = npub; i < ncl; i++) miss += cl[i].nst - cl[i].nseen; logmsg(0, "FAILED: %d subscribed streams never delivered a packet", miss); rc = 1; } }
			pstat_read(o.pid, &ps_sub); rx_at_suball = tot_rx;
			logmsg(1, "%d/%d subscribers with media after %.3f s", n_media, nsub, (t_subs_all - t_subs0) / 1e9);
			stop_phase(PH_WARM, now);
		} else if (el > o.join_timeout) for (int i = npub; i < ncl; i++) if (cl[i].state < S_MEDIA) fail_client(&cl[i], "join timeout (%s)", pc_state(cl[i].pc));
		break; }
	case PH_WARM:
		if (el >= o.warmup) { memset(&W, 0, sizeof W); rxq_w0 = g_rxq_drops; pstat_read(o.pid, &ps_w0); getrusage(RUSAGE_SELF, &ru0); stop_phase(PH_STEADY, mono_ns()); }
		break;
	case PH_STEADY:
		if (el >= o.duration) { pstat_read(o.pid, &ps_w1); getrusage(RUSAGE_SELF, &ru1); stop_phase(PH_DRAIN, mono_ns()); }
		break;
	case PH_DRAIN:
		if (el >= (o.drop > 0 || o.up_drop > 0 ? 1.0 : 0.4)) {
			stop_phase(PH_TEAR, now);
			for (int i = 0; i < ncl; i++) {
				client *c = &cl[i];
				if (c->sig && c->sid && c->state != S_FAILED && !o.keep) send_req(c, "destroy", NULL, NULL, NULL);
			}
			if (admin.state == S_UP && !o.keep) { admin_closing = 1; admin_next = 0; admin_step(); }
		}
		break;
	case PH_TEAR:
		if (el > (o.keep ? 0.1 : 2.0) || (el > 0.7 && admin.state == S_CLOSED)) stop_phase(PH_END, now);
		break;
	}
}

/* ------------------------------------------------------------------ event loop */
static void loop_once(uint64_t *next_tick)
{
	static struct epoll_event ev[256];
	uint64_t now = mono_ns(), dl = *next_tick < next_pub_deadline ? *next_tick : next_pub_deadline;
	struct timespec ts = { 0, 0 };
	if (dl > now) { uint64_t d = dl - now; ts.tv_sec = d / 1000000000ull; ts.tv_nsec = d % 1000000000ull; }
	int n = epoll_pwait2(g_ep, ev, 256, &ts, NULL);
	for (int i = 0; i < n; i++) {
		evsrc *e = ev[i].data.ptr; if (e->fd < 0) continue;
		if (e->kind == EV_UDP) pc_input(e->owner); else sig_event(e, ev[i].events);
		if ((i & 15) == 15) { now = mono_ns(); if (now >= next_pub_deadline) run_publishers(now); }
	}
	now = mono_ns();
	if (now >= next_pub_deadline) run_publishers(now);
	if (now >= *next_tick) { *next_tick = now + 5000000; tick(now); control(now); }
}
int ev_add(evsrc *e, uint32_t events) { struct epoll_event ev = { .events = events, .data.ptr = e }; return epoll_ctl(g_ep, EPOLL_CTL_ADD, e->fd, &ev); }
int ev_mod(evsrc *e, uint32_t events) { struct epoll_event ev = { .events = events, .data.ptr = e }; return epoll_ctl(g_ep, EPOLL_CTL_MOD, e->fd, &ev); }

/* ------------------------------------------------------------------ signaling-rate mode */
typedef struct { chan_t *sig; int state, outst; uint64_t done, ntr; int up; } sconn;
typedef struct { int st; sconn *c; uint64_t sid, hid; char tr[16]; } flow;
static flow *flows; static uint64_t sr_done, sr_err; static int sr_stop, sr_dead;
static void flow_send(flow *f)
{
	static const char *op[] = { "create", "attach", "detach", "destroy" };
	json_t *j = json_pack("{s:s,s:s}", "janus", op[f->st], "transaction", f->tr);
	if (f->st) json_object_set_new(j, "session_id", json_integer(f->sid));
	if (f->st == 2) json_object_set_new(j, "handle_id", json_integer(f->hid));
	if (f->st == 1) json_object_set_new(j, "plugin", json_string(o.plugin));
	sig_send(f->c->sig, j);
}
static void sr_up(void *u) { ((sconn *)u)->up = 1; }
static void sr_errcb(void *u, const char *w) { (void)u; if (!sr_stop) { logmsg(0, "signaling: %s", w); sr_dead = 1; rc = 1; } }
static void sr_msg(void *u, json_t *j)
{
	(void)u; const char *t = JS(j, "transaction"), *k = JS(j, "janus");
	if (*t != 'f') return;
	flow *f = &flows[atoi(t + 1)];
	if (strcmp(k, "success")) { sr_err++; rc = 1; if (sr_err < 5) logmsg(0, "server error: %s", JS(json_object_get(j, "error"), "reason")); f->st = 0; if (!sr_stop) flow_send(f); return; }
	sr_done++;
	if (f->st == 0) f->sid = J(json_object_get(j, "data"), "id");
	if (f->st == 1) f->hid = J(json_object_get(j, "data"), "id");
	f->st = (f->st + 1) & 3;
	if (!sr_stop || f->st) flow_send(f);
}
static int run_sigrate(void)
{
	static const sig_cb cb = { sr_up, sr_msg, sr_errcb };
	sconn *c = calloc(o.sig_conns, sizeof *c); flows = calloc(o.sigrate, sizeof *flows);
	for (int i = 0; i < o.sig_conns; i++) c[i].sig = sig_open(o.http ? o.http : o.url, &c[i], &cb);
	/* one HTTP connection pair per flow would be needed for HTTP; WebSocket carries many flows on one connection */
	uint64_t t0 = mono_ns(), t1 = 0, d0 = 0; int st = 0; pstat_t a = { 0 }, b = { 0 };
	while (!sr_dead) {
		struct epoll_event ev[64]; int n = epoll_wait(g_ep, ev, 64, 50);
		for (int i = 0; i < n; i++) { evsrc *e = ev[i].data.ptr; if (e->fd >= 0) sig_event(e, ev[i].events); }
		uint64_t now = mono_ns(); double el = (now - t0) / 1e9;
		if (st == 0) {
			int up = 0; for (int i = 0; i < o.sig_conns; i++) up += c[i].up;
			if (up == o.sig_conns) { st = 1; t0 = now; for (int i = 0; i < o.sigrate; i++) { flows[i].c = &c[i % o.sig_conns]; snprintf(flows[i].tr, sizeof flows[i].tr, "f%d", i); flow_send(&flows[i]); } }
			else if (el > o.join_timeout) { logmsg(0, "signaling connections did not open"); return 1; }
		} else if (st == 1 && el > o.warmup) { st = 2; d0 = sr_done; t0 = now; pstat_read(o.pid, &a); }
		else if (st == 2 && el > o.duration) { st = 3; t1 = now; d0 = sr_done - d0; pstat_read(o.pid, &b); sr_stop = 1; double w = (t1 - t0) / 1e9, cpu = b.user + b.sys - a.user - a.sys;
			json_t *J = json_pack("{s:s,s:s,s:i,s:i,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:I,s:I}", "mode", "sigrate", "label", o.label, "flows", o.sigrate, "connections", o.sig_conns,
				"transactions", (json_int_t)d0, "errors", (json_int_t)sr_err, "seconds", w, "transactions_per_s", d0 / w, "server_cpu_s", cpu,
				"transactions_per_cpu_s", cpu > 0 ? d0 / cpu : 0, "cpu_us_per_transaction", d0 ? cpu * 1e6 / d0 : 0, "rss_start_kb", (json_int_t)a.rss_kb, "rss_end_kb", (json_int_t)b.rss_kb);
			char *s = json_dumps(J, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6)); puts(s);
			if (o.json) { FILE *f = fopen(o.json, "w"); if (f) { fprintf(f, "%s\n", s); fclose(f); } }
			t0 = now;
		} else if (st == 3 && el > 1) break;
	}
	return rc;
}

/* ------------------------------------------------------------------ report */
static double cpu(const pstat_t *a, const pstat_t *b) { if (!a->ok || !b->ok) return 0; return b->user + b->sys - a->user - a->sys; }
static void report(double win)
{
	uint64_t lost = 0, tail = 0, dup = 0, reord = 0, uniq = 0, plis = 0, nacks = 0, rtxo = 0, upd = 0, giveup = 0, maxgap = 0; int streams = 0, silent = 0;
	for (int i = npub; i < ncl; i++) for (int k = 0; k < cl[i].nst; k++) {
		rstream *s = &cl[i].st[k]; streams++; if (!s->seen) { silent++; continue; }
		track *t = s->kind == 'v' ? &cl[s->pub].v : &cl[s->pub].a;
		uint64_t exp = s->c_max - s->c_first + 1; lost += exp - s->uniq; tail += t->counter - 1 - s->c_max; dup += s->dup; reord += s->reord; uniq += s->uniq; giveup += s->nack_given_up; if (s->maxgap_ns > maxgap) maxgap = s->maxgap_ns;
	}
	for (int i = 0; i < npub; i++) { plis += cl[i].plis_in; nacks += cl[i].nacks_in; rtxo += cl[i].rtx_out; upd += cl[i].updropped; }
	if (n_media == nsub && nsub && !o.nomedia && silent) rc = 1;
	double wcpu = cpu(&ps_w0, &ps_w1), jcpu = cpu(&ps_pub, &ps_sub); uint64_t fwd = W.rx;
	double per = fwd ? wcpu * 1e6 / fwd : 0; double jpk = (double)(rx_at_suball - rx_at_sub0);
	double gen = !ru1.ru_maxrss ? 0 : (ru1.ru_utime.tv_sec - ru0.ru_utime.tv_sec) + (ru1.ru_stime.tv_sec - ru0.ru_stime.tv_sec) + (ru1.ru_utime.tv_usec - ru0.ru_utime.tv_usec + ru1.ru_stime.tv_usec - ru0.ru_stime.tv_usec) / 1e6;
	if (lost && o.drop <= 0 && o.up_drop <= 0 && g_rxq_drops == 0 && lost > uniq / 1000) rc = rc ? rc : 3;
	json_t *R = json_object();
	json_object_set_new(R, "label", json_string(o.label)); json_object_set_new(R, "ok", json_boolean(rc == 0));
	json_object_set_new(R, "scenario", json_pack("{s:i,s:i,s:i,s:b,s:i,s:i,s:b,s:b,s:f,s:f,s:f,s:i,s:b}", "rooms", o.rooms, "publishers_per_room", o.pubs, "subscribers_per_room", o.subs, "mesh", o.mesh,
		"video_kbps", o.vkbps, "video_pkt", o.vpkt, "audio", o.audio, "video", o.video, "drop_pct", o.drop, "claimed_rtt_ms", o.rtt, "uplink_drop_pct", o.up_drop, "room_threads", o.room_threads, "rtx", o.rtx));
	json_object_set_new(R, "signaling", json_string(o.http ? "http" : "ws")); json_object_set_new(R, "srtp_profile", json_string(npub ? pc_profile(cl[0].pc) : "none"));
	json_object_set_new(R, "sessions", json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "started", n_started, "pc_up", n_up, "subscribers_with_media", n_media, "subscribers", nsub, "failed", n_failed, "streams", streams, "streams_silent", silent));
	json_object_set_new(R, "window", json_pack("{s:f,s:I,s:f,s:f,s:I,s:f,s:f,s:f}", "seconds", win, "forwarded_packets", (json_int_t)fwd, "forwarded_pps", fwd / win, "forwarded_mbps", W.rx_bytes * 8 / win / 1e6,
		"published_packets", (json_int_t)W.sent, "published_pps", W.sent / win, "fanout", W.sent ? (double)fwd / W.sent : 0, "generator_cpu_s", gen));
	if (ps_w1.ok) json_object_set_new(R, "server", json_pack("{s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:f,s:f,s:I}", "cpu_user_s", ps_w1.user - ps_w0.user, "cpu_sys_s", ps_w1.sys - ps_w0.sys, "cpu_s", wcpu, "cpu_cores", wcpu / win,
		"cpu_us_per_forwarded_packet", per, "rss_start_kb", (json_int_t)ps_start.rss_kb, "rss_publishers_kb", (json_int_t)ps_pub.rss_kb, "rss_joined_kb", (json_int_t)ps_sub.rss_kb, "rss_end_kb", (json_int_t)ps_w1.rss_kb, "rss_peak_kb", (json_int_t)ps_end.hwm_kb,
		"threads", (int)ps_w1.threads, "fds", ps_w1.fds, "ctxsw_per_s", (double)(ps_w1.vctx + ps_w1.nvctx - ps_w0.vctx - ps_w0.nvctx) / win,
		"rss_kb_per_subscriber", nsub ? (double)(ps_w1.rss_kb - ps_pub.rss_kb) / nsub : 0.0, "rss_kb_after_teardown", (json_int_t)ps_end.rss_kb));
	json_object_set_new(R, "join", json_pack("{s:o,s:o,s:o,s:o,s:f,s:f,s:f,s:f}", "attach_to_first_media", hist_json(&h_join), "publisher_attach_to_up", hist_json(&h_pubjoin), "attach_to_ice", hist_json(&h_iceup), "dtls", hist_json(&h_dtls),
		"all_media_s", t_subs_all > t_subs0 ? (t_subs_all - t_subs0) / 1e9 : 0, "server_cpu_s", jcpu, "server_cpu_ms_per_join", nsub ? jcpu * 1e3 / nsub : 0,
		"server_cpu_ms_per_join_net", nsub ? (jcpu - jpk * per / 1e6) * 1e3 / nsub : 0));
	json_object_set_new(R, "delay", hist_json(&h_delay)); json_object_set_new(R, "delay_video", hist_json(&h_delay_v)); json_object_set_new(R, "delay_audio", hist_json(&h_delay_a));
	json_object_set_new(R, "integrity", json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "unique_packets", (json_int_t)uniq, "lost", (json_int_t)lost, "tail_missing", (json_int_t)tail, "duplicates", (json_int_t)dup, "reordered", (json_int_t)reord,
		"bad_content", (json_int_t)tot_bad, "srtp_rejected", (json_int_t)tot_unprot, "generator_socket_drops", (json_int_t)g_rxq_drops, "window_socket_drops", (json_int_t)(g_rxq_drops - rxq_w0), "first_bad", first_bad));
	json_object_set_new(R, "repair", json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "simulated_drops", (json_int_t)W.dropped, "nacks_sent", (json_int_t)tot_nack_sent, "recovered", (json_int_t)tot_recovered, "given_up", (json_int_t)giveup,
		"uplink_dropped", (json_int_t)upd, "publisher_nacked", (json_int_t)nacks, "publisher_resent", (json_int_t)rtxo, "publisher_plis", (json_int_t)plis, "recovery_delay", hist_json(&h_rtxdelay)));
	json_object_set_new(R, "generator", json_pack("{s:i,s:o,s:I,s:I,s:f}", "associations", g_sctp_up, "publisher_lateness", hist_json(&h_pub_late), "late_resets", (json_int_t)W.late, "sr_received", (json_int_t)tot_sr, "max_stream_gap_ms", maxgap / 1e6));
	char *s = json_dumps(R, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	if (o.json) { FILE *f = fopen(o.json, "w"); if (f) { fprintf(f, "%s\n", s); fclose(f); } else perror(o.json); }
	else puts(s);
	fprintf(stderr, "%s: %s  up %d/%d  media %d/%d  fwd %.0f pps  server %.2f us/pkt (%.1f%% core)  delay p50 %.0f p99 %.0f max %.0f us  join p50 %.1f ms max %.1f ms  lost %llu dup %llu bad %llu  gen %.1f%% core  threads %ld rss %ld MB\n",
		*o.label ? o.label : "sfuload", rc ? "FAIL" : "ok", n_up, ncl, n_media, nsub, fwd / win, per, wcpu / win * 100, hist_q(&h_delay, .5), hist_q(&h_delay, .99), h_delay.max / 1e3,
		hist_q(&h_join, .5) / 1e3, h_join.max / 1e6, (unsigned long long)lost, (unsigned long long)dup, (unsigned long long)tot_bad, gen / win * 100, ps_w1.threads, ps_w1.rss_kb / 1024);
}

static void on_sig(int s) { (void)s; stop_flag = 1; }
static void usage(void)
{
	fputs("usage: sfuload --url ws://HOST:PORT/ | --http http://HOST:PORT/janus  [options]\n"
	"  --room ID            first room number (77000)     --rooms R          rooms (1)\n"
	"  --publishers P       per room (1)                  --subscribers S    per room (1)\n"
	"  --mesh               subscriber i skips publisher i's feed (all-to-all meeting)\n"
	"  --duration SEC       steady window (10)            --warmup SEC       before the window (2)\n"
	"  --video-kbps N (600) --video-pkt BYTES (1100)      --fps N (30)       --no-video\n"
	"  --data               publishers negotiate a data channel section, too\n"
	"  --settle SEC         between publishers and subscribers (0)\n"
	"  --audio              50 packets/s per publisher    --audio-pkt BYTES (100)\n"
	"  --keyint N           a key frame every N frames (only at start and on PLI)\n"
	"  --no-media           negotiate and stay idle (memory per idle PeerConnection)\n"
	"  --srtp gcm|cm|auto   --trickle (send our candidate by trickle, not in the SDP)\n"
	"  --drop PCT           subscribers drop received packets and NACK them    --rtx (accept RFC 4588)\n"
	"  --uplink-drop PCT    publishers lose packets on the way to the server and answer NACKs\n"
	"  --rtt MS             round-trip time claimed in receiver reports (20)\n"
	"  --join-par N         joins under way at once (16)  --storm            all subscribers at once\n"
	"  --join-timeout SEC (60)\n"
	"  --pid PID            server process to measure     --json FILE        full report (else stdout)\n"
	"  --room-threads N     pass \"threads\" to the room    --bitrate N        room bitrate cap\n"
	"  --admin-key K --secret K --keep (leave everything behind) --label TEXT -v (more log, repeatable) -q\n"
	"  --sigrate FLOWS      only create/attach/detach/destroy, FLOWS in flight on --sig-conns N WebSockets (4)\n", stderr);
	exit(2);
}
int main(int argc, char **argv)
{
	enum { O = 256 };
	static const struct option L[] = { {"url",1,0,O},{"http",1,0,O+1},{"room",1,0,O+2},{"publishers",1,0,O+3},{"subscribers",1,0,O+4},{"rooms",1,0,O+5},{"duration",1,0,O+6},{"video-kbps",1,0,O+7},{"video-pkt",1,0,O+8},
		{"audio",0,0,O+9},{"pid",1,0,O+10},{"drop",1,0,O+11},{"json",1,0,O+12},{"srtp",1,0,O+13},{"mesh",0,0,O+14},{"warmup",1,0,O+15},{"join-par",1,0,O+16},{"storm",0,0,O+17},{"rtx",0,0,O+18},{"no-media",0,0,O+19},
		{"room-threads",1,0,O+20},{"sigrate",1,0,O+21},{"sig-conns",1,0,O+22},{"trickle",0,0,O+23},{"keep",0,0,O+24},{"bitrate",1,0,O+25},{"uplink-drop",1,0,O+26},{"fps",1,0,O+27},{"no-video",0,0,O+28},{"audio-pkt",1,0,O+29},
		{"keyint",1,0,O+30},{"admin-key",1,0,O+31},{"secret",1,0,O+32},{"label",1,0,O+33},{"join-timeout",1,0,O+34},{"plugin",1,0,O+35},{"rtt",1,0,O+36},{"settle",1,0,O+90},{"data",0,0,O+91},{0,0,0,0} };
	int k;
	while ((k = getopt_long(argc, argv, "vqh", L, NULL)) != -1) switch (k) {
	case O+91: o.data = 1; break; case O+90: o.settle = atof(optarg); break; case O: o.url = optarg; break; case O+1: o.http = optarg; break; case O+2: o.room = atoi(optarg); break; case O+3: o.pubs = atoi(optarg); break; case O+4: o.subs = atoi(optarg); break;
	case O+5: o.rooms = atoi(optarg); break; case O+6: o.duration = atof(optarg); break; case O+7: o.vkbps = atoi(optarg); break; case O+8: o.vpkt = atoi(optarg); break; case O+9: o.audio = 1; break;
	case O+10: o.pid = atoi(optarg); break; case O+11: o.drop = atof(optarg); break; case O+12: o.json = optarg; break; case O+13: o.srtp = optarg; break; case O+14: o.mesh = 1; break;
	case O+15: o.warmup = atof(optarg); break; case O+16: o.join_par = atoi(optarg); break; case O+17: o.storm = 1; break; case O+18: o.rtx = 1; break; case O+19: o.nomedia = 1; break;
	case O+20: o.room_threads = atoi(optarg); break; case O+21: o.sigrate = atoi(optarg); break; case O+22: o.sig_conns = atoi(optarg); break; case O+23: o.trickle = 1; break; case O+24: o.keep = 1; break;
	case O+25: o.bitrate = atoi(optarg); break; case O+26: o.up_drop = atof(optarg); break; case O+27: o.fps = atoi(optarg); break; case O+28: o.video = 0; break; case O+29: o.asize = atoi(optarg); break;
	case O+30: o.keyint = atoi(optarg); break; case O+31: o.admin_key = optarg; break; case O+32: o.secret = optarg; break; case O+33: o.label = optarg; break; case O+34: o.join_timeout = atof(optarg); break; case O+35: o.plugin = optarg; break; case O+36: o.rtt = atof(optarg); break;
	case 'v': g_verbose++; break; case 'q': g_verbose--; break; default: usage();
	}
	if (!o.url && !o.http) usage();
	if (o.vpkt < 64 || o.vpkt > 1400 || o.asize < 64 || o.asize > 1400 || o.fps < 1 || o.pubs < 1 || o.subs < 0 || o.rooms < 1 || (!o.video && !o.audio) || (o.mesh && o.subs > o.pubs)) { fprintf(stderr, "sfuload: option out of range\n"); return 2; }
	signal(SIGPIPE, SIG_IGN); signal(SIGINT, on_sig); signal(SIGTERM, on_sig);
	if (o.pid > 0 && pstat_read(o.pid, &ps_start)) { fprintf(stderr, "sfuload: cannot read /proc/%d\n", o.pid); return 2; }
	g_ep = epoll_create1(EPOLL_CLOEXEC);
	if (o.sigrate) return run_sigrate();
	const char *prof = !strcmp(o.srtp, "gcm") ? "SRTP_AEAD_AES_128_GCM" : !strcmp(o.srtp, "cm") ? "SRTP_AES128_CM_SHA1_80" : "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
	if (rtc_init(prof)) return 2;
	pool = malloc(POOL); for (int i = 0; i < POOL; i += 8) { uint64_t r = rnd64(); memcpy(pool + i, &r, 8); }
	npub = o.rooms * o.pubs; nsub = o.rooms * o.subs; ncl = npub + nsub;
	if (o.mesh && o.pubs == 1) { fprintf(stderr, "sfuload: --mesh needs two publishers or more\n"); return 2; }
	struct rlimit rl; if (!getrlimit(RLIMIT_NOFILE, &rl)) { rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
	cl = calloc(ncl, sizeof *cl);
	for (int i = 0; i < ncl; i++) {
		client *c = &cl[i]; c->idx = i; c->role = i < npub ? PUB : SUB; c->room = o.room + (i < npub ? i / o.pubs : (i - npub) / (o.subs ? o.subs : 1));
		c->a.kind = 'a'; c->v.kind = 'v'; c->a.ssrc = (uint32_t)rnd64() | 1; c->v.ssrc = ((uint32_t)rnd64() & 0xfffffff0u) | 2; c->my_ssrc = (uint32_t)rnd64();
	}
	admin.role = ADMIN; phase = PH_ADMIN; ph_t = mono_ns(); start_client(&admin);
	uint64_t next_tick = 0;
	while (phase != PH_END) {
		loop_once(&next_tick);
		if (stop_flag > 0 && phase == PH_END) break;
	}
	pstat_read(o.pid, &ps_end);
	if (stop_flag && !rc) rc = 4;
	double win = ps_w1.ok && ps_w0.ok ? (ps_w1.t_ns - ps_w0.t_ns) / 1e9 : o.duration;
	if (win <= 0) win = o.duration;
	report(win);
	for (int i = 0; i < ncl; i++) { if (cl[i].sig) sig_close(cl[i].sig); if (cl[i].pc) pc_free(cl[i].pc); }
	return rc;
}
