import type { Request } from 'express';
import { expect, it } from 'vitest';
import { getPrincipal, setPrincipal } from './principal.js';

it('returns the principal of a request that the guard has admitted, and throws for any other', () => {
  const [one, other] = [{} as Request, {} as Request];
  setPrincipal(one, { tenant: 'alice' });
  expect(getPrincipal(one)).toEqual({ tenant: 'alice' });
  expect(() => getPrincipal(other)).toThrow('passed no guard');
});
