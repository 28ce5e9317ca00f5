import type { HarnessEvent } from './harness-event.js';

/** How the readers of a turn treat a kind of event that they do not handle explicitly. */
export interface EventTraits {
  /** It starts the outer message at the latest. Other events may come before the HTTP status is sent. */
  readonly begins: boolean;
  /** What its `id` identifies. A resumed harness replays units under the same ids, by which they are deduped. */
  readonly unit: 'block' | 'tool-call' | 'tool-result' | 'caller-call' | 'user-message' | 'none';
  /** A piece of the block with its `id`. It is discarded unless the block ends in the same attempt. */
  readonly isDelta: boolean;
  /** The text before it is not the turn's answer. If the answer must follow a schema, that text becomes thinking. */
  readonly flushesText: boolean;
  /** Its `usage` counts towards the turn's usage. */
  readonly countsUsage: boolean;
  /** False if a reader may ignore it: a `switch` over events may leave it to its default, but needs a case for every other kind. */
  readonly hasContent: boolean;
}

const SILENT = {
  begins: false,
  unit: 'none',
  isDelta: false,
  flushesText: false,
  countsUsage: false,
  hasContent: false,
} as const satisfies EventTraits;

const CONTENT = { ...SILENT, begins: true, hasContent: true } as const satisfies EventTraits;

/** The kinds of events that this server knows. Other kinds were stored by a newer server; readers skip them. */
export const EVENT_TRAITS = {
  'text-delta': { ...CONTENT, unit: 'block', isDelta: true },
  'thinking-delta': { ...CONTENT, unit: 'block', isDelta: true, flushesText: true },
  'block-end': { ...CONTENT, unit: 'block' },
  'tool-call': { ...CONTENT, unit: 'tool-call', flushesText: true },
  'tool-result': { ...CONTENT, unit: 'tool-result' },
  'caller-tool-call': { ...CONTENT, unit: 'caller-call', flushesText: true },
  'user-message': { ...SILENT, unit: 'user-message' },
  'model-call-start': { ...SILENT, begins: true },
  'model-call-end': { ...CONTENT, countsUsage: true },
  'session-started': SILENT,
  notice: SILENT,
  'attempt-start': { ...CONTENT, begins: false },
  'block-dropped': SILENT,
  'turn-end': CONTENT,
  'turn-failed': { ...CONTENT, begins: false },
} as const satisfies Readonly<Record<HarnessEvent['type'], EventTraits>>;

type KindsWith<Name extends keyof EventTraits, Value extends EventTraits[Name]> = {
  [Kind in HarnessEvent['type']]: (typeof EVENT_TRAITS)[Kind][Name] extends Value ? Kind : never;
}[HarnessEvent['type']];

/** The events whose kind has this trait. */
export type EventsWith<Name extends keyof EventTraits, Value extends EventTraits[Name]> = Extract<
  HarnessEvent,
  { readonly type: KindsWith<Name, Value> }
>;

/** The events that a `switch` may leave to its default. With `satisfies`, the compiler rejects a missing case for a kind with content. */
export type SilentEvent = EventsWith<'hasContent', false>;

/** Whether the kind of an event has this trait. */
export function hasTrait<Name extends keyof EventTraits, Value extends EventTraits[Name]>(
  event: HarnessEvent,
  name: Name,
  value: Value,
): event is EventsWith<Name, Value> {
  const traits: EventTraits = EVENT_TRAITS[event.type];
  return traits[name] === value;
}

/** Whether this server knows the kind of a stored event, which a newer server may have written. */
export function isKnownEvent(event: { readonly type: string }): event is HarnessEvent {
  return Object.hasOwn(EVENT_TRAITS, event.type);
}

/** Replaces an event that a counting reader must not see. It shows nothing, and later events keep their index. */
export const PLACEHOLDER: HarnessEvent = { type: 'notice', kind: 'progress', message: '' };
