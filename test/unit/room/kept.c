/* SPDX-License-Identifier: MIT */
/* The life of kept rooms: coming in, the lobby, the lock, seats that are taken over, lost and found again, meetings. */
#include "config.h"

#include "base/error.h"
#include "kept-bed.h"

static void who_joins_begins_a_meeting(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    assert_false(ana->waiting);
    hears(ana, "state ");
    assert_string_equal(state_of("ana"), "in");
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance WHERE left_at IS NULL"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM room WHERE state = 'open'"), 1);
}

static void others_are_told_of_who_comes_and_goes(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");

    comes(ana);
    assert_true(joins(ben));
    hears(ana, "state participant_joined ");
    assert_true(attaches(ben));
    hears(ana, "");
    assert_true(leaves(ben));
    hears(ana, "participant_left ");
    assert_null(stoa_rooms_token(rooms, ben->token));
    assert_null(ben->handle);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance WHERE left_at IS NULL"), 1);
}

static void a_lost_seat_is_kept_for_a_while(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");

    comes(ana);
    comes(ben);
    hears(ana, "state participant_joined ");
    loses_connection(ben);
    hears(ana, "participant_state ");
    assert_string_equal(state_of("ben"), "reconnecting");
    go_on_s(29);
    assert_true(attaches(ben));
    hears(ana, "participant_state ");
    assert_string_equal(state_of("ben"), "in");
    go_on_s(60);
    loses_connection(ben);
    int64_t lost_ms = stoa_store_now_ms();
    go_on_s(31);
    hears(ana, "participant_state participant_left ");
    assert_string_equal(state_of("ben"), "left");
    assert_int_equal(bed_number(store, "SELECT left_at FROM attendance"
                                       " WHERE participant_id = 'ben'"),
                     lost_ms);
    assert_true(attaches(ben)); /* the token still lives */
    hears(ana, "participant_joined ");
}

static void who_joins_and_never_connects_is_gone_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    assert_true(joins(ana));
    assert_string_equal(state_of("ana"), "in");
    go_on_s(31);
    assert_string_equal(state_of("ana"), "left");
}

static void a_second_join_takes_the_seat_over(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) first = browser_new("ana"), second = browser_new("ana");

    comes(first);
    hears(first, "state ");
    comes(second);
    hears(first, "replaced ");
    assert_null(first->handle);
    assert_false(attaches(first));
    assert_string_equal(first->refusal, "unauthenticated");
    hears(second, "state ");
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant_token"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance"), 1);
}

static bool is_nowhere(StoaHandle *handle G_GNUC_UNUSED, void *data G_GNUC_UNUSED)
{
    return false;
}

static void a_newer_connection_takes_over(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    hears(ana, "state ");
    stoa_member_take_over(stoa_handle_member(ana->handle), is_nowhere, NULL);
    hears(ana, "replaced ");
    assert_null(ana->handle);
    assert_true(attaches(ana));
}

static void the_lobby_lets_in_who_is_admitted(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben"),
                       hana = browser_new("hana");

    bed_sql(store, "UPDATE room SET lobby = 1");
    assert_true(joins_as(hana, "host"));
    assert_false(hana->waiting);
    assert_true(attaches(hana));
    comes(ana);
    assert_true(ana->waiting);
    assert_true(stoa_rooms_token(rooms, ana->token)->waiting);
    hears(hana, "state participant_state ");
    hears(ana, "");
    assert_string_equal(asks(ana, "{'request': 'people'}"), "forbidden");
    comes(ben); /* a cohost does not wait */
    assert_false(ben->waiting);
    hears(ana, "");
    assert_true(acts("admit", "ana"));
    hears(ana, "admitted state participant_joined ");
    assert_false(stoa_rooms_token(rooms, ana->token)->waiting);
    assert_null(asks(ana, "{'request': 'people'}"));
    assert_false(acts("admit", "ana"));
    assert_true(leaves(ana));
    assert_true(joins(ana)); /* once let in, they come and go */
    assert_false(ana->waiting);
}

static void closing_the_lobby_lets_everybody_in(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    bed_sql(store, "UPDATE room SET lobby = 1");
    comes(ana);
    assert_true(ana->waiting);
    bed_sql(store, "UPDATE room SET lobby = 0");
    stoa_rooms_reload(rooms, "r", NULL, NULL);
    stoa_control_settle();
    hears(ana, "admitted state participant_joined ");
    assert_string_equal(state_of("ana"), "in");
}

static void who_is_denied_is_out(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    bed_sql(store, "UPDATE room SET lobby = 1");
    comes(ana);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting"), 0);
    assert_true(acts("deny", "ana"));
    hears(ana, "denied ");
    assert_null(stoa_rooms_token(rooms, ana->token));
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant_token"), 0);
    assert_false(acts("deny", "ana"));
}

