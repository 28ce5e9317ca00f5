import type { Request } from 'express';
import { expect, it } from 'vitest';
import { principalOf, setPrincipal } from './principal.js';

it('is known of a request that a guard let in, and of no other', () => {
  const [one, other] = [{} as Request, {} as Request];
  setPrincipal(one, { tenant: 'alice' });
  expect(principalOf(one)).toEqual({ tenant: 'alice' });
  expect(() => principalOf(other)).toThrow('passed no guard');
});
