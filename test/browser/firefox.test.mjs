/* SPDX-License-Identifier: MIT */
/* Firefox, by itself and with Chromium in one room, in a namespace: it never connects over loopback. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, settle } from '../lib/audience.mjs';
import * as chromium from '../lib/browser.mjs';
import * as firefox from '../lib/firefox.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { inside, lacking } from '../lib/namespace.mjs';

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

    const tabs = async () => [await fox.open(), await chrome.newPage()];

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
        await Promise.all([red, blue].map((tab) => tab.close()));
    });

    test('a simulcast of Firefox in Chromium, and one of Chromium in Firefox, each encoding as asked for', async (t) => {
        const pair = await tabs();
        for (const tab of pair)
            await settle(tab, gateway);
        for (const [from, to, size] of [[...pair, { width: 640, height: 480 }], [...[...pair].reverse(), { width: 960, height: 540 }]]) { /* Chromium sends no third of less */
            const feed = await from.evaluate((wanted) => window.hall.publish(wanted), { ...size, fps: 15, codec: 'vp8',
                encodings: [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }] });
            await to.evaluate((streams) => window.hall.watch(streams), [{ feed }]);
            const { width } = await from.evaluate(() => window.hall.track.getSettings());
            for (const [substream, wanted] of [[2, width], [0, width / 4], [1, width / 2], [2, width]]) {
                const took = await to.evaluate(async (which) => {
                    const since = performance.now();
                    await window.hall.subscriber.message({ request: 'configure', streams: [{ mid: '0', substream: which }] });
                    return since;
                }, substream);
                const at = await chromium.until(to, async (pixels) => {
                    const seen = await window.hall.received();
                    return seen.width === pixels && seen;
                }, wanted);
                await chromium.until(to, async (frames) => (await window.hall.received()).decoded >= frames, at.decoded + 10);
                t.diagnostic(`${from === pair[0] ? 'of Firefox' : 'of Chromium'}: ${wanted} wide after ${Math.round(at.at - took)} ms`);
            }
            await Promise.all([from, to].map((tab) => tab.evaluate(() => [window.hall.sending, window.hall.receiving].forEach((pc) => pc?.close()))));
        }
        await Promise.all(pair.map((tab) => tab.close()));
    });

    test('in Firefox, too, there is a picture soon: resumed, unmuted, of another feed, and for who comes late', async (t) => {
        const [red, blue] = await tabs(), green = await chrome.newPage(), took = { resume: [], unmute: [], switch: [], late: [] };
        for (const tab of [red, blue, green])
            await settle(tab, gateway);
        const widths = [320, 240], feeds = [await blue.evaluate((wanted) => window.hall.publish(wanted), { width: 320, height: 180, fps: 15, codec: 'vp8' }),
            await green.evaluate((wanted) => window.hall.publish(wanted), { width: 240, height: 136, fps: 15, codec: 'vp8', display: 'Dan' })];
        const pause = async (body) => {
            await red.evaluate((request) => window.hall.subscriber.message(request), body);
            await chromium.until(red, async () => { /* what was on its way has been shown */
                const shown = window.hall.frames.length;
                await new Promise((resolve) => setTimeout(resolve, 400));
                return window.hall.frames.length === shown;
            });
        };
        const send = (on) => ({ request: 'configure', streams: [{ mid: '0', send: on }] });
        for (let i = 0; i < 3; i++) {
            await red.evaluate((streams) => window.hall.watch(streams), [{ feed: feeds[0] }]);
            took.late.push(await chromium.until(red, () => {
                const first = window.hall.frames.find((one) => one.width === 320);
                return first && Math.round(first.at - window.hall.since);
            }));
            for (let j = 1; j <= 2; j++) {
                await pause({ request: 'pause' });
                took.resume.push(await ask(red, 'subscriber', { request: 'start' }));
                await pause(send(false));
                took.unmute.push(await ask(red, 'subscriber', send(true)));
                took.switch.push(await ask(red, 'subscriber', { request: 'switch', streams: [{ feed: feeds[j % 2], mid: '0', sub_mid: '0' }] }, widths[j % 2]));
            }
            await red.evaluate(() => {
                window.hall.receiving.close();
                return new Promise((resolve) => setTimeout(resolve, 500)); /* no keyframe is fresh for the next */
            });
        }
        for (const [what, list] of Object.entries(took)) {
            const sorted = [...list].sort((a, b) => a - b);
            t.diagnostic(`${what}: ${list.join(' ')} ms`);
            assert.ok(sorted[list.length >> 1] <= 700 * slow && sorted.at(-1) <= 2000 * slow, `${what}: ${list} ms`);
        }
        await Promise.all([red, blue, green].map((tab) => tab.close()));
    });

    test('a call of Firefox goes on through ICE restarts, its own and the server\'s', async () => {
        const pair = await tabs(), [red, blue] = pair;
        for (const tab of pair)
            await settle(tab, gateway);
        const [ours, theirs] = await Promise.all(pair.map((tab) => tab.evaluate((wanted) => window.hall.publish(wanted), { width: 320, height: 240, fps: 15, codec: 'vp8' })));
        await red.evaluate((streams) => window.hall.watch(streams), [{ feed: theirs }]);
        await blue.evaluate((streams) => window.hall.watch(streams), [{ feed: ours }]);
        const flows = async (tab) => {
            const { decoded } = await tab.evaluate(() => window.hall.received());
            await chromium.until(tab, async (frames) => (await window.hall.received()).decoded >= frames, decoded + 10);
        };
        const ufrags = () => red.evaluate(() => [window.hall.sending, window.hall.receiving].map((pc) => pc.localDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1]));
        await flows(red);
        await flows(blue);
        for (let round = 0; round < 2; round++) {
            const before = await ufrags();
            await red.evaluate(async () => {
                const { publisher, subscriber } = window.hall;
                await publisher.offer({ request: 'configure' }, { restart: true });
                const { jsep } = await subscriber.message({ request: 'configure', restart: true });
                await subscriber.answer(jsep, { request: 'start' });
            });
            (await ufrags()).forEach((now, i) => assert.notEqual(now, before[i]));
            await chromium.until(red, () => [window.hall.sending, window.hall.receiving].every(({ iceConnectionState }) => /connected|completed/.test(iceConnectionState)));
            await flows(red);
            await flows(blue);
        }
        await Promise.all(pair.map((tab) => tab.close()));
    });

    /* A handle with data channels, for both of the next tests. */
    async function talk(tab) {
        await tab.goto(page('/'));
        await tab.evaluate(async () => {
            const { Stoa } = await import('/js/stoa.js');
            window.stoa = await Stoa.connect();
            window.until = async (what, fits) => {
                for (const end = performance.now() + 40000; !fits(); await new Promise((resolve) => setTimeout(resolve, 20)))
                    if (performance.now() > end)
                        throw new Error(`${what}: not within 40 s`);
            };
            window.listen = (channel) => {
                Object.assign(channel, { binaryType: 'arraybuffer', got: [], onmessage: ({ data }) => channel.got.push(data) });
                return channel;
            };
        });
        return tab;
    }

    test('data channels of Firefox: every kind, and 256 KiB at once', async () => {
        const tab = await talk(await fox.open());
        const kinds = await tab.evaluate(async () => {
            const options = { plain: {}, unordered: { ordered: false }, tries: { maxRetransmits: 3 }, time: { maxPacketLifeTime: 5000 },
                'said ☂': { protocol: 'json' }, agreed: { negotiated: true, id: 9 } };
            const handle = await window.stoa.attach('stoa.plugin.echotest'), pc = handle.open();
            const channels = Object.entries(options).map(([label, option]) => window.listen(pc.createDataChannel(label, option)));
            await handle.offer({});
            const echoed = async (channel, data) => {
                const n = channel.got.length;
                channel.send(data);
                await window.until(`an echo on ${channel.label}`, () => channel.got.length > n);
                return channel.got[n];
            };
            const big = Uint8Array.from({ length: 262144 }, (_, i) => i * 131 >> 3 & 255), kinds = [];
            for (const channel of channels) {
                await window.until(`${channel.label} opens`, () => channel.readyState === 'open');
                const text = await echoed(channel, 'grüße ☂'), bytes = new Uint8Array(await echoed(channel, new Uint8Array([0, 255, 7])));
                kinds.push([channel.label, text.endsWith('You wrote: grüße ☂'), [...bytes].join()]);
            }
            const back = new Uint8Array(await echoed(channels[0], big));
            kinds.push(['whole', back.length === big.length && back.every((byte, i) => byte === big[i])]);
            return kinds;
        });
        assert.equal(kinds.length, 7);
        for (const [label, ...got] of kinds)
            assert.deepEqual(got, label === 'whole' ? [true] : [true, '0,255,7'], label);
        await tab.close();
    });

    test('Firefox and Chromium write to each other in a textroom', async () => {
        const pair = await Promise.all((await tabs()).map(talk)), [red, blue] = pair;
        const enter = (tab, username) => tab.evaluate(async (name) => {
            const handle = await window.stoa.attach('stoa.plugin.textroom');
            const { jsep } = await handle.message({ request: 'setup' });
            const channel = window.channel = window.listen(handle.open().createDataChannel('JanusDataChannel'));
            await handle.answer(jsep, { request: 'ack' });
            await window.until('the channel opens', () => channel.readyState === 'open');
            window.says = (fits) => channel.got.map((text) => JSON.parse(text)).find(fits);
            window.ask = async (verb, more) => {
                const transaction = crypto.randomUUID();
                channel.send(JSON.stringify({ textroom: verb, transaction, room: 1234, ...more }));
                await window.until(`an answer to ${verb}`, () => window.says((one) => one.transaction === transaction));
                return window.says((one) => one.transaction === transaction);
            };
            return window.ask('join', { username: name });
        }, username);
        for (const [tab, name] of [[red, 'fox'], [blue, 'chrome']])
            assert.equal((await enter(tab, name)).textroom, 'success');
        const hears = (tab, from, text, whisper) => chromium.until(tab, ([who, what, only]) =>
            window.says((one) => one.textroom === 'message' && one.from === who && one.text === what && Boolean(one.whisper) === only), [from, text, whisper]);
        for (const [tab, other, name, to] of [[red, blue, 'fox', 'chrome'], [blue, red, 'chrome', 'fox']]) {
            assert.equal((await tab.evaluate(() => window.ask('message', { text: 'à tous ☂' }))).textroom, 'success');
            await hears(tab, name, 'à tous ☂', false);
            await hears(other, name, 'à tous ☂', false);
            assert.equal((await tab.evaluate((who) => window.ask('message', { text: 'to you', to: who }), to)).sent[to], true);
            await hears(other, name, 'to you', true);
        }
        await red.close();
        await chromium.until(blue, () => window.says((one) => one.textroom === 'leave' && one.username === 'fox'));
        await blue.close();
    });
}

if (place.inside)
    tests();
else if (place.why)
    lacking('Firefox', place.why);
