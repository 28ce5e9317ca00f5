import Anthropic from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newClaudeCode } from './support/claude-code.js';
import { type ClaudeTerminal, openClaudeCode } from './support/claude-terminal.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord, recordsOf, textOf } from './support/json.js';
import { threadProcesses } from './support/processes.js';
import { CLAUDE_CODE, skipReason } from './support/programs.js';
import { type RecordingProxy, startRecordingProxy } from './support/recording-proxy.js';
import { type Rig, startRig } from './support/rig.js';
import { terminalSkipReason } from './support/terminal.js';
import { turnsOf } from './support/turns.js';

/** The demo agent answers with the number of the turn, and `/seed` with the messages that it was seeded with. */
const DEMO = { CHIRON_DEFAULT_HARNESS: 'demo' };

let server: RunningServer;
let proxy: RecordingProxy;

beforeEach(async () => {
  server = await startServer({ ...DEMO, CHIRON_DATA_DIR: await newFolder('data') });
  proxy = await startRecordingProxy(server.url);
});

afterEach(async () => {
  await proxy.close();
  await server.stop();
});

afterAll(removeFolders);

const outcomes = (): readonly unknown[] => proxy.recorded.map(({ history }) => history);

describe.skipIf(skipReason !== undefined)('claude -p', () => {
  it('goes on with its thread over --resume', async () => {
    const caller = await newClaudeCode(proxy.url);
    const first = await caller.ask('first prompt');
    const second = await caller.ask('second prompt', '--resume', first.sessionId);
    expect(textOf(second.result['result'])).toContain('This is turn 2 of this thread.');
    expect(outcomes()).toEqual(['new', 'continued']);
  });

  it('with --fork-session gets a thread of its own, whose agent is seeded', async () => {
    const caller = await newClaudeCode(proxy.url);
    const first = await caller.ask('first prompt');
    const forked = await caller.ask('/seed', '--resume', first.sessionId, '--fork-session');
    expect(forked.sessionId).not.toBe(first.sessionId);
    expect(textOf(forked.result['result'])).toMatch(/<user>\nfirst prompt\n<\/user>\n<assistant>\nThis is turn 1 of/);
    const after = await caller.ask('and then', '--resume', first.sessionId);
    expect(textOf(after.result['result'])).toContain('This is turn 2 of this thread.');
    expect(outcomes()).toEqual(['new', 'seeded', 'continued']);
  });

  it('with --resume at a server that lost its store has its agent seeded', async () => {
    const caller = await newClaudeCode(proxy.url);
    const first = await caller.ask('first prompt');
    await server.stop();
    server = await startServer({ ...DEMO, CHIRON_DATA_DIR: await newFolder('data') });
    proxy.to(server.url);
    const resumed = await caller.ask('/seed', '--resume', first.sessionId);
    expect(resumed.sessionId).toBe(first.sessionId);
    expect(textOf(resumed.result['result'])).toMatch(/<user>\nfirst prompt\n<\/user>\n<assistant>\nThis is turn 1 of/);
    expect(outcomes()).toEqual(['new', 'seeded']);
  });

  it('goes on with the thread’s own record after /compact', async () => {
    const caller = await newClaudeCode(proxy.url);
    const { sessionId } = await caller.ask('first prompt');
    await caller.ask('second prompt', '--resume', sessionId);
    await caller.print('-p', '/compact', '--resume', sessionId);
    const third = await caller.ask('third prompt', '--resume', sessionId);
    expect(textOf(third.result['result'])).toContain('This is turn 3 of this thread.');
    const fourth = await caller.ask('fourth prompt', '--resume', sessionId);
    expect(textOf(fourth.result['result'])).toContain('This is turn 4 of this thread.');
    expect(outcomes()).toEqual(['new', 'continued', 'compacted', 'continued']);
  });
});

