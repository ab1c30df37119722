// SPDX-License-Identifier: MIT
// The HTTP transport on a fake core: run by test/unit/transports/run.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dial, makeCertificate, renewCertificate, sleep, slow as slower, startHost } from './host.mjs';

const pages = mkdtempSync(join(tmpdir(), 'stoa-pages-'));
mkdirSync(join(pages, 'demo/js'), { recursive: true });
writeFileSync(join(pages, 'index.html'), '<!doctype html><title>home</title>');
writeFileSync(join(pages, 'demo/index.html'), '<!doctype html><title>demo</title>');
writeFileSync(join(pages, 'demo/js/a.js'), 'export {};');
writeFileSync(join(pages, '.hidden'), 'no');
symlinkSync('/etc/hostname', join(pages, 'link.txt'));

let host, api, admin, origin;
const post = async (url, body, headers = {}) => {
  const answer = await fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
  return { status: answer.status, headers: answer.headers, json: await answer.json() };
};
const create = async () => (await post(api, { janus: 'create', transaction: 't' })).json.data.id;
const count = async (where = api) => (await post(where, { janus: 'count', transaction: 'c' })).json;

before(async () => {
  host = await startHost('http', '@admin_port=0', `@html_dir=${pages}`, '@keepalive_ms=1000', '@message_bytes=20000',
    '@websocket_origin=ws://127.0.0.1:8188', 'limits.head_s=1', 'limits.idle_s=2', '@connections_per_address=60',
    '@trusted_proxies=127.0.0.9');
  await host.line('ready');
  origin = host.origins.http;
  api = `${origin}/janus`;
  admin = `${host.origins.admin}/admin`;
});
after(async () => { if (host) await host.stop(); });

test('a wildcard listener prints an origin that opens', () => assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/));

test('a request is answered whatever its content type', async () => {
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const { status, json, headers } = await post(api, { janus: 'ping', transaction: 'a' }, { 'Content-Type': type });
    assert.equal(status, 200);
    assert.deepEqual(json, { janus: 'pong', transaction: 'a' });
    assert.equal(headers.get('content-type'), 'application/json');
    assert.equal(headers.get('access-control-max-age'), '86400');
  }
});

test('the ids of the path win over those of the body', async () => {
  const { json } = await post(`${api}/12/34`, { janus: 'echo', session_id: 1, handle_id: 2 });
  assert.equal(json.session_id, 12);
  assert.equal(json.handle_id, 34);
  assert.equal((await post(api, { janus: 'echo', session_id: 7 })).json.session_id, 7);
});

test('broken JSON is an error with status 200', async () => {
  const { status, json } = await post(api, '{nope');
  assert.equal(status, 200);
  assert.equal(json.error.code, 454);
  assert.equal((await post(api, '')).json.error.code, 454);
});

test('info and ping answer to GET', async () => {
  assert.equal((await (await fetch(`${api}/info`)).json()).janus, 'server_info');
  assert.equal((await (await fetch(`${api}/ping`)).json()).janus, 'pong');
  assert.equal((await (await fetch(`${admin}/info`)).json()).janus, 'server_info');
});

test('unknown paths are 404, other methods 405', async () => {
  for (const path of ['/janus/x', '/janus/1x', '/janus/1/2/3', '/janus/99999999999999999999', '/janus/0', '/nothing', '/janusx'])
    assert.equal((await fetch(origin + path)).status, 404, path);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'GET'])
    assert.equal((await fetch(api, { method })).status, 405, method);
  assert.equal((await fetch(`${api}/1/2`)).status, 405);
  assert.equal((await fetch(`${origin}/`, { method: 'POST', body: 'x' })).status, 405);
  assert.equal((await fetch(`${admin}/1`)).status, 405);
});

