import { ThreadFiles } from '../../src/sandbox/files/thread-files.js';
import type { Sandbox, SandboxFolders, ThreadUsage } from '../../src/sandbox/sandbox.js';

/** A sandbox without processes, as the scripted harness starts none. */
export class NoSandbox implements Sandbox {
  readonly isolates = false;
  readonly description = 'none';
  openSocket = (): Promise<undefined> => Promise.resolve(undefined);
  allowPort = (): void => undefined;
  closeSocket = (): Promise<void> => Promise.resolve();
  readonly runsAsRoot = false;
  readonly removed: string[] = [];
  /** Those of the last preparation. */
  homeFolders: readonly string[] = [];
  failure: Error | undefined;
  onPrepare: () => void = () => undefined;

  folders(threadId: string): SandboxFolders {
    return { workspace: `/${threadId}/workspace`, home: `/${threadId}/home`, server: `/${threadId}/server` };
  }

  templateText = (): Promise<undefined> => Promise.resolve(undefined);
  files = (threadId: string): ThreadFiles => new ThreadFiles(`/${threadId}`);

  prepare(threadId: string, homeFolders: readonly string[] = []): Promise<SandboxFolders> {
    this.homeFolders = homeFolders;
    this.onPrepare();
    return this.failure === undefined ? Promise.resolve(this.folders(threadId)) : Promise.reject(this.failure);
  }

  deploy = (): Promise<void> => Promise.resolve();

  copy(_threadId: string, _toThreadId: string, accept: () => Promise<void>): Promise<void> {
    return accept();
  }

  replace(): never {
    throw new Error('nothing is to be written here');
  }

  spawn(): never {
    throw new Error('nothing is to be started here');
  }

  run = (): never => this.spawn();
  /** What every thread has used; tests change it. */
  used: ThreadUsage = { outputBytes: 0, cpuMs: 0, memoryKills: 0 };
  disk = 0;
  usage = (): Promise<ThreadUsage> => Promise.resolve(this.used);
  /** What the processes of threads take; tests change it. */
  readonly memory = new Map<string, number>();
  memoryBytes = (): Promise<ReadonlyMap<string, number>> => Promise.resolve(new Map(this.memory));
  diskBytes = (): Promise<number> => Promise.resolve(this.disk);
  threadIds = (): Promise<readonly string[]> => Promise.resolve([]);
  describeLimits = (): readonly string[] => [];
  warnings = (): Promise<readonly string[]> => Promise.resolve([]);

  remove(threadId: string): Promise<void> {
    this.removed.push(threadId);
    return Promise.resolve();
  }

  expectLife(): void {
    // Nothing runs here.
  }

  kill(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
