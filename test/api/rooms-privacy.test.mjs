/* SPDX-License-Identifier: MIT */
/* Who was erased is named in nobody else's mail: in none that waits, in none that is a file, in none that is written later. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import { slow, start } from '../lib/gateway.mjs';
import { call, enter, invite, join, signIn, want } from '../lib/rooms.mjs';
import { startSmtp } from '../lib/smtp.mjs';

async function until(what, fits) {
    for (let n = 0; n < 200 * slow; n++, await sleep(50)) {
        const found = await fits();
        if (found)
            return found;
    }
    return assert.fail(`${what}: not within ${10 * slow} s`);
}

/* A class of Ana, who has shared a file and a link and begun a note, and Ben, who has shared one file and goes on with the note. */
async function classOf(gateway, host, title) {
    const room = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title } });
    const [ana, ben] = await Promise.all([['ana', 'Ana Secretová'], ['ben', 'Ben']].map(async ([who, name]) => {
        const invitation = await invite(gateway, host.token, room.id, `${who}@x.example`, { name });
        return { ...await join(gateway, { invitation: invitation.token }), invitation: invitation.token };
    }));
    for (const { token, participant: { name } } of [ana, ben])
        assert.equal((await call(gateway, 'POST', `/rooms/${room.id}/files`, { token, raw: 'x', headers: { 'X-Filename': encodeURIComponent(`by ${name}.txt`) } })).status, 201);
    const page = await enter(gateway, ana, 'workspace');
    await page.ask('workspace', 'add', { kind: 'link', title: 'Secretová at home', url: 'https://secret.example/' });
    const { id } = await page.ask('workspace', 'add', { kind: 'note', title: 'A note of Secretová' });
    page.close();
    const other = await enter(gateway, ben, 'workspace'); // in which he writes too: it stays
    await other.ask('workspace', 'sync', { id, update: 'AAAA' });
    other.close();
    return { room, ana, ben, end: () => want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token: host.token }) };
}

const names = /secret/i;
const everything = ({ subject, text, html }) => `${subject}\n${text}\n${html}`;

/* Ben's summary says what it should without Ana, and its link opens. */
async function isFineFor(gateway, mail, room) {
    assert.ok(!names.test(everything(mail)), everything(mail));
    assert.match(mail.text, /- erased\n/);
    assert.match(mail.text, /- Ben\n/);
    assert.match(mail.text, /by Ben\.txt \(file\): http/);
    assert.ok(!/\(link\)/.test(mail.text));
    const [, token] = /^http\S+history\.html#h=(\S+)$/m.exec(mail.text);
    const session = await want(201, gateway, 'POST', '/history/session', { body: { token } });
    assert.equal(session.participant.name, 'Ben');
    await want(200, gateway, 'GET', `/rooms/${room.id}/history`, { token: session.token });
    assert.ok(mail.text.includes(`#h=${token}&item=`));
}

test('a summary that waits for a server that is down', async (t) => {
    const taken = createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    const gateway = await start(`mail:smtp.url=smtp://127.0.0.1:${port}`, 'mail:smtp.from=stoa@x.example', 'mail:retry.first_s=1', 'mail:retry.longest_s=1');
    t.after(() => gateway.child.kill('SIGKILL'));
    taken.close();
    const { room, ana, end } = await classOf(gateway, await signIn(gateway, 'hana@x.example', 'Hana'), 'Waiting');
    await end();
    await until('the first attempt', () => /tried again/.test(gateway.log));
    await want(204, gateway, 'DELETE', '/me', { token: (await want(201, gateway, 'POST', '/history/session', { body: { token: ana.invitation } })).token });
    const smtp = await startSmtp({ port });
    const mail = await smtp.mail((one) => one.recipients.includes('ben@x.example'), 20000 * slow);
    await isFineFor(gateway, mail, room);
    assert.ok(!smtp.mails.some((one) => one.recipients.includes('ana@x.example')));
    assert.equal((await gateway.stop()).code, 0);
    await smtp.stop();
});

test('a summary that is a file, and one that is written after the erasure', async (t) => {
    const gateway = await start();
    t.after(() => gateway.child.kill('SIGKILL'));
    const host = await signIn(gateway, 'hana@x.example', 'Hana');
    const folder = path(gateway.data, 'mail');
    const files = () => (existsSync(folder) ? readdirSync(folder) : []).filter((name) => /-summary-.*\.eml$/.test(name)).map((name) => readFileSync(path(folder, name)));
    const fileFor = async (address, title, more = () => true) => {
        for (const bytes of files()) {
            const mail = await simpleParser(bytes);
            if (mail.to.text === address && mail.subject.includes(title) && more(bytes))
                return Object.assign(mail, { bytes });
        }
        return null;
    };
    const first = await classOf(gateway, host, 'Filed');
    await first.end();
    const before = await until('the file for Ben', () => fileFor('ben@x.example', 'Filed'));
    await until('the file for Ana', () => fileFor('ana@x.example', 'Filed'));
    assert.match(everything(before), names);
    assert.ok(before.bytes.includes('Ana Secretová'), before.bytes.toString());
    assert.match(before.bytes.toString(), /^http:\S+\/history\.html#h=[\w-]{43}\r$/m, 'the link is whole');

    /* who came by a public link has no address, and the same right */
    const open = await want(201, gateway, 'POST', '/rooms', { token: host.token, body: { title: 'Open', access: 'public' } });
    const [guest, other] = [await join(gateway, { room: open.id, name: 'Secret Guest' }), await join(gateway, { room: open.id, name: 'Gus' })];
    const page = await enter(gateway, other, 'room');
    assert.equal((await want(200, gateway, 'GET', '/me/export', { token: guest.token })).person.name, 'Secret Guest');
    await want(204, gateway, 'DELETE', '/me', { token: guest.token });
    assert.equal((await page.hears('room', 'erased')).id, guest.participant.id);
    assert.ok(!names.test(JSON.stringify(await page.ask('room', 'people'))));
    assert.ok(names.test((await fileFor('ben@x.example', 'Filed')).bytes), 'of another person');
    page.close();

    const second = await classOf(gateway, host, 'Later');
    await want(204, gateway, 'DELETE', '/me', { token: second.ana.token });
    await isFineFor(gateway, await until('a new file for Ben', () => fileFor('ben@x.example', 'Filed', (bytes) => !names.test(bytes))), first.room);
    await second.end();
    await isFineFor(gateway, await until('the file of the second class', () => fileFor('ben@x.example', 'Later')), second.room);
    assert.deepEqual(files().filter((bytes) => names.test(bytes)), []);
    assert.equal(await fileFor('ana@x.example', 'Filed'), null);
    const kept = ['stoa.db', 'stoa.db-wal'].map((name) => path(gateway.data, name)).filter(existsSync).map((name) => readFileSync(name, 'utf8')).join('');
    assert.ok(!/secretov/i.test(kept), 'the name is still in the database');
    const links = execFileSync('sqlite3', [path(gateway.data, 'stoa.db'), "SELECT count(*) || ' ' || sum(instr(payload, '#h=') > 0) FROM mail_file WHERE payload IS NOT NULL"], { encoding: 'utf8' });
    assert.equal(links, '2 0\n', 'the database knows two files, and no link to a history');
    assert.equal((await gateway.stop()).code, 0);
});
