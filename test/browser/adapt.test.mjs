/* SPDX-License-Identifier: MIT */
/* Everyone gets what their line carries, in Chromium: a lossy line, a narrow one, one that recovers, a narrow way up. The
 * gateway is on a host of its own; rates are the kernel's (tc tbf), losses and delays those of test/tools/link. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPage } from '../lib/audience.mjs';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { makeFilm } from '../lib/film.mjs';
import { slow } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';
import { inside, lacking } from '../lib/namespace.mjs';
import { holds, lay, origin } from '../lib/narrow.mjs';

const place = await inside(fileURLToPath(import.meta.url));
const camera = { width: 960, height: 540, fps: 10 };
const three = [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }]; /* 1200, 350 and 150 kbit/s */
let film, cables, browser;
const opened = [], links = [];

/* -- people --------------------------------------------------------------------------------------- */

async function person(link = cables.wide) {
    const page = await openPage(browser, cables.gateway, { link });
    opened.push(page);
    return page;
}

async function leave() {
    await Promise.all(opened.splice(0).map((page) => page.leave()));
    await Promise.all(links.splice(0).map((link) => link.close()));
    cables.thin.up.set(0);
    cables.thin.down.set(0);
}

async function lossy(conditions) {
    const link = await openLink(cables.gateway, { wrap: cables.server.wrap, address: cables.wide.address });
    links.push(link);
    link.up(conditions);
    link.down(conditions);
    return link;
}

const publish = (page, more = {}) => page.evaluate((what) => window.hall.publish(what), { ...camera, encodings: three, ...more });
const watch = (page, feed, more = {}) => page.evaluate((streams) => window.hall.watch(streams), [{ feed, ...more }]);
const now = (page) => page.evaluate(() => performance.now());

/* Until pictures of this width have been shown for a while without a break, and the way there is quiet. */
const steady = (page, width, ms = 1500) => until(page, ({ width: wanted, ms: quiet }) => {
    const recent = window.hall.frames.filter(({ at }) => at > performance.now() - quiet);
    return recent.length >= 0.8 * 10 * quiet / 1000 && recent.every((frame) => frame.width === wanted);
}, { width, ms }, 60000 * slow);

/* When the first picture of a width was shown after a moment of the page's clock; in ms from then. */
const firstOf = (page, width, since, within) => until(page, ({ width: wanted, since: from }) => {
    const found = window.hall.frames.find((frame) => frame.at > from && frame.width === wanted);
    return found && Math.round(found.at - from);
}, { width, since }, within);

/* What was shown between two moments: widths seen, and how long it stood still at most. */
const shown = (page, since, till) => page.evaluate(([from, to]) => {
    const frames = window.hall.frames.filter(({ at }) => at >= from && at <= to);
    const gaps = frames.slice(1).map((frame, i) => frame.at - frames[i].at);
    gaps.sort((a, b) => b - a);
    return { n: frames.at(-1).shown - frames[0].shown + 1, high: frames.filter(({ width }) => width === 960).length / frames.length, widths: [...new Set(frames.map(({ width }) => width))], worst: gaps.slice(0, 4).map(Math.round) };
}, [since, till]);

const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/* -- what is promised ----------------------------------------------------------------------------- */

