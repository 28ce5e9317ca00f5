import type { ModelProvider } from '../../broker/model-provider.js';
import type { Upstream } from '../../broker/protocol.js';

const PREFIX = 'openai';
const DEFAULT_URL = 'https://api.openai.com/v1';

/** Everything by which Codex 0.169.0 may find a key or an address in its environment. */
const REPLACED = ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CODEX_API_KEY'];

/** The OpenAI API, or a gateway in front of it, for Codex. */
export const openaiProvider: ModelProvider = {
  toUpstream(variables): Upstream | undefined {
    const key = variables['OPENAI_API_KEY'];
    if (key === undefined) return undefined;
    return {
      prefix: PREFIX,
      baseUrl: (variables['OPENAI_BASE_URL'] ?? DEFAULT_URL).replace(/\/+$/, ''),
      headers: { authorization: `Bearer ${key}` },
      // Codex 0.169.0 tries a websocket on the path of its answers first; without one it posts (seen).
      routes: ['POST /responses', 'POST /responses/compact', 'GET /models'],
      answers: 'openai',
    };
  },
  mask(variables, { url, token }): Readonly<Record<string, string>> {
    if (variables['OPENAI_API_KEY'] === undefined) return variables;
    const rest = Object.entries(variables).filter(([name]) => !REPLACED.includes(name));
    return { ...Object.fromEntries(rest), OPENAI_BASE_URL: `${url}/${PREFIX}`, OPENAI_API_KEY: token };
  },
};
