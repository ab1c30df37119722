/* SPDX-License-Identifier: MIT */
/* janus.js's textroom in Chromium: the demo of two people, every verb of the channel and of the API, and a participant's token. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join, signIn, want } from '../lib/rooms.mjs';
import { startTabs } from './tabs.mjs';

let tabs, urls, inTab;

before(async () => {
    tabs = await startTabs();
    ({ urls, inTab } = tabs);
});
after(async () => assert.equal(await tabs.stop(), 0));

/* eslint-disable no-undef -- below are words of janus-page.js */
/* Words of the channel, put into the tab by each test. */
const words = () => {
    let last = 0;
    /* A handle whose channel is open; say() resolves with the answer, heard() with the next event of a kind, in order. */
    window.textroom = async (janus) => {
        const one = await attach(janus, 'textroom');
        one.handle.send({ message: { request: 'setup' } });
        await until('the channel', () => one.life.includes('data'));
        one.all = () => one.texts.map((text) => JSON.parse(text));
        one.say = async (textroom, fields = {}) => {
            const transaction = `t${++last}`;
            await new Promise((success, error) => one.handle.data({ text: JSON.stringify({ textroom, transaction, ...fields }), success, error }));
            return until(`an answer to ${textroom}`, () => one.all().find((text) => text.transaction === transaction));
        };
        one.heard = (kind, more = () => true) => until(kind, () => one.all().find((text) => !text.transaction && text.textroom === kind && more(text)));
        one.api = (message) => new Promise((success, error) => one.handle.send({ message, success, error }));
        return one;
    };
    /* What a text is, for comparing: without transactions, dates only by their form. */
    window.plain = ({ transaction, date, ...rest }) => ({ ...rest, ...(date ? { date: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/.test(date) } : {}) });
};

/* Janus's demo page: room 1234, two people. */
async function demo({ url, words }) {
    new Function(`(${words})()`)();
    const janus = [await connect(url), await connect(url)];
    const [ana, ben] = [await textroom(janus[0]), await textroom(janus[1])];
    await ana.say('join', { room: 1234, username: 'u1', display: 'Ana' });
    const joined = await ben.say('join', { room: 1234, username: 'u2', display: 'Ben ☂' });
    await ana.heard('join', ({ username }) => username === 'u2');
    await ben.say('message', { room: 1234, text: 'hello \u{1f600} \u0007' });
    const public_ = await ana.heard('message');
    await ana.say('message', { room: 1234, text: 'psst', to: 'u2' });
    const whisper = await ben.heard('message', (text) => text.whisper);
    const long = 'x'.repeat(64000);
    await ana.say('message', { room: 1234, text: long });
    const got = await ben.heard('message', ({ text }) => text.length > 100);
    for (let i = 0; i < 500; i++)
        ana.handle.data({ text: JSON.stringify({ textroom: 'message', transaction: `b${i}`, room: 1234, text: `burst ${i}`, ack: false }) });
    await ben.heard('message', ({ text }) => text === 'burst 499');
    const burst = ben.all().filter(({ text }) => text?.startsWith('burst')).map(({ text }) => Number(text.slice(6)));
    ana.handle.webrtcStuff.dataChannel.JanusDataChannel.send(new Uint8Array([1, 2, 3]));
    ana.handle.data({ text: 'no JSON' });
    const bad = await until('the error', () => ana.all().find(({ error_code }) => error_code));
    const still = await ana.say('listparticipants', { room: 1234 });
    await new Promise((success) => janus[1].destroy({ success }));
    const left = await ana.heard('leave');
    const order = ben.all().slice(0, 2).map(({ textroom }) => textroom);
    await new Promise((success) => janus[0].destroy({ success }));
    return { joined: plain(joined), public_: plain(public_), whisper: plain(whisper), long: got.text === long, inOrder: burst.every((n, i) => n === i), n: burst.length,
        bad: plain(bad), still: plain(still), left, order, life: [...ana.life, ...ben.life] };
}

