// SPDX-License-Identifier: MIT
// The WebSocket transport on a fake core: run by test/unit/transports/run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dial, makeCertificate, renewCertificate, sleep, slow, startHost } from './host.mjs';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const opening = (headers = {}) => Object.entries({ Host: 'x', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Protocol': 'janus-protocol', ...headers })
  .filter(([, value]) => value !== null).reduce((text, [name, value]) => `${text}${name}: ${value}\r\n`, 'GET / HTTP/1.1\r\n') + '\r\n';

function frame(payload, { opcode = 1, fin = true, rsv = 0, masked = true, length } = {}) {
  const body = Buffer.from(payload);
  const n = body.length;
  const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode];
  const bit = masked ? 0x80 : 0;
  if (length === 64 || (!length && n > 65535)) { head.push(bit | 127); const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); head.push(...b); }
  else if (length === 16 || (!length && n > 125)) head.push(bit | 126, n >> 8, n & 255);
  else head.push(bit | n);
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, body.map((byte, i) => byte ^ mask[i & 3])]);
}

// Server frames in peer.data from `at`: [{ opcode, payload }]
function frames(peer) {
  const found = [];
  let at = peer.data.indexOf('\r\n\r\n') + 4;
  while (at + 2 <= peer.data.length) {
    let n = peer.data[at + 1] & 127, head = 2;
    assert.equal(peer.data[at + 1] & 0x80, 0, 'a server does not mask');
    if (n === 126) { n = peer.data.readUInt16BE(at + 2); head = 4; } else if (n === 127) { n = Number(peer.data.readBigUInt64BE(at + 2)); head = 10; }
    if (at + head + n > peer.data.length) break;
    found.push({ opcode: peer.data[at] & 15, payload: peer.data.subarray(at + head, at + head + n) });
    at += head + n;
  }
  return found;
}

async function connect(origin, headers, options) {
  const peer = await dial(origin, options);
  peer.socket.write(opening(headers));
  await peer.until((p) => p.data.includes('\r\n\r\n'));
  assert.match(peer.data.toString('latin1'), /^HTTP\/1\.1 101 /);
  peer.frames = () => frames(peer);
  peer.send = (payload, options2) => peer.socket.write(frame(payload, options2));
  peer.json = async (n = 1) => { await peer.until(() => frames(peer).filter((f) => f.opcode === 1).length >= n); return JSON.parse(frames(peer).filter((f) => f.opcode === 1)[n - 1].payload); };
  peer.close = async () => { await peer.until((p) => p.ended || frames(p).some((f) => f.opcode === 8)); const last = frames(peer).find((f) => f.opcode === 8); return last ? last.payload.readUInt16BE(0) : 'none'; };
  return peer;
}

let host, origin;
const ping = '{"janus":"ping","transaction":"t"}';
before(async () => {
  host = await startHost('websocket', '@message_bytes=100000', '@connections_per_address=60', '@trusted_proxies=127.0.0.9', 'limits.handshake_s=1',
    'limits.ping_s=1', 'limits.idle_s=3', 'limits.queue_bytes=200000');
  await host.line('ready');
  origin = host.origins.websocket;
});
after(async () => { if (host) await host.stop(); });

