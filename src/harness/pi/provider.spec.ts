import { describe, expect, it } from 'vitest';
import type { ProviderFacts } from '../../broker/model-provider.js';
import { piProvider, withModelUrl } from './provider.js';

const facts = (
  variables: Readonly<Record<string, string>>,
  files: Readonly<Record<string, object>> = {},
): ProviderFacts => ({
  variables,
  templateText: (path) => {
    const file = files[path.replace('home/.pi/agent/', '')];
    return Promise.resolve(file === undefined ? undefined : JSON.stringify(file));
  },
  templateFile: () => undefined,
});

describe('the API of pi’s models', () => {
  it('is Anthropic’s, with the deployment’s key', async () => {
    expect(await piProvider.toUpstream(facts({ ANTHROPIC_API_KEY: 'secret' }))).toMatchObject({
      prefix: 'pi',
      baseUrl: 'https://api.anthropic.com',
      headers: { 'x-api-key': 'secret' },
      answers: 'anthropic',
    });
  });

  it('is at the address that a variable has', async () => {
    const variables = { ANTHROPIC_API_KEY: 'secret', ANTHROPIC_BASE_URL: 'https://gateway/x/' };
    expect(await piProvider.toUpstream(facts(variables))).toMatchObject({ baseUrl: 'https://gateway/x' });
  });

  it('is the one that the deployment’s settings choose, with what models.json says of it', async () => {
    const own = {
      baseUrl: 'https://llm.corp/v1',
      api: 'openai-responses',
      apiKey: '$CORP_KEY',
      headers: { 'X-Team': 'blue' },
    };
    const files = { 'settings.json': { defaultProvider: 'corp' }, 'models.json': { providers: { corp: own } } };
    expect(await piProvider.toUpstream(facts({ CORP_KEY: 'secret' }, files))).toMatchObject({
      baseUrl: 'https://llm.corp/v1',
      headers: { authorization: 'Bearer secret', 'x-team': 'blue' },
      answers: 'openai',
    });
  });

  it('is asked with the key of a login', async () => {
    const files = { 'auth.json': { anthropic: { type: 'api_key', key: 'secret' } } };
    expect(await piProvider.toUpstream(facts({}, files))).toMatchObject({ headers: { 'x-api-key': 'secret' } });
  });

  it.each([
    ['no key', facts({})],
    ['a key that a command prints', facts({}, { 'models.json': { providers: { anthropic: { apiKey: '!pass' } } } })],
    ['a provider that the broker does not know', facts({ K: 'k' }, { 'settings.json': { defaultProvider: 'radius' } })],
  ])('is left to pi with %s', async (_, given) => {
    expect(await piProvider.toUpstream(given)).toBeUndefined();
  });

  it('hides the key from agents, whatever its variable, and gives them the broker’s token', () => {
    const upstream = {
      prefix: 'pi',
      baseUrl: '',
      headers: { 'x-api-key': 'secret' },
      routes: [],
      answers: 'anthropic' as const,
    };
    const access = { url: 'http://broker', proxyUrl: 'http://broker', token: 'token' };
    expect(piProvider.mask({ CORP_KEY: 'secret', OTHER: 'kept' }, access, upstream)).toEqual({
      OTHER: 'kept',
      CHIRON_PI_TOKEN: 'token',
    });
  });
});

describe('the models.json of a thread', () => {
  const own = {
    baseUrl: 'https://llm.corp/v1',
    api: 'openai-responses',
    apiKey: 'literal',
    headers: { 'x-key': 'k' },
    models: [],
  };
  const settings = {
    settings: { defaultProvider: 'corp' },
    models: { providers: { corp: own, other: { apiKey: 'secret' } } },
  };

  it('leads to the broker, and has no key', () => {
    expect(withModelUrl(settings, { modelUrl: 'http://broker/pi', env: {} })).toEqual({
      providers: {
        corp: { baseUrl: 'http://broker/pi', api: 'openai-responses', apiKey: '$CHIRON_PI_TOKEN', models: [] },
      },
    });
  });

  it('is the deployment’s own without a broker', () => {
    const given = { settings: {}, models: { providers: { other: { apiKey: 'secret' } } } };
    expect(withModelUrl(given, { env: {} })).toEqual(given.models);
    expect(withModelUrl(settings, { env: {} })).toEqual(settings.models);
  });
});
