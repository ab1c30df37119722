/* SPDX-License-Identifier: MIT */
/* A call in a videoroom: who is seen and heard, and what we send. The page gives connection, place and words. */
import { Own } from './own.js';
import { mediaProblem } from './media.js';
import { StoaError } from './stoa.js';
import { Watch } from './watch.js';

const FULL = 432;

export class Call {
    /** @tiles: the place; @media: a stream of ours, taken, may be empty */
    constructor(tiles, display, media) {
        this.tiles = tiles;
        this.people = new Map(); /* feed → {tile, stream}: the others */
        this.own = new Own(media);
        this.onproblem = () => {};
        this.onchange = () => {}; /* somebody came or went, or we send something else */
        this.onend = () => {};    /* why we are in no more */
        this.own.onchange = () => this.#changed();
        this.own.onproblem = (problem) => this.onproblem(problem);
        this.me = tiles.add(`${display} (you)`);
        this.me.figure.classList.add('me');
        this.me.video.muted = true;
        tiles.place.prepend(this.me.figure);
    }

    /** Come in on a connection. @request: what the videoroom's `join` needs; resolves with its answer */
    async enter(stoa, request) {
        const publisher = await stoa.attach('stoa.plugin.videoroom');
        publisher.onevent = (data) => this.#take(data);
        const { data } = await publisher.message({ request: 'join', ptype: 'publisher', ...request });
        this.watch = new Watch(stoa, request.room, this.people, (problem) => this.onproblem(problem));
        this.watch.onnarrow = (feed, waits) => this.people.get(feed)?.tile.wait(waits);
        this.#take(data);
        this.#changed();
        await this.#publish(publisher);
        return data;
    }

    /** The connection is gone: so is everybody, until we are back. */
    forgetAll() {
        [...this.people.keys()].forEach((feed) => this.#forget(feed));
    }

    stop() {
        this.own.stop();
        this.me.remove();
        this.forgetAll();
    }

    /* Somebody without a place to send may still watch and listen. */
    async #publish(publisher) {
        try {
            await this.own.publish(publisher);
        } catch (error) {
            if (error.code !== FULL)
                throw error;
            this.onproblem('As many people as this room takes are sending already. You can watch and listen.');
        }
    }

    #meet({ id, display, metadata, streams = [] }) {
        let person = this.people.get(id);
        if (!person) {
            person = { tile: this.tiles.add(display ?? `Guest ${id}`), stream: new MediaStream() };
            person.tile.video.srcObject = person.stream;
            person.tile.figure.dataset.feed = id;
            this.people.set(id, person);
        }
        const sends = (kind) => streams.some(({ type, disabled }) => type === kind && !disabled);
        this.#show(person, metadata ?? { audio: sends('audio'), video: sends('video') });
        return id;
    }

    #show(person, sent) {
        person.isMuted = sent.audio === false;
        person.tile.show(sent);
    }

    /** The feeds of those who send no sound now. */
    get muted() {
        return [...this.people].filter(([, { isMuted }]) => isMuted).map(([feed]) => feed);
    }

    #forget(feed) {
        this.people.get(feed)?.tile.remove();
        this.people.delete(feed);
    }

    #take(data) {
        if (data.publishers?.length)
            this.watch.add(data.publishers.map((one) => this.#meet(one)));
        for (const gone of [data.unpublished, data.leaving, data.kicked])
            this.#forget(gone);
        const person = this.people.get(data.id);
        if (person && !data.moderation) {
            if (data.display)
                person.tile.rename(data.display);
            this.#show(person, data.metadata ?? {});
        }
        if (data.leaving === 'ok' && data.reason === 'kicked')
            this.onend('You were removed from the room.');
        if (data.videoroom === 'destroyed')
            this.onend('The room was closed.');
        this.onchange();
    }

    #changed() {
        this.me.video.srcObject = this.own.screen ?? this.own.stream;
        this.me.show(this.own.state);
        this.onchange();
    }
}

/* -- the buttons under a call ------------------------------------------------------------------------- */

const $ = (id) => document.getElementById(id);

function showButton(id, on, [whenOn, whenOff]) {
    $(id).textContent = on ? whenOn : whenOff;
    $(id).classList.toggle('off', !on);
}

/** The buttons #mute, #camera and #share say what they do now. */
export function showControls({ own }) {
    const { audio, video, screen } = own.state;
    showButton('mute', audio, ['Mute', 'Unmute']);
    showButton('camera', video, ['Stop camera', 'Start camera']);
    $('share').textContent = screen ? 'Stop sharing' : 'Share screen';
    $('share').classList.toggle('on', screen);
}

async function shareScreen(own) {
    try {
        await own.setScreen(!own.screen);
    } catch (error) {
        if (error.name !== 'NotAllowedError') /* the person changed their mind */
            throw error;
    }
}

/** Make them work. @callNow: () → the Call there is; @say: tells what went wrong. One press at a time. */
export function useControls(callNow, say) {
    const press = (id, action) => $(id).addEventListener('click', async () => {
        $(id).disabled = true;
        say('');
        try {
            await action(callNow().own);
        } catch (error) {
            say(error instanceof StoaError ? error : mediaProblem(error));
        }
        $(id).disabled = false;
        if (callNow())
            showControls(callNow());
        $(id).focus();
    });
    press('mute', (own) => own.setMicrophone(!own.state.audio));
    press('camera', (own) => own.setCamera(!own.state.video));
    press('share', shareScreen);
    $('share').hidden = !navigator.mediaDevices?.getDisplayMedia;
}
