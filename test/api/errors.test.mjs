/* SPDX-License-Identifier: MIT */
/* Every error number of the session protocol that a client can bring about, over both transports. (Janus API section 5) */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, connect } from '../lib/gateway.mjs';
import { admin, beginWithConf, either, offer, session } from '../lib/wire.mjs';

/* Bobs up at each attach to say no: nothing of ours does. */
const refuser = `#include <stoa/error.h>
#include <stoa/plugin.h>
static bool attached(StoaHandle *handle G_GNUC_UNUSED, GError **error)
{
    return stoa_fail(error, STOA_ERROR_REFUSED, "nobody is let in");
}
STOA_PLUGIN(.name = "refuser", .version = "1.0", .summary = "Lets nobody in", .attached = attached)
`;
let dir;
before(() => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-errors-'));
    chmodSync(dir, 0o755);
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa'], { env: { ...process.env, PKG_CONFIG_PATH: dirname(binary) }, encoding: 'utf8' });
    writeFileSync(join(dir, 'refuser.c'), refuser);
    execFileSync('cc', ['-Wall', '-shared', '-fPIC', '-o', 'refuser.so', 'refuser.c', ...flags.trim().split(/\s+/)], { cwd: dir });
    chmodSync(join(dir, 'refuser.so'), 0o755);
});
after(() => rmSync(dir, { recursive: true }));

/* What nothing can bring about here, and why. */
const silent = {
    452: 'an empty request is no JSON, 454', 462: 'no plugin can refuse a detach', 463: 'a plugin answers in its own words',
    466: 'a candidate of an unknown stream is kept or dropped', 471: 'a plugin answers in its own words',
};

/* `S`: to a session, `H`: to a handle of the echo test. */
const cases = [
    [403, { janus: 'create', apisecret: 'wrong' }], [403, { janus: 'create', apisecret: undefined }], [403, { S: 1, janus: 'keepalive', apisecret: '' }],
    [453, { S: 1, janus: 'nonsense' }], [453, { H: 1, janus: 'nonsense' }], [453, { S: 1, janus: 'ünïcödé'.repeat(40) }], [453, { S: 1, janus: '\u{1f600}'.repeat(99) }],
    [454, { H: 1, janus: 'trickle', candidate: null, candidates: [] }], [454, { H: 1, janus: 'trickle', candidate: {}, candidates: [{}] }],
    [455, { H: 1, janus: 'message', body: {}, jsep: 'x' }], [455, { H: 1, janus: 'message', body: {}, jsep: [] }], [455, { H: 1, janus: 'message', body: {}, jsep: 7 }],
    [456, { S: 1, janus: 'attach' }], [456, { H: 1, janus: 'message' }], [456, { H: 1, janus: 'message', body: {}, jsep: {} }],
    [456, { H: 1, janus: 'message', body: {}, jsep: { type: 'offer' } }], [456, { H: 1, janus: 'trickle' }], [456, { H: 1, janus: 'trickle', candidate: {} }],
    [457, { janus: 'nonsense' }], [457, { janus: 'attach', plugin: 'janus.plugin.echotest' }], [457, { janus: 'keepalive' }], [457, { janus: 'destroy' }],
    [457, { H: 1, janus: 'attach', plugin: 'janus.plugin.echotest' }], [457, { S: 1, janus: 'message', body: {} }], [457, { S: 1, janus: 'detach' }],
    [457, { S: 1, janus: 'trickle', candidate: null }], [457, { S: 1, janus: 'hangup' }], [457, { H: 1, janus: 'destroy' }], [457, { H: 1, janus: 'claim' }],
    [457, { S: 1, janus: 'create' }], [457, { janus: 'claim' }],
    [458, { session_id: 77, janus: 'keepalive' }], [458, { session_id: 77, janus: 'claim' }], [458, { session_id: 77, janus: 'nonsense' }], [458, { session_id: 77, janus: 'create' }],
    [458, { session_id: 2 ** 53, janus: 'keepalive' }], [458, { session_id: 2 ** 53, janus: 'create' }], [458, { session_id: 77, handle_id: 5, janus: 'message', body: {} }],
    [459, { S: 1, handle_id: 5, janus: 'detach' }], [459, { S: 1, handle_id: 5, janus: 'nonsense' }], [459, { S: 1, handle_id: 2 ** 53 + 2, janus: 'hangup' }],
    [460, { S: 1, janus: 'attach', plugin: 'janus.plugin.none' }], [460, { S: 1, janus: 'attach', plugin: '' }], [460, { S: 1, janus: 'attach', plugin: 'echotest' }],
    [460, { S: 1, janus: 'attach', plugin: `x${'é'.repeat(300)}` }], [460, { S: 1, janus: 'attach', plugin: '../../x' }],
    [461, { S: 1, janus: 'attach', plugin: 'stoa.plugin.refuser' }],
    [464, { H: 1, janus: 'message', body: {}, jsep: { type: 'pranswer', sdp: offer } }], [464, { H: 1, janus: 'message', body: {}, jsep: { type: 'OFFER', sdp: offer } }],
    [464, { H: 1, janus: 'message', body: {}, jsep: { type: 'zork' } }],
    [465, { H: 1, janus: 'message', body: {}, jsep: { type: 'offer', sdp: '' } }], [465, { H: 1, janus: 'message', body: {}, jsep: { type: 'offer', sdp: 'v=0\r\n' } }],
    [465, { H: 1, janus: 'message', body: {}, jsep: { type: 'offer', sdp: offer.slice(0, 100) } }],
    [467, { S: 1, janus: 'attach', plugin: 5 }], [467, { S: 1, janus: 'attach', plugin: 'janus.plugin.echotest', opaque_id: 5 }], [467, { H: 1, janus: 'message', body: [] }],
    [467, { H: 1, janus: 'message', body: 'x' }], [467, { H: 1, janus: 'message', body: {}, jsep: { type: 5, sdp: offer } }], [467, { H: 1, janus: 'message', body: {}, jsep: { type: 'offer', sdp: {} } }],
    [467, { H: 1, janus: 'trickle', candidate: 'x' }], [467, { H: 1, janus: 'trickle', candidate: { candidate: 5 } }], [467, { H: 1, janus: 'trickle', candidates: {} }], [467, { janus: 'create', id: 'x' }], [467, { janus: 'create', id: 0 }],
    [467, { janus: 'create', id: -1 }], [467, { janus: 'create', id: 2 ** 53 }], [467, { janus: 'create', id: 1.5 }],
    [468, { janus: 'create', id: 4711 }],
    [469, { H: 1, janus: 'message', body: {}, jsep: { type: 'answer', sdp: offer } }],
];

