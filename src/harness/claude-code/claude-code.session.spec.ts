// Over 250 lines: a fake process, a fake transcript, and everything that a session does with the two.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sandbox, SandboxCommand, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { HarnessThread, HarnessTurn } from '../harness.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { ClaudeCodeSession } from './claude-code.session.js';
import { TOOL_LOST_RESULT } from './resume/turn-plan.js';

const SESSION = '11111111-1111-4111-8111-111111111111';
const TURN = '22222222-2222-4222-8222-222222222222';
const KILLED: SandboxExit = { code: null, signal: 'SIGKILL', stderr: 'secret' };

/** One fake process: what was written to it, and the means to let it speak and die. */
class FakeProcess implements SandboxProcess {
  readonly written: string[] = [];
  readonly lines$ = new Subject<readonly string[]>();
  readonly exit: Promise<SandboxExit>;
  private settle: (exit: SandboxExit) => void = () => undefined;

  constructor(readonly command: SandboxCommand) {
    this.exit = new Promise((resolve) => (this.settle = resolve));
  }

  writeLine(line: string): void {
    this.written.push(line);
  }

  end(exit: SandboxExit): void {
    this.lines$.complete();
    this.settle(exit);
  }

  async stop(): Promise<void> {
    this.end({ code: 0, signal: null, stderr: '' });
  }
}

