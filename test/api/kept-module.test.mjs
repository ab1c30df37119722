/* SPDX-License-Identifier: MIT */
/* The module with lasting state that was written from docs/plugin-guide.md alone (test/unit/plugins/hands-plugin.c), built with what
 * pkg-config says and run by a gateway: its state outlives a restart and a reload, and goes with who is erased. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, start, tree } from '../lib/gateway.mjs';
import { enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

let dir, gateway, host, room, people;
const NAMES = ['ana', 'ben', 'cem'];

const launch = () => start({ conf: path(dir, 'conf'), data: path(dir, 'data') }, `stoa:modules.plugin_dirs=${dir}`);
const enterAll = async () => {
    for (const name of NAMES)
        people[name].page = await enter(gateway, people[name].joined, 'hands');
};
const admin = async (janus) => {
    const admin_secret = readFileSync(path(dir, 'data/admin.secret'), 'utf8').trim();
    return (await (await fetch(`${gateway.admin}/admin`, { method: 'POST', body: JSON.stringify({ janus, plugin: 'hands', transaction: 'a', admin_secret }) })).json()).janus;
};
const raise = (name, up) => people[name].page.ask('hands', 'raise', { up });
/* How many hands are up, and whose: as each sees it. */
async function seen(...names) {
    const states = await Promise.all(names.map((name) => people[name].page.ask('hands', 'state')));
    const counts = new Set(states.map(({ raised }) => raised));
    assert.equal(counts.size, 1, JSON.stringify(states));
    return [...counts, ...names.filter((name, i) => states[i].mine)];
}

before(async () => {
    dir = mkdtempSync(path(tmpdir(), 'stoa-kept-module-'));
    chmodSync(dir, 0o755);
    mkdirSync(path(dir, 'data'), { mode: 0o700 });
    cpSync(path(tree, 'conf'), path(dir, 'conf'), { recursive: true });
    writeFileSync(path(dir, 'conf/hands.conf'), '[module]\nenabled = true\nmax_raised = 2\n');
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa'], { env: { ...process.env, PKG_CONFIG_PATH: dirname(binary) }, encoding: 'utf8' });
    execFileSync('cc', ['-Wall', '-shared', '-fPIC', '-o', path(dir, 'hands.so'), path(tree, 'test/unit/plugins/hands-plugin.c'), ...flags.trim().split(/\s+/)]);
    chmodSync(path(dir, 'hands.so'), 0o755);
    gateway = await launch();
    host = await signIn(gateway, 'hana@school.example', 'Hana');
    room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', modules: ['chat', 'hands'] } });
    people = {};
    for (const name of NAMES)
        people[name] = { joined: await join(gateway, { invitation: (await invite(gateway, host.token, room.id, `${name}@school.example`, { name })).token }) };
    await enterAll();
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    rmSync(dir, { recursive: true });
});

test('what it keeps is heard by all, and bounded by its conf', async () => {
    assert.equal((await raise('ana', true)).error, undefined);
    assert.equal((await people.ben.page.hears('hands', 'hand')).from.name, 'ana');
    assert.equal((await raise('ana', true)).code, 'conflict');
    await raise('ben', true);
    assert.match((await raise('cem', true)).error, /too many hands/);
    assert.deepEqual(await seen(...NAMES), [2, 'ana', 'ben']);
});

for (const [how, signal] of [['a restart', 'SIGTERM'], ['kill -9', 'SIGKILL']]) {
    test(`its state outlives ${how}`, async () => {
        gateway.child.kill(signal);
        await gateway.ended;
        gateway = await launch();
        await enterAll();
        assert.deepEqual(await seen(...NAMES), [2, 'ana', 'ben']);
        assert.match((await raise('cem', true)).error, /too many hands/);
    });
}

test('its state outlives disable_plugin and enable_plugin, and the room goes on', async () => {
    const { page } = people.ana, handle = page.handles.hands;
    await page.attach('chat');
    assert.equal(await admin('disable_plugin'), 'success');
    await page.client.event(({ janus, sender }) => janus === 'detached' && sender === handle);
    assert.equal((await page.raw({ janus: 'attach', plugin: 'stoa.plugin.hands' })).janus, 'error');
    assert.equal((await page.ask('chat', 'send', { text: 'where is it?' })).error, undefined);
    await until('it is enabled', async () => await admin('enable_plugin') === 'success');
    for (const name of NAMES)
        await people[name].page.attach('hands');
    assert.deepEqual(await seen(...NAMES), [2, 'ana', 'ben']);
    assert.equal((await raise('ana', false)).error, undefined);
    assert.equal((await people.ben.page.hears('hands', 'hand', ({ up }) => !up)).from.name, 'ana');
    assert.equal((await raise('cem', true)).error, undefined);
    assert.deepEqual(await seen(...NAMES), [2, 'ben', 'cem']);
});

test('who is erased is erased from it, while it runs and for good', async () => {
    const database = () => execFileSync('sqlite3', [path(dir, 'data/stoa.db'), `SELECT count(*) FROM record WHERE module = 'hands' AND body IS NOT NULL`], { encoding: 'utf8' }).trim();
    const kept = Number(database());
    await want(204, gateway, 'DELETE', '/me', { token: people.ben.page.token });
    assert.equal(Number(database()), kept - 1);
    assert.deepEqual(await seen('ana', 'cem'), [1, 'cem']);
    assert.equal((await raise('ana', true)).error, undefined); /* the bound does not count who is gone */
    people.ben.page.close();
    gateway.child.kill('SIGTERM');
    await gateway.ended;
    gateway = await launch();
    for (const name of ['ana', 'cem'])
        people[name].page = await enter(gateway, people[name].joined, 'hands');
    assert.deepEqual(await seen('ana', 'cem'), [2, 'ana', 'cem']);
    for (const name of ['ana', 'cem'])
        people[name].page.close();
});
