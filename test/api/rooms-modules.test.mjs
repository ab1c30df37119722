/* SPDX-License-Identifier: MIT */
/* chat, poll and workspace over the wire, in rooms of invited people and in ad-hoc ones: what the contract says of each. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, start } from '../lib/gateway.mjs';
import { enter, invite, join, signIn, stoa, want } from '../lib/rooms.mjs';
import { admin, begin, until } from '../lib/wire.mjs';

const MODULES = ['chat', 'poll', 'workspace'];
const settings = ['rooms:limits.attempts_per_minute=0', 'chat:limits.messages_per_second=5'];
let data, gateway, host;

before(async () => {
    data = mkdtempSync(path(tmpdir(), 'stoa-modules-'));
    gateway = await start({ data }, ...settings);
    host = await signIn(gateway, 'hana@school.example', 'Hana');
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    rmSync(data, { recursive: true, force: true });
});

let last = 0;
const makeRoom = (body = {}) => want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Algebra', ...body } });
const sit = async (room, name, role = 'participant') =>
    enter(gateway, await join(gateway, { invitation: (await invite(gateway, host.token, room.id, `m${++last}@school.example`, { name, role })).token }), ...MODULES);
const refused = async (person, module, request, fields, code) => {
    const answer = await person.ask(module, request, fields);
    assert.equal(answer.code, code, JSON.stringify(answer));
    assert.equal(typeof answer.error, 'string');
};

/* A class of a cohost and two participants. */
async function classOf(t, more) {
    const room = await makeRoom(more);
    const people = { cem: await sit(room, 'Cem', 'cohost'), ben: await sit(room, 'Ben'), dora: await sit(room, 'Dora') };
    t.after(() => Object.values(people).forEach((one) => one.close()));
    return { room, ...people };
}

test('each module says its state by itself after the attach', async (t) => {
    const { ben } = await classOf(t);
    assert.equal((await ben.hears('chat', 'state')).seq, 0);
    assert.deepEqual((await ben.hears('poll', 'state')).polls, []);
    assert.deepEqual((await ben.hears('workspace', 'state')).items, []);
});

test('the built-in module is known by its name, and resumes like the others', async () => {
    const room = await makeRoom();
    const client = await connect(gateway.websocket);
    assert.equal((await client.request({ janus: 'info' })).plugins['stoa.plugin.room'].name, 'room');
    client.close();
    const { plugins } = await admin(gateway, '', { janus: 'list_plugins' });
    assert.equal(plugins.find(({ name }) => name === 'room').state, 'built in');
    assert.match(await stoa(gateway, '--describe', 'room'), /### hands_down/);
    const hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'room', 'chat');
    for (const module of ['room', 'chat'])
        for (const [request, fields] of [['state', {}], ['resume', { after: 1e6 }]]) {
            const { reply, seq } = await hana.ask(module, request, fields);
            assert.deepEqual([reply, seq], [request, 0], module);
        }
    hana.close();
});

