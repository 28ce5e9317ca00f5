import { Connection, type Outcome } from './connection.js';
import { drawCase } from './draw-case.js';
import { type Finding, judge, type Judged, judgeRaw } from './judge.js';
import type { FuzzCase, FuzzRequest, RawExchange } from './request.js';
import type { Target } from './target.js';

/** Told of every case. */
export interface Watcher {
  /** @param status the answer's status, or how it came that there is none. */
  done(each: FuzzCase, status: string): void;
  found(findings: readonly Finding[]): void;
}

/** Asks a server whether it is well, on the same connection. */
const HEALTH: FuzzRequest = {
  type: 'request',
  number: -1,
  kind: 'a health check',
  method: 'GET',
  target: '/healthz',
  headers: [['host', '127.0.0.1']],
  body: undefined,
  framing: 'length',
  key: 'open',
  tenant: '',
  marker: '',
  isPlain: false,
  leaves: undefined,
};

/** Sends one case after the other, each when the one before is done; requests share a connection as long as it holds. */
export class Caller {
  readonly #target: Target;
  readonly #watcher: Watcher;
  #connection: Connection | undefined;

  constructor(target: Target, watcher: Watcher) {
    this.#target = target;
    this.#watcher = watcher;
  }

  /** Draws and sends the cases with these numbers, until there are no more. Rejects when the server takes no connection. */
  async work(numbers: Iterator<number>): Promise<void> {
    for (let next = numbers.next(); next.done !== true; next = numbers.next()) {
      const drawn = drawCase(next.value, this.#target.surroundings);
      if (drawn.type === 'raw') await this.#exchange(drawn);
      else await this.#request(drawn);
    }
    this.#connection?.close();
  }

  async #exchange(raw: RawExchange): Promise<void> {
    const connection = await Connection.open(this.#target.port);
    const outcome = await connection.exchange(raw);
    this.#target.ledger.noteRaw(raw, outcome);
    this.#watcher.done(raw, String(outcome.answers[0]?.status ?? 'closed'));
    this.#watcher.found(judgeRaw(raw, outcome, this.#target));
  }

  async #request(request: FuzzRequest): Promise<void> {
    const { ledger } = this.#target;
    if (this.#connection?.isOpen !== true) this.#connection = await Connection.open(this.#target.port);
    const { previous } = this.#connection;
    let outcome = await this.#connection.send(request);
    ledger.note(request, outcome);
    if (previous !== undefined && outcome.kind !== 'answered' && outcome.kind !== 'left') {
      // Is it the request, or what the one before has made of the connection?
      this.#connection = await Connection.open(this.#target.port);
      const again = await this.#connection.send(request);
      ledger.note(request, again);
      const wasBefore = again.kind === 'answered' || again.kind === 'left';
      // A connection that is closed between two answers is no fault: servers may do so at any time.
      if (wasBefore && outcome.kind !== 'no answer') {
        const text = `the next request on its connection is ${outcome.kind}: ${outcome.text} (${request.number}, ${request.kind})`;
        this.#watcher.found([{ rule: 'spoils its connection', text, shown: previous }]);
      }
      outcome = again;
    }
    this.#watcher.done(request, outcome.kind === 'answered' ? String(outcome.answer.status) : outcome.kind);
    this.#watcher.found(judge(request, outcome, this.#target));
  }
}

/** Sends a request on a connection of its own, and another one after it. What is wrong with what came of it. */
export async function sendAlone(port: number, request: FuzzRequest, judged: Judged, limit: number): Promise<Alone> {
  const connection = await Connection.open(port);
  try {
    const outcome = await connection.send(request, limit);
    const findings = [...judge(request, outcome, judged)];
    if (outcome.kind === 'answered' && connection.isOpen) {
      const after = await connection.send(HEALTH, limit);
      if (after.kind !== 'answered' && after.kind !== 'no answer') {
        findings.push({ rule: 'spoils its connection', text: after.kind, shown: request });
      }
    }
    return { outcome, findings };
  } finally {
    connection.close();
  }
}

/** What came of a request that was sent by itself. */
export interface Alone {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}
