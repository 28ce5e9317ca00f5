import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { SandboxModule } from './sandbox.module.js';
import { Sandbox } from './sandbox.js';

it('gives the sandbox with its settings and closes it at shutdown', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-module-'));
  const useFactory = () => ({ dataDirectory, workspaceTemplate: undefined, homeTemplate: undefined });
  const module = await Test.createTestingModule({ imports: [SandboxModule.forRootAsync({ useFactory })] }).compile();
  const sandbox = module.get<Sandbox>(Sandbox);
  const folders = await sandbox.prepare('one');
  expect(folders.home).toBe(join(dataDirectory, 'threads', 'one', 'home'));
  const started = sandbox.spawn({ threadId: 'one', folders, command: 'cat', args: [], env: {} });
  await module.close();
  expect(await started.exit).toBeDefined();
  rmSync(dataDirectory, { recursive: true });
});
