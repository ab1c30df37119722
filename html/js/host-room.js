/* SPDX-License-Identifier: MIT */
/* One room, as its host sees it: settings, people, start and end. */
import { button, confirm, copy, el, note, press, publicLink } from './page.js';
import { invitationPart } from './host-invite.js';

const MODULES = { videoroom: 'Video', chat: 'Chat', poll: 'Polls', workspace: 'Files and notes' };
const STATES = { scheduled: 'not running', open: 'running', ended: 'ended' };

export const stateOf = (room) => STATES[room.state] ?? room.state;

/* A time as the browser's field shows it, in the place where the host sits, and back. */
function localTime(text) {
    if (!text)
        return '';
    const time = new Date(text);
    return new Date(time - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const instant = (local) => (local ? new Date(local).toISOString().replace(/\.\d+Z$/, 'Z') : null);

/* -- the form --------------------------------------------------------------------------------------- */

const field = (label, input, hint) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input, hint && el('small', {}, hint));
const tick = (name, label, checked, hint) => el('label', { class: 'tick' }, el('input', { type: 'checkbox', name, checked: Boolean(checked) }),
    el('span', {}, label, hint && el('small', {}, hint)));
const numberInput = (id, value, min, max) => el('input', { id, name: id, type: 'number', min, max, step: 1, value: value ?? '' });

function accessField(access) {
    const select = el('select', { id: 'access', name: 'access' },
        el('option', { value: 'invited', selected: access !== 'public' }, 'Only people I invite'),
        el('option', { value: 'public', selected: access === 'public' }, 'Anyone who has the link'));
    return field('Who may come in', select);
}

function moduleFields(modules) {
    return el('fieldset', {}, el('legend', {}, 'What the class has'), Object.entries(MODULES).map(([name, label]) =>
        el('label', { class: 'tick' }, el('input', { type: 'checkbox', name: 'modules', value: name, checked: modules.includes(name) }), el('span', {}, label))));
}

function readForm(form, room) {
    const value = (name) => form.elements[name].value.trim();
    const number = (name) => (value(name) === '' ? null : Number(value(name)));
    const known = [...form.querySelectorAll('[name=modules]')].filter((one) => one.checked).map((one) => one.value);
    const wanted = {
        title: value('room-title'), access: value('access'), lobby: form.elements.lobby.checked,
        modules: [...known, ...room.modules.filter((name) => !(name in MODULES))],
        starts_at: instant(value('starts')), duration_min: number('duration'), max_people: number('most'), retention_days: number('retention'),
    };
    if (room.id)
        wanted.locked = form.elements.locked.checked;
    for (const name of ['starts_at', 'duration_min', 'max_people', 'retention_days']) {
        if (wanted[name] === null && (name === 'retention_days' || room[name] === undefined))
            delete wanted[name];
    }
    return wanted;
}

/** The settings of a room; `done` gets what is wanted. */
export function roomForm(room, label, done) {
    const title = el('input', { id: 'room-title', name: 'room-title', required: true, maxlength: 200, pattern: '.*\\S.*', value: room.title ?? '' });
    const submit = el('button', {}, label);
    const form = el('form', { class: 'settings' }, field('Title', title),
        el('div', { class: 'columns' },
            field('Begins', el('input', { id: 'starts', name: 'starts', type: 'datetime-local', value: localTime(room.starts_at) }), 'May stay empty.'),
            field('Minutes', numberInput('duration', room.duration_min, 1, 10080), 'How long it is planned to be.')),
        accessField(room.access),
        tick('lobby', 'Lobby', room.lobby, 'People wait until you let them in.'),
        room.id && tick('locked', 'Locked', room.locked, 'Nobody else comes in.'),
        moduleFields(room.modules),
        el('div', { class: 'columns' },
            field('Most people at once', numberInput('most', room.max_people, 1, 1000000), 'Empty: as many as the server takes.'),
            field('Days that the history is kept', numberInput('retention', room.retention_days, 0, 36500), room.id ? '0: it is erased when the class ends.' : 'Empty: as long as this server keeps them. 0: it is erased when the class ends.')),
        el('div', { class: 'row' }, submit));
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        press(submit, () => done(readForm(form, room)));
    });
    return form;
}

/* -- the page of one room ------------------------------------------------------------------------------ */

function actions(room, call, again) {
    const start = el('a', { class: 'button', href: `/join.html?host=${room.id}` }, room.state === 'open' ? 'Go into the class' : 'Start the class');
    const end = button('End the class', async () => {
        if (await confirm('End the class for everyone? The summary is mailed, and nobody can join until you open the room again.', 'End it')) {
            await call('POST', `/rooms/${room.id}/end`);
            await again();
        }
    }, { class: 'quiet' });
    const reopen = button('Open it again', async () => {
        await call('PATCH', `/rooms/${room.id}`, { state: 'scheduled' });
        await again();
    });
    return el('div', { class: 'row' }, room.state === 'ended' ? reopen : start,
        room.access === 'public' && room.state !== 'ended' &&
            button('Copy the public link', () => copy(publicLink(room), 'The link is in the clipboard.'), { class: 'quiet' }),
        el('a', { class: 'button quiet', href: `/history.html?room=${room.id}` }, 'History'), room.state === 'open' && end);
}

function removal(room, call, gone) {
    return el('section', {}, el('h3', {}, 'Delete'),
        el('p', {}, 'Deleting a room erases all of it: history, files, invitations. Invited people get a calendar cancellation.'),
        button('Delete this room', async () => {
            if (await confirm(`Delete “${room.title}” with all of its history and files? This cannot be undone.`, 'Delete it')) {
                await call('DELETE', `/rooms/${room.id}`);
                gone();
                note('The room was deleted.');
            }
        }, { class: 'danger' }));
}

/** The page of a room; @call: the API as this host; @named: gets the title; @gone: after a deletion */
export async function roomPage(id, call, named, gone) {
    const sheet = el('div', { class: 'sheet' });
    const invitations = await invitationPart(id, call);
    async function fill() {
        const room = await call('GET', `/rooms/${id}`);
        named(room.title);
        const settings = el('details', { id: 'settings' }, el('summary', {}, 'Settings'), roomForm(room, 'Save', async (wanted) => {
            await call('PATCH', `/rooms/${id}`, wanted);
            await fill();
            note('Saved.');
        }));
        sheet.replaceChildren(el('p', {}, el('a', { href: '#' }, 'My rooms')),
            el('div', { class: 'row' }, el('h2', {}, room.title), el('span', { class: `badge ${room.state}` }, stateOf(room)),
                room.locked && el('span', { class: 'badge' }, 'locked')),
            actions(room, call, fill), invitations, settings, removal(room, call, gone));
    }
    await fill();
    return sheet;
}
