/* SPDX-License-Identifier: MIT */
/* WHIP and WHEP on the wire, with real connections: publish, watch, patch, end, and everything that is refused. (RFC 9725) */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { enter, publish, startPeers, subscribe } from '../lib/peers.mjs';
import * as rooms from '../lib/rooms.mjs';
import { FRAGMENT, ask, begin } from '../lib/whip.mjs';

let gateway, peers, dir;
before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-whip-'));
    writeFileSync(join(dir, 'watchers'), 'seer-one;seer-two\n', { mode: 0o600 });
    peers = startPeers();
    gateway = await start('stoa:limits.requests_per_second=0', 'stoa:media.workers=2', 'rooms:limits.attempts_per_minute=0',
        'http:listen.allow_origins=https://studio.example', 'rooms:ice.servers=stun:stun.example:3478;turn:turn.example:3478', 'rooms:ice.turn_secret=sesame');
});
after(async () => {
    peers.stop();
    rmSync(dir, { recursive: true });
    assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000));
});

const until = async (what, fits) => {
    for (let n = 0; n < 300 * slow; n++, await sleep(50))
        if (await fits())
            return;
    assert.fail(`${what}: not within ${15 * slow} s`);
};
/* The n that came so far, of all streams. */
const came = async (peer) => Object.values((await peer.count()).streams).reduce((sum, { n }) => sum + n, 0);
const moreComes = async (peer) => {
    const before = await came(peer);
    await until('media comes', async () => await came(peer) > before + 5);
};

/** An ad-hoc room of its own, with somebody of videoroom's in it. */
async function openRoom(room, more = {}) {
    const who = await enter(gateway), handle = await who.attach('videoroom');
    const made = await who.ask('message', handle, { body: { request: 'create', room, publishers: 4, ...more } });
    assert.equal(made.plugindata.data.videoroom, 'created', JSON.stringify(made));
    const { plugindata: { data } } = await who.message(handle, { request: 'join', ptype: 'publisher', room, pin: more.pin });
    assert.equal(data.videoroom, 'joined');
    const hears = async (fits) => (await who.client.event((one) => one.sender === handle && one.plugindata && fits(one.plugindata.data))).plugindata.data;
    return { who, handle, hears, room };
}

test('who publishes by WHIP is a publisher of the room, seen by subscribers of videoroom and by WHEP', async () => {
    const { who, hears } = await openRoom(2001);
    const camera = await begin(gateway, peers, '/whip/2001?display=Studio', 'sendonly');
    const { publishers: [feed] } = await hears((data) => data.publishers?.length);
    assert.equal(feed.display, 'Studio');
    assert.deepEqual(feed.streams.map(({ type, codec }) => [type, codec]), [['audio', 'opus']]);
    camera.peer.send();
    const janus = await subscribe(who, peers, 2001, feed.id);
    const players = [await begin(gateway, peers, '/whep/2001', 'recvonly'), await begin(gateway, peers, `/whep/2001/${feed.id}`, 'recvonly')];
    for (const { peer } of [janus, ...players])
        await moreComes(peer);
    assert.match(camera.sdp, /a=candidate:.*\r\n[^]*a=end-of-candidates/);
    assert.equal(camera.headers.get('accept-patch'), FRAGMENT);
    assert.match(camera.path, /^\/m\/whip\/[0-9A-Za-z]{32}$/);
    assert.equal((await camera.end()).status, 200);
    assert.equal((await hears((data) => 'leaving' in data)).leaving, feed.id);
    for (const session of [camera, ...players])
        assert.equal((await session.end()).status, session === camera ? 404 : 200);
    who.leave();
});

test('WHEP watches who publishes by videoroom', async () => {
    const { who } = await openRoom(2002);
    const ana = await enter(gateway);
    const { peer, feed } = await publish(ana, peers, 2002);
    peer.send();
    const player = await begin(gateway, peers, `/whep/2002/${feed}`, 'recvonly');
    assert.match(player.sdp, /a=sendonly/);
    await moreComes(player.peer);
    await player.end();
    peer.close();
    ana.leave();
    who.leave();
});

