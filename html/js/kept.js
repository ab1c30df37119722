/* SPDX-License-Identifier: MIT */
/* A note or a board as it was left: to look at, not to change. */
import { Board } from './board.js';
import { el } from './page.js';
import { decode, loadYjs } from './shared.js';

/** An element that shows it. @item: {kind, snapshot?, updates?} of the history */
export async function contentOf({ kind, snapshot, updates = [] }) {
    try {
        const Y = await loadYjs();
        const doc = new Y.Doc();
        for (const update of [snapshot, ...updates].filter(Boolean))
            Y.applyUpdate(doc, decode(update));
        if (kind === 'note')
            return el('pre', {}, doc.getText('note').toString());
        const board = new Board(Y, { doc });
        board.shown();
        board.lock();
        return board.element;
    } catch (error) {
        return el('p', {}, error.message);
    }
}
