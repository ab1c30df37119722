/* SPDX-License-Identifier: MIT */
/* Sessions: lost and claimed, timed out, many on one socket, the order of answers, goodbye. (Janus API sections 1 to 4; SECURITY R4, R36) */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { connect, slow } from '../lib/gateway.mjs';
import { admin, begin, httpClient, offer, session, until } from '../lib/wire.mjs';

/* Someone in a room that tells who is joining; `joins()` makes another one join and leave. */
async function listener(gateway, client) {
    const who = await session(client, 'videoroom');
    const say = (body, to = who, by = client) => by.request({ janus: 'message', ...to, body });
    const room = 9000 + Math.floor(Math.random() * 1e6);
    assert.equal((await say({ request: 'create', room, notify_joining: true })).plugindata.data.videoroom, 'created');
    await say({ request: 'join', ptype: 'publisher', room });
    await client.event((one) => one.plugindata?.data?.videoroom === 'joined');
    const joins = async (display) => {
        const other = await connect(gateway.websocket);
        await say({ request: 'join', ptype: 'publisher', room, display }, await session(other, 'videoroom'), other);
        await other.event((one) => one.plugindata?.data?.videoroom === 'joined');
        other.close();
    };
    return { ...who, joins };
}

test('a session whose socket is lost waits for its claim, with the events of the meantime in order', async (t) => {
    const gateway = await begin(t, 'stoa:sessions.reclaim_s=30');
    const [lost, stranger] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const { session_id, handle_id, joins } = await listener(gateway, lost);
    lost.socket.terminate();
    await until('the loss is seen', async () => (await admin(gateway, `/${session_id}/${handle_id}`, { janus: 'handle_info' })).info?.session_transport !== 'stoa.transport.websocket');
    await joins('one');
    await joins('two');
    assert.equal((await stranger.request({ janus: 'keepalive', session_id })).error.code, 458);
    assert.equal((await (await fetch(`${gateway.http}/janus/${session_id}`)).status), 404);
    const heard = [];
    stranger.socket.on('message', (data) => heard.push(JSON.parse(data)));
    assert.equal((await stranger.request({ janus: 'claim', session_id })).janus, 'success');
    await until('the events come', () => heard.filter((one) => one.plugindata?.data?.joining).length === 2);
    assert.equal(heard[0].janus, 'success');
    assert.deepEqual(heard.flatMap((one) => one.plugindata?.data?.joining?.display ?? []), ['one', 'two']);
    assert.ok(heard.slice(1).every((one) => one.session_id === session_id && one.sender === handle_id && !('transaction' in one)));
    assert.equal((await stranger.request({ janus: 'message', session_id, handle_id, body: { request: 'list' } })).janus, 'success');
    await joins('three');
    await stranger.event((one) => one.plugindata?.data?.joining?.display === 'three');
    stranger.close();
});

test('a lost session may be claimed over HTTP, and its events are polled', async (t) => {
    const gateway = await begin(t, 'stoa:sessions.reclaim_s=30');
    const lost = await connect(gateway.websocket);
    const { session_id, joins } = await listener(gateway, lost);
    lost.socket.terminate();
    await joins('one');
    const web = httpClient(gateway);
    assert.equal((await web.post('', { janus: 'claim', session_id })).json.janus, 'success');
    const heard = [];
    await until('the event comes', async () => {
        heard.push(...(await web.get(`/${session_id}?maxev=10`)).json);
        return heard.some((one) => one.plugindata?.data?.joining?.display === 'one');
    });
    const back = await connect(gateway.websocket);
    const poll = web.get(`/${session_id}?maxev=10`);
    await until('it is claimed back', async () => (await back.request({ janus: 'claim', session_id })).janus === 'success');
    const { json, status } = await poll; /* it is let go, or came when the session was gone */
    assert.ok(Array.isArray(json) || status === 404);
    assert.equal((await web.get(`/${session_id}`)).status, 404);
    assert.equal((await web.post(`/${session_id}`, { janus: 'keepalive' })).json.error.code, 458);
    web.close();
    back.close();
});

