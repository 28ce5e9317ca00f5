import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../support/requests.js';
import { newFolder, removeFolder, startMain, type Start, urlOf } from '../support/start-main.js';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let start: Start;

beforeEach(() => {
  folder = newFolder();
});

afterEach(async () => {
  start.signal('SIGKILL');
  await start.exit;
  removeFolder(folder);
});

const run = async (environment: Readonly<Record<string, string>> = {}): Promise<readonly string[]> => {
  start = await startMain({ cwd: folder, environment: { CHIRON_DEFAULT_HARNESS: 'demo', ...environment } });
  return readFileSync(`/proc/${start.pid}/environ`, 'utf8')
    .split('\0')
    .filter((variable) => variable.startsWith('MALLOC_'));
};

describe('The memory of the server', () => {
  it('is in one arena for all of its threads, of which its agents know nothing', async () => {
    expect(await run()).toEqual(['MALLOC_ARENA_MAX=1']);
    const answer = await fetch(`${urlOf(start)}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask('!echo "arenas: ${MALLOC_ARENA_MAX-none}"')),
    });
    expect(await answer.text()).toContain('arenas: none');
  });

  it('is in as many arenas as the operator says', async () => {
    expect(await run({ MALLOC_ARENA_MAX: '3' })).toEqual(['MALLOC_ARENA_MAX=3']);
  });
});
