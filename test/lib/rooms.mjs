/* SPDX-License-Identifier: MIT */
/* The rooms API of a gateway under test: hosts from the command line, requests with a token. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { promisify } from 'node:util';
import { binary, connect } from './gateway.mjs';

const run = promisify(execFile);

/** Run the program on the gateway's data folder: stoa(gateway, '--list-hosts'). */
export const stoa = async (gateway, ...args) => (await run(binary, ['-d', gateway.data, ...args])).stdout;

/** One request: {status, json, headers, text}. @options {token, body, headers, raw} */
export async function call(gateway, method, path, { token, body, headers = {}, raw } = {}) {
    const answer = await fetch(`${gateway.http}/api/v1${path}`, {
        method,
        headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
        body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
    const text = await answer.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return { status: answer.status, json, text, headers: answer.headers };
}

/** The same, and its status must be this one: the JSON. */
export async function want(status, gateway, method, path, options) {
    const answer = await call(gateway, method, path, options);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.json;
}

/** Make a host and sign in: {email, token, host}. */
export async function signIn(gateway, email, name) {
    const link = await stoa(gateway, '--add-host', email, ...(name ? ['--name', name] : []));
    const { token, host } = await want(201, gateway, 'POST', '/host/session', { body: { token: link.trim().split('#s=')[1] } });
    return { email, token, host };
}

/** Invite an address: {id, email, …, token}. */
export async function invite(gateway, token, room, email, more = {}) {
    const { invitations: [one] } = await want(201, gateway, 'POST', `/rooms/${room}/invitations`, { token, body: { people: [{ email, ...more }], deliver: 'none' } });
    return { ...one, token: one.link.split('#i=')[1] };
}

/** POST /join: the contract's answer. @who  {invitation} or {room, name}; @options {token} of a host */
export const join = (gateway, who, options = {}) => want(200, gateway, 'POST', '/join', { ...options, body: who });

/**
 * A person's page: one WebSocket, one session, handles by module name.
 * `joined` is what join() gave. attach(module) → its id; ask(module, request, fields) → data of the answer;
 * hears(module, event, more) → the next such event; raw(message) → the direct answer, with the token unless the message has one.
 */
export async function enter(gateway, joined, ...modules) {
    const client = await connect(gateway.websocket);
    const person = { ...joined.participant, joined, token: joined.token, client, handles: {}, session: 0 };
    person.raw = (message) => client.request({ token: person.token, ...(person.session ? { session_id: person.session } : {}), ...message });
    person.session = (await person.raw({ janus: 'create' })).data.id;
    person.attach = async (module) => {
        const answer = await person.raw({ janus: 'attach', plugin: `stoa.plugin.${module}` });
        assert.equal(answer.janus, 'success', JSON.stringify(answer));
        person.handles[module] = answer.data.id;
        return answer.data.id;
    };
    person.message = (module, body) => person.raw({ janus: 'message', handle_id: person.handles[module], body });
    person.ask = async (module, request, fields = {}) => {
        const answer = await person.message(module, { request, ...fields });
        assert.equal(answer.janus, 'ack', JSON.stringify(answer));
        const event = await client.event((one) => one.transaction === answer.transaction);
        return event.plugindata.data;
    };
    person.hears = async (module, name, more = () => true) => {
        const event = await client.event(({ sender, plugindata, transaction }) => sender === person.handles[module] && !transaction &&
            plugindata?.data.event === name && more(plugindata.data));
        return event.plugindata.data;
    };
    person.close = () => client.close();
    for (const module of modules)
        await person.attach(module);
    return person;
}

/** The files of a folder and of those in it, named from it, that have a text in them. One may go while they are read. */
export function filesWith(folder, text, under = '') {
    return readdirSync(path(folder, under), { withFileTypes: true }).flatMap((entry) => {
        const name = path(under, entry.name);
        if (entry.isDirectory())
            return filesWith(folder, text, name);
        try {
            return readFileSync(path(folder, name)).includes(text) ? [name] : [];
        } catch (error) {
            assert.equal(error.code, 'ENOENT');
            return [];
        }
    });
}