test('a poll gets one event, or an array, or a keepalive', async () => {
  const id = await create();
  const push = (n) => post(api, { janus: 'event', session_id: id, event: { janus: 'event', n } });
  const waiting = fetch(`${api}/${id}?rid=5`);
  await sleep(100);
  await push(1);
  assert.deepEqual(await (await waiting).json(), { janus: 'event', n: 1 });
  for (const n of [2, 3, 4]) await push(n);
  assert.deepEqual((await (await fetch(`${api}/${id}?maxev=2`)).json()).map((e) => e.n), [2, 3]);
  assert.equal((await (await fetch(`${api}/${id}`)).json()).n, 4);
  assert.deepEqual(await (await fetch(`${api}/${id}?maxev=1`)).json(), { janus: 'keepalive' });
  assert.deepEqual(await (await fetch(`${api}/${id}?maxev=10`)).json(), [{ janus: 'keepalive' }]);
});

test('a poll on an unknown session is 404 without a body', async () => {
  const answer = await fetch(`${api}/4711`);
  assert.equal(answer.status, 404);
  assert.equal(await answer.text(), '');
});

test('a poller that hangs up is noticed before its event comes', async () => {
  const id = await create();
  const before = (await count()).clients;
  const peer = await dial(origin);
  peer.socket.write(`GET /janus/${id} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await sleep(100);
  assert.equal((await count()).clients, before + 1);
  peer.socket.destroy();
  await sleep(200);
  assert.equal((await count()).clients, before);
});

test('a client that is gone when its answer comes harms nobody', async () => {
  for (let i = 0; i < 20; i++) {
    const peer = await dial(origin);
    const body = '{"janus":"silent"}';
    peer.socket.write(`POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await sleep(5);
    peer.socket.destroy();
  }
  assert.equal((await count()).janus, 'success');
});

test('a body past the limit is refused in words and not kept', async () => {
  const { status, json } = await post(api, { janus: 'ping', filling: 'x'.repeat(200000) });
  assert.equal(status, 413);
  assert.equal(json.janus, 'error');
  assert.equal((await post(api, { janus: 'ping' })).json.janus, 'pong');
  const edge = JSON.stringify({ janus: 'ping', filling: '' });
  assert.equal((await post(api, JSON.stringify({ janus: 'ping', filling: 'x'.repeat(20000 - edge.length) }))).status, 200);
  assert.equal((await post(api, JSON.stringify({ janus: 'ping', filling: 'x'.repeat(20001 - edge.length) }))).status, 413);
});

