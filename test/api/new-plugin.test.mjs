/* SPDX-License-Identifier: MIT */
/* `./dev new-plugin NAME`, in a copy of the tree's parts that it touches: what it makes, and what it leaves alone. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, tree } from '../lib/gateway.mjs';

let copy;
before(() => {
    copy = mkdtempSync(join(tmpdir(), 'stoa-new-plugin-'));
    for (const part of ['Makefile.am', 'conf', 'plugins', 'test/tools', 'test/api', 'test/unit/plugins'])
        cpSync(join(tree, part), join(copy, part), { recursive: true });
});
after(() => rmSync(copy, { recursive: true }));

const make = (name) => spawnSync(join(copy, 'test/tools/new-plugin'), [name], { encoding: 'utf8' });
const read = (path) => readFileSync(join(copy, path), 'utf8');

test('a new plugin gets its code, conf, test and lines in the build, once', () => {
    assert.equal(make('greeter').status, 0);
    for (const path of ['plugins/greeter/greeter.c', 'conf/greeter.conf', 'test/api/greeter.test.mjs', 'test/unit/plugins/greeter.c'])
        assert.ok(read(path).includes('greeter') && !read(path).includes('@NAME@'), path);
    /* the whole lists, their lines joined: nothing may stand in them but what automake takes */
    const list = (name) => read('Makefile.am').replaceAll('\\\n', ' ').match(new RegExp(`^${name} = (.*)$`, 'm'))[1].trim().split(/\s+/);
    assert.ok(list('plugins_LTLIBRARIES').includes('plugins/greeter/greeter.la'));
    assert.ok(list('plugins_LTLIBRARIES').every((one) => /^plugins\/(\w+)\/\1\.la$/.test(one)), list('plugins_LTLIBRARIES'));
    assert.ok(list('unit_plugins').every((one) => /^test\/unit\/plugins\/[\w-]+$/.test(one)), list('unit_plugins'));
    assert.match(read('Makefile.am'), /^plugins_greeter_greeter_la_SOURCES = plugins\/greeter\/greeter\.c$/m);
    assert.match(read('Makefile.am'), /^unit_plugins = \\\n\ttest\/unit\/plugins\/greeter \\$/m);
    assert.match(read('Makefile.am'), /^test_unit_plugins_greeter_SOURCES = test\/unit\/plugins\/greeter\.c plugins\/greeter\/greeter\.c$/m);
    const again = make('greeter');
    assert.equal(again.status, 1);
    assert.match(again.stderr, /already/);
});

const flags = (name) => execFileSync('pkg-config', ['--cflags', '--libs', name],
    { env: { ...process.env, PKG_CONFIG_PATH: dirname(binary) }, encoding: 'utf8' }).trim().split(/\s+/);
const sanitized = /fsanitize/.test(readFileSync(join(dirname(binary), 'Makefile'), 'utf8').match(/^HARDEN_CFLAGS =.*$/m)?.[0]);

test('its test on the bed builds and passes', { skip: sanitized && 'the bed has a sanitizer in it' }, () => {
    execFileSync('cc', ['-Wall', '-Wextra', '-Wno-missing-field-initializers', '-Werror', '-o', 'greeter-test', 'test/unit/plugins/greeter.c',
        'plugins/greeter/greeter.c', ...flags('stoa-bed'), ...flags('cmocka')], { cwd: copy });
    const ran = spawnSync(join(copy, 'greeter-test'), [], { cwd: copy, env: { ...process.env, STOA_SRCDIR: copy }, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout + ran.stderr, /PASSED.* 3 test/);
});

test('a name that is taken or unfit is refused, and nothing is touched', () => {
    const [build, session] = [read('Makefile.am'), read('test/api/session.test.mjs')];
    for (const [name, status] of [['videoroom', 1], ['http', 1], ['session', 1], ['Bad', 2], ['../x', 2], ['', 2]])
        assert.equal(make(name).status, status, name);
    assert.equal(read('test/api/session.test.mjs'), session);
    assert.equal(read('Makefile.am'), build);
    assert.ok(!existsSync(join(copy, 'plugins/session')));
});