test('the handshake answers the key and echoes the sub-protocol', async () => {
  const peer = await connect(origin, { 'Sec-WebSocket-Protocol': 'other, janus-protocol' });
  const head = peer.data.toString('latin1');
  assert.match(head, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(head, /Sec-WebSocket-Protocol: janus-protocol\r\n/);
  peer.send(ping);
  assert.deepEqual(await peer.json(), { janus: 'pong', transaction: 't' });
  peer.socket.destroy();
});

test('a bad handshake is refused in words', async () => {
  const cases = [
    [{ 'Sec-WebSocket-Protocol': null }, 400, /janus-protocol/],
    [{ 'Sec-WebSocket-Protocol': 'chat' }, 400, /janus-protocol/],
    [{ Upgrade: null }, 426, /WebSocket/],
    [{ 'Sec-WebSocket-Version': 8 }, 426, /13/],
    [{ 'Sec-WebSocket-Key': 'abc' }, 400, /Sec-WebSocket-Key/],
    [{ Host: null }, 400, /Host/],
    [{ 'Content-Length': 5 }, 400, /body/],
    [{ Origin: 'http://evil.example' }, 403, /allow_origins/],
    [{ 'Bad Name': 1 }, 400, /HTTP/],
  ];
  for (const [headers, status, words] of cases) {
    const peer = await dial(origin);
    peer.socket.write(opening(headers));
    await peer.closed();
    assert.match(peer.data.toString(), new RegExp(`^HTTP/1.1 ${status} `), JSON.stringify(headers));
    assert.match(peer.data.toString().split('\r\n\r\n')[1], words);
  }
  for (const text of ['nonsense\r\n\r\n', 'POST / HTTP/1.1\r\nHost: x\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'a'.repeat(9000)}`]) {
    const peer = await dial(origin);
    peer.socket.write(text);
    await peer.closed();
    assert.match(peer.data.toString(), /^HTTP\/1.1 40[05] /);
  }
});

test('our own page may connect', async () => {
  const { host: name } = new URL(origin);
  (await connect(origin, { Host: name, Origin: `http://${name}` })).socket.destroy();
});

test('a message may come in fragments, with pings between them, in any cut of bytes', async () => {
  const peer = await connect(origin);
  const bytes = Buffer.concat([
    frame(ping.slice(0, 5), { fin: false }), frame('hello', { opcode: 9 }), frame('', { opcode: 0, fin: false }),
    frame(ping.slice(5, 9), { opcode: 0, fin: false }), frame('', { opcode: 10 }), frame(ping.slice(9), { opcode: 0 })]);
  for (const byte of bytes) { peer.socket.write(Buffer.from([byte])); await sleep(1); }
  assert.equal((await peer.json()).janus, 'pong');
  assert.equal(peer.frames().find((f) => f.opcode === 10).payload.toString(), 'hello');
  peer.socket.destroy();
});

test('many requests at once are answered in order', async () => {
  const peer = await connect(origin);
  peer.socket.write(Buffer.concat(Array.from({ length: 300 }, (_, i) => frame(JSON.stringify({ janus: 'ping', transaction: `${i}` })))));
  await peer.json(300);
  assert.deepEqual(peer.frames().filter((f) => f.opcode === 1).map((f) => JSON.parse(f.payload).transaction), Array.from({ length: 300 }, (_, i) => `${i}`));
  peer.socket.destroy();
});

test('frames that come with the handshake are not lost', async () => {
  for (let i = 0; i < 100; i++) {
    const peer = await dial(origin);
    peer.socket.write(Buffer.concat([Buffer.from(opening()), frame(ping)]));
    await peer.until((p) => p.data.includes('pong'));
    peer.socket.destroy();
  }
});

test('large messages pass both ways', async () => {
  const peer = await connect(origin);
  for (const n of [100, 126, 65000, 65536, 99900]) {
    const began = peer.frames().filter((f) => f.opcode === 1).length;
    peer.send(JSON.stringify({ janus: 'echo', text: 'ä'.repeat(n / 2 - 20) }));
    assert.equal((await peer.json(began + 1)).text.length, n / 2 - 20);
  }
  peer.socket.destroy();
});

test('broken JSON is answered and closes nothing', async () => {
  const peer = await connect(origin);
  peer.send('{nope');
  assert.equal((await peer.json()).error.code, 454);
  peer.send('');
  assert.equal((await peer.json(2)).error.code, 454);
  peer.send(ping);
  assert.equal((await peer.json(3)).janus, 'pong');
  peer.socket.destroy();
});

test('broken framing closes with its code', async () => {
  const cases = [
    ['unmasked', [frame(ping, { masked: false })], 1002],
    ['unmasked and empty, long form', [Buffer.from([0x81, 126, 0, 0])], 1002],
    ['reserved bit 1', [frame(ping, { rsv: 4 })], 1002],
    ['reserved bit 3', [frame(ping, { rsv: 1 })], 1002],
    ['unknown opcode', [frame(ping, { opcode: 3 })], 1002],
    ['unknown control', [frame('', { opcode: 11 })], 1002],
    ['stray continuation', [frame(ping, { opcode: 0 })], 1002],
    ['text inside a message', [frame('a', { fin: false }), frame('b')], 1002],
    ['fragmented ping', [frame('', { opcode: 9, fin: false })], 1002],
    ['long ping', [frame('x'.repeat(126), { opcode: 9 })], 1002],
    ['length not minimal', [frame('abc', { length: 16 })], 1002],
    ['length of 64 bits not minimal', [frame('abc', { length: 64 })], 1002],
    ['negative length', [Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4])], 1002],
    ['unmasked after good ones', [frame(ping), frame(ping, { masked: false })], 1002],
    ['bad UTF-8', [frame(Buffer.from([0x22, 0xc3, 0x28, 0x22]))], 1007],
    ['overlong UTF-8', [frame(Buffer.from([0xc0, 0x80]))], 1007],
    ['surrogate', [frame(Buffer.from([0xed, 0xa0, 0x80]))], 1007],
    ['cut UTF-8', [frame(Buffer.from([0xe2, 0x82]))], 1007],
    ['binary', [frame('x', { opcode: 2 })], 1003],
    ['close of one byte', [frame('x', { opcode: 8 })], 1002],
    ['close with 1005', [frame(Buffer.from([3, 237]), { opcode: 8 })], 1002],
    ['close with bad UTF-8', [frame(Buffer.from([3, 232, 0xff]), { opcode: 8 })], 1007],
  ];
  for (const [name, sent, code] of cases) {
    const peer = await connect(origin);
    peer.socket.write(Buffer.concat(sent));
    assert.equal(await peer.close(), code, name);
    peer.send(Buffer.from([3, 232]), { opcode: 8 });
    await peer.closed(4000);
  }
});

