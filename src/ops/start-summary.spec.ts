import { expect, it } from 'vitest';
import { readConfig } from '../config/app-config.js';
import { renderStartSummary } from './start-summary.js';

const FACTS = {
  url: 'http://127.0.0.1:8787',
  available: [
    { name: 'claude-code', version: '2.1.330' },
    { name: 'demo', version: 'built in' },
  ],
  defaultHarness: 'claude-code',
  sandbox: 'bubblewrap: own namespaces',
  hasStoredKeys: false,
} as const;

it('shows the address, the store, the data folder, the harnesses and whether keys are required', () => {
  expect(renderStartSummary({ ...readConfig({}), dataDirectory: '/data' }, FACTS)).toMatchInlineSnapshot(`
    "Chiron is ready
      address    http://127.0.0.1:8787
      store      SQLite in the data folder
      data       /data
      harnesses  claude-code 2.1.330 (default), demo built in
      sandbox    bubblewrap: own namespaces
      spares     as many as new threads need
      keys       not required; loopback only
      Point Claude Code at it:
        ANTHROPIC_BASE_URL=http://127.0.0.1:8787 ANTHROPIC_API_KEY=none claude
    "
  `);
});

it('shows neither keys nor the password of the store', () => {
  const variables = {
    CHIRON_API_KEYS: 'alice:sk-secret-that-is-long-enough',
    CHIRON_DATABASE_URL: 'postgres://user:hush@host/db',
  };
  const summary = renderStartSummary(readConfig(variables), FACTS);
  expect(summary).toContain('required (1 configured)');
  expect(summary).toContain('PostgreSQL');
  expect(summary).not.toMatch(/secret|hush|alice/);
});

it('names the identity provider whose tokens are accepted', () => {
  const oidc = { CHIRON_OIDC_ISSUER: 'https://login.example.com', CHIRON_OIDC_AUDIENCE: 'chiron' };
  const summary = renderStartSummary(readConfig(oidc), FACTS);
  expect(summary).toContain('required (0 configured, or a token of https://login.example.com)');
  expect(summary).toContain('ANTHROPIC_API_KEY=<one of your keys>');
});

it('says that keys are required once the store has one', () => {
  const summary = renderStartSummary(readConfig({}), { ...FACTS, hasStoredKeys: true });
  expect(summary).toContain('required (0 configured, others in the store)');
  expect(summary).toContain('ANTHROPIC_API_KEY=<one of your keys>');
});
