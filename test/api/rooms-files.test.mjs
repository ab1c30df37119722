/* SPDX-License-Identifier: MIT */
/* What a meeting leaves behind: files, history, export, erasure, retention. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../lib/gateway.mjs';
import { call, enter, filesWith, invite, join, signIn, want } from '../lib/rooms.mjs';
import { unzip } from '../lib/unzip.mjs';

let gateway, host;
before(async () => {
    gateway = await start('workspace:limits.file_bytes=2000000', 'workspace:limits.room_bytes=3000000', 'rooms:limits.attempts_per_minute=0', 'rooms:retention.sweep_s=1', 'rooms:meeting.linger_s=0');
    host = await signIn(gateway, 'hana@school.example', 'Hana');
});
after(async () => assert.equal((await gateway.stop()).code, 0));

const until = async (what, fits) => {
    for (let n = 0; n < 200; n++, await sleep(50))
        if (await fits())
            return;
    assert.fail(`${what}: not within 10 s`);
};
const makeRoom = (body = {}) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', ...body } });
const comeIn = async (room, email, more) => {
    const invitation = await invite(gateway, host.token, room.id, email, more);
    return { ...await join(gateway, { invitation: invitation.token }), invitation };
};
const upload = (room, token, raw, headers = {}) => call(gateway, 'POST', `/rooms/${room.id}/files`, { token, raw, headers });
const left = (room) => [...(existsSync(path(gateway.data, 'files', room.id)) ? readdirSync(path(gateway.data, 'files', room.id)) : []), ...readdirSync(path(gateway.data, 'files', 'incoming'))];
const history = (room, token, query = '') => want(200, gateway, 'GET', `/rooms/${room.id}/history${query}`, { token });
const at = (url) => new URL(url, gateway.http);
const endMeeting = (room) => want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });

/** Whether a text is anywhere in the data folder: database, WAL, files, mails. */
const isKept = (text) => {
    const walk = (dir) => readdirSync(dir).some((name) => {
        const one = path(dir, name);
        try {
            return statSync(one).isDirectory() ? walk(one) : readFileSync(one).includes(text);
        } catch (error) { // it went just now
            assert.equal(error.code, 'ENOENT');
            return false;
        }
    });
    return walk(gateway.data);
};

test('a file is uploaded raw and as a form, and comes back with careful headers', async () => {
    const room = await makeRoom();
    const ana = await comeIn(room, 'ana@x.example', { name: 'Ana' });
    const bytes = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), randomBytes(300000)]);
    const raw = await upload(room, ana.token, bytes, { 'X-Filename': encodeURIComponent('../../etc/Blatt "1" ü.png') });
    assert.equal(raw.status, 201, raw.text);
    assert.deepEqual([raw.json.kind, raw.json.size, raw.json.type], ['file', bytes.length, 'image/png']);
    assert.doesNotMatch(raw.json.title, /[/\\"]/);
    const form = new FormData();
    form.append('note', 'before the file');
    form.append('file', new Blob([bytes]), 'naïve.bin');
    const two = await upload(room, ana.token, form);
    assert.equal(two.status, 201, two.text);
    assert.deepEqual([two.json.size, two.json.type, two.json.title], [bytes.length, 'image/png', 'naïve.bin']);
    const answer = await fetch(at(raw.json.url));
    assert.equal(answer.status, 200);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes));
    assert.match(answer.headers.get('content-disposition'), /^attachment; filename="[^"]*"; filename\*=UTF-8''/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy'), /sandbox/);
    const url = at(raw.json.url), bare = `/rooms/${room.id}/files/${url.pathname.split('/').pop()}`;
    const part = async (range) => {
        const one = await fetch(url, { headers: { Range: range } });
        return [one.status, one.headers.get('content-range'), Buffer.from(await one.arrayBuffer())];
    };
    assert.deepEqual(await part('bytes=8-15'), [206, `bytes 8-15/${bytes.length}`, bytes.subarray(8, 16)]);
    assert.deepEqual((await part('bytes=-4'))[2], bytes.subarray(-4));
    assert.deepEqual((await part(`bytes=${bytes.length - 2}-`))[2], bytes.subarray(-2));
    assert.equal((await part(`bytes=${bytes.length}-`))[0], 416);
    for (const odd of ['bytes=x-', 'bytes=5-2', 'lines=1-2', 'bytes=0-1,5-6'])
        assert.equal((await part(odd))[0], 200, odd);
    assert.equal((await call(gateway, 'GET', bare, { token: host.token })).status, 200);
    assert.equal((await call(gateway, 'HEAD', bare, { token: ana.token })).status, 200);
    const wrong = new URL(url);
    wrong.searchParams.set('ticket', `${url.searchParams.get('ticket').slice(0, -1)}!`);
    for (const one of [wrong, new URL(url.pathname, url)])
        assert.equal((await fetch(one)).status, 401);
    await want(404, gateway, 'GET', `/rooms/${room.id}/files/unknown`, { token: ana.token });
});

