/* SPDX-License-Identifier: MIT */
/* What this person sends to a videoroom: microphone, and camera or screen. */
import { VIDEO, stopAll } from './media.js';

const MOST_FAILURES = 3;

export class Own {
    /** @stream: taken; may be empty, for somebody who only watches */
    constructor(stream) {
        this.stream = stream;
        this.screen = null;
        this.handle = null;
        this.senders = {};
        this.failures = 0;
        this.onchange = () => {};
        this.onproblem = () => {};
    }

    /** What others are told that we send. */
    get state() {
        const microphone = this.track('audio');
        return { audio: Boolean(microphone?.enabled), video: Boolean(this.track('video')), screen: Boolean(this.screen) };
    }

    track(kind) {
        return this.stream.getTracks().find((one) => one.kind === kind);
    }

    /** Send by this handle, which has joined; by the one before no more. */
    async publish(handle) {
        this.handle = handle;
        this.senders = {};
        handle.oncore = ({ janus }) => this.#core(handle, janus);
        handle.restart = () => handle.offer({ request: 'configure' }, { restart: true });
        for (const track of this.#tracks())
            this.#add(track);
        if (handle.pc)
            await this.#offer({ request: 'publish', metadata: this.state });
        if (this.screen)
            await this.#changed();
    }

    /** Who came without one is asked for it. */
    async setMicrophone(on) {
        if (!this.track('audio'))
            await this.#openMicrophone();
        this.track('audio').enabled = on;
        await this.#changed({ audio: on });
    }

    /** The camera is let go while it is off: its light tells the truth. */
    async setCamera(on) {
        const old = this.track('video');
        if (on && !old)
            this.stream.addTrack((await navigator.mediaDevices.getUserMedia({ video: VIDEO })).getVideoTracks()[0]);
        if (!on && old) {
            old.stop();
            this.stream.removeTrack(old);
        }
        await this.#showVideo();
    }

    async setScreen(on) {
        stopAll(this.screen);
        this.screen = on ? await navigator.mediaDevices.getDisplayMedia({ video: true }) : null;
        const shared = this.screen;
        if (shared)
            shared.getVideoTracks()[0].onended = () => this.screen === shared && this.setScreen(false).catch(this.onproblem);
        await this.#showVideo();
    }

    stop() {
        stopAll(this.stream);
        stopAll(this.screen);
        this.screen = this.handle = null;
    }

    #tracks() {
        return [this.track('audio'), this.screen?.getVideoTracks()[0] ?? this.track('video')].filter(Boolean);
    }

    #add(track) {
        const pc = this.handle.pc ?? this.handle.open();
        this.senders[track.kind] = pc.addTransceiver(track, { direction: 'sendonly', streams: [this.stream] }).sender;
    }

    async #openMicrophone() {
        const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
        this.stream.addTrack(track);
        try {
            await this.#send(track);
        } catch (error) {
            track.stop();
            this.stream.removeTrack(track);
            throw error;
        }
    }

    /* One more than there was so far. */
    async #send(track) {
        if (!this.handle)
            return;
        const request = this.handle.pc ? 'configure' : 'publish';
        this.#add(track);
        await this.#offer({ request });
    }

    async #showVideo() {
        const track = this.#tracks().find((one) => one.kind === 'video') ?? null;
        if (this.senders.video)
            await this.senders.video.replaceTrack(track);
        else if (track)
            await this.#send(track);
        await this.#changed();
    }

    async #offer(body) {
        const { handle } = this;
        try {
            await handle.offer(body);
        } catch (error) {
            handle.pc?.close();
            handle.pc = null;
            this.senders = {};
            throw error;
        }
    }

    async #changed(more = {}) {
        this.onchange();
        await this.handle?.message({ request: 'configure', metadata: this.state, descriptions: this.#descriptions(), ...more });
    }

    /* A screen comes first where somebody's line is too narrow for all. */
    #descriptions() {
        const line = this.handle.pc?.getTransceivers().find(({ sender }) => sender === this.senders.video);
        return line?.mid ? [{ mid: line.mid, description: this.screen ? 'screen' : 'camera' }] : undefined;
    }

    /* The PeerConnection broke while we are in the room: make another. */
    #core(handle, event) {
        if (event === 'webrtcup')
            this.failures = 0;
        if (event !== 'hangup' || this.handle !== handle)
            return;
        handle.pc?.close();
        handle.pc = null;
        if (++this.failures > MOST_FAILURES)
            this.onproblem(new Error('Your picture and sound do not reach the server. A firewall may be in the way.'));
        else
            this.publish(handle).catch((error) => this.onproblem(error));
    }
}
