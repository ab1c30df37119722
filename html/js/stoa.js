/* SPDX-License-Identifier: MIT */
/* A small client of the session protocol over WebSocket: Stoa.connect() → attach() → Handle. */

const KEEPALIVE_MS = 25000;
const ANSWER_MS = 45000;
const RESTART_MS = 5000;
const LOST = 'The connection to the server was lost.';

/** An error that the server answered; `code` is its number, 0 when it was not the server's; `reason` a word, where it gives one. */
export class StoaError extends Error {
    constructor(code, message, reason = '') {
        super(message);
        this.code = code;
        this.reason = reason;
    }
}

/* What people paste can hold what no JSON text may: halves of characters, and U+0000. */
const clean = (key, value) => (typeof value === 'string' ? (value.toWellFormed?.() ?? value).replaceAll('\0', '') : value);

/** The text of a request. */
export const written = (message) => JSON.stringify(message, clean);

/** Waits before each attempt to come back after a lost connection. */
const RETRY_S = [0, 1, 2, 4, 8, 8, 8, 8];

/**
 * Try something again and again while the server cannot be reached. True when it worked, false when it never did
 * or is not wanted any more; what the server refuses is thrown.
 */
export async function tryAgain(attempt, isWanted) {
    for (const seconds of RETRY_S) {
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        if (!isWanted())
            return false;
        try {
            await attempt();
            return true;
        } catch (error) {
            if (error instanceof StoaError && error.code > 0)
                throw error;
        }
    }
    return false;
}

async function findServers() {
    try {
        return await (await fetch('/stoa.json')).json();
    } catch {
        throw new StoaError(0, 'The server cannot be reached.');
    }
}

export class Stoa {
    /** Connect to the server that the page came from, and make a session. @token: of a participant, sent with every request; @iceServers: for PeerConnections */
    static async connect({ token, iceServers } = {}) {
        const servers = await findServers();
        if (!servers.websocket)
            throw new StoaError(0, 'This server has no WebSocket transport: its operator can enable it.');
        const socket = new WebSocket(servers.websocket, 'janus-protocol');
        await new Promise((resolve, reject) => {
            socket.onopen = resolve;
            socket.onerror = () => reject(new StoaError(0, 'The server cannot be reached.'));
        });
        const stoa = new Stoa(socket, token, iceServers);
        stoa.session = (await stoa.request({ janus: 'create' })).data.id;
        stoa.timer = setInterval(() => stoa.request({ janus: 'keepalive' }).catch(() => {}), KEEPALIVE_MS);
        return stoa;
    }

    constructor(socket, token, iceServers = []) {
        this.socket = socket;
        this.token = token;
        this.iceServers = iceServers;
        this.waiting = new Map(); /* transaction → {resolve, reject, wantEvent, timer} */
        this.handles = new Map();
        this.onclosed = () => {};
        socket.onmessage = (message) => this.#take(JSON.parse(message.data));
        socket.onclose = () => this.#closed();
    }

    get isOpen() {
        return this.socket.readyState === WebSocket.OPEN;
    }

    /** Send a verb; resolves with its answer. @wantEvent: with the plugin's event that follows an ack */
    request(message, wantEvent = false) {
        if (!this.isOpen)
            return Promise.reject(new StoaError(0, LOST));
        const transaction = crypto.getRandomValues(new Uint32Array(2)).join('-');
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => this.#settle(transaction)?.reject(new StoaError(0, 'The server does not answer.')), ANSWER_MS);
            this.waiting.set(transaction, { resolve, reject, wantEvent, timer });
            this.socket.send(written({ ...message, session_id: this.session, transaction, token: this.token }));
        });
    }

    async attach(plugin) {
        const { data } = await this.request({ janus: 'attach', plugin });
        const handle = new Handle(this, data.id);
        this.handles.set(data.id, handle);
        return handle;
    }

    /** Leave; `onclosed` is not called. */
    close() {
        this.onclosed = () => {};
        for (const handle of this.handles.values())
            handle.pc?.close();
        this.socket.close();
    }

    #settle(transaction) {
        const waits = this.waiting.get(transaction);
        clearTimeout(waits?.timer);
        this.waiting.delete(transaction);
        return waits;
    }

    #take(message) {
        const waits = this.waiting.get(message.transaction);
        if (waits && message.janus === 'ack' && waits.wantEvent)
            return;
        if (waits) {
            this.#settle(message.transaction);
            if (message.janus === 'error')
                waits.reject(new StoaError(message.error.code, message.error.reason));
            else
                waits.resolve(message);
        } else if (message.janus === 'timeout') {
            this.socket.close();
        } else {
            this.handles.get(message.sender)?.take(message);
        }
    }

    #closed() {
        clearInterval(this.timer);
        for (const transaction of [...this.waiting.keys()])
            this.#settle(transaction).reject(new StoaError(0, LOST));
        this.onclosed();
    }
}

