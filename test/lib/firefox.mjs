/* SPDX-License-Identifier: MIT */
/* Debian's Firefox with a fake camera and microphone, driven by WebDriver BiDi. (playwright drives builds of its own only.) */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

const START_MS = 120000, COMMAND_MS = 120000, CONDITION_MS = 60000;
const prefs = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.devices.insecure.enabled': true, /* pages of another host */
    'media.getusermedia.insecure.enabled': true,
    'media.autoplay.default': 0,
    'media.autoplay.blocking_policy': 0,
    'media.gmp-manager.updateEnabled': false,
    'media.gmp-provider.enabled': false,
    'app.update.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'browser.startup.page': 0,
    'browser.safebrowsing.malware.enabled': false,
    'browser.safebrowsing.phishing.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'extensions.update.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'services.settings.server': 'http://localhost/none',
    'toolkit.telemetry.enabled': false,
};

/* One WebSocket: commands are numbered, events go to those who listen. */
class Bidi {
    constructor(socket) {
        this.socket = socket;
        this.waiting = new Map();
        this.listeners = [];
        this.last = 0;
        socket.on('message', (data) => this.take(JSON.parse(data)));
        socket.on('close', () => this.waiting.forEach(({ reject }) => reject(new Error('Firefox is gone'))));
    }

    take(message) {
        const waits = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        if (message.type === 'event')
            this.listeners.forEach((listener) => listener(message));
        else if (message.type === 'error')
            waits?.reject(new Error(`${message.error}: ${message.message}`));
        else
            waits?.resolve(message.result);
    }

    send(method, params = {}) {
        const id = ++this.last;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), COMMAND_MS);
            const done = (settle) => (value) => { clearTimeout(timer); settle(value); };
            this.waiting.set(id, { resolve: done(resolve), reject: done(reject) });
            this.socket.send(JSON.stringify({ id, method, params }));
        });
    }
}

/* A tab, with the few verbs of a playwright page that the tests use. */
class Tab {
    constructor(bidi, context) {
        this.bidi = bidi;
        this.context = context;
    }

    goto(url) {
        return this.bidi.send('browsingContext.navigate', { context: this.context, url, wait: 'complete' });
    }

    /** Call a function with one argument in the page; both it and what it returns travel as JSON. */
    async evaluate(fn, argument = null) {
        const functionDeclaration = `async () => JSON.stringify(await (${fn})(${JSON.stringify(argument)}) ?? null)`;
        const { result, exceptionDetails } = await this.bidi.send('script.callFunction',
            { functionDeclaration, awaitPromise: true, target: { context: this.context } });
        if (exceptionDetails)
            throw new Error(exceptionDetails.text);
        return JSON.parse(result.value);
    }

    async waitForFunction(fn, argument = null, { timeout = CONDITION_MS } = {}) {
        for (const until = Date.now() + timeout; Date.now() < until; await sleep(100)) {
            if (await this.evaluate(fn, argument))
                return;
        }
        throw new Error(`not within ${timeout} ms: ${fn}`);
    }

    fill(selector, text) {
        return this.evaluate(([one, value]) => { document.querySelector(one).value = value; }, [selector, text]);
    }

    click(selector) {
        return this.evaluate((one) => document.querySelector(one).click(), selector);
    }

    async screenshot({ path }) {
        const { data } = await this.bidi.send('browsingContext.captureScreenshot', { context: this.context });
        writeFileSync(path, Buffer.from(data, 'base64'));
    }

    resize(width, height) {
        return this.bidi.send('browsingContext.setViewport', { context: this.context, viewport: { width, height } });
    }

    close() {
        return this.bidi.send('browsingContext.close', { context: this.context });
    }
}

async function listening(child) {
    let log = '';
    const address = new Promise((resolve, reject) => {
        createInterface({ input: child.stderr }).on('line', (line) => {
            log += `${line}\n`;
            const found = line.match(/BiDi listening on (ws:\S+)/);
            if (found)
                resolve(found[1]);
        });
        child.on('exit', () => reject(new Error(`Firefox ended: ${log}`)));
        child.on('error', reject);
        setTimeout(() => reject(new Error(`Firefox does not listen: ${log}`)), START_MS).unref();
    });
    return address;
}

/** Start it; `script` (a text) runs in every page before the page's own. */
export async function launch(script) {
    const profile = mkdtempSync(join(tmpdir(), 'stoa-firefox-'));
    const lines = Object.entries(prefs).map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`);
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    const child = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'],
        { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' } });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    const close = async () => {
        child.kill('SIGKILL');
        await ended;
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    };
    try {
        const socket = new WebSocket(`${await listening(child)}/session`);
        await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
        const bidi = new Bidi(socket);
        await bidi.send('session.new', { capabilities: {} });
        await bidi.send('session.subscribe', { events: ['log.entryAdded'] });
        await bidi.send('script.addPreloadScript', { functionDeclaration: `() => {${script}}` });
        return { close, bidi, open: async () => new Tab(bidi, (await bidi.send('browsingContext.create', { type: 'tab' })).context) };
    } catch (error) {
        await close();
        throw error;
    }
}
