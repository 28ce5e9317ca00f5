import { checkGrammar } from '../support/stream-grammar.js';
import type { Answer } from './answer-reader.js';
import type { Outcome, RawOutcome } from './connection.js';
import { type RefusalForm, refusalProblems } from './judge-refusal.js';
import { eventsOf, excerpt, isStream, parsed, pathOf, property } from './reading.js';
import { type FuzzCase, type FuzzRequest, headerOf, type RawExchange } from './request.js';

/** A violation of a rule by the server. */
export interface Finding {
  /** The rule that it breaks; findings are counted by it. */
  readonly rule: string;
  readonly text: string;
  /** The case that shows it; `undefined` when it is of the whole run. */
  readonly shown: FuzzCase | undefined;
}

/** What the judge knows of the server. */
export interface Judged {
  /** Texts that no answer may contain: keys, and the path of the data folder. */
  readonly secrets: readonly string[];
}

/**
 * The expected statuses from 500 on, each with the reason why a caller may get it here.
 *
 * 503 is the word for 529 of centaur and of OpenAI's APIs; no other 5xx is, on any route.
 */
const MEANT_FAILURES: readonly (readonly [status: number, path: RegExp, reason: string])[] = [
  [529, /^\/v1/, 'too many turns wait, or the demo agent was asked to fail as an overloaded model does'],
  [504, /^\/v1/, 'a turn takes longer than Claude Code waits, or the demo agent was asked to fail so'],
  [503, /^\/api\/session/, 'too many turns wait'],
  [503, /^\/v1\/(responses|chat\/completions)/, 'the same as 529, by the name of OpenAI’s APIs'],
];

/**
 * What callers are told when the agent could not do what was asked of it, or the demo agent was asked to fail as one does whose provider
 * refuses its account: failures of the agent's, and not of the server.
 */
const AGENT_FAILED = /The agent’s answer |agent of this server|account of this server's agent/;

/** Finds the violations in the outcome of a request. */
export function judge(request: FuzzRequest, outcome: Outcome, judged: Judged): readonly Finding[] {
  return problems(request, outcome, judged).map(([rule, text]) => ({ rule, text, shown: request }));
}

/** Finds the violations in the outcome of raw bytes. */
export function judgeRaw(raw: RawExchange, outcome: RawOutcome, judged: Judged): readonly Finding[] {
  const found: Problem[] = outcome.answers.flatMap((answer) => [
    ...failureProblems(answer, '/v1'),
    ...(isOfNodeItself(answer)
      ? []
      : refusalProblems(answer, { form: 'anthropic', input: () => sentText(raw), ...judged })),
    ...(answer.isWhole || raw.ending !== 'waits' ? [] : [brokenOff(answer)]),
    ...streamProblems(answer),
  ]);
  if (outcome.kind !== 'done') found.push([outcome.kind, outcome.text]);
  return found.map(([rule, text]) => ({ rule, text, shown: raw }));
}

type Problem = readonly [rule: string, text: string];

function problems(request: FuzzRequest, outcome: Outcome, judged: Judged): readonly Problem[] {
  if (outcome.kind === 'left') return [];
  if (outcome.kind !== 'answered') return [[outcome.kind, outcome.text]];
  const { answer } = outcome;
  const path = pathOf(request);
  return [
    ...failureProblems(answer, path),
    ...refusalProblems(answer, {
      form: formOf(request, path),
      input: () => `${request.target}\n${request.body?.toString('utf8') ?? ''}`,
      ...judged,
      isHead: request.method === 'HEAD',
    }),
    ...(answer.isWhole ? [] : [brokenOff(answer)]),
    ...keyProblems(request, answer, path),
    ...plainProblems(request, answer),
    ...(answer.status === 200 ? contentProblems(request, answer, path) : []),
    ...streamProblems(answer),
  ];
}

const OPENAI_PATH = /^\/v1\/(responses(\/[^/]+(\/(cancel|input_items))?)?|chat\/completions)\/?$/;

const FILES_PATH = /^\/v1\/files(\/[^/]+(\/content)?)?\/?$/;

/** The form of a refusal. A path that cannot be decoded is refused before its route is looked for. */
function formOf(request: FuzzRequest, path: string): RefusalForm {
  if (!isDecodable(path)) return 'anthropic';
  if (/^\/api\/(sessions\/?$|session\/.)/.test(path)) return 'centaur';
  if (FILES_PATH.test(path)) return isOfAnthropic(request) ? 'anthropic' : 'openai';
  return OPENAI_PATH.test(path) ? 'openai' : 'anthropic';
}

function isOfAnthropic(request: FuzzRequest): boolean {
  return ['anthropic-version', 'x-api-key'].some((name) => headerOf(request, name) !== undefined);
}

function failureProblems({ status, body }: Answer, path: string): readonly Problem[] {
  if (AGENT_FAILED.test(body.toString('utf8'))) return [];
  if (status < 500 || isMeant(status, path)) return [];
  return [['5xx', `status ${status}: ${excerpt(body)}`]];
}

function isMeant(status: number, path: string): boolean {
  return MEANT_FAILURES.some(([meant, where]) => meant === status && where.test(path));
}

function brokenOff(answer: Answer): Problem {
  return ['broken off', `the answer has no end: ${excerpt(answer.body.subarray(-200))}`];
}

