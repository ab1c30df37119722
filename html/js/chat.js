/* SPDX-License-Identifier: MIT */
/* The chat: to everyone or to one person, back to the first message, deleting, who is writing. */
import { button, confirm, dayOf, el, nameOf, press, say, timeOf } from './page.js';

const PAGE = 50, CLOSE_MS = 5 * 60000, TYPING_MS = 4000, TELL_MS = 2000, NEAR = 80;

export class Chat {
    constructor(place, seat, room) {
        this.seat = seat;
        this.room = room;
        this.channel = seat.channel('chat');
        this.rows = new Map(); /* id → element */
        this.people = [];
        this.typing = new Map(); /* name → timer */
        this.told = 0;
        this.oldest = null;
        this.isLoading = this.isWhole = false;
        this.onnews = () => {};
        this.channel.onevent = (data) => this.#take(data);
        this.#build(place);
    }

    async connected() {
        if (this.rows.size === 0 && !this.isWhole)
            await this.#older();
    }

    roleChanged() {
        for (const [id, row] of this.rows)
            this.#showDelete(row, id);
    }

    /** All that somebody wrote. */
    erased(person) {
        for (const [id, row] of this.rows) {
            if (row.author !== person)
                continue;
            row.querySelector('b').textContent = nameOf(null);
            this.#erase(id, 'erased');
        }
    }

    shown() {
        this.log.scrollTop = this.log.scrollHeight;
    }

    /** Who may be written to. */
    peopleChanged() {
        const { present, all } = this.room.people;
        const chosen = this.to.value;
        const others = present.filter(({ id }) => id !== this.seat.me.id);
        if (chosen && !others.some(({ id }) => id === chosen)) /* what is being written to somebody never goes to everyone */
            others.push({ ...all.get(chosen), id: chosen, isGone: true });
        this.to.replaceChildren(el('option', { value: '' }, 'Everyone'), ...others.map((person) =>
            el('option', { value: person.id, selected: person.id === chosen }, `Only ${nameOf(person)}${person.isGone ? ' (has left)' : ''}`)));
        this.#showTo();
    }

    writeTo({ id }) {
        this.to.value = id;
        this.#showTo();
        this.text.focus();
    }

    #build(place) {
        this.log = el('div', { class: 'log', role: 'log', 'aria-label': 'Messages', tabindex: 0, scroll: () => this.log.scrollTop < NEAR && this.#older().catch(say) });
        this.empty = el('p', { class: 'faint' }, 'Nothing was written yet.');
        this.log.append(this.empty);
        this.hint = el('p', { class: 'typing faint', 'aria-live': 'off' });
        this.to = el('select', { 'aria-label': 'To', change: () => this.#showTo() }, el('option', { value: '' }, 'Everyone'));
        this.text = el('textarea', { rows: 2, 'aria-label': 'Message', placeholder: 'Write a message', maxlength: 8000 /* half characters: 4,000 of the largest */, keydown: (event) => this.#key(event), input: () => this.#tell() });
        this.send = el('button', {}, 'Send');
        this.form = el('form', { class: 'composer' }, this.to, this.text, this.send);
        this.form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#send();
        });
        place.replaceChildren(this.log, this.hint, this.form);
    }

    #showTo() {
        this.form.classList.toggle('private', this.to.value !== '');
    }

    #key(event) {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing)
            return;
        event.preventDefault();
        this.form.requestSubmit();
    }

    async #send() {
        const text = this.text.value.trim();
        if (!text)
            return;
        await press(this.send, async () => {
            await this.channel.ask({ request: 'send', text, to: this.to.value || undefined });
            if (this.text.value.trim() === text)
                this.text.value = '';
        });
        this.text.focus();
    }

