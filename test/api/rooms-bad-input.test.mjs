/* SPDX-License-Identifier: MIT */
/* Bad input to a room's modules, from the tables that `--describe` prints: each field of each request with each kind of wrong value.
 * A clear error, nothing changed, and what people may write comes back as they wrote it. (SECURITY R17, R24, R28) */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { start } from '../lib/gateway.mjs';
import { call, enter, join, signIn, stoa, want } from '../lib/rooms.mjs';
import { until } from '../lib/wire.mjs';

const MODULES = ['chat', 'poll', 'workspace', 'room'];
const CODES = ['invalid_request', 'not_found', 'conflict', 'forbidden', 'slow_down'];
let gateway, host, room, hana, tried = 0;

before(async () => {
    gateway = await start('chat:limits.messages_per_second=0', 'stoa:limits.requests_per_second=0', 'rooms:limits.attempts_per_minute=0',
        'workspace:limits.updates_per_second=0', 'workspace:limits.presence_per_second=0', 'workspace:limits.file_bytes=10000000000', 'workspace:limits.room_bytes=100000000000');
    host = await signIn(gateway, 'hana@school.example', 'Hana');
    room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'R', access: 'public' } });
    hana = await enter(gateway, await join(gateway, { room: room.id }, { token: host.token }), ...MODULES);
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
    console.log(`# ${tried} bad inputs were tried`);
});

/** {request: {field: {type, required, nullable, min, max}}} of what `--describe` prints. */
function tableOf(text) {
    const table = {};
    let fields;
    for (const line of text.split('\n')) {
        const request = /^### (\w+)/.exec(line)?.[1], field = /^- `(\w+)`: (.*)$/.exec(line);
        if (request)
            fields = table[request] = {};
        else if (line.startsWith('## ') && !line.startsWith('## Requests'))
            fields = undefined;
        else if (fields && field) {
            const [, min, max] = /(\d+) to (\d+)/.exec(field[2]) ?? [];
            fields[field[1]] = { type: field[2].split(',')[0], required: field[2].includes('required'), nullable: field[2].includes('null counts'), min: Number(min ?? 0), max: Number(max ?? 0) };
        }
    }
    return table;
}

const NESTED = JSON.parse(`${'['.repeat(10)}${']'.repeat(10)}`);

/** Values that a field of this kind does not take. */
function wrong({ type, required, nullable, min, max }) {
    const list = [NESTED, { a: 1 }];
    if (required)
        list.push(undefined);
    if (!nullable)
        list.push(null);
    if (type === 'text')
        list.push(5, true, [], {}, { sealed: 'AAAA', epoch: 1 }, 'x'.repeat(max + 1), '😀'.repeat(max + 1), ...(min ? [''] : []));
    else if (type === 'string')
        list.push(5, true, [], 'x'.repeat(max + 1), ...(min ? [''] : []));
    else if (type === 'bytes')
        list.push(5, [], '!', 'A', 'AAA*', '<b>', ...(min ? [''] : []), 'A'.repeat(900000));
    else if (type === 'integer')
        list.push('1', 1.5, true, [], -1, 1e300, '<b>', ...(min ? [min - 1] : []));
    else if (type === 'boolean')
        list.push('true', 1, [], '');
    else if (type === 'id')
        list.push(true, 1.5, [], '', 'x'.repeat(5000), '../../etc/passwd', "1' OR '1'='1", '-1', '0', '00', '1e3', '99999999999999999999999', '<script>', -1, 4711);
    else if (type.startsWith('one of'))
        list.push('nope', '', 5, [], "'; DROP TABLE record; --");
    else if (type.startsWith('array'))
        list.push('x', 5, [], Array(max + 1).fill(0), Array(max + 1).fill('x'), [NESTED], [null], [{}], [true, false], ['x'.repeat(100000), 'y'], [-1], [1e300], [max + 7]);
    return type.startsWith('any') ? list.filter((value) => value === undefined) : list;
}

