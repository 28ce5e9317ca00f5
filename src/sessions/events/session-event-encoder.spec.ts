import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { toOutcome } from '../../turns/running/turn-outcome.js';
import { durationExceeded } from '../../turns/running/max-duration.js';
import { toTerminalId } from './event-id.js';
import { rebuildEvents } from '../../turns/message-events.js';
import { type SessionEvent, SessionEventEncoder } from './session-event-encoder.js';

const THREAD: Thread = {
  id: 'thread-1',
  tenant: 'local',
  key: 'api:demo-1',
  harness: 'claude-code',
  model: 'claude-code',
  harnessModel: undefined,
  systemPrompt: undefined,
  sessionId: undefined,
  state: 'running',
  metadata: {},
  contextUsage: undefined,
  parkedTurnId: undefined,
  node: undefined,
  turnCount: 0,
  generation: 0,
  createdAt: 1,
  updatedAt: 1,
};

const TURN: Turn = {
  id: '9b1d6f3e-0c2a-4d5b-8e7f-6a5b4c3d2e1f',
  messageId: 'msg_1',
  threadId: 'thread-1',
  sequence: 2,
  state: 'running',
  promptKey: undefined,
  answersTurnId: undefined,
  requestKey: 'k',
  idempotencyKey: undefined,
  caller: 'session',
  maker: undefined,
  billedTo: { keyId: undefined, userId: undefined },
  prompt: [{ type: 'text', text: 'hello' }],
  request: { inputLineCount: 3, idleTimeout: 60_000, maxDuration: 15_000 },
  attempt: 1,
  owner: 'o',
  interruptedAt: undefined,
  stopReason: undefined,
  usage: undefined,
  failure: undefined,
  message: undefined,
  deliveredAt: undefined,
  eventsPrunedAt: undefined,
  responseDeletedAt: undefined,
  createdAt: 1000,
  startedAt: 1001,
  endedAt: undefined,
};

const NAMES = { execution_id: 'exe_9b1d6f3e0c2a4d5b8e7f6a5b4c3d2e1f', thread_key: 'api:demo-1' };
const SAID: readonly HarnessEvent[] = [
  { type: 'text-delta', id: 'a', text: 'Hel' },
  { type: 'text-delta', id: 'a', text: 'lo' },
  { type: 'block-end', id: 'a' },
];
const END: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };

const narrator = (turn: Turn = TURN, source: 'log' | 'message' = 'log') =>
  new SessionEventEncoder(THREAD, turn, source, () => 42, 'claudecode');
const types = (events: readonly SessionEvent[]) => events.map((event) => event.type.replace('session.', ''));

describe(SessionEventEncoder.name, () => {
  it('tells which appended messages the agent heard, at the start and meanwhile', () => {
    const turn = { ...TURN, request: { ...TURN.request, messageIds: ['msg_a'] } };
    const events = narrator(turn).encode([{ type: 'user-message', id: 'msg_b' }, END]);
    expect(events[0]?.data).toMatchObject({ ...NAMES, message_ids: ['msg_a'] });
    expect(events.find(({ type }) => type === 'session.steering_delivered')?.data).toEqual({
      ...NAMES,
      message_ids: ['msg_b'],
      input_line_count: 1,
    });
  });

  it('encodes a turn from its start to its end, with increasing ids', () => {
    const events = narrator().encode([...SAID, END]);
    expect(types(events)).toEqual([
      'execution_started',
      ...['output.line', 'output.line', 'output.line'],
      ...['output.line', 'output.line', 'first_token'],
      'output.line',
      'output.line',
      'output.line',
      'execution_completed',
    ]);
    expect(events[0]?.data).toEqual({
      ...NAMES,
      input_line_count: 3,
      idle_timeout_ms: 60_000,
      max_duration_ms: 15_000,
    });
    expect(events.at(-1)?.data).toEqual({ ...NAMES, completion_reason: 'turn_completed', result_text: 'Hello' });
    const ids = events.map((event) => event.id);
    expect(ids).toEqual([...new Set(ids)].toSorted((one, other) => one - other));
    expect(ids.at(-1)).toBe(toTerminalId(2));
  });

  it('emits the first token once, after the line that has it', () => {
    const events = narrator().encode(SAID);
    const index = events.findIndex((event) => event.type === 'session.first_token');
    expect(events[index]?.data).toEqual({
      ...NAMES,
      harness_type: 'claudecode',
      latency_ms: 42,
      output_event_id: events[index - 1]?.id,
    });
    expect(events[index - 1]?.data).toMatchObject({ method: 'item/agentMessage/delta', params: { delta: 'Hel' } });
    expect(types(events).filter((type) => type === 'first_token')).toHaveLength(1);
  });

  it('gives the same events the same ids, however they are cut into batches', () => {
    const pieces = narrator();
    const one = [...pieces.openTurn(), ...SAID.flatMap((event) => pieces.encode([event])), ...pieces.encode([END])];
    expect(one).toEqual(narrator().encode([...SAID, END]));
  });

  it.each([
    [{ type: 'turn-end', reason: 'interrupted' } as const, 'execution_cancelled', NAMES],
    [{ type: 'turn-failed', kind: 'internal', message: 'no' } as const, 'execution_failed', { ...NAMES, error: 'no' }],
    [
      { type: 'turn-failed', kind: 'timeout', message: durationExceeded(15_000) } as const,
      'execution_failed',
      {
        ...NAMES,
        error: 'execution exceeded max_duration_ms=15000',
        reason: 'max_duration_exceeded',
        max_duration_ms: 15_000,
      },
    ],
  ])('ends a turn that ended as %j', (end, type, data) => {
    const last = narrator().encode([end]).at(-1);
    expect(last).toEqual({ id: toTerminalId(2), type: `session.${type}`, data });
  });

  it('emits only the cancellation of a turn that was cancelled in the queue', () => {
    const queued: Turn = { ...TURN, state: 'queued', startedAt: undefined };
    expect(narrator(queued).end({ ...queued, state: 'cancelled' })).toEqual([
      { id: toTerminalId(2), type: 'session.execution_cancelled', data: NAMES },
    ]);
  });

  it('has no end for a running turn, and only one for an ended turn', () => {
    expect(narrator().end(TURN)).toEqual([]);
    const one = narrator();
    one.encode([END]);
    expect(one.end({ ...TURN, state: 'completed' })).toEqual([]);
  });

  it('rebuilds a pruned turn from its message, with the same answer and ids after those of the log', () => {
    const call: HarnessEvent = { type: 'tool-call', id: 't', name: 'shell', server: 'agent', input: { command: 'ls' } };
    const result: HarnessEvent = {
      type: 'tool-result',
      id: 't',
      content: [{ type: 'text', text: 'README.md' }],
      isError: false,
    };
    const events = [call, result, ...SAID, END];
    const { outcome } = toOutcome(TURN, THREAD, [call, result, ...SAID], END, { endedAt: 1, prices: new Map() });
    if (outcome.state !== 'completed') throw new Error('the turn has no message');
    const ended: Turn = {
      ...TURN,
      state: 'completed',
      stopReason: 'end_turn',
      message: outcome.message,
      eventsPrunedAt: 9,
    };
    const replayed = narrator(ended, 'message').encode(rebuildEvents(ended));
    const live = narrator().encode(events);
    expect(replayed.at(-1)).toEqual(live.at(-1));
    expect(JSON.stringify(replayed)).toContain('README.md');
    const bodies = replayed.slice(types(replayed).lastIndexOf('execution_started') + 4, -1);
    expect(bodies.every((event) => event.id > (live.at(-2)?.id ?? 0))).toBe(true);
  });
});
