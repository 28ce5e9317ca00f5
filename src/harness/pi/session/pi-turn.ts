import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { isTurnEnd } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { FurtherMessage, HarnessThread } from '../../harness.js';
import { decodePi } from '../decode/decode.js';
import { parsePiFailure } from '../decode/failure.js';
import { PI_START, type PiState, withQueued } from '../decode/state.js';
import { PiRpcError } from '../process/pi-rpc.js';
import { toPiTurnMark } from '../record/record.js';
import type { PiProcess, PiTools } from './pi-process.js';
import type { PiRunningTurn } from './pi-running-turn.js';
import { deliverInput } from './deliver-input.js';

/** One turn in a process of pi. */
export class PiTurn {
  #state: PiState = PI_START;
  /** Whether pi works on the prompt: it loses an abort that comes before. */
  #isWorking = false;
  #resolveDone: () => void = () => undefined;
  /** Resolves at the end of the turn, or of the process. */
  readonly #done = new Promise<void>((resolve) => (this.#resolveDone = resolve));

  constructor(
    private readonly thread: Pick<HarnessThread, 'files' | 'folders'>,
    private readonly process: PiProcess,
    private readonly running: PiRunningTurn,
    private readonly logger: PiTools['logger'],
  ) {}

  /** Runs the turn. Resolves when its end was emitted; also when the process exits, which emits nothing here. Rejects when files cannot be written. */
  async run(turnId: string, prompt: Prompt): Promise<void> {
    const input = await deliverInput(this.thread, prompt);
    const { rpc } = this.process;
    const subscription = rpc.events$.subscribe({
      next: (batch) => this.#read(batch),
      complete: () => this.#resolveDone(),
    });
    this.process.isUsed = true;
    void this.process.tell({ type: 'set_session_name', name: toPiTurnMark(turnId) });
    try {
      const { disposition } = await rpc.request({ type: 'prompt', ...input });
      // A command of an extension has done it all.
      if (disposition === 'handled') this.#finish([{ type: 'turn-end', reason: 'end_turn' }]);
      await this.#done;
    } catch (error) {
      if (!(error instanceof PiRpcError)) throw error;
      if (!error.isGone) this.#finish([parsePiFailure(error.message)]);
    } finally {
      subscription.unsubscribe();
    }
  }

  /** Aborts the turn, once pi works on it. */
  interrupt(): void {
    if (!this.#isWorking || this.#state.hasEnded) return;
    // Pi would go on with the messages that it has not given to the model yet.
    void this.process.tell({ type: 'clear_queue' });
    void this.process.tell({ type: 'abort' });
  }

  #read(batch: readonly JsonObject[]): void {
    const events: HarnessEvent[] = [];
    for (const event of batch) {
      const [state, told] = decodePi(this.#state, event, Date.now());
      this.#state = state;
      events.push(...told);
      if (event['type'] === 'agent_start' && !this.#isWorking) this.#startWork();
    }
    const end = events.at(-1);
    if (end === undefined || !isTurnEnd(end)) return this.running.emit(events);
    this.running.emit(events.slice(0, -1));
    void this.#end(end);
  }

  #startWork(): void {
    this.#isWorking = true;
    this.running.startMessages((message) => void this.#give(message));
    if (this.running.interruptRequested) this.interrupt();
  }

  /** Pi keeps a message that came too late for its next turn, in which the server gives it again. */
  async #end(end: HarnessEvent): Promise<void> {
    if (this.running.unheard.length > 0) await this.process.tell({ type: 'clear_queue' });
    this.#finish([end]);
  }

  #finish(events: readonly HarnessEvent[]): void {
    this.running.emit(events);
    this.#resolveDone();
  }

  async #give(message: FurtherMessage): Promise<void> {
    try {
      const input = await deliverInput(this.thread, message.prompt);
      if (this.#state.hasEnded) return;
      this.#state = withQueued(this.#state, { id: message.id, text: input.message });
      await this.process.rpc.request({ type: 'steer', ...input });
    } catch (error) {
      if (error instanceof PiRpcError && error.isGone) return;
      // Pi does not take it, or its files cannot be written: it waits for the next turn.
      this.logger.warn('failed to give pi a further message');
      this.running.settle(message.id, false);
    }
  }
}
