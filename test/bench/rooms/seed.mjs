/* SPDX-License-Identifier: MIT */
/* A database with a past: rooms of a host with one ended meeting each, and what was said in them, written past the gateway. */
import { execFileSync } from 'node:child_process';
import { join as path } from 'node:path';
import { start } from '../../lib/gateway.mjs';
import { stoa } from '../../lib/rooms.mjs';

export const roomId = (n) => `r${String(n).padStart(19, '0')}`;

/** `rooms` rooms, room 0 with `long` messages, the others with `messages` in equal parts. The host is hana@school.example. */
export async function seed(data, { rooms, long = 0, messages = 0 }) {
    const gateway = await start({ data });
    await stoa(gateway, '--add-host', 'hana@school.example', '--name', 'Hana');
    await gateway.stop();
    const count = (i) => `(CASE ${i} WHEN 0 THEN ${long} ELSE ${Math.floor(messages / Math.max(rooms - 1, 1))} END)`;
    const id = (i) => `printf('r%019d', ${i})`;
    execFileSync('sqlite3', [path(data, 'stoa.db')], { input: `PRAGMA foreign_keys = ON; BEGIN;
        CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${rooms}) SELECT i FROM n;
        INSERT INTO room(id, host_id, title, access, lobby, locked, e2ee, modules, retention_days, state, created_at)
            SELECT ${id('i')}, host.id, 'Room ' || i, 'public', 0, 0, 'off', '["videoroom","chat","poll","workspace"]', 365, 'scheduled', i FROM n, host;
        INSERT INTO participant(id, room_id, name, role, created_at) SELECT 'p' || i, ${id('i')}, 'Ana', 'participant', 1 FROM n;
        INSERT INTO meeting(id, room_id, started_at, ended_at, seen_at, erase_at, summarised)
            SELECT 'm' || i, ${id('i')}, 1, 2, 2, 4102444800000, 1 FROM n;
        INSERT INTO attendance SELECT 'm' || i, 'p' || i, 1, 2 FROM n;
        INSERT INTO record(room_id, seq, meeting_id, module, kind, author, at, body)
            SELECT ${id('n.i')}, s.value, 'm' || n.i, 'chat', 'message', 'p' || n.i, s.value,
                json_object('text', s.value || ': as long as people write on average in a class, or a little longer')
            FROM n, generate_series(1, ${count('n.i')}) s;
        COMMIT;` });
}
