/* SPDX-License-Identifier: MIT */
/* DELETE /me, against all that others did with one's words: edited, closed, moved on, deleted, summed up in their mails. Afterwards
 * each file of the data folder is searched, byte by byte. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import { slow, start } from '../lib/gateway.mjs';
import { call, enter, filesWith, invite, join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

/* A text of a person's, and in nobody else's; also in base64, of which it is a whole number of groups. */
const words = (who, n) => `${who}q${who}${n}`;
const traceOf = (who) => `${who}q${who}`;

async function classOf(gateway, host) {
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra' } });
    const roles = { ana: 'cohost', cem: 'cohost', ben: 'participant' }, people = {};
    for (const [who, role] of Object.entries(roles)) {
        const { token } = await invite(gateway, host.token, room.id, `${words(who, 0)}@x.example`, { name: words(who, 1), role });
        people[who] = await enter(gateway, await join(gateway, { invitation: token }), 'room', 'chat', 'poll', 'workspace');
        people[who].invitation = token;
    }
    people.hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room', 'chat', 'poll', 'workspace');
    return { room, people };
}

const ok = (answer) => {
    assert.equal(answer.error, undefined, JSON.stringify(answer));
    return answer;
};

async function upload(gateway, room, { token }, name) {
    const { status, json } = await call(gateway, 'POST', `/rooms/${room.id}/files`, { token, raw: name, headers: { 'X-Filename': `${name}.txt` } });
    assert.equal(status, 201);
    return json.id;
}

async function erase(gateway, person) {
    const { token } = await want(201, gateway, 'POST', '/history/session', { body: { token: person.invitation } });
    await want(204, gateway, 'DELETE', '/me', { token });
}

/* What Ana says and shares, and what the others make of it. */
async function meeting(gateway, room, { ana, ben, cem, hana }) {
    const A = (n) => words('ana', n), C = (n) => words('cem', n), B = (n) => words('ben', n);
    const add = async (who, item) => ok(await who.ask('workspace', 'add', item)).id;
    const update = async (who, id, fields) => ok(await who.ask('workspace', 'update', { id, ...fields }));

    ok(await ana.ask('room', 'hand', { up: true }));
    ok(await ana.ask('chat', 'send', { text: A(2) }));
    ok(await ana.ask('chat', 'send', { text: A(3), to: ben.id }));
    ok(await ben.ask('chat', 'send', { text: B(2), to: ana.id }));
    ok(await hana.ask('chat', 'delete', { id: ok(await ana.ask('chat', 'send', { text: A(4) })).id }));

    const link = await add(ana, { kind: 'link', title: A(5), url: `https://${A(6)}.example/`, text: A(7) });
    await update(cem, link, { text: C(2) }); /* her title and address are in his record */
    const gone = await add(ana, { kind: 'link', title: A(8), url: `https://${A(9)}.example/` });
    await update(cem, gone, { title: C(3) });
    ok(await cem.ask('workspace', 'remove', { id: gone }));
    const bens = await add(ben, { kind: 'link', title: B(3), url: 'https://a.example/' });
    await update(ana, bens, { title: A(0) });
    await update(ben, bens, { text: B(4) }); /* her title is in his record */
    const bens2 = await add(ben, { kind: 'link', title: B(5), url: 'https://b.example/' });
    await update(cem, bens2, { title: C(4) });
    await update(hana, await upload(gateway, room, ana, A(1)), { text: 'from Hana' });

    const diary = await add(ana, { kind: 'note', title: A(2) });
    const { seq } = ok(await ana.ask('workspace', 'sync', { id: diary, update: A(3) }));
    ok(await cem.ask('workspace', 'snapshot', { id: diary, upto: seq, update: A(4) }));
    const shared = await add(ana, { kind: 'note', title: A(5), text: A(6) });
    await update(cem, shared, { title: C(5) });
    ok(await ana.ask('workspace', 'sync', { id: shared, update: 'BothAAAA' }));
    ok(await ben.ask('workspace', 'sync', { id: shared, update: 'BothBBBB' }));

    const poll = (who, n) => who.ask('poll', 'create', { question: words(who === ana ? 'ana' : 'cem', n), options: ['yes', words(who === ana ? 'ana' : 'cem', n + 1)], anonymous: false });
    const closed = ok(await poll(ana, 5)).id, open = ok(await poll(ana, 7)).id, cems = ok(await poll(cem, 6)).id;
    for (const [by, id] of [[cem, closed], [hana, open], [ana, cems]]) {
        ok(await by.ask('poll', 'open', { id }));
        ok(await ana.ask('poll', 'vote', { id, choices: [0] }));
        ok(await ben.ask('poll', 'vote', { id, choices: [1] }));
    }
    ok(await cem.ask('poll', 'close', { id: closed }));
    return { bens, bens2, shared, cems };
}

const readable = async (gateway, { invitation }, room) => {
    const { token } = await want(201, gateway, 'POST', '/history/session', { body: { token: invitation } });
    return (await want(200, gateway, 'GET', `/rooms/${room.id}/history`, { token })).meetings[0];
};