test('too large, of a forbidden kind, cut off, or more than the room takes: refused, and nothing is left', async () => {
    const room = await makeRoom();
    const ana = await comeIn(room, 'ana@x.example');
    const refuse = async (status, code, raw, headers) => {
        const answer = await upload(room, ana.token, raw, headers);
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.json.error.code, code);
        await until('nothing is left', () => left(room).length === 0);
    };
    await refuse(413, 'too_large', Buffer.alloc(2000001, 'x'));
    const form = new FormData();
    form.append('file', new Blob([Buffer.alloc(2500000, 'x')]), 'a.txt');
    await refuse(413, 'too_large', form);
    await refuse(413, 'too_large', new Blob([Buffer.alloc(2100000, 'x')]).stream(), {}).catch((error) => { if (error.code !== 'ERR_INVALID_ARG_TYPE' && !/duplex/.test(error.message)) throw error; });
    await refuse(400, 'invalid_request', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), Buffer.alloc(500)]), { 'X-Filename': 'photo.png' });
    await refuse(400, 'invalid_request', Buffer.concat([Buffer.from('MZ\x90\0', 'latin1'), Buffer.alloc(500)]));
    await refuse(400, 'invalid_request', 'x', { 'X-Filename': '%ff' });
    await refuse(400, 'invalid_request', 'x', { 'Content-Type': 'multipart/form-data' });
    await refuse(400, 'invalid_request', '--b\r\n\r\nno file\r\n--b--', { 'Content-Type': 'multipart/form-data; boundary=b' });
    await refuse(400, 'invalid_request', '--b\r\nContent-Disposition: form-data; filename="x"\r\n\r\ncut short', { 'Content-Type': 'multipart/form-data; boundary=b' });
    /* a giant that is cut off, and one that only says that it is one */
    const request = http.request(`${gateway.http}/api/v1/rooms/${room.id}/files`, { method: 'POST', headers: { Authorization: `Bearer ${ana.token}`, 'Content-Length': 1500000 } });
    request.on('error', () => {});
    request.write(Buffer.alloc(700000, 'x'));
    await until('it has begun', () => left(room).length === 1);
    request.destroy();
    await until('it is gone', () => left(room).length === 0);
    const giant = await new Promise((resolve, reject) => http.request(`${gateway.http}/api/v1/rooms/${room.id}/files`, { method: 'POST', headers: { Authorization: `Bearer ${ana.token}`, 'Content-Length': 5e9, Expect: '100-continue' } }, resolve).on('error', reject).flushHeaders());
    assert.equal(giant.statusCode, 413);
    giant.destroy();
    assert.equal((await upload(room, ana.token, Buffer.alloc(1900000, 'x'))).status, 201);
    const full = await upload(room, ana.token, Buffer.alloc(1900000, 'x'));
    assert.deepEqual([full.status, full.json.error.code], [413, 'too_large']);
    assert.equal(left(room).length, 1);
    assert.ok(!existsSync(path(gateway.data, 'files', 'etc')));
});

test('programs are none of the types that may be shared at first, also those that are text; who names them takes them', async (t) => {
    const room = await makeRoom(), ana = await comeIn(room, 'ana@x.example'), wide = (text) => Buffer.from(`\ufeff${text}`, 'utf16le');
    const programs = {
        'application/x-script': ['#!/bin/sh\nrm -r ~\n', '#! /usr/bin/python3\n', '\ufeff#!/bin/sh\n', '@ECHO OFF\r\ndel *.*\r\n', '\r\n@echo off\r\n', Buffer.from('#!/bin/sh\necho \xe4\n', 'latin1'), '<?php system($_GET[0]);', 'REGEDIT4\r\n',
            wide('Windows Registry Editor Version 5.00\r\n'), wide('@echo off\r\n'), wide('@echo off\r\n').swap16(), '[Desktop Entry]\nExec=sh\n', '[InternetShortcut]\r\nURL=file:///x.exe\r\n'],
        'application/java-archive': [Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), Buffer.from('META-INF/MANIFEST.MF'), Buffer.alloc(40)])],
        'application/x-debian-package': ['!<arch>\ndebian-binary   1'],
    };
    const lax = await start(`rooms:files.types=text/*;${Object.keys(programs).join(';')}`);
    t.after(() => lax.child.kill('SIGKILL'));
    const hana = await signIn(lax, 'hana@school.example', 'Hana');
    const other = await want(201, lax, 'POST', '/rooms', { token: hana.token, body: { title: 'Programming' } }), seat = await join(lax, { room: other.id }, { token: hana.token });
    for (const [type, files] of Object.entries(programs)) {
        for (const raw of files) {
            const refused = await upload(room, ana.token, raw, { 'X-Filename': 'notes.txt', 'Content-Type': 'text/plain' });
            assert.deepEqual([refused.status, refused.json.error?.code], [400, 'invalid_request'], `${raw}`);
            assert.match(refused.json.error.message, new RegExp(`${type} \\(rooms:files\\.types\\)`));
            assert.equal((await want(201, lax, 'POST', `/rooms/${other.id}/files`, { token: seat.token, raw, headers: { 'X-Filename': 'a' } })).type, type);
        }
    }
    for (const raw of ['# a heading\n#!/bin/sh is the first line of a script\n', 'echo @echo off', 'a list: #!', '<p>a page</p>', '\ufeffplain', wide('a text of Windows')])
        assert.equal((await upload(room, ana.token, raw)).status, 201, `${raw}`);
});

