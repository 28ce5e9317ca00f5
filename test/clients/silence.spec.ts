import Anthropic from 'sdk-1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newClaudeCode } from './support/claude-code.js';
import { startCuttingProxy, type CuttingProxy } from './support/cutting-proxy.js';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';

const TWELVE_MINUTES = 12 * 60;

/** Twelve minutes are more than every run of the tests is worth. */
const isLong = process.env['CHIRON_TEST_LONG'] === '1';
if (!isLong) {
  process.stderr.write('Skipped, as CHIRON_TEST_LONG=1 is not set: Claude Code waits through 12 silent minutes.\n');
}

describe('A silent turn', () => {
  let server: RunningServer;
  let proxy: CuttingProxy;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_HARNESS_STALL_SECONDS: '3600' });
    proxy = await startCuttingProxy(server.url, []);
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
    await removeFolders();
  });

  it(
    'outlasts the time limit of an SDK that does not stream, as its headers come before',
    { timeout: 90_000 },
    async () => {
      const client = new Anthropic({ baseURL: proxy.url, apiKey: 'none', maxRetries: 0, timeout: 40_000 });
      const before = proxy.requests.length;
      const messages = [{ role: 'user' as const, content: '/sleep 50' }];
      const message = await client.messages.create({ model: 'demo', max_tokens: 1000, messages });
      expect(message.content).toMatchObject([{ type: 'text', text: 'Slept for 50 s.' }]);
      expect(proxy.requests).toHaveLength(before + 1);
    },
  );

  it.skipIf(!isLong || skipReason !== undefined)(
    'of twelve minutes is waited for by Claude Code with one request',
    { timeout: (TWELVE_MINUTES + 60) * 1000 },
    async () => {
      const caller = await newClaudeCode(proxy.url);
      const before = proxy.requests.length;
      const prompt = `!sleep ${TWELVE_MINUTES} && echo AWAKE`;
      const { result, toolOutput, retries } = await caller.askPatiently(prompt, (TWELVE_MINUTES + 50) * 1000);
      expect(result).toMatchObject({ is_error: false });
      expect(toolOutput).toContain('AWAKE');
      expect([proxy.requests.length - before, retries]).toEqual([1, 0]);
    },
  );
});
