import { describe, expect, it } from 'vitest';
import type { StreamEvent } from '../anthropic/stream-event.js';
import { NO_TOKENS } from '../anthropic/usage.js';
import type { EventsWith, SilentEvent } from '../domain/event-traits.js';
import type { HarnessEvent } from '../domain/harness-event.js';
import { initialState, translateEvents } from './translate.js';

/** One kind of event and what is sent for it: as the first event, after the text of an open block `a`, and after the turn's end. */
interface Row<Event extends HarnessEvent> {
  readonly event: Event;
  readonly idle: string;
  readonly open: string;
}

const START = 'message_start';
const BLOCK = 'start delta stop';

type Table<Events extends HarnessEvent> = { readonly [Event in Events as Event['type']]: Row<Event> };

/** A new kind of event with content needs a row here: the compiler asks for it. */
const TABLE: Table<EventsWith<'hasContent', true>> & Partial<Table<SilentEvent>> = {
  'text-delta': {
    event: { type: 'text-delta', id: 'b', text: 'x' },
    idle: `${START} start delta`,
    open: 'stop start delta',
  },
  'thinking-delta': {
    event: { type: 'thinking-delta', id: 'b', text: 'x' },
    idle: `${START} start delta`,
    open: 'stop start delta',
  },
  'block-end': { event: { type: 'block-end', id: 'a' }, idle: START, open: 'stop' },
  'tool-call': {
    event: { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: {} },
    idle: `${START} start stop`,
    open: 'stop start stop',
  },
  'tool-result': {
    event: { type: 'tool-result', id: 't', content: [], isError: false },
    idle: `${START} start stop`,
    open: 'stop start stop',
  },
  'caller-tool-call': {
    event: { type: 'caller-tool-call', id: 't', name: 'weather', input: {} },
    idle: `${START} ${BLOCK}`,
    open: `stop ${BLOCK}`,
  },
  'model-call-start': { event: { type: 'model-call-start', model: 'm', usage: NO_TOKENS }, idle: START, open: '' },
  'model-call-end': { event: { type: 'model-call-end', model: 'm', usage: NO_TOKENS }, idle: START, open: '' },
  'session-started': { event: { type: 'session-started', sessionId: 's' }, idle: '', open: '' },
  notice: { event: { type: 'notice', kind: 'progress', message: 'works' }, idle: '', open: '' },
  'attempt-start': { event: { type: 'attempt-start', attempt: 2 }, idle: '', open: 'stop' },
  'turn-end': {
    event: { type: 'turn-end', reason: 'end_turn' },
    idle: `${START} message_delta message_stop`,
    open: 'stop message_delta message_stop',
  },
  'turn-failed': {
    event: { type: 'turn-failed', kind: 'internal', message: 'broken' },
    idle: 'error',
    open: 'stop error',
  },
};

const IDLE = initialState({ messageId: 'msg_1', model: 'm', knownUsage: null });
const [OPEN] = translateEvents(IDLE, [{ type: 'text-delta', id: 'a', text: 'x' }]);
const [DONE] = translateEvents(IDLE, [{ type: 'turn-end', reason: 'end_turn' }]);

const namesOf = (events: readonly StreamEvent[]): string =>
  events.map(({ type }) => type.replace('content_block_', '')).join(' ');

describe.each(Object.entries(TABLE))('%s', (_, { event, idle, open }) => {
  it(`sends "${idle}" as the first event of a turn`, () => {
    expect(namesOf(translateEvents(IDLE, [event])[1])).toBe(idle);
  });

  it(`sends "${open}" while a block is open`, () => {
    expect(namesOf(translateEvents(OPEN, [event])[1])).toBe(open);
  });

  it('sends nothing after the end of the turn', () => {
    expect(translateEvents(DONE, [event])[1]).toEqual([]);
  });
});
