import type { HarnessEvent } from './harness-event.js';

/** What the readers of a turn need to know of a kind of event that has no code of its own with them. */
export interface EventTraits {
  /** The outer message starts with it at the latest; what does not begin it may come before an HTTP status is decided. */
  readonly begins: boolean;
  /** What its `id` names. A resumed harness emits the same units again, under the same ids, and they are dropped by it. */
  readonly unit: 'block' | 'tool-call' | 'tool-result' | 'none';
  /** A piece of the block that its `id` names, worth nothing unless the block ends in the same attempt. */
  readonly isDelta: boolean;
  /** The text before it is not the answer of the turn: where an answer must follow a schema, that text becomes thinking. */
  readonly flushesText: boolean;
  /** Its `usage` is part of what the turn used. */
  readonly countsUsage: boolean;
  /** False for what a reader may ignore: a `switch` over events may leave it to its default, and must have a case for the rest. */
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

/** The kinds of events that this server knows. A kind that is not here was stored by a newer server, and is not read. */
export const EVENT_TRAITS = {
  'text-delta': { ...CONTENT, unit: 'block', isDelta: true },
  'thinking-delta': { ...CONTENT, unit: 'block', isDelta: true, flushesText: true },
  'block-end': { ...CONTENT, unit: 'block' },
  'tool-call': { ...CONTENT, unit: 'tool-call', flushesText: true },
  'tool-result': { ...CONTENT, unit: 'tool-result' },
  'caller-tool-call': { ...CONTENT, flushesText: true },
  'model-call-start': { ...SILENT, begins: true },
  'model-call-end': { ...CONTENT, countsUsage: true },
  'session-started': SILENT,
  notice: SILENT,
  'attempt-start': { ...CONTENT, begins: false },
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

/** What a `switch` over events may leave to its default. With `satisfies`, the compiler refuses one that forgets a kind with content. */
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

/** Whether this server knows the kind of an event that was stored, maybe by a newer one. */
export function isKnownEvent(event: { readonly type: string }): event is HarnessEvent {
  return Object.hasOwn(EVENT_TRAITS, event.type);
}

/** What takes the place of an event that is not for a reader who counts events: it shows nothing, and those after it keep their index. */
export const PLACEHOLDER: HarnessEvent = { type: 'notice', kind: 'progress', message: '' };
