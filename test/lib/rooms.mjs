/* SPDX-License-Identifier: MIT */
/* The rooms API of a gateway under test: hosts from the command line, requests with a token. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary } from './gateway.mjs';

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
