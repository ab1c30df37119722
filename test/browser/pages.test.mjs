/* SPDX-License-Identifier: MIT */
/* The bundled pages in Chromium, with a fake camera and microphone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../lib/gateway.mjs';

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
const fake = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const launch = (...more) => chromium.launch({ executablePath: '/usr/bin/chromium', args: [...quiet, ...more] });
let gateway, browser;

before(async () => { gateway = await start(); browser = await launch(...fake); });
after(async () => { await browser?.close(); assert.equal((await gateway.stop()).code, 0); });

async function open(path, who = browser) {
    const page = await (await who.newContext()).newPage();
    page.on('console', (line) => line.type() === 'error' && console.log(line.text()));
    await page.goto(gateway.http.replace('127.0.0.1', 'localhost') + path);
    return page;
}

/* Waits until `n` videos of others have shown at least 10 frames each. */
const frames = (page, n) => page.waitForFunction((wanted) =>
    [...document.querySelectorAll('figure:not(.me) video')]
        .filter((video) => video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames >= 10)
        .length === wanted, n, { timeout: 15000 });

test('the echo comes back', async () => {
    const page = await open('/echotest.html');
    await page.click('#start');
    await frames(page, 1);
    await page.context().close();
});

test('two and three people see each other, and who leaves is gone', async () => {
    const pages = [];
    for (const name of ['Ana', 'Ben', 'Cem']) {
        const page = await open('/videoroom.html');
        await page.fill('#name', name);
        await page.click('#join');
        pages.push(page);
        for (const each of pages)
            await frames(each, pages.length - 1);
    }
    if (process.env.STOA_SHOT)
        await pages[0].screenshot({ path: process.env.STOA_SHOT });
    await pages[2].click('#leave');
    await pages[0].waitForFunction(() => document.querySelectorAll('figure:not(.me)').length === 1);
    for (const page of pages)
        await page.context().close();
});

test('a refused camera is explained', async () => {
    const plain = await launch('--deny-permission-prompts');
    const page = await open('/videoroom.html', plain);
    await page.fill('#name', 'Ana');
    await page.click('#join');
    await page.waitForFunction(() => /refused|found/.test(document.querySelector('#problem').textContent));
    await plain.close();
});
