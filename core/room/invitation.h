/* SPDX-License-Identifier: MIT */
/* Invitations: one person, one room, one token. Within jobs: the store thread. (rooms API, "Invitations"; SECURITY R17) */
#pragma once

#include "room/rooms-conf.h"
#include "store/store.h"
#include "store/token.h"

/* The way on which a link goes to the invited. */
typedef enum {
    STOA_INVITATION_HANDED,  /* to the host, who may give it to anybody: it proves nothing */
    STOA_INVITATION_MAILED,  /* by our mail: who has it reads the mail to that address */
    STOA_INVITATION_VOUCHED, /* to an integrator with an API key, who answers for it */
} StoaInvitationWay;

/* One row. Strings owned. */
typedef struct {
    char *id, *email, *name, *role; /* name: NULL: not told */
    char *state;                    /* "sent", "accepted", "revoked"; or "expired", worked out */
    bool accepted;                  /* somebody joined with it, even if it has expired since */
    int64_t issued_ms;              /* when its token was made */
} StoaInvitation;

void stoa_invitation_free(StoaInvitation *invitation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaInvitation, stoa_invitation_free)

/**
 * When an invitation ends: after the planned end of its room, or some days after it was made.
 *
 * @starts_ms  0: the room has no time
 */
int64_t stoa_invitation_expires_ms(int64_t issued_ms, int64_t starts_ms, int64_t duration_min,
                                   const StoaRoomsConf *conf);

/** The invitations of a room, oldest first: StoaInvitation, owned by the array. @id  only that one; NULL: all. NULL with `error`. */
GPtrArray *stoa_invitation_list(StoaDb *db, const char *room, const char *id,
                                const StoaRoomsConf *conf, GError **error);
/** The one of an address, which is in lower case; NULL: there is none, or `error`. */
StoaInvitation *stoa_invitation_of(StoaDb *db, const char *room, const char *email,
                                   const StoaRoomsConf *conf, GError **error);

/** Make one, with the token that its link carries. NULL with `error`. */
StoaInvitation *stoa_invitation_new(StoaDb *db, const char *room, const char *email,
                                    const char *name, const char *role, StoaInvitationWay way,
                                    char token[STOA_TOKEN_LEN + 1], GError **error);
/** A new token in place of the old one, which is wrong from now on; a revoked or expired one is good again. */
bool stoa_invitation_renew(StoaDb *db, StoaInvitation *invitation, StoaInvitationWay way,
                           char token[STOA_TOKEN_LEN + 1], GError **error);
/** It is good no more. @participant  gets who joined with it, to be freed with g_free(); NULL: nobody did. */
bool stoa_invitation_revoke(StoaDb *db, const char *id, char **participant, GError **error);

/** {id, email, name, role, state}. New reference. */
json_t *stoa_invitation_json(const StoaInvitation *invitation);
