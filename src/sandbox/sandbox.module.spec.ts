import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SANDBOX_KINDS, SANDBOXES } from './kinds.js';
import { LocalSandbox } from './local/local.sandbox.js';
import { SandboxModule } from './sandbox.module.js';
import { Sandbox, type SandboxOptions } from './sandbox.js';

let dataDirectory: string;

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-module-'));
});

afterEach(() => rmSync(dataDirectory, { recursive: true }));

const moduleOf = (more: Partial<SandboxOptions> = {}) => {
  const useFactory = () => ({ dataDirectory, workspaceTemplate: undefined, homeTemplate: undefined, ...more });
  return Test.createTestingModule({ imports: [SandboxModule.forRootAsync({ useFactory })] });
};

it('gives the sandbox with its settings and closes it at shutdown', async () => {
  const module = await moduleOf().compile();
  const sandbox = module.get<Sandbox>(Sandbox);
  const folders = await sandbox.prepare('one');
  expect(folders.home).toBe(join(dataDirectory, 'threads', 'one', 'home'));
  const started = sandbox.spawn({ threadId: 'one', command: 'cat', args: [], env: {} });
  await module.close();
  expect(await started.exit).toBeDefined();
});

it('makes the kind that the settings name, and the local one when they name none', async () => {
  class Other extends LocalSandbox {}
  const kinds = { ...SANDBOXES, other: { create: (options: SandboxOptions) => new Other(options) } };
  const made = async (more: Partial<SandboxOptions>) => {
    const module = await moduleOf(more).overrideProvider(SANDBOX_KINDS).useValue(kinds).compile();
    return module.get<Sandbox>(Sandbox);
  };
  expect(await made({ kind: 'other' })).toBeInstanceOf(Other);
  expect((await made({})).constructor).toBe(LocalSandbox);
  await expect(made({ kind: 'toString' })).rejects.toThrow(
    'there is no sandbox toString, only bubblewrap, landlock, local, other',
  );
});
