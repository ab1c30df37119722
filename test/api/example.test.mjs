/* SPDX-License-Identifier: MIT */
/* docs/example-plugin, copied out of the tree: it builds with what pkg-config says, its test passes on the bed, a gateway loads
 * it, clients talk to it, it is toggled and replaced while they are there. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, connect, start, tree } from '../lib/gateway.mjs';

const env = { ...process.env, PKG_CONFIG_PATH: dirname(binary) };
const sanitized = /fsanitize/.test(readFileSync(join(dirname(binary), 'Makefile'), 'utf8').match(/^HARDEN_CFLAGS =.*$/m)?.[0]);
let dir, gateway;

const make = (...args) => spawnSync('make', ['-C', dir, ...args], { env, encoding: 'utf8' });

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-example-'));
    chmodSync(dir, 0o755);
    cpSync(join(tree, 'docs/example-plugin'), dir, { recursive: true });
    cpSync(join(tree, 'conf'), join(dir, 'conf'), { recursive: true });
    cpSync(join(dir, 'buzzer.conf'), join(dir, 'conf/buzzer.conf'));
    const built = make('buzzer.so', 'CFLAGS=-Wall -Wextra -Werror');
    assert.equal(built.status, 0, built.stderr);
    chmodSync(join(dir, 'buzzer.so'), 0o755);
    gateway = await start({ conf: join(dir, 'conf') }, `stoa:modules.plugin_dirs=${dir}`);
});
after(async () => {
    assert.equal((await gateway.stop()).code, 0);
    rmSync(dir, { recursive: true });
});

/** Somebody who has joined room 7 of the quiz; say() resolves with the answer to a request. */
async function join7(display) {
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const attach = () => client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.buzzer' });
    const { data: { id: handle_id } } = await attach();
    const heard = (key, value) => client.event((one) => one.plugindata?.data?.[key] === value).then((one) => one.plugindata.data);
    const say = async (request, more) => {
        await client.request({ janus: 'message', session_id, handle_id, body: { request, ...more } });
        const one = await client.event(({ plugindata }) => plugindata?.data?.reply === request || plugindata?.data?.error_code);
        return one.plugindata.data;
    };
    await say('join', { room: 7, display });
    return { client, attach, say, heard };
}

/** Do it, then wait until the log has one more line that fits. */
async function until(pattern, act) {
    const count = () => gateway.log.split('\n').filter((line) => pattern.test(line)).length;
    const were = count();
    act();
    for (let i = 0; i < 200 && count() === were; i++)
        await new Promise((resolve) => { setTimeout(resolve, 50); });
    assert.ok(count() > were, `no new line like ${pattern}`);
}

const reload = () => gateway.child.kill('SIGHUP');

test('its test on the bed passes, with gcc and with clang', { skip: sanitized && 'the bed has a sanitizer in it' }, () => {
    for (const cc of ['gcc', 'clang']) {
        make('clean');
        const ran = make('check', `CC=${cc}`, 'CFLAGS=-Wall -Wextra -Werror');
        assert.equal(ran.status, 0, ran.stdout + ran.stderr);
        assert.match(ran.stdout + ran.stderr, /PASSED.* 6 test/);
    }
});

test('a check on the bed that fails names the line and what it got', { skip: sanitized && 'the bed has a sanitizer in it' }, () => {
    writeFileSync(join(dir, 'wrong.c'), `#include <stoa/bed.h>
        int main(void)
        {
            g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "");
            stoa_bed_describes(stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT), "{'on': true}");
        }`);
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa-bed'], { env, encoding: 'utf8' }).trim().split(/\s+/);
    execFileSync('cc', ['-o', 'wrong', 'wrong.c', ...flags], { cwd: dir });
    assert.equal(make('buzzer.so').status, 0);
    chmodSync(join(dir, 'buzzer.so'), 0o755);
    const ran = spawnSync(join(dir, 'wrong'), [], { env: { ...env, STOA_PLUGINS: dir }, encoding: 'utf8' });
    assert.equal(ran.signal, 'SIGABRT');
    assert.match(ran.stderr, /^wrong\.c:5: describe\n {2}wanted: \{'on': true\}\n {2}got: .*"on": false/m);
    const lost = spawnSync(join(dir, 'wrong'), [], { cwd: '/', env: { ...env, STOA_PLUGINS: '' }, encoding: 'utf8' });
    assert.match(lost.stderr, /there is no plugin "buzzer": .*STOA_PLUGINS/);
});

