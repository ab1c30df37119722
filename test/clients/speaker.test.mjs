/* SPDX-License-Identifier: MIT */
/* Who has the floor, and a subscriber that sees who spoke last: janus.js in Chromium, with voices that a test can switch on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fakeMedia } from '../lib/browser.mjs';
import { startTabs } from './tabs.mjs';

let tabs;

before(async () => { tabs = await startTabs(...fakeMedia); });
after(async () => assert.equal(await tabs.stop(), 0));

/* eslint-disable no-undef -- below are words of janus-page.js */
async function play(url) {
    const janus = await connect(url), room = Math.floor(Math.random() * 1e9) + 1;
    const context = new AudioContext();
    const voice = () => {
        const [tone, gain, out] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
        gain.gain.value = 0;
        tone.connect(gain).connect(out);
        tone.start();
        return { track: out.stream.getAudioTracks()[0], speak: (on) => { gain.gain.value = on ? 0.5 : 0; } };
    };
    const [ana, ben, cem] = [await attach(janus, 'videoroom'), await attach(janus, 'videoroom'), await attach(janus, 'videoroom')];
    await new Promise((success) => ana.handle.send({ message: { request: 'create', room, publishers: 6, speaker_event: true }, success }));
    for (const one of [ana, ben]) {
        one.voice = voice();
        one.id = (await ask(one, { request: 'join', ptype: 'publisher', room }, 'id')).id;
        await offer(one, { request: 'configure' }, [{ type: 'audio', capture: one.voice.track }, { type: 'video', capture: { width: 320, height: 180 } }]);
        await until('up', () => one.life.includes('up'));
    }
    const { streams } = await ask(cem, { request: 'join', ptype: 'subscriber', room, last_n: 1 }, 'streams');
    const { mid } = streams[0];
    await goesOn(cem, mid);
    const turns = [];
    for (const [who, other] of [[ben, ana], [ana, ben], [ben, ana]]) {
        const [n, m] = [who.msgs.length, cem.msgs.length], from = performance.now();
        who.voice.speak(true);
        other.voice.speak(false);
        const floor = await until('the floor', () => who.msgs.slice(n).find(({ videoroom }) => videoroom === 'dominant-speaker'));
        const ms = performance.now() - from;
        const shown = await until('the other picture', () => cem.msgs.slice(m).find(({ last_n }) => last_n));
        await goesOn(cem, mid);
        turns.push({ ms, right: floor.id === who.id && shown.last_n[0].feed_id === who.id && shown.last_n[0].mid === mid });
    }
    ben.voice.speak(false);
    const n = ana.msgs.length;
    ana.voice.speak(true); /* a cough */
    await new Promise((resolve) => setTimeout(resolve, 250));
    ana.voice.speak(false);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const coughs = ana.msgs.slice(n).filter(({ videoroom }) => videoroom === 'dominant-speaker').length;
    await new Promise((success) => janus.destroy({ success }));
    return { streams, turns, coughs, offers: cem.offers, life: [...ana.life, ...ben.life, ...cem.life] };
}
/* eslint-enable no-undef */

test('the floor changes with the voice, and the picture with it, without a new offer', async () => {
    const { streams, turns, coughs, offers, life } = await tabs.inTab(tabs.urls.WebSocket, play);
    assert.deepEqual(streams.map(({ type, last_n }) => [type, last_n]), [['video', true]]);
    console.log(`the floor after ${turns.map(({ ms }) => Math.round(ms)).join(', ')} ms`);
    for (const { right, ms } of turns)
        assert.ok(right && ms < 5000, JSON.stringify(turns));
    assert.equal(coughs, 0);
    assert.equal(offers, 1);
    assert.deepEqual(life.filter((word) => word.startsWith('error')), []);
});
