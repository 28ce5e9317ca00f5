import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';

const run = promisify(execFile);
const EXAMPLE = new URL('../../examples/lend-a-tool.mjs', import.meta.url);
const SDK = fileURLToPath(new URL('node_modules/sdk-1', import.meta.url));

describe('examples/lend-a-tool.mjs', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  it('lends the agent a tool that runs where the script runs', async () => {
    const folder = await newFolder('example');
    await mkdir(join(folder, 'node_modules/@anthropic-ai'), { recursive: true });
    await symlink(SDK, join(folder, 'node_modules/@anthropic-ai/sdk'));
    await copyFile(EXAMPLE, join(folder, 'lend-a-tool.mjs'));
    const { stdout } = await run(process.execPath, ['lend-a-tool.mjs'], {
      cwd: folder,
      env: { CHIRON_URL: server.url },
    });
    expect(stdout).toMatch(/The tool returned: \d+ MB/);
  });
});
