/* SPDX-License-Identifier: MIT */
/* Ways to the server that only namespaces can build: other hosts, routers, firewalls, relays; in Chromium. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakeMedia, launch, until } from '../lib/browser.mjs';
import { openRoom } from '../lib/load.mjs';
import { slow, start } from '../lib/gateway.mjs';
import { inside, lacking } from '../lib/namespace.mjs';
import { join as joinRoom, signIn } from '../lib/rooms.mjs';
import { forward, host, link, run, unplug } from '../lib/topology.mjs';

const place = await inside(fileURLToPath(import.meta.url));

/* -- in the page ------------------------------------------------------------------------------------- */

/* Open an echo test whose media can be looked at by `window.look()`. */
async function begin({ servers, policy, protocol }) {
    const { Stoa } = await import('/js/stoa.js');
    const stoa = await Stoa.connect({ iceServers: servers ?? [] });
    const handle = await stoa.attach('stoa.plugin.echotest');
    const pc = handle.open();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240, frameRate: 15 } });
    const hangups = [];
    const core = handle.oncore;
    handle.oncore = (message) => { core(message); if (message.janus === 'hangup') hangups.push(message.reason); };
    if (policy)
        pc.setConfiguration({ ...pc.getConfiguration(), iceTransportPolicy: policy });
    if (protocol) { /* the other candidates of the server are not heard of */
        const describe = pc.setRemoteDescription.bind(pc);
        pc.setRemoteDescription = ({ type, sdp }) => describe({ type, sdp: sdp.split('\r\n')
            .filter((line) => !line.startsWith('a=candidate:') || line.toLowerCase().includes(` ${protocol} `)).join('\r\n') });
    }
    handle.restart = () => handle.offer({ audio: true, video: true }, { restart: true });
    stream.getTracks().forEach((track) => pc.addTrack(track, stream));
    await handle.offer({ audio: true, video: true });
    Object.assign(window, { pc, handle, stoa, stream });
    window.look = async () => {
        const stats = [...(await pc.getStats()).values()];
        const pair = stats.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
        const end = (id) => {
            const { candidateType: type, address, protocol: by, relayProtocol } = stats.find((one) => one.id === id) ?? {};
            return { type, address, by, relayProtocol };
        };
        const sound = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio') ?? {};
        const picture = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video') ?? {};
        return {
            frames: picture.framesDecoded ?? 0, packets: sound.packetsReceived ?? 0, lost: sound.packetsLost ?? 0,
            frozen_s: picture.totalFreezesDuration ?? 0, local: end(pair?.localCandidateId), remote: end(pair?.remoteCandidateId),
            state: pc.connectionState, hangups,
        };
    };
}

/* -- outside ----------------------------------------------------------------------------------------- */

const HTTP = 18088, WEBSOCKET = 18188; /* nobody else is in there */
const NAME = 'school.example', IPV6 = 'fd00:1::1', PUBLIC = '203.0.113.1', PRIVATE = '10.9.0.2';
const pages = (address) => `http://${address}:${HTTP}`;

/* A gateway on another host, with its signaling at an address. */
const serve = (at, address, ...more) => start({ wrap: at.wrap }, `http:listen.address=${address}`, `websocket:listen.address=${address}`,
    `http:listen.port=${HTTP}`, `websocket:listen.port=${WEBSOCKET}`, 'stoa:media.workers=1', ...more);

/* A firewall that lets out all but this. */
const dropping = (what, hook = 'output') => `nft 'add table inet f; add chain inet f c { type filter hook ${hook} priority 0; }; add rule inet f c ${what} drop'`;

/* One browser for all; a page gets a camera only where it is called secure. */
const open = () => launch(...fakeMedia, `--host-resolver-rules=MAP ${NAME} [${IPV6}]`,
    `--unsafely-treat-insecure-origin-as-secure=${['10.1.1.1', '10.1.3.1', NAME, PUBLIC].map(pages)}`);

/* What the operator, on the server itself, is told of the way to the only call there is. */
function pathOf(at, gateway) {
    const admin_secret = readFileSync(join(gateway.data, 'admin.secret'), 'utf8').trim();
    const ask = (path, janus) => JSON.parse(execFileSync(at.wrap[0], [...at.wrap.slice(1), process.execPath, '-e',
        'fetch(process.argv[1], { method: "POST", body: process.argv[2] }).then((one) => one.text()).then(console.log)',
        `${gateway.admin}/admin${path}`, JSON.stringify({ transaction: 'a', admin_secret, janus })]));
    const [session] = ask('', 'list_sessions').sessions;
    const [handle] = ask(`/${session}`, 'list_handles').handles;
    return ask(`/${session}/${handle}`, 'handle_info').info.webrtc.path;
}

