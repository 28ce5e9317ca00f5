import { describe, expect, it } from 'vitest';
import { ConfigurationError, readEnvironment } from './environment.js';

function problemsOf(variables: Readonly<Record<string, string>>): readonly string[] {
  try {
    readEnvironment(variables);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return [...error.problems.keys()];
    throw error;
  }
}

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toMatchObject({ HOST: '127.0.0.1', PORT: 8787, CHIRON_DATA_DIR: './data' });
  });

  it('takes what is set, without the spaces around it', () => {
    const read = readEnvironment({ PORT: ' 9000 ', CHIRON_ON_BUSY: 'reject', CHIRON_API_KEYS: 'a:one,b.c:two' });
    expect(read).toMatchObject({ PORT: 9000, CHIRON_ON_BUSY: 'reject', CHIRON_API_KEYS: 'a:one,b.c:two' });
  });

  it('counts an empty variable as not set, but for the list of what is passed on', () => {
    const read = readEnvironment({ PORT: '', CHIRON_API_KEYS: '', CHIRON_SANDBOX_PASSTHROUGH_ENV: '' });
    expect(read).toMatchObject({ PORT: 8787, CHIRON_API_KEYS: undefined, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' });
  });

  it('does not look at variables that it does not know', () => {
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
    ['CHIRON_MODEL_ROUTES', 'claude-*=emacs'],
    ['CHIRON_ON_BUSY', 'panic'],
    ['CHIRON_CALLER_SYSTEM', 'yes'],
    ['CHIRON_LOG_LEVEL', 'loud'],
    ['CHIRON_SANDBOX_PASSTHROUGH_ENV', 'A-B'],
    ['CHIRON_MAX_CONCURRENT_TURNS', '0'],
    ['CHIRON_TURN_TIMEOUT_SECONDS', 'soon'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([name]);
  });

  it('names every wrong variable at once, and never a value', () => {
    const wrong = { PORT: 'secret-port', CHIRON_API_KEYS: 'secret-key', CHIRON_ON_BUSY: 'secret-policy' };
    expect(() => readEnvironment(wrong)).toThrow(ConfigurationError);
    try {
      readEnvironment(wrong);
    } catch (error) {
      for (const name of Object.keys(wrong)) expect(String(error)).toContain(`  ${name}: must`);
      expect(String(error)).not.toContain('secret');
    }
  });
});
