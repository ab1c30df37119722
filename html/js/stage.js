/* SPDX-License-Identifier: MIT */
/* Where the pictures are: all alike, or the one who speaks large; or a note or board with the pictures below. */
import { Tiles } from './tiles.js';
import { $, el } from './page.js';

const LISTEN_MS = 400, LOUD = 0.02;

export class Stage {
    constructor(place, desk) {
        place.replaceChildren();
        desk.replaceChildren();
        this.place = place;
        this.desk = desk;
        this.tiles = new Tiles(place);
        this.call = null;
        this.isSpeakerView = false;
        this.pinned = null; /* feed that somebody clicked on */
        this.speaker = null;
        this.timer = setInterval(() => this.#listen(), LISTEN_MS);
        place.onclick = ({ target }) => this.#pin(target.closest('.tile'));
        this.#showDesk(false);
    }

    follow(call) {
        this.call = call;
    }

    close() {
        clearInterval(this.timer);
        this.tiles.close();
        this.place.replaceChildren();
        this.desk.replaceChildren();
    }

    toggleView() {
        this.isSpeakerView = !this.isSpeakerView;
        this.pinned = null;
        this.showView();
    }

    /** After somebody came, went, or shares a screen. */
    changed() {
        this.#addPins();
        this.showView();
    }

    /** Raised hands, in the pictures. */
    hands(people) {
        for (const { id, hand } of people)
            this.call?.people.get(id)?.tile.figure.classList.toggle('hand', Boolean(hand));
    }

    /** Something to work on takes the middle; null: the pictures have it again. */
    showOnDesk(element) {
        this.desk.replaceChildren(...element ? [element] : []);
        this.#showDesk(Boolean(element));
    }

    showView() {
        const large = this.#large();
        this.place.classList.toggle('speaker', Boolean(large));
        for (const tile of this.place.children) {
            tile.classList.toggle('large', tile === large);
            this.#showPin(tile.querySelector('.pin'), tile.dataset.feed === this.pinned, tile.querySelector('.name')?.textContent);
        }
        $('view').setAttribute('aria-pressed', this.isSpeakerView);
        $('view').textContent = this.isSpeakerView ? 'Grid view' : 'Speaker view';
    }

    #showPin(pin, isPinned, name) {
        if (!pin)
            return;
        pin.textContent = isPinned ? 'Make small' : 'Make large';
        pin.setAttribute('aria-label', `${pin.textContent}: ${name}`);
    }

    #showDesk(isUsed) {
        this.desk.hidden = !isUsed;
        this.desk.parentElement.classList.toggle('working', isUsed);
    }

    /* A pinned picture, a shared screen, who speaks; in the grid nobody but a screen. */
    #large() {
        const all = [...this.place.children];
        if (all.length < 2)
            return null;
        const pinned = all.find((tile) => tile.dataset.feed && tile.dataset.feed === this.pinned);
        const screen = all.find((tile) => tile.classList.contains('screen') && !tile.classList.contains('me'));
        const speaker = all.find((tile) => tile.dataset.feed && tile.dataset.feed === this.speaker);
        return pinned ?? screen ?? (this.isSpeakerView ? speaker ?? all.find((tile) => tile.dataset.feed) ?? null : null);
    }

    /* A click on a picture makes it large, and so does a button in it, for who has no mouse. */
    #addPins() {
        for (const tile of this.place.children) {
            if (tile.dataset.feed && !tile.querySelector('.pin'))
                tile.append(el('button', { type: 'button', class: 'pin small' }));
        }
    }

    #pin(tile) {
        if (!tile?.dataset.feed)
            return;
        this.pinned = this.pinned === tile.dataset.feed ? null : tile.dataset.feed;
        this.showView();
    }

    /* Who is loud now gets a frame; who was loud last has the large picture. */
    #listen() {
        const receivers = this.call?.watch?.handle?.pc?.getReceivers() ?? [];
        const loudness = new Map(receivers.filter(({ track }) => track.kind === 'audio')
            .map((one) => [one.track.id, one.getSynchronizationSources()[0]?.audioLevel ?? 0]));
        let loudest = null, most = LOUD;
        for (const [feed, { tile, stream }] of this.call?.people ?? []) {
            const level = Math.max(0, ...stream.getAudioTracks().map(({ id }) => loudness.get(id) ?? 0));
            tile.figure.classList.toggle('speaks', level > LOUD);
            if (level > most)
                [loudest, most] = [String(feed), level];
        }
        if (loudest && loudest !== this.speaker) {
            this.speaker = loudest;
            this.showView();
        }
    }
}
