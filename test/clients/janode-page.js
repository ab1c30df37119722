/* SPDX-License-Identifier: MIT */
/* Runs in the tab of janode.test.mjs: PeerConnections by name, for an application server that signals by Janode. */
window.pcs = {};

function make(name) {
    const pc = window.pcs[name] ??= new RTCPeerConnection();
    pc.ontrack = ({ track }) => {
        const media = Object.assign(document.createElement(track.kind), { autoplay: true, srcObject: new MediaStream([track]) });
        document.body.append(media);
    };
    return pc;
}

/* Janode's application does not trickle here: all candidates are in the text. */
async function gathered(pc) {
    await pc.setLocalDescription();
    while (pc.iceGatheringState !== 'complete')
        await new Promise((resolve) => pc.addEventListener('icegatheringstatechange', resolve, { once: true }));
    const { type, sdp } = pc.localDescription;
    return { type, sdp };
}

window.offer = async (name) => {
    const pc = make(name);
    if (pc.getSenders().length === 0) {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });
        for (const track of stream.getTracks())
            pc.addTrack(track, stream);
        const data = pc.createDataChannel('JanusDataChannel');
        data.onmessage = (event) => { pc.text = event.data; };
        pc.data = data;
    }
    return gathered(pc);
};

window.answer = async ([name, jsep]) => {
    const pc = make(name);
    await pc.setRemoteDescription(jsep);
    return gathered(pc);
};

window.accept = async ([name, jsep]) => {
    await window.pcs[name].setRemoteDescription(jsep);
    return true;
};

/** What arrives on an m-line, or on the first of a kind: decoded frames or the energy of sound. */
window.arrived = async ([name, which]) => {
    const line = window.pcs[name].getTransceivers().find(({ mid, receiver, currentDirection }) =>
        /recv/.test(currentDirection ?? '') && (mid === which || receiver.track.kind === which));
    for (const found of (await line?.receiver.getStats() ?? new Map()).values()) {
        if (found.type === 'inbound-rtp')
            return found.framesDecoded ?? found.totalAudioEnergy;
    }
    return 0;
};
