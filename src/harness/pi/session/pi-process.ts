import type { Logger } from '@nestjs/common';
import type { JsonObject } from '../../../domain/harness-event.js';
import type { Sandbox, SandboxExit, SandboxProcess } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';
import { makeAgentFolder } from '../process/agent-folder.js';
import { toPiLaunch } from '../process/launch.js';
import { PiRpc } from '../process/pi-rpc.js';

/** It ends its turn, kills its commands and writes its record within some tens of milliseconds (1.6.0, seen). */
const STOP_GRACE_MS = 3_000;

/** What a session needs to start processes. */
export interface PiTools {
  readonly command: string;
  readonly sandbox: Sandbox;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/** One process of pi with one conversation. */
export class PiProcess {
  readonly rpc: PiRpc;
  /** Whether a turn has used it. */
  isUsed = false;
  #isStopped = false;

  private constructor(
    private readonly process: SandboxProcess,
    onMalformed: (length: number) => void,
  ) {
    this.rpc = new PiRpc(process, onMalformed);
  }

  /** Starts pi. A missing program fails the first command. Rejects when the thread's files cannot be written. */
  static async start(thread: HarnessThread, sessionId: string, tools: PiTools): Promise<PiProcess> {
    const { command, sandbox, logger } = tools;
    const files = await makeAgentFolder(thread, sandbox, logger);
    const { args, env } = toPiLaunch(thread, sessionId, files);
    const process = sandbox.spawn({ threadId: thread.id, command, args, env });
    return new PiProcess(process, (length) =>
      logger.warn(`ignored a line of ${length} characters from pi: not JSON (thread ${thread.id})`),
    );
  }

  /** Resolves when the process and all its descendants have exited. Never rejects. */
  get exit(): Promise<SandboxExit> {
    return this.process.exit;
  }

  /** Whether it was stopped by us. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Sends a command whose answer says nothing. A process that is gone ends the turn by itself. */
  async tell(command: JsonObject): Promise<void> {
    await this.rpc.request(command).catch(() => undefined);
  }

  /** Stops it; with 0 ms, before it can record anything. Resolves when it has exited. */
  async stop(graceMs = STOP_GRACE_MS): Promise<void> {
    this.#isStopped = true;
    await this.process.stop(graceMs);
  }
}
