import { describe, expect, it } from 'vitest';
import { computeConversationKeys, computeRequestKey } from './conversation-key.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string, extra: object = {}) => ({ type: 'text', text: value, ...extra });

/** What counts as white space in JavaScript. */
const SPACES =
  ' \t\n\v\f\r\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF';

describe(computeRequestKey.name, () => {
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
    expect(await computeRequestKey(conversation)).toBe(await computeRequestKey(plain));
  });

  it('does not change with what a filter takes out of the user’s texts, and does without the filter', async () => {
    const filter = (said: string) => said.replaceAll(/<system-reminder>.*?<\/system-reminder>/g, '');
    const reminded = [
      user([text('<system-reminder>a</system-reminder>'), text('one')]),
      assistant('two'),
      user('three'),
    ];
    const inside = [user('o<system-reminder>a</system-reminder>ne'), assistant('two'), user('three')];
    for (const conversation of [reminded, inside]) {
      expect(await computeRequestKey(conversation, '', filter)).toBe(await computeRequestKey(plain));
      expect(await computeRequestKey(conversation)).not.toBe(await computeRequestKey(plain));
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
    expect(await computeRequestKey(conversation)).not.toBe(await computeRequestKey(plain));
  });

  it('is the same for a conversation in parts and at once', async () => {
    const [question, answer, ...rest] = plain;
    expect(await computeRequestKey(rest, await computeRequestKey([answer], await computeRequestKey([question])))).toBe(
      await computeRequestKey(plain),
    );
    expect(
      await computeRequestKey(
        rest,
        await computeRequestKey([assistant('another')], await computeRequestKey([question])),
      ),
    ).not.toBe(await computeRequestKey(plain));
    expect(await computeRequestKey(rest, 'elsewhere')).not.toBe(await computeRequestKey(rest));
  });

  it('differs for search results and documents by everything that the agent gets of them', async () => {
    const search = (words: string) => [
      user([{ type: 'search_result', title: 't', source: 's', content: [text(words)] }]),
    ];
    expect(await computeRequestKey(search('APPLE'))).not.toBe(await computeRequestKey(search('BANANA')));
    const document = (title: string) => [user([{ type: 'document', title, source: { type: 'url', url: 'u' } }])];
    expect(await computeRequestKey(document('a'))).not.toBe(await computeRequestKey(document('b')));
  });

  it('differs for long texts wherever they differ', async () => {
    const long = (end: string) => [user(`${'x'.repeat(5000)}${end}`), assistant('y'.repeat(1023)), user('z')];
    expect(await computeRequestKey(long('a'))).not.toBe(await computeRequestKey(long('b')));
    expect(await computeRequestKey(long('a'))).toBe(await computeRequestKey(long('a')));
  });

  it('is the one that earlier versions stored, for long texts with any white space', async () => {
    const long = `${SPACES}one two\r\n\tżółć 狐狸 🦊${SPACES}`.repeat(1000);
    const keys = await computeConversationKeys([user(' Say it.\n'), assistant(long), user(long)]);
    expect(keys.map((key) => key.slice(0, 16))).toEqual(['ab898ebe82216763', '607f529412585e84', 'f97c1c9388b3ad2b']);
  });

  it.each(Array.from(SPACES))('does not change with %j in a long text of the agent', async (space) => {
    const said = (text: string) => [user('go'), assistant(text.repeat(1000)), user('on')];
    expect(await computeRequestKey(said(`a${space}ą${space}${space}🦊`))).toBe(await computeRequestKey(said('aą🦊')));
  });

  it('differs for tool results by their content, but not by an is_error of false', async () => {
    const result = (content: unknown, extra: object = {}) => [
      user([{ type: 'tool_result', tool_use_id: 't', content, ...extra }]),
    ];
    expect(await computeRequestKey(result('a', { is_error: false }))).toBe(
      await computeRequestKey(result([text('a')])),
    );
    expect(await computeRequestKey(result('a'))).not.toBe(await computeRequestKey(result('b')));
    expect(await computeRequestKey(result('a', { is_error: true }))).not.toBe(await computeRequestKey(result('a')));
  });
});
