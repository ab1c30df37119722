/* SPDX-License-Identifier: MIT */
/* Many people on one worker: what they cost when they do nothing, and what others hear of it when they all come at once. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { sanitized, slow, start } from '../lib/gateway.mjs';
import { enter, publish, startPeers, subscribe } from '../lib/peers.mjs';

let gateway, peers, others;
before(async () => {
    peers = startPeers();
    others = startPeers(); /* a process of its own: the handshakes of many must not delay what it measures */
    gateway = await start('stoa:media.workers=1', 'stoa:limits.requests_per_second=0', 'stoa:limits.connections_per_address=0');
});
after(async () => { peers.stop(); others.stop(); assert.equal((await gateway.stop()).code, 0); });

const rss = () => Number(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);

/** How often a thread of the gateway went to sleep by itself: each time it had been woken. */
function wakeUps(name) {
    const tasks = `/proc/${gateway.child.pid}/task`;
    const id = readdirSync(tasks).find((task) => readFileSync(`${tasks}/${task}/comm`, 'utf8').trim() === name);
    return Number(readFileSync(`${tasks}/${id}/status`, 'utf8').match(/^voluntary_ctxt_switches:\s+(\d+)/m)[1]);
}

test('who is there and does nothing costs next to nothing', async () => {
    const people = [];
    const echoes = async (n) => {
        for (let i = 0; i < n; i++) {
            const who = await enter(gateway), handle = await who.attach('echotest'), peer = await peers.open();
            const answer = await who.message(handle, { audio: true }, peer.offer());
            await peer.remote(answer.jsep, true);
            people.push({ who, peer });
        }
    };
    /* what joining left is given back when it has been quiet for a while */
    const settled = async () => {
        const looks = [];
        for (let i = 0; i < 12; i++, await sleep(400))
            looks.push(rss());
        return Math.min(...looks);
    };
    await echoes(20);
    const few = await settled();
    await echoes(40);
    const many = await settled();
    const from = wakeUps('media-0'), since = Date.now();
    await sleep(3000);
    const woken = (wakeUps('media-0') - from) * 1000 / (Date.now() - since);
    console.log(`${((many - few) / 40).toFixed(1)} kB each, ${woken.toFixed(1)} wake-ups a second with ${people.length} people`);
    assert.ok(sanitized || many - few < 40 * 30, `${few} to ${many} kB for 40 people`);
    assert.ok(woken < 40, `${woken} wake-ups a second`); /* each sends a check every 5 s */
    people.forEach(({ who, peer }) => { peer.close(); who.leave(); });
});

test('when all come at once they are all served, and a class that runs goes on', async () => {
    const n = process.env.STOA_FULL ? 200 : 60;
    const host = await enter(gateway);
    const running = await publish(host, others, 1234);
    running.peer.send();
    const listener = await enter(gateway), listening = await subscribe(listener, others, 1234, running.feed);
    const teacher = await enter(gateway);
    const lesson = await publish(teacher, others, 1234);
    lesson.peer.send();
    const people = await Promise.all(Array.from({ length: n }, () => enter(gateway)));
    await listening.peer.count(); /* its longest gap counts anew from here */
    const from = Date.now();
    const seats = await Promise.all(people.map((who) => subscribe(who, peers, 1234, lesson.feed)));
    const took = Date.now() - from;
    for (const { peer } of seats)
        for (let tries = 0; Object.keys((await peer.count()).streams).length === 0; tries++, await sleep(20))
            assert.ok(tries < 500 * slow, 'one of them hears nothing');
    const { streams } = await listening.peer.count();
    const [heard] = Object.values(streams);
    console.log(`${n} up after ${took} ms; meanwhile the longest gap of others was ${heard.gap_ms} ms`);
    assert.ok(took < 15000 * slow, `${took} ms`);
    assert.ok(heard.gap_ms < 1000 * slow, `others heard nothing for ${heard.gap_ms} ms`);
    assert.ok(heard.last - heard.first + 1 - heard.n <= 2, `${heard.n} of ${heard.first} to ${heard.last}`);
    [running, listening, lesson, ...seats].forEach(({ peer }) => peer.close());
    [host, listener, teacher, ...people].forEach((who) => who.leave());
});
