/* SPDX-License-Identifier: MIT */
/* What is measured can be seen: by the client itself, by the operator, and as counters for Prometheus. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { readExposition, sumOf, valueOf } from '../lib/exposition.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { echo, enter, publish, startPeers, subscribe } from '../lib/peers.mjs';

let gateway, peers, ana, ben, call, watch;
const until = async (what, fits) => {
    let last;
    for (let n = 0; n < 300 * slow; n++, await sleep(50))
        if ((last = await fits()))
            return last;
    assert.fail(`${what}: not within ${15 * slow} s`);
};

before(async () => {
    peers = startPeers();
    gateway = await start('stoa:limits.requests_per_second=0', 'stoa:media.workers=2');
    [ana, ben] = [await enter(gateway), await enter(gateway)];
    call = await publish(ana, peers, 1234);
    watch = await subscribe(ben, peers, 1234, call.feed);
    call.peer.send();
});
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

const stats = async (who, handle) => (await who.message(handle, { request: 'stats' })).plugindata.data;

test('publisher and subscriber can ask what is measured of their streams', async () => {
    const flows = async (who, handle) => {
        const data = await stats(who, handle);
        return data.streams?.[0]?.bitrate > 5000 && data; /* after a whole second of it */
    };
    const sent = await until('a bit rate', () => flows(ana, call.handle)), seen = await until('a bit rate', () => flows(ben, watch.handle));
    for (const [data, direction] of [[sent, 'in'], [seen, 'out']]) {
        assert.deepEqual([data.videoroom, data.room, data.streams.length], ['stats', 1234, 1]);
        const [one] = data.streams;
        assert.deepEqual([one.direction, one.type, one.codec, one.held, one.mid], [direction, 'audio', 'opus', false, '0']);
        for (const name of ['packets', 'bytes', 'lost', 'loss', 'jitter_ms', 'nacks_asked', 'nacks_served'])
            assert.equal(typeof one[name], 'number', name);
        assert.ok(one.packets > 0 && one.bytes > one.packets, JSON.stringify(one));
        assert.ok(one.bitrate > 5000 && one.bitrate < 200000, `${one.bitrate}`); /* 50 packets of 80 bytes a second */
    }
    const { peer, handle } = await echo(ben, peers);
    peer.send();
    await until('both ways', async () => {
        const { plugindata: { data } } = await ben.message(handle, { stats: true });
        assert.equal(data.result, 'ok');
        return ['in', 'out'].every((way) => data.stats.streams.some(({ direction, bitrate }) => direction === way && bitrate > 0));
    });
    peer.close();
});

test('without a PeerConnection there are no streams, before a join nothing at all, and who leaves while it is measured harms nobody', async () => {
    const eve = await enter(gateway), handle = await eve.attach('videoroom');
    assert.equal((await stats(eve, handle)).error_code, 424);
    await eve.message(handle, { request: 'join', ptype: 'publisher', room: 1234 });
    assert.deepEqual((await stats(eve, handle)).streams, []);
    eve.leave();
    for (let n = 0; n < 20; n++) {
        const one = await enter(gateway), player = await subscribe(one, peers, 1234, call.feed);
        one.client.socket.send(JSON.stringify({ janus: 'message', session_id: one.session_id, handle_id: player.handle, transaction: 'x', body: { request: 'stats' } }));
        one.client.socket.send(JSON.stringify({ janus: 'detach', session_id: one.session_id, handle_id: player.handle, transaction: 'y' }));
        await sleep(n % 3);
        one.leave();
        player.peer.close();
    }
    assert.equal((await stats(ana, call.handle)).videoroom, 'stats');
});

/* What the admin API tells of one handle. */
async function look(who, { handle }) {
    const admin_secret = readFileSync(`${gateway.data}/admin.secret`, 'utf8').trim();
    const response = await fetch(`${gateway.admin}/admin/${who.session_id}/${handle}`, { method: 'POST', body: JSON.stringify({ janus: 'handle_info', transaction: 'a', admin_secret }) });
    return response.json();
}

