/* SPDX-License-Identifier: MIT */
/* What each kind of channel promises on a line that loses packets, and keeps when its messages are passed on. (RFC 8831, 6.4) */
#include "pair.h"

enum { N = 400, LEN = 900, LOSE_EVERY = 7, MARK = 1000 };

static const StoaSctpReliability reliable = { 0 }, unordered = { .unordered = true },
                                 once = { .has_max_retransmits = true },
                                 unordered_once = { .unordered = true,
                                                    .has_max_retransmits = true },
                                 brief = { .has_max_lifetime = true, .max_lifetime_ms = 100 };

static bool is_same(const StoaSctpReliability *a, const StoaSctpReliability *b)
{
    return a->unordered == b->unordered && a->has_max_retransmits == b->has_max_retransmits &&
           a->max_retransmits == b->max_retransmits && a->has_max_lifetime == b->has_max_lifetime &&
           a->max_lifetime_ms == b->max_lifetime_ms;
}

static void relay(StoaSctp *sctp, const StoaSctpReliability *kind, uint32_t number)
{
    uint8_t buf[LEN] = { 0 };

    memcpy(buf, &number, sizeof number);
    while (stoa_sctp_relay(sctp, "pen", "ink", kind, buf, sizeof buf, false) == STOA_SCTP_FULL)
        g_usleep(1000);
}

/* A channel of that kind, which both sides know of: only then do its rules hold. */
static void open_both(Pair *pair, const StoaSctpReliability *kind)
{
    connect_both(pair);
    relay(pair->a.sctp, kind, N);
    assert_true(reaches(&pair->a, &pair->a.n_channels, 1));
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_string_equal(pair->b.from_label, "pen");
    assert_string_equal(pair->b.protocol, "ink");
    assert_true(is_same(&pair->b.reliability, kind));
    pthread_mutex_lock(&pair->b.lock);
    pair->b.numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    pthread_mutex_unlock(&pair->b.lock);
}

/* What came of N messages, and whether in order. */
typedef struct {
    unsigned n;
    bool in_order, has_twice;
} Got;

static Got got(Pair *pair)
{
    Got result = { .in_order = true };
    bool seen[N] = { false };
    uint32_t next = 0;
    GArray *numbers;

    pthread_mutex_lock(&pair->b.lock);
    numbers = g_steal_pointer(&pair->b.numbers);
    pthread_mutex_unlock(&pair->b.lock);
    for (guint i = 0; i < numbers->len; i++) {
        uint32_t number = g_array_index(numbers, uint32_t, i);
        if (number >= N)
            continue; /* a mark */
        result.has_twice |= seen[number];
        seen[number] = true;
        result.n++;
        result.in_order &= number >= next;
        next = number + 1;
    }
    g_array_unref(numbers);
    return result;
}

/* Wait until that number has come. */
static bool comes(Pair *pair, uint32_t number)
{
    for (unsigned i = 0; i < WAIT_S * 100; i++, g_usleep(10000)) {
        bool has = false;

        pthread_mutex_lock(&pair->b.lock);
        for (guint k = 0; k < pair->b.numbers->len; k++)
            has |= g_array_index(pair->b.numbers, uint32_t, k) == number;
        pthread_mutex_unlock(&pair->b.lock);
        if (has)
            return true;
    }
    return false;
}

/* On a channel that loses nothing. */
static void mark(Pair *pair, uint32_t number)
{
    assert_int_equal(
        stoa_sctp_send_label(pair->a.sctp, "mark", (const uint8_t *)&number, sizeof number, false),
        STOA_SCTP_QUEUED);
}

static Got over_a_bad_line(Pair *pair, const StoaSctpReliability *kind)
{
    bool waits = !kind->has_max_retransmits;

    open_both(pair, kind);
    set_loss(&pair->a, LOSE_EVERY);
    for (uint32_t i = 0; i < N; i++) {
        relay(pair->a.sctp, kind, i);
        if (i % 10 == 9)
            g_usleep(2000);
    }
    if (waits)
        assert_true(reaches(&pair->b, &pair->b.n_messages, 1 + N));
    set_loss(&pair->a, 0);
    mark(pair, MARK);
    assert_true(comes(pair, MARK));
    if (!waits)
        g_usleep(300000); /* what is still under way of the others */
    return got(pair);
}

static void an_ordered_one_loses_nothing(void **state)
{
    const Got result = over_a_bad_line(*state, &reliable);

    assert_int_equal(result.n, N);
    assert_true(result.in_order);
}

static void an_unordered_one_loses_nothing_and_waits_for_nothing(void **state)
{
    const Got result = over_a_bad_line(*state, &unordered);

    assert_int_equal(result.n, N);
    assert_false(result.has_twice);
    assert_false(result.in_order); /* what was sent again came behind what did not wait for it */
}

static void one_without_retransmissions_loses_some_and_stays_in_order(void **state)
{
    const Got result = over_a_bad_line(*state, &once);

    assert_in_range(result.n, N / 2, N - 10);
    assert_true(result.in_order);
}

static void an_unordered_one_without_retransmissions_loses_some(void **state)
{
    const Got result = over_a_bad_line(*state, &unordered_once);

    assert_in_range(result.n, N / 2, N - 10);
    assert_false(result.has_twice);
}

/* The line is dead for a while: what is too old when it comes back is not sent any more. */
static void one_with_a_lifetime_forgets_what_is_too_old(void **state)
{
    Pair *pair = *state;

    open_both(pair, &brief);
    set_loss(&pair->a, 1);
    for (uint32_t i = 0; i < 20; i++)
        relay(pair->a.sctp, &brief, i);
    mark(pair, MARK); /* it waits for the line */
    g_usleep(400000);
    set_loss(&pair->a, 0);
    assert_true(comes(pair, MARK));
    relay(pair->a.sctp, &brief, 20);
    assert_true(comes(pair, 20));
    const Got result = got(pair);
    assert_in_range(result.n, 1, 2); /* the last; and one that usrsctp had, but could not send */
}

/* Two senders may use one label for different kinds: a message that must not get lost never goes where it may. */
static void of_one_label_each_kind_has_its_own(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    for (unsigned i = 0; i < 3; i++) {
        relay(pair->a.sctp, &once, 1);
        relay(pair->a.sctp, &reliable, 2);
    }
    assert_true(reaches(&pair->b, &pair->b.n_messages, 6));
    assert_int_equal(pair->b.n_channels, 2);
    assert_true(is_same(&pair->b.reliability, &reliable));
}

static void a_channel_that_the_page_made_itself_is_taken_as_it_is(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_open_channel(pair->b.sctp, "pen", "own", NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 1));
    relay(pair->a.sctp, &once, 1);
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_true(is_same(&pair->b.reliability, &reliable));
    assert_int_equal(pair->b.n_channels, 1); /* its own: no other was opened */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_ordered_one_loses_nothing),
        TEST(an_unordered_one_loses_nothing_and_waits_for_nothing),
        TEST(one_without_retransmissions_loses_some_and_stays_in_order),
        TEST(an_unordered_one_without_retransmissions_loses_some),
        TEST(one_with_a_lifetime_forgets_what_is_too_old),
        TEST(of_one_label_each_kind_has_its_own),
        TEST(a_channel_that_the_page_made_itself_is_taken_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
