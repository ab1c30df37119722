/* SPDX-License-Identifier: MIT */
/* The way into a class: by invitation (#i=TOKEN), by public link (#r=ID or ?room=ID), or as its host (?host=ID). */
import { Ahead, factsOf, isFinal } from './ahead.js';
import { ApiError, api } from './api.js';
import { Classroom } from './class.js';
import { Look } from './look.js';
import { $, note, press, reloadOn, say, takeFragment } from './page.js';
import { Seat } from './seat.js';

const KEPT = 'stoa.entry'; /* of this tab, so that a reload finds the way in again */
const HISTORY = 'stoa.history'; /* what history.html opens without a link */
const VIEWS = ['look', 'waiting', 'over', 'class'];
let seat = null, entry = null, ahead = null;
let asksName = false; /* guests give a name, and so do those who were invited without one */
const look = new Look();

/* -- where to ------------------------------------------------------------------------------------------ */

/* An entry: {invitation}, {room, host: true} or {room}, for a guest with the answer of the last join in `joined`. */
function findEntry() {
    const fragment = takeFragment(), query = new URLSearchParams(location.search);
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
    const room = fragment.get('r') ?? query.get('room');
    if (fragment.has('i'))
        return { invitation: fragment.get('i') };
    if (query.has('host'))
        return { room: query.get('host'), host: true };
    return room && room !== kept?.room ? { room } : kept;
}

const isGuest = () => !entry.invitation && !entry.host;

function keep(joined) {
    entry.joined = isGuest() ? joined : undefined;
    sessionStorage.setItem(KEPT, JSON.stringify(entry));
}

function show(view) {
    for (const one of VIEWS)
        $(one).hidden = one !== view;
    for (const id of view === 'class' ? [] : ['locked', 'lobby'])
        $(id).hidden = true;
    $('controls').hidden = view !== 'class';
    document.body.dataset.view = view;
}

/* -- words ----------------------------------------------------------------------------------------------- */

const REFUSED = {
    room_full: 'The class is full. Try again when somebody has left.',
    room_locked: 'The host has locked the class: nobody else can come in now.',
    not_found: 'This link leads nowhere: the room was deleted, or the link is not complete. Ask the host for a new one.',
    unauthenticated: 'You are signed out. Sign in as host again.',
    slow_down: 'Too many attempts. Wait a minute, then try again.',
};

const words = (error) => (error instanceof ApiError && REFUSED[error.code]) || error.message;

function over({ why, title = 'Goodbye', again = false, history = '' }) {
    ahead?.stop();
    look.close();
    seat = null;
    $('over-title').textContent = title;
    $('over-why').textContent = why;
    $('again').hidden = !again;
    $('over-history').hidden = !history;
    $('over-history').href = history || '#';
    $('over-rooms').hidden = !entry?.host;
    say('');
    note('');
    show('over');
    $('over-title').focus();
}

/* A seat's end; what the class left behind is behind a link. None can be mailed to a guest: what they came with opens it for a while. */
function rise(how, { token, room }) {
    const isKept = how.ended && room.retention_days > 0, isTheirs = isKept && isGuest() && !how.waited;
    if (isTheirs) {
        sessionStorage.setItem(HISTORY, JSON.stringify({ token, room, isGuest: true }));
        how = { ...how, why: 'The class has ended. You have no address here to which a summary could go: see what the class left behind, and keep a copy, before you close this page.' };
    }
    const personal = isTheirs ? '/history.html' : isKept && entry.invitation ? `/history.html#h=${entry.invitation}` : '';
    over({ ...how, history: entry.host && !how.deleted && (isKept || !how.ended) ? `/history.html?room=${entry.room}` : personal });
}

/* For good. Who comes with an invitation when the class has ended finds what it left behind, and so does a guest who was in it. */
function refused(error) {
    const { invitation, room } = entry, had = JSON.parse(sessionStorage.getItem(HISTORY) ?? 'null');
    over({ why: words(error), title: 'You cannot come in', history: isGuest() && error.status === 410 && had?.room.id === room ? '/history.html' : '' });
    if (error.status === 410 && invitation)
        api('POST', '/history/session', { body: { token: invitation } }).then(() => {
            $('over-history').href = `/history.html#h=${invitation}`;
            $('over-history').hidden = false;
        }).catch(() => {}); /* there is nothing, or it is not theirs */
}

/* -- going in ---------------------------------------------------------------------------------------------- */

