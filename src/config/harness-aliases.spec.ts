import { describe, expect, it } from 'vitest';
import { parseHarnessAliases } from './harness-aliases.js';

describe(parseHarnessAliases.name, () => {
  const harnesses = ['claude-code', 'codex'];

  it('reads the harness of each type', () => {
    expect(parseHarnessAliases('amp=claude-code, nanocodex=codex,*=codex', harnesses)).toEqual({
      value: [
        { type: 'amp', harness: 'claude-code' },
        { type: 'nanocodex', harness: 'codex' },
        { type: '*', harness: 'codex' },
      ],
    });
    expect(parseHarnessAliases(undefined, harnesses)).toEqual({ value: [] });
  });

  it.each(['amp', 'amp=', 'amp=amp', '=codex', 'a b=codex', 'amp=codex=codex', 'amp=codex,'])('refuses %s', (text) => {
    expect(parseHarnessAliases(text, harnesses)).toEqual({
      expected: 'must be a comma-separated list of type=harness, harness one of claude-code, codex',
    });
  });
});
