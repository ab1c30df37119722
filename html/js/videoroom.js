/* SPDX-License-Identifier: MIT */
/* The videoroom page: one handle publishes, one for each other person subscribes. */
import { Stoa, mediaProblem } from './stoa.js';

const room = Number(new URLSearchParams(location.search).get('room')) || 1234;
const $ = (id) => document.getElementById(id);
const people = new Map(); /* feed → {handle, tile} */
let stoa, publisher, local, screen, me;

const say = (problem) => { $('problem').textContent = problem; };

function addTile(name, muted) {
    const tile = document.createElement('figure');
    const video = document.createElement('video');
    const caption = document.createElement('figcaption');
    video.autoplay = video.playsInline = true;
    video.muted = muted;
    caption.textContent = name;
    tile.append(video, caption);
    $('tiles').append(tile);
    return tile;
}

async function subscribe({ id, display }) {
    if (people.has(id))
        return;
    const person = { tile: addTile(display ?? `Guest ${id}`, false) };
    people.set(id, person);
    const handle = person.handle = await stoa.attach('stoa.plugin.videoroom');
    const stream = new MediaStream();
    handle.open().ontrack = ({ track }) => {
        stream.addTrack(track);
        person.tile.querySelector('video').srcObject = stream;
    };
    handle.onevent = (data, jsep) => {
        if (jsep)
            handle.answer(jsep, { request: 'start' }).catch((error) => say(error.message));
    };
    const { jsep } = await handle.message({ request: 'join', ptype: 'subscriber', room, streams: [{ feed: id }] });
    await handle.answer(jsep, { request: 'start' });
}

function forget(id) {
    people.get(id)?.handle?.detach();
    people.get(id)?.tile.remove();
    people.delete(id);
}

function onRoom(data) {
    for (const someone of data.publishers ?? [])
        subscribe(someone).catch((error) => { forget(someone.id); say(error.message); });
    for (const gone of [data.unpublished, data.leaving, data.kicked])
        if (typeof gone === 'number')
            forget(gone);
    if (data.leaving === 'ok' && data.reason === 'kicked')
        leave('You were removed from the room.');
    if (data.videoroom === 'destroyed')
        leave('The room was closed.');
}

async function join(event) {
    event.preventDefault();
    say('');
    $('join').disabled = true;
    try {
        local = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    } catch (error) {
        say(mediaProblem(error));
        $('join').disabled = false;
        return;
    }
    try {
        await enter($('name').value.trim());
    } catch (error) {
        leave(error.message);
    }
}

async function enter(display) {
    stoa = await Stoa.connect();
    stoa.onclosed = () => leave('The connection to the server was lost. Join again.');
    publisher = await stoa.attach('stoa.plugin.videoroom');
    publisher.onevent = onRoom;
    const { data } = await publisher.message({ request: 'join', ptype: 'publisher', room, display });
    const pc = publisher.open();
    for (const track of local.getTracks())
        pc.addTrack(track, local);
    await publisher.offer({ request: 'publish' });
    me = addTile(`${display} (you)`, true);
    me.classList.add('me');
    me.querySelector('video').srcObject = local;
    $('title').textContent = data.description ?? `Room ${room}`;
    document.body.classList.add('joined');
    onRoom(data);
}

function leave(why = '') {
    stoa?.close();
    for (const id of [...people.keys()]) {
        people.get(id).handle?.pc?.close();
        people.get(id).tile.remove();
        people.delete(id);
    }
    publisher?.pc?.close();
    for (const track of [...(local?.getTracks() ?? []), ...(screen?.getTracks() ?? [])])
        track.stop();
    me?.remove();
    stoa = publisher = local = screen = me = null;
    document.body.classList.remove('joined');
    $('join').disabled = false;
    say(why);
}

function toggle(button, kind) {
    const track = local.getTracks().find((one) => one.kind === kind);
    track.enabled = !track.enabled;
    button.setAttribute('aria-pressed', String(!track.enabled));
}

async function share() {
    const sender = publisher.pc.getSenders().find((one) => one.track?.kind === 'video');
    if (screen) {
        for (const track of screen.getTracks())
            track.stop();
        screen = null;
        await sender.replaceTrack(local.getVideoTracks()[0]);
    } else {
        try {
            screen = await navigator.mediaDevices.getDisplayMedia({ video: true });
        } catch {
            return; /* the person changed their mind */
        }
        screen.getVideoTracks()[0].onended = () => screen && share();
        await sender.replaceTrack(screen.getVideoTracks()[0]);
    }
    me.querySelector('video').srcObject = screen ?? local;
    $('share').setAttribute('aria-pressed', String(Boolean(screen)));
}

$('form').addEventListener('submit', join);
$('mute').addEventListener('click', (event) => toggle(event.currentTarget, 'audio'));
$('camera').addEventListener('click', (event) => toggle(event.currentTarget, 'video'));
$('share').addEventListener('click', () => share().catch((error) => say(error.message)));
$('leave').addEventListener('click', () => leave());
