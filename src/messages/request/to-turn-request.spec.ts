import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { parseCreateMessage } from './create-message.dto.js';
import { recorded } from '../../clients/claude-code/__fixtures__/recorded.js';
import { sidePrompt } from './side-prompt.js';
import { toTurnRequest, threadClues } from './to-turn-request.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)' };

const FORM = {
  presentation: { toolBlocks: 'mcp', toolOutputLimit: 100, thinking: 'shown' },
  stopSequences: [],
  answerTool: undefined,
} as const;
const APPEND = { callerSystem: 'append', isSideRequest: false, after: undefined, form: FORM } as const;

/** A request as far as it is looked at: its headers. */
function http(headers: Readonly<Record<string, string>> = {}): Request {
  return { get: (name: string) => headers[name] } as Request;
}

const body = (more: object = {}) =>
  parseCreateMessage({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], ...more });

describe('what names a request’s thread', () => {
  it('is in its headers and its metadata', () => {
    const headers = { 'x-centaur-thread-key': 'c:1', 'x-claude-code-session-id': 's' };
    expect(threadClues(http(headers), body({ metadata: { user_id: 'u' } }))).toEqual({
      threadKey: 'c:1',
      sessionId: 's',
      userId: 'u',
      isSideRequest: false,
    });
    expect(threadClues(http({ ...headers, 'x-chiron-thread-key': 'x:1' }), body()).threadKey).toBe('x:1');
  });

  it('does not count for a side request of Claude Code', () => {
    const title = body({ output_config: { format: {} }, tools: [] });
    const turn = body({ tools: [{ name: 'Bash', input_schema: {} }] });
    const isSide = (headers: Readonly<Record<string, string>>, request: typeof title) =>
      threadClues(http(headers), request).isSideRequest;
    expect([isSide(CLAUDE_CODE, title), isSide({}, title)]).toEqual([true, false]);
    expect([isSide(CLAUDE_CODE, turn), isSide({ ...CLAUDE_CODE, 'x-claude-code-agent-id': 'a' }, turn)]).toEqual([
      false,
      true,
    ]);
    expect(isSide({ ...CLAUDE_CODE, 'x-claude-code-request-class': 'compaction' }, turn)).toBe(true);
  });
});

describe('the turn that a request asks for', () => {
  it('has the prompt, the model and the system prompt', async () => {
    expect(await toTurnRequest(http(), body({ system: 'Be brief.' }), APPEND)).toMatchObject({
      caller: 'sdk',
      prompt: [{ type: 'text', text: 'hi' }],
      model: 'm',
      systemPrompt: 'Be brief.',
      hasHistory: false,
      received: undefined,
      interrupts: false,
    });
    expect(
      (await toTurnRequest(http(), body({ system: 'Be brief.' }), { ...APPEND, callerSystem: 'ignore' })).systemPrompt,
    ).toBeUndefined();
  });

  it('is the one that was cut off when Claude Code asks for its rest', async () => {
    const question = { role: 'user', content: 'hi' };
    const repair = [
      { role: 'assistant', content: 'Hel' },
      { role: 'user', content: 'Your response above was cut off mid-stream. Resume directly from where it stops' },
    ];
    const cut = await toTurnRequest(http(CLAUDE_CODE), body({ messages: [question, ...repair] }), APPEND);
    const whole = await toTurnRequest(http(CLAUDE_CODE), body(), APPEND);
    expect(cut).toEqual({ ...whole, received: 'Hel' });
  });

  it('shows an SDK’s trailing system message to the agent, and not Claude Code’s', async () => {
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'It is late.' },
    ];
    expect((await toTurnRequest(http(), body({ messages }), APPEND)).prompt).toEqual([
      { type: 'text', text: '<system-reminder>\nIt is late.\n</system-reminder>' },
      { type: 'text', text: 'hi' },
    ]);
    expect((await toTurnRequest(http(CLAUDE_CODE), body({ messages }), APPEND)).prompt).toEqual([
      { type: 'text', text: 'hi' },
    ]);
  });

  it('has the caller’s idempotency key, if it is one', async () => {
    expect((await toTurnRequest(http({ 'idempotency-key': 'k' }), body(), APPEND)).idempotencyKey).toBe('k');
    await expect(toTurnRequest(http({ 'idempotency-key': ' ' }), body(), APPEND)).rejects.toThrow(
      '1 to 256 characters',
    );
  });

  it('tells the agent of plan mode, which the caller’s client cannot keep it to', async () => {
    const { messages } = recorded('main-plan-mode').body;
    expect((await toTurnRequest(http(CLAUDE_CODE), body({ messages }), APPEND)).prompt).toEqual([
      { type: 'text', text: expect.stringMatching(/^<system-reminder>\nThe user is in plan mode/) },
      { type: 'text', text: 'prompt in plan mode' },
    ]);
  });

  it('holds the conversation and the request’s own system prompt when it is beside the conversation', async () => {
    const { messages, system } = recorded('side-recap').body;
    const asked = await toTurnRequest(http(CLAUDE_CODE), body({ messages, system }), {
      ...APPEND,
      callerSystem: 'ignore',
      isSideRequest: true,
    });
    expect(asked.prompt).toEqual(sidePrompt(messages));
    expect(asked.systemPrompt).toMatch(/^You are Claude Code, Anthropic's official CLI for Claude\.\n\n/);
  });
});
