/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include "ice/lite.h"

#define SECOND INT64_C(1000000)

typedef struct {
    StoaIceHub *hub;
    StoaIceLite *ana, *ben;
    int64_t now_us;
} Bed;

static int set_up(void **state)
{
    Bed *bed = g_new0(Bed, 1);

    bed->hub = stoa_ice_hub_new(3);
    bed->ana = stoa_ice_lite_new(bed->hub, &bed->ana);
    bed->ben = stoa_ice_lite_new(bed->hub, &bed->ben);
    bed->now_us = 100 * SECOND;
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    Bed *bed = *state;

    stoa_ice_lite_free(bed->ana);
    stoa_ice_lite_free(bed->ben);
    stoa_ice_hub_free(bed->hub);
    g_free(bed);
    return 0;
}

static StoaIcePath udp(const char *ip, uint16_t port)
{
    StoaIcePath path = { .kind = STOA_ICE_UDP };

    assert_true(stoa_address_parse(ip, port, &path.remote));
    return path;
}

static StoaIcePath tcp(uint32_t connection)
{
    StoaIcePath path = udp("192.0.2.1", 9);

    path.kind = STOA_ICE_TCP;
    path.connection = connection;
    return path;
}

/* A check with given credentials on a path; what came of it. */
static StoaIceCheck send_check(Bed *bed, const char *ufrag, const char *pwd,
                               const StoaIcePath *path, bool nominate, uint32_t priority)
{
    g_autofree char *username = g_strconcat(ufrag, ":them", NULL);
    const Check check = {
        .username = username, .password = pwd, .use_candidate = nominate, .priority = priority
    };
    uint8_t buf[512], reply[STOA_STUN_REPLY];
    StoaIceCheck out;

    stoa_ice_hub_stun(bed->hub, bed->now_us, buf, client_check(&check, buf, sizeof(buf)), path,
                      reply, &out);
    return out;
}

static StoaIceCheck check_of(Bed *bed, StoaIceLite *lite, const StoaIcePath *path, bool nominate)
{
    return send_check(bed, stoa_ice_lite_ufrag(lite), stoa_ice_lite_pwd(lite), path, nominate, 10);
}

static bool is_selected(const StoaIceLite *lite, const StoaIcePath *path)
{
    const StoaIcePath *selected = stoa_ice_lite_selected(lite);

    return selected && selected->kind == path->kind && selected->connection == path->connection &&
           stoa_address_equal(&selected->remote, &path->remote);
}

static void credentials_name_their_worker(void **state)
{
    Bed *bed = *state;
    const char *ufrag = stoa_ice_lite_ufrag(bed->ana);
    char other[STOA_ICE_UFRAG + 1], pwd[STOA_ICE_PWD + 1];

    assert_int_equal(strlen(ufrag), STOA_ICE_UFRAG);
    assert_int_equal(strlen(stoa_ice_lite_pwd(bed->ana)), STOA_ICE_PWD);
    assert_string_not_equal(ufrag, stoa_ice_lite_ufrag(bed->ben));
    assert_int_equal(stoa_ice_ufrag_worker(ufrag, strlen(ufrag)), 3);
    stoa_ice_credentials(4095, other, pwd);
    assert_int_equal(stoa_ice_ufrag_worker(other, STOA_ICE_UFRAG), 4095);
    assert_int_equal(stoa_ice_ufrag_worker("x", 1), -1);
    assert_int_equal(stoa_ice_ufrag_worker("?:", 2), -1);
}

