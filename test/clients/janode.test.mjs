/* SPDX-License-Identifier: MIT */
/* Janode as it comes from npm: echotest and videoroom, signaling with a browser's offer. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import Janode from 'janode';
import EchoTest from 'janode/plugins/echotest';
import VideoRoom from 'janode/plugins/videoroom';
import { start, tree } from '../lib/gateway.mjs';

const jsep = { type: 'offer', sdp: readFileSync(`${tree}/test/fixtures/sdp/chromium-audio-video.sdp`, 'utf8') };
let gateway, connection, session;
before(async () => {
    gateway = await start();
    connection = await Janode.connect({ is_admin: false, address: [{ url: gateway.websocket }] });
    session = await connection.create();
});
after(async () => {
    await connection?.close();
    assert.equal((await gateway.stop()).code, 0);
});

test('an echo is answered, and detached from', async () => {
    const handle = await session.attach(EchoTest);
    const { jsep: answer } = await handle.start({ audio: true, video: true, jsep });
    assert.equal(answer.type, 'answer');
    assert.match(answer.sdp, /a=fingerprint:sha-256/);
    await handle.detach();
});

test('a room is made, joined, published to, listed and destroyed', async () => {
    const owner = await session.attach(VideoRoom);
    const room = 77, secret = 'x', pin = 'p';
    assert.equal((await owner.create({ room, secret, pin, max_publishers: 4, videocodec: 'vp8' })).room, room);
    assert.equal((await owner.exists({ room })).exists, true);
    await assert.rejects(owner.joinPublisher({ room, display: 'Ana' }), /429/);
    const joined = await owner.joinPublisher({ room, pin, display: 'Ana', feed: 5 });
    assert.equal(joined.feed, 5);
    assert.deepEqual(joined.publishers, []);
    assert.equal((await owner.publish({ jsep })).jsep.type, 'answer');
    const other = await session.attach(VideoRoom);
    await assert.rejects(other.joinSubscriber({ room, pin, streams: [{ feed: 5 }] }), /428/, 'no media of feed 5 came up');
    await other.joinPublisher({ room, pin, display: 'Ben' });
    assert.equal((await owner.listParticipants({ room, secret })).participants.length, 2);
    await assert.rejects(owner.destroy({ room, secret: 'wrong' }), /433/);
    const destroyed = new Promise((resolve) => other.once(VideoRoom.EVENT.VIDEOROOM_DESTROYED, resolve));
    await owner.destroy({ room, secret });
    assert.equal((await destroyed).room, room);
});
