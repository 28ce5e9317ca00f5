import { describe, expect, it } from 'vitest';
import { toCallAnswer, toOutputItem, toolResultOutput, toTextOutput, toToolOutput } from './tool-output.js';

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } } as const;
const call = { id: 'c', isCustom: false };

describe('The result of a tool of the caller', () => {
  const output = toToolOutput({ content: [{ type: 'text', text: 'seen' }, image], isError: false }, '/uploads');

  it('answers the request of Codex', () => {
    expect(toCallAnswer(output)).toEqual({
      contentItems: [
        { type: 'inputText', text: 'seen' },
        { type: 'inputImage', imageUrl: 'data:image/png;base64,AAAA' },
      ],
      success: true,
    });
  });

  it('is an output of the record', () => {
    expect(toOutputItem(call, output)).toEqual({
      type: 'function_call_output',
      call_id: 'c',
      output: [
        { type: 'input_text', text: 'seen' },
        { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
      ],
    });
    expect(toOutputItem({ ...call, isCustom: true }, output)['type']).toBe('custom_tool_call_output');
  });

  it('says in words that it is an error, or nothing', () => {
    expect(toCallAnswer(toTextOutput('no such file', true))).toEqual({
      contentItems: [
        { type: 'inputText', text: 'The tool failed.' },
        { type: 'inputText', text: 'no such file' },
      ],
      success: false,
    });
    const nothing = toToolOutput({ content: [], isError: false }, '/uploads');
    expect(toOutputItem(call, nothing)['output']).toEqual([{ type: 'input_text', text: 'The tool returned nothing.' }]);
  });

  it('has files for what Codex does not take', () => {
    const { parts, uploads } = toToolOutput({ content: [pdf], isError: false }, '/uploads');
    expect(uploads).toMatchObject([{ path: expect.stringMatching(/^\/uploads\/\w+\.pdf$/) }]);
    expect(parts).toMatchObject([{ kind: 'text', text: expect.stringContaining(uploads[0]?.path ?? 'none') }]);
  });

  it('of an inner tool has its texts and images', () => {
    const content = [
      { type: 'text', text: 'a' } as const,
      { type: 'image', mediaType: 'image/png', data: 'AA' } as const,
    ];
    expect(toolResultOutput(content).parts).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'image', url: 'data:image/png;base64,AA' },
    ]);
  });
});
