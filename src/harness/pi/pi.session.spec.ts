// Over 250 lines: a fake pi, and everything that a session does with it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { EMPTY, lastValueFrom, Subject, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../domain/json.js';
import { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { SpawnFailure } from '../../sandbox/process/spawn-failure.js';
import type { Sandbox, SandboxCommand, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { HarnessThread, HarnessTurn } from '../harness.js';
import { PiHarness } from './pi.harness.js';
import { GO_ON } from './record/plan.js';
import { toPiTurnMark } from './record/record.js';

Logger.overrideLogger(false);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-pi-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What pi says after the response to a command. */
type Behaviour = (command: JsonObject) => readonly object[];

/** A pi that answers every command; `die` ends its process, with this on its standard error. */
class FakePi {
  readonly commands: JsonObject[] = [];
  readonly #lines = new Subject<readonly string[]>();
  #resolveExit: (exit: SandboxExit) => void = () => undefined;
  readonly process: SandboxProcess;

  constructor(behaviour: Behaviour, notStarted: SpawnFailure | undefined) {
    const exit = new Promise<SandboxExit>((resolve) => (this.#resolveExit = resolve));
    const failed = Promise.resolve({ code: null, signal: null, stderr: '', notStarted });
    this.process = {
      lines$: notStarted === undefined ? this.#lines : EMPTY,
      exit: notStarted === undefined ? exit : failed,
      writeLine: (line) => {
        const command = parseObject(line) ?? {};
        this.commands.push(command);
        const { id, type } = command;
        const response = { id, type: 'response', command: type, success: true, data: { disposition: 'started' } };
        queueMicrotask(() => this.say(response, ...behaviour(command)));
      },
      stop: () => Promise.resolve(this.die(0)),
    };
  }

  say(...messages: readonly object[]): void {
    this.#lines.next(messages.map((message) => JSON.stringify(message)));
  }

  die(code: number | null = null, stderr = ''): void {
    this.#lines.complete();
    this.#resolveExit({ code, signal: code === null ? 'SIGKILL' : null, stderr });
  }

  /** The texts of its prompts. */
  get prompts(): readonly string[] {
    return this.commands.flatMap((command) =>
      command['type'] === 'prompt' ? [asString(command['message']) ?? ''] : [],
    );
  }
}

const START = { type: 'agent_start' };
const SETTLED = { type: 'agent_settled', aborted: false };
const ABORTED = { type: 'agent_settled', aborted: true };
const user = (text: string) => ({
  type: 'message_start',
  message: { role: 'user', content: [{ type: 'text', text }] },
});
const says = (text: string, more: JsonObject = {}) => {
  const message = { role: 'assistant', timestamp: 7, stopReason: 'stop', content: [{ type: 'text', text }], ...more };
  return [
    { type: 'message_start', message: { ...message, content: [], stopReason: 'pending' } },
    { type: 'message_end', message },
  ];
};
const answering: Behaviour = ({ type, message }) =>
  type === 'prompt'
    ? [START, user(asString(message) ?? ''), ...says(`answer to ${asString(message) ?? ''}`), SETTLED]
    : [];

function open(
  behaviour: Behaviour = answering,
  thread: Partial<HarnessThread> = {},
  templates: Readonly<Record<string, string>> = {},
) {
  const pis: FakePi[] = [];
  const spawned: SandboxCommand[] = [];
  const deployed: Record<string, string> = {};
  const setting: { notStarted: SpawnFailure | undefined } = { notStarted: undefined };
  const files = new ThreadFiles(folder);
  const folders = { workspace: `${folder}/workspace`, home: `${folder}/home`, server: `${folder}/server` };
  const sandbox: Pick<Sandbox, 'spawn' | 'deploy' | 'templateText'> = {
    spawn: (command) => {
      spawned.push(command);
      const pi = new FakePi(behaviour, setting.notStarted);
      pis.push(pi);
      return pi.process;
    },
    deploy: (_, texts) => Promise.resolve(void Object.assign(deployed, texts)),
    templateText: (path) => Promise.resolve(templates[path]),
  };
  const whole: HarnessThread = {
    ...{
      id: 'thread',
      folders,
      files,
      model: undefined,
      systemPrompt: undefined,
      tools: 'all',
      sessionId: undefined,
      env: {},
    },
    ...thread,
  };
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- Only these three are used.
  const session = new PiHarness(sandbox as Sandbox, 'pi').open(whole);
  const told: HarnessEvent[] = [];
  const run = async (turn: Partial<HarnessTurn> = {}): Promise<readonly HarnessEvent[]> => {
    const all: HarnessTurn = {
      id: 'turn-1',
      prompt: [{ type: 'text', text: 'hi' }],
      attempt: 1,
      turnIndex: 0,
      ...turn,
    };
    const batches = session.run(all).pipe(tap((batch) => told.push(...batch)));
    return (await lastValueFrom(batches.pipe(toArray()))).flat();
  };
  return { session, run, told, pis, spawned, deployed, files, folders, setting };
}

const text = (value: string) => [{ type: 'text' as const, text: value }];
const textOf = (events: readonly HarnessEvent[]): string =>
  events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])).join('');

/** A session file with one whole turn, and one that is marked and whatever `more` says. */
const record = (folders: { readonly workspace: string }, ...more: readonly object[]): string =>
  [
    { type: 'session', version: 3, id: 's', cwd: folders.workspace },
    { type: 'session_info', id: 'm1', name: toPiTurnMark('turn-1') },
    { type: 'message', id: 'u1', message: { role: 'user', content: text('first') } },
    {
      type: 'message',
      id: 'a1',
      message: { role: 'assistant', content: text('one'), stopReason: 'stop', timestamp: 1 },
    },
    ...more,
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');

describe('PiSession', () => {
  it('runs turns in one process and one conversation, whose id it emits once', async () => {
    const { run, pis, spawned } = open();
    const first = await run();
    expect(first[0]).toEqual({ type: 'session-started', sessionId: 'turn-1' });
    expect(textOf(first)).toBe('answer to hi');
    expect(first.at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    const second = await run({ id: 'turn-2', prompt: text('more') });
    expect(second.map(({ type }) => type)).not.toContain('session-started');
    expect(textOf(second)).toBe('answer to more');
    expect(pis).toHaveLength(1);
    expect(pis[0]?.commands.map(({ type }) => type)).toEqual([
      ...['set_session_name', 'prompt', 'set_session_name', 'prompt'],
    ]);
    expect(spawned[0]?.args).toContain(`${folder}/home/.pi/agent/sessions/turn-1.jsonl`);
  });

  it('starts without anything of the workspace’s settings, and offers no tools where there are to be none', async () => {
    const { run, spawned } = open(answering, { tools: 'none', model: 'anthropic/claude-x', systemPrompt: 'Be kind.' });
    await run();
    const { args = [], env = {} } = spawned[0] ?? {};
    expect(args).toEqual(
      expect.arrayContaining(['--no-approve', '--no-context-files', '--no-tools', '--no-extensions']),
    );
    expect(args[args.indexOf('--model') + 1]).toBe('anthropic/claude-x');
    expect(readFileSync(args[args.indexOf('--append-system-prompt') + 1] ?? '', 'utf8')).toBe('Be kind.');
    expect(env['PI_CODING_AGENT_DIR']).toBe(`${folder}/home/.pi/chiron`);
  });

  it('gives its process the deployment’s settings, whatever the agent has written', async () => {
    const template = 'home/.pi/agent';
    const { run, files, deployed, spawned } = open(
      answering,
      { env: { ANTHROPIC_BASE_URL: 'http://model' } },
      {
        [`${template}/settings.json`]: '{"defaultProvider":"anthropic","defaultModel":"claude-y"}',
        [`${template}/SYSTEM.md`]: 'ours',
      },
    );
    await files.write('home/.pi/chiron/extensions/evil.js', 'evil');
    await files.write('home/.pi/agent/models.json', '{"providers":{"anthropic":{"baseUrl":"http://evil"}}}');
    await run();
    expect(await files.list('home/.pi/chiron', 10)).not.toContain('extensions');
    expect(parseObject(deployed['.pi/chiron/models.json'] ?? '')).toEqual({
      providers: { anthropic: { baseUrl: 'http://model' } },
    });
    expect(parseObject(deployed['.pi/chiron/settings.json'] ?? '')).toMatchObject({
      cacheWarming: 'off',
      defaultModel: 'claude-y',
    });
    expect(deployed['.pi/chiron/SYSTEM.md']).toBe('ours');
    expect(spawned[0]?.args).toContain('anthropic/claude-y');
  });

  it('interrupts a turn, also one that pi has not begun', async () => {
    const { session, run, pis } = open(({ type }) => (type === 'abort' ? [ABORTED] : []));
    const ended = run();
    session.interrupt();
    await vi.waitFor(() => expect(pis[0]?.prompts).toEqual(['hi']));
    expect(pis[0]?.commands.map(({ type }) => type)).not.toContain('abort');
    pis[0]?.say(START);
    expect((await ended).at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    expect(pis[0]?.commands.map(({ type }) => type).slice(-2)).toEqual(['clear_queue', 'abort']);
  });

  it('gives pi further messages, and tells which it has heard', async () => {
    const { session, run, pis } = open(({ type, message }) => {
      if (type === 'prompt') return [START, user('hi')];
      return type === 'steer' && message === 'one' ? [user('one')] : [];
    });
    const ended = run();
    const [one, two] = ['one', 'two'].map((id) => session.steer?.({ id, prompt: text(id) }));
    await expect(one).resolves.toBe(true);
    pis[0]?.say(...says('done'), SETTLED);
    const events = await ended;
    await expect(two).resolves.toBe(false);
    expect(events.filter(({ type }) => type === 'user-message')).toEqual([{ type: 'user-message', id: 'one' }]);
    // Else pi would give it to its model with the next prompt.
    expect(pis[0]?.commands.at(-1)).toMatchObject({ type: 'clear_queue' });
  });

  it('asks for an answer of a schema in the prompt', async () => {
    const { run, pis } = open();
    await run({ outputSchema: { type: 'object' } });
    expect(pis[0]?.prompts[0]).toMatch(/^hi\n\n.*JSON Schema.*\{"type":"object"\}$/s);
  });

  it('puts a document into a file, and sends an image', async () => {
    const { run, pis, folders } = open();
    const data = Buffer.from('pdf').toString('base64');
    await run({
      prompt: [
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aW1n' } },
      ],
    });
    const prompt = asObject(pis[0]?.commands.find(({ type }) => type === 'prompt'));
    const path = new RegExp(`${folders.server}/uploads/\\w+\\.pdf`).exec(asString(prompt['message']) ?? '')?.[0] ?? '';
    expect(readFileSync(path, 'utf8')).toBe('pdf');
    expect(prompt['images']).toEqual([{ type: 'image', data: 'aW1n', mimeType: 'image/png' }]);
  });

  it('fails a turn whose process dies, and is not alive then', async () => {
    const { session, run, pis } = open(() => []);
    const ended = run();
    await vi.waitFor(() => expect(pis[0]?.prompts).toHaveLength(1));
    pis[0]?.die();
    expect((await ended).at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    expect(session.alive).toBe(false);
  });

  it.each([
    ['Error: Model "x" not found. Use --list-models', 'not_found'],
    ['Warning: No models available. Use /login', 'authentication'],
  ])('says why pi did not begin: %s', async (stderr, kind) => {
    const { run, pis } = open(() => []);
    const ended = run();
    await vi.waitFor(() => expect(pis).toHaveLength(1));
    pis[0]?.die(1, `${stderr}\n`);
    expect((await ended).at(-1)).toMatchObject({ type: 'turn-failed', kind });
  });

  it('says that its program is missing', async () => {
    const { run, setting } = open();
    setting.notStarted = { reason: 'program-missing', code: 'ENOENT' };
    expect((await run()).at(-1)).toMatchObject({ type: 'turn-failed', kind: 'not_started' });
  });

  it('fails with what pi says of a prompt that it does not take', async () => {
    const { run, pis } = open(({ type, id }) =>
      type === 'prompt' ? [] : [{ id, type: 'response', command: type, success: true }],
    );
    const ended = run();
    await vi.waitFor(() => expect(pis[0]?.prompts).toHaveLength(1));
    pis[0]?.say(
      START,
      ...says('', { stopReason: 'error', errorMessage: 'No API key found for anthropic', content: [] }),
      SETTLED,
    );
    expect((await ended).at(-1)).toMatchObject({ type: 'turn-failed', kind: 'authentication' });
  });
});

describe('a conversation that is resumed', () => {
  const path = 'home/.pi/agent/sessions/s.jsonl';

  it('is asked to go on with a turn that was cut off, which is told from the record', async () => {
    const { run, files, folders, pis } = open(answering, { sessionId: 's' });
    const call = { type: 'toolCall', id: 'c', name: 'bash', arguments: { command: 'ls' } };
    await files.write(
      path,
      record(
        folders,
        { type: 'session_info', id: 'm2', name: toPiTurnMark('turn-2') },
        { type: 'message', id: 'u2', message: { role: 'user', content: text('second') } },
        {
          type: 'message',
          id: 'a2',
          message: { role: 'assistant', content: [call], stopReason: 'toolUse', timestamp: 2 },
        },
      ),
    );
    const events = await run({ id: 'turn-2', attempt: 2, prompt: text('second') });
    expect(pis[0]?.prompts).toEqual([GO_ON]);
    expect(events.filter(({ type }) => type.startsWith('tool'))).toMatchObject([
      { type: 'tool-call', id: 'c' },
      { type: 'tool-result', id: 'c', isError: true },
    ]);
    expect(await files.readText(path, 100_000)).toContain('it may have taken effect');
  });

  it('needs no process for a turn that was over', async () => {
    const { run, files, folders, pis } = open(answering, { sessionId: 's' });
    await files.write(path, record(folders));
    const events = await run({ attempt: 2 });
    expect(textOf(events)).toBe('one');
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(pis).toEqual([]);
  });

  it('drops turns and begins with a seed in pi’s own form', async () => {
    const { run, files, folders, pis } = open(answering, { sessionId: 's' });
    await files.write(path, record(folders));
    await run({
      id: 'turn-2',
      dropFrom: 'turn-1',
      seed: [
        { role: 'user', content: text('seeded') },
        { role: 'assistant', content: [{ type: 'tool-call', id: 'c', name: 'ls', server: 'files', input: {} }] },
        { role: 'user', content: [{ type: 'tool-result', id: 'c', content: text('out'), isError: false }] },
      ],
    });
    const lines = ((await files.readText(path, 100_000)) ?? '')
      .trim()
      .split('\n')
      .map((line) => parseObject(line) ?? {});
    expect(lines.map(({ message }) => asObject(message)['role'])).toEqual([
      undefined,
      'user',
      'assistant',
      'toolResult',
    ]);
    expect(JSON.stringify(lines)).toContain('mcp__files__ls');
    expect(lines.slice(2).map(({ parentId }) => parentId)).toEqual(lines.slice(1, -1).map(({ id }) => id));
    expect(pis[0]?.prompts).toEqual(['hi']);
  });

  it('gets another process after a refused turn, without that turn', async () => {
    const { run, files, folders, pis } = open(
      ({ type, message }) =>
        type === 'prompt' && message === 'bad'
          ? [START, user('bad'), ...says('', { content: [], stopReason: 'error', errorMessage: '400 no' }), SETTLED]
          : answering({ type: type ?? '', message: message ?? '' }),
      { sessionId: 's' },
    );
    await files.write(path, record(folders));
    expect((await run({ id: 'turn-2', prompt: text('bad') })).at(-1)).toMatchObject({ kind: 'bad_request' });
    const refused = { role: 'assistant', content: [], stopReason: 'error', errorMessage: '400 no' };
    await files.append(
      path,
      [
        { type: 'session_info', id: 'm2', name: toPiTurnMark('turn-2') },
        { type: 'message', id: 'a2', message: refused },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    expect(textOf(await run({ id: 'turn-3', prompt: text('good') }))).toBe('answer to good');
    expect(pis).toHaveLength(2);
    expect(await files.readText(path, 100_000)).not.toContain('turn-2');
  });

  it('remembers what the store has if its record is lost', async () => {
    const { run, files, pis } = open(answering, { sessionId: 's' });
    const recall = () => Promise.resolve([{ role: 'user' as const, content: text('long ago') }]);
    await run({ id: 'turn-9', recall });
    expect(await files.readText(path, 100_000)).toContain('long ago');
    expect(pis[0]?.prompts).toEqual(['hi']);
  });

  it('works in its own folder also as a copy of another thread', async () => {
    const { run, files, folders } = open(answering, { sessionId: 's' });
    await files.write(path, record({ workspace: '/elsewhere' }));
    await run({ id: 'turn-2' });
    const whole = (await files.readText(path, 100_000)) ?? '';
    expect(parseObject(whole.split('\n')[0] ?? '')).toMatchObject({ cwd: folders.workspace });
    expect(whole).toContain('"one"');
  });

  it('is started before its turn, which uses that process', async () => {
    const { session, run, pis } = open(answering, { sessionId: 's' });
    await session.startEarly?.();
    expect(pis).toHaveLength(1);
    expect(textOf(await run({ id: 'turn-2' }))).toBe('answer to hi');
    expect(pis.length).toBeLessThanOrEqual(2);
  });

  it('gets another process if that ends before its turn', async () => {
    const { session, run, pis } = open(answering, {});
    const early = await session.startEarly?.();
    pis[0]?.die(1);
    await early?.gone;
    expect(session.alive).toBe(true);
    expect(textOf(await run())).toBe('answer to hi');
    expect(pis).toHaveLength(2);
  });
});
