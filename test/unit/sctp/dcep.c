/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sctp/dcep.h"

static const uint8_t sample[] = { 3, 0x81, 0, 0,   0,   0,   0,   5,   0,
                                  4, 0,    2, 'c', 'h', 'a', 't', 'v', '1' };

static void an_open_message_is_read(void **state)
{
    StoaDcepOpen open;

    (void)state;
    assert_true(stoa_dcep_open_read(sample, sizeof(sample), &open));
    assert_true(open.unordered);
    assert_int_equal(open.policy, STOA_DCEP_RETRANSMITS);
    assert_int_equal(open.limit, 5);
    assert_int_equal(open.label_len, 4);
    assert_memory_equal(open.label, "chat", 4);
    assert_memory_equal(open.protocol, "v1", 2);
}

static void what_is_written_reads_back(void **state)
{
    const StoaDcepOpen open = { .policy = STOA_DCEP_LIFETIME,
                                .limit = 0x12345,
                                .label = "label",
                                .label_len = 5,
                                .protocol = "",
                                .protocol_len = 0 };
    StoaDcepOpen back;
    uint8_t buf[64];
    size_t len = stoa_dcep_open_write(&open, buf, sizeof(buf));

    (void)state;
    assert_int_equal(len, STOA_DCEP_HEADER + 5);
    assert_true(stoa_dcep_open_read(buf, len, &back));
    assert_false(back.unordered);
    assert_int_equal(back.limit, 0x12345);
    assert_memory_equal(back.label, "label", 5);
    assert_int_equal(stoa_dcep_open_write(&open, buf, len - 1), 0);
}

static void a_message_cut_short_is_refused_at_every_byte(void **state)
{
    StoaDcepOpen open;

    (void)state;
    for (size_t len = 0; len < sizeof(sample); len++)
        assert_false(stoa_dcep_open_read(sample, len, &open));
}

static void an_unknown_channel_type_is_refused(void **state)
{
    uint8_t buf[sizeof(sample)];
    StoaDcepOpen open;

    (void)state;
    memcpy(buf, sample, sizeof(buf));
    buf[1] = 3;
    assert_false(stoa_dcep_open_read(buf, sizeof(buf), &open));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_message_is_read),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_message_cut_short_is_refused_at_every_byte),
        cmocka_unit_test(an_unknown_channel_type_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
