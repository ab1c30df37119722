/* SPDX-License-Identifier: MIT */
/* Debian's Chromium with a fake camera and microphone, and what the tests look at inside a page of any browser. */
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
/* Chromium draws a video at the mean distance of its last pictures. Where just two were seen, with a pause between, the next tick can be
 * as far away as that pause was long, whatever has been decoded since: for who counts from a wish to a picture, this is no part of it. */
export const drawnAtOnce = ['--disable-features=OnBeginFrameThrottleVideo'];
export const fakeMedia = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

export const launch = (...more) => chromium.launch({ executablePath: '/usr/bin/chromium', args: [...quiet, ...more] });

/** Runs before a page's own scripts: keeps its PeerConnections and sockets, and notes what its policy refused. */
export const probe = `
    window.pcs = [];
    window.sockets = [];
    window.violations = [];
    const keep = (name, list) => {
        window[name] = class extends window[name] {
            constructor(...args) { super(...args); list.push(this); }
        };
    };
    keep('RTCPeerConnection', window.pcs);
    keep('WebSocket', window.sockets);
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        window.violations.push(violatedDirective + ' ' + blockedURI));
    /* What arrives on live m-lines: decoded frames and heard sound. */
    window.received = async () => {
        const found = { video: [], audio: [] };
        for (const pc of window.pcs.filter((one) => one.connectionState === 'connected')) {
            for (const { receiver, currentDirection } of pc.getTransceivers()) {
                if (!/recv/.test(currentDirection ?? ''))
                    continue;
                for (const one of (await receiver.getStats()).values()) {
                    if (one.type === 'inbound-rtp' && one.kind === 'video')
                        found.video.push({ frames: one.framesDecoded, width: one.frameWidth, height: one.frameHeight });
                    if (one.type === 'inbound-rtp' && one.kind === 'audio')
                        found.audio.push({ energy: one.totalAudioEnergy, emitted: one.jitterBufferEmittedCount });
                }
            }
        }
        return found;
    };`;

/** Ask a page again and again, until a function (it may be async) says something true, which is returned. */
export async function until(page, fn, argument = null, timeout = 60000) {
    let last;
    for (const end = Date.now() + timeout; Date.now() < end; await sleep(100)) {
        last = await page.evaluate(fn, argument);
        if (last)
            return last;
    }
    throw new Error(`not within ${timeout} ms: ${fn} (${JSON.stringify(argument)}), last ${JSON.stringify(last)}`);
}

/** Waits until exactly `people` others are seen (10 frames each at least) and heard; says what was received. */
export async function seenAndHeard(page, people, timeout) {
    const both = async (wanted) => {
        const { video, audio } = window.lastReceived = await window.received();
        const enough = video.length === wanted && audio.length === wanted && video.every(({ frames }) => frames >= 10) &&
            audio.every(({ energy, emitted }) => energy > 0 && emitted > 0);
        return enough && { video, audio };
    };
    try {
        return await until(page, both, people, timeout);
    } catch (error) {
        error.message += `; ${JSON.stringify(await page.evaluate(() => window.lastReceived))}`;
        throw error;
    }
}
