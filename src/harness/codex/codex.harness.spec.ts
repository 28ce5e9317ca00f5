import { describe, expect, it } from 'vitest';
import { FakeAppServerSandbox, fakeCodex } from './__fixtures__/fake-app-server.js';
import { CodexHarness } from './codex.harness.js';

describe('the Codex harness', () => {
  const harness = new CodexHarness(new FakeAppServerSandbox(fakeCodex().thread, () => undefined), 'no-such-codex');

  it('knows the names of OpenAI’s models as providers and gateways spell them', () => {
    const known = [
      ...['gpt-6.1-sol', 'GPT-5', 'gpt-5-codex', 'codex-mini-latest', 'o3', 'o4-mini', 'o1-preview'],
      ...['chatgpt-4o-latest', 'ft:gpt-4o:org::id', 'openai/gpt-5', 'azure/gpt-5-deployment', 'openai/o3'],
      ...['openai.gpt-oss-120b-1:0', 'us.openai.gpt-oss-20b-1:0'],
    ];
    expect(known.filter((model) => !harness.knowsModel(model))).toEqual([]);
    const others = ['claude-opus-5-5', 'us.anthropic.claude-x-v1:0', 'egpt-5', 'oops', 'foo3', 'opus', 'llama-3', ''];
    expect(others.filter((model) => harness.knowsModel(model))).toEqual([]);
  });

  it('is unavailable without its program', async () => {
    expect(await harness.probe()).toBeUndefined();
  });
});
