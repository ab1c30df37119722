/* SPDX-License-Identifier: MIT */
/* Everyone gets what their line carries, in Chromium: a lossy line, a narrow one, one that recovers, a narrow way up. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPage } from '../lib/audience.mjs';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { makeFilm } from '../lib/film.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';

const camera = { width: 960, height: 540, fps: 10 };
const three = [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }]; /* 1200, 350 and 150 kbit/s */
let film, gateway, browser;
const opened = [], links = [];

before(async () => {
    film = makeFilm({ ...camera, grain: 20 });
    gateway = await start();
    browser = await launch(...fakeMedia, ...film.args);
});
afterEach(async () => {
    await Promise.all(opened.splice(0).map((page) => page.leave()));
    await Promise.all(links.splice(0).map((link) => link.close()));
});
after(async () => {
    await browser?.close();
    film?.drop();
    assert.equal((await gateway.stop()).code, 0);
});

/* -- people --------------------------------------------------------------------------------------- */

async function person(link) {
    const page = await openPage(browser, gateway, { link });
    opened.push(page);
    return page;
}

async function line(conditions = {}) {
    const link = await openLink(gateway);
    links.push(link);
    for (const [way, values] of Object.entries(conditions))
        link[way](values);
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
    return { n: frames.length, high: frames.filter(({ width }) => width === 960).length / frames.length, widths: [...new Set(frames.map(({ width }) => width))], longest_ms: Math.round(Math.max(...gaps)) };
}, [since, till]);

/* -- what is promised ----------------------------------------------------------------------------- */

test('who comes to 300 kbit/s gets the low encoding, a neighbour keeps the high one, and it comes back with the line', async (t) => {
    const link = await line();
    const [ana, ben, cem] = [await person(), await person(link), await person()];
    const feed = await publish(ana);
    await Promise.all([ben, cem].map((page) => watch(page, feed)));
    await Promise.all([ben, cem].map((page) => steady(page, 960)));

    const [cut, since] = [await now(ben), await now(cem)];
    link.down({ rate: 300000, queue: 500 });
    const down_ms = await firstOf(ben, 240, cut, 20000 * slow);
    await sleep(1000);
    await link.stats();
    const settled = await now(ben);
    await sleep(5000);
    const { down: { wait_ms } } = await link.stats();
    const narrow = await shown(ben, settled, await now(ben));
    const beside = await shown(cem, since, await now(cem));

    link.down({ rate: 0 });
    const recovered = await now(ben);
    const up_ms = await firstOf(ben, 960, recovered, 40000 * slow);
    const told = await ben.evaluate(() => window.hall.events.map(({ substream }) => substream).filter((one) => one !== undefined));
    t.diagnostic(`the low one after ${down_ms} ms, the high one again after ${up_ms} ms; a queue of ${wait_ms} ms at most; ` +
        `narrow ${JSON.stringify(narrow)}, beside ${JSON.stringify(beside)}; told ${told}`);
    assert.ok(down_ms <= 3000 * slow, `the low encoding took ${down_ms} ms`);
    assert.ok(!narrow.widths.includes(960), `it shows ${narrow.widths}`);
    assert.ok(wait_ms <= 300 * slow, `packets wait for ${wait_ms} ms`);
    assert.ok(beside.high >= 0.8 && !beside.widths.includes(240), `the neighbour sees ${JSON.stringify(beside)}`);
    assert.ok(up_ms <= 10000 * slow, `the high encoding took ${up_ms} ms`);
    assert.deepEqual([told.at(-1), told.includes(0)], [2, true]);
});
