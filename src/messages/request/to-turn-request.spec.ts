import { describe, expect, it } from 'vitest';
import { recorded } from '../../clients/claude-code/__fixtures__/recorded.js';
import { anySdkProfile } from '../../clients/any-sdk.js';
import { claudeCodeProfile } from '../../clients/claude-code/claude-code.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { answerWithoutAgent } from './answer-without-agent.js';
import { parseCreateMessage } from './create-message.dto.js';
import { toMessageRequest } from './message-request.js';
import { readPresentation } from './presentation.js';
import { toSidePrompt } from './side-prompt.js';
import { toTurnRequest, type TurnContext } from './to-turn-request.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)' };

const CONTEXT: TurnContext = {
  principal: { tenant: 't', keyId: 'key_1' },
  policies: [],
  thread: { key: 'a:b', isFresh: false },
  continuesFrom: undefined,
  callerSystem: 'append',
  view: {
    presentation: { toolBlocks: 'mcp', toolOutputLimit: 100, thinking: 'shown' },
    stopSequences: [],
    forcedCall: undefined,
  },
  outputSchema: undefined,
  callerTools: undefined,
  mcpServers: [],
};

const text = (value: string) => ({ type: 'text', text: value });

function request(headers: Readonly<Record<string, string>>, fields: object, client?: ClientProfile) {
  const body = parseCreateMessage({
    model: 'm',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'hi' }],
    ...fields,
  });
  return toMessageRequest((name) => headers[name], body, client);
}

/** The turn that a request asks for which has these headers and these fields. */
const asked = (headers: Readonly<Record<string, string>> = {}, fields: object = {}, context = CONTEXT) =>
  toTurnRequest(request(headers, fields), context);

describe('the turn that a request asks for', () => {
  it('has the prompt, the model and the system prompt', async () => {
    expect(await asked({}, { system: 'Be brief.' })).toMatchObject({
      received: undefined,
      turn: {
        tenant: 't',
        billedTo: { keyId: 'key_1', userId: undefined },
        threadKey: 'a:b',
        isFreshThread: false,
        caller: 'sdk',
        prompt: [text('hi')],
        model: 'm',
        systemPrompt: 'Be brief.',
        hasHistory: false,
        interrupts: false,
      },
    });
    const { turn } = await asked({}, { system: 'Be brief.' }, { ...CONTEXT, callerSystem: 'ignore' });
    expect(turn.systemPrompt).toBeUndefined();
  });

  it('is the interrupted one if Claude Code requests its rest', async () => {
    const question = { role: 'user', content: 'hi' };
    const repair = [
      { role: 'assistant', content: 'Hel' },
      { role: 'user', content: 'Your response above was cut off mid-stream. Resume directly from where it stops' },
    ];
    const cut = await asked(CLAUDE_CODE, { messages: [question, ...repair] });
    const { turn } = await asked(CLAUDE_CODE);
    expect(cut).toEqual({ turn, received: 'Hel' });
    // Of another caller they are words of its user.
    expect((await asked({}, { messages: [question, ...repair] })).received).toBeUndefined();
  });

  it('shows an SDK’s trailing system message to the agent, and not Claude Code’s', async () => {
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'It is late.' },
    ];
    expect((await asked({}, { messages })).turn.prompt).toEqual([
      text('<system-reminder>\nIt is late.\n</system-reminder>'),
      text('hi'),
    ]);
    expect((await asked(CLAUDE_CODE, { messages })).turn.prompt).toEqual([text('hi')]);
  });

  it('has the caller’s idempotency key, if it is one', async () => {
    expect((await asked({ 'idempotency-key': 'k' })).turn.idempotencyKey).toBe('k');
    await expect(asked({ 'idempotency-key': ' ' })).rejects.toThrow('1 to 256 characters');
  });

  it.each([
    [{}, { key: 'a:b', isFresh: true }, {}, 'first'],
    [{}, { key: 'a:b', isFresh: false }, {}, 'unknown'],
    [{}, { key: 'a:b', isFresh: true }, { thread: { type: 'create' } }, 'unknown'],
    [CLAUDE_CODE, { key: 'a:b', isFresh: true }, {}, 'unknown'],
  ])('is classified by its retry count: %j, %j, %j', async (headers, thread, fields, attempt) => {
    const sent = { ...headers, 'x-stainless-retry-count': '0' };
    expect((await asked(sent, fields, { ...CONTEXT, thread })).turn.attempt).toBe(attempt);
  });

  it('tells the agent about plan mode, which the caller’s client cannot enforce', async () => {
    const { messages } = recorded('main-plan-mode').body;
    expect((await asked(CLAUDE_CODE, { messages })).turn.prompt).toEqual([
      text(expect.stringMatching(/^<system-reminder>\nThe user is in plan mode/) as string),
      text('prompt in plan mode'),
    ]);
  });

  it('has the conversation and the request’s own system prompt for a side request', async () => {
    const { messages, system } = recorded('side-recap').body;
    const headers = { ...CLAUDE_CODE, 'x-claude-code-request-class': 'recap' };
    const { turn } = await asked(headers, { messages, system }, { ...CONTEXT, callerSystem: 'ignore' });
    expect(turn.isSideRequest).toBe(true);
    expect(turn.prompt).toEqual(toSidePrompt(messages, claudeCodeProfile));
    expect(turn.systemPrompt).toMatch(/^You are Claude Code, Anthropic's official CLI for Claude\.\n\n/);
  });
});

describe('a client that is new', () => {
  /** An editor that signs its user's texts, asks for titles with a header, and shows tools as text. */
  const editor: ClientProfile = {
    ...anySdkProfile,
    kind: 'editor',
    sendsWholeConversation: true,
    isSideRequest: ({ header }) => header('x-editor-purpose') === 'title',
    sideAnswer: () => 'A title',
    toolBlocks: () => 'text',
    filterText: (said) => said.replace(/ — sent from my editor$/, ''),
    systemPrompt: () => undefined,
  };
  const messages = [{ role: 'user', content: 'hi — sent from my editor' }];

  it('needs a profile only: its turns follow it', async () => {
    const ofEditor = request({}, { messages, system: 'You are in an editor.' }, editor);
    const { turn } = await toTurnRequest(ofEditor, CONTEXT);
    expect(turn).toMatchObject({
      caller: 'editor',
      hasHistory: true,
      prompt: [text('hi')],
      systemPrompt: undefined,
    });
    // The signature does not count for what was said either.
    expect(turn.requestKey).toBe((await asked({}, {})).turn.requestKey);
    expect(readPresentation(ofEditor, { toolBlocks: 'auto', toolOutputLimit: 9 }, false).toolBlocks).toBe('text');
  });

  it('needs a profile only: a conversation that it repairs is a retry, as its answer was cut off', async () => {
    const repairing: ClientProfile = {
      ...anySdkProfile,
      stripRecovery: (all) => ({ messages: all.slice(0, 1), partialAnswer: 'He' }),
    };
    expect(await toTurnRequest(request({}, {}, repairing), CONTEXT)).toMatchObject({
      turn: { hasHistory: true },
      received: 'He',
    });
    expect((await asked()).turn.hasHistory).toBe(false);
  });

  it('needs a profile only: its side requests are its own', () => {
    const title = request({ 'x-editor-purpose': 'title' }, { messages }, editor);
    expect(title.isSideRequest).toBe(true);
    expect(answerWithoutAgent(title, 'msg_1')?.content).toEqual([{ type: 'text', text: 'A title', citations: null }]);
  });
});
