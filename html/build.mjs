/* SPDX-License-Identifier: MIT */
/* Libraries of the pages, from npm into lib/: one ES module each, with its licences. */
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const licences = ['yjs', 'lib0', 'isomorphic.js'].map((name) => {
    const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
    return `${name} ${version}\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8')}`;
});

await build({
    stdin: { contents: "export * from 'yjs';", resolveDir: '.' },
    outfile: 'lib/yjs.js',
    bundle: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    banner: { js: `/*\n${licences.join('\n').replaceAll('*/', '* /')}*/` },
    logLevel: 'warning',
});
