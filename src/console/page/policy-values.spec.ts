import { expect, it } from 'vitest';
import { toPolicy, toPolicyValues } from './policy-values.js';

const WHOLE = {
  harnesses: ['claude-code', 'codex'],
  models: ['claude-*'],
  tool_blocks: ['text', 'none'],
  caller_tools: false,
  caller_system: false,
  thread_key_prefixes: ['ci:'],
  concurrent_turns: 0,
  requests_per_minute: 60,
  tokens_per_day: 5_000_000,
  usd_per_month: 2.5,
};

it.each([[{}], [WHOLE], [{ caller_tools: false }], [{ concurrent_turns: 0 }]])(
  'a policy that is shown and not changed stays as it is: %j',
  (policy) => {
    expect(toPolicy(toPolicyValues(policy), policy)).toEqual(policy);
  },
);

it('a form without anything restricts nothing, whatever the policy was', () => {
  expect(toPolicy(toPolicyValues({}), WHOLE)).toEqual({});
});

it('lists are written one per line, with blank lines and spaces', () => {
  const { texts, ...rest } = toPolicyValues({});
  const policy = toPolicy({ ...rest, texts: { ...texts, models: ' claude-*\n\n gpt-5* \n' } }, {});
  expect(policy).toEqual({ models: ['claude-*', 'gpt-5*'] });
});

it.each([
  ['12', 12],
  [' 2.50 ', 2.5],
  ['1,000', '1,000'],
  ['many', 'many'],
  ['-1', '-1'],
])('a limit of "%s" is sent as %j, so that no mistake lifts it', (text, value) => {
  const { texts, ...rest } = toPolicyValues({});
  expect(toPolicy({ ...rest, texts: { ...texts, usd_per_month: text } }, {})).toEqual({ usd_per_month: value });
});

it('fields of a newer server stay', () => {
  expect(toPolicy(toPolicyValues({}), { later: ['x'], models: ['claude-*'] })).toEqual({ later: ['x'] });
});
