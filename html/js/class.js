/* SPDX-License-Identifier: MIT */
/* The class: video, the panels beside it, the buttons below. */
import { Call, showControls, useControls } from './call.js';
import { Chat } from './chat.js';
import { People } from './people.js';
import { Polls } from './polls.js';
import { Stage } from './stage.js';
import { $, el, note, press, say } from './page.js';
import { Workspace } from './workspace.js';

const PARTS = ['stage', 'people', 'chat', 'poll', 'workspace'];
const OF_MODULES = { chat: Chat, poll: Polls, workspace: Workspace };
const MUTED = 'You were muted. Unmute yourself when it is your turn.';
let now = null; /* the classroom that the buttons of the page work on */

export class Classroom {
    /** @stream: taken, what camera and microphone give; may be empty */
    constructor(seat, stream) {
        now = this;
        this.seat = seat;
        this.stream = stream;
        this.call = null;
        this.tab = null;
        this.onleft = () => {};
        this.stage = new Stage($('tiles'), $('desk'));
        this.people = new People($('people'), seat);
        this.people.onnews = () => this.#news(this.people);
        this.parts = { people: this.people };
        this.#fitParts();
        this.people.onchange = () => this.#showPeople();
        this.people.onmuted = () => this.#muted();
        this.people.onerased = (id) => this.#tellAll('erased', id);
        this.people.onrole = (role) => this.#roleChanged(role);
        this.people.onwrite = (person) => { this.open('chat'); this.parts.chat?.writeTo(person); };
        seat.onstate = (data) => { this.people.takeState(data); this.#roomChanged(); };
        seat.onroom = (data) => { this.people.take(data); if (data.event === 'room_changed' && this.#roomChanged()) this.#openNew().catch(say); };
        seat.onlost = () => { note('The connection was lost. Reconnecting …'); this.call?.forgetAll(); };
        seat.onback = () => note('');
        seat.onconnected = (stoa) => this.#connected(stoa);
        this.#showParts();
        this.open(matchMedia('(max-width: 50rem)').matches && this.hasVideo ? 'stage' : this.parts.chat ? 'chat' : 'people');
        this.stage.showView();
    }

    /** Show a panel; on a phone it takes the place of the video. */
    open(name) {
        this.tab = name;
        for (const part of PARTS) {
            const isOpen = part === name;
            $(`tab-${part}`).setAttribute('aria-selected', isOpen);
            $(`tab-${part}`).tabIndex = isOpen ? 0 : -1;
            if (part !== 'stage')
                $(part).hidden = !isOpen;
        }
        $('class').dataset.tab = name;
        $(`tab-${name}`).classList.remove('news');
        this.parts[name]?.shown?.();
    }

    isOpen(name) {
        return this.tab === name;
    }

    /** Whether we may do what cohosts do. */
    get isModerator() {
        return this.people.mine.role === 'host' || this.people.mine.role === 'cohost';
    }

    close() {
        if (now === this)
            now = null;
        this.stage.close();
        this.call?.stop();
        for (const track of this.stream.getTracks())
            track.stop();
        for (const part of Object.values(this.parts))
            part.close?.();
    }

    async leave() {
        if (this.seat.me.role === 'host') {
            const how = await askHost();
            if (!how)
                return;
            if (how === 'end') {
                await this.seat.http('POST', `/rooms/${this.seat.room.id}/end`);
                return;
            }
        }
        this.close();
        await this.seat.leave();
        this.onleft({ why: 'You left the class.', again: true });
    }

    get hasVideo() {
        return this.seat.room.modules.includes('videoroom');
    }

    /* A part for each module that the room has, and no other. */
    #fitParts() {
        for (const [name, Part] of Object.entries(OF_MODULES)) {
            const part = this.parts[name];
            if (this.seat.channel(name) && !part) {
                const made = this.parts[name] = new Part($(name), this.seat, this);
                made.onnews = () => this.#news(made);
            } else if (part && !this.seat.channel(name)) {
                part.close?.();
                $(name).replaceChildren();
                delete this.parts[name];
            }
        }
    }

    #showParts() {
        for (const part of PARTS.slice(1))
            $(`tab-${part}`).hidden = !(part in this.parts);
        for (const id of ['mute', 'camera', 'share', 'view'])
            $(id).hidden = !this.hasVideo;
        $('tab-stage').textContent = this.hasVideo ? 'Video' : 'Open';
        $('class').classList.toggle('silent', !this.hasVideo);
    }

    /* The host gave it another name, or other modules, perhaps while our connection was lost. → whether there are other parts now */
    #roomChanged() {
        const { room } = this.people, had = this.seat.room.modules;
        $('title').textContent = document.title = room.title;
        this.seat.room = room;
        if (had.join() === room.modules.join())
            return false;
        this.seat.setModules(room.modules);
        this.#fitParts();
        if (!this.hasVideo)
            this.#dropCall();
        this.#showParts();
        if (this.tab !== 'people' && !(this.tab in this.parts) && !(this.tab === 'stage' && this.hasVideo))
            this.open('people');
        note('The host changed what this class has.');
        return true;
    }

