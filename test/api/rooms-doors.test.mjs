/* SPDX-License-Identifier: MIT */
/* Doors beside the front door: a banned guest under another name, modules that a room has not, a secret of the whole API. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect, start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { begin, until } from '../lib/wire.mjs';

test('who comes from where a banned guest came from is let in by the host, until the meeting ends', async (t) => {
    const gateway = await begin(t, 'stoa:public.trusted_proxies=127.0.0.1');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const make = () => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public' } });
    const [room, other] = [await make(), await make()];
    const from = (address, where, name) => want(200, gateway, 'POST', '/join', { body: { room: where.id, name }, headers: address ? { 'X-Forwarded-For': address } : {} });
    const state = async (...args) => (await from(...args)).state;
    const act = (who, action) => want(200, gateway, 'POST', `/rooms/${room.id}/participants/${who.participant.id}`, { token: host.token, body: { action } });
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room');

    const troll = await from('203.0.113.7', room, 'Troll'), six = await from('2001:db8:1:2::7', room, 'Six'), near = await from(null, room, 'Near');
    const mate = await enter(gateway, await from('203.0.113.7', room, 'Mate'), 'room', 'chat');
    for (const one of [troll, six, near])
        await act(one, 'ban');
    await want(401, gateway, 'GET', `/rooms/${room.id}`, { token: troll.token });
    const again = await from('203.0.113.7', room, 'Somebody Else');
    assert.equal(again.state, 'waiting');
    assert.equal((await hana.hears('room', 'participant_state', ({ id }) => id === again.participant.id)).state, 'waiting');
    assert.equal(await state('2001:db8:1:2:ffff::1', room, 'Six again'), 'waiting');
    assert.equal(await state('2001:db8:1:3::1', room, 'A neighbour'), 'in');
    assert.equal(await state('203.0.113.8', room, 'A neighbour'), 'in');
    assert.equal(await state(null, room, 'Of loopback nothing is known'), 'in');
    assert.equal(await state('203.0.113.7', other, 'In another room'), 'in');
    assert.equal((await mate.ask('chat', 'send', { text: 'who was in stays in' })).error, undefined);
    const invited = await invite(gateway, host.token, room.id, 'ana@school.example');
    assert.equal((await want(200, gateway, 'POST', '/join', { body: { invitation: invited.token }, headers: { 'X-Forwarded-For': '203.0.113.7' } })).state, 'in');
    await act(again, 'admit');
    const page = await enter(gateway, again, 'chat');
    assert.equal((await page.ask('chat', 'send', { text: 'let in' })).error, undefined);

    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    assert.equal(await state('203.0.113.7', room, 'The next lesson'), 'in');
    for (const one of [hana, mate, page])
        one.close();
});

test('a banned guest\'s address is barred after a restart too, is itself nowhere on the disk, and is forgotten with the meeting', async (t) => {
    const data = mkdtempSync(path.join(tmpdir(), 'stoa-data-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    let gateway = await start({ data }, 'stoa:public.trusted_proxies=127.0.0.1');
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const make = () => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public' } });
    const [room, other] = [await make(), await make()];
    const from = (address, where, name) => want(200, gateway, 'POST', '/join', { body: { room: where.id, name }, headers: { 'X-Forwarded-For': address } });
    const bars = () => execFileSync('sqlite3', [path.join(data, 'stoa.db'), 'SELECT DISTINCT home FROM bar'], { encoding: 'utf8' }).split('\n').filter(Boolean);
    const mate = await from('203.0.113.9', room, 'Mate');
    for (const where of [room, other]) {
        const troll = await from('203.0.113.77', where, 'Troll');
        await want(200, gateway, 'POST', `/rooms/${where.id}/participants/${troll.participant.id}`, { token: host.token, body: { action: 'ban' } });
    }
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    gateway = await start({ data }, 'stoa:public.trusted_proxies=127.0.0.1');
    assert.equal((await from('203.0.113.77', room, 'Somebody Else')).state, 'waiting');
    assert.equal((await from('203.0.113.78', room, 'A neighbour')).state, 'in');
    await want(200, gateway, 'GET', `/rooms/${room.id}`, { token: mate.token });
    const kept = bars();
    assert.equal(kept.length, 2);
    assert.notEqual(kept[0], kept[1]); // two rooms cannot be compared
    assert.equal(statSync(path.join(data, 'address.key')).mode & 0o777, 0o600);
    for (const name of readdirSync(data).filter((one) => statSync(path.join(data, one)).isFile()))
        assert.ok(!readFileSync(path.join(data, name)).includes('203.0.113.77'), name);

    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await want(204, gateway, 'DELETE', `/rooms/${other.id}`, { token: host.token });
    assert.deepEqual(bars(), []);
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    assert.equal((await from('203.0.113.77', room, 'The next lesson')).state, 'in');
    assert.equal((await gateway.stop()).code, 0);
});

test('a person has the modules of the room, those without rooms too', async (t) => {
    const gateway = await begin(t);
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const make = (body) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', ...body } });
    const code = async (page, plugin) => (await page.raw({ janus: 'attach', plugin: `stoa.plugin.${plugin}` })).error?.code;

    const bare = await make({ modules: ['chat'] });
    const page = await enter(gateway, await join(gateway, { invitation: (await invite(gateway, host.token, bare.id, 'ana@school.example')).token }), 'room', 'chat');
    for (const plugin of ['echotest', 'whip', 'poll', 'videoroom'])
        assert.equal(await code(page, plugin), 460, plugin);
    const stranger = await connect(gateway.websocket);
    const { data: { id: session_id } } = await stranger.request({ janus: 'create' });
    assert.equal((await stranger.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' })).janus, 'success', 'who is in no room may try the echo');
    stranger.close();

    const wide = await make({ modules: ['chat', 'echotest'], lobby: true });
    const late = await enter(gateway, await join(gateway, { invitation: (await invite(gateway, host.token, wide.id, 'ben@school.example')).token }), 'room');
    assert.equal(await code(late, 'echotest'), 403, 'in the lobby');
    await want(200, gateway, 'POST', `/rooms/${wide.id}/participants/${late.id}`, { token: host.token, body: { action: 'admit' } });
    assert.equal(await code(late, 'echotest'), undefined);
    assert.equal(await code(late, 'whip'), 460);
    assert.equal(late.client.socket.readyState, 1);
    page.close();
    late.close();
});

test('a secret of the API does not keep those out who have a seat, nor let them do more', async (t) => {
    const gateway = await begin(t, 'stoa:api.secret=s3cret', 'stoa:api.token_auth=true', 'stoa:api.tokens=storedT0ken');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra' } });
    const [ana, ben] = await Promise.all(['ana', 'ben'].map(async (name) => enter(gateway, await join(gateway, { invitation: (await invite(gateway, host.token, room.id, `${name}@school.example`)).token }), 'room', 'chat')));
    await ana.ask('chat', 'send', { text: 'hello' });
    assert.equal((await ben.hears('chat', 'message')).text, 'hello');
    assert.equal((await ben.raw({ janus: 'keepalive' })).janus, 'ack');

    for (const extra of [{ token: undefined }, { token: 'wrong' }, { token: host.token }, { token: undefined, apisecret: 'wrong' }, { token: undefined, apisecret: 's3cret' }, { token: 'storedT0ken' }])
        assert.equal((await ana.raw({ janus: 'attach', plugin: 'stoa.plugin.textroom', ...extra })).error.code, 403, JSON.stringify(extra));
    const stranger = await connect(gateway.websocket);
    assert.equal((await stranger.request({ janus: 'create' })).error.code, 403);
    assert.equal((await stranger.request({ janus: 'create', apisecret: 's3cret', token: 'storedT0ken' })).janus, 'success');
    /* by long poll, as a page does that has no WebSocket */
    const ask = async (path, body) => (await fetch(`${gateway.http}/janus${path}`, { method: 'POST', body: JSON.stringify({ transaction: 't', ...body }) })).json();
    const cem = await join(gateway, { invitation: (await invite(gateway, host.token, room.id, 'cem@school.example')).token });
    const { data: { id: session } } = await ask('', { janus: 'create', token: cem.token });
    const { data: { id: handle } } = await ask(`/${session}`, { janus: 'attach', plugin: 'stoa.plugin.chat', token: cem.token });
    const poll = (query) => fetch(`${gateway.http}/janus/${session}?maxev=5${query}`).then((answer) => answer.json());
    assert.equal((await poll('')).error.code, 403);
    const events = [];
    await until('the state of the chat', async () => {
        events.push(await poll(`&token=${cem.token}`));
        return events.flat().some(({ sender }) => sender === handle);
    });
    await want(204, gateway, 'POST', '/leave', { token: ana.token });
    assert.equal((await ask('', { janus: 'create', token: ana.token })).error.code, 403, 'a seat that was given up opens nothing');
    assert.equal((await call(gateway, 'GET', `/rooms/${room.id}`, { token: 's3cret' })).status, 401);
    for (const one of [ana, ben])
        one.close();
    stranger.close();
});