test('a player keeps its session when the publisher goes, and sees the next one', async () => {
    const { who } = await openRoom(2003);
    const first = await begin(gateway, peers, '/whip/2003/77', 'sendonly');
    first.peer.send();
    const player = await begin(gateway, peers, '/whep/2003/77', 'recvonly'), any = await begin(gateway, peers, '/whep/2003', 'recvonly');
    await moreComes(player.peer);
    await first.end();
    const other = await begin(gateway, peers, '/whip/2003/78', 'sendonly');
    other.peer.send();
    await moreComes(any.peer); /* who asked for anybody */
    const before = await came(player.peer);
    const again = await begin(gateway, peers, '/whip/2003/77', 'sendonly');
    again.peer.send();
    await moreComes(player.peer);
    assert.ok(await came(player.peer) > before);
    for (const session of [player, any, other, again])
        assert.equal((await session.end()).status, 200);
    who.leave();
});

test('a peer that dies ends its session, and the others are told', async () => {
    const { who, hears } = await openRoom(2004);
    const camera = await begin(gateway, peers, '/whip/2004/5', 'sendonly');
    await hears((data) => data.publishers?.length);
    camera.peer.close();
    await hears((data) => data.leaving === 5);
    assert.equal((await camera.end()).status, 404);
    assert.equal((await begin(gateway, peers, '/whip/2004/5', 'sendonly')).headers.get('location') === camera.path, false);
    who.leave();
});

test('a kick ends the session', async () => {
    const { who, handle, hears } = await openRoom(2005);
    const camera = await begin(gateway, peers, '/whip/2005/5', 'sendonly');
    await hears((data) => data.publishers?.length);
    await who.ask('message', handle, { body: { request: 'kick', room: 2005, id: 5 } });
    await until('the session is gone', async () => (await ask(gateway, 'GET', camera.path)).status === 404);
    who.leave();
});

test('STUN and TURN servers come as links, with credentials', async () => {
    const { who } = await openRoom(2006);
    const camera = await begin(gateway, peers, '/whip/2006', 'sendonly');
    const link = camera.headers.get('link');
    assert.match(link, /^<stun:stun\.example:3478>; rel="ice-server", <turn:turn\.example:3478>; rel="ice-server"; username="\d+:\w+"; credential="[^"]+"; credential-type="password"$/);
    await camera.end();
    who.leave();
});

test('candidates and ICE restarts come by PATCH, bound to the ICE session that they are for', async () => {
    const { who } = await openRoom(2007);
    const camera = await begin(gateway, peers, '/whip/2007', 'sendonly');
    const [ufrag, pwd] = ['ufrag', 'pwd'].map((one) => camera.peer.transport.match(`a=ice-${one}:(\\S+)`)[1]);
    const fragment = (u, p) => `a=ice-options:trickle ice2\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:${u}\r\na=ice-pwd:${p}\r\na=candidate:1 1 udp 2130706431 192.0.2.9 9 typ host\r\na=end-of-candidates\r\n`;
    const same = fragment(ufrag, pwd), fresh = fragment('freshfrag', 'freshpasswordfreshpassword');
    const table = [
        [428, same, undefined], [412, same, '"other"'], [415, same, camera.tag, { type: 'application/sdp' }],
        [400, 'no fragment at all', camera.tag], [400, 'a=ice-ufrag:lonely\r\n', camera.tag], [204, same, camera.tag], [204, same, '*'],
        [204, same, `"other", ${camera.tag}`], [412, same, `W/${camera.tag}`],
    ];
    for (const [status, body, match, more] of table) {
        const answer = await camera.patch(body, match, more);
        assert.equal(answer.status, status, `${status} ${match} ${await answer.text()}`);
        assert.equal(answer.headers.get('etag'), null);
        assert.equal(answer.headers.get('content-type'), status === 204 ? null : 'application/json'); /* what has no body has no type */
    }
    const restart = await camera.patch(fresh, '"*"'), text = await restart.text();
    assert.equal(restart.status, 200, text);
    assert.equal(restart.headers.get('content-type'), FRAGMENT);
    assert.match(text, /^a=ice-lite\r\n[^]*m=audio 9 [^]*a=mid:0\r\na=ice-ufrag:\S+\r\na=ice-pwd:\S+\r\na=candidate:[^]*a=end-of-candidates\r\n$/);
    const credentials = (sdp) => sdp.match(/a=ice-ufrag:(\S+)\r\na=ice-pwd:(\S+)/).slice(1);
    assert.notDeepEqual(credentials(text), credentials(camera.sdp));
    assert.notEqual(restart.headers.get('etag'), camera.tag);
    assert.equal((await camera.patch(fresh, camera.tag)).status, 412);
    assert.equal((await camera.patch(fresh, restart.headers.get('etag'))).status, 204);
    assert.equal((await camera.end()).status, 200);
    assert.equal((await camera.patch(fresh, '*')).status, 404);
    who.leave();
});

