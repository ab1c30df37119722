/* SPDX-License-Identifier: MIT */
/* The admin API: every verb, its level, its secret, over HTTP and WebSocket, while a call runs. (Janus API section 12; SECURITY R28) */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { connect } from '../lib/gateway.mjs';
import { call, certificate, handshake } from '../lib/peer.mjs';
import { admin, begin, beginWithConf, session, until } from '../lib/wire.mjs';

/* verb → the level it belongs to: `` the server, `S` a session, `H` a handle; and whether it is open to all. */
const verbs = {
    ping: '', info: '', get_status: '', list_sessions: '', set_session_timeout: '', set_log_level: '', accept_new_sessions: '', loops_info: '', message_plugin: '', add_token: '', remove_token: '',
    list_tokens: '', list_plugins: '', enable_plugin: '', disable_plugin: '', reload_plugin: '', reload_conf: '', list_handles: 'S', destroy_session: 'S', handle_info: 'H', detach_handle: 'H', hangup_webrtc: 'H',
};

test('each verb asks for the secret and has its level', async (t) => {
    const gateway = await begin(t);
    assert.equal(statSync(join(gateway.data, 'admin.secret')).mode & 0o777, 0o600);
    const client = await connect(gateway.websocket);
    const { session_id, handle_id } = await session(client, 'echotest');
    const paths = { '': '', S: `/${session_id}`, H: `/${session_id}/${handle_id}` };
    for (const [verb, level] of Object.entries(verbs)) {
        const open = verb === 'ping' || verb === 'info';
        for (const wrong of ['wrong', '', 5, null, undefined]) {
            const answer = await admin(gateway, paths[level], { janus: verb, admin_secret: wrong });
            assert.equal(answer.error?.code, open ? undefined : 403, `${verb} with ${wrong}`);
            assert.equal(answer.transaction, 'a', verb);
        }
        for (const other of Object.keys(paths).filter((one) => one !== level && !open))
            assert.equal((await admin(gateway, paths[other], { janus: verb })).error?.code, 457, `${verb} at ${other}`);
    }
    assert.equal((await admin(gateway, '', { janus: 'nonsense' })).error.code, 457);
    assert.equal((await admin(gateway, '/77', { janus: 'list_handles' })).error.code, 458);
    assert.equal((await admin(gateway, `/${session_id}/5`, { janus: 'handle_info' })).error.code, 459);
    /* A stranger does not learn here which sessions there are. */
    assert.deepEqual(await admin(gateway, '/77', { janus: 'list_handles', admin_secret: 'x' }).then((one) => one.error.code),
        await admin(gateway, paths.S, { janus: 'list_handles', admin_secret: 'x' }).then((one) => one.error.code));
    assert.equal((await client.request({ janus: 'keepalive', session_id })).janus, 'ack');
    client.close();
});

const refused = [
    ['set_session_timeout', {}, 456], ['set_session_timeout', { timeout: 'x' }, 467], ['set_session_timeout', { timeout: -1 }, 467], ['set_log_level', {}, 456], ['set_log_level', { level: 8 }, 467],
    ['accept_new_sessions', {}, 456], ['accept_new_sessions', { accept: 1 }, 467], ['message_plugin', {}, 456], ['message_plugin', { plugin: 'janus.plugin.none', request: {} }, 460],
    ['message_plugin', { plugin: 'janus.plugin.videoroom' }, 456], ['message_plugin', { plugin: 'janus.plugin.videoroom', request: [] }, 467], ['message_plugin', { plugin: 'janus.plugin.videoroom', request: { request: 'join' } }, 457],
    ['add_token', {}, 456], ['add_token', { token: '' }, 467], ['add_token', { token: 5 }, 467], ['remove_token', { token: 'unknown' }, 470],
    ['enable_plugin', {}, 456], ['disable_plugin', {}, 456], ['reload_plugin', {}, 456], ['enable_plugin', { plugin: 5 }, 467], ['disable_plugin', { plugin: 'none' }, 460], ['enable_plugin', { plugin: 'none' }, 460],
];
test('what is missing or wrong is named', async (t) => {
    const gateway = await begin(t);
    for (const [janus, more, code] of refused) {
        const answer = await admin(gateway, '', { janus, ...more });
        assert.equal(answer.error?.code, code, `${janus} ${JSON.stringify(more)}: ${JSON.stringify(answer)}`);
    }
});

test('stored tokens open at once and close at once; those of conf stay', async (t) => {
    const gateway = await begin(t, 'stoa:api.token_auth=true', 'stoa:api.tokens=fromConf');
    const client = await connect(gateway.websocket);
    const code = async (token) => (await client.request({ janus: 'create', token })).error?.code;
    assert.equal(await code('mine'), 403);
    assert.equal((await admin(gateway, '', { janus: 'add_token', token: 'mine' })).janus, 'success');
    assert.equal(await code('mine'), undefined);
    assert.deepEqual((await admin(gateway, '', { janus: 'list_tokens' })).data.tokens.sort(), ['fromConf', 'mine']);
    assert.equal(statSync(join(gateway.data, 'tokens.json')).mode & 0o777, 0o600);
    assert.equal((await admin(gateway, '', { janus: 'remove_token', token: 'mine' })).janus, 'success');
    assert.equal(await code('mine'), 403);
    assert.equal((await admin(gateway, '', { janus: 'remove_token', token: 'fromConf' })).error.code, 470);
    assert.equal(await code('fromConf'), undefined);
    assert.equal((await client.request({ janus: 'info' })).auth_token, true);
    client.close();
});

