import { expect, it } from 'vitest';
import { runSteps } from './run-steps.js';

it('runSteps goes from each state to the next, and keeps what is sent in order', () => {
  const count = (state: number, item: string) => [state + 1, item === '' ? [] : [item, state]] as const;
  expect(runSteps(0, ['a', '', 'b'], count)).toEqual([3, ['a', 0, 'b', 2]]);
  expect(runSteps(7, [], count)).toEqual([7, []]);
});
