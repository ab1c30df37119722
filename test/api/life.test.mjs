/* SPDX-License-Identifier: MIT */
/* The gateway's life: TLS, reload, stop, bad conf, the admin API, races and what they leave behind. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { binary, connect, sanitized, slow, start, tree } from '../lib/gateway.mjs';

const offer = readFileSync(`${tree}/test/fixtures/sdp/chromium-audio-video.sdp`, 'utf8');
let dir;
before(() => { dir = mkdtempSync(join(tmpdir(), 'stoa-life-')); cpSync(join(tree, 'conf'), join(dir, 'conf'), { recursive: true }); });
after(() => rmSync(dir, { recursive: true }));

const admin = async (who, path, body) => {
    const admin_secret = readFileSync(join(who.data, 'admin.secret'), 'utf8').trim();
    return (await fetch(`${who.admin}/admin${path}`, { method: 'POST', body: JSON.stringify({ transaction: 'a', admin_secret, ...body }) })).json();
};
const until = async (what, fits) => {
    for (let n = 0; n < 100 * slow; n++, await sleep(50))
        if (await fits())
            return;
    assert.fail(`${what}: not within ${5 * slow} s`);
};

/* A gateway that ends with its test, however that ends. */
async function begin(t, ...settings) {
    const gateway = await start(...settings);
    t.after(async () => assert.equal((await gateway.stop()).code, 0));
    return gateway;
}

test('both transports speak TLS with a certificate from openssl', async (t) => {
    const [cert, key] = [join(dir, 'c.pem'), join(dir, 'k.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const gateway = await begin(t, ...['http', 'websocket'].flatMap((one) => [`${one}:tls.certificate=${cert}`, `${one}:tls.key=${key}`]));
    assert.match(gateway.ready, /http=https:.* websocket=wss:/);
    const info = await new Promise((resolve, reject) => https.get(`${gateway.http}/janus/info`, { rejectUnauthorized: false },
        (answer) => answer.on('data', (data) => resolve(String(data)))).on('error', reject));
    assert.match(info, /server_info/);
    const socket = new WebSocket(gateway.websocket, 'janus-protocol', { rejectUnauthorized: false });
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    socket.send('{"janus":"ping","transaction":"p"}');
    assert.equal(JSON.parse(await new Promise((resolve) => socket.once('message', resolve))).janus, 'pong');
    socket.close();
});

test('SIGHUP takes a module away and brings it back', async (t) => {
    const conf = join(dir, 'conf'), file = join(conf, 'echotest.conf'), text = readFileSync(file, 'utf8');
    const gateway = await begin(t, { conf });
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const attach = () => client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.echotest' });
    const { data: { id: handle } } = await attach();
    assert.match(text, /^enabled = true$/m);
    writeFileSync(file, text.replace(/^enabled = true$/m, 'enabled = false'));
    gateway.child.kill('SIGHUP');
    assert.equal((await client.event((one) => one.janus === 'detached')).sender, handle);
    assert.equal((await attach()).error.code, 460);
    writeFileSync(file, text);
    gateway.child.kill('SIGHUP');
    await until('the module is back', async () => (await attach()).janus === 'success');
    client.close();
});

test('a reload with a bad conf changes nothing and says what is wrong', async (t) => {
    const conf = join(dir, 'conf'), file = join(conf, 'http.conf'), text = readFileSync(file, 'utf8');
    const gateway = await begin(t, { conf });
    writeFileSync(file, text.replace(/^base_path = .*$/m, 'base_pat = /x'));
    gateway.child.kill('SIGHUP');
    await until('the log names the key', () => /base_pat\b/.test(gateway.log));
    assert.equal((await (await fetch(`${gateway.http}/janus/info`)).json()).janus, 'server_info');
    writeFileSync(file, text);
});

test('a data folder has one gateway at a time, and the next when that one is gone, however it went', async (t) => {
    const data = mkdtempSync(join(dir, 'data-')), first = await start({ data });
    await assert.rejects(start({ data }), /another gateway uses the data folder/);
    assert.equal((await (await fetch(`${first.http}/healthz`)).json()).status, 'ok');
    first.child.kill('SIGKILL');
    const next = await start({ data });
    t.after(() => next.stop());
    assert.equal((await (await fetch(`${next.http}/healthz`)).json()).status, 'ok');
});

test('-t names the file, the key and the nearest known one', async () => {
    for (const [setting, words] of [['stoa:sessions.timout_s=1', /stoa\.conf.*sessions\.timout_s.*timeout_s/], ['stoa:media.port=x', /stoa\.conf.*media\.port/],
        ['websocket:lisen.port=1', /websocket\.conf.*lisen.*listen/]]) {
        const { code, stderr } = await new Promise((resolve) => execFile(binary, ['-t', '-c', join(tree, 'conf'), '-s', setting],
            (error, _, err) => resolve({ code: error?.code ?? 0, stderr: err })));
        assert.equal(code, 1, setting);
        assert.match(stderr, words);
    }
});

test('SIGTERM closes the sockets of the clients in order', async (t) => {
    const gateway = await begin(t);
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.videoroom' });
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    const how = await gateway.stop();
    assert.equal(how.code, 0);
    assert.ok(how.ms < 2000 * slow, `${how.ms} ms`);
    assert.equal(await closed, 1001);
});

test('the admin API looks into sessions and ends them', async (t) => {
    const gateway = await begin(t);
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.echotest', opaque_id: 'me' });
    const ask = (path, janus, more) => admin(gateway, path, { janus, ...more });
    assert.equal((await ask('', 'ping')).janus, 'pong');
    assert.equal((await ask('', 'info')).janus, 'server_info');
    assert.equal((await ask('', 'get_status')).status.session_timeout, 60);
    assert.deepEqual((await ask('', 'list_sessions')).sessions, [session_id]);
    assert.deepEqual((await ask(`/${session_id}`, 'list_handles')).handles, [handle_id]);
    assert.equal((await ask('/5', 'list_handles')).error.code, 458);
    const { info } = await ask(`/${session_id}/${handle_id}`, 'handle_info');
    assert.equal(info.opaque_id, 'me');
    assert.equal(info.handle_id, handle_id);
    assert.ok(info.flags && info.plugin);
    assert.equal((await ask('', 'set_session_timeout', { timeout: 50 })).timeout, 50);
    assert.equal((await ask('', 'accept_new_sessions', { accept: false })).accept, false);
    assert.equal((await client.request({ janus: 'create' })).error.code, 472);
    await ask('', 'accept_new_sessions', { accept: true });
    assert.deepEqual((await ask('', 'loops_info')).loops, []);
    assert.equal((await ask('', 'message_plugin', { plugin: 'janus.plugin.videoroom', request: { request: 'list' } })).response.videoroom, 'success');
    assert.equal((await ask('', 'nonsense')).error.code, 457);
    assert.ok(JSON.stringify(await ask('', 'list_plugins')).includes('echotest'));
    assert.equal((await ask(`/${session_id}/${handle_id}`, 'detach_handle')).janus, 'success');
    await client.event((one) => one.janus === 'detached');
    assert.equal((await ask(`/${session_id}`, 'destroy_session')).janus, 'success');
    assert.equal((await client.request({ janus: 'keepalive', session_id })).error.code, 458);
    client.close();
});

const state = (pid) => ({ kb: Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]), fds: readdirSync(`/proc/${pid}/fd`).length });

