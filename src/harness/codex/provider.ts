import { parse } from 'smol-toml';
import type { ModelProvider, ProviderFacts } from '../../broker/model-provider.js';
import type { Upstream } from '../../broker/protocol.js';
import { asObject, asString } from '../../domain/json.js';
import type { JsonObject } from '../../domain/harness-event.js';

const PREFIX = 'openai';
const DEFAULT_URL = 'https://api.openai.com/v1';
/** The provider that Codex 0.169.0 has built in. */
export const BUILT_IN_PROVIDER = 'openai';

/** Everything by which Codex 0.169.0 may find a key or an address in its environment. */
const REPLACED = ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CODEX_API_KEY'];

/** The OpenAI API, or what the deployment's `config.toml` names in its place, for Codex. */
export const openaiProvider: ModelProvider = {
  async toUpstream(facts): Promise<Upstream | undefined> {
    const found = await findProvider(facts);
    if (found === undefined) return undefined;
    return {
      prefix: PREFIX,
      baseUrl: found.baseUrl.replace(/\/+$/, ''),
      headers: found.headers,
      // Codex 0.169.0 tries a websocket on the path of its answers first; without one it posts (seen).
      routes: ['POST /responses', 'POST /responses/compact', 'GET /models'],
      answers: 'openai',
    };
  },
  mask(variables, { url, token }): Readonly<Record<string, string>> {
    const rest = Object.entries(variables).filter(([name]) => !REPLACED.includes(name));
    return { ...Object.fromEntries(rest), OPENAI_BASE_URL: `${url}/${PREFIX}`, OPENAI_API_KEY: token };
  },
};

/** The name of the model provider that a `config.toml` chooses. */
export function readProviderName(config: string): string {
  return asString(parseConfig(config)['model_provider']) ?? BUILT_IN_PROVIDER;
}

interface Found {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function findProvider({ variables, templateText }: ProviderFacts): Promise<Found | undefined> {
  const config = parseConfig((await templateText('home/.codex/config.toml')) ?? '');
  const name = asString(config['model_provider']) ?? BUILT_IN_PROVIDER;
  if (name === BUILT_IN_PROVIDER) {
    const key = variables['OPENAI_API_KEY'];
    const hasLogin = (await templateText('home/.codex/auth.json')) !== undefined;
    // A login of its own, such as a subscription's, is at another address, and Codex renews it by itself.
    if (key === undefined || hasLogin) return undefined;
    const baseUrl = asString(config['openai_base_url']) ?? variables['OPENAI_BASE_URL'] ?? DEFAULT_URL;
    return { baseUrl, headers: bearer(key) };
  }
  const provider = asObject(asObject(config['model_providers'])[name]);
  const baseUrl = asString(provider['base_url']);
  if (baseUrl === undefined) return undefined;
  const key = asString(provider['experimental_bearer_token']) ?? variables[asString(provider['env_key']) ?? ''];
  return { baseUrl, headers: key === undefined ? {} : bearer(key) };
}

function bearer(key: string): Readonly<Record<string, string>> {
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
