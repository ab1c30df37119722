/* SPDX-License-Identifier: MIT */
/* What the server holds about a person: to take along, or to have erased. The same part on every page of the rooms. */
import { api, saveFrom } from './api.js';
import { button, confirm, el } from './page.js';

/** @token: () → whose it is; @words: what goes, said before; @question: asked before; @erased: called when it is done */
export function aboutMe({ token, words, question, erased }) {
    return el('details', { class: 'about-me' }, el('summary', {}, 'What this server holds about me'), el('p', {}, words),
        el('div', { class: 'row' },
            button('Download it', () => saveFrom('/me/export', token(), 'about-me.json'), { class: 'quiet' }),
            button('Erase me', async () => {
                if (!await confirm(question, 'Erase all of it'))
                    return;
                await api('DELETE', '/me', { token: token() });
                erased();
            }, { class: 'danger' })));
}