test('a meeting\'s history: who was there, what was said to whom, what was shared', async () => {
    const room = await makeRoom();
    const [ana, ben, cem] = [await comeIn(room, 'ana@x.example', { name: 'Ana' }), await comeIn(room, 'ben@x.example', { name: 'Ben' }), await comeIn(room, 'cem@x.example', { name: 'Cem' })];
    const invited = await invite(gateway, host.token, room.id, 'dora@x.example', { name: 'Dora' });
    await want(409, gateway, 'POST', '/history/session', { body: { token: invited.token } });
    const [a, b] = [await enter(gateway, ana, 'chat'), await enter(gateway, ben, 'chat')];
    for (let n = 0; n < 5; n++)
        assert.equal((await a.ask('chat', 'send', { text: `hello ${n} <b>'; DROP TABLE record; --` })).reply, 'send');
    await a.ask('chat', 'send', { text: 'only for Ben', to: ben.participant.id });
    await upload(room, ana.token, 'a text file', { 'X-Filename': 'a.txt' });
    a.close();
    b.close();
    await endMeeting(room);
    const seen = await history(room, host.token);
    assert.equal(seen.meetings.length, 1);
    const [meeting] = seen.meetings;
    assert.deepEqual(meeting.attendance.map(({ name, role }) => [name, role]).sort(), [['Ana', 'participant'], ['Ben', 'participant'], ['Cem', 'participant']]);
    assert.ok(meeting.ended_at >= meeting.started_at && meeting.attendance.every(({ left_at }) => left_at));
    assert.deepEqual(meeting.chat.map(({ text }) => text.split(' <')[0]), ['hello 0', 'hello 1', 'hello 2', 'hello 3', 'hello 4']);
    assert.deepEqual(Object.keys(meeting.chat[0]).sort().filter((key) => ['at', 'from', 'id', 'text'].includes(key)), ['at', 'from', 'id', 'text']);
    assert.equal(meeting.workspace.length, 1);
    assert.deepEqual([meeting.workspace[0].kind, meeting.workspace[0].title, meeting.workspace[0].size], ['file', 'a.txt', 11]);
    assert.equal(await (await fetch(at(meeting.workspace[0].url))).text(), 'a text file');
    /* private messages to their two ends only; who was only invited sees the rest */
    const reader = async (token) => want(201, gateway, 'POST', '/history/session', { body: { token } });
    for (const [who, sees] of [[ana, true], [ben, true], [cem, false]]) {
        const { token } = await reader(who.invitation.token);
        assert.equal((await history(room, token)).meetings[0].chat.some(({ text }) => text === 'only for Ben'), sees);
    }
    const dora = await reader(invited.token);
    assert.deepEqual([dora.participant.name, dora.room.id], ['Dora', room.id]);
    assert.equal((await history(room, dora.token)).meetings[0].chat.length, 5);
    /* pages */
    const first = (await history(room, dora.token, `?meeting=${meeting.id}&limit=2`)).meetings[0];
    assert.deepEqual([first.chat.map(({ text }) => text.slice(0, 7)), first.more], [['hello 3', 'hello 4'], true]);
    const second = (await history(room, dora.token, `?meeting=${meeting.id}&limit=3&before=${first.chat[0].id}`)).meetings[0];
    assert.deepEqual([second.chat.map(({ text }) => text.slice(0, 7)), second.more], [['hello 0', 'hello 1', 'hello 2'], undefined]);
    await want(404, gateway, 'GET', `/rooms/${room.id}/history?meeting=unknown`, { token: dora.token });
    for (const query of ['?limit=0', '?limit=x', '?before=x', '?limit=100000'])
        await want(400, gateway, 'GET', `/rooms/${room.id}/history${query}`, { token: dora.token });
    /* and out of the house */
    const exported = await want(200, gateway, 'GET', `/rooms/${room.id}/history/export?format=json`, { token: dora.token });
    assert.equal(exported.meetings[0].chat.length, 5);
    /* an export is read when tickets are long over: its urls hold none, and are good with a token */
    const item = (of) => of.meetings.flatMap(({ workspace }) => workspace).find(({ kind }) => kind === 'file');
    assert.ok(!JSON.stringify(exported).includes('ticket'));
    const got = await fetch(new URL(item(exported).url, gateway.http), { headers: { Authorization: `Bearer ${dora.token}` } });
    assert.deepEqual([got.status, await got.text()], [200, 'a text file']);
    assert.equal((await fetch(new URL(item(exported).url, gateway.http))).status, 401);
    await want(400, gateway, 'GET', `/rooms/${room.id}/history/export?format=pdf`, { token: dora.token });
    const zip = await fetch(`${gateway.http}/api/v1/rooms/${room.id}/history/export?format=zip`, { headers: { Authorization: `Bearer ${dora.token}` } });
    assert.deepEqual([zip.status, zip.headers.get('content-type')], [200, 'application/zip']);
    const files = unzip(Buffer.from(await zip.arrayBuffer()));
    assert.deepEqual([...files.keys()].map((name) => name.replace(/\w+-a/, 'ID-a')), ['README.txt', 'notes.mjs', 'history.json', 'files/ID-a.txt']);
    const index = JSON.parse(files.get('history.json'));
    assert.equal(index.meetings[0].chat.length, 5);
    assert.equal(files.get(item(index).path).toString(), 'a text file');
    assert.equal(item(index).url, item(exported).url);
    assert.deepEqual(readdirSync(path(gateway.data, 'files', 'incoming')), []);
});

test('an export brings the way to open its notes and boards, as its README says; sealed ones stay closed', async (t) => {
    const yjs = path(import.meta.dirname, '../../html/lib/yjs.js'), Y = await import(yjs);
    const room = await makeRoom(), ana = await comeIn(room, 'ana@x.example'), a = await enter(gateway, ana, 'workspace');
    const add = async (kind, change) => {
        const { id } = await a.ask('workspace', 'add', { kind, title: `a ${kind}` }), doc = new Y.Doc(), updates = [];
        doc.on('update', (update) => updates.push(Buffer.from(update).toString('base64')));
        change(doc);
        const seqs = [];
        for (const update of updates)
            seqs.push((await a.ask('workspace', 'sync', { id, update })).seq);
        return { id, doc, seqs };
    };
    const note = await add('note', (doc) => ['Dear class,', ' well done.', ' Größe: π'].forEach((text) => doc.getText('note').insert(doc.getText('note').length, text)));
    await a.ask('workspace', 'snapshot', { id: note.id, upto: note.seqs[1], update: Buffer.from(Y.encodeStateAsUpdate(note.doc)).toString('base64') });
    const board = await add('board', (doc) => doc.getArray('marks').push([{ color: 'red', points: [1, 2] }]));
    a.close();
    await endMeeting(room);
    const zip = await fetch(`${gateway.http}/api/v1/rooms/${room.id}/history/export?format=zip`, { headers: { Authorization: `Bearer ${host.token}` } });
    const files = unzip(Buffer.from(await zip.arrayBuffer())), folder = mkdtempSync(path(tmpdir(), 'stoa-export-'));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const [name, bytes] of files)
        writeFileSync(path(folder, name), bytes);
    const kept = JSON.parse(files.get('history.json')); // of a sealed class: only browsers that were in have its keys
    kept.meetings[0].workspace.push({ id: '9999', kind: 'note', updates: [{ sealed: 'AAAA', epoch: 1 }] });
    writeFileSync(path(folder, 'history.json'), JSON.stringify(kept));
    mkdirSync(path(folder, 'node_modules/yjs'), { recursive: true }); // "npm install yjs"
    copyFileSync(yjs, path(folder, 'node_modules/yjs/index.mjs'));
    writeFileSync(path(folder, 'node_modules/yjs/package.json'), '{"name": "yjs", "main": "index.mjs"}');
    const program = /^ +node (\S+)$/m.exec(files.get('README.txt'))[1];
    execFileSync(process.execPath, [program], { cwd: folder });
    assert.deepEqual(readdirSync(folder).filter((name) => /^(note|board)-/.test(name)).sort(), [`board-${board.id}.json`, `note-${note.id}.txt`]);
    assert.equal(readFileSync(path(folder, `note-${note.id}.txt`), 'utf8'), 'Dear class, well done. Größe: π');
    assert.deepEqual(JSON.parse(readFileSync(path(folder, `board-${board.id}.json`), 'utf8')), [{ color: 'red', points: [1, 2] }]);
});