test('the operator sees the same in handle_info', async () => {
    const answer = await look(ben, watch);
    assert.deepEqual([answer.janus, answer.session_id, answer.handle_id], ['success', ben.session_id, watch.handle]);
    const { webrtc, sdps, flags, ...info } = answer.info;
    assert.equal(webrtc.state, 'ready');
    assert.equal(webrtc.streams[0].direction, 'out');
    assert.ok(webrtc.streams[0].packets > 0 && webrtc.sinks[0].packets > 0);
    assert.ok(sdps.local.startsWith('v=0') && sdps.remote.startsWith('v=0') && flags.ready && flags.negotiated && flags['has-audio'] && !flags['has-video']);
    assert.deepEqual([info.session_id, info.handle_id, info.session_transport], [ben.session_id, watch.handle, 'stoa.transport.websocket']);
    assert.match(info.plugin, /^(stoa|janus)\.plugin\.videoroom$/);
    assert.ok(info.created <= info.current_time && info.session_last_activity <= info.current_time);
    assert.equal((await look(ben, { handle: 1 })).janus, 'error');
});

test('what handle_info counts of a stream with losses is what its sender and its listener count', async () => {
    const dan = await enter(gateway), one = await publish(dan, peers, 1234), two = await subscribe(dan, peers, 1234, one.feed);
    const info = async (of) => (await look(dan, of)).info.webrtc;
    one.peer.send(5); /* each fifth gets lost on the way */
    await until('something is lost', async () => (await info(one)).tracks[0]?.encodings[0]?.lost >= 5);
    one.peer.stop();
    const { sent } = await one.peer.count(), came = sent - Math.floor(sent / 5);
    const from = await until('all came', async () => {
        const now = await info(one);
        return now.tracks[0].encodings[0].packets === came && now;
    });
    const [track] = from.tracks, [encoding] = track.encodings;
    assert.deepEqual([track.kind, track.codec, track.mid, track.sinks, track.clock, track.muted], ['audio', 'opus', '0', 1, 48000, false]);
    /* of a loss behind the last packet nobody knows */
    assert.ok([sent, sent - 1].includes(encoding.packets + encoding.lost), `${encoding.packets} came and ${encoding.lost} were lost of ${sent}`);
    assert.deepEqual([encoding.ssrc, encoding.recovered, encoding['packets'], from['packets-in']], [one.peer.ssrc, 0, came, came]);
    assert.ok(encoding.bytes >= came * 12 && from['bytes-in'] > encoding.bytes && encoding['jitter-us'] >= 0 && encoding['jitter-us'] < 1000000, JSON.stringify(encoding));

    const to = await info(two), [sink] = to.sinks, [heard] = Object.values((await two.peer.count()).streams);
    assert.deepEqual([sink.codec, sink.mid, sink['source-track'], sink.paused, sink.relaying, sink.late], ['opus', '0', track.track, false, true, 0]);
    assert.deepEqual([sink.packets, heard.n, to['packets-out']], [came, came, came]);
    assert.ok(to['bytes-out'] > sink.bytes && sink.bytes > 0);
    for (const side of [from, to]) {
        assert.deepEqual([side.state, side.path, side.data], ['ready', 'udp', false]);
        assert.ok([0, 1].includes(side.worker) && side['rtt-us'] >= 0, JSON.stringify(side));
    }
    assert.deepEqual([from.sinks, to.tracks], [[], []]);
    const [{ packets, lost, direction }] = from.streams;
    assert.deepEqual([packets, lost, direction], [came, encoding.lost, 'in']);
    [one, two].forEach(({ peer }) => peer.close());
    dan.leave();
});

