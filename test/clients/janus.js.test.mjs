/* SPDX-License-Identifier: MIT */
/* janus.js as it comes from npm, in Chromium with a fake camera, over WebSocket and over HTTP. The words are janus-page.js. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fakeMedia } from '../lib/browser.mjs';
import { startTabs } from './tabs.mjs';

let tabs, urls, inTab;

before(async () => {
    tabs = await startTabs(...fakeMedia);
    ({ urls, inTab } = tabs);
});
after(async () => assert.equal(await tabs.stop(), 0));

/* eslint-disable no-undef -- below are words of janus-page.js */
async function echo(url) {
    const janus = await connect(url);
    const one = await attach(janus, 'echotest');
    await offer(one, { audio: true, video: true }, [...media(true), { type: 'data' }]);
    await goesOn(one, 'video');
    await isHeard(one);
    await until('the data channel', () => one.life.includes('data'));
    one.handle.data({ text: 'hello stoa' });
    await until('the text', () => one.texts.length);
    one.handle.send({ message: { audio: false, video: false } });
    await stands(one, 'video');
    one.handle.send({ message: { audio: true, video: true } });
    await goesOn(one, 'video');
    one.handle.muteVideo();
    const muted = one.handle.isVideoMuted();
    one.handle.unmuteVideo();
    one.handle.hangup();
    await until('done', () => one.msgs.some(({ result }) => result === 'done'));
    await until('cleanup', () => one.life.includes('cleanup'));
    await new Promise((success) => one.handle.detach({ success }));
    await new Promise((success) => janus.destroy({ success }));
    return { texts: one.texts, life: one.life, muted, gone: janus.gone };
}

/* Two publishers and a subscriber: whatever janus.js lets people do. */
async function room(url) {
    const janus = await connect(url), own = await connect(url);
    const number = Math.floor(Math.random() * 1e9) + 1;
    const [ana, ben, cem] = [await attach(own, 'videoroom'), await attach(janus, 'videoroom'), await attach(janus, 'videoroom')];
    const created = await new Promise((success) => ben.handle.send({ message: { request: 'create', room: number, publishers: 6 }, success }));
    const join = { request: 'join', ptype: 'publisher', room: number };
    const { id } = await ask(ana, { ...join, display: 'Ana' }, 'id');
    const { id: benId } = await ask(ben, { ...join, display: 'Ben' }, 'id');
    await offer(ana, { request: 'configure' }, media(false));
    const announced = (await told(ben, 'publishers', 1)).publishers[0];
    const subscribed = await ask(cem, { request: 'join', ptype: 'subscriber', room: number, streams: [{ feed: id }] }, 'streams');
    const video = subscribed.streams.find(({ type }) => type === 'video');
    await goesOn(cem, video.mid);
    await isHeard(cem);

    await offer(ben, { request: 'publish' }, media(false));
    await told(ana, 'publishers', 1);
    const benVideo = (await told(ben, 'configured')).streams.find(({ type }) => type === 'video');
    const streams = [{ feed: benId, mid: benVideo.mid, sub_mid: video.mid }];
    const switched = await ask(cem, { request: 'switch', streams }, 'switched');
    await goesOn(cem, video.mid);

    await ask(cem, { request: 'configure', streams: [{ mid: video.mid, send: false }] }, 'configured');
    await stands(cem, video.mid);
    await ask(cem, { request: 'configure', streams: [{ mid: video.mid, send: true }] }, 'configured');
    await goesOn(cem, video.mid);
    await ask(cem, { request: 'pause' }, 'paused');
    await stands(cem, video.mid);
    await ask(cem, { request: 'start' }, 'started');
    await goesOn(cem, video.mid);
    await ask(ben, { request: 'configure', video: false }, 'configured');
    await stands(cem, video.mid);
    await ask(ben, { request: 'configure', video: true }, 'configured');
    await goesOn(cem, video.mid);

    const ufrag = (one) => one.handle.webrtcStuff.pc.remoteDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1];
    const [ufragOfCem, ufragOfBen] = [ufrag(cem), ufrag(ben)];
    await ask(cem, { request: 'configure', restart: true }, 'configured');
    await until('the offer of the restart', () => ufrag(cem) !== ufragOfCem);
    await goesOn(cem, video.mid);
    await offer(ben, { request: 'configure' }, [], { iceRestart: true });
    await until('the answer to the restart', () => ufrag(ben) !== ufragOfBen);
    await goesOn(cem, video.mid);

    const heard = ben.msgs.length;
    await offer(ana, { request: 'configure' }, [{ type: 'video', capture: { width: 320, height: 180 }, add: true, recv: false }]);
    const more = (await told(ben, 'publishers', heard)).publishers[0];
    const updated = await ask(cem, { request: 'subscribe', streams: [{ feed: id, mid: more.streams.at(-1).mid }] }, 'streams');
    const second = updated.streams.find(({ feed_mid: mid, feed_id: feed }) => feed === id && mid === more.streams.at(-1).mid);
    await goesOn(cem, second.mid);
    await goesOn(cem, video.mid);

    const before = [ben.msgs.length, cem.msgs.length];
    await ask(ana, { request: 'unpublish' }, 'unpublished');
    await until('cleanup', () => ana.life.includes('cleanup'));
    const { unpublished } = await told(ben, 'unpublished', before[0]);
    const freed = (await told(cem, 'streams', before[1])).streams;
    await until('Cem answers', () => cem.handle.webrtcStuff.pc.signalingState === 'stable');
    await goesOn(cem, video.mid);
    await offer(ana, { request: 'publish' }, media(false));
    const again = (await told(ben, 'publishers', before[0])).publishers[0];
    const back = await ask(cem, { request: 'subscribe', streams: [{ feed: id }] }, 'streams');
    await goesOn(cem, back.streams.find(({ type, feed_id: feed }) => type === 'video' && feed === id).mid);

    await new Promise((success) => own.destroy({ success }));
    const { leaving } = await told(ben, 'leaving');
    const destroyed = await new Promise((success) => ben.handle.send({ message: { request: 'destroy', room: number }, success }));
    await until('both end', () => [ben, cem].every(({ life }) => life.includes('cleanup')));
    await new Promise((success) => janus.destroy({ success }));
    return { number, id, created, announced, subscribed, switched, more, unpublished, freed, again, leaving, destroyed,
        life: { ana: ana.life, ben: ben.life, cem: cem.life }, gone: janus.gone };
}

