// Over 250 lines: every way in which a process can end, or refuse to, is tried with real processes and the same few helpers.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, toArray, map } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startProcess } from '../host/host.process.js';
import { LocalSandbox } from './local.sandbox.js';
import { listProcesses } from '../host/process-table.js';
import { Reaper } from '../host/reaper.js';
import type { SandboxCommand, SandboxProcess } from '../sandbox.js';
import { toSpawnFailure } from '../process/spawn-failure.js';

const LONG = { timeout: 15_000, interval: 50 };
let folder: string;
let sandbox: LocalSandbox;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-sandbox-'));
  sandbox = new LocalSandbox({ dataDirectory: folder, workspaceTemplate: undefined, homeTemplate: undefined });
});

afterEach(async () => {
  await sandbox.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function start(command: string, args: readonly string[], more: Partial<SandboxCommand> = {}) {
  await sandbox.prepare('one');
  return sandbox.spawn({ threadId: 'one', command, args, env: {}, ...more });
}

const shell = (script: string, more: Partial<SandboxCommand> = {}) => start('sh', ['-c', script], more);

function output(process: SandboxProcess): Promise<readonly string[]> {
  return firstValueFrom(
    process.lines$.pipe(
      toArray(),
      map((batches) => batches.flat()),
    ),
  );
}

/** Watches a process and gives what it has said so far. */
function watch(process: SandboxProcess): () => readonly string[] {
  const lines: string[] = [];
  process.lines$.subscribe((batch) => lines.push(...batch));
  return () => lines;
}

/** The beginning of a Linux program for a machine that is neither x64 nor arm64. */
function foreignElf(): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(243, 18);
  return header;
}

async function living(pids: readonly string[]): Promise<readonly string[]> {
  const table = new Set((await listProcesses('none')).map((entry) => String(entry.pid)));
  return pids.filter((pid) => table.has(pid));
}

describe('a program in the sandbox', () => {
  it('sees the basics and what the command adds, and nothing else of the server', async () => {
    vi.stubEnv('CHIRON_CANARY', 'secret');
    vi.stubEnv('ANTHROPIC_API_KEY', 'secret');
    const environment = await output(await start('env', [], { env: { CLAUDE_MODEL: 'opus' } }));
    const names = environment.map((line) => line.slice(0, line.indexOf('='))).filter((name) => name !== '_');
    // `_`, `OLDPWD` and `SHLVL` are what some shells export by themselves.
    expect(names.filter((name) => !['OLDPWD', 'SHLVL', 'TZ', 'LC_ALL'].includes(name)).sort()).toEqual([
      'CHIRON_PROCESS',
      'CHIRON_SERVER',
      'CLAUDE_MODEL',
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'PWD',
      'SHELL',
      'TERM',
      'TMPDIR',
      'USER',
    ]);
    expect(environment.join('\n')).not.toContain('secret');
    expect(environment).toContain(`HOME=${sandbox.folders('one').home}`);
    expect(environment).toContain('CLAUDE_MODEL=opus');
  });

  it('can write into its temporary folder, which is its own', async () => {
    const lines = await output(await shell('mktemp'));
    expect(lines).toEqual([expect.stringContaining(join(folder, 'threads', 'one', 'tmp'))]);
  });

  it('waits with a long output until somebody reads, and loses none of it', async () => {
    const started = await shell('seq 1 200; echo > ../begun; seq 201 200000; echo > ../finished');
    const exists = (name: string) => existsSync(join(folder, 'threads', 'one', name));
    await expect.poll(() => exists('begun'), LONG).toBe(true);
    expect(exists('finished')).toBe(false);
    const lines = await output(started);
    expect(lines).toHaveLength(200_000);
    expect(lines.at(-1)).toBe('200000');
    expect(exists('finished')).toBe(true);
  });

  it('that writes one line without an end, or floods its standard error, takes no more memory than is allowed', async () => {
    const before = process.memoryUsage().rss;
    const endless = await shell("head -c 300000000 /dev/zero | tr '\\0' x; printf '\\nlast\\n'");
    expect(await output(endless)).toEqual(['last']);
    const loud = await shell('yes | head -c 100000000 >&2; printf "the end" >&2; exit 3');
    expect(await output(loud)).toEqual([]);
    const { code, stderr } = await loud.exit;
    expect(code).toBe(3);
    expect(stderr.length).toBeLessThanOrEqual(4096);
    expect(stderr).toMatch(/the end$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000);
  });

  it.each([
    ['a file without the right to run it', { mode: 0o644, content: '#!/bin/sh\n' }, 'program-not-runnable', 'EACCES'],
    [
      'a script whose interpreter is missing',
      { mode: 0o755, content: '#!/no/such/shell\n' },
      'program-missing',
      undefined,
    ],
    [
      'a script by way of env',
      { mode: 0o755, content: '#!/usr/bin/env no-such-shell\n' },
      'program-missing',
      undefined,
    ],
    ['a program of another machine', { mode: 0o755, content: foreignElf() }, 'program-not-runnable', 'ENOEXEC'],
    ['bytes that are no program', { mode: 0o755, content: '(\u0000\u0001(' }, 'program-not-runnable', 'ENOEXEC'],
  ])('reports why %s did not start', async (_, { mode, content }, reason, code) => {
    const program = join(folder, 'program');
    writeFileSync(program, content, { mode });
    const started = await start(program, []);
    await output(started);
    expect((await started.exit).notStarted).toEqual({ reason, code });
  });

  it('reports any other reason why it cannot start', async () => {
    const failureOf = async (...parameters: Parameters<typeof start>) =>
      (await (await start(...parameters)).exit).notStarted;
    expect(await failureOf('no-such-program', [])).toEqual({ reason: 'program-missing', code: 'ENOENT' });
    expect(await failureOf('sh', ['a\0b'])).toEqual({ reason: 'unknown', code: 'ERR_INVALID_ARG_VALUE' });
    const tooLong = { reason: 'arguments-too-long', code: 'E2BIG' };
    expect(await failureOf('sh', ['x'.repeat(200_000)])).toEqual(tooLong);
    expect(
      await failureOf(
        'sh',
        Array.from({ length: 40 }, () => 'x'.repeat(100_000)),
      ),
    ).toEqual(tooLong);
    const spawnFailure = async () =>
      (await sandbox.spawn({ threadId: 'one', command: 'sh', args: [], env: {} }).exit).notStarted;
    const { workspace } = sandbox.folders('one');
    rmSync(workspace, { recursive: true });
    expect(await spawnFailure()).toEqual({ reason: 'workspace-unusable', code: 'ENOENT' });
    writeFileSync(workspace, '');
    expect(await spawnFailure()).toEqual({ reason: 'workspace-unusable', code: 'ENOTDIR' });
  });

  it.each(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])('takes %s for a machine that is out of resources', (code) => {
    expect(toSpawnFailure(Object.assign(new Error('spawn'), { code }))).toEqual({ reason: 'out-of-resources', code });
  });

  it('is not taken for one that did not start when it fails by itself', async () => {
    for (const script of ['echo said; exit 127', 'exit 3', 'kill -9 $$']) {
      const started = await shell(script);
      await output(started);
      expect((await started.exit).notStarted).toBeUndefined();
    }
  });

  it('is not let in before it is guarded', async () => {
    const reaper = new Reaper('CHIRON_SERVER=never', () => undefined);
    vi.spyOn(reaper, 'add').mockReturnValue(new Promise(() => undefined));
    const started = startProcess({
      program: '/bin/sh',
      args: ['-c', 'echo in'],
      workingDirectory: folder,
      environment: {},
      marker: 'CHIRON_PROCESS=never',
      reaper,
      warn: () => undefined,
    });
    started.writeLine('line');
    await started.stop(10_000);
    expect(await output(started)).toEqual([]);
  });
});

