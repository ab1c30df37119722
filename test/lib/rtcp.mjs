/* SPDX-License-Identifier: MIT */
/* RTCP packets as objects. Writers give a Buffer, packets one after the other are a datagram. (RFC 3550, 3611, 4585, 5104) */

const u16 = (n) => { const buf = Buffer.alloc(2); buf.writeUInt16BE(n & 0xffff); return buf; };
const u32 = (n) => { const buf = Buffer.alloc(4); buf.writeUInt32BE(n >>> 0); return buf; };
const SR = 200, RR = 201, RTPFB = 205, PSFB = 206, XR = 207, OURS = 7;

const write = (type, count, ...parts) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([0x80 | count, type]), u16(body.length / 4), body]);
};

/** Of numbers in order; one item takes sixteen after its first. */
export function nack(ssrc, seqs) {
    const items = [];
    for (let i = 0; i < seqs.length;) {
        const first = seqs[i++];
        let mask = 0;
        for (let after; i < seqs.length && (after = seqs[i] - first & 0xffff) <= 16; i++)
            mask |= 1 << after - 1;
        items.push(u16(first), u16(mask));
    }
    return write(RTPFB, 1, u32(OURS), u32(ssrc), ...items);
}

export const pli = (ssrc) => write(PSFB, 1, u32(OURS), u32(ssrc));
/** `n` times the same in one packet. */
export const fir = (ssrc, seq, n = 1) => write(PSFB, 4, u32(OURS), u32(0), ...Array(n).fill(Buffer.concat([u32(ssrc), Buffer.from([seq & 255, 0, 0, 0])])));

/** A report on a stream: `middle` of the sender report that came `after_ms` ago. */
export const report = (ssrc, { middle, after_ms, fraction = 0, lost = 0 }) => write(RR, 1, u32(OURS), u32(ssrc),
    Buffer.from([fraction, lost >> 16 & 255, lost >> 8 & 255, lost & 255]), u32(0), u32(0), u32(middle), u32(after_ms * 65.536));

/** transport-cc of packets {seq, at}, in order, `at` in ms; those between that are not there were lost. (draft-holmer-rmcat-transport-wide-cc-extensions-01) */
export function twcc(packets, count) {
    const base = packets[0].seq, came = new Map(packets.map(({ seq, at }) => [seq - base & 0xffff, at]));
    const n = (packets.at(-1).seq - base & 0xffff) + 1, reference = Math.floor(packets[0].at / 64), chunks = [], deltas = [];
    for (let i = 0, last = reference * 256; i < n; i += 7) {
        let chunk = 0xc000;
        for (let k = i; k < i + 7; k++) {
            if (!came.has(k))
                continue;
            const at = Math.round(came.get(k) * 4), delta = at - last;
            const small = delta >= 0 && delta < 256;
            chunk |= (small ? 1 : 2) << 2 * (6 - (k - i));
            deltas.push(small ? Buffer.from([delta]) : u16(delta));
            last = at;
        }
        chunks.push(u16(chunk));
    }
    const body = Buffer.concat([u16(base), u16(n), Buffer.from([reference >> 16 & 255, reference >> 8 & 255, reference & 255, count & 255]), ...chunks, ...deltas]);
    return write(RTPFB, 15, u32(OURS), u32(0), body, Buffer.alloc(-body.length & 3));
}

/** The answer to a question for the round trip: `middle` of its time, which came `after_ms` ago. */
export const dlrr = (ssrc, middle, after_ms) => write(XR, 0, u32(OURS), Buffer.from([5, 0]), u16(3), u32(ssrc), u32(middle), u32(after_ms * 65.536));

/* What is in a packet that we know. */
function understand(type, count, body) {
    if (type === RTPFB && count === 1) {
        const seqs = [];
        for (let at = 8; at + 4 <= body.length; at += 4) {
            const mask = body.readUInt16BE(at + 2);
            for (let i = 0; i <= 16; i++)
                if (i === 0 || mask >> i - 1 & 1)
                    seqs.push(body.readUInt16BE(at) + i & 0xffff);
        }
        return { what: 'nack', ssrc: body.readUInt32BE(4), seqs };
    }
    if (type === SR)
        return { what: 'sr', ssrc: body.readUInt32BE(0), middle: body.readUInt32BE(6) };
    if (type === PSFB && count === 1)
        return { what: 'pli', ssrc: body.readUInt32BE(4) };
    if (type === PSFB && count === 4)
        return { what: 'fir', ssrc: body.readUInt32BE(8) };
    if (type === XR && body[4] === 4)
        return { what: 'rrtr', from: body.readUInt32BE(0), middle: body.readUInt32BE(10) };
    return { what: type === RR ? 'rr' : `${type}/${count}` };
}

export function readRtcp(datagram) {
    const packets = [];
    for (let at = 0, len; at + 4 <= datagram.length; at += len) {
        len = 4 * (datagram.readUInt16BE(at + 2) + 1);
        packets.push(understand(datagram[at + 1], datagram[at] & 31, datagram.subarray(at + 4, at + len)));
    }
    return packets;
}
