/* SPDX-License-Identifier: MIT */
/* The reference of the rooms API names each route that there is, and no other. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tree } from '../lib/gateway.mjs';

test('docs/rooms-api.md has the routes of core/web', () => {
    const sources = readdirSync(join(tree, 'core/web')).filter((name) => name.endsWith('.c')).map((name) => readFileSync(join(tree, 'core/web', name), 'utf8'));
    const names = { room: 'ID', participant: 'PID', invitation: 'IID', file: 'FID' };
    const routes = sources.flatMap((text) => [...text.matchAll(/\{ "(GET|POST|PATCH|DELETE|PUT)",\s*"(\/[^"]*)"/g)]).map(([, method, path]) => `${method} ${path.replace(/:(\w+)/g, (_, name) => names[name] ?? name)}`);
    const told = [...readFileSync(join(tree, 'docs/rooms-api.md'), 'utf8').matchAll(/^\| `((?:GET|POST|PATCH|DELETE|PUT) [^` ]+)`/gm)].map(([, route]) => route);
    assert.ok(routes.length > 20);
    assert.deepEqual([...new Set(told)].sort(), [...new Set(routes)].sort());
});
