/* SPDX-License-Identifier: MIT */
/* What a class left behind: for who has a personal link (#h=TOKEN), and for its host (?room=ID). */
import { aboutMe } from './about-me.js';
import { ApiError, api, saveFrom } from './api.js';
import { $, button, el, momentOf, nameOf, note, reloadOn, safeLink, save, say, sizeOf, takeFragment, timeOf } from './page.js';
import { results } from './polls.js';
import { contentOf } from './kept.js';

const KEPT = 'stoa.history'; /* of this tab, so that a reload works */
const PAGE = 100, TICKET_MS = 8 * 60000;
const ROLES = { host: 'host', cohost: 'co-host', participant: 'participant' };
let token = null, room = null, isHost = false, isGuest = false, proven = false, got = null; /* got: {meetings, at} */

const path = () => `/rooms/${room.id}/history`;
const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/* -- parts of a meeting --------------------------------------------------------------------------------------- */

function attendance(people) {
    return el('table', {}, el('thead', {}, el('tr', {}, ['Name', 'Role', 'Came', 'Left'].map((head) => el('th', { scope: 'col' }, head)))),
        el('tbody', {}, people.map(({ name, role, joined_at, left_at }) => el('tr', {}, el('td', {}, nameOf(name)), el('td', {}, ROLES[role] ?? role),
            el('td', {}, timeOf(joined_at)), el('td', {}, left_at ? timeOf(left_at) : 'still there')))));
}

function message({ id, at, from, text, to, to_name }) {
    return el('article', { class: `message${to ? ' private' : ''}`, 'data-id': id }, el('header', {}, el('b', {}, nameOf(from)),
        to && el('span', { class: 'faint' }, ` only to ${to_name ?? nameOf(to.name ?? 'one person')}`), el('time', { datetime: at, class: 'faint' }, timeOf(at))),
        el('p', {}, text));
}

function chat(meeting) {
    const log = el('div', { class: 'kept-log' }, meeting.chat.map(message));
    const older = button('Older messages', async () => {
        const before = log.querySelector('[data-id]')?.dataset.id ?? '';
        const { meetings } = await api('GET', `${path()}?meeting=${meeting.id}&limit=${PAGE}&before=${before}`, { token });
        const page = meetings.find(({ id }) => id === meeting.id);
        log.prepend(...(page?.chat ?? []).map(message));
        older.hidden = !page?.more;
    }, { class: 'quiet small', hidden: !meeting.more });
    return [older, log];
}

function poll(one) {
    const { question, anonymous, closed_at, votes, options } = one;
    const answer = (i) => options[i]?.text ?? options[i];
    return el('article', { class: 'poll' }, el('h4', {}, question),
        el('p', { class: 'faint' }, `${anonymous ? 'anonymous' : 'with names'}${closed_at ? `, closed ${timeOf(closed_at)}` : ''}`), results(one),
        votes?.length > 0 && el('details', {}, el('summary', {}, 'Who voted what'), el('ul', {}, votes.map(({ name, choices }) =>
            el('li', {}, `${nameOf(name)}: ${choices.map(answer).join(', ')}`)))));
}

/* A ticket lasts ten minutes: look for a fresh one when the page is older. */
async function download({ id, title }) {
    if (Date.now() - got.at > TICKET_MS)
        await load();
    const item = got.meetings.flatMap(({ workspace }) => workspace).find((one) => one.id === id);
    if (!item?.url)
        throw new Error(`“${title}” is not there any more.`);
    save(item.url, title);
}

function item(one) {
    const { kind, title, by, at, url, size, text } = one;
    const link = kind === 'link' ? safeLink(url) : null;
    const facts = [size !== undefined && sizeOf(size), nameOf(by), timeOf(at)].filter(Boolean).join(', ');
    const name = kind === 'file' ? button(title, () => download(one), { 'class': 'plain', 'aria-label': `Download ${title}` })
        : link ? el('a', { href: link, target: '_blank', rel: 'noopener noreferrer' }, title) : el('b', {}, title);
    const content = one.updates?.length || one.snapshot ? el('details', {}, el('summary', {}, kind === 'board' ? 'See the board' : 'Read the note')) : null;
    content?.addEventListener('toggle', async () => content.childElementCount === 1 && content.append(await contentOf(one)), { once: true });
    return el('li', {}, el('span', { class: 'grow' }, name, el('small', { class: 'faint' }, `${kind}, ${facts}`), text && el('small', {}, text), content));
}

const part = (title, ...content) => el('section', {}, el('h3', {}, title), ...content);

