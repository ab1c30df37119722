/* SPDX-License-Identifier: MIT */
/* STUN from strangers. The first byte chooses the sender's address, the rest is the message. A check with valid
 * integrity is made of whatever the fuzzer finds that has the right shape: the integrity is repaired. */
#include <string.h>

#include <stun/stunagent.h>

#include "ice/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char password[] = "abcdefghijklmnopqrstuvwx";

static void *look_up(void *user, const char *ufrag, size_t len, const char **pwd, size_t *pwd_len)
{
    if (len < 4 || memcmp(ufrag, "stoa", 4) != 0)
        return NULL;
    *pwd = password;
    *pwd_len = sizeof(password) - 1;
    return user;
}

/* Rewrite the end of a message: integrity and fingerprint, made by libnice. */
static size_t repair(const uint8_t *buf, size_t len, uint8_t *out, size_t room)
{
    StunAgent agent;
    StunMessage message = { .agent = &agent, .buffer = out, .buffer_len = room };

    if (len < 20 || len > room || (len & 3) != 0)
        return 0;
    memcpy(out, buf, len);
    out[0] &= 1; /* a request, a response, an indication or an error */
    out[2] = (uint8_t)((len - 20) >> 8);
    out[3] = (uint8_t)(len - 20);
    memcpy(out + 4, "\x21\x12\xa4\x42", 4);
    stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return stun_agent_finish_message(&agent, &message, (const uint8_t *)password,
                                     sizeof(password) - 1);
}

static void judge(const uint8_t *buf, size_t len, const StoaAddress *from)
{
    uint8_t *exact = g_memdup2(buf, len); /* so that a read past the end shows */
    uint8_t *reply = g_malloc(STOA_STUN_REPLY);
    StoaStun *stun = stoa_stun_new(look_up, reply);
    StoaStunResult result;
    StoaStunVerdict verdict = stoa_stun_input(stun, 0, exact, len, from, reply, &result);

    g_assert(result.reply_len <= STOA_STUN_REPLY);
    g_assert((verdict == STOA_STUN_CHECK) == (result.ufrag != NULL));
    if (verdict == STOA_STUN_REFUSED && !result.owner)
        g_assert(result.reply_len <= len); /* nothing is amplified */
    if (verdict == STOA_STUN_IGNORED || verdict == STOA_STUN_INDICATION)
        g_assert(result.reply_len == 0 && !result.owner);
    stoa_stun_free(stun);
    g_free(reply);
    g_free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t repaired[2048];
    StoaAddress from;
    size_t len;

    if (size < 1 || size > 1800)
        return 0;
    g_assert(stoa_address_parse(data[0] & 1 ? "2001:db8::1" : "192.0.2.1", 5000, &from));
    judge(data + 1, size - 1, &from);
    len = repair(data + 1, size - 1, repaired, sizeof(repaired));
    if (len > 0)
        judge(repaired, len, &from);
    return 0;
}
