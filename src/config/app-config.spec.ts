import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from './app-config.js';
import { ConfigurationError } from './environment.js';

const KEY = 'k'.repeat(24);

describe('the configuration', () => {
  it('has absolute paths and milliseconds', () => {
    const config = readConfig({
      CHIRON_DATA_DIR: 'somewhere',
      CHIRON_DRAIN_SECONDS: '7',
      CHIRON_EVENT_RETENTION_HOURS: '2',
    });
    expect(isAbsolute(config.dataDirectory)).toBe(true);
    expect(config).toMatchObject({
      drainMs: 7000,
      eventRetentionMs: 7_200_000,
      turnTimeoutMs: 3_600_000,
      syncTimeoutMs: 280_000,
    });
  });

  it('keeps of a key its name and its digest only', () => {
    const { apiKeys } = readConfig({ CHIRON_API_KEYS: `alice:${KEY},bob:with:colon:${KEY}` });
    const digest = (key: string) => createHash('sha256').update(key).digest();
    expect(apiKeys).toEqual([
      { name: 'alice', sha256: digest(KEY) },
      { name: 'bob', sha256: digest(`with:colon:${KEY}`) },
    ]);
  });

  it.each([
    ['one character', 'alice:b'],
    ['23 characters', `alice:${'b'.repeat(23)}`],
    ['one short key among good ones', `bob:${KEY},alice:short-secret,carol:${KEY}`],
    ['colons that make it look longer', 'alice:a:b:c'],
  ])('refuses a key of less than 24 characters by its name, not its value: %s', (_, keys) => {
    const read = () => readConfig({ CHIRON_API_KEYS: keys });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/CHIRON_API_KEYS: must have keys of at least 24 characters.* unlike that of alice$/);
    expect(read).not.toThrow(/bbb|secret|a:b:c|bob|carol/);
  });

  it('has routes only when some are set', () => {
    expect(readConfig({}).modelRoutes).toBeUndefined();
    expect(readConfig({ CHIRON_MODEL_ROUTES: 'claude-*=claude-code,o*=codex' }).modelRoutes).toEqual([
      { pattern: 'claude-*', harness: 'claude-code' },
      { pattern: 'o*', harness: 'codex' },
    ]);
  });

  it('hands on to sandboxes what is listed and set, and nothing else', () => {
    const variables = { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: '', SECRET: 's', MINE: 'm' };
    expect(readConfig(variables).sandboxEnvironment).toEqual({ OPENAI_API_KEY: 'o' });
    expect(readConfig({ ...variables, CHIRON_SANDBOX_PASSTHROUGH_ENV: 'MINE' }).sandboxEnvironment).toEqual({
      MINE: 'm',
    });
    expect(readConfig({ ...variables, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' }).sandboxEnvironment).toEqual({});
  });

  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('may listen on %s without keys', (host) => {
    expect(readConfig({ HOST: host }).host).toBe(host);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com', '128.0.0.1', '127.999.1.1', '127.0.0'])(
    'may not listen on %s without keys',
    (host) => {
      expect(() => readConfig({ HOST: host })).toThrow(/CHIRON_API_KEYS: must be set/);
      expect(readConfig({ HOST: host, CHIRON_API_KEYS: `a:${KEY}` }).host).toBe(host);
    },
  );

  it('may not give two keys one name, nor name a template that is not there', () => {
    expect(() => readConfig({ CHIRON_API_KEYS: `a:${KEY},a:${KEY}` })).toThrow(
      /CHIRON_API_KEYS: must not use a name twice/,
    );
    const missing = { CHIRON_WORKSPACE_TEMPLATE: '/does/not/exist', CHIRON_HOME_TEMPLATE: '/nor/this' };
    expect(() => readConfig(missing)).toThrow(ConfigurationError);
    expect(() => readConfig(missing)).toThrow(/CHIRON_WORKSPACE_TEMPLATE.*CHIRON_HOME_TEMPLATE/s);
  });
});
