/* SPDX-License-Identifier: MIT */
/* Rooms of peers who say themselves what their m-lines are: for what the helpers of peers.mjs leave out. */
import assert from 'node:assert/strict';
import { enter } from './peers.mjs';
import { readLines } from './rtp.mjs';

/** Somebody publishes m-lines (see Peer.describe) in a room of their own, over a link (link.mjs) if there is one. */
export async function publishLines(gateway, peers, lines, settings = {}, link) {
    const who = await enter(gateway), handle = await who.attach('videoroom'), peer = await peers.open();
    const { plugindata: { data: { room } } } = await who.ask('message', handle, { body: { request: 'create', ...settings } });
    const answer = await who.message(handle, { request: 'joinandconfigure', ptype: 'publisher', room }, peer.describe('offer', 'actpass', lines));
    assert.ok(answer.jsep, JSON.stringify(answer.plugindata));
    await peer.remote(link ? link.through(answer.jsep) : answer.jsep, true);
    return { who, handle, peer, room, feed: answer.plugindata.data.id, lines: readLines(answer.jsep.sdp) };
}

/** Somebody watches all of it, over a link if there is one; `take` says which formats and lines of an offered m-line are answered, `wish` what else is
    wanted of the streams. */
export async function watchLines(gateway, peers, { room, feed }, take, wish = {}, link) {
    const who = await enter(gateway), handle = await who.attach('videoroom'), peer = await peers.open();
    const { jsep } = await who.message(handle, { request: 'join', ptype: 'subscriber', room, streams: [{ feed, ...wish }] });
    const offered = readLines(jsep.sdp);
    peer.hear();
    await who.message(handle, { request: 'start' }, peer.describe('answer', 'active', offered.map((line) => ({ ...line, direction: 'recvonly', ...take(line) }))));
    await peer.remote(link ? link.through(jsep) : jsep, false);
    return { who, handle, peer, offered };
}

const rtpmaps = (line, names) => names.flatMap((name) => line.text.match(new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):${line.pt[name]} .*?(?=\\r?$)`, 'gm')));

/** Takes these codecs of an offered m-line, and no extension. */
export const only = (...names) => (line) => ({ formats: names.map((name) => line.pt[name]).join(' '), lines: rtpmaps(line, names) });

export const leave = (...all) => all.forEach(({ peer, who }) => { peer.close(); who.leave(); });