test('a chunked body without end is cut off, and memory stays', async () => {
  const memory = host.memory();
  const peer = await dial(origin);
  peer.socket.write('POST /janus HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = Buffer.from(`10000\r\n${'x'.repeat(65536)}\r\n`);
  for (let i = 0; i < 400 && !peer.ended; i++)
    if (!peer.socket.write(chunk)) await Promise.race([new Promise((done) => peer.socket.once('drain', done)), peer.closed()]);
  await peer.closed();
  assert.ok(host.memory() - memory < 4000, `${host.memory() - memory} KB more`);
});

test('an announced giant is refused before it is sent', async () => {
  const peer = await dial(origin);
  peer.socket.write('POST /janus HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n');
  assert.match((await peer.until((p) => p.data.includes('}}'))).toString(), /^HTTP\/1.1 413 .*message_bytes/s);
  await peer.closed();
});

test('two ends of one body are 400 and the connection closes', async () => {
  const bad = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Content-Length: -1\r\n', 'Content-Length: 5, 5\r\n', 'Content-Length: +5\r\n',
    'Content-Length : 5\r\nTransfer-Encoding: chunked\r\n',
    'Host: y\r\n',
  ];
  for (const method of ['POST', 'GET'])
    for (const headers of bad) {
      const peer = await dial(origin);
      peer.socket.write(`${method} /janus/info HTTP/1.1\r\nHost: x\r\n${headers}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
      await peer.until((p) => p.data.includes('\r\n\r\n') || p.ended);
      await peer.closed();
      // libmicrohttpd 0.9.75 writes the head of its own 400 twice
      const answers = peer.data.toString().match(/HTTP\/1\.1 \d+/g);
      assert.ok(answers.length > 0 && answers.every((answer) => answer.endsWith('400')), `${method} ${headers} got ${answers}`);
    }
});

test('HTTP/1.1 without a Host is 400', async () => {
  const peer = await dial(origin);
  peer.socket.write('GET /janus/info HTTP/1.1\r\n\r\n');
  assert.match((await peer.until((p) => p.data.includes('\r\n\r\n'))).toString(), /^HTTP\/1.1 400/);
});

test('a connection is kept alive, and pipelined requests are answered in order', async () => {
  const peer = await dial(origin);
  const one = (t) => { const body = `{"janus":"ping","transaction":"${t}"}`; return `POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`; };
  peer.socket.write(one('p1') + one('p2') + one('p3'));
  const text = (await peer.until((p) => p.data.includes('"p3"'))).toString();
  assert.ok(text.indexOf('"p1"') < text.indexOf('"p2"') && text.indexOf('"p2"') < text.indexOf('"p3"'));
  peer.socket.destroy();
});

test('heads, bodies and pauses have deadlines that drips do not move', { timeout: 20000 }, async () => {
  const drip = async (start) => {
    const peer = await dial(origin);
    peer.socket.write(start);
    const began = Date.now();
    const timer = setInterval(() => peer.socket.writable && peer.socket.write('a'), 200);
    await peer.closed(9000);
    clearInterval(timer);
    return Date.now() - began;
  };
  const [head, body, idle, silent] = await Promise.all([
    drip('GET /janus/info HTTP/1.1\r\nX-A: '),
    drip('POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'),
    (async () => { const peer = await dial(origin); peer.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'); return peer.closed(9000); })(),
    (async () => (await dial(origin)).closed(9000))(),
  ]);
  assert.ok(head > 800 && head < 2500, `head ${head}`);
  assert.ok(body > 1800 && body < 3500, `body ${body}`);
  assert.ok(idle > 1500 && idle < 5000, `idle ${idle}`);
  assert.ok(silent > 800 && silent < 2500, `silent ${silent}`);
});

test('pages have their headers, types, tags', async () => {
  const answer = await fetch(`${origin}/`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
  const { port } = new URL(origin);
  assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws://127.0.0.1:8188; " +
    "worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
  assert.match(answer.headers.get('permissions-policy'), /camera=\(self\)/);
  assert.equal(answer.headers.get('cross-origin-opener-policy'), 'same-origin');
  assert.equal(answer.headers.get('cross-origin-embedder-policy'), 'require-corp');
  assert.equal(answer.headers.get('strict-transport-security'), null);
  const again = await fetch(`${origin}/`, { headers: { 'If-None-Match': `"x", W/${answer.headers.get('etag')}` } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${origin}/demo/js/a.js`)).headers.get('content-type'), 'text/javascript; charset=utf-8');
  const head = await fetch(`${origin}/demo/js/a.js`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '10');
  const moved = await fetch(`${origin}/demo`, { redirect: 'manual' });
  assert.equal(moved.headers.get('location'), '/demo/');
  assert.ok(port);
});

test('what is not in the list of pages does not exist', async () => {
  const raw = (path) => new Promise((done) => http.get(origin, { path }, (answer) => { answer.resume(); done(answer.statusCode); }));
  for (const path of ['/.hidden', '/link.txt', '/../http.mjs', '/%2e%2e/etc/passwd', '/demo/../.hidden', '//etc/passwd', '/demo/js', '/index.html/', '/demo%00'])
    assert.notEqual(await raw(path), 200, path);
});

test('the policy takes over a page\'s host only if it is one', async () => {
  const policy = (name) => new Promise((done) => http.get(origin, { headers: { Host: name } }, (answer) => { answer.resume(); done(answer.headers['content-security-policy']); }));
  assert.match(await policy('class.example.org:8088'), /connect-src 'self' ws:\/\/127\.0\.0\.1:8188 ws:\/\/class\.example\.org:8188;/);
  for (const name of ["x; script-src 'unsafe-inline'", 'a b', '*', 'x*', "'self'", 'a,b', '[::1', 'x:y'])
    assert.match(await policy(name), /connect-src 'self' ws:\/\/127\.0\.0\.1:8188; worker-src/, name);
});

