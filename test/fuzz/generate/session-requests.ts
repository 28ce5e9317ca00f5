import { below, chance, many, maybe, type Random, weighted } from '../draw.js';
import { type JsonNode, jsonText } from './json-node.js';
import { mutated, withDuplicates } from './mutate.js';
import { oddString, oddValue } from './odd.js';

/** The parts of a request to the session API. */
export interface SessionRequest {
  readonly method: string;
  readonly target: string;
  readonly body: Buffer | undefined;
  readonly leaves: 'after the first bytes' | undefined;
}

/** A turn that a caller was told of by the session API. */
export interface KnownExecution {
  readonly id: string;
  /** Where its session is. */
  readonly path: string;
}

/** Ids that the server has made up. */
export interface KnownIds {
  readonly messageIds: readonly string[];
  readonly executions: readonly KnownExecution[];
}

/** A request to one of the routes of `/api/session/*`, most of them on one of a few threads. */
export function sessionRequest(random: Random, marker: string, known: KnownIds): SessionRequest {
  const path = `/api/session/${sessionKey(random)}`;
  const post = (target: string, body: JsonNode): SessionRequest => ({
    method: 'POST',
    target,
    body: bodyOf(random, body),
    leaves: undefined,
  });
  const get = (target: string): SessionRequest => ({
    method: random.pick(['GET', 'GET', 'GET', 'HEAD']),
    target,
    body: undefined,
    leaves: undefined,
  });
  return weighted<() => SessionRequest>(random, [
    [4, () => post(path, creation(random))],
    [3, () => post(`${path}/messages`, appending(random, marker))],
    [4, () => post(`${path}/execute`, execution(random, marker))],
    [1, () => post(`${path}/interrupt`, {})],
    [0.5, () => post(`${path}/cancel`, { release_id: oddString(random), cancel_inflight: random.pick([true, 'yes']) })],
    [2, () => get(path)],
    [2, () => get(`${path}/turns/${turnId(random, known)}`)],
    [1, () => get(historyOf(random, path))],
    [1, () => get(`${path}/events?execution_id=${turnId(random, known)}&after_event_id=${eventId(random)}`)],
    [3, () => ofExecution(random, known, get)],
    [1, () => endless(`${path}/events?after_event_id=${eventId(random)}`)],
    [0.5, () => ({ ...get(`${path}/events`), method: 'HEAD' })],
    [2, () => get(`/api/sessions?limit=${queryValue(random)}&cursor=${queryValue(random)}`)],
    [1, () => get('/api/sessions')],
    [2, () => workspaceRequest(random, path, get)],
    [0.5, () => ({ method: 'DELETE', target: path, body: undefined, leaves: undefined })],
    [1, () => ({ ...get(`${path}/${queryValue(random)}`), method: random.pick(['PUT', 'PATCH', 'GET', 'POST']) })],
  ])();
}

function historyOf(random: Random, path: string): string {
  const form = random.pick(['mcp', 'server', 'text', 'none', queryValue(random)]);
  return `${path}/history?limit=${queryValue(random)}&before=${queryValue(random)}&tool_blocks=${form}`;
}

/** A list of a workspace, and files that are read and written by names that may lead elsewhere. */
function workspaceRequest(random: Random, path: string, get: (target: string) => SessionRequest): SessionRequest {
  if (chance(random, 0.3))
    return get(`${path}/files?path=${queryValue(random)}&limit=${queryValue(random)}&cursor=${queryValue(random)}`);
  const names = many(1 + below(random, 3), () => random.pick([...ODD_NAMES, ...ODD_QUERY_VALUES]));
  const target = `${path}/files/${names.join('/')}`;
  if (chance(random, 0.5)) return get(target);
  return { method: 'PUT', target, body: Buffer.from(oddString(random)), leaves: undefined };
}

const ODD_NAMES = [
  'a',
  'b',
  'uploads',
  '..',
  '%2e%2e',
  '..%2f..%2fhome',
  'a%2Fb',
  '.',
  'chiron.sqlite',
  '%2Fetc%2Fpasswd',
];

/** A look at a turn that is there. */
function ofExecution(
  random: Random,
  { executions }: KnownIds,
  get: (target: string) => SessionRequest,
): SessionRequest {
  if (executions.length === 0) return get('/api/sessions');
  const { path, id } = random.pick(executions);
  const events = `${path}/events?execution_id=${id}`;
  return get(random.pick([`${path}/turns/${id}`, events, `${events}&after_event_id=${eventId(random)}`]));
}

function endless(target: string): SessionRequest {
  return { method: 'GET', target, body: undefined, leaves: 'after the first bytes' };
}

