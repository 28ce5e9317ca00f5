import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RealHarness } from '../clients/support/rig.js';
import { newFolder } from '../clients/support/folders.js';
import { type Hostile, removeFolders, SECRET, skipReason, startHostile } from './support.js';

/** How many megabytes a process holds. */
async function megabytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('The instructions of a workspace of %s', (harness) => {
  let hostile: Hostile;
  let outside: string;

  beforeAll(async () => {
    outside = await newFolder('outside');
    await writeFile(join(outside, 'secret'), SECRET);
    hostile = await startHostile(harness);
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  const PLANTED: readonly (readonly [string, (secret: string) => string])[] = [
    ['a link to the environment of the server', () => 'ln -s /proc/self/environ AGENTS.md'],
    ['a link to the environment of its parent', () => 'ln -s /proc/$PPID/environ AGENTS.md'],
    ['a link to a file elsewhere', (secret) => `ln -s ${secret} AGENTS.md`],
    ['a link over a link to a file elsewhere', (secret) => `ln -s ${secret} a; ln -s a AGENTS.md`],
    ['a second name of a file elsewhere', (secret) => `ln ${secret} AGENTS.md`],
    ['a folder', () => 'mkdir AGENTS.md'],
  ];

  it.each(PLANTED)('tell the model nothing, and end nothing, when they are %s', async (name, plant) => {
    await hostile.run(name, plant(join(outside, 'secret')));
    // The last two are opened by Codex itself, with the agent's own rights.
    const told = await hostile.told(name, 'SCENE:text I am fine');
    if (harness === 'claude-code' || !name.includes('elsewhere')) expect(told).not.toContain(SECRET);
    expect(told).toContain('I am fine');
  });
});

describe.skipIf(skipReason !== undefined)('The server', () => {
  let hostile: Hostile;

  beforeAll(async () => {
    hostile = await startHostile('claude-code');
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  const WAITING: readonly (readonly [string, string])[] = [
    ['FIFOs for instructions', 'mkfifo AGENTS.md'],
    ['links to FIFOs for instructions', 'mkfifo fifo; ln -s fifo AGENTS.md'],
    ['FIFOs for what Claude Code remembers', 'rm -f ~/.claude/.claude.json; mkfifo ~/.claude/.claude.json'],
    [
      'FIFOs for conversations',
      'mkfifo $(ls -d ~/.claude/projects/*)/$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid).jsonl',
    ],
  ];

  it.each(WAITING)('serves everybody while five agents leave %s', async (_, plant) => {
    const threads = Array.from({ length: 5 }, (__, index) => `waiting-${plant.length}-${index}`);
    for (const thread of threads) await hostile.run(thread, plant);
    const again = threads.map((thread) => hostile.say(thread, 'SCENE:text still here'));
    const alice = await hostile.say(`alice-${plant.length}`, 'SCENE:text I am fine');
    expect(alice).toEqual({ status: 200, text: 'I am fine' });
    for (const answer of await Promise.all(again)) expect(answer).toEqual({ status: 200, text: 'still here' });
  });

  it.each([
    ['a link to a device without an end', 'ln -s /dev/zero AGENTS.md'],
    ['a file of many gigabytes', 'truncate -s 40G AGENTS.md'],
    ['a transcript of many gigabytes', 'truncate -s 40G $(ls ~/.claude/projects/*/*.jsonl)'],
  ])('holds no more memory for %s', async (name, plant) => {
    await hostile.say(name, 'SCENE:text hello');
    const before = await megabytesOf(hostile.rig.server.pid);
    await hostile.run(name, plant);
    const { status } = await hostile.say(name, 'SCENE:text I am fine');
    expect(status).toBe(200);
    expect((await megabytesOf(hostile.rig.server.pid)) - before).toBeLessThan(250);
  });

  it('stops when it is told to, whatever was planted', async () => {
    expect((await hostile.rig.server.stop()).code).toBe(0);
  });
});
