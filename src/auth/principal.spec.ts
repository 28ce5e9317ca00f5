import type { Request } from 'express';
import { expect, it } from 'vitest';
import { getPrincipal, setPrincipal } from './principal.js';

it('is known of a request that a guard let in, and of no other', () => {
  const [one, other] = [{} as Request, {} as Request];
  setPrincipal(one, { tenant: 'alice' });
  expect(getPrincipal(one)).toEqual({ tenant: 'alice' });
  expect(() => getPrincipal(other)).toThrow('passed no guard');
});
