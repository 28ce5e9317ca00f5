// Over 250 lines: every kind of event, also by recordings of two agents.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startTurn, initialDecoderState as claudeStart } from '../../harness/claude-code/decode/turn-state.js';
import { decodeLine as decodeClaude } from '../../harness/claude-code/decode/decode.js';
import {
  decodeNotification as decodeCodex,
  initialCodexState as codexStart,
} from '../../harness/codex/decode/decode.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import {
  readFinalText,
  INITIAL_NOTIFICATION_STATE,
  toNotifications,
  type LineState,
  openingLines,
} from './codex-notifications.js';
import type { LineTurn } from './notification-builders.js';

const TURN: LineTurn = {
  threadId: 'thread-1',
  turnId: 'turn-1',
  sequence: 1,
  model: 'claude-code',
  prompt: [{ type: 'text', text: 'hello' }],
  warnings: [],
  startedAt: 1_782_230_001_000,
};

function narrated(events: readonly HarnessEvent[]): {
  readonly lines: readonly JsonObject[];
  readonly state: LineState;
} {
  const lines: JsonObject[] = [...openingLines(TURN)];
  let state = INITIAL_NOTIFICATION_STATE;
  for (const event of events) {
    const [next, said] = toNotifications(TURN, state, event);
    state = next;
    lines.push(...said);
  }
  return { lines, state };
}

function codexEvents(lines: readonly string[]): readonly HarnessEvent[] {
  let state = codexStart();
  return lines.flatMap((line) => {
    const decoded = decodeCodex(state, line);
    state = decoded.state;
    return decoded.events;
  });
}

function claudeEvents(lines: readonly string[]): readonly HarnessEvent[] {
  let state = startTurn(claudeStart());
  return lines.flatMap((line) => {
    const [next, events] = decodeClaude(state, line);
    state = next;
    return events;
  });
}

/** The first turn of a recording. */
function recorded(harness: 'codex' | 'claude-code', file: string): readonly HarnessEvent[] {
  const path = new URL(`../../harness/${harness}/__fixtures__/${file}`, import.meta.url);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const events = harness === 'codex' ? codexEvents(lines) : claudeEvents(lines);
  const end = events.findIndex(isTurnEnd);
  return end === -1 ? events : events.slice(0, end + 1);
}

/** What a reader gets of a turn: its blocks in the order in which they ended, its tools, its end. */
function told(events: readonly HarnessEvent[]): readonly unknown[] {
  const texts = new Map<string, string>();
  const seen: unknown[] = [];
  for (const event of events) {
    if (event.type === 'text-delta' || event.type === 'thinking-delta') {
      texts.set(event.id, (texts.get(event.id) ?? event.type) + event.text);
    } else if (event.type === 'block-end') {
      if (texts.has(event.id)) seen.push(texts.get(event.id));
      texts.delete(event.id);
    } else if (event.type === 'tool-call') {
      seen.push(event);
    } else if (event.type === 'tool-result') {
      // An empty text is no content.
      seen.push({ ...event, content: event.content.filter((piece) => piece.type !== 'text' || piece.text !== '') });
    } else if (event.type === 'turn-end') {
      seen.push(event.reason === 'interrupted' ? 'interrupted' : 'end');
    } else if (event.type === 'turn-failed') {
      seen.push(`failed: ${event.message}`);
    }
  }
  return seen;
}

const roundTrip = (events: readonly HarnessEvent[]) =>
  codexEvents(narrated(events).lines.map((line) => JSON.stringify(line)));

const RECORDINGS = (['codex', 'claude-code'] as const).flatMap((harness) =>
  readdirSync(new URL(`../../harness/${harness}/__fixtures__`, import.meta.url))
    // Rollouts are files of Codex, not its output.
    .filter((file) => file.endsWith('.jsonl') && !file.startsWith('rollout-'))
    .map((file) => [harness, file] as const),
);

