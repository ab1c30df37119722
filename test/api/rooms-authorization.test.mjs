/* SPDX-License-Identifier: MIT */
/* Every request from the wrong side: each request by each role, by strangers, by another room's people, with tokens that are
 * expired, replaced, revoked, foreign or none. (SECURITY R2, R20; rooms API, "Roles") */
import assert from 'node:assert/strict';
import { before, after, test } from 'node:test';
import { connect } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, stoa, want } from '../lib/rooms.mjs';
import { beginWithConf, until } from '../lib/wire.mjs';

const KEY = 'key-of-an-integrator-0123456789';
const ROLES = ['participant', 'cohost', 'host'];
const MODULES = ['room', 'chat', 'poll', 'workspace', 'videoroom'];
let gateway, host, otherHost, room, otherRoom, tried = 0;
const people = {}, bad = {}, ends = [], files = {}, links = {};

/* module, request, fields, the least role; null: nobody's */
const REQUESTS = [
    ['room', 'hand', { up: true }, 'participant'],
    ['room', 'people', {}, 'participant'],
    ['room', 'keys', { to: 'nobody', epoch: 1, box: 'AAAA' }, 'participant'],
    ['room', 'hands_down', {}, 'cohost'],
    ['room', 'state', {}, 'participant'],
    ['room', 'resume', { after: 0 }, 'participant'],
    ['chat', 'send', { text: 'hello' }, 'participant'],
    ['chat', 'history', { limit: 10 }, 'participant'],
    ['chat', 'typing', {}, 'participant'],
    ['chat', 'delete', { id: '1' }, 'participant'],
    ['chat', 'state', {}, 'participant'],
    ['chat', 'resume', { after: 0 }, 'participant'],
    ['poll', 'create', { question: 'Q?', options: ['a', 'b'] }, 'cohost'],
    ['poll', 'open', { id: '1' }, 'cohost'],
    ['poll', 'close', { id: '1' }, 'cohost'],
    ['poll', 'publish', { id: '1' }, 'cohost'],
    ['poll', 'remove', { id: '1' }, 'cohost'],
    ['poll', 'vote', { id: '1', choices: [0] }, 'participant'],
    ['poll', 'list', {}, 'participant'],
    ['poll', 'state', {}, 'participant'],
    ['poll', 'resume', { after: 0 }, 'participant'],
    ['workspace', 'list', {}, 'participant'],
    ['workspace', 'add', { kind: 'note', title: 'N' }, 'participant'],
    ['workspace', 'update', { id: '999', title: 'M' }, 'participant'],
    ['workspace', 'remove', { id: '999' }, 'participant'],
    ['workspace', 'sync', { id: '999', update: 'AAAA' }, 'participant'],
    ['workspace', 'snapshot', { id: '999', upto: 1, update: 'AAAA' }, 'participant'],
    ['workspace', 'presence', { id: '999', data: {} }, 'participant'],
    ['workspace', 'state', {}, 'participant'],
    ['workspace', 'resume', { after: 0 }, 'participant'],
    ['videoroom', 'listparticipants', {}, 'participant'],
    ['videoroom', 'kick', { id: 'nobody' }, 'cohost'],
    ['videoroom', 'moderate', { id: 'nobody', mid: '0', mute: true }, 'cohost'],
    ['videoroom', 'create', {}, null],
    ['videoroom', 'edit', {}, null],
    ['videoroom', 'destroy', {}, null],
    ['videoroom', 'allowed', { action: 'enable' }, null],
    ['videoroom', 'enable_recording', { record: true }, null],
    ['videoroom', 'rtp_forward', { host: '127.0.0.1' }, null],
    ['videoroom', 'stop_rtp_forward', {}, null],
    ['videoroom', 'listforwarders', {}, 'cohost'],
    ['videoroom', 'list', {}, 'participant'],
    ['videoroom', 'exists', {}, 'participant'],
    ['videoroom', 'stats', {}, 'participant'],
    ['videoroom', 'publish', {}, 'participant'],
    ['videoroom', 'configure', {}, 'participant'],
    ['videoroom', 'unpublish', {}, 'participant'],
    ['videoroom', 'start', {}, 'participant'],
    ['videoroom', 'pause', {}, 'participant'],
    ['videoroom', 'subscribe', { streams: [{ feed: 'nobody' }] }, 'participant'],
    ['videoroom', 'unsubscribe', { streams: [{ feed: 'nobody' }] }, 'participant'],
    ['videoroom', 'update', { subscribe: [{ feed: 'nobody' }] }, 'participant'],
    ['videoroom', 'switch', { streams: [{ feed: 'nobody', mid: '0', sub_mid: '0' }] }, 'participant'],
    ['videoroom', 'join', { ptype: 'publisher' }, 'participant'],
    ['videoroom', 'joinandconfigure', { ptype: 'publisher' }, 'participant'],
    ['videoroom', 'leave', {}, 'participant'],
    ...['chat', 'poll', 'workspace'].flatMap((module) => [[module, 'join', { room: 1 }, 'participant'], [module, 'leave', {}, 'participant']]),
];
/* Refused for who asks; what no gateway does yet is refused for all. */
const is_no = (module, { error_code, error }) => (module === 'videoroom' ? error_code === 433 || (error_code === 423 && /^this gateway neither/.test(error)) : error_code === 403);

