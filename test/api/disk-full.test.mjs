/* SPDX-License-Identifier: MIT */
/* A disk that is full, over the wire: what cannot be kept is refused in words, the gateway lives, what was acknowledged stays, and
 * everything works again when there is room. The disk is a small tmpfs of our own, which takes root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

/** A disk of so many MB with a data folder on it; null: it takes root. */
function makeDisk(t, mb) {
    const disk = mkdtempSync(path(tmpdir(), 'stoa-disk-'));
    try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mb}m`, 'stoa-test', disk], { stdio: 'ignore' });
    } catch {
        rmdirSync(disk);
        return null;
    }
    t.after(() => { execFileSync('umount', ['-l', disk]); rmdirSync(disk); /* a gateway of a test that failed may hold it */ });
    mkdirSync(path(disk, 'data'));
    return disk;
}

function fill(disk) {
    const file = openSync(path(disk, 'ballast'), 'w');
    for (let size = 1 << 20; size >= 512;) {
        try {
            writeSync(file, Buffer.alloc(size, 'b'));
        } catch {
            size /= 2;
        }
    }
    closeSync(file);
}

const empty = (disk) => rmSync(path(disk, 'ballast'));

for (const [name, minFree] of [['full to the last byte', 0], ['with less room than the operator wants to keep', 32 << 20]]) {
    test(`a disk ${name}: refused, alive, nothing lost, well again`, async (t) => {
        const disk = makeDisk(t, 128);
        if (!disk)
            return t.skip('a tmpfs cannot be mounted');
        const data = path(disk, 'data');
        const gateway = await start({ data }, `store:limits.min_free_bytes=${minFree}`, 'chat:limits.messages_per_second=0', 'stoa:limits.requests_per_second=0', 'rooms:limits.attempts_per_minute=0');
        const host = await signIn(gateway, 'hana@school.example', 'Hana');
        const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', access: 'public' } });
        const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'chat', 'poll', 'workspace');
        const kept = { chat: [], votes: 0, invitations: [], files: [] };
        const { id } = await hana.ask('poll', 'create', { question: 'Q?', options: ['a', 'b'], anonymous: false });
        await hana.ask('poll', 'open', { id });
        let n = 0;
        /* each gives its refusal, or undefined */
        const acts = {
            chat: async () => {
                const answer = await hana.ask('chat', 'send', { text: `message ${++n}: ${'x'.repeat(3000)}` });
                if (!answer.error)
                    kept.chat.push(answer.id);
                return answer.error && answer;
            },
            vote: async () => {
                const answer = await hana.ask('poll', 'vote', { id, choices: [++n % 2] });
                if (!answer.error)
                    kept.vote = answer.choices;
                return answer.error && answer;
            },
            link: async () => {
                const answer = await hana.ask('workspace', 'add', { kind: 'link', title: `link ${++n}`, url: `https://example.org/${'x'.repeat(1500)}` });
                return answer.error && answer;
            },
            upload: async () => {
                const answer = await call(gateway, 'POST', `/rooms/${room.id}/files`, { token: hana.token, raw: Buffer.alloc(300000, ++n) });
                if (answer.status === 201)
                    kept.files.push(answer.json.id);
                return answer.json.error && { error_code: answer.status, ...answer.json.error, error: answer.json.error.message };
            },
            invitation: async () => {
                const answer = await call(gateway, 'POST', `/rooms/${room.id}/invitations`, { token: host.token, body: { people: [{ email: `p${++n}@school.example` }], deliver: 'none' } });
                if (answer.status === 201)
                    kept.invitations.push(answer.json.invitations[0].id);
                return answer.json.error && { error_code: answer.status, ...answer.json.error, error: answer.json.error.message };
            },
        };
        for (const [what, act] of Object.entries(acts))
            assert.equal(await act(), undefined, what);

        fill(disk);
        for (const [what, act] of Object.entries(acts)) {
            /* pages that the database has to spare hold a few more */
            const refusal = await until(`${what} is refused`, act);
            assert.match(refusal.error, /disk is full|being restored/, `${what}: ${JSON.stringify(refusal)}`);
            assert.ok(refusal.error_code >= 500, `${what}: ${JSON.stringify(refusal)}`);
        }
        assert.equal((await fetch(`${gateway.http}/healthz`)).status, 200);
        await until('what was said can be read', async () => (await hana.ask('chat', 'history', { limit: 10 })).messages);
        assert.deepEqual(readdirSync(path(data, 'files', 'incoming')), []);

        empty(disk);
        for (const [what, act] of Object.entries(acts))
            await until(`${what} works again`, async () => !(await act()));
        const { messages } = await hana.ask('chat', 'history', { limit: 200 });
        assert.deepEqual(messages.map((one) => one.id), kept.chat, 'what was acknowledged, and nothing else');
        const { polls: [poll] } = await hana.ask('poll', 'list');
        assert.deepEqual(poll.mine, kept.vote);
        const { items } = await hana.ask('workspace', 'list');
        assert.deepEqual(items.filter(({ kind }) => kind === 'file').map((one) => one.id), kept.files);
        const invitations = await want(200, gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token });
        assert.deepEqual(invitations.map((one) => one.id).sort(), kept.invitations.sort());
        assert.equal(readdirSync(path(data, 'files', room.id)).length, kept.files.length);
        hana.close();
        assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
        assert.equal(execFileSync('sqlite3', [path(data, 'stoa.db'), 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim(), 'ok');
    });
}

