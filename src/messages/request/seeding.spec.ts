import { describe, expect, it } from 'vitest';
import { anySdkProfile } from '../../clients/any-sdk.js';
import { extractPrompt } from './prompt-extraction.js';
import { toSeeding } from './seeding.js';

const text = (value: string) => ({ type: 'text', text: value }) as const;
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const call = (id: string) => ({ type: 'tool_use', id, name: 'weather', input: { city: 'Rome' } });
const result = (id: string, content: unknown = `sunny at ${id}`) => ({ type: 'tool_result', tool_use_id: id, content });

function seedingOf(messages: readonly unknown[]) {
  const { prompt, firstIndex } = extractPrompt(messages, anySdkProfile);
  return toSeeding(messages, { start: 0, end: firstIndex }, anySdkProfile, prompt);
}

describe(toSeeding, () => {
  it('has everything before the newest message, and that message as the prompt', () => {
    expect(seedingOf([user('a'), assistant('b'), user('c')])).toEqual({
      seed: [
        { role: 'user', content: [text('a')] },
        { role: 'assistant', content: [text('b')] },
      ],
      prompt: [text('c')],
    });
  });

  it('has the results of the newest message with their calls, and the rest of that message as the prompt', () => {
    const { seed, prompt } = seedingOf([
      user('weather?'),
      assistant([text('I look.'), call('1'), call('2')]),
      user([result('1'), result('2'), text('and hurry')]),
    ]);
    expect(seed.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          text('I look.'),
          ...['1', '2'].map((id) => ({
            type: 'tool-call',
            id,
            name: 'weather',
            server: 'caller',
            input: { city: 'Rome' },
          })),
        ],
      },
      {
        role: 'user',
        content: ['1', '2'].map((id) => ({
          type: 'tool-result',
          id,
          content: [text(`sunny at ${id}`)],
          isError: false,
        })),
      },
    ]);
    expect(prompt).toEqual([text('and hurry')]);
  });

  it.each([
    ['nothing else', user([result('1')])],
    ['a blank text', user([result('1'), text(' ')])],
  ])('asks to go on if the newest message has results and %s', (_, newest) => {
    const { seed, prompt } = seedingOf([user('weather?'), assistant([call('1')]), newest]);
    expect(seed.at(-1)?.content).toMatchObject([{ type: 'tool-result', id: '1' }]);
    expect(prompt).toEqual([text('Go on with the results of these calls.')]);
  });

  it('leaves a result that has no call in the prompt', () => {
    const { seed, prompt } = seedingOf([user('a'), assistant('b'), user([result('9')])]);
    expect(seed).toHaveLength(2);
    expect(prompt).toEqual([text("[result of the caller's tool call 9]\nsunny at 9")]);
  });

  it('has tools of the agent with the server that owns them, and no thinking', () => {
    const { seed } = seedingOf([
      user('list'),
      assistant([
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'mcp_tool_use', id: 'm', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
        { type: 'mcp_tool_result', tool_use_id: 'm', is_error: true, content: [text('denied')] },
        { type: 'server_tool_use', id: 's', name: 'bash_code_execution', input: { command: 'pwd' } },
        {
          type: 'bash_code_execution_tool_result',
          tool_use_id: 's',
          content: { type: 'bash_code_execution_result', stdout: '/home', stderr: '', return_code: 0, content: [] },
        },
        text('Done.'),
      ]),
      user('next'),
    ]);
    expect(seed).toEqual([
      { role: 'user', content: [text('list')] },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', id: 'm', name: 'Bash', server: 'agent', input: { command: 'ls' } }],
      },
      { role: 'user', content: [{ type: 'tool-result', id: 'm', content: [text('denied')], isError: true }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool-call', id: 's', name: 'bash_code_execution', server: 'agent', input: { command: 'pwd' } },
        ],
      },
      { role: 'user', content: [{ type: 'tool-result', id: 's', content: [text('/home')], isError: false }] },
      { role: 'assistant', content: [text('Done.')] },
    ]);
  });
});
