/* SPDX-License-Identifier: MIT */
/* What hosts and people do on the rooms' pages besides the class itself: who comes in, who goes, what stays, what is erased. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until } from '../lib/browser.mjs';
import { act, close, enter, fits, gateway, has, hostPage, inClass, linkIn, mailTo, open, restart, says, shot, story, tab, write } from '../lib/pages.mjs';
import * as api from '../lib/rooms.mjs';
import { unzip } from '../lib/unzip.mjs';

/* -- a room and its people, without mail -------------------------------------------------------------------- */

const makeRoom = (host, more = {}) => api.want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Geometry', modules: ['chat', 'poll', 'workspace'], ...more } });

/* An invitation's page, up to the look at camera and microphone. */
const invited = async (host, room, name, options) => {
    const { token } = await api.invite(gateway, host.token, room.id, `${name.toLowerCase()}@example.org`, { name });
    return Object.assign(await open(`/join.html#i=${token}`, options), { invitation: token });
};
const listen = (page, more = {}) => enter(page, { button: '#listen', ...more });
async function comeIn(host, room, name, options) {
    const page = await invited(host, room, name, options);
    await listen(page);
    await inClass(page);
    return page;
}

async function goIn(host, room) {
    await host.goto(`${gateway.http}/join.html?host=${room.id}`);
    await listen(host);
    await inClass(host);
}

const lacks = async (page, selector, text) => page.waitForFunction(([where, words]) =>
    ![...document.querySelectorAll(where)].some((one) => !one.closest('[hidden]') && one.textContent.includes(words)), [selector, text]);
const gone = (page, selector) => page.waitForSelector(selector, { state: 'hidden' });
const isOver = (page, words) => has(page, '#over-why', words);

/* A question of the page is answered by this button. */
const answer = (page, label) => page.click(`dialog button:text-is("${label}")`);

/* -- who comes in ------------------------------------------------------------------------------------------- */

story('the lobby turns somebody away; a co-host gets the controls and loses them; who is banned stays out', async () => {
    const host = await hostPage('lena@example.org', 'Lena');
    const room = await makeRoom(host, { lobby: true });
    await goIn(host, room);
    const [ana, ben, eve] = await Promise.all(['Ana', 'Ben', 'Eve'].map((name) => invited(host, room, name)));
    for (const page of [ana, ben]) {
        await listen(page);
        await page.waitForSelector('#waiting:not([hidden])');
    }
    await host.click('#lobby');
    await fits(host, 'lobby');
    await host.click('[aria-label="Deny Ben"]');
    await isOver(ben, 'The host did not let you in.');
    await fits(ben, 'denied');
    await host.click('[aria-label="Admit Ana"]');
    await inClass(ana);
    await tab(host, 'chat');
    await write(host, 'Welcome');
    await host.click('#tab-poll');
    await draft(host, 'A question for later');

    await tab(ana, 'chat');
    await has(ana, '.message p', 'Welcome');
    await lacks(ana, '.message button', '✕');
    await listen(eve); /* before Ana may see it */
    await eve.waitForSelector('#waiting:not([hidden])');
    assert.equal(await ana.locator('#lobby').isVisible(), false);
    await act(host, 'Ana', 'Make co-host');
    await says(ana, 'status', /You are a co-host now/);
    await ana.waitForSelector('.message [aria-label="Delete this message"]');
    await tab(ana, 'poll');
    await has(ana, '.poll.draft', 'A question for later');
    await ana.click('#lobby:has-text("1 person waits")');
    await ana.waitForSelector('text=Lock the class');
    await fits(ana, 'cohost');
    await ana.click('[aria-label="Admit Eve"]');
    await inClass(eve);

    await act(host, 'Ana', 'Make participant');
    await says(ana, 'status', /You are a participant now/);
    await lacks(ana, '#people button', 'Lock the class');
    await tab(ana, 'poll');
    await lacks(ana, '.poll', 'A question for later');
    await gone(ana, '.maker');
    await tab(ana, 'chat');
    await lacks(ana, '.message button', '✕');

    await act(host, 'Eve', 'Ban');
    await answer(host, 'Ban');
    await isOver(eve, 'You were banned');
    assert.equal(await eve.locator('#again').isVisible(), false);
    await fits(eve, 'banned');
    await eve.goto(`${gateway.http}/join.html#i=${eve.invitation}`);
    await isOver(eve, 'not valid any more');
    await close(host, ana, ben, eve);
});

