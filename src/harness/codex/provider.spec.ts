import { describe, expect, it } from 'vitest';
import { openaiProvider, readProviderName } from './provider.js';

const CUSTOM = `model_provider = "corp"
[model_providers.corp]
base_url = "https://llm.corp/v1/"
env_key = "CORP_KEY"
`;

const upstreamOf = (variables: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) =>
  openaiProvider.toUpstream({ variables, templateText: (path) => Promise.resolve(files[path]) });

describe('the model provider of Codex', () => {
  it('is OpenAI’s API with the key of the deployment, or the gateway that it names', async () => {
    expect(await upstreamOf({ OPENAI_API_KEY: 'k' })).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      headers: { authorization: 'Bearer k' },
    });
    expect((await upstreamOf({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'https://gw/v1/' }))?.baseUrl).toBe(
      'https://gw/v1',
    );
    const config = { 'home/.codex/config.toml': 'openai_base_url = "https://own/v1"' };
    expect((await upstreamOf({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'https://gw' }, config))?.baseUrl).toBe(
      'https://own/v1',
    );
  });

  it('is the one that the deployment’s config.toml chooses, with its key', async () => {
    expect(await upstreamOf({ CORP_KEY: 'c' }, { 'home/.codex/config.toml': CUSTOM })).toMatchObject({
      baseUrl: 'https://llm.corp/v1',
      headers: { authorization: 'Bearer c' },
    });
    expect(readProviderName(CUSTOM)).toBe('corp');
    expect(readProviderName('not = [TOML')).toBe('openai');
  });

  it('is left to Codex without a key, and with a login of its own', async () => {
    expect(await upstreamOf({})).toBeUndefined();
    expect(await upstreamOf({ OPENAI_API_KEY: 'k' }, { 'home/.codex/auth.json': '{}' })).toBeUndefined();
    expect(await upstreamOf({}, { 'home/.codex/config.toml': 'model_provider = "none"' })).toBeUndefined();
  });
});
