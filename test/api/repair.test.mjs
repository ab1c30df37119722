/* SPDX-License-Identifier: MIT */
/* What gets lost and is asked for again, on both sides of the gateway: how often, how fast, and what the figures say of it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { leave, only, publishLines, watchLines } from '../lib/lines.mjs';
import { openLink } from '../lib/link.mjs';
import { clock, startPeers } from '../lib/peers.mjs';
import { dlrr, nack, report } from '../lib/rtcp.mjs';
import { vp8 } from '../lib/rtp.mjs';

let gateway, peers;
before(async () => { peers = startPeers(); gateway = await start('stoa:limits.requests_per_second=0', 'stoa:media.workers=1'); });
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

const TWCC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const PICTURE_MS = 20, FIRST = 65000, VIDEO = 31, RTX = 41, TAIL = 'x'.repeat(200);
const section = {
    kind: 'video', mid: '0', direction: 'sendonly', formats: '96 97',
    lines: ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtcp-fb:96 ccm fir', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96',
        `a=ssrc-group:FID ${VIDEO} ${RTX}`, `a=ssrc:${VIDEO} cname:ana`, `a=ssrc:${RTX} cname:ana`],
};
const stats = async ({ who, handle }) => (await who.message(handle, { request: 'stats' })).plugindata.data;
const until = async (what, fits) => {
    for (const end = Date.now() + 10000 * slow; ; await sleep(20)) {
        const found = await fits();
        if (found)
            return found;
        assert.ok(Date.now() < end, `${what}: not within ${10 * slow} s`);
    }
};

/* A client that sends a picture every 20 ms, answers each NACK at once and each request for a keyframe with one. It counts. */
function film({ peer }, { loses = () => false, answers = false, streams = [[VIDEO, RTX]] } = {}) {
    const self = { n: 0, lost: 0, asked: 0, keyframes: [] };
    const keys = new Map(streams.map(([ssrc]) => [ssrc, new Set([1])])), wanted = new Set();
    const packet = (ssrc, n) => ({ pt: 96, ssrc, seq: FIRST + n, timestamp: 1800 * n, marker: true, payload: vp8({ id: n & 0x7fff, key: keys.get(ssrc).has(n), tail: TAIL }) });
    let rtx = 0;
    const repair = ([ssrc, rtxSsrc], seq) => {
        const n = seq - FIRST & 0xffff, one = packet(ssrc, n), osn = Buffer.alloc(2);
        osn.writeUInt16BE(seq);
        peer.sendPackets({ ...one, pt: 97, ssrc: rtxSsrc, seq: rtx++, payload: Buffer.concat([osn, one.payload]) });
    };
    const hear = async () => {
        for (const told of await peer.told()) {
            const stream = streams.find(([ssrc]) => ssrc === told.ssrc);
            if (told.what === 'nack') {
                self.asked += told.seqs.length;
                told.seqs.forEach((seq) => repair(stream, seq));
            } else if (told.what === 'pli') {
                self.keyframes.push(told.at);
                wanted.add(told.ssrc);
            } else if (told.what === 'rrtr' && answers) {
                peer.sendRtcp(dlrr(told.from, told.middle, clock() - told.at));
            }
        }
    };
    const show = () => {
        self.n++;
        for (const [ssrc] of streams) {
            if (wanted.delete(ssrc))
                keys.get(ssrc).add(self.n);
            if (loses(self.n) && !keys.get(ssrc).has(self.n))
                self.lost++;
            else
                peer.sendPackets(packet(ssrc, self.n));
        }
    };
    peer.hear();
    const timers = [setInterval(show, PICTURE_MS), setInterval(() => void hear(), 5)];
    self.forget = () => Object.assign(self, { lost: 0, asked: 0, keyframes: [] });
    self.stop = () => timers.forEach(clearInterval);
    self.burst = (count) => { for (let i = 0; i < count; i++) show(); };
    return self;
}

