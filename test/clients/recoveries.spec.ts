import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { type ClaudeCodeRun, newClaudeCode } from './support/claude-code.js';
import { type Cut, startCuttingProxy } from './support/cutting-proxy.js';
import { removeFolders } from './support/folders.js';
import { isRecord, recordsOf } from './support/json.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';

const WORDS = 30;
// The space keeps Claude Code 2.1.197 from taking it for a command of its own.
const PROMPT = ` /stream ${WORDS} 60`;
const ALL = Array.from({ length: WORDS }, (_, index) => `word${index} `).join('');

describe.skipIf(skipReason !== undefined).each(CLAUDE_CODES)(
  'Claude Code $version, cut off',
  ({ program, version }) => {
    let server: RunningServer;

    beforeAll(async () => {
      server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
    });

    afterAll(async () => {
      await server.stop();
      await removeFolders();
    });

    async function askThrough(...cuts: readonly Cut[]) {
      const proxy = await startCuttingProxy(server.url, cuts);
      onTestFinished(() => proxy.close());
      const caller = await newClaudeCode(proxy.url, {}, program);
      const run = await caller.ask(PROMPT);
      return { run, requests: proxy.requests, turns: await turnsOf(run) };
    }

    async function turnsOf(run: ClaudeCodeRun): Promise<number> {
      const key = encodeURIComponent(`api:claude:${run.sessionId}`);
      const body: unknown = await (await fetch(`${server.url}/api/session/${key}`)).json();
      if (!isRecord(body)) throw new Error('no session');
      return recordsOf(body['turns']).length;
    }

    const said = (run: ClaudeCodeRun): string =>
      run.blocks.map((block) => (typeof block['text'] === 'string' ? block['text'] : '')).join('');

    it('before the first text gets the complete answer of one turn', async () => {
      const { run, turns, requests } = await askThrough({ at: 'word0 ' });
      expect(requests.length).toBeGreaterThan(1);
      expect(said(run)).toContain(ALL);
      expect(turns).toBe(1);
    });

    it('in mid-answer gets the complete answer of one turn', async () => {
      const { run, turns, requests } = await askThrough({ at: 'word12 ' });
      expect(requests.length).toBeGreaterThan(1);
      expect(said(run)).toContain(ALL);
      expect(turns).toBe(1);
    });

    it('inside a tool that is shown as text gets its remainder, from one turn', async () => {
      const proxy = await startCuttingProxy(server.url, [{ at: '⎿' }]);
      onTestFinished(() => proxy.close());
      const caller = await newClaudeCode(
        proxy.url,
        { ANTHROPIC_CUSTOM_HEADERS: 'x-chiron-tool-blocks: text' },
        program,
      );
      const run = await caller.ask(' !echo from the inside');
      expect(proxy.requests.length).toBeGreaterThan(1);
      expect(said(run)).toMatch(/shell\(echo from the inside\)\n```text\n⎿ {2}from the inside\n```/);
      expect(run.result).toMatchObject({ is_error: false, result: 'The command worked.' });
      expect(await turnsOf(run)).toBe(1);
    });

    it('repeatedly causes only one turn, and gets its complete answer if it keeps retrying', async () => {
      const { run, turns } = await askThrough({ at: 'word3 ' }, { at: 'word6 ' }, { at: 'word9 ' });
      // 2.1.197 asks for the whole message after the first cut, and gives up when that is cut, too.
      expect(said(run)).toContain(version === '2.1.197' ? 'empty or malformed response' : ALL);
      expect(turns).toBe(1);
    });

    it('after the complete text, but before the end of the message, causes only one turn', async () => {
      const { run, turns, requests } = await askThrough({ at: 'message_stop' });
      expect(requests.length).toBeGreaterThan(1);
      expect(said(run)).toContain(ALL);
      expect(run.exitCode).toBe(0);
      expect(turns).toBe(1);
    });
  },
);