    async #openNew() {
        const { stoa } = this.seat;
        await this.seat.openNew();
        if (this.hasVideo && !this.call)
            await this.#enterCall(stoa);
    }

    #dropCall() {
        if (this.call)
            this.call.onchange = () => {};
        this.call?.stop();
        this.call = null;
        this.stream = new MediaStream();
        this.stage.follow(null);
        this.people.showSilent([]);
    }

    /* All handles are there: the first time, and each time after a loss. */
    async #connected(stoa) {
        for (const part of Object.values(this.parts))
            await part.connected?.();
        if (this.hasVideo)
            await this.#enterCall(stoa);
    }

    async #enterCall(stoa) {
        if (!this.call) {
            this.call = new Call(this.stage.tiles, this.seat.me.name, this.stream);
            Object.assign(this.call, { onproblem: say, onchange: () => this.#callChanged(), onend: () => {} });
            this.stage.follow(this.call);
        }
        try {
            await this.call.enter(stoa, {});
        } catch (error) {
            if (!stoa.isOpen)
                throw error;
            say(error);
        }
    }

    #callChanged() {
        showControls(this.call);
        if (this.call.own.state.audio && $('status').textContent === MUTED)
            note('');
        this.stage.changed();
        this.people.showSilent([...this.call.muted, ...this.call.own.state.audio ? [] : [this.seat.me.id]]);
    }

    #showPeople() {
        const { mine, room, waiting } = this.people;
        $('hand').textContent = mine.hand ? 'Lower hand' : 'Raise hand';
        $('hand').setAttribute('aria-pressed', Boolean(mine.hand));
        $('hand').classList.toggle('on', Boolean(mine.hand));
        $('locked').hidden = !room.locked;
        $('tab-people').textContent = `People (${this.people.present.length})`;
        $('lobby').hidden = !this.isModerator || waiting.length === 0;
        $('lobby').textContent = waiting.length === 1 ? '1 person waits' : `${waiting.length} people wait`;
        this.stage.hands(this.people.present);
        for (const part of Object.values(this.parts))
            part.peopleChanged?.();
    }

    async #muted() {
        if (!this.call?.own.state.audio)
            return;
        await this.call.own.setMicrophone(false).catch(say);
        note(MUTED);
    }

    #roleChanged(role) {
        note(role === 'cohost' ? 'You are a co-host now: you can let people in, mute and remove them, and ask polls.' : 'You are a participant now.');
        this.#tellAll('roleChanged');
    }

    #tellAll(what, ...args) {
        for (const part of Object.values(this.parts))
            Promise.resolve(part[what]?.(...args)).catch(say);
    }

    #news(part) {
        const [name] = Object.entries(this.parts).find(([, one]) => one === part);
        if (!this.isOpen(name))
            $(`tab-${name}`).classList.add('news');
    }
}

/* A host leaves, or ends it for everyone. → 'end', 'leave', '' */
function askHost() {
    const dialog = el('dialog', { 'aria-label': 'Leave the class' }, el('form', { method: 'dialog' },
        el('p', {}, 'End the class for everyone, or leave while it goes on?'),
        el('div', { class: 'choices' }, el('button', { value: 'end', class: 'danger' }, 'End for everyone'),
            el('button', { value: 'leave', class: 'quiet' }, 'Just leave'), el('button', { value: '', class: 'quiet', autofocus: true }, 'Stay'))));
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener('close', () => {
        dialog.remove();
        resolve(dialog.returnValue);
    }));
}

/* -- the buttons of the page, wired once ----------------------------------------------------------------- */

useControls(() => now?.call, say);
$('hand').addEventListener('click', () => press($('hand'), () => now.people.raise(!now.people.mine.hand)));
$('view').addEventListener('click', () => now.stage.toggleView());
$('leave').addEventListener('click', () => press($('leave'), () => now.leave()));
$('lobby').addEventListener('click', () => now.open('people'));
for (const part of PARTS)
    $(`tab-${part}`).addEventListener('click', () => now.open(part));
$('tabs').addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step)
        return;
    const tabs = [...$('tabs').children].filter((one) => one.offsetParent);
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
});