/** Only public routes may answer without a key. */
function keyProblems({ key, method }: FuzzRequest, { status }: Answer, path: string): readonly Problem[] {
  if (key !== 'bad' || status >= 300 || isOpen(path, method)) return [];
  return [['open without a key', `status ${status}`]];
}

function isOpen(path: string, method: string): boolean {
  if (['GET', 'HEAD'].includes(method) && ['/', '/health', '/healthz', '/readyz', '/api/hello'].includes(path))
    return true;
  return /^\/(docs|openapi\.(json|yaml))/.test(path);
}

/** A valid request must be accepted, unless its thread's queue or the server is full. */
function plainProblems(request: FuzzRequest, { status, body }: Answer): readonly Problem[] {
  if (!request.isPlain || [200, 409, OPENAI_PATH.test(pathOf(request)) ? 503 : 529].includes(status)) return [];
  // Without keys a body has to be JSON by its type, as browsers let every web page send one without.
  if (request.key === 'open' && status === 415 && headerOf(request, 'content-type') === undefined) return [];
  // Nobody has uploaded the file that some blocks name.
  if (status === 404 && body.includes('File not found: file_1')) return [];
  return [['refused a good request', `status ${status}: ${excerpt(body)}`]];
}

function contentProblems(request: FuzzRequest, answer: Answer, path: string): readonly Problem[] {
  if (request.method !== 'POST' && request.method !== 'GET') return [];
  if (isStream(answer)) return [];
  if (!/^\/(v1|api)\//.test(path)) return [];
  // A file, which may hold anything.
  if (answer.headers.has('content-disposition')) return [];
  const value = parsed(answer.body);
  if (value === undefined) return [['not JSON', excerpt(answer.body)]];
  if (request.method === 'POST' && /^(\/v1)+\/messages\/?$/.test(path)) {
    return [...messageProblems(value, answer), ...threadProblems(request, answer)];
  }
  if (request.method === 'POST' && /^\/v1\/chat\/completions\/?$/.test(path) && !isCompletion(value)) {
    return [['not a completion', excerpt(answer.body)]];
  }
  const tokens = property(value, 'input_tokens');
  if (path.endsWith('/count_tokens') && !(Number.isInteger(tokens) && Number(tokens) >= 0)) {
    return [['not a count', excerpt(answer.body)]];
  }
  return [];
}

function isCompletion(value: unknown): boolean {
  return (
    property(value, 'object') === 'chat.completion' &&
    String(property(value, 'id')).startsWith('chatcmpl-') &&
    Array.isArray(property(value, 'choices')) &&
    typeof property(property(value, 'usage'), 'total_tokens') === 'number'
  );
}

function messageProblems(value: unknown, { body }: Answer): readonly Problem[] {
  const isMessage =
    property(value, 'type') === 'message' &&
    property(value, 'role') === 'assistant' &&
    String(property(value, 'id')).startsWith('msg_') &&
    Array.isArray(property(value, 'content')) &&
    typeof property(value, 'stop_reason') === 'string' &&
    typeof property(property(value, 'usage'), 'output_tokens') === 'number';
  return isMessage ? [] : [['not a message', excerpt(body)]];
}

/** The answer to a request that names its thread must have that thread key. */
function threadProblems(request: FuzzRequest, { headers }: Answer): readonly Problem[] {
  const asked = request.headers.filter(([name]) => name.toLowerCase() === 'x-chiron-thread-key');
  const isClaudeCode = /^claude-cli|^cli/.test(headerOf(request, 'user-agent') ?? headerOf(request, 'x-app') ?? '');
  const [first] = asked;
  if (first === undefined || asked.length > 1 || isClaudeCode || headerOf(request, 'x-app') !== undefined) return [];
  const wanted = utf8(first[1].replaceAll(/^[ \t]+|[ \t]+$/g, ''));
  const told = utf8(headers.get('x-chiron-thread-key')?.[0] ?? '');
  return wanted === told
    ? []
    : [['another thread', `asked for ${JSON.stringify(wanted)}, got ${JSON.stringify(told)}`]];
}

function streamProblems(answer: Answer): readonly Problem[] {
  if (!isStream(answer) || !answer.body.includes('event: message_start')) return [];
  const events = eventsOf(answer.body);
  if (typeof events === 'string') return [['not a stream', events]];
  let violations: readonly string[];
  try {
    violations = checkGrammar(events);
  } catch (error) {
    return [['not a stream', String(error)]];
  }
  const last = events.at(-1);
  const id = answer.headers.get('request-id')?.[0];
  const isForeign = last?.type === 'error' && property(last, 'request_id') !== id;
  const failed = last?.type === 'error' && last.error.type === 'api_error' && !AGENT_FAILED.test(last.error.message);
  return [
    ...violations.map((violation): Problem => ['stream grammar', violation]),
    ...(isForeign ? [['stream grammar', 'the error has not the id of its request'] as const] : []),
    ...(failed ? [['5xx', `in a stream: ${last.error.message}`] as const] : []),
  ];
}

function isDecodable(path: string): boolean {
  try {
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
}

/** Node answers these before the server hears of them: a request of HTTP/1.1 without `host`, with an empty 400. */
function isOfNodeItself({ status, body, headers }: Answer): boolean {
  return status === 400 && body.length === 0 && headers.get('request-id') === undefined;
}

function sentText({ writes }: RawExchange): string {
  return Buffer.concat([...writes]).toString('utf8');
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
