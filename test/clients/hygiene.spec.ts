import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeFolders } from './support/folders.js';
import { killThreadProcesses, readProcessFile, threadProcesses } from './support/processes.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { openStream, type OpenStream } from './support/stream.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

/** How long processes may still be there once running turns have had their time to end, in milliseconds. */
const GONE = { timeout: 10_000 };
const DRAIN_SECONDS = '1';

describe.skipIf(skipReason !== undefined).each(HARNESSES)('The processes of %s', (harness) => {
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.close();
    // What a broken server leaves behind would run for an hour.
    if (rig !== undefined) await killThreadProcesses(rig.server.dataDirectory);
    rig = undefined;
  });
  afterAll(removeFolders);

  /** One agent in the middle of its answer, and one in the middle of a command that would run for an hour. */
  async function startWork(drainSeconds: string) {
    const started = await startRig(harness, { CHIRON_DRAIN_SECONDS: drainSeconds });
    rig = started;
    const speaking = await openStream(started.server.url, 'SCENE:slow 10000 50');
    // Claude Code refuses a command that begins with a long sleep.
    const running = await openStream(started.server.url, 'SCENE:tool true; sleep 3600; echo');
    await speaking.saw('word3');
    const commands = async () =>
      Promise.all((await threadProcesses(started.server.dataDirectory)).map((pid) => commandLineOf(pid)));
    await expect.poll(commands, { timeout: 30_000 }).toContain('sleep 3600');
    return { rig: started, streams: [speaking, running] };
  }

  it('are gone within ten seconds after a SIGTERM, and the callers get a retryable error', async () => {
    const { rig, streams } = await startWork(DRAIN_SECONDS);
    process.kill(rig.server.pid, 'SIGTERM');
    await drained(streams);
    await expect.poll(() => threadProcesses(rig.server.dataDirectory), GONE).toEqual([]);
    expect(await rig.server.exit).toEqual({ code: 0, signal: null });
  });

  it('are gone after a second SIGINT, which skips the drain', async () => {
    const { rig, streams } = await startWork('3600');
    process.kill(rig.server.pid, 'SIGINT');
    await expect
      .poll(async () => (await fetch(`${rig.server.url}/readyz`).catch(() => undefined))?.status, GONE)
      .not.toBe(200);
    // Signals right after one another count as one: npm passes on what the terminal has sent already.
    await delay(600);
    process.kill(rig.server.pid, 'SIGINT');
    expect(await rig.server.exit).toEqual({ code: 0, signal: null });
    await Promise.all(streams.map((stream) => stream.ended));
    await expect.poll(() => threadProcesses(rig.server.dataDirectory), GONE).toEqual([]);
  });

  it('are gone after the server was killed', async () => {
    const { rig } = await startWork(DRAIN_SECONDS);
    expect(await rig.server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await expect.poll(() => threadProcesses(rig.server.dataDirectory), GONE).toEqual([]);
  });
});

/** The program and its arguments; nothing for a process that is gone. */
async function commandLineOf(pid: number): Promise<string> {
  return (await readProcessFile(pid, 'cmdline')).split('\0').filter(Boolean).join(' ');
}

/** The callers get their end when running turns have had their time. */
async function drained(streams: readonly OpenStream[]): Promise<void> {
  for (const stream of streams) {
    const ending = await stream.ended;
    expect(ending.at(-1)).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  }
}
