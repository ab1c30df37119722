/* SPDX-License-Identifier: MIT */
/* Modules of other times and other hands: an older build runs, what cannot run is one clear line, the gateway runs on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, connect, start, tree } from '../lib/gateway.mjs';

const env = { ...process.env, PKG_CONFIG_PATH: dirname(binary) };
let dir, open, gateway;

/** Name of a module → the one line that says why it does not run. */
const misfits = {
    major: /built for ABI 2, this gateway speaks ABI 1: build it again/,
    nosymbol: /no symbol stoa_plugin: declare the plugin with STOA_PLUGIN/,
    nostart: /the piano is out of tune/,
    silent: /its start failed without saying why/,
    othername: /calls itself "somebody"/,
    tiny: /no name or version|too small/,
    garbage: /cannot be loaded/,
    writable: /writable\.so can be written by others than its owner: chmod go-w/,
    folder: /open can be written by others than its owner: chmod go-w/,
    missing: /there is no missing\.so in the module folders/,
};

function compile(source, name, ...defines) {
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa'], { env, encoding: 'utf8' }).trim().split(/\s+/);
    execFileSync('cc', ['-Wall', '-shared', '-fPIC', ...defines, '-o', join(dir, `${name}.so`), join(tree, 'test/abi', source), ...flags]);
    chmodSync(join(dir, `${name}.so`), 0o755);
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-abi-'));
    open = join(dir, 'open');
    mkdirSync(open);
    chmodSync(dir, 0o755);
    cpSync(join(tree, 'conf'), join(dir, 'conf'), { recursive: true });
    compile('older.c', 'older');
    for (const name of ['major', 'nosymbol', 'nostart', 'silent', 'othername', 'tiny', 'writable', 'folder'])
        compile('misfit.c', name, `-DMISFIT_${name}`, `-DMISFIT="${name}"`);
    writeFileSync(join(dir, 'garbage.so'), 'not a shared object', { mode: 0o644 });
    copyFileSync(join(dir, 'folder.so'), join(open, 'folder.so'));
    rmSync(join(dir, 'folder.so'));
    chmodSync(join(dir, 'writable.so'), 0o775);
    chmodSync(open, 0o777);
    for (const name of ['older', ...Object.keys(misfits)])
        writeFileSync(join(dir, 'conf', `${name}.conf`), '[module]\nenabled = true\n');
    gateway = await start({ conf: join(dir, 'conf') }, `stoa:modules.plugin_dirs=${dir};${open};${join(dirname(binary), 'modules/plugins')}`);
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0);
    rmSync(dir, { recursive: true });
});

for (const [name, pattern] of Object.entries(misfits)) {
    test(`a module that cannot run is one clear line: ${name}`, () => {
        const lines = gateway.log.split('\n').filter((line) => line.includes(`module ${name} does not run`));
        assert.equal(lines.length, 1, gateway.log);
        assert.match(lines[0], pattern);
    });
}

async function attach(plugin) {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { janus, data } = await client.request({ janus: 'attach', session_id, plugin });
    assert.equal(janus, 'success');
    const say = async (body) => {
        await client.request({ janus: 'message', session_id, handle_id: data.id, body });
        return (await client.event((one) => one.plugindata)).plugindata.data;
    };
    return { client, say };
}

test('an older plugin, with shorter rows and a shorter descriptor, answers as it always did', async () => {
    const { client, say } = await attach('stoa.plugin.older');
    for (const request of ['sum', 'twice']) {
        assert.equal((await say({ request, terms: [{ value: 3 }, { value: 4 }] })).sum, 14);
        assert.match((await say({ request, terms: [{ value: 3 }, {}] })).error, /terms\[1\]\.value.* missing/);
        assert.match((await say({ request, terms: [{ value: 1001 }] })).error, /0 to 1000/);
        assert.equal((await say({ request, terms: [{ value: 999 }, { value: 2 }] })).error_code, 477);
    }
    client.close();
});

test('it is described as it is', () => {
    const text = execFileSync(binary, ['-c', join(dir, 'conf'), '-s', `stoa:modules.plugin_dirs=${dir}`, '--describe', 'older'], { encoding: 'utf8' });
    for (const piece of ['# older 0.1', '`factor`: integer, 1 to 9, default `2`', '### twice', '  - `value`: integer, 0 to 1000, required', '477 `too_much`'])
        assert.ok(text.includes(piece), `${piece} is not in:\n${text}`);
});

test('the gateway runs on with the rest', async () => {
    (await attach('stoa.plugin.echotest')).client.close();
});
