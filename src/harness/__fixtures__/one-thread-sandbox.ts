import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { Sandbox, SandboxCommand, SandboxFolders, SandboxProcess } from '../../sandbox/sandbox.js';

/** Where the thread of a {@link OneThreadSandbox} has its files. */
export interface ThreadPlace {
  readonly folders: SandboxFolders;
  readonly files: ThreadFiles;
}

/** A sandbox for one thread, in which a test decides what a program does. */
export abstract class OneThreadSandbox implements Sandbox {
  templates: Readonly<Record<string, string>> = {};

  constructor(private readonly place: ThreadPlace) {}

  abstract spawn(command: SandboxCommand): SandboxProcess;

  readonly isolates = false;
  readonly description = 'none';
  readonly runsAsRoot = false;
  openSocket = (): Promise<undefined> => Promise.resolve(undefined);
  allowPort = (): void => undefined;
  closeSocket = (): Promise<void> => Promise.resolve();
  folders = () => this.place.folders;
  files = () => this.place.files;
  templateText = (path: string) => Promise.resolve(this.templates[path]);
  prepare = () => Promise.resolve(this.place.folders);
  deploy = (): Promise<void> => Promise.resolve();
  copy = (_from: string, _to: string, accept: () => Promise<void>): Promise<void> => accept();
  replace = (): Promise<never> => Promise.reject(new Error('nothing is to be written here'));
  run = () => Promise.resolve({ kind: 'missing' } as const);
  usage = () => Promise.resolve({ outputBytes: 0, cpuMs: 0, memoryKills: 0 });
  memoryBytes = (): Promise<ReadonlyMap<string, number>> => Promise.resolve(new Map());
  diskBytes = () => Promise.resolve(0);
  threadIds = () => Promise.resolve([]);
  describeLimits = () => [];
  warnings = () => Promise.resolve([]);
  remove = () => Promise.resolve();
  expectLife = () => undefined;
  kill = () => Promise.resolve();
  close = () => Promise.resolve();
}
