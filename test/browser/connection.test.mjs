/* SPDX-License-Identifier: MIT */
/* Connections of a real browser: its goodbye, and a data channel that comes later. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { connect, start } from '../lib/gateway.mjs';

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
let gateway, browser, page;

before(async () => {
    gateway = await start();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    page = await browser.newPage();
    await page.goto(gateway.http.replace('127.0.0.1', 'localhost'));
    await page.evaluate(async () => {
        const { Stoa } = await import('/js/stoa.js');
        window.until = async (what, fits) => {
            for (const end = Date.now() + 15000; !fits();) {
                if (Date.now() > end)
                    throw new Error(`${what}: not within 15 s`);
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
        };
        /* A handle whose connection is up, with what the core told of it. */
        window.begin = async (body, plugin, prepare) => {
            const stoa = await Stoa.connect(), handle = await stoa.attach(plugin);
            const told = [];
            handle.oncore = (message) => told.push({ ...message, at: performance.now() });
            await prepare(handle);
            await handle.offer(body);
            await window.until('webrtcup', () => told.some((one) => one.janus === 'webrtcup'));
            return { stoa, handle, told };
        };
        window.camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
        window.withCamera = (handle) => {
            const pc = handle.open();
            window.camera.getTracks().forEach((track) => pc.addTrack(track, window.camera));
        };
    });
});
after(async () => { await browser?.close(); assert.equal((await gateway.stop()).code, 0); });

test('a closed PeerConnection is a hangup at once, with and without data channels', async () => {
    for (const data of [false, true]) {
        const { ms, reason } = await page.evaluate(async (data) => {
            const { handle, told } = await begin({ audio: true, video: true }, 'janus.plugin.echotest', (handle) => {
                withCamera(handle);
                if (data)
                    handle.pc.createDataChannel('chat');
            });
            await new Promise((resolve) => setTimeout(resolve, 500)); /* whatever is let go after the handshake is gone */
            const from = performance.now();
            handle.pc.close();
            await until('hangup', () => told.some((one) => one.janus === 'hangup'));
            const hangup = told.find((one) => one.janus === 'hangup');
            handle.stoa.close();
            return { ms: hangup.at - from, reason: hangup.reason };
        }, data);
        console.log(`data ${data}: hangup after ${Math.round(ms)} ms, "${reason}"`);
        assert.equal(reason, 'DTLS alert');
        assert.ok(ms < 1000, `${ms} ms`);
    }
});

test('a data channel that a later renegotiation adds carries text', async () => {
    const echo = await page.evaluate(async () => {
        const { handle } = await begin({ audio: true, video: true }, 'janus.plugin.echotest', withCamera);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const channel = handle.pc.createDataChannel('later'), got = [];
        channel.onmessage = ({ data }) => got.push(data);
        await handle.offer({});
        await until('the channel opens', () => channel.readyState === 'open');
        for (const text of ['one', 'two', 'x'.repeat(20000)])
            channel.send(text);
        await until('three echoes', () => got.length === 3);
        handle.stoa.close();
        handle.pc.close();
        return got.map((text) => text.slice(-3));
    });
    assert.deepEqual(echo, ['one', 'two', 'xxx']);
});
