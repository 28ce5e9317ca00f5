import { describe, expect, it } from 'vitest';
import { NO_TOKENS } from '../../anthropic/usage.js';
import type { EventsWith, SilentEvent } from '../../domain/event-traits.js';
import { asString } from '../../domain/json.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { INITIAL_NOTIFICATION_STATE, toNotifications } from './codex-notifications.js';
import type { LineTurn } from './notification-builders.js';

/** The methods of the lines that an event comes to after these events, separated by blanks. */
interface Row<Event extends HarnessEvent> {
  readonly after?: readonly HarnessEvent[];
  readonly event: Event;
  readonly lines: string;
}

const TURN: LineTurn = {
  threadId: 'thread',
  turnId: 'turn',
  sequence: 1,
  model: 'm',
  prompt: [],
  warnings: [],
  startedAt: 0,
};
const SAID: readonly HarnessEvent[] = [{ type: 'text-delta', id: 'a', text: 'x' }];
const CALL: Extract<HarnessEvent, { readonly type: 'tool-call' }> = {
  type: 'tool-call',
  id: 't',
  name: 'Bash',
  server: 'agent',
  input: {},
};

type Table<Events extends HarnessEvent> = {
  readonly [Event in Events as Event['type']]: readonly Row<Event>[];
};

/** A new kind of event with content needs rows here: the compiler asks for them. */
const TABLE: Table<EventsWith<'hasContent', true>> & Partial<Table<SilentEvent>> = {
  'text-delta': [
    { event: { type: 'text-delta', id: 'a', text: 'x' }, lines: 'item/started item/agentMessage/delta' },
    { after: SAID, event: { type: 'text-delta', id: 'a', text: 'y' }, lines: 'item/agentMessage/delta' },
  ],
  'thinking-delta': [
    { event: { type: 'thinking-delta', id: 'a', text: 'x' }, lines: 'item/started item/reasoning/textDelta' },
  ],
  'block-end': [
    { after: SAID, event: { type: 'block-end', id: 'a' }, lines: 'item/completed' },
    { event: { type: 'block-end', id: 'a' }, lines: '' },
  ],
  'tool-call': [{ event: CALL, lines: 'item/started' }],
  'tool-result': [
    { after: [CALL], event: { type: 'tool-result', id: 't', content: [], isError: false }, lines: 'item/completed' },
    { event: { type: 'tool-result', id: 't', content: [], isError: false }, lines: '' },
  ],
  'caller-tool-call': [{ event: { type: 'caller-tool-call', id: 't', name: 'w', input: {} }, lines: 'item/started' }],
  'user-message': [{ event: { type: 'user-message', id: 'm' }, lines: '' }],
  'model-call-start': [{ event: { type: 'model-call-start', model: 'm', usage: NO_TOKENS }, lines: '' }],
  'model-call-end': [
    { event: { type: 'model-call-end', model: 'm', usage: NO_TOKENS }, lines: 'thread/tokenUsage/updated' },
  ],
  'session-started': [{ event: { type: 'session-started', sessionId: 's' }, lines: '' }],
  notice: [
    { event: { type: 'notice', kind: 'retrying', message: 'again' }, lines: 'error' },
    { event: { type: 'notice', kind: 'compacting', message: '' }, lines: 'item/started' },
    { event: { type: 'notice', kind: 'progress', message: 'works' }, lines: '' },
  ],
  'attempt-start': [{ after: SAID, event: { type: 'attempt-start', attempt: 2 }, lines: 'item/completed' }],
  'turn-end': [
    { after: SAID, event: { type: 'turn-end', reason: 'end_turn' }, lines: 'item/completed turn/completed' },
  ],
  'turn-failed': [{ event: { type: 'turn-failed', kind: 'internal', message: 'broken' }, lines: 'turn/completed' }],
};

describe.each(Object.entries(TABLE))('%s', (_, rows: readonly Row<HarnessEvent>[]) => {
  it.each(rows)('comes to "$lines"', ({ after = [], event, lines }) => {
    let state = INITIAL_NOTIFICATION_STATE;
    for (const earlier of after) [state] = toNotifications(TURN, state, earlier);
    const [, told] = toNotifications(TURN, state, event);
    expect(told.map((line) => asString(line['method'])).join(' ')).toBe(lines);
  });
});
