/* SPDX-License-Identifier: MIT */
/* People with real PeerConnections (ICE, DTLS, SRTP), much faster than browsers: test/tools/peers does the transport, this the signaling. */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary, connect, slow, tree } from './gateway.mjs';
import { readRtcp } from './rtcp.mjs';
import { readRtp, writeRtp } from './rtp.mjs';

const program = join(binary, '../test/peers');
const OPUS = 111;

/** The clock of the helper's times, in ms. */
export const clock = () => Number(process.hrtime.bigint()) / 1e6;

/** Start the helper; stop() it at the end. */
export function startPeers({ srtp } = {}) {
    execFileSync('make', ['-s', '-C', join(tree, 'test/tools/peers'), `OUT=${program}`], { stdio: ['ignore', 'inherit', 'inherit'] });
    const child = spawn(program, srtp ? [srtp] : [], { stdio: ['pipe', 'pipe', 'inherit'] });
    const peers = new Map();
    let last = 0;
    createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text);
        peers.get(line.id)?.take(line);
    });
    const tell = (id, what, more) => child.stdin.write(`${JSON.stringify({ do: what, id, ...more })}\n`);
    return {
        stop: () => child.stdin.end(),
        async open() {
            const peer = new Peer(++last, tell, () => peers.delete(peer.id));
            peers.set(peer.id, peer);
            await peer.ask('open', 'transport');
            return peer;
        },
    };
}

class Peer {
    constructor(id, tell, forget) {
        Object.assign(this, { id, tell, forget, waiting: [], ssrc: 1000 + id });
        this.up = new Promise((resolve, reject) => { this.isUp = resolve; this.isLost = reject; });
        this.up.catch(() => {});
    }

    take(line) {
        if (line.transport)
            Object.assign(this, line);
        if (line.up)
            this.isUp();
        if (line.failed)
            this.isLost(new Error(line.failed));
        this.waiting = this.waiting.filter(({ key, resolve }) => !(key in line && (resolve(line), true)));
    }

    ask(what, key, more) {
        return new Promise((resolve) => {
            this.waiting.push({ key, resolve });
            this.tell(this.id, what, more);
        });
    }

    /* One m-line; `direction` as we see it. */
    section(mid, direction, setup, payload = OPUS) {
        return `m=audio 9 UDP/TLS/RTP/SAVPF ${payload}\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\na=${direction}\r\na=rtcp-mux\r\n`
            + `a=rtpmap:${payload} opus/48000/2\r\n${direction.startsWith('send') ? `a=ssrc:${this.ssrc} cname:c\r\n` : ''}`
            + `${this.transport.replace('SETUP', setup)}a=${this.candidate}\r\n`;
    }

    /** A description of m-lines {kind, mid, direction, formats, lines}; `lines` are those of codecs, extensions and streams. */
    describe(type, setup, lines) {
        const sections = lines.map(({ kind, mid, direction, formats, lines: more }) => [`m=${kind} 9 UDP/TLS/RTP/SAVPF ${formats}`,
            'c=IN IP4 0.0.0.0', `a=mid:${mid}`, `a=${direction}`, 'a=rtcp-mux', ...more].map((one) => `${one}\r\n`).join('')
            + `${this.transport.replace('SETUP', setup)}a=${this.candidate}\r\n`);
        return { type, sdp: this.sdp(lines.map(({ mid }) => mid), sections) };
    }

    sdp(mids, sections) {
        return `v=0\r\no=- ${this.id} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE ${mids.join(' ')}\r\n${sections.join('')}`;
    }

    offer(direction = 'sendrecv') {
        return { type: 'offer', sdp: this.sdp(['0'], [this.section('0', direction, 'actpass')]) };
    }

    /** The answer to an offer of audio. */
    answer({ sdp }) {
        const sections = sdp.split(/^m=/m).slice(1);
        const mids = sections.map((one) => one.match(/^a=mid:(\S+)/m)[1]);
        return { type: 'answer', sdp: this.sdp(mids, sections.map((one, i) => this.section(mids[i], 'recvonly', 'active', one.match(/ (\d+)\r?$/m)[1]))) };
    }

    /** Take the other side's description; `up` resolves when DTLS is done. @offered  ours was the offer */
    remote({ sdp }, offered) {
        this.tell(this.id, 'remote', { sdp, offered });
        return this.up;
    }

    /** Send audio from now on. @lose  of so many packets one gets lost; 0: none */
    send(lose = 0) {
        this.tell(this.id, 'send', { ssrc: this.ssrc, pt: OPUS, lose });
    }

    /** Send no more. */
    stop() {
        this.tell(this.id, 'send', { ssrc: 0, pt: OPUS, lose: 0 });
    }

