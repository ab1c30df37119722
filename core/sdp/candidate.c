/* SPDX-License-Identifier: MIT */
/* One ICE candidate. */
#include "sdp/candidate.h"

#include "sdp/scan.h"

#include <stoa/error.h>

#include "base/poison.h"

enum { MAX_TEXT = 1024 };

static bool fail(StoaSdpText text, const char *fits, GError **error)
{
    char shown[48];

    return stoa_fail(error, STOA_ERROR_INVALID, "candidate \"%s\" does not fit: it wants %s",
                     stoa_sdp_scan_show(text, shown), fits);
}

static bool has_control(StoaSdpText text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!g_ascii_isprint(text.at[i]))
            return true;
    return false;
}

static bool find_type(StoaSdpText name, StoaSdpCandidateType *type)
{
    static const char *const names[] = { "host", "srflx", "prflx", "relay" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (stoa_sdp_scan_is_like(name, names[i])) {
            *type = (StoaSdpCandidateType)i;
            return true;
        }
    }
    return false;
}

static StoaSdpTcpType find_tcp_type(StoaSdpText name)
{
    if (stoa_sdp_scan_is_like(name, "active"))
        return STOA_SDP_TCP_ACTIVE;
    if (stoa_sdp_scan_is_like(name, "passive"))
        return STOA_SDP_TCP_PASSIVE;
    return stoa_sdp_scan_is_like(name, "so") ? STOA_SDP_TCP_SO : STOA_SDP_TCP_NONE;
}

/* What stands behind the type: pairs of a name and a value; unknown ones are passed over. */
static void read_pairs(StoaSdpText rest, GStringChunk *strings, StoaSdpCandidate *c)
{
    while (rest.len > 0) {
        StoaSdpText name = stoa_sdp_scan_word(&rest), value = stoa_sdp_scan_word(&rest);
        uint64_t port;

        if (stoa_sdp_scan_is(name, "raddr") && stoa_sdp_scan_is_token(value, 255))
            c->related_address = stoa_sdp_scan_keep(strings, value);
        else if (stoa_sdp_scan_is(name, "rport") && stoa_sdp_scan_number(value, UINT16_MAX, &port))
            c->related_port = (uint16_t)port;
        else if (stoa_sdp_scan_is(name, "tcptype"))
            c->tcp_type = find_tcp_type(value);
        else if (stoa_sdp_scan_is(name, "ufrag") && stoa_sdp_scan_is_token(value, 256))
            c->ufrag = stoa_sdp_scan_keep(strings, value);
    }
}

bool stoa_sdp_candidate_read(const char *text, size_t len, GStringChunk *strings,
                             StoaSdpCandidate *candidate, GError **error)
{
    StoaSdpText whole = { text, len }, rest;
    StoaSdpText foundation, component, transport, priority, address, port, typ, type;
    StoaSdpCandidate c = { 0 };
    uint64_t component_id, priority_value, port_value;

    while (whole.len > 0 && (whole.at[whole.len - 1] == '\n' || whole.at[whole.len - 1] == '\r'))
        whole.len--;
    stoa_sdp_scan_skip(&whole, "a=");
    rest = whole;
    if (len > MAX_TEXT || has_control(whole) || !stoa_sdp_scan_skip(&rest, "candidate:"))
        return fail(whole, "\"candidate:\" in front and at most 1024 characters", error);
    foundation = stoa_sdp_scan_word(&rest);
    component = stoa_sdp_scan_word(&rest);
    transport = stoa_sdp_scan_word(&rest);
    priority = stoa_sdp_scan_word(&rest);
    address = stoa_sdp_scan_word(&rest);
    port = stoa_sdp_scan_word(&rest);
    typ = stoa_sdp_scan_word(&rest);
    type = stoa_sdp_scan_word(&rest);
    c.tcp = stoa_sdp_scan_is_like(transport, "tcp");
    if (!stoa_sdp_scan_is_token(foundation, 32) ||
        !stoa_sdp_scan_number(component, 256, &component_id) || component_id == 0 ||
        !(c.tcp || stoa_sdp_scan_is_like(transport, "udp")) ||
        !stoa_sdp_scan_number(priority, UINT32_MAX, &priority_value))
        return fail(whole, "a foundation, a component, udp or tcp, and a priority", error);
    if (!stoa_sdp_scan_is_token(address, 255) ||
        !stoa_sdp_scan_number(port, UINT16_MAX, &port_value) || !stoa_sdp_scan_is(typ, "typ") ||
        !find_type(type, &c.type))
        return fail(whole, "an address, a port, and \"typ host\", srflx, prflx or relay", error);
    c.text = stoa_sdp_scan_keep(strings, whole);
    c.foundation = stoa_sdp_scan_keep(strings, foundation);
    c.component = (unsigned)component_id;
    c.priority = (uint32_t)priority_value;
    c.address = stoa_sdp_scan_keep(strings, address);
    c.is_name = !g_hostname_is_ip_address(c.address);
    c.port = (uint16_t)port_value;
    read_pairs(rest, strings, &c);
    *candidate = c;
    return true;
}
