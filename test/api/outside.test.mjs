/* SPDX-License-Identifier: MIT */
/* Plugins that are built outside of the tree, with what pkg-config says and nothing else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, connect, start, tree } from '../lib/gateway.mjs';

let dir, gateway;

function compile(name, source) {
    const env = { ...process.env, PKG_CONFIG_PATH: dirname(binary) };
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa'], { env, encoding: 'utf8' }).trim().split(/\s+/);
    writeFileSync(join(dir, `${name}.c`), source);
    execFileSync('cc', ['-Wall', '-Werror', '-shared', '-fPIC', '-o', `${name}.so`, `${name}.c`, ...flags], { cwd: dir });
    chmodSync(join(dir, `${name}.so`), 0o755);
    writeFileSync(join(dir, 'conf', `${name}.conf`), '[module]\nenabled = true\n');
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-outside-'));
    chmodSync(dir, 0o755);
    cpSync(join(tree, 'conf'), join(dir, 'conf'), { recursive: true });
    compile('hello', readFileSync(join(tree, 'test/tools/skeleton/plugin.c'), 'utf8').replaceAll('@NAME@', 'hello'));
    compile('echo', readFileSync(join(tree, 'docs/plugin-guide.md'), 'utf8').match(/```c\n([^]*?)```/)[1]);
    writeFileSync(join(dir, 'broken.so'), 'not a shared object');
    writeFileSync(join(dir, 'conf', 'broken.conf'), '[module]\nenabled = true\n');
    gateway = await start({ conf: join(dir, 'conf') }, `stoa:modules.plugin_dirs=${dir}`);
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0);
    rmSync(dir, { recursive: true });
});

test('the skeleton of new-plugin keeps a room in which people greet each other', async () => {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.hello' });
    const say = async (body, key) => {
        await client.request({ janus: 'message', session_id, handle_id, body });
        return (await client.event((one) => one.plugindata?.data?.[key])).plugindata.data;
    };
    assert.match((await say({ request: 'greet' }, 'error_code')).error, /join/);
    assert.match((await say({ request: 'join' }, 'error_code')).error, /room/);
    assert.equal((await say({ request: 'join', room: 7, display: 'Ana' }, 'reply')).state.greetings, 0);
    assert.equal((await say({ request: 'greet' }, 'event')).from, 'Ana');
    assert.equal((await say({ request: 'state' }, 'reply')).greetings, 1);
    client.close();
});

test('the first plugin of the guide loads, and answers the lines of curl that the guide has', async () => {
    const lines = readFileSync(join(tree, 'docs/plugin-guide.md'), 'utf8').match(/^ {4}curl \$H.* -d .*$/gm);
    assert.equal(lines.length, 3);
    let path = `${gateway.http}/janus`;
    const paths = [];
    for (const [i, line] of lines.entries()) {
        const sent = line.match(/-d '([^']*)'/)[1];
        const answer = await (await fetch(path, { method: 'POST', body: sent })).json();
        assert.equal(answer.janus, ['success', 'success', 'ack'][i], `${sent}: ${JSON.stringify(answer)}`);
        paths.push(path += `/${answer.data?.id}`);
    }
    const event = await (await fetch(paths[0])).json();
    assert.deepEqual([event.janus, event.plugindata.plugin], ['event', 'stoa.plugin.echo']);
});

test('a broken module is one clear line, and the gateway runs on without it', () => {
    assert.equal(gateway.log.split('\n').filter((line) => /module broken does not run/.test(line)).length, 1);
});