static void a_locked_room_takes_nobody_new(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben"),
                       hana = browser_new("hana");

    comes(ana);
    bed_sql(store, "UPDATE room SET locked = 1");
    stoa_rooms_reload(rooms, "r", NULL, NULL);
    stoa_control_settle();
    hears(ana, "state locked ");
    assert_false(joins(ben));
    assert_string_equal(ben->refusal, "room_locked");
    assert_true(joins_as(hana, "host"));
    assert_true(leaves(ana));
    assert_true(joins(ana)); /* was in this meeting */
}

static void a_full_room_says_so(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben"),
                       again = browser_new("ana");

    bed_sql(store, "UPDATE room SET max_people = 1");
    comes(ana);
    assert_false(joins(ben));
    assert_string_equal(ben->refusal, "room_full");
    assert_true(joins(again)); /* their own seat */
    assert_true(leaves(again));
    assert_true(joins(ben));
}

static void who_is_removed_may_come_back_who_is_banned_not(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    assert_true(acts("remove", "ana"));
    hears(ana, "state removed ");
    assert_null(ana->handle);
    assert_null(stoa_rooms_token(rooms, ana->token));
    comes(ana);
    assert_true(acts("ban", "ana"));
    hears(ana, "state removed ");
    assert_false(joins(ana));
    assert_string_equal(ana->refusal, "gone");
    go_on_s(400);
    bed_restart();
    assert_false(joins(ana));
}

static void nobody_acts_on_the_host(void **unused G_GNUC_UNUSED)
{
    static const char *const actions[] = { "deny", "remove", "ban", "mute", "role" };
    g_autoptr(Browser) hana = browser_new("hana");

    assert_true(joins_as(hana, "host"));
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        assert_false(acts(actions[i], "hana"));
    assert_false(acts("remove", "nobody"));
    assert_string_equal(state_of("hana"), "in");
}

static void a_role_changes_what_one_may(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    assert_string_equal(asks(ana, "{'request': 'hands_down'}"), "forbidden");
    assert_true(acts("role", "ana"));
    hears(ana, "state role ");
    assert_null(asks(ana, "{'request': 'hands_down'}"));
    assert_int_equal(stoa_rooms_token(rooms, ana->token)->role, STOA_ROLE_COHOST);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant WHERE id = 'ana'"
                                       " AND role = 'cohost'"),
                     1);
}

static void hands_go_up_and_down(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");

    comes(ana);
    comes(ben);
    g_string_set_size(ana->heard, 0);
    g_string_set_size(ben->heard, 0);
    assert_null(asks(ana, "{'request': 'hand', 'up': true}"));
    hears(ben, "hand ");
    assert_null(asks(ana, "{'request': 'hand', 'up': true}")); /* is up already */
    hears(ben, "");
    assert_string_equal(asks(ana, "{'request': 'hand'}"), "invalid_request");
    assert_null(asks(ben, "{'request': 'hands_down'}"));
    hears(ana, "hand hand ");
}

/* The clock stands still here. */
static void of_two_hands_in_one_moment_the_second_is_later(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");
    static const char ana_first[] = "SELECT (SELECT hand_at FROM participant WHERE id = 'ana')"
                                    " < (SELECT hand_at FROM participant WHERE id = 'ben')";

    comes(ana);
    comes(ben);
    assert_null(asks(ben, "{'request': 'hand', 'up': true}"));
    assert_null(asks(ana, "{'request': 'hand', 'up': true}"));
    assert_int_equal(bed_number(store, "SELECT COUNT(DISTINCT hand_at) FROM participant"), 2);
    assert_int_equal(bed_number(store, ana_first), 0);
    assert_null(asks(ben, "{'request': 'hand', 'up': false}"));
    assert_null(asks(ben, "{'request': 'hand', 'up': true}"));
    assert_int_equal(bed_number(store, ana_first), 1);
    assert_null(asks(ana, "{'request': 'hand', 'up': false}"));
    assert_null(asks(ben, "{'request': 'hand', 'up': false}"));
    assert_int_equal(bed_number(store, "SELECT COUNT(hand_at) FROM participant"), 0);
}

static void keys_wait_for_who_is_not_connected(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");

    comes(ana);
    comes(ben);
    hears(ben, "state ");
    assert_null(asks(ana, "{'request': 'keys', 'to': 'ben', 'epoch': 1, 'box': 'AAAA'}"));
    hears(ben, "key ");
    loses_connection(ben);
    assert_null(asks(ana, "{'request': 'keys', 'to': 'ben', 'epoch': 2, 'box': 'BBBB'}"));
    assert_null(asks(ana, "{'request': 'keys', 'to': 'ben', 'epoch': 2, 'box': 'CCCC'}"));
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM key_box"), 1);
    assert_true(attaches(ben));
    hears(ben, "state key ");
    assert_string_equal(json_string_value(json_object_get(ben->last, "box")), "CCCC");
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM key_box"), 0);
    assert_string_equal(asks(ana, "{'request': 'keys', 'to': 'zoe', 'epoch': 1, 'box': 'A'}"),
                        "not_found");
}

