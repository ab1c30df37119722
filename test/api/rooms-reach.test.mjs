/* SPDX-License-Identifier: MIT */
/* Whose is an address? `/me` acts on it in all rooms for who was mailed the link, for a host who signed in, and for whom an integrator
 * answers. A link that a host was given could have been made for anybody's address: it reaches the rooms of that host. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import { enter, filesWith, invite, join, signIn, want } from '../lib/rooms.mjs';
import { begin } from '../lib/wire.mjs';

const key = 'k-0123456789abcdef0123456789abcdef';
const make = (gateway, token, title) => want(201, gateway, 'POST', '/rooms', { token, body: { title } });

/* The token of the last invitation that was mailed to an address. */
async function mailedTo(gateway, address, more) {
    for (let n = 0; n < 200; n++, await sleep(50)) {
        const folder = path(gateway.data, 'mail');
        const mails = await Promise.all((existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.endsWith('.eml')).sort().map((name) => simpleParser(readFileSync(path(folder, name)))));
        const mail = mails.findLast(({ to, text }) => to.text === address && /#i=/.test(text) && text.includes(more));
        if (mail)
            return /#i=([\w-]+)/.exec(mail.text)[1];
    }
    return assert.fail(`no mail to ${address}`);
}

test('a link that a host was given reaches the rooms of that host, and not what others have of that address', async (t) => {
    const gateway = await begin(t), host = await signIn(gateway, 'hana@school.example', 'Hana');
    const other = await signIn(gateway, 'eve@school.example', 'Eve');
    const room = await make(gateway, host.token, 'Algebra'), theirs = await make(gateway, other.token, 'Bait'), second = await make(gateway, other.token, 'Bait, too');
    const word = 'a-word-of-hers-in-algebra';
    const ana = await join(gateway, { invitation: (await invite(gateway, host.token, room.id, 'ana@x.example', { name: 'Ana' })).token }), page = await enter(gateway, ana, 'chat');
    await page.ask('chat', 'send', { text: word });
    const bait = await invite(gateway, other.token, theirs.id, 'ana@x.example');
    await invite(gateway, other.token, second.id, 'ana@x.example');
    const { token } = await join(gateway, { invitation: bait.token });
    const seen = await want(200, gateway, 'GET', '/me/export', { token });
    assert.ok(!JSON.stringify(seen).includes(word));
    assert.deepEqual(seen.participants.map((one) => one.room), [theirs.id]);
    assert.deepEqual(seen.invitations.map((one) => one.room).sort(), [theirs.id, second.id].sort());
    await want(204, gateway, 'DELETE', '/me', { token });
    assert.ok(filesWith(gateway.data, word).length > 0);
    await want(200, gateway, 'GET', '/me/export', { token: ana.token });
    assert.equal((await want(200, gateway, 'GET', `/rooms/${second.id}/invitations`, { token: other.token })).length, 0);
    assert.ok((await want(200, gateway, 'GET', `/rooms/${room.id}/invitations`, { token: host.token })).some(({ email }) => email === 'ana@x.example'));
    /* a link of the same kind for a host's address does not delete that host's rooms */
    const trap = await invite(gateway, other.token, theirs.id, host.email);
    await want(204, gateway, 'DELETE', '/me', { token: (await join(gateway, { invitation: trap.token })).token });
    await want(200, gateway, 'GET', `/rooms/${room.id}`, { token: host.token });
    page.close();
});

test('a link that was mailed, or that an integrator answers for, reaches all of an address', async (t) => {
    const one = await begin(t, `rooms:api.keys=${key}`);
    const [hana, eve] = [await signIn(one, 'hana@school.example', 'Hana'), await signIn(one, 'eve@school.example', 'Eve')];
    const rooms = [await make(one, hana.token, 'Of Hana'), await make(one, eve.token, 'Of Eve')];
    const reach = async (token) => new Set((await want(200, one, 'GET', '/me/export', { token })).invitations.map(({ room }) => room)).size;
    const made = await invite(one, key, rooms[0].id, 'ana@x.example');
    await invite(one, eve.token, rooms[1].id, 'ana@x.example');
    assert.equal(await reach((await join(one, { invitation: made.token })).token), 2);
    /* resent to the host: it proves nothing any more; resent by mail: it does */
    const again = await want(200, one, 'POST', `/rooms/${rooms[0].id}/invitations/${made.id}/resend`, { token: hana.token, body: { deliver: 'none' } });
    assert.equal(await reach((await join(one, { invitation: again.link.split('#i=')[1] })).token), 1);
    await want(200, one, 'POST', `/rooms/${rooms[0].id}/invitations/${made.id}/resend`, { token: hana.token, body: {} });
    const mailed = await mailedTo(one, 'ana@x.example', 'Of Hana');
    assert.equal(await reach((await join(one, { invitation: mailed })).token), 2);
    /* so does a history session by either */
    await want(200, one, 'POST', `/rooms/${rooms[0].id}/end`, { token: hana.token });
    const session = await want(201, one, 'POST', '/history/session', { body: { token: mailed } });
    assert.deepEqual([session.proven, await reach(session.token)], [true, 2]);
    const handed = await invite(one, hana.token, rooms[0].id, 'ben@x.example');
    await invite(one, eve.token, rooms[1].id, 'ben@x.example');
    const other = await want(201, one, 'POST', '/history/session', { body: { token: handed.token } });
    assert.deepEqual([other.proven, await reach(other.token)], [false, 1]);
});
