/* SPDX-License-Identifier: MIT */
/* Over the wire, signaling and all: what of a packet reaches a subscriber, by what both of them negotiated. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { slow, start } from '../lib/gateway.mjs';
import { leave, only, publishLines, watchLines } from '../lib/lines.mjs';
import { startPeers } from '../lib/peers.mjs';
import * as rooms from '../lib/rooms.mjs';
import { readLines, vp8 } from '../lib/rtp.mjs';

let gateway, peers;
before(async () => { peers = startPeers(); gateway = await start('stoa:limits.requests_per_second=0', 'stoa:media.workers=2', 'stoa:media.room_peers_per_worker=1'); });
after(async () => { peers.stop(); assert.equal((await gateway.stop()).code, 0); });

const uris = {
    'ssrc-audio-level': 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', mid: 'urn:ietf:params:rtp-hdrext:sdes:mid', toffset: 'urn:ietf:params:rtp-hdrext:toffset',
    'rtp-stream-id': 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', 'video-orientation': 'urn:3gpp:video-orientation',
    'abs-send-time': 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', 'playout-delay': 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
    'abs-capture-time': 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
    'transport-wide-cc-extensions-01': 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
};
const extmaps = (ids) => Object.entries(ids).map(([name, id]) => `a=extmap:${id} ${uris[name]}`);

const opus = (fmtp = 'minptime=10;useinbandfec=1') => ['a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc', `a=fmtp:111 ${fmtp}`];
const red = ['a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111'];

const publish = (...args) => publishLines(gateway, peers, ...args);
const watch = (...args) => watchLines(gateway, peers, ...args);
const numbers = (packets) => packets.map(({ seq }) => (seq - packets[0].seq) & 0xffff);
const times = (packets) => packets.map(({ timestamp }) => (timestamp - packets[0].timestamp) >>> 0);
const counted = (n, step = 1) => Array.from({ length: n }, (_, i) => i * step);

/* Each of these streams, until all of them reach everybody: what follows has to come. Returns the next number. */
async function begin(publisher, watchers, ...streams) {
    const waiting = new Map(watchers.map(({ peer }) => [peer, new Set()]));
    let i = 0;
    for (; waiting.size > 0; await sleep(20)) {
        assert.ok(i < 250 * slow, 'what is sent does not reach everybody');
        publisher.peer.sendPackets(...streams.map((one) => ({ ...one, seq: i, timestamp: 960 * i, payload: Buffer.concat([one.payload ?? Buffer.alloc(0), Buffer.from('warm')]) })));
        i++;
        for (const [peer, ssrcs] of waiting) {
            (await peer.all()).forEach(({ ssrc }) => ssrcs.add(ssrc));
            if (ssrcs.size === streams.length)
                waiting.delete(peer);
        }
    }
    return i;
}
const heard = ({ peer }, n) => peer.heard(n, ({ payload }) => !payload.includes('warm'));
const vp8Key = vp8({ id: 1 });

/* A frame with the one before as a copy. (RFC 2198, 3) */
const wrap = (pt, now, before) => Buffer.concat([
    Buffer.from(before ? [0x80 | pt, 960 >> 6, (960 & 63) << 2 | before.length >> 8, before.length & 255, pt] : [pt]), Buffer.from(before ?? []), Buffer.from(now)]);

test('redundant Opus goes to who takes it, the new frame of it to who does not', async () => {
    const ana = await publish([{ kind: 'audio', mid: '0', direction: 'sendonly', formats: '111 63', lines: [...opus(), ...red, 'a=ssrc:77 cname:ana'] }], { opus_red: true });
    assert.equal(ana.lines[0].formats, '63 111'); /* first: a browser sends it then */
    assert.match(ana.lines[0].text, /a=fmtp:63 111\/111\r/);
    assert.match(ana.lines[0].text, /a=fmtp:111 .*useinbandfec=1/);
    const [ben, cleo] = [await watch(ana, only('opus', 'red')), await watch(ana, only('opus'))];
    const { pt } = ben.offered[0], n = 30;
    assert.match(ben.offered[0].text, new RegExp(`a=fmtp:${pt.opus} .*useinbandfec=1`));
    const frames = counted(n).map((i) => Buffer.from(`frame ${i}`));
    const first = await begin(ana, [ben, cleo], { pt: 111, ssrc: 77 });
    ana.peer.sendPackets(...frames.map((now, i) => ({ pt: 63, ssrc: 77, seq: first + i, timestamp: 960 * (first + i), marker: i === 0, payload: wrap(111, now, frames[i - 1]) })));
    const [whole, plain] = [await heard(ben, n), await heard(cleo, n)];
    for (const packets of [whole, plain]) {
        assert.deepEqual(numbers(packets), counted(n));
        assert.deepEqual(times(packets), counted(n, 960));
        assert.deepEqual(packets.map(({ marker }) => marker), frames.map((_, i) => i === 0));
    }
    whole.forEach((packet, i) => assert.deepEqual([packet.pt, packet.payload], [pt.red, wrap(pt.opus, frames[i], frames[i - 1])]));
    plain.forEach((packet, i) => assert.deepEqual([packet.pt, packet.payload], [cleo.offered[0].pt.opus, frames[i]]));
    leave(ana, ben, cleo);
});

