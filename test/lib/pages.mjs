/* SPDX-License-Identifier: MIT */
/* The rooms' pages in Chromium, with a gateway and a mail server of the test's own. STOA_SHOTS=DIR keeps pictures. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fakeMedia, launch, probe } from './browser.mjs';
import { start } from './gateway.mjs';
import { stoa } from './rooms.mjs';
import { startSmtp } from './smtp.mjs';

const desk = { width: 1280, height: 800 }, phone = { width: 390, height: 844 }, small = { width: 360, height: 740 };
export let gateway, smtp;
let browser, begin;

before(async () => {
    smtp = await startSmtp();
    const data = mkdtempSync(join(tmpdir(), 'stoa-data-'));
    begin = (...more) => start({ data }, `mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.from=Stoa <stoa@example.org>', 'rooms:limits.attempts_per_minute=0', 'chat:limits.messages_per_second=0', ...more);
    gateway = await begin();
    browser = await launch(...fakeMedia);
});
after(async () => {
    await browser?.close();
    await smtp?.stop();
    assert.equal((await gateway.stop()).code, 0);
    rmSync(gateway.data, { recursive: true, force: true });
});

/** The gateway dies and is there again, at the same addresses. */
export async function restart() {
    const port = (url) => new URL(url).port;
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    gateway = await begin(`http:listen.port=${port(gateway.http)}`, `websocket:listen.port=${port(gateway.websocket)}`);
}

/* -- pages ---------------------------------------------------------------------------------------- */

const opened = [];

/** A test that says, when it fails, what each page said last. */
export const story = (name, run) => test(name, async (t) => {
    opened.length = 0;
    try {
        await run(t);
    } catch (error) {
        for (const [i, page] of opened.entries()) {
            const words = await page.evaluate(() => [location.pathname, ...['title', 'problem', 'status'].map((id) => document.getElementById(id)?.textContent)])
                .catch(() => ['gone']);
            t.diagnostic(`page ${i}: ${words.join(' | ')} ${page.problems.join(' ')}`);
            await shot(page, `failed-${i}`).catch(() => {});
        }
        throw error;
    }
});

export async function open(url, { context, ...options } = {}) {
    const page = await (context ?? await browser.newContext({ viewport: desk, permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'], ...options })).newPage();
    page.problems = [];
    opened.push(page);
    page.on('console', (line) => line.type() === 'error' && !/status of 4\d\d/.test(line.text()) && page.problems.push(line.text()));
    page.on('pageerror', (error) => page.problems.push(error.stack));
    page.setDefaultTimeout(60000);
    await page.addInitScript(probe);
    await page.goto(url.startsWith('/') ? gateway.http + url : url);
    return page;
}

export async function close(...pages) {
    for (const page of pages) {
        assert.deepEqual(await page.evaluate(() => window.violations), []);
        assert.deepEqual(page.problems, []);
        await page.context().close();
    }
}

export const shot = (page, name) => process.env.STOA_SHOTS && page.screenshot({ path: `${process.env.STOA_SHOTS}/${name}.png` });
export const says = (page, id, pattern) => page.waitForFunction(([where, words]) =>
    new RegExp(words).test(document.getElementById(where).textContent), [id, pattern.source]);
export const has = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
export const tab = (page, name) => page.click(`#tab-${name}`);

/* Runs in the page: what is wider than its place, the window for the page itself. */
const tooWide = () => [document.documentElement, ...document.querySelectorAll('[role=tabpanel], .log, .message header, .sheet > *, dialog, #controls button')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => `${one.tagName}.${one.className}#${one.id}`);

/** No page is wider than its window, and no part of it cut off. */
export async function fits(page, name) {
    for (const [size, viewport] of Object.entries({ desk, phone, small })) {
        await page.setViewportSize(viewport);
        await page.waitForFunction((width) => innerWidth === width, viewport.width);
        assert.deepEqual(await page.evaluate(tooWide), [], `${name} on a ${size}: wider than its place`);
        await shot(page, `${name}-${size}`);
    }
    await page.setViewportSize(desk);
}

/* -- mail ------------------------------------------------------------------------------------------- */

export const mailTo = (address, subject) => smtp.mail((mail) => mail.recipients.includes(address) && subject.test(mail.subject), 60000);
export const linkIn = (mail, page) => new RegExp(`https?://\\S+/${page}#\\S+`).exec(mail.text)[0];

/* -- people ------------------------------------------------------------------------------------------- */

export async function signIn(email, name) {
    await stoa(gateway, '--add-host', email, '--name', name);
    const page = await open('/host.html');
    await page.fill('#email', email);
    await page.click('text=Send me a sign-in link');
    await has(page, 'h2', 'Look into your mail');
    const link = linkIn(await mailTo(email, /Sign in/), 'host.html');
    await page.goto(link);
    await page.waitForSelector('text=New room');
    assert.equal(new URL(page.url()).hash, '');
    return page;
}

/** The same without mail, for what comes after it; `token` is the host's. */
export async function hostPage(email, name) {
    const link = await stoa(gateway, '--add-host', email, '--name', name);
    const page = await open(`/host.html#s=${link.trim().split('#s=')[1]}`);
    await page.waitForSelector('text=New room');
    page.token = await page.evaluate(() => JSON.parse(localStorage.getItem('stoa.host')).token);
    return page;
}

/** By the pages: a room; its id. */
export async function makeRoom(page, title, settings = async () => {}) {
    await page.goto(`${gateway.http}/host.html#`);
    await page.click('text=New room');
    await page.fill('#room-title', title);
    await settings();
    await page.click('text=Create the room');
    await page.waitForSelector('#people');
    return new URLSearchParams(new URL(page.url()).hash.slice(1)).get('room');
}

export async function enter(page, { name, button = '#join' } = {}) {
    if (name)
        await page.fill('#name', name);
    await page.click(`${button}:not([disabled])`);
    return page;
}

export const inClass = (page) => page.waitForSelector('#class:not([hidden])');

/** What a host's page does about a person. */
export async function act(host, name, label) {
    await tab(host, 'people');
    await host.locator('#people li', { hasText: name }).locator('summary').click();
    await host.locator('#people li', { hasText: name }).locator(`button:text-is("${label}")`).click();
}

/** Write into the chat. */
export async function write(page, text) {
    await page.fill('#chat textarea', text);
    await page.press('#chat textarea', 'Enter');
    await has(page, '.message p', text);
}
