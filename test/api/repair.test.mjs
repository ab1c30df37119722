/* SPDX-License-Identifier: MIT */
/* What gets lost and is asked for again, on both sides of the gateway: how often, how fast, and what the figures say of it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { leave, only, publishLines, watchLines } from '../lib/lines.mjs';
import { openLink } from '../lib/link.mjs';
import { clock, startPeers } from '../lib/peers.mjs';
import { dlrr, fir, nack, pli, report, twcc } from '../lib/rtcp.mjs';
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

test('another address is another way: it is measured at once', async () => {
    const ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' });
    const timer = setInterval(() => ana.peer.sendPackets({ pt: 96, ssrc: VIDEO, seq: ++n, timestamp: 1800 * n, payload: vp8({ id: n }) }), PICTURE_MS), asked = [];
    const next = (count) => until('a question for the round trip', async () => asked.push(...(await ana.peer.told()).filter(({ what }) => what === 'rrtr')) >= count);
    let n = 0;
    try {
        ana.peer.hear();
        await next(2);
        assert.ok(asked[1].at - asked[0].at > 900, `${asked[1].at - asked[0].at} ms`); /* else once a second */
        for (let tries = 0; ; tries++) {
            const before = asked.length;
            ana.peer.move();
            await next(before + 1);
            if (asked.at(-1).at - asked.at(-2).at < 600)
                break;
            assert.ok(tries < 5, 'it was not measured any sooner');
        }
    } finally {
        clearInterval(timer);
    }
    leave(ana);
});

/* The original number that a packet of RTX repairs; padding repairs none. */
const repairedBy = (packets, pt) => packets.filter((one) => one.pt === pt && one.payload.length > 2).map(({ payload }) => payload.readUInt16BE(0));

/* Everybody's last `count` packets, once so many came. */
async function gather({ peer }, count) {
    const packets = [];
    await until(`${count} packets`, async () => packets.push(...await peer.all()) >= count);
    return packets.slice(-count);
}

for (const rtt of [0, 200]) {
    test(`sixty scattered numbers of one NACK are all served, once in a round trip, at ${rtt} ms`, async () => {
        const link = await openLink(gateway), ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' });
        const ben = await watchLines(gateway, peers, ana, only('VP8', 'rtx'), {}, link), show = film(ana), { rtx } = ben.offered[0].pt;
        try {
            const came = await gather(ben, 20);
            for (let i = 0; i < 6; i++, await sleep(20)) { /* a keyframe's worth, as a sender spreads it: a ring grows between packets */
                show.burst(30);
                came.push(...await gather(ben, 30));
            }
            ['up', 'down'].forEach((way) => link[way]({ delay: rtt / 2 }));
            for (const told of (await ben.peer.told()).filter(({ what }) => what === 'sr')) /* so the gateway knows the way, as if it had been so before */
                ben.peer.sendRtcp(report(told.ssrc, { middle: told.middle, after_ms: Math.max(clock() - told.at - rtt / 2, 0) }));
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
            leave(ana, ben);
            await link.close();
        }
    });
}

test('who asks for everything again gets some hundred in a second, and each once', async () => {
    const ana = await publishLines(gateway, peers, [section], { videocodec: 'vp8' }), ben = await watchLines(gateway, peers, ana, only('VP8', 'rtx'));
    const show = film(ana), { rtx } = ben.offered[0].pt, reports = async () => (await ben.peer.told()).filter(({ what }) => what === 'sr').length;
    let came, repaired;
    for (let tries = 1, n = 0; ; tries++, n = 0) { /* all between two reports: with them comes a new budget */
        await until('two reports', async () => (n += await reports()) >= 2);
        await ben.peer.all();
        for (let i = 0; i < 12; i++, await sleep(10))
            show.burst(50);
        came = await gather(ben, 600);
        for (let i = 0; i < 600; i += 300)
            ben.peer.sendRtcp(nack(came[0].ssrc, came.slice(i, i + 300).map(({ seq }) => seq)));
        await sleep(50);
        repaired = repairedBy(await ben.peer.all(), rtx);
        if (await reports() === 0)
            break;
        assert.ok(tries < 10, 'never done between two reports');
    }
    show.stop();
    assert.ok(repaired.length >= 300 && repaired.length < 500, `${repaired.length} at once`); /* 300, and twice what was sent in the second before */
    assert.equal(new Set(repaired).size, repaired.length);
    leave(ana, ben);
});

