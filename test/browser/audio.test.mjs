/* SPDX-License-Identifier: MIT */
/* What the voices of Chromium look like on their way: redundant audio between two pages, a room that does without, FEC and DTX. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPage } from '../lib/audience.mjs';
import { fakeMedia, launch, probe, seenAndHeard, until } from '../lib/browser.mjs';
import { start } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';

let gateway, browser;
const links = [];

before(async () => {
    gateway = await start('stoa:media.workers=1', 'videoroom:room-1234.opus_red=true', 'videoroom:room-5678.opus_red=false');
    browser = await launch(...fakeMedia);
});
after(async () => { await Promise.all(links.map((link) => link.close())); await browser?.close(); assert.equal((await gateway.stop()).code, 0); });

async function join(name, room) {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(60000);
    await page.addInitScript(probe);
    await page.goto(`${gateway.http.replace('127.0.0.1', 'localhost')}/videoroom.html?room=${room}`);
    await page.fill('#name', name);
    await page.click('#join');
    return page;
}

/* Two talk for 100 packets: how many bytes one of them holds, and what both sides of both connections said of audio. */
async function talk(room) {
    const [ana, ben] = [await join('Ana', room), await join('Ben', room)];
    await Promise.all([ana, ben].map((page) => seenAndHeard(page, 1)));
    const heard = await until(ben, async () => {
        for (const pc of window.pcs) {
            for (const one of (await pc.getStats()).values()) {
                if (one.type === 'inbound-rtp' && one.kind === 'audio' && one.packetsReceived >= 100)
                    return one.bytesReceived / one.packetsReceived;
            }
        }
        return null;
    });
    const said = await ben.evaluate(() => window.pcs.map(({ localDescription, remoteDescription }) =>
        [localDescription, remoteDescription].map(({ sdp }) => sdp.match(/^m=audio[^]*?(?=^m=|(?![^]))/m)[0])));
    await Promise.all([ana, ben].map((page) => page.context().close()));
    return { heard, said };
}

const carriesRed = (text) => {
    const [, pt] = text.match(/^a=rtpmap:(\d+) red\/48000\/2/m) ?? [];
    return pt !== undefined && new RegExp(`^a=fmtp:${pt} (\\d+)/\\1`, 'm').test(text);
};

test('each frame of a voice comes twice where a room asks for it, and once where it does not', async () => {
    const [twice, once] = await Promise.all([talk(1234), talk(5678)]);
    console.log(`${twice.heard.toFixed(0)} bytes a packet, ${once.heard.toFixed(0)} without redundancy`);
    assert.ok(twice.said.flat().every(carriesRed), JSON.stringify(twice.said));
    assert.deepEqual(once.said.map(([local, remote]) => [local, remote].every(carriesRed)), [false, false]);
    assert.ok(twice.heard > 1.5 * once.heard, `${twice.heard} and ${once.heard} bytes`);
});

/* -- losses --------------------------------------------------------------------------------------- */

/* Publish a voice, or silence. */
async function speak(page, room, silent = false) {
    return page.evaluate(async ([number, mute]) => {
        const quiet = () => {
            const context = new AudioContext(), source = context.createOscillator(), gain = context.createGain(), end = context.createMediaStreamDestination();
            gain.gain.value = 0;
            source.connect(gain).connect(end);
            source.start();
            return end.stream;
        };
        const handle = await window.hall.attach(), stream = mute ? quiet() : await navigator.mediaDevices.getUserMedia({ audio: true });
        const { data } = await handle.message({ request: 'join', ptype: 'publisher', room: number });
        handle.open().addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
        const up = new Promise((resolve) => {
            handle.oncore = ({ janus }) => janus === 'webrtcup' && resolve();
        });
        await handle.offer({ request: 'publish' });
        await up;
        return data.id;
    }, [room, silent]);
}

