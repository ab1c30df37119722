/* SPDX-License-Identifier: MIT */
/* The echo page: what you send comes back. */
import { Stoa, mediaProblem } from './stoa.js';

const $ = (id) => document.getElementById(id);
let stoa, handle, local;

function stop(why = '') {
    stoa?.close();
    handle?.pc?.close();
    for (const track of local?.getTracks() ?? [])
        track.stop();
    stoa = handle = local = null;
    document.body.classList.remove('joined');
    $('start').disabled = false;
    $('problem').textContent = why;
}

async function start() {
    $('problem').textContent = '';
    $('start').disabled = true;
    try {
        local = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    } catch (error) {
        stop(mediaProblem(error));
        return;
    }
    try {
        stoa = await Stoa.connect();
        stoa.onclosed = () => stop('The connection to the server was lost.');
        handle = await stoa.attach('stoa.plugin.echotest');
        const pc = handle.open();
        const echo = new MediaStream();
        pc.ontrack = ({ track }) => echo.addTrack(track);
        for (const track of local.getTracks())
            pc.addTrack(track, local);
        await handle.offer({ audio: true, video: true });
        $('local').srcObject = local;
        $('echo').srcObject = echo;
        document.body.classList.add('joined');
    } catch (error) {
        stop(error.message);
    }
}

$('start').addEventListener('click', start);
$('stop').addEventListener('click', () => stop());