/* Wait for so many more frames and packets than now: media flows both ways, since it is an echo. */
async function flows(tab, more = 15) {
    const before = await tab.evaluate(() => window.look());
    return until(tab, async ({ frames, packets }) => {
        const now = await window.look();
        return now.frames >= frames && now.packets >= packets && now;
    }, { frames: before.frames + more, packets: before.packets + more }, 60000 * slow);
}

const SECRET = 'relay';

/* A relay on a host, for users with a password, or with passwords of a secret. */
async function relay(programs, at, address, users) {
    const base = join(mkdtempSync(join(tmpdir(), 'stoa-turn-')), 'turndb');
    run(`sqlite3 ${base} < /usr/share/coturn/schema.sql`);
    const child = spawn(at.wrap[0], [...at.wrap.slice(1), 'turnserver', '-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout',
        '--pidfile', '/dev/null', '--userdb', base, '--realm', 'school.example', '--listening-ip', '10.9.0.1', '--listening-ip', PUBLIC, '--relay-ip', address, ...users],
    { stdio: ['ignore', 'pipe', 'ignore'] });
    programs.push({ kill: () => { child.kill(); rmSync(dirname(base), { recursive: true, force: true }); } });
    let log = '';
    child.stdout.on('data', (chunk) => { log += chunk; });
    for (const end = Date.now() + 20000 * slow; !at.run('ss -Hltn sport = :3478').includes(PUBLIC); await sleep(50))
        assert.ok(Date.now() < end && child.exitCode === null, `no relay: ${log}`);
}

/* How long no packet of sound came while `change` was done and after, in ms. */
async function gap(tab, change) {
    await tab.evaluate(() => {
        window.pause = { longest: 0 };
        let last = 0, at = performance.now();
        window.watching = setInterval(async () => {
            const { packets } = await window.look();
            const now = performance.now();
            if (packets !== last) {
                window.pause.longest = Math.max(window.pause.longest, now - at);
                [last, at] = [packets, now];
            }
        }, 50);
    });
    await change();
    return async () => Math.round(await tab.evaluate(() => { clearInterval(window.watching); return window.pause.longest; }));
}