describe.skipIf(terminalSkipReason !== undefined)('Claude Code in a terminal', () => {
  let claude: ClaudeTerminal | undefined;

  afterEach(async () => {
    await claude?.close();
    claude = undefined;
  });

  /** Has a conversation of three prompts, and opens the menu of the second one with Escape twice. */
  async function openRewindMenu(): Promise<ClaudeTerminal> {
    const terminal = await openClaudeCode(CLAUDE_CODE, proxy.url);
    claude = terminal;
    for (const [index, prompt] of ['first prompt', 'second prompt', 'third prompt'].entries()) {
      await terminal.submit(prompt);
      await terminal.shows(`This is turn ${index + 1} of this thread.`);
      await terminal.shows(/^❯\s*$/m);
    }
    await terminal.press('Escape', 'Escape');
    await terminal.shows('Restore the code and/or conversation');
    await terminal.press('Up', 'Up');
    await terminal.shows(/❯ second prompt/);
    await terminal.press('Enter');
    await terminal.shows('❯ 1. Restore conversation');
    return terminal;
  }

  it('that rewinds its conversation with Escape twice forks the thread', async () => {
    const terminal = await openRewindMenu();
    await terminal.press('Enter');
    // In the input box, which has a line below it; the conversation shows the prompt, too.
    await terminal.shows(/^❯\ssecond prompt\s*\n─/m);
    await terminal.press('C-u');
    await terminal.shows(/^❯\s*\n─/m);
    await terminal.submit('second prompt in other words');
    await terminal.shows('This is turn 2 of this thread. You said: second prompt in other words');
    await terminal.submit('and on');
    await terminal.shows('This is turn 3 of this thread. You said: and on');
    expect(outcomes()).toEqual(['new', 'continued', 'continued', 'forked', 'continued']);
    const key = `api:claude:${textOf((await terminal.status())['session_id'])}`;
    expect(await turnsOf(server, key)).toHaveLength(3);
    const branch = (await threadKeys()).find((other) => other.startsWith(`${key}~`));
    expect(await turnsOf(server, branch ?? '')).toHaveLength(2);
  });

  it('goes on with the thread’s own record after "Summarize from here"', async () => {
    const terminal = await openRewindMenu();
    await terminal.press('Down');
    await terminal.shows('❯ 2. Summarize from here');
    await terminal.press('Enter');
    await terminal.shows('Summarized conversation');
    await terminal.press('C-u');
    await terminal.shows(/^❯\s*\n─/m);
    await terminal.submit('and on');
    await expect.poll(outcomes, { timeout: 10_000 }).toEqual(['new', 'continued', 'continued', 'compacted']);
    await terminal.shows('This is turn 4 of this thread.');
  });
});

describe.skipIf(skipReason !== undefined).each(['claude-code', 'codex'] as const)(
  'a stateless SDK caller of %s',
  (harness) => {
    let rig: Rig | undefined;

    afterEach(async () => {
      await rig?.close();
      rig = undefined;
    });

    it('that resends everything has its agent seeded once, and then reaches the same process', async () => {
      rig = await startRig(harness);
      const client = new Anthropic({ baseURL: rig.server.url, apiKey: 'none', maxRetries: 0 });
      const messages: Anthropic.MessageParam[] = [
        { role: 'user', content: 'The bird was a heron' },
        { role: 'assistant', content: 'A heron, then' },
      ];
      const processes: (number | undefined)[] = [];
      for (const prompt of ['SCENE:text one', 'SCENE:text two', 'SCENE:text three']) {
        messages.push({ role: 'user', content: prompt });
        const { content } = await client.messages.create({ model: harness, max_tokens: 1024, messages });
        expect(JSON.stringify(content)).toContain(prompt.replace('SCENE:text ', ''));
        messages.push({ role: 'assistant', content });
        // The agent itself, the oldest: what it runs for a moment comes and goes.
        processes.push((await threadProcesses(rig.server.dataDirectory))[0]);
      }
      expect(processes[1]).toBeDefined();
      expect(processes[2]).toBe(processes[1]);
      const conversation = JSON.stringify(rig.model.requests.at(-1)?.body);
      expect(conversation.split('The bird was a heron')).toHaveLength(2);
      for (const told of ['SCENE:text one', 'SCENE:text two', 'SCENE:text three']) expect(conversation).toContain(told);
    });

    it('that goes back to the branch of a fork reaches an agent with its own record, in a copy of the files', async () => {
      rig = await startRig(harness);
      const { model, server: agents } = rig;
      const client = new Anthropic({ baseURL: agents.url, apiKey: 'none', maxRetries: 0 });
      const headers = { 'x-chiron-thread-key': 'test:branches' };
      const say = async (...texts: readonly string[]): Promise<string | null> => {
        const messages = texts.map((content, index) => ({
          role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
          content,
        }));
        const sent = client.messages.create({ model: harness, max_tokens: 1024, messages }, { headers });
        return (await sent.withResponse()).response.headers.get('x-chiron-history');
      };
      const [first, second] = ['SCENE:text one', 'SCENE:tool echo of the branch > made'];
      await say(first);
      await say(first, 'one', second);
      expect(await say(first, 'one', 'SCENE:tool echo of the thread > made')).toBe('forked');
      expect(await say(first, 'one', second, 'done', 'SCENE:tool cat made')).toBe('continued');
      const conversation = JSON.stringify(model.requests.at(-1)?.body);
      for (const told of [first, second, 'SCENE:tool cat made']) expect(conversation).toContain(told);
      expect(conversation).not.toContain('echo of the thread');
      // What `cat` printed, and no command has.
      expect(conversation).toMatch(/(?<!echo )of the branch(?! >)/);
    });
  },
);

/** The keys of all threads of the server. */
async function threadKeys(): Promise<readonly string[]> {
  const body: unknown = await (await fetch(`${server.url}/api/sessions`, { headers: { 'x-api-key': 'any' } })).json();
  return isRecord(body) ? recordsOf(body['sessions']).map((session) => textOf(session['thread_key'])) : [];
}