test('pages are told where the servers are', async () => {
  const { port } = new URL(origin);
  assert.deepEqual(await (await fetch(`http://localhost:${port}/stoa.json`)).json(), { http: '/janus', websocket: 'ws://localhost:8188', name: 'fake' });
});

test('health for all, metrics for the operator', async () => {
  assert.deepEqual(await (await fetch(`${origin}/healthz`)).json(), { status: 'ok' });
  const metrics = await fetch(`${host.origins.admin}/metrics`);
  assert.match(await metrics.text(), /stoa_up 1/);
  assert.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
});

test('metrics are for this machine, not for what a proxy on it passes on', async () => {
  const seen = (from, { headers = {}, ...more } = {}) => new Promise((done, reject) => {
    http.get(`${from}/metrics`, { headers, agent: false, ...more }, (answer) => {
      let text = '';
      answer.on('data', (data) => { text += data; }).on('end', () => done({ status: answer.statusCode, text }));
    }).on('error', reject);
  });
  const plain = await startHost('http');
  await plain.line('ready');
  const url = plain.origins.http, { port } = new URL(url);
  const open = await seen(url);
  assert.equal(open.status, 200);
  assert.match(open.text, /stoa_up 1/);
  for (const headers of [{ 'X-Forwarded-For': '192.0.2.1' }, { Forwarded: 'for=192.0.2.1' }, { Via: '1.1 front' }, { 'X-Real-IP': '192.0.2.1' },
    { 'X-Forwarded-Proto': 'https' }, { 'X-Forwarded-Host': 'class.example' }, { Host: 'class.example' }]) {
    const { status, text } = await seen(url, { headers });
    assert.equal(status, 403, JSON.stringify(headers));
    assert.match(text, /metrics\.public = true in http\.conf/);
  }
  const outside = Object.values(networkInterfaces()).flat().find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (outside)
    assert.equal((await seen(`http://${outside}:${port}`, { headers: { Host: 'localhost' } })).status, 403, 'another address');
  await plain.stop();
  for (const one of ['@trusted_proxies=192.0.2.7', '@base_url=https://class.example']) {
    const behind = await startHost('http', one);
    await behind.line('ready');
    assert.equal((await seen(behind.origins.http)).status, 403, one);
    await behind.stop();
  }
});

test('a page of another origin is refused in words, our own is not', async () => {
  const { status, json } = await post(api, { janus: 'ping' }, { Origin: 'http://evil.example' });
  assert.equal(status, 403);
  assert.equal(json.error.code, 403);
  const own = await post(api, { janus: 'ping' }, { Origin: origin });
  assert.equal(own.status, 200);
  assert.equal(own.headers.get('access-control-allow-origin'), origin);
});

test('the admin listener answers to names of this machine only', async () => {
  const status = (name, path) => new Promise((done) => http.get(host.origins.admin, { path, headers: { Host: name } }, (answer) => { answer.resume(); done(answer.statusCode); }));
  assert.equal(await status('evil.example:7088', '/admin/info'), 403);
  assert.equal(await status('evil.example', '/metrics'), 403);
  assert.equal(await status('localhost:1', '/admin/info'), 200);
  assert.equal((await post(admin, { janus: 'ping' })).json.janus, 'pong');
  assert.equal((await fetch(`${host.origins.admin}/`)).status, 404);
});

