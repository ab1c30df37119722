/* SPDX-License-Identifier: MIT */
/* Full ICE (libnice) on a long day: WHIP and WHEP, another network, clients that vanish. Restarts and trickle: trickle.test.mjs. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { echo, enter, publish, startPeers, subscribe } from '../lib/peers.mjs';
import { admin } from '../lib/wire.mjs';
import { FRAGMENT, begin } from '../lib/whip.mjs';

let gateway, peers, away, gone;
before(async () => {
    peers = startPeers();
    gateway = await start('stoa:media.ice=full', 'stoa:media.addresses=127.0.0.1', 'stoa:limits.requests_per_second=0');
    away = await goAway();
    gone = await vanish();
});
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000)); });

const files = () => readdirSync(`/proc/${gateway.child.pid}/fd`).length;
const until = async (what, fits, within_ms = 15000 * slow) => {
    for (const end = Date.now() + within_ms; ; await sleep(50)) {
        const found = await fits();
        if (found)
            return found;
        assert.ok(Date.now() < end, `${what}: not within ${within_ms} ms`);
    }
};
const came = async (peer) => Object.values((await peer.count()).streams)[0]?.n ?? 0;

/* How often the operator is told that the way to a client became another one. */
const changes = async (who, { handle }) => {
    const { info } = await admin(gateway, `/${who.session_id}/${handle}`, { janus: 'handle_info' });
    assert.equal(info.webrtc.path, 'full');
    return info.webrtc['path-changes'];
};

/* Wait for so many more packets; says how long the longest pause between two was. */
async function flows(peer, more = 15) {
    const before = await came(peer);
    let gap_ms = 0;
    await until('packets', async () => {
        const { n = 0, gap_ms: gap = 0 } = Object.values((await peer.count()).streams)[0] ?? {};
        gap_ms = Math.max(gap_ms, gap);
        return n >= before + more;
    });
    return gap_ms;
}

/** Echoes of which some fall silent for longer than libnice waits, and some come from elsewhere. What the last test but one looks at. */
async function goAway() {
    const who = await enter(gateway), calls = [];
    for (let n = 0; n < 3; n++) {
        calls.push(await echo(who, peers));
        calls[n].peer.send();
        await flows(calls[n].peer);
    }
    calls[0].peer.silence(true);
    calls[1].peer.move({ ip: '127.0.0.3' });
    calls[2].peer.move({ aware: false });
    return { who, calls, at: Date.now() };
}

/** Some publishers of a room fall silent, checks and all. What the last test looks at. */
async function vanish() {
    const cleo = await enter(gateway), handle = await cleo.attach('videoroom');
    await cleo.ask('message', handle, { body: { request: 'create', room: 30, publishers: 20 } });
    await cleo.message(handle, { request: 'join', ptype: 'publisher', room: 30 });
    const files_before = files(), people = [];
    for (let n = 0; n < 8; n++) {
        const who = await enter(gateway);
        people.push({ who, ...await publish(who, peers, 30) });
    }
    const camera = await begin(gateway, peers, '/whip/30/99', 'sendonly');
    people.forEach(({ peer }) => peer.silence(true));
    camera.peer.silence(true);
    return { cleo, handle, people, camera, files_before, at: Date.now() };
}

test('the ready line says which ports calls take', async () => {
    assert.match(gateway.ready, / media=udp\/any,tcp\/any$/);
    const walled = await start('stoa:media.ice=full', 'stoa:media.addresses=127.0.0.1', 'stoa:media.port=45000', 'stoa:media.full_ports=50');
    assert.match(walled.ready, / media=udp\/45000-45049,tcp\/45000-45049$/);
    assert.equal((await walled.stop()).code, 0);
});

