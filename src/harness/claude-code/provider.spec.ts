import { describe, expect, it } from 'vitest';
import { anthropicProvider } from './provider.js';

const upstreamOf = (
  variables: Readonly<Record<string, string>>,
  env?: Readonly<Record<string, string>>,
  credentials?: object,
) =>
  anthropicProvider.toUpstream({
    variables,
    templateText: async (path) => {
      if (path === 'home/.claude/settings.json' && env !== undefined) return JSON.stringify({ env });
      return path === LOGIN_FILE && credentials !== undefined ? JSON.stringify(credentials) : undefined;
    },
    templateFile: (path) => `/template/${path}`,
  });
const LOGIN_FILE = 'home/.claude/.credentials.json';

describe('the model provider of Claude Code', () => {
  it('is Anthropic’s API, or the gateway that the deployment names', async () => {
    expect((await upstreamOf({ ANTHROPIC_API_KEY: 'k' }))?.baseUrl).toBe('https://api.anthropic.com');
    expect((await upstreamOf({ ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'https://gw/x//' }))?.baseUrl).toBe(
      'https://gw/x',
    );
  });

  it.each([
    [{ ANTHROPIC_API_KEY: 'k' }, { 'x-api-key': 'k' }],
    [{ ANTHROPIC_API_KEY: 'k', ANTHROPIC_AUTH_TOKEN: 't' }, { authorization: 'Bearer t' }],
    [{ CLAUDE_CODE_OAUTH_TOKEN: 'o' }, { authorization: 'Bearer o' }],
    [
      { ANTHROPIC_API_KEY: 'k', ANTHROPIC_CUSTOM_HEADERS: 'X-Team: a\nnothing\nX-Api-Key: other' },
      { 'x-team': 'a', 'x-api-key': 'k' },
    ],
  ])('gets the credential of %j', async (variables, headers) => {
    expect((await upstreamOf(variables))?.headers).toEqual(headers);
  });

  it('takes a subscription’s token with its beta only', async () => {
    expect((await upstreamOf({ CLAUDE_CODE_OAUTH_TOKEN: 'o' }))?.addedValues).toEqual({
      'anthropic-beta': 'oauth-2025-04-20',
    });
  });

  it('gets the login of the template, of which the server keeps no token', async () => {
    const claudeAiOauth = { accessToken: 'at', refreshToken: 'rt', expiresAt: 1, scopes: ['user:inference', 'user:x'] };
    const upstream = await upstreamOf({}, undefined, { claudeAiOauth });
    expect(upstream).toMatchObject({
      prefix: 'anthropic-subscription',
      baseUrl: 'https://api.anthropic.com',
      headers: {},
      addedValues: { 'anthropic-beta': 'oauth-2025-04-20' },
      login: {
        file: `/template/${LOGIN_FILE}`,
        accessToken: ['claudeAiOauth', 'accessToken'],
        renewal: {
          url: 'https://platform.claude.com/v1/oauth/token',
          form: { client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e', scope: 'user:inference user:x' },
        },
      },
    });
    expect(JSON.stringify(upstream)).not.toMatch(/"at"|"rt"/);
    expect((await upstreamOf({ ANTHROPIC_API_KEY: 'k' }, undefined, { claudeAiOauth }))?.login).toBeUndefined();
  });

  it.each([{}, { claudeAiOauth: { accessToken: null } }, { mcpOAuth: {} }])(
    'is left to Claude Code with a file of credentials that has no login: %j',
    async (credentials) => {
      expect(await upstreamOf({}, undefined, credentials)).toBeUndefined();
    },
  );

  it.each([
    [{ ANTHROPIC_FOUNDRY_API_KEY: 'f', ANTHROPIC_FOUNDRY_AUTH_TOKEN: 't' }, { 'x-api-key': 'f' }],
    [{ ANTHROPIC_FOUNDRY_AUTH_TOKEN: 't' }, { authorization: 'Bearer t' }],
  ])('is Foundry’s where the deployment chooses it, with %j', async (credential, headers) => {
    const variables = { CLAUDE_CODE_USE_FOUNDRY: '1', ANTHROPIC_API_KEY: 'other', ...credential };
    expect(await upstreamOf({ ...variables, ANTHROPIC_FOUNDRY_RESOURCE: 'mine' })).toMatchObject({
      prefix: 'anthropic-foundry',
      baseUrl: 'https://mine.services.ai.azure.com/anthropic',
      headers,
    });
    const address = { ANTHROPIC_FOUNDRY_BASE_URL: 'https://gw/f/', ANTHROPIC_FOUNDRY_RESOURCE: 'mine' };
    expect((await upstreamOf({ ...variables, ...address }))?.baseUrl).toBe('https://gw/f');
    expect(await upstreamOf(variables)).toBeUndefined();
  });

  it('is left to Claude Code where it logs in to Foundry itself', async () => {
    const variables = { CLAUDE_CODE_USE_FOUNDRY: '1', ANTHROPIC_FOUNDRY_RESOURCE: 'mine', ANTHROPIC_API_KEY: 'k' };
    expect(await upstreamOf(variables)).toBeUndefined();
  });

  it('is where the settings of the template say, which win over variables', async () => {
    const variables = { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'https://other' };
    const env = { ANTHROPIC_BASE_URL: 'https://gw', ANTHROPIC_CUSTOM_HEADERS: 'x-team: a' };
    expect(await upstreamOf(variables, env)).toMatchObject({
      baseUrl: 'https://gw',
      headers: { 'x-team': 'a', 'x-api-key': 'k' },
    });
  });

  it.each([{ ANTHROPIC_AUTH_TOKEN: 't' }, { CLAUDE_CODE_USE_VERTEX: '1' }])(
    'is left to Claude Code where the settings of the template have %j',
    async (env: Readonly<Record<string, string>>) => {
      expect(await upstreamOf({ ANTHROPIC_API_KEY: 'k' }, env)).toBeUndefined();
    },
  );

  it.each([{}, { ANTHROPIC_API_KEY: 'k', CLAUDE_CODE_USE_BEDROCK: '1' }])(
    'is left to Claude Code with %j',
    async (variables: Readonly<Record<string, string>>) => {
      expect(await upstreamOf(variables)).toBeUndefined();
    },
  );

  it.each([
    ['anthropic', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL'],
    ['anthropic-subscription', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_BASE_URL'],
    ['anthropic-foundry', 'ANTHROPIC_FOUNDRY_API_KEY', 'ANTHROPIC_FOUNDRY_BASE_URL'],
  ])('leaves agents of %s a placeholder in %s, and their other variables', (prefix, name, address) => {
    const variables = {
      ANTHROPIC_API_KEY: 'secret',
      ANTHROPIC_AUTH_TOKEN: 'secret',
      CLAUDE_CODE_OAUTH_TOKEN: 'secret',
      ANTHROPIC_FOUNDRY_API_KEY: 'secret',
      ANTHROPIC_FOUNDRY_AUTH_TOKEN: 'secret',
      ANTHROPIC_FOUNDRY_RESOURCE: 'mine',
      ANTHROPIC_CUSTOM_HEADERS: 'secret',
      OTHER: 'kept',
    };
    const access = { url: 'http://127.0.0.1:1', proxyUrl: 'http://127.0.0.1:1', token: 'placeholder' };
    const upstream = { prefix, baseUrl: '', headers: {}, routes: [], answers: 'anthropic' } as const;
    expect(anthropicProvider.mask(variables, access, upstream)).toEqual({
      [name]: 'placeholder',
      [address]: `http://127.0.0.1:1/${prefix}`,
      OTHER: 'kept',
    });
  });
});