async function draft(page, question, { answers = ['Yes', 'No'], settings = [], button = 'Keep for later' } = {}) {
    await page.click('text=New poll');
    await page.fill('#poll-question', question);
    for (const [i, text] of answers.entries()) {
        if (i > 1)
            await page.click('text=One more answer');
        await page.fill(`[placeholder="Answer ${i + 1}"]`, text);
    }
    for (const one of settings)
        await page.click(`.maker label:has-text("${one}")`);
    await page.click(`text=${button}`);
    await has(page, '.poll', question);
}

story('who waits or is about to come in sees the class change and end; a guest finds what it left behind', async () => {
    const host = await hostPage('zoe@example.org', 'Zoe');
    const room = await makeRoom(host, { lobby: true, access: 'public' });
    const change = (body) => api.want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body });
    const lookAgain = (page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); /* as after a quarter of a minute */
    await goIn(host, room);
    const [ana, ben, cem] = [await open(`/join.html#r=${room.id}`), await open(`/join.html#r=${room.id}`), await open(`/join.html#r=${room.id}`)];
    await listen(ana, { name: 'Ana' });
    await host.click('#lobby');
    await host.click('[aria-label="Admit Ana"]');
    await inClass(ana);
    await tab(ana, 'chat');
    await write(ana, 'I am a guest');
    await listen(ben, { name: 'Ben' });
    await has(ben, '#waiting-what', 'with Zoe');

    await change({ title: 'Topology', starts_at: '2031-05-06T09:00:00Z', locked: true });
    for (const page of [ben, cem])
        await lookAgain(page);
    await has(ben, '#waiting-what', '2031');
    await fits(ben, 'waiting-moved');
    await has(cem, '#what', 'locked just now');
    for (const page of [host, ana, ben, cem])
        await has(page, 'h1', 'Topology');

    await change({ modules: ['chat', 'videoroom'] });
    await gone(ana, '#tab-poll');
    await ana.click('#mute:text-is("Unmute")'); /* who came to listen may speak now */
    await has(ana, '#mute', /^Mute$/);
    await until(host, async () => (await window.received()).audio.some(({ energy }) => energy > 0));
    await fits(ana, 'modules-changed');
    await change({ modules: ['chat', 'poll'] });
    await gone(ana, '#mute');
    await tab(ana, 'poll');
    await has(ana, '#poll', 'There are no polls yet');
    await tab(host, 'chat');
    await write(host, 'Goodbye');

    await host.click('#leave');
    await host.click('text=End for everyone');
    await isOver(ana, 'no address here');
    await isOver(ben, 'The class has ended');
    assert.equal(await ben.locator('#over-history').isVisible(), false);
    await lookAgain(cem);
    await isOver(cem, 'has ended');
    await fits(ana, 'over-guest');
    await ana.click('#over-history');
    await has(ana, 'h1', 'Topology');
    await has(ana, '.message', 'Goodbye');
    await fits(ana, 'history-guest');
    await ana.goto(`${gateway.http}/join.html?room=${room.id}`);
    await isOver(ana, 'has ended');
    await ana.click('#over-history');
    await has(ana, '.message', 'I am a guest');
    await close(host, ana, ben, cem);
});

story('a second window takes the seat, and the first says so', async () => {
    const host = await hostPage('mia@example.org', 'Mia');
    const room = await makeRoom(host);
    await goIn(host, room);
    const first = await comeIn(host, room, 'Ana');
    await tab(host, 'people');
    const second = await open(`/join.html#i=${first.invitation}`);
    await listen(second);
    await inClass(second);
    await isOver(first, 'in another window or on another device');
    await has(host, '#tab-people', 'People (2)');
    await fits(first, 'replaced');
    await first.click('#again');
    await listen(first);
    await inClass(first);
    await isOver(second, 'in another window');
    await has(host, '#tab-people', 'People (2)');
    await close(host, first, second);
});

