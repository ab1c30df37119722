/* SPDX-License-Identifier: MIT */
/* The life of a room over the wire: coming in, the lobby, the lock, seats taken over, lost and found, meetings that end. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, stoa, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

const KEY = 'key-of-an-integrator-0123456789';
let gateway, host;

before(async () => {
    gateway = await start(`rooms:api.keys=${KEY}`, 'rooms:limits.attempts_per_minute=0', 'rooms:meeting.reconnect_s=2', 'rooms:ice.servers=stun:stun.school.example:3478;turn:turn.school.example', 'rooms:ice.turn_secret=s3cret', 'rooms:meeting.linger_s=1');
    host = await signIn(gateway, 'hana@school.example', 'Hana');
});
after(async () => assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000)));

let last = 0;
const makeRoom = (body = {}) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', ...body } });
const guest = async (room, role = 'participant', name = 'Ana') =>
    (await invite(gateway, host.token, room.id, `p${++last}@school.example`, { name, role })).token;
const act = (status, room, who, body, token = host.token) =>
    want(status, gateway, 'POST', `/rooms/${room.id}/participants/${who.id}`, { token, body });
const people = async (room, token = host.token) => want(200, gateway, 'GET', `/rooms/${room.id}/participants`, { token });
const state = async (room, id) => (await people(room)).find((one) => one.id === id)?.state;
const code = async (status, method, path, options) => (await want(status, gateway, method, path, options)).error.code;

test('an invitation is a seat: token, person, room, where signaling is', async () => {
    const room = await makeRoom();
    const joined = await join(gateway, { invitation: await guest(room) });
    assert.match(joined.token, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(joined.participant.name, 'Ana');
    assert.equal(joined.participant.role, 'participant');
    assert.equal(joined.state, 'in');
    assert.equal(joined.room.state, 'open');
    assert.match(joined.room.meeting, /./);
    assert.equal(joined.signaling.websocket, gateway.websocket);
    assert.equal(joined.signaling.http, `${gateway.http}/janus`);
    assert.deepEqual(joined.ice_servers[0], { urls: ['stun:stun.school.example:3478'] });
    assert.match(joined.ice_servers[1].username, new RegExp(`^\\d+:${joined.participant.id}$`));
    const own = await want(200, gateway, 'GET', `/rooms/${room.id}`, { token: joined.token });
    assert.equal(own.id, room.id);
    assert.deepEqual((await people(room, joined.token)).map(({ name, role, state: s }) => ({ name, role, s })), [{ name: 'Ana', role: 'participant', s: 'in' }]);
    await want(204, gateway, 'POST', '/leave', { token: joined.token });
    await want(401, gateway, 'POST', '/leave', { token: joined.token });
    assert.equal(await state(room, joined.participant.id), 'left');
});

test('who may not come in learns as little as need be', async () => {
    const room = await makeRoom(), open = await makeRoom({ access: 'public' });
    const unknown = await call(gateway, 'POST', '/join', { body: { room: 'AAAAAAAAAAAAAAAAAAAA', name: 'Eve' } });
    assert.equal(unknown.status, 404);
    for (const body of [{ room: room.id, name: 'Eve' }, { invitation: 'A'.repeat(43) }, { invitation: 'x' }, { room: "' OR 1=1 --", name: 'Eve' }]) {
        const answer = await call(gateway, 'POST', '/join', { body });
        assert.equal(answer.status, 404);
        assert.equal(answer.text, unknown.text);
    }
    for (const body of [{}, { room: open.id }, { room: open.id, name: '' }, { room: open.id, name: 'x'.repeat(65) }, { room: open.id, name: 'a\u202eb' }, { room: open.id, name: 'a\u0007' }, { room: open.id, name: 7 }, { invitation: 7 }])
        assert.equal(await code(400, 'POST', '/join', { body }), 'invalid_request', JSON.stringify(body));
    const joined = await join(gateway, { room: open.id, name: ' Zoe <b> ' });
    assert.equal(joined.participant.name, 'Zoe <b>');
});

test('a look before coming in: title, host, time; to nobody else, and nobody comes in by it', async () => {
    const room = await makeRoom({ title: 'Evening class', lobby: true, starts_at: '2036-01-01T10:00:00Z', duration_min: 45 });
    const token = await guest(room, 'participant', 'Ana'), look = (body, options) => want(200, gateway, 'POST', '/join/look', { body, ...options });
    assert.deepEqual(await look({ invitation: token }), { title: 'Evening class', host: { name: 'Hana' }, state: 'scheduled', lobby: true, locked: false,
        name: 'Ana', named: true, starts_at: '2036-01-01T10:00:00.000Z', duration_min: 45 });
    assert.equal((await look({ room: room.id }, { token: host.token })).name, 'Hana');
    assert.deepEqual(await people(room), []);
    assert.equal((await want(200, gateway, 'GET', `/rooms/${room.id}`, { token: host.token })).state, 'scheduled');
    const unknown = await call(gateway, 'POST', '/join/look', { body: { invitation: 'x'.repeat(43) } });
    assert.deepEqual([unknown.status, unknown.text], [404, (await call(gateway, 'POST', '/join/look', { body: { room: room.id } })).text]);
    await want(400, gateway, 'POST', '/join/look', { body: {} });
    const open = await makeRoom({ access: 'public', title: 'For all' });
    assert.equal((await look({ room: open.id })).title, 'For all');
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    assert.equal(await code(410, 'POST', '/join/look', { body: { invitation: token } }), 'gone');
});

test('who is invited without a name gives one, and keeps it', async () => {
    const room = await makeRoom(), { token } = await invite(gateway, host.token, room.id, 'max.1999@school.example');
    const look = async () => { const { name, named } = await want(200, gateway, 'POST', '/join/look', { body: { invitation: token } }); return [name, named]; };
    assert.deepEqual(await look(), ['max.1999', false]);
    assert.equal((await join(gateway, { invitation: token, name: 'Max' })).participant.name, 'Max');
    assert.deepEqual(await look(), ['Max', false]);
    assert.equal((await join(gateway, { invitation: token })).participant.name, 'Max');
    assert.equal((await join(gateway, { invitation: token, name: 'Maxi' })).participant.name, 'Max', 'in a running class a name stays');
});

test('revoked, expired and ended are gone; a banned person too', async () => {
    const room = await makeRoom();
    const one = await invite(gateway, host.token, room.id, 'revoked@school.example');
    const joined = await enter(gateway, await join(gateway, { invitation: one.token }), 'room');
    await want(204, gateway, 'DELETE', `/rooms/${room.id}/invitations/${one.id}`, { token: host.token });
    assert.equal((await joined.hears('room', 'removed')).reason, 'revoked');
    assert.equal(await code(410, 'POST', '/join', { body: { invitation: one.token } }), 'gone');
    await want(401, gateway, 'GET', `/rooms/${room.id}`, { token: joined.token });
    const past = await makeRoom({ starts_at: '2020-01-01T10:00:00Z', duration_min: 30 });
    assert.equal(await code(410, 'POST', '/join', { body: { invitation: await guest(past) } }), 'gone');
    const banned = await guest(room), here = await join(gateway, { invitation: banned });
    await act(200, room, here.participant, { action: 'ban' });
    assert.equal(await code(410, 'POST', '/join', { body: { invitation: banned } }), 'gone');
    const last = await guest(room);
    assert.equal((await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token })).state, 'ended');
    assert.equal(await code(410, 'POST', '/join', { body: { invitation: last } }), 'gone');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    await join(gateway, { invitation: last });
});

test('a handle attached with a token is that person, and hears the others', async () => {
    const room = await makeRoom();
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room');
    assert.equal(hana.role, 'host');
    const first = await hana.hears('room', 'state');
    assert.equal(first.you.id, hana.id);
    assert.equal(first.room.id, room.id);
    const ana = await enter(gateway, await join(gateway, { invitation: await guest(room) }), 'room', 'chat');
    assert.equal((await hana.hears('room', 'participant_joined')).id, ana.id);
    assert.deepEqual(Object.keys(await ana.ask('room', 'hand', { up: true })).sort(), ['reply', 'up']);
    const hand = await hana.hears('room', 'hand');
    assert.equal(hand.id, ana.id);
    assert.equal(hand.up, true);
    assert.equal((await ana.ask('room', 'hands_down')).error_code, 403);
    await hana.ask('room', 'hands_down');
    assert.equal((await ana.hears('room', 'hand', ({ up }) => !up)).id, ana.id);
    const list = await ana.ask('room', 'people');
    assert.deepEqual(list.people.map(({ state: s }) => s), ['in', 'in']);
    assert.equal((await ana.ask('room', 'hand', { up: 'yes' })).code, 'invalid_request');
    await ana.ask('room', 'keys', { to: hana.id, epoch: 1, box: 'sealed' });
    assert.deepEqual((({ from, epoch, box }) => ({ from: from.id, epoch, box }))(await hana.hears('room', 'key')), { from: ana.id, epoch: 1, box: 'sealed' });
    await act(200, room, ana, { action: 'role', role: 'cohost' });
    assert.equal((await ana.hears('room', 'role')).role, 'cohost');
    assert.equal((await ana.ask('room', 'hands_down')).reply, 'hands_down');
    await act(200, room, ana, { action: 'remove' });
    assert.equal((await ana.hears('room', 'removed')).reason, 'removed');
    assert.equal((await hana.hears('room', 'participant_left')).id, ana.id);
    await until('the connection is closed', () => ana.client.socket.readyState === 3);
    hana.close();
});

test('the lobby: waiting, admitted, denied', async () => {
    const room = await makeRoom({ lobby: true });
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room');
    const joined = await join(gateway, { invitation: await guest(room) });
    assert.equal(joined.state, 'waiting');
    const ana = await enter(gateway, joined, 'room');
    assert.equal((await hana.hears('room', 'participant_state', ({ state: s }) => s === 'waiting')).id, ana.id);
    assert.equal((await ana.raw({ janus: 'attach', plugin: 'stoa.plugin.chat' })).error.code, 403);
    assert.equal((await ana.ask('room', 'people')).error_code, 403);
    assert.match(await ana.ask('room', 'state').then(({ code, error }) => `${code}: ${error}`), /^forbidden: .*lobby/);
    await want(403, gateway, 'GET', `/rooms/${room.id}`, { token: ana.token });
    assert.equal(await state(room, ana.id), 'waiting');
    await act(403, room, ana, { action: 'admit' }, ana.token);
    assert.equal((await act(200, room, ana, { action: 'admit' })).state, 'in');
    await ana.hears('room', 'admitted');
    await ana.hears('room', 'state');
    await ana.attach('chat');
    await act(409, room, ana, { action: 'admit' });
    const other = await enter(gateway, await join(gateway, { invitation: await guest(room) }), 'room');
    await act(200, room, other, { action: 'deny' }, hana.token);
    await other.hears('room', 'denied');
    await want(401, gateway, 'POST', '/leave', { token: other.token });
    const left = await join(gateway, { invitation: await guest(room) });
    await want(204, gateway, 'POST', '/leave', { token: left.token });
    hana.close();
    ana.close();
});

test('a locked room and a full one take nobody, and say so to a valid link', async () => {
    const room = await makeRoom({ max_people: 2 });
    const ana = await enter(gateway, await join(gateway, { invitation: await guest(room) }), 'room');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { locked: true } });
    assert.equal((await ana.hears('room', 'locked')).locked, true);
    const late = await guest(room);
    assert.equal(await code(409, 'POST', '/join', { body: { invitation: late } }), 'room_locked');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { locked: false } });
    const ben = await join(gateway, { invitation: late });
    assert.equal(await code(409, 'POST', '/join', { body: { invitation: await guest(room) } }), 'room_full');
    await want(204, gateway, 'POST', '/leave', { token: ben.token });
    await join(gateway, { invitation: await guest(room) });
    ana.close();
});

test('a second join takes the seat over, a newer connection too', async () => {
    const room = await makeRoom(), invitation = await guest(room);
    const first = await enter(gateway, await join(gateway, { invitation }), 'room', 'chat');
    const again = await join(gateway, { invitation });
    await first.hears('room', 'replaced');
    await until('the older connection is closed', () => first.client.socket.readyState === 3);
    await want(401, gateway, 'GET', `/rooms/${room.id}`, { token: first.token });
    const second = await enter(gateway, again, 'room');
    const third = await enter(gateway, again, 'room');
    await second.hears('room', 'replaced');
    await until('the older connection is closed', () => second.client.socket.readyState === 3);
    assert.equal((await third.ask('room', 'people')).people.length, 1);
    third.close();
});

test('a lost connection keeps the seat for a while', async () => {
    const room = await makeRoom();
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room');
    const joined = await join(gateway, { invitation: await guest(room) });
    const ana = await enter(gateway, joined, 'room');
    ana.client.socket.terminate();
    assert.equal((await hana.hears('room', 'participant_state', ({ state: s }) => s === 'reconnecting')).id, ana.id);
    assert.equal(await state(room, ana.id), 'in');
    const back = await enter(gateway, joined, 'room');
    await hana.hears('room', 'participant_state', ({ state: s }) => s === 'in');
    back.client.socket.terminate();
    await hana.hears('room', 'participant_left', ({ id }) => id === ana.id);
    assert.equal(await state(room, ana.id), 'left');
    const later = await enter(gateway, joined, 'room');
    await hana.hears('room', 'participant_joined', ({ id }) => id === ana.id);
    later.close();
    hana.close();
});

test('signaling over HTTP with a token: every request and poll carries it', async () => {
    const room = await makeRoom(), { token } = await join(gateway, { invitation: await guest(room) });
    const post = async (path, body) => (await fetch(`${gateway.http}/janus${path}`, { method: 'POST', body: JSON.stringify({ transaction: 'x', token, ...body }) })).json();
    const poll = async (id, with_token) => (await fetch(`${gateway.http}/janus/${id}?maxev=10${with_token ? `&token=${with_token}` : ''}`)).json();
    const { data: { id } } = await post('', { janus: 'create' });
    const { data: { id: handle } } = await post(`/${id}`, { janus: 'attach', plugin: 'stoa.plugin.room' });
    assert.equal((await poll(id, token))[0].plugindata.data.event, 'state');
    assert.equal((await poll(id)).error.code, 403);
    assert.equal((await poll(id, 'B'.repeat(43))).error.code, 403);
    assert.equal((await post(`/${id}/${handle}`, { janus: 'message', body: { request: 'people' }, token: undefined })).error.code, 403);
    assert.equal((await post(`/${id}/${handle}`, { janus: 'message', body: { request: 'people' } })).janus, 'ack');
    assert.equal((await poll(id, token))[0].plugindata.data.reply, 'people');
    assert.equal((await post(`/${id}`, { janus: 'keepalive', token: undefined })).error.code, 403);
    assert.equal((await post(`/${id}`, { janus: 'keepalive' })).janus, 'ack');
});

test('a meeting ends by itself when the room was empty, and by its host', async () => {
    const room = await makeRoom(), invitation = await guest(room);
    const ana = await join(gateway, { invitation });
    await want(204, gateway, 'POST', '/leave', { token: ana.token });
    await until('the meeting is over', async () => (await want(200, gateway, 'GET', `/rooms/${room.id}`, { token: host.token })).state === 'scheduled');
    const again = await enter(gateway, await join(gateway, { invitation }), 'room');
    assert.notEqual(again.joined.room.meeting, ana.room.meeting);
    const ended = await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: KEY });
    assert.equal(ended.state, 'ended');
    assert.equal(ended.meeting, undefined);
    await again.hears('room', 'room_ended');
    await until('everyone is disconnected', () => again.client.socket.readyState === 3);
    await want(401, gateway, 'POST', '/leave', { token: again.token });
});

test('who was in is mailed a summary, with a link to the history', async () => {
    const room = await makeRoom({ title: 'Geometrie am Abend' });
    const one = await invite(gateway, host.token, room.id, 'sum@school.example', { name: 'Sumi' });
    await join(gateway, { room: room.id }, { token: host.token });
    await join(gateway, { invitation: one.token });
    await guest(room); /* was invited, did not come */
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    const folder = path(gateway.data, 'mail');
    /* the folder is made with the first mail, and a file gets its name when it is whole */
    const mails = () => (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.endsWith('.eml')).map((name) => readFileSync(path(folder, name), 'utf8')).filter((text) => text.includes('Geometrie am Abend'));
    await until('the summaries are written', () => mails().length === 2);
    const mail = mails().find((one) => /^To:.*sum@school\.example/mi.test(one));
    const text = /^Content-Transfer-Encoding: quoted-printable/mi.test(mail) ? mail.replace(/=\r?\n/g, '').replace(/=3D/g, '=') : mail;
    assert.match(text, /Hana/);
    assert.match(text, /Sumi/);
    const [link] = text.match(/http:\/\/\S+\/history\.html#h=[A-Za-z0-9_-]{43}/);
    assert.ok(link.startsWith(gateway.http), link);
});

