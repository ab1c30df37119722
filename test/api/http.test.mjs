/* SPDX-License-Identifier: MIT */
/* HTTP as browsers use it: long polls of 30 s, CORS on every answer, beacons, HEAD, what is refused. (Janus API section 3; SECURITY R7, R8, R26 to R28) */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { start } from '../lib/gateway.mjs';
import { begin, httpClient } from '../lib/wire.mjs';

let gateway, polls; /* begun here, awaited by the last test: 30 s are long */
before(async () => {
    gateway = await start('stoa:sessions.timeout_s=5');
    polls = await Promise.all(['', '?maxev=1', '?maxev=2', '?maxev=10', '?maxev=x', '?rid=1&maxev=5'].map(async (query) => {
        const web = httpClient(gateway);
        const { json: { data: { id } } } = await web.post('', { janus: 'create' });
        const since = Date.now();
        const answer = web.get(`/${id}${query}`).then((one) => ({ ...one, ms: Date.now() - since }));
        return { web, id, query, answer };
    }));
});
after(async () => assert.equal((await gateway.stop()).code, 0));

test('every answer of the API has its CORS headers, refusals too', async (t) => {
    const origin = 'https://class.example';
    for (const [allowed, said] of [['*', '*'], [origin, origin]]) {
        const open = await begin(t, `http:listen.allow_origins=${allowed}`);
        const web = httpClient(open, { origin });
        const { json: { data: { id } } } = await web.post('', { janus: 'create' });
        const answers = [
            [await web.get('/info'), 200], [await web.post('', { janus: 'nonsense' }), 200], [await web.send('POST', '/janus', 'no json'), 200],
            [await web.post(`/${id}`, { janus: 'keepalive' }), 200], [await web.post('/77', { janus: 'keepalive' }), 200], [await web.post(`/${id}/5`, { janus: 'detach' }), 200],
            [await web.get('/77'), 404], [await web.get('/nowhere/at/all'), 404], [await web.send('PUT', '/janus', '{}'), 405], [await web.send('DELETE', `/janus/${id}`), 405],
            [await web.send('PATCH', `/janus/${id}/1`, '{}'), 405], [await web.send('POST', '/janus', `"${'x'.repeat(2 << 20)}"`), 413],
        ];
        for (const path of ['', `/${id}`, `/${id}/5`, '/77', '/info'])
            answers.push([await web.send('OPTIONS', `/janus${path}`, undefined, { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }), 200]);
        for (const [n, [{ status, headers }, wanted]] of answers.entries()) {
            assert.equal(status, wanted, `answer ${n}`);
            assert.equal(headers['access-control-allow-origin'], said, `answer ${n}`);
            assert.equal(headers['access-control-max-age'], '86400', `answer ${n}`);
            assert.equal(headers['x-content-type-options'], 'nosniff');
        }
        const { headers } = answers.at(-1)[0];
        assert.equal(headers['access-control-allow-methods'], 'POST');
        assert.equal(headers['access-control-allow-headers'], 'content-type');
        web.close();
    }
});

test('a page of another origin is refused before anything happens, who has no origin is not', async () => {
    const evil = httpClient(gateway, { origin: 'https://evil.example' }), plain = httpClient(gateway), own = httpClient(gateway, { origin: gateway.http });
    const { json: { data: { id } } } = await plain.post('', { janus: 'create' });
    for (const refused of [await evil.post('', { janus: 'create' }), await evil.post(`/${id}`, { janus: 'destroy' }), await evil.get(`/${id}`), await evil.get('/info')]) {
        assert.equal(refused.status, 403);
        assert.match(refused.json.error.reason, /allow_origins/);
        assert.equal(refused.headers['access-control-allow-origin'], undefined);
    }
    assert.equal((await plain.post(`/${id}`, { janus: 'keepalive' })).json.janus, 'ack');
    assert.equal((await own.post(`/${id}`, { janus: 'keepalive' })).json.janus, 'ack');
    assert.equal((await httpClient(gateway, { origin: 'null' }).get('/info')).status, 403);
    for (const one of [evil, plain, own])
        one.close();
});

