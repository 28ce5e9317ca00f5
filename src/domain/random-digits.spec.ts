import { expect, it } from 'vitest';
import { createRandomDigits } from './random-digits.js';

it('is 24 hexadecimal digits, each of which takes every value', () => {
  const ids = Array.from({ length: 1000 }, createRandomDigits);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{24}$/);
  for (let digit = 0; digit < 24; digit += 1) expect(new Set(ids.map((id) => id[digit])).size).toBe(16);
  expect(new Set(ids).size).toBe(1000);
});
