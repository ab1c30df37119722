/* SPDX-License-Identifier: MIT */
/* What every page of the rooms needs: elements, words for times and sizes, the fragment, one press at a time. */

const NOTE_MS = 15000;
let noteTimer = null, problemTimer = null;

export const $ = (id) => document.getElementById(id);

/** An element; `attributes` that are functions listen, true and false switch, others are set; children are text or elements. */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === 'function')
            node.addEventListener(name, value);
        else if (typeof value === 'boolean')
            node.toggleAttribute(name, value);
        else if (value !== undefined && value !== null)
            node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

/** What went wrong, where a screen reader says it at once. In a class it lies over other things: not for ever. */
export function say(problem) {
    clearTimeout(problemTimer);
    $('problem').textContent = problem instanceof Error ? problem.message : problem ?? '';
    if (problem)
        $('problem').scrollIntoView({ block: 'nearest' });
    if (problem && document.body.dataset.view === 'class')
        problemTimer = setTimeout(say, NOTE_MS, '');
}

/** A link that is opened where the page is already changes the fragment alone. */
export const reloadOn = (name) => addEventListener('hashchange', () => new URLSearchParams(location.hash.slice(1)).has(name) && location.reload());

/** What goes on; what is over by itself is taken away after a while, unless it ends with dots. */
export function note(status) {
    clearTimeout(noteTimer);
    $('status').textContent = status || '';
    if (status && !/…$/.test(status))
        noteTimer = setTimeout(note, NOTE_MS, '');
}

/** The secret after the #, taken out of the address bar and the history at once. */
export function takeFragment() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    if (location.hash)
        history.replaceState(null, '', location.pathname + location.search);
    return fragment;
}

/** Do what a button is for, one press at a time; what goes wrong is said. */
export async function press(button, action) {
    const had = document.activeElement === button, home = button.closest('[tabindex]:not(button)');
    button.disabled = true;
    say('');
    try {
        return await action();
    } catch (error) {
        say(error);
        return undefined;
    } finally {
        button.disabled = false;
        if (had && document.activeElement === document.body)
            (button.isConnected ? button : home)?.focus(); /* what it was about may be gone, and the button with it */
    }
}

/** A button that does that. */
export function button(label, action, attributes = {}) {
    const node = el('button', { type: 'button', ...attributes }, label);
    node.addEventListener('click', () => press(node, action));
    return node;
}

/** A question that needs an answer: true when it is yes. Its words are those of the buttons. */
export function confirm(question, yes, no = 'Cancel') {
    return new Promise((resolve) => {
        const dialog = el('dialog', { 'aria-label': question },
            el('form', { method: 'dialog' }, el('p', {}, question),
                el('div', { class: 'row' }, el('button', { value: '', class: 'quiet', autofocus: true }, no),
                    el('button', { value: 'yes', class: 'danger' }, yes))));
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes');
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

/** A line of text that is asked for; '' when it is not given. */
export function askText(label, value, yes, most) {
    const input = el('input', { id: 'asked', maxlength: most, required: true, pattern: '.*\\S.*', autofocus: true, value });
    return new Promise((resolve) => {
        const dialog = el('dialog', { 'aria-label': label }, el('form', { method: 'dialog' }, el('label', { for: 'asked' }, label), input,
            el('div', { class: 'row' }, el('button', { value: '', class: 'quiet', formnovalidate: true, type: 'button', click: () => dialog.close() }, 'Cancel'),
                el('button', { value: 'yes' }, yes))));
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes' ? input.value.trim() : '');
        });
        document.body.append(dialog);
        dialog.showModal();
        input.select();
    });
}

/** Where anyone comes into a public room. */
export const publicLink = (room) => `${location.origin}/join.html#r=${room.id}`;

export async function copy(text, said) {
    try {
        await navigator.clipboard.writeText(text);
        note(said);
    } catch {
        note(`The link is ${text}`);
    }
}

export const nameOf = (who) => (typeof who === 'string' ? who : who?.name) ?? 'Somebody (erased)';

const words = (options) => new Intl.DateTimeFormat(undefined, options);
const timeFormat = words({ hour: '2-digit', minute: '2-digit' });
const dayFormat = words({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const read = (text) => new Date(text);

export const timeOf = (text) => timeFormat.format(read(text));
export const dayOf = (text) => dayFormat.format(read(text));
export const momentOf = (text) => `${dayOf(text)}, ${timeOf(text)}`;

export function sizeOf(bytes) {
    const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
    const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
    return `${(bytes / 1000 ** power).toFixed(power && bytes / 1000 ** power < 10 ? 1 : 0)} ${units[power]}`;
}

/** Only what is safe to follow; null for anything else. */
export function safeLink(text) {
    try {
        const url = new URL(text);
        return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
    } catch {
        return null;
    }
}

/** Let the browser keep something as a file. */
export function save(url, name = '') {
    const link = el('a', { href: url, download: name, rel: 'noopener' });
    document.body.append(link);
    link.click();
    link.remove();
}
