/* SPDX-License-Identifier: MIT */
/* The rows of `./dev bench`: what is run, which figure of it counts, what it must reach. Server and limit run in turn.
 * A goal that is missed, or a row that lost packets, makes the exit status 1. The generator is test/bench/load/sfuload, which
 * measures the server by /proc; how is told in its README. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { STOA_BUILD: build, BENCH_TOOLS: tools, ROUNDS = '3', SERVER_CPU = '0', LOAD_CPU = '1', UNDER = '' } = process.env;
const here = mkdtempSync(join(tmpdir(), 'stoa-bench-'));
process.on('exit', () => rmSync(here, { recursive: true, force: true }));

/* -- running ------------------------------------------------------------------------------- */

const on = (cpu, command, args, options) => spawn('taskset', ['-c', cpu, ...UNDER.split(' ').filter(Boolean), command, ...args.map(String)], options);

const ended = (child) => new Promise((resolve) => child.on('exit', (code) => resolve(code)));

const settings = ['http:listen.port=0', 'websocket:listen.port=0', 'stoa:admin.port=0', 'stoa:media.port=0', 'stoa:media.workers=1',
    'stoa:log.level=error', 'stoa:limits.sessions_per_connection=0', 'stoa:limits.connections_per_address=0',
    'stoa:limits.requests_per_second=0', 'stoa:limits.handles_per_session=0'];