test('UTF-8 cut between fragments is fine', async () => {
  const peer = await connect(origin);
  const text = Buffer.from('{"janus":"echo","text":"\u20ac\u{1f600}"}');
  for (let i = 0; i < text.length; i++) peer.send(text.subarray(i, i + 1), { opcode: i ? 0 : 1, fin: i === text.length - 1 });
  assert.equal((await peer.json()).text, '\u20ac\u{1f600}');
  peer.socket.destroy();
});

test('past the limit the core says why, and goes on', async () => {
  const peer = await connect(origin);
  for (let i = 0; i < 30; i++) peer.send('x'.repeat(10000), { opcode: i ? 0 : 1, fin: i === 29 });
  peer.send(ping);
  assert.equal((await peer.json()).error.code, 450);
  assert.equal((await peer.json(2)).janus, 'pong');
  peer.socket.destroy();
});

test('a message of announced exabytes takes no memory', async () => {
  const memory = host.memory();
  const peers = await Promise.all(Array.from({ length: 30 }, () => connect(origin)));
  for (const peer of peers) peer.socket.write(Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x20]));
  await sleep(200);
  assert.ok(host.memory() - memory < 3000);
  peers.forEach((peer) => peer.socket.destroy());
});

test('a close is answered with its code, and the connection ends', async () => {
  const peer = await connect(origin);
  peer.send(Buffer.concat([Buffer.from([0x0f, 0xa0]), Buffer.from('bye')]), { opcode: 8 });
  assert.equal(await peer.close(), 4000);
  assert.ok(await peer.closed() < 500);
  const plain = await connect(origin);
  plain.send('', { opcode: 8 });
  assert.equal(await plain.close(), 1000);
});

test('events reach their client, and what it does not read is bounded', async () => {
  const peer = await connect(origin);
  peer.send('{"janus":"flood","n":50}');
  await peer.json(51);
  const idle = await connect(origin);
  idle.socket.pause();
  const memory = host.memory();
  for (let i = 0; i < 40; i++) idle.send('{"janus":"flood","n":500}');
  await sleep(800);
  const bound = process.env.STOA_SANITIZED ? 80000 : 40000; // a sanitizer keeps freed memory for a while
  assert.ok(host.memory() - memory < bound, `${host.memory() - memory} KB more`);
  idle.socket.resume();
  await idle.closed();
  peer.send(ping);
  await peer.json(52);
  peer.socket.destroy();
});

