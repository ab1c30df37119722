/* SPDX-License-Identifier: MIT */
/* What a thin line carries of one who speaks, shows a screen and has a camera: all of the voice, then the screen; in Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPage } from '../lib/audience.mjs';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { makeFilm } from '../lib/film.mjs';
import { slow } from '../lib/gateway.mjs';
import { inside } from '../lib/namespace.mjs';
import { holds, lay, origin } from '../lib/narrow.mjs';

const place = await inside(fileURLToPath(import.meta.url));
const camera = { width: 960, height: 540, frameRate: 10 };

/* -- in the page ------------------------------------------------------------------------------------ */

/* A voice, a screen of 70 kbit/s that is never still, and a camera. → the feed's id */
async function present(wanted) {
    const handle = await window.hall.attach();
    const { data } = await handle.message({ request: 'join', ptype: 'publisher', room: 1234 });
    const pc = handle.open();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: wanted });
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 }), pen = canvas.getContext('2d');
    setInterval(() => {
        pen.fillStyle = `hsl(${performance.now() / 20 % 360} 50% 50%)`;
        pen.fillRect(320 * Math.random(), 180 * Math.random(), 80, 60);
    }, 100);
    pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly' });
    pc.addTransceiver(canvas.captureStream(5).getVideoTracks()[0], { direction: 'sendonly', sendEncodings: [{ maxBitrate: 70000 }] });
    pc.addTransceiver(stream.getVideoTracks()[0], { direction: 'sendonly',
        sendEncodings: [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }] });
    const up = new Promise((resolve) => {
        handle.oncore = ({ janus }) => janus === 'webrtcup' && resolve();
    });
    await handle.offer({ request: 'publish', descriptions: [{ mid: '1', description: 'screen' }] });
    await up;
    window.pc = pc;
    return data.id;
}

/* See and hear all of it; look() says how much came of each. */
async function attend(feed) {
    const handle = await window.hall.attach();
    window.told = [];
    handle.onevent = (data) => data.mid !== undefined && window.told.push(data);
    const { jsep } = await handle.message({ request: 'join', ptype: 'subscriber', room: 1234, streams: [{ feed }] });
    handle.open().ontrack = ({ track }) => document.body.append(
        Object.assign(document.createElement(track.kind), { srcObject: new MediaStream([track]), autoplay: true }));
    await handle.answer(jsep, { request: 'start' });
    window.look = async () => Object.fromEntries((await window.hall.stats(handle.pc, ({ type }) => type === 'inbound-rtp')).map((one) =>
        [one.mid, { lost: one.packetsLost, packets: one.packetsReceived, frames: one.framesDecoded, width: one.frameWidth,
            concealed: one.concealedSamples, samples: one.totalSamplesReceived }]));
}

/* A page's own PeerConnections go by a link, as those of lib/audience.mjs. */
function byLink({ address, port }) {
    const describe = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (jsep) {
        const lines = jsep.sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate'));
        const candidate = `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`;
        return describe.call(this, { type: jsep.type, sdp: lines.flatMap((line) => (/^a=mid:/.test(line) ? [line, candidate] : [line])).join('\r\n') });
    };
    RTCPeerConnection.prototype.addIceCandidate = async () => {};
}

/* -- outside ----------------------------------------------------------------------------------------- */

const VOICE = '0', SCREEN = '1', CAMERA = '2';

