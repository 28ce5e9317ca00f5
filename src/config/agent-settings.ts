/** How an agent is told which model to use; the value is the name behind the first slash of the requested model. */
export type ModelChoice =
  /** `session/set_config_option` with this option. */
  | { readonly by: 'config-option'; readonly option: string }
  /** `session/set_model`, of older versions of the protocol. */
  | { readonly by: 'set-model' }
  /** A variable of the process: another model takes another process. */
  | { readonly by: 'variable'; readonly variable: string };

/** How an agent is told to run its tools without asking. */
export type AllowMode =
  | { readonly by: 'mode'; readonly mode: string }
  | { readonly by: 'config-option'; readonly option: string; readonly value: string };

/** Agents whose peculiarities are known; `standard` keeps to the text of the protocol. */
export const DIALECT_NAMES = ['standard', 'opencode', 'gemini', 'qwen', 'copilot', 'kimi', 'claude', 'codex'] as const;

/** See `DIALECT_NAMES`. */
export type DialectName = (typeof DIALECT_NAMES)[number];

/** An agent of the Agent Client Protocol, as `CHIRON_AGENTS_FILE` describes it over its preset. */
export interface AgentSettings {
  /** The name of its harness: `[a-z][a-z0-9-]*`, unique, and not that of a built-in harness. */
  readonly name: string;
  readonly displayName: string;
  /** An absolute path, or a name in `CHIRON_AGENTS_DIR` or on the server's `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Variables of its processes with fixed values. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the server's variables that its processes get besides `CHIRON_SANDBOX_PASSTHROUGH_ENV`. No other agent gets them. */
  readonly passedVariables: readonly string[];
  /** The file below the thread's home from which it reads instructions for every conversation; `undefined` if it has none. */
  readonly instructionsFile: string | undefined;
  /** The models to offer, as the agent names them. */
  readonly models: readonly string[];
  /** `undefined` for an agent that runs one model only. */
  readonly modelChoice: ModelChoice | undefined;
  /** `undefined` for an agent that never asks. Requests for permission are answered in either case. */
  readonly allowMode: AllowMode | undefined;
  readonly dialect: DialectName;
}