test('chat: to all, to one, by pages, deleted for good', async (t) => {
    const { cem, ben, dora } = await classOf(t);
    const { id, at, seq } = await ben.ask('chat', 'send', { text: 'Grüße 🙂 <b>' });
    assert.equal(id, String(seq));
    assert.match(at, /^\d{4}-\d\d-\d\dT.*Z$/);
    for (const person of [ben, dora, cem])
        assert.deepEqual(await person.hears('chat', 'message'), { event: 'message', seq, id, at, from: { id: ben.id, name: 'Ben' }, text: 'Grüße 🙂 <b>' });
    const secret = await ben.ask('chat', 'send', { text: 'psst', to: dora.id });
    for (const person of [ben, dora])
        assert.equal((await person.hears('chat', 'message')).to, dora.id);
    const texts = async (person, more) => (await person.ask('chat', 'history', more)).messages.map(({ text }) => text);
    assert.deepEqual(await texts(dora), ['Grüße 🙂 <b>', 'psst']);
    assert.deepEqual(await texts(dora, { before: secret.id, limit: 1 }), ['Grüße 🙂 <b>']);
    assert.deepEqual(await texts(cem), ['Grüße 🙂 <b>']);
    await refused(cem, 'chat', 'delete', { id: secret.id }, 'not_found');
    await refused(dora, 'chat', 'delete', { id }, 'forbidden');
    await refused(dora, 'chat', 'send', { text: ' ' }, 'invalid_request');
    await refused(dora, 'chat', 'send', { text: 'x'.repeat(4001) }, 'invalid_request');
    await refused(dora, 'chat', 'send', { text: 'x', to: 'nobody' }, 'not_found');
    assert.equal((await cem.ask('chat', 'delete', { id })).id, id);
    assert.equal((await dora.hears('chat', 'deleted')).id, id);
    assert.deepEqual(await texts(dora), ['psst']);
    await ben.ask('chat', 'typing');
    assert.deepEqual((await dora.hears('chat', 'typing')).from, { id: ben.id, name: 'Ben' });
    assert.equal((await cem.ask('chat', 'resume', { after: 0 })).reply, 'resume');
    assert.equal((await cem.hears('chat', 'deleted', (one) => one.seq > seq)).id, id);
});

test('chat: who is too fast is told so, and nobody else', async (t) => {
    const { ben, dora } = await classOf(t);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ben.ask('chat', 'send', { text: `m${n}` })));
    const taken = answers.filter(({ reply }) => reply === 'send').length;
    assert.ok(taken >= 5 && taken < 20, `${taken} taken`);
    assert.ok(answers.every(({ reply, code, error_code }) => reply === 'send' || (code === 'slow_down' && error_code === 429)));
    assert.equal((await dora.ask('chat', 'send', { text: 'mine' })).reply, 'send');
});

test('poll: drafted, asked, answered, closed', async (t) => {
    const { cem, ben, dora } = await classOf(t);
    await refused(ben, 'poll', 'create', { question: 'Tea?', options: ['yes', 'no'] }, 'forbidden');
    const { id } = await cem.ask('poll', 'create', { question: 'Tea?', options: ['yes', 'no'], correct: [1] });
    await refused(ben, 'poll', 'vote', { id, choices: [0] }, 'not_found');
    await cem.ask('poll', 'open', { id });
    const opened = await ben.hears('poll', 'opened');
    assert.deepEqual(opened.options, ['yes', 'no']);
    assert.equal(opened.anonymous, true);
    assert.equal(opened.correct, undefined);
    await ben.ask('poll', 'vote', { id, choices: [0] });
    await ben.ask('poll', 'vote', { id, choices: [1] });
    await dora.ask('poll', 'vote', { id, choices: [1] });
    await refused(dora, 'poll', 'vote', { id, choices: [2] }, 'invalid_request');
    await cem.ask('poll', 'close', { id });
    assert.deepEqual((await ben.hears('poll', 'closed')).correct, [1]);
    const results = await ben.hears('poll', 'results');
    assert.deepEqual([results.counts, results.voters], [[0, 2], 2]);
    await refused(ben, 'poll', 'vote', { id, choices: [0] }, 'conflict');
    const named = await cem.ask('poll', 'create', { question: 'Who?', options: ['a', 'b'], anonymous: false, show_results: 'live' });
    await cem.ask('poll', 'open', { id: named.id });
    await ben.ask('poll', 'vote', { id: named.id, choices: [0] });
    assert.deepEqual((await dora.hears('poll', 'results', (one) => one.id === named.id)).voters, [{ id: ben.id, name: 'Ben' }]);
    await cem.ask('poll', 'remove', { id });
    assert.equal((await ben.hears('poll', 'removed')).id, id);
    assert.deepEqual((await ben.ask('poll', 'list')).polls.map((one) => one.id), [named.id]);
});

