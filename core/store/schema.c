/* SPDX-License-Identifier: MIT */
/* The tables, as numbered migrations. Times are milliseconds since 1970 UTC; ids are opaque text; addresses are lower case;
 * of a token only its SHA-256 is here. */
#include "config.h"

#include "store/schema.h"

#include <glib.h>

static const char first[] =
    /* who may make rooms */
    "CREATE TABLE host (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " created_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE host_link (token BLOB PRIMARY KEY, host_id TEXT NOT NULL"
    " REFERENCES host(id) ON DELETE CASCADE, expires_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE host_session (token BLOB PRIMARY KEY, host_id TEXT NOT NULL"
    " REFERENCES host(id) ON DELETE CASCADE, expires_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX host_session_host ON host_session(host_id);"
    /* a room, and who belongs to it */
    "CREATE TABLE room (id TEXT PRIMARY KEY, host_id TEXT NOT NULL REFERENCES host(id) ON DELETE "
    "CASCADE,"
    " title TEXT NOT NULL, access TEXT NOT NULL, lobby INTEGER NOT NULL, locked INTEGER NOT NULL,"
    " e2ee TEXT NOT NULL, modules TEXT NOT NULL," /* JSON array of names */
    " starts_at INTEGER, duration_min INTEGER, max_people INTEGER, region TEXT, residency TEXT,"
    " retention_days INTEGER NOT NULL, state TEXT NOT NULL," /* scheduled, open, ended */
    " created_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX room_host ON room(host_id, created_at);"
    "CREATE TABLE invitation (id TEXT PRIMARY KEY, room_id TEXT NOT NULL"
    " REFERENCES room(id) ON DELETE CASCADE, email TEXT NOT NULL, name TEXT, role TEXT NOT NULL,"
    " token BLOB UNIQUE,"   /* NULL: revoked */
    " state TEXT NOT NULL," /* sent, accepted, revoked; expired is worked out */
    " created_at INTEGER NOT NULL, sent_at INTEGER, UNIQUE(room_id, email)) STRICT;"
    /* one seat: an invited person, the host, or a guest of a public room. Its id is what the wire shows. */
    "CREATE TABLE participant (id TEXT PRIMARY KEY, room_id TEXT NOT NULL"
    " REFERENCES room(id) ON DELETE CASCADE, invitation_id TEXT REFERENCES invitation(id)"
    " ON DELETE SET NULL, host_id TEXT, email TEXT, name TEXT," /* NULL: erased */
    " role TEXT NOT NULL, banned INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    " erased_at INTEGER) STRICT;"
    "CREATE INDEX participant_room ON participant(room_id);"
    "CREATE INDEX participant_email ON participant(email);"
    "CREATE UNIQUE INDEX participant_invitation ON participant(invitation_id);"
    "CREATE TABLE participant_token (token BLOB PRIMARY KEY, participant_id TEXT NOT NULL"
    " REFERENCES participant(id) ON DELETE CASCADE, kind TEXT NOT NULL," /* seat, link (history mail), history */
    " expires_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX participant_token_who ON participant_token(participant_id);"
    /* one sitting of a room, and who was there when */
    "CREATE TABLE meeting (id TEXT PRIMARY KEY, room_id TEXT NOT NULL"
    " REFERENCES room(id) ON DELETE CASCADE, started_at INTEGER NOT NULL, ended_at INTEGER,"
    " seen_at INTEGER NOT NULL," /* the last moment that the server was up with it */
    " erase_at INTEGER, summarised INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX meeting_room ON meeting(room_id, started_at);"
    "CREATE INDEX meeting_erase ON meeting(erase_at);"
    "CREATE TABLE attendance (meeting_id TEXT NOT NULL REFERENCES meeting(id) ON DELETE CASCADE,"
    " participant_id TEXT NOT NULL REFERENCES participant(id) ON DELETE CASCADE,"
    " joined_at INTEGER NOT NULL, left_at INTEGER, PRIMARY KEY(meeting_id, participant_id, "
    "joined_at)) STRICT;"
    "CREATE INDEX attendance_who ON attendance(participant_id);"
    /* the journal: body NULL is a tombstone */
    "CREATE TABLE record (room_id TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL, meeting_id TEXT, module TEXT NOT NULL, kind TEXT NOT NULL,"
    " author TEXT, recipient TEXT, at INTEGER NOT NULL, body TEXT,"
    " PRIMARY KEY(room_id, seq)) STRICT;"
    "CREATE INDEX record_module ON record(room_id, module, seq);"
    "CREATE INDEX record_kind ON record(room_id, module, kind, meeting_id, seq);"
    "CREATE INDEX record_author ON record(author);"
    "CREATE TABLE snapshot (room_id TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE,"
    " module TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY(room_id, module)) STRICT;"
    /* what was uploaded; the bytes lie in files/ROOM/ID of the data folder */
    "CREATE TABLE file (id TEXT PRIMARY KEY, room_id TEXT NOT NULL"
    " REFERENCES room(id) ON DELETE CASCADE, participant_id TEXT, meeting_id TEXT,"
    " name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX file_room ON file(room_id);"
    "CREATE INDEX file_who ON file(participant_id);"
    /* sealed keys that wait for a person (end-to-end encryption) */
    "CREATE TABLE key_box (room_id TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE,"
    " recipient TEXT NOT NULL, sender TEXT NOT NULL, epoch INTEGER NOT NULL, box TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(room_id, recipient, sender, epoch)) STRICT;"
    /* the outbox */
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, recipient TEXT NOT NULL, room_id TEXT," /* no reference: a cancellation outlives its room */
    " kind TEXT NOT NULL, payload TEXT NOT NULL," /* JSON, with the link: gone as soon as it is sent */
    " next_try_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL) "
    "STRICT;"
    "CREATE INDEX mail_due ON mail(next_try_at);"
    "CREATE INDEX mail_recipient ON mail(recipient);"
    "CREATE INDEX mail_room ON mail(room_id);"
    /* .eml files that were written, so that they can be erased */
    "CREATE TABLE mail_file (name TEXT PRIMARY KEY, recipient TEXT NOT NULL, room_id TEXT) STRICT;";

