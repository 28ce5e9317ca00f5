import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString, asStrings } from '../../../domain/json.js';

/** A text or a thinking block that is being streamed. */
export interface OpenBlock {
  readonly kind: 'text' | 'thinking';
  /** The block's name in our events. */
  readonly id: string;
  /** What was streamed so far. */
  readonly text: string;
  /** Which part of a reasoning item the newest delta belonged to; `undefined` for none yet, and for texts. */
  readonly part: string | undefined;
  /** The next delta begins a new part. */
  readonly partEnded: boolean;
}

/** A block without text so far. */
export function openBlock(kind: OpenBlock['kind'], id: string): OpenBlock {
  return { kind, id, text: '', part: undefined, partEnded: false };
}

/** Adds a piece of the block; pieces of another part are set apart by a blank line. An empty piece says nothing. */
export function appendDelta(
  block: OpenBlock,
  delta: string,
  part: string | undefined,
): readonly [OpenBlock, readonly HarnessEvent[]] {
  if (delta === '') return [block, []];
  const apart = block.text !== '' && (block.partEnded || (block.part !== undefined && block.part !== part));
  const text = apart ? `\n\n${delta}` : delta;
  const next: OpenBlock = { ...block, text: block.text + text, part, partEnded: false };
  return [next, [deltaEvent(block, text)]];
}

/**
 * The block is whole: says what its deltas left out, then ends it. A whole text that does not begin with what was streamed is
 * not believed: it cannot be taken back from the caller. A block without any text was never there.
 */
export function completeBlock(block: OpenBlock, item: JsonObject): readonly HarnessEvent[] {
  const whole = completeText(block, item);
  const missing = whole.startsWith(block.text) ? whole.slice(block.text.length) : '';
  if (block.text === '' && missing === '') return [];
  return [...(missing === '' ? [] : [deltaEvent(block, missing)]), { type: 'block-end', id: block.id }];
}

function completeText(block: OpenBlock, item: JsonObject): string {
  if (block.kind === 'text') return asString(item['text']) ?? '';
  const summary = asStrings(item['summary']).join('\n\n');
  const content = asStrings(item['content']).join('\n\n');
  // `codex exec --json` and the dotted shape give a reasoning item one `text`.
  return (
    [summary, content, asString(item['text']) ?? ''].find((text) => text !== '' && text.startsWith(block.text)) ?? ''
  );
}

function deltaEvent(block: OpenBlock, text: string): HarnessEvent {
  return { type: block.kind === 'text' ? 'text-delta' : 'thinking-delta', id: block.id, text };
}

/** The types of the items that are streamed as blocks. */
export type BlockType = 'agentMessage' | 'reasoning';

/** Whether an item of this type is streamed as a block. */
export function isBlockType(type: string | undefined): type is BlockType {
  return type === 'agentMessage' || type === 'reasoning';
}

/** The key of a block whose deltas name no item, as in the dotted shape: the one of its type that is open without a name. */
export function toAnonymousKey(type: BlockType): string {
  return `anonymous ${type}`;
}
