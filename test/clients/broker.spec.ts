import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type RunningServer, startServer } from '../support/running-server.js';
import { SseClient } from '../support/sse-client.js';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';
import { newFolder, removeFolders } from './support/folders.js';
import { CLAUDE_CODE, CODEX, skipReason } from './support/programs.js';
import type { RealHarness } from './support/rig.js';

const KEY = 'the-deployments-own-key';
const OVERSTATED = 'the agent and the broker count different tokens';

/** The process of a server's broker. */
function findBroker(serverPid: number): number {
  const children = readFileSync(`/proc/${serverPid}/task/${serverPid}/children`, 'utf8').trim().split(' ').map(Number);
  const broker = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/broker/process/main'));
  if (broker === undefined) throw new Error('the server has no broker');
  return broker;
}

interface Answer {
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number };
}

describe.skipIf(skipReason !== undefined).each<RealHarness>(['claude-code', 'codex'])(
  'With CHIRON_MODEL_BROKER=on and no isolation, an agent of %s',
  (harness) => {
    let model: ScriptedModel;
    let server: RunningServer;

    beforeAll(async () => {
      const isClaude = harness === 'claude-code';
      model = await (isClaude ? startScriptedAnthropicModel() : startScriptedResponsesModel());
      server = await startServer({
        CHIRON_SANDBOX: 'local',
        CHIRON_MODEL_BROKER: 'on',
        CHIRON_DEFAULT_HARNESS: harness,
        CHIRON_CLAUDE_BIN: CLAUDE_CODE,
        CHIRON_CODEX_BIN: CODEX,
        CHIRON_LOG_LEVEL: 'debug',
        ...(isClaude
          ? { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: KEY }
          : { OPENAI_BASE_URL: `${model.url}/v1`, OPENAI_API_KEY: KEY }),
      });
    });
    afterAll(async () => {
      await server.stop();
      await model.close();
    });

    const post = (path: string, thread: string, body: object, more: Readonly<Record<string, string>> = {}) =>
      fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-chiron-thread-key': `api:${thread}`, ...more },
        body: JSON.stringify(body),
      });
    const asking = (content: string) => ({
      model: 'default',
      max_tokens: 99,
      messages: [{ role: 'user', content }],
    });
    const say = async (thread: string, content: string) => {
      const response = await post('/v1/messages', thread, asking(content));
      const text = await response.text();
      expect([response.status, text]).toEqual([200, expect.any(String)]);
      return { text, usage: (JSON.parse(text) as Answer).usage };
    };

    it('asks its model in the trace of the caller', async () => {
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const asked = model.requests.length;
      const response = await post('/v1/messages', 'traced', asking('SCENE:text traced'), { traceparent });
      expect(response.status).toBe(200);
      const seen = model.requests.slice(asked).map(({ headers }) => headers['traceparent']);
      expect(new Set(seen)).toEqual(new Set([traceparent]));
    });

    it('has a placeholder in the place of the key, which its model gets', async () => {
      const { text } = await say(
        'key',
        'SCENE:tool env | grep -E "^(ANTHROPIC|OPENAI|CODEX)_"; cat ~/.codex/auth.json',
      );
      expect(text).toMatch(/_BASE_URL=http:\/\/127\.0\.0\.1:\d+\/(anthropic|openai)/);
      expect(text).toMatch(/_API_KEY=[0-9a-f]{48}\b/);
      expect(text).not.toContain(KEY);
      expect(model.requests.length).toBeGreaterThan(0);
      for (const { headers } of model.requests) expect(JSON.stringify(headers)).toContain(KEY);
      expect(server.output()).not.toContain(KEY);
    });

    it('and the broker count the same tokens: in a new and a warm process, with tools, after an interruption', async () => {
      await say('count', 'SCENE:text One');
      await say('count', 'SCENE:tool echo two');
      await say('count', 'SCENE:steps echo three && echo four');
      const onThread = { 'x-chiron-thread-key': 'api:count' };
      const slow = SseClient.post(server.url, { ...asking('SCENE:slow 1000 20'), stream: true }, onThread);
      await eventually(() => slow.text).toContain('text_delta');
      const [, id = ''] = /"id":"(msg_\w+)"/.exec(slow.text) ?? [];
      expect(await (await post(`/v1/messages/${id}/cancel`, 'count', {})).json()).toEqual({ cancelled: true });
      await eventually(() => slow.ended).toBe(true);
      await say('count', 'SCENE:text Five');
      expect(server.output()).not.toContain(OVERSTATED);
      expect(server.output()).not.toContain('the broker counts tokens that the agent does not name');
    });

    it('goes on in the same process after the broker was killed', async () => {
      await say('killed', 'SCENE:text Before');
      process.kill(findBroker(server.pid), 'SIGKILL');
      const { text } = await say('killed', 'SCENE:text After');
      expect(text).toContain('After');
      expect(server.output()).toContain('the broker exited with SIGKILL and is started again');
    });
  },
);

it.skipIf(skipReason !== undefined)(
  'With CHIRON_MODEL_BROKER=on, the broker puts the key in where the settings of the home template have the address',
  async () => {
    const model = await startScriptedAnthropicModel();
    const home = await newFolder('home-template');
    await mkdir(join(home, '.claude'));
    await writeFile(join(home, '.claude/settings.json'), JSON.stringify({ env: { ANTHROPIC_BASE_URL: model.url } }));
    const server = await startServer({
      CHIRON_SANDBOX: 'local',
      CHIRON_MODEL_BROKER: 'on',
      CHIRON_HOME_TEMPLATE: home,
      CHIRON_DEFAULT_HARNESS: 'claude-code',
      CHIRON_CLAUDE_BIN: CLAUDE_CODE,
      ANTHROPIC_API_KEY: KEY,
    });
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'd', max_tokens: 9, messages: [{ role: 'user', content: 'SCENE:text Here' }] }),
    });
    expect(await response.text()).toContain('Here');
    await server.stop();
    await model.close();
    await removeFolders();
    expect(JSON.stringify(model.requests.map(({ headers }) => headers))).toContain(KEY);
  },
);
