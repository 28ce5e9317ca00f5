import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { decodeRecording, recording } from '../__fixtures__/recordings.js';

const textsOf = (events: readonly HarnessEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));

describe('a turn that ends early', () => {
  it('ends as refused with the provider’s explanation, without texts of Claude Code', () => {
    const events = decodeRecording(recording('claude-refusal'));
    expect(events.at(-1)).toMatchObject({
      type: 'turn-end',
      reason: 'refusal',
      refusal: { category: 'cyber', explanation: 'A scripted explanation.' },
    });
    // Claude Code asks again, and then another model; what was said cannot be taken back.
    expect(textsOf(events)).toEqual(['Well,', 'Well,', 'Well,']);
    expect(events).toContainEqual({
      type: 'notice',
      kind: 'retrying',
      message: 'The model refused; retrying with claude-opus-4-8.',
    });
  });

  it('ends with the context limit, not with a failure', () => {
    const events = decodeRecording(recording('claude-context-window'));
    expect(events.at(-1)).toMatchObject({ type: 'turn-end', reason: 'model_context_window_exceeded' });
    expect(textsOf(events).join('').trim()).toBe('And then And then And then And then');
  });

  const synthetic = (message: object, more: object) => ({
    type: 'assistant',
    uuid: 'u',
    message: {
      model: '<synthetic>',
      content: [{ type: 'text', text: 'API Error: advice for a terminal' }],
      ...message,
    },
    is_api_error_message: true,
    ...more,
  });
  const failed = {
    type: 'result',
    subtype: 'success',
    is_error: true,
    stop_reason: 'stop_sequence',
    result: 'API Error',
  };

  it('ends with the output limit when Claude Code stops retrying', () => {
    const line = synthetic({}, { api_error: 'max_output_tokens', api_error_params: { cut: 'output_limit' } });
    expect(decodeRecording([line, failed])).toEqual([{ type: 'turn-end', reason: 'max_tokens' }]);
  });

  it('ends with the reason of its newest result if a sub-agent woke the agent up after a truncation', () => {
    const line = synthetic({}, { api_error: 'max_output_tokens', api_error_params: { cut: 'output_limit' } });
    const tasks = (...ids: readonly string[]) => ({
      type: 'system',
      subtype: 'background_tasks_changed',
      tasks: ids.map((task_id) => ({ task_id, task_type: 'local_agent' })),
    });
    const woken = { ...failed, is_error: false, stop_reason: 'end_turn', origin: { kind: 'task-notification' } };
    expect(decodeRecording([tasks('a'), line, failed, tasks(), woken])).toEqual([
      { type: 'turn-end', reason: 'end_turn' },
    ]);
  });

  it('ends as refused without details', () => {
    const line = synthetic({ stop_reason: 'refusal', stop_details: null }, {});
    expect(decodeRecording([line, { ...failed, stop_reason: 'refusal' }])).toEqual([
      { type: 'turn-end', reason: 'refusal' },
    ]);
  });

  it('ends as refused with details if Claude Code reports no error', () => {
    const stop_details = { type: 'refusal', category: null, explanation: 'No.' };
    const delta = { type: 'message_delta', delta: { stop_reason: 'refusal', stop_details }, usage: {} };
    const lines = [
      { type: 'stream_event', event: { type: 'message_start', message: { id: 'm', model: 'x', usage: {} } } },
      { type: 'stream_event', event: delta },
      { ...failed, is_error: false, stop_reason: 'refusal' },
    ];
    expect(decodeRecording(lines).at(-1)).toEqual({
      type: 'turn-end',
      reason: 'refusal',
      refusal: { category: null, explanation: 'No.' },
    });
  });

  it('fails if the model call failed', () => {
    const line = synthetic({ stop_reason: 'stop_sequence' }, { error: 'unknown' });
    expect(decodeRecording([line, failed])).toMatchObject([{ type: 'turn-failed' }]);
  });
});