/* The summaries as files: a text for each address. */
async function summaries(gateway) {
    const folder = path(gateway.data, 'mail'), found = {};
    for (const name of (existsSync(folder) ? readdirSync(folder) : []).filter((one) => /-summary-.*\.eml$/.test(one))) {
        const mail = await simpleParser(readFileSync(path(folder, name)));
        found[mail.to.text] = `${mail.subject}\n${mail.text}\n${mail.html}`;
    }
    return found;
}

test('no byte of who is erased is left, whatever others did with it; what is theirs stays', async (t) => {
    const gateway = await start();
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@x.example', 'Hana');
    const { room, people } = await classOf(gateway, host);
    const ids = await meeting(gateway, room, people);
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await until('four summaries', async () => Object.keys(await summaries(gateway)).length === 4, 15000 * slow);
    for (const who of ['ana', 'ben', 'cem'])
        assert.notDeepEqual(filesWith(gateway.data, traceOf(who)), [], 'the search finds what is there');

    /* Ana, while the room is open */
    await erase(gateway, people.ana);
    assert.deepEqual(filesWith(gateway.data, traceOf('ana')), []);
    await until('the summaries are written anew', async () => {
        const all = Object.values(await summaries(gateway));
        return all.length === 3 && all.every((text) => !text.includes(traceOf('ana')));
    });
    const bens = (await summaries(gateway))[`${words('ben', 0)}@x.example`];
    assert.ok(bens.includes(words('cem', 4)), bens);
    assert.ok(!/erased \((note|link)\)/.test(bens), bens);
    let history = await readable(gateway, people.ben, room);
    const item = (id) => history.workspace.find((one) => one.id === id);
    assert.deepEqual(history.workspace.map(({ id }) => id), [ids.bens, ids.bens2, ids.shared]);
    assert.equal(item(ids.bens).title, words('ben', 3)); /* as it was before her */
    assert.equal(item(ids.bens).text, words('ben', 4));
    assert.equal(item(ids.bens2).title, words('cem', 4));
    assert.equal(item(ids.shared).title, words('cem', 5));
    assert.deepEqual(item(ids.shared).updates, ['BothAAAA', 'BothBBBB']);
    assert.deepEqual(history.polls.map(({ question }) => question), ['erased', 'erased', words('cem', 6)]);
    assert.deepEqual(history.polls.map(({ options }) => options.map(({ votes }) => votes)), [[1, 1], [1, 1], [1, 1]]);
    assert.deepEqual(history.chat.map(({ text }) => text), ['erased', 'erased', words('ben', 2)]);

    /* Cem, after a restart: the room is opened for it */
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    const again = await start({ data: gateway.data });
    t.after(() => again.child.kill('SIGKILL'));
    await erase(again, people.cem);
    assert.deepEqual(filesWith(again.data, traceOf('cem')), []);
    history = await readable(again, people.ben, room);
    assert.equal(item(ids.bens2).title, words('ben', 5));
    assert.equal(item(ids.shared).title, 'erased');
    assert.deepEqual(item(ids.shared).updates, ['BothAAAA', 'BothBBBB']);
    assert.deepEqual(history.polls.map(({ question }) => question), ['erased', 'erased', 'erased']);

    /* Ben, the last who wrote in the note of two: it goes with him, and Ana's part of it */
    await erase(again, people.ben);
    for (const text of [traceOf('ben'), 'BothAAAA', 'BothBBBB'])
        assert.deepEqual(filesWith(again.data, text), []);
    assert.equal((await again.stop()).code, 0);
});

