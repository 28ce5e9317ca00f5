import { describe, expect, it } from 'vitest';
import { withoutReminders } from './system-reminder.js';
import { repaired, requestKey, tellsOfInterruption } from './canonical.js';

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
  ])('does not change with %s', (_, conversation) => {
    expect(requestKey(conversation)).toBe(requestKey(plain));
  });

  it('does not change with the reminders of Claude Code, and does with the same words of any other caller', () => {
    const reminded = [
      user([text('<system-reminder>a</system-reminder>'), text('one')]),
      assistant('two'),
      user('three'),
    ];
    const inside = [user('o<system-reminder>a</system-reminder>ne'), assistant('two'), user('three')];
    for (const conversation of [reminded, inside]) {
      expect(requestKey(conversation, '', withoutReminders)).toBe(requestKey(plain));
      expect(requestKey(conversation)).not.toBe(requestKey(plain));
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
  ])('changes with %s', (_, conversation) => {
    expect(requestKey(conversation)).not.toBe(requestKey(plain));
  });

  it('is the same for a conversation in parts as for the whole', () => {
    const [question, answer, ...rest] = plain;
    expect(requestKey(rest, requestKey([answer], requestKey([question])))).toBe(requestKey(plain));
    expect(requestKey(rest, requestKey([assistant('another')], requestKey([question])))).not.toBe(requestKey(plain));
    expect(requestKey(rest, 'elsewhere')).not.toBe(requestKey(rest));
  });

  it('tells search results and documents apart by all that the agent is given of them', () => {
    const search = (words: string) => [
      user([{ type: 'search_result', title: 't', source: 's', content: [text(words)] }]),
    ];
    expect(requestKey(search('APPLE'))).not.toBe(requestKey(search('BANANA')));
    const document = (title: string) => [user([{ type: 'document', title, source: { type: 'url', url: 'u' } }])];
    expect(requestKey(document('a'))).not.toBe(requestKey(document('b')));
  });

  it('tells long texts apart wherever they differ', () => {
    const long = (end: string) => [user(`${'x'.repeat(5000)}${end}`), assistant('y'.repeat(1023)), user('z')];
    expect(requestKey(long('a'))).not.toBe(requestKey(long('b')));
    expect(requestKey(long('a'))).toBe(requestKey(long('a')));
  });

  it('tells tool results apart by what they say, but not by an is_error of false', () => {
    const result = (content: unknown, extra: object = {}) => [
      user([{ type: 'tool_result', tool_use_id: 't', content, ...extra }]),
    ];
    expect(requestKey(result('a', { is_error: false }))).toBe(requestKey(result([text('a')])));
    expect(requestKey(result('a'))).not.toBe(requestKey(result('b')));
    expect(requestKey(result('a', { is_error: true }))).not.toBe(requestKey(result('a')));
  });
});

describe(repaired.name, () => {
  it('leaves an ordinary conversation alone', () => {
    const messages = [user('one'), assistant('two'), user('three')];
    expect(repaired(messages)).toEqual({ messages, received: undefined });
  });

  it("takes Claude Code's cut-off prompts off the end, and says what the caller has", () => {
    const messages = [user('one'), assistant([text('par')]), user(CUT_OFF), assistant('tial'), user([text(CUT_OFF)])];
    expect(repaired(messages)).toEqual({ messages: [user('one')], received: 'partial' });
  });

  it('asks for the whole answer when the caller does', () => {
    const again = `${CUT_OFF} Only your next message is delivered. Write the complete response again from the start — now.`;
    expect(repaired([user('one'), assistant('par'), user(again)])).toEqual({
      messages: [user('one')],
      received: undefined,
    });
  });

  it('does not mistake a user who quotes the words without an answer before them', () => {
    const messages = [user(CUT_OFF)];
    expect(repaired(messages).messages).toBe(messages);
  });
});

describe(tellsOfInterruption.name, () => {
  it("sees Claude Code's marker in or before the newest message", () => {
    expect(tellsOfInterruption([user('a'), user('[Request interrupted by user]'), user('b')])).toBe(true);
    expect(tellsOfInterruption([user([text('[Request interrupted by user for tool use]'), text('b')])])).toBe(true);
  });

  it('does not look further back, nor at other words', () => {
    expect(tellsOfInterruption([user('[Request interrupted by user]'), assistant('x'), user('b')])).toBe(false);
    expect(tellsOfInterruption([user('why "[Request interrupted by user]"?')])).toBe(false);
  });
});