test('an address has its number of connections, and behind a proxy each client its own', { timeout: 20000 }, async () => {
  const peers = [];
  for (let i = 0; i < 70; i++) peers.push(await dial(origin, { localAddress: '127.0.0.5' }));
  peers[69].socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await peers[69].until((p) => p.data.length)).toString(), /^HTTP\/1.1 429/);
  peers[0].socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await peers[0].until((p) => p.data.length)).toString(), /^HTTP\/1.1 200/);
  const proxied = [];
  for (let i = 0; i < 70; i++) {
    const peer = await dial(origin, { localAddress: '127.0.0.9' });
    peer.socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 10.0.0.${i}\r\n\r\n`);
    proxied.push(peer);
  }
  for (const peer of proxied) assert.match((await peer.until((p) => p.data.length)).toString(), /^HTTP\/1.1 200/);
  [...peers, ...proxied].forEach((peer) => peer.socket.destroy());
});

test('clients and addresses are given back', async () => {
  const peer = await dial(origin);
  const body = '{"janus":"count"}';
  let found;
  for (let i = 0; i < 40; i++) {
    await sleep(200);
    peer.data = Buffer.alloc(0);
    peer.socket.write(`POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    found = JSON.parse((await peer.until((p) => p.data.includes('}'))).toString().split('\r\n\r\n')[1]);
    if (found.addresses === 1 && found.clients <= 3) break;
  }
  assert.equal(found.addresses, 1);
  peer.socket.destroy();
});

