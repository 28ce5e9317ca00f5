import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { newFolder, removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { messageThrough, sayTo } from './support/say.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];
const THREAD = { thread: 'test:moved' };

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A data folder with threads of %s', (harness) => {
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });
  afterAll(removeFolders);

  /** All that the model was sent with its newest request. */
  const sent = (): string => JSON.stringify(rig?.model.requests.at(-1)?.body);
  const ask = async (text: string): Promise<Response> => {
    if (rig === undefined) throw new Error('nothing runs');
    return sayTo(rig, [text], THREAD);
  };

  async function begin(): Promise<{ readonly started: Rig; readonly from: string; readonly to: string }> {
    const from = join(await newFolder('from'), 'data');
    const started = await startRig(harness, { CHIRON_DATA_DIR: from });
    rig = started;
    expect(await messageThrough(await ask('SCENE:text My number is 4711'))).toBe('My number is 4711');
    return { started, from, to: join(await newFolder('to'), 'data') };
  }

  it('that was moved while the server was down keeps the agents’ memory', async () => {
    const { started, from, to } = await begin();
    await started.server.stop();
    await rename(from, to);
    rig = await started.startAgain({ CHIRON_DATA_DIR: to });
    const next = await ask('SCENE:text What is my number?');
    expect(await messageThrough(next)).toBe('What is my number?');
    expect(sent()).toContain('My number is 4711');
    expect(next.headers.get('x-chiron-history')).toBe('continued');
    await ask('SCENE:text And now?');
    expect(sent()).toContain('What is my number?');
  });

  it('that was restored beside the original keeps the agents’ memory, and does not change the original', async () => {
    const { started, from, to } = await begin();
    await started.server.stop();
    await cp(from, to, { recursive: true });
    rig = await started.startAgain({ CHIRON_DATA_DIR: to });
    await messageThrough(await ask('SCENE:text What is my number?'));
    expect(sent()).toContain('My number is 4711');
    await rig.server.stop();
    expect(await anyFileHolds(join(from, 'threads'), 'What is my number?')).toBe(false);
    expect(await anyFileHolds(join(to, 'threads'), 'What is my number?')).toBe(true);
  });

  it('that was moved after a kill in mid-turn resumes the turn', async () => {
    const { started, from, to } = await begin();
    const slow = ask("SCENE:tool python3 -c 'import time; time.sleep(4)'").catch(() => undefined);
    await expect.poll(() => started.model.requests.length, { timeout: 20_000 }).toBeGreaterThan(1);
    await started.server.kill();
    await slow;
    await rename(from, to);
    rig = await started.startAgain({ CHIRON_DATA_DIR: to });
    const next = await ask('SCENE:text after it');
    expect(await messageThrough(next)).toBe('after it');
    expect(sent()).toContain('My number is 4711');
    expect(sent()).toContain('time.sleep(4)');
    expect(next.headers.get('x-chiron-history')).toBe('continued');
  });

  it.each([
    ['whose threads are gone', (data: string) => rm(join(data, 'threads'), { recursive: true })],
    ['in which the agent’s own record is gone', (data: string) => removeRecords(data)],
  ])('%s reports the loss, and the stored turns seed its agent', async (_, lose) => {
    const { started, from } = await begin();
    await started.server.stop();
    await lose(from);
    rig = await started.startAgain();
    const next = await ask('SCENE:text What is my number?');
    expect(next.headers.get('x-chiron-history')).toBe('lost');
    expect(await messageThrough(next)).toBe('What is my number?');
    expect(sent()).toContain('My number is 4711');
    expect(rig.server.output()).toContain('lost the agent’s record of a thread');
    const after = await ask('SCENE:text And now?');
    expect(after.headers.get('x-chiron-history')).toBe('continued');
    expect(sent()).toContain('What is my number?');
  });

  it('with a damaged record of an agent keeps working, and the stored turns seed the agent', async () => {
    const { started, from } = await begin();
    await started.server.stop();
    await damageRecords(from);
    rig = await started.startAgain();
    expect(await messageThrough(await ask('SCENE:text What is my number?'))).toBe('What is my number?');
    expect(sent()).toContain('My number is 4711');
  });
});

const RECORD = /(?:projects\/.*|sessions\/.*)\.jsonl$/;

async function recordsIn(data: string): Promise<readonly string[]> {
  const names = await readdir(join(data, 'threads'), { recursive: true });
  return names.filter((name) => RECORD.test(name)).map((name) => join(data, 'threads', name));
}

async function removeRecords(data: string): Promise<void> {
  for (const path of await recordsIn(data)) await rm(path);
}

async function damageRecords(data: string): Promise<void> {
  for (const path of await recordsIn(data)) await writeFile(path, 'no JSON\n');
}

async function anyFileHolds(folder: string, text: string): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && (await readFile(join(entry.parentPath, entry.name), 'utf8')).includes(text)) return true;
  }
  return false;
}
