import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { Prompt } from '../../../domain/prompt.js';
import { decodeRecording, dialectOf, readReplay } from '../__fixtures__/recordings.js';
import { call, result, text, userText } from '../__fixtures__/session-setup.js';
import { toStory } from '../__fixtures__/story.js';
import { beginAcpTurn, initialAcpState } from '../decode/state.js';
import { findDialect } from '../dialects/dialect.js';
import { planReplay } from './replay.js';

const ask = (said: string): Prompt => [{ type: 'text', text: said }];

function plan(
  replay: readonly JsonObject[],
  { prompt, priorEvents, recording = '' }: { prompt: Prompt; priorEvents: readonly HarnessEvent[]; recording?: string },
) {
  const state = initialAcpState(findDialect(dialectOf(recording)), { model: 'model', mcpServers: [] });
  return planReplay(replay, { prompt, priorEvents }, beginAcpTurn(state, 2));
}

/** What is left when the core has dropped the tools that the log has, by their ids. */
function withoutLogged(events: readonly HarnessEvent[], logged: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const known = new Set(logged.flatMap((event) => ('id' in event ? [`${event.type} ${event.id}`] : [])));
  return events.filter((event) => !('id' in event) || !known.has(`${event.type} ${event.id}`));
}

const said = (id: string, ...texts: readonly string[]): readonly HarnessEvent[] => [
  ...texts.map((one): HarnessEvent => ({ type: 'text-delta', id, text: one })),
  { type: 'block-end', id },
];
const called = (id: string): readonly HarnessEvent[] => [
  { type: 'tool-call', id, name: 'bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-result', id, content: [{ type: 'text', text: 'a file' }], isError: false },
];

describe('A turn whose agent was killed while it streamed its last text', () => {
  const agents = ['claude', 'codex', 'copilot', 'kimi', 'opencode', 'pi', 'qwen'] as const;

  it.each(agents)('goes on in %s, and nothing is told twice', (agent) => {
    const [, priorEvents = []] = decodeRecording(`${agent}/kill9-part1`);
    const { kind, events } = plan(readReplay(`${agent}/kill9-load`), {
      prompt: ask('SCENE:markslow second turn'),
      priorEvents,
      recording: `${agent}/kill9-load`,
    });
    expect(kind).toBe('go-on');
    expect(withoutLogged(events, priorEvents)).toEqual([]);
  });

  it.each(agents)('has from %s what the log lacks', (agent) => {
    const { events } = plan(readReplay(`${agent}/kill9-load`), {
      prompt: ask('SCENE:markslow second turn'),
      priorEvents: [{ type: 'text-delta', id: 'text-1-0', text: 'Mark' }],
      recording: `${agent}/kill9-load`,
    });
    expect(toStory(events)[0]?.trim()).toBe('Marking.');
    expect(events.filter(({ type }) => type === 'tool-call' || type === 'tool-result')).toHaveLength(2);
  });

  it('goes on in gemini, which replays behind its answer and among messages of its own', () => {
    const replay = readReplay('gemini/load-next-minute-2');
    const [, live = []] = decodeRecording('gemini/kill9-part1');
    // The recordings are of two runs: only the ids of their calls differ.
    const id = asString(replay.find(({ sessionUpdate }) => sessionUpdate === 'tool_call')?.['toolCallId']) ?? '';
    const priorEvents = live.map((event) =>
      event.type === 'tool-call' || event.type === 'tool-result' ? { ...event, id } : event,
    );
    const { kind, events } = plan(replay, {
      prompt: ask('SCENE:markslow second turn'),
      priorEvents,
      recording: 'gemini/load-next-minute-2',
    });
    expect(kind).toBe('go-on');
    expect(withoutLogged(events, priorEvents)).toEqual([]);
  });

  it.each(['claude', 'codex', 'copilot', 'opencode'])('and said nothing else goes on in %s', (agent) => {
    const [priorEvents = []] = agent === 'copilot' ? [] : decodeRecording(`${agent}/kill9-first-turn-1`);
    expect(
      plan(readReplay(`${agent}/kill9-first-turn-2`), { prompt: ask('SCENE:slow first turn'), priorEvents }),
    ).toEqual({ kind: 'go-on', events: [] });
  });
});

describe('The replay of a turn', () => {
  const earlier = [userText('earlier'), text('an answer')];

  it('that the record lacks makes its prompt necessary', () => {
    expect(plan(earlier, { prompt: ask('hi'), priorEvents: [] })).toEqual({ kind: 'prompt', events: [] });
  });

  it('that is over ends it, with what the log lacks', () => {
    const replay = [...earlier, userText('hi'), call('c1'), result('c1'), text('All done.')];
    const { kind, events } = plan(replay, { prompt: ask('hi'), priorEvents: called('c1') });
    expect(kind).toBe('over');
    expect(toStory(withoutLogged(events, called('c1')))).toEqual(['All done.', 'end: end_turn']);
  });

  it('is not over where the log has a call that the record lacks', () => {
    const replay = [userText('hi'), text('I look.')];
    expect(plan(replay, { prompt: ask('hi'), priorEvents: [...said('a', 'I look.'), ...called('c1')] })).toEqual({
      kind: 'go-on',
      events: [],
    });
  });

  it('is not that of an earlier turn with the same message', () => {
    expect(plan([userText('hi'), text('Hello.')], { prompt: ask('hi'), priorEvents: [] }).kind).toBe('prompt');
  });

  it('begins at the newest message that is its prompt, in one piece or several', () => {
    const replay = [userText('one'), text('a'), userText('two '), userText('three'), call('c1'), result('c1')];
    const prompt: Prompt = [...ask('two'), ...ask('three')];
    expect(toStory(plan(replay, { prompt, priorEvents: [] }).events)).toEqual([
      'agent bash {"command":"ls"}',
      'result: a file',
    ]);
    expect(plan([userText('two\nthree'), call('c1')], { prompt, priorEvents: [] }).kind).toBe('go-on');
  });

  it('leaves out calls that have not ended', () => {
    const replay = [userText('hi'), text('I look.'), call('c1')];
    expect(toStory(plan(replay, { prompt: ask('hi'), priorEvents: [] }).events)).toEqual(['I look.']);
  });

  it('tells a text again whose end was not logged, and not those that were, be they joined or trimmed', () => {
    const replay = [userText('hi'), text('One. Two.'), call('c1'), result('c1'), text('Three.')];
    const priorEvents = [
      ...said('a', 'One. '),
      ...said('b', 'Two. '),
      { type: 'text-delta', id: 'c', text: 'Thr' } as const,
    ];
    const { events } = plan(replay, { prompt: ask('hi'), priorEvents });
    expect(toStory(events)).toEqual(['agent bash {"command":"ls"}', 'result: a file', 'Three.', 'end: end_turn']);
  });

  it('names its blocks otherwise than the attempt does that follows', () => {
    const { events } = plan([userText('hi'), text('One.'), call('c1')], { prompt: ask('hi'), priorEvents: [] });
    expect(events.map((event) => ('id' in event ? event.id : ''))).toEqual(['text-2r-0', 'text-2r-0']);
  });
});
