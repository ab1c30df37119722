/* SPDX-License-Identifier: MIT */
/* Firefox, by itself and with Chromium in one room, in a namespace: it never connects over loopback. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as chromium from '../lib/browser.mjs';
import * as firefox from '../lib/firefox.mjs';
import { start } from '../lib/gateway.mjs';
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
