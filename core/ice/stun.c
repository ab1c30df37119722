/* SPDX-License-Identifier: MIT */
/* Connectivity checks over libnice's STUN library. We are ICE-lite: never controlling, tie-breaker 0. */
#include "ice/stun.h"

#include <string.h>
#include <sys/socket.h>

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "base/poison.h"

enum {
    ERRORS_PER_SECOND = 10,
    MAX_UFRAG = 256,
    MAX_USERNAME = 512, /* its copy must fit into the reply: libnice aborts where it does not */
    HEADER = 20,
    ATTRIBUTE_HEADER = 4,
};

struct StoaStun {
    StunAgent agent;
    StoaStunLookup lookup;
    void *user;
    int64_t second_us; /* when the current second of the error rate began */
    unsigned errors;   /* sent in it */
};

/* What the validator learns while libnice reads one message. */
typedef struct {
    StoaStun *stun;
    void *owner;
} Validation;

StoaStun *stoa_stun_new(StoaStunLookup lookup, void *user)
{
    StoaStun *stun = g_new0(StoaStun, 1);

    stun->lookup = lookup;
    stun->user = user;
    stun->second_us = INT64_MIN;
    stun_agent_init(&stun->agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT |
                        STUN_AGENT_USAGE_NO_INDICATION_AUTH);
    return stun;
}

void stoa_stun_free(StoaStun *stun)
{
    g_free(stun);
}

bool stoa_stun_is(const uint8_t *buf, size_t len)
{
    static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

    return len >= HEADER && buf[0] < 4 && memcmp(buf + 4, cookie, sizeof(cookie)) == 0;
}

static size_t read16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* May an attribute have this length? Those that libnice reads without looking. */
static bool is_length_sound(size_t type, size_t len)
{
    switch (type) {
    case STUN_ATTRIBUTE_USERNAME: return len <= MAX_USERNAME;
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY: return len == 20;
    case STUN_ATTRIBUTE_FINGERPRINT: return len == 4;
    default: return true;
    }
}

/* Check every length before libnice sees the message. */
static bool is_sound(const uint8_t *buf, size_t len)
{
    size_t at = HEADER;

    if (!stoa_stun_is(buf, len) || read16(buf + 2) != len - HEADER || len % 4 != 0)
        return false;
    while (at < len) {
        size_t type = read16(buf + at);
        size_t value_len = read16(buf + at + 2);

        if (!is_length_sound(type, value_len))
            return false;
        at += ATTRIBUTE_HEADER + (value_len + 3) / 4 * 4;
    }
    return at == len;
}

/* The part of USERNAME before the colon is ours. Writes its length; false if there is none. */
static bool local_part(const void *username, size_t len, size_t *ufrag_len)
{
    const char *colon = memchr(username, ':', MIN(len, MAX_UFRAG));

    if (!colon || colon == username)
        return false;
    *ufrag_len = (size_t)(colon - (const char *)username);
    return true;
}

static bool validate(StunAgent *agent G_GNUC_UNUSED, StunMessage *message G_GNUC_UNUSED,
                     uint8_t *username, uint16_t username_len, uint8_t **password,
                     size_t *password_len, void *data)
{
    Validation *validation = data;
    const StoaStun *stun = validation->stun;
    const char *ufrag = (const char *)username;
    const char *found = NULL;
    size_t found_len = 0;
    size_t len;

    if (!local_part(username, username_len, &len))
        return false;
    validation->owner = stun->lookup(stun->user, ufrag, len, &found, &found_len);
    if (!validation->owner || found_len == 0) /* an empty key would skip the check */
        return false;
    *password = (uint8_t *)(uintptr_t)found;
    *password_len = found_len;
    return true;
}

/* Ten errors a second for all strangers together. */
static bool may_refuse(StoaStun *stun, int64_t now_us)
{
    if (stun->second_us == INT64_MIN || now_us - stun->second_us >= 1000000) {
        stun->second_us = now_us;
        stun->errors = 0;
    }
    return stun->errors++ < ERRORS_PER_SECOND;
}

