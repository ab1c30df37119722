/* SPDX-License-Identifier: MIT */
/* Lives of real PeerConnections: what they tell, and what they leave behind. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { sanitized, slow, start } from '../lib/gateway.mjs';
import { echo, enter, publish, startPeers, subscribe } from '../lib/peers.mjs';

let gateway, peers;
before(async () => { peers = startPeers(); gateway = await start('stoa:limits.requests_per_second=0'); });
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

test('a goodbye reaches its handle and the others of the room at once', async () => {
    const [ana, ben] = [await enter(gateway), await enter(gateway)];
    const a = await publish(ana, peers, 1234), b = await publish(ben, peers, 1234);
    const from = Date.now();
    a.peer.close();
    assert.equal((await ana.event(a.handle, 'hangup')).reason, 'DTLS alert');
    const told = await ben.client.event((one) => one.plugindata?.data.unpublished === a.feed);
    assert.equal(told.sender, b.handle);
    console.log(`told after ${Date.now() - from} ms`);
    assert.ok(Date.now() - from < 1000 * slow, `${Date.now() - from} ms`);
    ana.leave();
    b.peer.close();
    ben.leave();
});

test('the ports of several workers are in a row, UDP and TCP alike', async () => {
    const several = await Promise.all([2, 3, 5].map(async (n) => ({ n, one: await start(`stoa:media.workers=${n}`) })));
    for (const { n, one } of several) {
        const [, first, last, tcpFirst, tcpLast] = one.media.match(/^udp\/(\d+)-(\d+),tcp\/(\d+)-(\d+)$/).map(Number);
        assert.deepEqual([last, tcpFirst, tcpLast], [first + n - 1, first, last]);
        for (let port = first; port <= last; port++) {
            await new Promise((resolve, reject) => connectTcp(port, '127.0.0.1', function yes() { this.destroy(); resolve(); }).on('error', reject));
            const code = await new Promise((resolve) => createSocket('udp4').on('error', (error) => resolve(error.code))
                .bind(port, '0.0.0.0', function free() { this.close(); resolve('free'); }));
            assert.equal(code, 'EADDRINUSE', `UDP ${port}`);
        }
    }
    for (const { one } of several)
        assert.equal((await one.stop()).code, 0);
});

test('who loses packets on the way to us is told of a slow link, others are not', async () => {
    const one = await start('stoa:media.slowlink_threshold=5');
    const [good, bad] = [await enter(one), await enter(one)];
    const a = await echo(good, peers), b = await echo(bad, peers);
    a.peer.send();
    b.peer.send(3);
    const told = await bad.event(b.handle, 'slowlink');
    assert.deepEqual([told.uplink, told.media, told.mid], [true, 'audio', '0']);
    assert.ok(told.lost > 5 && told.lost < 200, `${told.lost} lost`);
    assert.equal(good.seen(a.handle, 'slowlink'), 0);
    [a, b].forEach(({ peer }) => peer.close());
    [good, bad].forEach((who) => who.leave());
    assert.equal((await one.stop()).code, 0);
});

const state = (pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
        kb: Number(status.match(/VmRSS:\s+(\d+)/)[1]), threads: Number(status.match(/Threads:\s+(\d+)/)[1]),
        fds: readdirSync(`/proc/${pid}/fd`).length,
    };
};

test('who knows only AES-CM is sealed for with it', async () => {
    const old = startPeers({ srtp: 'SRTP_AES128_CM_SHA1_80' }), who = await enter(gateway), { peer } = await echo(who, old);
    peer.send();
    for (let n = 0; !(Object.values((await peer.count()).streams)[0]?.n >= 20); n++, await sleep(20))
        assert.ok(n < 500 * slow, 'no echo');
    old.stop();
    who.leave();
});

test('calls that come and go leave no memory, descriptor or thread', async () => {
    const rounds = process.env.STOA_FULL ? 200 : 60, warm = process.env.STOA_FULL ? 50 : 20;
    const round = async () => {
        const who = await enter(gateway);
        const one = await publish(who, peers, 1234);
        one.peer.send();
        const two = await subscribe(who, peers, 1234, one.feed);
        for (let n = 0; Object.keys((await two.peer.count()).streams).length === 0; n++, await sleep(10))
            assert.ok(n < 1000, 'no packet came to the subscriber');
        await who.message(two.handle, { request: 'leave' });
        two.peer.close();
        await who.ask('detach', two.handle);
        await who.message(one.handle, { request: 'leave' });
        one.peer.close();
        await who.ask('detach', one.handle);
        await who.ask('destroy');
        who.leave();
    };
    /* What the round left is freed by other threads: the least of several looks. */
    const settled = async () => {
        const looks = [];
        for (let n = 0; n < 10; n++, await sleep(100))
            looks.push(state(gateway.child.pid));
        return Object.fromEntries(Object.keys(looks[0]).map((key) => [key, Math.min(...looks.map((look) => look[key]))]));
    };
    for (let n = 0; n < warm; n++)
        await round();
    const first = await settled();
    for (let n = warm; n < rounds; n++)
        await round();
    const last = await settled();
    console.log(`rounds ${warm} to ${rounds}: ${first.kb} to ${last.kb} kB, ${first.fds} to ${last.fds} descriptors, ${first.threads} to ${last.threads} threads`);
    assert.equal(last.fds, first.fds);
    assert.equal(last.threads, first.threads);
    assert.ok(sanitized || last.kb < first.kb + (process.env.STOA_FULL ? 500 : 1500), `${first.kb} to ${last.kb} kB`);
});
