// A little over 250 lines: what a random request can be, kind by kind.
import { below, chance, type Random, randomBytes, randomOfRequest, weighted } from './draw.js';
import { bomb, garbled, packed, type PackedBody, wronglyPacked } from './generate/bytes.js';
import {
  type ApiKey,
  claudeCodeHeaders,
  clientHeaders,
  goodKey,
  ODD_CONTENT_TYPES,
  oddHeaders,
  someKey,
  threadHeader,
} from './generate/headers.js';
import { hostileBody, hostileSchema } from './generate/hostile.js';
import { type JsonFields, jsonText } from './generate/json-node.js';
import { messagesBody } from './generate/messages-body.js';
import { mutated, withDuplicates, withOddBlock } from './generate/mutate.js';
import { openaiRequest } from './generate/openai-body.js';
import { cancelRoute, modelsRoute, oddRoute, openRoute } from './generate/routes.js';
import { type KnownIds, sessionRequest } from './generate/session-requests.js';
import { rawExchange } from './generate/sockets.js';
import { type FuzzCase, type FuzzRequest, type Header, headBytes } from './request.js';

/** What cases are drawn for: one server, and what has been learnt of it. */
export interface Surroundings extends KnownIds {
  readonly seed: number;
  /** A letter that tells the markers of one server from those of another. */
  readonly letter: string;
  /** The server's keys; none for a server that needs none. */
  readonly keys: readonly ApiKey[];
}

interface Drawing extends Surroundings {
  readonly random: Random;
  readonly number: number;
  readonly marker: string;
}

/** Stands in the prompts of a request and nowhere else. */
export const MARKER = /fz[a-z]\d{6}q/g;

/** The case with this number: always the same of the same seed, but for the ids that the server has made up. */
export function drawCase(number: number, surroundings: Surroundings): FuzzCase {
  const random = randomOfRequest(surroundings.seed, number);
  const marker = markerOf(number, surroundings);
  const [kind, draw] = weighted(random, KINDS);
  const drawn = draw({ ...surroundings, random, number, marker });
  return drawn.type === 'raw' ? drawn : { ...drawn, kind };
}

function markerOf(number: number, { letter }: Surroundings): string {
  return `fz${letter}${String(number).padStart(6, '0')}q`;
}

type Draw = (drawing: Drawing) => FuzzCase;

const KINDS: readonly (readonly [weight: number, choice: readonly [kind: string, draw: Draw]])[] = [
  [22, ['a good message', goodMessage]],
  [4, ['a message sent again', messageAgain]],
  [18, ['a message with changed values', mutatedMessage]],
  [7, ['a message of garbled text', garbledMessage]],
  [3, ['random bytes', randomBody]],
  [3, ['a packed message', packedMessage]],
  [4, ['a wrongly packed message', wronglyPackedMessage]],
  [0.1, ['a bomb', bombMessage]],
  [0.03, ['a very large message', largeMessage]],
  [0.1, ['a message of very many values', hostileMessage]],
  [0.1, ['a message with a hostile schema', hostileSchemaMessage]],
  [9, ['a message with odd headers', oddHeaderMessage]],
  [2, ['a message whose caller leaves', leavingMessage]],
  [5, ['a good request of OpenAI’s APIs', goodOpenaiRequest]],
  [4, ['a request of OpenAI’s APIs with changed values', mutatedOpenaiRequest]],
  [6, ['a count of tokens', countTokens]],
  [4, ['models', models]],
  [3, ['a cancellation', cancellation]],
  [12, ['sessions', session]],
  [5, ['an odd route', oddRouteCase]],
  [1, ['a health check', health]],
  [4, ['raw', raw]],
];

/** A request to `POST /v1/messages`, but for what is said otherwise. */
function requestOf(drawing: Drawing, parts: Partial<FuzzRequest>): FuzzRequest {
  const { random, number, marker, keys } = drawing;
  const credentials = parts.isPlain === true ? goodKey(random, keys) : someKey(random, keys);
  return {
    type: 'request',
    number,
    kind: '',
    method: 'POST',
    target: chance(random, 0.2) ? '/v1/messages?beta=true' : '/v1/messages',
    body: undefined,
    framing: chance(random, 0.15) ? 'chunked' : 'length',
    key: credentials.key,
    tenant: credentials.tenant,
    marker,
    isPlain: false,
    leaves: undefined,
    ...parts,
    headers: [['host', '127.0.0.1'], ...credentials.headers, ...(parts.headers ?? clientHeaders(random))],
  };
}

function goodMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const { body, isPlain } = messagesBody(random, drawing);
  const headers = [
    ...clientHeaders(random),
    ...(chance(random, 0.3) ? threadHeader(random) : []),
    ...(chance(random, 0.12) ? claudeCodeHeaders(random) : []),
    ...(chance(random, 0.05)
      ? ([['x-chiron-tool-blocks', random.pick(['mcp', 'server', 'text', 'none', 'auto'])]] as const)
      : []),
  ];
  // With Claude Code's headers and a format of the answer it is a request beside the conversation.
  return requestOf(drawing, { body: Buffer.from(jsonText(body)), headers, isPlain });
}

/** One of the last good messages, as a client sends it again whose connection broke. */
function messageAgain(drawing: Drawing): FuzzRequest {
  for (let number = drawing.number - 1 - below(drawing.random, 30); number >= 0; number -= 1) {
    const random = randomOfRequest(drawing.seed, number);
    const [, draw] = weighted(random, KINDS);
    if (draw !== goodMessage) continue;
    const marker = markerOf(number, drawing);
    return { ...goodMessage({ ...drawing, random, marker }), isPlain: false };
  }
  return goodMessage(drawing);
}

