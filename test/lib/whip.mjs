/* SPDX-License-Identifier: MIT */
/* A WHIP publisher and a WHEP player made of fetch() and test/tools/peers. */
import assert from 'node:assert/strict';

export const SDP = 'application/sdp', FRAGMENT = 'application/trickle-ice-sdpfrag';
const bearer = (token) => token === undefined ? {} : { Authorization: `Bearer ${token}` };

/** One request: the Response. @options {type, token, headers} */
export const ask = (gateway, method, path, body, { type = SDP, token, headers = {} } = {}) =>
    fetch(gateway.http + path, { method, body, redirect: 'manual', headers: { ...(body === undefined || type === null ? {} : { 'Content-Type': type }), ...bearer(token), ...headers } });

/** A session whose connection is up: {peer, path, tag, sdp, patch(), end()}. @direction  "sendonly" publishes */
export async function begin(gateway, peers, path, direction, token) {
    const peer = await peers.open();
    const answer = await ask(gateway, 'POST', path, peer.offer(direction).sdp, { token });
    const sdp = await answer.text();
    assert.equal(answer.status, 201, sdp);
    await peer.remote({ sdp }, true);
    const session = { peer, sdp, path: answer.headers.get('location'), tag: answer.headers.get('etag'), headers: answer.headers };
    session.patch = (body, match, more = {}) => ask(gateway, 'PATCH', session.path, body, { type: FRAGMENT, token, ...more, headers: { ...(match ? { 'If-Match': match } : {}), ...more.headers } });
    session.end = () => ask(gateway, 'DELETE', session.path, undefined, { token });
    return session;
}