test('a body is JSON whatever it says it is', async () => {
    const web = httpClient(gateway);
    for (const type of ['application/json', 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense', '']) {
        const answer = await web.send('POST', '/janus', '{"janus":"ping","transaction":"b"}', { 'content-type': type });
        assert.deepEqual(answer.json, { janus: 'pong', transaction: 'b' }, type);
        assert.match(answer.headers['content-type'], /^application\/json/);
    }
    const { json: { data: { id } } } = await web.post('', { janus: 'create' });
    assert.equal((await web.send('POST', `/janus/${id}`, '{"janus":"destroy","transaction":"b"}', { 'content-type': 'text/plain' })).json.janus, 'success');
    assert.equal((await web.post(`/${id}`, { janus: 'keepalive' })).json.error.code, 458);
    web.close();
});

test('a connection is kept for the next request, after errors too', async () => {
    const port = new URL(gateway.http).port;
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => { text += data; });
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const paths = ['/janus/info', '/nowhere', '/janus/77', '/janus/ping', '/healthz', '/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/js/..%2f..%2f..%2fetc/passwd'];
    socket.write(`${paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')}GET /janus/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await ended;
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g).map((one) => Number(one.slice(9))), [200, 404, 404, 200, 200, 404, 404, 404, 200]);
    assert.doesNotMatch(text, /root:/);
});

test('HEAD gives the headers of a page and no body; the admin API is not here', async () => {
    const web = httpClient(gateway);
    const [head, page] = [await web.send('HEAD', '/'), await web.send('GET', '/')];
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal(head.headers['content-length'], page.headers['content-length']);
    assert.match(page.headers['content-security-policy'], /default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(page.headers['content-security-policy'], /unsafe/);
    assert.equal((await web.send('POST', '/admin', '{"janus":"info","transaction":"x"}')).status >= 400, true);
    web.close();
});

test('info tells strangers no version of a library and no address of ours', async () => {
    const web = httpClient(gateway);
    const { json } = await web.get('/info');
    assert.equal(json['local-ip'], '');
    assert.deepEqual(json.dependencies, {});
    assert.doesNotMatch(JSON.stringify(json), /openssl|libnice|libsrtp|microhttpd|libwebsockets|\d+\.\d+\.\d+\.\d+/i);
    for (const key of ['data_channels', 'accepting-new-sessions', 'ipv6', 'ice-lite', 'ice-tcp', 'full-trickle', 'mdns-enabled', 'api_secret', 'auth_token', 'event_handlers'])
        assert.equal(typeof json[key], 'boolean', key);
    for (const key of ['version', 'session-timeout', 'reclaim-session-timeout', 'candidates-timeout'])
        assert.ok(Number.isInteger(json[key]), key);
    for (const key of ['stoa.plugin.echotest', 'stoa.plugin.videoroom'])
        for (const field of ['name', 'author', 'description', 'version_string', 'version'])
            assert.ok(field in json.plugins[key], `${key}: ${field}`);
    web.close();
});

test('a poll with nothing to say ends after 30 s with a keepalive, of the shape of maxev, and kept its session alive', { timeout: 60000 }, async () => {
    for (const { web, id, query, answer } of polls) {
        const { json, ms, status } = await answer;
        assert.equal(status, 200, query);
        const many = Number(new URLSearchParams(query).get('maxev')) >= 2;
        assert.deepEqual(json, many ? [{ janus: 'keepalive' }] : { janus: 'keepalive' }, query);
        assert.ok(ms > 29000 && ms < 45000, `${query}: ${ms} ms`);
        assert.equal((await web.post(`/${id}`, { janus: 'keepalive' })).json.janus, 'ack', query);
        web.close();
    }
});
