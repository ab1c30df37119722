/* SPDX-License-Identifier: MIT */
/* A note or a board as it was left: to look at, not to change. */
import { Board } from './board.js';
import { button, el, save } from './page.js';
import { decode, loadYjs } from './shared.js';

const kept = (element, label, name, blob) => el('div', {}, element, el('div', { class: 'row' }, button(label, async () => {
    const url = URL.createObjectURL(await blob());
    save(url, name);
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}, { class: 'quiet small' })));

/** An element that shows it. @item: {kind, title, snapshot?, updates?} of the history */
export async function contentOf({ kind, title, snapshot, updates = [] }) {
    try {
        const Y = await loadYjs();
        const doc = new Y.Doc();
        for (const update of [snapshot, ...updates].filter(Boolean))
            Y.applyUpdate(doc, decode(update));
        if (kind === 'note') {
            const text = doc.getText('note').toString();
            return kept(el('pre', {}, text), 'Save as text', `${title}.txt`, async () => new Blob([text], { type: 'text/plain' }));
        }
        const board = new Board(Y, { doc });
        board.shown();
        board.lock();
        return kept(board.element, 'Save as picture', `${title}.png`, () => new Promise((resolve) => board.canvas.toBlob(resolve)));
    } catch (error) {
        return el('p', {}, error.message);
    }
}
