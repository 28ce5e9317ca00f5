import type { Answer } from './answer-reader.js';
import type { Outcome, RawOutcome } from './connection.js';
import { MARKER } from './draw-case.js';
import type { KnownExecution } from './generate/session-requests.js';
import type { Finding } from './judge.js';
import { eventsOf, isStream, parsed, pathOf, property } from './reading.js';
import { type FuzzCase, type FuzzRequest, headerOf, type RawExchange } from './request.js';
import { isOpenTurn, type Stored, type StoredTurn } from './store.js';

/** How many ids are remembered to be asked for again. */
const REMEMBERED = 300;

/** The routes that answer with what a turn says. */
const ANSWERED = /^(\/v1)+\/(messages|responses|chat\/completions)\/?$/;

/** What is kept of a request whose answer stands for a turn: not its body, as there are many. */
interface Accepted {
  readonly number: number;
  readonly tenant: string;
  readonly threadKey: string;
  /** The message may be the server's own, to a probe or a request for a title, or of a thread that the server itself removes. */
  readonly mayBeGone: boolean;
}

/** What became of a request, as far as its caller can know. */
type Fate = 'accepted' | 'refused' | 'unknown';

/** Keeps account of what callers were told, to be held against what the store has. */
export class Ledger {
  readonly #messages = new Map<string, Accepted>();
  readonly #executions = new Map<string, Accepted>();
  readonly #fates = new Map<string, { readonly fate: Fate; readonly number: number }[]>();
  readonly #draw: (number: number) => FuzzCase;
  readonly #removed = new Set<string>();
  /** How many callers were told that the agent failed; such an answer names no message. */
  #failures = 0;

  /** @param draw gives the case with a number again. */
  constructor(draw: (number: number) => FuzzCase) {
    this.#draw = draw;
  }

  /** Ids of the last messages. */
  readonly messageIds: string[] = [];
  /** The last executions. */
  readonly executionsTold: KnownExecution[] = [];

  /** How many turns callers were told of. */
  get turnsTold(): number {
    return this.#messages.size + this.#executions.size;
  }

  /** Notes what a caller was told. */
  note(request: FuzzRequest, outcome: Outcome): void {
    if (outcome.kind !== 'answered') {
      this.#noteFate(request, outcome.kind === 'left' && isRefusal(outcome.begun) ? 'refused' : 'unknown');
      return;
    }
    const { answer } = outcome;
    const wasAccepted = answer.status < 300 || isFailureOfAgent(answer);
    this.#noteFate(request, wasAccepted ? 'accepted' : 'refused');
    if (isFailureOfAgent(answer)) this.#failures += 1;
    if (answer.status !== 200) return;
    const path = pathOf(request);
    if (request.method === 'POST' && ANSWERED.test(path)) this.#noteMessage(request, answer);
    if (request.method === 'POST' && /^\/api\/session\/[^/]+\/execute$/.test(path))
      this.#noteExecution(request, answer);
    if (request.method === 'DELETE')
      this.#removed.add(`${request.tenant} ${String(property(parsed(answer.body), 'thread_key'))}`);
  }

  /** Notes what came of raw bytes: what was refused as a whole, or was no whole request, must have started nothing. */
  noteRaw(raw: RawExchange, { answers }: RawOutcome): void {
    const wasRefused =
      answers.length > 0 && answers.every((answer) => answer.status >= 400 && !isFailureOfAgent(answer));
    this.#noteFate(raw, raw.isHalf || wasRefused ? 'refused' : 'unknown');
  }

