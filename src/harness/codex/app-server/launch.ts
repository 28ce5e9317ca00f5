import { VERSION } from '../../../version.js';
import type { HarnessThread, HarnessTurn } from '../../harness.js';
import { asObject } from '../../../domain/json.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { toBrokerSettings } from '../provider.js';
import type { CodexHome } from './codex-home.js';

/** How Codex is started for a thread, and how it is logged in. */
export interface Launch {
  readonly args: readonly string[];
  /** The key to log in with, should Codex turn out to need one. */
  readonly apiKey: string | undefined;
  /** Whether Codex reads the workspace's `AGENTS.md` by itself. */
  readonly readsAgentsFile: boolean;
}

/** Nothing to run a tool in. */
const NO_ENVIRONMENT: JsonObject = { environments: [] };

// With these, Codex 0.169.0 offers the model no tool, but to some models `apply_patch`, which then has no environment to run in
// (see `threadParameters`; both seen). They are what its own terminal turns off for an answer of a schema without tools, and what
// else a `config.toml` may have on.
const NO_TOOLS: readonly string[] = [
  'web_search="disabled"',
  'skills.include_instructions=false',
  'cloud.skills.enabled=false',
  'tools.experimental_request_user_input.enabled=false',
  'tools.update_plan.enabled=false',
  ...(
    'code_mode code_mode_only context_management current_time_reminder deferred_executor enable_fanout image_generation ' +
    'memories multi_agent multi_agent_v2 request_permissions_tool shell_tool standalone_web_search token_budget tool_suggest ' +
    'unified_exec view_image apps browser_use computer_use goals hooks plugins sleep_tool'
  )
    .split(' ')
    .map((feature) => `features.${feature}=false`),
];

/**
 * The command line of the app-server, which uses its standard streams by default.
 *
 * Codex 0.169.0's app-server takes neither `OPENAI_BASE_URL` nor `OPENAI_API_KEY` from its environment (seen): the first has to
 * be the setting `openai_base_url`, the second a login. The login is kept in memory, so that no key is left in the thread's
 * folder and a changed key counts from the next start. What the deployment's own `config.toml` or `auth.json` says is left alone.
 */
export function toLaunch(
  { env, systemPrompt, tools, modelUrl }: Pick<HarnessThread, 'env' | 'systemPrompt' | 'tools' | 'modelUrl'>,
  home: CodexHome,
): Launch {
  const baseUrl = env['OPENAI_BASE_URL'] ?? '';
  const apiKey = env['OPENAI_API_KEY'] ?? '';
  // A login of the template is the broker's, if there is one.
  const logsIn = apiKey !== '' && (modelUrl !== undefined || !home.hasLogin);
  // The caller's system prompt is to come after AGENTS.md, so both go into one message of ours: see `threadParameters`. And of a
  // workspace that it does not trust, Codex 0.169.0 reads no AGENTS.md (seen).
  const readsAgentsFile = systemPrompt === undefined && home.trustsWorkspace;
  const trust = home.trustsWorkspace ? 'trusted' : 'untrusted';
  const settings = [
    'check_for_update_on_startup=false',
    'analytics.enabled=false',
    // Else each Codex 0.169.0 that starts asks GitHub for the list of OpenAI's plugins, though it has none (seen).
    ...(/\bplugins\b/.test(home.config) ? [] : ['features.plugins=false']),
    ...(tools === 'none' ? NO_TOOLS : []),
    ...(readsAgentsFile ? [] : ['project_doc_max_bytes=0']),
    // Else a folder above the workspace would count, as soon as the agent makes a repository of it.
    'project_root_markers=[]',
    `projects={${JSON.stringify(home.workspace)}={trust_level="${trust}"}}`,
    ...toAddressSettings(modelUrl, baseUrl, home),
    ...(logsIn && !sets(home.config, 'cli_auth_credentials_store') ? ['cli_auth_credentials_store="ephemeral"'] : []),
    // The broker's placeholder is a key, whatever the broker itself logs in with.
    ...(modelUrl !== undefined && sets(home.config, 'forced_login_method') ? ['forced_login_method="api"'] : []),
  ];
  return {
    args: ['app-server', ...settings.flatMap((setting) => ['-c', setting])],
    apiKey: logsIn ? apiKey : undefined,
    readsAgentsFile,
  };
}

/** Where the model is: at the broker, else where the deployment's `config.toml` says, else where its variable says. */
function toAddressSettings(modelUrl: string | undefined, baseUrl: string, { config }: CodexHome): readonly string[] {
  if (modelUrl !== undefined) return toBrokerSettings(config, modelUrl);
  return baseUrl === '' || sets(config, 'openai_base_url') ? [] : [`openai_base_url=${JSON.stringify(baseUrl)}`];
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
 * @param instructions the workspace's `AGENTS.md` and the caller's system prompt, `null` for none; `undefined` where Codex reads
 *   `AGENTS.md` by itself.
 * @param config Codex's own settings for the thread, from `config/read`; needed for a thread without tools only.
 */
export function toThreadParameters(
  thread: Pick<HarnessThread, 'folders' | 'tools' | 'model'>,
  instructions: string | null | undefined,
  config: JsonObject = {},
): JsonObject {
  return {
    cwd: thread.folders.workspace,
    approvalPolicy: 'never',
    ...(thread.tools === 'none'
      ? { sandbox: 'read-only', ...NO_ENVIRONMENT, config: { mcp_servers: allDisabled(config['mcp_servers']) } }
      : { sandbox: 'danger-full-access' }),
    ...(thread.model === undefined ? {} : { model: thread.model }),
    ...(instructions === undefined ? {} : { developerInstructions: instructions }),
  };
}

/** What `turn/start` has besides the prompt. A thread that is resumed has its environment again, unless the turn takes it away. */
export function toTurnParameters(thread: Pick<HarnessThread, 'tools'>, turn: HarnessTurn): JsonObject {
  return {
    ...(turn.outputSchema === undefined ? {} : { outputSchema: turn.outputSchema }),
    ...(thread.tools === 'none' ? NO_ENVIRONMENT : {}),
  };
}

/** Settings are merged, so that an empty list of servers would leave all of them on. */
function allDisabled(servers: JsonValue | undefined): JsonObject {
  return Object.fromEntries(Object.keys(asObject(servers)).map((name) => [name, { enabled: false }]));
}

/** `initialize`. Without what we would pass over anyway, as it can be long. */
export const INITIALIZE: JsonObject = {
  clientInfo: { name: 'chiron', title: 'Chiron', version: VERSION },
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