function tests() {
    const hosts = [], programs = [];
    const other = async () => { const one = await host(); hosts.push(one); return one; };
    let gateway, browser, tab;
    run('ip link set stoa0 down'); /* each test lays its own cables, and no others are there */
    before(async () => { browser = await open(); });
    after(() => browser?.close());

    /* A tab with a call in it, on a page at an address. */
    async function call(address, wanted = {}) {
        await tab?.close();
        tab = await browser.newPage();
        await tab.goto(`${pages(address)}/`);
        await tab.evaluate(begin, wanted);
        return tab;
    }

    async function stop() {
        const how = await gateway?.stop();
        gateway = null;
        if (how)
            assert.equal(how.code, 0);
    }

    afterEach(async () => {
        await tab?.close();
        tab = null;
        await stop();
        programs.splice(0).forEach((one) => one.kill());
        unplug();
        await Promise.all(hosts.splice(0).map((one) => one.stop()));
        run('nft flush ruleset');
    });

    test('a cable is pulled: the call goes on by the other one', async () => {
        const server = await other();
        const cables = [1, 2, 3].map((n) => link({ addresses: [`10.1.${n}.2/24`] }, { host: server, addresses: [`10.1.${n}.1/24`] })[0]);
        run(dropping('ip saddr 10.1.3.2 ip daddr != 10.1.3.1')); /* the third is for signaling alone */
        gateway = await serve(server, '10.1.3.1', 'stoa:media.addresses=10.1.1.1;10.1.2.1');
        await call('10.1.3.1');
        const { local } = await flows(tab);
        const paused = await gap(tab, () => run(`ip link set ${cables[local.address === '10.1.2.2' ? 1 : 0]} down`));
        const now = await flows(tab);
        console.log(`from ${local.address} to ${now.local.address}: ${await paused()} ms without sound`);
        assert.notEqual(now.local.address, local.address);
        assert.deepEqual(now.hangups, []);
    });

    test('a firewall closes UDP under a running call: it goes on over TCP, with lite and with full ICE', async () => {
        const server = await other();
        link({ addresses: ['10.1.1.2/24'] }, { host: server, addresses: ['10.1.1.1/24'] });
        for (const ice of ['lite', 'full']) {
            gateway = await serve(server, '10.1.1.1', 'stoa:media.addresses=10.1.1.1', `stoa:media.ice=${ice}`);
            await call('10.1.1.1');
            assert.equal((await flows(tab)).local.by, 'udp');
            const paused = await gap(tab, () => run(dropping('meta l4proto udp')));
            const now = await flows(tab);
            console.log(`${ice}: ${await paused()} ms without sound`);
            assert.equal(now.local.by, 'tcp');
            assert.deepEqual(now.hangups, []);
            run('nft flush ruleset');
            await stop();
        }
    });

    test('IPv6 alone will do, over UDP and over TCP', async () => {
        const server = await other();
        link({ addresses: ['fd00:1::2/64'] }, { host: server, addresses: [`${IPV6}/64`] });
        gateway = await serve(server, IPV6);
        for (const protocol of ['udp', 'tcp']) { /* by name: a page's policy knows no numbers of IPv6 */
            const { local, remote } = await flows(await call(NAME, { protocol }));
            assert.deepEqual([local.by, remote.address.replace(/[[\]]/g, '')], [protocol, IPV6]);
        }
    });

    /* Ours, a router, and a server behind it whose address nobody can reach; what comes for the router's address is the server's, and nothing else. */
    async function behindNat(forwarded) {
        const [router, server] = [await other(), await other()];
        link({ addresses: ['198.51.100.2/24'] }, { host: router, addresses: ['198.51.100.1/24'] });
        link({ host: server, addresses: [`${PRIVATE}/24`] }, { host: router, addresses: ['10.9.0.1/24'] });
        run(`ip route add ${PUBLIC} via 198.51.100.1`);
        server.run('ip route add default via 10.9.0.1');
        forward(router);
        router.run(`ip address add ${PUBLIC}/32 dev lo
nft -f - <<X
table ip nat {
    chain pre { type nat hook prerouting priority -100; ip daddr ${PUBLIC} ${forwarded} dnat to ${PRIVATE}; }
    chain post { type nat hook postrouting priority 100; ip saddr ${PRIVATE} snat to ${PUBLIC}; }
}
table ip filter {
    chain forward { type filter hook forward priority 0; policy drop; ct status dnat accept; }
}
X`);
        return { router, server };
    }

    test('behind a 1:1 NAT the server is reached at the address that media.addresses names, with lite and with full ICE', async () => {
        const { server } = await behindNat('');
        for (const ice of ['lite', 'full']) {
            gateway = await serve(server, PRIVATE, `stoa:media.addresses=${PUBLIC}`, `stoa:media.ice=${ice}`);
            const { remote } = await flows(await call(PUBLIC));
            assert.equal(remote.address, PUBLIC);
            await stop();
        }
    });

    test('a server that cannot be reached takes calls by a relay of its own', async () => {
        const { router, server } = await behindNat(`tcp dport { ${HTTP}, ${WEBSOCKET} }`);
        await relay(programs, router, PUBLIC, ['--lt-cred-mech', '--user', 'stoa:relay']);
        for (const transport of ['udp', 'tcp']) {
            gateway = await serve(server, PRIVATE, 'stoa:media.ice=full',
                'stoa:media.turn_server=10.9.0.1:3478', 'stoa:media.turn_user=stoa', 'stoa:media.turn_password=relay',
                `stoa:media.turn_transport=${transport}`);
            const { remote } = await flows(await call(PUBLIC));
            assert.deepEqual([remote.type, remote.address], ['relay', PUBLIC]);
            assert.equal(pathOf(server, gateway), 'full, relayed');
            await stop();
        }
    });

    test('who gets out by a relay over TCP alone is in, with the password that joining a room gives', async () => {
        const { router, server } = await behindNat(`tcp dport { ${HTTP}, ${WEBSOCKET} }`);
        await relay(programs, router, '10.9.0.1', ['--use-auth-secret', '--static-auth-secret', SECRET]);
        run(dropping(`ip daddr ${PUBLIC} meta l4proto udp`));
        gateway = await serve(server, PRIVATE, `rooms:ice.turn_secret=${SECRET}`,
            `rooms:ice.servers=turn:${PUBLIC}:3478?transport=tcp`);
        const reached = { ...gateway, http: pages(PUBLIC) };
        const { ice_servers: servers } = await joinRoom(reached, { room: await openRoom(reached, (await signIn(reached, 'hana@school.example')).token), name: 'Ana' });
        assert.equal(servers.length, 1);
        const { local } = await flows(await call(PUBLIC, { servers }));
        assert.deepEqual([local.type, local.relayProtocol], ['relay', 'tcp']);
    });
}

if (place.inside)
    tests();
else if (place.why)
    lacking('networks', place.why);
