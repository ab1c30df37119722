/* SPDX-License-Identifier: MIT */
/* kill -9 at random moments while people chat, vote, share, upload, write notes, come and are invited: what was acknowledged is there
 * afterwards, nothing is half-written, rows and files agree, and everybody's token goes on. 20 kills; 200 with STOA_FULL=1. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { slow, start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

const ROUNDS = process.env.STOA_FULL ? 200 : 20;
const data = mkdtempSync(path(tmpdir(), 'stoa-kill-'));
const settings = ['chat:limits.messages_per_second=0', 'workspace:limits.items=100000', 'poll:limits.polls=10000', 'stoa:limits.requests_per_second=0', 'rooms:limits.attempts_per_minute=0'];
after(() => rmSync(data, { recursive: true }));

const sql = (text) => execFileSync('sqlite3', [path(data, 'stoa.db'), text], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim();
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
            const { id } = await ask(chair, 'poll', 'create', { question: `question ${++n}?`, options: ['yes', 'no'], anonymous: false, show_results: 'live' });
            await ask(chair, 'poll', 'open', { id });
            for (let i = 0; i < 5; i++)
                await Promise.all(here.map(async (one) => {
                    const ballot = kept.ballots[`${room.id} ${id} ${one.id}`] ??= {}, choice = (i + index) % 2;
                    ballot.sent = choice;
                    await ask(one, 'poll', 'vote', { id, choices: [choice] });
                    ballot.acknowledged = choice;
                }));
        });
        keepOn(async () => { kept.invitations.push((await invite(gateway, host.token, room.id, `p${Date.now()}.${++n}@school.example`)).id); });
        keepOn(async () => {
            const joined = await join(gateway, { room: room.id, name: `Guest ${++n}` });
            kept.people.push(joined.participant.id);
            kept.newest = joined;
        });
        keepOn(async () => {
            const bytes = randomBytes(1 + (++n * 7919) % 200000);
            const item = await want(201, gateway, 'POST', `/rooms/${room.id}/files`, { token: chair.token, raw: bytes, headers: { 'X-Filename': `file-${n}.bin` } });
            kept.files.push({ room: room.id, item: item.id, id: new URL(item.url, gateway.http).pathname.split('/').pop(), bytes });
        });
        keepOn(() => ask(chair, 'workspace', 'sync', { id: kept.notes[room.id], update: randomBytes(30 + n % 900).toString('base64') }));
    }
}

function missing(all, sent) {
    const there = new Set(all.split('\n'));
    return sent.filter((one) => !there.has(one));
}

/** What was acknowledged is there, byte for byte, and no row is without its file. */
function checkFiles(kept) {
    for (const { room, id, bytes } of kept.files.splice(0)) {
        assert.ok(readFileSync(path(data, 'files', room, id)).equals(bytes), 'a file is not what it was');
        kept.fileIds.push(id);
    }
    const rows = sql("SELECT id || ' ' || room_id || ' ' || size FROM file").split('\n').filter(Boolean).map((row) => row.split(' '));
    for (const [id, room, size] of rows)
        assert.equal(statSync(path(data, 'files', room, id)).size, Number(size));
    assert.deepEqual(missing(rows.map(([id]) => id).join('\n'), kept.fileIds), []);
}

/** Ids that are not in all three lists. */
function differences({ incoming, ...lists }) {
    const sets = Object.entries(lists).map(([name, text]) => [name, new Set(text.split('\n'))]);
    const all = [...new Set(sets.flatMap(([, set]) => [...set]))].filter((id) => !sets.every(([, set]) => set.has(id)));
    return JSON.stringify({ incoming, odd: all.map((id) => `${id}: ${sets.filter(([, set]) => set.has(id)).map(([name]) => name)}`) });
}

