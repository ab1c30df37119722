/* SPDX-License-Identifier: MIT */
/* Inviting people: paste addresses as they come, see who has come, send again, take back. */
import { button, confirm, copy, el, note, press } from './page.js';

const STATES = { sent: 'invited', accepted: 'has come', revoked: 'taken back', expired: 'too old' };
const ROLES = { participant: 'participant', cohost: 'co-host' };

/** "Ana Lopez <ana@x.org>, ben@y.org" and lines of such → [{email, name?}]; what is no address → `odd`. */
export function readAddresses(text) {
    const people = new Map(), odd = [];
    const parts = text.split(/[\n;]|,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((part) => part.trim()).filter(Boolean);
    for (const part of parts) {
        const [, quoted, plain, inside] = /^(?:"([^"]*)"|([^<]*?))\s*<([^<>]+)>$/.exec(part) ?? [null, '', '', part];
        const email = inside.trim().replace(/^mailto:/i, '');
        const name = (quoted || plain || '').trim();
        if (/^[^\s@]+@[^\s@]+$/.test(email))
            people.set(email.toLowerCase(), name ? { email, name } : { email });
        else
            odd.push(part);
    }
    return { people: [...people.values()], odd };
}

const came = (n) => (n === 0 ? 'nobody has come yet' : n === 1 ? '1 has come' : `${n} have come`);
const linkOf = (link) => el('input', { readonly: true, value: link, 'aria-label': 'Link of this invitation', focus: (event) => event.target.select() });

function row(invitation, actions) {
    const { id, email, name, role, state, link } = invitation;
    const live = state === 'sent' || state === 'accepted';
    return el('li', { 'data-id': id }, el('span', { class: 'grow' }, el('b', {}, name || email), name ? ` ${email}` : ''),
        el('span', { class: 'faint' }, `${ROLES[role] ?? role}, ${STATES[state] ?? state}`),
        el('span', { class: 'acts' }, state !== 'revoked' && button('Send again', () => actions.resend(invitation), { class: 'quiet small', 'aria-label': `Send again to ${email}` }),
            live && button('Take back', () => actions.revoke(invitation), { class: 'quiet small', 'aria-label': `Take back the invitation of ${email}` })),
        link && linkOf(link),
        link && button('Copy link', () => copy(link, `The link of ${email} is copied.`), { class: 'quiet small', 'aria-label': `Copy the link of ${email}` }));
}

function inviteForm(done) {
    const people = el('textarea', { id: 'people', rows: 3, required: true, placeholder: 'ana@example.org, Ben Adu <ben@example.org>' });
    const role = el('select', { id: 'role' }, el('option', { value: 'participant' }, 'Participant'), el('option', { value: 'cohost' }, 'Co-host: may moderate'));
    const deliver = el('select', { id: 'deliver' }, el('option', { value: 'mail' }, 'Mail the invitations'), el('option', { value: 'none' }, 'Show me the links, mail nothing'));
    const submit = el('button', {}, 'Invite');
    const form = el('form', {}, el('label', { for: 'people' }, 'E-mail addresses, as many as you like'), people,
        el('div', { class: 'columns' }, el('div', { class: 'field' }, el('label', { for: 'role' }, 'Their role'), role),
            el('div', { class: 'field' }, el('label', { for: 'deliver' }, 'How they get their link'), deliver)),
        el('div', { class: 'row' }, submit));
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        press(submit, async () => {
            const { people: found, odd } = readAddresses(people.value);
            if (odd.length > 0)
                throw new Error(`${odd.length === 1 ? 'This is no e-mail address' : 'These are no e-mail addresses'}: ${odd.join(', ')}`);
            await done(found.map((one) => ({ ...one, role: role.value })), deliver.value);
            people.value = '';
        });
    });
    return form;
}

/** The part of a room's page; it looks after itself. */
export async function invitationPart(id, call) {
    const list = el('ul', { class: 'rows', 'aria-label': 'Invitations' });
    const count = el('span', { class: 'faint' });
    const path = `/rooms/${id}/invitations`;
    const links = new Map(); /* invitation id → link, as long as this page is open */
    async function fill() {
        const all = await call('GET', path);
        list.replaceChildren(...all.map((one) => row({ ...one, link: links.get(one.id) }, actions)));
        count.textContent = all.length ? `${all.length} invited, ${came(all.filter((one) => one.state === 'accepted').length)}` : 'nobody yet';
    }
    const actions = {
        async resend({ id: one, email }) {
            const shown = links.has(one);
            const answer = await call('POST', `${path}/${one}/resend`, { deliver: shown ? 'none' : 'mail' });
            if (answer.link)
                links.set(one, answer.link);
            await fill();
            note(shown ? `The link of ${email} is new. The old one does not work any more.` : `A new invitation is on its way to ${email}. The old link does not work any more.`);
        },
        async revoke({ id: one, email }) {
            if (!await confirm(`Take back the invitation of ${email}? Whoever is in with it is removed.`, 'Take it back'))
                return;
            await call('DELETE', `${path}/${one}`);
            links.delete(one);
            await fill();
            note(`The invitation of ${email} is taken back.`);
        },
    };
    const form = inviteForm(async (people, deliver) => {
        const { invitations } = await call('POST', path, { people, deliver });
        for (const one of invitations.filter(({ link }) => link))
            links.set(one.id, one.link);
        await fill();
        note(deliver === 'mail' ? `${invitations.length === 1 ? 'The invitation is' : `${invitations.length} invitations are`} on the way.`
            : 'Here are the links. They are shown this once: send each to its person.');
    });
    await fill();
    return el('section', { id: 'invitations' }, el('div', { class: 'row' }, el('h3', {}, 'People'), count), form, list);
}