function meetingPart(meeting, isOpen) {
    const { started_at, ended_at, attendance: people = [], chat: messages = [], polls = [], workspace = [] } = meeting;
    return el('details', { class: 'meeting', open: isOpen }, el('summary', {}, el('h2', {}, momentOf(started_at)),
        el('span', { class: 'faint' }, `${ended_at ? `until ${timeOf(ended_at)}` : 'still going on'}, ${plural(new Set(people.map(({ name }) => name)).size, 'person', 'people')}`)),
    part('Who was there', attendance(people)),
    messages.length > 0 && part('Chat', ...chat({ ...meeting, chat: messages })),
    polls.length > 0 && part('Polls', ...polls.map(poll)),
    workspace.length > 0 && part('Shared', el('ul', { class: 'rows' }, workspace.map(item))));
}

/* -- the page ---------------------------------------------------------------------------------------------------- */

async function load() {
    const { meetings } = await api('GET', path(), { token });
    got = { meetings, at: Date.now() };
}

function exportPart() {
    return el('details', {}, el('summary', {}, 'Keep a copy'), el('p', {}, 'All of it in one document, or with the files in a zip.'),
        el('div', { class: 'row' }, ['json', 'zip'].map((format) => button(`Download ${format.toUpperCase()}`, () =>
            saveFrom(`${path()}/export?format=${format}`, token, `class-${new Date().toISOString().slice(0, 10)}.${format}`), { class: 'quiet' }))));
}

/* A link that was not mailed to an address speaks for it in the rooms of its host. */
const reach = () => isGuest ? 'this class' : proven ? 'all classes of this server' : `the classes of ${room.host.name}`;

const privacyPart = () => aboutMe({
    token: () => token,
    words: `It is about ${reach()}${isGuest ? '' : ', by your e-mail address'}. Erased messages read “erased”, files you shared are gone.`,
    question: `Erase everything about you in ${reach()}? This cannot be undone.`,
    erased() {
        sessionStorage.removeItem(KEPT);
        show('Erased', el('p', {}, 'Everything about you was erased. This link does not work any more.'));
    },
});

function show(title, ...content) {
    $('title').textContent = document.title = title;
    $('place').replaceChildren(el('div', { class: 'sheet' }, ...content));
    $('place').setAttribute('aria-busy', 'false');
}

function showAll() {
    const { meetings } = got;
    const newest = [...meetings].sort((a, b) => b.started_at.localeCompare(a.started_at));
    show(room.title, isHost && el('p', {}, el('a', { href: `/host.html#room=${room.id}` }, 'Back to the room')),
        newest.length === 0 && el('p', {}, 'Nothing is kept of this room: it has not met yet, or its history was erased after the time that its host set.'),
        ...newest.map((meeting, i) => meetingPart(meeting, i === 0)), exportPart(), !isHost && privacyPart());
}

/* -- who looks ------------------------------------------------------------------------------------------------------ */

async function openLink(link) {
    try {
        ({ token, room, proven } = await api('POST', '/history/session', { body: { token: link } }));
    } catch (error) {
        if (error instanceof ApiError && error.status === 409)
            throw new Error('The class has not ended yet: its history is here afterwards.');
        if (error instanceof ApiError && [401, 404, 410].includes(error.status))
            throw new Error('This link leads nowhere: what the class left behind was erased, or the link is not complete.');
        throw error;
    }
    sessionStorage.setItem(KEPT, JSON.stringify({ token, room, proven }));
}

async function openAsHost(id) {
    const { token: mine } = JSON.parse(localStorage.getItem('stoa.host') ?? '{}');
    if (!mine)
        throw new Error('You are not signed in. Go to “My rooms”, sign in, then come back.');
    token = mine;
    isHost = true;
    room = await api('GET', `/rooms/${id}`, { token });
}

function lost() {
    note('');
    show('History', el('p', {}, 'This page needs the link from your summary mail.'),
        el('p', {}, 'Was it your class? ', el('a', { href: '/host.html' }, 'My rooms'), ' has the history of each.'));
}

async function start() {
    const link = takeFragment().get('h'), id = new URLSearchParams(location.search).get('room');
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
    note('Loading …');
    try {
        if (link)
            await openLink(link);
        else if (id)
            await openAsHost(id);
        else if (kept)
            ({ token, room, isGuest = false, proven = false } = kept);
        else
            return lost();
        await load();
        note('');
        showAll();
    } catch (error) {
        note('');
        say(isGuest && error.status === 401 ? 'Guests can read this for a while after the class only, and that time is over.' : error);
        show('History');
    }
}

reloadOn('h');
start();
