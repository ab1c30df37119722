/* SPDX-License-Identifier: MIT */
/* Firefox, by itself and with Chromium in one room, in a namespace: it never connects over loopback. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { enter, openPage } from '../lib/audience.mjs';
import * as chromium from '../lib/browser.mjs';
import * as firefox from '../lib/firefox.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { inside } from '../lib/namespace.mjs';

const place = await inside(fileURLToPath(import.meta.url));

function tests() {
    let gateway, fox, chrome;
    const page = (path) => gateway.http.replace('127.0.0.1', 'localhost') + path;
    const shot = (tab, name) => process.env.STOA_SHOTS && tab.screenshot({ path: `${process.env.STOA_SHOTS}/${name}.png` });

    before(async () => {
        gateway = await start();
        [fox, chrome] = await Promise.all([firefox.launch(chromium.probe), chromium.launch(...chromium.fakeMedia)]);
    });
    after(async () => {
        await Promise.all([fox?.close(), chrome?.close()]);
        assert.equal((await gateway.stop()).code, 0);
    });

    async function join(tab, name) {
        await tab.goto(page('/videoroom.html'));
        await tab.fill('#name', name);
        await tab.click('#join');
    }

    test('Firefox sees and hears its echo', async () => {
        const tab = await fox.open();
        await tab.goto(page('/echotest.html'));
        await tab.click('#start');
        await chromium.seenAndHeard(tab, 1);
        await shot(tab, 'firefox-echo');
        assert.deepEqual(await tab.evaluate(() => window.violations), []);
        await tab.close();
    });

    test('Firefox sends three encodings, and each can be chosen', { skip: !process.env.STOA_FULL && 'with STOA_FULL=1' }, async (t) => {
        const red = await fox.open();
        await red.goto(page('/'));
        await red.evaluate(enter, { room: 1234 });
        const encodings = [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }];
        const feed = await red.evaluate((what) => window.hall.publish(what), { width: 640, height: 480, fps: 15, encodings });
        const blue = await openPage(chrome, gateway);
        await blue.evaluate((streams) => window.hall.watch(streams), [{ feed }]);
        const took = [];
        const sees = (width) => chromium.until(blue, (wanted) => window.hall.frames.slice(-5).length === 5 &&
            window.hall.frames.slice(-5).every((frame) => frame.width === wanted), width, 60000 * slow);
        for (const [substream, width] of [[2, 640], [0, 160], [1, 320], [2, 640]]) {
            const since = Date.now();
            await blue.evaluate((one) => window.hall.subscriber.message({ request: 'configure', streams: [{ mid: '0', substream: one }] }), substream);
            await sees(width);
            took.push(Date.now() - since);
        }
        t.diagnostic(`five pictures of each after ${took} ms`);
        await blue.leave();
        await red.close();
    });

    test('Chromium and Firefox see and hear each other in a room', async () => {
        const [red, blue] = [await fox.open(), await chrome.newPage()];
        await blue.addInitScript(chromium.probe);
        await join(blue, 'Chromium');
        await join(red, 'Firefox');
        for (const tab of [red, blue]) {
            const { video, audio } = await chromium.seenAndHeard(tab, 1);
            assert.ok(video[0].frames >= 10 && audio[0].energy > 0);
        }
        await shot(red, 'firefox-room');
        await red.click('#camera');
        await blue.waitForFunction(() => document.querySelector('.tile:not(.me) .notes').textContent === 'camera off');
        await red.click('#leave');
        await blue.waitForFunction(() => document.querySelectorAll('.tile').length === 1);
        assert.deepEqual(await red.evaluate(() => window.violations), []);
        assert.deepEqual(await blue.evaluate(() => window.violations), []);
    });
}

if (place.inside)
    tests();
else if (place.why)
    test('Firefox', { skip: `no network namespace: ${place.why}` }, () => {});
