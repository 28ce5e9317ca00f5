// Long because the pool’s cases share one gateway and its helpers.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { NoSandbox } from '../../test/support/no-sandbox.js';
import { inPlaceOfClaudeCode, ScriptedHarness } from '../../test/support/scripted-harness.js';
import { Broker } from '../broker/broker.service.js';
import { type AppConfig, readConfig } from '../config/app-config.js';
import { SnapshotKeeper } from '../snapshots/snapshot-keeper.js';
import { ThreadFiles } from '../sandbox/files/thread-files.js';
import type { OpenFile } from './deliver-files.js';
import { type GatewayThread, HarnessGateway } from './harness.gateway.js';
import { HarnessRegistry } from './harness.registry.js';
import { SessionOpener } from './session-opener.js';
import { SparePool } from './spares/spare-pool.js';
import { WarmProcesses } from './warm/warm-processes.js';
import type { HarnessTurn } from './harness.js';

const CONFIG: AppConfig = {
  ...readConfig({}),
  passedVariables: { OPENAI_API_KEY: 'passed on' },
  maxWarmHarnesses: 2,
};

function thread(id: string, more: Partial<GatewayThread> = {}): GatewayThread {
  const fixed = {
    harness: 'claude-code',
    harnessModel: undefined,
    systemPrompt: undefined,
    tools: 'all',
    sessionId: undefined,
  } as const;
  return { id, key: `test:${id}`, ...fixed, ...more };
}

const turn = (text: string): HarnessTurn => ({
  id: text,
  prompt: [{ type: 'text', text }],
  attempt: 1,
  turnIndex: 0,
});

