import type { SilentEvent } from '../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, JsonValue } from '../../domain/harness-event.js';
import { replaceLoneSurrogates } from '../../domain/well-formed.js';

/**
 * How many lists and objects of a tool's input may be in one another. `JSON.stringify` has no stack left somewhere above 3,000, and
 * an event that cannot be written would hold up those of every other turn.
 */
const MAX_DEPTH = 256;

/** What stands for what is nested deeper. */
const TOO_DEEP = '[nested too deep]';

/**
 * What a harness says about tools and failures, in strings that every client can read and of a depth that can be stored: half a
 * character becomes U+FFFD, as strict parsers refuse it together with the whole event. Text and thinking pass as they are, as
 * their halves may belong to the next piece.
 */
export function sanitizeEvent(event: HarnessEvent): HarnessEvent {
  switch (event.type) {
    case 'tool-call': {
      const server = replaceLoneSurrogates(event.server);
      return {
        ...event,
        id: replaceLoneSurrogates(event.id),
        name: replaceLoneSurrogates(event.name),
        server,
        input: sanitizeObject(event.input, 1),
      };
    }
    case 'caller-tool-call':
      return {
        ...event,
        id: replaceLoneSurrogates(event.id),
        name: replaceLoneSurrogates(event.name),
        input: sanitizeObject(event.input, 1),
      };
    case 'tool-result':
      return {
        ...event,
        id: replaceLoneSurrogates(event.id),
        content: event.content.map((part) =>
          part.type === 'text' ? { ...part, text: replaceLoneSurrogates(part.text) } : part,
        ),
      };
    case 'turn-failed':
      return { ...event, message: replaceLoneSurrogates(event.message) };
    case 'text-delta':
    case 'thinking-delta':
    case 'block-end':
    case 'model-call-end':
    case 'attempt-start':
    case 'turn-end':
      return event;
    default:
      return event satisfies SilentEvent;
  }
}

function sanitizeObject(object: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [replaceLoneSurrogates(name), sanitizeValue(value, depth)]),
  );
}

/** `depth`: how many lists and objects the value is in. */
function sanitizeValue(value: JsonValue, depth: number): JsonValue {
  if (typeof value === 'string') return replaceLoneSurrogates(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (isList(value)) return value.map((one) => sanitizeValue(one, depth + 1));
  return sanitizeObject(value, depth + 1);
}

function isList(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}
