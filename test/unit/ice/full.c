/* SPDX-License-Identifier: MIT */
/* Two full agents meet on loopback, each on an ICE thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nice/agent.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "ice/agent.h"
#include "ice/lite.h"

enum { WAIT_S = 10 };

typedef struct End {
    StoaIceThread *thread;
    StoaIceAgent *agent;
    struct End *other;    /* where our candidates go; NULL: nowhere */
    pthread_mutex_t lock; /* not GMutex: ThreadSanitizer cannot see that */
    pthread_cond_t changed;
    unsigned n_candidates, n_complete, n_connected, n_failed, n_datagrams, n_gone, n_tcp_active;
    unsigned n_pairs; /* that were selected, the last of them: */
    StoaIcePair pair;
    bool only_tcp;
    size_t last_len;
} End;

typedef struct {
    End a, b;
} Pair;

static void bump(End *end, unsigned *counter)
{
    pthread_mutex_lock(&end->lock);
    ++*counter;
    pthread_cond_signal(&end->changed);
    pthread_mutex_unlock(&end->lock);
}

static void on_candidate(void *user, const char *candidate)
{
    End *end = user;

    if (candidate && end->only_tcp && !strcasestr(candidate, " tcp "))
        return;
    if (end->other)
        stoa_ice_agent_add_candidate(end->other->agent, candidate);
    if (candidate && strstr(candidate, "tcptype active"))
        bump(end, &end->n_tcp_active);
    bump(end, candidate ? &end->n_candidates : &end->n_complete);
}

static void on_state(void *user, StoaIceState state)
{
    End *end = user;

    if (state == STOA_ICE_STATE_CONNECTED)
        bump(end, &end->n_connected);
    if (state == STOA_ICE_STATE_FAILED)
        bump(end, &end->n_failed);
}

static void on_pair(void *user, const StoaIcePair *pair)
{
    End *end = user;

    pthread_mutex_lock(&end->lock);
    end->pair = *pair;
    pthread_mutex_unlock(&end->lock);
    bump(end, &end->n_pairs);
}

static void on_datagram(void *user, const uint8_t *buf G_GNUC_UNUSED, size_t len)
{
    End *end = user;

    end->last_len = len;
    bump(end, &end->n_datagrams);
}

static void on_gone(void *user)
{
    End *end = user;

    bump(end, &end->n_gone);
}

static const StoaIceCallbacks callbacks = { on_candidate, on_state, on_pair, on_datagram, on_gone };

static bool reaches(End *end, const unsigned *counter, unsigned n)
{
    struct timespec until;
    bool in_time = true;
    bool ok;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&end->lock);
    while (*counter < n && in_time)
        in_time = pthread_cond_timedwait(&end->changed, &end->lock, &until) == 0;
    ok = *counter >= n;
    pthread_mutex_unlock(&end->lock);
    return ok;
}

static int set_up(void **state)
{
    static const char *const loopback[] = { "127.0.0.1", NULL };
    const StoaIceConf conf = { .addresses = loopback };
    Pair *pair = g_new0(Pair, 1);

    /* GLib keeps names at their first use, and publishes them in a way that ThreadSanitizer does not see. */
    g_object_unref(nice_agent_new(NULL, NICE_COMPATIBILITY_RFC5245));
    pair->a.thread = stoa_ice_thread_new(&conf, NULL);
    pair->b.thread = stoa_ice_thread_new(&conf, NULL);
    *state = pair;
    return pair->a.thread && pair->b.thread ? 0 : -1;
}

static int tear_down(void **state)
{
    Pair *pair = *state;

    stoa_ice_thread_free(pair->a.thread);
    stoa_ice_thread_free(pair->b.thread);
    g_free(pair);
    return 0;
}

/* Gather first, then exchange all: candidates come on other threads than ours. */
static void meet(Pair *pair, bool trickle)
{
    pair->a.agent = stoa_ice_agent_new(pair->a.thread, true, &callbacks, &pair->a);
    pair->b.other = &pair->a;
    pair->b.agent = stoa_ice_agent_new(pair->b.thread, false, &callbacks, &pair->b);
    if (!trickle)
        assert_true(reaches(&pair->b, &pair->b.n_complete, 1));
    stoa_ice_agent_set_remote(pair->b.agent, stoa_ice_agent_ufrag(pair->a.agent),
                              stoa_ice_agent_pwd(pair->a.agent));
    stoa_ice_agent_set_remote(pair->a.agent, stoa_ice_agent_ufrag(pair->b.agent),
                              stoa_ice_agent_pwd(pair->b.agent));
}

static void part(Pair *pair)
{
    pair->a.other = pair->b.other = NULL;
    stoa_ice_agent_close(pair->a.agent);
    stoa_ice_agent_close(pair->b.agent);
    assert_true(reaches(&pair->a, &pair->a.n_gone, 1));
    assert_true(reaches(&pair->b, &pair->b.n_gone, 1));
}

