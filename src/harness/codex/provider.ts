import { parse } from 'smol-toml';
import type { ModelProvider, ProviderFacts } from '../../broker/model-provider.js';
import type { Upstream, UpstreamLogin } from '../../broker/protocol.js';
import { asObject, asString, parseObject } from '../../domain/json.js';
import type { JsonObject } from '../../domain/harness-event.js';

const PREFIX = 'openai';
const DEFAULT_URL = 'https://api.openai.com/v1';
/** Where Codex 0.169.0 asks with a login of ChatGPT (read in its program). */
const CHATGPT_URL = 'https://chatgpt.com/backend-api/codex';
/** The login that `codex login` keeps. */
const LOGIN_FILE = 'home/.codex/auth.json';
/** The provider that Codex 0.169.0 has built in. */
const BUILT_IN_PROVIDER = 'openai';

/** The variable with the broker's token, in the place of the deployment's key. */
const PLACEHOLDER = 'OPENAI_API_KEY';

/** Everything by which Codex 0.169.0 may find a key or an address in its environment. */
const REPLACED = ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CODEX_API_KEY'];

/** The OpenAI API, or what the deployment's `config.toml` names in its place, for Codex. */
export const openaiProvider: ModelProvider = {
  credentialFiles: [LOGIN_FILE],
  async toUpstream(facts): Promise<Upstream | undefined> {
    const found = await findProvider(facts);
    if (found === undefined) return undefined;
    return {
      prefix: PREFIX,
      baseUrl: found.baseUrl.replace(/\/+$/, ''),
      headers: found.headers ?? {},
      ...(found.login === undefined ? {} : { login: found.login }),
      // Codex 0.169.0 tries a websocket on the path of its answers first; without one it posts (seen).
      routes: ['POST /responses', 'POST /responses/compact', 'GET /models'],
      answers: 'openai',
    };
  },
  mask(variables, { url, token }, { headers }): Readonly<Record<string, string>> {
    // The key may have any name: that of `env_key`.
    const isKey = (value: string): boolean => headers['authorization'] === bearer(value).authorization;
    const rest = Object.entries(variables).filter(([name, value]) => !REPLACED.includes(name) && !isKey(value));
    return { ...Object.fromEntries(rest), OPENAI_BASE_URL: `${url}/${PREFIX}`, [PLACEHOLDER]: token };
  },
};

/**
 * Settings with which Codex asks the broker in the place of the model provider that a `config.toml` chooses. A provider of the deployment's own gets
 * the token from its variable: with its `env_key`, Codex would look for a key that agents do not have, and with none send none (0.169.0, both seen).
 */
export function toBrokerSettings(config: string, modelUrl: string): readonly string[] {
  const { name, provider, usesLogin } = chooseProvider(parseConfig(config));
  const url = JSON.stringify(modelUrl);
  if (name === BUILT_IN_PROVIDER) return [`openai_base_url=${url}`];
  const key = `model_providers.${name}`;
  const token = usesLogin && provider['env_key'] === undefined ? [] : [`${key}.env_key=${JSON.stringify(PLACEHOLDER)}`];
  return [`${key}.base_url=${url}`, ...token];
}

/** The provider that a `config.toml` chooses, and whether Codex asks it with its own login. */
function chooseProvider(config: JsonObject) {
  const name = asString(config['model_provider']) ?? BUILT_IN_PROVIDER;
  const provider = asObject(asObject(config['model_providers'])[name]);
  return { name, provider, usesLogin: name === BUILT_IN_PROVIDER || provider['requires_openai_auth'] === true };
}

interface Found {
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly login?: UpstreamLogin;
}

async function findProvider(facts: ProviderFacts): Promise<Found | undefined> {
  const { variables, templateText } = facts;
  const config = parseConfig((await templateText('home/.codex/config.toml')) ?? '');
  const { provider, usesLogin } = chooseProvider(config);
  const providerUrl = asString(provider['base_url']);
  if (usesLogin) {
    const own = providerUrl ?? asString(config['openai_base_url']) ?? variables['OPENAI_BASE_URL'];
    const text = await templateText(LOGIN_FILE);
    if (text !== undefined) return findLogin(parseObject(text) ?? {}, own, facts);
    const key = variables['OPENAI_API_KEY'];
    // A model server of the company may want no key; isolated agents reach its private address by the broker only.
    if (key === undefined) return own === undefined ? undefined : { baseUrl: own, headers: {} };
    return { baseUrl: own ?? DEFAULT_URL, headers: bearer(key) };
  }
  if (providerUrl === undefined) return undefined;
  const key = asString(provider['experimental_bearer_token']) ?? variables[asString(provider['env_key']) ?? ''];
  return { baseUrl: providerUrl, headers: key === undefined ? {} : bearer(key) };
}

/**
 * A login of the home template: a key, or a login of ChatGPT. Others, such as an agent's identity, are left to Codex. How the second is renewed was seen with
 * Codex 0.169.0, and so were its headers. Agents ask as with a key, which has the same form: with such a login, Codex takes its address from an API that names
 * https only.
 */
function findLogin(
  login: JsonObject,
  own: string | undefined,
  { variables, templateFile }: ProviderFacts,
): Found | undefined {
  const file = templateFile(LOGIN_FILE);
  if (file === undefined) return undefined;
  const program = 'Codex';
  const hasKey = asString(login['OPENAI_API_KEY']) !== undefined;
  const mode = asString(login['auth_mode']) ?? (hasKey ? 'apikey' : 'chatgpt');
  if (mode === 'apikey' && hasKey) {
    return { baseUrl: own ?? DEFAULT_URL, login: { program, file, accessToken: ['OPENAI_API_KEY'] } };
  }
  if (mode !== 'chatgpt' || asString(asObject(login['tokens'])['access_token']) === undefined) return undefined;
  return {
    baseUrl: own ?? CHATGPT_URL,
    login: {
      program,
      file,
      accessToken: ['tokens', 'access_token'],
      headers: { 'chatgpt-account-id': ['tokens', 'account_id'] },
      renewal: {
        // The variable is Codex's own.
        url: variables['CODEX_REFRESH_TOKEN_URL_OVERRIDE'] ?? 'https://auth.openai.com/oauth/token',
        form: { client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
        refreshToken: ['tokens', 'refresh_token'],
        renewedAt: ['last_refresh'],
        kept: { id_token: ['tokens', 'id_token'] },
      },
    },
  };
}

function bearer(key: string): { readonly authorization: string } {
  return { authorization: `Bearer ${key}` };
}

/** Without a file that is TOML, Codex itself does not start, and says so. */
function parseConfig(text: string): JsonObject {
  try {
    // Dates, which JSON has not, are no setting of Codex.
    return asObject(JSON.parse(JSON.stringify(parse(text))));
  } catch {
    return {};
  }
}
