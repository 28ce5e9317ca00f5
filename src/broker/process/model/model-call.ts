import type { ModelTokens, Upstream } from '../../protocol.ts';
import { countAll, findIncrease } from './model-tokens.ts';
import { TokenReader } from './token-reader.ts';

/**
 * How many bytes of a request and of its answer count as a token where the provider's count never came. Rough: text has about four bytes a token,
 * events have from thirty on.
 */
const BYTES_PER_TOKEN = 16;

/** How many bytes of a request may be one token: few, as this is the most that a call may take. */
const LEAST_BYTES_PER_TOKEN = 3;
/** The longest answer of current models of both providers. What the agent says of it is not asked: it would be read after its whole conversation. */
const MOST_OUTPUT_TOKENS = 128_000;

/** One call of a model, from the request on, and what is known of its tokens. */
export class ModelCall {
  readonly #answers: Upstream['answers'];
  readonly #announced: number;
  #reader: TokenReader | undefined;
  #asked = 0;
  #answered = 0;
  #isCutOff = false;
  #isServed = false;
  #isOver = false;
  #billed: ModelTokens | undefined;
  #onOver: () => void = () => undefined;

  /** @param announced the length of the request, in bytes, as far as it says it */
  constructor(answers: Upstream['answers'], announced = 0) {
    this.#answers = answers;
    this.#announced = announced;
  }

  /** Bytes of the request pass by. */
  ask(chunk: Buffer): void {
    this.#asked += chunk.length;
  }

  /** The answer begins. */
  begin(status: number): void {
    this.#isServed = status < 300;
  }

  /** Bytes of the answer pass by. */
  answer(chunk: Buffer, isStream: boolean): void {
    this.#answered += chunk.length;
    this.#reader ??= new TokenReader(this.#answers, isStream);
    this.#reader.push(chunk);
  }

  /**
   * The answer is over, and then the call; the last one to say so counts.
   *
   * @param isCutOff whether the agent has not got the whole answer: it left, or the provider broke off
   */
  end(isCutOff: boolean): void {
    this.#reader?.end();
    this.#isCutOff = isCutOff;
    this.#isOver = true;
    this.#onOver();
  }

  /** Whether its tokens are known for good. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Has a listener hear when the call is over, which may be twice. */
  onOver(listener: () => void): void {
    this.#onOver = listener;
  }

  /**
   * Tokens that count for the limit of a turn. A call is not free because the agent left before the provider told its count, or because it did not ask
   * for one: in a stream of Chat Completions, it is there on request only.
   */
  get spent(): number {
    const tokens = this.#reader?.tokens;
    const counted = tokens === undefined ? 0 : countAll(tokens);
    const bytes = this.#asked + this.#answered;
    const isUntold = this.#isOver && this.#isServed && tokens === undefined;
    return this.#isCutOff || isUntold ? Math.max(counted, Math.ceil(bytes / BYTES_PER_TOKEN)) : counted;
  }

  /** The same, while the call is on its way: the most that it may take. */
  get reserved(): number {
    if (this.#isOver) return this.spent;
    const asked = Math.max(this.#announced, this.#asked);
    return Math.max(this.spent, Math.ceil(asked / LEAST_BYTES_PER_TOKEN) + MOST_OUTPUT_TOKENS);
  }

  /** Whether the provider has counted tokens that were not billed yet. */
  get isUnbilled(): boolean {
    return findIncrease(this.#billed, this.#reader?.tokens) !== undefined;
  }

  /** What the provider has counted and was not billed yet, which is billed now; `undefined` if there is nothing. */
  bill(): ModelTokens | undefined {
    const tokens = this.#reader?.tokens;
    const increase = findIncrease(this.#billed, tokens);
    this.#billed = tokens;
    return increase;
  }
}
