/* SPDX-License-Identifier: MIT */
/* Statements that take a database back to the tables of schema 1, with a mail that waits and one that is a file. */
#pragma once

static const char *const back_to_first[] = {
    "DROP TABLE mail",
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, recipient TEXT NOT NULL, room_id TEXT, kind TEXT"
    " NOT NULL, payload TEXT NOT NULL, next_try_at INTEGER NOT NULL, tries INTEGER NOT NULL"
    " DEFAULT 0, created_at INTEGER NOT NULL) STRICT",
    "INSERT INTO mail VALUES (7, 'a@x.org', NULL, 'signin', '{}', 1, 3, 1)",
    "ALTER TABLE mail_file DROP COLUMN payload",
    "ALTER TABLE mail_file DROP COLUMN written_at",
    "DROP INDEX invitation_replaced",
    "ALTER TABLE invitation DROP COLUMN replaced",
    "ALTER TABLE invitation DROP COLUMN mailed",
    "INSERT INTO mail_file VALUES ('one.eml', 'a@x.org', NULL)",
    "ALTER TABLE participant DROP COLUMN hand_at",
    "DROP TABLE redaction",
    "DROP TABLE bar",
    "ALTER TABLE participant_token DROP COLUMN proven",
    "ALTER TABLE participant DROP COLUMN admitted_to",
    "ALTER TABLE invitation DROP COLUMN proven",
    "PRAGMA user_version = 1",
};
