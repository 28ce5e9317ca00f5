import { describe, expect, it } from 'vitest';
import { toCarriedName } from './caller-tool-names.js';

const RULES = { maxLength: 20, isReserved: (name: string) => name === 'shell' };

describe(toCarriedName.name, () => {
  it.each(['weather', 'get-weather_2', 'a'.repeat(20)])('keeps %s', (name) => {
    expect(toCarriedName(name, RULES)).toBe(name);
  });

  it.each([
    ['files.read', /^files_read_[0-9a-f]{8}$/],
    ['shell', /^shell_[0-9a-f]{8}$/],
    ['wetter für morgen', /^wetter_f_r__?[0-9a-f]+$/],
    ['a'.repeat(64), /^a{11}_[0-9a-f]{8}$/],
    ['日本', /^__[0-9a-f]{8}$/],
    ['files_read_0a1b2c3d', /^files_read__[0-9a-f]{8}$/],
  ])('changes %s', (name, pattern) => {
    const carried = toCarriedName(name, RULES);
    expect(carried).toMatch(pattern);
    expect(carried.length).toBeLessThanOrEqual(RULES.maxLength);
  });

  it('keeps names apart that differ only where they are cut or sanitized', () => {
    const names = ['files.read', 'files_read', 'files/read', 'a'.repeat(21), 'a'.repeat(22)];
    expect(new Set(names.map((name) => toCarriedName(name, RULES))).size).toBe(names.length);
  });
});
