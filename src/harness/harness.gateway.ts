import { Inject, Injectable, Logger } from '@nestjs/common';
import { defer, finalize, type Observable, of, switchMap } from 'rxjs';
import { AppConfig } from '../config/app-config.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { ThreadFileError } from '../sandbox/files/thread-files.js';
import type { HarnessEvent } from '../domain/harness-event.js';
import type { Harness, HarnessName, HarnessSession, HarnessTurn } from './harness.js';
import { HarnessRegistry } from './harness.registry.js';

/** What the gateway needs to know of a thread to run its turns. */
export interface GatewayThread {
  readonly id: string;
  readonly key: string;
  readonly harness: HarnessName;
  /** The model to ask the harness for; `undefined` for its own default. */
  readonly harnessModel: string | undefined;
  readonly systemPrompt: string | undefined;
  readonly tools: 'all' | 'none';
  /** The harness's own name of the conversation, once it has one. */
  readonly sessionId: string | undefined;
}

/** A thread's warm conversation. */
interface WarmSession {
  readonly session: HarnessSession;
  /** The folder that it works in, as told by `workspaceOf`. */
  readonly workspace: string | undefined;
  running: boolean;
  /** When its last turn ended; the order in which idle ones are given up. */
  idleSince: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/** Runs turns on harnesses, and keeps the harness of a thread warm for its next turn. */
@Injectable()
export class HarnessGateway {
  private readonly logger = new Logger(HarnessGateway.name);
  readonly #warm = new Map<string, WarmSession>();
  /** Processes that are on their way out: two of them on one conversation would write to the same files. */
  readonly #ending = new Map<string, Promise<void>>();

