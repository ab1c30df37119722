/* SPDX-License-Identifier: MIT */
/* The others of a videoroom: one PeerConnection that gets the streams of all of them. */

const GONE = 428; /* whom we asked for has just left */
const MOST_FAILURES = 3;

export class Watch {
    /** @people: feed → {stream}; the caller adds and removes, this fills the streams. */
    constructor(stoa, room, people, onproblem) {
        Object.assign(this, { stoa, room, people, onproblem });
        this.handle = null;
        this.lines = new Map();  /* mid → feed that it shows */
        this.narrow = new Set(); /* mids of pictures that our connection cannot carry now */
        this.onnarrow = () => {}; /* (feed, whether its picture waits) */
        this.failures = 0;
        this.steps = Promise.resolve(); /* one negotiation at a time */
    }

    /** Subscribe to whatever these feeds publish now; what is there already stays. */
    add(feeds) {
        return this.#next(() => this.#add(feeds));
    }

    #next(step) {
        this.steps = this.steps.then(step).catch((error) => this.stoa.isOpen && this.onproblem(error));
        return this.steps;
    }

    async #add(feeds) {
        const wanted = feeds.filter((feed) => this.people.has(feed));
        try {
            if (wanted.length > 0)
                await this.#subscribe(wanted);
        } catch (error) {
            if (error.code !== GONE)
                throw error;
            for (const feed of wanted.length > 1 ? wanted : []) /* the others are still there */
                await this.#add([feed]);
        }
    }

    async #subscribe(feeds) {
        const streams = feeds.map((feed) => ({ feed }));
        if (this.handle?.pc) {
            await this.#take(await this.handle.message({ request: 'subscribe', streams }));
            return;
        }
        if (!this.handle) {
            this.handle = await this.stoa.attach('stoa.plugin.videoroom');
            this.handle.onevent = (data, jsep) => this.#next(() => this.#take({ data, jsep }));
            this.handle.oncore = ({ janus }) => this.#core(janus);
            this.handle.restart = () => this.#next(async () => this.#take(await this.handle.message({ request: 'configure', restart: true })));
        }
        const offer = await this.handle.message({ request: 'join', ptype: 'subscriber', room: this.room, streams });
        this.handle.open();
        await this.#take(offer);
    }

    #core(event) {
        if (event === 'webrtcup')
            this.failures = 0;
        if (event === 'hangup')
            this.#next(() => this.#again());
    }

    /* The PeerConnection broke, and with it all that we saw. */
    async #again() {
        this.handle.pc?.close();
        this.handle.pc = null;
        this.narrow.clear();
        if (++this.failures > MOST_FAILURES)
            throw new Error('The others cannot be shown: their media does not get here. A firewall may be in the way.');
        await this.#add([...this.people.keys()]);
    }

    async #take({ data, jsep }) {
        if (!this.handle.pc)
            return;
        if (jsep)
            await this.handle.answer(jsep, { request: 'start' });
        if (data.streams)
            this.#wire(data.streams);
        if (data.too_narrow !== undefined)
            this.narrow[data.too_narrow ? 'add' : 'delete'](data.mid);
        if (data.streams || data.too_narrow !== undefined)
            this.#tellNarrow();
    }

    #tellNarrow() {
        const waiting = new Set([...this.narrow].map((mid) => this.lines.get(mid)));
        for (const feed of this.people.keys())
            this.onnarrow(feed, waiting.has(feed));
    }

    /* Give everybody the tracks of the m-lines that show them. */
    #wire(streams) {
        const transceivers = this.handle.pc.getTransceivers();
        this.lines = new Map(streams.filter(({ active }) => active).map(({ mid, feed_id: feed }) => [mid, feed]));
        for (const [feed, { stream }] of this.people) {
            const mids = streams.filter((one) => one.active && one.feed_id === feed).map((one) => one.mid);
            const tracks = transceivers.filter((one) => mids.includes(one.mid)).map((one) => one.receiver.track);
            stream.getTracks().filter((track) => !tracks.includes(track)).forEach((track) => stream.removeTrack(track));
            tracks.filter((track) => !stream.getTracks().includes(track)).forEach((track) => stream.addTrack(track));
        }
    }
}
