/* SPDX-License-Identifier: MIT */
/* A participant's seat: one connection with the participant token, one handle a module, and the way back after a loss. */
import { api } from './api.js';
import { Stoa, tryAgain } from './stoa.js';

/* What ends it for good, in words; `again`: joining once more makes sense. An event's reason may say more: "event reason". */
const ENDS = {
    'denied': { title: 'Not this time', why: 'The host did not let you in.' },
    'removed': { title: 'You are out of the class', why: 'You were removed from the class.', again: true },
    'removed banned': { title: 'You are out of the class', why: 'You were banned from this class: you cannot come back.' },
    'removed revoked': { title: 'You are out of the class', why: 'Your invitation was taken back. Ask the host for a new one.' },
    'removed erased': { title: 'You are out of the class', why: 'Everything about you was erased, and you are out of the class.', erased: true },
    'removed expired': { title: 'You are out of the class', why: 'Nothing was heard of you for too long, and your seat was given up.', again: true },
    'denied banned': { title: 'Not this time', why: 'You were banned from this class: you cannot come back.' },
    'denied revoked': { title: 'Not this time', why: 'Your invitation was taken back. Ask the host for a new one.' },
    'denied erased': { title: 'You are out of the class', why: 'Everything about you was erased, and you are out of the class.', erased: true },
    'denied expired': { title: 'You are out of the class', why: 'Nothing was heard of you for too long, and your place in the lobby was given up.', again: true },
    'replaced': { title: 'You are somewhere else', why: 'You are in the class in another window or on another device: this one was closed.', again: true },
    'room_ended': { title: 'The class is over', why: 'The class has ended. A summary comes by mail to everyone who has an address here.', ended: true },
    'room_ended deleted': { title: 'The class is over', why: 'The class has ended: the room was deleted, with all that was in it.', deleted: true },
};
const LOST = { title: 'The connection was lost', why: 'The connection was lost for too long, and your seat was given up.', again: true };

/** One module of the room, over all connections: each kept event reaches `onevent` once and in order. */
export class Channel {
    constructor(name) {
        this.name = name;
        this.handle = null;
        this.last = -1;      /* number of the newest record that was delivered; -1: never connected */
        this.missed = null;  /* seq → event, while what we missed is fetched */
        this.state = null;
        this.onevent = () => {};
        this.onstate = () => {}; /* what there is: at first, and after each return */
    }

    /** Attach on a new connection. After a loss: first what happened meanwhile, then the state. */
    async open(stoa) {
        this.missed = this.last >= 0 ? new Map() : null;
        this.state = null;
        this.handle = await stoa.attach(`stoa.plugin.${this.name}`);
        this.handle.onevent = (data) => this.#take(data);
    }

    async catchUp() {
        if (!this.missed)
            return;
        let after = this.last, data;
        do { // a long absence comes in pieces
            ({ data } = await this.handle.message({ request: 'resume', after }));
            after = data.seq;
        } while (data.more);
        const missed = [...this.missed].sort(([a], [b]) => a - b);
        this.missed = null;
        for (const [seq, event] of missed)
            this.#deliver(seq, event);
        this.last = Math.max(this.last, data.seq ?? 0);
        if (this.state)
            this.#showState(this.state);
    }

    async ask(body) {
        if (!this.handle)
            throw new Error('There is no connection to the server just now.');
        return (await this.handle.message(body)).data;
    }

    #take(data) {
        if (data.event === 'state')
            this.#takeState(data);
        else if (data.seq === undefined)
            this.onevent(data);
        else if (this.missed)
            this.missed.set(data.seq, data);
        else
            this.#deliver(data.seq, data);
    }

    #deliver(seq, data) {
        if (seq <= this.last)
            return;
        this.last = seq;
        this.onevent(data);
    }

    #takeState(data) {
        if (this.missed)
            this.state = data;
        else
            this.#showState(data);
    }

    #showState(data) {
        this.last = Math.max(this.last, data.seq ?? 0);
        this.onstate(data);
    }
}