test('the answer of WHIP and of WHEP has all candidates; candidates and a restart come by PATCH', async () => {
    const who = await enter(gateway), camera = await begin(gateway, peers, '/whip/1234/7', 'sendonly');
    camera.peer.send();
    const player = await begin(gateway, peers, '/whep/1234/7', 'recvonly');
    for (const { sdp } of [camera, player]) {
        assert.match(sdp, /^a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 \d+ typ host/mi);
        assert.match(sdp, /^a=end-of-candidates/m);
        assert.doesNotMatch(sdp, /^a=ice-lite/m);
    }
    await flows(player.peer);
    for (const session of [camera, player]) {
        const [ufrag, pwd] = ['ufrag', 'pwd'].map((one) => session.peer.transport.match(`a=ice-${one}:(\\S+)`)[1]);
        const fragment = (u, p) => `a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:${u}\r\na=ice-pwd:${p}\r\na=${session.peer.candidate}\r\na=end-of-candidates\r\n`;
        assert.equal((await session.patch(fragment(ufrag, pwd), session.tag)).status, 204);
        await session.peer.restart();
        const [newUfrag, newPwd] = ['ufrag', 'pwd'].map((one) => session.peer.transport.match(`a=ice-${one}:(\\S+)`)[1]);
        const answer = await session.patch(fragment(newUfrag, newPwd), session.tag), text = await answer.text();
        assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, FRAGMENT], text);
        assert.notEqual(answer.headers.get('etag'), session.tag);
        assert.match(text, /^a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 \d+ typ host[^]*a=end-of-candidates/mi);
        assert.equal((await session.patch(fragment(ufrag, pwd), session.tag)).status, 412);
        const mark = (name) => text.match(new RegExp(`^a=ice-${name}:.*\\r\\n`, 'm'))[0];
        session.peer.remote({ sdp: session.sdp.replaceAll(/^a=(candidate:.*|end-of-candidates)\r\n/gm, '').replaceAll(/^a=ice-(ufrag|pwd):.*\r\n/gm, (all, name) => mark(name))
            + text.match(/^a=candidate:.*\r\n/gm).join('') }, true);
        await flows(player.peer, 50);
    }
    for (const session of [player, camera])
        assert.equal((await session.end()).status, 200);
    who.leave();
});

test('a publisher that comes by another network restarts ICE, and goes on', async () => {
    const who = await enter(gateway), one = await publish(who, peers, 1234), two = await subscribe(who, peers, 1234, one.feed);
    one.peer.send();
    await flows(two.peer);
    assert.deepEqual([await changes(who, one), await changes(who, two)], [0, 0]);
    one.peer.move({ ip: '127.0.0.4', aware: false });
    await one.peer.restart();
    const { jsep } = await who.message(one.handle, { request: 'configure' }, one.peer.offer('sendonly'));
    one.peer.remote(jsep, true);
    console.log(`${await flows(two.peer, 50)} ms without a packet`);
    assert.deepEqual([await changes(who, one), await changes(who, two)], [1, 0]);
    assert.equal(who.seen(one.handle, 'hangup') + who.seen(two.handle, 'hangup'), 0);
    [one, two].forEach(({ peer }) => peer.close());
    who.leave();
});

test('who was away for longer than libnice waits is back, and so is who came to another address', async () => {
    const { who, calls, at } = away;
    await sleep(Math.max(0, at + 15000 - Date.now()));
    calls[0].peer.silence(false);
    for (const { peer, handle } of calls) {
        await flows(peer, 50);
        assert.equal(who.seen(handle, 'hangup'), 0);
        peer.close();
    }
    who.leave();
});

test('who is silent for 30 seconds is gone, the others hear it, and everything is given back', async () => {
    const { cleo, handle, people, camera, files_before, at } = gone;
    await sleep(Math.max(0, at + 22000 - Date.now()));
    assert.equal(people.reduce((n, { who, handle: own }) => n + who.seen(own, 'hangup'), 0), 0);
    await until('a hangup', () => people[0].who.seen(people[0].handle, 'hangup'), at + 45000 * slow - Date.now());
    const seconds = (Date.now() - at) / 1000;
    console.log(`hung up after ${seconds.toFixed(1)} s`);
    assert.ok(seconds < 40 * slow, `${seconds} s`);
    for (const { who, handle: own, feed } of people) {
        const { reason } = await who.event(own, 'hangup');
        assert.equal(reason, 'Consent expired');
        await cleo.client.event((one) => one.sender === handle && one.plugindata?.data.unpublished === feed);
    }
    await cleo.client.event((one) => one.sender === handle && one.plugindata?.data.leaving === 99);
    assert.equal((await camera.end()).status, 404);
    people.forEach(({ who }) => who.leave());
    await until('the sockets are closed', () => files() <= files_before);
    cleo.leave();
});
