// SPDX-License-Identifier: MIT
// Starts a transport module on the fake host, and speaks raw TCP to it. Shared by the tests beside it.
//
// STOA_FAKE_HOST names the program, STOA_MODULES the folder of http.so and websocket.so.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import tls from 'node:tls';

// Under a sanitizer things take longer: what is waited for, at most, is multiplied by it.
export const slow = Number(process.env.STOA_SLOW ?? (process.env.STOA_SANITIZED ? 4 : 1));
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function startHost(module, ...settings) {
  const child = spawn(process.env.STOA_FAKE_HOST, [join(process.env.STOA_MODULES, `${module}.so`),
    'listen.port=0', ...settings], { stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'] });
  const host = { child, lines: [], origins: {} };
  const waiters = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    host.lines.push(line);
    const [word, role, origin] = line.split(' ');
    if (word === 'listening') host.origins[role] = origin;
    waiters.splice(0).forEach((wake) => wake());
  });
  host.line = async (start, ms = 5000) => {
    const until = Date.now() + ms * slow;
    for (;;) {
      const found = host.lines.find((line) => line.startsWith(start));
      if (found) return found;
      if (Date.now() > until || child.exitCode !== null) throw new Error(`no "${start}" in ${host.lines}`);
      await Promise.race([new Promise((done) => waiters.push(done)), sleep(50)]);
    }
  };
  host.signal = (name) => child.kill(name);
  host.stop = async () => {
    child.kill('SIGTERM');
    const [code, signal] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    return { code, signal, said: host.lines.at(-1) };
  };
  host.memory = () => Number(/VmRSS:\s+(\d+)/.exec(execFileSync('cat', [`/proc/${child.pid}/status`]))[1]);
  host.descriptors = () => execFileSync('ls', [`/proc/${child.pid}/fd`]).toString().trim().split('\n').length;
  host.ended = async () => { if (child.exitCode === null) await once(child, 'exit'); await sleep(20); };
  return host;
}

// A TCP (or TLS) connection whose bytes can be awaited.
export async function dial(origin, options = {}) {
  const { hostname, port, protocol } = new URL(origin);
  const secure = protocol === 'https:' || protocol === 'wss:';
  const socket = secure ? tls.connect({ host: hostname, port, rejectUnauthorized: false, ...options })
    : net.connect({ host: hostname, port, ...options });
  const peer = { socket, data: Buffer.alloc(0), ended: false };
  const waiters = [];
  const wake = () => waiters.splice(0).forEach((done) => done());
  socket.on('data', (chunk) => { peer.data = Buffer.concat([peer.data, chunk]); wake(); });
  socket.on('close', () => { peer.ended = true; wake(); });
  socket.on('error', () => { peer.ended = true; wake(); });
  await once(socket, secure ? 'secureConnect' : 'connect');
  peer.until = async (test, ms = 5000) => {
    const end = Date.now() + ms * slow;
    while (!test(peer)) {
      if (Date.now() > end) throw new Error(`timeout; got ${peer.data.toString('latin1').slice(0, 500)}`);
      await Promise.race([new Promise((done) => waiters.push(done)), sleep(100)]);
    }
    return peer.data;
  };
  peer.closed = async (ms = 5000) => {
    const began = Date.now();
    await peer.until((p) => p.ended, ms);
    return Date.now() - began;
  };
  return peer;
}

export function makeCertificate(name) {
  const dir = mkdtempSync(join(tmpdir(), 'stoa-cert-'));
  renewCertificate(dir, name);
  return { dir, certificate: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
}

export function renewCertificate(dir, name, kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']) {
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...kind, '-subj', `/CN=${name}`,
    '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
}
