// Over 250 lines because it is the table of all settings.
import { join, resolve } from 'node:path';
import { CALLER_TOOLS_POLICIES } from '../domain/caller-tool.js';
import { TOOL_BLOCK_SETTINGS } from '../domain/tool-block-form.js';
import { NETWORK_POLICIES } from '../domain/tool-credential.js';
import { parseAgentsFile } from './agents-file.js';
import { parseAllowedHosts } from './allowed-hosts.js';
import { parseApiKeys, parseMetricsKey } from './api-keys.js';
import { parseClusterSecrets, parseServerUrl } from './cluster-settings.js';
import { computeDefaultConnections, readOpenFilesLimit } from './connections.js';
import { parseCorsOrigins } from './cors-origins.js';
import { parseHosts, parseMcpServersFile } from './mcp-servers.js';
import { parseHarnessAliases } from './harness-aliases.js';
import { parseModelRoutes } from './model-routes.js';
import { parseModelPatterns } from './model-patterns.js';
import { parseClaimValue, parseIssuer } from './oidc-settings.js';
import { parsePassedVariables } from './passed-variables.js';
import { parsePricesFile } from './prices-file.js';
import { parsePoolSize } from './pool-size.js';
import { parseWarmMemory } from './warm-memory.js';
import { parseGitIdentity, parseMounts, parseUserIds, SANDBOX_CHOICES } from './sandbox-settings.js';
import {
  count,
  custom,
  days,
  gigabytes,
  hours,
  megabytes,
  milliseconds,
  oneOf,
  type Parsed,
  path,
  seconds,
  type Setting,
  text,
  type Variables,
} from './setting.js';
import { parseCredentialsFile } from './tool-credentials.js';
import { parseWebhookSecret, parseWebhookUrl } from './webhook-settings.js';

/** The part of a harness definition that the settings depend on. */
export interface HarnessSettings {
  readonly name: string;
  /** `harness_type` in the session API; its name if absent. */
  readonly sessionType?: string;
  /** The variable with the harness's program, a path or a name on the server's `PATH`; absent for a harness without one. */
  readonly program?: { readonly variable: string; readonly fallback: string; readonly doc: string };
}

const DAY_SECONDS = 86_400;

/** The default of another setting depends on this one. */
const DATA_DIRECTORY = { variable: 'CHIRON_DATA_DIR', fallback: './data' } as const;

const listening = { group: 'Listening and access' } as const;
const storage = { group: 'Storage' } as const;
const cluster = { group: 'Several servers' } as const;
const agents = { group: 'Agents' } as const;
const callerView = { group: 'What a caller sees' } as const;
const agentView = { group: 'What an agent sees' } as const;
const isolation = { group: 'Isolation' } as const;
const limits = { group: 'Limits' } as const;

/**
 * The single list of the variables that Chiron reads, by their names in `AppConfig`. The type, the parser, the tables of
 * `docs/configuration.md` and `.env.example` derive from it; `npm run docs:settings` writes the last two.
 *
 * @param harnesses the built-in ones
 * @param agentNames those of the agents of `CHIRON_AGENTS_FILE`
 */