export class Seat {
    /** @joined: the answer of POST /join */
    constructor(joined) {
        Object.assign(this, { token: joined.token, me: joined.participant, room: joined.room, iceServers: joined.ice_servers });
        this.isWaiting = joined.state === 'waiting';
        this.stoa = null;
        this.isOver = false;
        this.isReturning = false;
        this.people = new Channel('room');
        this.modules = [];
        this.setModules(joined.room.modules);
        this.people.onevent = (data) => this.#onRoom(data);
        this.people.onstate = (data) => this.#onState(data);
        this.onstate = () => {};     /* the room and who is in it: at first, and after each return */
        this.onroom = () => {};      /* events of the room */
        this.onadmitted = () => {};
        this.onconnected = async () => {}; /* (stoa), each time all modules are there */
        this.onlost = () => {};
        this.onback = () => {};
        this.onover = () => {};      /* {why, title?, again?, ended?, deleted?, erased?, waited}: the end of it */
    }

    channel(name) {
        return this.modules.find((one) => one.name === name);
    }

    /** What the room has now. Channels of new ones are opened by openNew(). */
    setModules(names) {
        this.modules = names.filter((name) => name !== 'videoroom').map((name) => this.channel(name) ?? new Channel(name));
    }

    async openNew() {
        for (const module of this.modules.filter(({ handle }) => !handle))
            await module.open(this.stoa);
    }

    http(method, path, body) {
        return api(method, path, { token: this.token, body });
    }

    act(person, action, more = {}) {
        return this.http('POST', `/rooms/${this.room.id}/participants/${person}`, { action, ...more });
    }

    async connect() {
        const stoa = await Stoa.connect(this);
        if (this.isOver) {
            stoa.close();
            return;
        }
        this.stoa?.close();
        this.stoa = stoa;
        stoa.onclosed = () => this.#lost();
        this.people.last = -1; /* nothing of it is kept: its state says all */
        await this.people.open(stoa);
        if (this.isReturning && !this.isWaiting) /* the room may have other modules now */
            this.#onState(await this.people.ask({ request: 'state' }));
        if (!this.isWaiting)
            await this.#enter();
    }

    /** Give the seat up. */
    async leave() {
        this.#end(null);
        await this.http('POST', '/leave').catch(() => {});
    }

    /** It never came to be. */
    abandon() {
        this.#end(null);
    }

    async #enter() {
        const { stoa } = this;
        for (const module of this.modules)
            await module.open(stoa);
        for (const module of this.modules)
            await module.catchUp();
        await this.onconnected(stoa);
    }

    #onRoom(data) {
        if (data.event in ENDS) {
            this.#end(ENDS[`${data.event} ${data.reason}`] ?? ENDS[data.event]);
        } else if (data.event === 'admitted') {
            this.#admitted();
        } else {
            this.onroom(data);
        }
    }

    /* Who waits is told no state: who is told one was let in, perhaps while the connection was lost. */
    #onState(data) {
        this.#admitted();
        this.onstate(data);
    }

    #admitted() {
        if (!this.isWaiting)
            return;
        this.isWaiting = false;
        this.onadmitted();
        this.#enter().catch((error) => this.stoa?.isOpen && this.#end({ why: error.message, again: true }));
    }

    #end(how) {
        if (this.isOver)
            return;
        this.isOver = true;
        this.stoa?.close();
        if (how)
            this.onover({ ...how, waited: this.isWaiting });
    }

    async #lost() {
        if (this.isReturning || this.isOver)
            return;
        this.isReturning = true;
        this.onlost();
        for (const { handle } of [this.people, ...this.modules])
            handle?.pc?.close();
        try {
            const isBack = await tryAgain(() => this.connect(), () => !this.isOver);
            if (isBack)
                this.onback();
            else
                this.#end(LOST);
        } catch {
            this.#end(LOST);
        }
        this.isReturning = false;
    }
}
