/* SPDX-License-Identifier: MIT */
/* The rooms' pages in Chromium, with real mail: from the host's sign-in to the file in the history. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { seenAndHeard, until } from '../lib/browser.mjs';
import { act, close, enter, fits, has, inClass, linkIn, mailTo, makeRoom, open, says, shot, signIn, story, tab, write } from '../lib/pages.mjs';

const hostile = '<img src=x onerror=alert(1)>"\'&amp;';

/* -- the story ------------------------------------------------------------------------------------------ */

story('a class from the invitation to the file in the history', async () => {
    const host = await signIn('prof@example.org', 'Prof. Weiß');
    await fits(host, 'rooms-empty');
    await makeRoom(host, 'Algebra I');
    await host.fill('#people textarea, textarea#people', 'Ana Lopez <ana@example.org>, ben@example.org');
    await host.click('button:text-is("Invite")');
    await says(host, 'status', /2 invitations are on the way/);
    await fits(host, 'room');
    const invitations = [linkIn(await mailTo('ana@example.org', /Algebra/), 'join.html'), linkIn(await mailTo('ben@example.org', /Algebra/), 'join.html')];
    await host.click('text=Start the class');
    await enter(host);
    const people = [host];
    for (const link of invitations) {
        const page = await open(link);
        assert.equal(new URL(page.url()).hash, '');
        await has(page, '#look h2', 'Algebra I');
        await has(page, '#what', 'with Prof. Weiß');
        const isNamed = people.length === 1;
        assert.equal(await page.isVisible('#name'), !isNamed);
        if (isNamed)
            await fits(page, 'look');
        await enter(page, isNamed ? {} : { name: 'Ben' });
        people.push(page);
    }
    const [, ana, ben] = people;
    for (const page of people)
        await inClass(page);
    await has(host, '#tab-people', 'People (3)');
    for (const page of people)
        await seenAndHeard(page, 2);
    await chat(host, ana, ben);
    await vote(host, ana, ben);
    await share(host, ana, ben);
    await shot(host, 'class-desk');
    await endOf(host, ana, ben);
});

async function chat(host, ana, ben) {
    for (const page of [host, ana, ben])
        await tab(page, 'chat');
    await host.fill('#chat textarea', `Good morning ${hostile}`);
    await host.press('#chat textarea', 'Enter');
    for (const page of [host, ana, ben])
        await has(page, '.message p', `Good morning ${hostile}`);
    await ana.selectOption('#chat select', { label: 'Only Prof. Weiß' });
    await ana.fill('#chat textarea', 'May I leave early?');
    await ana.click('text=Send');
    await has(host, '.message.private p', 'May I leave early?');
    await ben.fill('#chat textarea', 'Hello');
    await has(host, '.typing', 'Ben is writing');
    await ben.click('text=Send');
    await has(ana, '.message p', 'Hello');
    await ben.evaluate(() => { document.querySelector('#chat textarea').value = 'to\0 the \ud83d end'; });
    await ben.click('text=Send');
    await has(ana, '.message.follows p', 'to the \ufffd end'); /* what JSON cannot hold is left out, not refused */
    assert.equal(await ben.locator('.message').count(), 3);
    assert.equal(await ben.locator('.message img').count(), 0);
}

async function vote(host, ana, ben) {
    for (const page of [host, ana, ben])
        await tab(page, 'poll');
    await host.click('text=New poll');
    await host.fill('#poll-question', 'Is 7 a prime?');
    await host.fill('[placeholder="Answer 1"]', 'Yes');
    await host.fill('[placeholder="Answer 2"]', 'No');
    await host.click('text=Quiz: some answers are right');
    await host.check('[aria-label="Answer 1 is right"]');
    await host.click('text=Ask now');
    for (const [page, answer] of [[ana, 'Yes'], [ben, 'No']]) {
        await page.click(`.poll .tick:has-text("${answer}")`);
        await page.click('button:text-is("Vote")');
        await has(page, '.poll', 'You have voted');
    }
    await shot(host, 'poll-open');
    await host.click('button:text-is("Close")');
    await has(ana, '.poll .right', '✓ right');
    await has(ben, '.poll', '2 voted');
    await shot(ben, 'poll-closed');
}