test('nobody claims it: it ends after reclaim_s', async (t) => {
    const gateway = await begin(t, 'stoa:sessions.reclaim_s=1');
    const lost = await connect(gateway.websocket);
    const { session_id } = await session(lost, 'echotest');
    lost.socket.terminate();
    const since = Date.now();
    await until('it ends', async () => (await admin(gateway, '', { janus: 'list_sessions' })).sessions.length === 0);
    assert.ok(Date.now() - since > 500);
    const late = await connect(gateway.websocket);
    assert.equal((await late.request({ janus: 'claim', session_id })).error.code, 458);
    late.close();
});

test('a claim moves all events, tells the old connection nothing, and its later close does no harm', async (t) => {
    const gateway = await begin(t);
    const [old, other] = [await connect(gateway.websocket), await connect(gateway.websocket)];
    const { session_id, handle_id, joins } = await listener(gateway, old);
    assert.equal((await old.request({ janus: 'claim', session_id })).janus, 'success');
    const heard = [];
    assert.equal((await other.request({ janus: 'claim', session_id })).janus, 'success');
    old.socket.on('message', (data) => heard.push(JSON.parse(data)));
    await joins('one');
    await other.event((one) => one.plugindata?.data?.joining);
    assert.equal((await old.request({ janus: 'message', session_id, handle_id, body: {} })).error.code, 458);
    assert.deepEqual(heard.map((one) => one.janus), ['error']);
    old.socket.terminate();
    await sleep(200);
    assert.equal((await other.request({ janus: 'keepalive', session_id })).janus, 'ack');
    other.close();
});

test('sessions on one socket keep their events apart and end alone', async (t) => {
    const gateway = await begin(t);
    const client = await connect(gateway.websocket);
    const all = await Promise.all(Array.from({ length: 10 }, () => session(client, 'echotest')));
    await Promise.all(all.map((one) => client.request({ janus: 'message', ...one, body: { audio: true } })));
    for (const { session_id, handle_id } of all)
        assert.equal((await client.event((one) => one.janus === 'event' && one.session_id === session_id)).sender, handle_id);
    await client.request({ janus: 'destroy', session_id: all[0].session_id });
    assert.equal((await client.request({ janus: 'keepalive', session_id: all[0].session_id })).error.code, 458);
    assert.equal((await client.request({ janus: 'keepalive', session_id: all[1].session_id })).janus, 'ack');
    client.close();
});

test('200 requests in flight are answered in order, each once; an ack comes before its event', async (t) => {
    const gateway = await begin(t);
    const client = await connect(gateway.websocket);
    const echo = await session(client, 'echotest');
    const { data: { id: room } } = await client.request({ janus: 'attach', session_id: echo.session_id, plugin: 'janus.plugin.videoroom' });
    const heard = [];
    client.socket.on('message', (data) => heard.push(JSON.parse(data)));
    const kinds = [
        { janus: 'message', ...echo, body: { video: true } }, { janus: 'message', ...echo, handle_id: room, body: { request: 'list' } },
        { janus: 'keepalive', session_id: echo.session_id }, { janus: 'trickle', ...echo, candidate: null }, { janus: 'message', ...echo, body: 5 },
    ];
    for (let n = 0; n < 200; n++)
        client.socket.send(JSON.stringify({ transaction: `p${n}`, ...kinds[n % kinds.length] }));
    await until('all have come', () => heard.length >= 240);
    await sleep(100);
    assert.equal(heard.length, 240); /* 200 answers and 40 events */
    const numbers = (fits) => heard.filter(fits).map((one) => Number(one.transaction.slice(1)));
    const rising = (list) => list.every((n, i) => i === 0 || n > list[i - 1]);
    assert.ok(rising(numbers((one) => one.janus !== 'event')));
    assert.ok(rising(numbers((one) => one.janus === 'event')));
    for (const event of heard.filter((one) => one.janus === 'event'))
        assert.ok(heard.findIndex((one) => one.transaction === event.transaction) < heard.indexOf(event));
    client.close();
});