/* What makes each request a good one, so that one field alone is wrong. */
const good = {};
const stateOf = async () => {
    const state = {};
    for (const module of MODULES)
        state[module] = { ...await hana.ask(module, 'state'), seq: 0 };
    return state;
};

test('each field of each request with each kind of wrong value', async () => {
    const poll = (await hana.ask('poll', 'create', { question: 'Q?', options: ['a', 'b'], show_results: 'live' })).id;
    await hana.ask('poll', 'open', { id: poll });
    const note = (await hana.ask('workspace', 'add', { kind: 'note', title: 'N' })).id;
    const message = (await hana.ask('chat', 'send', { text: 'hello' })).id;
    Object.assign(good, {
        'chat send': { text: 'x' }, 'chat delete': { id: message }, 'chat history': { limit: 10 }, 'poll create': { question: 'q', options: ['a', 'b'] }, 'poll vote': { id: poll, choices: [0] },
        'poll open': { id: poll }, 'workspace add': { kind: 'note', title: 'x' }, 'workspace update': { id: note, title: 'x' }, 'workspace remove': { id: note },
        'workspace sync': { id: note, update: 'AAAA' }, 'workspace snapshot': { id: note, upto: 1, update: 'AAAA' }, 'workspace presence': { id: note, data: {} },
        'room hand': { up: true }, 'room keys': { to: hana.id, epoch: 1, box: 'AAAA' },
    });
    const before_ = await stateOf();
    for (const module of MODULES) {
        const table = tableOf(await stoa(gateway, '--describe', module));
        for (const [request, fields] of Object.entries(table).filter(([name]) => !['join', 'leave', 'state'].includes(name))) {
            for (const [field, row] of Object.entries(fields)) {
                for (const value of wrong(row).filter((one) => one !== 4711 || field !== 'before')) { /* any number is before something */
                    const body = { ...good[`${module} ${request}`], [field]: value }, what = `${module} ${request} ${field} ${JSON.stringify(value)?.slice(0, 60)}`;
                    const answer = await hana.ask(module, request, body);
                    assert.equal(typeof answer.error, 'string', `${what}: ${JSON.stringify(answer).slice(0, 200)}`);
                    assert.ok(answer.error_code >= 400 && answer.error_code < 500 && CODES.includes(answer.code), `${what}: ${JSON.stringify(answer)}`);
                    assert.ok(answer.error.length > 10 && answer.error.length < 400, `${what}: ${answer.error}`);
                    tried++;
                }
            }
        }
        for (const request of ['nope', '', 5, null, [], {}, '__proto__', "state'; --", 'x'.repeat(10000)]) {
            const answer = await hana.ask(module, request);
            assert.ok(answer.error && answer.error_code < 500, JSON.stringify(answer));
            tried++;
        }
    }
    assert.deepEqual(await stateOf(), before_, 'nothing is changed by what was refused');
});

const HOSTILE = ["'; DROP TABLE record; --", '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' OR '1'='1", '{{7*7}} ${7*7} %s%n%x', '../../../../etc/passwd', '\\u0000 \\x00', '👩‍👩‍👧‍👦 ‮abc‬ ﷽', 'a\tb\r\nc', '=1+1'];

test('SQL, HTML and what else people write comes back as they wrote it', async () => {
    const sent = [];
    for (const text of HOSTILE) {
        assert.equal((await hana.ask('chat', 'send', { text })).error, undefined, text);
        sent.push(text);
        const poll = await hana.ask('poll', 'create', { question: text, options: [text, `${text}.`] });
        assert.equal(poll.error, undefined, text);
        const item = await hana.ask('workspace', 'add', { kind: 'link', title: text, text, url: 'https://example.org/?q=<script>' });
        assert.equal(item.error, undefined, text);
        assert.deepEqual([item.title, item.text, item.url], [text, text, 'https://example.org/?q=<script>']);
        const { polls } = await hana.ask('poll', 'list'), { question, options } = polls.find((one) => one.id === poll.id);
        assert.deepEqual([question, options], [text, [text, `${text}.`]]);
        tried += 3;
    }
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', ' https://x', 'https:', '//x.example', 'HTTP//x']) {
        assert.equal((await hana.ask('workspace', 'add', { kind: 'link', title: 'x', url })).code, 'invalid_request', url);
        tried++;
    }
    const { messages } = await hana.ask('chat', 'history', { limit: 200 });
    assert.deepEqual(messages.slice(-sent.length).map((one) => one.text), sent);
    const answer = await call(gateway, 'GET', `/rooms/${room.id}/history`, { token: host.token });
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.deepEqual(answer.json.meetings[0].chat.slice(-sent.length).map((one) => one.text), sent);
});

