/* SPDX-License-Identifier: MIT */
/* Mail over real SMTP: with and without TLS, with a password, to a server that is down, slow, or refuses one of many. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { binary, slow, start } from '../lib/gateway.mjs';
import { filesWith, invite, join as comeIn, signIn as hostIn, want } from '../lib/rooms.mjs';
import { startSmtp } from '../lib/smtp.mjs';

const dir = mkdtempSync(join(tmpdir(), 'stoa-mail-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/* An authority and a certificate for 127.0.0.1 by it. */
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem');
const tls = { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) };

const addHost = (gateway, email) => execFileSync(binary, ['-d', gateway.data, '--add-host', email], { encoding: 'utf8' });
const signIn = async (gateway, email) => {
    const answer = await fetch(`${gateway.http}/api/v1/host/signin`, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email }) });
    assert.equal(answer.status, 202);
};
const to = (address) => ({ recipients }) => recipients.includes(address);

async function within(ms, what, check) {
    for (const until = Date.now() + ms * slow; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 50)))
        if (check())
            return;
    assert.fail(`not within ${ms * slow} ms: ${what}`);
}

async function withGateway(settings, run) {
    const gateway = await start(...settings);
    try {
        addHost(gateway, 'ana@example.org');
        await run(gateway);
    } finally {
        await gateway.stop();
    }
}

test('a sign-in link is mailed, in text and HTML, and the log knows neither link nor address', async () => {
    const smtp = await startSmtp();
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.from=Stoa <stoa@example.org>', 'stoa:log.level=debug'],
        async (gateway) => {
            await signIn(gateway, 'Ana@Example.org');
            const mail = await smtp.mail(to('ana@example.org'));
            const [, token] = mail.text.match(/\/host\.html#s=([\w-]{40,})/);
            assert.ok(mail.html.includes(`host.html#s=${token}`));
            assert.equal(mail.from.value[0].address, 'stoa@example.org');
            assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
            assert.ok(!/<img|http-equiv|src=/i.test(mail.html), 'a mail loads nothing');
            await signIn(gateway, 'nobody@example.org'); // 202 too, and no mail
            assert.ok(!gateway.log.includes(token) && !/ana@example/i.test(gateway.log));
        });
    assert.equal(smtp.mails.length, 0);
    await smtp.stop();
});

test('a mail that was sent, or refused for good, leaves neither its token nor its address', async () => {
    const smtp = await startSmtp({ refuse: (address) => address === 'bad-mark@x.example' });
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.from=stoa@example.org'], async (gateway) => {
        const { token } = await hostIn(gateway, 'hana@x.example', 'Hana');
        const room = await want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Algebra', starts_at: '2037-02-03T10:00:00Z', duration_min: 45 } });
        const people = [{ email: 'zoe-mark@x.example', name: 'Zoe' }, { email: 'bad-mark@x.example' }];
        await want(201, gateway, 'POST', `/rooms/${room.id}/invitations`, { token, body: { people } });
        const [, secret] = (await smtp.mail(to('zoe-mark@x.example'))).text.match(/#i=([\w-]{43})/);
        await within(10000, 'the token has gone', () => filesWith(gateway.data, secret).length === 0);
        await within(10000, 'one is dropped', () => /is dropped/.test(gateway.log));
        assert.notDeepEqual(filesWith(gateway.data, 'zoe-mark'), [], 'the room knows whom it invited');
        await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token });
        await smtp.mail(to('zoe-mark@x.example'));
        for (const { email } of people)
            await within(10000, `${email} has gone`, () => filesWith(gateway.data, email).length === 0);
    });
    await smtp.stop();
});

test('STARTTLS, implicit TLS and a password', async () => {
    const users = [];
    const onAuth = ({ username, password }, session, done) => {
        users.push(username);
        done(password === 'geheim' ? null : new Error('no'), { user: username });
    };
    const cases = [
        { server: { ...tls, secure: false, onAuth }, scheme: 'smtp', settings: ['mail:smtp.tls=required', `mail:smtp.ca_file=${dir}/cert.pem`] },
        { server: { ...tls, secure: true, onAuth }, scheme: 'smtps', settings: [`mail:smtp.ca_file=${dir}/cert.pem`] },
        { server: { ...tls, secure: false, onAuth }, scheme: 'smtp', settings: [] },
    ];
    for (const { server, scheme, settings } of cases) {
        const smtp = await startSmtp(server);
        await withGateway([`mail:smtp.url=${scheme}://127.0.0.1:${smtp.port}`, 'mail:smtp.user=stoa', 'mail:smtp.password=geheim', ...settings],
            async (gateway) => {
                await signIn(gateway, 'ana@example.org');
                const mail = await smtp.mail(to('ana@example.org'));
                assert.ok(mail.secure);
                assert.equal(mail.user, 'stoa');
            });
        await smtp.stop();
    }
    assert.equal(users.length, cases.length);
});