    /** Packets of rtp.mjs leave at once. */
    sendPackets(...packets) {
        this.tell(this.id, 'packets', { packets: packets.map((one) => writeRtp(one).toString('hex')) });
    }

    /** RTCP datagrams (see rtcp.mjs) leave at once. */
    sendRtcp(...packets) {
        this.tell(this.id, 'rtcp', { packets: packets.map((one) => one.toString('hex')) });
    }

    /** The RTCP that came since the last call or hear(): packets as of rtcp.mjs, each with `at` likewise. */
    async told() {
        return (await this.ask('told', 'told')).told.flatMap(([at, hex]) => readRtcp(Buffer.from(hex, 'hex')).map((one) => ({ at, ...one })));
    }

    /** Keep what comes from now on, for heard() and told(). */
    hear() {
        this.tell(this.id, 'hear', { on: true });
    }

    /** What came since the last call, read by rtp.mjs, each with `at`: when it came, in ms of clock(). */
    async all() {
        return (await this.ask('heard', 'heard')).heard.map(([at, hex]) => ({ at, ...readRtp(Buffer.from(hex, 'hex')) }));
    }

    /** At least `n` packets that fit, or an error. */
    async heard(n, fits = () => true) {
        const packets = [];
        for (const end = Date.now() + 5000 * slow; packets.length < n; await sleep(20)) {
            if (Date.now() > end)
                throw new Error(`${packets.length} packets of ${n} came within ${5 * slow} s`);
            packets.push(...(await this.all()).filter(fits));
        }
        return packets;
    }

    /** {sent, streams: {SSRC: {n, first, last, gap_ms}}}; each packet carries a number, `first` to `last` came. */
    count() {
        return this.ask('count', 'streams');
    }

    /** How often a packet came so many ms after the one before, since it was last asked: a list by ms. */
    async gaps() {
        return (await this.ask('gaps', 'gaps')).gaps;
    }

    /** Take another socket, at another address if one is given. @aware  the client knows, and checks at once */
    move({ ip = '127.0.0.1', aware = true } = {}) {
        this.tell(this.id, 'move', { ip, aware });
    }

    /** Hear of a candidate of the other side. */
    meet({ candidate }) {
        this.tell(this.id, 'candidate', { candidate });
    }

    /** Fall silent, ICE checks and all, or go on. */
    silence(on) {
        this.tell(this.id, 'silence', { on });
    }

    /** New ICE credentials for the next offer or answer, whose other side remote() takes. */
    restart() {
        return this.ask('restart', 'transport');
    }

    close() {
        this.tell(this.id, 'close');
        this.forget();
    }
}

/** A session on a WebSocket of its own: attach(), message(), event(). */
export async function enter(gateway) {
    const client = await connect(gateway.websocket);
    client.socket.on('error', () => {});
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const about = (handle_id) => ({ session_id, handle_id });
    return {
        client, session_id,
        async attach(name) {
            const { data } = await client.request({ janus: 'attach', session_id, plugin: `janus.plugin.${name}` });
            return data.id;
        },
        ask: (janus, handle_id, more) => client.request({ janus, ...about(handle_id), ...more }),
        /** A request to the module; resolves with the event that answers it. */
        async message(handle_id, body, jsep) {
            const { transaction } = await client.request({ janus: 'message', ...about(handle_id), body, jsep });
            return client.event((one) => one.transaction === transaction && one.janus === 'event');
        },
        event: (handle_id, janus) => client.event((one) => one.sender === handle_id && one.janus === janus),
        /** How many such events have come and were not asked for. */
        seen: (handle_id, janus) => client.events.filter((one) => one.sender === handle_id && one.janus === janus).length,
        leave: () => client.close(),
    };
}

/** Join a room and publish audio; resolves with {handle, feed, peer} when the connection is up. */
export async function publish(who, peers, room) {
    const handle = await who.attach('videoroom'), peer = await peers.open();
    const answer = await who.message(handle, { request: 'joinandconfigure', ptype: 'publisher', room }, peer.offer('sendonly'));
    await peer.remote(answer.jsep, true);
    return { handle, peer, feed: answer.plugindata.data.id };
}

/** Watch a feed; resolves with {handle, peer} when the connection is up. */
export async function subscribe(who, peers, room, feed) {
    const handle = await who.attach('videoroom'), peer = await peers.open();
    const offer = await who.message(handle, { request: 'join', ptype: 'subscriber', room, streams: [{ feed }] });
    await who.message(handle, { request: 'start' }, peer.answer(offer.jsep));
    await peer.remote(offer.jsep, false);
    return { handle, peer };
}

/** An echo test whose connection is up. */
export async function echo(who, peers) {
    const handle = await who.attach('echotest'), peer = await peers.open();
    const answer = await who.message(handle, { audio: true }, peer.offer());
    await peer.remote(answer.jsep, true);
    return { handle, peer };
}