test('poll: of 100 votes around the close those count that were acknowledged', async (t) => {
    const room = await makeRoom({ access: 'public' });
    const teacher = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), 'poll');
    const pupils = [];
    t.after(() => [teacher, ...pupils].forEach((one) => one.close()));
    for (let n = 0; n < 100; n++)
        pupils.push(await enter(gateway, await join(gateway, { room: room.id, name: `P${n}` }), 'poll'));
    const { id } = await teacher.ask('poll', 'create', { question: 'Now?', options: ['a', 'b'] });
    await teacher.ask('poll', 'open', { id });
    const votes = pupils.map((one, n) => {
        const vote = one.ask('poll', 'vote', { id, choices: [n % 2] });
        return n === 50 ? teacher.ask('poll', 'close', { id }).then(() => vote) : vote;
    });
    const taken = (await Promise.all(votes)).filter((one) => {
        assert.ok(one.reply === 'vote' || one.code === 'conflict', JSON.stringify(one));
        return one.reply === 'vote';
    }).length;
    const { polls: [poll] } = await teacher.ask('poll', 'list');
    assert.equal(poll.voters, taken);
    assert.equal(poll.counts[0] + poll.counts[1], taken);
});

test('workspace: links, a note that is replayed to who comes late, presence', async (t) => {
    const { room, cem, ben, dora } = await classOf(t);
    await refused(ben, 'workspace', 'add', { kind: 'link', title: 'x', url: 'javascript:alert(1)' }, 'invalid_request');
    const link = await ben.ask('workspace', 'add', { kind: 'link', title: 'Sums', url: 'https://example.org/?a=b' });
    assert.equal((await dora.hears('workspace', 'added')).url, 'https://example.org/?a=b');
    await refused(dora, 'workspace', 'remove', { id: link.id }, 'forbidden');
    assert.equal((await cem.ask('workspace', 'update', { id: link.id, title: 'More sums' })).title, 'More sums');
    assert.equal((await dora.hears('workspace', 'updated')).title, 'More sums');
    const note = await ben.ask('workspace', 'add', { kind: 'note', title: 'Minutes' });
    const first = await ben.ask('workspace', 'sync', { id: note.id, update: 'AAEC' });
    await dora.ask('workspace', 'sync', { id: note.id, update: 'AAED' });
    assert.deepEqual(await dora.hears('workspace', 'sync', (one) => one.seq === first.seq),
        { event: 'sync', seq: first.seq, id: note.id, update: 'AAEC', from: { id: ben.id, name: 'Ben' } });
    await dora.ask('workspace', 'presence', { id: note.id, data: { at: 3 } });
    assert.deepEqual((await ben.hears('workspace', 'presence')).data, { at: 3 });
    await ben.ask('workspace', 'snapshot', { id: note.id, upto: first.seq, update: 'BBBB' });
    const late = await sit(room, 'Late');
    t.after(() => late.close());
    const { items } = await late.ask('workspace', 'list');
    const { snapshot, updates } = items.find((one) => one.id === note.id);
    assert.deepEqual([snapshot, updates], ['BBBB', ['AAED']]);
    await refused(ben, 'workspace', 'sync', { id: note.id, update: 'not base64' }, 'invalid_request');
    await ben.ask('workspace', 'remove', { id: note.id });
    assert.equal((await late.hears('workspace', 'removed')).id, note.id);
});

