import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, AnswerReader, NotAnAnswer } from './answer-reader.js';
import { bytesOf, type FuzzRequest, type RawExchange } from './request.js';

/** How long a request may take, in milliseconds. Longer is hanging: nothing that the server is asked for here takes a second. */
export const LIMIT = 45_000;
/** Between two writes of a raw exchange, in milliseconds. */
const PAUSE = 15;

/** What came of a request. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** The caller left before the end, as it was to. */
  | { readonly kind: 'left'; readonly begun: Pick<Answer, 'status' | 'headers'> | undefined }
  | { readonly kind: 'no answer' | 'hanging' | 'not an answer'; readonly text: string };

/** What came of a raw exchange. */
export interface RawOutcome {
  readonly answers: readonly Answer[];
  readonly kind: 'done' | 'hanging' | 'not an answer';
  readonly text: string;
}

interface Waiting {
  answered(answer: Answer): void;
  broken(kind: 'no answer' | 'not an answer', text: string): void;
  bytes(): void;
}

/** A connection to the server that bytes can be put on as they are. */
export class Connection {
  /** The request before the one that goes on, which may have left the connection in a bad state. */
  previous: FuzzRequest | undefined;
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #waiting: Waiting | undefined;
  #isOpen = true;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // What is wrong with it is told by its close.
    socket.on('error', () => undefined);
    // Half open on this side only: what the server has ended brings no answer any more.
    socket.on('end', () => this.close());
    socket.on('close', () => this.#closed());
  }

  /** Opens a connection. Rejects when the server does not take it. */
  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
    });
  }

  /** Whether another request can be put on it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends a request and waits for its answer. Never rejects. */
  send(request: FuzzRequest, limit = LIMIT): Promise<Outcome> {
    this.#reader.expect(request.method);
    return new Promise((resolve) => {
      const cancel = afterPatience(limit, () =>
        end({ kind: 'hanging', text: `no whole answer after ${limit / 1000} s` }),
      );
      let isOver = false;
      const end = (outcome: Outcome): void => {
        // A refusal may be faster than a caller that is about to leave.
        if (isOver) return;
        isOver = true;
        cancel();
        this.#waiting = undefined;
        this.previous = request;
        if (outcome.kind !== 'answered' || closes(outcome.answer)) this.close();
        resolve(outcome);
      };
      const leave = (): void => end({ kind: 'left', begun: this.#reader.begun });
      this.#waiting = {
        answered: (answer) => end({ kind: 'answered', answer }),
        broken: (kind, text) => end({ kind, text }),
        bytes: () => {
          // A refusal is read to its end: what is left early is an answer.
          if (request.leaves === 'after the first bytes' && this.#reader.begun?.status === 200) leave();
        },
      };
      this.#socket.write(bytesOf(request), () => {
        if (request.leaves === 'after sending') setTimeout(leave, PAUSE);
      });
    });
  }

  /** Sends bytes and reads what comes back, until there are enough answers or the server closes. Never rejects. */
  async exchange({ writes, ending, answers: wanted }: RawExchange): Promise<RawOutcome> {
    for (let count = 0; count < wanted; count += 1) this.#reader.expect('GET');
    const answers: Answer[] = [];
    const done = new Promise<RawOutcome>((resolve) => {
      const cancel = afterPatience(LIMIT, () => resolve({ answers, kind: 'hanging', text: 'still open' }));
      const end = (kind: RawOutcome['kind'], text: string): void => {
        cancel();
        resolve({ answers, kind, text });
      };
      this.#waiting = {
        answered: (answer) => {
          answers.push(answer);
          if (answers.length >= wanted && ending === 'waits') end('done', '');
        },
        broken: (kind, text) => end(kind === 'no answer' ? 'done' : kind, text),
        bytes: () => undefined,
      };
    });
    for (const bytes of writes) {
      if (!this.#isOpen) break;
      await new Promise((resolve) => void this.#socket.write(bytes, resolve));
      await delay(PAUSE);
    }
    if (ending === 'ends') this.#socket.end();
    if (ending === 'cuts') this.#socket.destroy();
    const outcome = await done;
    this.close();
    return outcome;
  }

  /** Cuts the connection. */
  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const answer of this.#reader.push(chunk)) this.#waiting?.answered(answer);
      this.#waiting?.bytes();
    } catch (error) {
      if (!(error instanceof NotAnAnswer)) throw error;
      this.#waiting?.broken('not an answer', error.message);
      this.close();
    }
  }

  #closed(): void {
    this.#isOpen = false;
    const last = this.#reader.end();
    if (last !== undefined) this.#waiting?.answered(last);
    this.#waiting?.broken('no answer', 'the connection was closed');
    this.#waiting = undefined;
  }
}

/** How late a timer may be, in milliseconds; one that is later says that this process, or the whole machine, stood still. */
const LATE = 1000;

/** Calls back after so many milliseconds in which this process was awake, unless it is cancelled before. */
function afterPatience(limit: number, callback: () => void): () => void {
  const due = performance.now() + limit;
  let timer = setTimeout(() => {
    if (performance.now() < due + LATE) callback();
    // What has come meanwhile has not been read yet.
    else timer = setTimeout(callback, limit);
  }, limit);
  return () => clearTimeout(timer);
}

function closes(answer: Answer): boolean {
  return !answer.isWhole || answer.headers.get('connection')?.includes('close') === true;
}
