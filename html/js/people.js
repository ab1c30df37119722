/* SPDX-License-Identifier: MIT */
/* Who is here: roles, hands and whose turn it is, the lobby, and what hosts do about people. */
import { aboutMe } from './about-me.js';
import { button, confirm, copy, el, nameOf, note, publicLink, say } from './page.js';

const ROLES = { host: 'host', cohost: 'co-host', participant: '' };
const RANK = { host: 0, cohost: 1, participant: 2 };

export class People {
    constructor(place, seat) {
        this.place = place;
        this.seat = seat;
        this.all = new Map(); /* id → {id, name, role, state, muted, hand, hand_at} */
        this.silent = new Set(); /* ids of those whose microphone is off */
        this.room = seat.room;
        this.onchange = this.onnews = () => {};
        this.onwrite = () => {};
        this.onmuted = () => {}; /* a host silenced us */
        this.onerased = () => {}; /* all that somebody left here */
        this.onrole = () => {};  /* we are something else now */
        this.list = el('ul', { class: 'rows', 'aria-label': 'People' });
        this.lobby = el('div', { class: 'lobby', role: 'status' });
        this.tools = el('div', { class: 'row' });
        place.replaceChildren(this.lobby, this.tools, this.list, ...seat.me.role === 'host' ? [] : [this.#aboutMe()]); /* a host has it beside the rooms */
    }

    get mine() {
        return this.all.get(this.seat.me.id) ?? { ...this.seat.me, hand: false };
    }

    /** Those who are in, in the order of the list. */
    get present() {
        const turn = ({ hand, hand_at: at }) => (hand ? Date.parse(at) : Infinity);
        return [...this.all.values()].filter(({ state }) => state === 'in' || state === 'reconnecting').sort((a, b) =>
            turn(a) - turn(b) || RANK[a.role] - RANK[b.role] || nameOf(a).localeCompare(nameOf(b)) || 0);
    }

    /** Whose microphone is off now. */
    showSilent(ids) {
        if (ids.length === this.silent.size && ids.every((id) => this.silent.has(id)))
            return;
        this.silent = new Set(ids);
        this.#show();
    }

    get waiting() {
        return [...this.all.values()].filter(({ state }) => state === 'waiting');
    }

    nameOf(id) {
        return id === this.seat.me.id ? 'you' : nameOf(this.all.get(id));
    }

    async raise(up) {
        await this.seat.people.ask({ request: 'hand', up });
    }

    takeState({ room, people }) {
        this.room = room ?? this.room;
        this.all.clear();
        for (const person of people ?? [])
            this.#put(person);
        this.#show();
    }

    take(data) {
        const { event, id } = data;
        const before = this.all.get(id);
        if (event === 'participant_joined' || event === 'participant_state' || event === 'participant_left')
            this.#put({ ...data, muted: Boolean(data.muted), state: event === 'participant_left' ? 'left' : data.state ?? 'in' });
        else if (event === 'hand')
            this.#put({ ...this.all.get(id), id, hand: data.up, hand_at: data.at });
        else if (event === 'role')
            this.#give(id, data.role);
        else if (event === 'erased')
            this.#forget(id);
        else if (event === 'locked')
            this.room = { ...this.room, locked: data.locked };
        else if (event === 'room_changed')
            this.room = data.room;
        else
            return;
        if (id !== this.seat.me.id && ((event === 'hand' && data.up) || data.state === 'waiting'))
            this.onnews();
        if (event === 'participant_state' && id === this.seat.me.id && data.muted && !before?.muted && before?.state === data.state)
            this.onmuted();
        this.#show();
    }

    #give(id, role) {
        this.#put({ ...this.all.get(id), id, role });
        if (id !== this.seat.me.id)
            return;
        this.onrole(role);
        if (this.#moderates) /* who waits was told to others only */
            this.seat.people.ask({ request: 'people' }).then((data) => this.takeState(data)).catch(say);
    }

    #forget(id) {
        this.all.set(id, { ...this.all.get(id), id, name: null, state: 'left' });
        this.onerased(id);
    }

    /* Hands have their turn in the order they went up. */
    #put(person) {
        const before = this.all.get(person.id);
        const hand = Boolean(person.hand) && person.state !== 'left';
        this.all.set(person.id, { ...before, ...person, hand });
    }