test('in a room whose words are sealed nothing is taken in the open', async (t) => {
    const { cem, ben, dora } = await classOf(t, { e2ee: 'all' });
    const box = (n) => ({ sealed: Buffer.from([n, n, n]).toString('base64'), epoch: 1 });
    await refused(ben, 'chat', 'send', { text: 'open' }, 'invalid_request');
    await refused(cem, 'poll', 'create', { question: 'open', options: [box(1), box(2)] }, 'invalid_request');
    await refused(ben, 'workspace', 'add', { kind: 'note', title: 'open' }, 'invalid_request');
    await ben.ask('chat', 'send', { text: box(3) });
    assert.deepEqual((await dora.hears('chat', 'message')).text, box(3));
    const { id } = await cem.ask('poll', 'create', { question: box(4), options: [box(5), box(6)] });
    await cem.ask('poll', 'open', { id });
    await ben.ask('poll', 'vote', { id, choices: [1] });
    await cem.ask('poll', 'close', { id });
    assert.deepEqual((await dora.hears('poll', 'results')).counts, [0, 1]);
});

/* Something of each module; `all` says what is there of it. */
async function fill(cem, ben) {
    const said = await ben.ask('chat', 'send', { text: 'remember' });
    const { id } = await cem.ask('poll', 'create', { question: 'Still?', options: ['yes', 'no'] });
    await cem.ask('poll', 'open', { id });
    await ben.ask('poll', 'vote', { id, choices: [0] });
    const note = await ben.ask('workspace', 'add', { kind: 'note', title: 'Kept' });
    await ben.ask('workspace', 'sync', { id: note.id, update: 'AAEC' });
    return { chat: [said.id, 'remember'], poll: [id, 'open', [0]], workspace: [note.id, 'Kept', ['AAEC']] };
}
const read = {
    chat: async (ben) => (await ben.ask('chat', 'history')).messages.flatMap(({ id, text }) => [id, text]),
    poll: async (ben) => (await ben.ask('poll', 'list')).polls.flatMap(({ id, state, mine }) => [id, state, mine]),
    workspace: async (ben) => (await ben.ask('workspace', 'list')).items.flatMap(({ id, title, updates }) => [id, title, updates]),
};

test('a module that is taken away and brought back has kept everything', async (t) => {
    const { cem, ben } = await classOf(t);
    const kept = await fill(cem, ben);
    for (const module of MODULES) {
        const handle = ben.handles[module];
        assert.equal((await admin(gateway, '', { janus: 'disable_plugin', plugin: module })).janus, 'success');
        await ben.client.event((one) => one.janus === 'detached' && one.sender === handle);
        await until(`${module} is back`, async () => (await admin(gateway, '', { janus: 'enable_plugin', plugin: module })).janus === 'success');
        await ben.attach(module);
        assert.deepEqual(await read[module](ben), kept[module]);
    }
});

test('after a restart the same token finds everything', async (t) => {
    const { cem, ben } = await classOf(t);
    const kept = await fill(cem, ben);
    cem.close();
    ben.close();
    assert.equal((await gateway.stop()).code, 0);
    gateway = await start({ data }, ...settings);
    const again = await enter(gateway, ben.joined, ...MODULES);
    t.after(() => again.close());
    for (const module of MODULES)
        assert.deepEqual(await read[module](again), kept[module]);
});

test('a meeting that a crash cut short and nobody comes back to: its polls are closed, its summary shows what was shared', async (t) => {
    const folder = mkdtempSync(path(tmpdir(), 'stoa-ended-')), more = ['rooms:meeting.linger_s=1', 'rooms:meeting.reconnect_s=1'];
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const first = await start({ data: folder }, ...more);
    const hana = await signIn(first, 'hana@school.example', 'Hana');
    const room = await want(201, first, 'POST', '/rooms', { token: hana.token, body: { title: 'Geometry' } });
    const here = await enter(first, await join(first, { room: room.id }, { token: hana.token }), 'poll', 'workspace');
    const { id } = await here.ask('poll', 'create', { question: 'Tea?', options: ['yes', 'no'] });
    await here.ask('poll', 'open', { id });
    await here.ask('poll', 'vote', { id, choices: [1] });
    await here.ask('workspace', 'add', { kind: 'link', title: 'The theorem of Thales', url: 'https://example.org/thales' });
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await start({ data: folder }, ...more);
    t.after(async () => assert.equal((await second.stop()).code, 0, second.log.slice(-2000)));
    const ended = await until('the meeting ends', async () => {
        const { meetings: [one] } = await want(200, second, 'GET', `/rooms/${room.id}/history`, { token: hana.token });
        return one.ended_at && one;
    });
    const [poll] = ended.polls;
    assert.ok(poll.closed_at, JSON.stringify(poll));
    assert.deepEqual(poll.options.map(({ votes }) => votes), [0, 1]);
    assert.equal(ended.workspace[0].title, 'The theorem of Thales');
    const mails = () => { try { return readdirSync(path(folder, 'mail')).filter((name) => name.endsWith('.eml')); } catch { return []; } };
    const summary = await until('the summary is written', () => mails().map((name) => readFileSync(path(folder, 'mail', name), 'utf8').replace(/=\r?\n/g, '')).find((text) => text.includes('Geometry')));
    assert.match(summary, /The theorem of Thales/);
});