/* Everything the contract lists, on the channel and by message, with its errors. */
async function verbs({ url, words }) {
    new Function(`(${words})()`)();
    const janus = await connect(url);
    const [ana, ben] = [await textroom(janus), await textroom(janus)];
    const room = 100000 + Math.floor(Math.random() * 1e9), codes = {}, answers = {}, said = {};
    const wrong = async (name, verb, fields, one = ana) => { const { textroom, error_code } = await one.say(verb, fields); codes[name] = [textroom, error_code]; };
    const note = async (name, fields, one = ana) => { said[name] = plain(await one.say(name, fields)); };
    const byApi = async (message) => { answers[message.request] = await ana.api(message); };
    answers.early = await new Promise(async (resolve) => {
        const fresh = await attach(janus, 'textroom');
        fresh.handle.send({ message: { request: 'restart' } });
        resolve((await told(fresh, 'error_code')));
    });

    await byApi({ request: 'create', room, secret: 's', pin: 'p', history: 2, is_private: true });
    await byApi({ request: 'list' });
    await byApi({ request: 'exists', room });
    await byApi({ request: 'edit', room, secret: 's', new_description: 'Ours', new_is_private: false });
    await byApi({ request: 'listparticipants', room });
    await byApi({ request: 'allowed', room, secret: 's', action: 'enable', allowed: ['tok'] });
    const joining = { room, username: 'ana', pin: 'p', token: 'tok' };
    await wrong('no pin', 'join', { room, username: 'ana' });
    await wrong('wrong pin', 'join', { ...joining, pin: 'x' });
    await wrong('no token', 'join', { ...joining, token: undefined });
    await wrong('no username', 'join', { ...joining, username: undefined });
    await wrong('wrong type', 'join', { ...joining, username: 5 });
    await wrong('no room', 'join', { ...joining, room: room + 1 });
    await wrong('not in it', 'message', { room, text: 'x' });
    await wrong('unknown', 'dance', {});
    await note('join', joining);
    await wrong('twice', 'join', joining);
    await wrong('taken', 'join', joining, ben);
    for (const text of ['one', 'two', 'three'])
        await ana.say('message', { room, text });
    await note('message', { room, text: 'x', tos: ['ana', 'nobody'] });
    await ben.say('join', { ...joining, username: 'ben', display: 'Ben' });
    const replay = ben.all().filter(({ textroom }) => textroom === 'message').map(({ text }) => text);
    await wrong('no secret', 'announcement', { room, text: 'hear' });
    await wrong('wrong secret', 'announcement', { room, text: 'hear', secret: 'x' });
    await byApi({ request: 'announcement', room, secret: 's', text: 'hear' });
    const announced = plain(await ben.heard('announcement'));
    await wrong('nobody', 'kick', { room, secret: 's', username: 'cem' });
    await byApi({ request: 'kick', room, secret: 's', username: 'ben' });
    const kicked = await ben.heard('kicked');
    await note('listparticipants', { room });
    await note('exists', { room });
    await note('allowed', { room, secret: 's', action: 'disable' });
    await note('edit', { room, secret: 's', new_pin: 'q' });
    await note('list', {});
    said.list = said.list.list.find((one) => one.room === room);
    await note('leave', { room });
    await ana.say('join', { ...joining, pin: 'q' });
    await wrong('exists', 'create', { room });
    await wrong('post', 'create', { post: 'http://127.0.0.1/' });
    said.create = Object.keys(await ana.say('create', { room: room + 2 })).sort();
    await byApi({ request: 'destroy', room: room + 2 });
    await note('announcement', { room, secret: 's', text: 'bye' });
    await note('destroy', { room, secret: 's' });
    await ana.heard('destroyed');
    answers.gone = await ana.api({ request: 'destroy', room });
    for (const request of ['join', 'leave', 'message', 'dance'])
        answers[`api ${request}`] = await ask(ana, { request, room }, 'error_code');
    answers['api nothing'] = await ask(ana, {}, 'error_code');

    const ufrag = () => ana.handle.webrtcStuff.pc.remoteDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1], was = ufrag();
    ana.handle.send({ message: { request: 'restart' } });
    await until('an offer with new credentials', () => ufrag() !== was && ana.handle.webrtcStuff.pc.signalingState === 'stable');
    said.after = plain(await ana.say('exists', { room: 1234 }));
    await new Promise((success) => janus.destroy({ success }));
    return { room, codes, answers, said, replay, announced, kicked };
}

/* Two people of a room of the rooms API: their tokens say who they are. */
async function seats({ url, words, tokens, room }) {
    new Function(`(${words})()`)();
    const janus = [await connect(url, tokens[0]), await connect(url, tokens[1])];
    const [host, guest] = [await textroom(janus[0]), await textroom(janus[1])];
    const joined = [await host.say('join'), await guest.say('join', { room, username: 'somebody else' })];
    await guest.say('message', { text: 'it is me' });
    const message = plain(await host.heard('message'));
    const refused = [await guest.say('create', {}), await guest.say('join', { room: 1234, username: 'x' }), await guest.say('announcement', { text: 'x' })];
    const announced = await host.say('announcement', { text: 'hear' });
    const kicked = await host.say('kick', { username: joined[1].username });
    const after = await guest.say('message', { text: 'x' });
    const hidden = await (await textroom(await connect(url))).say('join', { room: 1234567, username: 'x' });
    for (const one of janus)
        await new Promise((success) => one.destroy({ success }));
    return { joined: joined.map(plain), message, refused: refused.map(({ error_code }) => error_code), announced: announced.textroom, kicked: kicked.textroom,
        after: after.error_code, hidden: hidden.error_code };
}
/* eslint-enable no-undef */

