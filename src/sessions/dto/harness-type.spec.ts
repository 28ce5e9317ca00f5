import { describe, expect, it } from 'vitest';
import { HARNESSES } from '../../harness/harnesses.js';
import { listHarnessTypes, parseHarnessType, toHarnessType, toTypeMetadata } from './harness-type.js';

const PLAIN = { harnesses: HARNESSES, aliases: [] };
const ALIASED = {
  harnesses: HARNESSES,
  aliases: [
    { type: 'amp', harness: 'claude-code' },
    { type: 'codex', harness: 'claude-code' },
    { type: '*', harness: 'demo' },
  ],
};

describe('the harness type of a client', () => {
  it('is that of a harness, or an alias of one, which goes before it', () => {
    expect(parseHarnessType('claudecode', PLAIN)).toBe('claude-code');
    expect(parseHarnessType('codex', PLAIN)).toBe('codex');
    expect(parseHarnessType('amp', ALIASED)).toBe('claude-code');
    expect(parseHarnessType('codex', ALIASED)).toBe('claude-code');
  });

  it('is unknown unless the deployment has an alias for all types', () => {
    expect(parseHarnessType('hermes', PLAIN)).toBeUndefined();
    expect(parseHarnessType(undefined, PLAIN)).toBeUndefined();
    expect(parseHarnessType('hermes', ALIASED)).toBe('demo');
    expect(parseHarnessType(undefined, ALIASED)).toBe('demo');
  });

  it('is listed once, without the alias for all types', () => {
    expect(listHarnessTypes(ALIASED)).toEqual(['claudecode', 'codex', 'pi', 'demo', 'amp']);
  });
});

describe(toHarnessType.name, () => {
  const shown = (harness: string, asked: string | undefined, types = ALIASED) =>
    toHarnessType({ harness, metadata: toTypeMetadata(asked, types) }, types);

  it('shows what the client asked for', () => {
    expect(shown('claude-code', 'amp')).toBe('amp');
    expect(shown('demo', 'hermes')).toBe('hermes');
    expect(shown('claude-code', 'claudecode')).toBe('claudecode');
    expect(shown('demo', undefined)).toBe('demo');
  });

  it('shows the harness when that is another one by now, or the alias is gone', () => {
    expect(shown('demo', 'amp')).toBe('demo');
    expect(shown('claude-code', 'amp', { ...PLAIN })).toBe('claudecode');
    expect(shown('of-another-version', undefined)).toBe('of-another-version');
  });
});
