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

/** The forms of model APIs: OpenAI's (Responses and Chat Completions), Anthropic's Messages, Gemini's `generateContent`. */
export const MODEL_APIS = ['openai', 'anthropic', 'gemini'] as const;

/** The API of an agent's models, so that the broker can stand before it. The variables have what the agent itself would read. */
export interface AgentProvider {
  readonly api: (typeof MODEL_APIS)[number];
  /** The variable with the URL of the API, as the agent takes it. */
  readonly urlVariable: string;
  /** The variable with the key. */
  readonly keyVariable: string;
  /** Where the agent asks without that URL; `undefined` for one that then asks nothing, or somewhere that the key is not for. */
  readonly defaultUrl: string | undefined;
}

/** An agent of the Agent Client Protocol, as `CHIRON_AGENTS_FILE` describes it over its preset. */
export interface AgentSettings {
  /** The name of its harness: `[a-z][a-z0-9-]*`, unique, and not that of a built-in harness. */
  readonly name: string;
  readonly displayName: string;
  /** An absolute path, or a name in `CHIRON_AGENTS_DIR` or on the server's `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Variables of its processes with fixed values. They may be secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the server's variables that its processes get besides `CHIRON_SANDBOX_PASSTHROUGH_ENV`. No other agent gets them. */
  readonly passedVariables: readonly string[];
  /** The file below the thread's home from which it reads instructions for every conversation; `undefined` if it has none. */
  readonly instructionsFile: string | undefined;
  /** Its files of settings below the home, which are as the deployment has them whenever its program starts. */
  readonly settingsFiles: readonly string[];
  /** The models to offer, as the agent names them. */
  readonly models: readonly string[];
  /** `undefined` for an agent that runs one model only. */
  readonly modelChoice: ModelChoice | undefined;
  /** `undefined` for an agent that never asks. Requests for permission are answered in either case. */
  readonly allowMode: AllowMode | undefined;
  /** Whether it connects to the MCP servers that it is given, by which it also gets the tools of a caller. Else requests with any are refused. */
  readonly usesMcp: boolean;
  readonly dialect: DialectName;
  /** `undefined` for an agent that takes no address for its models: it asks them past the broker, with credentials of its own. */
  readonly provider: AgentProvider | undefined;
}
