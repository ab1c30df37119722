/* SPDX-License-Identifier: MIT */
/* What the voices of Chromium look like on their way: redundant audio between two pages, and a room that does without. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fakeMedia, launch, probe, seenAndHeard, until } from '../lib/browser.mjs';
import { start } from '../lib/gateway.mjs';

let gateway, browser;

before(async () => {
    gateway = await start('videoroom:room-5678.opus_red=false');
    browser = await launch(...fakeMedia);
});
after(async () => { await browser?.close(); assert.equal((await gateway.stop()).code, 0); });

async function join(name, room) {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(60000);
    await page.addInitScript(probe);
    await page.goto(`${gateway.http.replace('127.0.0.1', 'localhost')}/videoroom.html?room=${room}`);
    await page.fill('#name', name);
    await page.click('#join');
    return page;
}

/* Two talk for 100 packets: how many bytes one of them holds, and what both sides of both connections said of audio. */
async function talk(room) {
    const [ana, ben] = [await join('Ana', room), await join('Ben', room)];
    await Promise.all([ana, ben].map((page) => seenAndHeard(page, 1)));
    const heard = await until(ben, async () => {
        for (const pc of window.pcs) {
            for (const one of (await pc.getStats()).values()) {
                if (one.type === 'inbound-rtp' && one.kind === 'audio' && one.packetsReceived >= 100)
                    return one.bytesReceived / one.packetsReceived;
            }
        }
        return null;
    });
    const said = await ben.evaluate(() => window.pcs.map(({ localDescription, remoteDescription }) =>
        [localDescription, remoteDescription].map(({ sdp }) => sdp.match(/^m=audio[^]*?(?=^m=|(?![^]))/m)[0])));
    await Promise.all([ana, ben].map((page) => page.context().close()));
    return { heard, said };
}

const carriesRed = (text) => {
    const [, pt] = text.match(/^a=rtpmap:(\d+) red\/48000\/2/m) ?? [];
    return pt !== undefined && new RegExp(`^a=fmtp:${pt} (\\d+)/\\1`, 'm').test(text);
};

test('each frame of a voice comes twice where a room asks for it, and once where it does not', async () => {
    const [twice, once] = await Promise.all([talk(1234), talk(5678)]);
    console.log(`${twice.heard.toFixed(0)} bytes a packet, ${once.heard.toFixed(0)} without redundancy`);
    assert.ok(twice.said.flat().every(carriesRed), JSON.stringify(twice.said));
    assert.deepEqual(once.said.map(([local, remote]) => [local, remote].every(carriesRed)), [false, false]);
    assert.ok(twice.heard > 1.5 * once.heard, `${twice.heard} and ${once.heard} bytes`);
});
