import type { ModelProvider, ProviderFacts } from '../../broker/model-provider.js';
import type { Upstream, UpstreamLogin } from '../../broker/protocol.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asArray, asObject, asString, parseObject } from '../../domain/json.js';
import { mergeDeploymentSettings } from './process/deployment-settings.js';

const PREFIX = 'anthropic';
/** The same API with a subscription, which agents have to know of. */
const SUBSCRIPTION_PREFIX = 'anthropic-subscription';
/** The same API at Microsoft Foundry, which Claude Code has other variables for. */
const FOUNDRY_PREFIX = 'anthropic-foundry';
const DEFAULT_URL = 'https://api.anthropic.com';

/** Claude Code calls another API with them, and signs its requests itself. */
const OTHER_PROVIDERS = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX'];
const FOUNDRY = 'CLAUDE_CODE_USE_FOUNDRY';

const CREDENTIALS = [
  ...['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
  ...['ANTHROPIC_FOUNDRY_API_KEY', 'ANTHROPIC_FOUNDRY_AUTH_TOKEN'],
];
/** Where agents of each API find the broker, and their placeholder. */
const PLACEHOLDERS: Readonly<Record<string, readonly [string, string]>> = {
  [PREFIX]: ['ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY'],
  [SUBSCRIPTION_PREFIX]: ['ANTHROPIC_BASE_URL', 'CLAUDE_CODE_OAUTH_TOKEN'],
  [FOUNDRY_PREFIX]: ['ANTHROPIC_FOUNDRY_BASE_URL', 'ANTHROPIC_FOUNDRY_API_KEY'],
};

/** The login that `claude` keeps (2.1.330, on Linux). */
const LOGIN_FILE = 'home/.claude/.credentials.json';

/** Everything by which Claude Code 2.1.330 finds a credential or an address in its environment. */
const REPLACED = [
  ...CREDENTIALS,
  ...['ANTHROPIC_BASE_URL', 'ANTHROPIC_CUSTOM_HEADERS', 'ANTHROPIC_UNIX_SOCKET', 'CLAUDE_CODE_CUSTOM_OAUTH_URL'],
  ...['ANTHROPIC_FOUNDRY_BASE_URL', 'ANTHROPIC_FOUNDRY_RESOURCE'],
];

type Variables = Readonly<Record<string, string>>;

/** The Anthropic API, or a gateway in front of it, for Claude Code. */
export const anthropicProvider: ModelProvider = {
  credentialFiles: [LOGIN_FILE],
  async toUpstream(facts): Promise<Upstream | undefined> {
    const { variables: passed, templateText } = facts;
    const env = readVariables((await mergeDeploymentSettings({ templateText })).settings);
    // A credential there is in the home of each thread already.
    if (CREDENTIALS.some((name) => env[name] !== undefined)) return undefined;
    const variables = { ...passed, ...env };
    const credential = await findCredential(variables, facts);
    if (credential === undefined) return undefined;
    const { prefix, baseUrl, headers = {}, login } = credential;
    return {
      prefix,
      baseUrl: baseUrl.replace(/\/+$/, ''),
      headers: { ...parseCustomHeaders(variables['ANTHROPIC_CUSTOM_HEADERS']), ...headers },
      ...(login === undefined ? {} : { login }),
      // The API takes a subscription's token with this beta only (Claude Code 2.1.330 sends it, read in its program).
      ...(prefix === SUBSCRIPTION_PREFIX ? { addedValues: { 'anthropic-beta': 'oauth-2025-04-20' } } : {}),
      // Claude Code asks `HEAD` of the base URL to see whether it is online (2.1.330, seen).
      routes: [
        ...['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models', 'GET /v1/models/*'],
        ...['HEAD ', 'HEAD /'],
      ],
      answers: 'anthropic',
    };
  },
  mask(variables, { url, token }, { prefix }): Variables {
    const rest = Object.entries(variables).filter(([name]) => !REPLACED.includes(name));
    const [address, credential] = PLACEHOLDERS[prefix] ?? [];
    if (address === undefined || credential === undefined) throw new TypeError(`no API has the prefix ${prefix}`);
    return { ...Object.fromEntries(rest), [address]: `${url}/${prefix}`, [credential]: token };
  },
};

/** Settings of a deployment without an address or credential, which would replace those of the broker (2.1.330, seen). */
export function dropProvider(settings: JsonObject): JsonObject {
  const env = Object.entries(asObject(settings['env'])).filter(([name]) => !REPLACED.includes(name));
  return { ...settings, env: Object.fromEntries(env) };
}

/** The variables that a deployment's settings set for Claude Code; they win over those of its environment. */
function readVariables(settings: JsonObject): Variables {
  return Object.fromEntries(
    Object.entries(asObject(settings['env'])).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}

interface Credential {
  readonly prefix: string;
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly login?: UpstreamLogin;
}

/** In the order of Claude Code 2.1.330: a token for a gateway, a key, the token of a subscription, its login. */
async function findCredential(variables: Variables, facts: ProviderFacts): Promise<Credential | undefined> {
  if (OTHER_PROVIDERS.some((name) => isOn(variables[name]))) return undefined;
  if (isOn(variables[FOUNDRY])) return findFoundryCredential(variables);
  const baseUrl = variables['ANTHROPIC_BASE_URL'] ?? DEFAULT_URL;
  const { ANTHROPIC_AUTH_TOKEN: bearer, ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: oauth } = variables;
  if (bearer !== undefined) return { prefix: PREFIX, baseUrl, headers: { authorization: `Bearer ${bearer}` } };
  if (key !== undefined) return { prefix: PREFIX, baseUrl, headers: { 'x-api-key': key } };
  const prefix = SUBSCRIPTION_PREFIX;
  if (oauth !== undefined) return { prefix, baseUrl, headers: { authorization: `Bearer ${oauth}` } };
  const login = await findLogin(variables, facts);
  return login === undefined ? undefined : { prefix, baseUrl, login };
}

/**
 * Foundry with a key or a token; with neither, Claude Code logs in to Azure itself. Its address and order were read in the program of Claude Code 2.1.330,
 * its paths and headers seen.
 */
function findFoundryCredential(variables: Variables): Credential | undefined {
  const { ANTHROPIC_FOUNDRY_API_KEY: key, ANTHROPIC_FOUNDRY_AUTH_TOKEN: bearer } = variables;
  const { ANTHROPIC_FOUNDRY_BASE_URL: address, ANTHROPIC_FOUNDRY_RESOURCE: resource } = variables;
  const named = resource === undefined ? undefined : `https://${resource}.services.ai.azure.com/anthropic`;
  const baseUrl = address ?? named;
  if (baseUrl === undefined) return undefined;
  if (key !== undefined) return { prefix: FOUNDRY_PREFIX, baseUrl, headers: { 'x-api-key': key } };
  const headers = { authorization: `Bearer ${bearer ?? ''}` };
  return bearer === undefined ? undefined : { prefix: FOUNDRY_PREFIX, baseUrl, headers };
}

/**
 * The login of the home template. Where and how it is renewed, and the form of its file, were read in the program of Claude Code 2.1.330; it asks for the
 * scopes that the login has.
 */
async function findLogin(
  variables: Variables,
  { templateText, templateFile }: ProviderFacts,
): Promise<UpstreamLogin | undefined> {
  const login = asObject(parseObject((await templateText(LOGIN_FILE)) ?? '')?.['claudeAiOauth']);
  const file = templateFile(LOGIN_FILE);
  if (file === undefined || asString(login['accessToken']) === undefined) return undefined;
  const scopes = asArray(login['scopes']).map(asString).join(' ');
  const own = variables['CLAUDE_CODE_CUSTOM_OAUTH_URL']?.replace(/\/$/, '') ?? 'https://platform.claude.com';
  const at = (name: string) => ['claudeAiOauth', name];
  return {
    program: 'Claude Code',
    file,
    accessToken: at('accessToken'),
    renewal: {
      url: `${own}/v1/oauth/token`,
      form: {
        client_id: asString(login['clientId']) ?? '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
        ...(scopes === '' ? {} : { scope: scopes }),
      },
      refreshToken: at('refreshToken'),
      expiresAt: at('expiresAt'),
    },
  };
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}

/** Lines of `Name: value`. */
function parseCustomHeaders(text: string | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (text ?? '').split('\n').flatMap((line) => {
      const [, name, value] = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value]];
    }),
  );
}
