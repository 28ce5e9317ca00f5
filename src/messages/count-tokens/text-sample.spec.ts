import { describe, expect, it } from 'vitest';
import { MAX_SAMPLE_CHARS, sampleText } from './text-sample.js';

describe('the sample of a text', () => {
  it('is the text itself up to the limit', () => {
    const text = 'x'.repeat(MAX_SAMPLE_CHARS);
    expect(sampleText(text)).toEqual({ slices: [text], scale: 1 });
  });

  it('consists of slices from start to end if the text is longer than the limit', () => {
    const text = `start${'x'.repeat(5 * MAX_SAMPLE_CHARS - 8)}end`;
    const { slices, scale } = sampleText(text);
    expect(slices.reduce((sum, slice) => sum + slice.length, 0)).toBe(MAX_SAMPLE_CHARS);
    expect(slices[0]).toMatch(/^start/);
    expect(slices.at(-1)).toMatch(/end$/);
    expect(scale).toBeCloseTo(5);
  });

  it('has each part of a text in proportion', () => {
    const { slices } = sampleText('a'.repeat(3 * MAX_SAMPLE_CHARS) + 'b'.repeat(MAX_SAMPLE_CHARS));
    const share = slices.join('').replaceAll('a', '').length / MAX_SAMPLE_CHARS;
    expect(share).toBeCloseTo(0.25, 2);
  });
});
