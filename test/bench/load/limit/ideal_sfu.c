/* SPDX-License-Identifier: MIT */
/* The least a forwarding server can do, measured: recvmmsg -> unprotect once -> for every subscriber
 * rewrite the RTP header and protect -> send from ONE socket with sendmmsg (optionally UDP_SEGMENT).
 * Three processes: a paced publisher, the server under test, a sink with one socket per subscriber
 * (epoll + recvmmsg, like real receivers). Reports the server's CPU per forwarded packet.
 *   ideal_sfu N SECONDS [evp-gcm|evp-cm|lib-gcm|lib-cm|none] [gso] [ring] [pubs=P] [linger=US] [peers=CPU]
 * P publishers (1), each forwarded to all N subscribers. Traffic per publisher: video 30 frames/s of 2..3 packets of 1100 bytes (600 kbit/s) and audio
 * 50 packets/s of 100 bytes, the same as sfuload's default with --audio. "linger" waits that long after the first packet, so that a
 * frame's packets leave together. "ring" adds a copy of every
 * plain packet into one shared history (what retransmission needs). "peers" binds publisher and sink to a core of their own. */
#include "bench.h"
#include "direct.h"
#include <srtp2/srtp.h>
#include <sched.h>
#include <signal.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <arpa/inet.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
static int mk(struct sockaddr_in *o, int nb)
{
	int s = socket(AF_INET, SOCK_DGRAM | (nb ? SOCK_NONBLOCK : 0), 0), sz = 4 << 20; setsockopt(s, SOL_SOCKET, SO_RCVBUF, &sz, sizeof sz); setsockopt(s, SOL_SOCKET, SO_SNDBUF, &sz, sizeof sz);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }; socklen_t l = sizeof a; if (bind(s, (void *)&a, sizeof a) || getsockname(s, (void *)&a, &l)) exit(1); *o = a; return s;
}
static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static struct shared { volatile uint64_t sunk, bad; volatile int stop; } *sh;
static int N, P = 1, peers = -1; static uint8_t key[16], salt[14], au[20], lkey[30];
enum { EVP_GCM, EVP_CM, LIB_GCM, LIB_CM, NONE };
static void publisher(int s, struct sockaddr_in to, double secs, int be)
{
	dkey k; if (be == EVP_CM || be == LIB_CM) d_init_cm(&k, key, salt, au); else d_init_gcm(&k, key, salt, 1);
	srtp_t tx = NULL; if (be == LIB_GCM || be == LIB_CM) { srtp_policy_t a; memset(&a, 0, sizeof a); if (be == LIB_GCM) srtp_crypto_policy_set_aes_gcm_128_16_auth(&a.rtp), srtp_crypto_policy_set_aes_gcm_128_16_auth(&a.rtcp); else srtp_crypto_policy_set_rtp_default(&a.rtp), srtp_crypto_policy_set_rtcp_default(&a.rtcp); a.key = lkey; a.ssrc.type = ssrc_any_outbound; if (srtp_create(&tx, &a)) exit(1); }
	uint8_t b[1600], pl[1400]; memset(pl, 0x5a, sizeof pl); uint64_t t0 = now_ns();
	struct src { uint64_t nv, na; double acc; uint16_t sv, sa; } *S = calloc(P, sizeof *S);
	for (int i = 0; i < P; i++) { S[i].nv = t0 + 33333333ull * i / P; S[i].na = t0 + 3000000 + 20000000ull * ((i * 7) % P) / P; S[i].sv = S[i].sa = 1; }
	while (now_ns() - t0 < secs * 1e9) {
		int w = 0; uint64_t n = now_ns(), nx = ~0ull; for (int i = 0; i < P; i++) { uint64_t m = S[i].nv < S[i].na ? S[i].nv : S[i].na; if (m < nx) { nx = m; w = i; } }
		struct src *q = &S[w]; if (nx > n) { struct timespec ts = { 0, nx - n }; nanosleep(&ts, NULL); n = now_ns(); }
		int cnt = 0, size = 0, ssrc = 0; uint16_t *sq = NULL;
		if (n >= q->nv) { q->acc += 600000.0 / 8 / 1100 / 30; cnt = (int)q->acc; q->acc -= cnt; size = 1100; ssrc = 2 * w + 1; sq = &q->sv; q->nv += 33333333; } else if (n >= q->na) { cnt = 1; size = 100; ssrc = 2 * w + 2; sq = &q->sa; q->na += 20000000; }
		for (int i = 0; i < cnt; i++) {
			b[0] = 0x80; b[1] = ssrc & 1 ? 96 | (i == cnt - 1 ? 128 : 0) : 111; p16(b + 2, (*sq)++); p32(b + 4, n / 11111); p32(b + 8, ssrc); int l;
			if (tx) { memcpy(b + 12, pl, size); l = size + 12; srtp_protect(tx, b, &l); } else if (be == EVP_CM) l = d_protect_cm(&k, pl, b, 12, size, 0); else if (be == EVP_GCM) l = d_protect_gcm(&k, pl, b, 12, size, 0); else { memcpy(b + 12, pl, size); l = size + 12; }
			sendto(s, b, l, 0, (void *)&to, sizeof to);
		}
	}
	sh->stop = 1; sendto(s, "x", 1, 0, (void *)&to, sizeof to); exit(0);
}
static void move(void) { cpu_set_t one; CPU_ZERO(&one); if (peers >= 0) { CPU_SET(peers, &one); sched_setaffinity(0, sizeof one, &one); } }
static void sink(int *fd)
{
	int ep = epoll_create1(0); for (int i = 0; i < N; i++) { struct epoll_event e = { .events = EPOLLIN, .data.fd = fd[i] }; epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e); }
	static uint8_t rb[32][2048]; struct mmsghdr mm[32]; struct iovec iv[32]; struct epoll_event ev[256]; memset(mm, 0, sizeof mm); for (int i = 0; i < 32; i++) { iv[i] = (struct iovec){ rb[i], 2048 }; mm[i].msg_hdr.msg_iov = &iv[i]; mm[i].msg_hdr.msg_iovlen = 1; }
	for (int idle = 0; idle < 5; ) { int n = epoll_wait(ep, ev, 256, 100); if (n <= 0) { if (sh->stop) idle++; continue; } for (int i = 0; i < n; i++) for (;;) { int r = recvmmsg(ev[i].data.fd, mm, 32, MSG_DONTWAIT, NULL); if (r <= 0) break; sh->sunk += r; if (r < 32) break; } }
	exit(0);
}
int main(int argc, char **argv)
{
	N = argc > 1 ? atoi(argv[1]) : 50; double secs = argc > 2 ? atof(argv[2]) : 5; int be = EVP_GCM, gso = 0, hist = 0, linger = 0; const char *bn = "evp-gcm";
	for (int i = 3; i < argc; i++) { if (!strcmp(argv[i], "gso")) gso = 1; else if (!strncmp(argv[i], "linger=", 7)) linger = atoi(argv[i] + 7); else if (!strncmp(argv[i], "peers=", 6)) peers = atoi(argv[i] + 6); else if (!strncmp(argv[i], "pubs=", 5)) P = atoi(argv[i] + 5); else if (!strcmp(argv[i], "ring")) hist = 1; else { bn = argv[i]; be = !strcmp(bn, "evp-cm") ? EVP_CM : !strcmp(bn, "lib-gcm") ? LIB_GCM : !strcmp(bn, "lib-cm") ? LIB_CM : !strcmp(bn, "none") ? NONE : EVP_GCM; } }
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); memset(key, 7, 16); memset(salt, 9, 14); memset(au, 1, 20); memset(lkey, 4, 30); srtp_init();
	struct sockaddr_in sa, *da = calloc(N, sizeof *da), pa; int s = mk(&sa, 0), *fd = calloc(N, sizeof *fd), ps = mk(&pa, 0); for (int i = 0; i < N; i++) fd[i] = mk(&da[i], 1);
	pid_t p1, p2; if (!(p2 = fork())) { move(); sink(fd); } if (!(p1 = fork())) { move(); publisher(ps, sa, secs, be); }
	for (int i = 0; i < N; i++) close(fd[i]);
	dkey in, *out = calloc(N, sizeof *out); srtp_t lin = NULL, *lout = calloc(N, sizeof *lout);
	struct sub { uint32_t ssrc; uint16_t seqoff; } *su = calloc((size_t)N * 2 * P, sizeof *su);   /* one entry per forwarded stream */
	if (be == EVP_CM) d_init_cm(&in, key, salt, au); else d_init_gcm(&in, key, salt, 0);
	srtp_policy_t a; memset(&a, 0, sizeof a); if (be == LIB_GCM) srtp_crypto_policy_set_aes_gcm_128_16_auth(&a.rtp), srtp_crypto_policy_set_aes_gcm_128_16_auth(&a.rtcp); else srtp_crypto_policy_set_rtp_default(&a.rtp), srtp_crypto_policy_set_rtcp_default(&a.rtcp); a.key = lkey;
	if (be == LIB_GCM || be == LIB_CM) { a.ssrc.type = ssrc_any_inbound; if (srtp_create(&lin, &a)) return 1; }
	for (int i = 0; i < N; i++) { uint8_t k2[30]; memcpy(k2, lkey, 30); k2[0] ^= i; k2[1] ^= i >> 8; for (int t = 0; t < 2 * P; t++) { su[i * 2 * P + t].ssrc = 1000 + i * 2 * P + t; su[i * 2 * P + t].seqoff = i * 77 + t; } if (lin) { a.key = k2; a.ssrc.type = ssrc_any_outbound; if (srtp_create(&lout[i], &a)) return 1; } else if (be == EVP_CM) d_init_cm(&out[i], k2, salt, au); else d_init_gcm(&out[i], k2, salt, 1); }
	static uint8_t rb[32][2048], ob[1024][1280] __attribute__((aligned(64))), ring[1024][1400]; struct mmsghdr mm[32], om[64]; struct iovec iv[32], ov[1024]; char cb[64][CMSG_SPACE(2)] __attribute__((aligned(8))); memset(mm, 0, sizeof mm);
	uint64_t recvd = 0, sent = 0, calls = 0, rcalls = 0; struct rusage r0, r1; getrusage(RUSAGE_SELF, &r0); unsigned rpos = 0;
	while (!sh->stop) {
		for (int i = 0; i < 32; i++) { iv[i] = (struct iovec){ rb[i], 2048 }; mm[i].msg_hdr.msg_iov = &iv[i]; mm[i].msg_hdr.msg_iovlen = 1; }
		if (linger) { struct pollfd pf = { s, POLLIN, 0 }; poll(&pf, 1, 1000); usleep(linger); }
		int n = recvmmsg(s, mm, 32, linger ? MSG_DONTWAIT : MSG_WAITFORONE, NULL); if (n <= 0) { if (linger) continue; break; } rcalls++; int ln[32], k = 0, map[32];
		for (int i = 0; i < n; i++) {
			int l = mm[i].msg_len, r = l; if (l < 40) continue;
			if (lin) { if (srtp_unprotect(lin, rb[i], &r)) { sh->bad++; continue; } } else if (be == EVP_CM) r = d_unprotect_cm(&in, rb[i], 12, l, 0); else if (be == EVP_GCM) r = d_unprotect_gcm(&in, rb[i], 12, l, 0);
			if (r < 0) { sh->bad++; continue; }
			if (hist) { memcpy(ring[rpos++ & 1023], rb[i], r); }
			ln[k] = r; map[k++] = i; recvd++;
		}
		if (!k) continue;
		int q = 0, m = 0;
		#define FLUSH() do { int o = 0; while (o < m) { int r = sendmmsg(s, om + o, m - o, 0); calls++; if (r <= 0) break; o += r; } m = q = 0; } while (0)
		for (int d = 0; d < N; d++) {
			for (int i = 0; i < k; ) {
				if (m == 64 || q + 32 > 1024) FLUSH();
				int run = 0, first = q, size = 0;
				do {
					uint8_t *src = rb[map[i]], *dst = gso ? ob[0] + (size_t)q * 1200 : ob[q]; int l; struct sub *v = &su[d * 2 * P + (src[10] << 8 | src[11]) - 1];
					if (gso && run) dst = (uint8_t *)ov[q - 1].iov_base + ov[q - 1].iov_len;   /* a GSO run lies back to back */
					memcpy(dst, src, 12); p16(dst + 2, (uint16_t)(src[2] << 8 | src[3]) + v->seqoff); p32(dst + 8, v->ssrc);
					if (lin) { memcpy(dst + 12, src + 12, ln[i] - 12); l = ln[i]; srtp_protect(lout[d], dst, &l); }
					else if (be == EVP_CM) l = d_protect_cm(&out[d], src + 12, dst, 12, ln[i] - 12, 0); else if (be == EVP_GCM) l = d_protect_gcm(&out[d], src + 12, dst, 12, ln[i] - 12, 0);
					else { memcpy(dst + 12, src + 12, ln[i] - 12); l = ln[i]; }
					ov[q] = (struct iovec){ dst, l }; size = l; q++; run++; i++;
				} while (gso && i < k && run < 16 && ln[i] == ln[i - 1]);
				om[m].msg_hdr = (struct msghdr){ .msg_name = &da[d], .msg_namelen = sizeof da[d], .msg_iov = &ov[first], .msg_iovlen = run };
				if (run > 1) { om[m].msg_hdr.msg_control = cb[m]; om[m].msg_hdr.msg_controllen = sizeof cb[m]; struct cmsghdr *c = CMSG_FIRSTHDR(&om[m].msg_hdr); c->cmsg_level = IPPROTO_UDP; c->cmsg_type = UDP_SEGMENT; c->cmsg_len = CMSG_LEN(2); uint16_t seg = size; memcpy(CMSG_DATA(c), &seg, 2); }
				m++; sent += run;
			}
		}
		if (m) FLUSH();
	}
	getrusage(RUSAGE_SELF, &r1); int st; waitpid(p1, &st, 0); waitpid(p2, &st, 0);
	double u = r1.ru_utime.tv_sec - r0.ru_utime.tv_sec + (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec) / 1e6, y = r1.ru_stime.tv_sec - r0.ru_stime.tv_sec + (r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) / 1e6;
	printf("ideal %-8s%s%s N=%d P=%d  in %.0f pps  out %.0f pps  cpu %.2f us/fwd packet (user %.2f sys %.2f)  %.1f packets/send call  delivered %.2f%%  bad %llu  ctxsw %ld\n", bn, gso ? " gso" : "", hist ? " ring" : "", N, P, recvd / secs, sent / secs, (u + y) * 1e6 / sent, u * 1e6 / sent, y * 1e6 / sent, (double)sent / calls, 100.0 * sh->sunk / sent, (unsigned long long)sh->bad, r1.ru_nvcsw + r1.ru_nivcsw - r0.ru_nvcsw - r0.ru_nivcsw);
	return 0;
}
