import type { ModelProvider } from '../../broker/model-provider.js';
import type { Upstream } from '../../broker/protocol.js';
import type { AgentProvider } from '../../config/agent-settings.js';

/** What agents may ask of each form of API, below its base URL. */
const ROUTES: Readonly<Record<AgentProvider['api'], readonly string[]>> = {
  openai: ['POST /chat/completions', 'POST /responses', 'GET /models', 'GET /models/*'],
  // Clients differ in whether the version is a part of the base URL.
  anthropic: ['', '/v1'].flatMap((version) => [
    ...[`POST ${version}/messages`, `POST ${version}/messages/count_tokens`],
    ...[`GET ${version}/models`, `GET ${version}/models/*`],
  ]),
  gemini: ['/v1beta', '/v1'].flatMap((version) => [
    ...['generateContent', 'streamGenerateContent', 'countTokens'].map((call) => `POST ${version}/models/*:${call}`),
    ...[`GET ${version}/models`, `GET ${version}/models/*`],
  ]),
};

/**
 * The API of an agent's models, for the broker: agents get its address and a placeholder in the variables that have the deployment's.
 *
 * @param name of the agent's harness
 */
export function toAgentProvider(name: string, provider: AgentProvider): ModelProvider {
  const { api, urlVariable, keyVariable, defaultUrl } = provider;
  // No prefix of a built-in provider begins so.
  const prefix = `agent-${name}`;
  return {
    harness: name,
    credentialFiles: [],
    toUpstream({ variables }): Promise<Upstream | undefined> {
      const { [urlVariable]: url, [keyVariable]: key } = variables;
      const baseUrl = url ?? defaultUrl;
      // A model server of the company may want no key; isolated agents reach its private address by the broker only.
      const isUsable = baseUrl !== undefined && URL.canParse(baseUrl) && (url !== undefined || key !== undefined);
      return Promise.resolve(
        isUsable
          ? {
              prefix,
              baseUrl: baseUrl.replace(/\/+$/, ''),
              headers: key === undefined ? {} : toCredential(api, key),
              routes: ROUTES[api],
              answers: api,
            }
          : undefined,
      );
    },
    mask(variables, _, { headers }): Readonly<Record<string, string>> {
      const secrets = Object.values(headers);
      const isKey = (value: string): boolean =>
        Object.values(toCredential(api, value)).some((each) => secrets.includes(each));
      return Object.fromEntries(Object.entries(variables).filter(([, value]) => !isKey(value)));
    },
    address({ url, token }): Readonly<Record<string, string>> {
      return { [urlVariable]: `${url}/${prefix}`, [keyVariable]: token };
    },
  };
}

/** The header with a key. */
function toCredential(api: AgentProvider['api'], key: string): Readonly<Record<string, string>> {
  switch (api) {
    case 'openai':
      return { authorization: `Bearer ${key}` };
    case 'anthropic':
      return { 'x-api-key': key };
    case 'gemini':
      return { 'x-goog-api-key': key };
    default:
      return api satisfies never;
  }
}
