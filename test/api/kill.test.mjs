/* SPDX-License-Identifier: MIT */
/* kill -9 at random moments while people chat, vote, share and are invited: what was acknowledged is there afterwards, nothing is
 * half-written, and everybody's token goes on. 20 kills; 200 with STOA_FULL=1. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';

const ROUNDS = process.env.STOA_FULL ? 200 : 20;
const data = mkdtempSync(path(tmpdir(), 'stoa-kill-'));
const settings = ['chat:limits.messages_per_second=0', 'stoa:limits.requests_per_second=0', 'rooms:limits.attempts_per_minute=0'];
after(() => rmSync(data, { recursive: true }));

const sql = (text) => execFileSync('sqlite3', [path(data, 'stoa.db'), text], { encoding: 'utf8' }).trim();
const launch = () => start({ data }, ...settings);

/** Do it again and again until the server is gone. */
async function keepOn(work) {
    try {
        for (;;)
            await work();
    } catch { /* it was killed */ }
}

/** What one round acknowledged: records as "ROOM SEQ", ids of invitations and of people. */
function load(gateway, host, rooms, people, kept) {
    let n = 0;
    const ask = async (person, module, request, fields) => {
        const answer = await person.ask(module, request, fields);
        assert.equal(answer.error, undefined, `${request}: ${answer.error}`);
        (request === 'vote' ? kept.votes : kept.records).push(`${person.joined.room.id} ${answer.seq}`);
        return answer;
    };
    for (const person of people) {
        keepOn(async () => {
            const answer = await ask(person, 'chat', 'send', { text: `message ${++n}: ${'ä'.repeat(n % 300)}` });
            kept.chat.push(`${person.joined.room.id} ${answer.id}`);
        });
        keepOn(() => ask(person, 'workspace', 'add', { kind: 'link', title: `link ${++n}`, url: `https://example.org/${n}` }));
    }
    for (const [index, room] of rooms.entries()) {
        const here = people.filter((one) => one.joined.room.id === room.id);
        const chair = here.find((one) => one.role === 'host');
        keepOn(async () => {
            const { id } = await ask(chair, 'poll', 'create', { question: `question ${++n}?`, options: ['yes', 'no'], anonymous: false });
            await ask(chair, 'poll', 'open', { id });
            for (let i = 0; i < 5; i++)
                await Promise.all(here.map((one) => ask(one, 'poll', 'vote', { id, choices: [(i + index) % 2] })));
        });
        keepOn(async () => { kept.invitations.push((await invite(gateway, host.token, room.id, `p${Date.now()}.${++n}@school.example`)).id); });
        keepOn(async () => { kept.people.push((await join(gateway, { room: room.id, name: `Guest ${++n}` })).participant.id); });
    }
}

function missing(all, sent) {
    const there = new Set(all.split('\n'));
    return sent.filter((one) => !there.has(one));
}

function check(kept) {
    assert.equal(sql('PRAGMA integrity_check'), 'ok');
    assert.equal(sql('PRAGMA foreign_key_check'), '');
    assert.deepEqual(missing(sql("SELECT room_id || ' ' || seq FROM record WHERE body IS NOT NULL"), kept.records), []);
    assert.deepEqual(missing(sql("SELECT room_id || ' ' || seq FROM record"), kept.votes), []); // a changed one is a tombstone
    assert.deepEqual(missing(sql('SELECT id FROM invitation'), kept.invitations), []);
    assert.deepEqual(missing(sql('SELECT id FROM participant'), kept.people), []);
    assert.equal(sql('SELECT count(*) FROM record WHERE body IS NOT NULL AND NOT json_valid(body)'), '0');
    assert.equal(sql('SELECT count(*) FROM (SELECT 1 FROM record GROUP BY room_id HAVING count(*) <> max(seq))'), '0');
}

/** Everybody of `joined` by the token that each has. */
const enterAll = (gateway, joined) => Promise.all(joined.map((one) => enter(gateway, one, 'chat', 'poll', 'workspace')));

test(`${ROUNDS} kills lose nothing that was acknowledged`, { timeout: ROUNDS * 30000 }, async (t) => {
    const kept = { records: [], votes: [], chat: [], invitations: [], people: [] };
    let gateway = await launch();
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const rooms = [], joined = [];
    for (const title of ['Algebra', 'Botany']) {
        const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title, access: 'public' } });
        rooms.push(room);
        joined.push(await join(gateway, { room: room.id }, { token: host.token }), await join(gateway, { room: room.id, name: 'Ana' }), await join(gateway, { room: room.id, name: 'Ben' }));
    }
    for (let i = 0; i < ROUNDS; i++) {
        load(gateway, host, rooms, await enterAll(gateway, joined), kept);
        await sleep(20 + Math.random() * 400);
        gateway.child.kill('SIGKILL');
        assert.equal((await gateway.ended).signal, 'SIGKILL');
        check(kept);
        gateway = await launch();
    }
    assert.ok(kept.records.length > ROUNDS * 5, `only ${kept.records.length} were acknowledged`);
    const [room] = rooms, [person] = await enterAll(gateway, joined.slice(1, 2));
    await person.ask('chat', 'resume', { after: 0 });
    const heard = person.client.events.filter(({ plugindata }) => plugindata?.data.event === 'message').map((one) => one.plugindata.data.id);
    assert.deepEqual(heard, [...new Set(heard)].sort((a, b) => a - b), 'each once, in order');
    const there = new Set(heard.map((id) => `${room.id} ${id}`));
    assert.deepEqual(kept.chat.filter((one) => one.startsWith(room.id) && !there.has(one)), []);
    assert.equal((await call(gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token })).status, 200);
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    t.diagnostic(`${kept.records.length} records, ${kept.votes.length} votes, ${kept.invitations.length} invitations, ${kept.people.length} people acknowledged`);
});
