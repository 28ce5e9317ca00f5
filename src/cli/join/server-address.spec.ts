import { describe, expect, it } from 'vitest';
import { findServer } from './server-address.js';

describe('the server of a thread', () => {
  it('is on this machine unless something else is said', () => {
    expect(findServer({}, {})).toEqual({
      url: 'http://127.0.0.1:8787',
      key: undefined,
      keyVariable: 'CHIRON_API_KEY',
      headers: [],
    });
  });

  it.each([
    [{ CHIRON_URL: 'https://a/', CHIRON_KEY: 'k', ANTHROPIC_BASE_URL: 'https://b' }, 'https://a', 'k', 'CHIRON_KEY'],
    [
      { ANTHROPIC_BASE_URL: 'https://b', ANTHROPIC_AUTH_TOKEN: 't', ANTHROPIC_API_KEY: 'k' },
      'https://b',
      't',
      'ANTHROPIC_AUTH_TOKEN',
    ],
    [
      { ANTHROPIC_BASE_URL: 'https://b', ANTHROPIC_AUTH_TOKEN: '', ANTHROPIC_API_KEY: 'k' },
      'https://b',
      'k',
      'ANTHROPIC_API_KEY',
    ],
    [{ OPENAI_BASE_URL: 'https://c/path/v1/', OPENAI_API_KEY: 'o' }, 'https://c/path', 'o', 'OPENAI_API_KEY'],
    [{ OPENAI_BASE_URL: 'https://c/v1', OPENAI_API_KEY: 'o', CHIRON_API_KEY: 'k' }, 'https://c', 'k', 'CHIRON_API_KEY'],
  ])('is that of the variables of the clients: %j', (env, url, key, keyVariable) => {
    expect(findServer({}, env)).toEqual({ url, key, keyVariable, headers: [] });
  });

  it('never gets the key of another one', () => {
    const env = { ANTHROPIC_API_KEY: 'of Anthropic', OPENAI_API_KEY: 'of OpenAI', OPENAI_BASE_URL: 'https://openai' };
    expect(findServer({ url: 'https://a' }, env).key).toBeUndefined();
    expect(findServer({}, { ...env, ANTHROPIC_BASE_URL: 'https://b', ANTHROPIC_API_KEY: '' }).key).toBeUndefined();
    expect(findServer({}, { ANTHROPIC_API_KEY: 'of Anthropic' }).key).toBeUndefined();
  });

  it('is that of the options before all', () => {
    expect(findServer({ url: 'https://a', key: 'k' }, { CHIRON_URL: 'https://b', CHIRON_API_KEY: 'x' })).toEqual({
      url: 'https://a',
      key: 'k',
      keyVariable: 'CHIRON_API_KEY',
      headers: [],
    });
  });

  it('gets the headers for a gateway only at the address of Claude Code', () => {
    const env = {
      ANTHROPIC_BASE_URL: 'https://b/path',
      ANTHROPIC_CUSTOM_HEADERS: 'x-gateway: secret\n\nX-Chiron-Thread-Key: k',
    };
    const headersOf = (url?: string, more = {}) => findServer({ url }, { ...env, ...more }).headers;
    expect([headersOf(), headersOf('https://b')]).toEqual([['x-gateway: secret'], ['x-gateway: secret']]);
    expect([headersOf('https://a'), headersOf('http://b'), headersOf(undefined, { CHIRON_URL: 'https://a' })]).toEqual([
      [],
      [],
      [],
    ]);
    expect(findServer({}, { ...env, ANTHROPIC_BASE_URL: '' }).headers).toEqual([]);
  });

  it.each(['server', 'file:///etc', ''])('cannot be %j', (url) => {
    expect(() => findServer({ url }, {})).toThrow(/is not the address of a server/);
  });
});
