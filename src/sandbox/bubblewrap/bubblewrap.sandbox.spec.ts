import { chmodSync, chownSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BubblewrapSandbox } from './bubblewrap.sandbox.js';
import { findBubblewrapProblem } from './probe.js';

const folder = mkdtempSync(join(tmpdir(), 'chiron-bubblewrap-'));
chmodSync(folder, 0o711);
const NO_TEMPLATES = { workspaceTemplate: undefined, homeTemplate: undefined };
const problem = await findBubblewrapProblem({ dataDirectory: join(folder, 'probe'), ...NO_TEMPLATES });
if (problem !== undefined) process.stderr.write(`Skipped: bubblewrap does not work here. ${problem}\n`);

// Only a server that runs as root gives user ids.
it.skipIf(problem !== undefined || process.getuid?.() !== 0)(
  'gives no user ids that another server on the machine uses, also to a thread that had one, and ends nothing of that server',
  async () => {
    const [one, other] = ['one', 'other'].map((name) => {
      const userIds = { first: 30_000, last: 30_001 };
      return new BubblewrapSandbox({ dataDirectory: join(folder, name), userIds, ...NO_TEMPLATES });
    });
    if (one === undefined || other === undefined) throw new Error('two sandboxes were made');
    const ownerOf = (name: string) => lstatSync(join(folder, name, 'threads', 'thread')).uid;
    for (const sandbox of [one, other]) await sandbox.prepare('thread');
    expect(ownerOf('other')).not.toBe(ownerOf('one'));
    // As if it were from a time when the other server did not run.
    chownSync(join(folder, 'other', 'threads', 'thread'), ownerOf('one'), ownerOf('one'));
    await other.prepare('thread');
    expect(ownerOf('other')).not.toBe(ownerOf('one'));
    const command = { threadId: 'thread', command: 'cat', args: [], env: {} };
    const program = one.spawn(command);
    const lines: string[] = [];
    program.lines$.subscribe((batch) => lines.push(...batch));
    const ended = other.spawn(command);
    await other.close();
    await ended.exit;
    program.writeLine('alive');
    await expect.poll(() => lines, { timeout: 10_000 }).toEqual(['alive']);
    await one.close();
    rmSync(folder, { recursive: true, force: true });
  },
);
