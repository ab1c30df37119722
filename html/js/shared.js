/* SPDX-License-Identifier: MIT */
/* A document that several people edit at once: Yjs here, opaque updates over the workspace module. */
import { say } from './page.js';

const GATHER_MS = 120, MOST_BYTES = 40000, RETRY_MS = 1000, TRIES_WHEN_CLOSED = 60; /* a lost connection is back sooner, or not at all */

/** Yjs, which ./dev build puts beside the pages. */
export async function loadYjs() {
    try {
        return await import('/lib/yjs.js');
    } catch {
        throw new Error('Notes and boards are missing on this server: its operator builds them with “./dev build”.');
    }
}

function encode(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 4096)
        text += String.fromCharCode(...bytes.subarray(at, at + 4096));
    return btoa(text);
}

export const decode = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

export class SharedDoc {
    constructor(Y, channel, id, me) {
        Object.assign(this, { Y, channel, id, me });
        this.doc = new Y.Doc();
        this.waiting = []; /* updates of ours that nobody acknowledged */
        this.timer = null;
        this.isFlushing = this.isClosed = false;
        this.tries = TRIES_WHEN_CLOSED;
        this.loaded = null; /* number of the newest update in it */
        this.early = [];    /* updates that came while it was loaded */
        this.onremote = () => {};
        this.doc.on('update', (update, origin) => origin !== this && this.#changed(update));
    }

    async load() {
        for (let after = 0, more = true; more;) { // a long document comes in pieces
            const answer = await this.channel.ask({ request: 'list', id: this.id, after });
            const { snapshot, updates = [] } = answer.items.find(({ id }) => id === this.id) ?? {};
            for (const update of [snapshot, ...updates].filter(Boolean))
                this.#apply(update);
            ({ after, more = false } = answer);
        }
        this.early.splice(0).forEach((update) => this.#apply(update));
        this.loaded = true;
    }

    /** Somebody's update; applying one twice does no harm. */
    take(seq, { update, from }) {
        if (!this.loaded)
            this.early.push(update);
        else
            this.#apply(update);
        if (from?.id !== this.me.id)
            this.onremote(from);
    }

    /** All of it in one, in the place of what came up to a number. */
    async snapshot(upto) {
        await this.channel.ask({ request: 'snapshot', id: this.id, upto, update: encode(this.Y.encodeStateAsUpdate(this.doc)) });
    }

    /** Send what waits; after a lost connection too. */
    async flush() {
        if (this.isFlushing)
            return;
        this.isFlushing = true;
        try {
            while (this.waiting.length > 0) {
                const batch = this.#batch();
                await this.channel.ask({ request: 'sync', id: this.id, update: encode(this.Y.mergeUpdates(batch)) });
                this.waiting.splice(0, batch.length);
            }
        } catch (error) {
            if (error.code > 0 && error.reason !== 'slow_down' && error.reason !== 'conflict') // full until a snapshot comes
                say(error);
            if (!this.isClosed || this.tries-- > 0)
                this.#later(RETRY_MS);
        } finally {
            this.isFlushing = false;
        }
    }

    /** What nobody acknowledged yet is still sent. */
    close() {
        this.flush();
        this.isClosed = true;
        this.onremote = () => {};
    }

    #apply(update) {
        this.Y.applyUpdate(this.doc, decode(update), this);
    }

    #changed(update) {
        this.waiting.push(update);
        this.#later(GATHER_MS);
    }

    #later(ms) {
        if (this.timer)
            return;
        this.timer = setTimeout(() => {
            this.timer = null;
            this.flush();
        }, ms);
    }

    #batch() {
        let bytes = 0;
        const n = this.waiting.findIndex((update, i) => (bytes += update.length) > MOST_BYTES && i > 0);
        return this.waiting.slice(0, n < 0 ? this.waiting.length : n);
    }
}
