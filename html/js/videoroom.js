/* SPDX-License-Identifier: MIT */
/* The videoroom page: come in by name, see and hear each other. */
import { Stoa, StoaError } from './stoa.js';
import { mediaProblem, openMedia } from './media.js';
import { Own } from './own.js';
import { Tiles } from './tiles.js';
import { Watch } from './watch.js';

const MISSING = 429, FULL = 432, UNAUTHORIZED = 433;
const RETRY_S = [0, 1, 2, 4, 8, 8, 8, 8];

const room = Number(new URLSearchParams(location.search).get('room')) || 1234;
const $ = (id) => document.getElementById(id);
const tiles = new Tiles($('tiles'));
const people = new Map(); /* feed → {tile, stream}: the others */
let call = null;          /* {display, pin, own, me, stoa} while we are in, or trying */

const say = (problem) => { $('problem').textContent = problem instanceof Error ? problem.message : problem; };
const note = (status) => { $('status').textContent = status; };

/* -- the others ------------------------------------------------------------------------------- */

function meet({ id, display, metadata, streams = [] }) {
    let person = people.get(id);
    if (!person) {
        person = { tile: tiles.add(display ?? `Guest ${id}`), stream: new MediaStream() };
        person.tile.video.srcObject = person.stream;
        people.set(id, person);
    }
    const sends = (kind) => streams.some(({ type, disabled }) => type === kind && !disabled);
    person.tile.show(metadata ?? { audio: sends('audio'), video: sends('video') });
    return id;
}

function forget(id) {
    people.get(id)?.tile.remove();
    people.delete(id);
}

function change({ id, display, metadata }) {
    if (display)
        people.get(id)?.tile.rename(display);
    people.get(id)?.tile.show(metadata ?? {});
}

function onRoom(data) {
    if (data.publishers?.length)
        call.watch.add(data.publishers.map(meet));
    for (const gone of [data.unpublished, data.leaving, data.kicked])
        forget(gone);
    if (people.has(data.id) && !data.moderation)
        change(data);
    if (data.leaving === 'ok' && data.reason === 'kicked')
        leave('You were removed from the room.');
    if (data.videoroom === 'destroyed')
        leave('The room was closed.');
    showAlone();
}

/* -- coming in ---------------------------------------------------------------------------------- */

function showAlone() {
    $('alone').hidden = !call?.stoa || people.size > 0;
}

/* Somebody without a place to send may still watch and listen. */
async function publish(own, publisher) {
    try {
        await own.publish(publisher);
    } catch (error) {
        if (error.code !== FULL)
            throw error;
        say('As many people as this room takes are sending already. You can watch and listen.');
    }
}

async function enter(mine) {
    const stoa = mine.stoa = await Stoa.connect();
    if (call !== mine) {
        stoa.close();
        return;
    }
    stoa.onclosed = () => reconnect(mine);
    const publisher = await stoa.attach('stoa.plugin.videoroom');
    publisher.onevent = onRoom;
    const { display, pin } = mine;
    const { data } = await publisher.message({ request: 'join', ptype: 'publisher', room, display, pin });
    mine.watch = new Watch(stoa, room, people, say);
    $('title').textContent = document.title = data.description ?? `Room ${room}`;
    onRoom(data);
    await publish(mine.own, publisher);
}

/* The socket went: keep what we have and try again for half a minute. */
async function reconnect(mine) {
    note('The connection to the server was lost. Reconnecting …');
    for (const seconds of RETRY_S) {
        mine.stoa?.close();
        [...people.keys()].forEach(forget);
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        if (call !== mine)
            return;
        try {
            await enter(mine);
            note('');
            return;
        } catch (error) {
            if (error instanceof StoaError && error.code > 0) {
                leave(error);
                return;
            }
        }
    }
    leave('The connection to the server was lost. Join again.');
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

async function join(media, lacks = '') {
    say('');
    setBusy(true);
    call = { display: $('name').value.trim(), pin: $('pin').value || undefined, own: new Own(media), stoa: null };
    const mine = call;
    mine.own.onchange = showOwn;
    mine.own.onproblem = say;
    mine.me = tiles.add(`${mine.display} (you)`);
    mine.me.figure.classList.add('me');
    mine.me.video.muted = true;
    tiles.place.prepend(mine.me.figure);
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
    showOwn();
    showAlone();
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
    mine?.own.stop();
    mine?.me.remove();
    [...people.keys()].forEach(forget);
    document.body.classList.remove('joined');
    $('title').textContent = document.title = 'Videoroom';
    setBusy(false);
    showAlone();
    say(why);
    $('name').focus();
}

/* -- what we send ---------------------------------------------------------------------------------- */

function showButton(id, on, [whenOn, whenOff]) {
    $(id).textContent = on ? whenOn : whenOff;
    $(id).classList.toggle('off', !on);
}

function showOwn() {
    const { own, me } = call ?? {};
    if (!own)
        return;
    me.video.srcObject = own.screen ?? own.stream;
    me.show(own.state);
    $('mute').disabled = !own.track('audio');
    showButton('mute', own.state.audio, ['Mute', own.track('audio') ? 'Unmute' : 'No microphone']);
    showButton('camera', own.state.video, ['Stop camera', 'Start camera']);
    $('share').textContent = own.state.screen ? 'Stop sharing' : 'Share screen';
    $('share').classList.toggle('on', own.state.screen);
}

/* One press at a time; what goes wrong is said. */
function press(id, action) {
    $(id).addEventListener('click', async () => {
        $(id).disabled = true;
        say('');
        try {
            await action(call.own);
        } catch (error) {
            say(error instanceof StoaError ? error : mediaProblem(error));
        }
        $(id).disabled = false;
        showOwn();
        $(id).focus();
    });
}

async function shareScreen(own) {
    try {
        await own.setScreen(!own.screen);
    } catch (error) {
        if (error.name !== 'NotAllowedError') /* the person changed their mind */
            throw error;
    }
}

$('form').addEventListener('submit', joinWithMedia);
$('listen').addEventListener('click', () => $('form').reportValidity() && join(new MediaStream()));
press('mute', (own) => own.setMicrophone(!own.state.audio));
press('camera', (own) => own.setCamera(!own.state.video));
press('share', shareScreen);
$('share').hidden = !navigator.mediaDevices?.getDisplayMedia;
$('leave').addEventListener('click', () => leave());