test('the admin protocol is for this machine, not for what a proxy brings', async () => {
  const peer = await connect(origin, { 'Sec-WebSocket-Protocol': 'janus-admin-protocol' });
  assert.match(peer.data.toString('latin1'), /Sec-WebSocket-Protocol: janus-admin-protocol/);
  peer.socket.destroy();
  for (const [headers, options] of [[{ 'X-Forwarded-For': '10.0.0.1' }, {}], [{ 'X-Forwarded-For': '127.0.0.1' }, { localAddress: '127.0.0.9' }]]) {
    const proxied = await dial(origin, options);
    proxied.socket.write(opening({ 'Sec-WebSocket-Protocol': 'janus-admin-protocol', ...headers }));
    await proxied.closed();
    assert.match(proxied.data.toString(), /^HTTP\/1.1 403 /);
  }
});

test('a slow handshake is cut off, drip by drip', { timeout: 10000 }, async () => {
  const peer = await dial(origin);
  peer.socket.write('GET / HTTP/1.1\r\n');
  const timer = setInterval(() => peer.socket.writable && peer.socket.write('X-A: b\r\n'), 100);
  const ms = await peer.closed(4000);
  clearInterval(timer);
  assert.ok(ms > 500 && ms < 2500, `${ms}`);
});

test('who answers pings stays, who does not goes', { timeout: 15000 }, async () => {
  const dead = await connect(origin), alive = await connect(origin);
  const timer = setInterval(() => { if (alive.frames().some((f) => f.opcode === 9)) alive.send('', { opcode: 10 }); }, 300);
  const ms = await dead.closed(8000);
  clearInterval(timer);
  assert.ok(ms > 2000 && ms < 5000, `${ms}`);
  assert.equal(alive.ended, false);
  alive.socket.destroy();
});

test('an address has its number of connections, and behind a proxy each client its own', async () => {
  const peers = [];
  for (let i = 0; i < 60; i++) peers.push(await connect(origin, {}, { localAddress: '127.0.0.5' }));
  const more = await dial(origin, { localAddress: '127.0.0.5' });
  more.socket.write(opening());
  await more.closed();
  assert.match(more.data.toString(), /^HTTP\/1.1 429 /);
  for (let i = 0; i < 70; i++) peers.push(await connect(origin, { 'X-Forwarded-For': `6.6.6.6, 10.0.0.${i}` }, { localAddress: '127.0.0.9' }));
  peers.forEach((peer) => peer.socket.destroy());
});

test('clients and addresses are given back', async () => {
  await sleep(500);
  const peer = await connect(origin);
  peer.send('{"janus":"count"}');
  const found = await peer.json();
  assert.equal(found.clients, 1);
  assert.equal(found.addresses, 1);
  peer.socket.destroy();
});

test('a client that the core closes gets what is queued first', async () => {
  const peer = await connect(origin);
  peer.send('{"janus":"flood","n":100}');
  await peer.json(1);
  host.signal('SIGUSR1');
  assert.equal(await peer.close(), 1000);
  assert.equal(peer.frames().filter((f) => f.opcode === 1).length, 101);
  peer.socket.destroy();
});

test('a taken port is named with its address and key', () => {
  const { port } = new URL(origin);
  const run = spawnSync(process.env.STOA_FAKE_HOST, [join(process.env.STOA_MODULES, 'websocket.so'), `listen.port=${port}`]);
  assert.equal(run.status, 1);
  assert.match(run.stdout.toString(), new RegExp(`websocket.conf: listen.port: port ${port} on every interface is taken`));
});

