import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClaudeCode } from './support/claude-code.js';
import { newFolder, newSharedFolder, removeFolders, type SharedFolder } from './support/folders.js';
import { recordsOf, textOf } from './support/json.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';

interface Case {
  readonly harness: RealHarness;
  /** A model of the harness's kind that is not its default. */
  readonly otherModel: string;
  /** What a turn with one tool run costs; see the scripted models. */
  readonly toolTurnUsage: Readonly<Record<string, unknown>>;
}

const CASES: readonly Case[] = [
  {
    harness: 'claude-code',
    otherModel: 'claude-haiku-4-5',
    toolTurnUsage: { input_tokens: 250, cache_creation_input_tokens: 20, cache_read_input_tokens: 300 },
  },
  {
    harness: 'codex',
    otherModel: 'gpt-6',
    toolTurnUsage: {
      input_tokens: 300,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 600,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 10 },
    },
  },
];

const ABOUT_THE_CALLER = 'It describes the machine and the tools of the caller, not yours:';
const CANARY = 'what-only-the-server-may-know';

describe.skipIf(skipReason !== undefined).each(CASES)('Claude Code in front of $harness', (testCase) => {
  const { harness, otherModel, toolTurnUsage } = testCase;
  let rig: Rig;
  let shared: SharedFolder;

  beforeAll(async () => {
    const template = await newFolder('workspace-template');
    await mkdir(join(template, 'notes'));
    await writeFile(join(template, 'AGENTS.md'), 'The house rule is to be kind.\n');
    shared = await newSharedFolder('marker');
    rig = await startRig(harness, {
      ...shared.setting,
      CHIRON_WORKSPACE_TEMPLATE: template,
      CHIRON_API_KEYS: `tests:${CANARY}`,
      A_SECRET_OF_THE_SERVER: CANARY,
    });
  });

  afterAll(async () => {
    await rig.close();
    await removeFolders();
  });

  const newCaller = (environment: Readonly<Record<string, string>> = {}) =>
    newClaudeCode(rig.server.url, { ANTHROPIC_API_KEY: CANARY, ...environment });

  it('prints a plain reply as its result', async () => {
    const run = await (await newCaller()).ask('SCENE:text Hello from the inside');
    expect(run).toMatchObject({
      exitCode: 0,
      blocks: [{ type: 'text', text: 'Hello from the inside' }],
      result: { subtype: 'success', is_error: false, stop_reason: 'end_turn', result: 'Hello from the inside' },
    });
  });

  it('shows an inner tool with its output, and does not run it itself', async () => {
    const caller = await newCaller();
    const marker = join(shared.path, 'runs');
    const { blocks, result, toolOutput } = await caller.ask(`SCENE:tool echo ran >> ${marker}; pwd; cat AGENTS.md`);
    expect(await readFile(marker, 'utf8')).toBe('ran\n');
    expect(toolOutput).toMatch(/^\/(?:.*\/)?workspace\nThe house rule is to be kind\.\n?$/);
    expect(blocks.filter(({ type }) => type !== 'thinking')).toMatchObject([
      { type: 'text', text: 'Let me run it.' },
      { type: 'mcp_tool_use', server_name: 'agent', input: { command: expect.stringContaining(marker) } },
      { type: 'mcp_tool_result', is_error: false },
      { type: 'text', text: `It printed ${JSON.stringify(toolOutput.trim())}.` },
    ]);
    expect(result).toMatchObject({ is_error: false, num_turns: 1, permission_denials: [] });
  });

  it('shows two tools of one step, each with its own output', async () => {
    const { blocks } = await (await newCaller()).ask('SCENE:parallel echo first && echo second');
    const uses = blocks.filter(({ type }) => type === 'mcp_tool_use').map((block) => block['id']);
    const results = blocks.filter(({ type }) => type === 'mcp_tool_result');
    expect(results.map((block) => block['tool_use_id'])).toEqual(expect.arrayContaining(uses));
    const outputs = results.flatMap((block) => recordsOf(block['content'])).map(({ text }) => textOf(text).trim());
    expect(outputs.toSorted()).toEqual(['first', 'second']);
  });

  it('counts the usage of the inner model calls', async () => {
    const { result } = await (await newCaller()).ask('SCENE:tool true');
    expect(result['usage']).toMatchObject(toolTurnUsage);
    expect(result).toMatchObject({
      usage: { iterations: [{ type: 'message' }, { type: 'message' }] },
      total_cost_usd: expect.toSatisfy((cost: unknown) => typeof cost === 'number' && cost > 0 && cost < 1),
    });
  });

  it('has its requested model used by the inner agent, whose tools see it as CLAUDE_MODEL', async () => {
    const caller = await newCaller();
    const { toolOutput } = await caller.ask('SCENE:tool echo "<$CLAUDE_MODEL>"', '--model', otherModel);
    expect(toolOutput.trim()).toBe(`<${otherModel}>`);
    expect(rig.model.requests.at(-1)?.model).toBe(otherModel);
  });

  it('has its system prompt passed on, marked as the caller’s and without the billing block', async () => {
    const caller = await newCaller();
    await caller.ask('SCENE:text yes', '--append-system-prompt', 'The caller wants rhymes.');
    const request = rig.model.requests.at(-1);
    const system = request?.system ?? '';
    const [before, callers = ''] = system.split(ABOUT_THE_CALLER);
    expect(callers).toContain('The caller wants rhymes.');
    expect(callers).not.toContain('x-anthropic-billing-header');
    expect(before).not.toContain('The caller wants rhymes.');
    expect(before).toContain('The house rule is to be kind.');
    expect(JSON.stringify(request?.body).split('The house rule is to be kind.')).toHaveLength(2);
  });

  it('shows a request that the inner model rejects as an API error of the same type', async () => {
    const { exitCode, result } = await (await newCaller()).ask('SCENE:fail 400 invalid_request_error');
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({
      is_error: true,
      api_error_status: 400,
      api_error_type: 'invalid_request_error',
      result: 'API Error: 400 scripted invalid_request_error',
    });
  });

  it('shows an overloaded inner model as overloaded, after its retries', async () => {
    const caller = await newCaller({ CLAUDE_CODE_MAX_RETRIES: '1' });
    const before = rig.model.requests.length;
    const { exitCode, result } = await caller.ask('SCENE:fail 529 overloaded_error');
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ is_error: true, api_error_status: 529, api_error_type: 'overloaded_error' });
    expect(rig.model.requests.length - before).toBeGreaterThanOrEqual(2);
  });

  it('gives the agent only the intended variables of the server’s environment', async () => {
    const { toolOutput } = await (await newCaller()).ask('SCENE:tool env');
    expect(toolOutput).toMatch(/^HOME=(.*\/threads\/.*\/home|\/home\/agent)$/m);
    expect(toolOutput).toMatch(/^CENTAUR_THREAD_KEY=api:claude:/m);
    expect(toolOutput).not.toContain(CANARY);
    expect(toolOutput).not.toMatch(/^CHIRON_(DATA_DIR|API_KEYS|CLAUDE_BIN)=/m);
  });

  it('shows a wrong key as a failed authentication, and does not retry', async () => {
    const caller = await newCaller({ ANTHROPIC_API_KEY: 'a-wrong-key' });
    const { exitCode, result, retries } = await caller.ask('SCENE:text not to be heard');
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ is_error: true, api_error_status: 401 });
    expect(retries).toBe(0);
  });
});
