/* SPDX-License-Identifier: MIT */
/* People for load: many of them in one process. What is not waited for is looked at as text, never parsed. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import WebSocket from 'ws';
import { join, want } from './rooms.mjs';

/** Limits that one machine with many people on it runs into, lifted. */
export const unlimited = ['chat:limits.messages_per_second=0', 'stoa:limits.requests_per_second=0', 'stoa:limits.connections_per_address=0',
    'stoa:limits.sessions_per_connection=0', 'rooms:limits.attempts_per_minute=0', 'rooms:limits.rooms_per_host=0'];

/** A public room: its id. */
export const openRoom = async (gateway, token, more = {}) => (await want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Load', access: 'public', ...more } })).id;

let last = 0;

/**
 * One seat: a WebSocket, a session, a handle for each module.
 * ask(module, request, fields) → data of the reply; rejects if the connection goes. `told(text)` gets each event without a transaction.
 */
export class Seat {
    constructor(gateway, joined) {
        Object.assign(this, { gateway, token: joined.token, id: joined.participant.id, joined, handles: {}, waiting: new Map(), told: () => {} });
    }

    /** @who  {room, name} or {invitation} as POST /join takes them; @options {token} of a host */
    static async enter(gateway, who, modules = ['chat'], options = {}) {
        const seat = new Seat(gateway, await join(gateway, who, options));
        await seat.open(modules);
        return seat;
    }

    async open(modules) {
        this.socket = new WebSocket(this.gateway.websocket, 'janus-protocol', { perMessageDeflate: false });
        this.socket.on('message', (data) => this.take(data.toString()));
        this.socket.on('error', () => {});
        this.socket.on('close', () => {
            for (const { reject } of this.waiting.values())
                reject(new Error('the connection went'));
            this.waiting.clear();
        });
        await new Promise((resolve, reject) => { this.socket.once('open', resolve); this.socket.once('error', reject); });
        this.session = (await this.raw({ janus: 'create' })).data.id;
        for (const module of modules)
            this.handles[module] = (await this.raw({ janus: 'attach', session_id: this.session, plugin: `stoa.plugin.${module}` })).data.id;
    }

    take(text) {
        if (text.includes('"janus":"ack"'))
            return;
        const key = /"transaction":"(\w+)"/.exec(text)?.[1];
        const waiting = this.waiting.get(key);
        if (!waiting)
            return void this.told(text);
        this.waiting.delete(key);
        waiting.resolve(waiting.parse ? JSON.parse(text) : text);
    }

    raw(message, parse = true) {
        return new Promise((resolve, reject) => {
            const transaction = `l${++last}`;
            this.waiting.set(transaction, { resolve, reject, parse });
            this.socket.send(JSON.stringify({ token: this.token, transaction, ...message }));
        });
    }

    message(module, body, parse) {
        return this.raw({ janus: 'message', session_id: this.session, handle_id: this.handles[module], body }, parse);
    }

    async ask(module, request, fields = {}) {
        return (await this.message(module, { request, ...fields })).plugindata.data;
    }

    close() {
        this.socket.terminate();
    }
}

/** The value below which so many of the sorted numbers lie. */
export const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export const sorted = (numbers) => [...numbers].sort((a, b) => a - b);

/**
 * Rounds until one takes less than `ms`, `most` at most: what a busy machine adds is not ours. `bound` is `ms` where the machine is quiet,
 * else as many times more as there are programs that want each core.
 * @round  () → milliseconds; → {best, bound, all: each round's}
 */
export async function bestOf(most, ms, round) {
    const all = [];
    do
        all.push(await round(all.length));
    while (all.at(-1) >= ms && all.length < most);
    return { best: Math.min(...all), median: sorted(all)[all.length >> 1], bound: ms * Math.max(1, loadavg()[0] / cpus().length), all };
}

/** Resident memory of a process, MB. */
export const rssMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** CPU seconds that a process has used. */
export function cpuS(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
}
