/* SPDX-License-Identifier: MIT */
/* The limits of stoa.conf: each refused in words, over both transports, changed by SIGHUP, and gone with 0. (SECURITY R5, R6) */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import WebSocket from 'ws';
import { connect, sanitized, slow } from '../lib/gateway.mjs';
import { admin, begin, beginWithConf, either, httpClient, offer, session, until } from '../lib/wire.mjs';

/* key → values; a try that is refused under them and passes without a limit; what the refusal says. */
const limits = [
    { set: { message_bytes: 70000 }, code: 450, says: /message_bytes/, ask: (client) => client.request({ janus: 'ping', pad: 'x'.repeat(80000) }) },
    { set: { json_depth: 10 }, code: 450, says: /json_depth/, ask: (client) => client.request({ janus: 'ping', pad: JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`) }) },
    { set: { sessions_per_connection: 2 }, code: 450, says: /sessions_per_connection/, ask: async (client) => {
        const all = [];
        for (let n = 0; n < 20; n++)
            all.push(await client.request({ janus: 'create' }));
        for (const { data } of all.filter((one) => one.data))
            await client.request({ janus: 'destroy', session_id: data.id });
        return all.at(-1);
    } },
    { set: { handles_per_session: 2 }, code: 450, says: /handles_per_session/, ask: async (client) => {
        const { session_id } = await session(client);
        let last;
        for (let n = 0; n < 40; n++)
            last = await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.videoroom' });
        await client.request({ janus: 'destroy', session_id });
        return last;
    } },
    { set: { requests_per_second: 1, requests_burst: 5 }, off: { requests_per_second: 0 }, code: 450, says: /requests_per_second/, ask: async (client) => {
        const all = await Promise.all(Array.from({ length: 20 }, () => client.request({ janus: 'ping' })));
        return all.find((one) => one.janus === 'error') ?? all[0];
    } },
    ...[{ set: { sdp_bytes: 500 }, says: /takes 500/ }, { set: { sdp_media: 1 }, says: /sdp_media|m-line/ }].map((one) => ({ ...one, code: 465, ask: async (client) => {
        const { session_id, handle_id } = await session(client, 'echotest');
        const answer = await client.request({ janus: 'message', session_id, handle_id, body: { audio: true }, jsep: { type: 'offer', sdp: offer } });
        await client.request({ janus: 'destroy', session_id });
        return answer;
    } })),
];

test('each limit is refused in words on both transports, loses nothing, follows SIGHUP, and 0 takes it away', async (t) => {
    const gateway = await beginWithConf(t);
    const defaults = { requests_burst: 500, requests_per_second: 0 };
    gateway.edit('stoa.conf', defaults);
    await gateway.reload();
    const clients = await Promise.all(['websocket', 'http'].map((one) => either(one, gateway)));
    for (const { set, off, code, says, ask } of limits) {
        const key = Object.keys(set)[0];
        gateway.edit('stoa.conf', set);
        await gateway.reload();
        for (const client of clients) {
            const refused = await ask(client);
            assert.equal(refused?.error?.code, code, `${key}: ${JSON.stringify(refused)}`);
            assert.match(refused.error.reason, says);
        }
        gateway.edit('stoa.conf', { ...defaults, ...Object.fromEntries(Object.keys(set).map((one) => [one, one === 'requests_burst' ? 500 : 0])), ...off });
        await gateway.reload();
        for (const client of clients)
            assert.notEqual((await ask(client)).janus, 'error', `${key} = 0`);
    }
    for (const client of clients)
        client.close();
});

test('a session is given back when it ends, and a claim counts like a session of one\'s own', async (t) => {
    const gateway = await begin(t, 'stoa:limits.sessions_per_connection=2');
    const [one, two] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const mine = [await session(one), await session(one)];
    const theirs = await session(two);
    assert.equal((await one.request({ janus: 'claim', ...theirs })).error.code, 450);
    assert.equal((await one.request({ janus: 'claim', ...mine[0] })).janus, 'success');
    await one.request({ janus: 'destroy', ...mine[0] });
    assert.equal((await one.request({ janus: 'claim', ...theirs })).janus, 'success');
    assert.equal((await two.request({ janus: 'keepalive', ...theirs })).error.code, 458);
    const web = httpClient(gateway);
    for (let n = 0; n < 5; n++) {
        const { json } = await web.post('', { janus: 'create' });
        assert.equal((await web.post(`/${json.data.id}`, { janus: 'destroy' })).json.janus, 'success');
    }
    for (const client of [one, two, web])
        client.close();
});

test('a rate that was exceeded recovers', async (t) => {
    const gateway = await begin(t, 'stoa:limits.requests_per_second=20', 'stoa:limits.requests_burst=5');
    const client = await connect(gateway.websocket);
    const all = await Promise.all(Array.from({ length: 40 }, () => client.request({ janus: 'ping' })));
    assert.ok(all.filter((one) => one.janus === 'pong').length >= 5);
    assert.equal(all.at(-1).error.code, 450);
    await until('it may ask again', async () => (await client.request({ janus: 'ping' })).janus === 'pong');
    client.close();
});

test('polls count as requests too', async (t) => {
    const gateway = await begin(t, 'stoa:limits.requests_per_second=1', 'stoa:limits.requests_burst=5');
    const web = httpClient(gateway);
    const { json } = await web.post('', { janus: 'create' });
    await web.post(`/${json.data.id}`, { janus: 'attach', plugin: 'janus.plugin.echotest' });
    let last;
    for (let n = 0; n < 8 && last?.json?.janus !== 'error'; n++)
        last = await web.get('/77');
    assert.equal(last.json.error.code, 450);
    web.close();
});

test('connections of one address are bounded together, and a trusted proxy tells the addresses apart', async (t) => {
    const gateway = await begin(t, 'stoa:limits.connections_per_address=3', 'stoa:public.trusted_proxies=127.0.0.1');
    const from = (address) => new Promise((resolve) => {
        const socket = new WebSocket(gateway.websocket, 'janus-protocol', { headers: { 'x-forwarded-for': address } });
        socket.once('open', () => resolve(socket));
        socket.once('unexpected-response', (_, answer) => { resolve(answer.statusCode); answer.resume(); });
        socket.on('error', () => {});
    });
    const ours = [await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')];
    assert.ok(ours.every((one) => one instanceof WebSocket));
    assert.equal(await from('192.0.2.1'), 429);
    assert.equal(await from('198.51.100.9, 192.0.2.1'), 429); /* what the client itself claims is not believed */
    const web = httpClient(gateway, { 'x-forwarded-for': '192.0.2.1' });
    const refused = await web.send('GET', '/janus/info');
    assert.equal(refused.status, 429);
    assert.match(refused.json.error.reason, /connections_per_address/);
    const other = await from('192.0.2.2');
    assert.ok(other instanceof WebSocket);
    ours[0].terminate();
    await until('a place is free', async () => {
        const again = await from('192.0.2.1');
        again.terminate?.();
        return again instanceof WebSocket;
    });
    for (const socket of [...ours, other])
        socket.terminate();
});

test('answers about unknown ids come late after twenty of them, to polls too, and to nobody else', async (t) => {
    const gateway = await begin(t);
    const [guesser, other] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const timed = async (ask) => { const since = performance.now(); await ask(); return performance.now() - since; };
    for (let n = 0; n < 20; n++)
        assert.equal((await guesser.request({ janus: 'claim', session_id: 1000 + n })).error.code, 458);
    assert.ok(await timed(() => guesser.request({ janus: 'claim', session_id: 5 })) > 900);
    const { session_id } = await session(guesser);
    assert.equal((await guesser.request({ janus: 'keepalive', session_id })).janus, 'ack');
    const late = guesser.request({ janus: 'claim', session_id: 6 });
    assert.ok(await timed(() => other.request({ janus: 'claim', session_id: 7 })) < 900);
    assert.equal((await late).error.code, 458);
    const web = httpClient(gateway);
    for (let n = 0; n < 20; n++)
        assert.equal((await web.get(`/${1000 + n}`)).status, 404);
    assert.ok(await timed(() => web.get('/5')) > 900);
    guesser.request({ janus: 'claim', session_id: 8 }); /* nobody is there any more when its answer is due */
    guesser.socket.terminate();
    web.close();
    other.close();
});

test('a WebSocket without a session that asks nothing is closed, one with a session stays', async (t) => {
    const gateway = await begin(t, 'stoa:limits.idle_s=1');
    const [idle, busy] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const { session_id } = await session(busy);
    const operator = new WebSocket(gateway.websocket, 'janus-admin-protocol');
    assert.equal(await new Promise((resolve) => idle.socket.once('close', resolve)), 1000);
    assert.equal((await busy.request({ janus: 'keepalive', session_id })).janus, 'ack');
    assert.equal(operator.readyState, WebSocket.OPEN);
    operator.close();
    busy.close();
});

test('who sends pings or nonsense and reads no answer is cut off, and memory stays', async (t) => {
    const gateway = await begin(t, 'websocket:limits.queue_bytes=100000', 'stoa:limits.requests_per_second=0');
    const kilobytes = async () => (await admin(gateway, '', { janus: 'ping' })).janus && Number((await import('node:fs')).readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
    const first = await kilobytes();
    for (const flood of [(socket) => socket.ping('x'.repeat(125)), (socket) => socket.send('no json'), (socket) => socket.send('{"janus":"info","transaction":"i"}')]) {
        const socket = new WebSocket(gateway.websocket, 'janus-protocol');
        await new Promise((resolve) => socket.once('open', resolve));
        const closed = new Promise((resolve) => socket.once('close', () => resolve(true)));
        socket.on('error', () => {});
        socket._socket.pause();
        let n = 0;
        const gone = await until('it is cut off', async () => {
            for (let i = 0; i < 5000 && socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 1 << 20; i++, n++)
                flood(socket);
            const ended = /does not read/.test(gateway.log.slice(-400));
            return ended || socket.readyState !== WebSocket.OPEN;
        }, 30000 * slow);
        assert.ok(gone);
        socket._socket?.resume();
        assert.ok(await closed);
        gateway.log += ' '.repeat(500);
    }
    const kb = [first, await kilobytes()];
    assert.ok(sanitized || kb[1] - kb[0] < 60000, `${kb[0]} to ${kb[1]} kB`);
});

test('with rooms.adhoc off nobody makes rooms but the operator, until it is on again', async (t) => {
    const gateway = await beginWithConf(t);
    gateway.edit('stoa.conf', { adhoc: false });
    await gateway.reload();
    const client = await connect(gateway.websocket);
    const { session_id } = await session(client);
    const made = async (plugin, room) => {
        const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: `janus.plugin.${plugin}` });
        const { plugindata: { data } } = await client.request({ janus: 'message', session_id, handle_id, body: { request: 'create', room } });
        return data.error_code ?? data.room;
    };
    assert.deepEqual([await made('videoroom', 77), await made('textroom', 78)], [433, 419]);
    const request = { request: 'create', room: 79 };
    assert.equal((await admin(gateway, '', { janus: 'message_plugin', plugin: 'janus.plugin.videoroom', request })).response.room, 79);
    gateway.edit('stoa.conf', { adhoc: true });
    await gateway.reload();
    assert.deepEqual([await made('videoroom', 77), await made('textroom', 78)], [77, 78]);
    client.close();
});

test('a message far past the limit ends the connection, one a little past it does not', async (t) => {
    const gateway = await begin(t);
    const client = await connect(gateway.websocket);
    const { session_id } = await session(client);
    client.socket.send('x'.repeat(2 << 20));
    assert.equal((await client.event((one) => one.janus === 'error')).error.code, 450);
    assert.equal((await client.request({ janus: 'keepalive', session_id })).janus, 'ack');
    client.socket.on('error', () => {});
    client.socket.send('x'.repeat(40 << 20));
    assert.ok([1009, 1006].includes(await new Promise((resolve) => client.socket.once('close', resolve))));
    assert.equal((await new Promise((resolve, reject) => http.get(`${gateway.http}/healthz`, resolve).on('error', reject))).statusCode, 200);
});
