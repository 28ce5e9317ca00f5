import type { ModelTokens } from '../../protocol.ts';
import { TokenReader } from './token-reader.ts';

/**
 * How many bytes of a request and of its answer count as a token where the provider's count never came. Rough: text has about four bytes a token,
 * events have from thirty on.
 */
const BYTES_PER_TOKEN = 16;

/** One call of a model, from the request on, and what is known of its tokens. */
export class ModelCall {
  readonly #answers: 'anthropic' | 'openai';
  #reader: TokenReader | undefined;
  #bytes = 0;
  #isCutOff = false;

  constructor(answers: 'anthropic' | 'openai') {
    this.#answers = answers;
  }

  /** Bytes of the request pass by. */
  ask(chunk: Buffer): void {
    this.#bytes += chunk.length;
  }

  /** Bytes of the answer pass by. */
  answer(chunk: Buffer, isStream: boolean): void {
    this.#bytes += chunk.length;
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
  }

  /** What the provider has counted; `undefined` if it has not said anything. */
  get tokens(): ModelTokens | undefined {
    return this.#reader?.tokens;
  }

  /** Tokens that count for the limit of a turn. A call is not free because the agent left before the provider told its count. */
  get spent(): number {
    const { tokens } = this;
    const counted =
      tokens === undefined
        ? 0
        : tokens.inputTokens + tokens.outputTokens + tokens.cacheReadInputTokens + tokens.cacheCreationInputTokens;
    return this.#isCutOff ? Math.max(counted, Math.ceil(this.#bytes / BYTES_PER_TOKEN)) : counted;
  }
}
