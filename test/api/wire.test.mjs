/* SPDX-License-Identifier: MIT */
/* The Janus API over WebSocket and HTTP: error numbers, long polls, origins, secrets, limits. (Janus API sections 3-6) */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { connect, start, tree } from '../lib/gateway.mjs';

const offer = readFileSync(`${tree}/test/fixtures/sdp/chromium-audio-video.sdp`, 'utf8');
let gateway;
before(async () => { gateway = await start(); });
after(async () => assert.equal((await gateway.stop()).code, 0));

const raw = (path, options, who = gateway) => fetch(`${who.http}/janus${path}`, options);
const post = async (path, body, who = gateway) => {
    const answer = await raw(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, who);
    assert.equal(answer.status, 200);
    return answer.json();
};

const bodies = [
    ['not json', 454], ['[1]', 456], ['{}', 456], ['{"janus":"create"}', 456], ['{"janus":5,"transaction":"x"}', 467],
    ['{"janus":"nonsense","transaction":"x"}', 457], ['{"janus":"attach","transaction":"x"}', 457],
];

/* A gateway that ends with its test, however that ends. */
async function begin(t, ...settings) {
    const gateway = await start(...settings);
    t.after(async () => assert.equal((await gateway.stop()).code, 0));
    return gateway;
}

test('what is refused before a session carries its number over HTTP, with status 200', async () => {
    for (const [body, code] of bodies)
        assert.equal((await post('', body)).error?.code, code, body);
});

test('what is refused before a session carries its number over WebSocket', async () => {
    const client = await connect(gateway.websocket);
    for (const [body, code] of bodies) {
        client.socket.send(body);
        assert.equal((await client.event((one) => one.janus === 'error')).error.code, code, body);
    }
    client.close();
});

const messages = [
    [{ janus: 'message' }, 456], [{ janus: 'message', body: 'x' }, 467], [{ janus: 'message', body: {}, jsep: 'x' }, 455],
    [{ janus: 'message', body: {}, jsep: {} }, 456], [{ janus: 'message', body: {}, jsep: { type: 'x', sdp: offer } }, 464],
    [{ janus: 'message', body: {}, jsep: { type: 'offer', sdp: 'v=0' } }, 465],
    [{ janus: 'message', body: {}, jsep: { type: 'answer', sdp: offer } }, 469],
    [{ janus: 'trickle' }, 456], [{ janus: 'trickle', candidate: {}, candidates: [] }, 454],
    [{ janus: 'nonsense' }, 453], [{ janus: 'attach', plugin: 'stoa.plugin.echotest' }, 457],
];
test('what is refused at a handle carries its number, and the handle lives on', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.echotest' });
    for (const [message, code] of messages) {
        const answer = await client.request({ session_id, handle_id, ...message });
        assert.equal(answer.error?.code, code, JSON.stringify(message).slice(0, 80));
        assert.equal(answer.session_id, session_id);
    }
    assert.equal((await client.request({ janus: 'hangup', session_id, handle_id })).janus, 'success');
    assert.equal((await client.request({ janus: 'trickle', session_id, handle_id, candidate: null })).janus, 'ack');
    client.close();
});

test('a plugin answers by the name that it was attached by', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { plugins } = await client.request({ janus: 'info' });
    for (const plugin of ['janus.plugin.echotest', 'stoa.plugin.echotest', 'janus.plugin.videoroom', 'stoa.plugin.videoroom', 'janus.plugin.textroom']) {
        assert.ok(plugins[plugin]?.description, plugin);
        const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin });
        const say = (body) => client.request({ janus: 'message', session_id, handle_id, body });
        assert.equal((await say({ audio: true })).janus, 'ack', plugin);
        assert.equal((await client.event((one) => one.sender === handle_id)).plugindata.plugin, plugin);
        if (!plugin.endsWith('echotest'))
            assert.equal((await say({ request: 'list' })).plugindata.plugin, plugin);
    }
    client.close();
});

test('a client may choose its session id, once', async () => {
    const client = await connect(gateway.websocket);
    assert.equal((await client.request({ janus: 'create', id: 4711 })).data.id, 4711);
    assert.equal((await client.request({ janus: 'create', id: 4711 })).error.code, 468);
    client.close();
});