async function simulcast(url) {
    const janus = await connect(url);
    const [ana, ben] = [await attach(janus, 'videoroom'), await attach(janus, 'videoroom')];
    const { id } = await ask(ana, { request: 'join', ptype: 'publisher', room: 1234 }, 'id');
    await offer(ana, { request: 'configure' }, media(false, { capture: { width: 960, height: 540 }, simulcast: true }));
    const { streams } = await told(ana, 'configured');
    await until('Ana is up', () => ana.life.includes('up'));
    const { streams: slots } = await ask(ben, { request: 'join', ptype: 'subscriber', room: 1234, streams: [{ feed: id }] }, 'streams');
    const { mid } = slots.find(({ type }) => type === 'video');
    await goesOn(ben, mid);
    await ask(ben, { request: 'configure', streams: [{ mid, substream: 1 }] }, 'configured');
    const layer = await until('the middle layer', () => ben.msgs.find(({ substream }) => substream === 1));
    await until('the width of the middle layer', async () => {
        const width = (await inbound(ben, mid)).frameWidth;
        return width && width === await sentWidth(ana, 'm') && width > await sentWidth(ana, 'l');
    });
    await new Promise((success) => janus.destroy({ success }));
    return { streams, slots, mid, layer };
}
/* eslint-enable no-undef */

for (const transport of ['WebSocket', 'HTTP long poll']) {
    test(`echotest over ${transport}: seen, heard, texts, mute, and every end is told`, async () => {
        const { texts, life, muted, gone } = await inTab(urls[transport], echo);
        assert.match(texts[0], /hello stoa/);
        assert.equal(life.filter((word) => word === 'up').length, 1);
        assert.ok(life.includes('video on') && life.includes('audio on'), life.join());
        assert.ok(life.some((word) => /^down (Janus API|DTLS alert)$/.test(word)) && life.includes('cleanup'), life.join());
        assert.deepEqual([muted, gone], [true, true]);
        assert.deepEqual(life.filter((word) => word.startsWith('error')), []);
    });

    test(`videoroom over ${transport}: all that publishers and subscribers do`, async () => {
        const seen = await inTab(urls[transport], room);
        assert.deepEqual(seen.created, { videoroom: 'created', room: seen.number, permanent: false });
        assert.deepEqual([seen.announced.id, seen.announced.display], [seen.id, 'Ana']);
        assert.deepEqual([seen.announced.audio_codec, seen.announced.video_codec], ['opus', 'vp8']);
        assert.deepEqual(seen.announced.streams.map(({ type, mindex, mid }) => [type, mindex, mid]), [['audio', 0, '0'], ['video', 1, '1']]);
        assert.equal(seen.subscribed.videoroom, 'attached');
        for (const slot of seen.subscribed.streams)
            assert.deepEqual([slot.active, slot.send, slot.feed_id, slot.feed_display], [true, true, seen.id, 'Ana']);
        assert.deepEqual([seen.switched.changes, seen.switched.room], [1, seen.number]);
        assert.deepEqual(seen.more.streams.map(({ type }) => type), ['audio', 'video', 'video']);
        assert.equal(seen.unpublished, seen.id);
        const free = seen.freed.filter(({ active }) => !active);
        assert.equal(free.length, 2); /* Ana's sound and second picture; the first shows Ben */
        for (const slot of free)
            assert.deepEqual(Object.keys(slot).sort(), ['active', 'mid', 'mindex', 'ready', 'send', 'type']);
        assert.deepEqual(seen.again.streams.map(({ type }) => type), ['audio', 'video']);
        assert.equal(seen.leaving, seen.id);
        assert.deepEqual(seen.destroyed, { videoroom: 'destroyed', room: seen.number, permanent: false });
        for (const life of Object.values(seen.life))
            assert.deepEqual(life.filter((word) => word.startsWith('error')), []);
        assert.equal(seen.life.cem.filter((word) => word === 'up').length, 1, 'no second webrtcup on renegotiation or restart');
        assert.ok(seen.gone);
    });
}

test('a simulcast offer is answered, and the middle layer flows when asked for', async () => {
    const { streams, slots, mid, layer } = await inTab(urls.WebSocket, simulcast);
    assert.equal(streams.find(({ type }) => type === 'video').simulcast, true);
    assert.ok(slots.find((slot) => slot.mid === mid).simulcast);
    assert.deepEqual([layer.mid, layer.substream], [mid, 1]);
});