export function settings(harnesses: readonly HarnessSettings[], agentNames: readonly string[] = []) {
  const builtIn = harnesses.map(({ name }) => name);
  const names = [...builtIn, ...agentNames];
  const reserved = harnesses.flatMap(({ name, sessionType = name }) => [name, sessionType]);
  const quoted = builtIn.map((name) => `\`${name}\``).join(', ');
  return {
    // IPv6 addresses have brackets in URLs, so people add them here.
    host: custom('HOST', '127.0.0.1', (host = '') => ({ value: host.replace(/^\[(.*)\]$/, '$1') }), {
      ...listening,
      doc: 'Address to listen on. Without `CHIRON_API_KEYS`, `CHIRON_OIDC_ISSUER` or a key in the store it must be a loopback address.',
    }),
    port: count('PORT', 8787, {
      ...listening,
      min: 0,
      max: 65_535,
      doc: 'Port to listen on. `0` lets the system choose.',
    }),
    /** Empty: every program on this machine may call. */
    apiKeys: custom('CHIRON_API_KEYS', undefined, parseApiKeys, {
      ...listening,
      isSecret: true,
      doc: 'Comma-separated `name:key`. A key has at least 24 characters (`openssl rand -hex 32`). Requests carry it as `x-api-key` or `Authorization: Bearer`. The name is the tenant: threads of one name do not exist for another. Further keys can be made in the store, see [keys.md](keys.md).',
      example: 'alice:<64 hex digits>,ci:<64 other hex digits>',
    }),
    oidcIssuer: custom('CHIRON_OIDC_ISSUER', undefined, parseIssuer, {
      ...listening,
      doc: 'The issuer of the identity provider whose tokens are accepted as `Authorization: Bearer`, besides keys. Its keys are found by OpenID Connect Discovery. See [keys.md](keys.md#tokens-of-an-identity-provider).',
      example: 'https://login.example.com/realms/main',
    }),
    oidcAudience: text('CHIRON_OIDC_AUDIENCE', undefined, {
      ...listening,
      doc: 'The audience (`aud`) that tokens must have. Required with `CHIRON_OIDC_ISSUER`.',
      example: 'https://chiron.example.com',
    }),
    oidcTenantClaim: text('CHIRON_OIDC_TENANT_CLAIM', 'tenant', {
      ...listening,
      doc: 'The claim of a token that names the tenant: a text such as a key may have for its name. A token without it gets a 403.',
    }),
    oidcAdminClaim: custom('CHIRON_OIDC_ADMIN_CLAIM', undefined, parseClaimValue, {
      ...listening,
      doc: 'A claim and its value, as in `groups=chiron-admins`: tokens whose claim is this value, or a list with it, may use `/api/admin`. Without it, no token may.',
      example: 'groups=chiron-admins',
    }),
    corsOrigins: custom('CHIRON_CORS_ORIGINS', undefined, parseCorsOrigins, {
      ...listening,
      doc: 'Web pages that may call from a browser: `*`, or comma-separated origins such as `https://app.example`. `*` needs keys.',
      example: 'https://app.example',
    }),
    keepAliveMs: seconds('CHIRON_KEEP_ALIVE_SECONDS', 65, {
      ...listening,
      max: DAY_SECONDS,
      doc: 'How long an idle connection stays open. Make it longer than the idle time-out of the load balancer in front (AWS ALB and nginx 60 s, Google 600 s), or it answers sporadic 502s.',
    }),
    /** 0: the port of the API serves them. */
    metricsPort: count('CHIRON_METRICS_PORT', 0, {
      ...listening,
      min: 0,
      max: 65_535,
      doc: 'A port of their own for the [metrics](operations.md), on the same address: `/metrics` then needs no key there, and the port of the API does not serve it. `0` for none.',
    }),
    metricsKey: custom('CHIRON_METRICS_KEY', undefined, parseMetricsKey, {
      ...listening,
      isSecret: true,
      doc: 'The key of `/metrics` on the port of the API, and of nothing else. Without it, a server that needs keys refuses `/metrics` there.',
      example: '<64 hex digits>',
    }),
    webhookUrl: custom('CHIRON_WEBHOOK_URL', undefined, parseWebhookUrl, {
      ...listening,
      isSecret: true,
      doc: 'Where each turn that ends, or waits for tools of its caller, and each budget that is spent, is posted, of all tenants; a tenant can have an address of its own as well. See [webhooks.md](webhooks.md).',
      example: 'https://hooks.example/turns',
    }),
    webhookSecret: custom('CHIRON_WEBHOOK_SECRET', undefined, parseWebhookSecret, {
      ...listening,
      isSecret: true,
      doc: 'Signs what is posted to `CHIRON_WEBHOOK_URL`: `whsec_` and 24 to 64 bytes in base64, as from `openssl rand -base64 32`.',
      example: 'whsec_<base64>',
    }),
    /** What tokens cost, by model. */
    prices: custom('CHIRON_PRICES_FILE', undefined, parsePricesFile, {
      ...listening,
      doc: 'A JSON file with the prices of models, in US dollars per million tokens, in place of those that Chiron ships: `{"models": {"<name>": {"input": …, "output": …, "cache_read": …, "cache_write": …}}}`. See [usage.md](usage.md#prices).',
      example: './prices.json',
    }),
    /** `undefined`: no traces, and nothing of OpenTelemetry is loaded. */
    otlpEndpoint: custom('OTEL_EXPORTER_OTLP_ENDPOINT', undefined, parseEndpoint, {
      ...listening,
      doc: 'Where [traces](operations.md#traces) are sent: the URL of an OpenTelemetry collector, for OTLP over HTTP (JSON). Without it, there are none.',
      example: 'http://127.0.0.1:4318',
    }),
    capturesContent: oneOf('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT', 'false', ['true', 'false'], {
      ...listening,
      doc: 'Whether traces have prompts, answers, and what tools get and give: `true` or `false`.',
    }),
    maxConnections: count('CHIRON_MAX_CONNECTIONS', computeDefaultConnections(readOpenFilesLimit()), {
      ...listening,
      max: 1_000_000,
      doc: 'How many connections may be open. More are refused, with a line in the log.',
      defaultDoc: 'half of the file descriptors, at most `10000`',
      example: '10000',
    }),

    dataDirectory: path(DATA_DIRECTORY.variable, DATA_DIRECTORY.fallback, {
      ...storage,
      doc: 'The embedded store (`chiron.sqlite`), and a folder per thread with its `workspace/` and `home/`. One server per folder: a second one refuses to start.',
    }),
    databaseUrl: custom('CHIRON_DATABASE_URL', undefined, parseDatabaseUrl, {
      ...storage,
      isSecret: true,
      doc: 'A `postgres://` URL. PostgreSQL then keeps threads, turns and events instead of SQLite; workspaces stay in the data folder. Several servers can use one database, see [scaling.md](scaling.md).',
      example: 'postgres://user:password@127.0.0.1:5432/chiron',
    }),
    /** Where the files of threads are: the data folder, a shared folder, or a bucket as well. */
    threadStore: oneOf('CHIRON_THREAD_STORE', 'local', ['local', 'shared', 's3'], {
      ...storage,
      doc: 'Where the files of threads are kept: in the data folder only (`local`), in a folder that several servers share (`shared`), or in the data folder and, after each turn, in a bucket (`s3`), from which any server can go on. See [thread-files.md](thread-files.md).',
    }),
    sharedDirectory: path('CHIRON_SHARED_DIRECTORY', undefined, {
      ...storage,
      doc: 'With `shared`: a folder of a volume that all servers mount, for the folders of threads. All servers need the same `CHIRON_SANDBOX_USER_IDS`.',
      example: '/mnt/threads',
    }),
    s3Endpoint: custom('CHIRON_S3_ENDPOINT', undefined, parseEndpoint, {
      ...storage,
      doc: 'With `s3`: the URL of a store with the API of S3. Without it, that of AWS in `CHIRON_S3_REGION`.',
      example: 'https://minio.example:9000',
    }),
    s3Bucket: text('CHIRON_S3_BUCKET', undefined, {
      ...storage,
      doc: 'With `s3`: the bucket, which has to be there.',
      example: 'chiron-threads',
    }),
    s3Region: text('CHIRON_S3_REGION', 'us-east-1', { ...storage, doc: 'With `s3`: the region of the bucket.' }),
    s3Prefix: custom('CHIRON_S3_PREFIX', '', (prefix = '') => ({ value: prefix }), {
      ...storage,
      defaultDoc: 'none',
      doc: 'With `s3`: what the names of all objects begin with, for a bucket that has others.',
      example: 'chiron/',
    }),
    s3AccessKeyId: custom('CHIRON_S3_ACCESS_KEY_ID', undefined, (value) => ({ value }), {
      ...storage,
      isSecret: true,
      doc: 'With `s3`: the access key. Without it, what the AWS SDK finds: a role of the machine or pod, a profile.',
      example: 'AKIA…',
    }),
    s3SecretAccessKey: custom('CHIRON_S3_SECRET_ACCESS_KEY', undefined, (value) => ({ value }), {
      ...storage,
      isSecret: true,
      doc: 'With `s3`: the secret of the access key.',
    }),
    snapshotLimitBytes: megabytes('CHIRON_SNAPSHOT_LIMIT_MB', 1000, {
      ...storage,
      max: 1_000_000,
      doc: 'With `s3`: how much of a thread is kept in the bucket, before it is compressed. Of a larger thread only its home is, with the agent’s record; a server that goes on with it begins with a new workspace, and its answer says so.',
    }),
    eventRetentionMs: hours('CHIRON_EVENT_RETENTION_HOURS', 24, {
      ...storage,
      min: 0,
      max: 10 * 365 * 24,
      doc: 'How long the events of finished turns are kept. Their messages are kept until the thread is removed.',
    }),
    threadRetentionMs: days('CHIRON_THREAD_RETENTION_DAYS', 0, {
      ...storage,
      min: 0,
      max: 10_000,
      doc: 'After how many days without use a thread is removed, with its folders, turns and messages; never one with a turn that runs or is queued. A reader of its session events sees the stream end. `0` keeps all.',
    }),
    dataLimitBytes: gigabytes('CHIRON_DATA_LIMIT_GB', 0, {
      ...storage,
      min: 0,
      max: 1_000_000,
      doc: 'What all threads may have on the disk together. Above it, those that have not been used for the longest time are removed, as after `CHIRON_THREAD_RETENTION_DAYS`; looked at every ten minutes. `0` keeps all.',
    }),
    fileRetentionMs: days('CHIRON_FILE_RETENTION_DAYS', 0, {
      ...storage,
      min: 0,
      max: 10_000,
      doc: 'After how many days a file of `/v1/files` is deleted, if its caller has not asked for less. `0` keeps it until it is deleted. See [files.md](files.md).',
    }),
    eventFlushMs: milliseconds('CHIRON_EVENT_FLUSH_MILLISECONDS', 5, {
      ...storage,
      min: 0,
      max: 3_600_000,
      doc: 'Group-commit interval for events. On SQLite it grows to at most 500 ms under load. A crash loses uncommitted events, and the resumed agent replays them. The end of a turn is committed at once.',
    }),
    logLevel: oneOf('CHIRON_LOG_LEVEL', 'info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      ...storage,
      doc: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. One JSON line per request; never a key, a prompt or a body.',
    }),

    role: oneOf('CHIRON_ROLE', 'all', ['all', 'gateway', 'worker'], {
      ...cluster,
      doc: 'What this server does: `gateway` answers requests, `worker` runs agents, `all` does both. The others need `CHIRON_DATABASE_URL`.',
    }),
    nodeName: text('CHIRON_NODE_NAME', undefined, {
      ...cluster,
      doc: 'The name of this server in the logs of the others.',
      defaultDoc: 'the host name',
      example: 'worker-1',
    }),
    nodeTimeoutMs: seconds('CHIRON_NODE_TIMEOUT_SECONDS', 15, {
      ...cluster,
      min: 2,
      max: 3600,
      doc: 'After how long a server that is not heard of any more is given up: its turns go on elsewhere, and it ends its own agents before. The same for all servers.',
    }),
    clusterHost: text('CHIRON_CLUSTER_HOST', '127.0.0.1', {
      ...cluster,
      doc: 'Address to listen on for the other servers. With PostgreSQL only. `0.0.0.0` for servers on several machines.',
    }),
    clusterPort: count('CHIRON_CLUSTER_PORT', 0, {
      ...cluster,
      min: 0,
      max: 65_535,
      doc: 'Port to listen on for the other servers. `0` lets the system choose.',
    }),
    clusterUrl: custom('CHIRON_CLUSTER_URL', undefined, parseServerUrl, {
      ...cluster,
      doc: 'Where the other servers reach this one.',
      defaultDoc: 'the address that it listens on, or the first one of this machine',
      example: 'http://worker-1.workers:8788',
    }),
    /** Empty: the servers share one that the store keeps. */
    clusterSecrets: custom('CHIRON_CLUSTER_SECRET', undefined, parseClusterSecrets, {
      ...cluster,
      isSecret: true,
      doc: 'What servers show each other, at least 24 characters. Of several, separated by commas, the first one is sent and all are accepted.',
      defaultDoc: 'one that the database keeps',
      example: '<64 hex digits>',
    }),
    clusterCertFile: path('CHIRON_CLUSTER_TLS_CERT_FILE', undefined, {
      ...cluster,
      doc: 'PEM certificate of this server for the others; it must be valid for the host of `CHIRON_CLUSTER_URL`, as a server and as a client. Servers then speak TLS to each other only.',
      example: '/etc/chiron/tls.crt',
    }),
    clusterKeyFile: path('CHIRON_CLUSTER_TLS_KEY_FILE', undefined, {
      ...cluster,
      doc: 'Its private key.',
      example: '/etc/chiron/tls.key',
    }),
    clusterCaFile: path('CHIRON_CLUSTER_TLS_CA_FILE', undefined, {
      ...cluster,
      doc: 'The authority of all servers’ certificates.',
      example: '/etc/chiron/ca.crt',
    }),

    defaultHarness: oneOf('CHIRON_DEFAULT_HARNESS', 'auto', ['auto', ...names], {
      ...agents,
      doc: `The agent for models without a route: ${quoted}, one of \`CHIRON_AGENTS_FILE\`, or \`auto\`, the first that is found: those of the file come before \`demo\`.`,
    }),
    /** Their `env` may hold secrets. */
    agents: custom('CHIRON_AGENTS_FILE', undefined, (file) => parseAgentsFile(file, reserved), {
      ...agents,
      doc: 'A JSON file with further agents, which speak the Agent Client Protocol: `{"agents": {"opencode": {"models": ["openai/gpt-5.5"]}}}`. See [agents.md](agents.md).',
      example: './agents.json',
    }),
    agentsDirectory: custom('CHIRON_AGENTS_DIR', undefined, parseAgentsDirectory, {
      ...agents,
      doc: 'Where `chiron agents install` puts agents, and where the server looks for their programs before it looks on `PATH`.',
      defaultDoc: '`agents` in the data folder',
      example: '/opt/chiron/agents',
    }),
    /** Whether the demo agent answers; with `auto`, only where it is the default harness. */
    demo: oneOf('CHIRON_DEMO', 'auto', ['auto', 'on', 'off'], {
      ...agents,
      doc: 'Whether the built-in demo agent, a shell without a model, can be used: `on`, `off`, or `auto`, only where it is the default.',
    }),
    /** `undefined`: the built-in routes, if two agents are available and the default harness is `auto`. */
    modelRoutes: custom('CHIRON_MODEL_ROUTES', undefined, (raw) => parseModelRoutes(raw, names), {
      ...agents,
      doc: 'Comma-separated `pattern=harness`. `*` matches any text; the first match wins.',
      defaultDoc: 'see below',
      example: 'claude-*=claude-code,gpt-*=codex',
    }),
    harnessAliases: custom('CHIRON_HARNESS_ALIASES', undefined, (raw) => parseHarnessAliases(raw, names), {
      ...agents,
      doc: 'Comma-separated `type=harness`: which agent a session gets for a `harness_type` that names none of ours. `*` stands for every unknown type and for none.',
      defaultDoc: 'none: unknown types are refused',
      example: 'amp=claude-code,nanocodex=codex',
    }),
    callerSystem: oneOf('CHIRON_CALLER_SYSTEM', 'append', ['append', 'ignore'], {
      ...agents,
      doc: "How to treat the caller's system prompt: `append` it to the agent's own instructions, or `ignore` it.",
    }),
    /** Whether an unknown model name gets the default harness or a 404. */
    unknownModels: oneOf('CHIRON_UNKNOWN_MODELS', 'default', ['default', 'refuse'], {
      ...agents,
      doc: 'How to treat an unknown model name: run the `default` harness, or `refuse` it with a 404.',
    }),

    /** How answers show the agent's tool calls, unless the request asks for another form. */
    toolBlocks: oneOf('CHIRON_TOOL_BLOCKS', 'auto', TOOL_BLOCK_SETTINGS, {
      ...callerView,
      doc: 'How answers show the tools that the agent ran. The request header `x-chiron-tool-blocks` overrides it.',
    }),
    /** Most characters of a tool's output that an answer shows. */
    toolOutputLimit: count('CHIRON_TOOL_OUTPUT_CHARACTERS', 16_384, {
      ...callerView,
      min: 0,
      max: 10_000_000,
      doc: 'Longest output of a tool that is shown. The rest is replaced by a note. The agent sees the whole output.',
    }),

    /** Whether the agent can call the tools that requests declare, unless a request says otherwise. */
    callerTools: oneOf('CHIRON_CALLER_TOOLS', 'auto', CALLER_TOOLS_POLICIES, {
      ...agentView,
      doc: "Whether the agent can call the tools that a request declares, which then run at the caller: `on`, `off`, or `auto`, on except for Claude Code, whose tools act on its user's machine. The request header `x-chiron-caller-tools` overrides it.",
    }),
    /** Whether requests can give their agent MCP servers. */
    callerMcp: oneOf('CHIRON_CALLER_MCP', 'off', ['off', 'allowlist', 'on'], {
      ...agentView,
      doc: "Whether a request's `mcp_servers` are given to its agent: `off` refuses them, `allowlist` allows those of `CHIRON_CALLER_MCP_HOSTS`, `on` allows any: callers then choose the addresses to which agents connect.",
    }),
    callerMcpHosts: custom('CHIRON_CALLER_MCP_HOSTS', undefined, parseHosts, {
      ...agentView,
      doc: 'Comma-separated hosts of the MCP servers that requests may use, each with its port unless it is the default one.',
      example: 'mcp.example.com',
    }),
    /** The deployment's own MCP servers, for every thread. Their headers hold credentials. */
    mcpServers: custom('CHIRON_MCP_SERVERS_FILE', undefined, parseMcpServersFile, {
      ...agentView,
      doc: 'A JSON file with remote MCP servers for every agent: `{"mcpServers": {"<name>": {"url": …, "headers": …, "allowedTools": …}}}`. `${NAME}` in a header is a variable of the server.',
      example: './mcp-servers.json',
    }),
    workspaceTemplate: path('CHIRON_WORKSPACE_TEMPLATE', undefined, {
      ...agentView,
      doc: "A folder that is copied into each new thread's `workspace/`, for example with an `AGENTS.md`.",
      example: './workspace-template',
    }),
    workspaceTemplates: path('CHIRON_WORKSPACE_TEMPLATES', undefined, {
      ...agentView,
      doc: 'A folder of further workspace templates, one in each folder of it. A [policy](policies.md) names the one for the new threads of a tenant or a key.',
      example: './workspace-templates',
    }),
    homeTemplate: path('CHIRON_HOME_TEMPLATE', undefined, {
      ...agentView,
      doc: "A folder that is copied into each new thread's `home/`, for example with `.codex/config.toml`.",
      example: './home-template',
    }),
    /** The server's environment variables that sandboxes get, with their values. */
    passedVariables: custom(
      'CHIRON_SANDBOX_PASSTHROUGH_ENV',
      'ANTHROPIC_API_KEY,ANTHROPIC_AUTH_TOKEN,ANTHROPIC_BASE_URL,OPENAI_API_KEY,OPENAI_BASE_URL',
      parsePassedVariables,
      {
        ...agentView,
        allowsEmpty: true,
        doc: "Comma-separated names of the server's variables that agents get. Set it to nothing to pass on none of them. Each can be given as a file, see [Secrets from files](#secrets-from-files).",
      },
    ),

    sandboxKind: oneOf('CHIRON_SANDBOX', 'auto', SANDBOX_CHOICES, {
      ...isolation,
      doc: "How agents are kept from the server and from each other: `bubblewrap` (Linux with user namespaces; needs `bubblewrap` and `socat`), `landlock` (Linux 6.12 without namespaces, as in containers; weaker), `local` (not at all: agents have the rights of the server's user), or `auto`, the strongest that works here. The start-up summary says which one holds, and why not a stronger one. A named kind that does not work stops the start. With keys of several tenants, `local` has to be named. See [security.md](security.md).",
    }),
    sandboxMounts: custom('CHIRON_SANDBOX_MOUNTS', undefined, parseMounts, {
      ...isolation,
      doc: 'Further files and folders that isolated agents see: comma-separated `/path`, or `/path:/inside` for another path inside. Read-only, unless `:rw` follows. For caches, certificates, a large repository, or programs outside of `/usr`.',
      example: '/opt/tools,/var/cache/npm:/cache/npm:rw',
    }),
    sandboxUserIds: custom('CHIRON_SANDBOX_USER_IDS', '20000-59999', parseUserIds, {
      ...isolation,
      doc: 'For a server that runs as root: the user ids for threads. Each thread gets one of its own, and no other thread gets it while its files are there. No other program of the machine may have them. Servers on one machine keep apart by themselves.',
    }),
    sandboxNetwork: oneOf('CHIRON_SANDBOX_NETWORK', 'open', NETWORK_POLICIES, {
      ...isolation,
      doc: 'What isolated agents reach besides their model, through a proxy that checks each host and each of its addresses: `none`, the hosts of `CHIRON_SANDBOX_ALLOWED_HOSTS` (`allowlist`), or every public host and those of the list (`open`). Agents get the proxy in `HTTPS_PROXY` and the like; programs that know no proxy reach nothing.',
    }),
    sandboxAllowedHosts: custom('CHIRON_SANDBOX_ALLOWED_HOSTS', undefined, parseAllowedHosts, {
      ...isolation,
      doc: 'Hosts that isolated agents may reach: comma-separated names, addresses, or `*.name` for all names below; with `:port`, or `:*` for all, else for the ports 80 and 443. A host in a private network has to be listed, also with `open`; `*.name` opens private networks, but not this machine, its link or the metadata service of its cloud.',
      example: 'github.com,*.npmjs.org,artifacts.corp:8443',
    }),
    /** They hold secrets. */
    toolCredentials: custom('CHIRON_CREDENTIALS_FILE', undefined, parseCredentialsFile, {
      ...isolation,
      doc: 'A JSON file with credentials that `git`, `npm`, `pip` and others of isolated agents use, and no agent holds: `{"credentials": [{"host": "git.corp", "bearer": {"file": "/run/secrets/git"}}]}`. See [network.md](network.md#credentials-for-tools).',
      example: './credentials.json',
    }),
    modelBroker: oneOf('CHIRON_MODEL_BROKER', 'auto', ['auto', 'on', 'off'], {
      ...isolation,
      doc: "Whether agents reach their models through the server's broker, which holds the deployment's keys: agents then have a placeholder. `auto`: wherever the sandbox isolates. For the Anthropic API and OpenAI's, or gateways to them, with a key or token in a variable that is passed on, or a login in the home template. The broker uses `HTTPS_PROXY` and `NO_PROXY`, if they are passed on.",
    }),
    allowedModels: custom('CHIRON_ALLOWED_MODELS', undefined, parseModelPatterns, {
      ...isolation,
      doc: 'Models that agents may ask through the broker: comma-separated names, `*` for any text. Without it, all.',
      example: 'claude-*,gpt-5*',
    }),
    turnTokenLimit: count('CHIRON_TURN_TOKEN_LIMIT', 0, {
      ...isolation,
      min: 0,
      max: 1_000_000_000_000,
      doc: 'How many tokens a turn may use, by the count of the broker: input, cached input and output together. Further requests of its agent to the model are refused; requests at the same time wait for each other where they may pass it together. `0` for any number.',
    }),
    gitIdentity: custom('CHIRON_GIT_IDENTITY', undefined, parseGitIdentity, {
      ...isolation,
      doc: "Whom commits of agents are by: `Name <address>`. Without it, git asks for an identity, unless the home template's `.gitconfig` has one.",
      example: 'Agent <agent@example.com>',
    }),

    harnessIdleMs: seconds('CHIRON_HARNESS_IDLE_SECONDS', 600, {
      ...limits,
      max: DAY_SECONDS,
      doc: "How long an idle agent process is kept for its thread's next turn. After that, the next turn resumes the conversation in a new process.",
    }),
    parkedMs: seconds('CHIRON_PARKED_SECONDS', 1800, {
      ...limits,
      max: 7 * DAY_SECONDS,
      doc: "How long an agent process is kept while the agent waits for the result of a caller's tool. A later result resumes the conversation in a new process.",
    }),
    maxWarmHarnesses: count('CHIRON_MAX_WARM_HARNESSES', 100, {
      ...limits,
      min: 0,
      max: 10_000,
      doc: 'How many idle agent processes are kept at most, whatever memory they take. `0` keeps none.',
    }),
    warmMemoryBytes: custom('CHIRON_WARM_MEMORY_MB', 'auto', parseWarmMemory, {
      ...limits,
      doc: 'How much memory idle agent processes may take together, with what they have started; `auto` is a quarter of the machine or container. Above that, the process whose thread is least likely to have another turn is evicted first.',
    }),
    poolSize: custom('CHIRON_POOL_SIZE', 'auto', parsePoolSize, {
      ...limits,
      doc: 'How many agent processes are started ahead for new threads, per agent: a number, `0` for none, or `auto` by memory and by how often new threads come. [What a spare costs](performance.md#spare-processes).',
    }),
    harnessStallMs: seconds('CHIRON_HARNESS_STALL_SECONDS', 600, {
      ...limits,
      max: DAY_SECONDS,
      doc: 'How long an agent may emit nothing while it runs no tool. After that it is stopped, and the turn resumed once.',
    }),
    turnTimeoutMs: seconds('CHIRON_TURN_TIMEOUT_SECONDS', 3600, {
      ...limits,
      max: 7 * DAY_SECONDS,
      doc: 'Longest turn. After that it is interrupted, and its message says so.',
    }),
    /** What a new message does on a thread with a running turn. */
    onBusy: oneOf('CHIRON_ON_BUSY', 'queue', ['queue', 'steer', 'interrupt', 'reject'], {
      ...limits,
      doc: 'What a new message does on a busy thread: `queue`, `steer` the running turn, `interrupt` it, or `reject` with a 409. A caller whose user interrupted always interrupts.',
    }),
    maxQueuedPerThread: count('CHIRON_MAX_QUEUED_PER_THREAD', 8, {
      ...limits,
      min: 0,
      max: 10_000,
      doc: 'How many messages may be queued on a thread.',
    }),
    maxConcurrentTurns: count('CHIRON_MAX_CONCURRENT_TURNS', 100, {
      ...limits,
      max: 100_000,
      doc: 'How many turns run at once on this server. More are queued; a free slot goes to the tenant that has the fewest running turns here.',
    }),
    maxWaitingTurns: count('CHIRON_MAX_WAITING_TURNS', 1000, {
      ...limits,
      min: 0,
      max: 1_000_000,
      doc: 'How many turns may be queued on this server. More are refused with 529.',
    }),
    turnOutputBytes: megabytes('CHIRON_TURN_OUTPUT_MB', 1000, {
      ...limits,
      min: 0,
      max: 1_000_000_000,
      doc: 'How much output the agent may write in one turn. Above it, the agent is stopped and the turn fails; see [Limits of an agent](limits.md). `0` for no limit.',
    }),
    turnCpuMs: seconds('CHIRON_TURN_CPU_SECONDS', 0, {
      ...limits,
      min: 0,
      max: 365 * DAY_SECONDS,
      doc: 'How much processor time one turn may use, with everything that its agent starts. Above it, the agent is stopped and the turn fails. `0` for no limit.',
    }),
    threadDiskBytes: megabytes('CHIRON_THREAD_DISK_MB', 0, {
      ...limits,
      min: 0,
      max: 1_000_000_000,
      doc: "What a thread's workspace, home and temporary files may have on the disk. Above it, the agent is stopped and the turn fails; a thread that is above it already may run turns that do not grow it. `0` for no limit.",
    }),
    threadMemoryBytes: megabytes('CHIRON_THREAD_MEMORY_MB', 0, {
      ...limits,
      min: 0,
      max: 1_000_000_000,
      doc: 'Memory of all processes of a thread together. Needs control groups. `0` for no limit.',
    }),
    threadProcesses: count('CHIRON_THREAD_PROCESSES', 1000, {
      ...limits,
      min: 0,
      max: 4_000_000,
      doc: 'How many processes and threads of the system a thread may have at once. Needs control groups, or an isolating sandbox. `0` for no limit.',
    }),
    threadOpenFiles: count('CHIRON_THREAD_OPEN_FILES', 0, {
      ...limits,
      min: 0,
      max: 1_000_000,
      doc: "How many files each process of an agent may have open. Needs `prlimit` (util-linux). `0` for the system's own limit.",
    }),
    fileLimitBytes: megabytes('CHIRON_FILE_LIMIT_MB', 100, {
      ...limits,
      max: 100_000,
      doc: 'How large a file of `/v1/files` may be, and one that is put into a workspace. A larger one is refused with 413, and nothing of it is kept.',
    }),
    tenantFilesBytes: megabytes('CHIRON_TENANT_FILES_MB', 10_000, {
      ...limits,
      max: 1_000_000_000,
      doc: 'What all files of `/v1/files` of one tenant may have together. Further ones are refused with 403.',
    }),
    minFreeDiskBytes: megabytes('CHIRON_MIN_FREE_DISK_MB', 100, {
      ...limits,
      min: 0,
      max: 1_000_000_000,
      doc: 'Free space of the disk with the data folder. With less, new turns are refused with 529, and `/readyz` says so; running turns go on. `0` refuses none.',
    }),
    syncTimeoutMs: seconds('CHIRON_SYNC_TIMEOUT_SECONDS', 280, {
      ...limits,
      max: DAY_SECONDS,
      doc: 'How long a Claude Code that does not stream waits for its turn before it gets a 504 and retries; it gives up by itself after 300 s. Other callers wait for the turn.',
    }),
    drainMs: seconds('CHIRON_DRAIN_SECONDS', 20, {
      ...limits,
      min: 0,
      max: 3600,
      doc: 'How long running turns may finish after SIGTERM, SIGINT or SIGHUP. The next server resumes the others. A second signal ends the wait.',
    }),
  };
}

/** The settings of the harnesses' programs, by harness name. */
export function buildProgramSettings(harnesses: readonly HarnessSettings[]): Readonly<Record<string, Setting<string>>> {
  return Object.fromEntries(
    harnesses.flatMap(({ name, program }) =>
      program === undefined ? [] : [[name, text(program.variable, program.fallback, { ...agents, doc: program.doc })]],
    ),
  );
}

function parseAgentsDirectory(directory: string | undefined, variables: Variables): Parsed<string> {
  const dataDirectory = variables[DATA_DIRECTORY.variable]?.trim();
  return {
    value: resolve(
      directory ??
        join(dataDirectory === undefined || dataDirectory === '' ? DATA_DIRECTORY.fallback : dataDirectory, 'agents'),
    ),
  };
}

function parseEndpoint(url: string | undefined): Parsed<string | undefined> {
  return url === undefined || (/^https?:\/\//.test(url) && URL.canParse(url))
    ? { value: url }
    : { expected: 'must be an http:// or https:// URL' };
}

function parseDatabaseUrl(url: string | undefined): Parsed<string | undefined> {
  return url === undefined || /^postgres(ql)?:\/\//.test(url)
    ? { value: url }
    : { expected: 'must be a postgres:// URL' };
}
