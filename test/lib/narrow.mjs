/* SPDX-License-Identifier: MIT */
/* A gateway on a host of its own, and three cables to it: a wide one, and two at whose ends `tc tbf` sets a rate and a queue. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './gateway.mjs';
import { host, link, run, unplug } from './topology.mjs';

const US = '10.1.1.2', WIDE = '10.1.1.1', THIN = ['10.1.2.1', '10.1.3.1']; /* nobody else is in there */
const HTTP = 18088, WEBSOCKET = 18188;
const BURST = 3000; /* bytes at once: two packets */
const LOOK_MS = 50;

/* One end, from which packets leave. @wrap  of the host where it is, none: the test's own */
function end(name, wrap = []) {
    const [program, ...args] = [...wrap, 'tc', '-s', '-j', '-b', '-'];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const say = (line) => child.stdin.write(`${line}\n`);
    const seen = { waits: [], lost: 0 };
    let rate = 0, lost = 0, going = true;

    async function look() {
        say(`qdisc show dev ${name}`);
        const { value, done } = await lines.next();
        const [{ backlog = 0, drops = 0 } = {}] = done ? [] : JSON.parse(value);
        return { wait_ms: rate ? backlog * 8000 / rate : 0, drops };
    }
    const watching = (async () => {
        for (; going; await sleep(LOOK_MS)) {
            const { wait_ms, drops } = await look();
            seen.waits.push({ at: performance.now(), ms: Math.round(wait_ms) });
            seen.lost = lost + drops;
        }
    })();

    return {
        /** So many bits a second from now on, 0: any; packets wait for `queue` ms at most. */
        set(bps, queue = 500) {
            lost = seen.lost;
            if (bps)
                say(`qdisc replace dev ${name} root tbf rate ${bps}bit burst ${BURST} latency ${queue}ms`);
            else if (rate)
                say(`qdisc delete dev ${name} root`);
            rate = bps;
        },
        /** What its queue lost so far. */
        lost: () => seen.lost,
        /** The longest wait in each of the next seconds, in ms. */
        async waits(seconds) {
            const longest = [];
            for (let since; longest.length < seconds; longest.push(Math.max(...seen.waits.filter(({ at }) => at > since).map(({ ms }) => ms)))) {
                since = performance.now();
                await sleep(1000);
            }
            return longest;
        },
        async close() {
            going = false;
            await watching;
            child.stdin.end();
        },
    };
}

/** Where pages are secure. */
export const origin = `http://${WIDE}:${HTTP}`;

/**
 * Lay them, in a namespace of lib/namespace.mjs, and start the gateway; settings as for start().
 * → wide, thin and another: {address, port} of its media by that cable, for lib/audience.mjs; of the thin ones `up` and `down` are
 * the ends.
 */
export async function lay(...settings) {
    const server = await host();
    link({ addresses: [`${US}/24`] }, { host: server, addresses: [`${WIDE}/24`] });
    run(`ip link set stoa0 down
ip route add default via ${WIDE}`);
    const ends = THIN.map((address, i) => { /* an address of the server each, reached and answered by its own cable only */
        const [ours, theirs] = link({ addresses: [] }, { host: server, addresses: [`${address}/32`] });
        run(`ip route add ${address} dev ${ours} src ${US}`);
        server.run(`ip rule add from ${address} table ${i + 2}
ip route add ${US} dev ${theirs} table ${i + 2}`);
        return { address, up: end(ours), down: end(theirs, server.wrap) };
    });
    const gateway = await start({ wrap: server.wrap }, `http:listen.address=${WIDE}`, `websocket:listen.address=${WIDE}`,
        `http:listen.port=${HTTP}`, `websocket:listen.port=${WEBSOCKET}`, 'stoa:media.workers=1', `stoa:media.addresses=${[WIDE, ...THIN].join(';')}`, ...settings);
    const port = Number(/media=udp\/(\d+)/.exec(gateway.ready)[1]);
    const [thin, another] = ends.map((one) => ({ ...one, port }));
    return {
        gateway, server, thin, another, wide: { address: WIDE, port },
        async stop() {
            const how = await gateway.stop();
            await Promise.all(ends.flatMap(({ up, down }) => [up.close(), down.close()]));
            unplug();
            await server.stop();
            return how;
        },
    };
}

/**
 * Two cores that also encode three sizes and play them to two others stop now and then: what is promised has to hold in one of
 * two tries, and what the other one saw is told. @leave  makes room for the second
 */
export const holds = (leave, name, run) => test(name, async (t) => {
    try {
        return await run(t);
    } catch (error) {
        t.diagnostic(`not at the first try: ${error.message}`);
    }
    await leave();
    await run(t);
});
