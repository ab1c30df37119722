/* SPDX-License-Identifier: MIT */
#include "sdp/candidate.h"

#include <stoa/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_trickled_candidate_is_read(void **unused G_GNUC_UNUSED)
{
    static const char *const texts[] = {
        "candidate:842163049 1 udp 1677729535 203.0.113.9 60769 typ srflx raddr 10.0.0.2 rport "
        "60769 generation 0",
        "a=candidate:842163049 1 UDP 1677729535 203.0.113.9 60769 typ srflx raddr 10.0.0.2 rport "
        "60769\r\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        GStringChunk *strings = g_string_chunk_new(256);
        StoaSdpCandidate c;

        assert_true(stoa_sdp_candidate_read(texts[i], strlen(texts[i]), strings, &c, NULL));
        assert_string_equal(c.foundation, "842163049");
        assert_string_equal(c.address, "203.0.113.9");
        assert_true(!c.is_name && !c.tcp && c.component == 1 && c.port == 60769);
        assert_int_equal(c.type, STOA_SDP_SRFLX);
        assert_int_equal(c.priority, 1677729535);
        assert_int_equal(c.related_port, 60769);
        assert_null(strchr(c.text, '\r'));
        g_string_chunk_free(strings);
    }
}

static void a_broken_candidate_is_refused_in_words(void **unused G_GNUC_UNUSED)
{
    static const char *const texts[] = {
        "",
        "candidate:",
        "candidate:1 1 udp",
        "candidate:1 0 udp 1 1.2.3.4 9 typ host",
        "candidate:1 1 sctp 1 1.2.3.4 9 typ host",
        "candidate:1 1 udp 4294967296 1.2.3.4 9 typ host",
        "candidate:1 1 udp 1 1.2.3.4 70000 typ host",
        "candidate:1 1 udp 1 1.2.3.4 9 host",
        "candidate:1 1 udp 1 1.2.3.4 9 typ guest",
        "candidate:1 1 udp 1 1.2.3.4\t9 9 typ host",
        "candidate:1 1 udp 1 1.2.3.4 9 typ host\r\na=setup:active",
        "1 1 udp 1 1.2.3.4 9 typ host",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        GStringChunk *strings = g_string_chunk_new(256);
        g_autoptr(GError) error = NULL;
        StoaSdpCandidate c;

        assert_false(stoa_sdp_candidate_read(texts[i], strlen(texts[i]), strings, &c, &error));
        assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_INVALID));
        g_string_chunk_free(strings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trickled_candidate_is_read),
        cmocka_unit_test(a_broken_candidate_is_refused_in_words),
    };

    return cmocka_run_group_tests_name("sdp/candidate", tests, NULL, NULL);
}
