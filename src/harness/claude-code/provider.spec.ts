import { describe, expect, it } from 'vitest';
import { anthropicProvider } from './provider.js';

const upstreamOf = (variables: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>) =>
  anthropicProvider.toUpstream({
    variables,
    templateText: async (path) =>
      path === 'home/.claude/settings.json' && env !== undefined ? JSON.stringify({ env }) : undefined,
  });

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

  it('leaves agents a placeholder, and their other variables', () => {
    const variables = {
      ANTHROPIC_API_KEY: 'secret',
      ANTHROPIC_AUTH_TOKEN: 'secret',
      CLAUDE_CODE_OAUTH_TOKEN: 'secret',
      ANTHROPIC_CUSTOM_HEADERS: 'secret',
      OTHER: 'kept',
    };
    const access = { url: 'http://127.0.0.1:1', proxyUrl: 'http://127.0.0.1:1', token: 'placeholder' };
    expect(anthropicProvider.mask(variables, access)).toEqual({
      ANTHROPIC_API_KEY: 'placeholder',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/anthropic',
      OTHER: 'kept',
    });
  });
});