    /* Who came by the public link has no other place for it. */
    #aboutMe() {
        return aboutMe({
            token: () => this.seat.token,
            words: 'Where your link was mailed to you it is about all classes of this server, else about those of this host, or about this one alone. Erased messages read “erased”, files you shared are gone. You leave the class.',
            question: 'Erase everything about you and leave the class? This cannot be undone.',
            erased() {}, /* we are told so, as everybody who is put out */
        });
    }

    /* -- what is shown ----------------------------------------------------------------------------------- */

    get #moderates() {
        return this.mine.role === 'host' || this.mine.role === 'cohost';
    }

    #show() {
        const focused = document.activeElement?.closest?.('[data-key]')?.dataset.key;
        const open = this.list.querySelector('details[open]')?.dataset.person;
        let turn = 0;
        this.list.replaceChildren(...this.present.map((person) => this.#row(person, person.hand ? ++turn : 0, person.id === open)));
        this.lobby.replaceChildren(...this.#moderates ? this.waiting.map((person) => this.#waitingRow(person)) : []);
        this.tools.replaceChildren(...this.#moderates ? this.#toolButtons() : []);
        if (focused)
            this.place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
        this.onchange();
    }

    #toolButtons() {
        const { locked } = this.room;
        const hands = this.present.filter(({ hand }) => hand).length;
        return [
            button(locked ? 'Unlock the class' : 'Lock the class', () => this.seat.http('PATCH', `/rooms/${this.room.id}`, { locked: !locked }),
                { 'class': 'quiet small', 'data-key': 'lock', title: 'While it is locked nobody else comes in' }),
            hands > 0 && button('Lower all hands', () => this.seat.people.ask({ request: 'hands_down' }), { 'class': 'quiet small', 'data-key': 'hands' }),
            this.room.access === 'public' && button('Copy the link', () => copy(publicLink(this.room), 'The link is in the clipboard: anyone who has it can come in.'),
                { 'class': 'quiet small', 'data-key': 'link' }),
        ].filter(Boolean);
    }

    #waitingRow({ id, name }) {
        return el('div', { class: 'row' }, el('span', { class: 'grow' }, el('b', {}, name), ' waits to come in'),
            button('Admit', () => this.seat.act(id, 'admit'), { 'class': 'small', 'data-key': `admit-${id}`, 'aria-label': `Admit ${name}` }),
            button('Deny', () => this.seat.act(id, 'deny'), { 'class': 'quiet small', 'data-key': `deny-${id}`, 'aria-label': `Deny ${name}` }));
    }

    #row(person, turn, isOpen) {
        const { id, role, state } = person;
        const isMe = id === this.seat.me.id;
        const facts = [ROLES[role], person.muted ? 'muted by a host' : this.silent.has(id) && 'muted', state === 'reconnecting' && 'reconnecting …'].filter(Boolean).join(', ');
        return el('li', { 'data-person': id }, el('span', { class: 'grow' }, el('span', { class: 'who' }, nameOf(person)), isMe && ' (you)',
            facts && el('span', { class: 'faint' }, ` ${facts}`)),
            turn > 0 && el('span', { class: 'badge turn' }, el('span', { class: 'hidden' }, 'Hand up: '), turn === 1 ? 'next' : String(turn)),
            !isMe && this.#menu(person, isOpen));
    }

    #menu(person, isOpen) {
        const items = this.#actions(person);
        if (items.length === 0)
            return null;
        const menu = el('details', { class: 'menu', open: isOpen, 'data-person': person.id },
            el('summary', { 'data-key': `menu-${person.id}`, 'aria-label': `What to do about ${nameOf(person)}` }, '⋯'),
            el('div', { class: 'menu-items' }, items));
        menu.addEventListener('keydown', ({ key }) => key === 'Escape' && (menu.open = false, menu.firstChild.focus()));
        menu.addEventListener('focusout', ({ relatedTarget }) => relatedTarget && !menu.contains(relatedTarget) && (menu.open = false));
        menu.addEventListener('click', ({ target }) => target.closest('button') && (menu.open = false));
        return menu;
    }

    #actions(person) {
        const { id, role } = person;
        const name = nameOf(person);
        const act = (label, action, more) => button(label, () => this.seat.act(id, action, more), { 'class': 'quiet small' });
        const sure = (label, question, action, said) => button(label, async () => {
            if (!await confirm(question, label))
                return;
            await this.seat.act(id, action);
            note(said);
        }, { 'class': 'quiet small' });
        const items = this.seat.channel('chat') ? [button('Write privately', () => this.onwrite(person), { 'class': 'quiet small' })] : [];
        if (this.#moderates && role !== 'host')
            items.push(act('Mute', 'mute'),
                sure('Remove', `Remove ${name} from the class? They may come back.`, 'remove', `${name} was removed.`),
                sure('Ban', `Ban ${name}? They are removed and cannot come back${this.room.access === 'public' ?
                    ' as who they are now. Anyone has the link of this class: who comes from where they came from will wait for you, and a lock keeps everybody out' : ''}.`, 'ban', `${name} was banned.`));
        if (this.mine.role === 'host' && role !== 'host')
            items.push(act(role === 'cohost' ? 'Make participant' : 'Make co-host', 'role', { role: role === 'cohost' ? 'participant' : 'cohost' }));
        return items;
    }
}
