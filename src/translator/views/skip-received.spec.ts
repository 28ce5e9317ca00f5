import { from, lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { streamedText } from '../../../test/support/sse-client.js';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import type { ContentBlock, StreamEvent } from '../../anthropic/stream-event.js';
import { NO_TOKENS, initialWireUsage, toTurnUsage } from '../../anthropic/usage.js';
import { messageEnd, messageStart, completeBlockEvents } from '../../anthropic/stream-parts.js';
import { skipReceivedText } from './skip-received.js';

const text = (words: string): ContentBlock => ({ type: 'text', text: words, citations: null });
const TOOL: ContentBlock = { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'Bash', server_name: 'agent', input: {} };

function message(...blocks: readonly ContentBlock[]): readonly StreamEvent[] {
  return [
    messageStart('msg_1', 'model', initialWireUsage(null)),
    ...blocks.flatMap((block, index) => completeBlockEvents(index, block)),
    ...messageEnd({ reason: 'end_turn', sequence: null, details: null }, toTurnUsage(NO_TOKENS, [])),
  ];
}

async function rest(received: string | undefined, events: readonly StreamEvent[]): Promise<readonly StreamEvent[]> {
  const oneByOne = from(events.map((event) => [event]));
  const [inOne, apart] = await Promise.all(
    [of(events), oneByOne].map(async (source$) =>
      (await lastValueFrom(source$.pipe(skipReceivedText(received), toArray()))).flat(),
    ),
  );
  // However the events come in batches, the rest is the same.
  expect(apart).toEqual(inOne);
  return inOne ?? [];
}

describe('the rest of a message', () => {
  const events = message(text('Hello '), TOOL, text('wide world'), text('!'));

  it.each([undefined, ''])('is the complete message for a caller that has %j', async (received) => {
    expect(await rest(received, events)).toEqual(events);
  });

  it.each([
    ['Hel', 'lo wide world!', ['text', 'mcp_tool_use', 'text', 'text']],
    ['Hello ', 'wide world!', ['mcp_tool_use', 'text', 'text']],
    ['Hello wide', ' world!', ['text', 'text']],
    ['Hello wide world', '!', ['text']],
    ['Hello wide world!', '', []],
    ['Hello wide world! and more', '', []],
  ])('begins after %j', async (received, words, blocks) => {
    const left = await rest(received, events);
    expect(checkGrammar(left)).toEqual([]);
    expect(streamedText(left)).toBe(words);
    const kinds = left.flatMap((event) => (event.type === 'content_block_start' ? [event.content_block.type] : []));
    expect(kinds).toEqual(blocks);
    expect([left[0], ...left.slice(-2)]).toEqual([events[0], ...events.slice(-2)]);
  });

  it('shows a complete block that differs from what the caller has', async () => {
    const left = await rest('Hello wor', message(TOOL, text('Hi there, '), text('my friend')));
    expect(checkGrammar(left)).toEqual([]);
    expect(streamedText(left)).toBe('Hi there, my friend');
    const later = await rest('Hello wor', message(text('Hello '), text('there')));
    expect(streamedText(later)).toBe('there');
  });

  it('starts in the middle of a block that arrives in pieces', async () => {
    const pieces = ['One', ' two', ' three', ' four'];
    const streamed: readonly StreamEvent[] = [
      ...message().slice(0, 1),
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
      ...pieces.map((piece): StreamEvent => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: piece },
      })),
      { type: 'content_block_stop', index: 0 },
      ...message().slice(1),
    ];
    for (const received of ['One two', 'One tw']) {
      const left = await rest(received, streamed);
      expect(checkGrammar(left)).toEqual([]);
      expect(received + streamedText(left)).toBe('One two three four');
    }
  });

  it('passes an error, whatever the caller has', async () => {
    const failed: readonly StreamEvent[] = [
      ...events.slice(0, 2),
      { type: 'error', error: { type: 'api_error', message: 'no' } },
    ];
    expect((await rest('Hello wide', failed)).at(-1)).toEqual(failed.at(-1));
  });
});
