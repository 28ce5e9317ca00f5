import { Logger } from '@nestjs/common';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { FirstTurnNeeds, Harness, HarnessModel, HarnessSession, HarnessThread } from '../harness.js';
import { ClaudeCodeSession } from './claude-code.session.js';
import { supportsClientComposed } from './process/command-line.js';
import { CLAUDE_CODE_MODELS } from './models.js';
import { probeVersion } from '../probe.js';
import { hasTranscript } from './resume/transcript.js';

/**
 * Names of Claude models as spelled by providers and gateways: Anthropic's own, those of Bedrock (`us.anthropic.claude-…`, ARNs), Vertex
 * (`claude-…@20251001`) and routers (`anthropic/claude-…`, `databricks-claude-…`), and the aliases of Claude Code 2.1.330, where `[1m]`
 * requests the long context.
 */
const MODEL =
  /(^|[./:@_-])claude-|(^|\/)anthropic[./:-]|^arn:aws[\w-]*:bedrock:|^(sonnet|opus|haiku|fable|default|opusplan)(\[1m\])?$/i;

/** Claude Code, driven over its `stream-json` protocol. */
export class ClaudeCodeHarness implements Harness {
  readonly takesCallerTools = true;
  readonly takesMcpServers = true;
  readonly takesPdf = true;
  private readonly logger = new Logger(ClaudeCodeHarness.name);
  #version: string | undefined;

  constructor(
    private readonly sandbox: Sandbox,
    private readonly command: string,
  ) {}

  async probe(): Promise<string | undefined> {
    this.#version = await probeVersion(this.sandbox, this.command);
    return this.#version;
  }

  knowsModel(model: string): boolean {
    return MODEL.test(model);
  }

  models(): readonly HarnessModel[] {
    return CLAUDE_CODE_MODELS;
  }

  hasRecord(files: ThreadFiles, sessionId: string): Promise<boolean> {
    return hasTranscript(files, sessionId);
  }

  /** Everything else is an option of its command line, or a record that it reads when it starts. */
  runsOnSpare({ hasOutputSchema, hasCallerTools, hasMcpServers, hasSeed }: FirstTurnNeeds): boolean {
    return !hasOutputSchema && !hasCallerTools && !hasMcpServers && !hasSeed;
  }

  open(thread: HarnessThread): HarnessSession {
    return new ClaudeCodeSession(thread, {
      sandbox: this.sandbox,
      command: this.command,
      isRoot: this.sandbox.runsAsRoot,
      supportsClientComposed: supportsClientComposed(this.#version),
      logger: this.logger,
    });
  }
}