static void a_path_belongs_to_whom_a_valid_check_proved(void **state)
{
    Bed *bed = *state;
    StoaIcePath path = udp("192.0.2.1", 1000);
    StoaIceCheck check;

    assert_null(stoa_ice_hub_find(bed->hub, &path));
    check =
        send_check(bed, stoa_ice_lite_ufrag(bed->ana), "wrongwrongwrongwrongwrong", &path, true, 1);
    assert_null(check.lite);
    assert_null(stoa_ice_hub_find(bed->hub, &path));
    check = check_of(bed, bed->ana, &path, false);
    assert_ptr_equal(check.lite, bed->ana);
    assert_true(check.reply_len > 0);
    assert_int_equal(check.events, STOA_ICE_CONNECTED | STOA_ICE_NEW_PATH | STOA_ICE_SELECTED);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), bed->ana);
    assert_ptr_equal(stoa_ice_lite_owner(bed->ana), &bed->ana);
    assert_int_equal(check_of(bed, bed->ana, &path, false).events, 0);
}

static void the_last_nominated_path_is_the_one_to_send_on(void **state)
{
    Bed *bed = *state;
    StoaIcePath one = udp("192.0.2.1", 1000), two = udp("2001:db8::2", 1000);

    check_of(bed, bed->ana, &one, false);
    assert_false(stoa_ice_lite_is_nominated(bed->ana));
    assert_int_equal(check_of(bed, bed->ana, &two, false).events, STOA_ICE_NEW_PATH);
    assert_true(is_selected(bed->ana, &one));
    assert_int_equal(check_of(bed, bed->ana, &two, true).events, STOA_ICE_SELECTED);
    assert_true(is_selected(bed->ana, &two));
    assert_true(stoa_ice_lite_is_nominated(bed->ana));
    bed->now_us += 2 * SECOND;
    assert_int_equal(check_of(bed, bed->ana, &one, true).events, STOA_ICE_SELECTED);
    assert_true(is_selected(bed->ana, &one));
}

static void of_two_nominations_at_once_the_higher_priority_wins(void **state)
{
    Bed *bed = *state;
    const char *ufrag = stoa_ice_lite_ufrag(bed->ana), *pwd = stoa_ice_lite_pwd(bed->ana);
    StoaIcePath high = udp("192.0.2.1", 1000), low = tcp(7);

    send_check(bed, ufrag, pwd, &high, true, 900);
    send_check(bed, ufrag, pwd, &low, true, 100);
    assert_true(is_selected(bed->ana, &high));
    bed->now_us += 3 * SECOND;
    send_check(bed, ufrag, pwd, &low, true, 100);
    assert_true(is_selected(bed->ana, &low));
    send_check(bed, ufrag, pwd, &high, true, 900);
    assert_true(is_selected(bed->ana, &high));
}

static void a_live_path_is_not_taken_by_another_peer(void **state)
{
    Bed *bed = *state;
    StoaIcePath path = udp("192.0.2.1", 1000);
    StoaIceCheck check;

    check_of(bed, bed->ana, &path, true);
    bed->now_us += 5 * SECOND;
    check = check_of(bed, bed->ben, &path, true);
    assert_null(check.lite);
    assert_int_equal(check.reply_len, 0);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), bed->ana);
    assert_int_equal(stoa_ice_hub_stats(bed->hub)->taken, 1);
    bed->now_us += 6 * SECOND;
    check = check_of(bed, bed->ben, &path, true);
    assert_ptr_equal(check.lite, bed->ben);
    assert_ptr_equal(check.loser, bed->ana);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), bed->ben);
    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), 0);
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), STOA_ICE_SELECTED);
    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), bed->now_us + 19 * SECOND);
}

static void a_peer_has_eight_paths_and_the_oldest_goes(void **state)
{
    Bed *bed = *state;
    StoaIcePath first = udp("192.0.2.1", 1), second = udp("192.0.2.1", 2);

    for (uint16_t port = 1; port <= 9; port++) {
        StoaIcePath path = udp("192.0.2.1", port);

        check_of(bed, bed->ana, &path, false);
        bed->now_us += SECOND / 4;
    }
    assert_int_equal(stoa_ice_lite_n_paths(bed->ana), STOA_ICE_PATHS);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &first), bed->ana); /* selected: spared */
    assert_null(stoa_ice_hub_find(bed->hub, &second));
}