  /** What the store has that nobody was told of, and the other way round. */
  findings({ turns, threads }: Stored): readonly Finding[] {
    const stored = new Set(turns.flatMap((turn) => [turn.messageId, executionIdOf(turn)]));
    const nameless = turns.filter((turn) => turn.state === 'failed' && markersIn(turn.prompt).length === 0);
    return [
      // Of failed turns whose prompt has lost its marker nothing but their number can be told.
      ...turns
        .filter((turn) => nameless.length > this.#failures || !nameless.includes(turn))
        .flatMap((turn) => this.#turnFindings(turn)),
      ...[...this.#messages, ...this.#executions]
        .filter(([id, accepted]) => !stored.has(id) && !accepted.mayBeGone && !this.#isRemoved(accepted))
        .map(([id, { number }]) => finding('a turn that is not stored', `${id} was told of`, this.#draw(number))),
      ...threads
        .filter((thread) => thread.turns === 0 && !thread.isSession)
        .map(({ key }) => finding('a thread for a refused request', JSON.stringify(key), undefined)),
    ];
  }

  #turnFindings(turn: StoredTurn): readonly Finding[] {
    if (isOpenTurn(turn)) return [finding('a turn without end', `${turn.id} is ${turn.state}`, this.#blamed(turn))];
    const accepted = this.#messages.get(turn.messageId) ?? this.#executions.get(executionIdOf(turn));
    if (accepted !== undefined) {
      if (accepted.tenant === turn.tenant) return [];
      return [
        finding(
          'a turn of another tenant',
          `of ${turn.tenant}, told to ${accepted.tenant}`,
          this.#draw(accepted.number),
        ),
      ];
    }
    const fates = markersIn(turn.prompt).flatMap((marker) => this.#fates.get(marker) ?? []);
    if (fates.some(({ fate }) => fate !== 'refused')) return [];
    const text = `a turn is stored of which nobody was told but that the request is refused: ${turn.prompt.slice(0, 200)}`;
    return [finding('a turn for a refused request', text, this.#blamed(turn))];
  }

  #blamed(turn: StoredTurn): FuzzCase | undefined {
    const blamed = markersIn(turn.prompt).flatMap((marker) => this.#fates.get(marker) ?? [])[0];
    return blamed === undefined ? undefined : this.#draw(blamed.number);
  }

  #noteFate({ marker, number }: FuzzCase, fate: Fate): void {
    this.#fates.set(marker, [...(this.#fates.get(marker) ?? []), { fate, number }]);
  }

  #noteMessage(request: FuzzRequest, answer: Answer): void {
    const id = messageIdOf(answer);
    if (id === undefined) return;
    const threadKey = Buffer.from(answer.headers.get('x-chiron-thread-key')?.[0] ?? '', 'latin1').toString('utf8');
    const { number, tenant } = request;
    const mayBeGone = isWithoutTurn(request) || threadKey.startsWith('side:');
    this.#messages.set(id, { number, tenant, threadKey, mayBeGone });
    remember(this.messageIds, id);
  }

  #noteExecution(request: FuzzRequest, answer: Answer): void {
    const id = String(property(parsed(answer.body), 'execution_id'));
    const threadKey = String(property(parsed(answer.body), 'thread_key'));
    this.#executions.set(id, { number: request.number, tenant: request.tenant, threadKey, mayBeGone: false });
    remember(this.executionsTold, { id, path: request.target.replace(/\/execute.*$/, '') });
  }

  #isRemoved({ tenant, threadKey }: Accepted): boolean {
    return this.#removed.has(`${tenant} ${threadKey}`);
  }
}

/** Whether a request may be answered by the server itself: a probe, or Claude Code's request for a title. */
function isWithoutTurn(request: FuzzRequest): boolean {
  // A packed body is not looked into; one that no server may refuse is no probe.
  if (headerOf(request, 'content-encoding') !== undefined) return !request.isPlain;
  const body = parsed(request.body ?? Buffer.alloc(0));
  const hasFormat = property(property(body, 'output_config'), 'format') !== undefined;
  return Number(property(body, 'max_tokens')) <= 1 || (hasFormat && headerOf(request, 'x-app') !== undefined);
}

function executionIdOf({ id }: StoredTurn): string {
  return `exe_${id.replaceAll('-', '')}`;
}

function finding(rule: string, text: string, shown: FuzzCase | undefined): Finding {
  return { rule, text, shown };
}

function markersIn(prompt: string): readonly string[] {
  return prompt.match(MARKER) ?? [];
}

function isRefusal(begun: Pick<Answer, 'status'> | undefined): boolean {
  return begun !== undefined && begun.status >= 400;
}

/** A turn was started, and the demo agent failed as its prompt asked it to, or could not answer in the form that was asked for. */
function isFailureOfAgent({ body }: Answer): boolean {
  return ['The demo agent failed as asked', 'The agent’s answer ', 'agent_unavailable'].some((text) =>
    body.includes(text),
  );
}

function messageIdOf(answer: Answer): string | undefined {
  // The ids of OpenAI's APIs have that of the message.
  const [, part] = /"id":"(?:resp_|chatcmpl-)(\w+)"/.exec(answer.body.toString('utf8')) ?? [];
  if (part !== undefined) return `msg_${part}`;
  if (!isStream(answer)) {
    const id = property(parsed(answer.body), 'id');
    return typeof id === 'string' ? id : undefined;
  }
  const events = eventsOf(answer.body);
  const first = typeof events === 'string' ? undefined : events.find((event) => event.type === 'message_start');
  return first?.type === 'message_start' ? first.message.id : undefined;
}

function remember<T>(known: T[], one: T): void {
  known.push(one);
  if (known.length > REMEMBERED) known.shift();
}
