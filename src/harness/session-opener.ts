import { Inject, Injectable } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { Broker, type BrokeredEnvironment } from '../broker/broker.service.js';
import { AppConfig } from '../config/app-config.js';
import { Sandbox } from '../sandbox/sandbox.js';
import type { GatewayThread } from './harness.gateway.js';
import type { Harness, HarnessName, HarnessSession, HarnessThread } from './harness.js';
import { HarnessRegistry } from './harness.registry.js';

/** The fields of a thread that its session is opened with. */
export type OpenableThread = Pick<
  GatewayThread,
  'id' | 'harness' | 'harnessModel' | 'systemPrompt' | 'tools' | 'sessionId'
> & {
  /** `undefined` while nobody knows whose thread it will be. */
  readonly key: string | undefined;
};

/** A session with the place that its process runs in. */
export interface OpenedSession {
  readonly session: HarnessSession;
  /** Identity of the folder that the process runs in; see {@link SessionOpener.workspaceId}. */
  readonly workspace: string | undefined;
  /** What belongs to the place and not to the thread. */
  readonly place: ThreadPlace;
}

type ThreadPlace = BrokeredEnvironment;

/** What threads get from their server. */
interface Surroundings {
  readonly sandbox: Sandbox;
  environment(thread: OpenableThread, place: ThreadPlace): HarnessThread['env'];
}

/**
 * A thread as its harness gets it.
 *
 * Everything is looked up when the harness asks: the paths of a thread take three kilobytes for as long as its session is open, and getters of an
 * object of its own one more.
 */
class PlacedThread implements HarnessThread {
  constructor(
    private readonly surroundings: Surroundings,
    private readonly thread: OpenableThread,
    private readonly place: ThreadPlace,
    readonly workspaceTemplate: string | undefined,
  ) {}

  get id(): string {
    return this.thread.id;
  }

  get folders(): HarnessThread['folders'] {
    return this.surroundings.sandbox.folders(this.thread.id);
  }

  get files(): HarnessThread['files'] {
    return this.surroundings.sandbox.files(this.thread.id);
  }

  get env(): HarnessThread['env'] {
    return this.surroundings.environment(this.thread, this.place);
  }

  get model(): string | undefined {
    return this.thread.harnessModel;
  }

  get systemPrompt(): string | undefined {
    return this.thread.systemPrompt;
  }

  get tools(): HarnessThread['tools'] {
    return this.thread.tools;
  }

  get sessionId(): string | undefined {
    return this.thread.sessionId;
  }

  get isSpare(): boolean {
    return this.thread.key === undefined;
  }

  get modelUrl(): string | undefined {
    return this.place.modelUrl;
  }

  get serveMcp(): ThreadPlace['serveMcp'] {
    return this.place.serveMcp;
  }
}

/** Opens sessions: makes the folders of their threads, and their way to the model. */
@Injectable()
export class SessionOpener {
  readonly #starts$ = new Subject<HarnessName>();
  readonly #surroundings: Surroundings;

  constructor(
    private readonly registry: HarnessRegistry,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly broker: Broker,
  ) {
    this.#surroundings = { sandbox, environment: (thread, place) => this.#environment(thread, place) };
  }

  /** The harness of each session that is opened. Never completes; unsubscribing has no effect on sessions. */
  get starts$(): Observable<HarnessName> {
    return this.#starts$;
  }

  /**
   * Opens a session. The first turn, or `startEarly`, starts its process.
   *
   * @param workspaceTemplate the name of the template for a new workspace; the deployment's own by default
   * @throws MissingTemplateError if a new thread needs a template that is not there
   */
  async open(thread: OpenableThread, harness: Harness, workspaceTemplate?: string): Promise<OpenedSession> {
    await this.sandbox.prepare(thread.id, this.registry.homeFolders, workspaceTemplate);
    const workspace = await this.workspaceId(thread.id);
    const place = await this.broker.open(thread.id, thread.harness, this.registry.definition(thread.harness)?.provider);
    this.#starts$.next(thread.harness);
    return { session: harness.open(this.toHarnessThread(thread, place, workspaceTemplate)), workspace, place };
  }

  /** Ends what {@link open} has opened. Resolves when the process has exited. */
  async close(threadId: string, session: HarnessSession): Promise<void> {
    await session.close();
    await this.broker.close(threadId);
  }

  /** A thread as its harness gets it, in a place that was opened for it. */
  toHarnessThread(thread: OpenableThread, place: ThreadPlace, workspaceTemplate?: string): HarnessThread {
    return new PlacedThread(this.#surroundings, thread, place, workspaceTemplate);
  }

  /** Identifies a thread's workspace, to detect that another folder has taken its name. */
  async workspaceId(threadId: string): Promise<string | undefined> {
    const entry = await this.sandbox.files(threadId).stat('workspace');
    return entry === undefined ? undefined : `${entry.device}:${entry.inode}`;
  }

  /** The variables of every process of the thread, besides those of the sandbox: of its home, the broker and the thread itself. */
  #environment(thread: OpenableThread, place: ThreadPlace): Readonly<Record<string, string>> {
    const modelVariable = this.registry.definition(thread.harness)?.modelVariable;
    return {
      ...this.registry.homeVariables(this.sandbox.folders(thread.id)),
      ...place.variables,
      ...this.config.gitIdentity,
      ...(thread.key === undefined ? {} : { CENTAUR_THREAD_KEY: thread.key }),
      ...(modelVariable === undefined || thread.harnessModel === undefined
        ? {}
        : { [modelVariable]: thread.harnessModel }),
      ...(thread.systemPrompt === undefined ? {} : { CENTAUR_EXTRA_SYSTEM_PROMPT: thread.systemPrompt }),
    };
  }
}
