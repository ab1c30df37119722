/* SPDX-License-Identifier: MIT */
/* One who publishes video in a videoroom and those who watch, each in a page of a browser, by a link of its own if need be. */

/* -- in the page ----------------------------------------------------------------------------------- */

/* Puts `hall` into a page: a session, and ways to publish and to watch. @address, port: of a link; else straight to the server @without: lines of the server's descriptions that are not heard, a RegExp's text */
async function enter({ address, port, without, room }) {
    const { Stoa } = await import('/js/stoa.js');
    const stoa = await Stoa.connect();
    const hall = window.hall = { stoa };

    /* All goes by the link: the server's candidate is the link's, and there is no other. */
    function reroute(pc) {
        const describe = pc.setRemoteDescription.bind(pc);
        const moved = (line) => line.replace(/^(a=candidate:\S+ 1 udp \d+) \S+ \d+ /i, `$1 ${address} ${port} `);
        const byLink = (sdp) => {
            const seen = new Set();
            return sdp.split('\r\n').filter((line) => !/^a=candidate/.test(line) || / udp .* typ host/i.test(line)).map(moved)
                .filter((line) => !/^a=candidate/.test(line) || !seen.has(line.split(' ').slice(4, 6).join()) && seen.add(line.split(' ').slice(4, 6).join()))
                .join('\r\n');
        };
        pc.setRemoteDescription = ({ type, sdp }) => describe({ type, sdp: byLink(sdp) });
        pc.addIceCandidate = async () => {};
    }

    function leaveOut(pc) {
        const describe = pc.setRemoteDescription.bind(pc);
        pc.setRemoteDescription = ({ type, sdp }) => describe({ type, sdp: sdp.split('\r\n').filter((line) => !new RegExp(without).test(line)).join('\r\n') });
    }

    async function attach() {
        const handle = await stoa.attach('stoa.plugin.videoroom');
        const open = handle.open.bind(handle);
        handle.open = () => {
            const pc = open();
            if (port)
                reroute(pc);
            if (without)
                leaveOut(pc);
            return pc;
        };
        return handle;
    }

    hall.attach = attach;
    /* A SIM group in place of the one stream that an offer has. */
    function byGroup(sdp) {
        const [, first, repair] = /a=ssrc-group:FID (\d+) (\d+)/.exec(sdp), [head] = sdp.split('a=ssrc-group:FID ');
        const about = sdp.split('\r\n').filter((line) => line.startsWith(`a=ssrc:${first} `)).map((line) => line.slice(`a=ssrc:${first}`.length));
        const streams = [0, 1, 2].map((i) => [Number(first) + i, Number(repair) + i]);
        return [`${head}a=ssrc-group:SIM ${streams.map(([one]) => one).join(' ')}`, ...streams.map((pair) => `a=ssrc-group:FID ${pair.join(' ')}`),
            ...streams.flat().flatMap((one) => about.map((line) => `a=ssrc:${one}${line}`)), ''].join('\r\n');
    }

    hall.stats = async (pc, fits) => [...(await pc.getStats()).values()].filter(fits);

    /* What is sent: {codec, encodings, width, height, fps, grouped: as old clients do, three streams by their numbers alone}; → the feed's id */
    hall.publish = async ({ codec, encodings, width, height, fps, grouped, display = 'Ana' }) => {
        const handle = await attach();
        const { data } = await handle.message({ request: 'join', ptype: 'publisher', room, display });
        const pc = handle.open();
        const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: fps } });
        const [track] = stream.getVideoTracks();
        const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings: encodings });
        if (codec) {
            const { codecs } = RTCRtpSender.getCapabilities('video');
            transceiver.setCodecPreferences([...codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`),
                ...codecs.filter(({ mimeType }) => /rtx/i.test(mimeType))]);
        }
        if (grouped) {
            const set = pc.setLocalDescription.bind(pc);
            pc.setLocalDescription = async () => {
                const { type, sdp } = await pc.createOffer();
                await set({ type, sdp: byGroup(sdp) });
            };
        }
        const up = new Promise((resolve) => {
            handle.oncore = ({ janus }) => janus === 'webrtcup' && resolve();
        });
        Object.assign(hall, { publisher: handle, sending: pc, track, sender: transceiver.sender });
        await handle.offer({ request: 'publish' });
        await up;
        if (grouped) {
            const parameters = transceiver.sender.getParameters();
            parameters.encodings.forEach((one, i) => { one.scaleResolutionDownBy = 4 >> i; });
            await transceiver.sender.setParameters(parameters);
        }
        return data.id;
    };

    /* What is sent now: one for each encoding, the largest first. */
    hall.sent = async () => (await hall.stats(hall.sending, ({ type, kind }) => type === 'outbound-rtp' && kind === 'video'))
        .map(({ rid, frameWidth: width, frameHeight: height, framesPerSecond: fps, framesEncoded: frames, bytesSent: bytes, scalabilityMode: mode,
            qualityLimitationReason: reason, targetBitrate: target, keyFramesEncoded: keys, pliCount: plis, encoderImplementation: by, active }) =>
            ({ rid, width, height, fps, frames, bytes, mode, reason, target, keys, plis, by, active }))
        .sort((a, b) => (b.width ?? 0) - (a.width ?? 0));

    /* Each frame as it is shown: {at, width, height, shown: how many so far}. */
    function note(track) {
        const video = document.createElement('video');
        Object.assign(video, { muted: true, autoplay: true, width: 160, height: 90, srcObject: new MediaStream([track]) });
        document.body.append(video);
        const frames = [];
        const next = (now, { width, height, presentedFrames: shown, rtpTimestamp: rtp }) => {
            frames.push({ at: performance.now(), wall: Date.now(), width, height, shown, rtp });
            video.requestVideoFrameCallback(next);
        };
        video.requestVideoFrameCallback(next);
        return { video, frames };
    }

    /* Watch feeds: [{feed, …}]; hall.watched is one for each m-line, in order. */
    hall.watch = async (streams) => {
        const handle = await attach();
        const pc = { handle, events: [], watched: [] };
        handle.onevent = (data) => pc.events.push({ at: performance.now(), ...data });
        const since = performance.now();
        const { jsep } = await handle.message({ request: 'join', ptype: 'subscriber', room, streams });
        handle.open();
        handle.pc.ontrack = ({ track }) => pc.watched.push(note(track));
        await handle.answer(jsep, { request: 'start' });
        Object.assign(hall, { subscriber: handle, receiving: handle.pc, events: pc.events, watched: pc.watched, since, frames: pc.watched[0].frames });
    };

    hall.received = async () => {
        const [one] = await hall.stats(hall.receiving, ({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
        const [pair] = await hall.stats(hall.receiving, ({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
        return { at: performance.now(), decoded: one?.framesDecoded ?? 0, bytes: one?.bytesReceived ?? 0, packets: one?.packetsReceived ?? 0,
            lost: one?.packetsLost ?? 0, width: one?.frameWidth, height: one?.frameHeight, fps: one?.framesPerSecond, dropped: one?.framesDropped,
            freezes: one?.freezeCount, frozen_s: one?.totalFreezesDuration, keys: one?.keyFramesDecoded, plis: one?.pliCount, nacks: one?.nackCount,
            buffer_s: one?.jitterBufferDelay, emitted: one?.jitterBufferEmittedCount, rtt_s: pair?.currentRoundTripTime };
    };
}

/* -- outside --------------------------------------------------------------------------------------- */

/** Put `hall` into a page of any browser. @link: {address, port} of lib/link.mjs or lib/narrow.mjs, or none @without  see enter() */
export async function settle(page, gateway, { link, without, room = 1234 } = {}) {
    await page.goto(`${gateway.http.replace('127.0.0.1', 'localhost')}/`);
    await page.evaluate(enter, { address: link?.address, port: link?.port, without, room });
    return page;
}

/** A page of Chromium in the room, with options as above. */
export async function openPage(browser, gateway, options) {
    const page = await settle(await (await browser.newContext()).newPage(), gateway, options);
    page.leave = () => page.context().close();
    return page;
}

/** Ask, and wait for the first picture after that, of a width if one is given: in ms, from the request. @handle  `subscriber` or `publisher` */
export const ask = (page, handle, body, width = 0) => page.evaluate(async ([who, request, wanted]) => {
    const { frames } = window.hall, since = performance.now();
    await window.hall[who].message(request);
    for (let i = frames.length; performance.now() < since + 20000; await new Promise((resolve) => setTimeout(resolve, 5)))
        for (; i < frames.length; i++)
            if (!wanted || frames[i].width === wanted)
                return Math.round(frames[i].at - since);
    return Infinity;
}, [handle, body, width]);
