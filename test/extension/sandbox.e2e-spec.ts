// A kind of sandbox that is no part of the server: it is registered by name, and its programs do not run on this machine.
import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { of } from 'rxjs';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppConfig } from '../../src/config/app-config.js';
import { ThreadFiles } from '../../src/sandbox/files/thread-files.js';
import { TreeWriter } from '../../src/sandbox/tree/tree-writer.js';
import { SANDBOX_KINDS, SANDBOXES } from '../../src/sandbox/kinds.js';
import {
  type ProgramRun,
  Sandbox,
  type SandboxCommand,
  type SandboxFolders,
  SandboxOptions,
  type SandboxProcess,
  type ThreadUsage,
} from '../../src/sandbox/sandbox.js';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** Has folders on this machine, and answers each program itself: with the last line of its script, and status 4. */
class EchoSandbox implements Sandbox, OnApplicationBootstrap {
  readonly isolates = false;
  readonly description = 'none';
  openSocket = (): Promise<undefined> => Promise.resolve(undefined);
  allowPort = (): void => undefined;
  closeSocket = (): Promise<void> => Promise.resolve();
  readonly runsAsRoot = false;
  readonly commands: SandboxCommand[] = [];
  state: 'made' | 'started' | 'closed' = 'made';

  constructor(private readonly options: SandboxOptions) {}

  onApplicationBootstrap(): void {
    this.state = 'started';
  }

  folders(threadId: string): SandboxFolders {
    const root = this.root(threadId);
    return { workspace: join(root, 'workspace'), home: join(root, 'home'), server: join(root, 'server') };
  }

  files(threadId: string): ThreadFiles {
    return new ThreadFiles(this.root(threadId));
  }

  templateText(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async prepare(threadId: string): Promise<SandboxFolders> {
    const folders = this.folders(threadId);
    for (const folder of [folders.workspace, folders.home, folders.server]) await mkdir(folder, { recursive: true });
    return folders;
  }

  deploy(): Promise<void> {
    return Promise.resolve();
  }

  copy(threadId: string, toThreadId: string, accept: () => Promise<void>): Promise<void> {
    return cp(this.root(threadId), this.root(toThreadId), { recursive: true }).then(accept);
  }

  async replace(threadId: string, fill: (tree: TreeWriter) => Promise<void>): Promise<void> {
    const root = this.root(threadId);
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    await fill(new TreeWriter(root));
  }

  spawn(command: SandboxCommand): SandboxProcess {
    this.commands.push(command);
    const script = command.args.at(-1)?.split('\n').at(-1) ?? '';
    return {
      lines$: of([`elsewhere: ${script}`]),
      exit: Promise.resolve({ code: 4, signal: null, stderr: '' }),
      writeLine: () => undefined,
      stop: () => Promise.resolve(),
    };
  }

  run(): Promise<ProgramRun> {
    return Promise.resolve({ kind: 'missing' });
  }

  usage(): Promise<ThreadUsage> {
    return Promise.resolve({ outputBytes: 0, cpuMs: 0, memoryKills: 0 });
  }

  memoryBytes(): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map());
  }

  diskBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  threadIds(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  describeLimits(): readonly string[] {
    return [];
  }

  warnings(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  remove(threadId: string): Promise<void> {
    return rm(this.root(threadId), { recursive: true, force: true });
  }

  expectLife(): void {
    // Nothing runs here.
  }

  kill(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.state = 'closed';
    return Promise.resolve();
  }

  private root(threadId: string): string {
    return join(this.options.dataDirectory, 'echo', threadId);
  }
}

let app: TestApp;
let sandbox: EchoSandbox;

beforeAll(async () => {
  app = await startTestApp(
    {},
    {
      customize: (builder) =>
        builder
          .overrideProvider(SANDBOX_KINDS)
          .useValue({ ...SANDBOXES, echo: { create: (options: SandboxOptions) => new EchoSandbox(options) } })
          .overrideProvider(SandboxOptions)
          .useFactory({
            inject: [AppConfig],
            factory: ({ dataDirectory }: AppConfig): SandboxOptions => ({
              kind: 'echo',
              dataDirectory,
              workspaceTemplate: undefined,
              homeTemplate: undefined,
            }),
          }),
    },
  );
  sandbox = app.app.get<EchoSandbox>(Sandbox);
});

afterAll(async () => {
  if (sandbox.state !== 'closed') await app.close();
});

const command = (words: string) =>
  SseClient.post(app.url, ask(`!${words}`, { model: 'demo', stream: true }), thread('extension')).done();

it('runs the commands of a turn, and its callers see what was printed there', async () => {
  const answer = await command('echo hello');
  expect(answer.text).toContain('elsewhere: echo hello');
  expect(checkGrammar(answer.events)).toEqual([]);
  const [started] = sandbox.commands;
  expect(started).toMatchObject({ command: 'sh' });
  expect(existsSync(sandbox.folders(started?.threadId ?? '').workspace)).toBe(true);
});

it('is notified when a thread is removed', async () => {
  await command('echo more');
  const { workspace } = sandbox.folders(sandbox.commands.at(-1)?.threadId ?? '');
  expect(existsSync(workspace)).toBe(true);
  await supertest(app.url).delete('/api/session/test:extension').expect(200);
  expect(existsSync(workspace)).toBe(false);
});

it('is started and closed with the server', async () => {
  expect(sandbox.state).toBe('started');
  await app.close();
  expect(sandbox.state).toBe('closed');
});
