/* SPDX-License-Identifier: MIT */
/* Figures of kept rooms: ./dev bench rooms [NAME...]. One line each, with the load of the machine, which counts for the slowest of many. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, tree } from '../../lib/gateway.mjs';
import { cpuS, quantile, rssMb, Seat, sorted, unlimited } from '../../lib/load.mjs';
import { join, signIn, want } from '../../lib/rooms.mjs';
import { buildChatload, chat, joinMany } from './chat.mjs';
import { roomId, seed } from './seed.mjs';

const folder = mkdtempSync(path(tmpdir(), 'stoa-bench-'));
const settings = [...unlimited, 'stoa:log.level=warn', 'stoa:limits.handles_per_session=0', 'http:limits.connections=5000'];

let chatload, gateway;
async function launch(more = {}) {
    gateway = await start(more, ...settings);
    return signIn(gateway, 'hana@school.example', 'Hana');
}

const line = (name, text) => console.log(`${name}: ${text} (load ${loadavg()[0].toFixed(1)})`);
const spread = (ms) => `p50 ${quantile(ms, 0.5).toFixed(1)} p99 ${quantile(ms, 0.99).toFixed(1)} most ${ms.at(-1).toFixed(1)} ms`;

/** The store's own word: below how many ms 99 of 100 commits were on the disk. */
async function commitMs() {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    const buckets = [...text.matchAll(/^stoa_store_commit_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)].map(([, le, n]) => [Number(le.replace('+Inf', 'Infinity')), Number(n)]);
    return buckets.find(([, n]) => n >= 0.99 * buckets.at(-1)[1])[0] * 1000;
}

async function timed(work, times) {
    const ms = [];
    for (let i = 0; i < times; i++) {
        const since = performance.now();
        await work(i);
        ms.push(performance.now() - since);
    }
    return sorted(ms);
}

/** ns that the media workers were on a processor. */
function workerNs() {
    const tasks = `/proc/${gateway.child.pid}/task`;
    return readdirSync(tasks).filter((id) => readFileSync(`${tasks}/${id}/comm`, 'utf8').startsWith('media-'))
        .reduce((sum, id) => sum + Number(readFileSync(`${tasks}/${id}/schedstat`, 'utf8').split(' ')[0]), 0);
}