test('a person takes their data along, and is forgotten to the last byte', async () => {
    const room = await makeRoom();
    const secret = `secret-${randomBytes(8).toString('hex')}`, kept = `kept-${randomBytes(8).toString('hex')}`, shared = `file-${randomBytes(8).toString('hex')}`;
    const ana = await comeIn(room, `${secret}@x.example`, { name: 'Ana Secret' }), ben = await comeIn(room, 'ben@x.example', { name: 'Ben' });
    const [a, b] = [await enter(gateway, ana, 'chat', 'workspace'), await enter(gateway, ben, 'chat', 'workspace')];
    await a.ask('chat', 'send', { text: `this is ${secret}` });
    await b.ask('chat', 'send', { text: `this is ${kept}` });
    await a.ask('chat', 'send', { text: `privately ${secret}`, to: ben.participant.id });
    await upload(room, ana.token, shared, { 'X-Filename': `${secret}.txt` });
    const note = async (title, ...pages) => { // what each wrote in it
        const { id } = await pages[0].ask('workspace', 'add', { kind: 'note', title });
        const updates = pages.map(() => randomBytes(30).toString('base64'));
        for (const [i, page] of pages.entries())
            await page.ask('workspace', 'sync', { id, update: updates[i] });
        return updates;
    };
    const alone = await note('a diary', a), together = await note('minutes', a, b);
    const mine = await want(200, gateway, 'GET', '/me/export', { token: ana.token });
    assert.equal(mine.person.email, `${secret}@x.example`);
    assert.equal(mine.records.filter(({ body }) => JSON.stringify(body).includes(secret)).length, 3);
    assert.ok(!JSON.stringify(mine).includes(kept));
    assert.equal(mine.files.length, 1);
    assert.ok(isKept(secret) && isKept(shared));
    await want(204, gateway, 'DELETE', '/me', { token: ana.token });
    for (const text of [secret, shared, 'Ana Secret', ...alone])
        assert.ok(!isKept(text), `${text} is still in the data folder`);
    assert.ok(isKept(kept) && together.every(isKept));
    assert.deepEqual((await b.ask('workspace', 'list')).items.map(({ title, updates }) => [title, updates]), [['erased', together]]);
    await want(401, gateway, 'GET', '/me/export', { token: ana.token });
    const state = await b.ask('chat', 'history', { limit: 10 });
    assert.ok(JSON.stringify(state).includes(kept) && !JSON.stringify(state).includes(secret));
    await endMeeting(room);
    const { meetings: [meeting] } = await history(room, host.token);
    assert.ok(meeting.attendance.some(({ name }) => name === null));
    assert.ok(meeting.chat.some(({ text }) => text === `this is ${kept}`));
    a.close();
    b.close();
});

test('a deleted room leaves no byte', async () => {
    const secret = `gone-${randomBytes(8).toString('hex')}`;
    const room = await makeRoom({ title: secret });
    const ana = await comeIn(room, 'ana@x.example');
    const a = await enter(gateway, ana, 'chat');
    await a.ask('chat', 'send', { text: secret });
    await upload(room, ana.token, secret);
    assert.ok(isKept(secret));
    await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token: host.token });
    assert.ok(!isKept(secret));
    assert.ok(!existsSync(path(gateway.data, 'files', room.id)));
    await want(401, gateway, 'GET', `/rooms/${room.id}/history`, { token: ana.token });
    await want(404, gateway, 'GET', `/rooms/${room.id}/history`, { token: host.token });
    a.close();
});

/* Before the end each of these is in the data folder. */
async function meetingOf(room, marks) {
    const ana = await comeIn(room, 'ana@x.example', { name: 'Ana' }), guest = await join(gateway, { room: room.id, name: marks.name });
    const [a, g] = [await enter(gateway, ana, 'chat'), await enter(gateway, guest, 'chat', 'workspace')];
    await a.ask('chat', 'send', { text: marks.text });
    await g.ask('workspace', 'add', { kind: 'link', title: marks.title, url: 'https://x.example/' });
    await upload(room, ana.token, marks.bytes, { 'X-Filename': `${marks.file}.txt` });
    a.close();
    g.close();
    for (const text of Object.values(marks))
        assert.ok(isKept(text), `${text} is not in the data folder`);
    return guest;
}
const someMarks = () => Object.fromEntries(['name', 'text', 'title', 'bytes', 'file'].map((what) => [what, `${what}-${randomBytes(8).toString('hex')}`]));
const noneIsKept = async (marks) => {
    for (const text of Object.values(marks))
        await until(`${text} is gone from the data folder`, () => !isKept(text));
};