/* Listen to somebody, who is not heard at first. */
async function listen(page, room, feed) {
    await page.evaluate(async ({ room: number, feed: id }) => {
        const handle = await window.hall.attach();
        const { jsep } = await handle.message({ request: 'join', ptype: 'subscriber', room: number, streams: [{ feed: id }] });
        handle.open().ontrack = ({ streams, track }) => {
            const audio = Object.assign(new Audio(), { srcObject: streams[0] ?? new MediaStream([track]), autoplay: true });
            document.body.append(audio);
        };
        await handle.answer(jsep, { request: 'start' });
        window.heard = async () => (await window.hall.stats(handle.pc, ({ type, kind }) => type === 'inbound-rtp' && kind === 'audio'))
            .map(({ packetsReceived: packets, packetsLost: lost, concealedSamples: concealed, totalSamplesReceived: samples, fecPacketsReceived: repaired }) =>
                ({ packets, lost, concealed, samples, repaired }))[0];
    }, { room, feed });
}

/* The share of packets lost on a bad line, and of sound that had to be made up. */
async function conceal(room) {
    const link = await openLink(gateway);
    links.push(link);
    const ana = await openPage(browser, gateway), ben = await openPage(browser, gateway, { link });
    await listen(ben, room, await speak(ana, room));
    const before = await until(ben, async () => (await window.heard())?.packets > 50 && window.heard());
    link.down({ loss: 0.15 });
    await sleep(10000);
    const now = await ben.evaluate(() => window.heard());
    await Promise.all([ana, ben].map((page) => page.leave()));
    const lost = now.lost - before.lost;
    return { lost: lost / (lost + now.packets - before.packets), concealed: (now.concealed - before.concealed) / (now.samples - before.samples) };
}

test('where every seventh packet is lost the voice is whole, or nearly', async () => {
    const [twice, once] = await Promise.all([conceal(1234), conceal(5678)]);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    console.log(`lost ${percent(twice.lost)}, made up ${percent(twice.concealed)}; without redundancy ${percent(once.lost)} and ${percent(once.concealed)}`);
    assert.ok(twice.lost > 0.05 && once.lost > 0.05, 'the line is bad');
    assert.ok(twice.concealed < once.concealed / 2, 'half as much has to be made up, at most');
});

/* -- what Opus itself has --------------------------------------------------------------------------- */

async function create(page, more) {
    return page.evaluate(async (wanted) => {
        const handle = await window.hall.attach();
        return (await handle.message({ request: 'create', opus_red: false, ...wanted })).data.room;
    }, more);
}

test('who is silent sends next to nothing where a room asks for that, and nobody misses it', async () => {
    const rates = await Promise.all([true, false].map(async (opus_dtx) => {
        const [ana, ben] = await Promise.all([openPage(browser, gateway), openPage(browser, gateway)]), room = await create(ana, { opus_dtx });
        await listen(ben, room, await speak(ana, room, true));
        const before = await until(ben, async () => (await window.heard())?.packets > 5 && window.heard());
        await sleep(4000);
        const now = await ben.evaluate(() => window.heard());
        await Promise.all([ana, ben].map((page) => page.leave()));
        assert.equal(now.lost, before.lost);
        return (now.packets - before.packets) / 4;
    }));
    console.log(`packets a second: ${rates.join(', and without DTX ')}`);
    assert.ok(rates[0] < rates[1] / 3, `${rates}`);
});

test('in-band FEC comes through: what a speaker\'s line loses is made of what follows', async () => {
    const link = await openLink(gateway);
    links.push(link);
    const [ana, ben] = await Promise.all([openPage(browser, gateway, { link }), openPage(browser, gateway)]), room = await create(ana, { opus_fec: true });
    await listen(ben, room, await speak(ana, room));
    const before = await until(ben, async () => (await window.heard())?.packets > 50 && window.heard());
    assert.equal(before.repaired, 0);
    link.up({ loss: 0.15 });
    const { repaired, lost, packets } = await until(ben, async () => (await window.heard()).repaired >= 3 && window.heard());
    console.log(`${repaired} repaired, ${lost} of ${packets} lost`);
    await Promise.all([ana, ben].map((page) => page.leave()));
});
