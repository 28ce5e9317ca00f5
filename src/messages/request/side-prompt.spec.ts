import { describe, expect, it } from 'vitest';
import { readPromptText } from '../../domain/prompt.js';
import { recorded, RECORDINGS } from '../../clients/claude-code/__fixtures__/recorded.js';
import { claudeCodeProfile } from '../../clients/claude-code/claude-code.js';
import * as side from './side-prompt.js';

const sidePrompt = (messages: readonly unknown[]) => side.toSidePrompt(messages, claudeCodeProfile);
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });
const ofRecording = (name: string) => sidePrompt(recorded(name).body.messages);

describe(side.toSidePrompt.name, () => {
  it('is the message itself if there is no other', () => {
    const question = [text('<system-reminder>be short</system-reminder>'), text('what is it?')];
    expect(sidePrompt([user(question)])).toEqual(question);
    expect(sidePrompt([user('what is it?'), { role: 'system', content: 'Today is Monday.' }])).toEqual([
      text('what is it?'),
    ]);
  });

  it('has the earlier conversation', () => {
    const call = { type: 'tool_use', id: 't', name: 'Bash', input: { command: 'ls' } };
    const said = [text('a.txt'), text('<system-reminder>x</system-reminder>')];
    const result = { type: 'tool_result', tool_use_id: 't', content: said, is_error: false };
    const conversation = [
      user([text('<system-reminder>x</system-reminder>'), text('list the files')]),
      { role: 'system', content: '# Environment' },
      assistant([{ type: 'thinking', thinking: 'hm', signature: '' }, text('I look.'), call]),
      user([result]),
      assistant('There is one.'),
      user('Recap.'),
    ];
    expect(sidePrompt(conversation)).toMatchInlineSnapshot(`
      [
        {
          "text": "The conversation so far, with you as its assistant:

      <conversation>
      <user>
      list the files
      </user>
      <assistant>
      I look.
      </assistant>
      <tool_call name="Bash">
      {"command":"ls"}
      </tool_call>
      <tool_result name="Bash">
      a.txt
      </tool_result>
      <assistant>
      There is one.
      </assistant>
      </conversation>

      This is what you are to answer now:",
          "type": "text",
        },
        {
          "text": "Recap.",
          "type": "text",
        },
      ]
    `);
  });

  it('puts results before a question into the conversation, and answers them if there is no question', () => {
    const results = [{ type: 'tool_result', tool_use_id: 't', content: [text('out')] }];
    expect(sidePrompt([user([...results, text('Summarize.')])])).toEqual([
      text(expect.stringContaining('[result of a tool call]\n</user>\n<user>\nout\n</user>\n</conversation>')),
      text('Summarize.'),
    ]);
    expect(readPromptText(sidePrompt([user([...results, ...results])]))).toBe(
      "[result of the caller's tool call t]\nout\n[result of the caller's tool call t]\nout",
    );
  });

  it('has the agent’s own work as shown to the caller', () => {
    const shown = [
      { type: 'mcp_tool_use', id: 'm', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
      { type: 'mcp_tool_result', tool_use_id: 'm', content: [text('a.txt')], is_error: false },
    ];
    const told = readPromptText(sidePrompt([user('list'), assistant(shown), user('Recap.')]));
    expect(told).toContain('<tool_call name="Bash">\n{"command":"ls"}\n</tool_call>');
    expect(told).toContain('<tool_result name="Bash">\na.txt\n</tool_result>');
  });

  it('keeps images in place, with placeholders for those that are not in the request', () => {
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } };
    const elsewhere = { type: 'image', source: { type: 'file', file_id: 'f' } };
    const conversation = [user([text('one'), picture, elsewhere, text('two')]), assistant('ok'), user('Recap.')];
    expect(sidePrompt(conversation)).toEqual([
      text(expect.stringMatching(/one\n<\/user>\n$/)),
      picture,
      text(expect.stringMatching(/^<user>\n\[image\]\n<\/user>\n<user>\ntwo/)),
      text('Recap.'),
    ]);
  });

  it('shortens inputs and outputs of tools', () => {
    const call = { type: 'tool_use', id: 't', name: 'Write', input: { content: 'x'.repeat(100_000) } };
    const result = { type: 'tool_result', tool_use_id: 't', content: 'y'.repeat(100_000) };
    const told = readPromptText(sidePrompt([user('go'), assistant([call]), user([result, text('Recap.')])]));
    expect(told).toContain('… [96000 more characters]');
    expect(told.length).toBeLessThan(10_000);
  });

  it('is refused for an invalid conversation', () => {
    expect(() => sidePrompt([user('x'), assistant('y')])).toThrow('prefill');
    expect(() => sidePrompt([user([{ type: 'video' }])])).toThrow('content.0.type');
  });

  it.each([
    [
      'side-compact',
      '<tool_result name="Bash">\ntoolout\n</tool_result>\n</conversation>',
      /^CRITICAL: Respond with TEXT ONLY/,
    ],
    ['side-question', 'prompt after escape', /^what is this session about\?$/],
    ['side-question-beside-a-turn', 'ANSWER 10', /^how is it going\?$/],
    ['side-recap', 'prompt after escape', /^The user stepped away/],
    ['side-suggestion', 'second prompt with hooks', /^\[SUGGESTION MODE/],
  ])('has the conversation and the question of a recorded fork: %s', (name, said, question) => {
    const prompt = ofRecording(name);
    const [conversation] = prompt;
    expect(conversation?.type === 'text' ? conversation.text : '').toContain(said);
    expect(readPromptText(prompt.slice(-1))).toMatch(question);
  });

  it('omits the commands of the caller’s machine before a question, unless nothing else remains', () => {
    const command = text('<local-command-stdout>Compacted</local-command-stdout>');
    expect(sidePrompt([user([command, text('what is it?')])])).toEqual([text('what is it?')]);
    expect(sidePrompt([user([command])])).toEqual([command]);
  });

  it('keeps the instruction of a side question, which is a reminder', () => {
    expect(readPromptText(ofRecording('side-question'))).toContain('This is a side question from the user.');
  });

  it.each(RECORDINGS.filter((name) => recorded(name).isSideRequest))('can be made of every recording: %s', (name) => {
    expect(readPromptText(ofRecording(name))).not.toBe('');
  });
});