for (const transport of ['WebSocket', 'HTTP long poll']) {
    test(`the demo of two people over ${transport}`, async () => {
        const seen = await inTab({ url: urls[transport], words: words.toString() }, demo);
        assert.deepEqual(seen.order, ['join', 'success']);
        assert.deepEqual(seen.joined, { textroom: 'success', room: 1234, username: 'u2', participants: [{ username: 'u1', display: 'Ana' }] });
        assert.deepEqual(seen.public_, { textroom: 'message', room: 1234, from: 'u2', display: 'Ben ☂', date: true, text: 'hello \u{1f600} \u0007' });
        assert.deepEqual(seen.whisper, { textroom: 'message', room: 1234, from: 'u1', display: 'Ana', date: true, text: 'psst', whisper: true, to: 'u2' });
        assert.deepEqual([seen.long, seen.inOrder, seen.n], [true, true, 500]);
        assert.equal(seen.bad.error_code, 412);
        assert.equal(seen.still.participants.length, 2);
        assert.deepEqual(seen.left, { textroom: 'leave', room: 1234, username: 'u2' });
        assert.deepEqual(seen.life.filter((word) => word.startsWith('error')), []);
    });
}

test('every verb and error, on the channel and by message', async () => {
    const { room, codes, answers, said, replay, announced, kicked } = await inTab({ url: urls.WebSocket, words: words.toString() }, verbs);
    const wanted = { 'no pin': 413, 'wrong pin': 419, 'no token': 419, 'no username': 413, 'wrong type': 414, 'no room': 417, 'not in it': 422, unknown: 415,
        twice: 421, taken: 420, 'no secret': 413, 'wrong secret': 419, nobody: 423, exists: 418, post: 499 };
    for (const [name, code] of Object.entries(wanted))
        assert.deepEqual(codes[name], ['error', code], name);
    assert.deepEqual(answers.early, { textroom: 'event', error_code: 416, error: answers.early.error });
    assert.deepEqual(answers.create, { textroom: 'created', room, permanent: false });
    assert.equal(answers.list.textroom, 'success');
    assert.ok(!answers.list.list.some((one) => one.room === room), 'private');
    assert.deepEqual(answers.exists, { textroom: 'success', room, exists: true });
    assert.deepEqual(answers.edit, { textroom: 'edited', room, permanent: false });
    assert.deepEqual(answers.listparticipants, { textroom: 'success', room, participants: [] });
    assert.deepEqual(answers.allowed, { textroom: 'success', room, allowed: ['tok'] });
    assert.deepEqual(answers.announcement, { textroom: 'success' });
    assert.deepEqual(answers.kick, { textroom: 'success' });
    assert.deepEqual(answers.destroy, { textroom: 'destroyed', room: room + 2, permanent: false });
    assert.deepEqual([answers.gone.textroom, answers.gone.error_code], ['error', 417]);
    for (const [request, code] of [['join', 415], ['leave', 415], ['message', 415], ['dance', 415], ['nothing', 413]])
        assert.deepEqual([answers[`api ${request}`].textroom, answers[`api ${request}`].error_code], ['event', code], request);
    const ok = { textroom: 'success', room };
    assert.deepEqual(said.join, { ...ok, username: 'ana', participants: [] });
    assert.deepEqual(said.message, { ...ok, sent: { ana: true, nobody: false } });
    assert.deepEqual(replay, ['two', 'three']);
    assert.deepEqual(announced, { textroom: 'announcement', room, date: true, text: 'hear' });
    assert.deepEqual(kicked, { textroom: 'kicked', room, username: 'ben' });
    assert.deepEqual(said.listparticipants, { ...ok, participants: [{ username: 'ana' }] });
    assert.deepEqual(said.exists, { ...ok, exists: true });
    assert.deepEqual(said.allowed, ok);
    assert.deepEqual(said.edit, { ...ok, permanent: false });
    assert.deepEqual(said.list, { room, description: 'Ours', pin_required: true, num_participants: 1, history: 2 });
    assert.deepEqual(said.leave, ok);
    assert.deepEqual(said.create, ['permanent', 'room', 'textroom', 'transaction']);
    assert.deepEqual(said.announcement, { textroom: 'success' });
    assert.deepEqual(said.destroy, { ...ok, permanent: false });
    assert.deepEqual(said.after, { textroom: 'success', room: 1234, exists: true });
});

test('with a participant token the handle is that participant', async () => {
    const { gateway } = tabs;
    const { token } = await signIn(gateway, 'host@example.org', 'Hannah');
    const room = await want(201, gateway, 'POST', '/rooms', { token, body: { title: 'Class', access: 'public', modules: ['textroom'] } });
    const host = await join(gateway, { room: room.id }, { token }), guest = await join(gateway, { room: room.id, name: 'Gus' });
    const seen = await inTab({ url: urls.WebSocket, words: words.toString(), tokens: [host.token, guest.token], room: room.id }, seats);
    assert.equal(seen.joined[0].username, host.participant.id);
    assert.deepEqual(seen.joined[1], { textroom: 'success', room: room.id, username: guest.participant.id, participants: [{ username: host.participant.id, display: 'Hannah' }] });
    assert.deepEqual([seen.message.from, seen.message.display, seen.message.text], [guest.participant.id, 'Gus', 'it is me']);
    assert.deepEqual(seen.refused, [419, 419, 419]);
    assert.deepEqual([seen.announced, seen.kicked, seen.after, seen.hidden], ['success', 'success', 422, 417]);
});