story('an invitation is sent again, taken back, and given once more', async () => {
    const host = await hostPage('nora@example.org', 'Nora');
    const room = await makeRoom(host);
    const nextLink = async () => { /* a mail that withdraws one has none */
        for (;;) {
            const mail = await mailTo('ana@example.org', /Geometry/);
            if (mail.text.includes('join.html#'))
                return linkIn(mail, 'join.html');
        }
    };
    const row = host.locator('#invitations li', { hasText: 'ana@example.org' });
    await host.goto(`${gateway.http}/host.html#room=${room.id}`);
    await host.fill('textarea#people', 'ana@example.org');
    await host.click('button:text-is("Invite")');
    const links = [await nextLink()];
    await row.locator('text=Send again').click();
    await says(host, 'status', /A new invitation is on its way/);
    links.push(await nextLink());
    const ana = await open(links[0]);
    await isOver(ana, 'was replaced');
    await ana.goto(links[1]);
    await listen(ana);
    await inClass(ana);
    await host.reload();
    await has(host, '#invitations li', 'has come');
    await row.locator('text=Take back').click();
    await answer(host, 'Take it back');
    await isOver(ana, 'Your invitation was taken back');
    await has(host, '#invitations li', 'taken back');
    await fits(host, 'taken-back');
    await ana.goto(links[1]);
    await isOver(ana, 'withdrawn');
    await host.fill('textarea#people', 'ana@example.org');
    await host.click('button:text-is("Invite")');
    await ana.goto(await nextLink());
    await listen(ana);
    await inClass(ana);
    await close(host, ana);
});

story('the server dies under a class: everybody is back by themselves, and hands are up as they were', async () => {
    const host = await hostPage('sven@example.org', 'Sven');
    const room = await makeRoom(host);
    await goIn(host, room);
    const ana = await comeIn(host, room, 'Ana'), ben = await comeIn(host, room, 'Ben');
    await tab(host, 'people');
    await ben.click('#hand');
    await has(host, '#people li', 'next');
    await ana.click('#hand');
    const turns = () => host.waitForFunction(() => [...document.querySelectorAll('#people .who, #people .turn')].map((one) => one.textContent).join() === 'Ben,Hand up: next,Ana,Hand up: 2,Sven');
    await turns();
    await tab(ana, 'chat');
    await write(ana, 'before it');
    await restart();
    for (const page of [host, ana, ben])
        await page.waitForFunction(() => window.sockets.length > 1 && !document.getElementById('status').textContent);
    await turns();
    await tab(host, 'chat');
    await write(host, 'after it');
    for (const page of [ana, ben])
        await has(page, '.message p', 'after it');
    assert.deepEqual(await ana.locator('.message p').allTextContents(), ['before it', 'after it']);
    await ben.click('#hand:has-text("Lower hand")');
    await tab(host, 'people');
    await has(host, '#people li:first-child', 'next');
    for (const page of [host, ana, ben])
        page.problems.length = 0; /* what the browser says of a server that is not there */
    await close(host, ana, ben);
});

/* -- what is said -------------------------------------------------------------------------------------------- */

story('the chat goes back to its first message; messages are deleted, and private ones stay between two', async () => {
    const host = await hostPage('olga@example.org', 'Olga');
    const room = await makeRoom(host);
    await goIn(host, room);
    const writer = await api.enter(gateway, await api.join(gateway, { invitation: (await api.invite(gateway, host.token, room.id, 'cem@example.org', { name: 'Cem' })).token }), 'room', 'chat');
    for (let n = 1; n <= 130; n++)
        await writer.ask('chat', 'send', { text: `Message ${n}` });
    const ana = await comeIn(host, room, 'Ana'), ben = await comeIn(host, room, 'Ben');
    for (const page of [host, ana, ben])
        await tab(page, 'chat');
    await has(ana, '.message p', 'Message 130');
    const shown = () => ana.locator('.message p').allTextContents();
    assert.ok((await shown()).length < 130);
    await fits(ana, 'chat-long');
    for (let n = 0; n < 10 && (await shown()).length < 130; n++) {
        const before = (await shown()).length;
        await ana.evaluate(() => document.querySelector('.log').scrollTo(0, 0));
        await ana.waitForFunction((had) => document.querySelectorAll('.message').length > had, before);
    }
    assert.deepEqual(await shown(), Array.from({ length: 130 }, (_, i) => `Message ${i + 1}`));

    await write(ana, 'a slip of the tongue');
    await has(ben, '.message p', 'a slip');
    await ana.locator('.message', { hasText: 'a slip' }).locator('button').click();
    await answer(ana, 'Delete it');
    await has(ben, '.message.gone p', 'This message was deleted.');
    await lacks(ben, '.message p', 'a slip');
    await host.locator('.message', { hasText: 'Message 130' }).locator('button').click();
    await answer(host, 'Delete it');
    await ben.waitForFunction(() => document.querySelectorAll('.message.gone').length === 2);

    await act(ana, 'Ben', 'Write privately');
    await ana.fill('#chat textarea', 'for Ben alone');
    await ana.press('#chat textarea', 'Enter');
    await has(ben, '.message.private', 'only to you');
    await write(ana, 'and one more');
    await shot(ana, 'private');
    await lacks(host, '.message p', 'for Ben alone');
    /* what was begun for one person never goes to everyone, should they leave */
    await ana.fill('#chat textarea', 'still for Ben');
    await ben.click('#leave');
    await isOver(ben, 'You left the class.');
    await ana.waitForFunction(() => document.querySelector('#chat select').selectedOptions[0].textContent === 'Only Ben (has left)');
    await ana.press('#chat textarea', 'Enter');
    await has(ana, '.message.private p', 'still for Ben');
    await lacks(host, '.message p', 'for Ben');
    writer.close();
    await close(host, ana, ben);
});

