// The grammar checker stands with the tests that use it; its own test stands here, where vitest looks for unit tests.
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../test/support/stream-grammar.js';
import type { ContentBlock, ContentDelta, Message, StreamEvent } from '../anthropic/stream-event.js';
import { toTurnUsage, NO_TOKENS } from '../anthropic/usage.js';
import { messageEnd, messageStart } from '../anthropic/stream-parts.js';

const usage = toTurnUsage(NO_TOKENS, []);
const begin = messageStart('msg_1', 'model-x', usage);
const end = messageEnd({ reason: 'end_turn', sequence: null, details: null }, usage);
const ping: StreamEvent = { type: 'ping' };
const error: StreamEvent = { type: 'error', error: { type: 'api_error', message: 'broken' } };
const open = (index: number, block: ContentBlock): StreamEvent => ({
  type: 'content_block_start',
  index,
  content_block: block,
});
const delta = (index: number, content: ContentDelta): StreamEvent => ({
  type: 'content_block_delta',
  index,
  delta: content,
});
const stop = (index: number): StreamEvent => ({ type: 'content_block_stop', index });

const text: ContentBlock = { type: 'text', text: '', citations: null };
const thinking: ContentBlock = { type: 'thinking', thinking: '', signature: '' };
const tool: ContentBlock = { type: 'tool_use', id: 'toolu_1', name: 'n', input: {} };
const inner: ContentBlock = { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'n', server_name: 's', input: { a: 1 } };
const words: ContentDelta = { type: 'text_delta', text: 'hi' };
const thought: ContentDelta = { type: 'thinking_delta', thinking: 'hm' };
const signature: ContentDelta = { type: 'signature_delta', signature: '' };
const json = (part: string): ContentDelta => ({ type: 'input_json_delta', partial_json: part });

describe('a good stream', () => {
  it.each<[string, readonly StreamEvent[]]>([
    ['is empty', [begin, ...end]],
    ['is only an error', [error]],
    ['breaks off with an error', [begin, open(0, text), error]],
    ['has pings from before its start', [ping, begin, ping, open(0, text), ping, stop(0), ...end]],
    [
      'has blocks of every kind',
      [
        begin,
        open(0, thinking),
        delta(0, thought),
        delta(0, signature),
        stop(0),
        open(1, text),
        delta(1, words),
        stop(1),
        open(2, inner),
        stop(2),
        open(3, tool),
        delta(3, json('{"a"')),
        delta(3, json(':1}')),
        stop(3),
        ...end,
      ],
    ],
  ])('%s', (_, events) => {
    expect(checkGrammar(events)).toEqual([]);
  });
});

describe('a bad stream', () => {
  const inside = (...events: StreamEvent[]): readonly StreamEvent[] => [begin, ...events, ...end];

  it.each<[string, readonly StreamEvent[]]>([
    ['event 0 (content_block_start): comes before message_start', [open(0, text), begin, stop(0), ...end]],
    ['event 1 (message_start): is not the only one', inside(begin)],
    ['event 3 (ping): comes after the end', [begin, ...end, ping]],
    ['event 3 (error): comes after the end', [begin, ...end, error]],
    ['event 1 (message_stop): has no message_delta before it', [begin, { type: 'message_stop' }]],
    ['the stream has no message_stop and no error', [begin, ...end.slice(0, 1)]],
    ['the stream has no message_stop and no error', []],
    ['event 2 (message_delta): comes after message_delta', [begin, ...end.slice(0, 1), ...end]],
    ['event 1 (content_block_start): has index 1 instead of 0', inside(open(1, text), stop(1))],
    ['event 3 (content_block_start): has index 0 instead of 1', inside(open(0, text), stop(0), open(0, text), stop(0))],
    ['event 2 (message_delta): block 0 is still open', inside(open(0, text))],
    ['event 1 (content_block_stop): block 0 is not open', inside(stop(0))],
    ['event 3 (content_block_stop): block 0 is not open', inside(open(0, text), stop(0), stop(0))],
    ['event 1 (content_block_delta): block 0 is not open', inside(delta(0, words))],
    ['event 2 (content_block_delta): block 1 is not open', inside(open(0, text), delta(1, words), stop(0))],
    [
      'event 2 (content_block_delta): thinking_delta in a text block',
      inside(open(0, text), delta(0, thought), stop(0)),
    ],
    [
      'event 2 (content_block_delta): has half a character',
      inside(open(0, text), delta(0, { ...words, text: '\ud83d' }), stop(0)),
    ],
    [
      'event 2 (content_block_delta): input_json_delta in a mcp_tool_use block',
      inside(open(0, inner), delta(0, json('{}')), stop(0)),
    ],
    ['event 2 (content_block_stop): the thinking block has no signature_delta', inside(open(0, thinking), stop(0))],
    [
      'event 3 (content_block_delta): a second signature_delta',
      inside(open(0, thinking), delta(0, signature), delta(0, signature), stop(0)),
    ],
    [
      'event 3 (content_block_delta): thinking_delta after the signature_delta',
      inside(open(0, thinking), delta(0, signature), delta(0, thought), stop(0)),
    ],
    [
      'event 1 (content_block_start): the tool_use block does not start empty',
      inside(open(0, { ...tool, input: { a: 1 } }), stop(0)),
    ],
    [
      'event 1 (content_block_start): the text block does not start empty',
      inside(open(0, { ...text, text: 'hi' }), stop(0)),
    ],
    [
      'event 3 (content_block_stop): the input_json_deltas are no JSON object',
      inside(open(0, tool), delta(0, json('{')), stop(0)),
    ],
    [
      'event 3 (content_block_stop): the input_json_deltas are no JSON object',
      inside(open(0, tool), delta(0, json('[]')), stop(0)),
    ],
  ])('is reported: %s', (violation, events) => {
    expect(checkGrammar(events)).toEqual([violation]);
  });

  it.each<[string, Partial<Message>]>([
    ['event 0 (message_start): already has content', { content: [text] }],
    ['event 0 (message_start): already has a stop_reason', { stop_reason: 'end_turn' }],
  ])('is reported: %s', (violation, part) => {
    const events = [begin, ...end].map((event): StreamEvent =>
      event.type === 'message_start' ? { ...event, message: { ...event.message, ...part } } : event,
    );
    expect(checkGrammar(events)).toEqual([violation]);
  });

  it('is reported for thinking that does not start empty or has a lone surrogate', () => {
    const half: ContentDelta = { type: 'thinking_delta', thinking: 'x\ude00' };
    const filled: ContentBlock = { type: 'thinking', thinking: 'hm', signature: '' };
    expect(checkGrammar(inside(open(0, filled), delta(0, half), delta(0, signature), stop(0)))).toEqual([
      'event 1 (content_block_start): the thinking block does not start empty',
      'event 2 (content_block_delta): has half a character',
    ]);
  });

  it('is reported for a stop of a block that is not open', () => {
    expect(checkGrammar(inside(open(0, text), stop(1), stop(0)))).toEqual([
      'event 2 (content_block_stop): block 1 is not open',
    ]);
  });

  it('is reported for overlapping blocks', () => {
    expect(checkGrammar(inside(open(0, text), open(1, text), delta(0, words), stop(1)))).toEqual([
      'event 2 (content_block_start): block 0 is still open',
      'event 3 (content_block_delta): block 0 is not open',
    ]);
  });
});
