/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, start } from '../lib/gateway.mjs';

test('a greeting reaches everybody in the room', async () => {
    const gateway = await start();
    const client = await connect(gateway.websocket);
    const { data: { id: session_id } } = await client.request({ janus: 'create' });
    const { data: { id: handle_id } } = await client.request({ janus: 'attach', session_id, plugin: 'stoa.plugin.@NAME@' });
    const say = async (body, key) => {
        await client.request({ janus: 'message', session_id, handle_id, body });
        return (await client.event((one) => one.plugindata?.data?.[key])).plugindata.data;
    };
    assert.ok((await say({ request: 'greet' }, 'error_code')).error);
    assert.equal((await say({ request: 'join', room: 7, display: 'Ana' }, 'reply')).state.greetings, 0);
    assert.equal((await say({ request: 'greet' }, 'event')).from, 'Ana');
    client.close();
    assert.equal((await gateway.stop()).code, 0);
});
