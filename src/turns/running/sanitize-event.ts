import type { SilentEvent } from '../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, JsonValue } from '../../domain/harness-event.js';
import { replaceLoneSurrogates } from '../../domain/surrogates.js';

/**
 * Maximum nesting depth of a tool's input. `JSON.stringify` overflows the stack above some 3,000 levels, and an event that cannot be
 * written would block those of every other turn.
 */
const MAX_DEPTH = 256;

/** Placeholder for values below the maximum depth. */
const TOO_DEEP = '[nested too deep]';

/**
 * Sanitizes the strings and limits the depth of tool events and failures. Lone surrogates become U+FFFD: strict JSON parsers would
 * reject the complete event. Text and thinking deltas pass unchanged, because the next delta may complete a surrogate pair.
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

/** @param depth the number of lists and objects around the value. */
function sanitizeValue(value: JsonValue, depth: number): JsonValue {
  if (typeof value === 'string') return replaceLoneSurrogates(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (isList(value)) return value.map((item) => sanitizeValue(item, depth + 1));
  return sanitizeObject(value, depth + 1);
}

function isList(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}
