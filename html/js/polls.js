/* SPDX-License-Identifier: MIT */
/* Polls: ask, vote, close, see what came out. */
import { button, confirm, el, nameOf, note, press } from './page.js';

const MOST_OPTIONS = 20;

export class Polls {
    constructor(place, seat, room) {
        this.seat = seat;
        this.room = room;
        this.channel = seat.channel('poll');
        this.polls = new Map(); /* id → poll, with `mine` of what we voted */
        this.onnews = () => {};
        this.channel.onstate = ({ polls }) => this.#fill(polls ?? []);
        this.channel.onevent = (data) => this.#take(data);
        this.list = el('div', { class: 'polls' });
        this.maker = new Maker(this.channel);
        place.replaceChildren(this.maker.element, this.list);
        this.#show();
    }

    peopleChanged() {
        if (this.maker.element.hidden === this.room.isModerator)
            this.#show();
    }

    /** Drafts are for those who moderate. */
    roleChanged() {
        return this.#read();
    }

    erased() {
        return this.#read();
    }

    async #read() {
        this.#fill((await this.channel.ask({ request: 'list' })).polls);
    }

    #fill(polls) {
        this.polls = new Map(polls.map((poll) => [poll.id, poll]));
        this.#show();
    }

    #take({ event, seq, ...data }) {
        const poll = this.polls.get(data.id);
        if (event === 'removed')
            this.polls.delete(data.id);
        else if (event === 'created' || event === 'opened')
            this.polls.set(data.id, { ...poll, ...data, state: data.state ?? (event === 'opened' ? 'open' : 'draft') });
        else if (event === 'closed' && poll)
            Object.assign(poll, data, { state: 'closed' });
        else if (poll)
            Object.assign(poll, data); /* results, progress */
        if (event === 'opened' || event === 'closed')
            this.onnews();
        this.#show();
    }

    #show() {
        this.maker.element.hidden = !this.room.isModerator;
        const chosen = new Map([...this.list.querySelectorAll('form[data-id]')].map((form) => [form.dataset.id, choicesOf(form)]));
        const focused = document.activeElement?.closest?.('[data-key]')?.dataset.key;
        const all = [...this.polls.values()].reverse();
        this.list.replaceChildren(...all.map((poll) => this.#card(poll, chosen.get(poll.id))));
        if (all.length === 0)
            this.list.append(el('p', { class: 'faint' }, 'There are no polls yet.'));
        if (focused)
            this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }

    #card(poll, chosen) {
        const { id, question, state, multiple, anonymous, correct, voted, voters } = poll;
        const votes = Array.isArray(voters) ? voters.length : voters ?? voted;
        const facts = [{ draft: 'not open yet', open: 'open', closed: 'closed' }[state], correct && 'quiz', multiple && 'several answers',
            anonymous ? 'anonymous' : 'with names', votes !== undefined && `${votes} voted`].filter(Boolean).join(', ');
        return el('article', { 'class': `poll ${state}`, 'data-poll': id, 'aria-label': question },
            el('h2', {}, question), el('p', { class: 'faint' }, facts),
            state === 'open' ? this.#ballot(poll, chosen ?? poll.mine ?? []) : null,
            poll.counts || state !== 'open' ? results(poll) : null,
            Array.isArray(voters) && voters.length > 0 && el('p', { class: 'faint' }, `Voted: ${voters.map(nameOf).join(', ')}`),
            this.room.isModerator && this.#tools(poll));
    }

    #ballot(poll, chosen) {
        const { id, options, multiple, mine, anonymous } = poll;
        const submit = el('button', { 'class': 'small', 'data-key': `vote-${id}` }, mine ? 'Change my vote' : 'Vote');
        const form = el('form', { 'data-id': id }, el('fieldset', {}, el('legend', { class: 'hidden' }, poll.question), options.map((text, i) =>
            el('label', { class: 'tick' }, el('input', { 'type': multiple ? 'checkbox' : 'radio', 'name': 'choice', 'value': i,
                'checked': chosen.includes(i), 'data-key': `choice-${id}-${i}` }), el('span', {}, text)))),
            el('div', { class: 'row' }, submit, mine && el('span', { class: 'faint' }, 'You have voted.')),
            el('p', { class: 'faint' }, anonymous ? 'Nobody sees who votes for what.' : 'With your name: the others see that you voted, the history shows for what.'));
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            press(submit, async () => {
                const choices = choicesOf(form);
                if (choices.length === 0)
                    throw new Error('Choose an answer first.');
                await this.channel.ask({ request: 'vote', id, choices });
                poll.mine = choices;
                this.#show();
            });
        });
        return form;
    }

    #tools({ id, state, counts, question }) {
        const ask = (label, request, quiet = true) => button(label, () => this.channel.ask({ request, id }).then(() => note('')),
            { 'class': quiet ? 'quiet small' : 'small', 'data-key': `${request}-${id}` });
        return el('div', { class: 'row' }, state === 'draft' && ask('Open', 'open', false), state === 'open' && ask('Close', 'close'),
            state === 'open' && !counts && ask('Show results', 'publish'),
            button('Remove', async () => await confirm(`Remove the poll “${question}” with its votes?`, 'Remove it') && this.channel.ask({ request: 'remove', id }),
                { 'class': 'quiet small', 'data-key': `remove-${id}` }));
    }
}

