// The forms of protocol.ts as JSON Schemas: what one side reads of the other is checked, so that neither goes on with half a message. The broker's
// process imports this file, hence `.ts` in its imports.
import { Validator } from '@cfworker/json-schema';
import type { JsonObject } from '../domain/harness-event.ts';
import { isJsonObject } from '../domain/json.ts';
import type { FromBroker, ToBroker } from './protocol.ts';

/** A message as it was read, or what is wrong with it: where, and which rule, never a value. */
export type ParsedMessage<Message> =
  | { readonly kind: 'message'; readonly message: Message }
  | {
      readonly kind: 'malformed';
      readonly problem: string;
      /** The question that it belongs to, if it says that. */
      readonly id: number | undefined;
    };

type Schemas<Message extends { readonly type: string }> = Readonly<Record<Message['type'], Validator>>;

const STRING = { type: 'string' };
const COUNT = { type: 'integer', minimum: 0 };
const STRINGS = listOf(STRING);
const STRING_MAP = mapOf(STRING);
const PATH_MAP = mapOf(STRINGS);

const LOGIN = object(
  { program: STRING, file: STRING, accessToken: STRINGS },
  {
    headers: PATH_MAP,
    renewal: object(
      { url: STRING, form: STRING_MAP, refreshToken: STRINGS },
      { expiresAt: STRINGS, renewedAt: STRINGS, kept: PATH_MAP },
    ),
  },
);
const UPSTREAM = object(
  {
    prefix: STRING,
    baseUrl: STRING,
    headers: STRING_MAP,
    routes: STRINGS,
    answers: oneOf('anthropic', 'openai', 'gemini'),
  },
  { login: LOGIN, addedValues: STRING_MAP },
);
const HOST = object({
  kind: oneOf('name', 'address', 'subdomains'),
  host: STRING,
  ports: { anyOf: [listOf(COUNT), oneOf('web', 'any')] },
});
const SECRET = {
  anyOf: [object({ kind: oneOf('value'), value: STRING }), object({ kind: oneOf('file'), path: STRING })],
};
const CREDENTIAL = object({
  host: HOST,
  form: {
    anyOf: [
      object({ kind: oneOf('bearer'), secret: SECRET }),
      object({ kind: oneOf('basic'), user: STRING, secret: SECRET }),
      object({ kind: oneOf('header'), name: STRING, secret: SECRET }),
    ],
  },
  paths: STRINGS,
  methods: STRINGS,
});
const CONFIG = object({
  upstreams: listOf(UPSTREAM),
  spareLogins: STRING,
  proxies: STRING_MAP,
  egress: object(
    { network: oneOf('none', 'allowlist', 'open'), allowedHosts: listOf(HOST), credentials: listOf(CREDENTIAL) },
    { ca: object({ cert: STRING, key: STRING }) },
  ),
  allowedModels: STRINGS,
  turnTokenLimit: COUNT,
});
const LISTENING = {
  anyOf: [
    object({ kind: oneOf('socket'), path: STRING }, { owner: COUNT }),
    object({ kind: oneOf('loopback'), token: STRING }, { port: COUNT }),
  ],
};
const TOKENS = object({
  model: STRING,
  inputTokens: COUNT,
  outputTokens: COUNT,
  cacheReadInputTokens: COUNT,
  cacheCreationInputTokens: COUNT,
  cacheCreation1hInputTokens: COUNT,
});

const TO_BROKER: Schemas<ToBroker> = {
  configure: validator({ id: COUNT, config: CONFIG }),
  open: validator({ id: COUNT, threadId: STRING, listening: LISTENING }),
  close: validator({ threadId: STRING }),
  endpoints: validator({ port: COUNT }),
  turn: validator(
    {
      threadId: STRING,
      turnId: STRING,
      hostLimits: listOf(object({ source: STRING, allowedHosts: listOf(HOST) })),
      isUnderway: { type: 'boolean' },
    },
    { traceparent: STRING },
  ),
  count: validator({ id: COUNT, turnId: STRING }),
};
const FROM_BROKER: Schemas<FromBroker> = {
  done: validator({ id: COUNT }, { port: COUNT, tokens: listOf(TOKENS) }),
  failed: validator({ id: COUNT, problem: STRING }),
  refused: validator({ threadId: STRING, what: STRING }),
  notice: validator({ what: STRING }),
};

/** Reads a message of the server. */
export function parseToBroker(value: unknown): ParsedMessage<ToBroker> {
  return parse<ToBroker>(value, TO_BROKER);
}

/** Reads a message of the broker's process. */
export function parseFromBroker(value: unknown): ParsedMessage<FromBroker> {
  return parse<FromBroker>(value, FROM_BROKER);
}

function parse<Message extends { readonly type: string }>(
  value: unknown,
  schemas: Schemas<Message>,
): ParsedMessage<Message> {
  if (!isJsonObject(value)) return { kind: 'malformed', problem: 'it is no object', id: undefined };
  const id = typeof value['id'] === 'number' ? value['id'] : undefined;
  const known = Object.entries<Validator>(schemas).find(([type]) => type === value['type']);
  if (known === undefined) return { kind: 'malformed', problem: 'its type is unknown', id };
  const [type, schema] = known;
  const { valid, errors } = schema.validate(value);
  if (valid) return { kind: 'message', message: value as unknown as Message };
  const { instanceLocation = '#', keyword = '' } = errors.at(-1) ?? {};
  return { kind: 'malformed', problem: `${type}: ${instanceLocation} (${keyword})`, id };
}

function validator(required: JsonObject, optional: JsonObject = {}): Validator {
  return new Validator(object(required, optional), '2020-12');
}

function object(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}

function listOf(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

function mapOf(values: JsonObject): JsonObject {
  return { type: 'object', additionalProperties: values };
}

function oneOf(...values: readonly string[]): JsonObject {
  return { enum: values };
}
