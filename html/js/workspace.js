/* SPDX-License-Identifier: MIT */
/* What the class shares: files, links, notes and boards. */
import { upload } from './api.js';
import { Board } from './board.js';
import { Note } from './note.js';
import { askText, button, confirm, el, nameOf, note, press, safeLink, save, say, sizeOf, timeOf } from './page.js';
import { SharedDoc, loadYjs } from './shared.js';

const KINDS = { file: 'File', link: 'Link', note: 'Note', board: 'Board' };
const MOST_TITLE = 200;
const EDITORS = { note: Note, board: Board };

export class Workspace {
    constructor(place, seat, room) {
        this.seat = seat;
        this.room = room;
        this.channel = seat.channel('workspace');
        this.items = new Map();
        this.open = null; /* {id, doc, editor, title}: what is on the desk */
        this.onnews = () => {};
        this.channel.onstate = ({ items }) => this.#fill(items ?? []);
        this.channel.onevent = (data) => this.#take(data);
        this.list = el('ul', { class: 'rows', 'aria-label': 'Shared in this class' });
        this.uploads = el('div', { role: 'status' });
        place.replaceChildren(this.#tools(), this.uploads, this.list);
        this.#acceptDrops(place);
        this.#show();
    }

    peopleChanged() {
        if (this.moderated !== this.room.isModerator)
            this.#show();
    }

    async connected() {
        await this.open?.doc.flush();
    }

    close() {
        this.#closeDesk();
    }

    /** What somebody left here is gone, or has no name any more. */
    async erased() {
        this.#fill((await this.channel.ask({ request: 'list' })).items);
        if (this.open && !this.items.has(this.open.id))
            this.#removed(this.open.id);
    }

    /* -- what there is --------------------------------------------------------------------------------- */

    #fill(items) {
        this.items = new Map(items.map((item) => [item.id, item]));
        this.#show();
    }

