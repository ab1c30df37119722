/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include "ice/stun.h"

static const char password[] = "abcdefghijklmnopqrstuvwx";
static const Check good = { .username = "serverX:client", .password = password, .priority = 77 };

static StoaStun *stun;
static StoaAddress from;
static uint8_t request[1024], reply[STOA_STUN_REPLY];
static StoaStunResult result;

static void *look_up(void *user, const char *ufrag, size_t len, const char **pwd, size_t *pwd_len)
{
    if (len != 7 || memcmp(ufrag, "serverX", 7) != 0)
        return NULL;
    *pwd = password;
    *pwd_len = strlen(password);
    return user;
}

static int set_up(void **state)
{
    stun = stoa_stun_new(look_up, state);
    stoa_address_parse("192.0.2.9", 4242, &from);
    return 0;
}

static int tear_down(void **state G_GNUC_UNUSED)
{
    stoa_stun_free(stun);
    return 0;
}

static StoaStunVerdict input(int64_t now_us, size_t len)
{
    return stoa_stun_input(stun, now_us, request, len, &from, reply, &result);
}

static void a_good_check_is_answered_with_the_mapped_address(void **state)
{
    StoaAddress mapped;
    size_t len = client_check(&good, request, sizeof(request));

    assert_int_equal(input(0, len), STOA_STUN_CHECK);
    assert_ptr_equal(result.owner, state);
    assert_int_equal(result.priority, 77);
    assert_false(result.use_candidate);
    assert_int_equal(result.ufrag_len, 7);
    assert_memory_equal(result.ufrag, "serverX", 7);
    assert_true(client_accepts(reply, result.reply_len, &mapped));
    assert_true(stoa_address_equal(&mapped, &from));
}

static void a_check_over_ipv6_is_answered_too(void **state G_GNUC_UNUSED)
{
    StoaAddress mapped;
    size_t len = client_check(&good, request, sizeof(request));

    assert_true(stoa_address_parse("2001:db8::77", 999, &from));
    assert_int_equal(input(0, len), STOA_STUN_CHECK);
    assert_true(client_accepts(reply, result.reply_len, &mapped));
    assert_true(stoa_address_equal(&mapped, &from));
}

static void a_nomination_is_noticed(void **state G_GNUC_UNUSED)
{
    Check check = good;

    check.use_candidate = true;
    assert_int_equal(input(0, client_check(&check, request, sizeof(request))), STOA_STUN_CHECK);
    assert_true(result.use_candidate);
}

static void a_wrong_password_is_refused_with_less_than_was_sent(void **state G_GNUC_UNUSED)
{
    Check check = good;
    size_t len;

    check.password = "wrongwrongwrongwrongwrong";
    len = client_check(&check, request, sizeof(request));
    assert_int_equal(input(0, len), STOA_STUN_REFUSED);
    assert_null(result.owner);
    assert_int_equal(client_error(reply, result.reply_len), 401);
    assert_true(result.reply_len <= len);
}

static void an_unknown_ufrag_looks_like_a_wrong_password(void **state G_GNUC_UNUSED)
{
    Check check = good;

    check.username = "nobody0:client";
    assert_int_equal(input(0, client_check(&check, request, sizeof(request))), STOA_STUN_REFUSED);
    assert_int_equal(client_error(reply, result.reply_len), 401);
}

static void strangers_get_ten_errors_a_second(void **state G_GNUC_UNUSED)
{
    Check check = good;
    unsigned refused = 0;
    size_t len;

    check.username = "nobody0:client";
    len = client_check(&check, request, sizeof(request));
    for (int64_t now_us = 5000000; now_us < 8000000; now_us += 1000)
        refused += input(now_us, len) == STOA_STUN_REFUSED;
    assert_int_equal(refused, 30);
}

static void a_role_conflict_is_answered_with_487(void **state)
{
    Check check = good;

    check.controlled = true;
    assert_int_equal(input(0, client_check(&check, request, sizeof(request))), STOA_STUN_REFUSED);
    assert_ptr_equal(result.owner, state);
    assert_int_equal(client_error(reply, result.reply_len), 487);
}