/* -- meetings --------------------------------------------------------------------------------- */

static void a_meeting_ends_when_the_room_was_empty_for_long(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    assert_true(leaves(ana));
    go_on_s(299);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 1);
    go_on_s(2);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 0);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM room WHERE state = 'scheduled'"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM mail WHERE kind LIKE 'summary%'"), 1);
    assert_int_equal(
        bed_number(store, "SELECT COUNT(*) FROM participant_token WHERE kind = 'link'"), 1);
    go_on_s(11);
    assert_int_equal(stoa_rooms_n_open(rooms), 0);
    comes(ana);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting"), 2);
}

static void a_planned_meeting_does_not_end_before_its_time(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");
    /* the fake wall clock reads 2030-01-01T00:00:01Z or so: planned for the next hour */
    bed_sql(store, "UPDATE room SET starts_at = 1893456000000, duration_min = 60");
    comes(ana);
    assert_true(leaves(ana));
    go_on_s(1800);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 1);
    go_on_s(1801);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 0);
}

static void a_host_ends_it_for_everyone(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana"), ben = browser_new("ben");

    comes(ana);
    comes(ben);
    g_string_set_size(ana->heard, 0);
    assert_true(ends());
    hears(ana, "room_ended ");
    assert_null(ana->handle);
    assert_null(ben->handle);
    assert_null(stoa_rooms_token(rooms, ana->token));
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM room WHERE state = 'ended'"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance WHERE left_at IS NULL"), 0);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM mail WHERE kind LIKE 'summary%'"), 2);
    assert_int_equal(bed_number(store, "SELECT erase_at - ended_at FROM meeting"),
                     365 * INT64_C(86400000));
    assert_false(joins(ana));
    assert_string_equal(ana->refusal, "gone");
    assert_true(ends()); /* again: nothing more happens */
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM mail"), 2);
    bed_sql(store, "UPDATE room SET state = 'scheduled'");
    stoa_rooms_reload(rooms, "r", NULL, NULL);
    stoa_control_settle();
    assert_true(joins(ana));
}

static void a_deleted_room_leaves_nobody_in(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    g_string_set_size(ana->heard, 0);
    bed_sql(store, "DELETE FROM room");
    stoa_rooms_deleted(rooms, "r");
    hears(ana, "room_ended ");
    assert_null(ana->handle);
    assert_null(stoa_rooms_token(rooms, ana->token));
    assert_int_equal(stoa_rooms_n_open(rooms), 0);
    assert_false(joins(ana));
}

static void a_restart_keeps_tokens_and_meeting(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    g_clear_pointer(&ana->handle, stoa_handle_free);
    go_on_s(5);
    bed_restart();
    assert_int_equal(stoa_rooms_n_open(rooms), 1);
    assert_true(attaches(ana));
    assert_string_equal(state_of("ana"), "in");
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting"), 1);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance WHERE left_at IS NULL"), 1);
}

static void a_meeting_nobody_comes_back_to_ends_after_a_restart(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    g_clear_pointer(&ana->handle, stoa_handle_free);
    bed_restart();
    go_on_s(301);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM meeting WHERE ended_at IS NULL"), 0);
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM attendance WHERE left_at IS NULL"), 0);
}

static void an_unused_token_ends_the_seat(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Browser) ana = browser_new("ana");

    comes(ana);
    hears(ana, "state ");
    go_on_s(902);
    hears(ana, "removed ");
    assert_null(ana->handle);
    assert_string_equal(state_of("ana"), "left");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_joins_begins_a_meeting),
        TEST(others_are_told_of_who_comes_and_goes),
        TEST(a_lost_seat_is_kept_for_a_while),
        TEST(who_joins_and_never_connects_is_gone_again),
        TEST(a_second_join_takes_the_seat_over),
        TEST(a_newer_connection_takes_over),
        TEST(the_lobby_lets_in_who_is_admitted),
        TEST(closing_the_lobby_lets_everybody_in),
        TEST(who_is_denied_is_out),
        TEST(a_locked_room_takes_nobody_new),
        TEST(a_full_room_says_so),
        TEST(who_is_removed_may_come_back_who_is_banned_not),
        TEST(nobody_acts_on_the_host),
        TEST(a_role_changes_what_one_may),
        TEST(hands_go_up_and_down),
        TEST(of_two_hands_in_one_moment_the_second_is_later),
        TEST(keys_wait_for_who_is_not_connected),
        TEST(a_meeting_ends_when_the_room_was_empty_for_long),
        TEST(a_planned_meeting_does_not_end_before_its_time),
        TEST(a_host_ends_it_for_everyone),
        TEST(a_deleted_room_leaves_nobody_in),
        TEST(a_restart_keeps_tokens_and_meeting),
        TEST(a_meeting_nobody_comes_back_to_ends_after_a_restart),
        TEST(an_unused_token_ends_the_seat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
