import type { Subscriber } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { FurtherMessage, HarnessTurn } from '../harness.js';

/** A turn that runs, and the further messages that came before its process had its prompt. */
export class RunningTurn {
  private early: { readonly message: FurtherMessage; readonly resolve: (isHeard: boolean) => void }[] = [];
  /** Whether anything of the turn has been emitted besides the id of its conversation. */
  hasEmitted = false;
  private give: ((message: FurtherMessage) => Promise<boolean>) | undefined;

  constructor(
    public turn: HarnessTurn,
    private readonly subscriber: Subscriber<readonly HarnessEvent[]>,
  ) {}

  /** Emits events of the turn. */
  emit(events: readonly HarnessEvent[]): void {
    this.hasEmitted ||= events.some(({ type }) => type !== 'session-started');
    this.subscriber.next(events);
  }

  /** Another process runs the turn, from what the first one may have written down. Further messages wait for it. */
  beginAgain(): void {
    this.give = undefined;
    this.turn = { ...this.turn, attempt: Math.max(2, this.turn.attempt) };
  }

  /** Completes the turn: it takes no further messages. */
  complete(): void {
    for (const { resolve } of this.early.splice(0)) resolve(false);
    this.subscriber.complete();
  }

  /** Gives a further message to the process, once that has the prompt. Resolves to whether the agent heard it in this turn. */
  addMessage(message: FurtherMessage): Promise<boolean> {
    if (this.give !== undefined) return this.give(message);
    return new Promise((resolve) => this.early.push({ message, resolve }));
  }

  /** The process has the prompt: `give` gives it further messages. */
  startMessages(give: (message: FurtherMessage) => Promise<boolean>): void {
    this.give = give;
    for (const { message, resolve } of this.early.splice(0)) void give(message).then(resolve);
  }
}
