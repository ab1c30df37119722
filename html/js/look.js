/* SPDX-License-Identifier: MIT */
/* A look at camera and microphone before going in: the picture, how loud it is, which devices. */
import { VIDEO, mediaProblem, openMedia, stopAll } from './media.js';
import { $, el, note, say } from './page.js';

const EVERY_MS = 100;

export class Look {
    constructor() {
        this.stream = new MediaStream();
        this.lacks = '';
        this.timer = null;
        this.context = null;
        for (const [id, kind] of [['camera-choice', 'video'], ['microphone-choice', 'audio']])
            $(id).addEventListener('change', () => this.#choose(kind, $(id).value));
    }

    /** Ask for both; what is not there or not allowed is said, and one may join without. */
    async open() {
        try {
            const { stream, lacks } = await openMedia();
            this.stream = stream;
            this.lacks = lacks;
            note(lacks && `There is ${lacks}. You can join as you are.`);
        } catch (error) {
            say(`${mediaProblem(error)} Or join to watch and listen.`);
        }
        this.#show();
        await this.#list();
    }

    /** The stream, which is the caller's from now on; nothing is shown or measured any more. */
    take() {
        const { stream } = this;
        this.stream = new MediaStream();
        this.#show();
        return stream;
    }

    close() {
        stopAll(this.take());
    }

    get hasMedia() {
        return this.stream.getTracks().length > 0;
    }

    async #choose(kind, deviceId) {
        for (const track of this.stream.getTracks().filter((one) => one.kind === kind)) {
            track.stop();
            this.stream.removeTrack(track);
        }
        const wish = { deviceId: { exact: deviceId }, ...kind === 'video' ? VIDEO : {} };
        try {
            if (deviceId !== 'none')
                this.stream.addTrack((await navigator.mediaDevices.getUserMedia({ [kind]: wish })).getTracks()[0]);
            say('');
        } catch (error) {
            say(mediaProblem(error));
        }
        this.#show();
    }

    #show() {
        const picture = this.stream.getVideoTracks()[0];
        const video = $('preview').querySelector('video');
        video.srcObject = picture ? new MediaStream([picture]) : null;
        $('preview').classList.toggle('blank', !picture);
        $('preview-note').textContent = picture ? '' : 'No picture';
        $('join').disabled = !this.hasMedia;
        this.#measure(this.stream.getAudioTracks()[0]);
    }

    /* How loud the microphone is, on a scale that speech fills. */
    #measure(track) {
        clearInterval(this.timer);
        this.context?.close();
        this.context = null;
        $('level').value = 0;
        if (!track)
            return;
        this.context = new AudioContext();
        const analyser = this.context.createAnalyser();
        this.context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        this.timer = setInterval(() => {
            analyser.getFloatTimeDomainData(samples);
            const rms = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
            const loudness = rms > 0 ? Math.min(Math.max(1 + 20 * Math.log10(rms) / 60, 0), 1) : 0;
            $('level').value = loudness;
            $('level').textContent = loudness > 0.3 ? 'heard' : 'silent';
        }, EVERY_MS);
    }

    async #list() {
        const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
        for (const [id, kind, none] of [['camera-choice', 'video', 'No camera'], ['microphone-choice', 'audio', 'No microphone']]) {
            const used = this.stream.getTracks().find((one) => one.kind === kind)?.getSettings().deviceId;
            const found = devices.filter((one) => one.kind === `${kind}input` && one.deviceId);
            $(id).replaceChildren(...found.map(({ deviceId, label }, i) =>
                el('option', { value: deviceId, selected: deviceId === used }, label || `${kind === 'video' ? 'Camera' : 'Microphone'} ${i + 1}`)),
                el('option', { value: 'none', selected: !used }, none));
        }
    }
}