test('timeout_s: an event on the own connection, 458 afterwards; any request counts as activity; 0 is never', async (t) => {
    const gateway = await begin(t, 'stoa:sessions.timeout_s=3');
    const client = await connect(gateway.websocket);
    const [idle, kept] = [await session(client, 'echotest'), await session(client, 'echotest')];
    const since = Date.now(), beat = setInterval(() => client.request({ janus: 'trickle', ...kept, candidate: null }), 300);
    const event = await until('it times out', () => client.event((one) => one.janus === 'timeout').catch(() => null));
    assert.deepEqual(event, { janus: 'timeout', session_id: idle.session_id });
    assert.ok(Date.now() - since > 2500);
    assert.equal((await client.request({ janus: 'keepalive', session_id: idle.session_id })).error.code, 458);
    clearInterval(beat);
    await admin(gateway, '', { janus: 'set_session_timeout', timeout: 0 });
    await sleep(4500);
    assert.equal((await client.request({ janus: 'keepalive', session_id: kept.session_id })).janus, 'ack');
    client.close();
});

test('ids are of 53 bits, never twice', async (t) => {
    const gateway = await begin(t, 'stoa:limits.sessions_per_connection=0', 'stoa:limits.requests_per_second=0', 'stoa:limits.handles_per_session=0');
    const client = await connect(gateway.websocket);
    const ids = new Set();
    for (let round = 0; round < 10; round++) {
        const made = await Promise.all(Array.from({ length: 100 }, () => session(client, 'echotest')));
        made.flatMap((one) => [one.session_id, one.handle_id]).forEach((id) => ids.add(id));
        await Promise.all(made.map((one) => client.request({ janus: 'destroy', session_id: one.session_id })));
    }
    assert.equal(ids.size, 2000);
    assert.ok([...ids].every((id) => Number.isSafeInteger(id) && id > 0));
    for (let bit = 0; bit < 53; bit++) { /* each bit is set in about a half of them */
        const n = [...ids].filter((id) => BigInt(id) >> BigInt(bit) & 1n).length;
        assert.ok(n > 800 && n < 1200, `bit ${bit} is set in ${n} of 2000`);
    }
    client.close();
});

test('SIGTERM under load: every socket hears of it and is closed with 1001, every poll is answered, exit 0 in time', async (t) => {
    const gateway = await begin(t, 'stoa:limits.requests_per_second=0', 'stoa:limits.sessions_per_connection=0');
    const clients = await Promise.all(Array.from({ length: 60 }, () => connect(gateway.websocket)));
    const farewells = [];
    for (const client of clients) {
        const { session_id, handle_id } = await session(client, 'echotest');
        client.request({ janus: 'message', session_id, handle_id, body: { audio: true }, jsep: { type: 'offer', sdp: offer } });
        const heard = [];
        client.socket.on('message', (data) => heard.push(JSON.parse(data).janus));
        client.socket.on('error', () => {});
        farewells.push(new Promise((resolve) => client.socket.once('close', (code) => resolve({ code, heard }))));
    }
    const web = httpClient(gateway);
    const polls = [];
    for (let n = 0; n < 60; n++) {
        const { json } = await web.post('', { janus: 'create' });
        polls.push(fetch(`${gateway.http}/janus/${json.data.id}?maxev=5`).then(async (answer) => ({ status: answer.status, text: await answer.text() })));
    }
    web.close();
    await sleep(300);
    let loading = true; /* everybody goes on asking */
    const load = clients.slice(0, 20).map(async (client) => {
        for (; loading && client.socket.readyState === 1; await sleep(2))
            for (let n = 0; n < 5; n++)
                client.socket.send('{"janus":"info","transaction":"load"}', () => {});
    });
    await sleep(300);
    const how = await gateway.stop();
    loading = false;
    await Promise.all(load);
    assert.equal(how.code, 0);
    assert.ok(how.ms < 2000 * slow, `${how.ms} ms`);
    for (const { code, heard } of await Promise.all(farewells)) {
        assert.equal(code, 1001);
        assert.ok(heard.includes('detached') && heard.includes('timeout'), heard.slice(-5).join());
    }
    for (const { status, text } of await Promise.all(polls)) {
        assert.equal(status, 200);
        assert.equal(JSON.parse(text)[0].janus, 'timeout');
    }
});
