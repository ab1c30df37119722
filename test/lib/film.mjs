/* SPDX-License-Identifier: MIT */
/* A film for Chromium's fake camera that takes bits to encode: a picture that drifts, under noise. The one built in is too simple. */
import { openSync, writeSync, closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FRAMES = 30; /* then it begins anew */
const HALF = FRAMES / 2;

/* What is seen below the noise. It runs in pages, too. */
const hills = (x, y) => 128 + 50 * Math.sin(x / 23) * Math.cos(y / 31) + 20 * Math.sin((x + 2 * y) / 7);

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
        for (let x = 0; x < width; x++)
            luma[y * width + x] = hills(x, y) + (random.next().value % (texture + 1)) - texture / 2;
    return luma;
}

/**
 * Make one. → the arguments for a browser in `args`, what judge() needs in `about`, and drop() to take it away.
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
        const shift = step * Math.round(HALF * (1 - Math.abs(1 - i / HALF)));
        for (let y = 0; y < height; y++) {
            const at = y * width, from = y * wide + shift, speck = random.next().value % 4096;
            for (let x = 0; x < width; x++)
                frame[at + x] = luma[from + x] + noise[speck + x];
        }
        writeSync(fd, 'FRAME\n');
        writeSync(fd, frame);
    }
    closeSync(fd);
    const about = { width, height, step, shifts: HALF + 1, hills: String(hills) };
    return { args: [`--use-file-for-fake-video-capture=${path}`], about, drop: () => rmSync(folder, { recursive: true, force: true }) };
}

/* In a page: compares each picture of a video with the film, wherever in its drift that may be, block by block. */
function compare({ width, height, step, shifts, hills }) {
    const WIDE = 240, BLOCK = 15, scale = width / WIDE, high = Math.round(height / scale), n = WIDE * high;
    const at = Function(`return ${hills}`)(); // eslint-disable-line no-new-func
    const film = Array.from({ length: shifts }, (_, i) => Float32Array.from({ length: n }, (_one, j) =>
        at((j % WIDE + 0.5) * scale + i * step, (Math.floor(j / WIDE) + 0.5) * scale)));
    const context = Object.assign(document.createElement('canvas'), { width: WIDE, height: high }).getContext('2d', { willReadFrequently: true });

    /* Colours are stretched on the way: by how much, the whole picture says. */
    function fit(luma, wanted, every) {
        let [x, y, xx, xy, count] = [0, 0, 0, 0, 0];
        for (let j = 0; j < n; j += every, count++) {
            x += wanted[j];
            y += luma[j];
            xx += wanted[j] * wanted[j];
            xy += wanted[j] * luma[j];
        }
        const gain = (count * xy - x * y) / (count * xx - x * x);
        return { gain, base: (y - gain * x) / count };
    }
    function off(luma, wanted, every) {
        const { gain, base } = fit(luma, wanted, every);
        let sum = 0;
        for (let j = 0; j < n; j += every)
            sum += Math.abs(luma[j] - gain * wanted[j] - base);
        return sum;
    }
    /* The worst block: how far its pixels are from the film's, in the mean. */
    function worst(luma, wanted) {
        const { gain, base } = fit(luma, wanted, 1), sums = new Float32Array(WIDE / BLOCK * Math.ceil(high / BLOCK));
        for (let j = 0; j < n; j++)
            sums[Math.floor(Math.floor(j / WIDE) / BLOCK) * WIDE / BLOCK + Math.floor(j % WIDE / BLOCK)] += Math.abs(luma[j] - gain * wanted[j] - base);
        return gain > 0.5 ? Math.max(...sums) / BLOCK / BLOCK : 255;
    }
    const { video } = window.hall.watched[0], looks = window.hall.looks = [];
    const next = (now, one) => {
        context.drawImage(video, 0, 0, WIDE, high);
        const { data } = context.getImageData(0, 0, WIDE, high);
        const luma = Float32Array.from({ length: n }, (_, j) => 0.299 * data[4 * j] + 0.587 * data[4 * j + 1] + 0.114 * data[4 * j + 2]);
        const offs = film.map((wanted) => off(luma, wanted, 37));
        looks.push({ at: performance.now(), rtp: one.rtpTimestamp, width: one.width, error: worst(luma, film[offs.indexOf(Math.min(...offs))]) });
        video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
}

/** From now on the first video that a page watches is judged: hall.looks gets {at, rtp, width, error} for each picture. @about  of the film */
export const judge = (page, about) => page.evaluate(compare, about);
