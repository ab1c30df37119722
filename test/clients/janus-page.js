/* SPDX-License-Identifier: MIT */
/* Runs in the tab of janus.js.test.mjs: small words over janus.js, which is used as it comes from npm. */
import Janus from './janus.js';

await new Promise((callback) => Janus.init({ debug: ['error'], callback,
    dependencies: Janus.useDefaultDependencies({ adapter: window.adapter }) }));

const WITHIN_MS = 60000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Wait until a function, maybe an async one, says something true; returned. */
window.until = async (what, fits) => {
    for (const end = performance.now() + WITHIN_MS; performance.now() < end; await sleep(50)) {
        const found = await fits();
        if (found)
            return found;
    }
    throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
};

window.connect = (server, token) => new Promise((success, error) => {
    const janus = new Janus({ server, token, iceServers: [], success: () => success(janus), error, destroyed() { janus.gone = true; } });
});

/** A handle. What it is told is kept: `msgs` of the plugin, `texts` of its channel, `life` the callbacks' names. */
window.attach = (janus, name) => new Promise((resolve, error) => {
    const one = { msgs: [], texts: [], life: [], offers: 0, answers: name === 'textroom' ? 'ack' : 'start' };
    const lives = (word) => () => one.life.push(word);
    janus.attach({ plugin: `janus.plugin.${name}`, error,
        success(handle) { one.handle = handle; resolve(one); },
        onmessage(message, jsep) { one.msgs.push(message); if (jsep) window.take(one, jsep); },
        webrtcState(up, reason) { one.life.push(up ? 'up' : `down ${reason}`); },
        mediaState(type, on) { one.life.push(`${type} ${on ? 'on' : 'off'}`); },
        ondata(text) { one.texts.push(text); }, ondataopen: lives('data'), oncleanup: lives('cleanup'), ondetached: lives('detached'),
        onremotetrack(track, mid, on) {
            if (!on)
                return;
            const media = Object.assign(document.createElement(track.kind), { autoplay: true }); /* unmuted: sound counts when played */
            media.srcObject = new MediaStream([track]);
            document.body.append(media);
        } });
});

/* An answer is taken; an offer, which comes to subscribers and textrooms, is answered with `start` or `ack`. */
window.take = (one, jsep) => {
    const error = (why) => one.life.push(`error ${why.message ?? why}`);
    if (jsep.type === 'answer') {
        one.handle.handleRemoteJsep({ jsep, error });
        return;
    }
    one.handle.createAnswer({ jsep, error, tracks: [{ type: 'data' }], success(answer) {
        one.handle.send({ message: { request: one.answers }, jsep: answer });
        one.offers++;
    } });
};

/** Send a request and wait for the first message after it that has the field, or says why not. */
window.ask = async (one, message, field) => {
    const from = one.msgs.length;
    one.handle.send({ message });
    return told(one, field, from);
};

window.told = (one, field, from = 0) => until(field, () => {
    const bad = one.msgs.slice(from).find((msg) => msg.error_code);
    if (bad && field !== 'error_code')
        throw new Error(`${bad.error_code} ${bad.error}`);
    return one.msgs.slice(from).find((msg) => field in msg);
});

/** Offer along with a request. */
window.offer = (one, message, tracks, more = {}) => new Promise((success, error) => one.handle.createOffer({ ...more, tracks, error,
    success(jsep) { one.handle.send({ message, jsep }); success(jsep); } }));

/** What arrives on a handle's m-line, or on the first of a kind: the statistics of its receiver. */
window.inbound = async (one, which) => {
    const line = one.handle.webrtcStuff.pc?.getTransceivers().find(({ mid, receiver, currentDirection }) =>
        /recv/.test(currentDirection ?? '') && (mid === which || receiver.track.kind === which));
    for (const found of (await line?.receiver.getStats() ?? new Map()).values()) {
        if (found.type === 'inbound-rtp')
            return found;
    }
    return { framesDecoded: 0, totalAudioEnergy: 0 };
};

/** The width of the encoding with that rid, as it is sent now. */
window.sentWidth = async (one, rid) => {
    for (const found of (await one.handle.webrtcStuff.pc.getStats()).values()) {
        if (found.type === 'outbound-rtp' && found.rid === rid)
            return found.frameWidth;
    }
    return 0;
};

window.goesOn = async (one, which) => {
    const { framesDecoded: from } = await inbound(one, which);
    await until(`video ${which} goes on`, async () => (await inbound(one, which)).framesDecoded > from + 10);
};

window.stands = (one, which) => until(`video ${which} stands still`, async () => {
    const { framesDecoded: from } = await inbound(one, which);
    await sleep(700);
    return (await inbound(one, which)).framesDecoded === from;
});

window.isHeard = (one) => until('sound', async () => (await inbound(one, 'audio')).totalAudioEnergy > 0);

const camera = { type: 'video', capture: { width: 640, height: 360 } }, microphone = { type: 'audio', capture: true };
window.media = (recv, more) => [{ ...microphone, recv }, { ...camera, recv, ...more }];

window.ready = true;