/* What is not even a request: text on a WebSocket, a body over HTTP. */
const texts = [
    [454, ''], [454, 'x'], [454, '{'], [454, '{"janus":"ping","transaction":"\\u0000"}'], [454, '{"a":1,"a":2}'], [454, `{"janus":"ping"} x`], [454, 'é'.repeat(99)],
    [456, '[]'], [456, '[{"janus":"ping","transaction":"x"}]'], [456, '{}'], [456, '{"janus":"ping"}'], [456, '{"transaction":"x"}'],
    [467, '{"janus":5,"transaction":"x"}'], [467, '{"janus":null,"transaction":"x"}'], [467, '{"janus":"ping","transaction":5}'], [467, '{"janus":"ping","transaction":null}'],
    [467, `{"janus":"ping","transaction":"${'x'.repeat(300)}"}`],
];

const seen = new Set();

for (const transport of ['websocket', 'http'])
    test(`over ${transport}, every refusal has its number and loses nothing`, async (t) => {
        const gateway = await beginWithConf(t, { 'refuser.conf': '[module]\nenabled = true\n' }, 'stoa:api.secret=s3cret', `stoa:modules.plugin_dirs=${dir}`);
        const client = await either(transport, gateway);
        const ask = (message) => client.request({ apisecret: 's3cret', ...message });
        const owner = await either(transport, gateway);
        assert.equal((await owner.request({ janus: 'create', apisecret: 's3cret', id: 4711 })).data.id, 4711);
        const { data: { id: session_id } } = await ask({ janus: 'create' });
        const { data: { id: handle_id } } = await ask({ janus: 'attach', session_id, plugin: 'janus.plugin.echotest' });
        for (const [code, { S, H, ...message }] of cases) {
            const full = { ...(S || H ? { session_id } : {}), ...(H ? { handle_id } : {}), ...message };
            const answer = await ask(full), what = JSON.stringify(full).slice(0, 150);
            assert.equal(answer.janus, 'error', what);
            assert.equal(answer.error?.code, code, `${what}: ${JSON.stringify(answer)}`);
            assert.ok(answer.error.reason.length > 5 && answer.transaction, what);
            assert.equal(answer.session_id, full.session_id, what);
            seen.add(code);
        }
        assert.equal((await ask({ session_id, janus: 'keepalive' })).janus, 'ack');
        assert.equal((await ask({ session_id, handle_id, janus: 'message', body: { audio: true } })).janus, 'ack');
        await admin(gateway, '', { janus: 'accept_new_sessions', accept: false });
        assert.equal((await ask({ janus: 'create' })).error.code, 472);
        seen.add(472);
        client.close();
        owner.close();
    });

test('what is no request is refused with its number and without a transaction, and the connection stays', async (t) => {
    const gateway = await beginWithConf(t);
    const client = await connect(gateway.websocket);
    const { session_id } = await session(client);
    for (const [code, text] of texts) {
        client.socket.send(text);
        const answer = await client.event((one) => one.janus === 'error');
        assert.equal(answer.error.code, code, text);
        assert.ok(!('transaction' in answer), text);
        const posted = await fetch(`${gateway.http}/janus`, { method: 'POST', body: text });
        assert.equal(posted.status, 200, text);
        assert.equal((await posted.json()).error.code, code, text);
        seen.add(code);
    }
    const named = { janus: 5, transaction: 'x', session_id: 77 };
    client.socket.send(JSON.stringify(named));
    assert.equal((await client.event((one) => one.janus === 'error')).session_id, 77);
    client.socket.send(Buffer.from('{"janus":"ping","transaction":"\xff"}', 'latin1'), { binary: false });
    assert.equal(await new Promise((resolve) => client.socket.once('close', resolve)), 1007);
    assert.equal((await (await fetch(`${gateway.http}/janus`, { method: 'POST', body: Buffer.from('{"janus":"\xff"}', 'latin1') })).json()).error.code, 454);
    assert.ok(session_id);
});

test('the admin API has numbers of its own: 470, 490', async (t) => {
    const gateway = await beginWithConf(t);
    assert.equal((await admin(gateway, '', { janus: 'remove_token', token: 'x' })).error.code, 470);
    gateway.edit('echotest.conf', { enabled: 'maybe' });
    assert.equal((await admin(gateway, '', { janus: 'reload_conf' })).error.code, 490);
    seen.add(470).add(490);
});

test('no number of the contract is left out', () => {
    seen.add(450); /* limits.test.mjs */
    const contract = [403, 450, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 468, 469, 470, 471, 472, 490];
    assert.deepEqual(contract.filter((code) => !seen.has(code)), Object.keys(silent).map(Number));
});
