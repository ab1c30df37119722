/* SPDX-License-Identifier: MIT */
/* A STUN client for tests, over libnice's own library. */
#pragma once

#include <glib.h>
#include <string.h>

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "ice/stun.h"

typedef struct {
    const char *username; /* "server:client" */
    const char *password; /* of the server */
    bool use_candidate;
    bool controlled; /* the client thinks it is, too: a role conflict */
    uint32_t priority;
} Check;

static StunAgent client_agent;

static inline void client_reset(void)
{
    stun_agent_init(&client_agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

/* Write a connectivity check; returns its length. */
static inline size_t client_check(const Check *check, uint8_t *buf, size_t size)
{
    StunMessage message;

    client_reset();
    return stun_usage_ice_conncheck_create(
        &client_agent, &message, buf, size, (const uint8_t *)check->username,
        strlen(check->username), (const uint8_t *)check->password, strlen(check->password),
        check->use_candidate, !check->controlled, check->priority, 1234567, "x",
        STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

/* Is this the valid success response to the last check? Writes the mapped address. */
static inline bool client_accepts(const uint8_t *reply, size_t len, StoaAddress *mapped)
{
    struct sockaddr_storage address = { 0 };
    socklen_t address_len = sizeof(address);
    StunMessage message;

    if (stun_agent_validate(&client_agent, &message, reply, len, NULL, NULL) !=
        STUN_VALIDATION_SUCCESS)
        return false;
    if (stun_usage_ice_conncheck_process(&message, &address, &address_len,
                                         STUN_USAGE_ICE_COMPATIBILITY_RFC5245) !=
        STUN_USAGE_ICE_RETURN_SUCCESS)
        return false;
    stoa_address_set(mapped, (struct sockaddr *)&address);
    return true;
}

/* The code of an error response, 0 if it is none. */
static inline int client_error(const uint8_t *reply, size_t len)
{
    StunMessage message = { .buffer = (uint8_t *)(uintptr_t)reply, .buffer_len = len };
    int code = 0;

    if (len == 0 || stun_message_get_class(&message) != STUN_ERROR)
        return 0;
    return stun_message_find_error(&message, &code) == STUN_MESSAGE_RETURN_SUCCESS ? code : -1;
}
