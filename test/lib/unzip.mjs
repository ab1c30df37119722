/* SPDX-License-Identifier: MIT */
/* Reads a zip in memory. */
import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';

/** The files of a zip, by its central directory: name → bytes. */
export function unzip(zip) {
    const files = new Map(), end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    for (let n = zip.readUInt16LE(end + 10), entry = zip.readUInt32LE(end + 16); n > 0; n--) {
        const [method, packed, size, name, extra, comment] = [zip.readUInt16LE(entry + 10), zip.readUInt32LE(entry + 20), zip.readUInt32LE(entry + 24), ...[28, 30, 32].map((k) => zip.readUInt16LE(entry + k))];
        const local = zip.readUInt32LE(entry + 42), begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
        const data = zip.subarray(begin, begin + packed), file = method === 8 ? inflateRawSync(data) : data;
        assert.equal(file.length, size);
        files.set(zip.toString('utf8', entry + 46, entry + 46 + name), file);
        entry += 46 + name + extra + comment;
    }
    return files;
}
