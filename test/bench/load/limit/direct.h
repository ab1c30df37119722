/* SPDX-License-Identifier: MIT */
/* SRTP transforms written straight on OpenSSL with everything that can be kept, kept:
 * keyed cipher contexts, pre-hashed HMAC pads. Enough for measuring, not a full SRTP. */
#ifndef DIRECT_H
#define DIRECT_H
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
typedef struct { EVP_CIPHER_CTX *c; uint8_t salt[14]; SHA_CTX in, out; } dkey;
static inline void d_iv_gcm(uint8_t *iv, const dkey *k, const uint8_t *h, uint32_t roc)
{
	uint8_t t[12] = { 0, 0, h[8], h[9], h[10], h[11], roc >> 24, roc >> 16, roc >> 8, roc, h[2], h[3] };
	for (int i = 0; i < 12; i++) iv[i] = t[i] ^ k->salt[i];
}
static inline void d_init_gcm(dkey *k, const uint8_t *key, const uint8_t *salt, int enc)
{
	k->c = EVP_CIPHER_CTX_new(); memcpy(k->salt, salt, 12);
	EVP_CipherInit_ex(k->c, EVP_aes_128_gcm(), NULL, key, NULL, enc);
}
/* header hl bytes already at out; payload pl bytes from in; returns total length */
static inline int d_protect_gcm(dkey *k, const uint8_t *in, uint8_t *out, int hl, int pl, uint32_t roc)
{
	uint8_t iv[12]; int l; d_iv_gcm(iv, k, out, roc);
	EVP_EncryptInit_ex(k->c, NULL, NULL, NULL, iv);
	EVP_EncryptUpdate(k->c, NULL, &l, out, hl);
	EVP_EncryptUpdate(k->c, out + hl, &l, in, pl);
	EVP_EncryptFinal_ex(k->c, out + hl + pl, &l);
	EVP_CIPHER_CTX_ctrl(k->c, EVP_CTRL_GCM_GET_TAG, 16, out + hl + pl);
	return hl + pl + 16;
}
static inline int d_unprotect_gcm(dkey *k, uint8_t *p, int hl, int n, uint32_t roc)
{
	uint8_t iv[12]; int l; d_iv_gcm(iv, k, p, roc);
	EVP_DecryptInit_ex(k->c, NULL, NULL, NULL, iv);
	EVP_DecryptUpdate(k->c, NULL, &l, p, hl);
	EVP_DecryptUpdate(k->c, p + hl, &l, p + hl, n - hl - 16);
	EVP_CIPHER_CTX_ctrl(k->c, EVP_CTRL_GCM_SET_TAG, 16, p + n - 16);
	return EVP_DecryptFinal_ex(k->c, p + n - 16, &l) == 1 ? n - 16 : -1;
}
static inline void d_init_cm(dkey *k, const uint8_t *key, const uint8_t *salt, const uint8_t *auth)
{
	k->c = EVP_CIPHER_CTX_new(); memcpy(k->salt, salt, 14);
	EVP_EncryptInit_ex(k->c, EVP_aes_128_ctr(), NULL, key, NULL);
	uint8_t pad[64]; memset(pad, 0x36, 64); for (int i = 0; i < 20; i++) pad[i] ^= auth[i];
	SHA1_Init(&k->in); SHA1_Update(&k->in, pad, 64);
	for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&k->out); SHA1_Update(&k->out, pad, 64);
}
static inline void d_iv_cm(uint8_t *iv, const dkey *k, const uint8_t *h, uint32_t roc)
{
	uint8_t t[16] = { 0, 0, 0, 0, h[8], h[9], h[10], h[11], roc >> 24, roc >> 16, roc >> 8, roc, h[2], h[3], 0, 0 };
	for (int i = 0; i < 14; i++) t[i] ^= k->salt[i];
	memcpy(iv, t, 16);
}
static inline void d_mac(const dkey *k, const uint8_t *p, int n, uint32_t roc, uint8_t *tag)
{
	SHA_CTX c = k->in; uint8_t r[4], d[20]; p32(r, roc);
	SHA1_Update(&c, p, n); SHA1_Update(&c, r, 4); SHA1_Final(d, &c);
	c = k->out; SHA1_Update(&c, d, 20); SHA1_Final(d, &c); memcpy(tag, d, 10);
}
static inline int d_protect_cm(dkey *k, const uint8_t *in, uint8_t *out, int hl, int pl, uint32_t roc)
{
	uint8_t iv[16]; int l; d_iv_cm(iv, k, out, roc);
	EVP_EncryptInit_ex(k->c, NULL, NULL, NULL, iv); EVP_EncryptUpdate(k->c, out + hl, &l, in, pl);
	d_mac(k, out, hl + pl, roc, out + hl + pl); return hl + pl + 10;
}
static inline int d_unprotect_cm(dkey *k, uint8_t *p, int hl, int n, uint32_t roc)
{
	uint8_t t[10], iv[16]; int l; d_mac(k, p, n - 10, roc, t);
	if (memcmp(t, p + n - 10, 10)) return -1;
	d_iv_cm(iv, k, p, roc); EVP_EncryptInit_ex(k->c, NULL, NULL, NULL, iv); EVP_EncryptUpdate(k->c, p + hl, &l, p + hl, n - 10 - hl);
	return n - 10;
}
#endif
