import { describe, expect, it } from 'vitest';
import { keepText } from '../../domain/text-filter.js';
import { type ConversationEntry, findNewest, readNewest } from '../../openai/request/conversation-entry.js';
import { assertReadable, readInput } from './read-input.js';

const PNG = 'data:image/png;base64,AAAA';

function blocksOf(item: object): unknown {
  const [entry] = readInput([item]);
  if (entry?.role === 'reference') return [entry];
  return entry?.blocks ?? [];
}

const user = (content: unknown) => ({ role: 'user', content });
const entries = (items: readonly unknown[]): readonly ConversationEntry[] =>
  readInput(items).filter((entry) => entry.role !== 'reference');

describe('the items of an input', () => {
  it.each<[string, object, unknown]>([
    ['a text', user('hi'), [{ type: 'text', text: 'hi' }]],
    [
      'parts of text',
      user([
        { type: 'input_text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    ],
    ['an empty text', user(''), []],
    [
      'an image',
      user([{ type: 'input_image', image_url: PNG }]),
      [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
    ],
    [
      'an image on the web',
      user([{ type: 'input_image', image_url: 'https://example.org/a.png' }]),
      [{ type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } }],
    ],
    [
      'a document',
      user([{ type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' }]),
      [
        {
          type: 'file',
          id: expect.stringMatching(/^inline_[0-9a-f]{32}$/) as string,
          use: 'document',
          mediaType: 'application/pdf',
          data: 'AAAA',
          name: 'a.pdf',
          size: 3,
        },
      ],
    ],
    [
      'a text file',
      user([{ type: 'input_file', file_data: 'data:text/markdown;charset=utf-8;base64,aGk=' }]),
      [
        {
          type: 'file',
          id: expect.stringMatching(/^inline_/) as string,
          use: 'document',
          mediaType: 'text/markdown',
          data: 'aGk=',
          name: 'unnamed',
          size: 2,
        },
      ],
    ],
    [
      'an answer',
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'x' },
          { type: 'refusal', refusal: 'y' },
        ],
      },
      [
        { type: 'text', text: 'x' },
        { type: 'text', text: 'y' },
      ],
    ],
    [
      'a call',
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' },
      [{ type: 'tool-call', id: 'c', name: 'f', server: 'caller', input: { a: 1 } }],
    ],
    [
      'a call of a custom tool',
      { type: 'custom_tool_call', call_id: 'c', name: 'f', input: 'ls' },
      [{ type: 'tool-call', id: 'c', name: 'f', server: 'caller', input: { input: 'ls' } }],
    ],
    [
      'an output',
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }] },
      [{ type: 'tool-result', id: 'c', content: [{ type: 'text', text: 'x' }], isError: false }],
    ],
    ['a reference', { type: 'item_reference', id: 'msg_a_0' }, [{ role: 'reference', id: 'msg_a_0', index: 0 }]],
    ['what a server ran', { type: 'mcp_call', id: 'mcp_a_0', name: 'x' }, []],
    ['a kind that is not known', { type: 'additional_tools', tools: [] }, []],
  ])('have, for %s', (_, item, blocks) => {
    expect(blocksOf(item)).toEqual(blocks);
    expect(() => assertReadable([item], 0)).not.toThrow();
  });

  it.each<[unknown, string]>([
    ['text', 'input[0]: must be an object'],
    [user(5), 'input[0].content: must be a string or a list of parts'],
    [
      user([{ type: 'input_image', image_url: 'file:///etc/passwd' }]),
      'input[0].content[0].image_url: must be an http',
    ],
    [user([{ type: 'input_image' }]), 'input[0].content[0].image_url: must be a string'],
    [
      user([{ type: 'input_file', file_data: 'https://example.org/a' }]),
      'input[0].content[0].file_data: must be a data URL',
    ],
    [user([{ type: 'input_file', file_url: PNG }]), 'input[0].content[0].file_url: must be an http'],
    [{ type: 'function_call_output', output: 'x' }, 'input[0].call_id: must be a string'],
    [{ type: 'item_reference' }, 'input[0].id: must be a string'],
  ])('are refused only among the new ones: %j', (item, problem) => {
    expect(() => assertReadable([item], 0)).toThrow(problem);
    expect(() => assertReadable([item], 1)).not.toThrow();
    expect(() => readInput([item])).not.toThrow();
  });
});

describe('the prompt', () => {
  it('is what follows the last item of the agent, after what the developer says there', () => {
    const all = entries([
      user('old'),
      { role: 'assistant', content: 'yes' },
      { role: 'developer', content: 'Be kind.' },
      user('new'),
      user('more'),
    ]);
    expect(readNewest(all.slice(findNewest(all)), keepText, 'input').prompt).toEqual([
      { type: 'text', text: '<system-reminder>\nBe kind.\n</system-reminder>' },
      { type: 'text', text: 'new' },
      { type: 'text', text: 'more' },
    ]);
  });

  it('has outputs of functions apart, for an agent that waits for them', () => {
    const all = entries([
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'rain' },
      user('and?'),
    ]);
    const { prompt, toolResults } = readNewest(all.slice(findNewest(all)), keepText, 'input');
    expect(toolResults).toEqual({
      results: [{ callId: 'c', content: [{ type: 'text', text: 'rain' }], isError: false }],
      promptBeside: [{ type: 'text', text: 'and?' }],
    });
    expect(prompt.map((block) => (block.type === 'text' ? block.text : ''))).toEqual([
      '[output of the caller’s tool call c]',
      'rain',
      'and?',
    ]);
  });

  it('is what the client added by itself if there is nothing else', () => {
    expect(readNewest(entries([user('<own>')]), () => '', 'input').prompt).toEqual([{ type: 'text', text: '<own>' }]);
    expect(() => readNewest(entries([user(' ')]), keepText, 'input')).toThrow(
      'input: must end with a message of the user',
    );
  });
});
