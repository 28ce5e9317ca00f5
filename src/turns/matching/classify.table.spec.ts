// Long because it is the whole table of decisions.
import { describe, expect, it } from 'vitest';
import { aThread, aTurn } from '../../../test/support/stored.js';
import type { Turn, TurnState, TurnSummary } from '../../storage/stores/turn.js';
import { classify, type ClassifiedRequest, type Opening, type OpeningFacts, type OpeningPolicy } from './classify.js';
import type { OpeningRefusal } from './refusals.js';

const NOW = 1_000_000;

const turn = (state: TurnState, more: Partial<Turn> = {}): TurnSummary => ({
  ...aTurn({ state, prompt: [], requestKey: 'same', ...more }),
  hasMessage: false,
});

const THREAD = aThread();
const HARNESS = { harness: 'demo', model: undefined };
const POLICY: OpeningPolicy = { onBusy: 'queue', maxQueuedPerThread: 2, maxWaitingTurns: 3 };
const REQUEST: ClassifiedRequest = {
  prompt: [],
  requestKey: 'new',
  hasHistory: false,
  attempt: 'unknown',
  continuesFrom: undefined,
  idempotencyKey: undefined,
  interrupts: false,
  isFreshThread: false,
  isSideRequest: false,
  model: 'demo',
  outputSchema: undefined,
};
const IDLE = { isDraining: false, isFull: false, pendingTurns: 0, isDiskLow: false };
const FACTS: OpeningFacts = {
  thread: THREAD,
  recent: [],
  sameRequest: undefined,
  harness: HARNESS,
  takesCallerTools: true,
  takesMcpServers: false,
  needsTools: false,
  waitingCalls: [],
  closedCallIds: [],
  steered: undefined,
  canSteer: true,
  load: IDLE,
  nowMs: NOW,
};
const NO_THREAD = { thread: undefined };

const ended = turn('completed', { id: 'ended', sequence: 1, requestKey: 'old', deliveredAt: 1 });
const running = turn('running', { id: 'running', sequence: 2, requestKey: 'old' });
const queued = turn('queued', { id: 'queued', sequence: 3, requestKey: 'old' });
const stored = (id: string) => ({ thread: THREAD, turn: aTurn({ id }) });
const answer = (isExplicit: boolean): Partial<ClassifiedRequest> => ({
  continuesFrom: { sequence: 1, thread: THREAD, conversationKey: 'key', isExplicit, toolSetId: undefined },
});
const refuse = (refusal: OpeningRefusal): Opening => ({ kind: 'refuse', refusal });

type Row = readonly [
  row: string,
  Partial<ClassifiedRequest>,
  Partial<OpeningFacts>,
  Partial<OpeningPolicy>,
  Partial<Opening>,
];

