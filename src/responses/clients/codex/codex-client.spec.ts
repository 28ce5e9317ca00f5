import { describe, expect, it } from 'vitest';
import { readRecordedCalls } from '../../__fixtures__/recorded-calls.js';
import { type ConversationEntry, findNewest, readNewest } from '../../../openai/request/conversation-entry.js';
import { readInput } from '../../request/read-input.js';
import { detectResponsesClient } from '../detect-responses-client.js';
import type { ResponsesCall } from '../responses-client.js';
import { codexClient } from './codex-client.js';

function arranged(call: ResponsesCall): readonly ConversationEntry[] {
  return codexClient.arrange(readInput(call.body.input)).filter((entry) => entry.role !== 'reference');
}

/** What the agent would get to hear, as texts. */
function newestTexts(call: ResponsesCall): readonly string[] {
  const entries = arranged(call).filter(({ role }) => role !== 'instructions');
  const { prompt } = readNewest(entries.slice(findNewest(entries)), codexClient.filterText, 'input');
  return prompt.map((block) => (block.type === 'text' ? block.text : block.type));
}

const only = (name: string, index = 0): ResponsesCall => {
  const call = readRecordedCalls(name)[index];
  if (call === undefined) throw new Error(`${name} has no request ${index}`);
  return call;
};

describe('Codex', () => {
  it.each([
    'codex-exec-first-turn',
    'codex-tui-turn-and-title',
    'codex-app-server-output-schema',
    'codex-openai-provider-lite',
  ])('is recognised by its headers in %s', (name) => {
    expect(detectResponsesClient(only(name).header).kind).toBe('codex');
  });

  it.each(['openai-node-7.57', 'openai-agents-0.20', 'ai-sdk-openai-3.0.141'])(
    'is not taken for the sender of %s',
    (name) => {
      expect(detectResponsesClient(only(name).header).kind).toBe('responses');
    },
  );

  it.each([
    ['a first turn: without its description of the machine', 'codex-exec-first-turn', 0, ['SCENE:text hello']],
    ['a resumed conversation: the last message', 'codex-exec-resume-turn7', 0, undefined],
    [
      'a try after a cut: without what had arrived of the answer',
      'codex-retry-after-cut',
      1,
      ['SCENE:cutafteritem hello'],
    ],
    [
      'a turn after an interruption: without the one before',
      'codex-tui-interrupt-and-steer',
      0,
      ['SCENE:text five after interrupt'],
    ],
    ['a turn after a compaction: without the summary', 'codex-compaction-custom-provider', 1, ['SCENE:text turn2']],
    ['a fork after a compaction', 'codex-fork', 0, ['SCENE:text forked']],
    ['a side conversation: without the boundary', 'codex-fork', 1, ['SCENE:text side question']],
  ] as const)('says in %s', (_, name, index, texts) => {
    const said = newestTexts(only(name, index));
    if (texts === undefined) expect(said).toHaveLength(1);
    else expect(said).toEqual(texts);
  });

  it('names its thread by the id of the thread, also where the session is that of a parent', () => {
    const review = only('codex-review-subagent');
    expect(codexClient.findSession(review)).toEqual({
      id: '01a21561-046f-7c11-bc12-159f52b52113',
      namespace: 'codex',
      field: 'thread-id',
    });
    expect(codexClient.sideAnswer(review, [])).toBeUndefined();
  });

  it('has one id for a turn and its tries, and for words that are typed meanwhile', () => {
    const ids = (name: string) => readRecordedCalls(name).map((call) => codexClient.findTurnId(call));
    const [first, retry] = ids('codex-retry-after-cut');
    expect(retry).toBe(first);
    const [, running, steered] = ids('codex-tui-interrupt-and-steer');
    expect(steered).toBe(running);
    expect(running).toMatch(/^[\da-f-]{36}$/);
  });

  it('keeps what it tells its own agent of the machine from the one here, but for another mode than the usual', () => {
    const developer = (...texts: readonly string[]) => ({
      role: 'developer',
      content: texts.map((text) => ({ type: 'input_text', text })),
    });
    // As behind a conversation that it resumes without having these in its record. [Codex 0.169.0]
    const usual = developer(
      '<skills_instructions>\n## Skills\n</skills_instructions>',
      '<permissions instructions>\nFilesystem sandboxing …\n</permissions instructions>',
      '<collaboration_mode># Collaboration Mode: Default\n\nYou are now …</collaboration_mode>',
    );
    const planning = developer('<collaboration_mode># Plan Mode (Conversational)</collaboration_mode>');
    const said = { role: 'user', content: 'go on' };
    const kept = (items: readonly object[]) =>
      codexClient.arrange(readInput(items)).map((entry) => (entry.role === 'reference' ? [] : entry.blocks.length));
    expect(kept([usual, said])).toEqual([1]);
    expect(kept([usual, planning, said])).toEqual([1, 1]);
  });

  it('interrupts the turn before only where its mark says so', () => {
    const calls = readRecordedCalls('codex-tui-interrupt-and-steer');
    expect(calls.map(({ body }) => codexClient.wasInterrupted(readInput(body.input)))).toEqual([true, false, false]);
  });

  it('shows where a summary replaced its history', () => {
    expect(codexClient.findSummary(arranged(only('codex-compaction-custom-provider', 1)))).toBeDefined();
    expect(codexClient.findSummary(arranged(only('codex-exec-resume-turn7')))).toBeUndefined();
  });

  it('gets a title, a summary and a compaction without an agent', () => {
    const answers = (name: string) =>
      readRecordedCalls(name).map((call) => codexClient.sideAnswer(call, arranged(call))?.kind);
    expect(answers('codex-tui-turn-and-title')).toEqual([undefined, 'text']);
    expect(answers('codex-compaction-custom-provider')).toEqual(['text', undefined]);
    expect(answers('codex-compaction-trigger-openai-provider')[0]).toBe('compaction');
    const [, title] = readRecordedCalls('codex-tui-turn-and-title');
    const answer = title === undefined ? undefined : codexClient.sideAnswer(title, arranged(title));
    const text = answer?.kind === 'text' ? answer.text : '';
    expect(JSON.parse(text)).toEqual({ title: expect.stringMatching(/^.{1,36}$/) as string });
  });

  it('gets an agent without tools for a request of a kind that is not known', () => {
    const { body } = only('codex-exec-first-turn');
    const metadata = JSON.stringify({ request_kind: 'memory', thread_id: 't', turn_id: 'u' });
    const call = { body, header: (name: string) => (name === 'x-codex-turn-metadata' ? metadata : undefined) };
    expect(codexClient.sideAnswer(call, [])).toEqual({ kind: 'agent' });
  });
});
