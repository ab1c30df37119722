/* SPDX-License-Identifier: MIT */
/* What the life of a room writes, and who is read back as having been there. */
#include "config.h"

#include "room/attendance.h"
#include "room/ledger.h"
#include "room/room-info.h"
#include "store-bed.h"

static StoaStore *store;

static int set_up(void **unused G_GNUC_UNUSED)
{
    stoa_control_init();
    store = bed_store_new();
    bed_fill(store);
    return store ? 0 : -1;
}

static int tear_down(void **unused G_GNUC_UNUSED)
{
    stoa_store_free(store);
    stoa_control_shutdown();
    return 0;
}

static void must_be_written(void *data, const GError *error)
{
    assert_null(error);
    (*(int *)data)++;
}

static void write_down(StoaLedger *ledger)
{
    int n = 0;

    stoa_ledger_run(ledger, store, must_be_written, &n, NULL);
    stoa_control_settle();
    assert_int_equal(n, 1);
}

static GPtrArray *stays;

static bool read_stays(StoaDb *db, void *meeting, GError **error)
{
    stays = stoa_attendance_read(db, meeting, error);
    return stays != NULL;
}

static void a_gap_of_less_than_a_minute_is_one_stay(void **unused G_GNUC_UNUSED)
{
    StoaLedger *ledger = stoa_ledger_new();

    stoa_ledger_meeting(ledger, "r", "m", 1000);
    stoa_ledger_attend(ledger, "m", "ana", 1000);
    stoa_ledger_depart(ledger, "m", "ana", 1000, 5000);
    stoa_ledger_attend(ledger, "m", "ben", 2000);
    stoa_ledger_attend(ledger, "m", "ana", 64999); /* 59.999 s later */
    stoa_ledger_depart(ledger, "m", "ana", 64999, 70000);
    stoa_ledger_attend(ledger, "m", "ana", 130000); /* a minute later */
    write_down(ledger);
    stoa_store_run(store, read_stays, NULL, (void *)"m", NULL);
    stoa_control_settle();
    assert_int_equal(stays->len, 3);
    const StoaStay *first = stays->pdata[0], *second = stays->pdata[1], *third = stays->pdata[2];
    assert_string_equal(first->name, "Ana");
    assert_int_equal(first->joined_ms, 1000);
    assert_int_equal(first->left_ms, 70000);
    assert_string_equal(second->role, "cohost");
    assert_int_equal(second->left_ms, 0);
    assert_int_equal(third->joined_ms, 130000);
    assert_int_equal(third->left_ms, 0);
    g_ptr_array_unref(stays);
}

static void a_person_has_one_seat_token(void **unused G_GNUC_UNUSED)
{
    uint8_t one[STOA_TOKEN_HASH_LEN] = { 1 }, two[STOA_TOKEN_HASH_LEN] = { 2 };
    StoaLedger *ledger = stoa_ledger_new();

    stoa_ledger_seat(ledger, "ana", one, 5000, false);
    stoa_ledger_seat(ledger, "ana", two, 6000, true);
    write_down(ledger);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant_token"), 1);
    assert_int_equal(bed_number(store, "SELECT MAX(expires_at) FROM participant_token"), 6000);
    assert_int_equal(bed_number(store, "SELECT MAX(proven) FROM participant_token"), 1);
    ledger = stoa_ledger_new();
    stoa_ledger_unseat_room(ledger, "r");
    write_down(ledger);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant_token"), 0);
}

static void a_person_is_made_once(void **unused G_GNUC_UNUSED)
{
    bed_sql(store, "INSERT INTO invitation (id, room_id, email, role, state, created_at)"
                   " VALUES ('i', 'r', 'cem@x.example', 'participant', 'sent', 1)");
    const StoaLedgerPerson cem = { .id = "cem",
                                   .room = "r",
                                   .invitation = "i",
                                   .email = "cem@x.example",
                                   .name = "Cem",
                                   .role = "participant" };
    StoaLedger *ledger = stoa_ledger_new();
    stoa_ledger_person(ledger, &cem);
    stoa_ledger_role(ledger, "cem", "cohost");
    stoa_ledger_person(ledger, &cem);
    stoa_ledger_ban(ledger, "cem");
    write_down(ledger);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant WHERE id = 'cem'"
                                       " AND role = 'cohost' AND banned = 1"),
                     1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM invitation WHERE state = 'accepted'"
                                       " AND role = 'cohost'"),
                     1);
}

static StoaRoomInfo *info;

static bool read_info(StoaDb *db, void *id, GError **error)
{
    info = stoa_room_info_read(db, id, error);
    return info != NULL;
}

static void expect_not_found(void *data G_GNUC_UNUSED, const GError *error)
{
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_NOT_FOUND));
}

static void a_room_knows_the_meeting_that_runs(void **unused G_GNUC_UNUSED)
{
    StoaLedger *ledger = stoa_ledger_new();

    stoa_ledger_meeting(ledger, "r", "m", 1000);
    write_down(ledger);
    stoa_store_run(store, read_info, NULL, (void *)"r", NULL);
    stoa_control_settle();
    assert_string_equal(info->meeting, "m");
    assert_string_equal(info->state, "open");
    assert_true(stoa_room_info_has_module(info, "chat"));
    assert_false(stoa_room_info_has_module(info, "poll"));
    json_t *room = stoa_room_info_json(info);
    assert_string_equal(json_string_value(json_object_get(room, "meeting")), "m");
    assert_string_equal(json_string_value(json_object_get(json_object_get(room, "host"), "name")),
                        "Hana");
    assert_null(json_object_get(room, "starts_at"));
    json_decref(room);
    stoa_room_info_free(info);
    stoa_store_run(store, read_info, expect_not_found, (void *)"nowhere", NULL);
    stoa_control_settle();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gap_of_less_than_a_minute_is_one_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_person_has_one_seat_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_person_is_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_room_knows_the_meeting_that_runs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
