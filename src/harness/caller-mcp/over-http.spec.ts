import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { AgentEndpoints } from '../../broker/endpoints/agent-endpoints.js';
import { toMcpHandler } from '../../broker/endpoints/mcp-handler.js';
import type { CallerToolCall } from '../../domain/caller-tool.js';
import { CallerCalls } from './caller-calls.js';

const TOOL = {
  name: 'look',
  description: 'Looks.',
  inputSchema: { type: 'object' },
  isStrict: false,
  isDeferred: false,
};

const endpoints = new AgentEndpoints();
const clients: Client[] = [];
let calls: CallerCalls;
let arrived: CallerToolCall[];
let ended: string[];
let url: string;

beforeEach(async () => {
  [arrived, ended] = [[], []];
  const [started, server] = await CallerCalls.start(
    { tools: [TOOL], allowsParallelCalls: true },
    { onArrival: (call) => arrived.push(call), onEnd: (id) => ended.push(id), turnId: () => 'turn' },
  );
  calls = started;
  url = `http://127.0.0.1:${await endpoints.listen()}${endpoints.add('one', toMcpHandler(server))}`;
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1' });
  clients.push(client);
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

const answer = (callId: string, text: string) =>
  calls.answer([{ callId, content: [{ type: 'text', text }], isError: false }], 'turn');

describe('the caller’s tools over HTTP', () => {
  it('are listed, and answer a client of MCP when the caller has', async () => {
    const client = await connect();
    expect((await client.listTools()).tools).toMatchObject([{ name: 'look' }]);
    const result = client.callTool({ name: 'look', arguments: { at: 'it' } });
    await eventually(() => arrived).toMatchObject([{ name: 'look', input: { at: 'it' } }]);
    answer(arrived[0]?.id ?? '', 'a heron');
    expect((await result).content).toEqual([{ type: 'text', text: 'a heron' }]);
  });

  it('tell calls of two connections apart, which count their requests alike', async () => {
    const [first, second] = [await connect(), await connect()];
    const results = [first.callTool({ name: 'look' }), second.callTool({ name: 'look' })];
    await eventually(() => arrived.length).toBe(2);
    for (const [index, { id }] of arrived.entries()) answer(id, `answer ${index}`);
    const texts = (await Promise.all(results)).map(({ content }) => JSON.stringify(content));
    expect(texts.toSorted()).toEqual([expect.stringContaining('answer 0'), expect.stringContaining('answer 1')]);
  });

  it('know when a client has given up a call, by a message or by leaving', async () => {
    const client = await connect();
    await expect(client.callTool({ name: 'look' }, undefined, { timeout: 1 })).rejects.toThrow('timed out');
    await eventually(() => ended.length).toBe(1);
    const other = await connect();
    const result = other.callTool({ name: 'look' }).catch(() => undefined);
    await eventually(() => arrived.length).toBe(2);
    await other.close();
    await result;
    await eventually(() => ended).toEqual(arrived.map(({ id }) => id));
  });

  it('refuse what is no message', async () => {
    const statusOf = async (options: RequestInit) => (await fetch(url, options)).status;
    expect(await statusOf({ method: 'POST', body: '[]' })).toBe(400);
    expect(await statusOf({ method: 'POST', body: '{' })).toBe(400);
    expect(await statusOf({ method: 'GET' })).toBe(405);
  });
});
