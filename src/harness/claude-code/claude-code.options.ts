/** How this deployment runs Claude Code. */
export interface ClaudeCodeOptions {
  /** The program: an absolute path, or a name on the server's `PATH`. */
  readonly command: string;
}

/** Injection token of {@link ClaudeCodeOptions}. */
export const ClaudeCodeOptions = Symbol('ClaudeCodeOptions');
