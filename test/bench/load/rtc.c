/* SPDX-License-Identifier: MIT */
/* sfuload - a small WebRTC endpoint: ICE (host candidate only), DTLS-SRTP, SRTP, SDP reading.
 * One UDP socket per PeerConnection, like a browser. */
#include "sl.h"
#include <unistd.h>
#include <fcntl.h>
#include <ctype.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <srtp2/srtp.h>
#include "srtp/open.h" /* the gateway's own, beside which NSS would be most of the load: its tests hold it against libsrtp2 */
#include "srtp/seal.h"

#define MAXC 16
typedef struct { struct sockaddr_in sa; uint8_t tid[12]; uint64_t next; int tries, ok; } cand_t;
struct pc {
	evsrc ev; void *user; const pc_cb *cb;
	char lufrag[12], lpwd[32], *rufrag, *rpwd;
	char rfp[200]; char cand_s[120]; uint16_t lport;
	int have_remote, lite, we_offer, controlling, dtls_client, state; /* 0 new 1 checking 2 ice ok 3 dtls up 4 failed */
	uint64_t tiebreak; cand_t c[MAXC]; int nc;
	struct sockaddr_in dst; int have_dst; uint32_t ovfl;
	uint64_t next_consent, last_rx, ice_ns, dtls_ns;
	SSL *ssl; const uint8_t *rd; int rdn;
	StoaSrtpOpen *in; StoaSrtpSeal *rtcp_out; srtp_t out; srtp_policy_t po; uint8_t po_key[30]; const char *profile;
	uint32_t sctp_tag, sctp_tsn; /* of the server, once it has opened an association */
};
static SSL_CTX *ctx;
static char local_fp[128];
static BIO_METHOD *bm;
uint64_t g_rxq_drops;

static int any_cert(int ok, X509_STORE_CTX *x) { (void)ok; (void)x; return 1; }

/* datagram BIO: write = one UDP packet; read = the packet being fed */
static int b_write(BIO *b, const char *d, int n)
{
	pc_t *p = BIO_get_data(b); BIO_clear_retry_flags(b);
	if (p->have_dst) sendto(p->ev.fd, d, n, 0, (struct sockaddr *)&p->dst, sizeof p->dst);
	return n;
}
static int b_read(BIO *b, char *d, int n)
{
	pc_t *p = BIO_get_data(b); BIO_clear_retry_flags(b);
	if (!p->rdn) { BIO_set_retry_read(b); return -1; }
	if (n > p->rdn) n = p->rdn;
	memcpy(d, p->rd, n); p->rdn = 0; return n;
}
static long b_ctrl(BIO *b, int cmd, long a, void *ptr)
{
	(void)b; (void)a; (void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH: return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU: return 1200;
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return 1200;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return 28;
	}
	return 0;
}

int rtc_init(const char *prof)
{
	srtp_init();
	EVP_PKEY *k = EVP_EC_gen("P-256"); X509 *x = X509_new();
	if (!k || !x) return -1;
	X509_set_version(x, 2); ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(rnd64() >> 34));
	X509_gmtime_adj(X509_getm_notBefore(x), -86400); X509_gmtime_adj(X509_getm_notAfter(x), 86400 * 30);
	X509_set_pubkey(x, k);
	X509_NAME *nm = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(nm, "CN", MBSTRING_ASC, (const unsigned char *)"sfuload", -1, -1, 0);
	X509_set_issuer_name(x, nm); X509_sign(x, k, EVP_sha256());
	unsigned char md[64]; unsigned ml = 0; X509_digest(x, EVP_sha256(), md, &ml);
	char *o = local_fp; for (unsigned i = 0; i < ml; i++) o += sprintf(o, i ? ":%02X" : "%02X", md[i]);
	ctx = SSL_CTX_new(DTLS_method());
	SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION);
	SSL_CTX_use_certificate(ctx, x); SSL_CTX_use_PrivateKey(ctx, k);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any_cert);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_read_ahead(ctx, 1);
	if (SSL_CTX_set_tlsext_use_srtp(ctx, prof)) { fprintf(stderr, "sfuload: bad SRTP profile list %s\n", prof); return -1; }
	bm = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "dgram");
	BIO_meth_set_write(bm, b_write); BIO_meth_set_read(bm, b_read); BIO_meth_set_ctrl(bm, b_ctrl);
	X509_free(x); EVP_PKEY_free(k);
	return 0;
}

