/* SPDX-License-Identifier: MIT */
/* Networks of several namespaces around the one that a test runs in (lib/namespace.mjs): other hosts, routers, links. */
import { execFileSync, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const here = readlinkSync('/proc/self/ns/net');

/** Run a few lines of shell in the test's own namespace. */
export const run = (script) => execFileSync('sh', ['-ec', script], { encoding: 'utf8' });

/** Another host: `run(script)` there; `wrap` is put before a program that is to start there; goes with stop(), or with the test. */
export async function host() {
    const child = spawn('unshare', ['--net', '--', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
    const wrap = ['nsenter', '-t', `${child.pid}`, '-n', '--'];
    for (const end = Date.now() + 10000; ; await sleep(5)) {
        let there = here;
        try {
            there = readlinkSync(`/proc/${child.pid}/ns/net`);
        } catch { /* not there yet */ }
        if (there !== here)
            break;
        if (Date.now() > end || child.exitCode !== null)
            throw new Error('no namespace for another host');
    }
    const one = {
        pid: child.pid, wrap,
        run: (script) => execFileSync(wrap[0], [...wrap.slice(1), 'sh', '-ec', script], { encoding: 'utf8' }),
        stop: () => { child.stdin.end(); return new Promise((resolve) => child.once('exit', resolve)); },
    };
    one.run('ip link set lo up');
    return one;
}

let links = 0;
const cables = new Set();

/**
 * A cable between two hosts; null is the test's own. Each end is {host, addresses: ['10.1.1.1/24', …]}.
 * → the names of both ends. IPv6 addresses work at once (no duplicate detection).
 */
export function link(a, b) {
    const names = [`l${++links}a`, `l${links}b`];
    run(`ip link add ${names[0]} type veth peer name ${names[1]}`);
    if (!a.host || !b.host)
        cables.add(names[a.host ? 1 : 0]);
    [a, b].forEach(({ host: at, addresses }, i) => {
        if (at)
            run(`ip link set ${names[i]} netns ${at.pid}`);
        const shell = at?.run ?? run;
        for (const address of addresses)
            shell(`ip address add ${address} dev ${names[i]}${address.includes(':') ? ' nodad' : ''}`);
        shell(`ip link set ${names[i]} up`);
    });
    return names;
}

/** Take away all cables of the test's own namespace. */
export function unplug() {
    cables.forEach((name) => run(`ip link delete ${name}`));
    cables.clear();
}

/** Let a host pass packets on. */
export const forward = (one) => one.run('echo 1 > /proc/sys/net/ipv4/ip_forward');