function bodyOf(drawing: Drawing): JsonFields {
  return messagesBody(drawing.random, drawing).body;
}

function mutatedMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const body = bodyOf(drawing);
  const text = jsonText(chance(random, 0.3) ? withOddBlock(random, body) : mutated(random, body));
  const headers = [...clientHeaders(random), ...(chance(random, 0.2) ? threadHeader(random) : [])];
  return requestOf(drawing, { body: Buffer.from(jsonText(withDuplicates(text))), headers });
}

function garbledMessage(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, { body: garbled(drawing.random, Buffer.from(jsonText(bodyOf(drawing)))) });
}

function randomBody(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, { body: randomBytes(drawing.random, below(drawing.random, 3000)) });
}

function withPackedBody(drawing: Drawing, { body, encoding }: PackedBody): FuzzRequest {
  const headers: readonly Header[] = [...clientHeaders(drawing.random), ['content-encoding', encoding]];
  return requestOf(drawing, { body, headers });
}

function packedMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const { body, isPlain } = messagesBody(random, drawing);
  const { body: bytes, encoding } = packed(random, Buffer.from(jsonText(body)));
  const headers = [
    ['content-type', 'application/json'],
    ['content-encoding', encoding],
  ] as const;
  return requestOf(drawing, { body: bytes, headers, isPlain });
}

function wronglyPackedMessage(drawing: Drawing): FuzzRequest {
  return withPackedBody(drawing, wronglyPacked(drawing.random, Buffer.from(jsonText(bodyOf(drawing)))));
}

function bombMessage(drawing: Drawing): FuzzRequest {
  return withPackedBody(drawing, bomb(drawing.random));
}

/** Where the filling of a large message goes. */
const HERE = 'here';

/** Around the limit of 32 MB. */
function largeMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const [before = '', after = ''] = jsonText({ ...bodyOf(drawing), system: HERE }).split(HERE);
  const filling = Buffer.alloc(
    random.pick([1, 16, 31, 33]) * 1024 * 1024,
    random.pick(['x', '\u00e9', String.raw`\n`]),
  );
  return requestOf(drawing, { body: Buffer.concat([Buffer.from(before), filling, Buffer.from(after)]) });
}

function hostileMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const target = chance(random, 0.2) ? '/v1/messages/count_tokens' : '/v1/messages';
  return requestOf(drawing, { target, body: hostileBody(random, plainFields(drawing)) });
}

function hostileSchemaMessage(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, { body: hostileSchema(drawing.random, plainFields(drawing)) });
}

function plainFields({ marker }: Drawing): object {
  return { model: 'demo', max_tokens: 99, messages: [{ role: 'user', content: `hello ${marker}` }] };
}

function oddHeaderMessage(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const headers = [...clientHeaders(random), ...oddHeaders(random)];
  if (chance(random, 0.1)) headers.push(['content-type', random.pick(ODD_CONTENT_TYPES)]);
  return requestOf(drawing, { body: Buffer.from(jsonText(bodyOf(drawing))), headers });
}

function leavingMessage(drawing: Drawing): FuzzRequest {
  const leaves = drawing.random.pick(['after sending', 'after the first bytes'] as const);
  return requestOf(drawing, { body: Buffer.from(jsonText(bodyOf(drawing))), leaves });
}

function goodOpenaiRequest(drawing: Drawing): FuzzRequest {
  const { target, body } = openaiRequest(drawing.random, drawing.marker);
  const headers = [
    ...clientHeaders(drawing.random),
    ...(chance(drawing.random, 0.3) ? threadHeader(drawing.random) : []),
  ];
  return requestOf(drawing, { target, body: Buffer.from(jsonText(body)), headers, isPlain: true });
}

function mutatedOpenaiRequest(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const { target, body } = openaiRequest(random, drawing.marker);
  return requestOf(drawing, { target, body: Buffer.from(jsonText(withDuplicates(jsonText(mutated(random, body))))) });
}

function countTokens(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const { max_tokens: _, ...body } = bodyOf(drawing);
  const text = chance(random, 0.5) ? jsonText(body) : jsonText(mutated(random, body));
  const target = `/v1/messages/count_tokens${chance(random, 0.3) ? '?beta=true' : ''}`;
  return requestOf(drawing, { target, body: Buffer.from(jsonText(withDuplicates(text))) });
}

function models(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, modelsRoute(drawing.random));
}

function cancellation(drawing: Drawing): FuzzRequest {
  const { random, messageIds } = drawing;
  const body = chance(random, 0.3) ? randomBytes(random, 20) : undefined;
  return requestOf(drawing, { ...cancelRoute(random, messageIds), body });
}

function session(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, sessionRequest(drawing.random, drawing.marker, drawing));
}

function oddRouteCase(drawing: Drawing): FuzzRequest {
  const { random } = drawing;
  const body = chance(random, 0.4) ? Buffer.from(jsonText(bodyOf(drawing))) : undefined;
  return requestOf(drawing, { ...oddRoute(random), body });
}

function health(drawing: Drawing): FuzzRequest {
  return requestOf(drawing, { ...openRoute(drawing.random), headers: [] });
}

function raw(drawing: Drawing): FuzzCase {
  const { random, number, marker, keys } = drawing;
  const key = goodKey(random, keys).headers;
  const { body } = messagesBody(random, { marker, messageIds: [] });
  const head = (framing: readonly Header[]): Buffer =>
    headBytes('POST', '/v1/messages', [
      ['host', '127.0.0.1'],
      ...key,
      ['content-type', 'application/json'],
      ...framing,
    ]);
  return rawExchange(random, { number, marker, key, head, body: Buffer.from(jsonText(body)) });
}
