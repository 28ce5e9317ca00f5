import { expect, it } from 'vitest';
import { readConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { SANDBOX_CHOICES } from '../config/sandbox-settings.js';
import { type SandboxChoice, SANDBOXES } from '../sandbox/kinds.js';
import { NoSandbox } from '../../test/support/no-sandbox.js';
import { claudeCode } from '../harness/claude-code/definition.js';
import { codex } from '../harness/codex/definition.js';
import { assertIsolatesTenants, findCredentialWarnings, findIsolationWarnings } from './isolation.js';

const KEY = 'k'.repeat(24);
const ONE_KEY = `alice:${KEY}`;
const TWO_KEYS = `alice:${KEY},bob:${KEY}`;

const LOCAL: SandboxChoice = {
  name: 'local',
  sandbox: new NoSandbox(),
  problems: { bubblewrap: 'bwrap not found. Install bubblewrap.' },
};
const ISOLATED: SandboxChoice = {
  name: 'bubblewrap',
  sandbox: Object.assign(new NoSandbox(), { isolates: true }),
  problems: {},
};

const check =
  (keys: string, sandbox: string, choice: SandboxChoice, storedTenants: readonly string[] = []) =>
  () =>
    assertIsolatesTenants(readConfig({ CHIRON_API_KEYS: keys, CHIRON_SANDBOX: sandbox }), choice, storedTenants);

it('does not run the agents of several tenants without isolation, and says what is missing', () => {
  expect(check(TWO_KEYS, 'auto', LOCAL)).toThrow(ConfigurationError);
  expect(check(TWO_KEYS, 'auto', LOCAL)).toThrow(/CHIRON_SANDBOX: .*local.* bubblewrap: bwrap not found/);
});

it('runs them where the sandbox isolates, or where the operator has named the local one', () => {
  expect(check(TWO_KEYS, 'auto', ISOLATED)).not.toThrow();
  expect(check(TWO_KEYS, 'local', { ...LOCAL, problems: {} })).not.toThrow();
  expect(check(ONE_KEY, 'auto', LOCAL)).not.toThrow();
});

it('counts the tenants with keys in the store, and one with both kinds of keys once', () => {
  expect(check(ONE_KEY, 'auto', LOCAL, ['bob'])).toThrow(/CHIRON_SANDBOX/);
  expect(check('', 'auto', LOCAL, ['alice', 'bob'])).toThrow(/CHIRON_SANDBOX/);
  expect(check(ONE_KEY, 'auto', LOCAL, ['alice'])).not.toThrow();
});

it('takes the tokens of an identity provider for those of several tenants', () => {
  const oidc = { CHIRON_OIDC_ISSUER: 'https://login.example.com', CHIRON_OIDC_AUDIENCE: 'chiron' };
  expect(() => assertIsolatesTenants(readConfig(oidc), LOCAL, [])).toThrow(/CHIRON_SANDBOX/);
  expect(() => assertIsolatesTenants(readConfig(oidc), ISOLATED, [])).not.toThrow();
  expect(() => assertIsolatesTenants(readConfig({ ...oidc, CHIRON_SANDBOX: 'local' }), LOCAL, [])).not.toThrow();
});

it('warns of each stronger kind that does not work', () => {
  expect(findIsolationWarnings(LOCAL)).toEqual([
    'the sandbox is local, as a stronger one does not work. bubblewrap: bwrap not found. Install bubblewrap.',
  ]);
  expect(findIsolationWarnings(ISOLATED)).toEqual([]);
});

it('lets the setting name every kind of sandbox, and auto', () => {
  expect([...SANDBOX_CHOICES]).toEqual(['auto', ...Object.keys(SANDBOXES)]);
});

it('warns of isolated agents that hold the credentials of the deployment, and of no others', () => {
  const check = (passed: Readonly<Record<string, string>>, more: object = {}) =>
    findCredentialWarnings({
      config: { passedVariables: passed, agentVariables: {} },
      isolates: true,
      available: [claudeCode, codex],
      isServed: (provider) => provider === codex.provider,
      templateHas: () => false,
      ...more,
    });
  expect(check({ CLAUDE_CODE_USE_BEDROCK: '1', OPENAI_API_KEY: 'k' })).toEqual([
    expect.stringMatching(
      /^agents of Claude Code ask their model past the broker \(CLAUDE_CODE_USE_BEDROCK\).* read its credentials, .*CHIRON_TURN_TOKEN_LIMIT/,
    ),
  ]);
  expect(check({ OPENAI_API_KEY: 'k' })).toEqual([]);
  expect(check({}, { templateHas: (path: string) => path === '.claude/.credentials.json' })).toEqual([
    expect.stringContaining('past the broker (.claude/.credentials.json)'),
  ]);
  expect(check({ CLAUDE_CODE_USE_BEDROCK: '1' }, { isolates: false })).toEqual([]);
});
