import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { lastValueFrom, Subject, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentEndpoints } from '../../broker/endpoints/agent-endpoints.js';
import { type McpMessageServer, toMcpHandler } from '../../broker/endpoints/mcp-handler.js';
import type { AgentSettings } from '../../config/agent-settings.js';
import type { CallerTools } from '../../domain/caller-tool.js';
import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import { asObject, asObjects, asString, parseObject } from '../../domain/json.js';
import { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { Sandbox, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { HarnessThread, HarnessTurn } from '../harness.js';
import { AcpSession } from './acp.session.js';

Logger.overrideLogger(false);

const TOOLS: CallerTools = {
  tools: [{ name: 'look up', description: '', inputSchema: { type: 'object' }, isStrict: false, isDeferred: false }],
  allowsParallelCalls: true,
};
const AGENT: AgentSettings = {
  name: 'fake',
  displayName: 'Fake',
  command: 'fake',
  args: [],
  env: {},
  passedVariables: [],
  instructionsFile: undefined,
  models: [],
  modelChoice: undefined,
  allowMode: undefined,
  settingsFiles: [],
  usesMcp: true,
  dialect: 'standard',
  provider: undefined,
};

let folder: string;
let agent: FakeAgent;
let session: AcpSession;
const endpoints = new AgentEndpoints();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-acp-'));
  for (const name of ['home', 'workspace']) mkdirSync(join(folder, name));
  agent = new FakeAgent();
  session = openSession();
});

afterEach(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

function openSession(sessionId?: string): AcpSession {
  const folders = { workspace: join(folder, 'workspace'), home: join(folder, 'home'), server: folder };
  const thread: HarnessThread = {
    id: 'thread',
    folders,
    files: new ThreadFiles(folder),
    model: undefined,
    systemPrompt: undefined,
    tools: 'all',
    sessionId,
    env: {},
    serveMcp: async (server: McpMessageServer) => {
      const path = endpoints.add('thread', toMcpHandler(server));
      const url = `http://127.0.0.1:${await endpoints.listen()}${path}`;
      return { url, headers: {}, close: () => endpoints.remove(path) };
    },
  };
  const sandbox = { spawn: () => agent.start(), templateText: () => Promise.resolve(undefined) };
  return new AcpSession(thread, AGENT, 'fake', sandbox as unknown as Sandbox, new Logger());
}

/** An agent that calls tools of its MCP server `caller`, at once, as its prompt says: `call 1`, `call 2`; else it repeats the prompt. */
class FakeAgent {
  readonly prompts: string[] = [];
  starts = 0;
  #calls = new AbortController();
  #isCancelled = false;

  /** Leaves the calls that wait. */
  giveUp(): void {
    this.#calls.abort();
    this.#calls = new AbortController();
  }

  start(): SandboxProcess {
    this.starts += 1;
    const lines = new Subject<readonly string[]>();
    const say = (message: object) => lines.next([JSON.stringify({ jsonrpc: '2.0', ...message })]);
    let isStopped = false;
    let url = '';
    const answer = async ({ id, method, params }: JsonObject): Promise<void> => {
      const fields = asObject(params);
      if (method === 'initialize')
        say({
          id,
          result: { protocolVersion: 1, agentCapabilities: { loadSession: true, mcpCapabilities: { http: true } } },
        });
      else if (method === 'session/new' || method === 'session/load') {
        url = asString(asObjects(fields['mcpServers'])[0]?.['url']) ?? '';
        say({ id, result: { sessionId: 's' } });
      } else if (method === 'session/cancel') {
        this.#isCancelled = true;
        this.giveUp();
      } else if (method === 'session/prompt') {
        this.#isCancelled = false;
        const text = asObjects(fields['prompt'])
          .map((block) => asString(block['text']))
          .join('\n');
        this.prompts.push(text);
        const results = await Promise.all(
          [...text.matchAll(/call (\d)/g)].map(([, n]) => call(url, Number(n), update, this.#calls.signal)),
        );
        if (isStopped) return;
        if (this.#isCancelled) {
          say({ id, result: { stopReason: 'cancelled' } });
          return;
        }
        update({
          sessionUpdate: 'agent_message_chunk',
          content: { type: 'text', text: `${text}: ${results.join(', ')}` },
        });
        say({ id, result: { stopReason: 'end_turn' } });
      }
    };
    const update = (content: object) => say({ method: 'session/update', params: { sessionId: 's', update: content } });
    return {
      lines$: lines,
      exit: new Promise<SandboxExit>((resolve) => {
        lines.subscribe({ complete: () => resolve({ code: 0, signal: null, stderr: '' }) });
      }),
      writeLine: (line) => void answer(asObject(parseObject(line))),
      stop: () => {
        isStopped = true;
        this.giveUp();
        return Promise.resolve(lines.complete());
      },
    };
  }
}

async function call(
  url: string,
  number: number,
  update: (content: object) => void,
  signal: AbortSignal,
): Promise<string> {
  const list = await post(url, { id: 0, method: 'tools/list' });
  const name = asString(asObjects(asObject(list['result'])['tools'])[0]?.['name']) ?? '';
  const toolCallId = `t${number}`;
  const rawInput = { number };
  update({ sessionUpdate: 'tool_call', toolCallId, title: `caller_${name}`, rawInput, status: 'in_progress' });
  const params = { name, arguments: rawInput };
  const { result } = await post(url, { id: number, method: 'tools/call', params }, signal).catch(
    (): JsonObject => ({}),
  );
  update({ sessionUpdate: 'tool_call_update', toolCallId, status: 'completed' });
  return asObjects(asObject(result)['content'])
    .map(({ text }) => asString(text))
    .join(' ');
}

async function post(url: string, message: object, signal?: AbortSignal): Promise<JsonObject> {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal && { signal }),
  });
  return parseObject(/\{.*\}/s.exec(await response.text())?.[0] ?? '') ?? {};
}

