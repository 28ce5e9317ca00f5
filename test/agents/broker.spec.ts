import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolders } from '../clients/support/folders.js';
import type { Rig } from '../clients/support/rig.js';
import { AGENTS, type AgentName, MODEL_KEY, reasonToSkipAgent } from './support/agents.js';
import { askAgent, outputsOf, streamAgent } from './support/ask.js';
import { startAgentRig } from './support/rig.js';

/** opencode takes the address of its model from a file of the home template here, and Qwen Code does so but for this. */
const HOMES: Readonly<Partial<Record<AgentName, Readonly<Record<string, object>>>>> = {
  qwen: {
    '.qwen/settings.json': {
      memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
      ui: { enableFollowupSuggestions: false },
    },
  },
};
const NAMES = ['qwen', 'gemini', 'copilot', 'kimi'] as const;

describe.each(NAMES.filter((name) => reasonToSkipAgent(AGENTS[name]) === undefined))('%s behind the broker', (name) => {
  let rig: Rig;
  beforeAll(async () => {
    const home = HOMES[name];
    rig = await startAgentRig(home === undefined ? AGENTS[name] : { ...AGENTS[name], home: () => home }, {
      // Kimi Code needs a newer Node than some machines have.
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      CHIRON_MODEL_BROKER: 'on',
      CHIRON_ALLOWED_MODELS: 'scripted-*,gemini-*',
    });
  });
  afterAll(async () => {
    await rig.close();
    await removeFolders();
  });

  it('asks its model with a key that it does not have, and is billed by the count of its provider', async () => {
    const answer = await askAgent(rig, 'broker', 'SCENE:tool env; cat /proc/$PPID/environ | tr "\\0" "\\n"');
    expect(outputsOf(answer.blocks)).not.toContain(MODEL_KEY);
    const keys = rig.model.requests.map(({ headers }) => headers['authorization'] ?? headers['x-goog-api-key']);
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.filter((key) => !String(key).includes(MODEL_KEY))).toEqual([]);
    // 400 and 500 tokens of two calls, of which 300 are cached each; more where it asks beside the conversation.
    expect(Number(answer.usage['cache_read_input_tokens'])).toBeGreaterThanOrEqual(600);
    expect(Number(answer.usage['input_tokens'])).toBeGreaterThanOrEqual(300);
  });

  it('is refused a model that the deployment does not allow', async () => {
    const { length } = rig.model.requests;
    await rig.server.stop();
    const { server, model } = await rig.startAgain({
      CHIRON_ALLOWED_MODELS: 'others-*',
      CHIRON_HARNESS_STALL_SECONDS: '20',
    });
    // An agent may try again for a while, and a response that has begun has its error in the stream only.
    const stream = streamAgent({ server }, 'refused', 'SCENE:text hello');
    await expect.poll(() => stream.closed, { timeout: 100_000 }).toBe(true);
    expect(stream.text).toContain('"type":"error"');
    expect(model.requests.length).toBe(length);
    await server.stop();
  });
});
