/* SPDX-License-Identifier: MIT */
/* The host's page: sign in by a mailed link, my rooms, one room. The address says which: nothing, #new, #room=ID. */
import { aboutMe } from './about-me.js';
import { ApiError, api } from './api.js';
import { $, button, el, momentOf, note, press, say } from './page.js';
import { roomForm, roomPage, stateOf } from './host-room.js';

const KEPT = 'stoa.host';
const place = $('place');
let host = JSON.parse(localStorage.getItem(KEPT) ?? 'null'); /* {token, host}; */

function keep(session) {
    host = session;
    if (session)
        localStorage.setItem(KEPT, JSON.stringify(session));
    else
        localStorage.removeItem(KEPT);
    $('who').textContent = session?.host.name || session?.host.email || '';
    $('signout').hidden = !session;
}

/** The API as this host; who is signed out elsewhere finds the sign-in again. */
async function call(method, path, body) {
    try {
        return await api(method, path, { token: host.token, body });
    } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401)
            throw error;
        keep(null);
        showSignIn();
        throw new Error('You are signed out. Ask for a new sign-in link.');
    }
}

function show(title, ...content) {
    $('title').textContent = document.title = title;
    place.replaceChildren(...content);
    place.setAttribute('aria-busy', 'false');
}

/* -- signing in ------------------------------------------------------------------------------------ */

function showSignIn() {
    const email = el('input', { id: 'email', type: 'email', required: true, autocomplete: 'email', autofocus: true, maxlength: 254 });
    const send = el('button', {}, 'Send me a sign-in link');
    const form = el('form', { class: 'card' }, el('h2', {}, 'Sign in'),
        el('p', {}, 'There is no password: you get a link by mail. It works once, for 15 minutes.'),
        el('label', { for: 'email' }, 'Your e-mail address'), email, el('div', { class: 'choices' }, send));
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        press(send, async () => {
            await api('POST', '/host/signin', { body: { email: email.value.trim() } });
            form.replaceChildren(el('h2', { tabindex: -1 }, 'Look into your mail'),
                el('p', {}, 'If ', el('b', {}, email.value.trim()), ' is a host’s address, a link is on its way. Open it on this device.'),
                button('Use another address', showSignIn, { class: 'quiet' }));
            form.firstChild.focus();
        });
    });
    show('My rooms', form);
    email.focus();
}

async function signIn(token) {
    note('Signing in …');
    try {
        keep(await api('POST', '/host/session', { body: { token } }));
    } catch (error) {
        say(error.status ? 'This sign-in link was used already, or it is too old. Ask for a new one.' : error);
    }
    note('');
}

async function signOut() {
    await api('DELETE', '/host/session', { token: host.token }).catch(() => {});
    keep(null);
    location.hash = '';
    showSignIn();
}

/* -- my rooms ------------------------------------------------------------------------------------------ */

const PAGE = 50;

function roomRow(room) {
    return el('li', {}, el('a', { href: `#room=${room.id}`, class: 'row-link' }, room.title),
        el('span', { class: `badge ${room.state}` }, stateOf(room)),
        el('span', { class: 'faint' }, room.starts_at ? momentOf(room.starts_at) : 'no fixed time'));
}

async function moreRooms(list, more) {
    const before = list.dataset.last ? `&before=${list.dataset.last}` : '';
    const found = await call('GET', `/rooms?limit=${PAGE}${before}`);
    list.append(...found.map(roomRow));
    list.dataset.last = found.at(-1)?.id ?? '';
    more.hidden = found.length < PAGE;
}

async function rooms() {
    const list = el('ul', { class: 'rows', 'aria-label': 'My rooms' });
    const more = button('More rooms', () => moreRooms(list, more), { class: 'quiet', hidden: true });
    await moreRooms(list, more);
    const empty = el('p', { class: 'faint' }, 'You have no rooms yet. A room is one class: make it, invite people, start.');
    return () => show('My rooms', el('div', { class: 'sheet' },
        el('div', { class: 'row' }, el('h2', {}, 'My rooms'), el('span', { class: 'gap' }), el('a', { class: 'button', href: '#new' }, 'New room')),
        list.childElementCount ? list : empty, more, privacy()));
}

const privacy = () => aboutMe({
    token: () => host.token,
    words: 'You can have all of it, or have it erased: that takes your rooms with it.',
    question: 'Erase everything about you, with all of your rooms and their histories? This cannot be undone.',
    erased() {
        keep(null);
        showSignIn();
        note('Everything about you was erased.');
    },
});

/* -- which page ------------------------------------------------------------------------------------- */

/* Each of the pages is read, then says how it is shown. */

function newRoom() {
    const form = roomForm({ modules: ['videoroom', 'chat', 'poll', 'workspace'], access: 'invited' }, 'Create the room', async (wanted) => {
        const room = await call('POST', '/rooms', wanted);
        location.hash = `room=${room.id}`;
    });
    return () => {
        show('New room', el('div', { class: 'sheet' }, el('p', {}, el('a', { href: '#' }, 'My rooms')), el('h2', {}, 'New room'), form));
        form.querySelector('input').focus();
    };
}

async function oneRoom(id) {
    let title = '', named = (text) => { title = text; };
    const sheet = await roomPage(id, call, (text) => named(text), () => { location.hash = ''; });
    return () => {
        show(title, sheet);
        $('title').textContent = 'Room';
        named = (text) => { document.title = text; };
    };
}

let turn = 0; /* a page that was slow to read does not take the place of one that was asked for later */

async function route() {
    const mine = ++turn;
    say('');
    if (!host)
        return showSignIn();
    place.setAttribute('aria-busy', 'true');
    const where = new URLSearchParams(location.hash.slice(1));
    let reveal;
    try {
        reveal = await (where.has('room') ? oneRoom(where.get('room')) : where.has('new') ? newRoom() : rooms());
    } catch (error) {
        reveal = () => {
            say(error);
            if (host)
                show('My rooms', el('p', {}, el('a', { href: '#' }, 'My rooms')));
        };
    }
    if (mine === turn)
        reveal();
}

const linkHere = () => new URLSearchParams(location.hash.slice(1)).get('s');

async function start() {
    const link = linkHere();
    if (link) {
        history.replaceState(null, '', location.pathname);
        await signIn(link);
    }
    keep(host);
    const problem = $('problem').textContent;
    await route();
    if (problem)
        say(problem);
}

addEventListener('hashchange', () => (linkHere() ? start() : route()));
$('signout').addEventListener('click', () => press($('signout'), signOut));
start();