static void consent_ends_thirty_seconds_after_the_last_check(void **state)
{
    Bed *bed = *state;
    StoaIcePath one = udp("192.0.2.1", 1000), two = udp("192.0.2.1", 1001);

    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), INT64_MAX);
    check_of(bed, bed->ana, &one, true);
    bed->now_us += 3 * SECOND;
    check_of(bed, bed->ana, &two, false);
    bed->now_us += 27 * SECOND;
    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), bed->now_us);
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us - 1), 0);
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), STOA_ICE_SELECTED);
    assert_null(stoa_ice_hub_find(bed->hub, &one));
    assert_true(is_selected(bed->ana, &two));
    bed->now_us += 3 * SECOND;
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), STOA_ICE_SELECTED | STOA_ICE_LOST);
    assert_null(stoa_ice_lite_selected(bed->ana));
    assert_true(check_of(bed, bed->ana, &one, false).events & STOA_ICE_CONNECTED);
}

static void old_credentials_work_until_the_new_are_used(void **state)
{
    Bed *bed = *state;
    StoaIcePath path = udp("192.0.2.1", 1000), next = udp("192.0.2.1", 2000);
    g_autofree char *ufrag = g_strdup(stoa_ice_lite_ufrag(bed->ana));
    g_autofree char *pwd = g_strdup(stoa_ice_lite_pwd(bed->ana));
    StoaIceCheck check;

    check_of(bed, bed->ana, &path, true);
    assert_true(stoa_ice_lite_restart(bed->ana, NULL, NULL));
    assert_string_not_equal(ufrag, stoa_ice_lite_ufrag(bed->ana));
    assert_ptr_equal(send_check(bed, ufrag, pwd, &path, true, 1).lite, bed->ana);
    check = check_of(bed, bed->ana, &next, true);
    assert_true(check.events & STOA_ICE_RESTARTED);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), bed->ana);
    assert_null(send_check(bed, ufrag, pwd, &path, true, 1).lite);
}

static void credentials_of_others_or_too_short_are_refused(void **state)
{
    Bed *bed = *state;
    const char *pwd = "0123456789012345678901";

    assert_null(stoa_ice_lite_new_with(bed->hub, bed, stoa_ice_lite_ufrag(bed->ana), pwd));
    assert_null(stoa_ice_lite_new_with(bed->hub, bed, "abc", pwd));
    assert_null(stoa_ice_lite_new_with(bed->hub, bed, "abcd", pwd + 1));
    assert_false(stoa_ice_lite_restart(bed->ana, stoa_ice_lite_ufrag(bed->ben), pwd));
    assert_false(stoa_ice_lite_restart(bed->ana, "abcd", "short"));
    assert_true(stoa_ice_lite_restart(bed->ana, "abcd", pwd));
    assert_string_equal(stoa_ice_lite_pwd(bed->ana), pwd);
}

static void a_closed_tcp_connection_is_a_lost_path(void **state)
{
    Bed *bed = *state;
    StoaIcePath path = tcp(7), other = tcp(8);
    StoaIceEvents events;

    check_of(bed, bed->ana, &path, true);
    assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), bed->ana);
    assert_null(stoa_ice_hub_find(bed->hub, &other));
    assert_null(stoa_ice_hub_closed(bed->hub, 8, &events));
    assert_ptr_equal(stoa_ice_hub_closed(bed->hub, 7, &events), bed->ana);
    assert_int_equal(events, STOA_ICE_SELECTED);
    assert_null(stoa_ice_hub_find(bed->hub, &path));
    assert_null(stoa_ice_lite_selected(bed->ana));
}