test('who asks for keyframes again and again gets fewer and fewer, a source is asked once in 300 ms, and the same FIR is one request', async () => {
    const many = await start('stoa:limits.requests_per_second=0', 'stoa:media.workers=4', 'stoa:media.room_peers_per_worker=1');
    const ana = await publishLines(many, peers, [section], { videocodec: 'vp8' }), show = film(ana), viewers = [];
    for (let i = 0; i < 3; i++)
        viewers.push(await watchLines(many, peers, ana, only('VP8', 'rtx')));
    const ssrcs = await Promise.all(viewers.map(async (one) => (await gather(one, 10))[0].ssrc));
    const nag = async (ms, ...requests) => {
        await until('silence', () => clock() - (show.keyframes.at(-1) ?? 0) > 700); /* of the joins, or of who nagged before */
        show.forget();
        for (let i = 0; i < ms / 20; i++, await sleep(20))
            requests.forEach(({ by, say }) => viewers[by].peer.sendRtcp(say(ssrcs[by], i)));
        return [...show.keyframes];
    };
    try {
        const once = await nag(1000, { by: 0, say: (ssrc) => fir(ssrc, 5, 20) });
        assert.ok(once.length >= 1 && once.length <= 2, `${once.length} for one FIR`);
        const next = await nag(20, { by: 0, say: (ssrc) => fir(ssrc, 6) });
        await until('a keyframe for the next FIR', () => next.length || show.keyframes.length);
        const one = await nag(4000, { by: 1, say: (ssrc, i) => Buffer.concat([pli(ssrc), fir(ssrc, i)]) });
        assert.ok(one.length >= 2 && one.length <= 6, `${one.length} for one viewer in four seconds`); /* after 0, 0.3, 0.9, 2.1 s */
        const all = await nag(3000, ...[0, 1, 2].map((by) => ({ by, say: pli })));
        assert.ok(all.length >= 2 && all.length <= 11, `${all.length} for all of them in three seconds`);
        [once, one, all].forEach((times) => times.slice(1).forEach((at, i) => assert.ok(at - times[i] > 250, `${at - times[i]} ms`)));
    } finally {
        show.stop();
    }
    leave(ana, ...viewers);
    assert.equal((await many.stop()).code, 0);
});

/* A client that reports and asks as a browser does: for what is missing, on what came, and by transport-cc. */
function reportOn({ peer, offered }) {
    const id = offered[0].exts[TWCC.split('/').at(-1)], { rtx } = offered[0].pt;
    let highest, count = 0;
    const tell = async () => {
        const packets = await peer.all(), arrived = packets.filter(({ exts }) => exts[id]).map(({ exts, at }) => ({ seq: exts[id].readUInt16BE(0), at }));
        if (arrived.length > 0)
            peer.sendRtcp(twcc(arrived, count++));
        for (const { ssrc, seq } of packets.filter(({ pt }) => pt !== rtx)) {
            const news = highest === undefined ? 1 : seq - highest << 16 >> 16;
            if (news > 1 && news < 100)
                peer.sendRtcp(nack(ssrc, Array.from({ length: news - 1 }, (_, i) => highest + 1 + i & 0xffff)));
            if (news > 0)
                highest = seq;
        }
        for (const told of (await peer.told()).filter(({ what }) => what === 'sr'))
            peer.sendRtcp(report(told.ssrc, { middle: told.middle, after_ms: clock() - told.at, fraction: 8 }));
    };
    const timer = setInterval(() => void tell(), 40);
    return { stop: () => clearInterval(timer) };
}

test('on lines that lose packets the figures are those of the lines: losses, repairs, round trips, the estimate, the layer', async () => {
    const streams = [[51, 61], [52, 62], [53, 63]]; /* the least first */
    const simulcast = {
        ...section, lines: [...section.lines.filter((line) => !line.includes('ssrc')), 'a=rtcp-fb:96 transport-cc', `a=extmap:3 ${TWCC}`, 'a=ssrc-group:SIM 51 52 53',
            ...streams.map((pair) => `a=ssrc-group:FID ${pair.join(' ')}`), ...streams.flat().map((ssrc) => `a=ssrc:${ssrc} cname:ana`)],
    };
    const take = (line) => {
        const taken = only('VP8', 'rtx')(line);
        return { ...taken, lines: [...taken.lines, `a=extmap:${line.exts[TWCC.split('/').at(-1)]} ${TWCC}`] };
    };
    const histogram = async () => Number((await (await fetch(`${gateway.admin}/metrics`)).text()).match(/^stoa_media_estimate_\w+_count (\d+)$/m)[1]);
    const links = [await openLink(gateway), await openLink(gateway)], before = await histogram();
    const ana = await publishLines(gateway, peers, [simulcast], { videocodec: 'vp8' }, links[0]), show = film(ana, { streams, answers: true });
    const ben = await watchLines(gateway, peers, ana, take, {}, links[1]), reports = reportOn(ben);
    try {
        for (const link of links)
            ['up', 'down'].forEach((way) => link[way]({ delay: 20 }));
        links[0].up({ loss: 0.03, delay: 20 });
        links[1].down({ loss: 0.03, delay: 20 });
        const isFar = ({ rtt_ms }) => rtt_ms >= 39 && rtt_ms < 100 * slow;
        const [out, up] = await until('all figures', async () => {
            const out = await stats(ben), up = await stats(ana), [one] = out.streams;
            const asked = up.streams.filter((row) => row.nacks_asked > 0 && row.nacks_served > 0 && isFar(row));
            return isFar(out) && isFar(up) && out.estimate > 0 && one.nacks_asked > 3 && one.nacks_served > 3 && one.loss > 0 && one.bitrate > 0 && asked.length > 0 && [out, up];
        });
        assert.ok(out.streams[0].nacks_served <= out.streams[0].nacks_asked && out.estimate < 1e9, JSON.stringify(out));
        assert.equal(up.streams.length, 3);
        up.streams.forEach((row) => assert.ok(row.nacks_served <= row.nacks_asked && row.loss < 0.3, JSON.stringify(row)));
        await until('estimates in the histogram', async () => await histogram() > before);
        for (const substream of [0, 1]) {
            await ben.who.message(ben.handle, { request: 'configure', streams: [{ mid: ben.offered[0].mid, substream }] });
            await ben.who.client.event((event) => event.plugindata?.data.substream === substream);
            assert.equal((await stats(ben)).streams[0].substream, substream);
        }
    } finally {
        show.stop();
        reports.stop();
    }
    leave(ana, ben);
    await Promise.all(links.map((link) => link.close()));
});
