import { Logger } from '@nestjs/common';
import type { AgentSettings } from '../../config/agent-settings.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { Harness, HarnessModel, HarnessSession, HarnessThread } from '../harness.js';
import { AcpSession } from './acp.session.js';
import { hasRecordNote } from './conversation/record-note.js';
import { probeAgent } from './probe-agent.js';

/** An agent that is driven by the Agent Client Protocol, version 1. */
export class AcpHarness implements Harness {
  readonly takesCallerTools: boolean;
  readonly takesMcpServers: boolean;
  /** The protocol has nothing to take them away. */
  readonly needsTools = true;
  readonly #logger: Logger;

  constructor(
    private readonly sandbox: Sandbox,
    private readonly agent: AgentSettings,
    private readonly command: string,
  ) {
    this.takesCallerTools = agent.usesMcp;
    this.takesMcpServers = agent.usesMcp;
    this.#logger = new Logger(agent.displayName);
  }

  probe(): Promise<string | undefined> {
    return probeAgent(this.sandbox, this.command);
  }

  knowsModel(model: string): boolean {
    return this.agent.models.includes(model);
  }

  models(): readonly HarnessModel[] {
    return this.agent.models.map((id) => ({ id, displayName: id }));
  }

  hasRecord(files: ThreadFiles, sessionId: string): Promise<boolean> {
    return hasRecordNote(files, sessionId);
  }

  /** All that a session needs comes with the requests that open it, and the thread's variables with a file; see `late-variables.ts`. */
  runsOnSpare(): boolean {
    return true;
  }

  open(thread: HarnessThread): HarnessSession {
    return new AcpSession(thread, this.agent, this.command, this.sandbox, this.#logger);
  }
}
