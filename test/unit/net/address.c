/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "net/address.h"

static StoaAddress parse(const char *text, uint16_t port)
{
    StoaAddress address;

    assert_true(stoa_address_parse(text, port, &address));
    return address;
}

static void numeric_addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *ip, *full;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", "192.0.2.1:99" },
        { "2001:DB8::1", "2001:db8::1", "[2001:db8::1]:99" },
        { "[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:99" },
        { "::", "::", "[::]:99" },
        { "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:99" },
    };
    char text[STOA_ADDRESS_TEXT];

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        StoaAddress address = parse(rows[i].text, 99);

        assert_string_equal(stoa_address_format_ip(&address, text), rows[i].ip);
        assert_string_equal(stoa_address_format(&address, text), rows[i].full);
        assert_int_equal(stoa_address_port(&address), 99);
    }
}

static void names_and_nonsense_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "localhost",
        "192.0.2",
        "192.0.2.1:80",
        "192.0.2.256",
        "[::1",
        "::1]",
        "2001:db8::g",
        "[]",
        "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22:23:24:25:26:27:28",
    };
    StoaAddress address = parse("192.0.2.1", 7), before = address;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_false(stoa_address_parse(texts[i], 1, &address));
    assert_false(stoa_address_parse(NULL, 1, &address));
    assert_memory_equal(&address, &before, sizeof(address));
}

static void a_mapped_address_is_the_plain_one(void **state)
{
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    StoaAddress address, plain = parse("192.0.2.1", 80);

    (void)state;
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
    stoa_address_set(&address, (struct sockaddr *)&mapped);
    assert_true(stoa_address_equal(&address, &plain));
    assert_int_equal(stoa_address_len(&address), sizeof(struct sockaddr_in));
}

static void equal_addresses_hash_alike_and_others_do_not(void **state)
{
    StoaAddress a = parse("2001:db8::1", 1), b = parse("2001:db8::1", 1);
    StoaAddress port = parse("2001:db8::1", 2), ip = parse("2001:db8::2", 1);
    StoaHashKey key, other;

    (void)state;
    stoa_hash_key_init(&key);
    stoa_hash_key_init(&other);
    assert_true(stoa_address_equal(&a, &b));
    assert_false(stoa_address_equal(&a, &port));
    assert_true(stoa_address_equal_ip(&a, &port));
    assert_false(stoa_address_equal(&a, &ip));
    assert_true(stoa_address_hash(&key, &a) == stoa_address_hash(&key, &b));
    assert_true(stoa_address_hash(&key, &a) != stoa_address_hash(&key, &port));
    assert_true(stoa_address_hash(&key, &a) != stoa_address_hash(&key, &ip));
    assert_true(stoa_address_hash(&key, &a) != stoa_address_hash(&other, &a));
}

/* The first vectors of the paper: key 00..0f, message 00..len-1. */
static void the_hash_is_siphash(void **state)
{
    const StoaHashKey key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
    uint8_t message[15];

    (void)state;
    for (uint8_t i = 0; i < sizeof(message); i++)
        message[i] = i;
    assert_true(stoa_hash(&key, message, 15) == 0xa129ca6149be45e5u);
    assert_true(stoa_hash(&key, message, 0) == 0x726fdb47dd0e0e31u);
}

static void special_addresses_are_known(void **state)
{
    StoaAddress address;

    (void)state;
    address = parse("127.9.9.9", 0);
    assert_true(stoa_address_is_loopback(&address));
    address = parse("::1", 0);
    assert_true(stoa_address_is_loopback(&address));
    address = parse("128.0.0.1", 0);
    assert_false(stoa_address_is_loopback(&address));
    address = parse("0.0.0.0", 0);
    assert_true(stoa_address_is_any(&address));
    address = parse("::", 0);
    assert_true(stoa_address_is_any(&address));
    address = parse("169.254.1.1", 0);
    assert_true(stoa_address_is_link_local(&address));
    address = parse("fe80::1", 0);
    assert_true(stoa_address_is_link_local(&address));
}

static void loopback_comes_last_among_the_interfaces(void **state)
{
    g_autoptr(GArray) list = stoa_address_interfaces(NULL);
    bool seen = false;

    (void)state;
    assert_non_null(list);
    for (guint i = 0; i < list->len; i++) {
        const StoaAddress *address = &g_array_index(list, StoaAddress, i);

        assert_false(stoa_address_is_link_local(address));
        assert_int_equal(stoa_address_port(address), 0);
        if (seen)
            assert_true(stoa_address_is_loopback(address));
        seen |= stoa_address_is_loopback(address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses_are_read_and_written),
        cmocka_unit_test(names_and_nonsense_are_refused),
        cmocka_unit_test(a_mapped_address_is_the_plain_one),
        cmocka_unit_test(equal_addresses_hash_alike_and_others_do_not),
        cmocka_unit_test(the_hash_is_siphash),
        cmocka_unit_test(special_addresses_are_known),
        cmocka_unit_test(loopback_comes_last_among_the_interfaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
