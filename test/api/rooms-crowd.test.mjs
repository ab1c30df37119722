/* SPDX-License-Identifier: MIT */
/* The doors that are open to strangers: a public room's link, asking for a sign-in link, wrong tokens. What a crowd can do there, and what not. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { connect, start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

const open = async (t, ...settings) => {
    const gateway = await start(...settings);
    t.after(async () => assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000)));
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    return { gateway, host, room: (body) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public', ...body } }) };
};

/* So many guests, 20 at a time, that never connect: how they were answered, {"200 in": 3}. */
async function flood(gateway, room, count) {
    const answers = {};
    let next = 0;
    await Promise.all(Array.from({ length: 20 }, async () => {
        while (next < count) {
            const { status, json } = await call(gateway, 'POST', '/join', { body: { room: room.id, name: `Bot ${next++}` } });
            const what = `${status} ${json.state ?? json.error.code}`;
            answers[what] = (answers[what] ?? 0) + 1;
        }
    }));
    return answers;
}

test('a stranger sends so many guests a minute into a public room; the invited are not counted', async (t) => {
    const { gateway, host, room } = await open(t, 'rooms:limits.joins_per_minute=30');
    const one = await room(), other = await room();
    assert.deepEqual(await flood(gateway, one, 50), { '200 in': 30, '429 slow_down': 20 });
    const refused = await call(gateway, 'POST', '/join', { body: { room: one.id, name: 'Ana' } });
    const wait = Number(refused.headers.get('retry-after'));
    assert.equal(wait, Number(/wait (\d+) s/.exec(refused.json.error.message)[1])); // what is left of the minute
    assert.ok(wait > 30 && wait <= 60, refused.text);
    await join(gateway, { invitation: (await invite(gateway, host.token, one.id, 'ana@school.example')).token });
    await join(gateway, { room: one.id }, { token: host.token });
    await join(gateway, { room: other.id, name: 'Ben' });
});

test('with what is set at first 500 come in at once, 3,000 do not', async (t) => {
    const { gateway, host, room } = await open(t);
    const full = await room();
    assert.deepEqual(await flood(gateway, full, 500), { '200 in': 500 });
    const answers = await flood(gateway, full, 800);
    assert.equal(answers['200 in'] ?? 0, 500, 'its 1,000 places');
    assert.ok(answers['429 slow_down'] >= 100, JSON.stringify(answers));
    const { token } = await invite(gateway, host.token, full.id, 'ana@school.example');
    assert.equal((await join(gateway, { invitation: token })).state, 'in', 'who was invited comes in, for no guest has connected');
});

test('a guest who never connected gives way to who was invited, one who is there does not', async (t) => {
    const { gateway, host, room } = await open(t, 'rooms:meeting.reconnect_s=60');
    const small = await room({ max_people: 2 });
    const ben = await enter(gateway, await join(gateway, { room: small.id, name: 'Ben' }), 'room');
    const bot = await join(gateway, { room: small.id, name: 'Bot' });
    const { token } = await invite(gateway, host.token, small.id, 'ana@school.example');
    assert.equal((await call(gateway, 'POST', '/join', { body: { invitation: token } })).json.error.code, 'room_full', 'it may still connect');
    const ana = await until('a place', async () => {
        const answer = await call(gateway, 'POST', '/join', { body: { invitation: token } });
        return answer.status === 200 && answer.json;
    });
    assert.equal((await ben.hears('room', 'participant_left')).id, bot.participant.id);
    assert.equal((await call(gateway, 'POST', '/join', { body: { room: small.id, name: 'Cem' } })).json.error.code, 'room_full');
    const dora = await invite(gateway, host.token, small.id, 'dora@school.example');
    assert.equal((await call(gateway, 'POST', '/join', { body: { invitation: dora.token } })).json.error.code, 'room_full', 'Ben is there, Ana was invited');
    const states = Object.fromEntries((await want(200, gateway, 'GET', `/rooms/${small.id}/participants`, { token: host.token })).map(({ id, state }) => [id, state]));
    assert.deepEqual([states[ben.id], states[bot.participant.id], states[ana.participant.id]], ['in', 'left', 'in']);
    ben.close();
});

