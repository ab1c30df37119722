/* SPDX-License-Identifier: MIT */
/* What tests of the wire share: a gateway with conf files that a test may edit, the API over HTTP, the admin API. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, slow, start, tree } from './gateway.mjs';

export const offer = readFileSync(`${tree}/test/fixtures/sdp/chromium-audio-video.sdp`, 'utf8');

/** Wait for a condition, bounded. */
export async function until(what, fits, ms = 15000 * slow) {
    for (const end = Date.now() + ms; ; await sleep(20)) {
        const found = await fits();
        if (found)
            return found;
        assert.ok(Date.now() < end, `${what}: not within ${ms} ms`);
    }
}

/** A gateway that ends with its test, however that ends; and in order. */
export async function begin(t, ...settings) {
    const gateway = await start(...settings);
    t.after(async () => assert.equal((await gateway.stop()).code, 0, gateway.log.slice(-2000)));
    return gateway;
}

/** A gateway on a copy of conf/: `gateway.edit(file, {key: value})` rewrites keys, `gateway.reload()` sends SIGHUP and waits.
 * A first argument {name: text} adds files. */
export async function beginWithConf(t, ...settings) {
    const dir = mkdtempSync(join(tmpdir(), 'stoa-conf-'));
    cpSync(join(tree, 'conf'), dir, { recursive: true });
    for (const [name, text] of Object.entries(typeof settings[0] === 'object' ? settings.shift() : {}))
        writeFileSync(join(dir, name), text);
    t.after(() => rmSync(dir, { recursive: true }));
    const gateway = await begin(t, { conf: dir }, ...settings);
    gateway.conf = dir;
    gateway.edit = (file, values) => {
        let text = readFileSync(join(dir, file), 'utf8');
        for (const [key, value] of Object.entries(values)) {
            assert.match(text, new RegExp(`^${key} =`, 'm'), key);
            text = text.replace(new RegExp(`^${key} =.*$`, 'm'), `${key} = ${value}`);
        }
        writeFileSync(join(dir, file), text);
    };
    gateway.reload = async () => {
        const count = () => gateway.log.split('the conf was read again').length;
        const before = count();
        gateway.child.kill('SIGHUP');
        await until('the conf is read again', () => count() > before);
    };
    return gateway;
}

/** Requests on one HTTP connection that is kept alive: post(path, body) → {status, headers, json}. */
export function httpClient(gateway, headers = {}) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const send = (method, path, body, more = {}) => new Promise((resolve, reject) => {
        const request = http.request(`${gateway.http}${path}`, { method, agent, headers: { ...headers, ...more } }, (answer) => {
            let text = '';
            answer.on('data', (data) => { text += data; });
            answer.on('end', () => {
                let json;
                try { json = JSON.parse(text); } catch { /* not JSON: the test looks at `text` */ }
                resolve({ status: answer.statusCode, headers: answer.headers, text, json });
            });
        });
        request.on('error', reject);
        request.end(body);
    });
    return {
        send,
        post: (path, body) => send('POST', `/janus${path}`, JSON.stringify({ transaction: 'h', ...body })),
        get: (path) => send('GET', `/janus${path}`),
        close: () => agent.destroy(),
    };
}

/** The admin API: with the secret that the gateway made, unless the request has another. */
export async function admin(gateway, path, body) {
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8').trim();
    return (await fetch(`${gateway.admin}/admin${path}`, { method: 'POST', body: JSON.stringify({ transaction: 'a', admin_secret, ...body }) })).json();
}

/** Create a session on a client of connect(), and attach to a plugin if one is named. */
export async function session(client, plugin) {
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    if (!plugin)
        return { session_id };
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: `janus.plugin.${plugin}` });
    return { session_id, handle_id };
}

/** The same over both transports: request(message) → answer, on one connection. */
export async function either(transport, gateway) {
    if (transport === 'websocket') {
        const client = await connect(gateway.websocket), { request } = client;
        let nameless; /* what is refused before it is read carries no transaction */
        client.socket.on('message', (data) => { const one = JSON.parse(data); if (one.janus === 'error' && !one.transaction) nameless?.(one); });
        client.request = (message) => Promise.race([request(message), new Promise((resolve) => { nameless = resolve; })]);
        return client;
    }
    const client = httpClient(gateway);
    return {
        request: async ({ session_id, handle_id, ...body }) => {
            const path = [session_id, handle_id].filter((id) => id !== undefined).map((id) => `/${id}`).join('');
            return (await client.post(path, body)).json;
        },
        close: client.close,
    };
}