describe('a request', () => {
  it.each<Row>([
    [
      '1: with a known idempotency key attaches',
      { idempotencyKey: 'k' },
      { sameRequest: stored('first') },
      {},
      { kind: 'attach', turnId: 'first' },
    ],
    [
      '1: with another key does not attach to an equal turn',
      { idempotencyKey: 'k', requestKey: 'old' },
      { recent: [running] },
      {},
      { kind: 'queue' },
    ],
    [
      '2: that equals the running turn attaches',
      { requestKey: 'old' },
      { recent: [running, ended] },
      {},
      { kind: 'attach', turnId: 'running' },
    ],
    [
      '2: that equals a queued turn attaches',
      { requestKey: 'old' },
      { recent: [queued] },
      {},
      { kind: 'attach', turnId: 'queued' },
    ],
    [
      '2: that equals the last ended turn attaches when it has history',
      { requestKey: 'old', hasHistory: true },
      { recent: [ended] },
      {},
      { kind: 'attach', turnId: 'ended' },
    ],
    [
      '2: that equals an older ended turn is a new one',
      { requestKey: 'old', hasHistory: true },
      { recent: [turn('completed', { id: 'newer', requestKey: 'other' }), ended] },
      {},
      { kind: 'continue' },
    ],
    [
      '2: that is a first attempt never attaches',
      { requestKey: 'old', attempt: 'first' },
      { recent: [running] },
      {},
      { kind: 'queue' },
    ],
    [
      '3: without a thread attaches to the turn of any',
      { isFreshThread: true },
      { ...NO_THREAD, sameRequest: stored('any') },
      {},
      { kind: 'attach', turnId: 'any' },
    ],
    [
      '3a: with a key, whose message a turn heard, attaches to that turn',
      { idempotencyKey: 'k' },
      { recent: [ended], steered: { id: 'm', turnId: 'older', isHeard: true, deliveredAt: 1 } },
      {},
      { kind: 'attach', turnId: 'older', messageId: 'm' },
    ],
    [
      '3a: whose message a running turn heard attaches to it',
      {},
      { recent: [running], steered: { id: 'm', turnId: 'running', isHeard: true, deliveredAt: undefined } },
      {},
      { kind: 'attach', turnId: 'running', messageId: 'm' },
    ],
    [
      '3a: without a key, whose words a turn heard, and whose answer was delivered, is a new one',
      {},
      { recent: [ended], steered: { id: 'm', turnId: 'ended', isHeard: true, deliveredAt: 1 } },
      {},
      { kind: 'continue' },
    ],
    [
      '3a: without a key, whose words a turn heard, attaches until its own caller has the answer, not that of the turn',
      {},
      { recent: [ended], steered: { id: 'm', turnId: 'ended', isHeard: true, deliveredAt: undefined } },
      {},
      { kind: 'attach', turnId: 'ended', messageId: 'm' },
    ],
    [
      '3b: whose message is assigned to the running turn waits for it',
      {},
      { recent: [running], steered: { id: 'm', turnId: 'running', isHeard: false, deliveredAt: undefined } },
      {},
      { kind: 'steer', turnId: 'running' },
    ],
    [
      '3b: whose message is assigned to the running turn is refused while the server drains',
      {},
      {
        recent: [running],
        steered: { id: 'm', turnId: 'running', isHeard: false, deliveredAt: undefined },
        load: { ...IDLE, isDraining: true },
      },
      {},
      refuse({ reason: 'draining' }),
    ],
    [
      '4: on a thread whose harness is not served is refused',
      {},
      { harness: undefined },
      {},
      refuse({ reason: 'no-such-model', model: THREAD.harness }),
    ],
    ['5: that continues a found answer of a removed thread forks', answer(false), NO_THREAD, {}, { kind: 'fork' }],
    [
      '6: that continues a found answer with a later turn forks',
      answer(false),
      { recent: [running, ended] },
      {},
      { kind: 'fork' },
    ],
    [
      '6: that continues a found answer after which a turn failed continues',
      answer(false),
      { recent: [turn('failed', { sequence: 2, requestKey: 'old' }), ended] },
      {},
      { kind: 'continue' },
    ],
    [
      '7: that continues a named answer of a removed thread is refused',
      answer(true),
      NO_THREAD,
      {},
      refuse({ reason: 'thread-not-found' }),
    ],
    [
      '8: that continues a named answer which was continued is refused',
      answer(true),
      { recent: [turn('completed', { sequence: 2, requestKey: 'old' }), ended] },
      {},
      refuse({ reason: 'already-continued' }),
    ],
    [
      '9: that continues a named answer which is being continued is refused by `reject`',
      answer(true),
      { recent: [running, ended] },
      { onBusy: 'reject' },
      refuse({ reason: 'continue-in-flight' }),
    ],
    [
      '9: that continues a named answer which is being continued waits by `queue`',
      answer(true),
      { recent: [running, ended] },
      {},
      { kind: 'queue' },
    ],
    [
      '10: with tools for an agent that cannot call them is refused',
      { callerTools: { tools: [], allowsParallelCalls: true } },
      { takesCallerTools: false },
      {},
      refuse({ reason: 'no-caller-tools', harness: 'demo' }),
    ],
    [
      '10: with tools for an agent that can call them continues',
      { callerTools: { tools: [], allowsParallelCalls: true } },
      {},
      {},
      { kind: 'continue' },
    ],
    [
      '10: with MCP servers for an agent that cannot be given any is refused',
      { mcpServers: [{ name: 'docs', url: 'https://docs.example', headers: {}, allowedTools: undefined }] },
      {},
      {},
      refuse({ reason: 'no-mcp-servers', harness: 'demo' }),
    ],
    [
      '10a: beside a conversation, for an agent that cannot go without its tools, is refused',
      { isSideRequest: true },
      { ...NO_THREAD, needsTools: true },
      {},
      refuse({ reason: 'needs-tools', harness: 'demo' }),
    ],
    [
      '11: with results that nobody waits for is refused',
      { toolResults: { results: [{ callId: 'x', content: [], isError: false }], promptBeside: [] } },
      { waitingCalls: [{ id: 'a', name: 'weather', input: {} }] },
      {},
      refuse({ reason: 'unexpected-results', callIds: ['x'] }),
    ],
    [
      '12: is refused while the server drains',
      {},
      { load: { ...IDLE, isDraining: true } },
      {},
      refuse({ reason: 'draining' }),
    ],
    [
      '12: attaches while the server drains',
      { requestKey: 'old' },
      { recent: [running], load: { ...IDLE, isDraining: true } },
      {},
      { kind: 'attach' },
    ],
    [
      '13: is refused while too many turns wait',
      {},
      { load: { ...IDLE, isFull: true, pendingTurns: 3 } },
      {},
      refuse({ reason: 'overloaded' }),
    ],
    [
      '13: is refused while the disk is almost full',
      {},
      { load: { ...IDLE, isDiskLow: true } },
      {},
      refuse({ reason: 'disk-low' }),
    ],
    [
      '13: is taken on while turns may wait',
      {},
      { load: { ...IDLE, isFull: true, pendingTurns: 2 } },
      {},
      { kind: 'continue' },
    ],
    [
      '14: for an unknown model is refused',
      { model: 'x' },
      { ...NO_THREAD, harness: undefined },
      {},
      refuse({ reason: 'no-such-model', model: 'x' }),
    ],
    ['15: without a thread starts one', {}, NO_THREAD, {}, { kind: 'new', harness: HARNESS }],
    ['16: on an idle thread continues it', {}, { recent: [ended] }, {}, { kind: 'continue', thread: THREAD }],
    [
      '17: that its user interrupted interrupts what runs',
      { interrupts: true },
      { recent: [queued, running] },
      { onBusy: 'reject' },
      { kind: 'interrupt', turns: [running] },
    ],
    [
      '18: on a busy thread interrupts everything by `interrupt`',
      {},
      { recent: [queued, running] },
      { onBusy: 'interrupt' },
      { kind: 'interrupt', turns: [queued, running] },
    ],
    [
      '17: that its user interrupted interrupts also by `steer`',
      { interrupts: true },
      { recent: [running] },
      { onBusy: 'steer' },
      { kind: 'interrupt' },
    ],
    [
      '19: on a busy thread goes to the running turn by `steer`',
      {},
      { recent: [queued, running] },
      { onBusy: 'steer' },
      { kind: 'steer', turnId: 'running' },
    ],
    ...(
      [
        ['an output schema', { outputSchema: {} }],
        [
          'tools',
          {
            callerTools: {
              tools: [{ name: 't', description: '', inputSchema: {}, isStrict: false, isDeferred: false }],
              allowsParallelCalls: true,
            },
          },
        ],
        ['results of tools', { toolResults: { results: [], promptBeside: [] } }],
        ['MCP servers', { mcpServers: [{ name: 'm', url: 'https://m', headers: {}, allowedTools: undefined }] }],
        ['the answer that it continues', answer(true)],
      ] as const
    ).map(([name, request]): Row => [
      `20: on a busy thread waits by \`steer\` with ${name}`,
      request,
      { recent: [running], takesMcpServers: true },
      { onBusy: 'steer' },
      { kind: 'queue' },
    ]),
    [
      '20: on a busy thread waits by `steer` when the agent cannot be steered',
      {},
      { recent: [running], canSteer: false },
      { onBusy: 'steer' },
      { kind: 'queue' },
    ],
    [
      '20: on a busy thread waits by `steer` behind a turn that has not started',
      {},
      { recent: [queued] },
      { onBusy: 'steer' },
      { kind: 'queue' },
    ],
    [
      '20: on a busy thread waits by `steer` when a turn before ended without hearing it',
      {},
      { recent: [running], steered: { id: 'm', turnId: undefined, isHeard: false, deliveredAt: undefined } },
      { onBusy: 'steer' },
      { kind: 'queue' },
    ],
    ['20: on a busy thread waits by `queue`', {}, { recent: [queued, running] }, {}, { kind: 'queue' }],
    [
      '21: on a thread with a full queue is refused',
      {},
      { recent: [queued, turn('queued', { requestKey: 'old' }), running] },
      {},
      refuse({ reason: 'queue-full' }),
    ],
    [
      '22: on a busy thread is refused by `reject`',
      {},
      { recent: [running] },
      { onBusy: 'reject' },
      refuse({ reason: 'busy' }),
    ],
  ])('row %s', (_, request, facts, policy, expected) => {
    expect(classify({ ...REQUEST, ...request }, { ...FACTS, ...facts }, { ...POLICY, ...policy })).toMatchObject(
      expected,
    );
  });
});