test('a history runs out by itself, to the last byte', async () => {
    const room = await makeRoom({ retention_days: 0, access: 'public' }), marks = someMarks();
    await meetingOf(room, marks);
    await endMeeting(room);
    await until('the history is gone', async () => (await history(room, host.token)).meetings.length === 0);
    await until('the file is gone', () => left(room).length === 0);
    await noneIsKept(marks);
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    const people = await want(200, gateway, 'GET', `/rooms/${room.id}/participants`, { token: host.token });
    assert.deepEqual(people.filter(({ name }) => name === marks.name), []);
});

test('a history that may stay for a day goes when that day is over', async () => {
    const room = await makeRoom({ retention_days: 1, access: 'public' }), marks = someMarks();
    await meetingOf(room, marks);
    await endMeeting(room);
    const next = await makeRoom({ access: 'public' }), early = `early-${randomBytes(8).toString('hex')}`;
    await join(gateway, { room: next.id, name: early });
    await until('the summary is a file', () => /-summary-/.test(readdirSync(path(gateway.data, 'mail')).join()));
    const [{ id }] = (await history(room, host.token)).meetings;
    const age = (hours) => execFileSync('sqlite3', [path(gateway.data, 'stoa.db'), '-cmd', '.timeout 5000', `UPDATE meeting SET ended_at = ended_at - ${hours * 3600000}, erase_at = erase_at - ${hours * 3600000} WHERE id = '${id}'`]);
    age(23);
    await sleep(2500); // two rounds
    for (const text of [early, ...Object.values(marks)])
        assert.ok(isKept(text), `${text} went too early`);
    age(1);
    await until('the history is gone', async () => (await history(room, host.token)).meetings.length === 0);
    await noneIsKept(marks);
    assert.ok(isKept(early), 'who can still come in is not forgotten');
});

/** The history links that were mailed to NAME.mark@…: {NAME: token}, once there are n. */
async function summaryLinks(mark, n) {
    const folder = path(gateway.data, 'mail'), links = {};
    await until(`${n} summaries are written`, () => {
        for (const file of (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.endsWith('.eml'))) {
            const text = readFileSync(path(folder, file), 'utf8').replace(/=\r?\n/g, '').replaceAll('=3D', '=');
            const name = new RegExp(`^To: (\\w+)\\.${mark}@`, 'm').exec(text)?.[1];
            if (name)
                links[name] = /#h=([\w-]{43})/.exec(text)[1];
        }
        return Object.keys(links).length >= n;
    });
    return links;
}

test('who came late, was removed, banned or revoked sees of the history what is theirs to see', async () => {
    const room = await makeRoom(), people = {};
    for (const name of ['early', 'removed', 'banned', 'revoked', 'late', 'never'])
        people[name] = { invitation: await invite(gateway, host.token, room.id, `${name}.seen@x.example`, { name }) };
    const arrive = async (name) => {
        people[name].page = await enter(gateway, await join(gateway, { invitation: people[name].invitation.token }), 'room', 'chat');
        return people[name].page;
    };
    const act = (name, action) => want(200, gateway, 'POST', `/rooms/${room.id}/participants/${people[name].page.id}`, { token: host.token, body: { action } });
    for (const name of ['early', 'removed', 'banned', 'revoked'])
        await arrive(name);
    const say = (text, to) => people.early.page.ask('chat', 'send', { text, ...(to ? { to: people[to].page.id } : {}) });
    await say('one');
    for (const name of ['removed', 'banned', 'revoked'])
        await say(`for ${name}`, name);
    await act('removed', 'remove');
    await act('banned', 'ban');
    await want(204, gateway, 'DELETE', `/rooms/${room.id}/invitations/${people.revoked.invitation.id}`, { token: host.token });
    for (const name of ['removed', 'banned', 'revoked']) {
        await people[name].page.hears('room', 'removed');
        await want(401, gateway, 'GET', `/rooms/${room.id}/history`, { token: people[name].page.token });
    }
    await say('two');
    /* late: what was said to all before, too, in each of three ways */
    const late = await arrive('late');
    assert.deepEqual((await late.ask('chat', 'history', { limit: 50 })).messages.map(({ text }) => text), ['one', 'two']);
    await late.ask('chat', 'resume', { after: 0 });
    assert.deepEqual(late.client.events.filter(({ plugindata }) => plugindata?.data.event === 'message').map(({ plugindata: { data } }) => data.text), ['one', 'two']);
    for (const name of ['early', 'removed', 'banned', 'revoked', 'late'])
        people[name].page.close();
    await endMeeting(room);

    /* links of the summary: those who were in, and nobody else */
    const links = await summaryLinks('seen', 5);
    const all = ['one', 'for removed', 'for banned', 'for revoked', 'two'];
    const sees = { early: all, removed: ['one', 'for removed', 'two'], banned: ['one', 'for banned', 'two'], revoked: ['one', 'for revoked', 'two'], late: ['one', 'two'], never: ['one', 'two'] };
    const seen = {};
    for (const [name, { invitation }] of Object.entries(people)) {
        for (const [by, token] of [['invitation', invitation.token], ['link', links[name]]]) {
            const answer = token && await call(gateway, 'POST', '/history/session', { body: { token } });
            if (answer?.status === 201)
                seen[`${name} by ${by}`] = (await history(room, answer.json.token)).meetings[0].chat.map(({ text }) => text);
            else
                seen[`${name} by ${by}`] = answer?.status;
        }
    }
    const expected = Object.fromEntries(Object.entries(sees).flatMap(([name, texts]) => [[`${name} by invitation`, texts], [`${name} by link`, texts]]));
    assert.deepEqual(seen, { ...expected, 'revoked by invitation': 410, 'banned by invitation': 410, 'never by link': undefined });
});