test('the library of the bed has every function that the headers promise to plugins', () => {
    const has = new Set(execFileSync('nm', ['-D', '--defined-only', join(dirname(binary), '.libs/libstoa-bed.so')], { encoding: 'utf8' })
        .split('\n').map((line) => line.split(' ')[2]));
    for (const header of ['error', 'media', 'plugin', 'room', 'bed']) {
        const text = readFileSync(join(tree, `core/include/stoa/${header}.h`), 'utf8');
        for (const [, name] of text.matchAll(/^STOA_EXPORT [^(;]*?\b(stoa_\w+)\(/gm))
            assert.ok(has.has(name), `${name} of stoa/${header}.h is not in libstoa-bed.so: name it in Makefile.am`);
    }
});

test('clients play a quiz over the wire', async () => {
    const [ana, ben] = [await join7('Ana'), await join7('Ben')];
    assert.match((await ana.say('ask', { questions: [{ text: 'x', hints: [{ costs: 1 }] }] })).error, /questions\[0\]\.hints\[0\]\.text|hints.*text/);
    assert.equal((await ben.say('buzz')).error_code, 460);
    assert.equal((await ben.say('stop')).code, 'forbidden'); /* who opens an ad hoc room is its host */
    assert.equal((await ana.say('ask', { questions: [{ text: 'Two and two?', points: 3 }] })).questions, 1);
    assert.equal((await ben.heard('event', 'question')).text, 'Two and two?');
    assert.equal((await ben.say('buzz')).error_code, undefined);
    assert.equal((await ana.heard('event', 'buzzed')).name, 'Ben');
    await ana.say('judge', { right: true });
    await ben.heard('event', 'over');
    assert.equal((await ben.say('state')).points, 3);
    const metrics = await (await fetch(`${gateway.admin}/metrics`)).text().catch(() => '');
    if (metrics.includes('stoa_'))
        assert.match(metrics, /stoa_buzzer_buzzes_total\{module="buzzer"\} 1/);
    ana.client.close();
    ben.client.close();
});

test('it is switched off and on, and replaced by a newer build, while clients are there', async () => {
    const ana = await join7('Ana');
    const conf = join(dir, 'conf/buzzer.conf'), text = readFileSync(conf, 'utf8');
    await until(/buzzer is unloaded/, () => { writeFileSync(conf, text.replace('enabled = true', 'enabled = false')); reload(); });
    assert.equal((await ana.client.event((one) => one.janus === 'detached')).janus, 'detached');
    assert.equal((await ana.attach()).janus, 'error');
    const source = readFileSync(join(dir, 'buzzer.c'), 'utf8');
    const newer = source.replace(/"text",(\s+json_object_get\(present_question)/, '"newer",$1');
    assert.notEqual(newer, source);
    writeFileSync(join(dir, 'buzzer.c'), newer);
    assert.equal(make('buzzer.so').status, 0);
    chmodSync(join(dir, 'buzzer.so'), 0o755);
    await until(/buzzer is loaded/, () => { writeFileSync(conf, text); reload(); });
    const ben = await join7('Ben');
    await ben.say('ask', { questions: [{ text: 'New?' }] });
    assert.equal((await ben.say('state')).newer, 'New?');
    ana.client.close();
    ben.client.close();
});

test('the reference says all that its tables say', () => {
    const text = execFileSync(binary, ['-c', join(dir, 'conf'), '-s', `stoa:modules.plugin_dirs=${dir}`, '--describe', 'buzzer'], { encoding: 'utf8' });
    for (const piece of ['`seconds`: integer, 1 to 600, default `30`', '### ask', '`questions`: array of objects, 1 to 100 items, required',
        '    - `text`: string, 1 to 200 bytes, required', '(asynchronous; cohost)', '460 `no_quiz`', '`stoa_buzzer_buzzes_total`'])
        assert.ok(text.includes(piece), `${piece} is not in:\n${text}`);
});