describe(openingLines.name, () => {
  it('says in a message of the agent what is not done as the user asked', () => {
    const lines = openingLines({ ...TURN, warnings: ['No such model.', 'No such effort.'] }).slice(-3);
    expect(lines.map(({ method }) => method)).toEqual(['item/started', 'item/agentMessage/delta', 'item/completed']);
    expect(lines[1]).toMatchObject({ params: { delta: 'No such model.\nNo such effort.\n\n' } });
  });
});

describe('the lines of a turn', () => {
  it.each(RECORDINGS)('of the %s recording %s say the same to a reader of Codex’s protocol', (harness, file) => {
    const events = recorded(harness, file);
    expect(told(events)).not.toEqual([]);
    expect(told(roundTrip(events))).toEqual(told(events));
  });

  it.each([
    ['an MCP tool', 'github', [{ type: 'text', text: 'one' } as const]],
    [
      'an MCP tool with more to say',
      'github',
      [{ type: 'text', text: 'one' } as const, { type: 'text', text: 'two' } as const],
    ],
    ['a tool of the agent', 'agent', [{ type: 'text', text: 'one' } as const]],
    ['a tool with an image', 'agent', [{ type: 'image', mediaType: 'image/png', data: 'iVBOR' } as const]],
  ])('report that %s failed, with its output', (_, server, content) => {
    const events: readonly HarnessEvent[] = [
      { type: 'tool-call', id: 't', name: 'search', server, input: { q: 'x' } },
      { type: 'tool-result', id: 't', content, isError: true },
    ];
    expect(told(roundTrip(events))).toEqual(events);
    expect(JSON.stringify(narrated(events).lines.at(-1))).toContain('"status":"failed"');
  });

  it('open the thread with its first turn only', () => {
    const methods = (sequence: number) => openingLines({ ...TURN, sequence }).map((line) => line['method']);
    expect(methods(1)).toEqual(['thread/started', 'turn/started', 'item/started', 'item/completed']);
    expect(methods(2)).toEqual(['turn/started', 'item/started', 'item/completed']);
  });

  it('start an item with its first delta and complete it with its full text', () => {
    const { lines } = narrated([
      { type: 'text-delta', id: 'a', text: 'Hel' },
      { type: 'text-delta', id: 'a', text: 'lo' },
      { type: 'block-end', id: 'a' },
    ]);
    const where = { threadId: 'thread-1', turnId: 'turn-1' };
    const item = { type: 'agentMessage', id: 'item-1-1-a', text: '', phase: null, memoryCitation: null };
    expect(lines.slice(4)).toEqual([
      { method: 'item/started', params: { item, ...where, startedAtMs: TURN.startedAt } },
      { method: 'item/agentMessage/delta', params: { ...where, itemId: 'item-1-1-a', delta: 'Hel' } },
      { method: 'item/agentMessage/delta', params: { ...where, itemId: 'item-1-1-a', delta: 'lo' } },
      {
        method: 'item/completed',
        params: { item: { ...item, text: 'Hello' }, ...where, completedAtMs: TURN.startedAt },
      },
    ]);
  });

  it.each([
    [1_000, 3_500, 2_500],
    [3_500, 1_000, 0],
    [undefined, 3_500, null],
    [1_000, undefined, null],
  ])('have the time of a tool that the log has (from %s to %s: %s ms)', (calledAt, returnedAt, durationMs) => {
    const call = { type: 'tool-call', id: 't', name: 'shell', server: 'agent', input: { command: 'ls' } } as const;
    const result = { type: 'tool-result', id: 't', content: [], isError: false } as const;
    const { lines } = narrated([
      calledAt === undefined ? call : { ...call, at: calledAt },
      returnedAt === undefined ? result : { ...result, at: returnedAt },
    ]);
    expect(lines.slice(4)).toMatchObject([
      { params: { startedAtMs: calledAt ?? TURN.startedAt, item: { durationMs: null } } },
      { params: { completedAtMs: returnedAt ?? TURN.startedAt, item: { durationMs } } },
    ]);
  });

  it('close what a dead attempt had begun, and name the next attempt’s items apart', () => {
    const { lines } = narrated([
      { type: 'text-delta', id: 'a', text: 'half' },
      { type: 'attempt-start', attempt: 2 },
      { type: 'text-delta', id: 'a', text: 'whole' },
      { type: 'block-end', id: 'a' },
    ]);
    const items = lines.slice(4).map((line) => JSON.stringify(line).match(/item-1-\d-a/)?.[0]);
    expect(items).toEqual(['item-1-1-a', 'item-1-1-a', 'item-1-1-a', 'item-1-2-a', 'item-1-2-a', 'item-1-2-a']);
  });

  it.each([
    ['context_too_long', 'context_too_long'],
    ['overloaded', 'overloaded'],
    ['authentication', 'authentication'],
    ['internal', 'internal'],
  ] as const)('tell a failure of the kind %s so that a reader knows it', (kind, read) => {
    expect(roundTrip([{ type: 'turn-failed', kind, message: 'no' }]).at(-1)).toEqual({
      type: 'turn-failed',
      kind: read,
      message: 'no',
    });
  });

  it('count cached tokens as input, as Codex does, and every call once', () => {
    const usage = {
      inputTokens: 10,
      outputTokens: 5,
      cacheReadInputTokens: 100,
      cacheCreationInputTokens: 7,
      thinkingTokens: 2,
    };
    const call: HarnessEvent = { type: 'model-call-end', model: 'm', usage };
    const calls = roundTrip([call, call]).filter((event) => event.type === 'model-call-end');
    expect(calls.map((event) => event.usage)).toEqual([usage, usage]);
  });

  it('name an agent’s own command as a command, and one with more to it as a tool of its own', () => {
    const itemType = (input: JsonObject, name = 'shell', server = 'agent') => {
      const [last] = narrated([{ type: 'tool-call', id: 't', name, server, input }]).lines.slice(-1);
      return JSON.stringify(last).match(/"type":"(\w+)"/)?.[1];
    };
    expect(itemType({ command: 'ls' })).toBe('commandExecution');
    expect(itemType({ command: 'ls', cwd: '/w' })).toBe('commandExecution');
    expect(itemType({ command: 'ls', description: 'list' })).toBe('dynamicToolCall');
    expect(itemType({ command: 'ls' }, 'Bash')).toBe('dynamicToolCall');
    expect(itemType({ q: 'x' }, 'search', 'github')).toBe('mcpToolCall');
  });
});

