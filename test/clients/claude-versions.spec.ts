import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newClaudeCode } from './support/claude-code.js';
import { removeFolders } from './support/folders.js';
import { isRecord, textOf } from './support/json.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';
import { turnsOf } from './support/turns.js';

// The demo agent's own commands have a space before them, so that Claude Code 2.1.197 does not take them for its own.
describe.skipIf(skipReason !== undefined).each(CLAUDE_CODES)('claude -p of $version', ({ program }) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const newCaller = (environment: Readonly<Record<string, string>> = {}) =>
    newClaudeCode(server.url, environment, program);

  it('prints the answer as text', async () => {
    expect((await (await newCaller()).print('-p', ' /stream 3 5')).trim()).toBe('word0 word1 word2');
  });

  it('prints the answer, its session and its cost as JSON', async () => {
    const printed: unknown = JSON.parse(await (await newCaller()).print('-p', 'Hello', '--output-format', 'json'));
    expect(printed).toMatchObject({
      subtype: 'success',
      is_error: false,
      result: expect.stringContaining('You said: Hello'),
      session_id: expect.any(String),
      usage: { input_tokens: 2, output_tokens: 1 },
    });
    const sessionId = isRecord(printed) ? textOf(printed['session_id']) : '';
    expect(await turnsOf(server, `api:claude:${sessionId}`)).toHaveLength(1);
  });

  it('prints each piece of the answer when it arrives', async () => {
    const args = ['-p', ' /stream 5 20', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'];
    const lines = (await (await newCaller()).print(...args)).trim().split('\n');
    const events = lines.map((line): unknown => JSON.parse(line)).filter(isRecord);
    const deltas = events.map(({ event }) => (isRecord(event) && isRecord(event['delta']) ? event['delta'] : {}));
    expect(deltas.map(({ text }) => textOf(text)).filter((text) => text !== '')).toEqual(
      Array.from({ length: 5 }, (_, index) => `word${index} `),
    );
  });

  it('continues its conversation with --resume and with --continue', async () => {
    const caller = await newCaller();
    const first = await caller.ask('!echo the first turn');
    const second = await caller.ask('The second', '--resume', first.sessionId);
    expect(second.result['result']).toContain('This is turn 2 of this thread. You said: The second');
    const third = await caller.ask('The third', '--continue');
    expect(third.result['result']).toContain('This is turn 3 of this thread. You said: The third');
    expect(third.sessionId).toBe(first.sessionId);
  });

  it('shows inner tools as blocks, and runs none of them', async () => {
    const { blocks, result, toolOutput } = await (await newCaller()).ask('!pwd');
    expect(blocks).toMatchObject([
      { type: 'mcp_tool_use', name: 'shell', input: { command: 'pwd' } },
      { type: 'mcp_tool_result', is_error: false },
      { type: 'text', text: 'The command worked.' },
    ]);
    expect(toolOutput).toMatch(/\/workspace$/);
    expect(result).toMatchObject({ num_turns: 1, permission_denials: [] });
  });

  it('finds Chiron at an address with /v1, too', async () => {
    const caller = (await newCaller()).to(`${server.url}/v1`);
    expect(await caller.print('-p', 'Hello')).toContain('You said: Hello');
  });

  it('shows the failure of the agent', async () => {
    const { exitCode, result, retries } = await (await newCaller()).ask(' /fail billing');
    expect(retries).toBe(0);
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ is_error: true, api_error_status: 500 });
  });
});
