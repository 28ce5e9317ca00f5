import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/harness-event.js';
import { parseInputLines } from './input-lines.js';
import { findRepeatedMessages } from './repeated-messages.js';

const text = (words: string) => ({ type: 'text', text: words });
const message = (id: string, clientMessageId: string | undefined, ...parts: readonly JsonValue[]) => ({
  id,
  clientMessageId,
  parts,
  prompt: [],
  createdAt: 1,
});

/** The ids of the messages that an execution with one line repeats. */
function repeated(
  messages: readonly ReturnType<typeof message>[],
  content: JsonValue,
  more: { readonly key?: string; readonly line?: object } = {},
): readonly string[] {
  const line = JSON.stringify({ type: 'user', ...more.line, message: { role: 'user', content } });
  const { userLines, prompt } = parseInputLines([line]);
  return findRepeatedMessages(messages, { idempotencyKey: more.key, lines: userLines, prompt });
}

describe(findRepeatedMessages.name, () => {
  const slackContext = [
    '# Slack Thread Context',
    '',
    'Earlier messages in this Slack thread, in chronological order:',
    '',
    '1. Ada (U1):',
    '   look at this',
    '   and that',
    '',
    '2. Bob (U2):',
    '   ok',
    '',
    '# Current Request',
    '',
    'The user message follows in the next content block.',
    '---',
  ].join('\n');

  it('finds the message with the id of the execution', () => {
    const messages = [message('a', 'M1', text('one')), message('b', 'M2', text('two'))];
    expect(repeated(messages, [text('two')], { key: 'M2' })).toEqual(['b']);
  });

  it('finds the message that the line names', () => {
    const messages = [message('a', 'M1', text('one')), message('b', 'M2', text('two'))];
    expect(repeated(messages, [text('two')], { key: 'other', line: { client_user_message_id: 'M2' } })).toEqual(['b']);
  });

  it('finds a message without an id by its content, and one with an id never', () => {
    const messages = [message('a', undefined, text('same')), message('b', undefined, text('other'))];
    expect(repeated([...messages, message('c', 'M3', text('same'))], [text('same')])).toEqual(['a']);
  });

  it('finds the messages of a thread that the bot lists', () => {
    const messages = [
      message('a', 'M1', text('look at this\nand that')),
      message('b', 'M2', text('# Requester Context\n\nThe Slack user …'), text('ok')),
      message('c', 'M3', text('look')),
      message('d', 'M4', text('ok'), { type: 'attachment', name: 'plan.pdf' }),
    ];
    expect(repeated(messages, [text(slackContext), text('go')], { key: 'M9' })).toEqual(['a', 'b']);
  });

  it('does not take another text for the list of a bot', () => {
    const messages = [message('a', 'M1', text('ok'))];
    expect(repeated(messages, [text(`I saw this:\n${slackContext}`)])).toEqual([]);
  });

  it('finds nothing without lines', () => {
    const execution = { idempotencyKey: 'M1', lines: [], prompt: [] };
    expect(findRepeatedMessages([message('a', 'M1', text('one'))], execution)).toEqual([]);
  });
});
