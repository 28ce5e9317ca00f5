import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PendingBinding } from './pending-binding.js';

const REQUESTS = [{ subtype: 'apply_flag_settings', settings: {} }, { subtype: 'initialize' }];

describe('What a process writes before it has taken its thread', () => {
  let refusals = 0;

  beforeEach(() => {
    refusals = 0;
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const bind = () => new PendingBinding(REQUESTS, () => (refusals += 1));

  /** The answer to one of the requests. */
  function answer({ lines }: PendingBinding, index: number, subtype = 'success'): string {
    const { request_id }: { readonly request_id: string } = JSON.parse(lines[index] ?? '');
    return JSON.stringify({ type: 'control_response', response: { subtype, request_id } });
  }

  it('is read when it has granted everything, in the order in which it came', () => {
    const binding = bind();
    expect(binding.lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { type: 'control_request', request: REQUESTS[0] },
      { type: 'control_request', request: REQUESTS[1] },
    ]);
    expect(binding.read(['early', answer(binding, 0)])).toEqual([]);
    expect(binding.isGranted).toBe(false);
    expect(binding.read(['between', answer(binding, 1), 'late'])).toEqual(['early', 'between', 'late']);
    expect(binding.isGranted).toBe(true);
    vi.runAllTimers();
    expect(refusals).toBe(0);
  });

  it('is never read when it refuses something, which is told once', () => {
    const binding = bind();
    expect(binding.read([answer(binding, 0, 'error'), answer(binding, 1), 'late'])).toEqual([]);
    expect(binding.read([answer(binding, 0, 'error'), 'later'])).toEqual([]);
    vi.runAllTimers();
    expect(refusals).toBe(1);
  });

  it('is never read when it does not answer', () => {
    const binding = bind();
    binding.read([answer(binding, 0)]);
    vi.runAllTimers();
    expect(refusals).toBe(1);
    expect(binding.read(['late'])).toEqual([]);
  });

  it('does not matter any more once it has ended', () => {
    const binding = bind();
    binding.close();
    vi.runAllTimers();
    expect(refusals).toBe(0);
  });
});
