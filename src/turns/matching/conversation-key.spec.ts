import { describe, expect, it } from 'vitest';
import { withoutReminders } from '../../clients/claude-code/system-reminder.js';
import { stripRecoveryMessages, requestKey, endsWithInterruptMarker } from './conversation-key.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string, extra: object = {}) => ({ type: 'text', text: value, ...extra });
const CUT_OFF =
  'Your response above was cut off mid-stream. Resume directly from where it stops — no apology, no recap. If none of it survived, answer the request from the start.';

describe(requestKey.name, () => {
  const plain = [user('one'), assistant('two'), user('three')];

  it.each([
    ['blocks instead of strings', [user([text('one')]), assistant([text('two')]), user([text('three')])]],
    ['cache markers', [user([text('one', { cache_control: { type: 'ephemeral' } })]), assistant('two'), user('three')]],
    [
      'system messages',
      [
        user('one'),
        { role: 'system', content: 'x' },
        assistant('two'),
        user('three'),
        { role: 'system', content: 'y' },
      ],
    ],
    [
      'thinking',
      [user('one'), assistant([{ type: 'thinking', thinking: 'h', signature: '' }, text('two')]), user('three')],
    ],
    [
      'the display of inner tools',
      [user('one'), assistant([{ type: 'mcp_tool_use', id: 'm', name: 'x', input: {} }, text('two')]), user('three')],
    ],
    ['split messages', [user('one'), assistant([text('two')]), user([]), user('three')]],
  ])('does not change with %s', async (_, conversation) => {
    expect(await requestKey(conversation)).toBe(await requestKey(plain));
  });

  it('does not change with the reminders of Claude Code, and does with the same words of any other caller', async () => {
    const reminded = [
      user([text('<system-reminder>a</system-reminder>'), text('one')]),
      assistant('two'),
      user('three'),
    ];
    const inside = [user('o<system-reminder>a</system-reminder>ne'), assistant('two'), user('three')];
    for (const conversation of [reminded, inside]) {
      expect(await requestKey(conversation, '', withoutReminders)).toBe(await requestKey(plain));
      expect(await requestKey(conversation)).not.toBe(await requestKey(plain));
    }
  });

  it.each([
    ['another last message', [user('one'), assistant('two'), user('four')]],
    ['another history', [user('one'), assistant('2'), user('three')]],
    ['another role', [user('one'), user('two'), user('three')]],
    [
      'an image',
      [user('one'), assistant('two'), user([text('three'), { type: 'image', source: { type: 'url', url: 'u' } }])],
    ],
    ['a message more', [...plain, assistant('x'), user('three')]],
  ])('changes with %s', async (_, conversation) => {
    expect(await requestKey(conversation)).not.toBe(await requestKey(plain));
  });

  it('is the same for a conversation in parts as for the whole', async () => {
    const [question, answer, ...rest] = plain;
    expect(await requestKey(rest, await requestKey([answer], await requestKey([question])))).toBe(
      await requestKey(plain),
    );
    expect(await requestKey(rest, await requestKey([assistant('another')], await requestKey([question])))).not.toBe(
      await requestKey(plain),
    );
    expect(await requestKey(rest, 'elsewhere')).not.toBe(await requestKey(rest));
  });

  it('tells search results and documents apart by all that the agent is given of them', async () => {
    const search = (words: string) => [
      user([{ type: 'search_result', title: 't', source: 's', content: [text(words)] }]),
    ];
    expect(await requestKey(search('APPLE'))).not.toBe(await requestKey(search('BANANA')));
    const document = (title: string) => [user([{ type: 'document', title, source: { type: 'url', url: 'u' } }])];
    expect(await requestKey(document('a'))).not.toBe(await requestKey(document('b')));
  });

  it('tells long texts apart wherever they differ', async () => {
    const long = (end: string) => [user(`${'x'.repeat(5000)}${end}`), assistant('y'.repeat(1023)), user('z')];
    expect(await requestKey(long('a'))).not.toBe(await requestKey(long('b')));
    expect(await requestKey(long('a'))).toBe(await requestKey(long('a')));
  });

  it('tells tool results apart by what they say, but not by an is_error of false', async () => {
    const result = (content: unknown, extra: object = {}) => [
      user([{ type: 'tool_result', tool_use_id: 't', content, ...extra }]),
    ];
    expect(await requestKey(result('a', { is_error: false }))).toBe(await requestKey(result([text('a')])));
    expect(await requestKey(result('a'))).not.toBe(await requestKey(result('b')));
    expect(await requestKey(result('a', { is_error: true }))).not.toBe(await requestKey(result('a')));
  });
});

describe(stripRecoveryMessages.name, () => {
  it('leaves an ordinary conversation alone', async () => {
    const messages = [user('one'), assistant('two'), user('three')];
    expect(stripRecoveryMessages(messages)).toEqual({ messages, partialAnswer: undefined });
  });

  it("takes Claude Code's cut-off prompts off the end, and says what the caller has", async () => {
    const messages = [user('one'), assistant([text('par')]), user(CUT_OFF), assistant('tial'), user([text(CUT_OFF)])];
    expect(stripRecoveryMessages(messages)).toEqual({ messages: [user('one')], partialAnswer: 'partial' });
  });

  it('asks for the whole answer when the caller does', async () => {
    const again = `${CUT_OFF} Only your next message is delivered. Write the complete response again from the start — now.`;
    expect(stripRecoveryMessages([user('one'), assistant('par'), user(again)])).toEqual({
      messages: [user('one')],
      partialAnswer: undefined,
    });
  });

  it('does not mistake a user who quotes the words without an answer before them', async () => {
    const messages = [user(CUT_OFF)];
    expect(stripRecoveryMessages(messages).messages).toBe(messages);
  });
});

describe(endsWithInterruptMarker.name, () => {
  it("sees Claude Code's marker in or before the newest message", async () => {
    expect(endsWithInterruptMarker([user('a'), user('[Request interrupted by user]'), user('b')])).toBe(true);
    expect(endsWithInterruptMarker([user([text('[Request interrupted by user for tool use]'), text('b')])])).toBe(true);
  });

  it('does not look further back, nor at other words', async () => {
    expect(endsWithInterruptMarker([user('[Request interrupted by user]'), assistant('x'), user('b')])).toBe(false);
    expect(endsWithInterruptMarker([user('why "[Request interrupted by user]"?')])).toBe(false);
  });
});