test('who was banned or uninvited keeps the meetings that they were in, and sees no later one', async () => {
    const room = await makeRoom(), people = {};
    for (const name of ['banned', 'revoked', 'removed', 'never'])
        people[name] = { invitation: await invite(gateway, host.token, room.id, `${name}.later@x.example`, { name }) };
    const meet = async (text, before) => {
        const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'chat'), pages = [hana];
        await hana.ask('chat', 'send', { text });
        const file = (await upload(room, hana.token, text, { 'X-Filename': 'a.txt' })).json;
        await before(pages);
        pages.forEach((page) => page.close());
        await endMeeting(room);
        await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
        return { text, file: at(file.url).pathname };
    };
    const first = await meet('of the first', async (pages) => {
        for (const name of ['banned', 'revoked', 'removed'])
            pages.push(people[name].page = await enter(gateway, await join(gateway, { invitation: people[name].invitation.token }), 'chat'));
    });
    const open = async (token) => (await want(201, gateway, 'POST', '/history/session', { body: { token } })).token;
    for (const one of Object.values(people)) // before they are out: what was opened then is no way around
        one.token = await open(one.invitation.token);
    const links = await summaryLinks('later', 3); // of the first meeting
    const second = await meet('of the second', async () => {
        for (const action of ['remove', 'ban']) {
            const one = people[{ remove: 'removed', ban: 'banned' }[action]], page = await enter(gateway, await join(gateway, { invitation: one.invitation.token }), 'room');
            await want(200, gateway, 'POST', `/rooms/${room.id}/participants/${page.id}`, { token: host.token, body: { action } });
            page.close();
        }
        for (const name of ['revoked', 'never'])
            await want(204, gateway, 'DELETE', `/rooms/${room.id}/invitations/${people[name].invitation.id}`, { token: host.token });
    });
    const third = await meet('of the third', async () => {});
    for (const name of ['revoked', 'never'])
        await want(401, gateway, 'GET', `/rooms/${room.id}/history`, { token: people[name].token });
    const sees = { banned: [first, second], revoked: [first], removed: [first, second, third] };
    for (const [name, token] of [['banned', people.banned.token], ['removed', people.removed.token], ...await Promise.all(Object.entries(links).map(async ([name, link]) => [name, await open(link)]))]) {
        const { meetings } = await history(room, token);
        assert.deepEqual(meetings.flatMap(({ chat }) => chat.map(({ text }) => text)), sees[name].map(({ text }) => text), name);
        const exported = JSON.stringify(await want(200, gateway, 'GET', `/rooms/${room.id}/history/export?format=json`, { token }));
        for (const meeting of [first, second, third]) {
            const may = sees[name].includes(meeting), got = await fetch(at(meeting.file), { headers: { Authorization: `Bearer ${token}` } });
            assert.deepEqual([got.status, exported.includes(meeting.text)], [may ? 200 : 404, may], `${name}, ${meeting.text}`);
        }
    }
});

test('a form with two files is refused, and nothing is kept of it', async () => {
    const room = await makeRoom(), ana = await comeIn(room, 'two@school.example');
    const form = new FormData();
    form.append('file', new Blob(['one']), '1.txt');
    form.append('file', new Blob(['two']), '2.txt');
    const answer = await upload(room, ana.token, form);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json.error.message, /more than one file/);
    await until('nothing is left', () => left(room).length === 0);
});

test('in a room that is sealed the name of a file is sealed, too', async () => {
    const room = await makeRoom({ e2ee: 'all' }), ana = await comeIn(room, 'sealed@school.example');
    const form = (name) => { const one = new FormData(); one.append('file', new Blob(['x']), name); return one; };
    const sealed = JSON.stringify({ sealed: 'QUJD', epoch: 1 });
    for (const [raw, headers] of [['x', { 'X-Filename': 'plain.txt' }], ['x', {}], ['x', { 'X-Filename': encodeURIComponent('"text"') }], ['x', { 'X-Filename': encodeURIComponent('{"sealed":"QUJD","epoch":1,"plain":"x"}') }],
        ['x', { 'X-Filename': encodeURIComponent('{"sealed":"no base64","epoch":1}') }], [form('plain.txt'), {}]]) {
        const answer = await upload(room, ana.token, raw, headers);
        assert.equal(answer.status, 400, `${JSON.stringify(headers)} ${answer.text}`);
        assert.match(answer.json.error.message, /X-Filename/);
    }
    assert.deepEqual(left(room), []);
    const { status, json } = await upload(room, ana.token, 'x', { 'X-Filename': encodeURIComponent(sealed) });
    assert.deepEqual([status, json.title], [201, JSON.parse(sealed)]);
    assert.equal((await upload(room, ana.token, form(sealed))).status, 201, 'in a form, too');
});

