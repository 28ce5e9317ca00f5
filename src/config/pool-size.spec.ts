import { describe, expect, it } from 'vitest';
import { parsePoolSize } from './pool-size.js';

describe('CHIRON_POOL_SIZE', () => {
  it('is a number, or auto', () => {
    expect(parsePoolSize('0')).toEqual({ value: 0 });
    expect(parsePoolSize('100')).toEqual({ value: 100 });
    expect(parsePoolSize('auto')).toEqual({ value: 'auto' });
  });

  it.each(['-1', '101', '1.5', 'many', ''])('is not %j', (text) => {
    expect(parsePoolSize(text)).toEqual({ expected: 'must be auto, or a number up to 100' });
  });
});