function recording(name: string): readonly string[] {
  return readFileSync(new URL(`__fixtures__/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
}

describe('a session with Claude Code', () => {
  let folder: string;
  let processes: FakeProcess[];
  let warnings: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claude-session-'));
    processes = [];
    warnings = [];
  });

  afterEach(() => rm(folder, { recursive: true }));

  const toThread = (more: Partial<HarnessThread>): HarnessThread => ({
    id: SESSION,
    folders: { workspace: join(folder, 'workspace'), home: join(folder, 'home'), server: join(folder, 'server') },
    files: new ThreadFiles(folder),
    model: undefined,
    systemPrompt: undefined,
    tools: 'all',
    sessionId: undefined,
    env: {},
    ...more,
  });

  function open(more: Partial<HarnessThread> = {}) {
    const thread = toThread(more);
    const spawn = (command: SandboxCommand): SandboxProcess => {
      const process = new FakeProcess(command);
      processes.push(process);
      return process;
    };
    const sandbox: Sandbox = {
      isolates: false,
      description: 'none',
      openSocket: () => Promise.resolve(undefined),
      allowPort: () => undefined,
      closeSocket: () => Promise.resolve(),
      runsAsRoot: false,
      folders: () => thread.folders,
      files: () => thread.files,
      templateText: async () => undefined,
      prepare: async () => thread.folders,
      deploy: async () => undefined,
      copy: async (_from, _to, accept) => accept(),
      replace: () => Promise.reject(new Error('nothing is to be written here')),
      spawn,
      run: async () => ({ kind: 'missing' }),
      usage: async () => ({ outputBytes: 0, cpuMs: 0, memoryKills: 0 }),
      memoryBytes: async () => new Map(),
      diskBytes: async () => 0,
      threadIds: async () => [],
      describeLimits: () => [],
      warnings: async () => [],
      remove: async () => undefined,
      kill: () => Promise.resolve(),
      expectLife: () => undefined,
      close: async () => undefined,
    };
    const note = (text: string) => void warnings.push(text);
    const logger = { warn: note, error: note };
    return new ClaudeCodeSession(thread, {
      sandbox,
      command: 'claude',
      isRoot: false,
      supportsClientComposed: true,
      logger,
    });
  }

  const turnOf = (text: string, more: Partial<HarnessTurn> = {}): HarnessTurn => ({
    id: TURN,
    prompt: [{ type: 'text', text }],
    attempt: 1,
    turnIndex: 0,
    ...more,
  });

  function run(session: ClaudeCodeSession, turn = turnOf('hi')) {
    const heard: HarnessEvent[] = [];
    const state = { heard, complete: false };
    const subscription = session
      .run(turn)
      .subscribe({ next: (events) => heard.push(...events), complete: () => (state.complete = true) });
    return Object.assign(state, { subscription });
  }

  async function process(index = 0): Promise<FakeProcess> {
    return vi.waitFor(() => {
      const found = processes[index];
      if (found === undefined) throw new Error('not started yet');
      return found;
    });
  }

  async function writeTranscript(lines: readonly (object | string)[]): Promise<string> {
    const project = join(folder, 'home', '.claude', 'projects', '-any-folder');
    await mkdir(project, { recursive: true });
    const path = join(project, `${SESSION}.jsonl`);
    await writeFile(
      path,
      lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''),
    );
    return path;
  }

  const promptEntry = { type: 'user', uuid: TURN, message: { role: 'user', content: [{ type: 'text', text: 'hi' }] } };
  const callEntry = {
    type: 'assistant',
    uuid: 'a1',
    message: { id: 'm', stop_reason: 'tool_use', content: [{ type: 'tool_use', id: 't1', name: 'Bash', input: {} }] },
  };

  it('gives the prompt with the turn’s id, and ends with the result', async () => {
    const turn = run(open());
    const claude = await process();
    expect(claude.command.args.slice(-2)).toEqual(['--session-id', SESSION]);
    expect(claude.written.map((line): unknown => JSON.parse(line))).toEqual([
      {
        type: 'user',
        uuid: TURN,
        message: { role: 'user', content: [{ type: 'text', text: 'hi' }] },
        parent_tool_use_id: null,
        client_composed: true,
      },
    ]);
    claude.lines$.next(recording('claude-text'));
    expect(turn.heard.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
    expect(turn.complete).toBe(true);
  });

  describe('on a spare process', () => {
    /** A session whose process was started before its thread was known. */
    async function openSpare(): Promise<[ClaudeCodeSession, FakeProcess]> {
      const session = open({ isSpare: true });
      await session.startEarly();
      session.adopt(toThread({ env: { CENTAUR_THREAD_KEY: 'a:b' } }));
      return [session, await process()];
    }

    function answer({ written }: FakeProcess, subtype: string): string {
      const { request_id }: { readonly request_id: string } = JSON.parse(written[0] ?? '');
      return JSON.stringify({ type: 'control_response', response: { subtype, request_id } });
    }

    it('gives it the prompt right behind what makes it the thread’s', async () => {
      const [session, claude] = await openSpare();
      const turn = run(session);
      await vi.waitFor(() => expect(claude.written).toHaveLength(2));
      expect(claude.written.map((line): unknown => JSON.parse(line))).toMatchObject([
        { type: 'control_request', request: { settings: { env: { CENTAUR_THREAD_KEY: 'a:b' } } } },
        { type: 'user', uuid: TURN },
      ]);
      claude.lines$.next([answer(claude, 'success'), ...recording('claude-text')]);
      expect(turn.heard.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
      expect(processes).toHaveLength(1);
    });

    it('runs the turn on a new process if it does not take the thread, and nobody hears what it said', async () => {
      const [session, claude] = await openSpare();
      const turn = run(session);
      await vi.waitFor(() => expect(claude.written).toHaveLength(2));
      claude.lines$.next([answer(claude, 'error'), ...recording('claude-text')]);
      const next = await process(1);
      expect(turn.heard).toEqual([]);
      next.lines$.next(recording('claude-text'));
      expect(turn.heard.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
      expect(turn.complete).toBe(true);
    });

    it('starts no other process for it when the session is closed meanwhile', async () => {
      const [session, claude] = await openSpare();
      const turn = run(session);
      await vi.waitFor(() => expect(claude.written).toHaveLength(2));
      claude.lines$.next([answer(claude, 'error')]);
      await session.close();
      expect(turn.heard.at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
      expect(processes).toHaveLength(1);
    });
  });

  it('runs a turn of another schema on a new process, which resumes the conversation once the old one is gone', async () => {
    await writeTranscript([promptEntry]);
    const session = open();
    const first = run(session);
    const plain = await process();
    plain.lines$.next(recording('claude-text'));
    expect(first.complete).toBe(true);
    const sessionId = first.heard.flatMap((event) => (event.type === 'session-started' ? [event.sessionId] : []))[0];
    await rename(join(folder, 'home/.claude/projects/-any-folder', `${SESSION}.jsonl`), join(folder, 'any.jsonl'));
    await rename(join(folder, 'any.jsonl'), join(folder, 'home/.claude/projects/-any-folder', `${sessionId}.jsonl`));

    const outputSchema = { type: 'object', properties: { name: {}, age: {} } };
    const second = run(session, turnOf('and now', { outputSchema }));
    const structured = await process(1);
    await expect(plain.exit).resolves.toMatchObject({ code: 0 });
    expect(structured.command.args).toContain(JSON.stringify(outputSchema));
    expect(structured.command.args.slice(-2)).toEqual(['--resume', sessionId]);
    structured.lines$.next(recording('claude-structured'));
    expect(second.heard.at(-3)).toMatchObject({ type: 'text-delta', text: '{"name":"Ada","age":36}' });
    expect(second.complete).toBe(true);

    const third = run(session, turnOf('and again', { outputSchema: { ...outputSchema } }));
    await vi.waitFor(() => expect(structured.written).toHaveLength(2));
    third.subscription.unsubscribe();
    expect(processes).toHaveLength(2);
  });

  it('stops both processes if it is closed during a replacement', async () => {
    const session = open();
    run(session);
    const plain = await process();
    plain.lines$.next(recording('claude-text'));
    const stopped = vi.spyOn(plain, 'stop').mockReturnValue(plain.exit.then(() => undefined));
    const second = run(session, turnOf('now', { outputSchema: { type: 'object' } }));
    session.interrupt();
    expect(second.heard).toEqual([{ type: 'turn-end', reason: 'interrupted' }]);
    let closed = false;
    const closing = session.close().then(() => (closed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    plain.end({ code: 0, signal: null, stderr: '' });
    await closing;
    expect(stopped).toHaveBeenCalledOnce();
    expect(processes).toHaveLength(1);
  });

  it('fails a turn with a schema that is too long or that Claude Code refuses', async () => {
    const long = run(open(), turnOf('hi', { outputSchema: { type: 'object', description: 'x'.repeat(130_000) } }));
    await vi.waitFor(() => expect(long.complete).toBe(true));
    expect(long.heard).toMatchObject([{ type: 'turn-failed', kind: 'bad_request' }]);
    expect(processes).toEqual([]);
    const wrong = run(open(), turnOf('hi', { outputSchema: { type: 'object', required: 1 } }));
    const claude = await process();
    claude.end({ code: 1, signal: null, stderr: 'Error: --json-schema is not a valid JSON Schema: data/required …' });
    await vi.waitFor(() => expect(wrong.complete).toBe(true));
    expect(wrong.heard).toMatchObject([{ type: 'turn-failed', kind: 'bad_request' }]);
  });

  it('runs the next turn on the same process', async () => {
    const session = open();
    run(session);
    const claude = await process();
    claude.lines$.next(recording('claude-text'));
    const second = run(session, turnOf('again'));
    await vi.waitFor(() => expect(claude.written).toHaveLength(2));
    claude.lines$.next(recording('claude-tool'));
    expect(second.complete).toBe(true);
    expect(processes).toHaveLength(1);
  });

  it('appends AGENTS.md and then the caller’s system prompt', async () => {
    await mkdir(join(folder, 'workspace'));
    await writeFile(join(folder, 'workspace', 'AGENTS.md'), 'rules');
    run(open({ systemPrompt: 'be kind', model: 'opus' }));
    const { args } = (await process()).command;
    expect(args).toContain('opus');
    expect(await readFile(args[args.indexOf('--append-system-prompt-file') + 1] ?? '', 'utf8')).toBe(
      'rules\n\nbe kind',
    );
  });

  it('fails the turn when the process dies, without quoting its standard error', async () => {
    const session = open();
    const turn = run(session);
    (await process()).end(KILLED);
    await vi.waitFor(() => expect(turn.complete).toBe(true));
    expect(turn.heard).toMatchObject([{ type: 'turn-failed', kind: 'process_died' }]);
    expect(JSON.stringify([turn.heard, warnings])).not.toContain('secret');
    expect(session.alive).toBe(false);
  });

  it.each([
    ['program-missing', undefined, 'not_started', 'is not installed'],
    ['program-not-runnable', 'ENOEXEC', 'not_started', 'not executable'],
    ['arguments-too-long', 'E2BIG', 'not_started', 'exceed the system limit'],
    ['workspace-unusable', 'ENOENT', 'internal', 'workspace is missing'],
    ['out-of-resources', 'EMFILE', 'overloaded', 'out of memory'],
  ] as const)('reports why it did not start: %s %s', async (reason, code, kind, words) => {
    const turn = run(open());
    (await process()).end({ code: null, signal: null, stderr: 'secret', notStarted: { reason, code } });
    await vi.waitFor(() => expect(turn.complete).toBe(true));
    expect(turn.heard).toMatchObject([{ type: 'turn-failed', kind, message: expect.stringContaining(words) }]);
    expect(warnings).toEqual([expect.stringContaining(code ?? reason)]);
  });

  it('refuses a turn when it is closed, and a second one at a time', async () => {
    const session = open();
    const first = run(session);
    expect(run(session).heard).toMatchObject([{ type: 'turn-failed' }]);
    await process();
    await session.close();
    expect(first.heard).toMatchObject([{ type: 'turn-failed' }]);
    expect(run(session).heard).toMatchObject([{ type: 'turn-failed' }]);
  });

  it('stops the process when the subscriber leaves', async () => {
    const session = open();
    const turn = run(session);
    const claude = await process();
    turn.subscription.unsubscribe();
    await claude.exit;
    expect(session.alive).toBe(false);
  });

  it('delays an interrupt until Claude Code works on the prompt', async () => {
    const session = open();
    const turn = run(session);
    const claude = await process();
    session.interrupt();
    expect(claude.written).toHaveLength(1);
    const lines = recording('claude-interrupted');
    claude.lines$.next(lines.slice(0, 2));
    expect(claude.written[1]).toContain('"subtype":"interrupt"');
    claude.lines$.next(lines.slice(2));
    expect(turn.heard.at(-1)).toMatchObject({ type: 'turn-end', reason: 'interrupted' });
    expect(claude.written).toHaveLength(2);
    expect(session.alive).toBe(true);
  });

  it('interrupts a turn that only waits for its sub-agents by stopping the process', async () => {
    const session = open();
    const turn = run(session);
    const claude = await process();
    const lines = recording('claude-subagent');
    claude.lines$.next(lines.slice(0, lines.findIndex((line) => line.includes('"type":"result"')) + 1));
    expect(turn.complete).toBe(false);
    session.interrupt();
    expect(turn.heard.at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    expect(session.alive).toBe(false);
  });

  it('logs the length of a line that is not JSON, never the line', async () => {
    run(open());
    (await process()).lines$.next(['my secret']);
    expect(warnings).toEqual(['ignored a line of 9 characters from Claude Code: not JSON']);
  });

  it('resumes a conversation that is on disk, and starts a new one otherwise', async () => {
    run(open({ sessionId: SESSION }));
    const fresh = (await process(0)).command.args.slice(-2);
    expect(fresh[0]).toBe('--session-id');
    expect(fresh[1]).not.toBe(SESSION);
    await writeTranscript([promptEntry]);
    run(open({ sessionId: SESSION }));
    expect((await process(1)).command.args.slice(-2)).toEqual(['--resume', SESSION]);
    expect((await process(1)).written).toHaveLength(1);
  });

  it('resumes a dead turn: adds results of its tools to the transcript, and sends no prompt', async () => {
    const path = await writeTranscript([promptEntry, callEntry, '{"type":"user","uu']);
    const turn = run(open({ sessionId: SESSION }), turnOf('hi', { attempt: 2 }));
    const claude = await process();
    expect(claude.command.env).toMatchObject({ CLAUDE_CODE_RESUME_INTERRUPTED_TURN: '1' });
    expect(claude.written).toEqual([]);
    expect(turn.heard).toMatchObject([
      { type: 'tool-call', id: 't1' },
      { type: 'tool-result', id: 't1', isError: true },
    ]);
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({
      type: 'user',
      parentUuid: 'a1',
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      message: { content: [{ type: 'tool_result', tool_use_id: 't1', content: TOOL_LOST_RESULT, is_error: true }] },
    });
  });

  it('resends the prompt of a dead turn if the transcript lacks it', async () => {
    await writeTranscript([{ ...promptEntry, uuid: 'another' }]);
    run(open({ sessionId: SESSION }), turnOf('hi', { attempt: 2 }));
    expect((await process()).written).toHaveLength(1);
    expect((await process()).command.env['CLAUDE_CODE_RESUME_INTERRUPTED_TURN']).toBeUndefined();
  });

  it('replays a dead turn that had ended, without a process', async () => {
    const message = { id: 'm', stop_reason: 'end_turn', content: [{ type: 'text', text: 'done' }] };
    await writeTranscript([promptEntry, { type: 'assistant', uuid: 'a1', message }]);
    const turn = run(open({ sessionId: SESSION }), turnOf('hi', { attempt: 2 }));
    await vi.waitFor(() => expect(turn.complete).toBe(true));
    expect(turn.heard).toMatchObject([
      { type: 'session-started', sessionId: SESSION },
      { type: 'text-delta', text: 'done' },
      { type: 'block-end' },
      { type: 'turn-end', reason: 'end_turn' },
    ]);
    expect(processes).toEqual([]);
  });
});