async function sentPackets() {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    return [...text.matchAll(/^stoa_media_sent_packets_total(?:\{.*\})? (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

/** Workers tell what they sent once a second: wait for that, and take their time at the same moment. */
async function countedNow() {
    const before = await sentPackets();
    for (let i = 0; i < 200; i++) {
        const packets = await sentPackets();
        if (packets !== before)
            return [workerNs(), packets];
        await sleep(20);
    }
    throw new Error('nothing is sent');
}

const figures = {
    async chat() {
        const host = await launch(), seats = await joinMany(gateway, host.token, 10, 5), before = cpuS(gateway.child.pid), seconds = 10;
        const got = await chat(chatload, gateway, seats, { rate: 2000, seconds });
        const cpu = (cpuS(gateway.child.pid) - before) / seconds;
        line('chat, 50 people in 10 rooms', `${got.acknowledged} of ${got.sent} messages acknowledged, ${got.rate} a second, p50 ${got.p50} p90 ${got.p90} p99 ${got.p99} most ${got.most} ms; `
            + `${got.heard} heard, ${got.incomplete + got.disordered} wrong; gateway ${(cpu * 100).toFixed(0)} % of a core; 99 % of commits below ${await commitMs()} ms; the load itself ${got.late_p99} ms late at p99`);
    },
    async class() {
        const host = await launch(), seats = await joinMany(gateway, host.token, 1, 500), before = cpuS(gateway.child.pid), seconds = 5;
        const got = await chat(chatload, gateway, seats, { rate: 40, seconds });
        const cpu = (cpuS(gateway.child.pid) - before) / seconds;
        line('class of 500', `${got.acknowledged} of ${got.sent} messages acknowledged, p50 ${got.p50} p99 ${got.p99} ms; ${got.heard} heard, ${got.incomplete} people miss some, ${got.disordered} out of order; gateway ${(cpu * 100).toFixed(0)} % of a core`);
    },
    async history() {
        const data = path(folder, 'history');
        await seed(data, { rooms: 1, long: 10000 });
        const host = await launch({ data }), url = `/rooms/${roomId(0)}/history`;
        const first = await timed(() => want(200, gateway, 'GET', url, { token: host.token }), 1);
        const open = await timed(() => want(200, gateway, 'GET', url, { token: host.token }), 50);
        let before = '', n = 0;
        const pages = await timed(async () => {
            const { meetings: [{ chat: messages }] } = await want(200, gateway, 'GET', `${url}?meeting=m0&limit=200${before}`, { token: host.token });
            before = `&before=${messages[0]?.id}`;
            n += messages.length;
        }, 50);
        const all = await timed(() => want(200, gateway, 'GET', `${url}/export?format=json`, { token: host.token }), 5);
        line('history of 10,000 messages', `opens in ${first[0].toFixed(1)} ms, then ${spread(open)}; ${n} in pages of 200: ${spread(pages)}; export of all ${spread(all)}`);
    },
    async export() {
        const data = path(folder, 'export');
        await seed(data, { rooms: 1, long: 50000 });
        const host = await launch({ data }), seats = await joinMany(gateway, host.token, 10, 5);
        const alone = await chat(chatload, gateway, seats, { rate: 500, seconds: 5 });
        const talk = chat(chatload, gateway, await joinMany(gateway, host.token, 10, 5), { rate: 500, seconds: 10 });
        let ended = false;
        talk.finally(() => { ended = true; });
        const ms = [];
        while (!ended)
            ms.push(...await timed(() => want(200, gateway, 'GET', `/rooms/${roomId(0)}/history/export?format=json`, { token: host.token }), 1));
        const got = await talk;
        line('chat while 50,000 messages are exported', `${ms.length} exports, ${spread(sorted(ms))}; messages acknowledged p50 ${got.p50} p99 ${got.p99} most ${got.most} ms, without exports p50 ${alone.p50} p99 ${alone.p99} most ${alone.most} ms`);
    },
    async erasing() {
        const data = path(folder, 'erasing');
        await seed(data, { rooms: 1000, messages: 600000 });
        const host = await launch({ data }), mb = statSync(path(data, 'stoa.db')).size / 1e6;
        const alone = await chat(chatload, gateway, await joinMany(gateway, host.token, 10, 5), { rate: 500, seconds: 5 });
        const talk = chat(chatload, gateway, await joinMany(gateway, host.token, 10, 5), { rate: 500, seconds: 10 });
        await sleep(2000);
        const ms = await timed((i) => want(204, gateway, 'DELETE', `/rooms/${roomId(i)}`, { token: host.token }), 10);
        const got = await talk;
        line(`chat while rooms are erased from ${mb.toFixed(0)} MB`, `10 rooms with 600 messages each: ${spread(ms)}; messages acknowledged p50 ${got.p50} p99 ${got.p99} most ${got.most} ms, without erasure p50 ${alone.p50} p99 ${alone.p99} most ${alone.most} ms`);
    },
    async stored() {
        const joins = async (host, rooms) => {
            const ms = await timed((i) => join(gateway, { room: rooms[i % rooms.length], name: 'Ben' }), 300);
            return `${spread(ms)}`;
        };
        const empty = path(folder, 'empty'), full = path(folder, 'full');
        await seed(empty, { rooms: 100 });
        let host = await launch({ data: empty });
        const rssEmpty = rssMb(gateway.child.pid), few = await joins(host, Array.from({ length: 100 }, (_, i) => roomId(i)));
        await gateway.stop();
        await seed(full, { rooms: 1000, long: 10000, messages: 90000 });
        host = await launch({ data: full });
        const rssFull = rssMb(gateway.child.pid), many = await joins(host, Array.from({ length: 300 }, (_, i) => roomId(i * 3)));
        const seats = [];
        const rssBefore = rssMb(gateway.child.pid);
        for (let i = 0; i < 100; i++)
            seats.push(await Seat.enter(gateway, { room: roomId(i), name: 'Cem' }, ['room', 'chat', 'poll', 'workspace']));
        const attach = await timed(async (i) => { await seats[i].ask('chat', 'history', { limit: 200 }); }, 100);
        line('join', `100 empty rooms: ${few}; 1,000 rooms with 100,000 messages: ${many}; chat's newest page ${spread(attach)}`);
        line('memory', `nothing stored ${rssEmpty.toFixed(1)} MB, 100,000 messages stored ${rssFull.toFixed(1)} MB, 300 rooms open ${rssBefore.toFixed(1)} MB, 100 of them with a person and four modules ${rssMb(gateway.child.pid).toFixed(1)} MB`);
        seats.forEach((seat) => seat.close());
    },
    /* Within one lecture, with chat and without it in turn: what a worker takes of a processor for each packet that it sends. */
    async forwarding() {
        const pairs = 8, sfuload = path(folder, 'sfuload');
        execFileSync('make', ['-s', '-C', path(tree, 'test/bench/load'), `OUT=${sfuload}`]);
        const host = await launch(), seats = await joinMany(gateway, host.token, 10, 5);
        const media = spawn(sfuload, ['--url', `${gateway.websocket}/`, '--room', '77000', '--publishers', '1', '--subscribers', '50', '--audio',
            '--duration', '1000', '--warmup', '2', '-q'], { stdio: 'ignore' });
        const costs = { without: [], with: [] }, chats = [];
        await sleep(4000);
        for (let pair = 0; pair < pairs; pair++) {
            for (const kind of pair % 2 ? ['with', 'without'] : ['without', 'with']) {
                const talk = kind === 'with' && chat(chatload, gateway, seats, { rate: 2000, seconds: 6 });
                await sleep(1000);
                const [ns, packets] = await countedNow();
                await sleep(2500);
                const [nsAfter, packetsAfter] = await countedNow();
                costs[kind].push((nsAfter - ns) / 1000 / (packetsAfter - packets));
                if (talk)
                    chats.push((await talk).rate);
            }
        }
        media.kill();
        const ratios = sorted(costs.with.map((cost, i) => cost / costs.without[i])), middle = (one) => quantile(sorted(one), 0.5);
        line('forwarding, lecture 1 → 50', `a worker's CPU for a packet sent ${middle(costs.without).toFixed(2)} us, ${middle(costs.with).toFixed(2)} us while ${Math.min(...chats)} messages a second are chatted: `
            + `${quantile(ratios, 0.5).toFixed(2)} times (${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)} in ${pairs} pairs)`);
    },
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(figures);
try {
    chatload = buildChatload(folder);
    for (const name of names) {
        await figures[name]();
        await gateway.stop();
    }
} finally {
    gateway?.child.kill();
    rmSync(folder, { recursive: true, force: true });
}
