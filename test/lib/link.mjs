/* SPDX-License-Identifier: MIT */
/* A poor link between a client and the gateway: test/tools/link, a UDP relay with loss and delay. Rates: lib/narrow.mjs. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tree } from './gateway.mjs';

const tool = join(process.env.STOA_BUILD ?? join(tree, 'build'), 'test/tools/link');

/** Open one to the first worker of a gateway, on its host. @wrap  of that, where it is another one @address  of the gateway there */
export async function openLink(gateway, { wrap = [], address = '127.0.0.1' } = {}) {
    const port = /media=udp\/(\d+)/.exec(gateway.ready)[1];
    const [program, ...args] = [...wrap, tool, address, port];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value;
    const say = (line) => child.stdin.write(`${line}\n`);
    const link = { address, port: Number(await next()) };
    const words = (conditions) => Object.entries(conditions).map(([key, value]) => `${key}=${value}`).join(' ');
    /** {loss: share, delay: ms}, from the client to the server or back */
    link.up = (conditions) => say(`up ${words(conditions)}`);
    link.down = (conditions) => say(`down ${words(conditions)}`);
    /** The server sees the client at another port from now on. */
    link.move = () => say('move');
    /** A description of the gateway's in which the link stands for it. */
    link.through = ({ type, sdp }) => ({
        type, sdp: sdp.replace(/a=(candidate:|end-of-candidates).*\r\n/g, '').replace(/a=ice-pwd:\S+\r\n/g, (line) => `${line}a=candidate:1 1 udp 2130706431 ${address} ${link.port} typ host\r\n`),
    });
    link.close = () => new Promise((resolve) => {
        child.once('exit', resolve);
        child.stdin.end();
    });
    return link;
}
