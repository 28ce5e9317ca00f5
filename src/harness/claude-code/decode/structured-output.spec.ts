import { describe, expect, it } from 'vitest';
import { decodeRecording, recording } from '../__fixtures__/recordings.js';
import { answerEvents, toToolSchema, toMissingAnswerFailure } from './structured-output.js';
import { startTurn, initialDecoderState } from './turn-state.js';

const wanting = startTurn(initialDecoderState(), 'direct');
const typesOf = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

describe('a turn with an output schema', () => {
  it('emits the answer as its last text, without rejected attempts and the tool', () => {
    const events = decodeRecording(recording('claude-structured'), wanting);
    expect(events.filter(({ type }) => type === 'tool-call' || type === 'tool-result')).toEqual([]);
    expect(events.slice(-3)).toEqual([
      { type: 'text-delta', id: 'structured-output', text: '{"name":"Ada","age":36}' },
      { type: 'block-end', id: 'structured-output' },
      { type: 'turn-end', reason: 'end_turn', usage: expect.objectContaining({ inputTokens: 20, outputTokens: 14 }) },
    ]);
  });

  it('fails with the validation error if the model gives no valid answer', () => {
    const events = decodeRecording(recording('claude-structured-never'), wanting);
    expect(events.at(-1)).toEqual({
      type: 'turn-failed',
      kind: 'internal',
      message:
        "The agent's answer did not follow the schema: root: must have required property 'age', /name: must be string",
    });
    expect(typesOf(events)).not.toContain('tool-call');
  });

  const result = { type: 'result', subtype: 'success', is_error: false, stop_reason: 'end_turn', result: 'Done.' };

  it('fails if the model ends without an answer', () => {
    expect(decodeRecording([result], wanting)).toEqual([toMissingAnswerFailure()]);
  });

  it('waits for sub-agents, and emits the newest answer', () => {
    const agent = { task_id: 'a', task_type: 'local_agent' };
    const running = { type: 'system', subtype: 'background_tasks_changed', tasks: [agent] };
    const first = { ...result, structured_output: { n: 1 } };
    const woken = { ...result, origin: { kind: 'task-notification' } };
    const done = { ...running, tasks: [] };
    expect(decodeRecording([running, first], wanting)).toEqual([]);
    expect(decodeRecording([running, first, done, woken], wanting)[0]).toMatchObject({ text: '{"n":1}' });
    const second = { ...woken, structured_output: { n: 2 } };
    expect(decodeRecording([running, first, done, second], wanting)[0]).toMatchObject({ text: '{"n":2}' });
  });

  it('may end without an answer after an interrupt or a refusal', () => {
    const interrupted = { ...result, subtype: 'error_during_execution', terminal_reason: 'aborted_streaming' };
    expect(decodeRecording([interrupted], wanting)).toEqual([{ type: 'turn-end', reason: 'interrupted' }]);
    expect(decodeRecording([{ ...result, stop_reason: 'refusal' }], wanting)).toEqual([
      { type: 'turn-end', reason: 'refusal' },
    ]);
  });
});

describe('toToolSchema', () => {
  const formOf = (schema: Parameters<typeof toToolSchema>[0]) => {
    const form = toToolSchema(schema);
    return { shape: form.shape, schema: JSON.parse(form.schema) as unknown };
  };
  const object = { type: 'object', properties: { a: { type: 'string' } } };

  it('keeps the caller’s schema, without its $schema', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    expect(formOf({ $schema, $id: 'urn:x', ...object })).toEqual({ shape: 'direct', schema: object });
    expect(formOf({ properties: object.properties })).toEqual({ shape: 'direct', schema: object });
  });

  it.each([
    { type: 'array', items: { type: 'string' } },
    { anyOf: [object, { type: 'null' }] },
    { type: ['object', 'null'] },
    { $ref: '#/$defs/a' },
    { type: 'object', allOf: [object] },
    {},
  ])('wraps a schema of another type than object: %j', (schema) => {
    expect(formOf(schema)).toEqual({
      shape: 'wrapped',
      schema: { type: 'object', properties: { answer: schema }, required: ['answer'], additionalProperties: false },
    });
  });

  it('keeps definitions where references resolve', () => {
    const $defs = { a: { type: 'string' } };
    expect(formOf({ $ref: '#/$defs/a', $defs }).schema).toMatchObject({
      $defs,
      properties: { answer: { $ref: '#/$defs/a' } },
    });
  });

  it('unwraps the answer', () => {
    expect(answerEvents({ answer: [1] }, 'wrapped')[0]).toMatchObject({ text: '[1]' });
    expect(answerEvents({ answer: [1] }, 'direct')[0]).toMatchObject({ text: '{"answer":[1]}' });
  });
});