function run(text: string, more: Partial<HarnessTurn> = {}): Promise<readonly HarnessEvent[]> {
  const prompt = text === '' ? [] : [{ type: 'text', text } as const];
  const turn: HarnessTurn = { id: 'turn', prompt, attempt: 1, turnIndex: 0, callerTools: TOOLS, ...more };
  return lastValueFrom(session.run(turn).pipe(toArray())).then((batches) => batches.flat());
}

const answerTo = (callId: string, text: string, isError = false) =>
  ({ callId, content: [{ type: 'text', text }], isError }) as const;
const callsIn = (events: readonly HarnessEvent[]) => events.filter(({ type }) => type === 'caller-tool-call');
const textOf = (events: readonly HarnessEvent[]) =>
  events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])).join('');

describe('an agent that calls tools of the caller', () => {
  it('waits for their results, and goes on in the turn that brings them', async () => {
    const first = await run('call 1 and call 2');
    expect(callsIn(first)).toEqual([
      { type: 'caller-tool-call', id: 't1', name: 'look up', input: { number: 1 } },
      { type: 'caller-tool-call', id: 't2', name: 'look up', input: { number: 2 } },
    ]);
    expect(first.at(-1)).toEqual({ type: 'turn-end', reason: 'tool_use' });
    expect(first.some(({ type }) => type === 'tool-call')).toBe(false);
    const second = await run('', { toolResults: [answerTo('t2', 'two'), answerTo('t1', 'one')] });
    expect(textOf(second)).toBe('call 1 and call 2: one, two');
    expect(second.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
    expect([agent.prompts.length, agent.starts]).toEqual([1, 1]);
  });

  it('hears what the user says besides the results', async () => {
    await run('call 1');
    const second = await run('hurry', { toolResults: [answerTo('t1', 'one')] });
    expect(textOf(second)).toBe('call 1: one Besides, the user says: hurry');
  });

  it('is told the results in a message when its process is gone', async () => {
    const first = await run('call 1');
    await session.close();
    session = openSession('s');
    const loadCallEvents = () => Promise.resolve(first);
    await run('', { toolResults: [answerTo('t1', 'one')], loadCallEvents });
    expect(agent.prompts.at(-1)).toBe('The caller\'s tool look up, which you called with {"number":1}, returned:\none');
    expect(agent.starts).toBe(2);
  });

  it('is interrupted when another message comes instead of the results', async () => {
    await run('call 1');
    const second = await run('something else');
    expect(textOf(second)).toMatch(/has not run the tools that you called last[^]*\nsomething else: $/);
    expect([agent.starts, session.alive]).toEqual([1, true]);
  });

  it('is not asked what was interrupted while it left the calls before', async () => {
    await run('call 1');
    const second = run('something else');
    session.interrupt();
    expect((await second).at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    expect(agent.prompts).toEqual(['call 1']);
  });

  it('is stopped when it gives up a call that its caller still works on', async () => {
    await run('call 1');
    agent.giveUp();
    await expect.poll(() => session.alive).toBe(false);
  });
});
