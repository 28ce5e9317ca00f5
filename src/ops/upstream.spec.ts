import { describe, expect, it } from 'vitest';
import { readConfig } from '../config/app-config.js';
import { HARNESSES } from '../harness/harnesses.js';
import type { HarnessName } from '../harness/harness.js';
import { refuseLoop, upstreamWarnings } from './upstream.js';

const CLAUDE_KEY = { ANTHROPIC_API_KEY: 'sk-secret' };
const CODEX_KEY = { OPENAI_API_KEY: 'sk-secret' };

const found = (...names: readonly HarnessName[]) => names.map((name) => ({ name, version: '1.0.0' }));

function warnings(
  names: readonly HarnessName[],
  variables: Readonly<Record<string, string>>,
  template: readonly string[] = [],
): readonly string[] {
  const templateHas = (path: string) => template.includes(path);
  return upstreamWarnings(readConfig(variables, HARNESSES), {
    variables,
    found: found(...names),
    templateHas,
  });
}

describe('settings with which agents cannot reach their models', () => {
  it('are none with a key or another login of each agent that is here', () => {
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
  ] as const)('are told once each, without a value: %j %j', (names, variables, words) => {
    const told = warnings(names, variables);
    expect(told).toEqual([expect.stringMatching(words)]);
    expect(told.join(' ')).not.toContain('secret');
  });
});

describe('an agent that would ask the server that runs it', () => {
  const refuse = (
    url: string,
    more: Readonly<Record<string, string>> = {},
    names: readonly HarnessName[] = ['claude-code'],
  ) =>
    refuseLoop(readConfig({ ANTHROPIC_BASE_URL: url, ...more }, HARNESSES), found(...names), [
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
  ])('is refused at the start: %s %j', (url, more) => {
    expect(() => refuse(url, more)).toThrow(/ANTHROPIC_BASE_URL: is the address of this server/);
  });

  it.each([
    ['https://api.anthropic.com', {}],
    ['http://localhost:8788', {}],
    ['http://other-host:8787', {}],
    ['nonsense', {}],
    ['http://localhost:8787', { CHIRON_SANDBOX_PASSTHROUGH_ENV: 'ANTHROPIC_API_KEY' }],
  ])('is another at another address: %s %j', (url, more) => {
    expect(() => refuse(url, more)).not.toThrow();
  });

  it('is none where Claude Code is not here', () => {
    expect(() => refuse('http://localhost:8787', {}, ['codex', 'demo'])).not.toThrow();
  });
});