/* With video of a codec that no room of ours takes. */
const withVideo = (sdp, direction) => {
    const audio = sdp.slice(sdp.indexOf('m=')), video = audio.replace('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'm=video 9 UDP/TLS/RTP/SAVPF 96')
        .replace(/a=mid:\S+/, 'a=mid:1').replace(/a=send\w+/, `a=${direction}`).replace(/a=rtpmap:.*/, 'a=rtpmap:96 theora/90000').replace(/a=ssrc:(\d+)/g, 'a=ssrc:77');
    return sdp.replace('a=group:BUNDLE 0', 'a=group:BUNDLE 0 1') + video;
};

test('what does not fit is refused, in the words of HTTP', async () => {
    const { who } = await openRoom(2008, { publishers: 1, audiocodec: 'opus,pcmu' }), other = await openRoom(2011), peer = await peers.open();
    const offer = peer.offer('sendonly').sdp;
    const table = [
        [415, 'POST', '/whip/2008', offer, { type: null, headers: { 'Content-Type': 'text/plain' } }, { 'accept-post': 'application/sdp' }],
        [415, 'POST', '/whip/2008', offer, { type: 'application/sdpx' }],
        [400, 'POST', '/whip/2008', ''], [400, 'POST', '/whip/2008', 'v=0\r\nno sdp'], [400, 'POST', '/whip/2008', `v=0\r\n\0\xff`],
        [413, 'POST', '/whip/2008', `${offer}a=x:${'y'.repeat(65536)}\r\n`],
        [400, 'POST', '/whip/0', offer], [400, 'POST', '/whip/2008/9007199254740992', offer], [400, 'POST', `/whip/2008?display=${'x'.repeat(300)}`, offer], [404, 'GET', '/whip/2008//'],
        [404, 'POST', '/whip/999999', offer], [404, 'POST', '/whip/a.b', offer], [404, 'POST', '/whip', offer],
        [401, 'POST', '/whip/nosuchroomnosuchroom', offer, {}, { 'www-authenticate': 'Bearer' }],
        [401, 'POST', '/whip/nosuchroomnosuchroom', offer, { token: 'guess' }, { 'www-authenticate': 'Bearer' }],
        [409, 'POST', '/whep/2008', offer, {}, { 'retry-after': '5' }], [409, 'POST', '/whep/2008/12', offer],
        [405, 'PUT', '/whip/2008', offer, {}, { allow: 'POST, GET, HEAD' }], [405, 'DELETE', '/whep/2008/1'],
        [204, 'GET', '/whip/2008'], [204, 'HEAD', '/whep/2008/1'], [404, 'GET', '/m/whip/nobody'], [404, 'DELETE', '/m/whip/nobody'],
        [404, 'PATCH', '/m/whip/nobody', 'a=ice-lite\r\n', { type: FRAGMENT, headers: { 'If-Match': '*' } }],
        [200, 'OPTIONS', '/whip/2008', undefined, {}, { 'accept-post': 'application/sdp', allow: 'POST, GET, HEAD, OPTIONS' }],
        [200, 'OPTIONS', '/m/whip/any', undefined, {}, { 'accept-patch': FRAGMENT }],
        [403, 'POST', '/whip/2008', offer, { headers: { Origin: 'https://elsewhere.example' } }],
    ];
    for (const [status, method, path, body, options, headers = {}] of table) {
        const answer = await ask(gateway, method, path, body, options), text = await answer.text();
        assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${text}`);
        for (const [name, value] of Object.entries(headers))
            assert.equal(answer.headers.get(name), value, `${method} ${path} ${name}`);
    }
    const camera = await begin(gateway, peers, '/whip/2008/7', 'sendonly');
    assert.equal((await ask(gateway, 'POST', '/whip/2008/7', offer)).status, 409);
    assert.equal((await ask(gateway, 'POST', '/whip/2008/8', offer)).status, 503);
    assert.equal((await ask(gateway, 'POST', '/whep/2008', peer.offer('recvonly').sdp.replaceAll('111', '0').replace('opus/48000/2', 'PCMU/8000'))).status, 406);
    for (const unfit of [peer.offer('recvonly').sdp, peer.offer('inactive').sdp, withVideo(offer, 'sendonly')]) /* none is taken by halves */
        assert.equal((await ask(gateway, 'POST', '/whip/2011', unfit)).status, 406, unfit);
    const muted = await ask(gateway, 'POST', '/whip/2011/', withVideo(offer, 'inactive')); /* what the client itself sends nothing on does not count; the slash neither */
    assert.equal(muted.status, 201, await muted.text());
    assert.equal((await ask(gateway, 'DELETE', muted.headers.get('location'))).status, 200);
    assert.equal((await ask(gateway, 'POST', '/whep/2008', offer)).status, 406); /* who only sends cannot be shown anything */
    await camera.end();
    const { plugindata: { data: { participants } } } = await other.who.ask('message', other.handle, { body: { request: 'listparticipants', room: 2011 } });
    assert.equal(participants.length, 1, 'nobody is left of those who were refused');
    peer.close();
    [who, other.who].forEach((one) => one.leave());
});

test('offers that nobody follows up keep nobody out', async () => {
    const { who, hears } = await openRoom(2012, { publishers: 1 }), peer = await peers.open();
    for (let n = 0; n < 4; n++)
        assert.equal((await ask(gateway, 'POST', `/whip/2012/${n + 1}`, peer.offer('sendonly').sdp)).status, 201);
    const late = await peers.open(), made = await ask(gateway, 'POST', '/whip/2012/8', late.offer('sendonly').sdp);
    const camera = await begin(gateway, peers, '/whip/2012/7', 'sendonly');
    await hears((data) => data.publishers?.some(({ id }) => id === 7));
    assert.equal((await ask(gateway, 'POST', '/whip/2012/9', peer.offer('sendonly').sdp)).status, 503);
    late.remote({ sdp: await made.text() }, true).catch(() => {}); /* its place is taken meanwhile */
    await until('who comes too late is gone', async () => (await ask(gateway, 'GET', made.headers.get('location'))).status === 404);
    assert.equal((await camera.end()).status, 200);
    [peer, late].forEach((one) => one.close());
    who.leave();
});

test('pages of other sites may use it if the operator named them', async () => {
    const headers = { Origin: 'https://studio.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,content-type' };
    const preflight = await ask(gateway, 'OPTIONS', '/whip/2009', undefined, { headers });
    assert.equal(preflight.status, 200);
    assert.equal(preflight.headers.get('access-control-allow-origin'), headers.Origin);
    assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
    assert.equal(preflight.headers.get('access-control-allow-headers'), headers['Access-Control-Request-Headers']);
    const answer = await ask(gateway, 'POST', '/whip/999999', 'v=0', { headers: { Origin: headers.Origin } });
    assert.equal(answer.headers.get('access-control-allow-origin'), headers.Origin);
    assert.match(answer.headers.get('access-control-expose-headers'), /Location, ETag, Link/);
});

test('a room with a pin, or with tokens of its own, takes them as the bearer', async () => {
    const { who } = await openRoom(2010, { pin: 'open sesame' });
    const peer = await peers.open(), offer = peer.offer('sendonly').sdp;
    for (const token of [undefined, 'wrong'])
        assert.equal((await ask(gateway, 'POST', '/whip/2010', offer, { token })).status, 401, token);
    const camera = await begin(gateway, peers, '/whip/2010', 'sendonly', 'open sesame');
    for (const token of [undefined, '', 'wrong']) {
        assert.equal((await ask(gateway, 'DELETE', camera.path, undefined, { token })).status, 401, token);
        assert.equal((await ask(gateway, 'PATCH', camera.path, 'a=x', { token, type: FRAGMENT, headers: { 'If-Match': '*' } })).status, 401);
        assert.equal((await ask(gateway, 'GET', camera.path, undefined, { token })).status, 401);
    }
    assert.equal((await camera.end()).status, 200);
    peer.close();
    who.leave();
});

test('the operator\'s tokens are needed where they are set, one for publishing and others for watching', async () => {
    const strict = await start('whip:publish.tokens=maker-one;maker-two', `whip:watch.tokens=file:${dir}/watchers`, 'whip:limits.sessions=2', 'rooms:limits.attempts_per_minute=4');
    const peer = await peers.open(), offer = peer.offer('sendonly').sdp;
    assert.equal((await ask(strict, 'POST', '/whip/1234', offer)).status, 401);
    const camera = await begin(strict, peers, '/whip/1234', 'sendonly', 'maker-two');
    const player = await begin(strict, peers, '/whep/1234', 'recvonly', 'seer-two');
    const full = await ask(strict, 'POST', '/whip/1234', offer, { token: 'maker-one' });
    assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '10']);
    await player.end();
    /* a place that is taken by an offer alone is taken for a moment only */
    const idle = await ask(strict, 'POST', '/whip/1234', offer, { token: 'maker-one' });
    assert.equal(idle.status, 201);
    assert.equal((await ask(strict, 'POST', '/whip/1234', offer, { token: 'maker-one' })).status, 503);
    let next;
    await until('there is a place', async () => { next = await ask(strict, 'POST', '/whip/1234', offer, { token: 'maker-one' }); return next.status === 201; });
    assert.equal((await ask(strict, 'GET', idle.headers.get('location'), undefined, { token: 'maker-one' })).status, 404);
    assert.equal((await ask(strict, 'GET', camera.path, undefined, { token: 'maker-two' })).status, 204); /* who is connected stays */
    await ask(strict, 'DELETE', next.headers.get('location'), undefined, { token: 'maker-one' });
    const statuses = [];
    for (const token of ['maker-one', 'seer-on', 'x', '', 'y', 'z'])
        statuses.push((await ask(strict, 'POST', '/whep/1234', offer, { token })).status);
    assert.deepEqual(statuses, [401, 401, 401, 401, 429, 429]);
    assert.equal((await camera.end()).status, 200);
    peer.close();
    assert.equal((await strict.stop()).code, 0);
});

test('into a room of invited people comes who has their token, and is that person', async () => {
    const host = await rooms.signIn(gateway, 'host@example.org', 'Hanna');
    const [room, other] = await Promise.all(['one', 'two'].map((title) => rooms.want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title, modules: ['videoroom'] } })));
    const seat = await rooms.join(gateway, { invitation: (await rooms.invite(gateway, host.token, room.id, 'ana@example.org', { name: 'Ana' })).token });
    const hanna = await rooms.join(gateway, { room: room.id }, { token: host.token });
    const page = await rooms.enter(gateway, hanna, 'room', 'videoroom');
    assert.equal((await page.ask('videoroom', 'join', { ptype: 'publisher' })).videoroom, 'joined');
    const peer = await peers.open(), offer = peer.offer('sendonly').sdp;
    for (const [path, token] of [[room.id, undefined], [room.id, 'guess'], [room.id, host.token], [other.id, seat.token]])
        assert.equal((await ask(gateway, 'POST', `/whip/${path}`, offer, { token })).status, 401, `${path} ${token}`);
    const camera = await begin(gateway, peers, `/whip/${room.id}`, 'sendonly', seat.token);
    const { plugindata: { data } } = await page.client.event((one) => one.plugindata?.data.publishers?.length);
    assert.deepEqual([data.publishers[0].id, data.publishers[0].display], [seat.participant.id, 'Ana']);
    assert.equal((await ask(gateway, 'POST', `/whip/${room.id}`, offer, { token: seat.token })).status, 409);
    camera.peer.send();
    const player = await begin(gateway, peers, `/whep/${room.id}`, 'recvonly', hanna.token);
    await moreComes(player.peer);
    const phone = await rooms.enter(gateway, seat, 'room'); /* a page of the same person's beside it */
    assert.equal((await ask(gateway, 'GET', camera.path, undefined, { token: seat.token })).status, 204);
    await rooms.want(200, gateway, 'POST', `/rooms/${room.id}/participants/${seat.participant.id}`, { token: host.token, body: { action: 'remove' } });
    await until('removed is removed', async () => (await ask(gateway, 'GET', camera.path, undefined, { token: seat.token })).status === 404);
    assert.equal((await player.end()).status, 200);
    for (const one of [page, phone])
        one.close();
    peer.close();
});

test('modules that are switched off take their sessions along, and come back without', async () => {
    const toggled = await start(), admin_secret = readFileSync(join(toggled.data, 'admin.secret'), 'utf8').trim();
    const admin = async (janus, plugin) => (await fetch(`${toggled.admin}/admin`, { method: 'POST', body: JSON.stringify({ janus, plugin, transaction: 'a', admin_secret }) })).json();
    for (const name of ['videoroom', 'whip', 'videoroom']) {
        const camera = await begin(toggled, peers, '/whip/1234', 'sendonly');
        assert.equal((await admin('disable_plugin', name)).janus, 'success');
        await until(`${name} is off`, async () => (await ask(toggled, 'GET', camera.path)).status === 404);
        const peer = await peers.open();
        assert.equal((await ask(toggled, 'POST', '/whip/1234', peer.offer('sendonly').sdp)).status, name === 'whip' ? 404 : 503); /* without the module it is no more than a page that is not there */
        peer.close();
        assert.equal((await admin('enable_plugin', name)).janus, 'success');
        camera.peer.close();
    }
    assert.equal((await toggled.stop()).code, 0);
});
