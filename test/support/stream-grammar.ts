import type { ContentBlock, ContentDelta, StreamEvent } from '../../src/anthropic/stream-event.js';

interface OpenBlock {
  readonly index: number;
  readonly block: ContentBlock;
  json: string;
  hasJson: boolean;
  hasSignature: boolean;
}

interface Reading {
  readonly violations: string[];
  started: boolean;
  /** How the message is ending: its `message_delta` was seen, or it is over. */
  ending: 'no' | 'message_delta' | 'over';
  nextIndex: number;
  open: OpenBlock | null;
}

/**
 * Where a stream breaks the grammar of Anthropic's Messages API, one sentence each; none for a good stream.
 *
 * The grammar: `message_start`, blocks, `message_delta`, `message_stop`. Blocks are numbered 0, 1, 2… and never overlap; a
 * block starts empty unless it is an inner tool's, which is whole in its start; a thinking block's last delta is its one
 * signature. An `error` may come at any time and is the last event. Pings may be anywhere but after the end.
 */
export function checkGrammar(events: readonly StreamEvent[]): readonly string[] {
  const reading: Reading = { violations: [], started: false, ending: 'no', nextIndex: 0, open: null };
  events.forEach((event, position) => {
    for (const violation of violationsOf(reading, event)) {
      reading.violations.push(`event ${position} (${event.type}): ${violation}`);
    }
  });
  if (reading.ending !== 'over') reading.violations.push('the stream has no message_stop and no error');
  return reading.violations;
}

function violationsOf(reading: Reading, event: StreamEvent): readonly string[] {
  if (reading.ending === 'over') return ['comes after the end'];
  switch (event.type) {
    case 'ping':
      return [];
    case 'error':
      reading.ending = 'over';
      return [];
    case 'message_start':
      return readStart(reading, event);
    default: {
      const violations = reading.started ? [] : ['comes before message_start'];
      const late = reading.ending === 'message_delta' && event.type !== 'message_stop';
      return [...violations, ...(late ? ['comes after message_delta'] : []), ...readInside(reading, event)];
    }
  }
}

function readStart(reading: Reading, { message }: Extract<StreamEvent, { type: 'message_start' }>): readonly string[] {
  const again = reading.started;
  reading.started = true;
  return [
    ...(again ? ['is not the only one'] : []),
    ...(message.content.length > 0 ? ['already has content'] : []),
    ...(message.stop_reason !== null ? ['already has a stop_reason'] : []),
  ];
}

function readInside(
  reading: Reading,
  event: Exclude<StreamEvent, { type: 'ping' | 'error' | 'message_start' }>,
): readonly string[] {
  switch (event.type) {
    case 'content_block_start':
      return readBlockStart(reading, event.index, event.content_block);
    case 'content_block_delta':
      return reading.open?.index === event.index
        ? readDelta(reading.open, event.delta)
        : [`block ${event.index} is not open`];
    case 'content_block_stop':
      return readBlockStop(reading, event.index);
    case 'message_delta':
      reading.ending = 'message_delta';
      return stillOpen(reading);
    case 'message_stop': {
      const ready = reading.ending === 'message_delta';
      reading.ending = 'over';
      return ready ? [] : ['has no message_delta before it'];
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
}

function stillOpen({ open }: Reading): readonly string[] {
  return open === null ? [] : [`block ${open.index} is still open`];
}

function readBlockStart(reading: Reading, index: number, block: ContentBlock): readonly string[] {
  const violations = [
    ...stillOpen(reading),
    ...(index === reading.nextIndex ? [] : [`has index ${index} instead of ${reading.nextIndex}`]),
    ...(startsWell(block) ? [] : [`the ${block.type} block does not start empty`]),
  ];
  reading.nextIndex = index + 1;
  reading.open = { index, block, json: '', hasJson: false, hasSignature: false };
  return violations;
}

function startsWell(block: ContentBlock): boolean {
  switch (block.type) {
    case 'text':
      return block.text === '';
    case 'thinking':
      return block.thinking === '' && block.signature === '';
    case 'tool_use':
    case 'server_tool_use':
      return Object.keys(block.input).length === 0;
    case 'mcp_tool_use':
    case 'mcp_tool_result':
    case 'bash_code_execution_tool_result':
      return true;
    default: {
      const unreachable: never = block;
      return unreachable;
    }
  }
}

const BLOCKS_OF_DELTA: Readonly<Record<ContentDelta['type'], readonly ContentBlock['type'][]>> = {
  text_delta: ['text'],
  thinking_delta: ['thinking'],
  signature_delta: ['thinking'],
  input_json_delta: ['tool_use', 'server_tool_use'],
};

function readDelta(open: OpenBlock, delta: ContentDelta): readonly string[] {
  if (!BLOCKS_OF_DELTA[delta.type].includes(open.block.type)) return [`${delta.type} in a ${open.block.type} block`];
  switch (delta.type) {
    case 'text_delta':
      return halfCharacters(delta.text);
    case 'thinking_delta':
      return [
        ...halfCharacters(delta.thinking),
        ...(open.hasSignature ? ['thinking_delta after the signature_delta'] : []),
      ];
    case 'signature_delta': {
      const again = open.hasSignature;
      open.hasSignature = true;
      return again ? ['a second signature_delta'] : [];
    }
    case 'input_json_delta':
      open.json += delta.partial_json;
      open.hasJson = true;
      return [];
    default: {
      const unreachable: never = delta;
      return unreachable;
    }
  }
}

/** With the `u` flag, only half characters are surrogates. */
function halfCharacters(text: string): readonly string[] {
  return /\p{Surrogate}/u.test(text) ? ['has half a character'] : [];
}

function readBlockStop(reading: Reading, index: number): readonly string[] {
  const { open } = reading;
  if (open?.index !== index) return [`block ${index} is not open`];
  reading.open = null;
  return [
    ...(open.block.type === 'thinking' && !open.hasSignature ? ['the thinking block has no signature_delta'] : []),
    ...(open.hasJson && !isJsonObject(open.json) ? ['the input_json_deltas are no JSON object'] : []),
  ];
}

function isJsonObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