test('a lobby holds so many guests; hosts are told of them at a bounded rate, and of those who are gone by then not at all', async (t) => {
    const { gateway, host, room } = await open(t, 'rooms:limits.joins_per_minute=0', 'rooms:limits.waiting_per_room=40', 'rooms:meeting.reconnect_s=60');
    const lobby = await room({ lobby: true });
    const hana = await enter(gateway, await join(gateway, { room: lobby.id }, { token: host.token }), 'room');
    const began = Date.now(), answers = await flood(gateway, lobby, 1000);
    assert.deepEqual(answers, { '200 waiting': 1000 });
    const waiting = async () => (await want(200, gateway, 'GET', `/rooms/${lobby.id}/participants`, { token: host.token })).filter(({ state }) => state === 'waiting');
    assert.equal((await waiting()).length, 40);
    const told = ({ sender, plugindata }) => sender === hana.handles.room && /^participant_(state|left)$/.test(plugindata?.data.event);
    const heard = hana.client.events.filter(told).length, most = 2 * (20 + (Date.now() - began) / 5); // 20 at once, then 200 a second; they come and go
    assert.ok(heard < most, `${heard} events of 1,000 that came and 960 that went, of ${most}`);
    const ana = await enter(gateway, await join(gateway, { room: lobby.id, name: 'Ana' }), 'room');
    await hana.hears('room', 'participant_state', ({ id }) => id === ana.id);
    assert.equal((await flood(gateway, lobby, 60))['200 waiting'], 60);
    assert.ok((await waiting()).some(({ id }) => id === ana.id), 'who connected stays');
    await want(200, gateway, 'POST', `/rooms/${lobby.id}/participants/${ana.id}`, { token: host.token, body: { action: 'admit' } });
    await ana.hears('room', 'admitted');
    await hana.hears('room', 'participant_joined', ({ id }) => id === ana.id);
    for (const one of [hana, ana])
        one.close();
});

/* -- asking for a sign-in link ------------------------------------------------------------------ */

const mailsIn = (gateway) => existsSync(path(gateway.data, 'mail')) ? readdirSync(path(gateway.data, 'mail')).filter((name) => /-signin-/.test(name)).length : 0;
const ask = (gateway, email) => want(202, gateway, 'POST', '/host/signin', { body: { email } });

test('asking for a sign-in link is answered 202, past the limits too, and then mails nothing', async (t) => {
    const { gateway, host } = await open(t, 'rooms:limits.signin_per_hour=4', 'rooms:limits.signin_requests_per_hour=7');
    for (let n = 0; n < 5; n++)
        assert.deepEqual(await ask(gateway, 'hana@school.example'), {});
    await until('three mails', () => mailsIn(gateway) === 3);
    await signIn(gateway, 'ben@school.example', 'Ben');
    await ask(gateway, 'ben@school.example');
    await until('his', () => mailsIn(gateway) === 4);
    for (let n = 0; n < 5; n++)
        assert.deepEqual(await ask(gateway, 'ben@school.example'), {});
    await until('the one within the limit', () => mailsIn(gateway) === 5);
    assert.match(gateway.log, /signin_requests_per_hour/);
    await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Written after all of them' } });
    assert.equal(mailsIn(gateway), 5);
});

test('nobody can tell by the time who is a host', async (t) => {
    const { gateway } = await open(t, 'rooms:limits.signin_per_hour=0', 'rooms:limits.signin_requests_per_hour=0');
    const times = { 'hana@school.example': [], 'nobody@school.example': [] };
    for (let n = 0; n < 60; n++) {
        for (const email of Object.keys(times)) {
            const before = performance.now();
            await ask(gateway, email);
            times[email].push(performance.now() - before);
            if (email.startsWith('hana'))
                await until('it is mailed', () => mailsIn(gateway) === n + 1);
        }
    }
    const [host, nobody] = Object.values(times).map((list) => list.sort((a, b) => a - b)[30]);
    console.log(`sign-in, median: a host ${host.toFixed(2)} ms, nobody ${nobody.toFixed(2)} ms`);
    assert.ok(host - nobody < Math.max(3, nobody), `${host} and ${nobody} ms`);
});

/* -- wrong tokens in signaling ------------------------------------------------------------------- */

test('wrong tokens in signaling are counted with those of the API: past the limit their refusal is late, right ones pass', async (t) => {
    const { gateway, room } = await open(t, 'rooms:limits.attempts_per_minute=4');
    const ana = await enter(gateway, await join(gateway, { room: (await room()).id, name: 'Ana' }), 'room');
    const guess = async () => {
        const client = await connect(gateway.websocket), since = performance.now(); /* a new connection each time */
        const { data: { id: session_id } } = await client.request({ janus: 'create' });
        const { error } = await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.chat', token: 'x'.repeat(43) });
        client.close();
        return [error.code, performance.now() - since > 900, /too many/.test(error.reason)];
    };
    for (let n = 0; n < 4; n++)
        assert.deepEqual((await guess()).filter((_, i) => i !== 1), [403, false]);
    for (let n = 0; n < 2; n++)
        assert.deepEqual(await guess(), [403, true, true]);
    await want(429, gateway, 'GET', '/rooms', { token: 'y'.repeat(43) });
    await ana.attach('chat');
    assert.equal((await ana.ask('chat', 'send', { text: 'hello' })).error, undefined);
    ana.close();
});