async function share(host, ana, ben) {
    for (const page of [host, ana, ben])
        await tab(page, 'workspace');
    await ana.setInputFiles('#workspace input[type=file]', { name: 'übung 1.txt', mimeType: 'text/plain', buffer: Buffer.from('2 + 2 = 4\n') });
    await has(host, '#workspace .rows li', 'übung 1.txt');
    await host.click('text=New note');
    await host.waitForSelector('.note');
    await ana.click('[aria-label="Open Note 1"]');
    await host.type('.note', 'Primes: 2, 3, 5');
    await until(ana, () => document.querySelector('.note')?.value === 'Primes: 2, 3, 5');
    await ana.press('.note', 'End');
    await ana.type('.note', ', 7');
    await until(host, () => document.querySelector('.note')?.value === 'Primes: 2, 3, 5, 7');
    for (const text of ['😀', 'a😁', '😁😀b', '🀁😀b', 'Primes: 2, 3, 5, 7']) { /* halves of characters that are alike */
        await host.fill('.note', text);
        await ana.waitForFunction((all) => document.querySelector('.note').value === all, text);
    }
    await shot(host, 'note-desk');
    await ben.click('[aria-label="Open Note 1"]'); /* who comes late has all of it */
    await until(ben, () => document.querySelector('.note')?.value === 'Primes: 2, 3, 5, 7');
}

async function endOf(host, ana, ben) {
    await host.click('#leave');
    await host.click('text=End for everyone');
    for (const page of [host, ana, ben])
        await has(page, '#over-why', 'The class has ended');
    await fits(ana, 'over');
    for (const [page, address] of [[host, 'prof@example.org'], [ana, 'ana@example.org'], [ben, 'ben@example.org']]) {
        await page.goto(linkIn(await mailTo(address, /Algebra/), 'history.html'));
        await has(page, 'h1', 'Algebra I');
        await has(page, '.message p', 'Hello');
        await has(page, '.poll', 'Is 7 a prime?');
        await page.click('text=Read the note');
        await has(page, 'pre', 'Primes: 2, 3, 5, 7');
        assert.equal(await page.locator('.message', { hasText: 'May I leave early?' }).count(), page === ben ? 0 : 1);
        const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=übung 1.txt')]);
        assert.equal(readFileSync(await download.path(), 'utf8'), '2 + 2 = 4\n');
        const [note] = await Promise.all([page.waitForEvent('download'), page.click('text=Save as text')]);
        assert.deepEqual([note.suggestedFilename(), readFileSync(await note.path(), 'utf8')], ['Note 1.txt', 'Primes: 2, 3, 5, 7']);
    }
    await fits(ana, 'history');
    await close(host, ana, ben);
}

/* Cut off until it is let go on: nothing gets through meanwhile. */
const cutOff = (page) => page.evaluate(() => {
    window.whole = WebSocket;
    window.WebSocket = class { constructor() { throw new Error('cut off'); } };
    window.sockets.at(-1).close();
});
const letGoOn = (page) => page.evaluate(() => { window.WebSocket = window.whole; });