function tests() {
    before(async () => {
        film = makeFilm({ ...camera, fps: 20, texture: 8, grain: 8 });
        cables = await lay();
        browser = await launch(...fakeMedia, ...film.args, `--unsafely-treat-insecure-origin-as-secure=${origin}`);
    });
    afterEach(leave);
    after(async () => {
        await browser?.close();
        film?.drop();
        assert.equal((await cables.stop()).code, 0);
    });

    holds(leave, 'who comes to 300 kbit/s gets the low encoding, a neighbour keeps the high one, and it comes back with the line', async (t) => {
        const { thin } = cables;
        const [ana, ben, cem] = [await person(), await person(thin), await person()];
        const feed = await publish(ana);
        await Promise.all([ben, cem].map((page) => watch(page, feed)));
        await Promise.all([ben, cem].map((page) => steady(page, 960)));

        const [cut, since] = [await now(ben), await now(cem)];
        thin.down.set(300000);
        const down_ms = await firstOf(ben, 240, cut, 20000 * slow);
        await sleep(1000);
        const settled = await now(ben);
        const waits = await thin.down.waits(4);
        const narrow = await shown(ben, settled, await now(ben));
        const beside = await shown(cem, since, await now(cem));

        thin.down.set(0);
        const recovered = await now(ben);
        const up_ms = await firstOf(ben, 960, recovered, 40000 * slow);
        const told = await ben.evaluate(() => window.hall.events.map(({ substream }) => substream).filter((one) => one !== undefined));
        t.diagnostic(`the low one after ${down_ms} ms, the high one again after ${up_ms} ms; queued for ${waits} ms; ` +
            `narrow ${JSON.stringify(narrow)}, beside ${JSON.stringify(beside)}; told ${told}`);
        assert.ok(down_ms <= 3000 * slow, `the low encoding took ${down_ms} ms`);
        assert.ok(!narrow.widths.includes(960), `it shows ${narrow.widths}`);
        assert.ok(middle(waits) <= 250 * slow, `packets wait for ${waits} ms`);
        assert.ok(beside.high >= 0.95 && !beside.widths.includes(240), `the neighbour sees ${JSON.stringify(beside)}`);
        assert.ok(up_ms <= 10000 * slow, `the high encoding took ${up_ms} ms`);
        assert.deepEqual([told.at(-1), told.includes(0)], [2, true]);
    });

    holds(leave, '5 % of the packets lost and 50 ms each way: the picture goes on as without', async (t) => {
        const link = await lossy({ loss: 0.05, delay: 50 });
        const [ana, ben, cem] = [await person(), await person(link), await person()];
        const feed = await publish(ana, { width: 320, height: 180, fps: 20, encodings: undefined });
        await Promise.all([ben, cem].map((page) => watch(page, feed)));
        await Promise.all([ben, cem].map((page) => steady(page, 320, 1000)));
        await sleep(5000); /* until its losses are known, and it has taken to them */
        const since = await Promise.all([ben, cem].map(now));
        await sleep(8000);
        const [poor, clean] = await Promise.all([ben, cem].map(async (page, i) => shown(page, since[i], await now(page))));
        const { lost, packets, nacks } = await ben.evaluate(() => window.hall.received());
        t.diagnostic(`${poor.n} pictures, ${clean.n} without losses; it stood still for ${poor.worst} ms, without losses for ${clean.worst}; lost ${lost} of ${packets}, asked for ${nacks}`);
        assert.ok(lost > 0.02 * packets, `the line lost ${lost} of ${packets}`);
        /* A machine that stops for a moment stops both: that is no fault of the losses. */
        const stop = clean.worst[0] > 120 ? clean.worst[0] : 0;
        assert.ok(poor.n >= (stop ? 0.85 : 0.95) * clean.n, `${poor.n} pictures of ${clean.n}`);
        assert.ok(poor.worst[0] <= 200 * slow + stop, `it stood still for ${poor.worst} ms`);
    });

    holds(leave, 'a publisher whose way up is 500 kbit/s sends less than that, and the picture goes on', async (t) => {
        const { up } = cables.thin;
        const [ana, ben] = [await person(cables.thin), await person()];
        const feed = await publish(ana);
        await watch(ben, feed);
        await steady(ben, 960);
        up.set(500000);
        await sleep(4000);
        const bytes = async () => (await ana.evaluate(() => window.hall.sent())).reduce((sum, one) => sum + one.bytes, 0);
        const [since, sent, before] = [await now(ben), await bytes(), up.lost()];
        const waits = await up.waits(6);
        const seen = await shown(ben, since, await now(ben));
        const bps = (await bytes() - sent) * 8 / ((await now(ben) - since) / 1000);
        t.diagnostic(`${Math.round(bps / 1000)} kbit/s, queued for ${waits} ms, ${up.lost() - before} lost; seen ${JSON.stringify(seen)}`);
        assert.ok(bps < 500000, `it sends ${bps} bit/s`);
        assert.ok(middle(waits) <= 200 * slow, `packets wait for ${waits} ms`);
        assert.ok(!seen.widths.includes(960) && seen.n >= 0.6 * 6 * camera.fps, JSON.stringify(seen));
        assert.ok(seen.worst[1] <= 1000 * slow, `it stood still for ${seen.worst} ms`);
    });
}

if (place.inside)
    tests();
else if (place.why)
    lacking('narrow lines', place.why);
