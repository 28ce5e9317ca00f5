import { Logger } from '@nestjs/common';
import { hasTrait } from '../../domain/event-traits.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import { checkAnswer } from '../../workers/check-schema.js';

type Events = readonly HarnessEvent[];
type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' | 'turn-failed' }>;

interface BufferedText {
  readonly id: string;
  readonly pieces: string[];
}

/** How many schema violations the failure names. */
const MAX_REPORTED_VIOLATIONS = 3;

/**
 * Makes the answer of a turn follow its schema: the last text, if it is valid, is the only text of the answer. Clients parse every
 * text block of such an answer [@anthropic-ai/sdk 1.12.0, parser.ts], so earlier texts of the agent become thinking.
 *
 * Buffers a text until a later event shows whether it is the last one.
 */
export class StructuredOutputBuffer {
  #held: BufferedText | undefined;

  constructor(private readonly schema: JsonObject) {}

  /** Adds events and returns those to emit now. @throws Error for the end of the turn, which belongs to `finish`. */
  push(events: Events): Events {
    return events.flatMap((event) => this.pushOne(event));
  }

  /** Returns the buffered events and the end of the turn: a normal end without a valid answer becomes a failure. Never rejects. */
  async finish(end: TurnEnd): Promise<readonly [Events, TurnEnd]> {
    const held = this.#held;
    this.#held = undefined;
    if (end.type === 'turn-failed' || end.reason === 'interrupted') return [asThinking(held), end];
    const answer = held === undefined ? '' : held.pieces.join('');
    // A truncated or refused answer is not checked: its stop reason explains it.
    const problem = end.reason === 'end_turn' ? await validationError(answer, this.schema) : undefined;
    if (problem !== undefined) return [asThinking(held), { type: 'turn-failed', kind: 'internal', message: problem }];
    return [held === undefined ? [] : block('text-delta', held), end];
  }

  private pushOne(event: HarnessEvent): Events {
    const held = this.#held;
    switch (event.type) {
      case 'text-delta': {
        if (held?.id === event.id) {
          held.pieces.push(event.text);
          return [];
        }
        this.#held = { id: event.id, pieces: [event.text] };
        return asThinking(held);
      }
      case 'block-end':
        return held?.id === event.id ? [] : [event];
      case 'attempt-start':
        // The resumed harness replays the buffered text.
        this.#held = undefined;
        return [event];
      default:
        if (isTurnEnd(event)) throw new Error('the end of a turn was pushed; pass it to finish');
        if (!hasTrait(event, 'flushesText', true)) return [event];
        this.#held = undefined;
        return [...asThinking(held), event];
    }
  }
}

function asThinking(held: BufferedText | undefined): Events {
  return held === undefined ? [] : block('thinking-delta', held);
}

function block(type: 'text-delta' | 'thinking-delta', { id, pieces }: BufferedText): Events {
  return [
    { type, id, text: pieces.join('') },
    { type: 'block-end', id },
  ];
}

/** Describes what is wrong with an answer without quoting it; `undefined` for a valid answer. */
async function validationError(answer: string, schema: JsonObject): Promise<string | undefined> {
  const check = await checkAnswer(schema, answer).catch((error: unknown) => {
    new Logger(StructuredOutputBuffer.name).error({ err: error }, 'failed to check an answer against its schema');
    return { kind: 'unusable-schema' } as const;
  });
  switch (check.kind) {
    case 'valid':
      return undefined;
    case 'not JSON':
      return 'The agent’s answer is not JSON, which output_config.format requires.';
    case 'invalid':
      return `The agent’s answer does not follow the schema of output_config.format: ${check.violations.slice(-MAX_REPORTED_VIOLATIONS).join(', ')}`;
    case 'unusable-schema':
      return 'The agent’s answer cannot be checked against the schema of output_config.format.';
    default:
      return check satisfies never;
  }
}