static void two_agents_connect_and_carry_bursts(void **state)
{
    static const uint8_t buf[1200] = { 0x80 };
    Pair *pair = *state;

    meet(pair, false);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 1));
    assert_true(reaches(&pair->b, &pair->b.n_connected, 1));
    for (unsigned burst = 1; burst <= 4; burst++) { /* no more at once than a socket holds */
        for (unsigned i = 0; i < 50; i++)
            assert_true(stoa_ice_agent_send(pair->a.agent, buf, sizeof(buf)));
        assert_true(reaches(&pair->b, &pair->b.n_datagrams, 50 * burst));
    }
    assert_int_equal(pair->b.last_len, sizeof(buf));
    assert_true(stoa_ice_agent_send(pair->b.agent, buf, 99));
    assert_true(reaches(&pair->a, &pair->a.n_datagrams, 1));
    assert_int_equal(pair->a.last_len, 99);
    assert_true(reaches(&pair->a, &pair->a.n_pairs, 1));
    part(pair);
    assert_true(stoa_address_is_loopback(&pair->a.pair.remote) && !pair->a.pair.is_relayed);
    assert_true(pair->a.pair.is_tcp == pair->a.only_tcp);
}

static void candidates_before_the_credentials_are_kept(void **state)
{
    Pair *pair = *state;

    meet(pair, true);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 1));
    assert_true(reaches(&pair->b, &pair->b.n_connected, 1));
    part(pair);
}

static void active_tcp_candidates_are_not_told(void **state)
{
    Pair *pair = *state;

    pair->b.only_tcp = true;
    meet(pair, false);
    assert_true(pair->b.n_candidates > 0);
    assert_int_equal(pair->b.n_tcp_active, 0);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 1)); /* by TCP, or peer-reflexive UDP */
    part(pair);
}

static void names_and_junk_are_not_candidates(void **state)
{
    Pair *pair = *state;

    pair->a.agent = stoa_ice_agent_new(pair->a.thread, true, &callbacks, &pair->a);
    stoa_ice_agent_set_remote(pair->a.agent, "abcd", "0123456789012345678901");
    stoa_ice_agent_add_candidate(
        pair->a.agent, "candidate:1 1 udp 2113937151 1b2c-3d.local 51000 typ host generation 0");
    stoa_ice_agent_add_candidate(pair->a.agent, "candidate:");
    stoa_ice_agent_add_candidate(pair->a.agent, "");
    stoa_ice_agent_add_candidate(pair->a.agent, "candidate:1 1 udp x 127.0.0.1 y typ z");
    stoa_ice_agent_add_candidate(pair->a.agent, NULL);
    stoa_ice_agent_send(pair->a.agent, (const uint8_t *)"early", 5);
    stoa_ice_agent_close(pair->a.agent);
    assert_true(reaches(&pair->a, &pair->a.n_gone, 1));
    assert_int_equal(pair->a.n_connected, 0);
}

static void a_restart_connects_again(void **state)
{
    char ufrag[2][STOA_ICE_UFRAG + 1], pwd[2][STOA_ICE_PWD + 1];
    Pair *pair = *state;

    meet(pair, false);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 1));
    assert_true(reaches(&pair->b, &pair->b.n_connected, 1));
    stoa_ice_credentials(0, ufrag[0], pwd[0]);
    stoa_ice_credentials(0, ufrag[1], pwd[1]);
    stoa_ice_agent_restart(pair->a.agent, ufrag[0], pwd[0]);
    stoa_ice_agent_restart(pair->b.agent, ufrag[1], pwd[1]);
    assert_true(reaches(&pair->b, &pair->b.n_complete, 2));
    stoa_ice_agent_set_remote(pair->a.agent, ufrag[1], pwd[1]);
    stoa_ice_agent_set_remote(pair->b.agent, ufrag[0], pwd[0]);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 2));
    assert_true(reaches(&pair->b, &pair->b.n_connected, 2));
    part(pair);
}

static void many_agents_come_and_go(void **state)
{
    Pair *pair = *state;
    StoaIceAgent *agents[40];

    for (int i = 0; i < 40; i++)
        agents[i] = stoa_ice_agent_new(pair->a.thread, true, &callbacks, &pair->a);
    for (int i = 0; i < 30; i++)
        stoa_ice_agent_close(agents[i]);
    assert_true(reaches(&pair->a, &pair->a.n_gone, 30));
    stoa_ice_thread_free(pair->a.thread); /* ends the other ten */
    pair->a.thread = NULL;
    assert_int_equal(pair->a.n_gone, 40);
}

static void a_name_as_server_is_refused(void **state)
{
    const StoaIceConf conf = { .stun_server = "stun.example.org", .stun_port = 3478 };
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(stoa_ice_thread_new(&conf, &error));
    assert_non_null(strstr(error->message, "stun.example.org"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(two_agents_connect_and_carry_bursts),
        TEST(candidates_before_the_credentials_are_kept),
        TEST(active_tcp_candidates_are_not_told),
        TEST(names_and_junk_are_not_candidates),
        TEST(a_restart_connects_again),
        TEST(many_agents_come_and_go),
        cmocka_unit_test(a_name_as_server_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
