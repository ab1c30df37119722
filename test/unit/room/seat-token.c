/* SPDX-License-Identifier: MIT */
/* Participant tokens: one a person, alive as long as it is used, alive over a restart. */
#include "config.h"

#include "room/ledger.h"
#include "room/seat-token.h"
#include "store-bed.h"

static StoaStore *store;
static StoaSeatTokens *tokens;
static StoaRoomsConf conf;
static int n_expired;

static void expired(const StoaSeatToken *token, void *user G_GNUC_UNUSED)
{
    assert_string_equal(token->participant, "ana");
    n_expired++;
}

static int set_up(void **unused G_GNUC_UNUSED)
{
    stoa_control_init();
    stoa_clock_fake(1000000);
    conf = (StoaRoomsConf){ .participant_s = 900 };
    n_expired = 0;
    store = bed_store_new();
    bed_fill(store);
    tokens = stoa_seat_tokens_new(store, &conf, expired, NULL);
    return 0;
}

static int tear_down(void **unused G_GNUC_UNUSED)
{
    stoa_seat_tokens_free(tokens);
    stoa_store_free(store);
    stoa_clock_real();
    stoa_control_shutdown();
    return 0;
}

/* As POST /join does it. */
static void give(const char *person, char text[STOA_TOKEN_LEN + 1])
{
    StoaSeatToken *token = g_new0(StoaSeatToken, 1);
    StoaLedger *ledger = stoa_ledger_new();

    stoa_token_new(text, token->hash);
    token->participant = g_strdup(person);
    token->room = g_strdup("r");
    token->role = STOA_ROLE_PARTICIPANT;
    stoa_seat_tokens_put(tokens, token);
    stoa_ledger_seat(ledger, person, token->hash, token->expires_ms, token->proven);
    stoa_ledger_run(ledger, store, NULL, NULL, NULL);
    stoa_control_settle();
}

static void go_on_s(int64_t s)
{
    stoa_clock_advance(s * G_USEC_PER_SEC);
    stoa_control_settle();
}

static GPtrArray *list;

static bool read_list(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    list = stoa_seat_tokens_read(db, error);
    return list != NULL;
}

static void restart(void)
{
    stoa_seat_tokens_free(tokens);
    tokens = stoa_seat_tokens_new(store, &conf, expired, NULL);
    stoa_store_run(store, read_list, NULL, NULL, NULL);
    stoa_control_settle();
    stoa_seat_tokens_adopt(tokens, list);
}

static void a_token_is_who_it_was_given_to(void **unused G_GNUC_UNUSED)
{
    char ana[STOA_TOKEN_LEN + 1], ben[STOA_TOKEN_LEN + 1];

    give("ana", ana);
    give("ben", ben);
    assert_string_equal(stoa_seat_tokens_use(tokens, ana)->participant, "ana");
    assert_string_equal(stoa_seat_tokens_use(tokens, ben)->participant, "ben");
    ana[0] = ana[0] == 'A' ? 'B' : 'A';
    assert_null(stoa_seat_tokens_use(tokens, ana));
    assert_null(stoa_seat_tokens_use(tokens, "nonsense"));
    assert_null(stoa_seat_tokens_use(tokens, ""));
    assert_null(stoa_seat_tokens_use(tokens, NULL));
}

static void a_new_token_kills_the_old_one(void **unused G_GNUC_UNUSED)
{
    char old[STOA_TOKEN_LEN + 1], fresh[STOA_TOKEN_LEN + 1];

    give("ana", old);
    give("ana", fresh);
    assert_null(stoa_seat_tokens_use(tokens, old));
    assert_non_null(stoa_seat_tokens_use(tokens, fresh));
    stoa_seat_tokens_drop(tokens, "ana");
    assert_null(stoa_seat_tokens_use(tokens, fresh));
}

static void a_token_lives_as_long_as_it_is_used(void **unused G_GNUC_UNUSED)
{
    char text[STOA_TOKEN_LEN + 1];

    give("ana", text);
    for (int i = 0; i < 5; i++) {
        go_on_s(899);
        assert_non_null(stoa_seat_tokens_use(tokens, text));
    }
    assert_int_equal(n_expired, 0);
    go_on_s(902);
    assert_int_equal(n_expired, 1);
    assert_null(stoa_seat_tokens_use(tokens, text));
}

static void a_token_in_use_survives_a_restart(void **unused G_GNUC_UNUSED)
{
    char text[STOA_TOKEN_LEN + 1];

    give("ana", text);
    go_on_s(800);
    assert_non_null(stoa_seat_tokens_use(tokens, text));
    go_on_s(300); /* past the expiry that it was given with */
    restart();
    StoaSeatToken *token = stoa_seat_tokens_use(tokens, text);
    assert_non_null(token);
    assert_string_equal(token->room, "r");
    assert_string_equal(token->name, "Ana");
    assert_int_equal(token->role, STOA_ROLE_PARTICIPANT);
    assert_false(token->waiting);
}

static void an_expired_token_does_not_come_back(void **unused G_GNUC_UNUSED)
{
    char text[STOA_TOKEN_LEN + 1];

    give("ana", text);
    stoa_seat_tokens_free(tokens); /* nobody sweeps */
    tokens = stoa_seat_tokens_new(store, &conf, expired, NULL);
    go_on_s(901);
    restart();
    assert_null(stoa_seat_tokens_use(tokens, text));
    assert_int_equal(bed_number(store, "SELECT COUNT(*) FROM participant_token"), 0);
}

static void who_waited_in_the_lobby_still_waits(void **unused G_GNUC_UNUSED)
{
    char text[STOA_TOKEN_LEN + 1];

    bed_sql(store, "UPDATE room SET lobby = 1");
    give("ana", text);
    restart();
    assert_true(stoa_seat_tokens_use(tokens, text)->waiting);
    bed_sql(store,
            "INSERT INTO meeting (id, room_id, started_at, seen_at) VALUES ('m', 'r', 1, 1)");
    StoaLedger *ledger = stoa_ledger_new();
    stoa_ledger_attend(ledger, "m", "ana", 1);
    stoa_ledger_run(ledger, store, NULL, NULL, NULL);
    restart();
    assert_false(stoa_seat_tokens_use(tokens, text)->waiting);
    ledger = stoa_ledger_new();
    stoa_ledger_shut_out(ledger, "ana");
    stoa_ledger_run(ledger, store, NULL, NULL, NULL);
    restart();
    assert_true(stoa_seat_tokens_use(tokens, text)->waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_who_it_was_given_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_token_kills_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_lives_as_long_as_it_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_in_use_survives_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expired_token_does_not_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waited_in_the_lobby_still_waits, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