test('any origin is welcome with a star, and a preflight hears its own words', async () => {
  const open = await startHost('http', 'listen.allow_origins=*', 'metrics.public=true', 'listen.base_path=api/v1/', 'listen.address=127.0.0.1');
  await open.line('ready');
  const url = `${open.origins.http}/api/v1`;
  const answer = await fetch(url, { method: 'OPTIONS', headers: { Origin: 'http://x.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type,x-a' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  assert.equal(answer.headers.get('access-control-allow-methods'), 'POST');
  assert.equal(answer.headers.get('access-control-allow-headers'), 'content-type,x-a');
  assert.equal((await post(url, { janus: 'ping' }, { Origin: 'http://x.example' })).headers.get('access-control-allow-origin'), '*');
  assert.equal((await fetch(`${open.origins.http}/metrics`)).status, 200);
  assert.equal(open.origins.admin, undefined);
  assert.equal((await open.stop()).code, 0);
});

// -- the rooms API, below /api/v1

const web = (path, init) => fetch(`${origin}/api/v1${path}`, init);
const slow = (path, headers, pieces, method = 'POST') => new Promise((resolve, reject) => {
  const request = http.request(`${origin}/api/v1${path}`, { method, headers }, (answer) => {
    let text = '';
    answer.on('data', (data) => { text += data; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
  });
  request.on('error', reject);
  (async () => {
    for (const piece of pieces) {
      request.write(piece);
      await sleep(20);
    }
    request.end();
  })();
});

test('a web request is handed over with its head and body, whatever its method', async () => {
  const answer = await web('/rooms/x?limit=2&before=a%20b', { method: 'PATCH', body: '{"a":1}', headers: { Authorization: 'Bearer t', 'X-Filename': 'x' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-own'), 'yes');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  const told = await answer.json();
  assert.deepEqual([told.method, told.path, told.body, told.query], ['PATCH', '/api/v1/rooms/x', '{"a":1}', { limit: '2', before: 'a b' }]);
  assert.equal(told.headers.Authorization ?? told.headers.authorization, 'Bearer t');
  assert.equal(told.origin, origin);
  assert.equal(told.websocket, 'ws://127.0.0.1:8188');
  assert.equal(told.base_path, '/janus');
  assert.equal((await (await web('/rooms', { method: 'DELETE' })).json()).method, 'DELETE');
  const head = await web('/rooms', { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a web body past the limit is refused in the words of that API', async () => {
  const answer = await web('/rooms', { method: 'POST', body: 'x'.repeat(30000) });
  assert.equal(answer.status, 413);
  assert.equal((await answer.json()).error.code, 'too_large');
});

test('an upload is read once it is welcome, and stops where it is too much', async () => {
  const all = await web('/upload', { method: 'POST', body: Buffer.alloc(900000) });
  assert.deepEqual([all.status, (await all.json()).bytes], [200, 900000]);
  const empty = await web('/upload', { method: 'POST' });
  assert.deepEqual([empty.status, (await empty.json()).bytes], [200, 0]);
  const much = await web('/upload', { method: 'POST', body: Buffer.alloc(3000000) });
  assert.equal(much.status, 413);
  const chunked = await slow('/upload', { Expect: '100-continue' }, ['a'.repeat(5000), 'b'.repeat(6000)]);
  assert.deepEqual([chunked.status, JSON.parse(chunked.text).bytes], [200, 11000]);
});

test('an unwelcome upload is told so, small or huge', async () => {
  const small = await web('/upload/unwelcome', { method: 'POST', body: Buffer.alloc(2000000) });
  assert.deepEqual([small.status, await small.json()], [403, { error: 'unwelcome' }]);
  const huge = await slow('/upload/unwelcome', { 'Content-Length': 5e9, Expect: '100-continue' }, []).catch((error) => error);
  assert.equal(huge.status, 403);
  assert.equal(huge.headers.connection, 'close');
});

test('an upload that is cut off is dropped', async () => {
  const request = http.request(`${origin}/api/v1/upload/cut`, { method: 'POST', headers: { 'Content-Length': 100000 } });
  request.on('error', () => {});
  request.write('x'.repeat(7000));
  await sleep(200);
  request.destroy();
  await host.line('dropped or done /api/v1/upload/cut after 7000');
});

test('an upload may last as long as it moves', { timeout: 20000 }, async () => {
  const pieces = Array.from({ length: 14 }, () => 'x'.repeat(20000));
  const began = Date.now();
  const request = await new Promise((resolve, reject) => {
    const one = http.request(`${origin}/api/v1/upload`, { method: 'POST' }, (answer) => {
      let text = '';
      answer.on('data', (data) => { text += data; }).on('end', () => resolve(JSON.parse(text)));
    });
    one.on('error', reject);
    (async () => { for (const piece of pieces) { one.write(piece); await sleep(250); } one.end(); })();
  });
  assert.equal(request.bytes, 280000);
  assert.ok(Date.now() - began > 2500, 'longer than limits.idle_s');
});

test('a file is sent from where its part begins', async () => {
  const answer = await web('/file');
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(bytes.length, 5000000);
  assert.equal(bytes.subarray(0, 3).toString(), 'def');
  const head = await web('/file', { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '5000000');
});

test('pages of other origins are refused by the rooms API, and a preflight allows tokens to ours', async () => {
  const foreign = await web('/rooms', { method: 'POST', body: '{}', headers: { Origin: 'https://evil.example' } });
  assert.deepEqual([foreign.status, (await foreign.json()).error.code], [403, 'forbidden']);
  const preflight = await web('/rooms', { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'PATCH', 'Access-Control-Request-Headers': 'authorization, content-type' } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'PATCH');
  assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/);
});

test('the admin listener has no rooms API', async () => {
  assert.equal((await fetch(`${host.origins.admin}/api/v1/rooms`)).status, 404);
});

test('a taken port is named with its address and key', async () => {
  const { port } = new URL(origin);
  const second = await startHost('http', `listen.port=${port}`).catch((e) => e);
  // listen.port=0 comes first on the line: the host takes the first it finds
  await second.stop();
  const { spawnSync } = await import('node:child_process');
  const run = spawnSync(process.env.STOA_FAKE_HOST, [join(process.env.STOA_MODULES, 'http.so'), `listen.port=${port}`, 'listen.address=127.0.0.1']);
  assert.equal(run.status, 1);
  assert.match(run.stdout.toString(), new RegExp(`http.conf: listen.port: port ${port} on 127.0.0.1 is taken`));
});

test('IPv6 origins are in brackets', async () => {
  const v6 = await startHost('http', 'listen.address=::1');
  await v6.line('ready');
  assert.match(v6.origins.http, /^http:\/\/\[::1\]:\d+$/);
  assert.equal((await fetch(`${v6.origins.http}/healthz`)).status, 200);
  await v6.stop();
});

test('TLS is served, and a new certificate is shown after a reload while old connections go on', async () => {
  const files = makeCertificate('first');
  const secure = await startHost('http', `tls.certificate=${files.certificate}`, `tls.key=${files.key}`, `@html_dir=${pages}`, '@admin_port=0', '@websocket_origin=ws://127.0.0.1:8188');
  await secure.line('ready');
  assert.match(secure.origins.http, /^https:/);
  assert.match(secure.origins.admin, /^http:/);
  const old = await dial(secure.origins.http);
  assert.equal(old.socket.getPeerCertificate().subject.CN, 'first');
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  old.socket.write(get);
  assert.match((await old.until((p) => p.data.includes('home'))).toString(), /Strict-Transport-Security: max-age=/);
  for (const [name, kind] of [['second', undefined], ['third', ['-newkey', 'rsa:2048']]]) {
    renewCertificate(files.dir, name, kind);
    secure.signal('SIGHUP');
    await secure.line('changed');
    await sleep(100);
    const fresh = await dial(secure.origins.http);
    assert.equal(fresh.socket.getPeerCertificate().subject.CN, name);
    fresh.socket.destroy();
  }
  writeFileSync(files.certificate, 'broken');
  secure.signal('SIGHUP');
  assert.match(await secure.line('not changed'), /http\.conf: tls\.certificate/);
  old.data = Buffer.alloc(0);
  old.socket.write('GET /stoa.json HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await old.until((p) => p.data.includes('}'))).toString(), /"websocket":null/);
  await assert.rejects(dial(secure.origins.http, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
  assert.equal((await secure.stop()).code, 0);
});

test('stop answers those who wait, within a second', async () => {
  const busy = await startHost('http', '@admin_port=0');
  await busy.line('ready');
  const url = `${busy.origins.http}/janus`;
  const { json } = await post(url, { janus: 'create' });
  const polls = Array.from({ length: 30 }, () => fetch(`${url}/${json.data.id}`).then((a) => a.status, (e) => e.message));
  const silent = Array.from({ length: 30 }, () => post(url, { janus: 'silent' }).then((a) => a.status, (e) => e.message));
  await sleep(300);
  const began = Date.now();
  const { code, said } = await busy.stop();
  assert.equal(code, 0);
  assert.ok(Date.now() - began < 1000 * slower);
  assert.match(said, /stopped after \d+ ms, 0 clients, 0 addresses left/);
  assert.deepEqual(new Set(await Promise.all([...polls, ...silent])), new Set([503]));
});

test('a quiet transport refuses new connections and serves the old ones', async () => {
  const quiet = await startHost('http');
  await quiet.line('ready');
  const peer = await dial(quiet.origins.http);
  quiet.signal('SIGUSR2');
  await quiet.line('quiet');
  await assert.rejects(dial(quiet.origins.http));
  peer.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await peer.until((p) => p.data.includes('}'))).toString(), /503.*stopping/s);
  assert.equal((await quiet.stop()).code, 0);
});

test('a client that the core closes gets its answer first', async () => {
  const peer = await dial(origin);
  const body = '{"janus":"ping"}';
  peer.socket.write(`POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await peer.until((p) => p.data.includes('pong'));
  host.signal('SIGUSR1');
  assert.ok(await peer.closed(1000) < 1000);
});

// a sanitizer keeps freed memory for a while
test('memory and descriptors stay flat over thousands of connections', { skip: !!process.env.STOA_SANITIZED, timeout: 60000 }, async () => {
  const round = async (n) => {
    for (let i = 0; i < n; i += 20) {
      await Promise.all(Array.from({ length: 20 }, async (_, k) => {
        const peer = await dial(origin);
        const body = '{"janus":"create"}';
        peer.socket.write(`POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${k % 3 ? body : body.slice(0, 5)}`);
        if (k % 3) await peer.until((p) => p.data.includes('}}'));
        peer.socket.destroy();
      }));
    }
    await sleep(300);
  };
  await round(1000);
  const memory = host.memory(), descriptors = host.descriptors();
  await round(3000);
  // the fake core never forgets a session: about 150 bytes each
  assert.ok(host.memory() - memory < 1500, `${host.memory() - memory} KB more`);
  for (let n = 0; n < 100 && host.descriptors() > descriptors + 3; n++) await sleep(50);
  assert.ok(host.descriptors() <= descriptors + 3, `${descriptors} became ${host.descriptors()}`);
});