const signInLink = async (...settings) => (await stoa(gateway, ...settings, '--add-host', host.email)).trim().split('#s=')[1];
const inviteOne = (to, email, role = 'participant') => invite(gateway, to.token, to.room, email, { name: 'P', role });

/* Tokens for something else, good and expired: of a reader, of a host, of a file, for signing in. */
async function passingTokens(here, there) {
    const dies = (path, token) => until(`the token for ${path} is no good`, async () => (await call(gateway, 'GET', path, { token })).status === 401);
    const upload = async ({ token }, where) => new URL((await want(201, gateway, 'POST', `/rooms/${where}/files`, { token, raw: 'hello' })).url, gateway.http);
    const was = await inviteOne(here, 'reader@x.example'), sat = await join(gateway, { invitation: was.token });
    Object.assign(files, { here: await upload(sat, here.room), there: await upload(await join(gateway, { room: there.room }, { token: there.token }), there.room) });
    assert.equal((await fetch(files.here)).status, 200);
    await want(200, gateway, 'POST', `/rooms/${here.room}/end`, { token: host.token });
    const reader = () => want(201, gateway, 'POST', '/history/session', { body: { token: was.token } });
    bad["a reader's"] = (await reader()).token;
    gateway.edit('rooms.conf', { host_s: 1, history_s: 1, ticket_s: 1, signin_s: 1 });
    await gateway.reload();
    bad["an expired host's"] = (await signIn(gateway, host.email)).token;
    bad["an expired reader's"] = (await reader()).token;
    const { meetings: [{ workspace: [item] }] } = await want(200, gateway, 'GET', `/rooms/${here.room}/history`, { token: host.token });
    files.passed = new URL(item.url, gateway.http);
    links.passed = await signInLink('-s', 'rooms:tokens.signin_s=1');
    await dies('/rooms', bad["an expired host's"]);
    await dies(`/rooms/${here.room}/history`, bad["an expired reader's"]);
    gateway.edit('rooms.conf', { host_s: 1209600, history_s: 86400, ticket_s: 600, signin_s: 900 });
    await gateway.reload();
    bad['a file ticket'] = files.here.searchParams.get('ticket');
    bad['a sign-in link'] = links.good = await signInLink();
    await want(200, gateway, 'PATCH', `/rooms/${here.room}`, { token: host.token, body: { state: 'scheduled' } });
}

