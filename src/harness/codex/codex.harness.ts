import { Logger } from '@nestjs/common';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { Harness, HarnessModel, HarnessSession, HarnessThread } from '../harness.js';
import { probeVersion } from '../probe.js';
import { findCodexProgram } from './app-server/codex-program.js';
import { CodexSession } from './codex.session.js';
import { hasRecording } from './record/rollout.js';
import { CODEX_MODELS } from './models.js';

/** Names of OpenAI models as providers and gateways spell them: `gpt-…`, `openai/gpt-…`, `openai.gpt-oss-…`, `ft:gpt-…`, `o3`. */
const MODEL_NAMES = /(^|[./:@_-])((chat)?gpt-|codex-|o\d+($|[@:-]))/i;

/** Codex, driven through `codex app-server`. Written against, and tested with, 0.169.0. */
export class CodexHarness implements Harness {
  readonly takesCallerTools = true;
  readonly takesMcpServers = true;
  readonly #logger = new Logger(CodexHarness.name);

  constructor(
    private readonly sandbox: Sandbox,
    private readonly command: string,
  ) {}

  probe(): Promise<string | undefined> {
    return probeVersion(this.sandbox, findCodexProgram(this.command).command);
  }

  knowsModel(model: string): boolean {
    return MODEL_NAMES.test(model);
  }

  models(): readonly HarnessModel[] {
    return CODEX_MODELS;
  }

  hasRecord(files: ThreadFiles, sessionId: string): Promise<boolean> {
    return hasRecording(files, sessionId);
  }

  /** All that a conversation needs comes with the requests that open it. */
  runsOnSpare(): boolean {
    return true;
  }

  open(thread: HarnessThread): HarnessSession {
    return new CodexSession(thread, this.command, this.sandbox, this.#logger);
  }
}
