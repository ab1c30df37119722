/* SPDX-License-Identifier: MIT */
/* Data channels of a real browser against the echo test: every kind, every size, many, closed and opened again, too much at once;
 * through a videoroom over a line that loses; a textroom with somebody who cannot follow. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from '../lib/browser.mjs';
import { sanitized, start } from '../lib/gateway.mjs';
import { openLink } from '../lib/link.mjs';

let gateway, browser, page;
const links = [];
const line = async () => { links.push(await openLink(gateway)); return links.at(-1); };

before(async () => {
    gateway = await start('stoa:media.workers=1'); /* a link leads to one of them */
    browser = await launch();
    page = await browser.newPage();
    await page.goto(gateway.http.replace('127.0.0.1', 'localhost'));
    await page.evaluate(async () => {
        const { Stoa } = await import('/js/stoa.js');
        const WITHIN_MS = 40000;
        window.until = async (what, fits) => {
            for (const end = performance.now() + WITHIN_MS; !fits();) {
                if (performance.now() > end)
                    throw new Error(`${what}: not within ${WITHIN_MS} ms`);
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
        };
        /* An echo test whose connection has data channels: call(handle.pc) makes them. */
        window.call = async (make) => {
            const stoa = await Stoa.connect(), handle = await stoa.attach('janus.plugin.echotest');
            make(handle.open());
            await handle.offer({});
            return { pc: handle.pc, end() { handle.pc.close(); stoa.close(); } };
        };
        /* All goes by the link: the server's candidate is the link's, and there is no other. */
        window.byLink = ({ type, sdp }, port) => {
            const first = /^a=candidate:\S+ 1 udp .* typ host.*$/mi.exec(sdp)[0].trim();
            const moved = first.replace(/^(a=candidate:\S+ 1 udp \d+) \S+ \d+ /i, `$1 127.0.0.1 ${port} `);
            return { type, sdp: sdp.split('\r\n').flatMap((line) => line === first ? [moved] : /^a=candidate/.test(line) ? [] : [line]).join('\r\n') };
        };
        window.listen = (channel) => {
            channel.binaryType = 'arraybuffer';
            channel.got = [];
            channel.onmessage = ({ data }) => channel.got.push(data);
            return channel;
        };
        window.opened = (channel) => window.until(`${channel.label} opens`, () => channel.readyState === 'open');
        window.echoed = async (channel, data) => {
            const n = channel.got.length;
            channel.send(data);
            await window.until(`an echo on ${channel.label}`, () => channel.got.length > n);
            return channel.got.at(-1);
        };
    });
});
after(async () => { await browser?.close(); await Promise.all(links.map((link) => link.close())); assert.equal((await gateway.stop()).code, 0); });

test('every kind of channel carries text, bytes and nothing at all', async () => {
    const { kinds, longest } = await page.evaluate(async () => {
        const options = { plain: {}, unordered: { ordered: false }, tries: { maxRetransmits: 3 }, once: { ordered: false, maxRetransmits: 0 },
            time: { maxPacketLifeTime: 5000 }, 'said ☂': { protocol: 'json' }, agreed: { negotiated: true, id: 9 }, ['l'.repeat(255)]: { protocol: 'p'.repeat(255) } };
        const channels = [];
        const { pc, end } = await call((pc) => {
            for (const [label, option] of Object.entries(options))
                channels.push(listen(pc.createDataChannel(label, option)));
        });
        const kinds = [];
        for (const channel of channels) {
            await opened(channel);
            const text = await echoed(channel, 'grüße ☂\u0000\u{1f600}'), bytes = new Uint8Array(await echoed(channel, new Uint8Array([0, 255, 7])));
            const empty = await echoed(channel, ''), none = await echoed(channel, new Uint8Array(0));
            kinds.push([channel.label.slice(0, 9), text.endsWith('You wrote: grüße ☂\u0000\u{1f600}'), [...bytes].join(), empty.endsWith('You wrote: '), none.byteLength]);
        }
        const longest = pc.sctp.maxMessageSize;
        end();
        return { kinds, longest };
    });
    assert.equal(longest, 262144);
    assert.equal(kinds.length, 8);
    for (const [label, ...got] of kinds)
        assert.deepEqual(got, [true, '0,255,7', true, 0], label);
});

test('messages of 256 KiB arrive whole, both ways', async () => {
    const result = await page.evaluate(async () => {
        let channel;
        const { end } = await call((pc) => { channel = listen(pc.createDataChannel('big')); });
        await opened(channel);
        const sizes = [];
        for (const size of [65535, 65536, 200000, 262144]) {
            const bytes = Uint8Array.from({ length: size }, (_, i) => i * 131 >> 3 & 255);
            const back = new Uint8Array(await echoed(channel, bytes));
            sizes.push(back.length === size && back.every((byte, i) => byte === bytes[i]));
        }
        const text = 'é'.repeat(131000), back = await echoed(channel, text);
        end();
        return { sizes, text: back.endsWith(text) };
    });
    assert.deepEqual(result, { sizes: [true, true, true, true], text: true });
});