const choicesOf = (form) => [...form.querySelectorAll('input')].filter((one) => one.checked).map((one) => Number(one.value));

/** What came out, or the bare answers where nothing is known. Also for the history page: options of text or {text, votes} */
export function results({ options, counts, correct, multiple, voters }) {
    const votes = counts ?? options.map((one) => one.votes);
    const n = Array.isArray(voters) ? voters.length : voters ?? Math.max(...votes.map((one) => one ?? 0));
    const most = Math.max(1, multiple ? n : votes.reduce((sum, one) => sum + (one ?? 0), 0));
    return el('ul', { class: 'results' }, options.map((option, i) => {
        const text = typeof option === 'object' ? option.text : option;
        const isRight = correct?.includes(i);
        return el('li', { 'class': isRight ? 'right' : '' }, el('span', {}, text, isRight && el('b', {}, ' ✓ right')),
            votes[i] !== undefined && el('span', { class: 'faint' }, String(votes[i])),
            votes[i] !== undefined && el('progress', { 'max': most, 'value': votes[i], 'aria-label': `${votes[i]} of ${most}` }));
    }));
}

/* The form that makes one. */
class Maker {
    constructor(channel) {
        this.channel = channel;
        this.element = el('details', { class: 'maker', hidden: true }, el('summary', {}, 'New poll'));
        this.#reset();
    }

    #reset() {
        this.form?.remove();
        this.question = el('textarea', { id: 'poll-question', rows: 2, required: true, maxlength: 1000 });
        this.options = el('div', {}, this.#option(1), this.#option(2));
        this.multiple = tick('Several answers may be chosen');
        this.quiz = tick('Quiz: some answers are right', () => this.form.classList.toggle('quiz', this.quiz.input.checked));
        this.named = tick('With names: the history shows who voted what');
        this.live = tick('Show results while people vote');
        const open = el('button', { value: 'open' }, 'Ask now');
        const keep = el('button', { value: 'keep', class: 'quiet' }, 'Keep for later');
        this.form = el('form', {}, el('label', { for: 'poll-question' }, 'Question'), this.question,
            el('fieldset', {}, el('legend', {}, 'Answers'), this.options, button('One more answer', () => this.#more(), { class: 'quiet small' })),
            this.multiple.label, this.quiz.label, this.named.label, this.live.label, el('div', { class: 'row' }, open, keep));
        this.form.addEventListener('submit', (event) => {
            event.preventDefault();
            press(event.submitter ?? open, () => this.#create((event.submitter ?? open).value === 'open'));
        });
        this.element.append(this.form);
    }

    #option(n) {
        return el('div', { class: 'option' }, el('input', { 'aria-label': `Answer ${n}`, 'maxlength': 500, 'placeholder': `Answer ${n}` }),
            el('label', { class: 'tick right-one' }, el('input', { type: 'checkbox', 'aria-label': `Answer ${n} is right` }), el('span', {}, 'right')));
    }

    #more() {
        const n = this.options.childElementCount;
        if (n >= MOST_OPTIONS)
            throw new Error(`A poll has at most ${MOST_OPTIONS} answers.`);
        this.options.append(this.#option(n + 1));
        this.options.lastChild.firstChild.focus();
    }

    async #create(isAsked) {
        const rows = [...this.options.children].map((row) => [...row.querySelectorAll('input')])
            .map(([text, right]) => ({ text: text.value.trim(), right: right.checked })).filter(({ text }) => text);
        if (rows.length < 2)
            throw new Error('A poll needs at least two answers.');
        const right = rows.flatMap((row, i) => (row.right ? [i] : []));
        if (this.quiz.input.checked && right.length === 0)
            throw new Error('Mark the right answer of the quiz.');
        const { id } = await this.channel.ask({ request: 'create', question: this.question.value.trim(), options: rows.map(({ text }) => text),
            multiple: this.multiple.input.checked, anonymous: !this.named.input.checked, show_results: this.live.input.checked ? 'live' : 'closed',
            correct: this.quiz.input.checked ? right : undefined });
        if (isAsked)
            await this.channel.ask({ request: 'open', id });
        this.#reset();
        this.element.open = false;
        note(isAsked ? 'The poll is open.' : 'The poll is kept. Open it when it is time.');
    }
}

function tick(text, change) {
    const input = el('input', { type: 'checkbox', ...change ? { change } : {} });
    return { input, label: el('label', { class: 'tick' }, input, el('span', {}, text)) };
}