test('a room that does not say so neither asks for it nor offers it', async () => {
    const ana = await publish([{ kind: 'audio', mid: '0', direction: 'sendonly', formats: '111 63', lines: [...opus(), ...red, 'a=ssrc:77 cname:ana'] }]);
    const ben = await watch(ana, only('opus'));
    assert.equal(ana.lines[0].formats, '111');
    assert.equal(ben.offered[0].pt.red, undefined);
    leave(ana, ben);
});

test('who seals voices in the browser is not asked for redundant ones: nobody could take them apart', async () => {
    const host = await rooms.signIn(gateway, 'hana@example.org', 'Hana');
    const asked = async (e2ee) => {
        const room = await rooms.want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Voices', e2ee, modules: ['videoroom'] } });
        const page = await rooms.enter(gateway, await rooms.join(gateway, { room: room.id }, { token: host.token }), 'videoroom'), peer = await peers.open();
        assert.equal((await page.ask('videoroom', 'join', { ptype: 'publisher' })).videoroom, 'joined');
        await page.raw({ janus: 'message', handle_id: page.handles.videoroom, body: { request: 'publish' },
            jsep: peer.describe('offer', 'actpass', [{ kind: 'audio', mid: '0', direction: 'sendonly', formats: '111 63', lines: [...opus(), ...red, 'a=ssrc:77 cname:hana'] }]) });
        const { jsep } = await page.client.event((one) => one.jsep);
        peer.close();
        page.close();
        return readLines(jsep.sdp)[0].formats;
    };
    assert.deepEqual([await asked('off'), await asked('media'), await asked('all')], ['63 111', '111', '111']);
});

test('silence is a gap in time, marked at its end, and nobody counts it as loss', async () => {
    const ana = await publish([{ kind: 'audio', mid: '0', direction: 'sendonly', formats: '111', lines: [...opus('usedtx=1;useinbandfec=1'), 'a=ssrc:77 cname:ana'] }], { opus_dtx: true });
    const ben = await watch(ana, only('opus'));
    assert.match(ana.lines[0].text, /usedtx=1/);
    const at = [0, 960, 20160, 39360, 44160, 45120];
    const first = await begin(ana, [ben], { pt: 111, ssrc: 77 });
    ana.peer.sendPackets(...at.map((timestamp, i) => ({ pt: 111, ssrc: 77, seq: first + i, timestamp: 960 * first + timestamp, marker: i === 0 || i === 4, payload: 'frame' })));
    const packets = await heard(ben, at.length);
    assert.deepEqual(numbers(packets), counted(at.length));
    assert.deepEqual(times(packets), at);
    assert.deepEqual(packets.map(({ marker }) => marker), [true, false, false, false, true, false]);
    for (const { who, handle } of [ana, ben]) {
        const [{ lost }] = (await who.message(handle, { request: 'stats' })).plugindata.data.streams;
        assert.equal(lost, 0);
    }
    leave(ana, ben);
});