test('a deleted room is gone at once', async () => {
    const room = await makeRoom();
    const ana = await enter(gateway, await join(gateway, { invitation: await guest(room) }), 'room');
    await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token: host.token });
    await ana.hears('room', 'room_ended');
    await want(401, gateway, 'POST', '/leave', { token: ana.token });
});

test('an ad-hoc room never takes the id of a kept one', async () => {
    const room = await makeRoom();
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.chat' });
    for (const id of [room.id, 'AAAAAAAAAAAAAAAAAAAA']) {
        await client.request({ janus: 'message', session_id, handle_id, body: { request: 'join', room: id, display: 'Eve' } });
        assert.equal((await client.event(({ janus }) => janus === 'event')).plugindata.data.code, 'not_found');
    }
    assert.equal((await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.room' })).error.code, 461);
    client.close();
});

test('tokens, meetings and people survive a restart', async (t) => {
    const data = mkdtempSync(path(tmpdir(), 'stoa-data-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const first = await start({ data }, `rooms:api.keys=${KEY}`);
    const me = await signIn(first, 'hana@school.example', 'Hana');
    const room = await want(201, first, 'POST', '/rooms', { token: me.token, body: { title: 'R' } });
    const one = await invite(first, me.token, room.id, 'ana@school.example', { name: 'Ana' });
    const ana = await enter(first, await join(first, { invitation: one.token }), 'room');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await start({ data }, `rooms:api.keys=${KEY}`);
    t.after(async () => assert.equal((await second.stop()).code, 0));
    const back = await enter(second, ana.joined, 'room');
    const event = await back.hears('room', 'state');
    assert.equal(event.room.meeting, ana.joined.room.meeting);
    assert.deepEqual(event.people.map(({ id, state: s }) => ({ id, s })), [{ id: ana.id, s: 'in' }]);
    back.close();
});

test('raised hands outlive a restart, in their order, for those who are back at once', async (t) => {
    const data = mkdtempSync(path(tmpdir(), 'stoa-data-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    let server = await start({ data });
    t.after(() => server.child.kill('SIGKILL'));
    const me = await signIn(server, 'hana@school.example', 'Hana');
    const room = await want(201, server, 'POST', '/rooms', { token: me.token, body: { title: 'R' } });
    const pupils = {};
    for (const name of ['ana', 'ben', 'cem', 'dora']) {
        const one = await invite(server, me.token, room.id, `${name}@school.example`, { name });
        pupils[name] = await enter(server, await join(server, { invitation: one.token }), 'room');
    }
    const { ana, ben, cem, dora } = pupils;
    for (const one of [cem, ben, ana, dora])
        await one.ask('room', 'hand', { up: true });
    await ben.ask('room', 'hand', { up: false });
    await ben.ask('room', 'hand', { up: true });
    await want(204, server, 'POST', '/leave', { token: dora.token });
    const up = ({ people: all }) => all.filter(({ hand }) => hand).sort((a, b) => a.hand_at.localeCompare(b.hand_at)).map(({ name }) => name);
    assert.deepEqual(up(await ana.ask('room', 'people')), ['cem', 'ana', 'ben']);

    const again = async (how, ...settings) => {
        server.child.kill(how);
        await server.ended;
        server = await start({ data }, ...settings);
        const back = [];
        for (const one of [ana, ben, cem])
            back.push(await enter(server, one.joined, 'room'));
        return back;
    };
    assert.deepEqual(up(await (await again('SIGKILL'))[0].ask('room', 'people')), ['cem', 'ana', 'ben']);
    const back = await again('SIGTERM');
    assert.deepEqual(up(await back[0].ask('room', 'people')), ['cem', 'ana', 'ben']);
    await want(200, server, 'POST', `/rooms/${room.id}/participants/${ana.id}`, { token: me.token, body: { action: 'role', role: 'cohost' } });
    await back[0].ask('room', 'hands_down');
    await back[2].ask('room', 'hand', { up: true });
    const late = await again('SIGKILL', 'rooms:meeting.reconnect_s=0');
    assert.deepEqual(up(await late[0].ask('room', 'people')), []);
});

test('API keys from a file, several of them, changed by a reload', async (t) => {
    const dir = mkdtempSync(path(tmpdir(), 'stoa-keys-')), file = path(dir, 'keys');
    const [one, two, three] = ['one', 'two', 'three'].map((name) => `key-of-integrator-${name}-0123456789`);
    const write = (...keys) => writeFileSync(file, `${keys.join(';')}\n`, { mode: 0o600 });
    write(one, two);
    const own = await start(`rooms:api.keys=file:${file}`, 'rooms:limits.attempts_per_minute=0');
    t.after(async () => { await own.stop(); rmSync(dir, { recursive: true }); });
    const hana = await signIn(own, 'hana@school.example');
    const tried = async () => {
        const answers = [];
        for (const token of [one, two, three, `${one};${two}`, file])
            answers.push((await call(own, 'POST', '/rooms', { token, body: { title: 'Algebra', host_email: hana.email } })).status);
        return answers.join();
    };
    assert.equal(await tried(), '201,201,401,401,401');
    write(two, three);
    own.child.kill('SIGHUP');
    await until('the keys are read again', async () => await tried() === '401,201,201,401,401');
});

test('a host who is removed: whoever is in their rooms is told and put out, others notice nothing', async () => {
    const gone = await signIn(gateway, 'gone@school.example', 'Gone');
    const room = await want(201, gateway, 'POST', '/rooms', { token: gone.token, body: { title: 'Theirs', lobby: true } }), other = await makeRoom();
    const self = await enter(gateway, await join(gateway, { room: room.id }, { token: gone.token }), 'room');
    const ana = await enter(gateway, await join(gateway, { invitation: (await invite(gateway, gone.token, room.id, 'ana@school.example', { role: 'cohost' })).token }), 'room', 'chat');
    const waits = await enter(gateway, await join(gateway, { invitation: (await invite(gateway, gone.token, room.id, 'ben@school.example')).token }), 'room');
    assert.equal(waits.joined.state, 'waiting');
    const elsewhere = await enter(gateway, await join(gateway, { invitation: await guest(other) }), 'room', 'chat');
    assert.match(await stoa(gateway, '--remove-host', 'Gone@School.example'), /are gone/);
    for (const one of [self, ana, waits]) {
        const { reason } = await one.hears('room', 'room_ended');
        assert.equal(reason, 'deleted');
        await until('the connection is closed', () => one.client.socket.readyState === 3);
        await want(401, gateway, 'POST', '/leave', { token: one.token });
    }
    await want(401, gateway, 'GET', '/rooms', { token: gone.token });
    await want(404, gateway, 'GET', `/rooms/${room.id}`, { token: host.token });
    assert.equal((await elsewhere.ask('chat', 'send', { text: 'still here' })).reply, 'send');
    await assert.rejects(stoa(gateway, '--remove-host', 'gone@school.example'), /no host of that address/);
    elsewhere.close();
});

test('videoroom: room, id and name come from the token', async () => {
    const room = await makeRoom(), other = await makeRoom();
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room', 'videoroom');
    const ana = await enter(gateway, await join(gateway, { invitation: await guest(room) }), 'room', 'videoroom');
    const joined = await hana.ask('videoroom', 'join', { ptype: 'publisher', display: 'Not Hana', id: 5 });
    assert.equal(joined.videoroom, 'joined');
    assert.equal(joined.room, room.id);
    assert.equal(joined.id, hana.id);
    assert.equal((await ana.ask('videoroom', 'join', { ptype: 'publisher', room: other.id })).error_code, 433);
    assert.equal((await ana.ask('videoroom', 'join', { ptype: 'publisher', room: 1234 })).error_code, 433);
    assert.equal((await ana.ask('videoroom', 'join', { ptype: 'publisher', room: room.id })).id, ana.id);
    const sync = async (person, request, fields = {}) => (await person.message('videoroom', { request, ...fields })).plugindata.data;
    assert.deepEqual((await sync(ana, 'listparticipants')).participants.map(({ id, display }) => ({ id, display })), [{ id: hana.id, display: 'Hana' }, { id: ana.id, display: 'Ana' }]);
    for (const [request, fields] of [['create', {}], ['edit', { new_pin: 'x' }], ['destroy', {}], ['allowed', { action: 'enable' }], ['kick', { id: hana.id }], ['moderate', { id: hana.id, mid: '0', mute: true }]])
        assert.equal((await sync(ana, request, fields)).error_code, 433, request);
    assert.equal((await sync(hana, 'kick', { id: hana.id })).error_code, 433);
    const stranger = await connect(gateway.websocket);
    const { data: { id: session_id } } = await stranger.request({ janus: 'create' });
    const { data: { id: handle_id } } = await stranger.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.videoroom' });
    const ask = async (body) => (await stranger.request({ janus: 'message', session_id, handle_id, body })).plugindata?.data ??
        (await stranger.event(({ janus }) => janus === 'event')).plugindata.data;
    assert.equal((await ask({ request: 'join', ptype: 'publisher', room: room.id })).error_code, 430);
    assert.equal((await ask({ request: 'listparticipants', room: room.id })).error_code, 430);
    assert.ok((await ask({ request: 'list' })).list.every((one) => one.room !== room.id));
    stranger.close();
    hana.close();
    ana.close();
});

test('a running class is changed: it is heard, and a module that is taken away ends its handles', async () => {
    const room = await makeRoom();
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room', 'chat', 'poll', 'videoroom');
    const patch = (body) => want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body });
    await patch({ title: 'Geometry', access: 'public' });
    assert.deepEqual([await hana.hears('room', 'room_changed')].map(({ room: { title, access } }) => [title, access]), [['Geometry', 'public']]);
    await patch({ modules: ['chat'] });
    assert.deepEqual((await hana.hears('room', 'room_changed', ({ room: { modules } }) => modules.length === 1)).room.modules, ['chat']);
    for (const module of ['poll', 'videoroom']) {
        await hana.client.event(({ janus, sender }) => janus === 'detached' && sender === hana.handles[module]);
        assert.equal((await hana.message(module, { request: 'list' })).error.code, 459);
    }
    assert.equal((await hana.ask('chat', 'send', { text: 'still here' })).error, undefined);
    assert.equal((await hana.raw({ janus: 'attach', plugin: 'stoa.plugin.poll' })).error.code, 460);
    await patch({ modules: ['chat', 'poll'] });
    await hana.attach('poll');
    assert.equal(await code(409, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { e2ee: 'all' } }), 'conflict');
    await patch({ e2ee: 'off' });
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await patch({ e2ee: 'all' });
    hana.close();
});

test('an invitation stands for itself: a token beside it is not looked at; of who is muted the answer says so', async () => {
    const room = await makeRoom(), invitation = await guest(room), other = await join(gateway, { invitation: await guest(room) });
    for (const token of ['stale', KEY, host.token, other.token]) {
        assert.equal((await join(gateway, { invitation }, { token })).participant.role, 'participant');
        await want(200, gateway, 'POST', '/join/look', { token, body: { invitation } });
    }
    await want(401, gateway, 'POST', '/join', { token: 'stale', body: { room: room.id, name: 'x' } });
    assert.equal((await act(200, room, other.participant, { action: 'mute' })).muted, true);
    const unknown = async (body) => { const { status, text } = await call(gateway, 'POST', '/join', { body }); return `${status} ${text}`; };
    const known = await unknown({ room: 'x', name: 'y' });
    for (const body of [{ invitation: 'x'.repeat(43) }, { invitation: 'x'.repeat(5000) }, { invitation: '.' }, { room: 'x'.repeat(5000), name: 'y' }])
        assert.equal(await unknown(body), known);
});
