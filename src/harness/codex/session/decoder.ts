import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { type CodexState, decodeObject, initialCodexState } from '../decode/decode.js';
import type { CodexStep } from '../decode/state.js';

/** The state of the decoder of one process. */
export class CodexDecoder {
  #state: CodexState = initialCodexState();

  get state(): CodexState {
    return this.#state;
  }

  /** Begins with another conversation. */
  reset(known: { readonly threadId: string; readonly model: string }): void {
    this.#state = initialCodexState(known);
  }

  /** Decodes a message of the app-server. */
  decode(message: JsonObject): readonly HarnessEvent[] {
    const { state, events } = decodeObject(this.#state, message);
    this.#state = state;
    return events;
  }

  /** Makes a step that no message makes. */
  apply(step: (state: CodexState) => CodexStep): readonly HarnessEvent[] {
    const [state, events] = step(this.#state);
    this.#state = state;
    return events;
  }
}