test('a certificate that nobody vouches for gets no mail where TLS is required', async () => {
    const smtp = await startSmtp({ ...tls, secure: false });
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.tls=required'], async (gateway) => {
        await signIn(gateway, 'ana@example.org');
        await within(10000, 'a warning', () => /tried again in/.test(gateway.log));
        assert.equal(smtp.mails.length, 0);
    });
    await smtp.stop();
});

test('a server that is down gets the mail when it is up again, also after a restart', async () => {
    const probe = await startSmtp();
    const { port } = probe;
    await probe.stop();
    const data = mkdtempSync(join(dir, 'data-'));
    const settings = [`mail:smtp.url=smtp://127.0.0.1:${port}`, 'mail:retry.first_s=1', 'mail:retry.longest_s=1'];
    const before = await start({ data }, ...settings);
    addHost(before, 'ana@example.org');
    await signIn(before, 'ana@example.org');
    await within(10000, 'a second warning', () => before.log.match(/tried again in/g)?.length > 1);
    assert.equal((await before.stop()).code, 0);
    const gateway = await start({ data }, ...settings);
    await within(10000, 'a warning', () => /tried again in/.test(gateway.log));
    const smtp = await startSmtp({ port });
    await smtp.mail(to('ana@example.org'));
    await within(10000, 'that it was sent', () => /was sent/.test(gateway.log));
    await gateway.stop();
    assert.equal(smtp.mails.length, 0, 'once');
    await smtp.stop();
});

test('one refused address of many is dropped, the others get theirs', async () => {
    const smtp = await startSmtp({ refuse: (address) => address === 'bad@example.org' });
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`], async (gateway) => {
        for (const email of ['bad@example.org', 'ben@example.org', 'cid@example.org'])
            addHost(gateway, email);
        await Promise.all(['bad', 'ben', 'cid', 'ana'].map((name) => signIn(gateway, `${name}@example.org`)));
        await Promise.all(['ben', 'cid', 'ana'].map((name) => smtp.mail(to(`${name}@example.org`))));
        await within(10000, 'an error', () => /is dropped/.test(gateway.log));
        assert.ok(!gateway.log.includes('bad@example.org'));
    });
    await smtp.stop();
});

/* Each: what the server does until its operator, or ours, has mended it. The mails wait for that, and are said once. */
const refusal = (responseCode, message) => Object.assign(new Error(message), { responseCode });
for (const [what, options, log] of [
    ['a greeting of 554', { onConnect: (session, done) => done(refusal(554, '5.3.2 no mail here')) }, /before any mail \(SMTP 554\)/],
    ['MAIL FROM is answered 530', { onMailFrom: (from, session, done) => done(refusal(530, '5.7.0 Authentication required')) }, /at MAIL FROM \(SMTP 530\)/],
    ['MAIL FROM is answered 550', { onMailFrom: (from, session, done) => done(refusal(550, '5.1.8 that sender is not yours')) }, /at MAIL FROM \(SMTP 550\)/],
    ['no relaying without a password', { onRcptTo: (to, session, done) => done(refusal(554, '5.7.1 Relay access denied')) }, /at RCPT TO \(SMTP 554\)/],
    ['a server that is busy', { onRcptTo: (to, session, done) => done(refusal(451, '4.7.1 come back later')) }, /at RCPT TO \(SMTP 451\)/],
]) {
    test(`mails wait: ${what}`, async () => {
        let isMended = false;
        const once = Object.fromEntries(Object.entries(options).map(([name, refuse]) => [name, (...args) => (isMended ? args.at(-1)() : refuse(...args))]));
        const smtp = await startSmtp(once);
        await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:retry.first_s=1', 'mail:retry.longest_s=1'], async (gateway) => {
            for (const email of ['ben@example.org', 'cid@example.org'])
                addHost(gateway, email);
            await Promise.all(['ben', 'cid'].map((name) => signIn(gateway, `${name}@example.org`)));
            await within(10000, 'two attempts', () => gateway.log.match(/tried again in/g)?.length > 1);
            assert.match(gateway.log, log);
            isMended = true;
            await Promise.all(['ben', 'cid'].map((name) => smtp.mail(to(`${name}@example.org`))));
            assert.ok(!/is dropped/.test(gateway.log), gateway.log);
        });
        await smtp.stop();
    });
}

test('a mail that the server does not want is dropped, the next one is sent', async () => {
    let n = 0;
    const smtp = await startSmtp({ refuseData: () => (++n === 1 ? refusal(554, '5.6.0 not with these words') : null) });
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`], async (gateway) => {
        for (const name of ['ben', 'cid']) {
            addHost(gateway, `${name}@example.org`);
            await signIn(gateway, `${name}@example.org`);
            if (name === 'ben')
                await within(10000, 'an error', () => /is dropped: .*at DATA \(SMTP 554\)/.test(gateway.log));
        }
        await smtp.mail(to('cid@example.org'));
    });
    await smtp.stop();
});

