/* SPDX-License-Identifier: MIT */
/* A small client of the session protocol over WebSocket: Stoa.connect() → Session → Handle. */

const KEEPALIVE_MS = 25000;
const text = () => Math.random().toString(36).slice(2, 14);

/** An error that the server answered; `code` is its number. */
export class StoaError extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

export class Stoa {
    /** Connect to the server that the page came from, and make a session. */
    static async connect() {
        const servers = await (await fetch('/stoa.json')).json();
        if (!servers.websocket)
            throw new StoaError(0, 'This server has no WebSocket transport: its operator can enable it.');
        const socket = new WebSocket(servers.websocket, 'janus-protocol');
        await new Promise((resolve, reject) => {
            socket.onopen = resolve;
            socket.onerror = () => reject(new StoaError(0, 'The server cannot be reached.'));
        });
        const stoa = new Stoa(socket);
        stoa.session = (await stoa.request({ janus: 'create' })).data.id;
        stoa.timer = setInterval(() => stoa.request({ janus: 'keepalive' }).catch(() => {}), KEEPALIVE_MS);
        return stoa;
    }

    constructor(socket) {
        this.socket = socket;
        this.waiting = new Map(); /* transaction → {resolve, reject, event} */
        this.handles = new Map();
        this.onclosed = () => {};
        socket.onmessage = (message) => this.#take(JSON.parse(message.data));
        socket.onclose = () => this.#closed();
    }

    /** Send a verb; resolves with its answer. @wantEvent: wait for the event after the ack */
    request(message, wantEvent = false) {
        const transaction = text();
        if (this.session)
            message.session_id = this.session;
        return new Promise((resolve, reject) => {
            this.waiting.set(transaction, { resolve, reject, wantEvent });
            this.socket.send(JSON.stringify({ ...message, transaction }));
        });
    }

    async attach(plugin) {
        const { data } = await this.request({ janus: 'attach', plugin });
        const handle = new Handle(this, data.id);
        this.handles.set(data.id, handle);
        return handle;
    }

    close() {
        this.onclosed = () => {};
        this.socket.close();
    }

    #take(message) {
        const waits = this.waiting.get(message.transaction);
        if (waits && message.janus === 'ack' && waits.wantEvent)
            return;
        if (waits) {
            this.waiting.delete(message.transaction);
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
        for (const waits of this.waiting.values())
            waits.reject(new StoaError(0, 'The connection to the server was lost.'));
        this.waiting.clear();
        this.onclosed();
    }
}

/** One attachment to a plugin, with at most one PeerConnection in `pc`. */
export class Handle {
    constructor(stoa, id) {
        this.stoa = stoa;
        this.id = id;
        this.pc = null;
        this.onevent = () => {}; /* (data, jsep) of the plugin */
        this.oncore = () => {};  /* webrtcup, media, hangup, detached … */
    }

    /** Send a request to the plugin; resolves with {data, jsep} or throws the plugin's error. */
    async message(body, jsep) {
        const answer = await this.stoa.request({ janus: 'message', handle_id: this.id, body, jsep }, true);
        const data = answer.plugindata?.data ?? {};
        if (data.error_code)
            throw new StoaError(data.error_code, data.error);
        return { data, jsep: answer.jsep };
    }

    /** Make the PeerConnection; its candidates are trickled. */
    open() {
        this.pc = new RTCPeerConnection();
        this.pc.onicecandidate = ({ candidate }) =>
            this.stoa.request({ janus: 'trickle', handle_id: this.id, candidate: candidate ?? { completed: true } })
                .catch(() => {});
        return this.pc;
    }

    /** Offer what the PeerConnection has, along with a request; takes the answer. */
    async offer(body) {
        await this.pc.setLocalDescription();
        const { type, sdp } = this.pc.localDescription;
        const answer = await this.message(body, { type, sdp });
        await this.pc.setRemoteDescription(answer.jsep);
        return answer.data;
    }

    /** Take an offer of the server and answer it with a request. */
    async answer(jsep, body) {
        await this.pc.setRemoteDescription(jsep);
        await this.pc.setLocalDescription();
        const { type, sdp } = this.pc.localDescription;
        return (await this.message(body, { type, sdp })).data;
    }

    detach() {
        this.pc?.close();
        this.stoa.handles.delete(this.id);
        return this.stoa.request({ janus: 'detach', handle_id: this.id }).catch(() => {});
    }

    take(message) {
        if (message.janus === 'event')
            this.onevent(message.plugindata.data, message.jsep);
        else
            this.oncore(message);
    }
}

/** What a person can do about a camera or microphone that was not given. */
export function mediaProblem(error) {
    if (!navigator.mediaDevices)
        return 'The browser gives camera and microphone only to https pages and to localhost.';
    switch (error.name) {
    case 'NotAllowedError':
        return 'Camera and microphone were refused. Allow them beside the address of this page, then try again.';
    case 'NotFoundError':
        return 'No camera or microphone was found. Plug one in, then try again.';
    case 'NotReadableError':
        return 'Camera or microphone is used by another program. Close it, then try again.';
    default:
        return `Camera and microphone cannot be used: ${error.message}`;
    }
}
