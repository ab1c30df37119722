/* SPDX-License-Identifier: MIT */
/* The session protocol over both transports, and the gateway's own life. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, connect, slow, start, tree } from '../lib/gateway.mjs';

let gateway;
before(async () => { gateway = await start(); });
after(async () => {
    const how = await gateway.stop();
    assert.equal(how.code, 0);
    assert.ok(how.ms < 2000 * slow, `SIGTERM took ${how.ms} ms`);
});

const post = async (path, body) => {
    const answer = await fetch(`${gateway.http}/janus${path}`, { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
};
const admin = async (path, body) => {
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8');
    const answer = await fetch(`${gateway.admin}/admin${path}`,
        { method: 'POST', body: JSON.stringify({ transaction: 'a', admin_secret, ...body }) });
    return answer.json();
};

test('the ready line names every origin and the media ports', () => {
    assert.match(gateway.ready,
        /^stoa ready http=http:\/\/\S+ websocket=ws:\/\/\S+ admin=http:\/\/\S+ media=udp\/\d+-\d+,tcp\/\d+-\d+$/);
});

test('a session lives from create to destroy over WebSocket', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const attached = await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.echotest' });
    assert.equal(attached.janus, 'success');
    const handle_id = attached.data.id;
    assert.equal((await client.request({ janus: 'keepalive', session_id })).janus, 'ack');
    assert.equal((await client.request({ janus: 'message', session_id, handle_id, body: { audio: true } })).janus, 'ack');
    const event = await client.event((one) => one.janus === 'event');
    assert.equal(event.plugindata.data.result, 'ok');
    assert.equal((await client.request({ janus: 'detach', session_id, handle_id })).janus, 'success');
    await client.event((one) => one.janus === 'detached');
    assert.equal((await client.request({ janus: 'destroy', session_id })).janus, 'success');
    assert.equal((await client.request({ janus: 'keepalive', session_id })).error.code, 458);
    client.close();
});

test('the long poll gives events as one object or as an array', async () => {
    const { data: { id } } = await post('', { janus: 'create', transaction: '1' });
    const { data: { id: handle } } = await post(`/${id}`, { janus: 'attach', transaction: '2', plugin: 'stoa.plugin.echotest' });
    for (const maxev of ['', '?maxev=5']) {
        assert.equal((await post(`/${id}/${handle}`, { janus: 'message', transaction: '3', body: { video: true } })).janus, 'ack');
        const got = await (await fetch(`${gateway.http}/janus/${id}${maxev}`)).json();
        assert.equal((maxev ? got[0] : got).transaction, '3');
    }
    assert.equal((await fetch(`${gateway.http}/janus/123456`)).status, 404);
    assert.equal((await post(`/${id}`, { janus: 'destroy', transaction: '4' })).janus, 'success');
});

const errors = [
    [{ janus: 'create', transaction: 1 }, 467], [{ transaction: 'x' }, 456], [{ janus: 'nonsense' }, 457],
    [{ janus: 'keepalive', session_id: 'a' }, 457], [{ janus: 'keepalive', session_id: 77 }, 458],
    [{ janus: 'attach', plugin: 'x', own: true }, 460], [{ janus: 'attach', own: true }, 456],
    [{ janus: 'nonsense', own: true }, 453], [{ janus: 'message', own: true }, 457],
    [{ janus: 'detach', handle_id: 5, own: true }, 459],
];
test('errors carry their number and end nothing', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id } } = await client.request({ janus: 'create' });
    for (const [{ own, ...message }, code] of errors) {
        const full = { transaction: 'e', ...message, ...(own ? { session_id: id } : {}) };
        client.socket.send(JSON.stringify(full));
        const answer = await client.event((one) => one.janus === 'error');
        assert.equal(answer.error.code, code, JSON.stringify(full));
    }
    assert.equal((await client.request({ janus: 'keepalive', session_id: id })).janus, 'ack');
    client.close();
});

test('a WebSocket session answers to its own connection until it is claimed', async () => {
    const [one, two] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const { data: { id: session_id } } = await one.request({ janus: 'create' });
    assert.equal((await two.request({ janus: 'keepalive', session_id })).error.code, 458);
    assert.equal((await two.request({ janus: 'claim', session_id })).janus, 'success');
    assert.equal((await two.request({ janus: 'keepalive', session_id })).janus, 'ack');
    one.close();
    assert.equal((await two.request({ janus: 'keepalive', session_id })).janus, 'ack');
    two.close();
});

test('a module is taken away and brought back at run time', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' });
    assert.equal((await admin('', { janus: 'disable_plugin', plugin: 'echotest' })).janus, 'success');
    await client.event((one) => one.janus === 'detached');
    assert.equal((await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' })).error.code, 460);
    assert.equal((await admin('', { janus: 'enable_plugin', plugin: 'echotest' })).janus, 'success');
    assert.equal((await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' })).janus, 'success');
    assert.equal((await admin('', { janus: 'reload_plugin', plugin: 'echotest' })).janus, 'success');
    assert.equal((await admin('', { janus: 'list_sessions', admin_secret: 'wrong' })).error.code, 403);
    client.close();
});

test('sockets lost at any moment leave no session behind', async () => {
    for (let round = 0; round < 100; round++) {
        const client = await connect(gateway.websocket);
        client.request({ janus: 'create' }).then(({ data }) => {
            client.request({ janus: 'attach', session_id: data.id, plugin: 'stoa.plugin.videoroom' });
            if (round % 3)
                client.request({ janus: 'destroy', session_id: data.id });
        });
        await new Promise((resolve) => setTimeout(resolve, round % 5));
        client.socket.terminate();
    }
    for (let tries = 0; ; tries++) {
        const { sessions } = await admin('', { janus: 'list_sessions' });
        if (sessions.length === 0)
            break;
        assert.ok(tries < 50, `${sessions.length} sessions are left`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
});

test('a wrong key is named, with the nearest known one', async () => {
    const { code, stderr } = await new Promise((resolve) => execFile(binary,
        ['-t', '-s', 'http:listen.prot=1'], (error, _, err) => resolve({ code: error?.code ?? 0, stderr: err })));
    assert.equal(code, 1);
    assert.match(stderr, /http\.conf: listen\.prot.*"port"/);
    await new Promise((resolve, reject) => execFile(binary, ['-t', '-c', join(tree, 'conf')],
        (error) => error ? reject(error) : resolve()));
});