describe('the answer of a turn', () => {
  const text = (id: string, words: string): readonly HarnessEvent[] => [
    { type: 'text-delta', id, text: words },
    { type: 'block-end', id },
  ];
  const tool: HarnessEvent = { type: 'tool-call', id: 't', name: 'shell', server: 'agent', input: { command: 'ls' } };
  const end: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };

  it.each([
    [
      'what was said after the last tool',
      [...text('a', 'Let me look.'), tool, ...text('b', 'One file.'), end],
      'One file.',
    ],
    ['what was said before it when nothing came after', [...text('a', 'Done soon.'), tool, end], 'Done soon.'],
    ['also a text that was not ended', [{ type: 'text-delta', id: 'a', text: 'cut' } as const, end], 'cut'],
    ['nothing when nothing was said', [end], ''],
  ])('is %s', (_, events, answer) => {
    expect(readFinalText(narrated(events).state)).toBe(answer);
  });

  it('leaves out what a dead attempt did not finish', () => {
    const events: readonly HarnessEvent[] = [
      { type: 'text-delta', id: 'a', text: 'half' },
      { type: 'attempt-start', attempt: 2 },
      ...text('a', 'whole'),
      end,
    ];
    expect(readFinalText(narrated(events).state)).toBe('whole');
  });
});