test('an export that would fill the disk is refused, and leaves nothing', async (t) => {
    const disk = makeDisk(t, 128);
    if (!disk)
        return t.skip('a tmpfs cannot be mounted');
    const data = path(disk, 'data');
    const gateway = await start({ data });
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Films' } });
    const { token } = await join(gateway, { room: room.id }, { token: host.token });
    const get = () => fetch(`${gateway.http}/api/v1/rooms/${room.id}/history/export?format=zip`, { headers: { Authorization: `Bearer ${token}` } });
    for (const name of ['a.bin', 'b.bin', 'c.bin', 'd.bin']) // 48 MB of 128, of which 64 are kept free: an export takes them once more
        assert.equal((await call(gateway, 'POST', `/rooms/${room.id}/files`, { token, raw: randomBytes(12 << 20), headers: { 'X-Filename': name } })).status, 201);
    const refused = await get();
    assert.deepEqual([refused.status, (await refused.json()).error.code], [507, 'disk_full']);
    assert.deepEqual(readdirSync(path(data, 'files', 'incoming')), []);
    assert.equal((await call(gateway, 'GET', `/rooms/${room.id}/history/export?format=json`, { token })).status, 200);
    const page = await enter(gateway, { token, participant: {} }, 'workspace');
    t.after(() => page.close());
    for (const { id } of (await page.ask('workspace', 'list')).items.slice(1))
        await page.ask('workspace', 'remove', { id });
    const fits = await get();
    assert.equal(fits.status, 200);
    assert.ok((await fits.arrayBuffer()).byteLength > 12 << 20);
    assert.equal((await gateway.stop()).code, 0);
});

test('an upload that does not say how long it is leaves the disk its reserve as well, which is what the operator says', async (t) => {
    const disk = makeDisk(t, 128);
    if (!disk)
        return t.skip('a tmpfs cannot be mounted');
    const data = path(disk, 'data');
    for (const reserve of [64, 32]) {
        const gateway = await start({ data }, 'workspace:limits.file_bytes=1000000000', ...(reserve === 64 ? [] : [`store:limits.min_free_bytes=${reserve << 20}`]));
        t.after(() => gateway.child.kill('SIGKILL'));
        const host = await signIn(gateway, `hana${reserve}@school.example`, 'Hana');
        const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Films' } });
        const { token } = await join(gateway, { room: room.id }, { token: host.token });
        const free = () => { const { bavail, bsize } = statfsSync(disk); return bavail * bsize / (1 << 20); };
        const send = (mb) => new Promise((resolve, reject) => { // in chunks, without Content-Length
            const request = http.request(`${gateway.http}/api/v1/rooms/${room.id}/files`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } }, (answer) => {
                let text = '';
                answer.on('data', (chunk) => { text += chunk; }).on('end', () => resolve([answer.statusCode, JSON.parse(text).error?.code]));
            });
            request.on('error', reject);
            for (let n = 0; n < mb; n++)
                request.write(Buffer.alloc(1 << 20, 'x'));
            request.end();
        });
        let [status, code] = [201], n = 0;
        for (; status === 201 && n < 20; n++)
            [status, code] = await send(12);
        assert.deepEqual([status, code], [507, 'disk_full']);
        await until('nothing is left', () => readdirSync(path(data, 'files', 'incoming')).length === 0);
        const least = free();
        assert.ok(least >= reserve + 5 && least <= reserve + 8 + 13, `${least} MB are left of ${reserve}, after ${n}`);
        const page = await enter(gateway, { token, participant: {} }, 'chat');
        assert.equal((await page.ask('chat', 'send', { text: 'people can still write' })).reply, 'send');
        page.close();
        await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token: host.token });
        assert.equal((await gateway.stop()).code, 0);
    }
});