test('the sub-protocol janus-admin-protocol speaks it over WebSocket, and never the other API', async (t) => {
    const gateway = await begin(t);
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8').trim();
    const socket = new WebSocket(gateway.websocket, 'janus-admin-protocol');
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    assert.equal(socket.protocol, 'janus-admin-protocol');
    const ask = (message) => new Promise((resolve) => { socket.once('message', (data) => resolve(JSON.parse(data))); socket.send(JSON.stringify({ transaction: 'w', ...message })); });
    assert.equal((await ask({ janus: 'list_sessions' })).error.code, 403);
    assert.deepEqual((await ask({ janus: 'list_sessions', admin_secret })).sessions, []);
    assert.equal((await ask({ janus: 'create', admin_secret })).error.code, 457);
    const client = await connect(gateway.websocket);
    const { session_id, handle_id } = await session(client, 'echotest');
    assert.deepEqual((await ask({ janus: 'list_handles', session_id, admin_secret })).handles, [handle_id]);
    assert.equal((await ask({ janus: 'handle_info', session_id, handle_id, admin_secret })).info.session_transport, 'stoa.transport.websocket');
    assert.equal((await client.request({ janus: 'list_sessions', admin_secret })).error.code, 457);
    const refusedOrigin = new WebSocket(gateway.websocket, 'janus-admin-protocol', { headers: { origin: 'https://evil.example' } });
    assert.equal(await new Promise((resolve) => { refusedOrigin.on('error', () => {}); refusedOrigin.once('unexpected-response', (_, answer) => resolve(answer.statusCode)); }), 403);
    socket.close();
    client.close();
});

test('a running call is seen, hung up, detached and ended from outside', async (t) => {
    const gateway = await begin(t);
    const own = certificate(), client = await connect(gateway.websocket);
    const who = await session(client, 'echotest'), path = `/${who.session_id}/${who.handle_id}`;
    const before = (await admin(gateway, path, { janus: 'handle_info' })).info;
    assert.equal(before.flags['got-offer'], false);
    const peer = await call(client, who, own);
    await peer.check();
    const end = await handshake(peer, own);
    t.after(async () => { await end(); peer.close(); own.remove(); });
    await client.event((one) => one.janus === 'webrtcup');
    const { info } = await until('it is seen', async () => { const one = await admin(gateway, path, { janus: 'handle_info' }); return one.info?.flags?.ready && one; });
    assert.ok(info.flags['got-offer'] && info.flags.negotiated && info.flags['has-audio'] && !info.flags['has-video']);
    assert.ok(info.webrtc && info.sdps && info.plugin === 'stoa.plugin.echotest', JSON.stringify(Object.keys(info)));
    assert.ok(Math.abs(info.current_time - info.session_last_activity) < 60e6 && Math.abs(info.current_time - info.created) < 60e6);
    assert.ok(!JSON.stringify(info.webrtc).includes(peer.pwd));
    assert.equal((await admin(gateway, path, { janus: 'hangup_webrtc' })).janus, 'success');
    await client.event((one) => one.janus === 'hangup');
    assert.equal((await admin(gateway, path, { janus: 'hangup_webrtc' })).janus, 'success');
    assert.equal((await admin(gateway, path, { janus: 'detach_handle' })).janus, 'success');
    assert.equal((await client.event((one) => one.janus === 'detached')).sender, who.handle_id);
    assert.equal((await client.request({ janus: 'detach', ...who })).error.code, 459);
    assert.equal((await admin(gateway, `/${who.session_id}`, { janus: 'destroy_session' })).janus, 'success');
    assert.equal((await client.request({ janus: 'keepalive', session_id: who.session_id })).error.code, 458);
    client.close();
});

test('reload_conf takes a good conf, and of a bad one nothing', async (t) => {
    const gateway = await beginWithConf(t);
    gateway.edit('stoa.conf', { timeout_s: 77 });
    assert.equal((await admin(gateway, '', { janus: 'reload_conf' })).janus, 'success');
    assert.equal((await admin(gateway, '', { janus: 'get_status' })).status.session_timeout, 77);
    gateway.edit('stoa.conf', { timeout_s: 78, json_depth: 'deep' });
    const answer = await admin(gateway, '', { janus: 'reload_conf' });
    assert.match(answer.error.reason, /stoa\.conf.*json_depth/);
    assert.equal((await admin(gateway, '', { janus: 'get_status' })).status.session_timeout, 77);
});