test('a slow server delays nobody, and SIGTERM does not wait for it', async () => {
    let given;
    const taken = new Promise((resolve) => { given = resolve; });
    const smtp = await startSmtp({ delay: 20000, given });
    const gateway = await start(`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`);
    addHost(gateway, 'ana@example.org');
    await signIn(gateway, 'ana@example.org');
    for (let i = 0; i < 20; i++) {
        const since = Date.now();
        assert.equal((await fetch(`${gateway.http}/janus/info`)).status, 200);
        assert.ok(Date.now() - since < 1000 * slow);
    }
    await taken; /* it has the mail and says nothing */
    const how = await gateway.stop();
    assert.equal(how.code, 0);
    assert.ok(how.ms < 2000 * slow, `${how.ms} ms`);
    await smtp.stop();
});

test('a class that is not kept past its end is kept until its summaries are mailed', async () => {
    let given;
    const taken = new Promise((resolve) => { given = resolve; });
    const smtp = await startSmtp({ delay: 4000 * slow, given });
    const gateway = await start(`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'rooms:retention.sweep_s=1');
    try {
        const { token } = await hostIn(gateway, 'ana@example.org', 'Ana');
        const room = await want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Not kept', retention_days: 0 } });
        const meetings = async () => (await want(200, gateway, 'GET', `/rooms/${room.id}/history`, { token })).meetings.length;
        await comeIn(gateway, { room: room.id }, { token });
        await want(200, gateway, 'POST', `/rooms/${room.id}/end`, { token });
        await taken; /* the server has it, and says nothing */
        await new Promise((resolve) => setTimeout(resolve, 2200)); /* two rounds of the sweep */
        assert.ok(!/was sent/.test(gateway.log));
        assert.equal(await meetings(), 1);
        await within(15000, 'that it was sent', () => /was sent/.test(gateway.log));
        for (let n = 0; n < 100 * slow && await meetings(); n++)
            await new Promise((resolve) => setTimeout(resolve, 100));
        assert.equal(await meetings(), 0, 'it goes when that is done');
    } finally {
        await gateway.stop();
        await smtp.stop();
    }
});

test('without a server mails are .eml files, 0600, and the log names the file', async () => {
    await withGateway([], async (gateway) => {
        await signIn(gateway, 'ana@example.org');
        const folder = join(gateway.data, 'mail');
        await within(10000, 'a file', () => /was written to/.test(gateway.log));
        const [name] = readdirSync(folder);
        assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
        assert.ok(gateway.log.includes(name));
        assert.match(readFileSync(join(folder, name), 'utf8'), /^To: ana@example\.org\r$/m);
    });
});

/* The calendar part of a mail: its lines unfolded (RFC 5545, 3.1), by name. */
function calendarOf({ attachments }, kind = 'VEVENT') {
    assert.deepEqual(attachments.map(({ contentType, filename }) => [contentType, filename]), [['text/calendar', 'class.ics']]);
    const text = attachments[0].content.toString();
    assert.match(text, /^(?:[^\r\n]{1,75}\r\n)+$/, 'lines end in CRLF, none is longer than 75');
    const lines = text.replaceAll('\r\n ', '').trim().split('\r\n').map((line) => line.split(/[:;](.*)/s).slice(0, 2));
    assert.deepEqual(lines.filter(([name]) => /^(BEGIN|END)$/.test(name)).map(([, what]) => what), ['VCALENDAR', kind, kind, 'VCALENDAR']);
    return Object.fromEntries(lines);
}

test('an invitation takes a place in the calendar, a deleted room takes it away; in German where the operator says so', async () => {
    const smtp = await startSmtp();
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.from=Stoa <stoa@example.org>', 'mail:templates.language=de'], async (gateway) => {
        const { token } = await hostIn(gateway, 'ana@example.org', 'Ana Lehrer');
        const make = (title, more) => want(201, gateway, 'POST', '/rooms', { token, body: { title, ...more } });
        const ask = (room, email) => want(201, gateway, 'POST', `/rooms/${room.id}/invitations`, { token, body: { people: [{ email, name: 'Bärbel' }] } });
        const title = 'Algebra; Ringe, Körper und was man sonst noch in einer langen Zeile über sie sagen kann';
        const room = await make(title, { starts_at: '2027-02-03T10:00:00Z', duration_min: 45 });
        await ask(room, 'ben@example.org');
        const mail = await smtp.mail(to('ben@example.org'));
        assert.equal(mail.subject, `Einladung: ${title}`);
        assert.match(mail.text, /^Guten Tag Bärbel,\n\nAna Lehrer lädt Sie ein zu „Algebra;/);
        assert.ok(mail.html.includes('<html lang="de">') && mail.html.includes('Im Browser teilnehmen'));
        const [link, secret] = mail.text.match(/^http\S+\/join\.html#i=([\w-]{43})$/m), asked = calendarOf(mail);
        assert.match(mail.raw, /^Content-Type: text\/calendar;[^\n]*method=REQUEST/m);
        const { DTSTAMP, UID, ...rest } = asked;
        assert.match(DTSTAMP, /^\d{8}T\d{6}Z$/);
        assert.deepEqual(rest, { BEGIN: 'VEVENT', END: 'VCALENDAR', VERSION: '2.0', PRODID: rest.PRODID, METHOD: 'REQUEST', SEQUENCE: '0', ORGANIZER: rest.ORGANIZER,
            SUMMARY: title.replace(/[;,]/g, '\\$&'), URL: link, DESCRIPTION: link, DTSTART: '20270203T100000Z', DTEND: '20270203T104500Z', STATUS: 'CONFIRMED',
            ATTENDEE: 'mailto:ben@example.org' });
        assert.match(rest.ORGANIZER, /mailto:stoa@example\.org$/);
        /* who joins by that link is who was mailed */
        assert.equal((await comeIn(gateway, { invitation: secret })).participant.name, 'Bärbel');

        await want(204, gateway, 'DELETE', `/rooms/${room.id}`, { token });
        const gone = await smtp.mail(to('ben@example.org')), cancelled = calendarOf(gone);
        assert.equal(gone.subject, 'Abgesagt');
        assert.match(gone.text, /findet nicht mehr statt/);
        assert.match(gone.raw, /^Content-Type: text\/calendar;[^\n]*method=CANCEL/m);
        assert.deepEqual([cancelled.METHOD, cancelled.STATUS, cancelled.SEQUENCE, cancelled.UID, cancelled.ATTENDEE], ['CANCEL', 'CANCELLED', '1', UID, 'mailto:ben@example.org']);
        assert.ok(![gone.raw, ...Object.values(cancelled)].some((text) => /Algebra|Ana Lehrer|#i=/.test(text)), 'of a room that is erased nothing is mailed');

        /* without a time it is a task; and nothing is taken away for who was never mailed */
        const open = await make('Sprechstunde'), silent = await make('Still', { starts_at: '2027-02-03T10:00:00Z' });
        await ask(open, 'cem@example.org');
        const task = calendarOf(await smtp.mail(to('cem@example.org')), 'VTODO');
        assert.deepEqual([task.METHOD, task.SUMMARY, task.DTSTART], ['REQUEST', 'Sprechstunde', undefined]);
        await invite(gateway, token, silent.id, 'dora@example.org');
        await want(204, gateway, 'DELETE', `/rooms/${silent.id}`, { token });
        await want(204, gateway, 'DELETE', `/rooms/${open.id}`, { token });
        assert.equal(calendarOf(await smtp.mail(to('cem@example.org')), 'VTODO').UID, task.UID);
        await signIn(gateway, 'ana@example.org'); /* mails go in order: what came before this one is here */
        assert.match((await smtp.mail(to('ana@example.org'))).subject, /^Anmelden/);
        assert.deepEqual(smtp.mails.map(({ recipients, subject }) => [recipients, subject]), []);
    });
    await smtp.stop();
});

test('who was invited by mail is told when the class moves, and who is uninvited that it is none any more', async () => {
    const smtp = await startSmtp();
    await withGateway([`mail:smtp.url=smtp://127.0.0.1:${smtp.port}`, 'mail:smtp.from=Stoa <stoa@example.org>'], async (gateway) => {
        const { token } = await hostIn(gateway, 'ana@example.org', 'Ana');
        const room = await want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Algebra', starts_at: '2027-02-03T10:00:00Z', duration_min: 45 } });
        const ask = async (...names) => (await want(201, gateway, 'POST', `/rooms/${room.id}/invitations`, { token, body: { people: names.map((name) => ({ email: `${name}@example.org`, name })) } })).invitations;
        const patch = (body) => want(200, gateway, 'PATCH', `/rooms/${room.id}`, { token, body });
        const next = async (name, kind) => {
            const mail = await smtp.mail(to(`${name}@example.org`));
            return { ...mail, entry: calendarOf(mail, kind) };
        };
        const [ben, cem] = await ask('ben', 'cem');
        await invite(gateway, token, room.id, 'dora@example.org'); /* who is told by others */
        const first = await next('ben'), UID = first.entry.UID;
        await next('cem');
        const [, link] = first.text.match(/#i=([\w-]{43})$/m);
        const { participant } = await comeIn(gateway, { invitation: link });

        await patch({ starts_at: '2027-02-04T11:30:00Z' });
        const moved = await next('ben');
        assert.equal(moved.subject, 'New time: Algebra');
        assert.match(moved.text, /^Hello ben,\n\n"Algebra" now begins on .*11:30.* and takes 45 minutes\.\n/);
        assert.deepEqual([moved.entry.METHOD, moved.entry.UID, moved.entry.SEQUENCE, moved.entry.DTSTART, moved.entry.DTEND, moved.entry.SUMMARY], ['REQUEST', UID, '1', '20270204T113000Z', '20270204T121500Z', 'Algebra']);
        assert.ok(!/#i=/.test(moved.raw), 'the link is in the first mail alone');
        assert.match(moved.text, /same link as before: it is in the mail that invited you, and stays good\. .* ask [^{}]+ to send it again\./);
        await next('cem');
        await patch({ title: 'Algebra 2', starts_at: '2027-02-04T11:30:00Z' }); /* as it was: no mail */
        await patch({ duration_min: 60 });
        assert.deepEqual((({ entry: { SEQUENCE, DTEND } }) => [SEQUENCE, DTEND])(await next('ben')), ['2', '20270204T123000Z']);
        await next('cem');

        /* uninvited, invited again, and the class moves: each number is above the last */
        const path = `/rooms/${room.id}/invitations/${cem.id}`;
        await want(204, gateway, 'DELETE', path, { token });
        const off = await next('cem');
        assert.match(off.text, /^Your invitation to a class was withdrawn\.\n/);
        assert.deepEqual([off.entry.METHOD, off.entry.SEQUENCE, off.entry.ATTENDEE], ['CANCEL', '3', 'mailto:cem@example.org']);
        assert.ok(!/Algebra/.test(off.raw));
        await want(204, gateway, 'DELETE', path, { token }); /* again: once is enough */
        await patch({ starts_at: null });
        const none = await next('ben');
        assert.equal(none.subject, 'No time yet: Algebra 2');
        assert.deepEqual([none.entry.METHOD, none.entry.SEQUENCE, none.entry.UID], ['CANCEL', '3', UID]);
        assert.equal((await ask('cem'))[0].id, cem.id);
        assert.deepEqual((({ entry: { METHOD, SEQUENCE } }) => [METHOD, SEQUENCE])(await next('cem', 'VTODO')), ['REQUEST', '4']);
        await want(200, gateway, 'POST', `/rooms/${room.id}/invitations/${ben.id}/resend`, { token, body: {} });
        assert.equal((await next('ben', 'VTODO')).entry.SEQUENCE, '4');

        /* one that is over, or was banned from it, has no need of it */
        await want(200, gateway, 'POST', `/rooms/${room.id}/participants/${participant.id}`, { token, body: { action: 'ban' } });
        await patch({ starts_at: '2027-02-05T10:00:00Z' });
        assert.equal((await next('cem')).entry.SEQUENCE, '5');
        await patch({ starts_at: '2020-02-05T10:00:00Z' });
        await signIn(gateway, 'ana@example.org');
        await smtp.mail(to('ana@example.org'));
        assert.deepEqual(smtp.mails.map(({ recipients, subject }) => [recipients, subject]), []);
    });
    await smtp.stop();
});