    /* Others are told now and then that we write; never about a private message. */
    #tell() {
        if (this.to.value || Date.now() - this.told < TELL_MS)
            return;
        this.told = Date.now();
        this.channel.ask({ request: 'typing' }).catch(() => {});
    }

    #take(data) {
        if (data.event === 'message') {
            const atEnd = this.log.scrollTop + this.log.clientHeight > this.log.scrollHeight - NEAR;
            this.#put(data);
            this.#stopTyping(nameOf(data.from));
            if (atEnd || data.from?.id === this.seat.me.id)
                this.shown();
            if (data.from?.id !== this.seat.me.id)
                this.onnews();
        } else if (data.event === 'deleted') {
            this.#erase(data.id);
        } else if (data.event === 'typing') {
            this.#startTyping(nameOf(data.from));
        }
    }

    async #older() {
        if (this.isLoading || this.isWhole)
            return;
        this.isLoading = true;
        try {
            const { messages, more } = await this.channel.ask({ request: 'history', limit: PAGE, before: this.oldest ?? undefined });
            const height = this.log.scrollHeight - this.log.scrollTop;
            for (const message of messages)
                this.#put(message);
            this.oldest = messages[0]?.id ?? this.oldest;
            this.isWhole = more === undefined ? messages.length < PAGE : !more;
            this.log.scrollTop = this.log.scrollHeight - height;
        } finally {
            this.isLoading = false;
        }
    }

    /* In the order of their numbers, each once. */
    #put(message) {
        if (this.rows.has(message.id))
            return;
        const row = this.#row(message);
        this.rows.set(message.id, row);
        this.empty.remove();
        const after = [...this.log.children].reverse().find((one) => Number(one.dataset.id) < Number(message.id));
        if (after)
            after.after(row);
        else
            this.log.prepend(row);
        this.#group(row);
        this.#group(row.nextElementSibling);
    }

    /* What one person writes at a stretch has their name once. */
    #group(row) {
        const last = row?.previousElementSibling;
        row?.classList.toggle('follows', Boolean(last?.author && last.author === row.author && last.to === row.to && row.at - last.at < CLOSE_MS));
    }

    #row(message) {
        const { id, at, from, to, text, erased } = message;
        const mine = from?.id === this.seat.me.id;
        const toName = to && (to === this.seat.me.id ? 'you' : this.room.people.nameOf(to) ?? message.to_name);
        const row = el('article', { 'class': `message${mine ? ' mine' : ''}${to ? ' private' : ''}`, 'data-id': id },
            el('header', {}, el('b', {}, nameOf(from)), to && el('span', { class: 'faint' }, ` only to ${toName}`),
                el('time', { datetime: at, title: dayOf(at), class: 'faint' }, timeOf(at))),
            el('p', {}, erased ? 'erased' : text));
        Object.assign(row, { author: from?.id, to, at: Date.parse(at) });
        row.isMine = mine;
        row.classList.toggle('gone', Boolean(erased));
        row.isErased = Boolean(erased);
        this.#showDelete(row, id);
        return row;
    }

    /* Of our own messages, and of all for those who moderate. */
    #showDelete(row, id) {
        row.querySelector('button')?.remove();
        if (!row.isErased && (row.isMine || this.room.isModerator))
            row.firstChild.append(button('✕', () => this.#delete(id), { 'class': 'quiet tiny', 'aria-label': 'Delete this message', 'title': 'Delete' }));
    }

    async #delete(id) {
        if (await confirm('Delete this message for everyone?', 'Delete it')) {
            await this.channel.ask({ request: 'delete', id });
            this.#erase(id);
        }
    }

    #erase(id, words = 'This message was deleted.') {
        const row = this.rows.get(id);
        if (!row)
            return;
        row.classList.add('gone');
        row.querySelector('p').textContent = words;
        row.isErased = true;
        this.#showDelete(row, id);
    }

    #startTyping(name) {
        clearTimeout(this.typing.get(name));
        this.typing.set(name, setTimeout(() => this.#stopTyping(name), TYPING_MS));
        this.#showTyping();
    }

    #stopTyping(name) {
        clearTimeout(this.typing.get(name));
        if (this.typing.delete(name))
            this.#showTyping();
    }

    #showTyping() {
        const names = [...this.typing.keys()];
        this.hint.textContent = names.length === 0 ? '' : names.length > 2 ? 'Several people are writing …'
            : `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} writing …`;
    }
}