/* A gateway on a data folder that outlives it: restart() ends it as a crash does. */
async function lasting(t, ...options) {
    const data = mkdtempSync(path.join(tmpdir(), 'stoa-data-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const house = { gateway: await start({ data }, ...options) };
    t.after(() => house.gateway.child.kill('SIGKILL'));
    house.restart = async () => {
        house.gateway.child.kill('SIGKILL');
        await house.gateway.ended;
        house.gateway = await start({ data }, ...options);
    };
    return house;
}

test('who was put out comes back as a newcomer does: by the lobby, and not through a lock, after a restart too', async (t) => {
    const house = await lasting(t);
    const host = await signIn(house.gateway, 'hana@school.example', 'Hana');
    const room = await want(201, house.gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Door', lobby: true } });
    const act = (who, action) => want(200, house.gateway, 'POST', `/rooms/${room.id}/participants/${who.participant.id}`, { token: host.token, body: { action } });
    const change = (body) => want(200, house.gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body });
    await join(house.gateway, { room: room.id }, { token: host.token });
    const { token } = await invite(house.gateway, host.token, room.id, 'ana@school.example');
    const comes = () => join(house.gateway, { invitation: token });
    let ana = await comes();
    assert.equal(ana.state, 'waiting');
    await act(ana, 'admit');
    assert.equal((await comes()).state, 'in'); // takes the own seat over
    await act(ana, 'remove');
    assert.equal((await want(200, house.gateway, 'GET', `/rooms/${room.id}/participants`, { token: host.token })).find(({ id }) => id === ana.participant.id).state, 'left');
    ana = await comes();
    assert.equal(ana.state, 'waiting');
    await act(ana, 'admit');
    await act(ana, 'remove');
    await house.restart();
    ana = await comes();
    assert.equal(ana.state, 'waiting');
    await house.restart(); // and waits on
    assert.equal((await call(house.gateway, 'GET', `/rooms/${room.id}`, { token: ana.token })).status, 403);
    await join(house.gateway, { room: room.id }, { token: host.token });
    assert.equal((await comes()).state, 'waiting');
    await act(ana, 'admit');
    await house.restart(); // who was let in is in
    assert.equal((await comes()).state, 'in');

    await change({ lobby: false, locked: true });
    assert.equal((await comes()).state, 'in');
    await act(ana, 'remove');
    const refused = await call(house.gateway, 'POST', '/join', { body: { invitation: token } });
    assert.deepEqual([refused.status, refused.json.error.code], [409, 'room_locked']);
    await house.restart();
    assert.equal((await call(house.gateway, 'POST', '/join', { body: { invitation: token } })).status, 409);
    await change({ locked: false });
    assert.equal((await comes()).state, 'in');
});

test('a guest from where somebody was banned waits on after a restart', async (t) => {
    const house = await lasting(t, 'stoa:public.trusted_proxies=127.0.0.1');
    const host = await signIn(house.gateway, 'hana@school.example', 'Hana');
    const room = await want(201, house.gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public' } });
    const from = (address, name) => want(200, house.gateway, 'POST', '/join', { body: { room: room.id, name }, headers: { 'X-Forwarded-For': address } });
    await join(house.gateway, { room: room.id }, { token: host.token });
    const troll = await from('203.0.113.7', 'Troll'), mate = await from('203.0.113.9', 'Mate');
    await want(200, house.gateway, 'POST', `/rooms/${room.id}/participants/${troll.participant.id}`, { token: host.token, body: { action: 'ban' } });
    const again = await from('203.0.113.7', 'Another');
    assert.equal(again.state, 'waiting');
    await house.restart();
    assert.equal((await call(house.gateway, 'GET', `/rooms/${room.id}`, { token: again.token })).status, 403);
    const page = await enter(house.gateway, again, 'room');
    const answer = await page.raw({ janus: 'attach', plugin: 'stoa.plugin.chat' });
    assert.equal(answer.janus, 'error');
    assert.match(answer.error.reason, /lobby/);
    await want(200, house.gateway, 'GET', `/rooms/${room.id}`, { token: mate.token });
    await (await enter(house.gateway, mate, 'chat')).close();
    await want(200, house.gateway, 'POST', `/rooms/${room.id}/participants/${again.participant.id}`, { token: host.token, body: { action: 'admit' } });
    await page.hears('room', 'admitted');
    await page.attach('chat');
    page.close();
});

test('who is turned away while waiting hears "denied", whatever the reason', async (t) => {
    const gateway = await begin(t);
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Lobby', lobby: true } });
    await join(gateway, { room: room.id }, { token: host.token });
    for (const [email, act, reason] of [
        ['a@x.example', (who) => want(200, gateway, 'POST', `/rooms/${room.id}/participants/${who.participant.id}`, { token: host.token, body: { action: 'remove' } }), 'removed'],
        ['b@x.example', (who) => want(200, gateway, 'POST', `/rooms/${room.id}/participants/${who.participant.id}`, { token: host.token, body: { action: 'ban' } }), 'banned'],
        ['c@x.example', (who) => want(204, gateway, 'DELETE', `/rooms/${room.id}/invitations/${who.invitation}`, { token: host.token }), 'revoked'],
    ]) {
        const invitation = await invite(gateway, host.token, room.id, email);
        const who = await join(gateway, { invitation: invitation.token });
        const page = await enter(gateway, who, 'room');
        await act({ ...who, invitation: invitation.id });
        assert.equal((await page.hears('room', 'denied')).reason, reason);
        await want(401, gateway, 'GET', `/rooms/${room.id}`, { token: who.token });
        page.close();
    }
});

test('a public room takes a guest whatever token they bring; an invited one is not there', async (t) => {
    const gateway = await begin(t, 'rooms:api.keys=k-0123456789abcdef0123456789abcdef');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const open = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public' } });
    const shut = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Shut' } });
    const { token: seat } = await join(gateway, { room: open.id, name: 'Ana' });
    for (const token of ['k-0123456789abcdef0123456789abcdef', seat, (await signIn(gateway, 'other@school.example')).token]) {
        const { participant, state } = await want(200, gateway, 'POST', '/join', { token, body: { room: open.id, name: 'Guest' } });
        assert.deepEqual([participant.name, participant.role, state], ['Guest', 'participant', 'in']);
        await want(404, gateway, 'POST', '/join', { token, body: { room: shut.id, name: 'Guest' } });
    }
});

test('a room with as many invitations as may be still knows those it has', async (t) => {
    const gateway = await begin(t, 'rooms:limits.invitations_per_room=3');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Full' } });
    const ask = (status, ...names) => want(status, gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { deliver: 'none', people: names.map((name) => ({ email: `${name}@x.example` })) } });
    const first = await ask(201, 'a', 'b', 'c');
    const again = await ask(201, 'c', 'a', 'b');
    assert.deepEqual(again.invitations.map(({ id }) => id).sort(), first.invitations.map(({ id }) => id).sort());
    assert.equal((await ask(409, 'a', 'd')).error.code, 'conflict');
    assert.equal((await want(200, gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token })).length, 3);
});

test('nobody is mailed a link that is no good already; a new time makes it good', async (t) => {
    const gateway = await begin(t);
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Over', starts_at: new Date(Date.now() - 5 * 86400000).toISOString(), duration_min: 45 } });
    const { id, token } = await invite(gateway, host.token, room.id, 'ana@x.example');
    await want(410, gateway, 'POST', '/join', { body: { invitation: token } });
    const refused = await want(409, gateway, 'POST', `/rooms/${room.id}/invitations/${id}/resend`, { token: host.token, body: {} });
    assert.match(refused.error.message, /starts_at/);
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { starts_at: new Date().toISOString() } });
    assert.equal((await join(gateway, { invitation: token })).state, 'in');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { starts_at: new Date(Date.now() - 5 * 86400000).toISOString() } });
    const [{ state }] = await want(200, gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token });
    assert.equal(state, 'expired'); // accepted, and no good any more
});

test('the url of a file is good for its ten minutes, over a restart too', async (t) => {
    const house = await lasting(t);
    const host = await signIn(house.gateway, 'hana@school.example', 'Hana');
    const room = await want(201, house.gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Files' } });
    const { token } = await join(house.gateway, { room: room.id }, { token: host.token });
    const made = await call(house.gateway, 'POST', `/rooms/${room.id}/files`, { token, raw: 'twelve bytes', headers: { 'X-Filename': 'a.txt' } });
    const { pathname, search } = new URL(made.json.url, house.gateway.http);
    const get = async (query) => { const answer = await fetch(`${house.gateway.http}${pathname}${query}`); return [answer.status, await answer.text()]; };
    await house.restart();
    assert.deepEqual(await get(search), [200, 'twelve bytes']);
    assert.equal((await get(search.replace(/.$/, (last) => (last === '0' ? '1' : '0'))))[0], 401);
});
