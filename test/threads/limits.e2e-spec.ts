// What an agent that uses too much is told, and what is left of it. The demo agent runs real commands.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CgroupTree } from '../../src/sandbox/limits/cgroup-tree.js';
import { Sandbox } from '../../src/sandbox/sandbox.js';
import { ThreadRetention } from '../../src/turns/cleanup/thread-retention.js';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const MB = 1_000_000;
const LONG = 60_000;

const probe = CgroupTree.open(() => undefined);
const [hasMemory, hasPids] = typeof probe === 'string' ? [false, false] : [probe.has('memory'), probe.has('pids')];
if (typeof probe !== 'string') probe.close();

describe('an agent', () => {
  let app: TestApp;

  afterEach(() => app.close());

  const start = async (settings: TestSettings): Promise<void> => {
    app = await startTestApp(settings);
  };
  const run = (command: string, name = 'one') =>
    SseClient.post(app.url, ask(`!${command}`, { model: 'demo', stream: true }), thread(name)).done();
  const said = async (command: string) => JSON.stringify((await run(command)).events);

  it('that writes more than it may is stopped, and its next turn works', { timeout: LONG }, async () => {
    await start({ turnOutputBytes: 3 * MB });
    expect(await said('yes')).toContain('it wrote more than 3 MB of output (CHIRON_TURN_OUTPUT_MB)');
    expect((await run('echo fine')).text).toContain('fine');
    expect(await app.count('turns')).toBe(2);
  });

  it('that writes as much in a moment is told so, too', { timeout: LONG }, async () => {
    await start({ turnOutputBytes: 3 * MB });
    expect(await said('yes | head -c 4000000')).toContain('CHIRON_TURN_OUTPUT_MB');
    expect(await said('yes | head -c 2000000')).not.toContain('CHIRON_TURN_OUTPUT_MB');
  });

  it.each([1000, 0])(
    'that computes longer than it may is stopped (with %i processes)',
    { timeout: LONG },
    async (threadProcesses) => {
      await start({ turnCpuMs: 1000, threadProcesses });
      expect(await said('while :; do :; done')).toContain(
        'it used more than 1 s of processor time (CHIRON_TURN_CPU_SECONDS)',
      );
    },
  );

  it(
    'whose files take more than they may is told so, and may clean up in the next turn',
    { timeout: LONG },
    async () => {
      await start({ threadDiskBytes: 5 * MB });
      expect(await said('head -c 9000000 /dev/zero | tr "\\0" x > file')).toContain('CHIRON_THREAD_DISK_MB');
      expect(await said('echo still here; ls')).toContain('file');
      expect(await said('cp file more')).toContain('CHIRON_THREAD_DISK_MB');
      expect(await said('rm file more; echo removed')).toContain('The command worked');
    },
  );

  it('has as many open files as it may', { timeout: LONG }, async () => {
    await start({ threadOpenFiles: 77 });
    expect((await run('ulimit -n; ulimit -Hn')).text).toContain('77\\n77');
  });

  it.runIf(hasPids)('that starts more processes than it may gets an error', { timeout: LONG }, async () => {
    await start({ threadProcesses: 60 });
    const answer = await said('for i in $(seq 100); do sleep 20 & done; echo unreachable');
    expect(answer).toMatch(/fork|Resource temporarily unavailable/i);
    expect((await run('echo fine')).text).toContain('fine');
  });

  it.runIf(hasMemory)('that needs more memory than it may loses the process', { timeout: LONG }, async () => {
    await start({ threadMemoryBytes: 200 * MB });
    expect(await said('head -c 600M /dev/zero | tail; echo status $?')).toContain('status 137');
    const { memoryKills } = await app.app.get<Sandbox>(Sandbox).usage(threadFolder(), false);
    expect(memoryKills).toBe(1);
  });

  it('is removed with its thread above the data limit, the longest unused first', { timeout: LONG }, async () => {
    await start({ dataLimitBytes: 15 * MB });
    for (const name of ['first', 'second', 'third']) {
      await run('head -c 6000000 /dev/zero | tr "\\0" x > file', name);
    }
    await app.app.get(ThreadRetention).remove(Date.now() + 1000);
    expect([await app.count('threads'), threadFolders().length]).toEqual([2, 2]);
    expect((await run('ls', 'third')).text).toContain('file');
    expect((await run('ls', 'first')).text).not.toContain('file');
  });

  const threadFolders = (): readonly string[] => {
    const folder = join(app.dataDirectory, 'threads');
    return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
  };
  const threadFolder = (): string => threadFolders()[0] ?? '';
});