test('a guest has no address for a link: their token reads the history for a while when the room has ended, and nothing else', async (t) => {
    const brief = await start('rooms:limits.attempts_per_minute=0', 'rooms:tokens.participant_s=6');
    t.after(async () => assert.equal((await brief.stop()).code, 0));
    const { token } = await signIn(brief, 'brief@school.example', 'Brief');
    const room = await want(201, brief, 'POST', '/rooms', { token, body: { title: 'Open', access: 'public' } });
    const ana = await enter(brief, await join(brief, { room: room.id, name: 'Ana' }), 'chat'), ben = await join(brief, { room: room.id, name: 'Ben' }), cem = await join(brief, { room: room.id, name: 'Cem' });
    await ana.ask('chat', 'send', { text: 'hello' });
    await ana.ask('chat', 'send', { text: 'for Ben', to: ben.participant.id });
    const item = await want(201, brief, 'POST', `/rooms/${room.id}/files`, { token: ana.token, raw: 'bytes' });
    await want(200, brief, 'POST', `/rooms/${room.id}/participants/${cem.participant.id}`, { token, body: { action: 'remove' } });
    await want(200, brief, 'PATCH', `/rooms/${room.id}`, { token, body: { lobby: true } });
    const waits = await join(brief, { room: room.id, name: 'Waits' });
    await want(200, brief, 'POST', `/rooms/${room.id}/end`, { token });
    const read = async (who) => (await want(200, brief, 'GET', `/rooms/${room.id}/history`, { token: who.token })).meetings[0].chat.map(({ text }) => text);
    assert.deepEqual([await read(ana), await read(ben)], [['hello', 'for Ben'], ['hello', 'for Ben']]);
    assert.equal((await call(brief, 'GET', new URL(item.url, brief.http).pathname.replace('/api/v1', ''), { token: ben.token })).text, 'bytes');
    await want(200, brief, 'GET', `/rooms/${room.id}/history/export?format=json`, { token: ana.token });
    for (const who of [waits, cem])
        await want(401, brief, 'GET', `/rooms/${room.id}/history`, { token: who.token });
    for (const [method, path] of [['GET', ''], ['GET', '/participants'], ['PATCH', ''], ['POST', '/files'], ['POST', '/end'], ['POST', `/participants/${ben.participant.id}`]])
        await want(401, brief, method, `/rooms/${room.id}${path}`, { token: ana.token, ...(method === 'GET' ? {} : { body: {} }) });
    await want(401, brief, 'POST', '/leave', { token: ana.token });
    await assert.rejects(enter(brief, { ...ana.joined }, 'room'), /403/);
    assert.equal((await want(200, brief, 'GET', '/me/export', { token: ana.token })).participants.length, 1);
    await want(204, brief, 'DELETE', '/me', { token: ana.token });
    await want(401, brief, 'GET', '/me/export', { token: ana.token });
    assert.deepEqual((await read(ben)).filter((text) => /hello/.test(text)), []);
    await until('his token is over', async () => (await call(brief, 'GET', `/rooms/${room.id}/history`, { token: ben.token })).status === 401);
});

test('what goes on now is read by who is in: not by the invited, who waits, was put out or found the room locked', async () => {
    const room = await makeRoom(), people = {};
    for (const name of ['in', 'left', 'out', 'banned', 'denied', 'locked', 'never'])
        people[name] = { invitation: await invite(gateway, host.token, room.id, `${name}.now@x.example`, { name }) };
    const hana = await join(gateway, { room: room.id }, { token: host.token });
    await upload(room, hana.token, 'of the first', { 'X-Filename': 'first.txt' });
    await endMeeting(room);
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    const again = await join(gateway, { room: room.id }, { token: host.token });
    const comes = async (name) => (people[name].seat = await join(gateway, { invitation: people[name].invitation.token }));
    const act = (name, action) => want(200, gateway, 'POST', `/rooms/${room.id}/participants/${people[name].seat.participant.id}`, { token: host.token, body: { action } });
    for (const one of Object.values(people))
        one.token = (await want(201, gateway, 'POST', '/history/session', { body: { token: one.invitation.token } })).token;
    for (const name of ['in', 'left', 'out', 'banned'])
        await comes(name);
    await want(204, gateway, 'POST', '/leave', { token: people.left.seat.token });
    await act('out', 'remove');
    await act('banned', 'ban');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { lobby: true } });
    await comes('denied');
    await act('denied', 'deny');
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { locked: true } });
    await want(409, gateway, 'POST', '/join', { body: { invitation: people.locked.invitation.token } });
    const file = (await upload(room, again.token, 'of the second', { 'X-Filename': 'second.txt' })).json;
    const seen = {};
    for (const [name, { token }] of [...Object.entries(people), ['host', { token: host.token }], ['seat', people.in.seat]]) {
        const { meetings } = await history(room, token);
        const exported = await call(gateway, 'GET', `/rooms/${room.id}/history/export?format=json`, { token });
        const zip = Buffer.from(await (await fetch(`${gateway.http}/api/v1/rooms/${room.id}/history/export?format=zip`, { headers: { Authorization: `Bearer ${token}` } })).arrayBuffer());
        const got = (await fetch(at(file.url.split('?')[0]), { headers: { Authorization: `Bearer ${token}` } })).status;
        const page = (await call(gateway, 'GET', `/rooms/${room.id}/history?meeting=${room.id}`, { token })).status;
        assert.equal(page, 404);
        seen[name] = [meetings.length, exported.text.includes('second.txt'), zip.includes('second.txt'), got];
    }
    const all = [2, true, true, 200], past = [1, false, false, 404];
    assert.deepEqual(seen, { in: all, left: all, out: past, banned: [0, false, false, 404], denied: past, locked: past, never: past, host: all, seat: all });
    await endMeeting(room); // now it is history
    assert.equal((await history(room, people.never.token)).meetings.length, 2);
});

test('what a module left is in the history, though the room has it no more', async () => {
    const room = await makeRoom();
    const page = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'chat', 'poll', 'workspace');
    await page.ask('chat', 'send', { text: 'said before' });
    await page.ask('workspace', 'add', { kind: 'link', title: 'shown before', url: 'https://x.example/' });
    const { id } = await page.ask('poll', 'create', { question: 'asked before?', options: ['a', 'b'] });
    await page.ask('poll', 'open', { id });
    await page.ask('poll', 'close', { id });
    const open = await page.ask('poll', 'create', { question: 'still open?', options: ['a', 'b'] });
    await page.ask('poll', 'open', { id: open.id });
    await page.ask('poll', 'vote', { id: open.id, choices: [1] });
    page.close();
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { modules: ['videoroom'] } });
    for (const ended of [false, true]) {
        if (ended)
            await endMeeting(room);
        const { meetings: [meeting] } = await history(room, host.token);
        assert.deepEqual([meeting.chat[0]?.text, meeting.workspace[0]?.title, meeting.polls[0]?.question], ['said before', 'shown before', 'asked before?']);
        if (ended) // the end of the meeting closes it, and its summary lists what was shared
            assert.deepEqual(meeting.polls.map(({ question, options: [, { votes }] }) => [question, votes]), [['asked before?', 0], ['still open?', 1]]);
    }
});

