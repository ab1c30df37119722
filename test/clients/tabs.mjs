/* SPDX-License-Identifier: MIT */
/* A gateway, and a browser whose tabs have janus.js as it comes from npm, with the words of janus-page.js. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { launch } from '../lib/browser.mjs';
import { start } from '../lib/gateway.mjs';

const require = createRequire(import.meta.url);
const files = {
    '/janus.js': new URL('../node_modules/janus-gateway/npm/dist/janus.es.js', import.meta.url),
    '/adapter.js': require.resolve('webrtc-adapter/out/adapter.js'),
    '/page.js': new URL('janus-page.js', import.meta.url),
};
const page = '<!doctype html><script src="adapter.js"></script><script type="module" src="page.js"></script>';

/** {gateway, urls, inTab(url, play), stop()}; @more  for Chromium's command line */
export async function startTabs(...more) {
    const server = createServer((request, response) => {
        response.setHeader('content-type', files[request.url] ? 'text/javascript' : 'text/html');
        response.end(files[request.url] ? readFileSync(files[request.url]) : page);
    }).listen(0, '127.0.0.1');
    const gateway = await start('websocket:listen.allow_origins=*', 'http:listen.allow_origins=*');
    const browser = await launch(...more);
    return {
        gateway, urls: { WebSocket: gateway.websocket, 'HTTP long poll': `${gateway.http}/janus` },
        /* Run a function of the tab with these arguments; fails with what the tab throws. */
        async inTab(argument, play) {
            const tab = await (await browser.newContext({ permissions: ['camera', 'microphone'] })).newPage();
            await tab.goto(`http://127.0.0.1:${server.address().port}/`);
            await tab.waitForFunction(() => window.ready, null, { timeout: 60000 });
            const result = await tab.evaluate(play, argument);
            await tab.context().close();
            return result;
        },
        /* The gateway's exit code. */
        async stop() {
            await browser.close();
            server.close();
            return (await gateway.stop()).code;
        },
    };
}