before(async () => {
    const cleanup = { after: (fn) => ends.unshift(fn) };
    gateway = await beginWithConf(cleanup, `rooms:api.keys=${KEY}`, 'rooms:limits.attempts_per_minute=0', 'chat:limits.messages_per_second=0',
        'stoa:limits.requests_per_second=0');
    host = await signIn(gateway, 'hana@school.example', 'Hana');
    otherHost = await signIn(gateway, 'otto@school.example', 'Otto');
    const make = (token) => want(201, gateway, 'POST', '/rooms', { token, body: { title: 'R' } });
    room = await make(host.token);
    otherRoom = await make(otherHost.token);
    const here = { token: host.token, room: room.id }, there = { token: otherHost.token, room: otherRoom.id };
    await passingTokens(here, there);
    /* tokens that are no good */
    const expired = await enter(gateway, await join(gateway, { invitation: (await inviteOne(here, 'expired@x.example')).token }), 'room');
    gateway.edit('rooms.conf', { participant_s: 1 });
    await gateway.reload();
    await expired.raw({ janus: 'keepalive' });
    assert.equal((await expired.hears('room', 'removed')).reason, 'expired');
    await want(401, gateway, 'GET', `/rooms/${room.id}`, { token: expired.token });
    gateway.edit('rooms.conf', { participant_s: 900 });
    await gateway.reload();
    const revoked = await inviteOne(here, 'revoked@x.example'), gone = await join(gateway, { invitation: revoked.token });
    await want(204, gateway, 'DELETE', `/rooms/${room.id}/invitations/${revoked.id}`, { token: host.token });
    const twice = (await inviteOne(here, 'twice@x.example')).token, first = await join(gateway, { invitation: twice });
    const second = await join(gateway, { invitation: twice });
    const foreign = await join(gateway, { invitation: (await inviteOne(there, 'foreign@x.example')).token });
    Object.assign(bad, {
        none: undefined, empty: '', malformed: 'not a token', unknown: 'A'.repeat(43), 'a number': 7, expired: expired.token, revoked: gone.token, replaced: first.token,
        foreign: foreign.token, "another person's": second.token, "the host's own": host.token, 'an invitation': twice, 'an API key': KEY,
    });
    people.host = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), ...MODULES);
    for (const role of ['cohost', 'participant'])
        people[role] = await enter(gateway, await join(gateway, { invitation: (await inviteOne(here, `${role}@x.example`, role)).token }), ...MODULES);
    for (const role of ROLES)
        await people[role].ask('videoroom', 'join', { ptype: 'publisher' });
});

after(async () => {
    for (const person of Object.values(people))
        person.close();
    for (const end of ends)
        await end();
    console.log(`# ${tried} requests were tried from the wrong side or by each role`);
});

/* The data of the answer, direct or by event. */
async function answerOf(person, module, body) {
    const answer = await person.message(module, body);
    if (answer.janus !== 'ack')
        return answer.plugindata?.data ?? { refused: answer.error.code };
    return (await person.client.event((one) => one.transaction === answer.transaction)).plugindata.data;
}