story('polls: several answers with names, shown live; an anonymous one, whose vote is changed', async () => {
    const host = await hostPage('petra@example.org', 'Petra');
    const room = await makeRoom(host);
    await goIn(host, room);
    const ana = await comeIn(host, room, 'Ana'), ben = await comeIn(host, room, 'Ben');
    for (const page of [host, ana, ben])
        await tab(page, 'poll');
    const vote = async (page, ...answers) => {
        for (const one of answers)
            await page.click(`.poll.open .tick:has-text("${one}")`);
        await page.click('.poll.open button[data-key^="vote-"]');
    };
    const counts = (page, numbers) => page.waitForFunction((wanted) =>
        [...document.querySelectorAll('.poll:first-child .results .faint')].map((one) => one.textContent).join() === wanted, numbers);
    await draft(host, 'Which are even?', { answers: ['2', '3', '4'], settings: ['Several answers', 'With names', 'while people vote'], button: 'Ask now' });
    await has(ana, '.poll', 'with names');
    await vote(ana, '2', '4');
    await counts(ben, '1,0,1');
    await vote(ben, '3', '4');
    await counts(ana, '1,1,2');
    await has(host, '.poll', 'Voted: Ana, Ben');
    await fits(ana, 'poll-named');
    await host.click('.poll.open button:text-is("Close")');
    await has(ana, '.poll.closed', '2 voted');

    await draft(host, 'Was it too fast?', { button: 'Ask now' });
    await has(ana, '.poll.open', 'anonymous');
    await vote(ana, 'Yes');
    await vote(ben, 'Yes');
    await has(host, '.poll.open', '2 voted');
    assert.equal(await host.locator('.poll.open .results').count(), 0);
    await vote(ben, 'No');
    await has(ben, '.poll.open', 'You have voted');
    await host.click('.poll.open button:text-is("Show results")');
    await counts(ana, '1,1');
    await host.click('.poll.open button:text-is("Close")');
    for (const page of [host, ana, ben])
        await counts(page, '1,1');
    await lacks(host, '.poll:first-child', 'Ana');
    await fits(host, 'polls');
    await host.click('.poll:first-child button:text-is("Remove")');
    await answer(host, 'Remove it');
    await lacks(ana, '.poll', 'too fast');
    await api.want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token });
    await isOver(ana, 'The class has ended');
    await ana.click('#over-history');
    await ana.click('text=Who voted what');
    await has(ana, '.poll li', 'Ana: 2, 4');
    await has(ana, '.poll li', 'Ben: 3, 4');
    await lacks(ana, '.poll', 'too fast');
    await fits(ana, 'history-poll');
    await close(host, ana, ben);
});

story('an address where nothing is has a page that leads back', async () => {
    const page = await open('/clas.html');
    await has(page, 'h1', 'There is no such page');
    await fits(page, 'nowhere');
    await page.click('text=To the first page');
    await has(page, 'h1', 'Stoa');
    await close(page);
});

/* -- what stays, and what does not ---------------------------------------------------------------------------- */

const saved = async (page, label) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`button:text-is("${label}")`)]);
    return readFileSync(await download.path());
};

