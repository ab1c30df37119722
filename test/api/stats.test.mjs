/* SPDX-License-Identifier: MIT */
/* What is measured can be seen: by the client itself, by the operator, and as counters for Prometheus. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
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

test('the operator sees the same in handle_info', async () => {
    const admin_secret = readFileSync(`${gateway.data}/admin.secret`, 'utf8').trim();
    const answer = await (await fetch(`${gateway.admin}/admin/${ben.session_id}/${watch.handle}`, { method: 'POST', body: JSON.stringify({ janus: 'handle_info', transaction: 'a', admin_secret }) })).json();
    const { webrtc, sdps, flags } = answer.info;
    assert.equal(webrtc.state, 'ready');
    assert.equal(webrtc.streams[0].direction, 'out');
    assert.ok(webrtc.streams[0].packets > 0 && webrtc.sinks[0].packets > 0);
    assert.ok(sdps.local.startsWith('v=0') && flags.ready);
});

/* The text format as Prometheus reads it: families are whole, typed, and never twice; histograms add up. */
function parse(text) {
    const types = new Map(), values = new Map();
    assert.ok(text.endsWith('\n'));
    for (const line of text.trimEnd().split('\n')) {
        const meta = line.match(/^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/);
        if (meta) {
            if (meta[1] === 'TYPE') {
                assert.ok(!types.has(meta[2]), `${meta[2]} comes twice`);
                assert.match(meta[3], /^(counter|gauge|histogram)$/);
                types.set(meta[2], meta[3]);
            }
            continue;
        }
        const sample = line.match(/^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (-?[\d.e+]+|\+Inf|NaN)$/);
        assert.ok(sample, `no sample: ${line}`);
        const [, name, labels = '', value] = sample;
        const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
        assert.ok(types.has(family), `${name} has no TYPE`);
        assert.ok(!values.has(name + labels), `${name}${labels} comes twice`);
        values.set(name + labels, Number(value));
    }
    for (const [key, value] of values) {
        const bucket = key.match(/^(\w+)_bucket\{(.*?),?le="\+Inf"\}$/);
        if (bucket)
            assert.equal(value, values.get(`${bucket[1]}_count${bucket[2] ? `{${bucket[2]}}` : ''}`), key);
    }
    return { types, values };
}

test('/metrics is what Prometheus reads: packets, drops by reason, peers by state, how late the loops are', async () => {
    const metrics = async () => parse(await (await fetch(`${gateway.admin}/metrics`)).text());
    const { types, values } = await until('a ready peer', async () => {
        const found = await metrics();
        return found.values.get('stoa_media_peers{state="ready"}') >= 2 && found.values.get('stoa_loop_lag_us_count{loop="worker-1"}') > 0 && found;
    });
    for (const [name, type] of Object.entries({ stoa_media_received_packets_total: 'counter', stoa_media_sent_bytes_total: 'counter', stoa_media_retransmitted_packets_total: 'counter',
        stoa_media_drop_packets_total: 'counter', stoa_media_peers: 'gauge', stoa_media_estimate_bps: 'histogram', stoa_loop_lag_us: 'histogram' }))
        assert.equal(types.get(name), type, name);
    assert.ok(values.get('stoa_media_received_packets_total') > 0);
    assert.ok(values.has(`stoa_media_drop_packets_total{reason="auth",worker="1"}`));
    for (const loop of ['control', 'worker-0', 'worker-1'])
        assert.ok(values.get(`stoa_loop_lag_us_count{loop="${loop}"}`) > 0, loop);
    watch.peer.close();
    const before = values.get('stoa_media_peers{state="ready"}');
    await until('one less', async () => (await metrics()).values.get('stoa_media_peers{state="ready"}') < before);
});
