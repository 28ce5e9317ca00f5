import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, parseObject } from '../../../domain/json.js';
import { type CompleteMessage, findCompleteMessage, parseRolloutLines } from '../record/rollout-lines.js';
import { type CodexState, decodeObject, initialCodexState } from './decode.js';
import { parkCodexTurn, unparkTurn } from './parking.js';

const read = (name: string) => readFileSync(new URL(`../__fixtures__/${name}.jsonl`, import.meta.url));
const lines = read('codex-caller-tools')
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => asObject(parseObject(line)));
const place = (method: string, itemType?: string) =>
  lines.findIndex(
    (line) => line['method'] === method && (itemType === undefined || JSON.stringify(line).includes(itemType)),
  );

function decodeAll(from: CodexState, messages: readonly JsonObject[]): readonly [CodexState, readonly HarnessEvent[]] {
  let state = from;
  const events = messages.flatMap((message) => {
    const decoded = decodeObject(state, message);
    state = decoded.state;
    return decoded.events;
  });
  return [state, events];
}

const message = findCompleteMessage(parseRolloutLines(read('rollout-parked'), 0, true), 'call_a');
const typesOf = (events: readonly HarnessEvent[]) => events.map(({ type }) => type);

/** Decodes the recording up to the place, parks there, and decodes the remainder. */
function parkAt(index: number, complete: CompleteMessage | undefined) {
  const [before] = decodeAll(initialCodexState(), lines.slice(0, index));
  const [parked, end] = parkCodexTurn(before, complete);
  const [unparked, start] = unparkTurn(parked);
  const [, after] = decodeAll(unparked, lines.slice(index));
  return { end, next: [...start, ...after] };
}

describe('A turn of Codex that waits for the caller', () => {
  it('ends ours with the tokens of its message, which the next one does not count again', () => {
    const { end, next } = parkAt(place('item/completed', 'dynamicToolCall'), message);
    const tokens = { inputTokens: 100, outputTokens: 25, cacheReadInputTokens: 300, thinkingTokens: 5 };
    expect(end).toMatchObject([
      { type: 'model-call-start' },
      { type: 'model-call-end', usage: tokens },
      { type: 'turn-end', reason: 'tool_use' },
    ]);
    expect(typesOf(next)).toEqual(['model-call-start', 'text-delta', 'block-end', 'model-call-end', 'turn-end']);
  });

  it('leaves the tokens to the next turn if they are not known', () => {
    const { end, next } = parkAt(place('item/completed', 'dynamicToolCall'), undefined);
    expect(typesOf(end)).toEqual(['turn-end']);
    expect(typesOf(next).filter((type) => type === 'model-call-end')).toHaveLength(2);
  });

  it('has an inner tool that still runs in both of ours', () => {
    const { end, next } = parkAt(place('item/completed', 'commandExecution'), message);
    expect(end[0]).toMatchObject({ type: 'tool-result', id: 'call_s', isError: false });
    expect(next.filter(({ type }) => type === 'tool-call' || type === 'tool-result')).toMatchObject([
      { type: 'tool-call', id: 'call_s', name: 'shell' },
      { type: 'tool-result', id: 'call_s', content: [{ type: 'text', text: 'hi\n' }] },
    ]);
  });

  it('shows no call of the caller as one of an inner tool', () => {
    const [, events] = decodeAll(initialCodexState(), lines);
    const ids = events.flatMap((event) =>
      event.type === 'tool-call' || event.type === 'tool-result' ? [event.id] : [],
    );
    expect(ids).toEqual(['call_s', 'call_s']);
  });
});

describe('A further message of the user', () => {
  const heard = { method: 'item/started', params: { item: { type: 'userMessage', id: 'u', clientId: 'm1' } } };

  it('is heard when Codex makes an item of it, once', () => {
    const state: CodexState = { ...initialCodexState(), phase: 'running', unheard: new Set(['m1']) };
    expect(decodeAll(state, [heard, heard])[1]).toEqual([{ type: 'user-message', id: 'm1' }]);
  });

  it('that is the prompt of the turn emits nothing', () => {
    expect(decodeAll({ ...initialCodexState(), phase: 'running' }, [heard])[1]).toEqual([]);
  });

  it('ends the message of the model that is given up for it', () => {
    const state: CodexState = { ...initialCodexState(), phase: 'running', unheard: new Set(['m1']) };
    const delta = { method: 'item/agentMessage/delta', params: { itemId: 'a', delta: 'Half' } };
    expect(typesOf(decodeAll(state, [delta, heard])[1])).toEqual(['text-delta', 'block-end', 'user-message']);
  });
});