/* As texts of JSON: fetch and WebSocket would make whole characters of them. */
const NO_TEXT = ['"a\\u0000b"', '"\\u0000"', '"a\\ud800b"', '"\\udc00"', '"\\ud83dx"'];

test('U+0000 and half a surrogate pair in every text field: refused with the transaction, by the field\'s name where it can be told', async () => {
    const before_ = await stateOf();
    const answered = async (module, text) => {
        const transaction = `broken-${++tried}`;
        hana.client.socket.send(`{"janus":"message","token":"${hana.token}","session_id":${hana.session},"handle_id":${hana.handles[module]},"transaction":"${transaction}","body":${text}}`);
        const event = await hana.client.event((one) => one.transaction === transaction && one.janus !== 'ack');
        assert.equal(event.session_id, hana.session);
        return event.plugindata?.data ?? { code: event.error.code, error: event.error.reason };
    };
    for (const module of MODULES) {
        for (const [request, fields] of Object.entries(tableOf(await stoa(gateway, '--describe', module))).filter(([name]) => !['join', 'leave'].includes(name))) {
            for (const [field] of Object.entries(fields).filter(([, { type }]) => /^(text|string|bytes|id|one of|any|object)/.test(type))) {
                for (const value of NO_TEXT) {
                    const body = JSON.stringify({ ...good[`${module} ${request}`], request, [field]: 'HERE' }).replace('"HERE"', value);
                    const { code, error } = await answered(module, body), what = `${module} ${body}: ${error}`;
                    assert.ok(!/JSON_|invalid Unicode/.test(error), what);
                    if (value.includes('u0000'))
                        assert.ok(code === 'invalid_request' && error.includes(`"${field}"`), what);
                    else
                        assert.ok(code === 454 && /half/.test(error), what);
                }
            }
        }
        assert.equal((await answered(module, '{"request":"state\\u0000"}')).code, 'invalid_request');
        assert.match((await answered(module, '{"a\\u0000":1}')).error, /U\+0000/);
    }
    const { socket } = hana.client;
    socket.send('{"janus":"attach\\u0000","transaction":"zero-1"}');
    assert.match((await hana.client.event((one) => one.transaction === 'zero-1')).error.reason, /"janus" holds the character U\+0000/);
    socket.send(`{"body":{"transaction":"not-me","x":["\\"transaction\\":\\"nor-me\\""]},"session_id":${hana.session},"transaction" : "me-1","text":"\\ud800"`);
    assert.equal((await hana.client.event((one) => one.transaction === 'me-1')).session_id, hana.session);
    for (const value of NO_TEXT) {
        for (const [method, route, body] of [['POST', '/rooms', `{"title":${value}}`], ['PATCH', `/rooms/${room.id}`, `{"title":${value}}`], ['POST', '/rooms', `{"title":"x","modules":[${value}]}`], ['POST', '/join', `{"room":"${room.id}","name":${value}}`],
            ['POST', `/rooms/${room.id}/invitations`, `{"people":[{"email":"a@x.example","name":${value}}]}`], ['POST', '/host/session', `{"token":${value}}`]]) {
            const answer = await call(gateway, method, route, { token: /rooms/.test(route) ? host.token : undefined, raw: body });
            assert.equal(answer.status, 400, `${route} ${body}: ${answer.text}`);
            assert.equal(answer.json.error.code, 'invalid_request');
            assert.match(answer.json.error.message, value.includes('u0000') ? /"(title|name|modules|token|people)[^"]*" holds the character U\+0000/ : /half of one is no character/);
            tried++;
        }
    }
    assert.deepEqual(await stateOf(), before_);
    assert.equal((await hana.ask('chat', 'send', { text: '\u{1f600} is whole' })).error, undefined);
});

