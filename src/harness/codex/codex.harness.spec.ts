import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { CodexHarness } from './codex.harness.js';

const unused = (): never => {
  throw new Error('the sandbox is not used here');
};
const sandbox: Sandbox = {
  isolates: false,
  description: 'none',
  openSocket: () => Promise.resolve(undefined),
  allowPort: () => undefined,
  closeSocket: () => Promise.resolve(),
  runsAsRoot: false,
  folders: unused,
  files: unused,
  templateText: unused,
  prepare: unused,
  deploy: unused,
  copy: unused,
  replace: unused,
  spawn: unused,
  run: unused,
  usage: unused,
  memoryBytes: unused,
  diskBytes: unused,
  threadIds: unused,
  describeLimits: unused,
  warnings: unused,
  remove: unused,
  kill: () => Promise.resolve(),
  expectLife: () => undefined,
  close: unused,
};

describe('the Codex harness', () => {
  it('knows the names of OpenAI’s models as providers and gateways spell them', () => {
    const harness = new CodexHarness(sandbox, 'codex');
    const known = [
      ...['gpt-6.1-sol', 'GPT-5', 'codex-mini-latest', 'o3', 'o4-mini', 'chatgpt-4o-latest', 'ft:gpt-4o:org::id'],
      ...[
        'openai/gpt-5',
        'azure/gpt-5-deployment',
        'openai/o3',
        'openai.gpt-oss-120b-1:0',
        'us.openai.gpt-oss-20b-1:0',
      ],
    ];
    expect(known.filter((model) => !harness.knowsModel(model))).toEqual([]);
    const others = ['claude-opus-5-5', 'us.anthropic.claude-x-v1:0', 'egpt-5', 'oops', 'foo3', 'opus', ''];
    expect(others.filter((model) => harness.knowsModel(model))).toEqual([]);
  });
});
