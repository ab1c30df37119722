/* SPDX-License-Identifier: MIT */
/* A film for Chromium's fake camera that takes bits to encode: a picture that drifts, under noise. The one built in is too simple. */
import { openSync, writeSync, closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FRAMES = 30; /* then it begins anew */

/* The same numbers each time. */
function* numbers(state = 88172645) {
    for (;;) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        yield state >>> 0;
    }
}

/* Hills, and a noise on them of `texture` of 255, longer than needed: a frame is cut out of it at another place each time. */
function cloth(width, height, texture, random) {
    const luma = Buffer.alloc(width * height);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const hills = 128 + 50 * Math.sin(x / 23) * Math.cos(y / 31) + 20 * Math.sin((x + 2 * y) / 7);
            luma[y * width + x] = hills + (random.next().value % (texture + 1)) - texture / 2;
        }
    return luma;
}

/**
 * Make one. → the arguments for a browser in `args`, and drop() to take it away.
 * @texture  of what drifts: makes keyframes large @grain  noise that changes in each frame; both of 255
 */
export function makeFilm({ width, height, fps, texture = 24, grain = 0, step = 3 }) {
    const folder = mkdtempSync(join(tmpdir(), 'stoa-film-'));
    const path = join(folder, 'film.y4m');
    const random = numbers();
    const wide = width + FRAMES * step;
    const luma = cloth(wide, height, texture, random), frame = Buffer.alloc(width * height * 3 / 2, 128);
    const noise = Buffer.from(Array.from({ length: 4096 + width }, () => random.next().value % (grain + 1)));
    const fd = openSync(path, 'w');
    writeSync(fd, `YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420\n`);
    for (let i = 0; i < FRAMES; i++) {
        /* there and back: no jump where it begins anew */
        const shift = step * Math.round((FRAMES / 2) * (1 - Math.abs(1 - 2 * i / FRAMES)));
        for (let y = 0; y < height; y++) {
            const at = y * width, from = y * wide + shift, speck = random.next().value % 4096;
            for (let x = 0; x < width; x++)
                frame[at + x] = luma[from + x] + noise[speck + x];
        }
        writeSync(fd, 'FRAME\n');
        writeSync(fd, frame);
    }
    closeSync(fd);
    return { args: [`--use-file-for-fake-video-capture=${path}`], drop: () => rmSync(folder, { recursive: true, force: true }) };
}
