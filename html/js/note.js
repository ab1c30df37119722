/* SPDX-License-Identifier: MIT */
/* A shared note: plain text that everyone may write into at the same time. */
import { el, nameOf } from './page.js';

const PIECE = 8000, SHOWN_MS = 3000;

/* Whether a text may not be cut there: between the halves of one character. */
const isWithin = (text, at) => at > 0 && at < text.length && text.codePointAt(at - 1) > 0xffff;

export class Note {
    constructor(Y, shared) {
        this.shared = shared;
        this.text = shared.doc.getText('note');
        this.tools = el('span', { class: 'faint', role: 'status' });
        this.element = el('textarea', { class: 'note', 'aria-label': 'Text of the note', spellcheck: true, input: () => this.#typed() });
        this.focus = this.element;
        this.text.observe((event) => event.transaction.local || this.#received(event.delta));
        shared.onremote = (from) => this.#wrote(nameOf(from));
    }

    shown() {
        this.element.value = this.text.toString();
    }

    close() {
        clearTimeout(this.timer);
    }

    /* What changed is between what begins and what ends alike. An update holds whole characters. */
    #typed() {
        const old = this.text.toString(), now = this.element.value;
        const most = Math.min(old.length, now.length);
        let start = 0, end = 0;
        while (start < most && old[start] === now[start])
            start++;
        while (end < most - start && old.at(-1 - end) === now.at(-1 - end))
            end++;
        if (isWithin(old, start) || isWithin(now, start))
            start--;
        if (isWithin(old, old.length - end) || isWithin(now, now.length - end))
            end--;
        if (old.length - end > start)
            this.text.delete(start, old.length - end - start);
        for (let at = start, next; at < now.length - end; at = next) {
            next = Math.min(at + PIECE, now.length - end);
            next -= isWithin(now, next);
            this.text.insert(at, now.slice(at, next));
        }
    }

    /* The caret stays with the text that it is in. */
    #received(delta) {
        const { selectionStart, selectionEnd, scrollTop } = this.element;
        const moved = (position) => {
            let at = 0;
            for (const { retain = 0, insert = '', delete: gone = 0 } of delta) {
                at += retain;
                if (at > position)
                    break;
                if (insert)
                    position += insert.length;
                at += insert.length;
                position -= Math.min(gone, Math.max(position - at, 0));
            }
            return position;
        };
        this.element.value = this.text.toString();
        this.element.setSelectionRange(moved(selectionStart), moved(selectionEnd));
        this.element.scrollTop = scrollTop;
    }

    #wrote(name) {
        this.tools.textContent = `${name} is writing`;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => { this.tools.textContent = ''; }, SHOWN_MS);
    }
}