/** Of what a kill left half-way a running server keeps nothing: no file without row, no row without item. */
async function nothingLeftOver(rooms) {
    const list = (...names) => { try { return readdirSync(path(data, 'files', ...names)); } catch { return []; } };
    let seen;
    await until('rows, items and files agree', () => {
        const rows = sql('SELECT id FROM file ORDER BY id'), items = sql("SELECT json_extract(body, '$.file') AS id FROM record WHERE module = 'workspace' AND id IS NOT NULL ORDER BY id");
        const files = rooms.flatMap((room) => list(room.id)).sort((a, b) => (a < b ? -1 : 1)).join('\n');
        seen = { rows, items, files, incoming: list('incoming') };
        return rows === items && rows === files && seen.incoming.length === 0;
    }).catch((error) => assert.fail(`${error.message}: ${differences(seen)}`));
}

function check(kept) {
    assert.equal(sql('PRAGMA integrity_check'), 'ok');
    assert.equal(sql('PRAGMA foreign_key_check'), '');
    assert.deepEqual(missing(sql("SELECT room_id || ' ' || seq FROM record WHERE body IS NOT NULL"), kept.records), []);
    assert.deepEqual(missing(sql("SELECT room_id || ' ' || seq FROM record"), kept.votes), []); // a changed one is a tombstone
    assert.deepEqual(missing(sql('SELECT id FROM invitation'), kept.invitations), []);
    assert.deepEqual(missing(sql('SELECT id FROM participant'), kept.people), []);
    checkFiles(kept);
    assert.equal(sql('SELECT count(*) FROM record WHERE body IS NOT NULL AND NOT json_valid(body)'), '0');
    assert.equal(sql('SELECT count(*) FROM (SELECT 1 FROM record GROUP BY room_id HAVING count(*) <> max(seq))'), '0');
}

/** Each person's vote is the last that was acknowledged, or the one that was under way; and the polls count just these. */
async function checkVotes(people, kept) {
    const tallies = {}, lists = await Promise.all(people.map((one) => one.ask('poll', 'list')));
    let n = 0;
    for (const [i, { polls }] of lists.entries()) {
        for (const { id, mine } of polls) {
            const ballot = kept.ballots[`${people[i].joined.room.id} ${id} ${people[i].id}`], what = `${people[i].name} in poll ${id}: ${JSON.stringify({ mine, ...ballot })}`;
            const choice = mine?.[0];
            if (ballot?.acknowledged !== undefined || choice !== undefined)
                assert.ok(ballot && (choice === ballot.acknowledged || choice === ballot.sent), what);
            n += ballot?.acknowledged !== undefined;
            const tally = tallies[`${people[i].joined.room.id} ${id}`] ??= [0, 0];
            if (choice !== undefined)
                tally[choice]++;
            if (ballot)
                ballot.acknowledged = ballot.sent = choice; /* so it is from now on */
        }
    }
    for (const [i, { polls }] of lists.entries()) {
        for (const { id, counts, state } of people[i].role === 'host' ? polls : [])
            if (state === 'open')
                assert.deepEqual(counts, tallies[`${people[i].joined.room.id} ${id}`], `poll ${id}`);
    }
    return n;
}

/** Everybody of `joined` by the token that each has. */
const enterAll = (gateway, joined) => Promise.all(joined.map((one) => enter(gateway, one, 'chat', 'poll', 'workspace')));

