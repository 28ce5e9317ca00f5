import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ownModule } from '../../own-files.js';
import { WorkerPool } from '../../workers/worker-pool.js';
import { extractTokenInput, type CountableRequest } from './token-input.js';
import { sampleText } from './text-sample.js';

/** How long an idle tokenizer is kept: it holds about 50 MB. */
const IDLE_MS = 60_000;

/** Estimates the tokens of a request without calling a model. */
@Injectable()
export class TokenCounter implements OnApplicationShutdown {
  readonly #pool = new WorkerPool<readonly string[], number>({
    name: 'tokenizer',
    module: ownModule('messages/count-tokens/tokenize.worker'),
    size: 1,
    idleMs: IDLE_MS,
    heapMb: 512,
  });

  /** Estimates the tokens of the system prompt, the tools and the messages. Rejects if the tokenizer fails. */
  async count(request: CountableRequest): Promise<number> {
    const { text, fixedTokens, scale } = extractTokenInput(request);
    const sample = sampleText(text);
    const tokens = text === '' ? 0 : await this.#pool.run(sample.slices);
    return Math.ceil((fixedTokens + tokens * sample.scale) * scale);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#pool.stop();
  }
}
