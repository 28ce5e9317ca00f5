import { describe, expect, it } from 'vitest';
import { promptText, type Prompt } from '../../domain/prompt.js';
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

const said = (value: string, answer?: string, more: Partial<DigestibleTurn> = {}): DigestibleTurn =>
  turn([{ type: 'text', text: value }], answer === undefined ? undefined : [text(answer)], more);

/** What is told of these turns, the oldest first. */
function told(...turns: readonly DigestibleTurn[]): string {
  const all = new TurnDigest();
  for (const one of turns.toReversed()) if (!all.isFull) all.addBefore(one);
  return promptText(all.toPrompt());
}

describe('What is told of the turns in the store', () => {
  it('is what was said, in its order', () => {
    expect(told(said('one', 'two'), said('three', 'four'))).toBe(
      '<user>\none\n</user>\n<assistant>\ntwo\n</assistant>\n<user>\nthree\n</user>\n<assistant>\nfour\n</assistant>\n',
    );
  });

  it('is nothing of no turns', () => {
    expect(new TurnDigest().toPrompt()).toEqual([]);
  });

  it('has the tools that ran, with a part of what they printed, and no thinking', () => {
    const words = told(
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
    expect(words).toContain(`${'x'.repeat(4000)} … [1000 more characters]`);
    expect(words).not.toContain('hm');
  });

  it('has a word for a picture, not its bytes, and the text of a document', () => {
    const words = told(
      turn(
        [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'the reef' } },
        ],
        [],
      ),
    );
    expect(words).toBe('<user>\n[image]\n</user>\n<user>\nthe reef\n</user>\n');
  });

  it('leaves out what was refused, and keeps a prompt that failed for another reason', () => {
    expect(told(said('too long', undefined, { failure: { kind: 'context_too_long', message: '' } }))).toBe('');
    expect(told(said('a bad picture', undefined, { failure: { kind: 'bad_request', message: '' } }))).toBe('');
    expect(told(said('at noon', undefined, { failure: { kind: 'overloaded', message: '' } }))).toContain('at noon');
  });

  it('is the newest of it where it is long, whole blocks only', () => {
    const words = told(said('oldest', 'a'.repeat(120_000)), said('newer', 'b'.repeat(120_000)), said('newest', 'c'));
    expect(words).toMatch(/^\[What was said before is left out\.\]\n<user>\nnewer\n/);
    expect(words).toMatch(/<assistant>\nc\n<\/assistant>\n$/);
  });
});
