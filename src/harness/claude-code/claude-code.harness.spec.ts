import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../sandbox/host/run-program.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { ClaudeCodeHarness } from './claude-code.harness.js';

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
  run: runProgram,
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

describe('the Claude Code harness', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claude-probe-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function program(script: string): Promise<string> {
    const path = join(folder, 'claude');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  const probe = (command: string) => new ClaudeCodeHarness(sandbox, command).probe();

  it('finds the version of the program', async () => {
    const path = await program('echo "2.1.330 (Claude Code)"');
    expect(await probe(path)).toBe('2.1.330');
  });

  it('finds nothing when the program is missing, fails, or prints no version', async () => {
    expect(await probe(join(folder, 'missing'))).toBeUndefined();
    expect(await probe('no-such-program-anywhere')).toBeUndefined();
    expect(await probe(await program('exit 1'))).toBeUndefined();
    expect(await probe(await program('echo hello'))).toBeUndefined();
  });

  it('knows the names and aliases of Anthropic’s models', () => {
    const harness = new ClaudeCodeHarness(sandbox, 'claude');
    const known = [
      ...['claude-opus-5-5', 'sonnet', 'opus[1m]', 'default', 'fable', 'claude-sonnet-4-6[1m]'],
      // Bedrock
      ...['us', 'eu', 'apac', 'global', 'us-gov', 'jp', 'au'].map(
        (region) => `${region}.anthropic.claude-haiku-4-5-20251001-v1:0`,
      ),
      ...['anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic.claude-x'],
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:application-inference-profile/a1b2c3',
      // Vertex
      ...['claude-haiku-4-5@20251001', 'publishers/anthropic/models/claude-haiku-4-5'],
      // Routers and gateways
      ...[
        'anthropic/claude-x',
        'bedrock/converse/us.anthropic.claude-x',
        'vertex_ai/claude-x@1',
        'databricks-claude-sonnet-4',
      ],
    ];
    expect(known.filter((model) => !harness.knowsModel(model))).toEqual([]);
    expect(
      ['gpt-5', 'o3', 'opusculum', 'claude', 'openai/gpt-5', 'openai.gpt-oss-120b-1:0', 'arn:aws:s3:::x', ''].filter(
        (model) => harness.knowsModel(model),
      ),
    ).toEqual([]);
  });
});