static void open_socket(pc_t *p, const char *ip)
{
	p->ev.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->ev.fd < 0) { perror("sfuload: socket"); exit(2); }
	int sz = 2 << 20, one = 1; setsockopt(p->ev.fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof sz); setsockopt(p->ev.fd, SOL_SOCKET, SO_SNDBUF, &sz, sizeof sz);
	setsockopt(p->ev.fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
	setsockopt(p->ev.fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
	struct sockaddr_in a = { .sin_family = AF_INET }; inet_pton(AF_INET, ip, &a.sin_addr);
	socklen_t l = sizeof a;
	if (bind(p->ev.fd, (struct sockaddr *)&a, sizeof a) || getsockname(p->ev.fd, (struct sockaddr *)&a, &l)) { perror("sfuload: bind"); exit(2); }
	p->lport = ntohs(a.sin_port);
	snprintf(p->cand_s, sizeof p->cand_s, "candidate:1 1 udp 2130706431 %s %u typ host generation 0", ip, p->lport);
	ev_add(&p->ev, EPOLLIN);
}
pc_t *pc_new(void *user, const pc_cb *cb)
{
	pc_t *p = calloc(1, sizeof *p);
	p->user = user; p->cb = cb; p->tiebreak = rnd64();
	rnd_str(p->lufrag, 8); rnd_str(p->lpwd, 24);
	p->ev.kind = EV_UDP; p->ev.owner = p;
	open_socket(p, "127.0.0.1");
	return p;
}
/* the network changed: another socket; who knows of it checks at once, who does not (a NAT did it) when it would have */
void pc_move(pc_t *p, const char *ip, int aware)
{
	close(p->ev.fd); open_socket(p, ip);
	if (aware) p->next_consent = 0;
}
/* an ICE restart: new credentials of ours, then new ones of the other side; what runs goes on running */
void pc_restart(pc_t *p) { rnd_str(p->lufrag, 8); rnd_str(p->lpwd, 24); }
void pc_renew(pc_t *p, const char *u, const char *pw)
{
	free(p->rufrag); free(p->rpwd); p->rufrag = strdup(u); p->rpwd = strdup(pw); p->next_consent = 0;
}
int pc_has_remote(pc_t *p) { return p->have_remote; }
void pc_free(pc_t *p)
{
	if (!p) return;
	if (p->ssl) { if (p->state == 3) SSL_shutdown(p->ssl); SSL_free(p->ssl); }
	stoa_srtp_open_free(p->in); stoa_srtp_seal_free(p->rtcp_out);
	if (p->out) srtp_dealloc(p->out);
	close(p->ev.fd); p->ev.fd = -1; free(p->rufrag); free(p->rpwd); p->rufrag = p->rpwd = NULL; p->ssl = NULL; p->in = NULL; p->rtcp_out = NULL; p->out = NULL; p->state = 4;
	/* struct kept: the epoll batch may still name it */
}
const char *pc_candidate(pc_t *p) { return p->cand_s; }
const char *pc_sdp_transport(pc_t *p, const char *setup)
{
	static char b[512];
	snprintf(b, sizeof b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\n", p->lufrag, p->lpwd, local_fp, setup);
	return b;
}
int pc_is_up(pc_t *p) { return p && p->state == 3; }
uint64_t pc_ice_up_ns(pc_t *p) { return p->ice_ns; }
uint64_t pc_dtls_up_ns(pc_t *p) { return p->dtls_ns; }
const char *pc_profile(pc_t *p) { return p && p->profile ? p->profile : "none"; }
const char *pc_state(pc_t *p)
{
	static const char *n[] = { "waiting for remote description", "ICE checking", "DTLS handshake", "up", "failed" };
	return p ? n[p->state] : "no PeerConnection";
}
static void pfail(pc_t *p, const char *why) { if (p->state == 4) return; p->state = 4; p->cb->fail(p, p->user, why); }

/* ---------------- STUN ---------------- */
static int stun_finish(uint8_t *b, int n, const char *key)
{
	put16(b + 2, n - 20 + 24);
	put16(b + n, 0x0008); put16(b + n + 2, 20); unsigned ml = 20;
	HMAC(EVP_sha1(), key, strlen(key), b, n, b + n + 4, &ml); n += 24;
	put16(b + 2, n - 20 + 8);
	put16(b + n, 0x8028); put16(b + n + 2, 4);
	put32(b + n + 4, crc32_ieee(b, n) ^ 0x5354554e); return n + 8;
}
static void stun_request(pc_t *p, cand_t *c)
{
	uint8_t b[700]; int n = 20;
	put16(b, 0x0001); put32(b + 4, 0x2112A442);
	uint64_t r = rnd64(), r2 = rnd64(); memcpy(c->tid, &r, 8); memcpy(c->tid + 8, &r2, 4); memcpy(b + 8, c->tid, 12);
	char u[560]; int ul = snprintf(u, sizeof u, "%s:%s", p->rufrag, p->lufrag);
	put16(b + n, 0x0006); put16(b + n + 2, ul); memcpy(b + n + 4, u, ul); memset(b + n + 4 + ul, 0, (4 - ul % 4) % 4); n += 4 + (ul + 3) / 4 * 4;
	put16(b + n, 0x0024); put16(b + n + 2, 4); put32(b + n + 4, 1845501695u); n += 8;
	put16(b + n, p->controlling ? 0x802a : 0x8029); put16(b + n + 2, 8); put32(b + n + 4, p->tiebreak >> 32); put32(b + n + 8, (uint32_t)p->tiebreak); n += 12;
	if (p->controlling) { put16(b + n, 0x0025); put16(b + n + 2, 0); n += 4; }
	n = stun_finish(b, n, p->rpwd);
	sendto(p->ev.fd, b, n, 0, (struct sockaddr *)&c->sa, sizeof c->sa);
}
static void dtls_drive(pc_t *p);
/* first retransmission after 50 ms, as browsers do; OpenSSL's own default is a second */
static unsigned int dtls_timer(SSL *s, unsigned int us) { (void)s; return us == 0 ? 50000 : us >= 30000000 ? 60000000 : us * 2; }
static void dtls_start(pc_t *p)
{
	if (p->ssl) return;
	p->ssl = SSL_new(ctx); BIO *b = BIO_new(bm); BIO_set_data(b, p); BIO_set_init(b, 1); BIO_set_shutdown(b, 0);
	SSL_set_bio(p->ssl, b, b); DTLS_set_link_mtu(p->ssl, 1200); DTLS_set_timer_cb(p->ssl, dtls_timer);
	if (p->dtls_client) SSL_set_connect_state(p->ssl); else SSL_set_accept_state(p->ssl);
	dtls_drive(p);
}
static void ice_ok(pc_t *p, const struct sockaddr_in *sa)
{
	p->dst = *sa; p->have_dst = 1;
	if (p->state == 1) { p->state = 2; p->ice_ns = mono_ns(); p->next_consent = p->ice_ns + 5000000000ull; dtls_start(p); }
}
static void stun_input(pc_t *p, uint8_t *b, int n, const struct sockaddr_in *from)
{
	if (n < 20 || get32(b + 4) != 0x2112A442 || get16(b + 2) + 20 > n) return;
	int type = get16(b), end = 20 + get16(b + 2), mi = 0, usec = 0, err = 0; char ubuf[600] = "";
	for (int o = 20; o + 4 <= end; ) {
		int t = get16(b + o), l = get16(b + o + 2); if (o + 4 + l > end) return;
		if (t == 8 && l == 20) mi = o;
		if (t == 0x25) usec = 1;
		if (t == 9 && l >= 4) err = (b[o + 6] & 7) * 100 + b[o + 7];
		if (t == 6 && l < (int)sizeof ubuf) { memcpy(ubuf, b + o + 4, l); ubuf[l] = 0; }
		o += 4 + (l + 3) / 4 * 4;
	}
	const char *key = type == 0x0001 ? p->lpwd : p->rpwd;
	if (mi && key) {
		uint8_t sv[2] = { b[2], b[3] }, md[20]; unsigned ml = 20; put16(b + 2, mi + 24 - 20);
		HMAC(EVP_sha1(), key, strlen(key), b, mi, md, &ml); b[2] = sv[0]; b[3] = sv[1];
		if (memcmp(md, b + mi + 4, 20)) { logmsg(2, "STUN with bad integrity (type %04x)", type); return; }
	} else if (type != 0x0011 && type != 0x0111) return;
	if (type == 0x0001) {
		size_t ll = strlen(p->lufrag); if (strncmp(ubuf, p->lufrag, ll) || ubuf[ll] != ':') return;
		uint8_t r[200]; int k = 20; put16(r, 0x0101); put32(r + 4, 0x2112A442); memcpy(r + 8, b + 8, 12);
		put16(r + k, 0x0020); put16(r + k + 2, 8); r[k + 4] = 0; r[k + 5] = 1;
		put16(r + k + 6, ntohs(from->sin_port) ^ 0x2112); put32(r + k + 8, ntohl(from->sin_addr.s_addr) ^ 0x2112A442); k += 12;
		k = stun_finish(r, k, p->lpwd);
		sendto(p->ev.fd, r, k, 0, (const struct sockaddr *)from, sizeof *from);
		if (p->have_remote) {
			pc_remote_cand(p, from);
			if (usec && !p->controlling) ice_ok(p, from);
		}
	} else if (type == 0x0101 || type == 0x0111) {
		for (int i = 0; i < p->nc; i++) {
			if (memcmp(p->c[i].tid, b + 8, 12)) continue;
			if (type == 0x0111) { if (err == 487) { p->controlling = !p->controlling; p->c[i].next = 0; } else logmsg(2, "STUN error %d", err); return; }
			p->c[i].ok = 1;
			if (p->controlling) ice_ok(p, from);
			return;
		}
	}
}

void pc_remote_cand(pc_t *p, const struct sockaddr_in *sa)
{
	for (int i = 0; i < p->nc; i++) if (p->c[i].sa.sin_port == sa->sin_port && p->c[i].sa.sin_addr.s_addr == sa->sin_addr.s_addr) return;
	if (p->nc == MAXC) return;
	p->c[p->nc] = (cand_t){ .sa = *sa };
	p->nc++;
	if (p->have_remote) pc_tick(p, mono_ns());
}
static int parse_cand(const char *s, struct sockaddr_in *sa)
{
	if (!strncmp(s, "a=", 2)) s += 2;
	char f[64], tr[16], ip[80], ty[16]; int comp, port; unsigned long pr;
	if (sscanf(s, "candidate:%63s %d %15s %lu %79s %d typ %15s", f, &comp, tr, &pr, ip, &port, ty) != 7) return -1;
	if (comp != 1 || strcasecmp(tr, "udp")) return -1;
	memset(sa, 0, sizeof *sa); sa->sin_family = AF_INET; sa->sin_port = htons(port);
	return inet_pton(AF_INET, ip, &sa->sin_addr) == 1 ? 0 : -1;
}
void pc_remote_cand_str(pc_t *p, const char *s) { struct sockaddr_in sa; if (!parse_cand(s, &sa)) pc_remote_cand(p, &sa); }

void pc_remote(pc_t *p, const char *u, const char *pw, const char *fp, const char *setup, int lite, int we_offer)
{
	p->rufrag = strdup(u); p->rpwd = strdup(pw); snprintf(p->rfp, sizeof p->rfp, "%s", fp);
	p->lite = lite; p->we_offer = we_offer; p->controlling = lite || we_offer;
	p->dtls_client = we_offer ? !strcmp(setup, "passive") : strcmp(setup, "active") != 0;
	p->have_remote = 1; p->state = 1; p->last_rx = mono_ns();
	pc_tick(p, mono_ns());
}

/* ---------------- DTLS ---------------- */
static void dtls_done(pc_t *p)
{
	X509 *x = SSL_get_peer_certificate(p->ssl); if (!x) { pfail(p, "no peer certificate"); return; }
	char alg[32], want[180]; unsigned char md[64]; unsigned ml = 0; char got[200], *o = got;
	if (sscanf(p->rfp, "%31s %179s", alg, want) != 2) { pfail(p, "unreadable fingerprint"); X509_free(x); return; }
	const EVP_MD *h = !strcasecmp(alg, "sha-1") ? EVP_sha1() : !strcasecmp(alg, "sha-384") ? EVP_sha384() : !strcasecmp(alg, "sha-512") ? EVP_sha512() : EVP_sha256();
	X509_digest(x, h, md, &ml); X509_free(x);
	for (unsigned i = 0; i < ml; i++) o += sprintf(o, i ? ":%02X" : "%02X", md[i]);
	if (strcasecmp(got, want)) { pfail(p, "certificate fingerprint mismatch"); return; }
	SRTP_PROTECTION_PROFILE *sp = SSL_get_selected_srtp_profile(p->ssl);
	if (!sp) { pfail(p, "no SRTP profile agreed"); return; }
	int kl = 16, sl; srtp_policy_t po; memset(&po, 0, sizeof po); StoaSrtpKeys ki = { .profile = sp->id }, ko = ki;
	if (sp->id == SRTP_AEAD_AES_128_GCM) { sl = 12; srtp_crypto_policy_set_aes_gcm_128_16_auth(&po.rtp); srtp_crypto_policy_set_aes_gcm_128_16_auth(&po.rtcp); }
	else if (sp->id == SRTP_AES128_CM_SHA1_80) { sl = 14; srtp_crypto_policy_set_rtp_default(&po.rtp); srtp_crypto_policy_set_rtcp_default(&po.rtcp); }
	else { pfail(p, "unsupported SRTP profile"); return; }
	p->profile = sp->name;
	uint8_t km[128], ck[64], sk[64];
	if (SSL_export_keying_material(p->ssl, km, 2 * (kl + sl), "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) != 1) { pfail(p, "key export"); return; }
	memcpy(ck, km, kl); memcpy(sk, km + kl, kl); memcpy(ck + kl, km + 2 * kl, sl); memcpy(sk + kl, km + 2 * kl + sl, sl);
	const uint8_t *in = p->dtls_client ? sk : ck, *out = p->dtls_client ? ck : sk;
	memcpy(ki.key, in, kl); memcpy(ki.salt, in + kl, sl); memcpy(ko.key, out, kl); memcpy(ko.salt, out + kl, sl); memcpy(p->po_key, out, kl + sl);
	po.key = p->po_key; po.ssrc.type = ssrc_any_outbound; po.window_size = 1024; po.allow_repeat_tx = 1; p->po = po; /* RTP goes out by libsrtp2, from publishers alone */
	p->in = stoa_srtp_open_new(&ki); p->rtcp_out = stoa_srtp_seal_new(&ko);
	p->state = 3; p->dtls_ns = mono_ns();
	p->cb->up(p, p->user);
}
/* ---------------- SCTP: the passive side of an association, nothing more (RFC 9260) ---------------- */
int g_sctp_up;
static uint32_t crc32c(const uint8_t *b, int n)
{
	uint32_t c = ~0u; while (n--) { c ^= *b++; for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1; } return ~c;
}
static int sctp_chunk(uint8_t *o, int type, const void *body, int len) { o[0] = type; o[1] = 0; put16(o + 2, 4 + len); if (len) memcpy(o + 4, body, len); return 4 + (len + 3) / 4 * 4; }
static int sctp_answer(pc_t *p, const uint8_t *b, int n, uint8_t *o)
{
	int k = 12; uint8_t v[24] = { 0 }; memset(o, 0, 1200);
	for (int at = 12, len; at + 4 <= n && k < 1000; at += (len + 3) / 4 * 4) {
		const uint8_t *c = b + at; len = get16(c + 2); if (len < 4 || at + len > n) break;
		if (c[0] == 1 && len >= 20) { /* INIT: acknowledged with a cookie */
			p->sctp_tag = get32(c + 4); put32(v, 0x5f00d001); put32(v + 4, 1 << 20); put16(v + 8, get16(c + 14)); put16(v + 10, get16(c + 12)); put32(v + 12, 1); put16(v + 16, 7); put16(v + 18, 8); put32(v + 20, 42);
			k += sctp_chunk(o + k, 2, v, 24);
		} else if (c[0] == 10) { g_sctp_up++; k += sctp_chunk(o + k, 11, NULL, 0); }
		else if (c[0] == 4 && len < 200) k += sctp_chunk(o + k, 5, c + 4, len - 4);
		else if (c[0] == 0 && len >= 16) { p->sctp_tsn = get32(c + 4); put32(v, p->sctp_tsn); put32(v + 4, 1 << 20); put32(v + 8, 0); k += sctp_chunk(o + k, 3, v, 12); }
	}
	if (k == 12) return 0;
	put16(o, get16(b + 2)); put16(o + 2, get16(b)); put32(o + 4, p->sctp_tag); uint32_t sum = crc32c(o, k); memcpy(o + 8, &sum, 4); return k;
}
static void dtls_drive(pc_t *p)
{
	if (!p->ssl || p->state >= 4) return;
	if (SSL_is_init_finished(p->ssl)) {
		uint8_t b[2048], o[1200]; int r, k;
		while ((r = SSL_read(p->ssl, b, sizeof b)) > 0) if (r >= 16 && (k = sctp_answer(p, b, r, o)) > 0) SSL_write(p->ssl, o, k);
		if (SSL_get_error(p->ssl, r) == SSL_ERROR_ZERO_RETURN) pfail(p, "DTLS closed by server");
		ERR_clear_error(); return;
	}
	int r = SSL_do_handshake(p->ssl);
	if (r == 1) { if (p->state < 3) dtls_done(p); return; }
	int e = SSL_get_error(p->ssl, r);
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
		char m[200]; snprintf(m, sizeof m, "DTLS handshake: %s", ERR_reason_error_string(ERR_peek_error())); ERR_clear_error(); pfail(p, m);
	}
}

/* ---------------- socket ---------------- */
#define RB 32
static uint8_t rbuf[RB][2048];
void pc_input(pc_t *p)
{
	struct mmsghdr mm[RB]; struct iovec iv[RB]; struct sockaddr_in from[RB]; char cm[RB][96];
	for (int round = 0; round < 8 && p->ev.fd >= 0; round++) {
		for (int i = 0; i < RB; i++) {
			iv[i] = (struct iovec){ rbuf[i], 1600 };
			mm[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &iv[i], .msg_iovlen = 1, .msg_control = cm[i], .msg_controllen = sizeof cm[i] };
		}
		int k = recvmmsg(p->ev.fd, mm, RB, MSG_DONTWAIT, NULL);
		if (k <= 0) return;
		uint64_t nowr = 0; p->last_rx = mono_ns();
		for (int i = 0; i < k && p->ev.fd >= 0; i++) {
			uint8_t *b = rbuf[i]; int n = mm[i].msg_len; uint64_t rx = 0;
			if (n < 4) continue;
			for (struct cmsghdr *c = CMSG_FIRSTHDR(&mm[i].msg_hdr); c; c = CMSG_NXTHDR(&mm[i].msg_hdr, c)) {
				if (c->cmsg_level != SOL_SOCKET) continue;
				if (c->cmsg_type == SCM_TIMESTAMPNS) { struct timespec t; memcpy(&t, CMSG_DATA(c), sizeof t); rx = t.tv_sec * 1000000000ull + t.tv_nsec; }
				else if (c->cmsg_type == SO_RXQ_OVFL) { uint32_t d; memcpy(&d, CMSG_DATA(c), 4); g_rxq_drops += d - p->ovfl; p->ovfl = d; }
			}
			if (!rx) { if (!nowr) nowr = real_ns(); rx = nowr; }
			if (b[0] < 4) stun_input(p, b, n, &from[i]);
			else if (b[0] >= 20 && b[0] < 64) {
				if (!p->have_dst) { p->dst = from[i]; p->have_dst = 1; }
				if (!p->have_remote) continue;
				if (!p->ssl) dtls_start(p);
				if (p->ssl) { p->rd = b; p->rdn = n; dtls_drive(p); p->rdn = 0; }
			} else if (b[0] >= 128 && b[0] < 192 && p->state == 3) {
				if (b[1] >= 192 && b[1] < 224) { size_t l = n; if (stoa_srtp_open_rtcp(p->in, b, &l) == STOA_SRTP_OPEN_OK) p->cb->rtcp(p, p->user, b, l); }
				else if (n >= 12) p->cb->rtp(p, p->user, b, n, rx);
			}
		}
		if (k < RB) return;
	}
}

void pc_tick(pc_t *p, uint64_t now)
{
	if (!p->have_remote || p->state == 4) return;
	if (p->state == 1) {
		for (int i = 0; i < p->nc; i++) {
			cand_t *c = &p->c[i]; if (c->ok || now < c->next) continue;
			stun_request(p, c); c->tries++; c->next = now + (c->tries < 5 ? 50000000ull << (c->tries - 1) : 1000000000ull);
		}
	} else if (now >= p->next_consent) {
		for (int i = 0; i < p->nc; i++) if (p->c[i].sa.sin_port == p->dst.sin_port && p->c[i].sa.sin_addr.s_addr == p->dst.sin_addr.s_addr) { stun_request(p, &p->c[i]); break; }
		p->next_consent = now + 4000000000ull + rnd64() % 2000000000ull;
	}
	if (p->state == 2 && p->ssl) {
		struct timeval tv;
		if (DTLSv1_get_timeout(p->ssl, &tv) && !tv.tv_sec && tv.tv_usec == 0) { DTLSv1_handle_timeout(p->ssl); ERR_clear_error(); }
	}
}
int pc_unprotect(pc_t *p, uint8_t *b, int *n) { size_t l = *n; int e = stoa_srtp_open_rtp(p->in, b, &l); *n = l; return e; }
int pc_protect(pc_t *p, uint8_t *b, int *n) { if (!p->out && srtp_create(&p->out, &p->po)) return 1; return srtp_protect(p->out, b, n); }
int pc_send_rtcp(pc_t *p, uint8_t *b, int n)
{
	if (p->state != 3 || !(n = stoa_srtp_seal_rtcp(p->rtcp_out, b, n, n + STOA_SRTP_MAX_OVERHEAD))) return -1;
	return sendto(p->ev.fd, b, n, 0, (struct sockaddr *)&p->dst, sizeof p->dst) == n ? 0 : -1;
}
int pc_send_batch(pc_t *p, uint8_t **b, int *n, int cnt)
{
	struct mmsghdr mm[64]; struct iovec iv[64]; int done = 0;
	while (done < cnt) {
		int k = cnt - done > 64 ? 64 : cnt - done;
		for (int i = 0; i < k; i++) {
			iv[i] = (struct iovec){ b[done + i], n[done + i] };
			mm[i].msg_hdr = (struct msghdr){ .msg_name = &p->dst, .msg_namelen = sizeof p->dst, .msg_iov = &iv[i], .msg_iovlen = 1 };
		}
		int r = sendmmsg(p->ev.fd, mm, k, 0);
		if (r <= 0) break;
		done += r;
	}
	return done;
}

/* ---------------- SDP ---------------- */
int sdp_parse(const char *s, sdp_t *o)
{
	memset(o, 0, sizeof *o); msec_t *m = NULL; int sess_dir = 3;
	while (*s) {
		char l[1024]; size_t n = strcspn(s, "\r\n"), k = n < sizeof l - 1 ? n : sizeof l - 1;
		memcpy(l, s, k); l[k] = 0; s += n; while (*s == '\r' || *s == '\n') s++;
		unsigned pt, id; char a[256], b[256];
		if (!strncmp(l, "m=", 2)) {
			if (o->nm == MAX_MSEC) return -1;
			m = &o->m[o->nm++]; m->dir = sess_dir; int port = 0, p0 = -1; char kind[32] = "", proto[64] = "";
			sscanf(l, "m=%31s %d %63s %d", kind, &port, proto, &p0);
			m->kind = !strcmp(kind, "audio") ? 'a' : !strcmp(kind, "video") ? 'v' : 'd'; m->port = port; m->pt = p0; m->rtxpt = -1;
		} else if (!strncmp(l, "a=ice-ufrag:", 12)) { if (!*o->ufrag) snprintf(o->ufrag, sizeof o->ufrag, "%.256s", l + 12); }
		else if (!strncmp(l, "a=ice-pwd:", 10)) { if (!*o->pwd) snprintf(o->pwd, sizeof o->pwd, "%.256s", l + 10); }
		else if (!strncmp(l, "a=fingerprint:", 14)) { if (!*o->fp) snprintf(o->fp, sizeof o->fp, "%.190s", l + 14); }
		else if (!strncmp(l, "a=setup:", 8)) { if (!*o->setup) snprintf(o->setup, sizeof o->setup, "%.15s", l + 8); }
		else if (!strncmp(l, "a=ice-lite", 10)) o->lite = 1;
		else if (!strncmp(l, "a=candidate:", 12)) {
			struct sockaddr_in sa; int dup = 0;
			if (o->ncand < 16 && !parse_cand(l, &sa)) {
				for (int i = 0; i < o->ncand; i++) if (!memcmp(&o->cand[i], &sa, sizeof sa)) dup = 1;
				if (!dup) o->cand[o->ncand++] = sa;
			}
		} else if (!strncmp(l, "a=sendonly", 10) || !strncmp(l, "a=recvonly", 10) || !strncmp(l, "a=sendrecv", 10) || !strncmp(l, "a=inactive", 10)) {
			int d = l[2] == 'i' ? 0 : l[2] == 'r' ? 2 : l[6] == 'o' ? 1 : 3; if (m) m->dir = d; else sess_dir = d;
		} else if (m) {
			if (!strncmp(l, "a=mid:", 6)) snprintf(m->mid, sizeof m->mid, "%.15s", l + 6);
			else if (sscanf(l, "a=rtpmap:%u %255[^/]/%d", &pt, a, &m->clock) >= 2) {
				if ((int)pt == m->pt) snprintf(m->codec, sizeof m->codec, "%.23s", a);
			} else if (sscanf(l, "a=fmtp:%u apt=%u", &pt, &id) == 2) { if ((int)id == m->pt) m->rtxpt = pt; }
			else if (sscanf(l, "a=ssrc-group:FID %u %u", &pt, &id) == 2) { m->ssrc = pt; m->rtx_ssrc = id; }
			else if (sscanf(l, "a=ssrc:%u", &pt) == 1) { if (!m->ssrc) m->ssrc = pt; }
			else if (sscanf(l, "a=extmap:%u%255[^ ] %255s", &id, a, b) == 3 || sscanf(l, "a=extmap:%u %255s", &id, b) == 2) {
				if (strstr(b, "sdes:mid")) m->ext_mid = id; else if (strstr(b, "ssrc-audio-level")) m->ext_al = id;
				else if (strstr(b, "transport-wide-cc")) m->ext_twcc = id; else if (strstr(b, "abs-send-time")) m->ext_abs = id;
			}
		}
	}
	return *o->ufrag && *o->pwd && *o->fp ? 0 : -1;
}
