import { describe, expect, it } from 'vitest';
import type { PromptBlock } from '../../../domain/prompt.js';
import { toMcpError, toMcpResult } from '../../caller-mcp/results.js';
import { findMarkedTurn, toResultBlock, toTurnMark } from './results.js';

const text: PromptBlock = { type: 'text', text: 'a heron' };
const image: PromptBlock = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
const pdf: PromptBlock = {
  type: 'document',
  source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' },
  title: 'a.pdf',
  context: null,
};
const plain: PromptBlock = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' } };
const remote: PromptBlock = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };

const contentOf = (content: readonly PromptBlock[], isError = false) =>
  toMcpResult({ callId: 'c1', content, isError }, 'turn').content;

describe('a result of the caller for a call that waits', () => {
  it('has texts, images and documents in MCP’s form', () => {
    expect(contentOf([text, image, pdf, plain])).toEqual([
      text,
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'result:///2', mimeType: 'application/pdf', blob: 'BBBB' } },
      { type: 'resource', resource: { uri: 'result:///3', mimeType: 'text/plain', text: 'words' } },
    ]);
  });

  it('names what is elsewhere', () => {
    expect(contentOf([remote])).toEqual([{ type: 'text', text: '[image at https://example.com/a.png]' }]);
  });

  it('is an error, or says so if it has more than text', () => {
    expect(toMcpResult({ callId: 'c1', content: [text], isError: true }, 't')).toMatchObject({ isError: true });
    expect(toMcpResult({ callId: 'c1', content: [image], isError: true }, 't')).toMatchObject({
      isError: false,
      content: [{ text: 'The tool failed:' }, { type: 'image' }],
    });
  });

  it('is marked with its turn in the same way as one in a record', () => {
    const { _meta } = toMcpResult({ callId: 'c1', content: [], isError: false }, 'turn');
    expect(findMarkedTurn({ mcpMeta: { _meta } })).toBe('turn');
    expect(findMarkedTurn({ mcpMeta: { _meta: toMcpError('wrong', 'turn')._meta } })).toBe('turn');
    expect(findMarkedTurn({ type: 'user', ...toTurnMark('turn') })).toBe('turn');
    expect(findMarkedTurn({ type: 'user' })).toBeUndefined();
  });
});

it('a result in a record keeps images and documents as they are', () => {
  expect(toResultBlock({ callId: 'c1', content: [text, image, pdf, remote], isError: true })).toEqual({
    type: 'tool_result',
    tool_use_id: 'c1',
    is_error: true,
    content: [
      text,
      image,
      { type: 'document', source: pdf.type === 'document' ? pdf.source : {}, title: 'a.pdf' },
      remote,
    ],
  });
});
