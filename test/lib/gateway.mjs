/* SPDX-License-Identifier: MIT */
/* A gateway of the build under test, on free ports, with its own data folder. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

export const tree = new URL('../..', import.meta.url).pathname;
const build = process.env.STOA_BUILD ?? join(tree, 'build');
export const binary = join(build, 'stoa');
/** Sanitizers keep what was freed for a while: there is no judging by memory. */
export const sanitized = Boolean(process.env.ASAN_OPTIONS ?? process.env.TSAN_OPTIONS);
/** How many times longer than on an idle machine things may take: what a test waits for, at most, is multiplied by it. */
export const slow = Number(process.env.STOA_SLOW ?? (sanitized ? 4 : 1));

/* A test that fails leaves its gateway behind; it ends with the file. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(143));

/* What a sanitizer says of any gateway fails the file, whether or not its tests look: UBSan only says it, and goes on. */
const report = /^.*(?:ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ).*$/m;
const logged = new Set();
process.on('exit', () => {
    for (const { log } of logged) {
        const at = log.search(report);
        if (at < 0)
            continue;
        console.error(`a sanitizer's report:\n${log.slice(at, at + 8000)}`);
        process.exitCode = 1;
    }
});

/**
 * Start it; a first argument {conf, data, wrap} names another conf folder, a data folder that outlives it, a program that starts it;
 * the rest are FILE:SECTION.KEY=VALUE.
 */
export async function start(...settings) {
    const { conf, data: kept, wrap = [] } = typeof settings[0] === 'object' ? settings.shift() : {};
    const data = kept ?? mkdtempSync(join(tmpdir(), 'stoa-data-'));
    const ports = ['http:listen.port=0', 'websocket:listen.port=0', 'stoa:admin.port=0', 'stoa:media.port=0'];
    const args = [...(conf ? ['-c', conf] : []), '-d', data, ...[...ports, ...settings].flatMap((one) => ['-s', one])];
    const [program, ...rest] = [...wrap, binary, ...args];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const gateway = { child, data, log: '' };
    running.add(child);
    logged.add(gateway);
    child.on('exit', () => running.delete(child));
    child.stderr.on('data', (chunk) => { gateway.log += chunk; });
    gateway.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    const line = await Promise.race([
        new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
        gateway.ended.then(() => { throw new Error(`the gateway ended: ${gateway.log}`); }),
    ]);
    gateway.ready = line;
    for (const [, key, value] of line.matchAll(/(\w+)=(\S+)/g))
        gateway[key] = value;
    gateway.stop = async () => {
        const since = Date.now();
        child.kill('SIGTERM');
        const how = await gateway.ended;
        if (!kept)
            rmSync(data, { recursive: true, force: true });
        return { ...how, ms: Date.now() - since };
    };
    return gateway;
}

let last = 0;

/** One connection: request() resolves with the direct answer, event() with the next event that fits. */
export async function connect(url) {
    const socket = new WebSocket(url, 'janus-protocol');
    const answers = new Map(), events = [], waiting = [];
    socket.on('message', (data) => {
        const message = JSON.parse(data);
        if (answers.has(message.transaction)) {
            answers.get(message.transaction)(message);
            answers.delete(message.transaction);
            return;
        }
        const index = waiting.findIndex(({ fits }) => fits(message));
        if (index >= 0)
            waiting.splice(index, 1)[0].resolve(message);
        else
            events.push(message);
    });
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    return {
        socket, events,
        request: (message) => new Promise((resolve) => {
            const transaction = `t${++last}`;
            answers.set(transaction, resolve);
            socket.send(JSON.stringify({ transaction, ...message }));
        }),
        event: (fits) => new Promise((resolve, reject) => {
            const index = events.findIndex(fits);
            if (index >= 0)
                resolve(events.splice(index, 1)[0]);
            else {
                waiting.push({ fits, resolve });
                setTimeout(() => reject(new Error(`no such event within ${5 * slow} s`)), 5000 * slow).unref();
            }
        }),
        close: () => socket.close(),
    };
}