/* The tables as they are: from here on nothing is in the pages beside them, see sqlite-vfs.h. */
static const char second[] = "";

/* A mail's number is never given again: a Message-ID and the name of a file are made of it. Its file can be written anew when
 * somebody is erased from it. A raised hand outlives a restart. */
static const char third[] =
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL,"
    " room_id TEXT, kind TEXT NOT NULL, payload TEXT NOT NULL, next_try_at INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    " file INTEGER NOT NULL DEFAULT 0) STRICT;" /* 1: to be written as a file, whatever the conf says */
    "INSERT INTO outbox (id, recipient, room_id, kind, payload, next_try_at, tries, created_at)"
    " SELECT id, recipient, room_id, kind, payload, next_try_at, tries, created_at FROM mail;"
    "DROP TABLE mail;"
    "ALTER TABLE outbox RENAME TO mail;"
    "CREATE INDEX mail_due ON mail(next_try_at);"
    "CREATE INDEX mail_recipient ON mail(recipient);"
    "CREATE INDEX mail_room ON mail(room_id);"
    "ALTER TABLE mail_file ADD COLUMN payload TEXT;" /* of a summary, without its links; else NULL */
    "ALTER TABLE participant ADD COLUMN hand_at INTEGER;"; /* NULL: down */

/* Each mail about an entry of a calendar has a number. A mail's file says since when it is there. */
static const char fourth[] =
    "ALTER TABLE invitation ADD COLUMN mailed INTEGER NOT NULL DEFAULT 0;" /* how many such mails */
    "UPDATE invitation SET mailed = 1 WHERE sent_at IS NOT NULL;"
    "ALTER TABLE mail_file ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0;"
    "UPDATE mail_file SET written_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000;";

/* Who was erased while a module was not loaded: it is asked about others' records once it is. */
static const char fifth[] = "CREATE TABLE redaction (room_id TEXT NOT NULL REFERENCES room(id)"
                            " ON DELETE CASCADE, module TEXT NOT NULL, person TEXT NOT NULL,"
                            " PRIMARY KEY(room_id, module, person)) STRICT;";

/* Who follows an older link than the last is told so. */
static const char sixth[] =
    "ALTER TABLE invitation ADD COLUMN replaced BLOB;" /* the token before */
    "CREATE INDEX invitation_replaced ON invitation(replaced);";

/* Where guests who were banned from a running meeting came from, as web/home.h writes it: no address. */
static const char seventh[] =
    "CREATE TABLE bar (meeting_id TEXT NOT NULL REFERENCES meeting(id) ON DELETE CASCADE,"
    " participant_id TEXT NOT NULL REFERENCES participant(id) ON DELETE CASCADE,"
    " home TEXT NOT NULL, PRIMARY KEY(meeting_id, participant_id)) STRICT;"
    "CREATE INDEX bar_who ON bar(participant_id);";

/* Whether a token shows that its bearer reads the mail to its person's address, and who is past lobby and lock: in which meeting. */
static const char eighth[] =
    "ALTER TABLE invitation ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;"
    "UPDATE invitation SET proven = 1 WHERE sent_at >= created_at;"
    "ALTER TABLE participant_token ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;"
    "UPDATE participant_token SET proven = 1 WHERE kind = 'link' OR participant_id IN"
    " (SELECT p.id FROM participant p LEFT JOIN invitation i ON i.id = p.invitation_id"
    " WHERE p.host_id IS NOT NULL OR i.proven = 1);"
    "ALTER TABLE participant ADD COLUMN admitted_to TEXT;" /* a meeting's id; NULL: none */
    "UPDATE participant SET admitted_to = (SELECT m.id FROM meeting m JOIN attendance a"
    " ON a.meeting_id = m.id WHERE m.ended_at IS NULL AND a.participant_id = participant.id);";

static const char *const migrations[] = { first, second,  third,  fourth, fifth,
                                          sixth, seventh, eighth, NULL };

const char *const *stoa_schema_migrations(void)
{
    return migrations;
}

int stoa_schema_version(void)
{
    return (int)G_N_ELEMENTS(migrations) - 1;
}