static void every_flipped_bit_loses_the_check(void **state G_GNUC_UNUSED)
{
    size_t len = client_check(&good, request, sizeof(request));

    for (size_t bit = 0; bit < len * 8; bit++) {
        request[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(input(0, len), STOA_STUN_CHECK);
        assert_null(result.owner);
        request[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(input(0, len), STOA_STUN_CHECK);
}

static void a_message_cut_short_is_ignored_at_every_byte(void **state G_GNUC_UNUSED)
{
    size_t len = client_check(&good, request, sizeof(request));

    for (size_t cut = 0; cut < len; cut++) {
        g_autofree uint8_t *exact = g_memdup2(request, cut); /* a read past the end shows */
        StoaStunVerdict verdict = stoa_stun_input(stun, 0, exact, cut, &from, reply, &result);

        assert_int_equal(verdict, STOA_STUN_IGNORED);
        assert_int_equal(result.reply_len, 0);
    }
}

static void an_indication_is_silently_accepted(void **state G_GNUC_UNUSED)
{
    StunMessage message;
    size_t len;

    client_reset();
    stun_agent_init_indication(&client_agent, &message, request, sizeof(request), STUN_BINDING);
    len = stun_agent_finish_message(&client_agent, &message, NULL, 0);
    assert_int_equal(input(0, len), STOA_STUN_INDICATION);
    assert_int_equal(result.reply_len, 0);
    assert_null(result.owner);
}

static void a_plain_binding_request_gets_at_most_an_error(void **state G_GNUC_UNUSED)
{
    StunMessage message;
    size_t len;

    client_reset();
    stun_agent_init_request(&client_agent, &message, request, sizeof(request), STUN_BINDING);
    len = stun_agent_finish_message(&client_agent, &message, NULL, 0);
    assert_int_not_equal(input(0, len), STOA_STUN_CHECK);
    assert_true(result.reply_len <= len);
}

static void responses_and_other_methods_are_ignored(void **state G_GNUC_UNUSED)
{
    StunMessage message;
    size_t len = client_check(&good, request, sizeof(request));

    assert_int_equal(input(0, len), STOA_STUN_CHECK);
    memcpy(request, reply, result.reply_len);
    assert_int_equal(input(0, result.reply_len), STOA_STUN_IGNORED);
    client_reset();
    stun_agent_init_request(&client_agent, &message, request, sizeof(request), STUN_ALLOCATE);
    stun_message_append_string(&message, STUN_ATTRIBUTE_USERNAME, good.username);
    len = stun_agent_finish_message(&client_agent, &message, (const uint8_t *)password,
                                    strlen(password));
    assert_int_equal(input(0, len), STOA_STUN_IGNORED);
    assert_int_equal(result.reply_len, 0);
}

static void a_user_name_of_any_length_is_survived(void **state G_GNUC_UNUSED)
{
    char username[600];
    Check check = good;

    check.username = username;
    for (size_t len = 1; len < 510; len += 17) {
        memset(username, 'a', len);
        memcpy(username, "serverX:", MIN(len, 8));
        username[len] = '\0';
        size_t n = client_check(&check, request, sizeof(request));
        if (n > 0)
            input(0, n);
        assert_true(result.reply_len <= STOA_STUN_REPLY);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_good_check_is_answered_with_the_mapped_address),
        TEST(a_check_over_ipv6_is_answered_too),
        TEST(a_nomination_is_noticed),
        TEST(a_wrong_password_is_refused_with_less_than_was_sent),
        TEST(an_unknown_ufrag_looks_like_a_wrong_password),
        TEST(strangers_get_ten_errors_a_second),
        TEST(a_role_conflict_is_answered_with_487),
        TEST(every_flipped_bit_loses_the_check),
        TEST(a_message_cut_short_is_ignored_at_every_byte),
        TEST(an_indication_is_silently_accepted),
        TEST(a_plain_binding_request_gets_at_most_an_error),
        TEST(responses_and_other_methods_are_ignored),
        TEST(a_user_name_of_any_length_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