test('/metrics is what Prometheus reads: packets, drops by reason, peers by state, how late the loops are', async () => {
    const metrics = async (url = gateway.admin) => readExposition(await (await fetch(`${url}/metrics`)).text());
    const ready = (found) => valueOf(found, 'stoa_media_peers', { state: 'ready' });
    const late = (found, loop) => valueOf(found, 'stoa_loop_lag_seconds_count', { loop });
    const found = await until('a ready peer', async () => {
        const now = await metrics();
        return ready(now) >= 2 && late(now, 'worker-1') > 0 && now;
    });
    for (const [name, kind] of Object.entries({ stoa_media_received_packets_total: 'counter', stoa_media_sent_bytes_total: 'counter', stoa_media_retransmitted_packets_total: 'counter',
        stoa_media_drop_packets_total: 'counter', stoa_media_peers: 'gauge', stoa_media_estimate_bytes_per_second: 'histogram', stoa_loop_lag_seconds: 'histogram',
        stoa_store_commit_seconds: 'histogram', stoa_sessions: 'gauge', stoa_videoroom_published_total: 'counter' }))
        assert.equal(found.get(name)?.kind, kind, name);
    assert.ok(valueOf(found, 'stoa_media_received_packets_total') > 0);
    for (const worker of ['0', '1'])
        for (const reason of ['stranger', 'junk', 'early', 'auth', 'replay', 'unknown_ssrc', 'payload_type', 'duplicate', 'late', 'pool', 'send', 'socket_full', 'refused', 'receive_overflow'])
            assert.ok(valueOf(found, 'stoa_media_drop_packets_total', { reason, worker }) >= 0, reason);
    for (const loop of ['control', 'worker-0', 'worker-1'])
        assert.ok(late(found, loop) > 0, loop);
    const before = ready(found);
    watch.peer.close();
    await until('one less', async () => ready(await metrics()) < before);
    assert.ok(late(await metrics(gateway.http), 'control') > 0); /* this machine is shown it on the main listener, too */
});

test('what comes and is dropped shows under its reason', async () => {
    const drops = async () => readExposition(await (await fetch(`${gateway.admin}/metrics`)).text());
    const of = (found, reason) => sumOf(found, 'stoa_media_drop_packets_total', { reason });
    const before = await drops(), socket = createSocket('udp4'), [, port] = gateway.ready.match(/media=\S*?(\d+)/);
    socket.send(Buffer.from([0x80, 111, 0, 1, ...Array(40).fill(0)]), Number(port), '127.0.0.1');
    await until('a stranger', async () => of(await drops(), 'stranger') === of(before, 'stranger') + 1);
    socket.close();
});

test('the reader of the format takes what its rules allow and nothing else', () => {
    const head = '# HELP a_total A\n# TYPE a_total counter\n', wave = '# HELP h_seconds H\n# TYPE h_seconds histogram\n';
    const buckets = (...lines) => `${wave}${lines.map((line) => `h_seconds_${line}\n`).join('')}`;
    readExposition(`${head}a_total{x="q\\"\\\\\\n",} 1e3 1700000000000\n\n# a comment\n${buckets('bucket{le="0.5"} 1', 'bucket{le="+Inf"} 2', 'sum 3.25', 'count 2')}`);
    for (const [why, text] of Object.entries({
        'no line feed at the end': `${head}a_total 1`, 'no type': '# HELP a_total A\na_total 1\n', 'no help': '# TYPE a_total counter\na_total 1\n',
        'twice the same': `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`, 'two places': `${head}a_total 1\n# HELP b B\n# TYPE b gauge\nb 1\na_total{x="1"} 1\n`,
        'no number': `${head}a_total one\n`, 'a bare label': `${head}a_total{x=1} 1\n`, 'an escape': `${head}a_total{x="\\t"} 1\n`, 'a late type': 'a_total 1\n# HELP a_total A\n# TYPE a_total counter\n',
        'a counter without its ending': '# HELP a A\n# TYPE a counter\na 1\n', 'milliseconds': '# HELP a_ms A\n# TYPE a_ms gauge\na_ms 1\n', 'a falling counter': `${head}a_total -1\n`,
        'no +Inf': buckets('bucket{le="0.5"} 1', 'bucket{le="1"} 1', 'sum 1', 'count 1'), 'no sum': buckets('bucket{le="0.5"} 1', 'bucket{le="+Inf"} 1', 'count 1'),
        'falling buckets': buckets('bucket{le="0.5"} 2', 'bucket{le="+Inf"} 1', 'sum 1', 'count 1'), 'another count': buckets('bucket{le="0.5"} 1', 'bucket{le="+Inf"} 2', 'sum 1', 'count 3'),
    }))
        assert.throws(() => readExposition(text), { name: 'AssertionError' }, why);
});
