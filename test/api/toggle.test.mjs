/* SPDX-License-Identifier: MIT */
/* Modules come, go and are replaced while a call of another module runs: it loses no packet. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { binary, slow, start, tree } from '../lib/gateway.mjs';
import { echo, enter, publish, startPeers, subscribe } from '../lib/peers.mjs';

let dir, gateway, peers, ana, ben, eva, call, watch;

/* A build of the module hello with a version of its own, put in place of the one that is there. */
function build(version) {
    const env = { ...process.env, PKG_CONFIG_PATH: dirname(binary) };
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'stoa'], { env, encoding: 'utf8' }).trim().split(/\s+/);
    const source = readFileSync(join(tree, 'test/tools/skeleton/plugin.c'), 'utf8').replaceAll('@NAME@', 'hello');
    writeFileSync(join(dir, 'hello.c'), source.replace(/\.version = "[^"]*"/, `.version = "${version}"`));
    execFileSync('cc', ['-shared', '-fPIC', '-o', 'new.so', 'hello.c', ...flags], { cwd: dir });
    chmodSync(join(dir, 'new.so'), 0o755);
    renameSync(join(dir, 'new.so'), join(dir, 'hello.so'));
}

const admin = async (janus, plugin) => {
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8').trim();
    return (await fetch(`${gateway.admin}/admin`, { method: 'POST', body: JSON.stringify({ janus, plugin, transaction: 'a', admin_secret }) })).json();
};
const until = async (what, fits) => {
    for (let n = 0; n < 300 * slow; n++, await sleep(50))
        if (await fits())
            return;
    assert.fail(`${what}: not within ${15 * slow} s`);
};

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stoa-toggle-'));
    chmodSync(dir, 0o755);
    cpSync(join(tree, 'conf'), join(dir, 'conf'), { recursive: true });
    writeFileSync(join(dir, 'conf/hello.conf'), '[module]\nenabled = true\n');
    build('1.5');
    peers = startPeers();
    gateway = await start({ conf: join(dir, 'conf') }, `stoa:modules.plugin_dirs=${dir}`, 'stoa:media.workers=2');
    [ana, ben, eva] = [await enter(gateway), await enter(gateway), await enter(gateway)];
    call = await publish(ana, peers, 1234);
    call.peer.send();
    watch = await subscribe(ben, peers, 1234, call.feed);
    await until('the call runs', async () => Object.keys((await watch.peer.count()).streams).length === 1);
});
after(async () => {
    [ana, ben, eva].forEach((who) => who.leave());
    peers.stop();
    assert.equal((await gateway.stop()).code, 0);
    rmSync(dir, { recursive: true });
});

/* What came so far came without a gap, and something came while `during` ran. */
async function loses_nothing(during) {
    const before = Object.values((await watch.peer.count()).streams)[0];
    await during();
    const { sent } = await call.peer.count();
    await until('all packets came', async () => Object.values((await watch.peer.count()).streams)[0].last >= sent - 1);
    const { n, first, last } = Object.values((await watch.peer.count()).streams)[0];
    assert.ok(last > before.last);
    assert.equal(n, last - first + 1, `${last - first + 1 - n} packets lost`);
}

const is_back = (name) => until(`${name} is back`, async () => {
    const { janus, data } = await eva.client.request({ janus: 'attach', session_id: eva.session_id, plugin: `janus.plugin.${name}` });
    if (janus === 'success')
        await eva.ask('detach', data.id);
    return janus === 'success';
});

test('a module is disabled and enabled by its conf file', () => loses_nothing(async () => {
    const file = join(dir, 'conf/echotest.conf'), text = readFileSync(file, 'utf8');
    for (let n = 0; n < 3; n++) {
        const { handle, peer } = await echo(eva, peers);
        peer.send();
        writeFileSync(file, text.replace(/^enabled = true$/m, 'enabled = false'));
        gateway.child.kill('SIGHUP');
        await eva.event(handle, 'detached');
        peer.close();
        await until('its object is gone', () => !readFileSync(`/proc/${gateway.child.pid}/maps`, 'utf8').includes('echotest.so'));
        writeFileSync(file, text);
        gateway.child.kill('SIGHUP');
        await is_back('echotest');
    }
}));

test('a module is disabled and enabled by the admin API', () => loses_nothing(async () => {
    for (let n = 0; n < 3; n++) {
        const { handle, peer } = await echo(eva, peers);
        assert.equal((await admin('disable_plugin', ['echotest', 'janus.plugin.echotest', 'stoa.plugin.echotest'][n])).janus, 'success');
        await eva.event(handle, 'detached');
        await until('it is enabled', async () => (await admin('enable_plugin', 'echotest')).janus === 'success');
        await is_back('echotest');
        peer.close();
    }
}));

test('a newer build of a module replaces the old one', () => loses_nothing(async () => {
    const version = async () => JSON.stringify((await admin('list_plugins')).plugins).match(/[^{]*hello[^}]*/)[0].match(/"version":"([^"]*)"/)[1];
    const { data } = await eva.client.request({ janus: 'attach', session_id: eva.session_id, plugin: 'stoa.plugin.hello' });
    assert.equal(await version(), '1.5');
    build('1.6');
    gateway.child.kill('SIGHUP');
    await until('the log tells of it', () => /module hello: there is another build of it now/.test(gateway.log));
    await admin('reload_plugin', 'hello');
    await eva.event(data.id, 'detached');
    await until('it is enabled', async () => (await admin('enable_plugin', 'hello')).janus === 'success');
    assert.equal(await version(), '1.6');
}));