test('the link of a summary is good for as long as the history is kept', async () => {
    const room = await makeRoom({ retention_days: 1 });
    await comeIn(room, 'kept.links@x.example', { name: 'Ana' });
    await endMeeting(room);
    const { kept: token } = await summaryLinks('links', 1);
    const expires = () => Number(execFileSync('sqlite3', [path(gateway.data, 'stoa.db'), `SELECT t.expires_at - m.erase_at FROM participant_token t, meeting m JOIN participant p ON p.id = t.participant_id WHERE t.kind = 'link' AND m.room_id = '${room.id}' AND p.room_id = '${room.id}' LIMIT 1`], { encoding: 'utf8' }));
    assert.equal(expires(), 0);
    for (const retention_days of [90, 2]) {
        await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { retention_days } });
        assert.equal(expires(), 0);
        await want(201, gateway, 'POST', '/history/session', { body: { token } });
    }
});

test('what is kept for no time goes as soon as its summary is mailed, however seldom the rest is swept', async (t) => {
    const one = await start();
    t.after(() => one.child.kill('SIGKILL'));
    const teacher = await signIn(one, 'hana@school.example', 'Hana');
    const room = await want(201, one, 'POST', '/rooms', { token: teacher.token, body: { title: 'Secret', retention_days: 0 } });
    const page = await enter(one, await join(one, { room: room.id }, { token: teacher.token }), 'chat');
    await page.ask('chat', 'send', { text: 'a-word-that-goes' });
    page.close();
    await want(200, one, 'POST', `/rooms/${room.id}/end`, { token: teacher.token });
    await until('the erasure', () => filesWith(one.data, 'a-word-that-goes').length === 0);
    assert.deepEqual((await want(200, one, 'GET', `/rooms/${room.id}/history`, { token: teacher.token })).meetings, []);
    assert.equal((await one.stop()).code, 0);
});

test('of a note that goes on in a later meeting one sees what was written in the meetings that are one\'s to see', async () => {
    const room = await makeRoom(), base64 = (text) => Buffer.from(text).toString('base64'), invitations = {};
    for (const name of ['never', 'banned'])
        invitations[name] = await invite(gateway, host.token, room.id, `${name}.notes@x.example`, { name });
    const arrive = () => join(gateway, { room: room.id }, { token: host.token });
    const again = async (page) => {
        page.close();
        await endMeeting(room);
        await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    };
    let page = await enter(gateway, await arrive(), 'workspace');
    const banned = await join(gateway, { invitation: invitations.banned.token });
    const { id } = await page.ask('workspace', 'add', { kind: 'note', title: 'Minutes' });
    const { seq } = await page.ask('workspace', 'sync', { id, update: base64('of the first') });
    await again(page);
    const tokens = {};
    for (const [name, { token }] of Object.entries(invitations))
        tokens[name] = (await want(201, gateway, 'POST', '/history/session', { body: { token } })).token;
    page = await enter(gateway, await arrive(), 'workspace');
    await want(200, gateway, 'POST', `/rooms/${room.id}/participants/${banned.participant.id}`, { token: host.token, body: { action: 'ban' } });
    await page.ask('workspace', 'sync', { id, update: base64('of the second') });
    const reads = async (token) => {
        const seen = [await history(room, token), await want(200, gateway, 'GET', `/rooms/${room.id}/history/export?format=json`, { token })].map(({ meetings }) => {
            const { snapshot, updates } = meetings[0].workspace[0];
            return [snapshot, ...updates].filter(Boolean).map((text) => Buffer.from(text, 'base64').toString());
        });
        assert.deepEqual(seen[0], seen[1]);
        return seen[0];
    };
    assert.deepEqual([await reads(tokens.never), await reads(tokens.banned), await reads(host.token)], [['of the first'], ['of the first'], ['of the first', 'of the second']]);
    await page.ask('workspace', 'snapshot', { id, upto: seq, update: base64('all, again') }); // which takes the place of what they see
    assert.deepEqual([await reads(tokens.never), await reads(tokens.banned), await reads(host.token)], [['of the first'], ['of the first'], ['all, again', 'of the second']]);
    await again(page);
    assert.deepEqual([await reads(tokens.never), await reads(tokens.banned)], [['all, again', 'of the second'], ['of the first']]);
});

test('a summary that is written anew has a link for as long as the history is kept by then', async () => {
    const room = await makeRoom({ retention_days: 1 }), stays = await comeIn(room, 'stays.anew@x.example', { name: 'Ana' }), goes = await comeIn(room, 'goes.anew@x.example', { name: 'Ben' });
    assert.ok(stays.token && goes.token);
    await endMeeting(room);
    const before = await summaryLinks('anew', 2);
    await want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { retention_days: 90 } });
    const { token } = await want(201, gateway, 'POST', '/history/session', { body: { token: before.goes } });
    await want(204, gateway, 'DELETE', '/me', { token });
    let link;
    await until('it is written anew', async () => (link = (await summaryLinks('anew', 1)).stays) !== before.stays && link);
    const rows = execFileSync('sqlite3', [path(gateway.data, 'stoa.db'), `SELECT t.expires_at - m.erase_at FROM participant_token t JOIN participant p ON p.id = t.participant_id JOIN meeting m ON m.room_id = p.room_id WHERE t.kind = 'link' AND p.room_id = '${room.id}'`], { encoding: 'utf8' });
    assert.deepEqual(rows.trim().split('\n'), ['0', '0']);
    await want(201, gateway, 'POST', '/history/session', { body: { token: link } });
});