test(`${ROUNDS} kills lose nothing that was acknowledged`, { timeout: ROUNDS * 30000 }, async (t) => {
    const kept = { records: [], votes: [], chat: [], invitations: [], people: [], files: [], fileIds: [], notes: {}, ballots: {} };
    let gateway = await launch();
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const rooms = [], joined = [];
    for (const title of ['Algebra', 'Botany']) {
        const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title, access: 'public' } });
        rooms.push(room);
        const chair = await join(gateway, { room: room.id }, { token: host.token }), page = await enter(gateway, chair, 'workspace');
        kept.notes[room.id] = (await page.ask('workspace', 'add', { kind: 'note', title: 'Minutes' })).id;
        page.close();
        joined.push(chair, await join(gateway, { room: room.id, name: 'Ana' }), await join(gateway, { room: room.id, name: 'Ben' }));
    }
    for (let i = 0; i < ROUNDS; i++) {
        const people = await enterAll(gateway, joined);
        await checkVotes(people, kept);
        load(gateway, host, rooms, people, kept);
        await sleep(20 + Math.random() * 400);
        gateway.child.kill('SIGKILL');
        assert.equal((await gateway.ended).signal, 'SIGKILL');
        check(kept);
        gateway = await launch();
    }
    await nothingLeftOver(rooms);
    const ballots = await checkVotes(await enterAll(gateway, joined), kept);
    assert.ok(ballots > ROUNDS, `only ${ballots} ballots were compared`);
    assert.equal((await call(gateway, 'GET', `/rooms/${kept.newest.room.id}`, { token: kept.newest.token })).status, 200);
    assert.ok(kept.records.length > ROUNDS * 5, `only ${kept.records.length} were acknowledged`);
    const [room] = rooms, [person] = await enterAll(gateway, joined.slice(1, 2));
    for (let answer = { seq: 0, more: true }; answer.more;)
        answer = await person.ask('chat', 'resume', { after: answer.seq });
    const heard = person.client.events.filter(({ plugindata }) => plugindata?.data.event === 'message').map((one) => one.plugindata.data.id);
    assert.deepEqual(heard, [...new Set(heard)].sort((a, b) => a - b), 'each once, in order');
    const there = new Set(heard.map((id) => `${room.id} ${id}`));
    assert.deepEqual(kept.chat.filter((one) => one.startsWith(room.id) && !there.has(one)), []);
    assert.equal((await call(gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token })).status, 200);
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    t.diagnostic(`${kept.records.length} records, ${kept.votes.length} votes on ${ballots} ballots, ${kept.invitations.length} invitations, ${kept.people.length} people, ${kept.fileIds.length} files acknowledged`);
});

test('what a start looks for keeps nobody waiting, however much a room holds', async () => {
    const kept = mkdtempSync(path(tmpdir(), 'stoa-start-')), run = (text) => execFileSync('sqlite3', [path(kept, 'stoa.db'), text]);
    let gateway = await start({ data: kept });
    const host = await signIn(gateway, 'hana@school.example', 'Hana'), room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Geometry' } });
    const chair = await join(gateway, { room: room.id }, { token: host.token }), page = await enter(gateway, chair, 'chat', 'workspace');
    const item = await want(201, gateway, 'POST', `/rooms/${room.id}/files`, { token: chair.token, raw: 'x' });
    const id = new URL(item.url, gateway.http).pathname.split('/').pop();
    page.close();
    await gateway.stop();
    const n = (most) => `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${most - 1})`;
    const name = (other) => `printf('%s%019d', CASE WHEN i < 1000 THEN 'F' ELSE '${other}' END, i)`;
    run(`${n(1001)} INSERT INTO file (id, room_id, participant_id, meeting_id, name, type, size, created_at)
        SELECT ${name('L')}, room_id, participant_id, meeting_id, name, type, size, created_at FROM file, n WHERE id = '${id}';
        ${n(30000)} INSERT INTO record (room_id, seq, meeting_id, module, kind, author, recipient, at, body)
        SELECT room_id, (SELECT max(seq) FROM record) + 1 + i, meeting_id, module, kind, author, recipient, at, replace(body, '${id}', ${name('N')})
        FROM record, n WHERE module = 'workspace' AND kind = 'added'`);
    gateway = await start({ data: kept }, 'chat:limits.messages_per_second=0');
    const back = await enter(gateway, chair, 'chat'), waits = [];
    for (const end = Date.now() + 3000; Date.now() < end; await sleep(50)) { /* the look comes a second after the start */
        const since = Date.now();
        assert.equal((await back.ask('chat', 'send', { text: 'hello' })).error, undefined);
        waits.push(Date.now() - since);
    }
    assert.ok(Math.max(...waits) < 1000 * slow, `${Math.max(...waits)} ms`);
    back.close();
    await until('the file that no item knows is gone', () => Number(execFileSync('sqlite3', [path(kept, 'stoa.db'), 'SELECT count(*) FROM file'])) === 1001);
    assert.equal((await gateway.stop()).code, 0);
    rmSync(kept, { recursive: true });
});
