import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import Anthropic from 'sdk-1';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { startCuttingProxy, type CuttingProxy } from './support/cutting-proxy.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord } from './support/json.js';
import { CLAUDE_CODE, skipReason } from './support/programs.js';

const MODEL = 'claude-opus-5-5';

describe.skipIf(skipReason !== undefined)('Message Threads', () => {
  let server: RunningServer | undefined;
  let proxy: CuttingProxy | undefined;

  afterEach(async () => {
    await proxy?.close();
    await server?.stop();
    [proxy, server] = [undefined, undefined];
  });
  afterAll(removeFolders);

  const start = async (dataDirectory: string): Promise<RunningServer> => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_DATA_DIR: dataDirectory });
    return server;
  };

  describe('of @anthropic-ai/sdk 1.12.0', () => {
    const clientOf = (url: string) => new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
    const user = (content: string) => ({ role: 'user' as const, content });
    const textOf = (message: Anthropic.Beta.BetaMessage): string =>
      message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

    it('continues with the new messages only, streamed and unstreamed, also after the server was killed', async () => {
      const data = await newFolder('data');
      const first = await start(data);
      proxy = await startCuttingProxy(first.url, []);
      const client = clientOf(proxy.url);
      const thread = client.beta.messages.thread({ model: MODEL, max_tokens: 1000, system: 'Be brief.' });
      expect(textOf(await thread.send(user('one')))).toContain('This is turn 1 of this thread. You said: one');
      expect(textOf(await thread.stream(user('two')).finalMessage())).toContain(
        'This is turn 2 of this thread. You said: two',
      );
      await first.kill();
      const again = await start(data);
      await proxy.close();
      const after = await startCuttingProxy(again.url, []);
      proxy = after;
      client.baseURL = after.url;
      expect(textOf(await thread.send(user('three')))).toContain('This is turn 3 of this thread. You said: three');
      expect(after.requests).toEqual([
        { streams: false, messages: 1, thread: { type: 'continue', previous_message_id: expect.any(String) } },
      ]);
      expect(thread.messages).toHaveLength(6);
    });

    it('sends the full conversation when the thread is gone, and continues from there', async () => {
      const { url } = await start(await newFolder('data'));
      proxy = await startCuttingProxy(url, []);
      const thread = clientOf(proxy.url).beta.messages.thread(
        { model: MODEL, max_tokens: 1000 },
        { headers: { 'x-chiron-thread-key': 'sdk:gone' } },
      );
      await thread.send(user('one'));
      const removed = await fetch(`${url}/api/session/${encodeURIComponent('sdk:gone')}`, { method: 'DELETE' });
      expect(removed.ok).toBe(true);
      expect(textOf(await thread.send(user('two')))).toContain('This is turn 1 of this thread. You said: two');
      expect(textOf(await thread.send(user('three')))).toContain('This is turn 2 of this thread. You said: three');
      expect(proxy.requests.map(({ messages }) => messages)).toEqual([1, 1, 3, 1]);
    });
  });

  it('are used by Claude Code 2.1.330 with CLAUDE_CODE_TETHER_LIVE: it sends only new messages, on one thread', async () => {
    const { url } = await start(await newFolder('data'));
    proxy = await startCuttingProxy(url, []);
    const answers = await conversation(proxy.url, ['hello one', '!echo tethered', 'hello three']);
    expect(answers[0]).toContain('This is turn 1 of this thread. You said: hello one');
    expect(answers[1]).toContain('The command worked.');
    expect(answers[2]).toContain('This is turn 3 of this thread. You said: hello three');
    const [first, ...others] = proxy.requests;
    expect(first?.thread).toEqual({ type: 'create' });
    expect(others.map(({ thread }) => thread)).toEqual(
      Array.from({ length: 2 }, () => ({
        type: 'continue',
        previous_message_id: expect.stringMatching(/^msg_/) as string,
      })),
    );
    expect(others.map(({ messages }) => messages)).toEqual([1, 1]);
  });
});

/** Has Claude Code say one prompt after the other in one process; gives the result of each. */
async function conversation(url: string, prompts: readonly string[]): Promise<readonly string[]> {
  const home = await newFolder('home');
  const formats = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
  const child = spawn(CLAUDE_CODE, ['-p', ...formats, '--model', MODEL], {
    cwd: await newFolder('caller'),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'none',
      CLAUDE_CODE_TETHER_LIVE: 'true',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  const results: string[] = [];
  const left = [...prompts];
  const say = (): void => {
    const content = left.shift();
    if (content === undefined) child.stdin.end();
    else child.stdin.write(`${JSON.stringify({ type: 'user', message: { role: 'user', content } })}\n`);
  };
  say();
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: unknown = JSON.parse(line);
    if (!isRecord(parsed) || parsed['type'] !== 'result') continue;
    results.push(String(parsed['result']));
    say();
  }
  return results;
}
