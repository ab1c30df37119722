/* SPDX-License-Identifier: MIT */
/* Figures of kept rooms: ./dev bench rooms [NAME...]. One line each; ends with 1 when one of them is out of its bounds on an idle machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { start } from '../../lib/gateway.mjs';
import { cpuS, unlimited } from '../../lib/load.mjs';
import { signIn } from '../../lib/rooms.mjs';
import { buildChatload, chat, joinMany } from './chat.mjs';

const folder = mkdtempSync(path(tmpdir(), 'stoa-bench-'));
const chatload = buildChatload(folder);
const settings = [...unlimited, 'stoa:log.level=warn', 'http:limits.connections=5000', 'websocket:limits.connections=5000'];

async function withGateway(work) {
    const gateway = await start(...settings);
    try {
        await work(gateway, await signIn(gateway, 'hana@school.example', 'Hana'));
    } finally {
        await gateway.stop();
    }
}

const line = (name, text) => console.log(`${name}: ${text} (load ${loadavg()[0].toFixed(1)})`);

const figures = {
    chat: () => withGateway(async (gateway, host) => {
        const seats = await joinMany(gateway, host.token, 10, 5), before = cpuS(gateway.child.pid), seconds = 10;
        const got = await chat(chatload, gateway, seats, { rate: 2000, seconds });
        const cpu = (cpuS(gateway.child.pid) - before) / seconds;
        line('chat', `${got.acknowledged} of ${got.sent} messages acknowledged, ${got.rate} a second, p50 ${got.p50} p90 ${got.p90} p99 ${got.p99} most ${got.most} ms; `
            + `${got.heard} heard, ${got.incomplete + got.disordered} wrong; gateway ${(cpu * 100).toFixed(0)} % of a core; the load was ${got.late_p99} ms late at p99`);
    }),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(figures);
for (const name of names)
    await figures[name]();
rmSync(folder, { recursive: true });