    #take({ event, seq, ...data }) {
        if (event === 'added' || event === 'updated') {
            this.items.set(data.id, { ...this.items.get(data.id), ...data });
            if (data.id === this.open?.id)
                this.#nameDesk();
        }
        if (event === 'removed')
            this.#removed(data.id);
        else if (event === 'sync' && data.id === this.open?.id)
            this.open.doc.take(seq, data);
        else if (event === 'presence' && data.id === this.open?.id)
            this.open.editor.presence?.(nameOf(data.from), data.data);
        else if (event === 'snapshot_wanted' && data.id === this.open?.id)
            this.open.doc.snapshot(data.upto ?? this.channel.last).catch(() => {}); /* it asks again */
        if (event === 'sync' || event === 'presence' || event === 'snapshot_wanted')
            return;
        if (event === 'added' && data.by?.id !== this.seat.me.id)
            this.onnews();
        this.#show();
    }

    #removed(id) {
        this.items.delete(id);
        if (this.open?.id === id) {
            this.#closeDesk();
            note('What you had open was removed.');
        }
    }

    #show() {
        this.moderated = this.room.isModerator;
        const focused = document.activeElement?.closest?.('[data-key]')?.dataset.key;
        this.list.replaceChildren(...[...this.items.values()].reverse().map((item) => this.#row(item)));
        if (this.items.size === 0)
            this.list.append(el('li', { class: 'faint' }, 'Nothing is shared yet.'));
        if (focused)
            this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }

    #row(item) {
        const { id, kind, title, by, at, size, text } = item;
        const facts = [KINDS[kind] ?? kind, size !== undefined && sizeOf(size), nameOf(by), timeOf(at)].filter(Boolean).join(', ');
        return el('li', { 'data-item': id }, el('span', { class: 'grow' }, this.#opener(item, title),
            el('small', { class: 'faint' }, facts), text && el('small', {}, text)),
            kind !== 'file' && this.#mayChange(item) && button('✎', () => this.#rename(item),
                { 'class': 'quiet tiny', 'aria-label': `Rename ${title}`, 'title': 'Rename', 'data-key': `rename-${id}` }),
            this.#mayChange(item) && button('✕', () => this.#remove(item),
                { 'class': 'quiet tiny', 'aria-label': `Remove ${title}`, 'title': 'Remove', 'data-key': `remove-${id}` }));
    }

    #opener(item, title) {
        const { id, kind, url } = item;
        const key = { 'data-key': `open-${id}`, 'class': 'plain' };
        if (kind in EDITORS)
            return button(title, () => this.#openOnDesk(item), { ...key, 'aria-label': `Open ${title}` });
        if (kind === 'file')
            return button(title, () => this.#download(item), { ...key, 'aria-label': `Download ${title}` });
        const link = safeLink(url);
        return link ? el('a', { 'href': link, 'target': '_blank', 'rel': 'noopener noreferrer', 'data-key': `open-${id}` }, title) : el('b', {}, title);
    }

    #mayChange({ by }) {
        return by?.id === this.seat.me.id || this.moderated;
    }

    async #rename({ id, title }) {
        const wanted = await askText('What is it called?', title, 'Rename', MOST_TITLE);
        if (wanted && wanted !== title)
            await this.channel.ask({ request: 'update', id, title: wanted });
    }

    /* A ticket lasts ten minutes: a fresh one is in each list. */
    async #download({ id, title }) {
        const { items } = await this.channel.ask({ request: 'list', id });
        const { url } = items.find((one) => one.id === id) ?? {};
        if (!url)
            throw new Error(`“${title}” is not there any more.`);
        save(url, title);
    }

    async #remove(item) {
        if (await confirm(`Remove “${item.title}” for everyone?`, 'Remove it'))
            await this.channel.ask({ request: 'remove', id: item.id });
    }

    /* -- adding -------------------------------------------------------------------------------------------- */

    #tools() {
        const files = el('input', { type: 'file', multiple: true, hidden: true, change: () => {
            this.#uploadAll([...files.files]);
            files.value = '';
        } });
        const title = el('input', { id: 'link-title', maxlength: MOST_TITLE, required: true });
        const url = el('input', { id: 'link-url', type: 'url', placeholder: 'https://', required: true, maxlength: 2000 });
        const submit = el('button', { class: 'small' }, 'Share the link');
        const form = el('form', { hidden: true }, el('label', { for: 'link-title' }, 'Title'), title, el('label', { for: 'link-url' }, 'Address'), url, submit);
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            press(submit, async () => {
                if (!safeLink(url.value))
                    throw new Error('A link begins with https:// or http://');
                await this.channel.ask({ request: 'add', kind: 'link', title: title.value.trim(), url: url.value.trim() });
                form.reset();
                show(false);
            });
        });
        const opener = button('Link', () => show(form.hidden), { 'class': 'quiet small', 'aria-expanded': 'false' });
        const show = (on) => {
            form.hidden = !on;
            opener.setAttribute('aria-expanded', on);
            (on ? title : opener).focus();
        };
        form.addEventListener('keydown', ({ key }) => key === 'Escape' && show(false));
        const add = (kind, label) => button(label, () => this.#add(kind), { class: 'quiet small' });
        return el('div', {}, el('div', { class: 'row' }, button('Upload files', () => files.click(), { class: 'small' }),
            opener, add('note', 'New note'), add('board', 'New board')), files, form);
    }

    async #add(kind) {
        const n = [...this.items.values()].filter((one) => one.kind === kind).length + 1;
        const { id } = await this.channel.ask({ request: 'add', kind, title: `${KINDS[kind]} ${n}` });
        await this.#openOnDesk(this.items.get(id) ?? { id, kind, title: `${KINDS[kind]} ${n}` });
    }

    #acceptDrops(place) {
        place.addEventListener('dragover', (event) => {
            event.preventDefault();
            place.classList.add('drop');
        });
        place.addEventListener('dragleave', () => place.classList.remove('drop'));
        place.addEventListener('drop', (event) => {
            event.preventDefault();
            place.classList.remove('drop');
            this.#uploadAll([...event.dataTransfer.files]);
        });
    }

    async #uploadAll(files) {
        for (const file of files)
            await this.#upload(file);
    }

    async #upload(file) {
        const stop = new AbortController();
        const bar = el('progress', { 'max': 1, 'value': 0, 'aria-label': `Sending ${file.name}` });
        const row = el('div', { class: 'row' }, el('span', { class: 'grow' }, file.name), bar, button('Stop', () => stop.abort(), { class: 'quiet tiny' }));
        this.uploads.append(row);
        say('');
        try {
            await upload(`/rooms/${this.seat.room.id}/files`, file, { token: this.seat.token, signal: stop.signal, onprogress: (share) => { bar.value = share; } });
            note(`“${file.name}” is shared.`);
        } catch (error) {
            say(error.status === 413 ? `“${file.name}” is too large: ${error.message}` : error);
        }
        row.remove();
    }

    /* -- the desk ------------------------------------------------------------------------------------------ */

    async #openOnDesk(item) {
        if (this.open?.id === item.id)
            return;
        const Y = await loadYjs();
        this.#closeDesk();
        const doc = new SharedDoc(Y, this.channel, item.id, this.seat.me);
        const title = el('h2', { tabindex: -1 }, item.title);
        const editor = new EDITORS[item.kind](Y, doc);
        const close = button('Close', () => this.#closeDesk(), { 'class': 'quiet small', 'aria-label': `Close ${item.title}` });
        this.open = { id: item.id, doc, editor, title, close };
        await doc.load();
        if (this.open?.doc !== doc)
            return;
        this.room.stage.showOnDesk(el('div', { 'class': 'desk', 'role': 'region', 'aria-label': item.title },
            el('div', { class: 'row' }, title, el('span', { class: 'gap' }), editor.tools, close),
            editor.element));
        editor.shown?.();
        if (matchMedia('(max-width: 50rem)').matches)
            this.room.open('stage');
        (editor.focus ?? title).focus();
    }

    #nameDesk() {
        const { id, title, close } = this.open, name = this.items.get(id).title;
        title.textContent = name;
        close.setAttribute('aria-label', `Close ${name}`);
        title.closest('.desk')?.setAttribute('aria-label', name);
    }

    #closeDesk() {
        if (!this.open)
            return;
        this.open.editor.close?.();
        this.open.doc.close();
        this.open = null;
        this.room.stage.showOnDesk(null);
        if (!this.room.hasVideo && this.room.isOpen('stage')) /* of a phone: there is nothing else on it */
            this.room.open('workspace');
    }
}
