/* SPDX-License-Identifier: MIT */
/* The videoroom page: come in by name, see and hear each other. */
import { Call, showControls, useControls } from './call.js';
import { Stoa, tryAgain } from './stoa.js';
import { mediaProblem, openMedia } from './media.js';
import { Tiles } from './tiles.js';

const MISSING = 429, UNAUTHORIZED = 433;

const room = Number(new URLSearchParams(location.search).get('room')) || 1234;
const $ = (id) => document.getElementById(id);
const tiles = new Tiles($('tiles'));
let call = null; /* {request, media, stoa} while we are in, or trying */

const say = (problem) => { $('problem').textContent = problem instanceof Error ? problem.message : problem; };
const note = (status) => { $('status').textContent = status; };

function show() {
    $('alone').hidden = !call?.stoa || call.media.people.size > 0;
    if (call)
        showControls(call.media);
}

/* -- coming in ---------------------------------------------------------------------------------- */

async function enter(mine) {
    const stoa = mine.stoa = await Stoa.connect();
    if (call !== mine) {
        stoa.close();
        return;
    }
    stoa.onclosed = () => reconnect(mine);
    const data = await mine.media.enter(stoa, mine.request);
    $('title').textContent = document.title = data.description ?? `Room ${room}`;
}

/* The socket went: keep what we have and try again for half a minute. */
async function reconnect(mine) {
    note('The connection to the server was lost. Reconnecting …');
    try {
        const isBack = await tryAgain(() => {
            mine.stoa?.close();
            mine.media.forgetAll();
            return enter(mine);
        }, () => call === mine);
        if (isBack)
            note('');
        else if (call === mine)
            leave('The connection to the server was lost. Join again.');
    } catch (error) {
        if (call === mine)
            leave(error);
    }
}

function askPin(error) {
    const wrong = error.code === UNAUTHORIZED;
    if (!wrong && !(error.code === MISSING && /pin/.test(error.message)))
        return false;
    $('pin-part').hidden = false;
    leave(wrong ? 'This PIN is wrong.' : 'This room needs a PIN.');
    $('pin').focus();
    return true;
}

async function join(stream, lacks = '') {
    say('');
    setBusy(true);
    const display = $('name').value.trim();
    const media = new Call(tiles, display, stream);
    call = { request: { room, display, pin: $('pin').value || undefined }, media, stoa: null };
    const mine = call;
    Object.assign(media, { onchange: show, onproblem: say, onend: leave });
    try {
        await enter(mine);
    } catch (error) {
        if (call === mine && !askPin(error))
            leave(error);
        return;
    }
    if (call !== mine)
        return;
    note(lacks && `You joined with ${lacks}.`);
    document.body.classList.add('joined');
    show();
    $('title').focus();
}

async function joinWithMedia(event) {
    event.preventDefault();
    say('');
    setBusy(true);
    let media;
    try {
        media = await openMedia();
    } catch (error) {
        setBusy(false);
        say(`${mediaProblem(error)} Or join to watch and listen.`);
        $('listen').focus();
        return;
    }
    await join(media.stream, media.lacks);
}

function setBusy(busy) {
    $('join').disabled = $('listen').disabled = busy;
    note(busy ? 'Joining …' : '');
}

function leave(why = '') {
    const mine = call;
    call = null;
    mine?.stoa?.close();
    mine?.media.stop();
    document.body.classList.remove('joined');
    $('title').textContent = document.title = 'Videoroom';
    setBusy(false);
    show();
    say(why);
    $('name').focus();
}

$('form').addEventListener('submit', joinWithMedia);
$('listen').addEventListener('click', () => $('form').reportValidity() && join(new MediaStream()));
useControls(() => call?.media, say);
$('leave').addEventListener('click', () => leave());
