/* SPDX-License-Identifier: MIT */
/* The rooms API: hosts, rooms, invitations; every route from the wrong side; bad input. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from '../lib/gateway.mjs';
import { call, invite, join, signIn, stoa, want } from '../lib/rooms.mjs';

const KEY = 'key-of-an-integrator-0123456789';
let gateway, host, other;

before(async () => {
    gateway = await start(`rooms:api.keys=${KEY}`, 'rooms:limits.attempts_per_minute=0', 'stoa:server.residency=EU');
    host = await signIn(gateway, 'Hana@School.example', 'Hana');
    other = await signIn(gateway, 'otto@school.example');
});
after(async () => assert.equal((await gateway.stop()).code, 0));

const makeRoom = (body = {}, token = host.token) => want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Algebra', ...body } });

test('a host is made on the command line, signs in once, and out', async () => {
    const link = (await stoa(gateway, '--add-host', 'new@school.example', '--name', 'Nia')).trim();
    assert.match(link, /^http:\/\/localhost:8088\/host\.html#s=[A-Za-z0-9_-]{43}$/);
    const body = { token: link.split('#s=')[1] };
    const { token, host: who } = await want(201, gateway, 'POST', '/host/session', { body });
    assert.equal(who.email, 'new@school.example');
    assert.equal(who.name, 'Nia');
    assert.equal((await want(410, gateway, 'POST', '/host/session', { body })).error.code, 'gone');
    assert.deepEqual(await want(200, gateway, 'GET', '/rooms', { token }), []);
    await want(204, gateway, 'DELETE', '/host/session', { token });
    assert.equal((await want(401, gateway, 'GET', '/rooms', { token })).error.code, 'unauthenticated');
    assert.match(await stoa(gateway, '--list-hosts'), /^new@school\.example\tNia\t/m);
    await stoa(gateway, '--remove-host', 'new@school.example');
    assert.doesNotMatch(await stoa(gateway, '--list-hosts'), /new@school/);
    await assert.rejects(stoa(gateway, '--remove-host', 'new@school.example'), /no host of that address/);
    await assert.rejects(stoa(gateway, '--add-host', 'no address'), /email/);
});

test('links are made of the base URL, with or without a slash at its end', async (t) => {
    const away = await start('stoa:public.base_url=https://class.example/stoa/', `rooms:api.keys=${KEY}`);
    t.after(() => away.stop());
    assert.match((await stoa(away, '-s', 'stoa:public.base_url=https://class.example/', '--add-host', 'new@school.example')).trim(), /^https:\/\/class\.example\/host\.html#s=[A-Za-z0-9_-]{43}$/);
    const room = await want(201, away, 'POST', '/rooms', { token: KEY, body: { title: 'Algebra', host_email: 'new@school.example' } });
    const { invitations: [{ link }] } = await want(201, away, 'POST', `/rooms/${room.id}/invitations`, { token: KEY, body: { people: [{ email: 'ana@school.example' }], deliver: 'none' } });
    assert.match(link, /^https:\/\/class\.example\/stoa\/join\.html#i=/);
    assert.equal((await want(200, away, 'POST', '/join', { body: { invitation: link.split('#i=')[1] } })).signaling.http, 'https://class.example/stoa/janus');
});

test('asking for a sign-in link tells nobody who is a host', async () => {
    for (const email of ['hana@school.example', 'nobody@school.example', 'no address', "' OR 1=1 --"])
        assert.deepEqual(await want(202, gateway, 'POST', '/host/signin', { body: { email } }), {});
    await want(400, gateway, 'POST', '/host/signin', { body: { email: 5 } });
});

test('a room has the contract\'s fields and defaults', async () => {
    const room = await makeRoom();
    assert.match(room.id, /^[A-Za-z0-9_-]+$/);
    assert.match(room.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const { id, created_at, ...rest } = room;
    assert.deepEqual(rest, { title: 'Algebra', host: { id: host.host.id, name: 'Hana' }, access: 'invited', lobby: false, locked: false, e2ee: 'off', modules: ['videoroom', 'chat', 'poll', 'workspace'], retention_days: 365, state: 'scheduled' });
    const full = { title: '  Ünïcode 教室 <b>"\';--  ', access: 'public', lobby: true, e2ee: 'media', modules: ['videoroom'], starts_at: '2031-02-03T10:00:00+01:00', duration_min: 45, max_people: 12, region: 'eu-west', residency: 'EU', retention_days: 0 };
    const made = await makeRoom(full);
    assert.deepEqual({ ...full, title: full.title.trim(), starts_at: '2031-02-03T09:00:00Z' }, Object.fromEntries(Object.keys(full).map((key) => [key, made[key].replace?.(/\.000Z$/, 'Z') ?? made[key]])));
    assert.deepEqual(await want(200, gateway, 'GET', `/rooms/${made.id}`, { token: host.token }), made);
    const patched = await want(200, gateway, 'PATCH', `/rooms/${made.id}`, { token: host.token, body: { locked: true, title: 'B', starts_at: null } });
    assert.equal(patched.locked, true);
    assert.equal(patched.title, 'B');
    assert.equal(patched.starts_at, undefined);
    assert.equal(patched.duration_min, 45);
    await want(204, gateway, 'DELETE', `/rooms/${made.id}`, { token: host.token });
    await want(404, gateway, 'GET', `/rooms/${made.id}`, { token: host.token });
});

test('an API key is host in every room, and says whose a new one is', async () => {
    const room = await want(201, gateway, 'POST', '/rooms', { token: KEY, body: { title: 'K', host_email: 'HANA@school.example' } });
    assert.equal(room.host.name, 'Hana');
    for (const body of [{ title: 'K' }, { title: 'K', host_email: 'nobody@x.example' }, { title: 'K', host_email: 'x' }])
        assert.match((await want(400, gateway, 'POST', '/rooms', { token: KEY, body })).error.message, /host_email/);
    assert.equal((await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: KEY, body: { title: 'L' } })).title, 'L');
    await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token: KEY });
});

test('rooms are listed newest first, in pages', async () => {
    const mine = await signIn(gateway, 'pages@school.example');
    const made = [];
    for (let n = 0; n < 5; n++)
        made.unshift((await makeRoom({ title: `n${n}` }, mine.token)).id);
    const ids = async (query) => (await want(200, gateway, 'GET', `/rooms${query}`, { token: mine.token })).map(({ id }) => id);
    assert.deepEqual(new Set(await ids('')), new Set(made));
    const seen = [];
    for (let before = ''; seen.length < 5; before = `&before=${seen.at(-1)}`)
        seen.push(...await ids(`?limit=2${before}`));
    assert.deepEqual(new Set(seen), new Set(made));
    assert.equal(seen.length, 5);
    for (const query of ['?limit=0', '?limit=x', '?limit=-1', '?limit=99999', '?before=unknown'])
        await want(400, gateway, 'GET', `/rooms${query}`, { token: mine.token });
});

test('one person, one invitation, one token', async () => {
    const room = await makeRoom();
    const path = `/rooms/${room.id}/invitations`;
    const post = (people, deliver = 'none') => want(201, gateway, 'POST', path, { token: host.token, body: { people, deliver } });
    const { invitations: [ana, ben] } = await post([{ email: 'Ana@x.example', name: 'Ana' }, { email: 'ben@x.example', role: 'cohost' }, { email: 'ANA@X.example' }]);
    assert.match(ana.link, /^http:\/\/127\.0\.0\.1:\d+\/join\.html#i=[A-Za-z0-9_-]{43}$/);
    assert.deepEqual({ ...ana, id: 0, link: 0 }, { id: 0, email: 'ana@x.example', name: 'Ana', role: 'participant', state: 'sent', link: 0 });
    assert.equal(ben.role, 'cohost');
    const { invitations: [again] } = await post([{ email: 'aNa@x.example', name: 'Other' }]);
    assert.deepEqual([again.id, again.link, again.name], [ana.id, undefined, 'Ana']);
    const { invitations: [cem] } = await post([{ email: 'cem@x.example' }], 'mail');
    assert.equal(cem.link, undefined);
    const list = await want(200, gateway, 'GET', path, { token: host.token });
    assert.deepEqual(list.map(({ email }) => email), ['ana@x.example', 'ben@x.example', 'cem@x.example']);
    assert.ok(!JSON.stringify(list).includes('#i='));
    const resent = await want(200, gateway, 'POST', `${path}/${ana.id}/resend`, { token: host.token, body: { deliver: 'none' } });
    assert.notEqual(resent.link, ana.link);
    const come = (link) => call(gateway, 'POST', '/join', { body: { invitation: link.split('#i=')[1] } });
    const old = await come(ana.link);
    assert.deepEqual([old.status, old.json.error.code], [410, 'gone'], old.text);
    assert.match(old.json.error.message, /newer/);
    assert.equal((await come(resent.link)).status, 200);
    await want(204, gateway, 'DELETE', `${path}/${ana.id}`, { token: host.token });
    await want(204, gateway, 'DELETE', `${path}/${ana.id}`, { token: host.token });
    assert.equal((await want(200, gateway, 'GET', path, { token: host.token }))[0].state, 'revoked');
    assert.equal((await want(410, gateway, 'POST', `${path}/${ana.id}/resend`, { token: host.token })).error.code, 'gone');
    const { invitations: [fresh] } = await post([{ email: 'ana@x.example' }]);
    assert.deepEqual([fresh.id, fresh.state], [ana.id, 'sent']);
    assert.ok(fresh.link);
    const past = await makeRoom({ starts_at: '2020-01-01T10:00:00Z', duration_min: 60 });
    await invite(gateway, host.token, past.id, 'ana@x.example');
    assert.equal((await want(200, gateway, 'GET', `/rooms/${past.id}/invitations`, { token: host.token }))[0].state, 'expired');
});

test('what does not fit is refused by its name, and nothing is made of it', async () => {
    const before = (await want(200, gateway, 'GET', '/rooms', { token: other.token })).length;
    const bad = [
        ['title', ['', '   ', 'x'.repeat(201), 5, null, {}, 'a\u0000b', 'a\nb', 'x\u202Ey']],
        ['access', ['x', 1, null]], ['lobby', ['yes', 1, null]], ['e2ee', ['on', true]],
        ['modules', ['chat', ['nope'], [5], ['chat', 'chat'], ['../chat'], Array(20).fill('chat'), ["'; DROP TABLE room; --"]]],
        ['starts_at', ['tomorrow', '2031-02-03', '2031-02-03T10:00:00', '2031-13-03T10:00:00Z', 5, '']],
        ['duration_min', [0, -1, 1e9, 'x', 1.5]], ['max_people', [0, -5, 1e9, '5']],
        ['region', ['', '<b>', 'x'.repeat(65), 5]], ['residency', ['US', "' OR 1", 5]],
        ['retention_days', [-1, 1e6, '7', 0.5]],
    ];
    let tried = 0;
    for (const [name, values] of bad)
        for (const value of values) {
            const answer = await call(gateway, 'POST', '/rooms', { token: other.token, body: { title: 'ok', [name]: value } });
            assert.equal(answer.status, 400, `${name} ${JSON.stringify(value)}: ${answer.text}`);
            assert.equal(answer.json.error.code, 'invalid_request');
            assert.match(answer.json.error.message, name === 'title' && String(value).includes('\u0000') ? /JSON|title/ : new RegExp(name));
            tried++;
        }
    for (const raw of ['', '[]', '"x"', '{', '{"title":"a","title":"b"}', 'null', '['.repeat(5000), `{"title":${'['.repeat(100)}${']'.repeat(100)}}`, Buffer.from([0xff, 0xfe])]) {
        await want(400, gateway, 'POST', '/rooms', { token: other.token, raw });
        tried++;
    }
    assert.equal((await want(413, gateway, 'POST', '/rooms', { token: other.token, raw: `{"title":"${'x'.repeat(1100000)}"}` })).error.code, 'too_large');
    const room = await makeRoom();
    const people = [[], {}, 'x', [{}], [{ email: 5 }], [{ email: '' }], [{ email: 'x' }], [{ email: '@x' }], [{ email: 'a@' }], [{ email: 'a b@x.example' }], [{ email: 'a@x.example\r\nBcc: b@x.example' }],
        [{ email: 'a,b@x.example' }], [{ email: '<a@x.example>' }], [{ email: `${'x'.repeat(300)}@x.example` }], [{ email: 'a@x.example', role: 'host' }], [{ email: 'a@x.example', role: 'king' }],
        [{ email: 'a@x.example', name: '' }], [{ email: 'a@x.example', name: 'x'.repeat(65) }], [{ email: 'a@x.example', name: 'a\u202Eb' }], Array(501).fill(0).map((_, n) => ({ email: `p${n}@x.example` })), [5]];
    for (const one of people) {
        const answer = await call(gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { people: one, deliver: 'none' } });
        assert.equal(answer.status, 400, `${JSON.stringify(one).slice(0, 100)}: ${answer.text}`);
        tried++;
    }
    await want(400, gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { people: [{ email: 'a@x.example' }], deliver: 'pigeon' } });
    assert.deepEqual(await want(200, gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token }), []);
    assert.equal((await want(200, gateway, 'GET', '/rooms', { token: other.token })).length, before);
    console.log(`bad input: ${tried} tried`);
});

test('pages of rooms know of no other host\'s; times are RFC 3339; names have no blanks around them', async () => {
    const room = await makeRoom(), other = await signIn(gateway, 'pages@school.example', 'Pages');
    const asked = async (before) => (await call(gateway, 'GET', `/rooms?before=${before}`, { token: other.token })).text;
    assert.equal(await asked(room.id), await asked('nothing'));
    for (const starts_at of ['2027-W05-1T09:00:00Z', '2027-034T09:00:00Z', '20270203T090000Z', '2027-02-03T09Z', '2027-02-03T09:00:00', '2027-02-30T09:00:00Z'])
        assert.match((await want(400, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'x', starts_at } })).error.message, /RFC 3339/, starts_at);
    for (const starts_at of ['2027-02-03T09:00:00Z', '2027-02-03t09:00:00.25z', '2027-02-03T09:00:00-07:30'])
        await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'x', starts_at } });
    const put = (status, people) => want(status, gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { people, deliver: 'none' } });
    assert.equal((await put(201, [{ email: 'ana@x.example', name: '  Ana  ' }])).invitations[0].name, 'Ana');
    assert.match((await put(400, [])).error.message, /1 to 500/);
    for (const email of ['a@-ü.example', 'a@ü／b.example', 'a@b\u00ad\u200d.example', `a@${'ü'.repeat(64)}.example`])
        assert.match((await put(400, [{ email }])).error.message, /people\[0\].*(no server can be called|must be an address)/, email);
    const [, munich] = (await put(201, [{ email: 'jörg@x.example' }, { email: 'b@xn--mnchen-3ya.example' }])).invitations;
    assert.deepEqual((await put(201, [{ email: 'B@MÜNCHEN.example' }])).invitations.map(({ id, email }) => [id, email]), [[munich.id, munich.email]]);
    assert.equal((await put(201, [{ email: 'a@straße.example' }])).invitations[0].email, 'a@xn--strae-oqa.example');
});

test('wrong tokens are counted by address, right ones pass', async (t) => {
    const strict = await start('rooms:limits.attempts_per_minute=3', `rooms:api.keys=${KEY}`);
    t.after(() => strict.stop());
    for (let n = 0; n < 3; n++)
        await want(401, strict, 'GET', '/rooms', { token: 'x'.repeat(43) });
    const answer = await call(strict, 'GET', '/rooms', { token: 'y'.repeat(43) });
    assert.equal(answer.status, 429);
    assert.equal(answer.json.error.code, 'slow_down');
    assert.equal(answer.headers.get('retry-after'), /wait (\d+) s/.exec(answer.json.error.message)[1]);
    assert.ok(Number(answer.headers.get('retry-after')) > 30 && Number(answer.headers.get('retry-after')) <= 60);
    await want(429, strict, 'POST', '/host/session', { body: { token: 'z'.repeat(43) } });
    await want(200, strict, 'GET', '/rooms', { token: KEY });
});

test('every route from the wrong side', async (t) => {
    const strict = await start(`rooms:api.keys=${KEY}`, 'rooms:limits.attempts_per_minute=0', 'rooms:tokens.host_s=86400');
    t.after(async () => assert.equal((await strict.stop()).code, 0));
    const hana = await signIn(strict, 'hana@school.example'), otto = await signIn(strict, 'otto@school.example'), gone = await signIn(strict, 'gone@school.example');
    await want(204, strict, 'DELETE', '/host/session', { token: gone.token });
    const make = (body) => want(201, strict, 'POST', '/rooms', { token: hana.token, body: { title: 'R', ...body } });
    const room = await make(), elsewhere = await make({ title: 'other' }), lobby = await make({ lobby: true });
    const comeIn = async (where, email, more) => {
        const invitation = await invite(strict, hana.token, where.id, email, more);
        return { ...await join(strict, { invitation: invitation.token }), invitation };
    };
    const ana = await comeIn(room, 'ana@x.example'), cody = await comeIn(room, 'cody@x.example', { role: 'cohost' }), eve = await comeIn(elsewhere, 'eve@x.example');
    const wanda = await comeIn(lobby, 'wanda@x.example'), rex = await comeIn(room, 'rex@x.example');
    assert.equal(wanda.state, 'waiting');
    await want(204, strict, 'DELETE', `/rooms/${room.id}/invitations/${rex.invitation.id}`, { token: hana.token });
    await want(200, strict, 'POST', `/rooms/${elsewhere.id}/end`, { token: hana.token });
    const reader = await want(201, strict, 'POST', '/history/session', { body: { token: eve.invitation.token } });
    const one = `/rooms/${room.id}`, invitation = `${one}/invitations/${ana.invitation.id}`;
    /* what each may not: stranger, other host, participant, cohost, participant and reader of another room, in the lobby */
    const routes = [
        ['POST', '/rooms', { title: 'x' }, { ana: 403, cody: 403, reader: 403 }],
        ['GET', '/rooms', undefined, { reader: 403 }],
        ['GET', one, undefined, { otto: 404, reader: 404 }],
        ['PATCH', one, { title: 'mine' }, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['PATCH', one, { locked: true }, { otto: 404, ana: 403, reader: 404 }],
        ['DELETE', one, undefined, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['POST', `${one}/invitations`, { people: [{ email: 'x@x.example' }], deliver: 'none' }, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['GET', `${one}/invitations`, undefined, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['POST', `${invitation}/resend`, { deliver: 'none' }, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['DELETE', invitation, undefined, { otto: 404, ana: 403, cody: 403, reader: 404 }],
        ['DELETE', `/rooms/${elsewhere.id}/invitations/${ana.invitation.id}`, undefined, { hana: 404, key: 404, otto: 404, ana: 404 }],
        ['POST', `${one}/files`, undefined, { hana: 403, key: 403, otto: 404, reader: 404 }],
        ['GET', `${one}/files/x`, undefined, { hana: 404, key: 404, otto: 404, ana: 404, reader: 404 }],
        ['GET', `${one}/history`, undefined, { otto: 404, reader: 404 }],
        ['GET', `${one}/history/export`, undefined, { otto: 404, reader: 404 }],
        ['GET', '/me/export', undefined, { key: 403 }],
        ['DELETE', '/me', undefined, { key: 403 }],
        ['DELETE', '/host/session', undefined, { key: 403, ana: 403, cody: 403, reader: 403 }],
    ];
    const tokens = { hana: hana.token, key: KEY, otto: otto.token, ana: ana.token, cody: cody.token, reader: reader.token };
    const dead = { none: undefined, malformed: "x' OR 1=1 --", foreign: 'A'.repeat(43), 'signed out': gone.token, revoked: rex.token, ended: eve.token, 'an invitation': ana.invitation.token, 'no key': `${KEY}x` };
    let tried = 0;
    const refuse = async (status, who, method, path, body, token) => {
        const answer = await call(strict, method, path, { token, body });
        assert.equal(answer.status, status, `${method} ${path} by ${who}: ${answer.text}`);
        assert.ok(answer.json.error.code && answer.json.error.message, answer.text);
        tried++;
    };
    for (const [method, path, body, refusals] of routes) {
        for (const [who, status] of Object.entries(refusals))
            await refuse(status, who, method, path, body, tokens[who]);
        for (const [who, token] of Object.entries(dead))
            await refuse(401, who, method, path, body, token);
        await refuse(path.includes(room.id) || path.includes(elsewhere.id) ? 404 : 403, 'somebody in a lobby', method, path, body, wanda.token);
        if (path.includes(room.id))
            await refuse(404, 'the host, of a room that is not there', method, path.replace(room.id, 'unknown'), body, hana.token);
    }
    for (const path of ['/host/session', '/history/session'])
        for (const token of ['', 'x', "' OR 1=1 --", 'A'.repeat(43), hana.token, ana.token, rex.token])
            await refuse(404, token, 'POST', path, { token });
    await refuse(410, 'who was revoked', 'POST', '/history/session', { token: rex.invitation.token });
    for (const who of [hana, otto])
        assert.equal((await want(200, strict, 'GET', '/rooms', { token: who.token })).length, who === hana ? 3 : 0);
    assert.equal((await want(200, strict, 'GET', one, { token: ana.token })).title, 'R');
    console.log(`wrong sides: ${tried} tried`);
});
