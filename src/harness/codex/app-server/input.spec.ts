import { describe, expect, it } from 'vitest';
import { toCodexInput } from './input.js';

const text = (content: string) => ({ type: 'text', text: content, text_elements: [] });

describe('toCodexInput', () => {
  it('passes texts on, in order', () => {
    const prompt = [{ type: 'text', text: 'one' } as const, { type: 'text', text: 'two' } as const];
    expect(toCodexInput(prompt, '/u')).toEqual({ input: [text('one'), text('two')], uploads: [] });
  });

  it('shows images, and mentions those that are elsewhere, as Codex fetches none', () => {
    const { input } = toCodexInput(
      [
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'image', source: { type: 'url', url: 'https://a.example/x.png' } },
      ],
      '/u',
    );
    expect(input).toEqual([
      { type: 'image', url: 'data:image/png;base64,AAAA' },
      text('An image is at https://a.example/x.png'),
    ]);
  });

  it('quotes the text of a document', () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'body' } as const;
    const { input } = toCodexInput([{ type: 'document', source, title: 'Notes', context: 'Read me' }], '/u');
    expect(input).toEqual([text('The document "Notes":\nRead me\n\nbody')]);
  });

  it('puts a PDF into a file named by its content, the same for every attempt', () => {
    const source = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } as const;
    const first = toCodexInput([{ type: 'document', source }], '/home/agent/uploads');
    expect(first.uploads).toEqual([
      { path: expect.stringMatching(/^\/home\/agent\/uploads\/[0-9a-f]{32}\.pdf$/), bytes: Buffer.from('%PDF-') },
    ]);
    expect(first.input).toEqual([text(`A document is in the file ${first.uploads[0]?.path}`)]);
    expect(toCodexInput([{ type: 'document', source, title: 'T' }], '/home/agent/uploads').uploads).toEqual(
      first.uploads,
    );
  });

  it('mentions a document that is elsewhere', () => {
    const source = { type: 'url', url: 'https://a.example/x.pdf' } as const;
    expect(toCodexInput([{ type: 'document', source }], '/u').input).toEqual([
      text('A document is at https://a.example/x.pdf'),
    ]);
  });
});
