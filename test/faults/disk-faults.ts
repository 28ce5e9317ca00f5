import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callUntilWhole, send } from './caller.js';
import { expected, type NamedFault, Skip, withLane } from './fault.js';
import { finding, judgeAnswer, judgeTurns } from './judge.js';
import { Lane } from './lane.js';
import type { Scene } from './scenes.js';

const SCENE: Scene = { prompt: '/stream 40 50', says: [], words: 40, toolFile: undefined };
const KEY = 'fault:disk';
/** The disk is smaller than the free space that the server wants by default. */
const NO_MARK = { CHIRON_MIN_FREE_DISK_MB: '0' };
const CALL = { prompt: SCENE.prompt, model: 'demo', headers: { 'x-chiron-thread-key': KEY }, stream: true };

/** The disk fills up while a turn runs, and has room again a little after the turn should have ended. */
export const diskFull: NamedFault = {
  title: 'the disk is full in the middle of a turn',
  run: ({ note }) =>
    onSmallDisk(async (disk) =>
      withLane(await Lane.start(undefined, NO_MARK, join(disk, 'data')), note, async (lane) => {
        const answering = callUntilWhole(lane.url, CALL);
        await delay(700);
        const filler = await fill(disk);
        await delay(3000);
        const readiness = await fetch(`${lane.url()}/readyz`).then((response) => response.status);
        await rm(filler);
        const answered = await answering;
        note(JSON.stringify(answered.tries));
        const [next] = [await callUntilWhole(lane.url, { ...CALL, prompt: 'and now?' })];
        return [
          ...expected(readiness === 503, `/readyz says ${readiness} while the disk is full`),
          ...judgeAnswer(answered, SCENE),
          ...judgeTurns(lane.turns(KEY).slice(0, 1), SCENE, 0),
          ...expected(next.message !== undefined, 'the next turn did not work'),
          ...expected(lane.turnCount() === 2, `the store has ${lane.turnCount()} turns instead of two`),
        ];
      }),
    ),
};

/** A turn that cannot be stored is refused at once, with an error that makes clients come back. */
export const diskFullAtTheRequest: NamedFault = {
  title: 'the disk is full when the request comes',
  run: ({ note }) =>
    onSmallDisk(async (disk) =>
      withLane(await Lane.start(undefined, NO_MARK, join(disk, 'data')), note, async (lane) => {
        const filler = await fill(disk);
        const first = await send(lane.url(), CALL, { milliseconds: 20_000 });
        await rm(filler);
        const answered = await callUntilWhole(lane.url, CALL);
        note(`${JSON.stringify(first)}\n${JSON.stringify(answered.tries)}`);
        return [
          ...expected(first.kind === 'refused' && first.status >= 500, `the request got ${JSON.stringify(first)}`),
          ...judgeAnswer(answered, SCENE),
          ...judgeTurns(lane.turns(KEY), SCENE, 0),
        ];
      }),
    ),
};

/** A server whose data folder cannot be written says so and does not start; with the disk writable it does, with all it had. */
export const readOnlyFolder: NamedFault = {
  title: 'the data folder is read-only',
  run: ({ note }) =>
    onSmallDisk(async (disk) =>
      withLane(await Lane.start(undefined, NO_MARK, join(disk, 'data')), note, async (lane) => {
        const before = await callUntilWhole(lane.url, CALL);
        await lane.stop();
        command('mount', ['-o', 'remount,ro', disk]);
        const refusal = await lane.startServer().then(
          () => undefined,
          (error: unknown) => String(error),
        );
        command('mount', ['-o', 'remount,rw', disk]);
        note(String(refusal));
        if (refusal === undefined) await lane.stop();
        await lane.startServer();
        const next = await callUntilWhole(lane.url, { ...CALL, prompt: 'and now?' });
        const says = refusal ?? '';
        return [
          ...judgeAnswer(before, SCENE),
          ...expected(refusal !== undefined, 'the server started on a read-only folder'),
          ...expected(says.includes(disk), 'the server does not say which folder it cannot write'),
          ...expected(!/\n\s+at /.test(says), 'the server tells it with a stack'),
          ...(next.message === undefined ? [finding('turns lost', 'the next turn did not work')] : []),
          ...judgeTurns(lane.turns(KEY).slice(0, 1), SCENE, 0),
        ];
      }),
    ),
};

/** Mounts a disk of a few megabytes, which only the super-user of a Linux may. */
async function onSmallDisk<T>(use: (disk: string) => Promise<T>): Promise<T> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Skip('it needs root on Linux to mount a disk');
  const folder = await mkdtemp(join(tmpdir(), 'chiron-disk-'));
  // The users of isolated threads pass through it.
  await chmod(folder, 0o711);
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { encoding: 'utf8' });
  if (status !== 0) throw new Skip(`a disk cannot be mounted here: ${stderr.trim()}`);
  try {
    return await use(disk);
  } finally {
    command('umount', [disk]);
    await rm(folder, { recursive: true });
  }
}

/** Takes all the room that is left. Resolves with the file that took it. */
async function fill(disk: string): Promise<string> {
  const filler = join(disk, 'filler');
  const { bsize } = await statfs(disk);
  for (;;) {
    const { bavail } = await statfs(disk);
    if (bavail === 0 && existsSync(filler)) return filler;
    await appendFile(filler, Buffer.alloc(Math.max(1, bavail) * bsize)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC') throw error;
    });
  }
}

function command(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(name, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`);
}
