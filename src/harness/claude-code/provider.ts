import type { ModelProvider } from '../../broker/model-provider.js';
import type { Upstream } from '../../broker/protocol.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject } from '../../domain/json.js';
import { mergeDeploymentSettings } from './process/deployment-settings.js';

const PREFIX = 'anthropic';
const DEFAULT_URL = 'https://api.anthropic.com';

/** Claude Code calls another API with them, and signs its requests itself. */
const OTHER_PROVIDERS = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'];

const CREDENTIALS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];

/** Everything by which Claude Code 2.1.330 finds a credential or an address in its environment. */
const REPLACED = [...CREDENTIALS, 'ANTHROPIC_BASE_URL', 'ANTHROPIC_CUSTOM_HEADERS', 'ANTHROPIC_UNIX_SOCKET'];

type Variables = Readonly<Record<string, string>>;

/** The Anthropic API, or a gateway in front of it, for Claude Code. */
export const anthropicProvider: ModelProvider = {
  async toUpstream({ variables: passed, templateText }): Promise<Upstream | undefined> {
    const env = readVariables((await mergeDeploymentSettings({ templateText })).settings);
    // A credential there is in the home of each thread already.
    if (CREDENTIALS.some((name) => env[name] !== undefined)) return undefined;
    const variables = { ...passed, ...env };
    const credential = findCredential(variables);
    if (credential === undefined) return undefined;
    return {
      prefix: PREFIX,
      baseUrl: (variables['ANTHROPIC_BASE_URL'] ?? DEFAULT_URL).replace(/\/+$/, ''),
      headers: { ...parseCustomHeaders(variables['ANTHROPIC_CUSTOM_HEADERS']), ...credential.headers },
      ...(credential.betas === undefined ? {} : { addedValues: { 'anthropic-beta': credential.betas } }),
      // Claude Code asks `HEAD` of the base URL to see whether it is online (2.1.330, seen).
      routes: [
        ...['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models', 'GET /v1/models/*'],
        ...['HEAD ', 'HEAD /'],
      ],
      answers: 'anthropic',
    };
  },
  mask(variables, { url, token }): Variables {
    const rest = Object.entries(variables).filter(([name]) => !REPLACED.includes(name));
    return { ...Object.fromEntries(rest), ANTHROPIC_BASE_URL: `${url}/${PREFIX}`, ANTHROPIC_API_KEY: token };
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
  readonly headers: Readonly<Record<string, string>>;
  readonly betas?: string;
}

/** In the order of Claude Code 2.1.330: a token for a gateway, a key, the token of a subscription. */
function findCredential(variables: Variables): Credential | undefined {
  if (OTHER_PROVIDERS.some((name) => isOn(variables[name]))) return undefined;
  const { ANTHROPIC_AUTH_TOKEN: bearer, ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: oauth } = variables;
  if (bearer !== undefined) return { headers: { authorization: `Bearer ${bearer}` } };
  if (key !== undefined) return { headers: { 'x-api-key': key } };
  // The API takes such a token with this beta only (Claude Code 2.1.330 sends it, read in its program).
  return oauth === undefined ? undefined : { headers: { authorization: `Bearer ${oauth}` }, betas: 'oauth-2025-04-20' };
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
