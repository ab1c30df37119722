/* SPDX-License-Identifier: MIT */
/* A network namespace for a test file: loopback, one more address, a default route. Firefox finds no candidates without. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const mark = 'STOA_TEST_NAMESPACE';
const address = '10.213.7.1'; /* nobody else is in there: any will do */
const setup = `set -e
ip link set lo up
ip link add stoa0 type veth peer name stoa1
ip address add ${address}/24 dev stoa0
ip link set stoa0 up
ip link set stoa1 up
ip route add default via 10.213.7.254 dev stoa0`;
const unshare = ['--net', '--kill-child', '--'];

/** Why there can be no namespace; empty: there can. */
function obstacle() {
    const { status, error, stderr } = spawnSync('unshare', [...unshare, 'sh', '-c', setup], { encoding: 'utf8' });
    return status === 0 ? '' : error?.message ?? stderr.trim();
}

/* Whoever administers this machine, or the container that it is, gets a namespace from a kernel that has them. */
function isOwed() {
    const [, capabilities] = readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\s+(\w+)/m);
    const administers = BigInt(`0x${capabilities}`) >> 21n & 1n; /* CAP_SYS_ADMIN */
    return administers === 1n && existsSync('/proc/self/ns/net');
}

/** In the place of tests that there can be no namespace for: a skip, and a failure where there should be one. */
export function lacking(name, why) {
    const owed = isOwed();
    test(name, { skip: !owed && `no network namespace: ${why}` }, () => assert.fail(`no network namespace, and there should be one: ${why}`));
}

/**
 * True in a process that runs inside. Outside, runs the calling file again inside, whose results count as this file's,
 * and says false. The namespace goes with its last process. `why` is set when there can be none.
 */
export async function inside(file) {
    if (process.env[mark])
        return { inside: true, address };
    const why = obstacle();
    if (why)
        return { inside: false, why };
    const child = spawn('unshare', [...unshare, 'sh', '-c', `${setup}\nexec "$@"`, 'sh', process.execPath, ...process.execArgv, file],
        { stdio: 'inherit', env: { ...process.env, [mark]: '1' } });
    for (const signal of ['SIGTERM', 'SIGINT'])
        process.on(signal, () => child.kill(signal));
    process.on('exit', () => child.kill());
    process.exitCode = await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
    return { inside: false };
}
