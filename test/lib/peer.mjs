/* SPDX-License-Identifier: MIT */
/* A WebRTC peer in miniature: STUN checks written by hand, DTLS by `openssl s_client` behind the same UDP socket. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const table = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1; return n >>> 0; });
const crc32 = (data) => (data.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ crc >>> 8, 0xffffffff) ^ 0xffffffff) >>> 0;

export function attribute(type, value) {
    const body = Buffer.isBuffer(value) ? value : Buffer.from(value);
    const head = Buffer.from([type >> 8, type & 255, body.length >> 8, body.length & 255]);
    return Buffer.concat([head, body, Buffer.alloc(-body.length & 3)]);
}

/** A Binding request, or another type; @pwd null: without integrity. */
export function stun({ username = 'a:b', pwd = null, type = 1, attributes = [attribute(0x24, Buffer.from([110, 0, 0, 1])), attribute(0x802a, randomBytes(8))], fingerprint = true } = {}) {
    const parts = [attribute(6, username), ...attributes];
    const id = randomBytes(12);
    const head = (len) => Buffer.concat([Buffer.from([type >> 8, type & 255, len >> 8, len & 255, 0x21, 0x12, 0xa4, 0x42]), id]);
    const length = () => parts.reduce((sum, one) => sum + one.length, 0);
    if (pwd !== null)
        parts.push(attribute(8, createHmac('sha1', pwd).update(Buffer.concat([head(length() + 24), ...parts])).digest()));
    if (fingerprint) {
        const crc = Buffer.alloc(4);
        crc.writeUInt32BE((crc32(Buffer.concat([head(length() + 8), ...parts])) ^ 0x5354554e) >>> 0);
        parts.push(attribute(0x8028, crc));
    }
    return Buffer.concat([head(length()), ...parts]);
}

export const rtp = () => Buffer.concat([Buffer.from([0x80, 111]), randomBytes(160)]);
/** The first record of a handshake, with one cipher suite: 0 is the null cipher that hurt others. */
export function clientHello(suite = 0xc02b) {
    const body = Buffer.concat([Buffer.from([0xfe, 0xfd]), randomBytes(32), Buffer.from([0, 0, 0, 2, suite >> 8, suite & 255, 1, 0])]);
    const message = Buffer.concat([Buffer.from([1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length]), body]);
    return Buffer.concat([Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.length]), message]);
}

/** A UDP socket that counts what comes back. */
export async function stranger() {
    const socket = dgram.createSocket('udp4');
    const one = { socket, got: [], sent: 0, bytes: () => one.got.reduce((sum, data) => sum + data.length, 0) };
    socket.on('message', (data) => one.got.push(data));
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    one.send = (data, port) => { one.sent += data.length; return new Promise((resolve) => socket.send(data, port, '127.0.0.1', resolve)); };
    one.close = () => socket.close();
    return one;
}

export function certificate() {
    const dir = mkdtempSync(join(tmpdir(), 'stoa-peer-'));
    const [cert, key] = [join(dir, 'c.pem'), join(dir, 'k.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=peer', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const der = Buffer.from(readFileSync(cert, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const fingerprint = createHash('sha256').update(der).digest('hex').toUpperCase().match(/../g).join(':');
    return { cert, key, fingerprint, remove: () => rmSync(dir, { recursive: true }) };
}

export const offerOf = ({ ufrag = 'peer', pwd = 'p'.repeat(24), fingerprint }) => ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0', 'a=rtcp-mux', `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass', 'a=mid:0', 'a=sendrecv',
    'a=rtpmap:111 opus/48000/2', 'a=ssrc:1234 cname:peer', ''].join('\r\n');

/** A call to the echo test: offer sent, answer read. `check()` resolves with the milliseconds that an honest check took. */
export async function call(client, who, { fingerprint }) {
    await client.request({ janus: 'message', ...who, body: { audio: true }, jsep: { type: 'offer', sdp: offerOf({ fingerprint }) } });
    const { jsep: { sdp } } = await client.event((one) => one.jsep && one.sender === who.handle_id);
    const find = (key) => sdp.match(new RegExp(`a=${key}:(\\S+)`))[1];
    const peer = { ...await stranger(), ufrag: find('ice-ufrag'), pwd: find('ice-pwd'), sdp };
    peer.port = Number(sdp.match(/a=candidate:\S+ 1 udp \S+ \S+ (\d+)/i)[1]);
    const waiting = new Map();
    peer.socket.on('message', (data) => {
        if (data[0] < 4)
            waiting.get(data.toString('hex', 8, 20))?.(data);
    });
    peer.check = (more = {}) => new Promise((resolve) => {
        const request = stun({ username: `${peer.ufrag}:peer`, pwd: peer.pwd, attributes: [attribute(0x24, Buffer.from([110, 0, 0, 1])), attribute(0x802a, randomBytes(8)), attribute(0x25, '')], ...more });
        const id = request.toString('hex', 8, 20), since = performance.now();
        const done = (answer) => { clearTimeout(timer); waiting.delete(id); resolve({ ms: performance.now() - since, answer }); };
        const timer = setTimeout(done, 1000, null);
        waiting.set(id, done);
        peer.socket.send(request, peer.port, '127.0.0.1');
    });
    return peer;
}

/** The DTLS handshake of a peer whose check has passed; gives back a function that ends it. */
export async function handshake(peer, { cert, key }) {
    const relay = dgram.createSocket('udp4');
    await new Promise((resolve) => relay.bind(0, '127.0.0.1', resolve));
    let back;
    relay.on('message', (data, from) => { back = from; peer.socket.send(data, peer.port, '127.0.0.1'); });
    peer.socket.on('message', (data) => { if (back && data[0] >= 20 && data[0] < 64) relay.send(data, back.port, back.address); });
    const openssl = spawn('openssl', ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${relay.address().port}`, '-cert', cert, '-key', key, '-use_srtp', 'SRTP_AES128_CM_SHA1_80'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => openssl.once('exit', resolve));
    return async () => { openssl.kill('SIGKILL'); await ended; relay.close(); };
}
