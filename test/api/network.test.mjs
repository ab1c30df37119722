/* SPDX-License-Identifier: MIT */
/* The network under a running call: ICE restarts, new addresses, silence. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { echo, enter, publish, startPeers, subscribe } from '../lib/peers.mjs';

let gateway, peers, mute;
before(async () => {
    peers = startPeers();
    gateway = await start('stoa:limits.requests_per_second=0');
    mute = await fallSilent();
});
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

/** Two publishers of a room stop saying anything, checks and all; the second comes back in time. What the last test looks at. */
async function fallSilent() {
    const [ana, ben, cleo] = [await enter(gateway), await enter(gateway), await enter(gateway)];
    await cleo.ask('message', await cleo.attach('videoroom'), { body: { request: 'create', room: 30 } });
    const a = await publish(ana, peers, 30), b = await publish(ben, peers, 30), c = await publish(cleo, peers, 30);
    [a, b].forEach(({ peer }) => peer.silence(true));
    return { ana, ben, cleo, a, b, c, at: Date.now() };
}

/* What has come of the only stream. */
async function received({ peer }) {
    const { sent, streams } = await peer.count();
    return { sent, ...Object.values(streams)[0] };
}

/* Wait until so many more packets have come than now; `gap_ms` is the longest pause between two of them. */
async function flows(one, more = 10) {
    const { n: before = 0 } = await received(one);
    for (let gap_ms = 0, end = Date.now() + 10000 * slow; Date.now() < end; await sleep(20)) {
        const now = await received(one);
        gap_ms = Math.max(gap_ms, now.gap_ms ?? 0);
        if (now.n >= before + more)
            return { ...now, gap_ms };
    }
    throw new Error(`no ${more} more packets came: ${JSON.stringify(await received(one))}`);
}

const lost = ({ n, first, last }) => last - first + 1 - n;
const ufrag = ({ sdp }) => sdp.match(/^a=ice-ufrag:(\S+)/m)[1];

/* An offer of the client with new credentials; they are used some packets after the answer. */
async function restart(who, one, body, answered) {
    await one.peer.restart();
    const { jsep } = await who.message(one.handle, body, one.peer.offer(answered));
    await flows(one.watcher ?? one); /* the old ones still hold */
    one.peer.remote(jsep, true);
    await flows(one.watcher ?? one, 50);
    return ufrag(jsep);
}

test('an echo goes on through ICE restarts of the client, without a lost packet', async () => {
    const who = await enter(gateway), one = await echo(who, peers);
    one.peer.send();
    await flows(one);
    const names = new Set();
    for (let n = 0; n < 3; n++)
        names.add(await restart(who, one, { audio: true }));
    assert.equal(names.size, 3);
    const now = await received(one);
    assert.equal(lost(now), 0, JSON.stringify(now));
    assert.ok(now.sent - now.last < 10, JSON.stringify(now));
    assert.equal(who.seen(one.handle, 'webrtcup'), 1, 'told once');
    assert.equal(who.seen(one.handle, 'hangup'), 0);
    one.peer.close();
    who.leave();
});

test('a publisher restarts ICE and so does a subscriber, by the server\'s offer: nothing is lost', async () => {
    const who = await enter(gateway), one = await publish(who, peers, 1234);
    const two = await subscribe(who, peers, 1234, one.feed);
    one.watcher = two;
    one.peer.send();
    await flows(two);
    await restart(who, one, { request: 'configure' }, 'sendonly');
    const { jsep } = await who.message(two.handle, { request: 'configure', restart: true });
    assert.equal(jsep.type, 'offer');
    await two.peer.restart();
    await flows(two);
    await who.message(two.handle, { request: 'start' }, two.peer.answer(jsep));
    two.peer.remote(jsep, false);
    await flows(two, 50);
    const now = await received(two);
    assert.equal(lost(now), 0, JSON.stringify(now));
    [one, two].forEach(({ peer }) => peer.close());
    who.leave();
});

test('a client takes its call along to another address and port, both ways', async () => {
    const who = await enter(gateway), one = await echo(who, peers);
    one.peer.send();
    await flows(one);
    for (const ip of ['127.0.0.2', '127.0.0.3', '127.0.0.3', '127.0.0.1']) {
        one.peer.move({ ip });
        const { gap_ms } = await flows(one, 50);
        console.log(`to ${ip}: ${gap_ms} ms without a packet`);
        assert.ok(gap_ms < 500 * slow, `${gap_ms} ms`);
    }
    const now = await received(one);
    assert.ok(lost(now) <= 12, JSON.stringify(now));
    assert.equal(who.seen(one.handle, 'hangup'), 0);
    one.peer.close();
    who.leave();
});

/* The client does not know: its next check of consent, within 6 s, shows the new address. */
test('a NAT that gives clients other ports takes nobody out of the call', async () => {
    const who = await enter(gateway), one = await publish(who, peers, 1234);
    const two = await subscribe(who, peers, 1234, one.feed);
    one.peer.send();
    await flows(two);
    [one, two].forEach(({ peer }) => peer.move({ aware: false }));
    const { gap_ms } = await flows(two, 50);
    console.log(`${gap_ms} ms without a packet`);
    assert.ok(gap_ms < 6500 + 1000 * slow, `${gap_ms} ms`);
    [one, two].forEach(({ peer }) => peer.close());
    who.leave();
});

test('who is silent for 30 seconds is gone and the others hear it, who comes back in time is not', async () => {
    const { ana, ben, cleo, a, b, c, at } = mute;
    await sleep(Math.max(0, at + 22000 - Date.now()));
    assert.equal(ana.seen(a.handle, 'hangup'), 0);
    b.peer.silence(false);
    while (ana.seen(a.handle, 'hangup') === 0 && Date.now() < at + 40000)
        await sleep(50);
    const { reason } = await ana.event(a.handle, 'hangup');
    const seconds = (Date.now() - at) / 1000;
    console.log(`"${reason}" after ${seconds.toFixed(1)} s`);
    assert.equal(reason, 'Consent expired');
    assert.ok(seconds > 22 && seconds < 31, `${seconds} s`);
    const told = await cleo.client.event((one) => one.plugindata?.data.unpublished === a.feed);
    assert.equal(told.sender, c.handle);
    const watcher = await subscribe(cleo, peers, 30, b.feed);
    b.peer.send();
    await flows(watcher);
    assert.equal(ben.seen(b.handle, 'hangup'), 0);
    [b, c, watcher].forEach(({ peer }) => peer.close());
    [ana, ben, cleo].forEach((who) => who.leave());
});