static void who_lost_a_connection_may_make_another_till_consent_is_over(void **state)
{
    Bed *bed = *state;
    StoaIcePath path = tcp(7), next = tcp(8);
    StoaIceEvents events;

    check_of(bed, bed->ana, &path, true);
    bed->now_us += 5 * SECOND;
    stoa_ice_hub_closed(bed->hub, 7, &events);
    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), bed->now_us + 25 * SECOND);
    bed->now_us += 24 * SECOND;
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), 0);
    assert_true(check_of(bed, bed->ana, &next, true).events & STOA_ICE_SELECTED);
    assert_true(is_selected(bed->ana, &next));
    stoa_ice_hub_closed(bed->hub, 8, &events);
    bed->now_us += 30 * SECOND;
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), STOA_ICE_LOST);
    assert_int_equal(stoa_ice_lite_tick(bed->ana, bed->now_us), 0);
    assert_int_equal(stoa_ice_lite_deadline_us(bed->ana), INT64_MAX);
}

/* Firefox nominates a pair once; what a NAT does to its address afterwards it does not know. */
static void a_silent_path_gives_way_to_one_that_is_checked(void **state)
{
    Bed *bed = *state;
    StoaIcePath old = udp("192.0.2.1", 1000), new = udp("192.0.2.1", 2000);

    check_of(bed, bed->ana, &old, true);
    bed->now_us += 3 * SECOND;
    assert_int_equal(check_of(bed, bed->ana, &new, false).events, STOA_ICE_NEW_PATH);
    assert_true(is_selected(bed->ana, &old));
    check_of(bed, bed->ana, &old, false);
    bed->now_us += 3 * SECOND;
    assert_int_equal(check_of(bed, bed->ana, &new, false).events, 0);
    bed->now_us += SECOND;
    assert_int_equal(check_of(bed, bed->ana, &new, false).events, STOA_ICE_SELECTED);
    assert_true(is_selected(bed->ana, &new));
    assert_true(stoa_ice_lite_is_nominated(bed->ana));
    check_of(bed, bed->ana, &old, true); /* the peer's word goes before what we guess */
    assert_true(is_selected(bed->ana, &old));
}

static void the_local_address_tells_paths_apart(void **state)
{
    Bed *bed = *state;
    StoaIcePath one = udp("192.0.2.1", 1000), two = one;

    assert_true(stoa_address_parse("198.51.100.1", 0, &one.local));
    assert_true(stoa_address_parse("198.51.100.2", 0, &two.local));
    check_of(bed, bed->ana, &one, false);
    assert_null(stoa_ice_hub_find(bed->hub, &two));
    check_of(bed, bed->ana, &two, true);
    assert_true(stoa_address_equal_ip(&stoa_ice_lite_selected(bed->ana)->local, &two.local));
}

static void a_thousand_peers_are_told_apart(void **state)
{
    Bed *bed = *state;
    static StoaIceLite *peers[1000];

    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        StoaIcePath path = udp("198.51.100.7", (uint16_t)(i + 1));

        peers[i] = stoa_ice_lite_new(bed->hub, &peers[i]);
        check_of(bed, peers[i], &path, true);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i += 2)
        stoa_ice_lite_free(peers[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        StoaIcePath path = udp("198.51.100.7", (uint16_t)(i + 1));

        assert_ptr_equal(stoa_ice_hub_find(bed->hub, &path), i % 2 ? peers[i] : NULL);
        if (i % 2)
            stoa_ice_lite_free(peers[i]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(credentials_name_their_worker),
        TEST(a_path_belongs_to_whom_a_valid_check_proved),
        TEST(the_last_nominated_path_is_the_one_to_send_on),
        TEST(of_two_nominations_at_once_the_higher_priority_wins),
        TEST(a_live_path_is_not_taken_by_another_peer),
        TEST(a_peer_has_eight_paths_and_the_oldest_goes),
        TEST(consent_ends_thirty_seconds_after_the_last_check),
        TEST(old_credentials_work_until_the_new_are_used),
        TEST(credentials_of_others_or_too_short_are_refused),
        TEST(a_closed_tcp_connection_is_a_lost_path),
        TEST(who_lost_a_connection_may_make_another_till_consent_is_over),
        TEST(a_silent_path_gives_way_to_one_that_is_checked),
        TEST(the_local_address_tells_paths_apart),
        TEST(a_thousand_peers_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
