import type { JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { ForcedCall } from '../../translator/views/forced-tool.js';
import type { McpCallItem, OutputItem } from '../wire/output-item.js';
import type { ResponseEvent, UnnumberedEvent } from '../wire/response-event.js';
import type { ResponseFacts } from '../wire/response-object.js';
import { runSteps } from '../../domain/run-steps.js';

/** The forms of inner tools in a response: `mcp_call` items, a line of text for each, both, or nothing. */
export const RESPONSE_TOOL_FORMS = ['calls', 'lines', 'both', 'none'] as const;

/** One of the {@link RESPONSE_TOOL_FORMS}. */
export type ResponseToolForm = (typeof RESPONSE_TOOL_FORMS)[number];

/** How a caller wants its response. It is stored with the turn: the numbers of the events depend on it. */
export interface ResponseView {
  readonly toolForm: ResponseToolForm;
  /** Maximum output of an inner tool, in characters. */
  readonly toolOutputLimit: number;
  /** Whether reasoning items have `encrypted_content`. */
  readonly hasEncryptedReasoning: boolean;
  /** Codex takes the usage of the last response for the size of its context, so it gets that of the last model call. [Codex 0.169.0] */
  readonly usageOf: 'turn' | 'last-call';
  /** Whether an interrupted turn is `cancelled`; else it is `completed`, as Codex repeats a request that ends otherwise. */
  readonly endsCancelled: boolean;
  /** The call that the answer, which is JSON, becomes; absent for none. */
  readonly forcedCall?: ForcedCall;
}

/** A text or a summary of thinking that is being sent. */
export interface UnfinishedItem {
  readonly kind: 'message' | 'reasoning';
  /** The harness's id of the block. */
  readonly blockId: string;
  readonly id: string;
  readonly index: number;
  readonly text: string;
  /** Whether the block is complete. Its item waits for the next event, which shows what the text was for. */
  readonly isEnded: boolean;
}

/** A finished item at its place. */
export interface PlacedItem {
  readonly index: number;
  readonly item: OutputItem;
}

/** A call of an inner tool that has no result yet. */
export interface OpenCall {
  readonly index: number;
  readonly item: McpCallItem;
}

/** The translation state of a turn's response. Immutable. */
export interface ResponseState {
  readonly facts: ResponseFacts;
  readonly view: ResponseView;
  readonly messageId: string;
  /** The number of the next event. */
  readonly sequence: number;
  /** The place of the next item. */
  readonly nextIndex: number;
  readonly output: readonly PlacedItem[];
  readonly open: UnfinishedItem | undefined;
  /** By the harness's id of the call. */
  readonly calls: ReadonlyMap<string, OpenCall>;
  readonly totals: TokenUsage | undefined;
  readonly lastCall: TokenUsage | undefined;
  readonly isDone: boolean;
}

/** The next state, and the events to send. */
export type ResponseStep = readonly [ResponseState, readonly ResponseEvent[]];

/** A part of a step. */
export type ResponseMove = (state: ResponseState) => ResponseStep;

/** What it takes to translate a turn. */
export interface ResponseOptions {
  readonly messageId: string;
  readonly facts: ResponseFacts;
  readonly view: ResponseView;
}

/** Makes the state before anything is sent. */
export function initialResponseState({ messageId, facts, view }: ResponseOptions): ResponseState {
  return {
    facts,
    view,
    messageId,
    sequence: 0,
    nextIndex: 0,
    output: [],
    open: undefined,
    calls: new Map(),
    totals: undefined,
    lastCall: undefined,
    isDone: false,
  };
}

/** Sends events, with their numbers. */
export function emit(state: ResponseState, ...events: readonly UnnumberedEvent[]): ResponseStep {
  const numbered = events.map((event, place): ResponseEvent => ({ ...event, sequence_number: state.sequence + place }));
  return [{ ...state, sequence: state.sequence + events.length }, numbered];
}

/** Makes moves one after the other. */
export function inOrder(state: ResponseState, ...moves: readonly ResponseMove[]): ResponseStep {
  return runSteps(state, moves, (current, move) => move(current));
}

/** Adds a finished item to the output. */
export function withItem(state: ResponseState, index: number, item: OutputItem): ResponseState {
  return { ...state, output: [...state.output, { index, item }] };
}

/** Renders the input of a call. */
export function renderArguments(input: JsonObject): string {
  return JSON.stringify(input);
}
