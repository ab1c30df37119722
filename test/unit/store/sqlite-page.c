/* SPDX-License-Identifier: MIT */
/* What is wiped of a page, and what is not touched. */
#include "store/sqlite-page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEN = 1024, CELLS = 600 };

/* Everything is 'x' but the head: `n` cells, from CELLS on. */
static void fill(uint8_t *page, size_t head, uint8_t type, unsigned n, unsigned cells)
{
    memset(page, 'x', LEN);
    page[head] = type;
    page[head + 3] = (uint8_t)(n >> 8);
    page[head + 4] = (uint8_t)n;
    page[head + 5] = (uint8_t)(cells >> 8);
    page[head + 6] = (uint8_t)cells;
}

/* Whether all of from..to is zero, and nothing else was touched. */
static bool is_wiped(const uint8_t *page, const uint8_t *before, size_t from, size_t to)
{
    for (size_t i = 0; i < LEN; i++) {
        if (page[i] != (i >= from && i < to ? 0 : before[i]))
            return false;
    }
    return true;
}

static void the_gap_of_each_kind_of_page_is_wiped(void **unused)
{
    static const struct {
        uint8_t type;
        size_t head_len;
    } kinds[] = { { 2, 12 }, { 5, 12 }, { 10, 8 }, { 13, 8 } };
    uint8_t page[LEN], before[LEN];

    (void)unused;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t head = 0; head <= 100; head += 100) {
            fill(page, head, kinds[i].type, 3, CELLS);
            memcpy(before, page, LEN);
            stoa_sqlite_page_wipe(page, LEN, head > 0);
            assert_true(is_wiped(page, before, head + kinds[i].head_len + 6, CELLS));
        }
    }
}

static void other_pages_stay_as_they_are(void **unused)
{
    static const struct {
        uint8_t type;
        unsigned n, cells;
    } odd[] = { { 0, 3, CELLS }, /* overflow, freelist */
                { 1, 3, CELLS },     { 3, 3, CELLS },
                { 13, 400, CELLS }, /* more pointers than room */
                { 13, 3, LEN + 1 }, /* cells behind its end */
                { 13, 3, 0 },       /* as of 65,536 bytes */
                { 13, 65535, CELLS } };
    uint8_t page[LEN], before[LEN];

    (void)unused;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        fill(page, 0, odd[i].type, odd[i].n, odd[i].cells);
        memcpy(before, page, LEN);
        stoa_sqlite_page_wipe(page, LEN, false);
        assert_memory_equal(page, before, LEN);
    }
}

static void a_full_page_and_a_short_one_are_left_alone(void **unused)
{
    uint8_t page[LEN], before[LEN];

    (void)unused;
    fill(page, 0, 13, 4, 16); /* no gap */
    memcpy(before, page, LEN);
    stoa_sqlite_page_wipe(page, LEN, false);
    assert_memory_equal(page, before, LEN);
    fill(page, 0, 13, 1, 50);
    memcpy(before, page, LEN);
    stoa_sqlite_page_wipe(page, 64, true);
    assert_memory_equal(page, before, LEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gap_of_each_kind_of_page_is_wiped),
        cmocka_unit_test(other_pages_stay_as_they_are),
        cmocka_unit_test(a_full_page_and_a_short_one_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
