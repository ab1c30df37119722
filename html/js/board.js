/* SPDX-License-Identifier: MIT */
/* A shared board: draw and write on a white sheet of 1600 by 900, everyone at once. */
import { button, confirm, el } from './page.js';

const WIDTH = 1600, HEIGHT = 900, PART_MS = 300, NEAR = 3;
const COLORS = { '#1d2422': 'Black', '#b3261e': 'Red', '#1f5fbf': 'Blue', '#2f7d4f': 'Green', '#c77700': 'Orange' };

export class Board {
    constructor(Y, shared) {
        this.marks = shared.doc.getArray('marks');
        this.undo = new Y.UndoManager(this.marks, { trackedOrigins: new Set(['pen']), captureTimeout: 60000 });
        this.shared = shared;
        this.stroke = null;
        this.canvas = el('canvas', { width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': 'Board, empty', tabindex: 0 });
        this.element = el('div', { class: 'board' }, this.canvas);
        this.focus = this.canvas;
        this.marks.observe(() => this.#draw());
        this.#makeTools();
        this.canvas.addEventListener('pointerdown', (event) => this.#begin(event));
        this.canvas.addEventListener('pointermove', (event) => this.#move(event));
        for (const end of ['pointerup', 'pointercancel'])
            this.canvas.addEventListener(end, () => this.#end());
    }

    shown() {
        this.#draw();
    }

    /** To look at only. */
    lock() {
        this.isLocked = true;
    }

    close() {
        this.#end();
        this.undo.destroy();
    }

    #makeTools() {
        this.color = el('select', { 'aria-label': 'Colour' }, Object.entries(COLORS).map(([value, name]) => el('option', { value }, name)));
        this.width = el('select', { 'aria-label': 'Width' }, el('option', { value: 4 }, 'Thin'), el('option', { value: 10 }, 'Thick'), el('option', { value: 40 }, 'Marker'));
        this.words = el('input', { 'aria-label': 'Words for the board', 'placeholder': 'Words, then Enter', 'maxlength': 200, 'keydown': (event) => {
            if (event.key === 'Enter')
                this.#write();
        } });
        const quiet = { class: 'quiet small' };
        this.tools = el('span', { class: 'row board-tools' }, this.color, this.width, this.words, button('Undo', () => this.undo.undo(), quiet),
            button('Clear', async () => await confirm('Clear the board for everyone?', 'Clear it') && this.#clear(), quiet));
    }

    #clear() {
        this.shared.doc.transact(() => this.marks.delete(0, this.marks.length), 'pen');
    }

    #add(mark) {
        this.shared.doc.transact(() => this.marks.push([mark]), 'pen');
    }

    /* Words stand below those that are there, so that no mouse is needed. */
    #write() {
        const text = this.words.value.trim();
        if (!text)
            return;
        this.undo.stopCapturing();
        const written = this.marks.toArray().filter((mark) => mark?.text).length;
        this.#add({ text, color: this.color.value, x: 40 + Math.floor(written / 14) * 500, y: 70 + written % 14 * 60 });
        this.words.value = '';
    }

    #at({ clientX, clientY }) {
        const { left, top, width, height } = this.canvas.getBoundingClientRect();
        return [Math.round((clientX - left) / width * WIDTH), Math.round((clientY - top) / height * HEIGHT)];
    }

    #begin(event) {
        if (event.button !== 0 || this.isLocked)
            return;
        this.undo.stopCapturing(); /* one stroke is one step */
        this.canvas.setPointerCapture(event.pointerId);
        this.stroke = { color: this.color.value, width: Number(this.width.value), points: this.#at(event), since: Date.now() };
        this.#draw();
    }

    #move(event) {
        const { stroke } = this;
        if (!stroke)
            return;
        const [x, y] = this.#at(event);
        if (Math.hypot(x - stroke.points.at(-2), y - stroke.points.at(-1)) < NEAR)
            return;
        stroke.points.push(x, y);
        if (Date.now() - stroke.since > PART_MS) { /* others see it grow */
            this.#end();
            this.stroke = { ...stroke, points: [x, y], since: Date.now() };
        }
        this.#draw();
    }

    #end() {
        const { stroke } = this;
        this.stroke = null;
        if (stroke)
            this.#add({ color: stroke.color, width: stroke.width, points: stroke.points });
    }

    #draw() {
        const context = this.canvas.getContext('2d');
        const marks = this.marks.toArray();
        context.fillStyle = '#fff';
        context.fillRect(0, 0, WIDTH, HEIGHT);
        context.lineCap = context.lineJoin = 'round';
        context.font = '600 40px system-ui, sans-serif';
        for (const mark of [...marks, this.stroke].filter(Boolean))
            drawMark(context, mark);
        const words = marks.filter((mark) => typeof mark?.text === 'string').map(({ text }) => text);
        this.canvas.setAttribute('aria-label', marks.length === 0 ? 'Board, empty' : `Board with ${marks.length} marks${words.length ? `: ${words.join('; ')}` : ''}`);
    }
}

/* Marks come from others: what is not drawable is left out. */
function drawMark(context, { color, width, points, text, x, y }) {
    context.fillStyle = context.strokeStyle = color in COLORS ? color : Object.keys(COLORS)[0];
    if (typeof text === 'string')
        context.fillText(text.slice(0, 200), Number(x) || 0, Number(y) || 0);
    if (!Array.isArray(points))
        return;
    context.lineWidth = Math.min(Math.max(Number(width) || 4, 1), 60);
    context.beginPath();
    context.moveTo(points[0], points[1]);
    for (let i = 0; i + 1 < points.length; i += 2)
        context.lineTo(points[i], points[i + 1]);
    context.stroke();
}
