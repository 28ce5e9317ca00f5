import { describe, expect, it } from 'vitest';
import { parseWarmMemory } from './warm-memory.js';

describe('CHIRON_WARM_MEMORY_MB', () => {
  it('is a number of megabytes, or auto', () => {
    expect(parseWarmMemory('1')).toEqual({ value: 1_000_000 });
    expect(parseWarmMemory('4096')).toEqual({ value: 4_096_000_000 });
    expect(parseWarmMemory('auto')).toEqual({ value: 'auto' });
  });

  it.each(['0', '-1', '1.5', '10000001', 'many', ''])('is not %j', (text) => {
    expect(parseWarmMemory(text)).toEqual({
      expected: 'must be auto, or a number of megabytes from 1 to 10000000',
    });
  });
});