story('a class is exported whole; somebody is erased, before everyone\'s eyes and in the history; the room is deleted', async () => {
    const host = await hostPage('rosa@example.org', 'Rosa');
    const room = await makeRoom(host);
    await goIn(host, room);
    const ana = await comeIn(host, room, 'Ana'), ben = await comeIn(host, room, 'Ben');
    for (const page of [host, ana, ben])
        await tab(page, 'chat');
    await write(ana, 'Ana was here');
    await write(ben, 'So was Ben');
    await tab(ana, 'workspace');
    await ana.setInputFiles('#workspace input[type=file]', { name: 'ana.txt', mimeType: 'text/plain', buffer: Buffer.from('from Ana\n') });
    await tab(ben, 'workspace');
    await has(ben, '#workspace li', 'ana.txt');
    await ben.setInputFiles('#workspace input[type=file]', { name: 'ben.txt', mimeType: 'text/plain', buffer: Buffer.from('from Ben\n') });
    await tab(host, 'workspace');
    await has(host, '#workspace li', 'ben.txt');
    await host.click('#leave');
    await host.click('text=End for everyone');
    await isOver(host, 'The class has ended');
    await host.click('#over-history');
    await has(host, 'h1', 'Geometry');
    await host.click('text=Keep a copy');
    const kept = JSON.parse(await saved(host, 'Download JSON'));
    assert.deepEqual(kept.meetings.map(({ chat, attendance, workspace }) => [chat.map(({ text }) => text), attendance.map(({ name }) => name), workspace.map(({ title }) => title).sort()]),
        [[['Ana was here', 'So was Ben'], ['Rosa', 'Ana', 'Ben'], ['ana.txt', 'ben.txt']]]);
    const files = unzip(await saved(host, 'Download ZIP'));
    assert.deepEqual([...files].filter(([name]) => name.startsWith('files/') && /txt$/.test(name)).map(([name, bytes]) => [name.replace(/.*-/, ''), bytes.toString()]).sort(),
        [['ana.txt', 'from Ana\n'], ['ben.txt', 'from Ben\n']]);
    assert.deepEqual(JSON.parse(files.get('history.json')).meetings.map(({ chat }) => chat.length), [2]);
    await fits(host, 'history-kept');

    /* who comes too late is shown the way to it */
    await ana.goto(`${gateway.http}/join.html#i=${ana.invitation}`);
    await isOver(ana, 'has ended');
    await ana.click('#over-history');
    await has(ana, '.message', 'So was Ben');

    /* one more sitting, in which Ben is erased by Ana's side */
    await api.want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token: host.token, body: { state: 'scheduled' } });
    for (const page of [ana, ben]) {
        await page.goto(`${gateway.http}/join.html#i=${page.invitation}`);
        await listen(page);
        await inClass(page);
        await tab(page, 'chat');
    }
    await has(ana, '.message', 'So was Ben');
    await tab(ben, 'people');
    await fits(ben, 'about-me');
    await ben.click('text=What this server holds about me');
    assert.match((await saved(ben, 'Download it')).toString(), /ben@example\.org/);
    await fits(ben, 'about-me-open');
    await ben.click('button:text-is("Erase me")');
    await answer(ben, 'Erase all of it');
    await isOver(ben, 'Everything about you was erased');
    await has(ana, '.message.gone p', 'erased');
    await lacks(ana, '.message', 'Ben');
    await tab(ana, 'workspace');
    await lacks(ana, '#workspace li', 'ben.txt');
    await shot(ana, 'erased');
    await ben.goto(`${gateway.http}/join.html#i=${ben.invitation}`);
    await isOver(ben, 'leads nowhere');

    await host.goto(`${gateway.http}/host.html#room=${room.id}`);
    await host.click('text=Delete this room');
    await shot(host, 'delete');
    await answer(host, 'Delete it');
    await isOver(ana, 'the room was deleted');
    assert.equal(await ana.locator('#over-history').isVisible(), false);
    await fits(ana, 'deleted');
    await says(host, 'status', /The room was deleted/);
    await lacks(host, '.rows li', 'Geometry');
    await ana.goto(`${gateway.http}/join.html#i=${ana.invitation}`);
    await isOver(ana, 'leads nowhere');
    await close(host, ana, ben);
});
