/* SPDX-License-Identifier: MIT */
/* chatload with people who have joined. */
import { execFileSync, spawn } from 'node:child_process';
import { join as path } from 'node:path';
import { openRoom } from '../../lib/load.mjs';
import { join } from '../../lib/rooms.mjs';

/** Build it into a folder: its path. */
export function buildChatload(folder) {
    const program = path(folder, 'chatload');
    execFileSync('gcc', ['-O2', '-o', program, new URL('chatload.c', import.meta.url).pathname]);
    return program;
}

/** Join people in rooms, as many in each: lines "ROOM TOKEN", one of each room in turn. */
export async function joinMany(gateway, token, rooms, people) {
    const lines = [];
    const ids = await Promise.all(Array.from({ length: rooms }, () => openRoom(gateway, token)));
    for (let i = 0; i < people; i++)
        lines.push(...await Promise.all(ids.map(async (room) => `${room} ${(await join(gateway, { room, name: `P${i}` })).token}`)));
    return lines;
}

/** Let them chat: chatload's figures, {ok} when each message was acknowledged, and heard by each once, in order. */
export async function chat(program, gateway, lines, { rate, seconds, senders = lines.length }) {
    const { hostname, port } = new URL(gateway.websocket);
    const child = spawn(program, [hostname, port, rate, seconds, senders].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    let text = '';
    child.stdout.on('data', (data) => { text += data; });
    child.stdin.end(`${lines.join('\n')}\n`);
    const code = await ended;
    return { ...JSON.parse(text || '{}'), ok: code === 0 };
}
