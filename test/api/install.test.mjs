/* SPDX-License-Identifier: MIT */
/* `make install` into a folder: the gateway runs from there with what was installed, and stoa.pc says where things are. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { binary } from '../lib/gateway.mjs';

const build = dirname(binary);
let dest, prefix;

before(() => {
    dest = mkdtempSync(join(tmpdir(), 'stoa-install-'));
    prefix = readFileSync(join(build, 'Makefile'), 'utf8').match(/^prefix = (.*)$/m)[1];
    execFileSync('make', ['-s', '-C', build, 'install', `DESTDIR=${dest}`], { stdio: 'pipe', env: { ...process.env, MAKEFLAGS: '' } });
});
after(() => rmSync(dest, { recursive: true }));

const at = (...path) => join(dest, prefix, ...path);

test('headers, library, modules, conf and pages are where they belong', () => {
    for (const file of ['bin/stoa', 'include/stoa/plugin.h', 'include/stoa/bed.h', 'lib/libstoa-bed.so', 'lib/pkgconfig/stoa.pc', 'lib/pkgconfig/stoa-bed.pc',
        'lib/stoa/plugins/echotest.so', 'lib/stoa/transports/http.so', 'etc/stoa/stoa.conf', 'etc/stoa/echotest.conf', 'share/stoa/html/index.html'])
        assert.ok(existsSync(at(file)), file);
});

test('stoa.pc names the folders', () => {
    const env = { ...process.env, PKG_CONFIG_LIBDIR: `${at('lib/pkgconfig')}:${execFileSync('pkg-config', ['--variable=pc_path', 'pkg-config'], { encoding: 'utf8' }).trim()}` };
    const ask = (...args) => execFileSync('pkg-config', args, { env, encoding: 'utf8' }).trim();
    assert.equal(ask('--variable=pluginsdir', 'stoa'), join(prefix, 'lib/stoa/plugins'));
    assert.equal(ask('--variable=confdir', 'stoa'), join(prefix, 'etc/stoa'));
    assert.match(ask('--cflags', 'stoa'), new RegExp(`-I${join(prefix, 'include')}(\\s|$)`));
    assert.match(ask('--libs', 'stoa-bed'), /-lstoa-bed/);
});

test('a second install keeps an operator\'s conf, and lays the sample beside it', () => {
    writeFileSync(at('etc/stoa/echotest.conf'), '[module]\nenabled = false\n');
    execFileSync('make', ['-s', '-C', build, 'install-data', `DESTDIR=${dest}`], { stdio: 'pipe', env: { ...process.env, MAKEFLAGS: '' } });
    assert.match(readFileSync(at('etc/stoa/echotest.conf'), 'utf8'), /enabled = false/);
    assert.match(readFileSync(at('etc/stoa/echotest.conf.new'), 'utf8'), /enabled = true/);
    rmSync(at('etc/stoa/echotest.conf.new'));
});

test('the installed gateway starts with the installed conf, modules and pages', async () => {
    const settings = ['http:listen.port=0', 'websocket:listen.port=0', 'stoa:admin.port=0', 'stoa:media.port=0'];
    const child = spawn(at('bin/stoa'), ['-d', join(dest, 'data'), ...settings.flatMap((one) => ['-s', one])], { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr.on('data', (chunk) => { log += chunk; });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    const line = await Promise.race([new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)), ended.then(() => '')]);
    assert.match(line, /^stoa ready http=/, log);
    const page = await fetch(`${line.match(/http=(\S+)/)[1]}/index.html`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<html/i);
    child.kill('SIGTERM');
    assert.equal(await ended, 0, log);
});