/** One attachment to a plugin, with at most one PeerConnection in `pc`. */
export class Handle {
    constructor(stoa, id) {
        this.stoa = stoa;
        this.id = id;
        this.pc = null;
        this.early = []; /* candidates of the server that its description follows; null: none is awaited */
        this.offers = Promise.resolve(); /* one at a time */
        this.restart = null;     /* async: how to begin ICE anew when the network has changed */
        this.onevent = () => {}; /* (data, jsep) of the plugin */
        this.oncore = () => {};  /* webrtcup, media, hangup, detached … */
    }

    /** Send a request to the plugin; resolves with {data, jsep} or throws the plugin's error. */
    async message(body, jsep) {
        const answer = await this.stoa.request({ janus: 'message', handle_id: this.id, body, jsep }, true);
        const data = answer.plugindata?.data ?? {};
        if (data.error_code)
            throw new StoaError(data.error_code, data.error, data.code);
        return { data, jsep: answer.jsep };
    }

    /** Make the PeerConnection; its candidates are trickled, and so are the server's. */
    open() {
        this.early = [];
        this.pc = new RTCPeerConnection({ iceServers: this.stoa.iceServers });
        this.pc.onicecandidate = ({ candidate }) =>
            this.stoa.request({ janus: 'trickle', handle_id: this.id, candidate: candidate ?? { completed: true } })
                .catch(() => {});
        this.pc.oniceconnectionstatechange = ({ target }) => this.#heed(target);
        return this.pc;
    }

    /* The way to the server is lost: there may be another. Tried again while it is, until the server gives up on us. */
    #heed(pc) {
        clearTimeout(this.restartTimer);
        if (pc !== this.pc || !this.restart || !/disconnected|failed/.test(pc.iceConnectionState))
            return;
        if (this.stoa.isOpen)
            this.restart().catch(() => {});
        this.restartTimer = setTimeout(() => this.#heed(pc), RESTART_MS);
    }

    /** Offer what the PeerConnection has, along with a request; takes the answer. @restart: with new ICE credentials */
    offer(body, { restart = false } = {}) {
        const next = this.offers.catch(() => {}).then(() => {
            if (restart)
                this.pc.restartIce();
            return this.#offer(body);
        });
        this.offers = next;
        return next;
    }

    async #offer(body) {
        await this.pc.setLocalDescription();
        const { type, sdp } = this.pc.localDescription;
        this.early ??= [];
        const answer = await this.message(body, { type, sdp });
        await this.#describe(answer.jsep);
        return answer.data;
    }

    /** Take an offer of the server and answer it with a request. */
    async answer(jsep, body) {
        await this.#describe(jsep);
        await this.pc.setLocalDescription();
        const { type, sdp } = this.pc.localDescription;
        return (await this.message(body, { type, sdp })).data;
    }

    async #describe(jsep) {
        await this.pc.setRemoteDescription(jsep);
        const early = this.early ?? [];
        this.early = null;
        early.forEach((candidate) => this.#add(candidate));
    }

    #add(candidate) {
        if (this.early)
            this.early.push(candidate);
        else if (!candidate.completed) /* one that is out of date is refused, and not missed */
            this.pc?.addIceCandidate(candidate).catch(() => {});
    }

    detach() {
        this.pc?.close();
        this.stoa.handles.delete(this.id);
        return this.stoa.request({ janus: 'detach', handle_id: this.id }).catch(() => {});
    }

    take(message) {
        if (message.janus === 'detached') {
            this.pc?.close();
            this.stoa.handles.delete(this.id);
        }
        if (message.janus === 'event')
            this.onevent(message.plugindata.data, message.jsep);
        else if (message.janus === 'trickle')
            this.#add(message.candidate);
        else
            this.oncore(message);
    }
}