test('whose way grows from nothing to 300 ms is asked for each loss three times at most, and for no keyframe', async () => {
    const people = [];
    for (const answers of [false, true]) { /* to questions for the round trip, as browsers do; else repairs alone tell it */
        const link = await openLink(gateway), ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' }, link);
        people.push({ link, ana, answers, film: film(ana, { loses: (n) => n % 20 === 10, answers }) });
    }
    try {
        await sleep(1500);
        for (const { link, film } of people) {
            ['up', 'down'].forEach((way) => link[way]({ delay: 150 }));
            film.forget();
        }
        await sleep(3000);
        for (const { film, answers } of people) {
            const what = `${film.asked} for ${film.lost}, ${film.keyframes.length} keyframes, ${answers}`;
            assert.ok(film.lost >= 5 && film.asked >= film.lost / 2 && film.asked <= 3 * film.lost && film.keyframes.length <= 1, what);
            film.forget();
        }
        await sleep(3000);
        for (const { ana, film, answers } of people) {
            const what = `${film.asked} for ${film.lost}, ${film.keyframes.length} keyframes, ${answers}`;
            assert.ok(film.asked <= 2 * film.lost && film.keyframes.length === 0, what);
            const { rtt_ms, streams: [one] } = await stats(ana);
            assert.ok(rtt_ms >= 295 && rtt_ms < 500 * slow && one.rtt_ms >= 295 && one.rtt_ms < 500 * slow, `${rtt_ms} ${one.rtt_ms}`);
            assert.ok(one.nacks_served > 10 && one.nacks_served <= one.nacks_asked, JSON.stringify(one));
        }
        for (const { link } of people)
            ['up', 'down'].forEach((way) => link[way]({ delay: 0 }));
        await until('a short way again', async () => (await stats(people[1].ana)).rtt_ms < 150); /* without losses, too */
    } finally {
        people.forEach(({ film }) => film.stop());
    }
    leave(...people.map(({ ana }) => ana));
    await Promise.all(people.map(({ link }) => link.close()));
});

/* The original number that a packet of RTX repairs; padding repairs none. */
const repairedBy = (packets, pt) => packets.filter((one) => one.pt === pt && one.payload.length > 2).map(({ payload }) => payload.readUInt16BE(0));

/* Everybody's last `count` packets, once so many came. */
async function gather({ peer }, count) {
    const packets = [];
    await until(`${count} packets`, async () => packets.push(...await peer.all()) >= count);
    return packets.slice(-count);
}

for (const rtt of [0, 200])
    test(`sixty scattered numbers of one NACK are all served, once in a round trip, at ${rtt} ms`, async () => {
        const link = await openLink(gateway), ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' });
        const ben = await watchLines(gateway, peers, ana, only('VP8', 'rtx'), {}, link), show = film(ana), { rtx } = ben.offered[0].pt;
        try {
            ['up', 'down'].forEach((way) => link[way]({ delay: rtt / 2 }));
            const before = await gather(ben, 20);
            for (let i = 0; i < 6; i++, await sleep(10)) /* a keyframe's worth */
                show.burst(30);
            const came = [...before, ...await gather(ben, 180)];
            for (const told of (await ben.peer.told()).filter(({ what }) => what === 'sr'))
                ben.peer.sendRtcp(report(told.ssrc, { middle: told.middle, after_ms: clock() - told.at })); /* so the gateway knows the way */
            const asks = came.slice(-140).filter((_, i) => [0, 2, 5].includes(i % 7)).map(({ seq }) => seq);
            const request = nack(came[0].ssrc, asks), got = [];
            assert.ok(asks.length === 60 && request.length >= 12 + 4 * 8, `${asks.length} in ${request.length} bytes`);
            ben.peer.sendRtcp(request);
            ben.peer.sendRtcp(request); /* too soon */
            await until('all of them', async () => got.push(...repairedBy(await ben.peer.all(), rtx)) >= asks.length);
            await sleep(rtt + 50);
            got.push(...repairedBy(await ben.peer.all(), rtx));
            assert.deepEqual(got, asks);
            const one = (await stats(ben)).streams[0];
            assert.deepEqual([one.nacks_asked, one.nacks_served], [2 * asks.length, asks.length]);
            ben.peer.sendRtcp(request); /* a round trip later they may have been lost as well */
            await until('all of them again', async () => got.push(...repairedBy(await ben.peer.all(), rtx)) >= 2 * asks.length);
        } finally {
            show.stop();
        }
        leave(ana, ben);
        await link.close();
    });