function tests() {
    let film, cables, browser;
    const opened = [];
    before(async () => {
        film = makeFilm({ width: camera.width, height: camera.height, fps: 20, texture: 8, grain: 8 });
        cables = await lay();
        browser = await launch(...fakeMedia, ...film.args, `--unsafely-treat-insecure-origin-as-secure=${origin}`);
    });
    after(async () => {
        await browser?.close();
        film?.drop();
        assert.equal((await cables.stop()).code, 0);
    });

    async function leave() {
        await Promise.all(opened.splice(0).map((page) => page.leave()));
        cables.thin.down.set(0);
        cables.another.down.set(0);
    }

    const told = (page, wanted) => until(page, (narrow) =>
        window.told.findLast(({ too_narrow }) => too_narrow !== undefined)?.too_narrow === narrow, wanted, 20000 * slow);

    holds(leave, 'at 150 kbit/s the voice is whole, the screen goes on, and the camera waits, which is told', async (t) => {
        const { gateway, wide, thin } = cables;
        for (const link of [wide, thin])
            opened.push(await openPage(browser, gateway, { link }));
        const [ana, ben] = opened;
        await ben.evaluate(attend, await ana.evaluate(present, camera));
        await until(ben, async (mid) => (await window.look())[mid]?.width === 960, CAMERA, 60000 * slow);
        await sleep(2000);

        const start = await ben.evaluate(() => window.look()), cut = performance.now();
        thin.down.set(150000);
        await told(ben, true);
        const after_ms = Math.round(performance.now() - cut);
        await sleep(3000); /* until the queue is empty */
        const since = await ben.evaluate(() => window.look()), waits = await thin.down.waits(8), now = await ben.evaluate(() => window.look());
        const share = (from, to) => (to[VOICE].concealed - from[VOICE].concealed) / (to[VOICE].samples - from[VOICE].samples);
        const frames = (mid) => now[mid].frames - since[mid].frames;
        const percent = (one) => `${(100 * one).toFixed(1)} %`;

        thin.down.set(0);
        const lifted = performance.now();
        await told(ben, false);
        await until(ben, async (before) => (await window.look())['2'].frames > before, now[CAMERA].frames + 10, 20000 * slow);
        t.diagnostic(`the camera waits after ${after_ms} ms, is back ${Math.round(performance.now() - lifted)} ms after the line; of the voice ` +
            `${percent(share(since, now))} was made up, while the line filled up ${percent(share(start, since))}; screen ${frames(SCREEN)} pictures in 8 s, ` +
            `camera ${frames(CAMERA)}; queued for ${waits} ms; told ${JSON.stringify((await ben.evaluate(() => window.told)).map(({ mid, too_narrow, substream }) => [mid, too_narrow, substream]))}`);
        assert.ok(share(since, now) < 0.03, `${percent(share(since, now))} of the voice was made up`);
        assert.ok(frames(SCREEN) >= 20, `${frames(SCREEN)} pictures of the screen`);
        assert.ok(frames(CAMERA) <= 24, `${frames(CAMERA)} pictures of the camera`); /* of 80: every fourth at most, and not for long */
    });

    holds(leave, 'the page says on the tile that a picture waits, and takes it back', async () => {
        const { gateway, wide, another } = cables;
        await leave();
        const ana = await openPage(browser, gateway, { link: wide }), page = await (await browser.newContext()).newPage();
        opened.push(ana, Object.assign(page, { leave: () => page.context().close() }));
        await ana.evaluate(present, camera);
        await page.addInitScript(byLink, another);
        await page.goto(`${origin}/videoroom.html`);
        await page.fill('#name', 'Ben');
        await page.click('#listen');
        const said = page.locator('.tile:not(.me) .waits', { hasText: 'Your connection is too slow' });
        await until(page, () => [...document.querySelectorAll('.tile:not(.me) video')].some(({ videoWidth }) => videoWidth), null, 60000 * slow);
        assert.equal(await said.count(), 0);
        another.down.set(150000);
        await said.waitFor({ timeout: 30000 * slow });
        if (process.env.STOA_SHOTS)
            await page.screenshot({ path: `${process.env.STOA_SHOTS}/too-narrow.png` });
        another.down.set(0);
        await said.waitFor({ state: 'detached', timeout: 30000 * slow });
    });
}

if (place.inside)
    tests();
else if (place.why)
    test('thin lines', { skip: `no network namespace: ${place.why}` }, () => {});