test('a hundred channels work side by side', async () => {
    const echoes = await page.evaluate(async () => {
        const channels = [];
        const { end } = await call((pc) => {
            for (let i = 0; i < 100; i++)
                channels.push(listen(pc.createDataChannel(`channel ${i}`)));
        });
        await Promise.all(channels.map(opened));
        const echoes = await Promise.all(channels.map((channel) => echoed(channel, channel.label)));
        end();
        return echoes.map((text) => text.split(': ')[1]);
    });
    assert.deepEqual(echoes, Array.from({ length: 100 }, (_, i) => `channel ${i}`));
});

test('a closed channel closes on both sides, and its id works again', async () => {
    const { ids, echoes } = await page.evaluate(async () => {
        let stay;
        const ids = [], echoes = [];
        const { pc, end } = await call((pc) => { stay = listen(pc.createDataChannel('stays')); });
        await opened(stay);
        for (let i = 0; i < 5; i++) {
            const channel = listen(pc.createDataChannel(`turn ${i}`));
            await opened(channel);
            ids.push(channel.id);
            echoes.push((await echoed(channel, `${i}`)).at(-1));
            channel.close();
            await until('closed', () => channel.readyState === 'closed'); /* Chromium waits for our reset */
        }
        echoes.push((await echoed(stay, 'still')).split(': ')[1]);
        end();
        return { ids, echoes };
    });
    assert.deepEqual(echoes, ['0', '1', '2', '3', '4', 'still']);
    assert.ok(new Set(ids).size < 5, `ids ${ids}: none was used again`);
});

test('500 messages in a burst keep their order', async () => {
    const order = await page.evaluate(async () => {
        let channel;
        const { end } = await call((pc) => { channel = listen(pc.createDataChannel('burst')); });
        await opened(channel);
        for (let i = 0; i < 500; i++)
            channel.send(`${i}`);
        await until('500 echoes', () => channel.got.length === 500);
        end();
        return channel.got.map((text) => Number(text.split(': ')[1]));
    });
    assert.deepEqual(order, Array.from({ length: 500 }, (_, i) => i));
});

/* The echo is slower than the page: the gateway holds the page back and drops what does not fit, but does not grow. */
test('a flood of 24 MB makes nothing grow, and the channel works on', async () => {
    const peak = () => Number(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1]);
    const before = peak();
    const { sent, last } = await page.evaluate(async () => {
        let channel, got = 0;
        const { end } = await call((pc) => { channel = pc.createDataChannel('flood'); });
        channel.onmessage = ({ data }) => { got = data; };
        await opened(channel);
        const chunk = new Uint8Array(65536);
        let sent = 0;
        while (sent < 24e6) {
            await until('room', () => channel.bufferedAmount < 8e6);
            channel.send(chunk);
            sent += chunk.length;
        }
        await until('all sent', () => channel.bufferedAmount === 0);
        for (let i = 0; !String(got).endsWith('after the flood') && i < 400; i++) {
            channel.send('after the flood');
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const last = String(got);
        end();
        return { sent, last };
    });
    const grown = (peak() - before) / 1024;
    console.log(`${Math.round(sent / 1e6)} MB sent, grown by ${grown.toFixed(1)} MB`);
    assert.ok(last.endsWith('after the flood'), last);
    assert.ok(sanitized || grown < 24, `${grown} MB`);
});

