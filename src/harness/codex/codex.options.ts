/** How this deployment runs Codex. */
export interface CodexOptions {
  /** The program: an absolute path, or a name on the server's `PATH`. */
  readonly command: string;
}

/** Injection token of {@link CodexOptions}. */
export const CodexOptions = Symbol('CodexOptions');