test('names of files that want out of their folder', async () => {
    const names = ['../../etc/passwd', '/etc/passwd', '..', '.', '...', '..\\..\\windows\\system32', 'C:\\boot.ini', 'a/../../b', '....//....//x', '%2e%2e%2fx', '.htaccess', 'a\u0000.png', 'x\r\nSet-Cookie: a=b',
        'x"; filename="y', 'evil\u202Egnp.exe', '<img src=x>.png', "'; DROP TABLE file; --", 'CON', 'x'.repeat(5000), ' ', '\u2028', 'ü'.repeat(200)];
    let kept = 0;
    for (const name of names) {
        const answer = await call(gateway, 'POST', `/rooms/${room.id}/files`, { token: hana.token, raw: 'hello', headers: { 'X-Filename': encodeURIComponent(name) } });
        assert.ok([201, 400].includes(answer.status), `${JSON.stringify(name)}: ${answer.text}`);
        tried++;
        if (answer.status === 400)
            continue;
        kept++;
        assert.ok(answer.json.title && !/[/\\\u0000-\u001f"<>:|?*\u202e\u2028]/.test(answer.json.title) && !/^\./.test(answer.json.title), JSON.stringify(answer.json.title));
        const got = await fetch(new URL(answer.json.url, gateway.http));
        assert.equal(got.headers.get('set-cookie'), null);
        assert.match(got.headers.get('content-disposition'), /^attachment; filename="[^"\r\n]*"/);
        assert.equal(await got.text(), 'hello');
    }
    assert.equal(readdirSync(path(gateway.data, 'files', room.id)).length, kept);
    assert.ok(readdirSync(path(gateway.data, 'files', room.id)).every((name) => /^[0-9A-Za-z]{20}$/.test(name)));
    assert.deepEqual(readdirSync(path(gateway.data, 'files')).sort(), [room.id, 'incoming'].sort());
});

test('5 GB that are cut off leave nothing', async () => {
    const kept = readdirSync(path(gateway.data, 'files', room.id)).length;
    for (const headers of Array(3).fill([{ 'Content-Length': 5e9 }, { 'Transfer-Encoding': 'chunked' }]).flat()) {
        const request = http.request(`${gateway.http}/api/v1/rooms/${room.id}/files`, { method: 'POST', headers: { Authorization: `Bearer ${hana.token}`, ...headers } });
        request.on('error', () => {});
        for (let n = 0; n < 20; n++)
            request.write(Buffer.alloc(1 << 20, 'x'));
        await until('it has begun', () => readdirSync(path(gateway.data, 'files', 'incoming')).length === 1);
        request.destroy();
        await until('it is gone', () => readdirSync(path(gateway.data, 'files', 'incoming')).length === 0);
        tried++;
    }
    assert.equal(readdirSync(path(gateway.data, 'files', room.id)).length, kept);
    const { items } = await hana.ask('workspace', 'list');
    assert.equal(items.filter(({ kind }) => kind === 'file').length, kept);
});

test('a message past all bounds is refused, and the connection stays', async () => {
    const nameless = hana.client.event((one) => one.janus === 'error'); /* it was not read so far that its transaction is known */
    hana.message('chat', { request: 'send', text: 'x'.repeat(3 << 20) });
    const answer = await nameless;
    assert.equal(answer.janus, 'error', JSON.stringify(answer).slice(0, 200));
    assert.equal((await hana.ask('chat', 'send', { text: 'still here' })).error, undefined);
    tried++;
});
