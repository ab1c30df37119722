/* SPDX-License-Identifier: MIT */
/* Janode as it comes from npm, as the signaling of an application whose media lives in Chromium. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import Janode from 'janode';
import EchoTest from 'janode/plugins/echotest';
import VideoRoom from 'janode/plugins/videoroom';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { start } from '../lib/gateway.mjs';

const script = readFileSync(new URL('janode-page.js', import.meta.url), 'utf8');
const { EVENT } = VideoRoom;
let gateway, connection, session, browser, tab;

before(async () => {
    gateway = await start();
    connection = await Janode.connect({ is_admin: false, address: [{ url: gateway.websocket }] });
    session = await connection.create();
    browser = await launch(...fakeMedia);
    tab = await browser.newPage();
    await tab.addInitScript(script);
    await tab.goto(gateway.http.replace('127.0.0.1', 'localhost'));
});
after(async () => {
    await browser?.close();
    await connection?.close();
    assert.equal((await gateway.stop()).code, 0);
});

const offer = (name) => tab.evaluate((one) => window.offer(one), name);
const answer = (name, { type, sdp }) => tab.evaluate((args) => window.answer(args), [name, { type, sdp }]);
const accept = (name, { type, sdp }) => tab.evaluate((args) => window.accept(args), [name, { type, sdp }]);
const arrived = (name, which) => tab.evaluate((args) => window.arrived(args), [name, which]);
const isHeard = (name) => until(tab, async (args) => await window.arrived(args) > 0, [name, 'audio']);

async function goesOn(name, which) {
    const before = await arrived(name, which);
    await until(tab, async ([one, mid, from]) => await window.arrived([one, mid]) > from + 10, [name, which, before]);
}

async function stands(name, which) {
    await until(tab, async (args) => {
        const from = await window.arrived(args);
        await new Promise((resolve) => setTimeout(resolve, 700));
        return await window.arrived(args) === from;
    }, [name, which]);
}

/* The next event of a handle that fits. */
const event = (handle, name, fits = () => true) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} within 60 s`)), 60000);
    const take = (data) => {
        if (!fits(data))
            return;
        clearTimeout(timer);
        handle.off(name, take);
        resolve(data);
    };
    handle.on(name, take);
});

test('an echo is seen, heard, muted and let go', async () => {
    const handle = await session.attach(EchoTest);
    const up = event(handle, Janode.EVENT.HANDLE_WEBRTCUP);
    const { jsep } = await handle.start({ audio: true, video: true, jsep: await offer('echo') });
    await accept('echo', jsep);
    await up;
    await goesOn('echo', 'video');
    await isHeard('echo');
    await until(tab, () => window.pcs.echo.data.readyState === 'open');
    await tab.evaluate(() => window.pcs.echo.data.send('hello stoa'));
    await until(tab, () => /hello stoa/.test(window.pcs.echo.text));
    assert.equal((await handle.start({ audio: true, video: false, jsep: await offer('echo') })).result, 'ok');
    await stands('echo', 'video');
    const ends = [event(handle, EchoTest.EVENT.ECHOTEST_RESULT, ({ result }) => result === 'done'), event(handle, Janode.EVENT.HANDLE_HANGUP)];
    await handle.hangup();
    assert.equal((await Promise.all(ends))[1].reason, 'Janus API');
    await handle.detach();
});

test('rooms are made, listed, guarded and destroyed', async () => {
    const [owner, guest] = [await session.attach(VideoRoom), await session.attach(VideoRoom)];
    const room = 77, secret = 's', pin = 'p';
    assert.deepEqual(await owner.create({ room, secret, pin, description: 'Seven', max_publishers: 2, bitrate: 256000, talking_events: true,
        notify_joining: true, videocodec: 'vp8,h264', fir_freq: 10 }), { room, permanent: false });
    await assert.rejects(owner.create({ room }), /^Error: 427 /);
    assert.deepEqual(await owner.exists({ room }), { room, exists: true });
    assert.deepEqual(await owner.exists({ room: 78 }), { room: 78, exists: false });
    const { list } = await owner.list();
    const { audio_active_packets: packets, audio_level_average: level, ...rest } = list.find((one) => one.room === room);
    assert.deepEqual([packets, level], [100, 25]);
    assert.deepEqual(rest, { room, description: 'Seven', pin_required: true, is_private: false, max_publishers: 2, bitrate: 256000, fir_freq: 10,
        require_pvtid: false, require_e2ee: false, dummy_publisher: false, notify_joining: true, audiocodec: 'opus', videocodec: 'vp8,h264',
        opus_fec: true, record: false, lock_record: false, num_participants: 0, audiolevel_ext: true, audiolevel_event: true,
        videoorient_ext: true, playoutdelay_ext: true, transport_wide_cc_ext: true });
    await assert.rejects(guest.joinPublisher({ room, display: 'Ana' }), /^Error: 429 /);
    await assert.rejects(guest.joinPublisher({ room, pin: 'q', display: 'Ana' }), /^Error: 433 /);
    await assert.rejects(owner.allow({ room, action: 'enable' }), /^Error: 429 /);
    assert.deepEqual(await owner.allow({ room, secret, action: 'enable' }), { room, list: [] });
    assert.deepEqual(await owner.allow({ room, secret, action: 'add', list: ['t'] }), { room, list: ['t'] });
    await assert.rejects(guest.joinPublisher({ room, pin, display: 'Ana' }), /^Error: 433 /);
    const joined = await guest.joinPublisher({ room, pin, token: 't', feed: 5, display: 'Ana' });
    assert.ok(Number.isInteger(joined.private_id));
    assert.deepEqual({ ...joined, private_id: 0 }, { room, feed: 5, description: 'Seven', private_id: 0, publishers: [], display: 'Ana' });
    assert.deepEqual(await owner.allow({ room, secret, action: 'remove', list: ['t'] }), { room, list: [] });
    await owner.message({ request: 'allowed', room, secret, action: 'disable' });
    const coming = event(guest, EVENT.VIDEOROOM_PUB_PEER_JOINED);
    await owner.joinPublisher({ room, pin, feed: 6, display: 'Ben' });
    assert.deepEqual(await coming, { room, feed: 6, display: 'Ben' });
    await assert.rejects(owner.unpublish(), /^Error: 435 /);
    const named = event(guest, EVENT.VIDEOROOM_DISPLAY);
    await owner.configure({ display: 'Bea' });
    assert.deepEqual(await named, { room, feed: 6, display: 'Bea' });
    assert.deepEqual((await owner.listParticipants({ room, secret })).participants,
        [{ feed: 5, display: 'Ana', publisher: false }, { feed: 6, display: 'Bea', publisher: false }]);
    assert.deepEqual(await owner.listForward({ room, secret }), { room, forwarders: [] });
    await assert.rejects(owner.enable_recording({ room, secret, record: true }), /^Error: 423 /);
    await owner.message({ request: 'edit', room, secret, new_description: 'Eight', new_publishers: 9 });
    assert.deepEqual((await owner.list()).list.filter((one) => one.room === room).map((one) => [one.description, one.max_publishers]), [['Eight', 9]]);
    const left = event(guest, EVENT.VIDEOROOM_LEAVING);
    assert.equal((await owner.leave()).feed, 6);
    assert.deepEqual(await left, { room, feed: 6, display: 'Bea' });
    await assert.rejects(owner.destroy({ room, secret: 'wrong' }), /^Error: 433 /);
    const end = event(guest, EVENT.VIDEOROOM_DESTROYED);
    assert.deepEqual(await owner.destroy({ room, secret }), { room });
    assert.deepEqual(await end, { room });
    await Promise.all([owner.detach(), guest.detach()]);
});

test('two publish, one subscribes, switches, pauses, is moderated, and sees a kick', async () => {
    const [ana, ben, cem] = await Promise.all([0, 0, 0].map(() => session.attach(VideoRoom)));
    const room = 79;
    await ana.create({ room, max_publishers: 2 });
    await ben.joinPublisher({ room, feed: 2, display: 'Ben' });
    const anaUp = event(ben, EVENT.VIDEOROOM_PUB_LIST);
    const { jsep, feed } = await ana.joinConfigurePublisher({ room, feed: 1, display: 'Ana', jsep: await offer('ana') });
    assert.equal(feed, 1);
    await accept('ana', jsep);
    const [published] = (await anaUp).publishers;
    assert.deepEqual([published.feed, published.display, published.audiocodec, published.videocodec], [1, 'Ana', 'opus', 'vp8']);
    assert.deepEqual(published.streams.map(({ type, mindex, mid }) => [type, mindex, mid]), [['audio', 0, '0'], ['video', 1, '1'], ['data', 2, '2']]);

    const benUp = event(ana, EVENT.VIDEOROOM_PUB_LIST);
    await accept('ben', (await ben.publish({ jsep: await offer('ben') })).jsep);
    await benUp;
    assert.deepEqual((await ana.listParticipants({ room })).participants.map(({ publisher }) => publisher), [true, true]);

    const attached = await cem.joinListener({ room, streams: [{ feed: 1 }] });
    assert.deepEqual(attached.streams.map(({ type, active, feed_id: of, feed_mid: mid }) => [type, active, of, mid]),
        [['audio', true, 1, '0'], ['video', true, 1, '1'], ['data', true, 1, '2']]);
    assert.equal((await cem.start({ jsep: await answer('cem', attached.jsep) })).started, 'ok');
    await goesOn('cem', '1');
    await isHeard('cem');

    const switched = await cem.switch({ streams: [{ feed: 2, mid: '1', sub_mid: '1' }] });
    assert.deepEqual(switched.streams.map(({ feed_id: of }) => of), [1, 2, 1]);
    await goesOn('cem', '1');
    await cem.pause();
    await stands('cem', '1');
    await cem.start({});
    await goesOn('cem', '1');

    const mute = (on) => ana.message({ request: 'moderate', room, id: 2, mid: '1', mute: on });
    await mute(true);
    await stands('cem', '1');
    await mute(false);
    await goesOn('cem', '1');

    const added = await cem.update({ subscribe: [{ feed: 1, mid: '1' }], unsubscribe: [{ sub_mid: '0' }] });
    const again = added.streams.find(({ feed_id: of, feed_mid: mid }) => of === 1 && mid === '1');
    await cem.start({ jsep: await answer('cem', added.jsep) });
    await goesOn('cem', again.mid);
    assert.equal((await cem.configure({ streams: [{ mid: again.mid, send: false }] })).configured, 'ok');
    await stands('cem', again.mid);
    const restart = await cem.configure({ restart: true });
    await cem.start({ jsep: await answer('cem', restart.jsep) });
    await goesOn('cem', '1');

    const [updated, gone] = [event(cem, EVENT.VIDEOROOM_UPDATED), event(ben, EVENT.VIDEOROOM_UNPUBLISHED)];
    assert.equal((await ana.unpublish()).feed, 1);
    assert.deepEqual(await gone, { room, feed: 1, display: 'Ana' });
    assert.deepEqual((await updated).streams.filter(({ active }) => active).map(({ feed_id: of }) => of), [2]);
    const kicked = [event(ana, EVENT.VIDEOROOM_KICKED), event(ben, EVENT.VIDEOROOM_LEAVING), event(ben, Janode.EVENT.HANDLE_HANGUP)];
    await ana.kick({ room, feed: 2 });
    const [told, own] = await Promise.all(kicked);
    assert.equal(told.feed, 2);
    assert.deepEqual(own, { room, feed: 2, reason: 'kicked' });
    await ana.destroy({ room });
    await Promise.all([ana, ben, cem].map((one) => one.detach()));
});
