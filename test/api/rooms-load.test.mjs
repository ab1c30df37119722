/* SPDX-License-Identifier: MIT */
/* Rooms under load: many messages, many people, races. What depends on the machine is measured by `./dev bench rooms`; here are the bounds
 * that a busy machine keeps too. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { buildChatload, chat, joinMany } from '../bench/rooms/chat.mjs';
import { roomId, seed } from '../bench/rooms/seed.mjs';
import { sanitized, start } from '../lib/gateway.mjs';
import { bestOf, openRoom, quantile, rssMb, Seat, sorted, unlimited } from '../lib/load.mjs';
import { join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

let gateway, host, folder, chatload;
before(async () => {
    folder = mkdtempSync(path(tmpdir(), 'stoa-chatload-'));
    chatload = buildChatload(folder);
    gateway = await start(...unlimited, 'stoa:log.level=warn', 'stoa:limits.sessions_per_connection=0');
    host = await signIn(gateway, 'hana@school.example', 'Hana');
});
after(async () => {
    rmSync(folder, { recursive: true, force: true });
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
});

const sit = (room, n, modules) => Promise.all(Array.from({ length: n }, (_, i) => Seat.enter(gateway, { room, name: `P${i}` }, modules)));
const leave = (seats) => seats.forEach((seat) => seat.close());

test('a reply does not wait for the client\'s kernel to acknowledge the ack before it', async () => {
    const [seat] = await sit(await openRoom(gateway, host.token), 1);
    const times = [];
    for (let i = 0; i < 30; i++) {
        const since = performance.now();
        await seat.ask('chat', 'send', { text: 'x' });
        times.push(performance.now() - since);
    }
    seat.close();
    assert.ok(Math.min(...times) < 35, `${Math.min(...times)} ms at best: 40 are what Nagle's algorithm costs`);
});

test('2,000 messages a second from 50 people in 10 rooms: 99 of 100 are acknowledged within 50 ms, all are heard once by each, in one order', async (t) => {
    const { best, median, bound, all } = await bestOf(6, 50, async () => {
        const got = await chat(chatload, gateway, await joinMany(gateway, host.token, 10, 5), { rate: 2000, seconds: 1 });
        assert.deepEqual([got.ok, got.sent, got.acknowledged, got.refused, got.heard], [true, 2000, 2000, 0, 10000], JSON.stringify(got));
        return got.p99;
    });
    t.diagnostic(`p99 ${all.join(', ')} ms; median ${median}, not scaled by the load; bound of the best ${bound.toFixed(0)}`);
    assert.ok(sanitized || best < bound, `99 of 100 are acknowledged within ${best} ms at best, not ${bound}`);
    assert.ok(sanitized || median < 3 * bound, `in half of the rounds within ${median} ms, not ${3 * bound}`);
});

test('500 people in one room hear each message once, in one order', async () => {
    const room = await openRoom(gateway, host.token), seats = [];
    for (let i = 0; i < 10; i++)
        seats.push(...await sit(room, 50));
    for (const seat of seats) {
        seat.heard = [];
        seat.told = (text) => { if (text.includes('"event":"message"')) seat.heard.push(/"text":"([^"]*)"/.exec(text)[1]); };
    }
    const replies = await Promise.all(seats.slice(0, 100).map((seat, i) => seat.ask('chat', 'send', { text: `m${i}` })));
    const order = replies.map(({ seq }, i) => [seq, `m${i}`]).sort(([a], [b]) => a - b).map(([, text]) => text);
    assert.equal(order.length, 100);
    await until('all is heard', () => seats.every(({ heard }) => heard.length >= 100), 30000);
    for (const { heard } of seats)
        assert.deepEqual(heard, order);
    leave(seats);
});

test('a class of 500 that chats, 40 messages a second, waits for none of them', async (t) => {
    const { best, all } = await bestOf(3, 250, async () => {
        const got = await chat(chatload, gateway, await joinMany(gateway, host.token, 1, 500), { rate: 40, seconds: 2 });
        assert.ok(got.ok, JSON.stringify(got));
        return got.p99;
    });
    t.diagnostic(`p99 ${all.join(', ')} ms`);
    assert.ok(sanitized || best < 250, `99 of 100 are acknowledged within ${best} ms at best`);
});

test('100 votes around the moment of closing: each that was accepted counts, each other is refused', async () => {
    const room = await openRoom(gateway, host.token);
    const chair = await Seat.enter(gateway, { room }, ['poll'], { token: host.token });
    const seats = await sit(room, 100, ['poll']);
    for (let round = 0; round < 3; round++) {
        const { id } = await chair.ask('poll', 'create', { question: 'Q', options: ['a', 'b'], anonymous: round !== 1, show_results: 'live' });
        await chair.ask('poll', 'open', { id });
        const before = seats.slice(0, 50).map((seat, i) => seat.ask('poll', 'vote', { id, choices: [i % 2] }));
        const closing = chair.ask('poll', 'close', { id });
        const later = seats.slice(50).map((seat, i) => seat.ask('poll', 'vote', { id, choices: [i % 2] }));
        const votes = await Promise.all([...before, ...later]);
        assert.equal((await closing).error, undefined);
        const counts = [0, 1].map((choice) => votes.filter((vote, i) => !vote.error && i % 2 === choice).length);
        for (const vote of votes)
            assert.ok(!vote.error || vote.code === 'conflict' || vote.code === 'closed', JSON.stringify(vote));
        const { polls } = await chair.ask('poll', 'list');
        const poll = polls.find((one) => one.id === id);
        assert.deepEqual(poll.counts ?? poll.options.map(({ votes: n }) => n), counts, JSON.stringify(poll).slice(0, 500));
    }
    leave([chair, ...seats]);
});

test('1,000 rooms and 100,000 messages: a history of 10,000 opens by pages, joins and memory know nothing of the rest', async (t) => {
    const data = mkdtempSync(path(tmpdir(), 'stoa-stored-')), timed = async (times, work) => {
        const ms = [];
        for (let i = 0; i < times; i++) {
            const since = performance.now();
            await work(i);
            ms.push(performance.now() - since);
        }
        return sorted(ms);
    };
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const rssEmpty = rssMb(gateway.child.pid);
    await seed(data, { rooms: 1000, long: 10000, messages: 90000 });
    const stored = await start({ data }, ...unlimited, 'stoa:log.level=warn');
    const rssStored = rssMb(stored.child.pid);
    const { token } = await signIn(stored, 'hana@school.example');
    const url = `/rooms/${roomId(0)}/history`;
    const open = await timed(10, () => want(200, stored, 'GET', url, { token }));
    const ids = [];
    for (let before_ = ''; ;) {
        const { meetings: [{ chat, more }] } = await want(200, stored, 'GET', `${url}?meeting=m0&limit=1000${before_}`, { token });
        ids.unshift(...chat.map(({ id }) => Number(id)));
        before_ = `&before=${chat[0].id}`;
        if (!more)
            break;
    }
    assert.deepEqual(ids, Array.from({ length: 10000 }, (_, i) => i + 1), 'each once, in order');
    /* into rooms that nobody has opened yet */
    const joins = await bestOf(5, 100, async (round) => quantile(await timed(100, (i) => join(stored, { room: roomId(i * 10 + round), name: 'Ben' })), 0.99));
    /* the best of several: what a busy machine adds is not ours */
    assert.ok(open[0] < 200, `a history opens in ${open[0]} ms at best`);
    assert.ok(sanitized || joins.best < joins.bound, `99 of 100 joins take ${joins.best} ms at best, not ${joins.bound}`);
    assert.ok(sanitized || rssStored < rssEmpty + 15, `${rssStored} MB with 100,000 messages stored, ${rssEmpty} MB after other tests without`);
    t.diagnostic(`history ${open[0].toFixed(1)} ms, join p99 ${joins.all.map((ms) => ms.toFixed(1)).join(', ')} ms, ${rssStored.toFixed(1)} MB`);
    assert.equal((await stored.stop()).code, 0, stored.log.slice(-2000));
});
