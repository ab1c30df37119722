/* SPDX-License-Identifier: MIT */
/* What one is about to come into: asked before going in and while one waits, for meanwhile it may be moved, locked or over. */
import { ApiError, api } from './api.js';
import { momentOf } from './page.js';

const EVERY_MS = 15000;
const FINAL = new Set([401, 403, 404, 410]); /* asking again does not help */

/** Whether what the server refused is so for good. */
export const isFinal = (error) => error instanceof ApiError && FINAL.has(error.status);

export class Ahead {
    /** @entry: of the page; @token: () → the host's */
    constructor(entry, token) {
        this.entry = entry;
        this.token = token;
        this.timer = null;
        this.about = {}; /* what POST /join/look said last */
        this.turn = 0; /* an answer that comes when nobody waits for it any more is not heard */
        this.onchange = () => {}; /* (about) */
        this.ongone = () => {};   /* (error): nobody comes in by this any more */
        document.addEventListener('visibilitychange', () => this.timer && !document.hidden && this.#again());
    }

    /** Ask once. Throws when nobody comes in by this. */
    async look() {
        try {
            this.onchange(this.about = await this.#ask());
        } catch (error) {
            if (isFinal(error))
                throw error;
        }
    }

    /** Ask again now and then, until stop(). */
    watch() {
        this.stop();
        this.timer = setInterval(() => this.#again(), EVERY_MS);
    }

    stop() {
        this.turn++;
        clearInterval(this.timer);
        this.timer = null;
    }

    #ask() {
        const { invitation, room, host } = this.entry;
        return api('POST', '/join/look', { token: host ? this.token() : undefined, body: invitation ? { invitation } : { room } });
    }

    async #again() {
        const mine = this.turn;
        try {
            const about = await this.#ask();
            if (mine === this.turn)
                this.onchange(this.about = about);
        } catch (error) {
            if (mine === this.turn && isFinal(error))
                this.ongone(error);
        }
    }
}

/** The facts about it in a line of words. @isHost: who looks is its host; @waits: they are in the lobby */
export function factsOf({ host, state, starts_at: begins, duration_min: minutes, lobby, locked }, { isHost = false, waits = false }) {
    return [host.name && !isHost && `with ${host.name}`, begins && `${momentOf(begins)}${minutes ? `, ${minutes} minutes` : ''}`, state === 'open' && 'running now',
        ...isHost || waits ? [] : [lobby && 'the host lets you in', locked && 'locked just now']].filter(Boolean).join(' · ');
}
