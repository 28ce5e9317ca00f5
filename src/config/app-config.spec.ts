import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './app-config.js';
import { ConfigurationError } from './configuration-error.js';

const KEY = 'k'.repeat(24);
const HARNESSES = [
  { name: 'builder', program: { variable: 'CHIRON_BUILDER_BIN', fallback: 'builder', doc: 'A builder.' } },
  { name: 'demo' },
];

function problemsOf(variables: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(variables, HARNESSES);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return [...error.problems.keys()];
    throw error;
  }
}

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

  it('keeps only the name and the digest of a key', () => {
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
  ])('rejects a key of less than 24 characters by its name, without its value: %s', (_, keys) => {
    const read = () => readConfig({ CHIRON_API_KEYS: keys });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/CHIRON_API_KEYS: must have keys of at least 24 characters.* unlike that of alice$/);
    expect(read).not.toThrow(/bbb|secret|a:b:c|bob|carol/);
  });

  describe('of secrets in files', () => {
    let folder: string;
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'chiron-secrets-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('has their values, without the line end of the file', () => {
      const { apiKeys, databaseUrl, passedVariables } = readConfig({
        CHIRON_API_KEYS_FILE: file('keys', `alice:${KEY}\n`),
        CHIRON_DATABASE_URL_FILE: file('database', 'postgres://host/db\n'),
        CHIRON_SANDBOX_PASSTHROUGH_ENV: 'OPENAI_API_KEY,MY_TOKEN',
        MY_TOKEN_FILE: file('token', 'a token\r\n'),
        ANTHROPIC_API_KEY_FILE: file('other', 'of a variable that is not passed on'),
      });
      expect(apiKeys.map(({ name }) => name)).toEqual(['alice']);
      expect(databaseUrl).toBe('postgres://host/db');
      expect(passedVariables).toEqual({ MY_TOKEN: 'a token' });
    });

    it('is refused when a file is missing or empty, or the variable is set, too', () => {
      expect(problemsOf({ ANTHROPIC_API_KEY_FILE: join(folder, 'none') })).toEqual(['ANTHROPIC_API_KEY_FILE']);
      expect(problemsOf({ CHIRON_API_KEYS_FILE: file('empty', '\n') })).toEqual(['CHIRON_API_KEYS_FILE']);
      expect(problemsOf({ CHIRON_API_KEYS_FILE: file('keys', 'x'), CHIRON_API_KEYS: `a:${KEY}` })).toEqual([
        'CHIRON_API_KEYS',
      ]);
    });
  });

  it('has routes only when some are set', () => {
    expect(readConfig({}).modelRoutes).toBeUndefined();
    expect(readConfig({ CHIRON_MODEL_ROUTES: 'b-*=builder,o*=demo' }, HARNESSES).modelRoutes).toEqual([
      { pattern: 'b-*', harness: 'builder' },
      { pattern: 'o*', harness: 'demo' },
    ]);
  });

  it('passes only variables that are listed and set to sandboxes', () => {
    const variables = { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: '', SECRET: 's', MINE: 'm' };
    expect(readConfig(variables).passedVariables).toEqual({ OPENAI_API_KEY: 'o' });
    expect(readConfig({ ...variables, CHIRON_SANDBOX_PASSTHROUGH_ENV: 'MINE' }).passedVariables).toEqual({
      MINE: 'm',
    });
    expect(readConfig({ ...variables, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' }).passedVariables).toEqual({});
  });

  it('rejects two keys of one name, and a template that does not exist', () => {
    expect(() => readConfig({ CHIRON_API_KEYS: `a:${KEY},a:${KEY}` })).toThrow(
      /CHIRON_API_KEYS: must not repeat a name/,
    );
    const missing = { CHIRON_WORKSPACE_TEMPLATE: '/does/not/exist', CHIRON_HOME_TEMPLATE: '/nor/this' };
    expect(() => readConfig(missing)).toThrow(ConfigurationError);
    expect(() => readConfig(missing)).toThrow(/CHIRON_WORKSPACE_TEMPLATE.*CHIRON_HOME_TEMPLATE/s);
  });

  it('has a program for each harness that needs one', () => {
    expect(readConfig({}, HARNESSES).programs).toEqual({ builder: 'builder' });
    expect(readConfig({ CHIRON_BUILDER_BIN: '/opt/b' }, HARNESSES).programs).toEqual({ builder: '/opt/b' });
  });

  it('lists in its errors the harnesses that a setting may name', () => {
    const read = (variables: Readonly<Record<string, string>>) => () => readConfig(variables, HARNESSES);
    expect(read({ CHIRON_DEFAULT_HARNESS: 'emacs' })).toThrow(
      'CHIRON_DEFAULT_HARNESS: must be one of the following values: auto, builder, demo',
    );
    expect(read({ CHIRON_MODEL_ROUTES: 'x=emacs' })).toThrow(
      'CHIRON_MODEL_ROUTES: must be a comma-separated list of pattern=harness, harness one of builder, demo',
    );
  });

  it('has a default for every setting', () => {
    expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 8787, onBusy: 'queue', toolBlocks: 'auto' });
  });

  it('trims the values of variables', () => {
    expect(readConfig({ PORT: ' 9000 ', CHIRON_ON_BUSY: 'reject' })).toMatchObject({ port: 9000, onBusy: 'reject' });
  });

  it('treats an empty variable as unset, except the list of passed variables', () => {
    const variables = { PORT: '', CHIRON_API_KEYS: '', CHIRON_SANDBOX_PASSTHROUGH_ENV: '', OPENAI_API_KEY: 'o' };
    expect(readConfig(variables)).toMatchObject({ port: 8787, apiKeys: [], passedVariables: {} });
  });

  it('ignores unknown variables', () => {
    expect(problemsOf({ CHIRON_FROM_THE_FUTURE: 'x', PATH: '/bin' })).toEqual([]);
  });

  it.each([
    ['PORT', '1e3'],
    ['PORT', '0x10'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['CHIRON_API_KEYS', 'no-colon'],
    ['CHIRON_API_KEYS', 'name:'],
    ['CHIRON_API_KEYS', ':key'],
    ['CHIRON_API_KEYS', 'a:one,'],
    ['CHIRON_API_KEYS', 'a:one two'],
    ['CHIRON_DATABASE_URL', 'mysql://host/db'],
    ['CHIRON_DEFAULT_HARNESS', 'claude'],
    ['CHIRON_MODEL_ROUTES', 'claude-*'],
    ['CHIRON_MODEL_ROUTES', 'a=builder=demo'],
    ['CHIRON_MODEL_ROUTES', 'a b=demo'],
    ['CHIRON_ON_BUSY', 'panic'],
    ['CHIRON_CALLER_SYSTEM', 'yes'],
    ['CHIRON_LOG_LEVEL', 'loud'],
    ['CHIRON_SANDBOX_PASSTHROUGH_ENV', 'A-B'],
    ['CHIRON_MAX_CONCURRENT_TURNS', '0'],
    ['CHIRON_TURN_TIMEOUT_SECONDS', 'soon'],
    ['CHIRON_EVENT_FLUSH_MILLISECONDS', '3600001'],
  ])('rejects %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([name]);
  });

  describe('with an agents file', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'chiron-config-'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    function write(name: string, content: string): string {
      const file = join(folder, name);
      writeFileSync(file, content);
      return file;
    }

    it('has the names of its agents wherever a harness has to be named, and their programs', () => {
      const file = write('agents.json', '{"agents": {"robot": {"command": "/opt/robot"}}}');
      const variables = {
        CHIRON_AGENTS_FILE: file,
        CHIRON_DEFAULT_HARNESS: 'robot',
        CHIRON_MODEL_ROUTES: 'a=robot',
        CHIRON_HARNESS_ALIASES: 'b=robot',
      };
      expect(readConfig(variables, HARNESSES)).toMatchObject({
        defaultHarness: 'robot',
        programs: { builder: 'builder', robot: '/opt/robot' },
      });
      expect(problemsOf({ ...variables, CHIRON_AGENTS_FILE: write('none.json', '{"agents": {}}') })).toEqual([
        'CHIRON_DEFAULT_HARNESS',
        'CHIRON_MODEL_ROUTES',
        'CHIRON_HARNESS_ALIASES',
      ]);
    });

    it('has the variables of each agent apart, also those from files, and those of the file before them', () => {
      const robot = { command: 'r', passedVariables: ['KEY', 'MODE', 'NONE'], env: { MODE: 'own' } };
      const file = write('agents.json', JSON.stringify({ agents: { robot, other: { command: 'o' } } }));
      const config = readConfig({ CHIRON_AGENTS_FILE: file, KEY_FILE: write('key', 'k\n'), MODE: 'x' }, HARNESSES);
      expect(config.agentVariables).toEqual({ robot: { KEY: 'k', MODE: 'own' }, other: {} });
      expect(config.passedVariables).toEqual({});
    });

    it('that is wrong has this one problem, as others may be due to it', () => {
      const file = write('agents.json', '{"agents": {"demo": {"command": "x"}}}');
      expect(problemsOf({ CHIRON_AGENTS_FILE: file, CHIRON_DEFAULT_HARNESS: 'robot' })).toEqual(['CHIRON_AGENTS_FILE']);
    });
  });

  it('names every wrong variable at once, and never a value', () => {
    const wrong = {
      PORT: 'secret-port',
      CHIRON_API_KEYS: 'secret-key',
      CHIRON_CORS_ORIGINS: 'secret-origin',
      CHIRON_DATABASE_URL: 'secret-url',
      CHIRON_MODEL_ROUTES: 'secret-route',
      CHIRON_ON_BUSY: 'secret-policy',
      CHIRON_SANDBOX_PASSTHROUGH_ENV: 'secret-list',
    };
    const read = () => readConfig(wrong, HARNESSES);
    expect(read).toThrow(ConfigurationError);
    for (const name of Object.keys(wrong)) expect(read).toThrow(`  ${name}: must`);
    expect(read).not.toThrow('secret');
  });
});