describe('HarnessGateway', () => {
  let harness: ScriptedHarness;
  let sandbox: NoSandbox;
  let gateway: HarnessGateway;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    harness = new ScriptedHarness();
    harness.onRun = (run) => run.answer('done');
    sandbox = new NoSandbox();
    gateway = await start(CONFIG);
  });

  async function start(config: AppConfig): Promise<HarnessGateway> {
    const registry = new HarnessRegistry([inPlaceOfClaudeCode(harness)], sandbox, config);
    await registry.probeAll();
    const broker = new Broker(config, sandbox, []);
    const opener = new SessionOpener(registry, sandbox, config, broker);
    const spares = new SparePool(registry, opener, sandbox, config);
    const keeper = new SnapshotKeeper();
    const warm = new WarmProcesses(sandbox, config, keeper, opener);
    return new HarnessGateway(registry, sandbox, config, broker, keeper, opener, spares, warm);
  }

  afterEach(() => {
    vi.useRealTimers();
  });

  const run = (id: string, text = id) => lastValueFrom(gateway.run(thread(id), turn(text)).pipe(toArray()));

  it('hands a further message to the turn that runs, and to no other', async () => {
    harness.isSteerable = true;
    harness.onRun = () => undefined;
    const message = { id: 'm', prompt: [{ type: 'text', text: 'more' }] } as const;
    expect(gateway.steer('a', 'turn', message)).toBeUndefined();
    expect(gateway.canSteer('a')).toBeUndefined();
    const ended = run('a', 'turn');
    await eventually(() => harness.runs.length).toBe(1);
    expect(gateway.canSteer('a')).toBe(true);
    expect(await gateway.steer('a', 'another turn', message)).toBe(false);
    const heard = gateway.steer('a', 'turn', message);
    harness.runs[0]?.hear();
    expect(await heard).toBe(true);
    harness.runs[0]?.answer('done');
    await ended;
    expect(gateway.steer('a', 'turn', message)).toBeUndefined();
    expect(harness.runs[0]?.steeredTexts).toEqual(['more']);
  });

  it('never hands a message to an agent that takes none', async () => {
    harness.onRun = () => undefined;
    void run('a', 'turn');
    await eventually(() => harness.runs.length).toBe(1);
    expect(gateway.canSteer('a')).toBe(false);
    expect(await gateway.steer('a', 'turn', { id: 'm', prompt: [{ type: 'text', text: 'more' }] })).toBe(false);
    harness.runs[0]?.answer('done');
  });

  it('opens a conversation with the fixed fields of the thread', async () => {
    const named = thread('a', { harnessModel: 'claude-x', systemPrompt: 'Be brief.', sessionId: 's' });
    await lastValueFrom(gateway.run(named, turn('one')));
    expect(harness.opened).toMatchObject([
      {
        id: 'a',
        folders: { workspace: '/a/workspace', home: '/a/home', server: '/a/server' },
        files: new ThreadFiles('/a'),
        model: 'claude-x',
        systemPrompt: 'Be brief.',
        tools: 'all',
        sessionId: 's',
        isSpare: false,
        workspaceTemplate: undefined,
        modelUrl: undefined,
        serveMcp: expect.any(Function),
        env: {
          CLAUDE_CONFIG_DIR: '/a/home/.claude',
          OPENAI_API_KEY: 'passed on',
          CENTAUR_THREAD_KEY: 'test:a',
          CLAUDE_MODEL: 'claude-x',
          CENTAUR_EXTRA_SYSTEM_PROMPT: 'Be brief.',
        },
      },
    ]);
  });

  it('fails a turn whose harness is not available, and names the harness', async () => {
    const events = await lastValueFrom(gateway.run(thread('a', { harness: 'emacs' }), turn('one')).pipe(toArray()));
    const message = 'The harness emacs is not available on this server.';
    expect(events).toEqual([[{ type: 'turn-failed', kind: 'not_found', message }]]);
    expect([harness.opened, gateway.counts.warm]).toEqual([[], 0]);
  });

  it('creates the home folders of the harnesses', async () => {
    await run('a');
    expect(sandbox.homeFolders).toEqual(['.claude']);
  });

  it('starts nothing before the subscription', async () => {
    const events$ = gateway.run(thread('a'), turn('one'));
    await Promise.resolve();
    expect(harness.opened).toEqual([]);
    await lastValueFrom(events$);
    expect(harness.opened).toHaveLength(1);
  });

  it('runs the next turn of a thread on the same warm process', async () => {
    await run('a', 'one');
    await run('a', 'two');
    expect([harness.opened.length, harness.runs.length]).toEqual([1, 2]);
    expect(gateway.counts).toEqual({ warm: 1, running: 0, parked: 0, spares: 0 });
  });

  it('starts a new process for a thread whose workspace was removed or replaced', async () => {
    const root = mkdtempSync(join(tmpdir(), 'gateway-'));
    const workspace = join(root, 'workspace');
    sandbox.files = () => new ThreadFiles(root);
    sandbox.onPrepare = () => mkdirSync(workspace, { recursive: true });
    await run('a', 'one');
    await run('a', 'two');
    expect(harness.opened).toHaveLength(1);
    renameSync(workspace, join(root, 'moved'));
    await run('a', 'three');
    expect(harness.opened).toHaveLength(2);
    renameSync(workspace, join(root, 'removed'));
    symlinkSync('moved', workspace);
    sandbox.onPrepare = () => undefined;
    await run('a', 'four');
    expect([harness.opened.length, gateway.counts.warm]).toEqual([3, 1]);
    rmSync(root, { recursive: true });
  });

  it('keeps a warm process when checking its folders fails, and runs the next turn on it', async () => {
    await run('a', 'one');
    sandbox.failure = new Error('the disk is full');
    await expect(run('a', 'two')).rejects.toThrow('the disk is full');
    expect(gateway.counts).toEqual({ warm: 1, running: 0, parked: 0, spares: 0 });
    sandbox.failure = undefined;
    await run('a', 'three');
    expect(harness.opened).toHaveLength(1);
  });

  it('stops a process after the idle timeout, and starts a new one for the next turn', async () => {
    await run('a', 'one');
    vi.advanceTimersByTime(599_000);
    await run('a', 'two');
    vi.advanceTimersByTime(599_000);
    expect(gateway.counts.warm).toBe(1);
    vi.advanceTimersByTime(2000);
    expect(gateway.counts.warm).toBe(0);
    await run('a', 'three');
    expect(harness.opened).toHaveLength(2);
  });

  it('evicts the longest idle process above the limit', async () => {
    for (const id of ['a', 'b', 'c']) await run(id);
    expect(gateway.counts).toEqual({ warm: 2, running: 0, parked: 0, spares: 0 });
    await run('b');
    expect(harness.opened.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    await run('a');
    expect(harness.opened.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'a']);
  });

  it('evicts idle processes that take more memory together than they may', async () => {
    gateway = await start({ ...CONFIG, maxWarmHarnesses: 100, warmMemoryBytes: 500 });
    for (const id of ['a', 'b', 'c']) await run(id);
    for (const id of ['a', 'b', 'c']) sandbox.memory.set(id, 200);
    await vi.advanceTimersByTimeAsync(1000);
    expect(gateway.counts.warm).toBe(2);
    await run('c', 'again');
    await run('b', 'again');
    expect(harness.opened.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    // What runs in the background of an idle agent grows.
    sandbox.memory.set('b', 400);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.counts.warm).toBe(1);
    await run('b', 'once more');
    expect(harness.opened).toHaveLength(3);
  });

  it('does not count running processes as idle', async () => {
    harness.onRun = () => undefined;
    const running = ['a', 'b', 'c'].map((id) => run(id));
    await eventually(() => harness.runs.length).toBe(3);
    expect(gateway.counts).toEqual({ warm: 3, running: 3, parked: 0, spares: 0 });
    for (const one of harness.runs) one.answer('done');
    await Promise.all(running);
    expect(gateway.counts).toEqual({ warm: 2, running: 0, parked: 0, spares: 0 });
  });

  it('tells a turn whose process the system ended for its memory, and which setting that is', async () => {
    harness.onRun = (one) => {
      sandbox.used = { ...sandbox.used, memoryKills: sandbox.used.memoryKills + 1 };
      one.fail('process_died');
    };
    const message = 'The agent was stopped: it used more than 600 MB of memory (CHIRON_THREAD_MEMORY_MB).';
    gateway = await start({ ...CONFIG, threadMemoryBytes: 600_000_000 });
    expect((await run('a')).flat().at(-1)).toEqual({ type: 'turn-failed', kind: 'limit_exceeded', message });
    harness.onRun = (one) => one.fail('process_died');
    expect((await run('a')).flat().at(-1)).toMatchObject({ kind: 'process_died' });
  });

  it('stops the process of a turn above a limit, and starts another one for the next', async () => {
    harness.onRun = (one) => {
      sandbox.used = { ...sandbox.used, outputBytes: sandbox.used.outputBytes + 1_000_000_001 };
      one.answer('done');
    };
    expect((await run('a')).flat().at(-1)).toMatchObject({ type: 'turn-failed', kind: 'limit_exceeded' });
    expect(gateway.counts.warm).toBe(0);
    harness.onRun = (one) => one.answer('done');
    expect((await run('a')).flat().at(-1)).toMatchObject({ type: 'turn-end' });
    expect(harness.opened).toHaveLength(2);
  });

  it('ends a turn whose harness ends without saying so', async () => {
    harness.onRun = (one) => one.vanish();
    expect((await run('a')).flat().filter(({ type }) => type.startsWith('turn-'))).toEqual([]);
  });

  it('interrupts only a running turn', async () => {
    expect(gateway.interrupt('a')).toBe(false);
    await run('a');
    expect(gateway.interrupt('a')).toBe(false);
    harness.onRun = () => undefined;
    const ended = run('a', 'long');
    await eventually(() => harness.runs.length).toBe(2);
    expect(gateway.interrupt('a')).toBe(true);
    expect((await ended).flat().at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
  });

  it('stops the process of an abandoned turn and does not reuse it', async () => {
    harness.onRun = () => undefined;
    const subscription = gateway.run(thread('a'), turn('one')).subscribe();
    await eventually(() => harness.runs.length).toBe(1);
    subscription.unsubscribe();
    expect(harness.runs[0]?.abandoned).toBe(true);
    expect(gateway.counts).toEqual({ warm: 0, running: 0, parked: 0, spares: 0 });
    harness.onRun = (again) => again.answer('done');
    await run('a', 'two');
    expect(harness.opened).toHaveLength(2);
  });

  describe('a turn with a file', () => {
    let root: string;
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'gateway-'));
      mkdirSync(join(root, 'workspace'));
      sandbox.files = () => new ThreadFiles(root);
    });
    afterEach(() => rmSync(root, { recursive: true }));

    const file = { type: 'file', id: 'file_1', use: 'workspace', name: 'a.txt', mediaType: 'text/plain' } as const;
    const withFile = (openFile: OpenFile) => ({ ...turn('one'), prompt: [file], openFile });
    async function* bytes() {
      yield await Promise.resolve(Buffer.from('content'));
    }

    it('begins once its file can be read, and not before', async () => {
      const openFile = vi
        .fn<OpenFile>()
        .mockRejectedValueOnce(new Error('away'))
        .mockImplementation(async () => bytes());
      await lastValueFrom(gateway.run(thread('a'), withFile(openFile)));
      expect(harness.runs).toHaveLength(1);
      expect(readFileSync(join(root, 'workspace/uploads/file_1/a.txt'), 'utf8')).toBe('content');
    });

    it('cannot be interrupted before its agent has begun, and leaves no process when its caller leaves then', async () => {
      let open: (content: AsyncIterable<Uint8Array>) => void = () => undefined;
      const openFile = vi.fn<OpenFile>(() => new Promise((resolve) => (open = resolve)));
      const running = gateway.run(thread('a'), withFile(openFile)).subscribe();
      await eventually(() => openFile.mock.calls.length).toBe(1);
      expect([gateway.interrupt('a'), gateway.counts.running]).toEqual([false, 1]);
      running.unsubscribe();
      open(bytes());
      await eventually(() => gateway.counts.warm).toBe(0);
      expect(harness.runs).toEqual([]);
    });
  });

  it('fails a turn whose process is stopped', async () => {
    harness.onRun = () => undefined;
    const ended = run('a');
    await eventually(() => harness.runs.length).toBe(1);
    await gateway.stop('a');
    expect((await ended).flat().at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    expect(gateway.counts).toEqual({ warm: 0, running: 0, parked: 0, spares: 0 });
  });

  it('stops all processes, and removes the folders of a thread', async () => {
    await run('a');
    await run('b');
    await gateway.remove('a');
    expect([sandbox.removed, gateway.counts.warm]).toEqual([['a'], 1]);
    await gateway.stopAll();
    expect(gateway.counts.warm).toBe(0);
  });

  it('errors if the folders of a thread cannot be created', async () => {
    sandbox.failure = new Error('the disk is full');
    await expect(firstValueFrom(gateway.run(thread('a'), turn('one')))).rejects.toThrow('the disk is full');
    expect(gateway.counts.warm).toBe(0);
  });
});