describe('the end of a program', () => {
  it('is asked for: input closed and SIGTERM', async () => {
    const byInput = await shell('trap "" TERM; echo ready; cat; echo closed; exit 5');
    const seen = watch(byInput);
    await expect.poll(seen, LONG).toEqual(['ready']);
    await byInput.stop(60_000);
    expect(await byInput.exit).toMatchObject({ code: 5 });
    expect(seen()).toEqual(['ready', 'closed']);

    const bySignal = await shell('trap "exit 6" TERM; echo ready; while :; do sleep 0.1; done');
    await expect.poll(watch(bySignal), LONG).toEqual(['ready']);
    await bySignal.stop(60_000);
    expect(await bySignal.exit).toMatchObject({ code: 6 });
  });

  it('is forced after the grace', async () => {
    const started = await shell('trap "" TERM; echo ready; while :; do sleep 1000; done');
    await expect.poll(watch(started), LONG).toEqual(['ready']);
    await Promise.all([started.stop(60_000), started.stop(50)]);
    expect(await started.exit).toMatchObject({ code: null, signal: 'SIGKILL' });
    await started.stop(0);
  });

  it('comes without a notice if it has no grace', async () => {
    const started = await shell('trap "echo told" TERM; echo ready; cat; echo closed; while :; do sleep 0.1; done');
    const seen = watch(started);
    await expect.poll(seen, LONG).toEqual(['ready']);
    await started.stop(0);
    expect(await started.exit).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(seen()).toEqual(['ready']);
  });

  const strays = `
    trap '' TERM
    sleep 1000 & echo $!
    (trap '' TERM; exec sleep 1000) & echo $!
    setsid sh -c 'echo $$; trap "" TERM HUP; sleep 1000; :' &
    (setsid sh -c 'echo $$; exec sleep 1000' &)
    env -i setsid sh -c 'echo $$; exec sleep 1000' &`;

  it.runIf(process.platform === 'linux')('is the end of everything that it started, wherever that went', async () => {
    const started = await shell(`${strays}\nwait`);
    const seen = watch(started);
    await expect.poll(() => seen().length, LONG).toBe(5);
    expect(await living(seen())).toHaveLength(5);
    await started.stop(50);
    expect(await living(seen())).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('is that also when it ends by itself', async () => {
    const started = await shell(`
      sleep 1000 & echo $!
      (setsid sh -c 'echo $$ > ../daemon; exec sleep 1000' >/dev/null 2>&1 &)
      while [ ! -s ../daemon ]; do :; done; cat ../daemon`);
    const lines = await output(started);
    expect(lines).toHaveLength(2);
    expect(await started.exit).toMatchObject({ code: 0 });
    expect(await living(lines)).toEqual([]);
  });
});

describe('the sandbox', () => {
  it('stops everything when it is closed and starts nothing any more', async () => {
    const started = [await shell('echo $$; exec sleep 1000'), await shell('echo $$; exec cat')];
    const seen = started.map(watch);
    await expect.poll(() => seen.flatMap((lines) => lines()), LONG).toHaveLength(2);
    await Promise.all([sandbox.close(), sandbox.close()]);
    expect(await living(seen.flatMap((lines) => lines()))).toEqual([]);
    const { notStarted } = await (await shell('echo late')).exit;
    expect(notStarted).toEqual({ reason: 'sandbox-closed', code: undefined });
  });
});
