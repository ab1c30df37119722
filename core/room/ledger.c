/* SPDX-License-Identifier: MIT */
/* What the life of a room writes into the store. */
#include "config.h"

#include "room/ledger.h"

#include <string.h>

typedef struct Line Line;
typedef bool Write(StoaDb *db, const Line *line, GError **error);

/* One statement and what it needs: each kind uses some. Strings owned. */
struct Line {
    Write *write;
    char *room, *meeting, *person, *text;
    char *invitation, *host, *email, *name;
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    int64_t at_ms, since_ms;
    bool proven;
};

struct StoaLedger {
    GPtrArray *lines;
    StoaStoreDone *done;
    void *data;
    GDestroyNotify free_data;
};

static void line_free(gpointer data)
{
    Line *line = data;

    g_free(line->room);
    g_free(line->meeting);
    g_free(line->person);
    g_free(line->text);
    g_free(line->invitation);
    g_free(line->host);
    g_free(line->email);
    g_free(line->name);
    g_free(line);
}

static Line *add(StoaLedger *ledger, Write *write)
{
    Line *line = g_new0(Line, 1);

    line->write = write;
    g_ptr_array_add(ledger->lines, line);
    return line;
}

StoaLedger *stoa_ledger_new(void)
{
    StoaLedger *ledger = g_new0(StoaLedger, 1);

    ledger->lines = g_ptr_array_new_with_free_func(line_free);
    return ledger;
}

void stoa_ledger_free(StoaLedger *ledger)
{
    if (!ledger)
        return;
    g_ptr_array_unref(ledger->lines);
    if (ledger->free_data)
        ledger->free_data(ledger->data);
    g_free(ledger);
}

static bool work(StoaDb *db, void *data, GError **error)
{
    StoaLedger *ledger = data;

    for (guint i = 0; i < ledger->lines->len; i++) {
        const Line *line = ledger->lines->pdata[i];
        if (!line->write(db, line, error))
            return false;
    }
    return true;
}

static void done(void *data, const GError *error)
{
    StoaLedger *ledger = data;

    if (ledger->done)
        ledger->done(ledger->data, error);
}

void stoa_ledger_run(StoaLedger *ledger, StoaStore *store, StoaStoreDone *after, void *data,
                     GDestroyNotify free_data)
{
    ledger->done = after;
    ledger->data = data;
    ledger->free_data = free_data;
    stoa_store_run(store, work, done, ledger, (GDestroyNotify)stoa_ledger_free);
}

/* -- lines -------------------------------------------------------------------------------- */

static bool write_person(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO participant"
                        " (id, room_id, invitation_id, host_id, email, name, role, created_at)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                        " ON CONFLICT (id) DO UPDATE SET name = excluded.name"
                        " WHERE erased_at IS NULL ON CONFLICT DO NOTHING",
                        "sssssssi", line->person, line->room, line->invitation, line->host,
                        line->email, line->name, line->text, line->at_ms) &&
           (!line->invitation ||
            stoa_db_exec(
                db, error,
                "UPDATE invitation SET state = 'accepted' WHERE id = ?1 AND state = 'sent'", "s",
                line->invitation));
}

void stoa_ledger_person(StoaLedger *ledger, const StoaLedgerPerson *person)
{
    Line *line = add(ledger, write_person);

    line->person = g_strdup(person->id);
    line->room = g_strdup(person->room);
    line->invitation = g_strdup(person->invitation);
    line->host = g_strdup(person->host);
    line->email = g_strdup(person->email);
    line->name = g_strdup(person->name);
    line->text = g_strdup(person->role);
    line->at_ms = stoa_store_now_ms();
}

static bool write_unseat(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "DELETE FROM participant_token WHERE participant_id = ?1 AND kind = 'seat'",
                        "s", line->person);
}

void stoa_ledger_unseat(StoaLedger *ledger, const char *person)
{
    add(ledger, write_unseat)->person = g_strdup(person);
}

static bool write_seat(StoaDb *db, const Line *line, GError **error)
{
    return write_unseat(db, line, error) &&
           stoa_db_exec(db, error,
                        "INSERT INTO participant_token (token, participant_id, kind, expires_at,"
                        " proven) VALUES (?1, ?2, 'seat', ?3, ?4)",
                        "bsii", line->hash, sizeof line->hash, line->person, line->at_ms,
                        (int64_t)line->proven);
}

void stoa_ledger_seat(StoaLedger *ledger, const char *person,
                      const uint8_t hash[STOA_TOKEN_HASH_LEN], int64_t expires_ms, bool proven)
{
    Line *line = add(ledger, write_seat);

    line->person = g_strdup(person);
    memcpy(line->hash, hash, sizeof line->hash);
    line->at_ms = expires_ms;
    line->proven = proven;
}

static bool write_unseat_room(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "DELETE FROM participant_token WHERE kind = 'seat' AND participant_id IN"
                        " (SELECT id FROM participant WHERE room_id = ?1)",
                        "s", line->room);
}

