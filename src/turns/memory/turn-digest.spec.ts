import { describe, expect, it } from 'vitest';
import { readPromptText, type Prompt } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/render-seed.js';
import type { Message } from '../../anthropic/stream-event.js';
import { type DigestibleTurn, TurnDigest } from './turn-digest.js';

const text = (value: string) => ({ type: 'text', text: value, citations: null }) as const;

const turn = (
  prompt: Prompt,
  content: Message['content'] | undefined,
  more: Partial<DigestibleTurn> = {},
): DigestibleTurn => ({
  prompt,
  message: content === undefined ? undefined : { content },
  failure: undefined,
  ...more,
});

const exchange = (value: string, answer?: string, more: Partial<DigestibleTurn> = {}): DigestibleTurn =>
  turn([{ type: 'text', text: value }], answer === undefined ? undefined : [text(answer)], more);

/** The digest of these turns, given oldest first. */
function digestOf(...turns: readonly DigestibleTurn[]): string {
  const digest = new TurnDigest();
  for (const one of turns.toReversed()) if (!digest.isFull) digest.addBefore(one);
  return readPromptText(renderSeed(digest.toSeed()));
}

describe('the digest of stored turns', () => {
  it('has prompts and answers in order', () => {
    expect(digestOf(exchange('one', 'two'), exchange('three', 'four'))).toBe(
      '<user>\none\n</user>\n<assistant>\ntwo\n</assistant>\n<user>\nthree\n</user>\n<assistant>\nfour\n</assistant>\n',
    );
  });

  it('is empty without turns', () => {
    expect(new TurnDigest().toSeed()).toEqual([]);
  });

  it('has tool calls with shortened results, and no thinking', () => {
    const words = digestOf(
      turn(
        [{ type: 'text', text: 'go' }],
        [
          { type: 'thinking', thinking: 'hm', signature: '' },
          { type: 'mcp_tool_use', id: 't', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
          { type: 'mcp_tool_result', tool_use_id: 't', is_error: false, content: [text('x'.repeat(5000))] },
        ],
      ),
    );
    expect(words).toContain('<tool_call name="Bash">\n{"command":"ls"}\n</tool_call>');
    expect(words).toContain(`x … [1100 more characters]`);
    expect(words).not.toContain('hm');
  });

  it('has a placeholder for an image, and the text of a document', () => {
    const digest = new TurnDigest();
    digest.addBefore(
      turn(
        [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'the reef' } },
        ],
        [],
      ),
    );
    expect(digest.toSeed()).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: '[image]' },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'the reef' } },
        ],
      },
    ]);
  });

  it('omits a refused prompt, and keeps one that failed for another reason', () => {
    expect(digestOf(exchange('too long', undefined, { failure: { kind: 'context_too_long', message: '' } }))).toBe('');
    expect(digestOf(exchange('a bad picture', undefined, { failure: { kind: 'bad_request', message: '' } }))).toBe('');
    expect(digestOf(exchange('at noon', undefined, { failure: { kind: 'overloaded', message: '' } }))).toContain(
      'at noon',
    );
  });

  it('has only the newest messages, none of them shortened, of a long conversation', () => {
    const words = digestOf(
      exchange('oldest', 'a'.repeat(120_000)),
      exchange('newer', 'b'.repeat(120_000)),
      exchange('newest', 'c'),
    );
    expect(words).toMatch(/^<user>\n\[Earlier messages are omitted\.\]\n<\/user>\n<user>\nnewer\n/);
    expect(words).toMatch(/<assistant>\nc\n<\/assistant>\n$/);
  });
});
