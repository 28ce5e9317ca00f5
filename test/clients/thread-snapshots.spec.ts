import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { S3_BUCKET, S3_KEY_ID, type S3Server, startS3Server } from '../support/s3-server.js';
import { newFolder, removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { messageThrough, sayTo } from './support/say.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];
const THREAD = { thread: 'test:snapshot' };
const PATIENCE = { timeout: 180_000 };

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A thread of %s in a bucket', PATIENCE, (harness) => {
  let rig: Rig | undefined;
  let s3: S3Server | undefined;

  afterEach(async () => {
    await rig?.close();
    await s3?.close();
    rig = undefined;
  });
  afterAll(removeFolders);

  const sent = (): string => JSON.stringify(rig?.model.requests.at(-1)?.body);
  const ask = async (text: string): Promise<string> => {
    if (rig === undefined) throw new Error('nothing runs');
    return messageThrough(await sayTo(rig, [text], THREAD));
  };
  const countManifests = (): number =>
    [...(s3?.objects.keys() ?? [])].filter((key) => key.endsWith('.manifest')).length;

  async function begin(): Promise<Rig> {
    s3 = await startS3Server();
    rig = await startRig(harness, {
      CHIRON_DATA_DIR: join(await newFolder('from'), 'data'),
      CHIRON_THREAD_STORE: 's3',
      CHIRON_S3_ENDPOINT: s3.url,
      CHIRON_S3_BUCKET: S3_BUCKET,
      CHIRON_S3_ACCESS_KEY_ID: S3_KEY_ID,
      CHIRON_S3_SECRET_ACCESS_KEY: 'secret',
    });
    expect(await ask('SCENE:text My number is 4711')).toBe('My number is 4711');
    await ask('SCENE:tool echo of the first machine > kept');
    return rig;
  }

  /** Starts a server with nothing but the rows of the first one, at another path. */
  async function goOn(started: Rig): Promise<void> {
    const to = join(await newFolder('to'), 'data');
    await mkdir(to);
    for (const name of ['chiron.sqlite', 'chiron.sqlite-wal']) {
      const rows = join(started.server.dataDirectory, name);
      if (existsSync(rows)) await cp(rows, join(to, name));
    }
    await rm(started.server.dataDirectory, { recursive: true });
    rig = await started.startAgain({ CHIRON_DATA_DIR: to });
  }

  it('remembers, and has its files, on a machine that has none of them, at another path', async () => {
    const started = await begin();
    await started.server.stop();
    await goOn(started);
    await ask('SCENE:tool cat kept');
    expect(sent()).toContain('My number is 4711');
    expect(sent()).toContain('of the first machine');
    // Not by being told: the agent's own record has come with it.
    expect(rig?.server.output()).not.toContain('lost the agent’s record');
    await ask('SCENE:text And now?');
    expect(sent()).toContain('cat kept');
  });

  it('remembers what was saved while its agent lived, after the machine has died', async () => {
    const started = await begin();
    await expect.poll(countManifests, { timeout: 60_000 }).toBeGreaterThan(0);
    const before = countManifests();
    await ask('SCENE:text My city is Turin');
    await expect.poll(countManifests, { timeout: 60_000 }).toBeGreaterThan(before);
    await started.server.kill();
    await goOn(started);
    await ask('SCENE:text Where do I live?');
    expect(sent()).toContain('My number is 4711');
    expect(sent()).toContain('My city is Turin');
    expect(sent().split('My city is Turin').length).toBeLessThan(5);
  });
});
