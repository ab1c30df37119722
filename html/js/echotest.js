/* SPDX-License-Identifier: MIT */
/* The echo page: what you send comes back. */
import { mediaProblem, openMedia, stopAll } from './media.js';
import { Stoa } from './stoa.js';
import { Tiles } from './tiles.js';

const $ = (id) => document.getElementById(id);
const tiles = new Tiles($('tiles'));
let call = null; /* {stoa, stream, shown} */

const say = (problem) => { $('problem').textContent = problem; };
const note = (status) => { $('status').textContent = status; };

function stop(why = '') {
    const mine = call;
    call = null;
    mine?.stoa?.close();
    stopAll(mine?.stream);
    mine?.shown.forEach((tile) => tile.remove());
    document.body.classList.remove('joined');
    $('start').disabled = false;
    note('');
    say(why);
    $('start').focus();
}

function show(name, stream, muted) {
    const tile = tiles.add(name);
    tile.video.muted = muted;
    tile.video.srcObject = stream;
    tile.show({ video: call.stream.getVideoTracks().length > 0 });
    call.shown.push(tile);
    return tile;
}

async function connect(mine) {
    const stoa = mine.stoa = await Stoa.connect();
    stoa.onclosed = () => stop('The connection to the server was lost.');
    const handle = await stoa.attach('stoa.plugin.echotest');
    handle.oncore = ({ janus }) => janus === 'hangup' && stop('Your media does not reach the server. A firewall may be in the way.');
    handle.restart = () => handle.offer({ audio: true, video: true }, { restart: true });
    const echo = new MediaStream();
    const pc = handle.open();
    pc.ontrack = ({ track }) => echo.addTrack(track);
    for (const track of mine.stream.getTracks())
        pc.addTrack(track, mine.stream);
    await handle.offer({ audio: true, video: true });
    return echo;
}

async function start() {
    say('');
    note('Starting …');
    $('start').disabled = true;
    let lacks;
    try {
        const { stream, lacks: missing } = await openMedia();
        call = { stream, shown: [], stoa: null };
        lacks = missing;
    } catch (error) {
        stop(mediaProblem(error));
        return;
    }
    const mine = call;
    try {
        const echo = await connect(mine);
        if (call !== mine)
            return;
        show('You', mine.stream, true).figure.classList.add('me');
        show('Echo', echo, false);
        document.body.classList.add('joined');
        note(lacks ? `There is ${lacks}.` : '');
        $('title').focus();
    } catch (error) {
        stop(error.message);
    }
}

$('start').addEventListener('click', start);
$('stop').addEventListener('click', () => stop());
