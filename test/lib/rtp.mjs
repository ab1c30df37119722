/* SPDX-License-Identifier: MIT */
/* RTP packets as objects: {pt, ssrc, seq, timestamp, marker, csrcs, exts: {ID: bytes}, payload}. */

/* One-byte elements (RFC 8285, 4.2). */
function writeExts(exts) {
    const elements = Object.entries(exts).map(([id, value]) => Buffer.concat([Buffer.from([id << 4 | value.length - 1]), Buffer.from(value)]));
    const body = Buffer.concat(elements);
    const block = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    return body.length ? Buffer.concat([Buffer.from([0xbe, 0xde, 0, block.length / 4]), block]) : body;
}

export function writeRtp({ pt, ssrc, seq, timestamp, marker = false, csrcs = [], exts = {}, payload }) {
    const block = writeExts(exts), head = Buffer.alloc(12 + 4 * csrcs.length);
    head[0] = 0x80 | (block.length ? 0x10 : 0) | csrcs.length;
    head[1] = marker << 7 | pt;
    head.writeUInt16BE(seq & 0xffff, 2);
    head.writeUInt32BE(timestamp >>> 0, 4);
    head.writeUInt32BE(ssrc, 8);
    csrcs.forEach((csrc, i) => head.writeUInt32BE(csrc, 12 + 4 * i));
    return Buffer.concat([head, block, Buffer.from(payload)]);
}

function readExts(block, twoByte) {
    const exts = {};
    for (let at = 0; at < block.length;) {
        if (block[at] === 0) {
            at++;
            continue;
        }
        const id = twoByte ? block[at] : block[at] >> 4, len = twoByte ? block[at + 1] : (block[at] & 15) + 1;
        at += twoByte ? 2 : 1;
        exts[id] = block.subarray(at, at + len);
        at += len;
    }
    return exts;
}

export function readRtp(packet) {
    const csrcs = Array.from({ length: packet[0] & 15 }, (_, i) => packet.readUInt32BE(12 + 4 * i));
    let at = 12 + 4 * csrcs.length, exts = {};
    if (packet[0] & 0x10) {
        const end = at + 4 + 4 * packet.readUInt16BE(at + 2);
        exts = readExts(packet.subarray(at + 4, end), packet.readUInt16BE(at) !== 0xbede);
        at = end;
    }
    const padding = packet[0] & 0x20 ? packet.at(-1) : 0;
    return {
        pt: packet[1] & 127, marker: packet[1] > 127, seq: packet.readUInt16BE(2), timestamp: packet.readUInt32BE(4), ssrc: packet.readUInt32BE(8),
        csrcs, exts, payload: packet.subarray(at, packet.length - padding),
    };
}

/** A packet that is a whole VP8 frame with a picture id of 15 bits; `tail` is its content. (RFC 7741, 4.2 and 4.3) */
export function vp8({ id, key = true, tail = '' }) {
    const descriptor = [0x90, 0x80, 0x80 | id >> 8 & 127, id & 255];
    const frame = key ? [0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1] : [0x11, 0, 0];
    return Buffer.concat([Buffer.from([...descriptor, ...frame]), Buffer.from(tail)]);
}

/** The m-lines of a description: {kind, mid, formats, pt: {NAME: number}, exts: {end of the URI: id}, text}. */
export function readLines(sdp) {
    return sdp.split(/^(?=m=)/m).slice(1).map((text) => ({
        kind: text.match(/^m=(\w+)/)[1], mid: text.match(/^a=mid:(\S+)/m)[1], formats: text.match(/^m=\S+ \d+ \S+ (.*?)\r?$/m)[1], text,
        pt: Object.fromEntries([...text.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm)].map(([, pt, name]) => [name, Number(pt)])),
        exts: Object.fromEntries([...text.matchAll(/^a=extmap:(\d+)\S* \S*?([\w-]+)\r?$/gm)].map(([, id, name]) => [name, Number(id)])),
    }));
}