test('rounds of attach, offer, detach, destroy and loss leave no memory, descriptor or session', async (t) => {
    const rounds = process.env.STOA_FULL ? 3000 : 200;
    const gateway = await begin(t, 'stoa:limits.requests_per_second=0');
    const round = async (n) => {
        const client = await connect(gateway.websocket);
        client.socket.on('error', () => {});
        const { data: { id: session_id } } = await client.request({ janus: 'create' });
        const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'janus.plugin.echotest' });
        const sent = client.request({ janus: 'message', session_id, handle_id, body: { audio: true }, jsep: { type: 'offer', sdp: offer } });
        if (n % 2)
            await sent;
        if (n % 5 === 1)
            assert.equal((await client.event((one) => one.janus === 'event')).jsep.type, 'answer');
        if (n % 4 === 0)
            await client.request({ janus: 'detach', session_id, handle_id });
        if (n % 4 === 1)
            await client.request({ janus: 'hangup', session_id, handle_id });
        if (n % 3 === 0)
            await client.request({ janus: 'destroy', session_id });
        client.socket.terminate();
    };
    const settle = () => until('no session is left', async () => (await admin(gateway, '', { janus: 'list_sessions' })).sessions.length === 0);
    for (let n = 0; n < 60; n++)
        await round(n);
    await settle();
    await sleep(500);
    const first = state(gateway.child.pid);
    for (let n = 0; n < rounds; n += 10)
        await Promise.all(Array.from({ length: 10 }, (_, i) => round(n + i)));
    await settle();
    await sleep(500);
    const last = state(gateway.child.pid);
    console.log(`${rounds} rounds: ${first.kb} to ${last.kb} kB, ${first.fds} to ${last.fds} descriptors`);
    assert.ok(last.fds <= first.fds + 4, `${first.fds} to ${last.fds} descriptors`);
    assert.ok(sanitized || last.kb < first.kb + 8192, `${first.kb} to ${last.kb} kB`);
});
