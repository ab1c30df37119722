/* SPDX-License-Identifier: MIT */
/* janus.js as it comes from npm, in Chromium with a fake camera: frames are decoded at the far end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../lib/gateway.mjs';

const require = createRequire(import.meta.url);
const files = {
    '/janus.js': new URL('../node_modules/janus-gateway/npm/dist/janus.es.js', import.meta.url),
    '/adapter.js': require.resolve('webrtc-adapter/out/adapter.js'),
};
const page = `<!doctype html><script src="adapter.js"></script><script type="module">
import Janus from './janus.js';
await new Promise((callback) => Janus.init({ debug: ['error'], callback,
    dependencies: Janus.useDefaultDependencies({ adapter: window.adapter }) }));
window.connect = (server) => new Promise((success, error) => {
    const janus = new Janus({ server, iceServers: [], success: () => success(janus), error, destroyed() {} });
});
/* A handle; what it is told is kept in msgs, the far end's offer or answer is taken by onjsep. */
window.attach = (janus, plugin, onjsep) => new Promise((resolve, error) => {
    const one = { msgs: [], texts: [] };
    janus.attach({ plugin, error, success(handle) { one.handle = handle; resolve(one); },
        onmessage(message, jsep) { one.msgs.push(message); if (jsep) onjsep(one.handle, jsep); },
        webrtcState(up) { one.up = up; }, ondata(text) { one.texts.push(text); }, ondataopen() { one.open = true; },
        onremotetrack(track, mid, on) {
            if (!on) return;
            const media = document.createElement(track.kind);
            media.autoplay = media.muted = true;
            media.srcObject = new MediaStream([track]);
            document.body.append(media);
        } });
});
window.frames = async ({ handle }) => {
    let most = 0;
    for (const one of (await handle.webrtcStuff.pc?.getStats() ?? new Map()).values())
        if (one.type === 'inbound-rtp' && one.kind === 'video') most = Math.max(most, one.framesDecoded);
    return most;
};
window.until = async (what, fits) => {
    for (let n = 0; n < 150; n++) {
        if (await fits()) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('not within 15 s: ' + what);
};
window.send = ({ handle }, message, tracks) => new Promise((success, error) => handle.createOffer({ tracks, error,
    success(jsep) { handle.send({ message, jsep }); success(); } }));
window.ready = true;
</script>`;
let gateway, server, browser;

before(async () => {
    server = createServer((request, response) => {
        response.setHeader('content-type', files[request.url] ? 'text/javascript' : 'text/html');
        response.end(files[request.url] ? readFileSync(files[request.url]) : page);
    }).listen(0, '127.0.0.1');
    gateway = await start('websocket:listen.allow_origins=*');
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'] });
});
after(async () => {
    await browser?.close();
    server.close();
    assert.equal((await gateway.stop()).code, 0);
});

async function open() {
    const tab = await (await browser.newContext({ permissions: ['camera', 'microphone'] })).newPage();
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    await tab.waitForFunction(() => window.ready);
    return tab;
}

test('echotest: own frames and texts come back, and hangup says done', async () => {
    const tab = await open();
    const texts = await tab.evaluate(async (url) => {
        const one = await attach(await connect(url), 'janus.plugin.echotest', (handle, jsep) => handle.handleRemoteJsep({ jsep }));
        await send(one, { audio: true, video: true }, [{ type: 'audio', capture: true, recv: true }, { type: 'video', capture: true, recv: true }, { type: 'data' }]);
        await until('frames', async () => await frames(one) > 20);
        await until('the data channel', () => one.open);
        one.handle.data({ text: 'hello stoa' });
        await until('the text', () => one.texts.length);
        one.handle.hangup();
        await until('done', () => one.msgs.some((message) => message.result === 'done'));
        return one.texts;
    }, gateway.websocket);
    assert.match(texts[0], /hello stoa/);
    await tab.context().close();
});

test('videoroom: one publishes, another sees decoded frames, and learns that it ended', async () => {
    const [ana, ben] = [await open(), await open()];
    await ana.evaluate(async (url) => {
        const one = window.pub = await attach(await connect(url), 'janus.plugin.videoroom', (handle, jsep) => handle.handleRemoteJsep({ jsep }));
        one.handle.send({ message: { request: 'join', ptype: 'publisher', room: 1234, display: 'Ana' } });
        await until('joined', () => one.msgs.some((message) => message.videoroom === 'joined'));
        await send(one, { request: 'configure' }, [{ type: 'audio', capture: true, recv: false }, { type: 'video', capture: true, recv: false }]);
        await until('webrtcup', () => one.up);
    }, gateway.websocket);
    const seen = await ben.evaluate(async (url) => {
        const janus = await connect(url);
        const one = window.room = await attach(janus, 'janus.plugin.videoroom', () => {});
        one.handle.send({ message: { request: 'join', ptype: 'publisher', room: 1234, display: 'Ben' } });
        const feed = () => one.msgs.flatMap((message) => message.publishers ?? [])[0];
        await until('Ana is announced', feed);
        const sub = await attach(janus, 'janus.plugin.videoroom', (handle, jsep) => handle.createAnswer({ jsep,
            success(answer) { handle.send({ message: { request: 'start' }, jsep: answer }); } }));
        sub.handle.send({ message: { request: 'join', ptype: 'subscriber', room: 1234, streams: [{ feed: feed().id }] } });
        await until('frames', async () => await frames(sub) > 20);
        return { display: feed().display, frames: await frames(sub) };
    }, gateway.websocket);
    assert.equal(seen.display, 'Ana');
    assert.ok(seen.frames > 20);
    await ana.context().close();
    await ben.evaluate(() => until('Ana left', () => room.msgs.some((message) => message.leaving || message.unpublished)));
    await ben.context().close();
});
