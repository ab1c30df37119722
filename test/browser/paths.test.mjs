/* SPDX-License-Identifier: MIT */
/* Every codec and every way to the server, in Chromium: an echo that is decoded again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fakeMedia, launch } from '../lib/browser.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';

let browser;

before(async () => { browser = await launch(...fakeMedia); });
after(() => browser?.close());

/* Runs in the page: echo with the wished codecs and candidates; resolves when media has come back, with what the statistics say. */
async function echo({ audio, video, protocol }) {
    const { Stoa } = await import('/js/stoa.js');
    const stoa = await Stoa.connect();
    const handle = await stoa.attach('stoa.plugin.echotest');
    const pc = handle.open();
    const player = new Audio(); /* sound is measured only where it is played */
    pc.ontrack = ({ track }) => {
        if (track.kind === 'audio') {
            player.srcObject = new MediaStream([track]);
            player.play();
        }
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    for (const track of stream.getTracks()) {
        const transceiver = pc.addTransceiver(track);
        const wanted = track.kind === 'audio' ? audio : video;
        if (!wanted)
            continue;
        const codecs = RTCRtpSender.getCapabilities(track.kind).codecs;
        const first = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === wanted.toLowerCase());
        if (first.length === 0)
            return { missing: wanted };
        transceiver.setCodecPreferences([...first, ...codecs.filter(({ mimeType }) => /rtx/i.test(mimeType))]);
    }
    await pc.setLocalDescription();
    const { jsep } = await handle.message({ audio: true, video: true }, { type: 'offer', sdp: pc.localDescription.sdp });
    const lines = jsep.sdp.split('\r\n').filter((line) => !protocol || !line.startsWith('a=candidate:') ||
        line.toLowerCase().includes(` ${protocol} `));
    await pc.setRemoteDescription({ type: jsep.type, sdp: lines.join('\r\n') });
    const seen = {};
    for (const until = Date.now() + 40000; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 100))) {
        const stats = [...(await pc.getStats()).values()];
        const codec = (id) => stats.find((one) => one.id === id)?.mimeType.toLowerCase();
        for (const one of stats.filter(({ type }) => type === 'inbound-rtp')) {
            if (one.kind === 'video')
                Object.assign(seen, { video: codec(one.codecId), frames: one.framesDecoded });
            else
                Object.assign(seen, { audio: codec(one.codecId), energy: one.totalAudioEnergy });
        }
        const pair = stats.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
        seen.protocol = stats.find(({ id }) => id === pair?.localCandidateId)?.protocol;
        seen.state = pc.connectionState;
        if (seen.frames >= 10 && seen.energy > 0)
            break;
    }
    stream.getTracks().forEach((track) => track.stop());
    await handle.detach();
    stoa.close();
    return seen;
}

async function echoOn(gateway, wanted) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${gateway.http.replace('127.0.0.1', 'localhost')}/`);
    const seen = await page.evaluate(echo, wanted);
    await page.context().close();
    return seen;
}

function assertEchoed(seen) {
    assert.ok(seen.frames >= 10 && seen.energy > 0, JSON.stringify(seen));
}

test('each codec is passed through and decoded again', async () => {
    const gateway = await start();
    const cases = [['audio/opus', 'video/VP8'], ['audio/PCMU', 'video/VP9'], ['audio/PCMA', 'video/H264'], ['audio/opus', 'video/AV1']];
    for (const [audio, video] of cases) {
        const seen = await echoOn(gateway, { audio, video });
        assertEchoed(seen);
        assert.deepEqual([seen.audio, seen.video], [audio.toLowerCase(), video.toLowerCase()]);
    }
    await gateway.stop();
});

test('TCP alone is enough, and so is UDP alone', async () => {
    const gateway = await start();
    for (const protocol of ['tcp', 'udp']) {
        const seen = await echoOn(gateway, { protocol });
        assertEchoed(seen);
        assert.equal(seen.protocol, protocol);
    }
    await gateway.stop();
});

test('full ICE takes a call too', async () => {
    const gateway = await start('stoa:media.ice=full');
    assertEchoed(await echoOn(gateway, {}));
    await gateway.stop();
});

/* Runs in the page: somebody publishes whose way to the server is what `port` leads to; nobody watches. */
async function publish(port) {
    const { Stoa } = await import('/js/stoa.js');
    const stoa = await Stoa.connect(), handle = await stoa.attach('stoa.plugin.videoroom'), pc = handle.open();
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
    pc.addTrack(stream.getTracks()[0], stream);
    await pc.setLocalDescription();
    const { jsep } = await handle.message({ request: 'joinandconfigure', ptype: 'publisher', room: 1234 }, { type: 'offer', sdp: pc.localDescription.sdp });
    await pc.setRemoteDescription({ type: jsep.type, sdp: jsep.sdp.replace(/a=(candidate:|end-of-candidates).*\r\n/g, '').replace(/a=ice-pwd:\S+\r\n/, (line) => `${line}a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host\r\n`) });
    window.figures = async () => (await handle.message({ request: 'stats' })).data;
}

/* It reports on nothing that we send: asked by RTCP XR it answers, and no packet has to get lost before anybody knows. */
test('the way to who only publishes is measured all the time', async () => {
    const gateway = await start('stoa:media.workers=1', 'stoa:limits.requests_per_second=0'), link = await openLink(gateway);
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${gateway.http.replace('127.0.0.1', 'localhost')}/`);
    await page.evaluate(publish, link.port);
    const far = (least, most) => page.evaluate(async ({ least: from, most: to, until }) => {
        for (const end = Date.now() + until; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
            const { rtt_ms: ms, streams: [one] } = await window.figures();
            if (ms >= from && ms < to && one?.packets > 20 && one.rtt_ms >= from && one.rtt_ms < to)
                return one.nacks_asked;
            if (Date.now() > end)
                throw new Error(`${ms} ms, ${JSON.stringify(one)}, not ${from} to ${to}`);
        }
    }, { least, most, until: 10000 * slow });
    const delay = (ms) => ['up', 'down'].forEach((way) => link[way]({ delay: ms }));
    await far(0, 100);
    delay(100);
    await far(200, 400);
    delay(5);
    assert.equal(await far(10, 100), 0);
    await page.context().close();
    await link.close();
    await gateway.stop();
});
