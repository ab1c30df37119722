/* SPDX-License-Identifier: MIT */
/* What each role may do. (rooms API, "The fine print", Roles) */
#include "config.h"

#include "room/capability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* As the contract has it. */
static const struct {
    StoaRole least;
    const char *names[24];
} expected[] = {
    { STOA_ROLE_PARTICIPANT,
      { "send", "vote", "add", "sync", "snapshot", "presence", "hand", "upload", "update", "delete",
        "people", "keys", "history", "typing" } },
    { STOA_ROLE_COHOST,
      { "create", "open", "close", "publish", "delete_any", "update_any", "hands_down", "admit",
        "deny", "remove", "ban", "mute", "lock" } },
    { STOA_ROLE_HOST, { "role", "end", "edit", "invite", "delete_room" } },
};

static void each_role_may_what_the_contract_says(void **unused G_GNUC_UNUSED)
{
    size_t n = 0, known = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        for (const char *const *name = expected[i].names; *name; name++, n++) {
            for (StoaRole role = STOA_ROLE_ANYONE; role <= STOA_ROLE_HOST; role++)
                assert_int_equal(stoa_capability_allows(role, *name), role >= expected[i].least);
        }
    }
    while (stoa_capability_name(known))
        known++;
    assert_int_equal(n, known);
}

static void what_nobody_knows_nobody_may(void **unused G_GNUC_UNUSED)
{
    assert_false(stoa_capability_allows(STOA_ROLE_HOST, "fly"));
    assert_int_equal(stoa_capability_least("fly"), STOA_ROLE_ANYONE);
}

static void roles_have_the_wires_names(void **unused G_GNUC_UNUSED)
{
    for (StoaRole role = STOA_ROLE_PARTICIPANT; role <= STOA_ROLE_HOST; role++)
        assert_int_equal(stoa_role_from_name(stoa_role_name(role)), role);
    assert_null(stoa_role_name(STOA_ROLE_ANYONE));
    assert_int_equal(stoa_role_from_name("owner"), STOA_ROLE_ANYONE);
    assert_int_equal(stoa_role_from_name(NULL), STOA_ROLE_ANYONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_may_what_the_contract_says),
        cmocka_unit_test(what_nobody_knows_nobody_may),
        cmocka_unit_test(roles_have_the_wires_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
