/* SPDX-License-Identifier: MIT */
/* conf/rooms.conf: every key, its default and its range. conf/rooms.conf is compared with this by a test. */
#include "config.h"

#include "room/rooms-conf.h"

#define AT(member) offsetof(StoaRoomsConf, member)
#define DAY_S      (24 * 60 * 60)

static const char *const ice_schemes[] = { "stun", "stuns", "turn", "turns", NULL };

static const StoaOption options[] = {
    { "api.keys", STOA_LIST, STOA_SECRET | STOA_LIVE, AT(api_keys), "",
      .help = "API keys of integrators, long and random (openssl rand -hex 32): who has one is "
              "host in every room" },
    { "rooms.modules", STOA_LIST, STOA_LIVE, AT(modules), "videoroom;chat;poll;workspace",
      .help = "modules of a room that was made without naming any" },
    { "meeting.linger_s", STOA_INT, STOA_LIVE, AT(linger_s), "300", 0, DAY_S,
      "a meeting ends when its room was empty for so long (and its planned time is over)" },
    { "meeting.reconnect_s", STOA_INT, STOA_LIVE, AT(reconnect_s), "30", 0, 3600,
      "how long the seat of somebody whose connection was lost is kept" },
    { "tokens.participant_s", STOA_INT, STOA_LIVE, AT(participant_s), "900", 1, DAY_S,
      "a participant token expires after so long without a request" },
    { "tokens.host_s", STOA_INT, STOA_LIVE, AT(host_s), "1209600", 1, 365 * DAY_S,
      "a host who signed in is signed out after so long" },
    { "tokens.signin_s", STOA_INT, STOA_LIVE, AT(signin_s), "900", 1, 7 * DAY_S,
      "how long a mailed sign-in link is good, once" },
    { "tokens.history_s", STOA_INT, STOA_LIVE, AT(history_s), "86400", 1, 30 * DAY_S,
      "how long a token made from a history link is good" },
    { "tokens.ticket_s", STOA_INT, STOA_LIVE, AT(ticket_s), "600", 1, DAY_S,
      "how long the link of a file is good, as found in the history" },
    { "ice.servers", STOA_LIST, STOA_LIVE, AT(ice_servers), "", .form = STOA_FORM_URL,
      .choices = ice_schemes,
      .help = "STUN and TURN servers that browsers are told of: stun:HOST:PORT, turn:HOST:PORT, "
              "turns:HOST:PORT" },
    { "ice.turn_secret", STOA_STRING, STOA_SECRET | STOA_LIVE, AT(turn_secret), "",
      .help = "the TURN servers' static-auth-secret: everybody who joins gets a password of their "
              "own" },
    { "ice.turn_s", STOA_INT, STOA_LIVE, AT(turn_s), "43200", 60, 7 * DAY_S,
      "how long such a password is good" },
    { "invitations.days", STOA_INT, STOA_LIVE, AT(invitation_days), "30", 1, 3650,
      "an invitation to a room without a time expires after so many days" },
    { "invitations.after_s", STOA_INT, STOA_LIVE, AT(invitation_after_s), "86400", 0, 365 * DAY_S,
      "an invitation to a room with a time expires so long after its planned end" },
    { "retention.days", STOA_INT, STOA_LIVE, AT(retention_days), "365", 0, 3650,
      "days until a meeting's history and files are erased, of a room that does not say; 0: at its "
      "end" },
    { "retention.max_days", STOA_INT, STOA_LIVE, AT(retention_max_days), "3650", 0, 36500,
      "the longest that a room may ask for" },
    { "retention.sweep_s", STOA_INT, 0, AT(retention_sweep_s), "600", 1, DAY_S,
      "how often is looked for what else is to be erased than histories that ran out" },
    { "limits.attempts_per_minute", STOA_INT, STOA_LIVE, AT(attempts_per_minute), "10", 0, 1000000,
      "wrong tokens a minute from one address; 0: no limit" },
    { "limits.joins_per_minute", STOA_INT, STOA_LIVE, AT(joins_per_minute), "1200", 0, 1000000,
      "guests a minute from one address into one public room (a school has one); 0: no limit" },
    { "limits.signin_per_hour", STOA_INT, STOA_LIVE, AT(signin_per_hour), "20", 0, 1000000,
      "sign-in mails an hour that one host is sent; 0: no limit" },
    { "limits.signin_requests_per_hour", STOA_INT, STOA_LIVE, AT(signin_requests_per_hour), "200",
      0, 1000000,
      "requests for a sign-in mail an hour from one address: those past it are answered, but not "
      "mailed; 0: no limit" },
    { "limits.rooms_per_host", STOA_INT, STOA_LIVE, AT(rooms_per_host), "1000", 0, 1000000,
      "rooms of one host; 0: no limit" },
    { "limits.people_per_room", STOA_INT, STOA_LIVE, AT(people_per_room), "1000", 1, 1000000,
      "the most people that a room's max_people may allow, and its default" },
    { "limits.waiting_per_room", STOA_INT, STOA_LIVE, AT(waiting_per_room), "500", 1, 1000000,
      "guests that wait in the lobby of a room; who was invited always may" },
    { "limits.invitations_per_room", STOA_INT, STOA_LIVE, AT(invitations_per_room), "5000", 1,
      1000000, "invitations of one room" },
    { "limits.invitations_per_request", STOA_INT, STOA_LIVE, AT(invitations_per_request), "500", 1,
      10000, "people that one request may invite" },
    { "files.types", STOA_LIST, STOA_LIVE, AT(file_types),
      "image/*;audio/*;video/*;text/*;application/pdf;application/zip;application/epub+zip;"
      "application/vnd.*;application/msword;application/rtf;application/gzip;"
      "application/x-7z-compressed;application/octet-stream",
      .help =
          "types that may be uploaded, told by content and not by name (a star at the end: any); "
          "application/octet-stream is what nobody knows; without a mention: programs and "
          "scripts (application/x-script)" },
    { NULL },
};

const StoaConfTable *stoa_rooms_conf_table(void)
{
    static const StoaConfTable table = { .file = "rooms",
                                         .options = options,
                                         .size = sizeof(StoaRoomsConf),
                                         .option_size = sizeof(StoaOption) };

    return &table;
}
