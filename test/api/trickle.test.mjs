/* SPDX-License-Identifier: MIT */
/* Full ICE over the wire: candidates trickle both ways, early and late; restarts. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { echo, enter, startPeers } from '../lib/peers.mjs';

let gateway, peers, who;
before(async () => {
    peers = startPeers();
    gateway = await start('stoa:media.ice=full', 'stoa:media.addresses=127.0.0.1');
    who = await enter(gateway);
});
after(async () => { who.leave(); peers.stop(); assert.equal((await gateway.stop()).code, 0); });

const bare = ({ type, sdp }) => ({ type, sdp: sdp.replace(/^a=(candidate:.*|end-of-candidates)\r\n/gm, '') });

/* Offer an echo without a word of candidates; the answer comes without them, too. */
async function offer(handle, peer) {
    const { jsep } = await who.message(handle, { audio: true }, bare(peer.offer()));
    peer.remote(bare(jsep), true);
    return jsep;
}

const own = (peer) => ({ candidate: peer.candidate, sdpMid: '0', sdpMLineIndex: 0 });

async function comesUp(peer) {
    await Promise.race([peer.up, sleep(10000 * slow, null, { ref: false }).then(() => { throw new Error('not up'); })]);
    peer.close();
}

test('info says that candidates may trickle to the client', async () => {
    const info = await who.client.request({ janus: 'info' });
    assert.deepEqual([info['ice-lite'], info['full-trickle']], [false, true]);
});

test('candidates that come before the offer are kept for it', async () => {
    const handle = await who.attach('echotest'), peer = await peers.open();
    assert.equal((await who.ask('trickle', handle, { candidates: [own(peer), { completed: true }] })).janus, 'ack');
    await offer(handle, peer);
    await comesUp(peer);
});

test('candidates that come a second after the offer are used', async () => {
    const handle = await who.attach('echotest'), peer = await peers.open();
    await offer(handle, peer);
    await sleep(1000);
    assert.equal((await who.ask('trickle', handle, { candidate: own(peer) })).janus, 'ack');
    await comesUp(peer);
});

test('our candidates trickle to the client, which comes by them, and end with completed', async () => {
    const handle = await who.attach('echotest'), peer = await peers.open();
    const jsep = await offer(handle, peer), found = jsep.sdp.match(/^a=candidate:.*(?=\r)/gm) ?? [];
    for (let done = /^a=end-of-candidates/m.test(jsep.sdp); !done;) {
        const { candidate } = await who.event(handle, 'trickle');
        done = candidate.completed === true;
        if (!done) {
            assert.equal(candidate.sdpMid, '0');
            found.push(candidate.candidate);
        }
    }
    assert.ok(found.some((one) => / udp .* 127\.0\.0\.1 /i.test(one)), found.join('\n'));
    found.forEach((candidate) => peer.meet({ candidate: candidate.replace(/^a=/, '') }));
    await comesUp(peer);
});

test('an echo goes on through restarts with full ICE, too', async () => {
    const one = await echo(who, peers);
    one.peer.send();
    const count = async () => Object.values((await one.peer.count()).streams)[0] ?? { n: 0 };
    const flows = async () => {
        const { n } = await count();
        for (const end = Date.now() + 10000 * slow; (await count()).n < n + 25; await sleep(20))
            assert.ok(Date.now() < end, 'no packet comes');
    };
    await flows();
    for (let round = 0; round < 2; round++) {
        await one.peer.restart();
        const { jsep } = await who.message(one.handle, { audio: true }, one.peer.offer());
        one.peer.remote(jsep, true);
        await flows();
    }
    const { n, first, last } = await count();
    assert.ok(last - first + 1 - n <= 5, `${last - first + 1 - n} lost`);
    assert.equal(who.seen(one.handle, 'hangup'), 0);
    one.peer.close();
});
