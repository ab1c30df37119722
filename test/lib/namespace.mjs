/* SPDX-License-Identifier: MIT */
/* A network namespace for a test file: loopback, one more address, a default route. Firefox finds no candidates without. */
import { spawn, spawnSync } from 'node:child_process';

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