test('IPv6 origins are in brackets, any origin is welcome with a star', async () => {
  const v6 = await startHost('websocket', 'listen.address=::1', 'listen.allow_origins=*');
  await v6.line('ready');
  assert.match(v6.origins.websocket, /^ws:\/\/\[::1\]:\d+$/);
  const { port } = new URL(v6.origins.websocket);
  const peer = await dial(`ws://localhost:${port}`, { host: '::1' });
  peer.socket.write(opening({ Origin: 'http://x.example' }));
  assert.match((await peer.until((p) => p.data.includes('\r\n\r\n'))).toString(), / 101 /);
  await v6.stop();
});

test('TLS is served, and a new certificate is shown after a reload while old connections go on', async () => {
  const files = makeCertificate('first');
  const secure = await startHost('websocket', `tls.certificate=${files.certificate}`, `tls.key=${files.key}`);
  await secure.line('ready');
  assert.match(secure.origins.websocket, /^wss:/);
  const old = await connect(secure.origins.websocket);
  assert.equal(old.socket.getPeerCertificate().subject.CN, 'first');
  old.send(JSON.stringify({ janus: 'echo', text: 'x'.repeat(90000) }));
  assert.equal((await old.json()).text.length, 90000);
  for (const [name, kind] of [['second', undefined], ['third', ['-newkey', 'rsa:2048']], ['fourth', undefined]]) {
    renewCertificate(files.dir, name, kind);
    secure.signal('SIGHUP');
    await secure.line('changed');
    await sleep(100);
    const fresh = await connect(secure.origins.websocket);
    assert.equal(fresh.socket.getPeerCertificate().subject.CN, name);
    fresh.socket.destroy();
  }
  writeFileSync(files.certificate, 'broken');
  secure.signal('SIGHUP');
  assert.match(await secure.line('not changed'), /websocket\.conf: tls\.certificate/);
  old.send(ping);
  assert.equal((await old.json(2)).janus, 'pong');
  await assert.rejects(dial(secure.origins.websocket, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
  const plain = await dial(secure.origins.websocket.replace('wss', 'ws'));
  plain.socket.write(opening());
  await plain.closed();
  const { code, said } = await secure.stop();
  assert.equal(code, 0);
  assert.match(said, /0 clients, 0 addresses left/);
});

test('stop says goodbye, within a second', async () => {
  const busy = await startHost('websocket');
  await busy.line('ready');
  const peers = await Promise.all(Array.from({ length: 50 }, () => connect(busy.origins.websocket)));
  const stalled = await dial(busy.origins.websocket);
  peers[0].send('{"janus":"flood","n":100}');
  await sleep(100);
  const began = Date.now();
  const { code, said } = await busy.stop();
  assert.equal(code, 0);
  assert.ok(Date.now() - began < 1000 * slow);
  assert.match(said, /0 clients, 0 addresses left/);
  for (const peer of peers) assert.equal(await peer.close(), 1001);
  stalled.socket.destroy();
});

test('a quiet transport refuses new connections and serves the old ones', async () => {
  const quiet = await startHost('websocket');
  await quiet.line('ready');
  const peer = await connect(quiet.origins.websocket);
  quiet.signal('SIGUSR2');
  await quiet.line('quiet');
  await assert.rejects(dial(quiet.origins.websocket));
  peer.send(ping);
  await peer.json();
  assert.equal((await quiet.stop()).code, 0);
});

test('the accept key is the one of the RFC', () => assert.equal(
  createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='));

// a sanitizer keeps freed memory
test('memory and descriptors stay flat over thousands of connections', { skip: !!process.env.STOA_SANITIZED, timeout: 60000 }, async () => {
  const round = async (n) => {
    for (let i = 0; i < n; i += 20)
      await Promise.all(Array.from({ length: 20 }, async (_, k) => {
        const peer = k % 5 ? await connect(origin) : await dial(origin);
        if (k % 5) { peer.send(ping); if (k % 2) await peer.json(); }
        peer.socket.destroy();
      }));
    await sleep(300);
  };
  await round(1000);
  const memory = host.memory(), descriptors = host.descriptors();
  await round(3000);
  assert.ok(host.memory() - memory < 1000, `${host.memory() - memory} KB more`);
  assert.ok(host.descriptors() <= descriptors + 2, `${descriptors} became ${host.descriptors()}`);
});
