import { describe, expect, it, vi } from 'vitest';
import type { CallerTool, CallerToolCall } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { CallerCalls } from './caller-calls.js';

const tool = (name: string, more: Partial<CallerTool> = {}): CallerTool => ({
  name,
  description: '',
  inputSchema: { type: 'object', properties: { q: { type: 'string' } } },
  isStrict: false,
  isDeferred: false,
  ...more,
});

async function start() {
  const arrived: CallerToolCall[] = [];
  const ended: string[] = [];
  const tools = { tools: [tool('look'), tool('a.b', { isStrict: true })], allowsParallelCalls: true };
  const [calls, server] = await CallerCalls.start(tools, {
    onArrival: (call) => arrived.push(call),
    onEnd: (id) => ended.push(id),
    turnId: () => 'turn',
  });
  const send = (id: number, method: string, params: JsonObject = {}) =>
    server.answer({ jsonrpc: '2.0', id, method, params });
  const call = (id: number, callId: string, name: string, input: JsonObject) =>
    send(id, 'tools/call', { name, arguments: input, _meta: { 'claudecode/toolUseId': callId } });
  return { calls, server, arrived, ended, send, call };
}

describe('the server of the caller’s tools', () => {
  it('tells its tools beforehand and when it is asked', async () => {
    const { server, send } = await start();
    expect(server.manifest.initializeResult).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
    });
    expect(server.manifest.toolsListResult).toMatchObject({
      tools: [{ name: 'look' }, { name: expect.stringMatching(/^a_b_/) }],
    });
    expect(await send(1, 'tools/list')).toEqual({ jsonrpc: '2.0', id: 1, result: server.manifest.toolsListResult });
  });

  it('answers a notification, and an unknown method with an error', async () => {
    const { server, send } = await start();
    expect(await server.answer({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({ result: {} });
    expect(await send(1, 'resources/list')).toMatchObject({ id: 1, error: { code: -32601 } });
  });

  it('answers calls when their results come, in any order', async () => {
    const { calls, arrived, call } = await start();
    const [one, two] = [call(1, 'c1', 'look', { q: 'a' }), call(2, 'c2', 'look', {})];
    await vi.waitFor(() => expect(arrived).toHaveLength(2));
    expect(arrived[0]).toEqual({ id: 'c1', name: 'look', input: { q: 'a' } });
    calls.answer(
      [
        { callId: 'c2', content: [{ type: 'text', text: 'two' }], isError: false },
        { callId: 'c1', content: [{ type: 'text', text: 'one' }], isError: true },
      ],
      'next',
    );
    expect(await two).toMatchObject({
      id: 2,
      result: { content: [{ text: 'two' }], _meta: { 'chiron/turn': 'next' } },
    });
    expect(await one).toMatchObject({ id: 1, result: { content: [{ text: 'one' }], isError: true } });
  });

  it('refuses a call with an invalid input of a strict tool, and one of a tool that is gone', async () => {
    const { arrived, ended, call, server } = await start();
    const names = (server.manifest.toolsListResult['tools'] as readonly { readonly name: string }[]).map(
      ({ name }) => name,
    );
    expect(await call(1, 'c1', names[1] ?? '', { q: 1 })).toMatchObject({
      result: {
        isError: true,
        content: [{ text: expect.stringContaining('#/q (type)') }],
        _meta: { 'chiron/turn': 'turn' },
      },
    });
    expect(await call(2, 'c2', 'gone', {})).toMatchObject({ result: { isError: true } });
    expect([arrived, ended]).toEqual([[], ['c1', 'c2']]);
  });

  it('forgets a call that Claude Code gives up', async () => {
    const { server, arrived, ended, call } = await start();
    void call(7, 'c1', 'look', {});
    await vi.waitFor(() => expect(arrived).toHaveLength(1));
    await server.answer({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } });
    await vi.waitFor(() => expect(ended).toEqual(['c1']));
  });
});