story('a guest with a hostile name: lobby, hands, mute, a lost connection, board, lock, removed', async () => {
    const host = await signIn('dean@example.org', hostile);
    const room = await makeRoom(host, hostile, async () => {
        await host.selectOption('#access', 'public');
        await host.check('[name=lobby]');
    });
    await has(host, '.sheet h2', hostile);
    await host.click('text=Start the class');
    await enter(host);
    await inClass(host);
    const guest = await open(`/join.html#r=${room}`);
    await enter(guest, { name: hostile });
    await guest.waitForSelector('#waiting:not([hidden])');
    await shot(guest, 'waiting');
    await host.click('#lobby');
    await shot(host, 'lobby');
    await host.click('text=Admit');
    await inClass(guest);
    await has(host, '.tile .name', hostile);
    for (const page of [host, guest]) {
        await seenAndHeard(page, 1);
        await tab(page, 'chat');
    }

    await guest.focus('.tile:not(.me) .pin'); /* by keyboard, too */
    await guest.keyboard.press('Enter');
    await guest.waitForSelector('.tile.large [aria-label^="Make small"]');
    await guest.keyboard.press('Enter');
    await guest.waitForSelector('.tile.large', { state: 'detached' });
    await guest.click('#hand');
    await tab(host, 'people');
    await has(host, '#people .turn', 'next');
    await shot(host, 'hand');
    await host.click('text=Lower all hands');
    await has(guest, '#hand', 'Raise hand');
    await host.locator('#people summary').click();
    await shot(host, 'menu');
    await host.click('button:text-is("Mute")');
    await has(guest, '#mute', 'Unmute');
    await has(host, '#people li', 'muted by a host');
    assert.equal((await host.evaluate(async (id) => (await fetch(`/api/v1/rooms/${id}/participants`, { headers: { Authorization: `Bearer ${JSON.parse(localStorage.getItem('stoa.host')).token}` } })).json(), room))
        .filter(({ muted }) => muted).length, 1);
    await guest.click('#mute:not([disabled])');
    await has(guest, '#mute', /^Mute$/);
    await until(host, () => !document.querySelector('#people').textContent.includes('muted'));
    await guest.click('#mute:not([disabled])');
    await has(host, '#people .faint', /^\s*muted$/);
    await guest.click('#mute:not([disabled])');

    await tab(host, 'chat');
    await write(host, 'before');
    await has(guest, '.message p', 'before');
    await cutOff(guest);
    await says(guest, 'status', /Reconnecting/);
    for (const text of ['one', 'two', 'three'])
        await write(host, text);
    await letGoOn(guest);
    await write(host, 'after');
    await has(guest, '.message p', 'after');
    assert.deepEqual(await guest.locator('.message p').allTextContents(), ['before', 'one', 'two', 'three', 'after']);
    for (const page of [guest, host])
        await seenAndHeard(page, 1);
    await until(host, () => [...document.querySelectorAll('.tile:not(.me) video')].some(({ videoWidth, currentTime }) => videoWidth && currentTime > 0));
    await shot(host, 'back');

    await tab(host, 'workspace');
    await host.click('text=New board');
    await host.fill('[aria-label="Words for the board"]', 'Sketch');
    await host.press('[aria-label="Words for the board"]', 'Enter');
    const { x, y } = await host.locator('canvas').boundingBox();
    await host.mouse.move(x + 100, y + 100);
    await host.mouse.down();
    await host.mouse.move(x + 200, y + 150, { steps: 4 });
    await host.mouse.up();
    await tab(guest, 'workspace');
    await guest.click('[aria-label="Open Board 1"]');
    await guest.waitForSelector('canvas[aria-label="Board with 2 marks: Sketch"]');
    await fits(guest, 'board');
    await guest.click('[aria-label="Close Board 1"]');
    assert.equal(await guest.locator('[aria-label="Rename Board 1"]').count(), 0);
    await host.click('[aria-label="Rename Board 1"]');
    await fits(host, 'rename');
    await host.fill('#asked', 'Sketches');
    await host.keyboard.press('Enter');
    for (const [page, where] of [[guest, '#workspace li'], [host, '.desk h2']])
        await has(page, where, 'Sketches');
    await host.waitForSelector('[aria-label="Close Sketches"]');
    await guest.click('#view');
    await fits(guest, 'speaker');
    for (const name of ['people', 'chat', 'poll', 'workspace']) {
        await tab(guest, name);
        await fits(guest, `tab-${name}`);
    }

    await tab(host, 'people');
    await host.click('text=Lock the class');
    await guest.waitForSelector('#locked:not([hidden])');
    const late = await open(`/join.html#r=${room}`);
    await enter(late, { name: 'Late', button: '#listen' });
    await says(late, 'problem', /locked the class/);
    await act(host, hostile, 'Remove');
    await host.click('dialog button:text-is("Remove")');
    await has(guest, '#over-why', 'You were removed');
    for (const page of [host, guest])
        assert.equal(await page.locator('body img').count(), 0);
    await close(host, guest, late);
});

story('a list that comes late does not take the place of what was asked for since', async () => {
    const page = await signIn('eager@example.org', 'Eager');
    let late = 0;
    await page.route(/\/api\/v1\/rooms\?/, async (route) => {
        late++;
        await sleep(700);
        await route.continue();
    });
    const seen = page.waitForResponse(/\/api\/v1\/rooms\?/);
    await page.evaluate(() => { location.hash = '#again'; });
    await until(page, () => document.querySelector('[aria-busy="true"]'));
    await page.click('text=New room');
    await page.waitForSelector('form input');
    await (await seen).finished();
    await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 100); }));
    assert.equal(late, 1);
    await has(page, 'h2', 'New room');
    await close(page);
});

story('links that lead nowhere say why', async () => {
    for (const [path, words] of [['/join.html', /needs a link/], ['/join.html#i=wrong', /leads nowhere/], ['/join.html#r=nobody', /leads nowhere/]]) {
        const page = await open(path);
        await says(page, 'over-why', words);
        await close(page);
    }
    const page = await open('/host.html#s=wrong');
    await says(page, 'problem', /used already, or it is too old/);
    await page.emulateMedia({ colorScheme: 'dark' });
    await fits(page, 'signin-dark');
    await close(page);
});
