/* SPDX-License-Identifier: MIT */
/* A simulcast announced by a=ssrc-group:SIM, as clients without rids do: over the wire, signaling and all. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { leave, only, publishLines, watchLines } from '../lib/lines.mjs';
import { startPeers } from '../lib/peers.mjs';
import { vp8 } from '../lib/rtp.mjs';

let gateway, peers;
before(async () => { peers = startPeers(); gateway = await start('stoa:limits.requests_per_second=0'); });
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

const qualities = ['low', 'middle', 'high'], ssrcs = [31, 32, 33]; /* the group names the least first */
const section = {
    kind: 'video', mid: '0', direction: 'sendonly', formats: '96 97',
    lines: ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96',
        `a=ssrc-group:SIM ${ssrcs.join(' ')}`, ...ssrcs.map((ssrc) => `a=ssrc-group:FID ${ssrc} ${ssrc + 10}`),
        ...ssrcs.flatMap((ssrc) => [`a=ssrc:${ssrc} cname:ana`, `a=ssrc:${ssrc + 10} cname:ana`])],
};

/* Pictures of each quality every 20 ms, each a keyframe that says what it is. `missing` holds those that are not sent. */
function film({ peer }, missing) {
    let n = 0;
    const timer = setInterval(() => {
        n++;
        peer.sendPackets(...qualities.map((name, i) => ({ pt: 96, ssrc: ssrcs[i], seq: 1000 * (i + 1) + n, timestamp: 1800 * n + 7 * i, marker: true, payload: vp8({ id: n, tail: name }), name }))
            .filter(({ name }) => !missing.has(name)));
    }, 20);
    return () => clearInterval(timer);
}

/* Packets until ten in a row show one quality: all of them, one stream without a gap. */
async function until({ peer }, name) {
    const packets = [];
    for (const end = Date.now() + 10000 * slow; ; await sleep(20)) {
        packets.push(...await peer.all());
        if (packets.length >= 10 && packets.slice(-10).every(({ payload }) => payload.toString('latin1').endsWith(name)))
            return packets;
        assert.ok(Date.now() < end, `no ${name}, but ${packets.at(-1)?.payload.toString('latin1')}`);
    }
}

test('qualities of a group of SSRCs are chosen, replaced while one is missing, and told', async () => {
    const ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' });
    const ben = await watchLines(gateway, peers, ana, only('VP8', 'rtx'));
    const missing = new Set(), stop = film(ana, missing), seen = [];
    const configure = (more) => ben.who.message(ben.handle, { request: 'configure', streams: [{ mid: ben.offered[0].mid, ...more }] });
    const told = (substream) => ben.who.client.event((one) => one.plugindata?.data.substream === substream);
    try {
        assert.doesNotMatch(ana.lines[0].text, /a=rid|a=simulcast/);
        seen.push(...await until(ben, 'high'));
        await configure({ substream: 0 });
        seen.push(...await until(ben, 'low'));
        assert.equal((await told(0)).plugindata.data.videoroom, 'event');
        await configure({ substream: 1 });
        seen.push(...await until(ben, 'middle'));
        await told(1);
        missing.add('middle');
        seen.push(...await until(ben, 'low')); /* better than nothing */
        missing.delete('middle');
        seen.push(...await until(ben, 'middle'));
    } finally {
        stop();
    }
    seen.slice(1).forEach(({ seq, ssrc, timestamp }, i) => {
        assert.equal((seq - seen[i].seq) & 0xffff, 1);
        assert.equal(ssrc, seen[0].ssrc);
        assert.ok(((timestamp - seen[i].timestamp) | 0) > 0, 'time goes on');
    });
    leave(ana, ben);
});
