import type { OutputItem, OutputText } from './output-item.js';
import type { ResponseObject } from './response-object.js';

/** Where an event belongs. */
interface ItemPlace {
  readonly item_id: string;
  readonly output_index: number;
}

interface TextPlace extends ItemPlace {
  readonly content_index: 0;
}

interface SummaryPlace extends ItemPlace {
  readonly summary_index: 0;
}

interface SummaryText {
  readonly type: 'summary_text';
  readonly text: string;
}

/** The events that have the response: the first two, and the last one. */
export type LifecycleType =
  | 'response.created'
  | 'response.queued'
  | 'response.in_progress'
  | 'response.completed'
  | 'response.incomplete'
  | 'response.failed'
  | 'response.cancelled';

/** An event of a streamed response without its number. */
export type UnnumberedEvent =
  | { readonly type: LifecycleType; readonly response: ResponseObject }
  | {
      readonly type: 'response.output_item.added' | 'response.output_item.done';
      readonly output_index: number;
      readonly item: OutputItem;
    }
  | ({
      readonly type: 'response.content_part.added' | 'response.content_part.done';
      readonly part: OutputText;
    } & TextPlace)
  | ({
      readonly type: 'response.output_text.delta';
      readonly delta: string;
      readonly logprobs: readonly never[];
    } & TextPlace)
  | ({
      readonly type: 'response.output_text.done';
      readonly text: string;
      readonly logprobs: readonly never[];
    } & TextPlace)
  | ({
      readonly type: 'response.reasoning_summary_part.added' | 'response.reasoning_summary_part.done';
      readonly part: SummaryText;
    } & SummaryPlace)
  | ({ readonly type: 'response.reasoning_summary_text.delta'; readonly delta: string } & SummaryPlace)
  | ({ readonly type: 'response.reasoning_summary_text.done'; readonly text: string } & SummaryPlace)
  | ({
      readonly type: 'response.mcp_call.in_progress' | 'response.mcp_call.completed' | 'response.mcp_call.failed';
    } & ItemPlace)
  | ({ readonly type: 'response.mcp_call_arguments.delta'; readonly delta: string } & ItemPlace)
  | ({ readonly type: 'response.mcp_call_arguments.done'; readonly arguments: string } & ItemPlace)
  | ({ readonly type: 'response.function_call_arguments.delta'; readonly delta: string } & ItemPlace)
  | ({
      readonly type: 'response.function_call_arguments.done';
      readonly name: string;
      readonly arguments: string;
    } & ItemPlace);

/** An event of a streamed response. The number is a function of the turn's log, so that a reader can go on after any event. */
export type ResponseEvent = UnnumberedEvent & { readonly sequence_number: number };

const TERMINAL: readonly string[] = [
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
] satisfies readonly LifecycleType[];

/** An event that ends a stream, with the complete response. */
export type TerminalEvent = ResponseEvent & { readonly type: LifecycleType };

/** Whether an event is the last one of its stream. */
export function isTerminal(event: ResponseEvent): event is TerminalEvent {
  return TERMINAL.includes(event.type);
}

/** Returns the id of the item that an event is about; `undefined` for one of the whole response. */
export function findItemId(event: ResponseEvent): string | undefined {
  if ('item_id' in event) return event.item_id;
  return 'item' in event ? event.item.id : undefined;
}