test('the table knows each request that a module describes', async () => {
    for (const module of MODULES) {
        const described = [...(await stoa(gateway, '--describe', module)).matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
        const known = REQUESTS.filter(([of]) => of === module).map(([, request]) => request);
        assert.ok(described.length >= 4, described.join());
        assert.deepEqual(known.sort(), described.sort(), module);
    }
});

test('each request by each role', async () => {
    for (const [module, request, fields, least] of REQUESTS) {
        for (const role of ROLES) {
            const data = await answerOf(people[role], module, { request, ...fields });
            const may = least && ROLES.indexOf(role) >= ROLES.indexOf(least);
            const is_refused = is_no(module, data);
            assert.equal(is_refused, !may, `${module}.${request} by ${role}: ${JSON.stringify(data)}`);
            tried++;
        }
    }
    for (const role of ROLES) { /* the table's last requests gave the seats up */
        for (const module of MODULES)
            await people[role].attach(module);
        await people[role].ask('videoroom', 'join', { ptype: 'publisher' });
    }
});

test('each request on somebody\'s handle with a token that is not theirs', async () => {
    const victim = people.participant;
    await Promise.all(Object.entries(bad).map(async ([name, token]) => {
        const answers = await Promise.all(REQUESTS.map(([module, request, fields]) =>
            victim.raw({ janus: 'message', handle_id: victim.handles[module], body: { request, ...fields }, token })));
        answers.forEach((answer, i) => assert.equal(answer.error?.code, 403, `${REQUESTS[i].slice(0, 2)} with ${name}: ${JSON.stringify(answer)}`));
        tried += answers.length;
    }));
    assert.equal((await victim.ask('room', 'people')).reply, 'people');
});

test('each verb of the session with a token that is not theirs', async () => {
    const victim = people.participant, handle_id = victim.handles.room;
    await Promise.all(Object.entries(bad).map(async ([name, token]) => {
        const verbs = [
            { janus: 'keepalive' }, { janus: 'destroy' }, { janus: 'claim' }, { janus: 'detach', handle_id }, { janus: 'hangup', handle_id },
            { janus: 'trickle', handle_id, candidate: { completed: true } }, ...MODULES.map((module) => ({ janus: 'attach', plugin: `stoa.plugin.${module}` })),
        ];
        const answers = await Promise.all(verbs.map((verb) => victim.raw({ ...verb, token })));
        answers.forEach((answer, i) => {
            const is_somebody = verbs[i].janus === 'attach' && (name === 'foreign' || name === "another person's");
            if (!is_somebody) /* who has a token may attach with it, as themselves */
                assert.equal(answer.error?.code, 403, `${JSON.stringify(verbs[i])} with ${name}: ${JSON.stringify(answer)}`);
        });
        tried += answers.length;
    }));
    assert.equal((await victim.ask('room', 'people')).reply, 'people');
});

test('a new session: attach with a token that is no good', async () => {
    for (const [name, token] of Object.entries(bad)) {
        if (['foreign', "another person's"].includes(name))
            continue;
        const client = await connect(gateway.websocket);
        const { data: { id: session_id } } = await client.request({ janus: 'create' });
        for (const module of MODULES) {
            const answer = await client.request({ janus: 'attach', session_id, plugin: `stoa.plugin.${module}`, token });
            const is_token = typeof token === 'string';
            assert.equal(answer.janus === 'error', is_token || module === 'room', `${module} with ${name}: ${JSON.stringify(answer)}`);
            tried++;
        }
        client.close();
    }
});

test('another room\'s person sees and does nothing here', async () => {
    const foreign = await enter(gateway, { token: bad.foreign, participant: {} }, ...MODULES);
    const from = people.participant;
    const before_ = (await from.ask('room', 'people')).people.length;
    await foreign.ask('chat', 'send', { text: 'for the other room' });
    for (const [module, request, fields] of REQUESTS) {
        if (request === 'leave' || (request === 'create' && module === 'poll'))
            continue;
        const data = await answerOf(foreign, module, { request, ...JSON.parse(JSON.stringify(fields).replaceAll('nobody', from.id)), room: room.id });
        if (module === 'videoroom' || request === 'join')
            assert.ok(data.error_code || request === 'list', `${module}.${request}: ${JSON.stringify(data)}`);
        assert.ok(![room.id, from.id].some((id) => JSON.stringify(data).includes(id)), `${module}.${request}: ${JSON.stringify(data)}`);
        tried++;
    }
    await foreign.attach('videoroom');
    assert.equal((await foreign.ask('videoroom', 'join', { ptype: 'subscriber', streams: [{ feed: from.id }] })).error_code, 428);
    const { messages } = await from.ask('chat', 'history', { limit: 100 });
    assert.ok(messages.every(({ text }) => text !== 'for the other room'));
    assert.equal((await from.ask('room', 'people')).people.length, before_);
    /* and nobody without a seat takes a handle of the room's people */
    const client = await connect(gateway.websocket);
    for (const session_id of [from.session, people.host.session]) {
        assert.equal((await client.request({ janus: 'keepalive', session_id, token: from.token })).error.code, 458);
        tried++;
    }
    client.close();
    foreign.close();
});

test('each HTTP request of rooms and people by who may not', async () => {
    const who = people.participant.id, { token } = people.participant, cohost = people.cohost.token;
    const routes = [
        ['GET', `/rooms/${room.id}/participants`, undefined],
        ...['admit', 'deny', 'remove', 'ban', 'mute', 'role'].map((action) => ['POST', `/rooms/${room.id}/participants/${people.host.id}`, { action, role: 'cohost' }]),
        ['POST', `/rooms/${room.id}/end`, undefined],
        ['PATCH', `/rooms/${room.id}`, { title: 'taken over' }],
        ['DELETE', `/rooms/${room.id}`, undefined],
        ['POST', `/rooms/${room.id}/invitations`, { people: [{ email: 'eve@x.example' }] }],
        ['GET', `/rooms/${room.id}/invitations`, undefined],
    ];
    for (const [method, path, body] of routes) {
        for (const [name, wrong] of Object.entries(bad)) {
            if (["the host's own", 'an API key'].includes(name))
                continue;
            if (name === "another person's" && method === 'GET' && path.endsWith('/participants'))
                continue; /* of this room: may see */
            const answer = await call(gateway, method, path, { token: wrong || undefined, body });
            const fits = name === 'foreign' ? answer.status === 404 : ["another person's", "a reader's"].includes(name) ? answer.status === 403 : answer.status === 401;
            assert.ok(fits, `${method} ${path} with ${name}: ${answer.status} ${answer.text}`);
            tried++;
        }
        assert.equal((await call(gateway, method, path, { token: otherHost.token, body })).status, 404, `${method} ${path} by another host`);
        tried++;
    }
    /* by role: a participant nothing of it; a cohost all but roles, the end, the room; nobody anything against the host */
    for (const action of ['admit', 'deny', 'remove', 'ban', 'mute', 'role']) {
        const body = { action, role: 'cohost' };
        await want(403, gateway, 'POST', `/rooms/${room.id}/participants/${people.cohost.id}`, { token, body });
        for (const by of [cohost, host.token, KEY]) {
            const { status } = await call(gateway, 'POST', `/rooms/${room.id}/participants/${people.host.id}`, { token: by, body });
            assert.ok(status === 403 || (action === 'admit' && status === 409), `${action} on the host: ${status}`);
            tried++;
        }
    }
    await want(403, gateway, 'POST', `/rooms/${room.id}/participants/${who}`, { token: cohost, body: { action: 'role', role: 'cohost' } });
    await want(403, gateway, 'POST', `/rooms/${room.id}/end`, { token: cohost });
    await want(200, gateway, 'POST', `/rooms/${room.id}/participants/${who}`, { token: cohost, body: { action: 'mute' } });
    await want(400, gateway, 'POST', `/rooms/${room.id}/participants/${who}`, { token: host.token, body: { action: 'role', role: 'host' } });
    await want(400, gateway, 'POST', `/rooms/${room.id}/participants/${who}`, { token: host.token, body: { action: 'fly' } });
    await want(404, gateway, 'POST', `/rooms/${room.id}/participants/nobody`, { token: host.token, body: { action: 'ban' } });
    tried += 6;
    assert.ok(tried > 1500, `${tried}`);
});

test('a reader reads the history, and nothing else', async () => {
    const token = bad["a reader's"];
    assert.ok((await want(200, gateway, 'GET', `/rooms/${room.id}/history`, { token })).meetings.length > 0);
    await want(404, gateway, 'GET', `/rooms/${otherRoom.id}/history`, { token });
    for (const [method, path, body] of [['GET', `/rooms/${room.id}`], ['GET', '/rooms'], ['POST', '/rooms', { title: 'x' }], ['POST', `/rooms/${room.id}/files`, {}], ['POST', '/join', { room: room.id }]]) {
        const { status } = await call(gateway, method, path, { token, body });
        assert.ok([401, 403, 404].includes(status), `${method} ${path}: ${status}`);
        tried++;
    }
    for (const path of ['/me/export', `/rooms/${room.id}/history`])
        await want(401, gateway, 'GET', path, { token: bad["an expired reader's"] });
    await want(401, gateway, 'DELETE', '/me', { token: bad["an expired reader's"] });
    tried += 4;
});

test('a sign-in link is for once, and for a while; a ticket for one file, and for a while', async () => {
    await want(201, gateway, 'POST', '/host/session', { body: { token: links.good } });
    for (const token of [links.good, links.passed])
        await want(410, gateway, 'POST', '/host/session', { body: { token } });
    const get = async (url, ticket) => {
        const other = new URL(url);
        if (ticket)
            other.searchParams.set('ticket', ticket);
        tried++;
        return (await fetch(other)).status;
    };
    const ticket = (url) => url.searchParams.get('ticket');
    assert.equal(await get(files.here), 200);
    assert.equal(files.passed.pathname, files.here.pathname);
    assert.equal(await get(files.passed), 401);
    assert.equal(await get(files.here, ticket(files.there)), 401);
    assert.equal(await get(files.there, ticket(files.here)), 401);
    assert.equal(await get(files.here, [...ticket(files.here)].reverse().join('')), 401);
    /* nor is another room's file under the path of one's own */
    for (const path of [files.here.pathname, files.here.pathname.replace(room.id, otherRoom.id)])
        await want(404, gateway, 'GET', path.replace('/api/v1', ''), { token: bad.foreign });
    tried += 5;
});

test('a module that the room does not have', async () => {
    const small = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'S', modules: ['chat'] } });
    const person = await enter(gateway, await join(gateway, { invitation: (await inviteOne({ token: host.token, room: small.id }, 'small@x.example')).token }), 'room', 'chat');
    for (const module of ['poll', 'workspace', 'videoroom', 'textroom']) {
        const { error } = await person.raw({ janus: 'attach', plugin: `stoa.plugin.${module}` });
        assert.deepEqual([error?.code, error?.reason], [460, `this room has no module "${module}"`]);
        tried++;
    }
    await want(409, gateway, 'POST', `/rooms/${small.id}/files`, { token: person.token, raw: 'x' });
    assert.equal((await person.ask('chat', 'send', { text: 'hello' })).error, undefined);
    person.close();
});
