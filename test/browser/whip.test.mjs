/* SPDX-License-Identifier: MIT */
/* Chromium publishes and plays with whip-whep, the clients of the protocol's author, unmodified; ICE restarts under way. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fakeMedia, launch, probe, until } from '../lib/browser.mjs';
import { start } from '../lib/gateway.mjs';
import { enter } from '../lib/peers.mjs';

const library = ['whip', 'whep'].map((name) => readFileSync(new URL(`../node_modules/whip-whep/${name}.js`, import.meta.url), 'utf8')
    .replace(/^export class (\w+)/m, 'window.$1 = class $1').replace(/^const Extensions/m, `const Extensions_${name}`).replaceAll('Extensions.Core', `Extensions_${name}.Core`)).join('\n');
let gateway, browser, page;

before(async () => {
    gateway = await start('stoa:media.workers=2');
    browser = await launch(...fakeMedia);
    page = await browser.newPage();
    await page.addInitScript(probe);
    await page.goto(gateway.http.replace('127.0.0.1', 'localhost'));
    await page.evaluate(`(() => { ${library} })()`);
    await page.evaluate(() => {
        window.publish = async (path, kinds = ['audio', 'video'], codec = undefined) => {
            const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }), whip = new WHIPClient();
            window.camera ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
            const senders = camera.getTracks().filter(({ kind }) => kinds.includes(kind)).map((track) => pc.addTransceiver(track, { direction: 'sendonly', streams: [camera] }));
            if (codec)
                senders.at(-1).setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => mimeType === codec));
            await whip.publish(pc, new URL(path, location).href, 'sesame');
            return { pc, whip };
        };
        document.body.innerHTML = '<video id="screen_" autoplay muted></video>';
        window.watch = async (path) => {
            const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }), whep = new WHEPClient();
            for (const kind of ['audio', 'video'])
                pc.addTransceiver(kind, { direction: 'recvonly' });
            pc.ontrack = ({ streams }) => { screen_.srcObject = streams[0]; }; /* as the simplest of players does */
            await whep.view(pc, new URL(path, location).href, 'sesame');
            return { pc, whep };
        };
        /* As RFC 9725, 4.3.3 has it. (The library cannot take more than one candidate.) */
        window.restart = async ({ pc, whip, whep }) => {
            const offer = await pc.createOffer({ iceRestart: true }), take = (sdp, name) => sdp.match(new RegExp(`a=${name}:(.*)\\r\\n`))[1];
            await pc.setLocalDescription(offer);
            const body = `a=ice-options:trickle\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:${take(offer.sdp, 'ice-ufrag')}\r\na=ice-pwd:${take(offer.sdp, 'ice-pwd')}\r\n`;
            const answer = await fetch((whip ?? whep).resourceURL, { method: 'PATCH', body, headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*', Authorization: 'Bearer sesame' } });
            const fragment = await answer.text();
            if (answer.status !== 200)
                throw new Error(`${answer.status} ${fragment}`);
            const sdp = pc.remoteDescription.sdp.replaceAll(/a=candidate:.*\r\n/g, '').replaceAll(/a=end-of-candidates\r\n/g, '')
                .replaceAll(/a=ice-(ufrag|pwd):.*\r\n/g, (all, name) => `a=ice-${name}:${take(fragment, `ice-${name}`)}\r\n`);
            const [head, first, ...rest] = sdp.split(/^(?=m=)/m);
            await pc.setRemoteDescription({ type: 'answer', sdp: [head, first + (fragment.match(/a=candidate:.*\r\n/g) ?? []).join(''), ...rest].join('') });
            return answer.headers.get('etag');
        };
        /* What the latest pictures of a connection were encoded with. */
        window.codec = async (pc) => {
            const stats = await pc.getStats();
            return [...stats.values()].filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video').map(({ codecId }) => stats.get(codecId)?.mimeType)[0];
        };
        /* Decoded frames, and packets of sound, of one connection. */
        window.shown = async (pc) => {
            const found = { frames: 0, packets: 0 };
            for (const one of (await pc.getStats()).values()) {
                if (one.type === 'inbound-rtp' && one.kind === 'video')
                    found.frames += one.framesDecoded ?? 0;
                if (one.type === 'inbound-rtp' && one.kind === 'audio')
                    found.packets += one.packetsReceived ?? 0;
            }
            return found;
        };
    });
    const who = await enter(gateway), handle = await who.attach('videoroom');
    await who.ask('message', handle, { body: { request: 'create', room: 77, pin: 'sesame', publishers: 4, videocodec: 'vp8,h264' } });
    who.leave();
});
after(async () => { await browser?.close(); assert.equal((await gateway.stop()).code, 0); });