test('without a token: an ad-hoc room, whose opener is its host', async (t) => {
    const one = await connect(gateway.websocket);
    t.after(() => one.close());
    const { data: { id: session_id } } = await one.request({ janus: 'create' });
    const guest = async (module) => {
        const { data: { id: handle_id } } = await one.request({ janus: 'attach', session_id, plugin: `stoa.plugin.${module}` });
        return async (request, fields = {}) => {
            const { transaction } = await one.request({ janus: 'message', session_id, handle_id, body: { request, ...fields } });
            return (await one.event((event) => event.transaction === transaction)).plugindata.data;
        };
    };
    const [ana, ben, poll] = [await guest('chat'), await guest('chat'), await guest('poll')];
    assert.equal((await ana('send', { text: 'too early' })).code, 'forbidden');
    assert.equal((await ana('join', { room: 4711, display: 'Ana' })).room, 4711);
    assert.equal((await ben('join', { room: 4711, display: 'Ben' })).reply, 'join');
    const { id } = await ben('send', { text: 'hello' });
    assert.equal((await ana('history')).messages[0].from.name, 'Ben');
    assert.equal((await ana('delete', { id })).id, id);
    assert.deepEqual((await ben('history')).messages, []);
    await poll('join', { room: 4711 });
    assert.equal((await poll('create', { question: 'x', options: ['a', 'b'] })).reply, 'create');
});

test('what is more than a connection takes at once comes in pieces, and all of it', async (t) => {
    const gateway = await begin(t, 'workspace:limits.updates_per_second=0');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Long' } });
    const seat = await join(gateway, { room: room.id }, { token: host.token });
    const page = await enter(gateway, seat, 'workspace');
    const notes = [await page.ask('workspace', 'add', { kind: 'note', title: 'long' }), await page.ask('workspace', 'add', { kind: 'note', title: 'longer' })];
    const sent = new Map(notes.map(({ id }) => [id, []]));
    for (let n = 0; n < 90; n++) {
        const { id } = notes[n % 3 ? 1 : 0], update = Buffer.alloc(60000, n).toString('base64');
        sent.get(id).push(update);
        assert.equal((await page.ask('workspace', 'sync', { id, update })).error, undefined);
    }
    page.close(); // 7 MB in Base64; a queue holds 4
    const late = await enter(gateway, seat, 'workspace');
    const listed = async (more) => {
        const got = new Map(notes.map(({ id }) => [id, []]));
        let pieces = 0;
        for (let after, goesOn = true; goesOn; pieces++) {
            const answer = await late.ask('workspace', 'list', { ...more, ...(after ? { after } : {}) });
            for (const { id, updates } of answer.items)
                got.get(id).push(...updates);
            goesOn = answer.more === true;
            assert.ok(!goesOn || answer.after > (after ?? 0));
            after = answer.after;
        }
        return { got, pieces };
    };
    const whole = await listed({});
    assert.ok(whole.pieces > 3 && whole.pieces < 9, `${whole.pieces} pieces`);
    for (const { id } of notes)
        assert.ok(whole.got.get(id).length === sent.get(id).length && whole.got.get(id).every((update, n) => update === sent.get(id)[n]), 'each once, in order');
    const one = await listed({ id: notes[1].id });
    assert.equal(one.got.get(notes[1].id).length, 60);
    let after = 0, answers = 0;
    for (let answer; answer?.more !== undefined || answers === 0; answers++) {
        answer = await late.ask('workspace', 'resume', { after });
        assert.ok(answer.seq > after);
        after = answer.seq;
    }
    assert.ok(answers > 1 && answers < 9, `${answers} answers`);
    const events = late.client.events.filter(({ plugindata }) => plugindata?.data.event === 'sync').map(({ plugindata: { data } }) => data.seq);
    assert.equal(events.length, 90);
    assert.ok(events.every((seq, n) => n === 0 || seq > events[n - 1]));
    late.close();
});

