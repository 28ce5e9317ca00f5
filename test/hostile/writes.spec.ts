import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newFolder } from '../clients/support/folders.js';
import { type Hostile, removeFolders, skipReason, startHostile, writes } from './support.js';

/** What the server would put in order in a conversation: it ends in the middle of a line. */
const KEPT = '{"type":"user"}\n{"torn';
const PDF = { type: 'base64', media_type: 'application/pdf', data: Buffer.from('%PDF-1.4 upload').toString('base64') };

describe.skipIf(skipReason !== undefined)('What the server writes for an agent', () => {
  let hostile: Hostile;
  let outside: string;

  beforeAll(async () => {
    hostile = await startHostile('claude-code');
  });

  beforeEach(async () => {
    outside = await newFolder('outside');
    await writeFile(join(outside, 'file'), KEPT);
  });

  afterEach(async () => {
    // Claude Code itself, with the agent's own rights, may add to a conversation that its command has just replaced.
    expect(await readFile(join(outside, 'file'), 'utf8')).satisfy((text: string) => text.startsWith(KEPT));
    expect(await readdir(outside)).toEqual(['file']);
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  const TRANSCRIPT = '"$(ls ~/.claude/projects/*/*.jsonl | head -1)"';
  // Claude Code 2.1.330 runs no `rm -rf` of a folder at the top, as which these are seen inside of some sandboxes.
  const PLANTED: readonly (readonly [string, (file: string, folder: string) => string])[] = [
    ['a link where the instructions were once', (file) => `ln -s ${file} ~/.chiron-instructions.md`],
    ['a link where the instructions are', (file) => `ln -sf ${file} ../server/instructions.md`],
    ['a second name of a file where the instructions are', (file) => `ln -f ${file} ../server/instructions.md`],
    [
      'a link in the place of the folder of the instructions',
      (_, folder) => `find ../server -delete; ln -s ${folder} ../server`,
    ],
    [
      'a link in the place of the folder of the settings',
      (_, folder) => `rm -rf ../server/claude; ln -s ${folder} ../server/claude`,
    ],
    ['a link in the place of the settings', (file) => `ln -sf ${file} ../server/claude/settings.json`],
    ['a link in the place of what Claude Code remembers', (file) => `ln -sf ${file} ~/.claude/.claude.json`],
    ['a link in the place of the temporary folder', (_, folder) => `find ../tmp -delete; ln -s ${folder} ../tmp`],
    [
      'a folder where the instructions are',
      () => 'rm -f ../server/instructions.md; mkdir -p ../server/instructions.md/x',
    ],
  ];

  it.each(PLANTED)('goes over no file elsewhere by %s', async (name, plant) => {
    const { thread } = await hostile.paths(name);
    const text = writes('AGENTS.md', 'written over');
    await hostile.run(name, `${text}; ${plant(join(outside, 'file'), outside)}`);
    expect(await hostile.told(name, 'SCENE:text I am fine')).toContain('I am fine');
    // The server did write: the next process was given the instructions, in the thread's own file.
    expect(await readFile(join(thread, 'server', 'instructions.md'), 'utf8')).toBe('written over');
  });

  it.each([
    ['a link to a file elsewhere', (file: string) => `ln -s ${file} "$T"`],
    ['a second name of a file elsewhere', (file: string) => `ln ${file} "$T"`],
    ['a folder', () => 'mkdir "$T"'],
  ])('goes over no file elsewhere when the conversation is %s', async (name, plant) => {
    const thread = `transcript ${name}`;
    await hostile.run(thread, `T=${TRANSCRIPT}; rm "$T"; ${plant(join(outside, 'file'))}`);
    expect(await hostile.say(thread, 'SCENE:text I am fine')).toEqual({ status: 200, text: 'I am fine' });
  });
});

describe.skipIf(skipReason !== undefined)('What the server uploads for Codex', () => {
  let hostile: Hostile;
  let outside: string;

  beforeAll(async () => {
    hostile = await startHostile('codex');
    outside = await newFolder('outside');
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  it.each([
    [
      'the folder of uploads',
      (folder: string) => `mkdir -p ../server; rm -rf ../server/uploads; ln -s ${folder} ../server/uploads`,
    ],
    ['the folder of what the server writes', (folder: string) => `rm -rf ../server; ln -s ${folder} ../server`],
    ['the folder of uploads as it was once', (folder: string) => `rm -rf ~/uploads; ln -s ${folder} ~/uploads`],
  ])('is in the thread also with a link in the place of %s', async (name, plant) => {
    await hostile.run(name, plant(outside));
    const told = await hostile.told(name, [
      { type: 'document', source: PDF },
      { type: 'text', text: 'SCENE:text I read it' },
    ]);
    expect(await readdir(outside)).toEqual([]);
    const path = /is in the file ([^ "\\]+\.pdf)/.exec(told)?.[1] ?? '';
    expect((await hostile.run(name, `cat ${path}`)).text).toContain('%PDF-1.4 upload');
  });
});