/* A publisher's channels in a videoroom come to those who watch as what they are, and keep what that promises. */
test('over a line that loses, each kind of channel loses what it may, and no more', async () => {
    const N = 180, LEN = 200, link = await line();
    const shown = await page.evaluate(async (port) => {
        const { Stoa } = await import('/js/stoa.js');
        const stoa = await Stoa.connect(), room = 1234, kinds = { sure: {}, wild: { ordered: false }, pen: { ordered: false, maxRetransmits: 0, protocol: 'ink' },
            row: { maxRetransmits: 0 }, soon: { maxPacketLifeTime: 150 } };
        const out = await stoa.attach('janus.plugin.videoroom'), into = await stoa.attach('janus.plugin.videoroom');
        const { data: { id: feed } } = await out.message({ request: 'join', ptype: 'publisher', room });
        out.open();
        const channels = Object.entries(kinds).map(([label, option]) => listen(out.pc.createDataChannel(label, option)));
        await out.offer({ request: 'publish' });
        await Promise.all(channels.map(opened));
        const { jsep } = await into.message({ request: 'join', ptype: 'subscriber', room, streams: [{ feed }] });
        const got = {};
        into.open();
        into.pc.addIceCandidate = async () => {};
        into.pc.ondatachannel = ({ channel }) => { got[channel.label] = listen(channel); };
        await into.answer(byLink(jsep, port), { request: 'start' });
        await until('the connection is up', () => into.pc.connectionState === 'connected');
        for (const channel of channels) {
            for (; !got[channel.label]?.got.length; await new Promise((resolve) => setTimeout(resolve, 50)))
                channel.send('hello');
        }
        await new Promise((resolve) => setTimeout(resolve, 300));
        window.wire = { stoa, channels, got };
        return Object.values(got).map(({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime }) => [label, protocol, ordered, maxRetransmits, maxPacketLifeTime]);
    }, link.port);
    assert.deepEqual(Object.fromEntries(shown.map(([label, ...kind]) => [label, kind])), { sure: ['', true, null, null], wild: ['', false, null, null],
        pen: ['ink', false, 0, null], row: ['', true, 0, null], soon: ['', true, null, 150] });
    link.down({ loss: 0.1, delay: 20 });
    const came = await page.evaluate(async ([N, LEN]) => {
        const { stoa, channels, got } = window.wire;
        Object.values(got).forEach((channel) => { channel.got = []; });
        for (let i = 0; i < N; i++) {
            for (const channel of channels)
                channel.send(`${i} `.padEnd(LEN, '.'));
            await new Promise((resolve) => setTimeout(resolve, 15));
        }
        await until('what must come', () => got.sure.got.length >= N && got.wild.got.length >= N);
        await new Promise((resolve) => setTimeout(resolve, 500));
        const came = Object.fromEntries(Object.values(got).map((channel) => [channel.label, channel.got.map((text) => parseInt(text, 10))]));
        stoa.close();
        return came;
    }, [N, LEN]);
    const all = Array.from({ length: N }, (_, i) => i), sorted = (list) => [...list].sort((a, b) => a - b);
    console.log(Object.entries(came).map(([label, { length }]) => `${label} ${length}`).join(', '), `of ${N}`);
    assert.deepEqual(came.sure, all);
    assert.deepEqual(sorted(came.wild), all);
    assert.notDeepEqual(came.wild, all, 'what did not wait for what was lost came before it');
    for (const label of ['pen', 'row', 'soon'])
        assert.equal(new Set(came[label]).size, came[label].length, `${label}: nothing comes twice`);
    for (const label of ['row', 'soon'])
        assert.deepEqual(came[label], sorted(came[label]), label);
    for (const label of ['pen', 'row'])
        assert.ok(came[label].length < N - 3 && came[label].length > N / 3, `${label}: ${came[label].length} of ${N}`);
});

test('who is too slow for a textroom is told where the gap is, and comes back to the history', async () => {
    const N = 70, link = await line();
    const before = await page.evaluate(async ([port, N]) => {
        const { Stoa } = await import('/js/stoa.js');
        const stoa = await Stoa.connect(), room = 4711;
        const enter = async (username, by) => {
            const handle = await stoa.attach('janus.plugin.textroom'), pc = handle.open();
            const { jsep } = await handle.message({ request: 'setup' });
            if (by)
                pc.addIceCandidate = async () => {};
            const channel = listen(pc.createDataChannel('chat'));
            await handle.answer(by ? byLink(jsep, by) : jsep, { request: 'ack' });
            await opened(channel);
            const all = () => channel.got.map((text) => JSON.parse(text)), say = (textroom, more) => channel.send(JSON.stringify({ textroom, transaction: 't', room, username, ...more }));
            return { all, say, channel, has: (fits) => until(`${username} hears`, () => all().some(fits)) };
        };
        await (await stoa.attach('janus.plugin.textroom')).message({ request: 'create', room, history: 10 });
        const ana = await enter('ana'), ben = await enter('ben', port);
        for (const one of [ana, ben]) {
            one.say('join');
            await one.has(({ textroom }) => textroom === 'success');
        }
        Object.assign(window, { ana, ben, textStoa: stoa });
        window.flood = async () => {
            for (let i = 0; i < N; i++) {
                await until('the message before', () => i < 2 || ana.channel.got.some((text) => text.includes(`"${i - 2} .`))); /* or she were too slow herself */
                ana.say('message', { text: `${i} `.padEnd(100000, '.'), ack: false });
            }
            await ana.has(({ textroom, username }) => textroom === 'leave' && username === 'ben');
            ana.say('exists', { transaction: 'end' });
            await ana.has(({ transaction }) => transaction === 'end'); /* all was read */
        };
        return ben.all().length;
    }, [link.port, N]);
    link.down({ loss: 1 });
    await page.evaluate(() => window.flood());
    link.down({ loss: 0 });
    const { numbers, last, again } = await page.evaluate(async (before) => {
        const { ben } = window;
        await ben.has(({ textroom, username }) => textroom === 'leave' && username === 'ben');
        const read = ben.all().slice(before), number = ({ text }) => parseInt(text, 10);
        ben.say('join');
        await until('ben is back', () => ben.all().slice(before + read.length).some(({ textroom }) => textroom === 'success'));
        const again = ben.all().slice(before + read.length).filter(({ textroom }) => textroom === 'message').map(number);
        window.textStoa.close();
        return { numbers: read.slice(0, -1).map(number), last: read.at(-1), again };
    }, before);
    assert.deepEqual([last.textroom, last.username, last.reason], ['leave', 'ben', 'too_slow']);
    assert.ok(numbers.length >= 20 && numbers.length < N, `${numbers.length} of ${N} were read`);
    assert.deepEqual(numbers, Array.from(numbers, (_, i) => i), 'all there was before the gap, in order');
    assert.deepEqual(again, Array.from({ length: 10 }, (_, i) => N - 10 + i));
});