test('however much is written into a room, who comes in gets what the modules say at once', async (t) => {
    const gateway = await begin(t, 'chat:limits.messages_per_second=0');
    const host = await signIn(gateway, 'hana@school.example', 'Hana');
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Long' } });
    const seat = await join(gateway, { room: room.id }, { token: host.token });
    const page = await enter(gateway, seat, 'workspace', 'poll', 'chat');
    /* until no more fits, which is far less than a queue holds (4 MB) */
    const fill = async (module, request, fields) => {
        for (let n = 0; n < 120; n++) {
            const answer = await page.ask(module, request, fields);
            if (answer.code)
                return { n, code: answer.code, error: answer.error };
        }
        return { n: 120 };
    };
    const long = '😀'.repeat(10000);
    const items = await fill('workspace', 'add', { kind: 'note', title: 'x', text: long });
    const polls = await fill('poll', 'create', { question: 'x', options: Array(64).fill('😀'.repeat(500)) });
    for (const [{ n, code, error }, least] of [[items, 10], [polls, 3]]) {
        assert.deepEqual([code, n >= least && n <= 15], ['conflict', true], `${n}: ${error}`);
        assert.match(error, /524288 at most: remove/);
    }
    const [{ id }] = (await page.ask('workspace', 'list')).items;
    for (const [fields, fits] of [[{ text: `${long.slice(2)}x` }, true], [{ text: 'short' }, true], [{ title: 'y' }, true], [{ text: long }, true], [{ url: undefined, title: 'z'.repeat(300) }, true]])
        assert.equal((await page.ask('workspace', 'update', { id, ...fields })).code, fits ? undefined : 'conflict', JSON.stringify(fields).slice(0, 60));
    for (let n = 0; n < 120; n++)
        await page.ask('chat', 'send', { text: `${n} ${'😀'.repeat(3990)}` });
    page.close();
    const late = await enter(gateway, seat, 'workspace', 'poll', 'chat');
    const size = (answer) => Buffer.byteLength(JSON.stringify(answer));
    for (const [module, member, { n }] of [['workspace', 'items', items], ['poll', 'polls', polls]]) {
        const state = await late.hears(module, 'state');
        assert.deepEqual([state[member].length, size(state) < 600000], [n, true], `${module}: ${size(state)} bytes`);
    }
    const seen = [];
    let pages = 0;
    for (let more = true; more; pages++) {
        const answer = await late.ask('chat', 'history', { limit: 200, ...(seen.length ? { before: seen[0].id } : {}) });
        assert.ok(size(answer) < 1100000, `${size(answer)} bytes`);
        seen.unshift(...answer.messages);
        ({ more } = answer);
    }
    assert.deepEqual(seen.map(({ text }) => parseInt(text, 10)), Array.from({ length: 120 }, (_, n) => n));
    assert.ok(pages > 1, `${pages} pages`);
    late.close();
});
