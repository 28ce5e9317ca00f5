import type { ModelProvider } from '../../broker/model-provider.js';
import type { Upstream } from '../../broker/protocol.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../domain/json.js';
import type { HarnessThread } from '../harness.js';

const PREFIX = 'pi';
/** Where pi has the broker's token. Other agents have their own variables for the same token. */
const PLACEHOLDER = 'CHIRON_PI_TOKEN';

type Variables = Readonly<Record<string, string>>;

/** What a deployment has set for pi. */
export interface PiSettings {
  /** `models.json`. */
  readonly models: JsonObject;
  /** `settings.json`. */
  readonly settings: JsonObject;
}

/** The APIs that pi speaks and the broker knows, by pi's names, with what a deployment's key needs. */
const APIS: Readonly<Record<string, ApiForm>> = {
  'anthropic-messages': {
    answers: 'anthropic',
    routes: ['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models', 'GET /v1/models/*'],
    toHeaders: (key) => ({ 'x-api-key': key }),
  },
  'openai-responses': {
    answers: 'openai',
    routes: ['POST /responses', 'GET /models'],
    toHeaders: (key) => ({ authorization: `Bearer ${key}` }),
  },
};

interface ApiForm {
  readonly answers: Upstream['answers'];
  readonly routes: readonly string[];
  readonly toHeaders: (key: string) => Variables;
}

/** A provider that pi 1.6.0 knows by itself, with the variables of its key (providers.md) and of its address, which only we read. */
interface BuiltIn {
  readonly api: string;
  readonly url: string;
  readonly key: string;
  readonly address: string;
}

const BUILT_INS: Readonly<Record<string, BuiltIn>> = {
  anthropic: {
    api: 'anthropic-messages',
    url: 'https://api.anthropic.com',
    key: '$ANTHROPIC_API_KEY',
    address: 'ANTHROPIC_BASE_URL',
  },
  openai: {
    api: 'openai-responses',
    url: 'https://api.openai.com/v1',
    key: '$OPENAI_API_KEY',
    address: 'OPENAI_BASE_URL',
  },
};

interface ChosenProvider {
  readonly name: string;
  /** Its entry in `models.json`, or an empty one. */
  readonly own: JsonObject;
  readonly builtIn: BuiltIn | undefined;
}

/** The API of the provider that the deployment's settings choose for pi, Anthropic's by default. */
export const piProvider: ModelProvider = {
  // Either may have a key.
  credentialFiles: ['home/.pi/agent/auth.json', 'home/.pi/agent/models.json'],
  async toUpstream({ variables, templateText }): Promise<Upstream | undefined> {
    const read = async (name: string): Promise<JsonObject> =>
      asObject(parseObject((await templateText(`home/.pi/agent/${name}`)) ?? '{}'));
    const settings = { models: await read('models.json'), settings: await read('settings.json') };
    const login = asObject(await read('auth.json'));
    const { name, own, builtIn } = chooseProvider(settings);
    const apiKey = asString(own['apiKey']) ?? builtIn?.key;
    const key = asString(asObject(login[name])['key']) ?? readValue(apiKey, variables);
    const form = APIS[asString(own['api']) ?? builtIn?.api ?? ''];
    const baseUrl = findAddress(own, builtIn, variables) ?? builtIn?.url;
    if (form === undefined || key === undefined || baseUrl === undefined) return undefined;
    return {
      prefix: PREFIX,
      baseUrl: baseUrl.replace(/\/+$/, ''),
      headers: { ...readHeaders(own, variables), ...form.toHeaders(key) },
      routes: form.routes,
      answers: form.answers,
    };
  },
  mask(variables, { token }, { headers }): Variables {
    const secrets = Object.values(headers).map((value) => value.replace(/^Bearer /, ''));
    const rest = Object.entries(variables).filter(([, value]) => !secrets.includes(value));
    return { ...Object.fromEntries(rest), [PLACEHOLDER]: token };
  },
};

/**
 * A `models.json` with which pi asks the broker, and that has no credential then; else with the address of the deployment's variable, which pi 1.6.0 does
 * not read by itself (models.md, and seen).
 */
export function withModelUrl(
  settings: PiSettings,
  { modelUrl, env }: Pick<HarnessThread, 'modelUrl' | 'env'>,
): JsonObject {
  const { name, own, builtIn } = chooseProvider(settings);
  const { models } = settings;
  if (modelUrl !== undefined) {
    const { headers: _, ...rest } = own;
    return { ...models, providers: { [name]: { ...rest, baseUrl: modelUrl, apiKey: `$${PLACEHOLDER}` } } };
  }
  const address = findAddress(own, builtIn, env);
  if (address === undefined) return models;
  return { ...models, providers: { ...asObject(models['providers']), [name]: { ...own, baseUrl: address } } };
}

function chooseProvider({ models, settings }: PiSettings): ChosenProvider {
  const name = asString(settings['defaultProvider']) ?? 'anthropic';
  return { name, own: asObject(asObject(models['providers'])[name]), builtIn: BUILT_INS[name] };
}

function findAddress(own: JsonObject, builtIn: BuiltIn | undefined, variables: Variables): string | undefined {
  return asString(own['baseUrl']) ?? (builtIn === undefined ? undefined : variables[builtIn.address]);
}

function readHeaders(own: JsonObject, variables: Variables): Variables {
  const headers = Object.entries(asObject(own['headers'])).flatMap(([name, value]) => {
    const read = readValue(asString(value), variables);
    return read === undefined ? [] : [[name.toLowerCase(), read] as const];
  });
  return Object.fromEntries(headers);
}

/** A literal, or the value of a variable. The output of a command is left to pi itself. */
function readValue(value: string | undefined, variables: Variables): string | undefined {
  if (value === undefined || value.startsWith('!')) return undefined;
  const variable = /^\$\{?(\w+)\}?$/.exec(value)?.[1];
  return variable === undefined ? value : variables[variable];
}
