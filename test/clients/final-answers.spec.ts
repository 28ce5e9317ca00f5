// What programs that run Claude Code take for its answer: nothing of the agent's tools, with nothing set on either side.
import { query, type SDKMessage } from '@anthropic-ai/claude-agent-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { agentEnvironment } from './support/agent-environment.js';
import { all } from './support/all.js';
import { newClaudeCode } from './support/claude-code.js';
import { removeFolders } from './support/folders.js';
import { isRecord } from './support/json.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';

const WORKS = 'List the files.';
/** The agent ends with a tool, and has no words after it. */
const SAYS_NOTHING = 'Do it, and say nothing.';

describe.skipIf(skipReason !== undefined)('The final answer', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => {
      const prompt = readPromptText(run.turn.prompt);
      run.end(
        ...textBlock('Looking.', 'a'),
        { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 'toolu_1', content: [{ type: 'text', text: 'a.txt' }], isError: false },
        ...(prompt.endsWith(SAYS_NOTHING) ? [] : textBlock(`One file, in turn ${run.turn.turnIndex + 1}.`, 'b')),
      );
    };
  });
  afterAll(async () => {
    await app.close();
    await removeFolders();
  });

  describe.each(CLAUDE_CODES)('of claude -p $version', ({ program }) => {
    it('is the agent’s last text, in every output format', async () => {
      const caller = await newClaudeCode(app.url, {}, program);
      expect(await caller.print('-p', WORKS)).toBe('One file, in turn 1.\n');
      expect(resultIn(await caller.print('-p', WORKS, '--output-format', 'json'))).toBe('One file, in turn 1.');
      const { result, blocks } = await caller.ask(WORKS);
      expect(result['result']).toBe('One file, in turn 1.');
      expect(blocks.map(({ type }) => type)).toEqual(['text', 'mcp_tool_use', 'mcp_tool_result', 'text']);
    });

    it('is correct in a conversation continued with --continue and --resume', async () => {
      const caller = await newClaudeCode(app.url, {}, program);
      const { sessionId } = await caller.ask(WORKS);
      expect(await caller.print('-p', `${WORKS} Again.`, '--continue')).toBe('One file, in turn 2.\n');
      expect(await caller.print('-p', `${WORKS} Once more.`, '--resume', sessionId)).toBe('One file, in turn 3.\n');
    });

    it('is empty, and not an error, when the agent ends without text, and the conversation continues', async () => {
      const caller = await newClaudeCode(app.url, {}, program);
      expect((await caller.print('-p', SAYS_NOTHING)).trim()).toBe('');
      const { result, exitCode, sessionId } = await caller.ask(SAYS_NOTHING);
      expect(result).toMatchObject({ subtype: 'success', is_error: false, result: '' });
      expect(exitCode).toBe(0);
      expect(await caller.print('-p', WORKS, '--resume', sessionId)).toBe('One file, in turn 2.\n');
    });
  });

  it('of the Agent SDK is the agent’s last text, with the tools as blocks', async () => {
    const options = await agentEnvironment(app.url);
    const messages = await all(query({ prompt: WORKS, options }));
    expect(resultOf(messages)).toMatchObject({ subtype: 'success', result: 'One file, in turn 1.' });
    expect(JSON.stringify(messages)).toContain('"mcp_tool_use"');
    const silent = await all(query({ prompt: SAYS_NOTHING, options }));
    expect(resultOf(silent)).toMatchObject({ subtype: 'success', result: '' });
  });
});

function resultOf(messages: readonly SDKMessage[]) {
  return messages.find(({ type }) => type === 'result');
}

function resultIn(printed: string): unknown {
  const value: unknown = JSON.parse(printed);
  return isRecord(value) ? value['result'] : undefined;
}
