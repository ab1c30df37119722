/* SPDX-License-Identifier: MIT */
/* The pictures of a call: one tile a person, as large as all of them fit. */

const GAP = 12, SHAPE = 16 / 9, LEAST_WIDTH = 150;
const CALM_MS = 2500; /* a picture that waits may come now and then: the words about it do not come and go with it */

/** The width of `n` tiles that fills a place best. */
export function tileWidth(n, width, height) {
    let best = 0;
    for (let columns = 1; columns <= n; columns++) {
        const rows = Math.ceil(n / columns);
        const across = (width - GAP * (columns - 1)) / columns;
        const down = (height - GAP * (rows - 1)) / rows * SHAPE;
        best = Math.max(best, Math.min(across, down));
    }
    return Math.floor(Math.min(Math.max(best, LEAST_WIDTH), width)); /* more than fit: the place scrolls */
}

export class Tiles {
    constructor(place) {
        this.place = place;
        this.observers = [new ResizeObserver(() => this.#fit()), new MutationObserver(() => this.#fit())];
        this.observers[0].observe(place);
        this.observers[1].observe(place, { childList: true });
    }

    close() {
        for (const observer of this.observers)
            observer.disconnect();
    }

    #fit() {
        const { clientWidth, clientHeight, childElementCount } = this.place;
        if (clientWidth)
            this.place.style.setProperty('--tile', `${tileWidth(childElementCount, clientWidth, clientHeight)}px`);
    }

    add(name) {
        const tile = new Tile(name);
        this.place.append(tile.figure);
        return tile;
    }
}

const element = (tag, className) => Object.assign(document.createElement(tag), { className });

class Tile {
    constructor(name) {
        this.figure = element('figure', 'tile');
        this.video = element('video', '');
        this.initial = element('span', 'initial');
        this.name = element('span', 'name');
        this.notes = element('span', 'notes');
        this.waits = element('p', 'waits');
        this.timer = null;
        this.video.autoplay = this.video.playsInline = true;
        this.initial.setAttribute('aria-hidden', 'true');
        const caption = element('figcaption', '');
        caption.append(this.name, this.notes);
        this.waits.setAttribute('role', 'status');
        this.figure.append(this.video, this.initial, this.waits, caption);
        this.rename(name);
        this.show({});
    }

    rename(name) {
        this.name.textContent = name;
        this.initial.textContent = [...name.trim()][0]?.toUpperCase() ?? '?';
        this.video.setAttribute('aria-label', `Video of ${name}`);
    }

    /** What is sent now; what is not is said in words. */
    show({ audio = true, video = true, screen = false }) {
        const notes = [!audio && 'muted', screen ? 'shares the screen' : !video && 'camera off'].filter(Boolean);
        this.notes.textContent = notes.join(', ');
        this.figure.classList.toggle('blank', !video && !screen);
        this.figure.classList.toggle('screen', screen);
    }

    /** Whether the picture waits for a better line. */
    wait(waits) {
        clearTimeout(this.timer);
        if (waits)
            this.#say(true);
        else if (this.waits.textContent)
            this.timer = setTimeout(() => this.#say(false), CALM_MS);
    }

    #say(waits) {
        this.waits.textContent = waits ? 'Your connection is too slow for this picture just now. It comes back by itself.' : '';
    }

    remove() {
        clearTimeout(this.timer);
        this.video.srcObject = null;
        this.figure.remove();
    }
}
