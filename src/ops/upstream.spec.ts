import { describe, expect, it } from 'vitest';
import { AGENT_PRESETS } from '../config/agent-presets.js';
import { readConfig } from '../config/app-config.js';
import { HARNESSES } from '../harness/harnesses.js';
import type { HarnessName } from '../harness/harness.js';
import { assertNoLoop, findUpstreamWarnings } from './upstream.js';

const CLAUDE_KEY = { ANTHROPIC_API_KEY: 'sk-secret' };
const CODEX_KEY = { OPENAI_API_KEY: 'sk-secret' };

const available = (...names: readonly HarnessName[]) => names.map((name) => ({ name, version: '1.0.0' }));

function warnings(
  names: readonly HarnessName[],
  variables: Readonly<Record<string, string>>,
  template: readonly string[] = [],
): readonly string[] {
  const templateHas = (path: string) => template.includes(path);
  return findUpstreamWarnings(readConfig(variables, HARNESSES), {
    variables,
    available: available(...names),
    templateHas,
  });
}

describe('the warnings of settings with which agents cannot reach their models', () => {
  it('are absent with a key or another login for each available agent', () => {
    expect(warnings(['claude-code', 'codex'], { ...CLAUDE_KEY, ...CODEX_KEY })).toEqual([]);
    expect(
      warnings(['claude-code'], { ANTHROPIC_AUTH_TOKEN: 't', ANTHROPIC_BASE_URL: 'https://gateway/anthropic' }),
    ).toEqual([]);
    const bedrock = { CLAUDE_CODE_USE_BEDROCK: '1', CHIRON_SANDBOX_PASSTHROUGH_ENV: 'CLAUDE_CODE_USE_BEDROCK' };
    expect(warnings(['claude-code'], bedrock)).toEqual([]);
    expect(warnings(['claude-code', 'codex'], {}, ['.claude/.credentials.json', '.codex/auth.json'])).toEqual([]);
    expect(warnings(['claude-code', 'codex'], {}, ['.claude/settings.json', '.codex/config.toml'])).toEqual([]);
    expect(warnings(['demo'], { ANTHROPIC_BASE_URL: 'nonsense' })).toEqual([]);
  });

  it.each([
    [['claude-code'], {}, /^Claude Code has no login: none of ANTHROPIC_API_KEY, .* is set/],
    [['codex'], CLAUDE_KEY, /^Codex has no login: none of OPENAI_API_KEY is set/],
    [
      ['codex'],
      { ...CODEX_KEY, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' },
      /^Codex has no login: OPENAI_API_KEY is set, but CHIRON_SANDBOX_PASSTHROUGH_ENV does not name it/,
    ],
    [['claude-code'], { ...CLAUDE_KEY, CLAUDE_CODE_USE_BEDROCK: '1' }, /^CLAUDE_CODE_USE_BEDROCK is set, but/],
    [['claude-code'], { ...CLAUDE_KEY, CLAUDE_CODE_USE_VERTEX: '1' }, /^CLAUDE_CODE_USE_VERTEX is set, but/],
    [['claude-code'], { ...CLAUDE_KEY, ANTHROPIC_BASE_URL: 'api.secret.com' }, /^ANTHROPIC_BASE_URL is not an http/],
    [['claude-code'], { ...CLAUDE_KEY, ANTHROPIC_BASE_URL: 'ftp://secret' }, /^ANTHROPIC_BASE_URL is not an http/],
    [['claude-code'], { ...CLAUDE_KEY, ANTHROPIC_BASE_URL: 'https://secret/v1' }, /^ANTHROPIC_BASE_URL ends in \/v1/],
    [['claude-code'], { ...CLAUDE_KEY, ANTHROPIC_BASE_URL: 'https://secret/v1/' }, /^ANTHROPIC_BASE_URL ends in \/v1/],
    [['codex'], { ...CODEX_KEY, OPENAI_BASE_URL: 'localhost:8080' }, /^OPENAI_BASE_URL is not an http/],
    [
      ['codex'],
      { ...CODEX_KEY, OPENAI_BASE_URL: 'http://localhost:8787/v1' },
      /^OPENAI_BASE_URL is the address of this server/,
    ],
    [
      ['claude-code'],
      { ...CLAUDE_KEY, CHIRON_MODEL_ROUTES: 'gpt-*=codex,x=codex' },
      /leads to codex, which was not found/,
    ],
    [['claude-code'], { ...CLAUDE_KEY, CHIRON_MODEL_ROUTES: 'shell=demo' }, /leads to demo, which answers only where/],
  ] as const)('are shown once each, without a value: %j %j', (names, variables, words) => {
    const shown = warnings(names, variables);
    expect(shown).toEqual([expect.stringMatching(words)]);
    expect(shown.join(' ')).not.toContain('secret');
  });
});

describe('a model provider URL that may be the address of this server', () => {
  const check = (
    url: string,
    more: Readonly<Record<string, string>> = {},
    names: readonly HarnessName[] = ['claude-code'],
  ) =>
    assertNoLoop(readConfig({ ANTHROPIC_BASE_URL: url, ...more }, HARNESSES), available(...names), [
      'localhost',
      'my-host',
      '10.0.0.7',
      '::1',
    ]);

  it.each([
    ['http://127.0.0.1:8787', {}],
    ['http://localhost:8787/', {}],
    ['http://[::1]:8787/v1', {}],
    ['http://MY-HOST:8787', {}],
    ['http://10.0.0.7', { PORT: '80' }],
    ['https://my-host/chiron', { PORT: '443' }],
  ])('is rejected at the start when it is: %s %j', (url, more) => {
    expect(() => check(url, more)).toThrow(/ANTHROPIC_BASE_URL: is the address of this server/);
  });

  it.each([
    ['https://api.anthropic.com', {}],
    ['http://localhost:8788', {}],
    ['http://other-host:8787', {}],
    ['nonsense', {}],
    ['http://localhost:8787', { CHIRON_SANDBOX_PASSTHROUGH_ENV: 'ANTHROPIC_API_KEY' }],
  ])('is accepted at another address: %s %j', (url, more) => {
    expect(() => check(url, more)).not.toThrow();
  });

  it('is refused as the address of an agent of CHIRON_AGENTS_FILE that is available', () => {
    const config = readConfig({ OPENAI_BASE_URL: 'http://localhost:8787/v1' }, HARNESSES);
    const { qwen } = AGENT_PRESETS;
    const agents = qwen === undefined ? [] : [{ name: 'qwen', models: [], ...qwen }];
    const start = (...names: readonly HarnessName[]) =>
      assertNoLoop({ ...config, agents }, available(...names), ['localhost']);
    expect(() => start('qwen')).toThrow(/OPENAI_BASE_URL: is the address of this server/);
    expect(() => start('codex')).not.toThrow();
  });

  it('is accepted when Claude Code is not available', () => {
    expect(() => check('http://localhost:8787', {}, ['codex', 'demo'])).not.toThrow();
  });
});
