import { describe, expect, it } from 'vitest';
import { BoundedOutput } from './bounded-output.js';

function kept(batches: readonly (readonly string[])[], longestPart?: number): string {
  const output = new BoundedOutput(longestPart);
  for (const lines of batches) output.add(lines);
  return output.text();
}

describe('BoundedOutput', () => {
  it('returns output up to the limit unchanged', () => {
    expect(kept([])).toBe('');
    expect(kept([['']])).toBe('');
    expect(kept([['one', 'two'], [], ['', 'three']])).toBe('one\ntwo\n\nthree');
    expect(kept([['12345'], ['67']], 5)).toBe('12345\n67');
  });

  it('keeps the beginning and the end of a longer output in any chunking, and counts the dropped characters', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
    const whole = `${lines.join('\n')}\n`;
    const expected = `${whole.slice(0, 100)}\n[${whole.length - 200} characters were left out]\n${whole.slice(-100, -1)}`;
    expect(kept([lines], 100)).toBe(expected);
    expect(
      kept(
        lines.map((line) => [line]),
        100,
      ),
    ).toBe(expected);
    expect(kept([lines.slice(0, 500), lines.slice(500)], 100)).toBe(expected);
    expect(kept([[whole.slice(0, -1)]], 100)).toBe(expected);
  });

  it('keeps memory below the limit for any amount of output', () => {
    const output = new BoundedOutput();
    const many = Array.from({ length: 32_768 }, () => 'y');
    for (let chunk = 0; chunk < 1000; chunk += 1) output.add(many);
    expect(output.text().length).toBeLessThan(600_000);
    expect(output.text()).toContain('characters were left out');
  });
});