const grows = async (name) => {
    const { frames, packets } = await page.evaluate((name) => shown(window[name].pc), name);
    await until(page, async ([name, frames, packets]) => {
        const now = await shown(window[name].pc);
        return now.frames >= frames + 10 && now.packets > packets + 10;
    }, [name, frames, packets]);
};

test('what is published by WHIP is played by WHEP, over ICE restarts of both, until it is stopped', async () => {
    await page.evaluate(async () => { window.maker = await publish('/whip/77/5'); });
    await until(page, () => maker.pc.connectionState === 'connected');
    await until(page, async () => { window.player ??= await watch('/whep/77/5').catch(() => undefined); return window.player; });
    await grows('player');
    for (const name of ['player', 'maker', 'maker']) {
        const tag = await page.evaluate(async (name) => restart(window[name]), name);
        assert.match(tag, /^"\w+"$/);
        await until(page, (name) => window[name].pc.signalingState === 'stable' && ['connected', 'completed'].includes(window[name].pc.iceConnectionState), name);
        await grows('player');
    }
    const paths = await page.evaluate(async () => {
        const paths = [maker.whip.resourceURL.pathname, player.whep.resourceURL.pathname];
        await maker.whip.stop();
        await player.whep.stop();
        return paths;
    });
    for (const path of paths)
        assert.equal((await fetch(gateway.http + path, { headers: { Authorization: 'Bearer sesame' } })).status, 404);
});

test('a PeerConnection that is closed ends its session', async () => {
    const path = await page.evaluate(async () => { window.maker = await publish('/whip/77/6'); return maker.whip.resourceURL.pathname; });
    await until(page, () => maker.pc.connectionState === 'connected');
    await page.evaluate(() => maker.pc.close());
    for (let n = 0; n < 100; n++, await new Promise((resolve) => setTimeout(resolve, 100))) {
        if ((await fetch(gateway.http + path, { headers: { Authorization: 'Bearer sesame' } })).status === 404)
            return;
    }
    assert.fail('it is still there after 10 s');
});

test('a player that came when there was only a voice sees the camera that comes later, and the next one, whatever codec they have', async () => {
    await page.evaluate(async () => { window.voice = await publish('/whip/77/7', ['audio']); });
    await until(page, () => voice.pc.connectionState === 'connected');
    await until(page, async () => { window.listener ??= await watch('/whep/77').catch(() => undefined); return window.listener; });
    await until(page, async () => (await shown(listener.pc)).packets > 50);
    assert.deepEqual(await page.evaluate(() => [listener.pc.getTransceivers().map(({ currentDirection }) => currentDirection), screen_.srcObject.getTracks().length, screen_.videoWidth]),
        [['recvonly', 'recvonly'], 2, 0]);
    await page.evaluate(async () => { window.first = await publish('/whip/77/8'); });
    await grows('listener');
    await until(page, () => screen_.videoWidth === 640 && screen_.currentTime > 0);
    assert.equal(await page.evaluate(() => codec(listener.pc)), 'video/VP8');
    await page.evaluate(async () => { window.second = await publish('/whip/77/9', ['audio', 'video'], 'video/H264'); }); /* is there already when the first goes */
    await until(page, () => second.pc.connectionState === 'connected');
    await page.evaluate(() => first.whip.stop());
    await until(page, async () => await codec(listener.pc) === 'video/H264');
    await grows('listener');
    await page.evaluate(async () => { await second.whip.stop(); await voice.whip.stop(); window.third = await publish('/whip/77/8'); });
    await grows('listener'); /* nobody was there meanwhile */
    assert.equal(await page.evaluate(() => codec(listener.pc)), 'video/VP8');
    if (process.env.STOA_SHOTS)
        await page.locator('#screen_').screenshot({ path: `${process.env.STOA_SHOTS}/whep.png` });
    const [red, ...rest] = await page.evaluate(() => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 }), context = canvas.getContext('2d');
        context.drawImage(screen_, 0, 0, 64, 48);
        return [...new Set(context.getImageData(0, 0, 64, 48).data)];
    });
    assert.ok(red !== undefined && rest.length > 5, 'there is a picture, not one colour');
    await page.evaluate(() => Promise.all([third.whip.stop(), listener.whep.stop()]));
});
