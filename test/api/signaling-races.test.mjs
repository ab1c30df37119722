/* SPDX-License-Identifier: MIT */
/* Signaling against itself: attach, message, detach, loss, claim, destroy, polls and their ends, in any order at once. (SECURITY R4)
 * STOA_FULL=1 runs thousands of rounds; STOA_SEED repeats a run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../lib/gateway.mjs';
import { admin, begin, httpClient, offer, session, until } from '../lib/wire.mjs';

const rounds = process.env.STOA_FULL ? 4000 : 150;
const seed = Number(process.env.STOA_SEED ?? Date.now() % 1e6);

function dice(state) {
    return (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * n); };
}

test(`${rounds} rounds of everything at once: each request gets one answer, nothing is left`, { timeout: 600000 }, async (t) => {
    t.diagnostic(`STOA_SEED=${seed}`);
    const gateway = await begin(t, 'stoa:limits.requests_per_second=0', 'stoa:sessions.reclaim_s=2', 'stoa:limits.sessions_per_connection=0', 'stoa:limits.handles_per_session=0');
    const pick = dice(seed);
    let web = [];
    let n_sent = 0, n_answers = 0, doubled = 0;
    /* A socket that counts: what it sent and what came back, as long as it lives. */
    const open = async () => {
        const client = await connect(gateway.websocket), waiting = new Map();
        client.socket.on('error', () => {});
        client.socket.on('message', (data) => {
            const { janus, transaction } = JSON.parse(data);
            if (!transaction?.startsWith('r') || janus === 'event')
                return;
            doubled += waiting.get(transaction) === 'answered';
            waiting.set(transaction, 'answered');
            n_answers++;
        });
        client.say = (message) => {
            if (client.socket.readyState !== 1)
                return;
            const transaction = `r${n_sent++}`;
            waiting.set(transaction, 'sent');
            client.socket.send(JSON.stringify({ transaction, ...message }));
        };
        client.settled = () => client.socket.readyState !== 1 || ![...waiting.values()].includes('sent');
        return client;
    };
    let [left, right] = [await open(), await open()];
    for (let round = 0; round < rounds; round++) {
        if (round % 3 === 0) { /* who asks for too many unknown ids is answered late: begin anew */
            [left, right, ...web].forEach((one) => one.close());
            web = [httpClient(gateway), httpClient(gateway)];
        }
        if (left.socket.readyState !== 1)
            left = await open();
        if (right.socket.readyState !== 1)
            right = await open();
        const plugin = pick(2) ? 'echotest' : 'videoroom';
        const { session_id, handle_id } = await session(pick(2) ? left : right, plugin);
        const both = () => pick(2) ? left : right, target = { session_id, handle_id };
        const bodies = [{ audio: true }, { request: 'list' }, { request: 'join', ptype: 'publisher', room: 1234 }, { request: 'leave' }, { request: 'publish' }];
        const acts = [
            () => both().say({ janus: 'attach', session_id, plugin: `janus.plugin.${plugin}` }),
            () => both().say({ janus: 'message', ...target, body: bodies[pick(bodies.length)] }),
            () => both().say({ janus: 'message', ...target, body: bodies[pick(bodies.length)], jsep: { type: 'offer', sdp: offer } }),
            () => both().say({ janus: 'trickle', ...target, candidate: null }),
            () => both().say({ janus: 'hangup', ...target }),
            () => both().say({ janus: 'detach', ...target }),
            () => both().say({ janus: 'claim', session_id }),
            () => both().say({ janus: 'claim', session_id }),
            () => both().say({ janus: 'keepalive', session_id }),
            () => pick(3) || both().say({ janus: 'destroy', session_id }),
            () => pick(6) || both().socket.terminate(),
            () => pick(6) || both().close(),
            () => web[pick(2)].post(`/${session_id}`, { janus: ['claim', 'keepalive', 'destroy'][pick(3)] }).catch(() => {}),
            () => web[pick(2)].post(`/${session_id}/${handle_id}`, { janus: 'message', body: bodies[pick(bodies.length)] }).catch(() => {}),
            () => { /* a poll that is given up, or replaced by the next one */
                const stop = new AbortController();
                fetch(`${gateway.http}/janus/${session_id}?maxev=${pick(3)}`, { signal: stop.signal }).then((answer) => answer.text()).catch(() => {});
                setTimeout(() => stop.abort(), pick(20));
            },
            () => admin(gateway, `/${session_id}/${handle_id}`, { janus: ['handle_info', 'hangup_webrtc', 'detach_handle'][pick(3)] }),
            () => admin(gateway, `/${session_id}`, { janus: ['list_handles', 'destroy_session'][pick(2)] }),
        ];
        const doing = [];
        for (let n = 4 + pick(8); n > 0; n--)
            doing.push(acts[pick(acts.length)]());
        await Promise.all(doing);
        await Promise.all([left, right].map((one) => until(`round ${round}: every request is answered (STOA_SEED=${seed})`, () => one.settled())));
    }
    assert.equal(doubled, 0, `${doubled} requests got two answers (STOA_SEED=${seed})`);
    left.close();
    right.close();
    web.forEach((one) => one.close());
    const { sessions } = await admin(gateway, '', { janus: 'list_sessions' });
    for (const id of sessions) /* those that were claimed over HTTP belong to nobody's connection */
        await admin(gateway, `/${id}`, { janus: 'destroy_session' });
    await until('no session is left', async () => (await admin(gateway, '', { janus: 'list_sessions' })).sessions.length === 0);
    t.diagnostic(`${n_sent} requests, ${n_answers} answers`);
    assert.ok(n_answers > rounds);
    assert.doesNotMatch(gateway.log, /Sanitizer|critical|assert/i);
});