/* After a reload a guest's seat may still be there. */
async function oldSeat() {
    const { joined } = entry;
    if (!joined)
        return null;
    keep(undefined);
    try {
        return { ...joined, room: await api('GET', `/rooms/${joined.room.id}`, { token: joined.token }) };
    } catch (error) {
        return error.status === 403 ? joined : null; /* 403: still in the lobby */
    }
}

/* The host's token, of the page where they signed in. */
const hostToken = () => JSON.parse(localStorage.getItem('stoa.host') ?? '{}').token ?? 'none';

/* What it is that one comes into. */
function showAhead(about) {
    asksName = isGuest() || about.named === false;
    $('title').textContent = $('which').textContent = document.title = about.title;
    for (const [id, waits] of [['what', false], ['waiting-what', true]]) {
        const facts = factsOf(about, { isHost: Boolean(entry.host), waits });
        if ($(id).textContent !== facts)
            $(id).textContent = facts;
        $(id).hidden = !facts;
    }
}

async function newSeat() {
    if (entry.host)
        return api('POST', '/join', { token: hostToken(), body: { room: entry.room } });
    const name = asksName ? $('name').value.trim() : undefined;
    if (name)
        sessionStorage.setItem('stoa.name', name);
    return api('POST', '/join', { body: entry.invitation ? { invitation: entry.invitation, name } : { room: entry.room, name } });
}

/* One seat's life, from here to the end of it. */
async function sit(joined, stream) {
    if (joined.room.e2ee === 'all')
        throw new Error('What people write in this room is sealed end to end, which this page cannot read yet.');
    const mine = seat = new Seat(joined);
    const classroom = new Classroom(mine, stream);
    mine.onadmitted = () => { ahead.stop(); if (seat === mine) show('class'); };
    mine.onover = (how) => { classroom.close(); keep(undefined); rise(how, mine); if (how.erased) sessionStorage.clear(); };
    classroom.onleft = (how) => { keep(undefined); rise(how, mine); };
    $('title').textContent = document.title = joined.room.title;
    try {
        await mine.connect();
    } catch (error) {
        mine.abandon();
        classroom.close();
        throw error;
    }
    if (mine.isOver)
        return;
    keep(joined);
    note('');
    show(mine.isWaiting ? 'waiting' : 'class');
    if (mine.isWaiting)
        ahead.watch();
    (mine.isWaiting ? $('waiting-title') : $('title')).focus();
}

async function enter(stream) {
    note('Joining …');
    try {
        const old = isGuest() && await oldSeat();
        if (old)
            await sit(old, stream).catch(async (error) => error.code > 0 ? sit(await newSeat(), stream) : Promise.reject(error));
        else
            await sit(await newSeat(), stream);
    } catch (error) {
        seat = null;
        for (const track of stream.getTracks())
            track.stop();
        if (isFinal(error)) {
            refused(error);
        } else {
            await start();
            if (!$('look').hidden)
                say(words(error));
        }
    }
}

function join(button, stream) {
    if (!$('form').reportValidity())
        return;
    ahead.stop();
    press(button, () => enter(stream()));
}

/* -- the page ------------------------------------------------------------------------------------------------ */

async function start() {
    say('');
    note('');
    asksName = isGuest();
    $('name').value ||= sessionStorage.getItem('stoa.name') ?? '';
    try {
        await ahead.look(); /* a link that leads nowhere is found out before camera and microphone are asked for */
    } catch (error) {
        refused(error);
        return;
    }
    if (asksName)
        $('name').value ||= ahead.about.name ?? '';
    show('look');
    ahead.watch();
    $('name-part').hidden = !asksName;
    $('name').required = asksName;
    $('join').disabled = true;
    $('listen').disabled = false;
    await look.open();
    $('join').disabled = !look.hasMedia;
    (isGuest() && !$('name').value ? $('name') : look.hasMedia ? $('join') : $('listen')).focus();
}

$('form').addEventListener('submit', (event) => {
    event.preventDefault();
    join($('join'), () => look.take());
});
$('listen').addEventListener('click', () => join($('listen'), () => { look.close(); return new MediaStream(); }));
$('again').addEventListener('click', () => press($('again'), start));
$('give-up').addEventListener('click', () => press($('give-up'), async () => {
    await seat.leave();
    keep(undefined);
    over({ why: 'You left the lobby.', again: true });
}));

entry = findEntry();
reloadOn('i');
reloadOn('r');
if (entry) {
    ahead = new Ahead(entry, hostToken);
    ahead.onchange = showAhead;
    ahead.ongone = (error) => seat || refused(error); /* who waits hears it by the connection */
    start();
} else {
    over({ title: 'Which class?', why: 'This page needs a link to a class: the one in your invitation, or one that the host gave you.' });
}
