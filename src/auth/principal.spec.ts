import type { Request } from 'express';
import { expect, it } from 'vitest';
import { getPrincipal, type Principal, setPrincipal } from './principal.js';

it('returns the principal of a request that the guard has admitted, and throws for any other', () => {
  const [one, other] = [{} as Request, {} as Request];
  const alice: Principal = { tenant: 'alice', role: 'user', keyId: undefined, subject: undefined, policies: [] };
  setPrincipal(one, alice);
  expect(getPrincipal(one)).toEqual(alice);
  expect(() => getPrincipal(other)).toThrow('passed no guard');
});
