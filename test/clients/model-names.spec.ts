import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { newClaudeCode } from './support/claude-code.js';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { type Rig, startRig } from './support/rig.js';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(removeFolders);

async function modelOf(model: string): Promise<string> {
  const response = await fetch(`${rig?.server.url ?? ''}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 99, messages: [{ role: 'user', content: `SCENE:text ${model}` }] }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly model: string }).model;
}

describe.skipIf(skipReason !== undefined)('A model name in another provider’s spelling', () => {
  it.each([
    [
      'claude-code',
      [
        'us.anthropic.claude-haiku-4-5-20251001-v1:0',
        'global.anthropic.claude-haiku-4-5-20251001-v1:0',
        'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
        'claude-haiku-4-5@20251001',
        'anthropic/claude-haiku-4.5',
      ],
    ],
    ['codex', ['openai/gpt-5', 'azure/gpt-5-deployment', 'openai.gpt-oss-120b-1:0', 'GPT-6']],
  ] as const)('is what %s asks its provider for, and what the answer says', async (harness, names) => {
    rig = await startRig(harness);
    for (const name of names) {
      expect(await modelOf(name)).toBe(name);
      expect(rig.model.requests.at(-1)?.model).toBe(name);
      expect(await modelOf(`${harness}/deployment-of-${name}`)).toBe(`${harness}/deployment-of-${name}`);
      expect(rig.model.requests.at(-1)?.model).toBe(`deployment-of-${name}`);
    }
  });

  it.each(['claude-code', 'codex'] as const)(
    'that %s does not know is answered with the name of the agent, whose default model runs',
    async (harness) => {
      rig = await startRig(harness);
      const asked = harness === 'codex' ? 'claude-opus-5-5' : 'gpt-6';
      expect(await modelOf(asked)).toBe(harness);
      expect(rig.model.requests.at(-1)?.model).not.toBe(asked);
      expect(rig.server.output()).toContain('running its default model');
    },
  );

  it('of its own is no trouble for Claude Code in front of Codex, which runs another', async () => {
    rig = await startRig('codex');
    const run = await (await newClaudeCode(rig.server.url)).ask('SCENE:text yes', '--model', 'claude-opus-5-5');
    expect(run).toMatchObject({ exitCode: 0, result: { is_error: false, result: 'yes' } });
  });
});