test('maxev bounds an answer and the rest comes with the next poll, oldest first', async () => {
    const { data: { id } } = await post('', { janus: 'create', transaction: 'c' });
    const { data: { id: handle } } = await post(`/${id}`, { janus: 'attach', transaction: 'a', plugin: 'stoa.plugin.echotest' });
    for (let n = 0; n < 5; n++)
        await post(`/${id}/${handle}`, { janus: 'message', transaction: `m${n}`, body: { video: true } });
    await sleep(100);
    const poll = async (query) => (await raw(`/${id}?${query}`)).json();
    assert.deepEqual((await poll('maxev=3')).map((one) => one.transaction), ['m0', 'm1', 'm2']);
    assert.equal((await poll('maxev=1')).transaction, 'm3');
    assert.deepEqual((await poll('maxev=10')).map((one) => one.transaction), ['m4']);
    assert.equal((await raw('/99', {})).status, 404);
    assert.equal((await post('/99', { janus: 'keepalive', transaction: 'k' })).error.code, 458);
    assert.equal((await post(`/${id}/5`, { janus: 'detach', transaction: 'k' })).error.code, 459);
    await raw(`/${id}`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"janus":"destroy","transaction":"b"}' });
    assert.equal((await post(`/${id}`, { janus: 'keepalive', transaction: 'k' })).error.code, 458);
});

test('other paths and methods are refused', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'OPTIONS'])
        assert.equal((await fetch(`${gateway.http}/nowhere`, { method })).status, 404, method);
    assert.equal((await fetch(`${gateway.http}/index.html`, { method: 'POST' })).status, 405);
    assert.equal((await raw('', { method: 'PUT', body: '{}' })).status, 405);
    assert.equal((await (await raw('/info')).json()).janus, 'server_info');
});

test('pages of other sites are let in only when allow_origins says so', async (t) => {
    const preflight = { method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } };
    assert.equal((await raw('', preflight)).headers.get('access-control-allow-origin'), null);
    const open = await begin(t, 'http:listen.allow_origins=*');
    const answer = await raw('', preflight, open);
    assert.ok(['*', 'https://a.example'].includes(answer.headers.get('access-control-allow-origin')));
    assert.equal(answer.headers.get('access-control-allow-methods'), 'POST');
    assert.equal(answer.headers.get('access-control-allow-headers'), 'content-type');
    assert.equal(answer.headers.get('access-control-max-age'), '86400');
});

test('a wrong or missing secret is 403, on both transports', async (t) => {
    const closed = await begin(t, 'stoa:api.secret=s3cret');
    const client = await connect(closed.websocket);
    for (const [extra, code] of [[{}, 403], [{ apisecret: 'x' }, 403], [{ apisecret: 5 }, 403], [{ apisecret: 's3cret' }, undefined]]) {
        assert.equal((await client.request({ janus: 'create', ...extra })).error?.code, code);
        assert.equal((await post('', { janus: 'create', transaction: 'x', ...extra }, closed)).error?.code, code);
    }
    client.close();
});

test('a stored token opens, another does not', async (t) => {
    const closed = await begin(t, 'stoa:api.token_auth=true', 'stoa:api.tokens=one;two');
    const client = await connect(closed.websocket);
    assert.equal((await client.request({ janus: 'create' })).error.code, 403);
    assert.equal((await client.request({ janus: 'create', token: 'three' })).error.code, 403);
    assert.equal((await client.request({ janus: 'create', token: 'two' })).janus, 'success');
    client.close();
});

test('a silent session times out, a polled one does not', async (t) => {
    const short = await begin(t, 'stoa:sessions.timeout_s=1');
    const client = await connect(short.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id } } = await post('', { janus: 'create', transaction: 'c' }, short);
    const poll = new AbortController();
    raw(`/${id}`, { signal: poll.signal }, short).catch(() => {});
    assert.equal((await client.event((one) => one.janus === 'timeout')).session_id, session_id);
    assert.equal((await client.request({ janus: 'keepalive', session_id })).error.code, 458);
    await sleep(1500);
    assert.equal((await post(`/${id}`, { janus: 'keepalive', transaction: 'k' }, short)).janus, 'ack');
    poll.abort();
    client.close();
});

test('sessions, handles and bytes are bounded', async (t) => {
    const tight = await begin(t, 'stoa:limits.sessions_per_connection=2', 'stoa:limits.handles_per_session=2', 'stoa:limits.message_bytes=70000');
    const client = await connect(tight.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    await client.request({ janus: 'create' });
    assert.equal((await client.request({ janus: 'create' })).janus, 'error');
    const attach = () => client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' });
    assert.equal((await attach()).janus, 'success');
    assert.equal((await attach()).janus, 'success');
    assert.equal((await attach()).janus, 'error');
    assert.equal((await client.request({ janus: 'ping', pad: 'x'.repeat(65000) })).janus, 'pong');
    client.socket.on('error', () => {});
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.socket.send(JSON.stringify({ janus: 'ping', transaction: 'x', pad: 'x'.repeat(80000) }));
    await Promise.race([closed, client.event((one) => one.janus === 'error')]);
    const other = await connect(tight.websocket);
    other.socket.send(`{"janus":"ping","transaction":"x","deep":${'['.repeat(40)}${']'.repeat(40)}}`);
    assert.equal((await other.event((one) => one.janus === 'error')).janus, 'error');
    other.close();
});
