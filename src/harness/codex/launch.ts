import type { HarnessThread } from '../harness.js';
import type { JsonObject } from '../harness-event.js';

/** What the thread's `CODEX_HOME` held before Codex was started. */
export interface CodexHome {
  /** Its `config.toml`, or an empty text. */
  readonly config: string;
  /** Whether somebody is logged in there: it has an `auth.json`. */
  readonly hasLogin: boolean;
}

/** How Codex is started for a thread, and how it is logged in. */
export interface Launch {
  readonly args: readonly string[];
  /** The key to log in with, should Codex turn out to need one. */
  readonly apiKey: string | undefined;
}

/**
 * The command line of the app-server, which talks over its standard streams unless told otherwise.
 *
 * Codex 0.169.0's app-server takes neither `OPENAI_BASE_URL` nor `OPENAI_API_KEY` from its environment (seen): the first has to
 * be the setting `openai_base_url`, the second a login. The login is kept in memory, so that no key is left in the thread's
 * folder and a changed key counts from the next start. What the thread's own `config.toml` or `auth.json` says is left alone.
 */
export function launchOf({ env, systemPrompt }: Pick<HarnessThread, 'env' | 'systemPrompt'>, home: CodexHome): Launch {
  const baseUrl = env['OPENAI_BASE_URL'] ?? '';
  const apiKey = env['OPENAI_API_KEY'] ?? '';
  const logsIn = apiKey !== '' && !home.hasLogin;
  const settings = [
    'check_for_update_on_startup=false',
    'analytics.enabled=false',
    // The caller's system prompt is to come after AGENTS.md, so both go into one message of ours: see `threadParameters`.
    ...(systemPrompt === undefined ? [] : ['project_doc_max_bytes=0']),
    ...(baseUrl === '' || sets(home.config, 'openai_base_url') ? [] : [`openai_base_url=${JSON.stringify(baseUrl)}`]),
    ...(logsIn && !sets(home.config, 'cli_auth_credentials_store') ? ['cli_auth_credentials_store="ephemeral"'] : []),
  ];
  return {
    args: ['app-server', ...settings.flatMap((setting) => ['-c', setting])],
    apiKey: logsIn ? apiKey : undefined,
  };
}

/** Whether a `config.toml` sets a top-level key. */
function sets(config: string, key: string): boolean {
  const topLevel = config.split(/^\s*\[/m)[0] ?? '';
  return new RegExp(`^\\s*"?${key}"?\\s*=`, 'm').test(topLevel);
}

/**
 * What `thread/start` and `thread/resume` have in common. Codex does not isolate and does not ask: our sandbox does the first, and
 * there is nobody for the second. The caller's system prompt goes into the developer message: there it is never shortened, and it
 * survives compaction and resumption, which neither an injected message nor `additionalContext` does. As Codex puts `AGENTS.md`,
 * a user message, behind that, the two are joined here in their order (all seen with 0.169.0).
 *
 * @param instructions the workspace's `AGENTS.md` and the caller's system prompt.
 */
export function threadParameters(thread: HarnessThread, instructions: string | undefined): JsonObject {
  return {
    cwd: thread.folders.workspace,
    approvalPolicy: 'never',
    sandbox: 'danger-full-access',
    ...(thread.model === undefined ? {} : { model: thread.model }),
    // Without a system prompt Codex reads AGENTS.md by itself.
    ...(thread.systemPrompt === undefined ? {} : { developerInstructions: instructions ?? null }),
  };
}

/** `initialize`. Without what we would pass over anyway, as it can be long. */
export const INITIALIZE: JsonObject = {
  clientInfo: { name: 'chiron', title: 'Chiron', version: '0.1.0' },
  capabilities: {
    experimentalApi: true,
    requestAttestation: false,
    optOutNotificationMethods: [
      'turn/diff/updated',
      'item/fileChange/outputDelta',
      'item/fileChange/patchUpdated',
      'item/plan/delta',
      'account/rateLimits/updated',
      'thread/readState/changed',
    ],
  },
};