test('what runs out takes along the mails in data/mail/, and the names of guests at once', async (t) => {
    const gateway = await start('rooms:retention.sweep_s=1', 'rooms:meeting.linger_s=0', 'rooms:meeting.reconnect_s=1');
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@x.example', 'Hana');
    const make = (days) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', access: 'public', retention_days: days } });
    const mails = () => { try { return readdirSync(path(gateway.data, 'mail')).filter((name) => name.endsWith('.eml')); } catch { return []; } };
    const bytes = (name) => { try { return readFileSync(path(gateway.data, 'mail', name), 'utf8'); } catch { return ''; } };
    const mailTo = (who) => mails().find((name) => bytes(name).includes(`To: ${who}@x.example`));
    const ask = (room, ...who) => want(201, gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { people: who.map((name) => ({ email: `${name}@x.example` })) } });
    const sql = (text) => execFileSync('sqlite3', [path(gateway.data, 'stoa.db'), '-cmd', '.timeout 5000', text]);

    /* kept for no day: by the end of the meeting the invitations go, and a guest whose token would still live */
    const none = await make(0), day = await make(1);
    await ask(none, 'ana', 'never');
    await ask(day, 'ben');
    await until('the invitations are files', () => mailTo('ana') && mailTo('never') && mailTo('ben'));
    const sits = async (room, name) => {
        const joined = await join(gateway, { room: room.id, name });
        const page = await enter(gateway, joined, 'chat');
        page.client.socket.terminate(); /* the connection breaks: the seat goes, and the meeting with it; the token stays */
        return joined;
    };
    await sits(day, 'Dora of the day');
    const lost = await sits(none, 'Gus of the moment');
    await until('nothing of that meeting is left', () => !mailTo('ana') && !mailTo('never') && filesWith(gateway.data, 'Gus of the moment').length === 0);
    await want(401, gateway, 'GET', `/rooms/${none.id}`, { token: lost.token });
    const again = await join(gateway, { room: none.id, name: 'Gus again' });
    assert.equal(again.state, 'in');
    await want(204, gateway, 'POST', '/leave', { token: again.token });
    const look = (at = '') => want(200, gateway, 'GET', `/rooms/${none.id}${at}`, { token: host.token });
    await until('that meeting is over and gone, too', async () => (await look()).state === 'scheduled' && (await look('/history')).meetings.length === 0);
    assert.ok(mailTo('ben'));
    assert.notDeepEqual(filesWith(gateway.data, 'Dora of the day'), []);

    /* what is mailed after a meeting is for the next one */
    await ask(none, 'late');
    await want(202, gateway, 'POST', '/host/signin', { body: { email: 'hana@x.example' } });
    await until('both are files', () => mailTo('late') && mailTo('hana'));
    const older = (days, what) => sql(`UPDATE mail_file SET written_at = written_at - ${days} * 86400000 WHERE recipient = '${what}@x.example'`);
    older(29, 'late');
    older(29, 'hana');
    sql(`UPDATE meeting SET ended_at = ended_at - 86400000, erase_at = erase_at - 86400000 WHERE room_id = '${day.id}'`);
    older(2, 'ben');
    await until('the day is over', () => !mailTo('ben') && filesWith(gateway.data, 'Dora of the day').length === 0);
    assert.ok(mailTo('late') && mailTo('hana'));
    older(1, 'late');
    older(1, 'hana');
    await until('an invitation and a link are good for a while only', () => !mailTo('late') && !mailTo('hana'));
    assert.equal((await gateway.stop()).code, 0);
});

test('who talks while somebody is erased does not notice', async (t) => {
    const gateway = await start('workspace:limits.updates_per_second=0', 'chat:limits.messages_per_second=0', 'stoa:limits.requests_per_second=0');
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@x.example', 'Hana');
    const { room, people: { ana, ben, cem } } = await classOf(gateway, host);
    const { id } = ok(await ben.ask('workspace', 'add', { kind: 'note', title: 'long' }));
    const update = Buffer.alloc(600, 1).toString('base64');
    for (let n = 0; n < 20; n++)
        (await Promise.all(Array.from({ length: 50 }, () => ben.ask('workspace', 'sync', { id, update })))).forEach(ok);
    let over = false, sent = 0;
    const talks = Promise.all([ben, cem].map(async (who) => {
        for (; !over; sent++)
            ok(await who.ask('chat', 'send', { text: `${sent}` }));
    }));
    await until('they talk', () => sent > 20);
    await want(204, gateway, 'DELETE', '/me', { token: ana.token });
    over = true;
    await talks;
    assert.equal(ok(await ben.ask('workspace', 'list', { id })).items[0].updates.length, 1000);
    ok(await ben.ask('workspace', 'sync', { id, update }));
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    assert.equal((await gateway.stop()).code, 0);
});

test('a module that was off is asked when it is on again', async (t) => {
    const gateway = await start('rooms:retention.sweep_s=1');
    t.after(() => gateway.child.kill('SIGKILL'));
    const admin = async (janus, plugin) => {
        const admin_secret = readFileSync(path(gateway.data, 'admin.secret'), 'utf8').trim();
        const answer = await fetch(`${gateway.admin}/admin`, { method: 'POST', body: JSON.stringify({ janus, plugin, transaction: 'a', admin_secret }) });
        assert.equal((await answer.json()).janus, 'success');
    };
    const host = await signIn(gateway, 'hana@x.example', 'Hana');
    const { room, people } = await classOf(gateway, host);
    const { id } = ok(await people.ana.ask('poll', 'create', { question: words('ana', 2), options: ['yes', words('ana', 3)] }));
    ok(await people.hana.ask('poll', 'open', { id }));
    await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await admin('disable_plugin', 'poll');
    await erase(gateway, people.ana);
    assert.deepEqual(filesWith(gateway.data, traceOf('ana')).filter((name) => !/^stoa\.db/.test(name)), []);
    assert.notDeepEqual(filesWith(gateway.data, words('ana', 2)), [], 'nobody can say what to leave of it');
    await admin('enable_plugin', 'poll');
    await until('it has been asked', () => filesWith(gateway.data, traceOf('ana')).length === 0);
    const { polls } = await readable(gateway, people.ben, room);
    assert.deepEqual(polls.map(({ question }) => question), ['erased']);
    assert.equal((await gateway.stop()).code, 0);
});