/** A key as it stands in a path: mostly one of a few. */
function sessionKey(random: Random): string {
  if (chance(random, 0.85)) return `fuzz%3A${random.pick(['a', 's', 's'])}${below(random, 15)}`;
  return random.pick([
    'fuzz:raw',
    'none',
    '%7B%22a%22%3A1%7D',
    '%5B',
    '%00',
    '%0d%0a',
    '%ff',
    '%',
    '%2e%2e',
    '%2F%2F',
    '%3A',
    'a%3A',
    `fuzz%3A${'k'.repeat(510)}`,
    `fuzz%3A${encodeURIComponent('漢字🙂')}`,
    '__proto__',
    'constructor%3Ax',
  ]);
}

function queryValue(random: Random): string {
  if (chance(random, 0.3)) return String(below(random, 120));
  return random.pick(ODD_QUERY_VALUES);
}

/** Values in a query, escaped or not. */
export const ODD_QUERY_VALUES = [
  '',
  '0',
  '-1',
  '1e3',
  '999999999999999999',
  '%00',
  '%ff',
  '%',
  '%25',
  'a&limit=2&limit=3',
  'a[b]=1',
  '__proto__',
  '%5B%5D',
  'x'.repeat(2000),
  '%F0%9F%99%82',
  Buffer.from('1:x').toString('base64url'),
  Buffer.from('999999999999999:\u0000').toString('base64url'),
];

function eventId(random: Random): string {
  return random.pick(['', '0', '-5', '1000000000', '9'.repeat(15), '9'.repeat(19), '9'.repeat(20), 'x', '1.5']);
}

function turnId(random: Random, { messageIds, executions }: KnownIds): string {
  const known = [...messageIds.slice(-5), ...executions.slice(-5).map(({ id }) => id)];
  if (known.length > 0 && chance(random, 0.7)) return random.pick(known);
  return random.pick(['msg_none', `exe_${'0'.repeat(32)}`, 'exe_', '%00', '__proto__', 'x'.repeat(3000)]);
}

function bodyOf(random: Random, body: JsonNode): Buffer {
  const changed = chance(random, 0.35) ? withDuplicates(jsonText(mutated(random, body))) : body;
  return Buffer.from(jsonText(changed));
}

function creation(random: Random): JsonNode {
  return {
    harness_type: random.pick(['demo', 'demo', 'demo', 'codex', 'claudecode', 'none']),
    ...maybe(random, 0.3, () => ({ persona_id: random.pick<JsonNode>(['p', 'default', null]) })),
    ...maybe(random, 0.1, () => ({ repos: random.pick<JsonNode>([[], null, [oddValue(random)]]) })),
    ...maybe(random, 0.4, () => ({ metadata: { note: oddString(random), more: oddValue(random) } })),
    ...maybe(random, 0.3, () => ({ on_harness_conflict: random.pick(['reject', 'restart', 'other']) })),
  };
}

function appending(random: Random, marker: string): JsonNode {
  const messages = many(below(random, 4), () => ({
    role: random.pick(['user', 'user', 'assistant', 'system', 'tool']),
    parts: [{ type: 'text', text: `${marker} part` }, ...(chance(random, 0.3) ? [oddValue(random)] : [])],
    ...maybe(random, 0.5, () => ({
      client_message_id: chance(random, 0.5) ? `m-${below(random, 50)}` : oddString(random),
    })),
    ...maybe(random, 0.3, () => ({ metadata: { more: oddValue(random) } })),
  }));
  return { messages };
}

function execution(random: Random, marker: string): JsonNode {
  const line = jsonText({
    type: 'user',
    ...maybe(random, 0.2, () => ({ model: oddString(random), reasoning: oddValue(random) })),
    ...maybe(random, 0.2, () => ({ client_user_message_id: `m-${below(random, 50)}` })),
    message: { role: 'user', content: [{ type: 'text', text: `${marker} line` }] },
  });
  const lines = random.pick<JsonNode>([
    [line],
    [line],
    [`${marker} as plain text`],
    [line, '{"type":"attachment.chunk","attachmentId":"a","dataBase64":"aGk="}', '{"type":"interrupt"}'],
    [line, jsonText({ type: 'user', message: { content: [oddValue(random)] } })],
    [line, oddString(random)],
    [],
  ]);
  return {
    input_lines: lines,
    ...maybe(random, 0.3, () => ({
      idempotency_key: chance(random, 0.5) ? `e-${below(random, 30)}` : oddString(random),
    })),
    ...maybe(random, 0.2, () => ({ metadata: { more: oddValue(random) } })),
    ...maybe(random, 0.1, () => ({ environment: random.pick<JsonNode>([{}, null, { A: oddString(random) }]) })),
    ...maybe(random, 0.2, () => ({ idle_timeout_ms: random.pick([1, 60_000, 0, -1, 1e308, 1.5]) })),
    ...maybe(random, 0.2, () => ({ max_duration_ms: random.pick([60_000, 3_600_000, 0, 1e308, 2 ** 53]) })),
  };
}