  constructor(
    private readonly registry: HarnessRegistry,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /**
   * Runs a turn of a thread: on its warm process, or on a new one that resumes the conversation.
   *
   * Cold. Completes after the event that ends the turn, which is a failure when the thread's harness is not here; errors only when
   * the thread's folders cannot be made. Unsubscribing abandons the turn and stops the process.
   */
  run(thread: GatewayThread, turn: HarnessTurn): Observable<readonly HarnessEvent[]> {
    const harness = this.registry.find(thread.harness);
    if (harness === undefined) return defer(() => of([this.refuse(thread, turn)]));
    return defer(async () => this.acquire(thread, harness)).pipe(
      switchMap((warm) => warm.session.run(turn).pipe(finalize(() => this.park(thread.id, warm)))),
    );
  }

  /**
   * Whether a thread's folders are there, and in them its agent's own record of the conversation, as far as its harness keeps one. A
   * live process remembers without it. Cheap: nothing is read.
   */
  async remembers({ id, harness, sessionId }: Pick<GatewayThread, 'id' | 'harness' | 'sessionId'>): Promise<boolean> {
    const files = this.sandbox.files(id);
    try {
      if ((await files.stat('home')) === undefined) return false;
      if (sessionId === undefined || this.#warm.get(id)?.session.alive === true) return true;
      return (await this.registry.find(harness)?.hasRecord?.(files, sessionId)) ?? true;
    } catch (error) {
      // What has the record's name and is none.
      if (error instanceof ThreadFileError) return false;
      throw error;
    }
  }

  /** Asks a thread's running turn to end; it then ends as `interrupted`. False when none runs, or not yet. */
  interrupt(threadId: string): boolean {
    const warm = this.#warm.get(threadId);
    if (warm?.running !== true) return false;
    warm.session.interrupt();
    return true;
  }

  /** Stops a thread's process, running or not. Resolves when it is gone. */
  async stop(threadId: string): Promise<void> {
    const warm = this.#warm.get(threadId);
    if (warm !== undefined) this.end(threadId, warm);
    await this.#ending.get(threadId);
  }

  /** Stops a thread's process and removes its folders: nothing of it is left on this machine. Its next turn begins anew. */
  async remove(threadId: string): Promise<void> {
    await this.stop(threadId);
    await this.sandbox.remove(threadId);
  }

  /** Stops every process. To be called when no turn is wanted any more. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#warm.keys(), ...this.#ending.keys()].map((threadId) => this.stop(threadId)));
  }

  /** How many processes are kept, and how many of them work: for metrics and tests. */
  get counts(): { readonly warm: number; readonly running: number } {
    return { warm: this.#warm.size, running: [...this.#warm.values()].filter((warm) => warm.running).length };
  }

  private async acquire(thread: GatewayThread, harness: Harness): Promise<WarmSession> {
    const known = this.#warm.get(thread.id);
    if (known !== undefined) {
      const isUsable = known.session.alive && (await this.isInItsFolder(thread.id, known));
      // It may have been given up meanwhile.
      if (isUsable && this.#warm.get(thread.id) === known) {
        clearTimeout(known.idleTimer);
        known.running = true;
        return known;
      }
      this.end(thread.id, known);
    }
    await this.#ending.get(thread.id);
    const folders = await this.sandbox.prepare(thread.id, this.registry.homeFolders);
    const workspace = await this.workspaceOf(thread.id);
    const session = harness.open({
      id: thread.id,
      folders,
      files: this.sandbox.files(thread.id),
      model: thread.harnessModel,
      systemPrompt: thread.systemPrompt,
      tools: thread.tools,
      sessionId: thread.sessionId,
      env: { ...this.registry.homeVariables(folders), ...this.threadEnvironment(thread) },
    });
    const warm: WarmSession = { session, workspace, running: true, idleSince: 0, idleTimer: undefined };
    this.#warm.set(thread.id, warm);
    return warm;
  }

  /** The end of a turn whose harness this server does not have: it was taken out, or a later version brought it. */
  private refuse({ id, harness }: GatewayThread, turn: HarnessTurn): HarnessEvent {
    this.logger.warn({ threadId: id, turnId: turn.id, harness }, 'failed to run a turn: its harness is not available');
    return {
      type: 'turn-failed',
      kind: 'not_found',
      message: `The harness ${harness} is not available on this server.`,
    };
  }

  /** A process stays in the folder in which it was started, also when that is removed and another one has its name. */
  private async isInItsFolder(threadId: string, warm: WarmSession): Promise<boolean> {
    await this.sandbox.prepare(threadId, this.registry.homeFolders);
    return warm.workspace === (await this.workspaceOf(threadId)) && warm.session.alive;
  }

  /** Tells a thread's workspace from another folder of the same name. */
  private async workspaceOf(threadId: string): Promise<string | undefined> {
    const found = await this.sandbox.files(threadId).stat('workspace');
    return found === undefined ? undefined : `${found.device}:${found.inode}`;
  }

  /** A turn is over: its process waits for the next one for a while, if there is room for another idle one. */
  private park(threadId: string, warm: WarmSession): void {
    warm.running = false;
    warm.idleSince = performance.now();
    if (this.#warm.get(threadId) !== warm) return;
    if (!warm.session.alive) {
      this.end(threadId, warm);
      return;
    }
    warm.idleTimer = setTimeout(() => this.end(threadId, warm), this.config.harnessIdleMs);
    warm.idleTimer.unref();
    const idle = [...this.#warm]
      .filter(([, one]) => !one.running)
      .toSorted(([, a], [, b]) => a.idleSince - b.idleSince);
    for (const [id, one] of idle.slice(0, Math.max(0, idle.length - this.config.maxWarmHarnesses))) this.end(id, one);
  }

  private end(threadId: string, warm: WarmSession): void {
    clearTimeout(warm.idleTimer);
    if (this.#warm.get(threadId) !== warm) return;
    this.#warm.delete(threadId);
    const ending = warm.session
      .close()
      .catch((error: unknown) => this.logger.error({ threadId, err: error }, 'a harness process could not be stopped'))
      .finally(() => {
        if (this.#ending.get(threadId) === ending) this.#ending.delete(threadId);
      });
    this.#ending.set(threadId, ending);
  }

  /** What every process of the thread gets besides the sandbox's own few variables and those of its home. */
  private threadEnvironment(thread: GatewayThread): Readonly<Record<string, string>> {
    const modelVariable = this.registry.definition(thread.harness)?.modelVariable;
    return {
      ...this.config.sandboxEnvironment,
      CENTAUR_THREAD_KEY: thread.key,
      ...(modelVariable === undefined || thread.harnessModel === undefined
        ? {}
        : { [modelVariable]: thread.harnessModel }),
      ...(thread.systemPrompt === undefined ? {} : { CENTAUR_EXTRA_SYSTEM_PROMPT: thread.systemPrompt }),
    };
  }
}
