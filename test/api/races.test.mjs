/* SPDX-License-Identifier: MIT */
/* Attach, offer, re-offer, hangup, goodbye, claim, loss of the socket, detach and destroy, in any order against each other, with real
 * PeerConnections: no crash, no hang, nothing left. STOA_SEED repeats a run as far as time allows. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { connect, sanitized, slow, start } from '../lib/gateway.mjs';
import { echo, enter, startPeers } from '../lib/peers.mjs';

const rounds = process.env.STOA_FULL ? 4000 : 320, AT_ONCE = 8;
let gateway, peers, seed = Number(process.env.STOA_SEED ?? Date.now() % 1000000), n_up = 0;
console.log(`seed ${seed}`);

before(async () => {
    peers = startPeers();
    gateway = await start('stoa:limits.requests_per_second=0', 'stoa:limits.connections_per_address=0');
});
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0, gateway.log); });

/* mulberry32 */
function random() {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);

const kinds = {
    echotest: [{ audio: true }, 'sendrecv'],
    videoroom: [{ request: 'joinandconfigure', ptype: 'publisher', room: 1234 }, 'sendonly'],
};

/* One life. What waits for an answer that never comes is left alone when the round is over. */
async function round() {
    const who = await enter(gateway), name = ['echotest', 'videoroom'][below(2)], [body, direction] = kinds[name];
    const handle = await who.attach(name), mine = [], sockets = [who.client.socket];
    let over = false;
    const offer = async (again) => {
        const peer = await peers.open();
        if (over)
            return peer.close();
        mine.push(peer);
        const answer = await who.message(handle, again && name === 'videoroom' ? { request: 'configure' } : body, peer.offer(direction));
        if (!answer.jsep)
            return;
        peer.send();
        await peer.remote(answer.jsep, true);
        n_up++;
    };
    const verbs = [
        () => offer(false),
        () => offer(true),
        async () => { await who.ask('hangup', handle); await offer(true); },
        () => who.ask('detach', handle),
        () => who.ask('destroy'),
        async () => { mine[0]?.close(); },
        async () => { who.client.socket.terminate(); },
        async () => {
            const other = await connect(gateway.websocket);
            other.socket.on('error', () => {});
            if (over)
                return other.socket.terminate();
            sockets.push(other.socket);
            await other.request({ janus: 'claim', session_id: who.session_id });
        },
        async () => who.attach(name),
        () => who.ask('trickle', handle, { candidate: { completed: true } }),
    ];
    if (below(2)) /* half of them have media when it begins */
        await Promise.race([offer(false), sleep(1000)]);
    const steps = Array.from({ length: 2 + below(6) }, () => verbs[below(verbs.length)]);
    const all = Promise.allSettled(steps.map(async (step) => { await sleep(below(40)); await step(); }));
    await Promise.race([all, sleep(60 + below(100))]);
    over = true;
    mine.forEach((peer) => peer.close());
    sockets.forEach((socket) => socket.terminate());
}

const admin = async (janus) => {
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8').trim();
    return (await fetch(`${gateway.admin}/admin`, { method: 'POST', body: JSON.stringify({ janus, transaction: 'a', admin_secret }) })).json();
};
const look = () => ({
    kb: Number(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]),
    fds: readdirSync(`/proc/${gateway.child.pid}/fd`).length,
});
const descriptors = () => readdirSync(`/proc/${gateway.child.pid}/fd`).map((fd) => {
    try {
        return readlinkSync(`/proc/${gateway.child.pid}/fd/${fd}`);
    } catch {
        return 'closed';
    }
});
const until = async (what, fits) => {
    for (let n = 0; !(await fits()); n++, await sleep(100))
        assert.ok(n < 200 * slow, `${what}: not within ${20 * slow} s`);
};

test('lives that end in any order leave nothing and harm nobody', async () => {
    assert.deepEqual((await admin('list_sessions')).sessions, []);
    const { fds } = look(), begun = descriptors();
    const witness = await enter(gateway);
    const call = await echo(witness, peers);
    call.peer.send();
    const some = async (n) => {
        for (let i = 0; i < n; i += AT_ONCE)
            await Promise.all(Array.from({ length: AT_ONCE }, round));
    };
    await some(rounds / 4);
    const first = look();
    await some(rounds);
    assert.equal(gateway.child.exitCode, null, gateway.log);
    const { streams } = await call.peer.count();
    const [{ n, first: from, last: to }] = Object.values(streams);
    assert.equal(n, to - from + 1, 'the call beside it lost packets');
    call.peer.close();
    witness.leave();
    await until('no session is left', async () => (await admin('list_sessions')).sessions.length === 0);
    await until('no descriptor is left', () => look().fds <= fds).catch((error) => {
        error.message += `: ${descriptors().filter((one) => !begun.includes(one)).join(' ')}`;
        throw error;
    });
    const last = look();
    console.log(`${rounds} rounds, ${n_up} connections were up: ${first.kb} to ${last.kb} kB`);
    assert.ok(n_up > rounds / 4, `only ${n_up} connections came up`);
    assert.ok(sanitized || last.kb < first.kb + 4096 + rounds, `${first.kb} to ${last.kb} kB`);
});
