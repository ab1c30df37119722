/* SPDX-License-Identifier: MIT */
/* Poor lines of others than an up-to-date Chromium: of clients that speak by REMB alone, and of Firefox. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPage, settle } from '../lib/audience.mjs';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { makeFilm } from '../lib/film.mjs';
import * as firefox from '../lib/firefox.mjs';
import { slow } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';
import { inside } from '../lib/namespace.mjs';
import { lay, origin } from '../lib/narrow.mjs';

const place = await inside(fileURLToPath(import.meta.url));
const camera = { width: 960, height: 540, fps: 10 };
const three = [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }];

/* -- in the page ------------------------------------------------------------------------------------- */

/* A camera of Firefox that takes all bits it may have: noise. */
function noise({ width, height, fps }) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height }), pen = canvas.getContext('2d');
    const speckled = Array.from({ length: 5 }, () => {
        const image = pen.createImageData(width, height);
        image.data.forEach((_, i, bytes) => { bytes[i] = i % 4 === 3 ? 255 : 96 + 64 * Math.random(); });
        return image;
    });
    let n = 0;
    setInterval(() => pen.putImageData(speckled[n++ % 5], 0, 0), 1000 / fps);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(fps);
}

/* Pictures decoded so far, how wide, and the longest time without one since the last call. */
function watchful() {
    let last = 0, at = performance.now(), longest = 0;
    setInterval(async () => {
        const { decoded } = await window.hall.received(), now = performance.now();
        if (decoded !== last) {
            longest = Math.max(longest, now - at);
            [last, at] = [decoded, now];
        }
    }, 20);
    window.look = async () => {
        const seen = { ...await window.hall.received(), still_ms: Math.round(longest) };
        longest = 0;
        return seen;
    };
}

/* -- outside ------------------------------------------------------------------------------------------ */

const publish = (page, more = {}) => page.evaluate((what) => window.hall.publish(what), { ...camera, encodings: three, ...more });
const watch = (page, feed) => page.evaluate((streams) => window.hall.watch(streams), [{ feed }]);
const isWide = async (width) => (await window.hall.received()).width === width;
const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/* How long it takes until pictures of this width are decoded, in ms. */
async function takes(page, width, within) {
    const since = performance.now();
    await until(page, isWide, width, within * slow);
    return Math.round(performance.now() - since);
}

