/* SPDX-License-Identifier: MIT */
/* `--backup` while people chat and upload, then a restore as docs/operating.md describes it: what was acknowledged before the backup
 * is there, in a data folder of its own, and everybody's token goes on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { start } from '../lib/gateway.mjs';
import { unlimited } from '../lib/load.mjs';
import { call, enter, invite, join, signIn, stoa, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

/* A folder that goes with its test. */
function folder(t) {
    const dir = mkdtempSync(path(tmpdir(), 'stoa-backup-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/* A gateway that goes with its test, however that ends. */
async function launch(t, ...settings) {
    const gateway = await start(...settings);
    t.after(() => gateway.child.kill('SIGKILL'));
    return gateway;
}

/* Each of the people chats and uploads until stop(): what was acknowledged, in `kept`. */
function load(gateway, people) {
    const kept = { chat: [], files: [] };
    let on = true, n = 0;
    const keepOn = async (work) => { while (on) await work(); };
    const ended = people.flatMap((person) => [
        keepOn(async () => {
            const text = `message ${++n} ${'ä'.repeat(n % 300)}`, answer = await person.ask('chat', 'send', { text });
            assert.equal(answer.error, undefined, answer.error);
            kept.chat.push(`${answer.id} ${text}`);
        }),
        keepOn(async () => {
            const bytes = randomBytes(1 + (++n * 7919) % 100000), headers = { 'X-Filename': `${n}.bin` };
            const { id } = await want(201, gateway, 'POST', `/rooms/${person.joined.room.id}/files`, { token: person.token, raw: bytes, headers });
            kept.files.push({ id, bytes });
        }),
    ]);
    return { kept, stop: async () => { on = false; await Promise.all(ended); } };
}

/* The whole history, a page at a time. */
async function readAll(gateway, room, token) {
    const url = `/rooms/${room.id}/history`, { meetings: [{ id, workspace }] } = await want(200, gateway, 'GET', url, { token });
    const chat = [];
    for (let before = '', more = true; more; before = `&before=${chat[0].id}`) {
        const { meetings: [page] } = await want(200, gateway, 'GET', `${url}?meeting=${id}&limit=1000${before}`, { token });
        chat.unshift(...page.chat);
        more = page.more;
    }
    return { chat, workspace };
}

/* What was acknowledged is there, once, in order, byte for byte. */
async function checkRestored(gateway, room, token, { chat, files }) {
    const there = await readAll(gateway, room, token);
    const said = new Set(there.chat.map(({ id, text }) => `${id} ${text}`));
    assert.ok(there.chat.every(({ id }, i) => !i || Number(id) > Number(there.chat[i - 1].id)), 'each once, in order');
    assert.deepEqual(chat.filter((one) => !said.has(one)), []);
    const items = new Map(there.workspace.map((item) => [item.id, item]));
    for (const { id, bytes } of files)
        assert.ok(items.has(id), `the file ${id} was acknowledged`);
    for (const [id, { url, size }] of items) { /* and none is listed that cannot be read */
        const answer = await fetch(new URL(url, gateway.http)), got = Buffer.from(await answer.arrayBuffer());
        assert.deepEqual([answer.status, got.length], [200, size]);
        assert.ok(files.every((file) => file.id !== id || file.bytes.equals(got)), `the file ${id} is not what it was`);
    }
}

test('a backup while people chat and upload holds what was acknowledged before it', async (t) => {
    const [data, copy, restored] = [folder(t), folder(t), folder(t)], file = path(copy, 'stoa.db');
    const gateway = await launch(t, { data }, ...unlimited, 'workspace:limits.items=100000');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', access: 'public' } });
    const invited = await invite(gateway, host.token, room.id, 'ana@school.example', { name: 'Ana' });
    const joined = [await join(gateway, { room: room.id }, { token: host.token }), await join(gateway, { invitation: invited.token })];
    const people = await Promise.all(joined.map((one) => enter(gateway, one, 'chat', 'workspace')));
    const { kept, stop } = load(gateway, people);
    await until('people write', () => kept.chat.length >= 100 && kept.files.length >= 10);
    const before = { chat: [...kept.chat], files: [...kept.files] };
    await stoa(gateway, '--backup', file);
    const after = kept.chat.length;
    cpSync(path(data, 'files'), path(copy, 'files'), { recursive: true });
    await until('they write on', () => kept.chat.length > after + 20);
    await stop();
    people.forEach((person) => person.close());
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(execFileSync('sqlite3', [file, 'PRAGMA integrity_check; PRAGMA foreign_key_check'], { encoding: 'utf8' }).trim(), 'ok');
    assert.deepEqual(readdirSync(copy).filter((name) => /-wal$|-shm$/.test(name)), []);

    cpSync(file, path(restored, 'stoa.db'));
    cpSync(path(copy, 'files'), path(restored, 'files'), { recursive: true });
    const again = await launch(t, { data: restored }, ...unlimited);
    await checkRestored(again, room, host.token, before);
    const [hana] = await Promise.all(joined.map((one) => enter(again, one, 'chat', 'workspace')));
    assert.equal((await hana.ask('chat', 'send', { text: 'on we go' })).error, undefined);
    hana.close();
    assert.equal((await again.stop()).code, 0, again.log.slice(-2000));
    t.diagnostic(`${before.chat.length} messages and ${before.files.length} files before it, ${kept.chat.length} and ${kept.files.length} in all`);
});

test('a backup overwrites nothing, and one of a gateway that is not running is put back over what came later', async (t) => {
    const data = folder(t), file = path(folder(t), 'stoa.db');
    const first = await launch(t, { data }), host = await signIn(first, 'hana@school.example', 'Hana');
    const make = (gateway, title) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title } });
    await make(first, 'Before');
    await first.stop();
    await stoa(first, '--backup', file);
    const bytes = readFileSync(file);
    await assert.rejects(stoa(first, '--backup', file), ({ code, stderr }) => code === 1 && stderr.includes('exists'));
    assert.ok(readFileSync(file).equals(bytes));
    const second = await launch(t, { data });
    await make(second, 'After');
    second.child.kill('SIGKILL'); /* it leaves a WAL */
    await second.ended;
    assert.ok(existsSync(path(data, 'stoa.db-wal')));
    writeFileSync(path(data, 'stoa.db'), bytes);
    for (const end of ['wal', 'shm'])
        rmSync(path(data, `stoa.db-${end}`), { force: true });
    const third = await launch(t, { data });
    assert.deepEqual((await want(200, third, 'GET', '/rooms', { token: host.token })).map(({ title }) => title), ['Before']);
    assert.equal((await third.stop()).code, 0);
});