void stoa_ledger_unseat_room(StoaLedger *ledger, const char *room)
{
    add(ledger, write_unseat_room)->room = g_strdup(room);
}

static bool write_meeting(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO meeting (id, room_id, started_at, seen_at)"
                        " VALUES (?1, ?2, ?3, ?3)",
                        "ssi", line->meeting, line->room, line->at_ms) &&
           stoa_db_exec(db, error, "UPDATE room SET state = 'open' WHERE id = ?1", "s", line->room);
}

void stoa_ledger_meeting(StoaLedger *ledger, const char *room, const char *meeting, int64_t at_ms)
{
    Line *line = add(ledger, write_meeting);

    line->room = g_strdup(room);
    line->meeting = g_strdup(meeting);
    line->at_ms = at_ms;
}

static bool write_attend(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO attendance (meeting_id, participant_id, joined_at)"
                        " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                        "ssi", line->meeting, line->person, line->at_ms) &&
           stoa_db_exec(db, error, "UPDATE participant SET admitted_to = ?1 WHERE id = ?2", "ss",
                        line->meeting, line->person);
}

void stoa_ledger_attend(StoaLedger *ledger, const char *meeting, const char *person, int64_t at_ms)
{
    Line *line = add(ledger, write_attend);

    line->meeting = g_strdup(meeting);
    line->person = g_strdup(person);
    line->at_ms = at_ms;
}

static bool write_shut_out(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE participant SET admitted_to = NULL WHERE id = ?1", "s",
                        line->person);
}

void stoa_ledger_shut_out(StoaLedger *ledger, const char *person)
{
    add(ledger, write_shut_out)->person = g_strdup(person);
}

static bool write_depart(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "UPDATE attendance SET left_at = ?1"
                        " WHERE meeting_id = ?2 AND participant_id = ?3 AND joined_at = ?4",
                        "issi", line->at_ms, line->meeting, line->person, line->since_ms);
}

void stoa_ledger_depart(StoaLedger *ledger, const char *meeting, const char *person,
                        int64_t joined_ms, int64_t left_ms)
{
    Line *line = add(ledger, write_depart);

    line->meeting = g_strdup(meeting);
    line->person = g_strdup(person);
    line->since_ms = joined_ms;
    line->at_ms = left_ms;
}

static bool write_depart_all(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "UPDATE attendance SET left_at = ?1"
                        " WHERE meeting_id = ?2 AND left_at IS NULL",
                        "is", line->at_ms, line->meeting);
}

void stoa_ledger_depart_all(StoaLedger *ledger, const char *meeting, int64_t at_ms)
{
    Line *line = add(ledger, write_depart_all);

    line->meeting = g_strdup(meeting);
    line->at_ms = at_ms;
}

static bool write_seen(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE meeting SET seen_at = ?1 WHERE id = ?2", "is",
                        line->at_ms, line->meeting);
}

void stoa_ledger_seen(StoaLedger *ledger, const char *meeting, int64_t at_ms)
{
    Line *line = add(ledger, write_seen);

    line->meeting = g_strdup(meeting);
    line->at_ms = at_ms;
}

static bool write_state(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE room SET state = ?1 WHERE id = ?2", "ss", line->text,
                        line->room);
}

void stoa_ledger_state(StoaLedger *ledger, const char *room, const char *state)
{
    Line *line = add(ledger, write_state);

    line->room = g_strdup(room);
    line->text = g_strdup(state);
}

static bool write_hand(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE participant SET hand_at = ?1 WHERE id = ?2", "ts",
                        line->since_ms, line->person);
}

void stoa_ledger_hand(StoaLedger *ledger, const char *person, int64_t since_ms)
{
    Line *line = add(ledger, write_hand);

    line->person = g_strdup(person);
    line->since_ms = since_ms;
}

static bool write_ban(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE participant SET banned = 1 WHERE id = ?1", "s",
                        line->person);
}

void stoa_ledger_ban(StoaLedger *ledger, const char *person)
{
    add(ledger, write_ban)->person = g_strdup(person);
}

static bool write_bar(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO bar (meeting_id, participant_id, home) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT DO NOTHING",
                        "sss", line->meeting, line->person, line->text);
}

void stoa_ledger_bar(StoaLedger *ledger, const char *meeting, const char *person, const char *home)
{
    Line *line = add(ledger, write_bar);

    line->meeting = g_strdup(meeting);
    line->person = g_strdup(person);
    line->text = g_strdup(home);
}

static bool write_role(StoaDb *db, const Line *line, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE participant SET role = ?1 WHERE id = ?2", "ss",
                        line->text, line->person) &&
           stoa_db_exec(db, error,
                        "UPDATE invitation SET role = ?1 WHERE id ="
                        " (SELECT invitation_id FROM participant WHERE id = ?2)",
                        "ss", line->text, line->person);
}

void stoa_ledger_role(StoaLedger *ledger, const char *person, const char *role)
{
    Line *line = add(ledger, write_role);

    line->person = g_strdup(person);
    line->text = g_strdup(role);
}
