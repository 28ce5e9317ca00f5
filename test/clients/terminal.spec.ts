import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  FIRST_CALL_USAGE,
  LATER_CALL_USAGE,
  scriptedOutputTokens,
} from '../support/scripted-model/anthropic-answer.js';
import { answerAfterTools } from '../support/scripted-model/scene.js';
import { type ClaudeTerminal, openClaudeCode } from './support/claude-terminal.js';
import { removeFolders } from './support/folders.js';
import { textOf } from './support/json.js';
import { CLAUDE_CODES } from './support/programs.js';
import { type Rig, startRig } from './support/rig.js';
import { terminalSkipReason } from './support/terminal.js';
import { turnsOf } from './support/turns.js';

// Three model calls of the scripted model: two with a command, and the one that says what they printed.
const COMMAND_TOKENS = scriptedOutputTokens(JSON.stringify({ command: 'true', description: 'Run a command' }));
const ANSWER_TOKENS = scriptedOutputTokens(answerAfterTools(['(Bash completed with no output)']));
const OUTPUT = 2 * COMMAND_TOKENS + ANSWER_TOKENS;
// Claude Code keeps no split of the tokens that were written to the cache.
const { cache_creation: _, ...LATER_CALL } = LATER_CALL_USAGE;
const LAST_CALL = { ...LATER_CALL, output_tokens: ANSWER_TOKENS };
const WHOLE_TURN = {
  input_tokens: FIRST_CALL_USAGE.input_tokens + 2 * LATER_CALL_USAGE.input_tokens,
  cache_creation_input_tokens: FIRST_CALL_USAGE.cache_creation_input_tokens,
  cache_read_input_tokens: 2 * LATER_CALL_USAGE.cache_read_input_tokens,
  output_tokens: OUTPUT,
};

describe.skipIf(terminalSkipReason !== undefined).each(CLAUDE_CODES)(
  'Claude Code $version in a terminal',
  (testCase) => {
    const { program, version } = testCase;
    let rig: Rig;
    let claude: ClaudeTerminal | undefined;

    beforeAll(async () => {
      rig = await startRig('claude-code', { CHIRON_DEMO: 'on', CHIRON_MODEL_ROUTES: 'claude-agent-a=demo' });
    });
    afterEach(async () => {
      await claude?.close();
      claude = undefined;
    });
    afterAll(async () => {
      await rig.close();
      await removeFolders();
    });

    const open = async (environment: Readonly<Record<string, string>> = {}): Promise<ClaudeTerminal> => {
      claude = await openClaudeCode(program, rig.server.url, environment);
      return claude;
    };

    it('shows the answers to consecutive prompts', async () => {
      const terminal = await open();
      await terminal.submit('SCENE:text A heron stood there');
      await terminal.shows('● A heron stood there');
      await terminal.submit('SCENE:text And then it flew');
      const screen = await terminal.shows('● And then it flew');
      expect(screen).not.toContain('API Error');
      expect(await turnsOf(rig.server, await keyOf(terminal))).toHaveLength(2);
    });

    it('stops at Escape, and the next prompt stops the agent', async () => {
      const terminal = await open();
      await terminal.submit('SCENE:slow 10000 20');
      await terminal.shows('word5 ');
      await terminal.press('Escape');
      await terminal.shows('Interrupted');
      await terminal.submit('SCENE:text Back to work');
      await terminal.shows('● Back to work');
      expect(await turnsOf(rig.server, await keyOf(terminal))).toMatchObject([
        { status: 'completed' },
        { status: 'cancelled' },
      ]);
    });

    it('shows the usage of a turn of three model calls, and the context size after the last one', async () => {
      const terminal = await open();
      await terminal.submit('SCENE:steps true && true');
      await terminal.shows('It printed');
      await expect
        .poll(() => terminal.status(), { timeout: 10_000 })
        .toMatchObject({
          context_window: { current_usage: version !== '2.1.197' ? LAST_CALL : WHOLE_TURN },
        });
      await terminal.submit('/usage');
      await terminal.shows(`400 input, ${OUTPUT} output, 600 cache read, 20 cache write`);
    });

    it('shows the parts of the context with /context', async () => {
      const terminal = await open();
      await terminal.submit('SCENE:text Hello');
      await terminal.shows('● Hello');
      await terminal.submit('/context');
      const screen = await terminal.shows(/System tools: [\d.]+k tokens/);
      expect(screen).toMatch(/System prompt: [\d.]+k tokens/);
      expect(screen).toMatch(/[\d.]+k?\/1m tokens/);
    });

    it('offers Chiron’s models, and requests the selected one', async () => {
      const terminal = await open({ CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: '1' });
      await terminal.submit('/model');
      await terminal.shows('claude-agent-a');
      await pick(terminal, 'claude-agent-a');
      await terminal.shows('Set model to');
      await terminal.submit('Who are you?');
      await terminal.shows('I am the demo agent');
      expect(await terminal.status()).toMatchObject({ model: { id: 'claude-agent-a' } });
    });
  },
);

/** The thread of the session. */
async function keyOf(terminal: ClaudeTerminal): Promise<string> {
  return `api:claude:${textOf((await terminal.status())['session_id'])}`;
}

/** Moves down a menu until the mark stands before the entry, and takes it. */
async function pick(terminal: ClaudeTerminal, entry: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const isMarked = new RegExp(`❯ +\\d+\\. +${entry}`).test(await terminal.screen());
        if (!isMarked) await terminal.press('Down');
        return isMarked;
      },
      { timeout: 10_000, interval: 200 },
    )
    .toBe(true);
  await terminal.press('Enter');
}
