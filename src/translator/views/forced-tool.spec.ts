import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import { answerAsToolCall, type ForcedCall } from './forced-tool.js';
import { collect } from '../collect.js';
import type { StopReason, StreamEvent } from '../../anthropic/stream-event.js';
import { NO_TOKENS, toTurnUsage } from '../../anthropic/usage.js';
import {
  blockDelta,
  blockEnd,
  blockStart,
  messageEnd,
  messageStart,
  completeBlockEvents,
} from '../../anthropic/stream-parts.js';

const usage = toTurnUsage(NO_TOKENS, []);

const ANSWER: ForcedCall = { kind: 'tool', name: 'Answer' };

async function answered(
  text: readonly string[],
  reason: StopReason = 'end_turn',
  forced: ForcedCall | undefined = ANSWER,
) {
  const events: readonly StreamEvent[] = [
    messageStart('msg_1', 'm', usage),
    ...completeBlockEvents(0, { type: 'thinking', thinking: 'Hm.', signature: '' }),
    blockStart('text', 1),
    ...text.map((piece) => blockDelta('text', 1, piece)),
    ...blockEnd('text', 1, ''),
    ...messageEnd({ reason, sequence: null, details: null }, usage),
  ];
  const batches = events.map((event) => [event]);
  const out = (await lastValueFrom(from(batches).pipe(answerAsToolCall(forced), toArray()))).flat();
  expect(checkGrammar(out)).toEqual([]);
  const collected = collect(out);
  if (!('message' in collected)) throw new Error('the message has no end');
  return [collected.message.content[1], collected.message.stop_reason];
}

describe('an answer to a forced tool', () => {
  it('is a call of the tool, and the message stops with tool_use', async () => {
    expect(await answered(['{"a"', ':1}'])).toEqual([
      { type: 'tool_use', id: 'toolu_1', name: 'Answer', input: { a: 1 } },
      'tool_use',
    ]);
  });

  it.each([
    [['{"a":'], 'max_tokens'],
    [['"text"'], 'end_turn'],
    [['[1]'], 'end_turn'],
  ] as const)('stays a text when it is no object: %j', async (text, reason) => {
    expect(await answered(text, reason)).toEqual([{ type: 'text', text: text[0], citations: null }, reason]);
  });

  it('is a call of the tool that it chooses, if one of several is forced', async () => {
    expect(await answered(['{"tool":"b","input":{"a":1}}'], 'end_turn', { kind: 'choice' })).toEqual([
      { type: 'tool_use', id: 'toolu_1', name: 'b', input: { a: 1 } },
      'tool_use',
    ]);
  });
});