/* Build an error response, never longer than the request. */
static StoaStunVerdict refuse(StoaStun *stun, int64_t now_us, StunMessage *request, StunError code,
                              uint8_t *reply, StoaStunResult *result)
{
    StunMessage response;
    size_t len = 0;

    if (stun_message_get_class(request) != STUN_REQUEST ||
        stun_message_get_method(request) != STUN_BINDING || !may_refuse(stun, now_us))
        return STOA_STUN_IGNORED;
    if (code == STUN_ERROR_UNKNOWN_ATTRIBUTE)
        len = stun_agent_build_unknown_attributes_error(&stun->agent, &response, reply,
                                                        STOA_STUN_REPLY, request);
    else if (stun_agent_init_error(&stun->agent, &response, reply, STOA_STUN_REPLY, request, code))
        len = stun_agent_finish_message(&stun->agent, &response, NULL, 0);
    if (len == 0 || len > stun_message_length(request))
        return STOA_STUN_IGNORED;
    result->reply_len = len;
    return STOA_STUN_REFUSED;
}

/* A request whose integrity holds: answer it, success or role conflict. */
static StoaStunVerdict answer(StoaStun *stun, StunMessage *request, const StoaAddress *from,
                              void *owner, uint8_t *reply, StoaStunResult *result)
{
    struct sockaddr_storage mapped = { 0 };
    StunMessage response;
    size_t len = STOA_STUN_REPLY;
    bool controlling = false;
    uint16_t username_len = 0;
    StunUsageIceReturn done;

    memcpy(&mapped, from, sizeof(*from));
    done = stun_usage_ice_conncheck_create_reply(&stun->agent, request, &response, reply, &len,
                                                 &mapped, stoa_address_len(from), &controlling, 0,
                                                 STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    if (done != STUN_USAGE_ICE_RETURN_SUCCESS && done != STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
        return STOA_STUN_IGNORED;
    result->owner = owner;
    result->reply_len = len;
    if (done == STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
        return STOA_STUN_REFUSED;
    result->ufrag = stun_message_find(request, STUN_ATTRIBUTE_USERNAME, &username_len);
    local_part(result->ufrag, username_len, &result->ufrag_len);
    result->priority = stun_usage_ice_conncheck_priority(request);
    result->use_candidate = stun_usage_ice_conncheck_use_candidate(request);
    return STOA_STUN_CHECK;
}

StoaStunVerdict stoa_stun_input(StoaStun *stun, int64_t now_us, const uint8_t *buf, size_t len,
                                const StoaAddress *from, uint8_t *reply, StoaStunResult *result)
{
    Validation validation = { .stun = stun };
    StunMessage message;
    StunClass class;

    *result = (StoaStunResult){ 0 };
    if (!is_sound(buf, len))
        return STOA_STUN_IGNORED;
    switch (stun_agent_validate(&stun->agent, &message, buf, len, validate, &validation)) {
    case STUN_VALIDATION_SUCCESS: break;
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
        return refuse(stun, now_us, &message, STUN_ERROR_BAD_REQUEST, reply, result);
    case STUN_VALIDATION_UNAUTHORIZED:
        return refuse(stun, now_us, &message, STUN_ERROR_UNAUTHORIZED, reply, result);
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE:
        return refuse(stun, now_us, &message, STUN_ERROR_UNKNOWN_ATTRIBUTE, reply, result);
    default: return STOA_STUN_IGNORED;
    }
    class = stun_message_get_class(&message);
    if (stun_message_get_method(&message) != STUN_BINDING)
        return STOA_STUN_IGNORED;
    if (class == STUN_INDICATION)
        return STOA_STUN_INDICATION;
    if (class != STUN_REQUEST || !validation.owner)
        return STOA_STUN_IGNORED;
    return answer(stun, &message, from, validation.owner, reply, result);
}
