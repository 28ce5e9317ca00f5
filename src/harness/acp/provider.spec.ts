import { describe, expect, it } from 'vitest';
import { AGENT_PRESETS } from '../../config/agent-presets.js';
import type { AgentProvider } from '../../config/agent-settings.js';
import { toAgentProvider } from './provider.js';

const OWN: AgentProvider = { api: 'openai', urlVariable: 'LLM_URL', keyVariable: 'LLM_KEY', defaultUrl: undefined };
const ACCESS = { url: 'http://broker', proxyUrl: 'http://broker', token: 'placeholder' };

function upstreamOf(variables: Readonly<Record<string, string>>, provider: AgentProvider = OWN) {
  const facts = { variables, templateText: () => Promise.resolve(undefined), templateFile: () => undefined };
  return toAgentProvider('robot', provider).toUpstream(facts);
}

describe('the model provider of an agent of CHIRON_AGENTS_FILE', () => {
  it('is the API at the address of its variable, with the key of the other, in the form of that API', async () => {
    const variables = { LLM_URL: 'https://llm.corp/v1/', LLM_KEY: 'k' };
    expect(await upstreamOf(variables)).toMatchObject({
      prefix: 'agent-robot',
      baseUrl: 'https://llm.corp/v1',
      headers: { authorization: 'Bearer k' },
      answers: 'openai',
    });
    expect((await upstreamOf(variables, { ...OWN, api: 'anthropic' }))?.headers).toEqual({ 'x-api-key': 'k' });
    expect((await upstreamOf(variables, { ...OWN, api: 'gemini' }))?.headers).toEqual({ 'x-goog-api-key': 'k' });
  });

  it('may want no key, and may have an address that nobody has to name', async () => {
    expect(await upstreamOf({ LLM_URL: 'http://10.0.0.1:8000/v1' })).toMatchObject({ headers: {} });
    const usual = { ...OWN, defaultUrl: 'https://api.example/v1' };
    expect(await upstreamOf({ LLM_KEY: 'k' }, usual)).toMatchObject({ baseUrl: 'https://api.example/v1' });
  });

  it('is not there without an address and a key, or with an address that is none', async () => {
    const usual = { ...OWN, defaultUrl: 'https://api.example/v1' };
    expect(await upstreamOf({}, usual)).toBeUndefined();
    expect(await upstreamOf({ LLM_KEY: 'k' })).toBeUndefined();
    expect(await upstreamOf({ LLM_KEY: 'k', LLM_URL: 'nonsense' })).toBeUndefined();
  });

  it('hides its key from all threads, under whatever name, and gives its own threads the broker', async () => {
    const provider = toAgentProvider('robot', OWN);
    const upstream = await upstreamOf({ LLM_URL: 'https://llm.corp/v1', LLM_KEY: 'k' });
    if (upstream === undefined) throw new Error('the broker does not serve it');
    expect(provider.mask({ LLM_KEY: 'k', SAME: 'k', OTHER: 'o' }, ACCESS, upstream)).toEqual({ OTHER: 'o' });
    expect(provider.address?.(ACCESS, upstream)).toEqual({
      LLM_URL: 'http://broker/agent-robot',
      LLM_KEY: 'placeholder',
    });
  });

  it.each(Object.entries(AGENT_PRESETS))('is known of %s', async (_, { provider, passedVariables }) => {
    expect(passedVariables).toEqual(expect.arrayContaining([provider?.urlVariable, provider?.keyVariable]));
  });
});