/** Start the gateway on its core, run `body` with {url, pid}, stop it. */
async function withServer(body) {
    const data = mkdtempSync(join(here, 'data-'));
    const child = on(SERVER_CPU, join(build, 'stoa'), ['-d', data, ...settings.flatMap((one) => ['-s', one])], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = ended(child);
    const ready = await Promise.race([
        new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
        gone.then((code) => { throw new Error(`the gateway ended with ${code}`); }),
    ]);
    try {
        return await body({ url: `${ready.match(/websocket=(\S+)/)[1]}/`, pid: child.pid });
    } finally {
        child.kill('SIGTERM');
        await gone;
    }
}

let n = 0;

/** Run the generator against a server: its report. `told` gets its lines. */
async function load(server, args, told = () => {}) {
    const json = join(here, `${++n}.json`);
    const child = on(LOAD_CPU, join(tools, 'sfuload'), ['--url', server.url, '--pid', server.pid, '--json', json, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    createInterface({ input: child.stderr }).on('line', (line) => { told(line); if (process.env.VERBOSE) console.error(line); });
    const code = await ended(child);
    let report;
    try {
        report = JSON.parse(readFileSync(json, 'utf8'));
    } catch {
        throw new Error(`sfuload left no report (exit ${code}): ${args.join(' ')}`);
    }
    report.troubles = code === 0 || code === null ? [] : [`sfuload exit ${code}`];
    if (report.integrity?.generator_socket_drops)
        report.troubles.push(`the generator was too slow: ${report.integrity.generator_socket_drops} drops`);
    const simulated = args.includes('--drop') || args.includes('--uplink-drop');
    if (!simulated && report.integrity?.lost)
        report.troubles.push(`${report.integrity.lost} packets lost`);
    return report;
}

const one = (...args) => withServer((server) => load(server, args));

/** The least that a server can do, per forwarded packet: N subscribers of each of `pubs`. */
async function ideal(subscribers, pubs = 1) {
    const child = on(SERVER_CPU, join(tools, 'ideal_sfu'), [subscribers, 5, 'evp-gcm', 'ring', `pubs=${pubs}`, `peers=${LOAD_CPU}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    await ended(child);
    return Number(text.match(/cpu ([\d.]+) us/)[1]);
}

/* -- what is measured ---------------------------------------------------------------------- */

const steady = ['--audio', '--duration', 5, '--warmup', 1.5];
const perPacket = (report) => report.server.cpu_us_per_forwarded_packet;
const meeting = (n) => ['--publishers', n, '--subscribers', n, '--mesh', ...steady];
const lecture = (n) => ['--publishers', 1, '--subscribers', n, ...steady];

/** Microseconds of a packet, ours and the limit's. */
const ratio = (args, limit) => async () => {
    const report = await one(...args);
    return { value: perPacket(report), limit: await ideal(...limit), troubles: report.troubles };
};

/** One figure of a report, or several: {value, note, troubles}. */
const figure = (args, read) => async () => {
    const report = await one(...args);
    return { troubles: report.troubles, ...read(report) };
};

const ms = (us) => us / 1000;
const delays = (report) => `p50 ${ms(report.delay.p50_us).toFixed(2)} ms, lost ${report.integrity.lost}, ${(report.window.forwarded_pps / 1000).toFixed(0)}k packets/s, ${Math.round(report.server.cpu_cores * 100)} % of a core`;

/* A lecture of ten goes on in one room while a hundred come into another on the same worker, all at once. */
const storm = async () => withServer(async (server) => {
    let joined = 0;
    const others = { started: null };
    const running = new Promise((resolve) => { others.running = resolve; });
    const watched = load(server, ['--publishers', 1, '--subscribers', 10, '--audio', '--duration', 1.5, '--warmup', 1, '-v'],
        (line) => /subscribers with media/.test(line) && others.running());
    await running;
    await sleep(1000);
    const report = await load(server, ['--room', 78000, '--publishers', 1, '--subscribers', 100, '--audio', '--no-video', '--storm', '--duration', 1, '--warmup', 0.5]);
    const meanwhile = await watched;
    joined = report.join.all_media_s;
    return { value: joined, second: ms(meanwhile.delay.p99_us), troubles: [...report.troubles, ...meanwhile.troubles],
        note: `others' max ${ms(meanwhile.delay.max_us).toFixed(1)} ms` };
});

/* The same publishers, whose packets are kept once, before few and before many: what a stream more takes, of 38 each as in
 * BASELINE.md's meeting of twenty. */
const streams = async () => {
    const [few, many] = [8, 28];
    const run = (n) => one('--publishers', 19, '--subscribers', n, '--audio', '--video-kbps', 100, '--duration', 3, '--warmup', 3);
    const [a, b] = [await run(few), await run(many)];
    return { value: (b.server.rss_end_kb - a.server.rss_end_kb) / ((many - few) * 38), troubles: [...a.troubles, ...b.troubles],
        note: `${b.server.rss_kb_per_subscriber.toFixed(0)} KB a subscriber of 38` };
};

const rows = [
    { name: 'lecture50', what: 'lecture 1 → 50', unit: 'us/packet', janus: 7.1, goal: 1.35, run: ratio(lecture(50), [50]) },
    { name: 'lecture200', what: 'lecture 1 → 200', unit: 'us/packet', janus: 8.6, goal: 1.35, run: ratio(lecture(200), [200]) },
    { name: 'mesh10', what: 'meeting 10 × 10', unit: 'us/packet', janus: 4.3, goal: 1.5, run: ratio(meeting(10), [9, 10]) },
    { name: 'mesh5', what: 'meeting 5 × 5', unit: 'us/packet', janus: 3.7, goal: 1.5, run: ratio(meeting(5), [4, 5]) },
    { name: 'loss', what: '2 % loss with NACK, 1 → 50', unit: 'us/packet', janus: 7.6, goal: 1.6, run: ratio([...lecture(50), '--drop', 2], [50]) },
    { name: 'thousand', what: 'p99 delay, 1 → 1,000', unit: 'ms', goal: 20, janus: 'does not fit',
      run: figure(['--publishers', 1, '--subscribers', 1000, '--audio', '--duration', 5, '--warmup', 1.5], (r) => ({ value: ms(r.delay.p99_us), note: delays(r) })) },
    { name: 'delay200', what: 'p99 delay, lecture 1 → 200', unit: 'ms', goal: 5, janus: 38,
      run: figure(lecture(200), (r) => ({ value: ms(r.delay.p99_us), note: delays(r) })) },
    { name: 'join', what: 'CPU per join, net of forwarding', unit: 'ms', goal: 1.2, janus: 2.8,
      run: figure(['--publishers', 1, '--subscribers', 100, '--audio', '--no-video', '--storm', '--duration', 2, '--warmup', 1], (r) => ({ value: r.join.server_cpu_ms_per_join_net })) },
    { name: 'storm', what: 'storm of 100: all have media', unit: 's', goal: 0.25, janus: 0.5, run: storm, secondWhat: "storm of 100: others' p99 delay", secondUnit: 'ms', secondGoal: 20 },
    { name: 'idle', what: 'memory of an idle publisher', unit: 'KB', goal: 20, janus: 195,
      run: figure(['--publishers', 200, '--subscribers', 0, '--audio', '--no-media', '--duration', 4, '--warmup', 2], (r) => ({ value: (r.server.rss_end_kb - r.server.rss_start_kb) / 200, note: `from ${r.server.rss_start_kb} KB` })) },
    { name: 'idledata', what: 'memory of an idle publisher with a data channel', unit: 'KB', goal: 90, janus: '195 and more',
      run: figure(['--publishers', 100, '--subscribers', 0, '--audio', '--data', '--no-media', '--duration', 4, '--warmup', 2], (r) => ({ value: (r.server.rss_end_kb - r.server.rss_start_kb) / 100, note: `${r.generator.associations} associations` })) },
    { name: 'idlesub', what: 'memory of an idle subscriber', unit: 'KB', goal: 20, janus: 156,
      run: figure(['--publishers', 1, '--subscribers', 200, '--audio', '--no-media', '--settle', 2, '--duration', 4, '--warmup', 2], (r) => ({ value: r.server.rss_kb_per_subscriber })) },
    { name: 'stream', what: 'memory per subscribed stream, media flowing', unit: 'KB', goal: 2, janus: 42, run: streams },
    { name: 'rest', what: 'CPU of 100 idle PeerConnections', unit: '% of a core', goal: 0.5, janus: 5,
      run: figure(['--publishers', 100, '--subscribers', 0, '--audio', '--no-media', '--duration', 10, '--warmup', 2], (r) => ({ value: r.server.cpu_cores * 100, note: `${r.server.ctxsw_per_s.toFixed(0)} wake-ups a second` })) },
    { name: 'signaling', what: 'create/attach/detach/destroy, 16 in flight', unit: 'us', goal: 30, janus: 47,
      run: figure(['--sigrate', 16, '--duration', 3, '--warmup', 0.5], (r) => ({ value: r.cpu_us_per_transaction, note: `${Math.round(r.transactions_per_s)} a second` })) },
];

/* -- the table ----------------------------------------------------------------------------- */

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const text = (value) => value === undefined ? '' : typeof value === 'string' ? value : value >= 100 ? value.toFixed(0) : value.toFixed(2);

const missed = [];

function print(what, values, limits, unit, goal, janus, note) {
    const value = median(values), ratios = limits && values.map((one, i) => one / limits[i]);
    const counts = ratios ? median(ratios) : value;
    const span = values.length > 1 ? ` (${text(Math.min(...values))} to ${text(Math.max(...values))})` : '';
    if (!(counts <= goal))
        missed.push(`${what}: ${text(counts)}, not ${text(goal)}`);
    console.log(`| ${what} | ${text(value)}${span} ${unit} | ${limits ? text(median(limits)) : ''} | ${ratios ? `${text(counts)}` : ''} | ${text(goal)} | ${text(janus)} | ${counts <= goal ? 'yes' : 'no'} | ${note ?? ''} |`);
}

const wanted = process.argv.slice(2);
if (wanted.includes('list')) {
    rows.forEach((row) => console.log(`${row.name.padEnd(12)} ${row.what}`));
    process.exit(0);
}
const unknown = wanted.filter((name) => !rows.some((row) => row.name === name));
if (unknown.length) {
    console.error(`no row ${unknown.join(', ')}; there are ${rows.map((row) => row.name).join(' ')}`);
    process.exit(2);
}
console.log('| what | Stoa (from to) | limit | ratio | goal | Janus 1.4 | reached | |\n| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const row of rows.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const runs = [];
    for (let round = 0; round < Number(ROUNDS); round++)
        runs.push(await row.run());
    const troubles = [...new Set(runs.flatMap((run) => run.troubles))];
    missed.push(...troubles.map((trouble) => `${row.what}: ${trouble}`));
    const note = [runs.at(-1).note, ...troubles].filter(Boolean).join('; ');
    const limits = runs[0].limit === undefined ? null : runs.map((run) => run.limit);
    print(row.what, runs.map((run) => run.value), limits, row.unit, row.goal, row.janus, note);
    if (row.secondWhat)
        print(row.secondWhat, runs.map((run) => run.second), null, row.secondUnit, row.secondGoal, '', '');
}
if (missed.length) {
    console.error(`missed, at a load of ${loadavg()[0].toFixed(1)} (delays and losses count on a quiet machine only):\n${missed.map((one) => `  ${one}`).join('\n')}`);
    process.exitCode = 1;
}