function tests() {
    let film, cables, chrome, fox;
    const opened = [], links = [];
    before(async () => {
        film = makeFilm({ ...camera, fps: 20, texture: 8, grain: 8 });
        cables = await lay();
        [chrome, fox] = await Promise.all([launch(...fakeMedia, ...film.args, `--unsafely-treat-insecure-origin-as-secure=${origin}`), firefox.launch('')]);
    });
    afterEach(async () => {
        await Promise.all(opened.splice(0).map((page) => (page.leave ?? page.close).call(page)));
        await Promise.all(links.splice(0).map((link) => link.close()));
        [cables.thin, cables.another].forEach(({ up, down }) => { up.set(0); down.set(0); });
    });
    after(async () => {
        await Promise.all([chrome?.close(), fox?.close()]);
        film?.drop();
        assert.equal((await cables.stop()).code, 0);
    });

    async function person(options = {}) {
        const page = await openPage(chrome, cables.gateway, { link: cables.wide, ...options });
        opened.push(page);
        return page;
    }
    async function inFirefox(link) {
        const tab = await settle(await fox.open(), cables.gateway, { link });
        opened.push(tab);
        return tab;
    }

    test('Firefox, and who speaks by REMB alone, come to 300 kbit/s and get the low encoding; it gets better with the line', async (t) => {
        const { thin, another } = cables;
        const [ana, cem] = [await person(), await person()];
        const [red, old] = [await inFirefox(thin), await person({ link: another, without: 'transport-cc|transport-wide-cc' })];
        const feed = await publish(ana);
        await Promise.all([red, old, cem].map((page) => watch(page, feed)));
        const answers = await Promise.all([red, old].map((page) => page.evaluate(() => window.hall.receiving.localDescription.sdp)));
        assert.deepEqual(answers.map((sdp) => [/transport-cc/.test(sdp), /goog-remb/.test(sdp)]), [[true, true], [false, true]]);
        await Promise.all([red, cem].map((page) => until(page, isWide, 960, 60000 * slow)));
        await until(old, async () => (await window.hall.received()).decoded > 30, null, 60000 * slow);
        await sleep(2000);

        [thin, another].forEach(({ down }) => down.set(300000));
        const low = await Promise.all([red, old].map((page) => takes(page, 240, 20000)));
        await sleep(3000);
        const waits = await Promise.all([thin, another].map(({ down }) => down.waits(4)));
        const widths = await Promise.all([red, old, cem].map((page) => page.evaluate(async () => (await window.hall.received()).width)));
        [thin, another].forEach(({ down }) => down.set(0));
        const [high, better] = await Promise.all([takes(red, 960, 30000), takes(old, 480, 60000)]);
        t.diagnostic(`Firefox: low after ${low[0]} ms, queued for ${waits[0]} ms, high again after ${high} ms; ` +
            `REMB: low after ${low[1]} ms, queued for ${waits[1]} ms, the middle one after ${better} ms`);
        assert.ok(low[0] <= 4000 * slow, `Firefox has the low one after ${low[0]} ms`);
        assert.ok(low[1] <= 6000 * slow, `by REMB it is there after ${low[1]} ms`);
        waits.forEach((one) => assert.ok(middle(one) <= 250 * slow, `packets wait for ${one} ms`));
        assert.ok(widths[0] < 960 && widths[1] < 960 && widths[2] === 960, `${widths}`);
        assert.ok(high <= 12000 * slow, `Firefox has the high one after ${high} ms`);
    });

    test('5 % of the packets lost and 50 ms each way: the picture of Firefox goes on, also at another address', async (t) => {
        const link = await openLink(cables.gateway, { wrap: cables.server.wrap, address: cables.wide.address });
        links.push(link);
        for (const way of ['up', 'down'])
            link[way]({ loss: 0.05, delay: 50 });
        const [ana, cem] = [await person(), await person()], red = await inFirefox(link);
        const feed = await publish(ana, { width: 320, height: 180, fps: 20, encodings: undefined });
        await Promise.all([red, cem].map((page) => watch(page, feed)));
        await Promise.all([red, cem].map((page) => page.evaluate(watchful)));
        await Promise.all([red, cem].map((page) => until(page, async () => (await window.hall.received()).decoded > 40, null, 60000 * slow)));
        await sleep(3000);
        const look = () => Promise.all([red, cem].map((page) => page.evaluate(() => window.look())));
        const before = await look();
        await sleep(6000);
        const now = await look();
        link.move();
        const moved = performance.now();
        await until(red, async (frames) => (await window.hall.received()).decoded > frames, now[0].decoded + 40, 20000 * slow);
        const away = await red.evaluate(() => window.look()), [poor, clean] = now.map(({ decoded }, i) => decoded - before[i].decoded);
        t.diagnostic(`${poor} pictures of ${clean}; it stood still for ${now[0].still_ms} ms, without losses for ${now[1].still_ms}; ` +
            `lost ${now[0].lost} of ${now[0].packets}, asked for ${now[0].nacks}; ` +
            `40 pictures at another address after ${Math.round(performance.now() - moved)} ms, it stood still for ${away.still_ms}`);
        assert.ok(now[0].lost + now[0].nacks > 0.02 * now[0].packets, 'the line loses');
        assert.ok(poor >= 0.9 * clean, `${poor} pictures of ${clean}`);
    });

    test('Firefox sends no more than its way up of 500 kbit/s carries, and the picture goes on', async (t) => {
        const { up } = cables.thin, [red, ben] = [await inFirefox(cables.thin), await person()];
        await red.evaluate(noise, { width: 640, height: 360, fps: 10 });
        await watch(ben, await publish(red, { width: 640, height: 360, codec: 'vp8', encodings: undefined }));
        const bytes = async () => (await red.evaluate(() => window.hall.sent())).reduce((sum, one) => sum + one.bytes, 0);
        const rate = async () => {
            const from = [await bytes(), performance.now()];
            await sleep(2000);
            return (await bytes() - from[0]) * 8000 / (performance.now() - from[1]);
        };
        let before = 0;
        for (const end = performance.now() + 60000 * slow; before < 700000 && performance.now() < end;)
            before = await rate();
        up.set(500000);
        await sleep(4000);
        const lost = up.lost(), seen = await ben.evaluate(() => window.hall.received()), [waits, bps] = await Promise.all([up.waits(5), rate()]);
        const now = await ben.evaluate(() => window.hall.received());
        t.diagnostic(`${Math.round(before / 1000)} kbit/s, then ${Math.round(bps / 1000)}, queued for ${waits} ms, ${up.lost() - lost} lost; ${now.decoded - seen.decoded} pictures in 5 s`);
        assert.ok(before > 700000, `it sends ${before} bit/s on a good line`);
        assert.ok(bps < 500000, `it sends ${bps} bit/s`);
        assert.ok(middle(waits) <= 400 * slow, `packets wait for ${waits} ms`);
        assert.ok(now.decoded - seen.decoded >= 15, `${now.decoded - seen.decoded} pictures in 5 s`);
    });
}

if (place.inside)
    tests();
else if (place.why)
    test('poor lines', { skip: `no network namespace: ${place.why}` }, () => {});