test('extensions go as each has negotiated them, under ids of its own', async () => {
    const ids = { 'abs-send-time': 1, toffset: 2, 'video-orientation': 3, mid: 4, 'playout-delay': 5, 'abs-capture-time': 6, 'rtp-stream-id': 7, 'ssrc-audio-level': 8, 'transport-wide-cc-extensions-01': 9 };
    const video = { kind: 'video', mid: 'v', direction: 'sendonly', formats: '96', lines: ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 transport-cc', 'a=rtcp-fb:96 nack pli', ...extmaps({ ...ids, 'ssrc-audio-level': 10 }).slice(0, -2), `a=extmap:9 ${uris['transport-wide-cc-extensions-01']}`, 'a=ssrc:88 cname:ana'] };
    const audio = { kind: 'audio', mid: 'a', direction: 'sendonly', formats: '111', lines: [...opus(), ...extmaps({ mid: 4, 'abs-send-time': 1, 'ssrc-audio-level': 8, 'abs-capture-time': 6 }), 'a=ssrc:77 cname:ana'] };
    const ana = await publish([audio, video]);
    assert.equal(ana.lines[1].exts.toffset, undefined);
    const taking = (...codecs) => (...names) => (line) => {
        const some = (line.kind === 'audio' ? only('opus') : only(...codecs))(line);
        return { ...some, lines: [...some.lines, ...extmaps(Object.fromEntries(names.filter((name) => line.exts[name]).map((name) => [name, line.exts[name]])))] };
    };
    const take = taking('VP8', 'rtx'), eva = await watch(ana, taking('VP8')('abs-send-time'));
    const ben = await watch(ana, take('abs-send-time', 'video-orientation', 'mid', 'playout-delay', 'abs-capture-time', 'ssrc-audio-level'));
    const cleo = await watch(ana, take('video-orientation')), dan = await watch(ana, take());
    const capture = Buffer.from('0102030405060708', 'hex');
    const first = await begin(ana, [ben, cleo, dan, eva], { pt: 111, ssrc: 77 }, { pt: 96, ssrc: 88, payload: vp8Key });
    ana.peer.sendPackets(
        { pt: 111, ssrc: 77, seq: first, timestamp: 960 * first, exts: { 1: 'abc', 4: 'a', 6: Buffer.concat([capture, capture]), 8: [0x85] }, payload: 'voice', csrcs: [5, 6] },
        { pt: 96, ssrc: 88, seq: first, timestamp: 960 * first, marker: true, exts: { 1: 'abc', 2: 'xyz', 3: [3], 4: 'v', 5: [1, 2, 3], 6: capture, 7: 'r', 9: [0, 1] }, payload: vp8Key });
    const read = async ({ peer, offered }) => {
        const packets = await heard({ peer }, 2);
        return ['audio', 'video'].map((kind) => {
            const line = offered.find((one) => one.kind === kind), names = Object.fromEntries(Object.entries(line.exts).map(([name, id]) => [id, name]));
            const packet = packets.find(({ pt }) => pt === Object.values(line.pt)[0]);
            return { mid: line.mid, csrcs: packet.csrcs, exts: Object.fromEntries(Object.entries(packet.exts).map(([id, value]) => [names[id], value.toString('hex')])) };
        });
    };
    const [voice, picture] = await read(ben);
    const hex = (text) => Buffer.from(text).toString('hex');
    assert.match(voice.exts['abs-send-time'], /^.{6}$/);
    assert.notEqual(voice.exts['abs-send-time'], hex('abc')); /* when we sent it */
    assert.deepEqual(voice.exts, { 'abs-send-time': voice.exts['abs-send-time'], mid: hex(voice.mid), 'ssrc-audio-level': '85', 'abs-capture-time': capture.toString('hex') });
    assert.deepEqual(picture.exts, { 'abs-send-time': picture.exts['abs-send-time'], mid: hex(picture.mid), 'video-orientation': '03', 'playout-delay': '010203', 'abs-capture-time': capture.toString('hex') });
    const [, some] = await read(cleo), [quiet, none] = await read(dan);
    assert.deepEqual([some.exts, none.exts, quiet.exts], [{ 'video-orientation': '03' }, {}, {}]);
    assert.deepEqual([voice.csrcs, quiet.csrcs, picture.csrcs], [[5, 6], [5, 6], []]); /* a mixer at the publisher names whom one hears */
    const [timed, repeated] = await read(eva); /* repeats without RTX would have to say the same time again */
    assert.deepEqual([Object.keys(timed.exts), repeated.exts], [['abs-send-time'], {}]);
    leave(ana, ben, cleo, dan, eva);
});

test('players hear the delays that are asked for, where they negotiated to', async () => {
    const video = { kind: 'video', mid: 'v', direction: 'sendonly', formats: '96', lines: ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack pli', ...extmaps({ 'playout-delay': 5 }), 'a=ssrc:88 cname:ana'] };
    const ana = await publish([video]);
    const take = (line) => { const some = only('VP8', 'rtx')(line); return { ...some, lines: [...some.lines, `a=extmap:${line.exts['playout-delay']} ${uris['playout-delay']}`] }; };
    const [ben, cleo, dan] = [await watch(ana, take), await watch(ana, only('VP8', 'rtx')), await watch(ana, take)];
    let seq = await begin(ana, [ben, cleo, dan], { pt: 96, ssrc: 88, payload: vp8Key });
    /* A packet now, and the delay that each is told with it: least and most in steps of 10 ms. */
    const told = async (exts, ...who) => {
        ana.peer.sendPackets({ pt: 96, ssrc: 88, seq: seq++, timestamp: 960 * seq, exts, payload: vp8Key });
        return Promise.all(who.map(async (one) => {
            const [packet] = await heard(one, 1), ext = packet.exts[one.offered[0].exts['playout-delay']];
            return ext && [ext.readUIntBE(0, 3) >> 12, ext.readUIntBE(0, 3) & 0xfff];
        }));
    };
    const ask = async ({ who, handle, offered }, body) => (await who.message(handle, { request: 'configure', ...(body.all ?? { streams: [{ mid: offered ? offered[0].mid : 'v', ...body }] }) })).plugindata.data;
    const done = async (...args) => assert.equal((await ask(...args)).configured, 'ok');
    const of_ana = { 5: [1, 2, 3] };

    assert.deepEqual(await told({}, ben, cleo, dan), [undefined, undefined, undefined]);
    await done(ben, { min_delay: 10, max_delay: 20 });
    assert.deepEqual(await told({}, ben, cleo, dan), [[10, 20], undefined, undefined]);
    assert.deepEqual(await told(of_ana, ben, dan), [[10, 20], [0x010, 0x203]]); /* before what the sender writes */
    await heard(cleo, 1);
    await done(ana, { min_delay: 5 }); /* the publisher's holds for who has none */
    assert.deepEqual(await told({}, ben, cleo, dan), [[10, 20], undefined, [5, 1000]]);
    await done(ben, { max_delay: 4 });
    assert.deepEqual(await told({}, ben, cleo, dan), [[4, 4], undefined, [5, 1000]]);
    await done(ben, { min_delay: -1 });
    await done(dan, { all: { max_delay: 0 } });
    assert.deepEqual(await told(of_ana, ben, cleo, dan), [[5, 1000], undefined, [0, 0]]);
    const eva = await watch(ana, take, { min_delay: 4095, max_delay: 4095 });
    await begin(ana, [eva], { pt: 96, ssrc: 88, seq: 0, payload: vp8Key }).then((n) => { seq = Math.max(seq, n); });
    seq += 100;
    assert.deepEqual((await told({}, eva))[0], [4095, 4095]);
    await Promise.all([ben, cleo, dan].map((one) => heard(one, 1)));
    await done(ana, { max_delay: -1 });
    assert.deepEqual(await told({}, ben, dan, eva), [[0, 1000], [0, 0], [4095, 4095]]); /* a player keeps what it was told: none is said for a while */

    for (const [wish, text] of [[{ min_delay: 4096 }, /4095/], [{ max_delay: -2 }, /-1/], [{ min_delay: 3, max_delay: 2 }, /above max_delay/]])
        for (const one of [ana, ben]) {
            const { error_code, error } = await ask(one, wish);
            assert.equal(error_code, 430);
            assert.match(error, text);
        }
    leave(ana, ben, cleo, dan, eva);
});

test('an echo is told the delay that its client asks for', async () => {
    const { enter } = await import('../lib/peers.mjs');
    const who = await enter(gateway), handle = await who.attach('echotest'), peer = await peers.open();
    const video = { kind: 'video', mid: 'v', direction: 'sendrecv', formats: '96', lines: ['a=rtpmap:96 VP8/90000', ...extmaps({ 'playout-delay': 5 }), 'a=ssrc:88 cname:ana'] };
    const { jsep } = await who.message(handle, { video: true, min_delay: 7, max_delay: 9 }, peer.describe('offer', 'actpass', [video]));
    await peer.remote(jsep, true);
    peer.hear();
    const seq = await begin({ peer }, [{ peer }], { pt: 96, ssrc: 88, payload: vp8Key });
    peer.sendPackets({ pt: 96, ssrc: 88, seq, timestamp: 960 * seq, payload: vp8Key });
    const [packet] = await heard({ peer }, 1);
    assert.equal(packet.exts[5].toString('hex'), '007009');
    const { plugindata: { data } } = await who.message(handle, { min_delay: 2, max_delay: 1 });
    assert.match(data.error, /above max_delay/);
    peer.close();
    who.leave();
});
