import { describe, expect, it } from 'vitest';
import { toModelInfo } from './to-model-info.js';

/** When a model of this name was made. */
function created(id: string, releasedOn?: string): string {
  return toModelInfo({
    id,
    displayName: id,
    harness: 'claude-code',
    hasModel: true,
    contextTokens: undefined,
    maxOutputTokens: undefined,
    releasedOn,
    line: undefined,
  }).created_at;
}

describe('the date of a model', () => {
  it.each(['review', 'claude-haiku-4-5-20251001'])('is the day of its release if that is known: %s', (id) => {
    expect(created(id, '2025-10-15')).toBe('2025-10-15T00:00:00Z');
  });

  it.each([
    ['claude-haiku-4-5-20251001', '2025-10-01T00:00:00Z'],
    ['claude-sonnet-4-5@20250929', '2025-09-29T00:00:00Z'],
    ['anthropic.claude-opus-4-5-20251101-v1:0', '2025-11-01T00:00:00Z'],
    ['gpt-5.5-2026-04-23', '2026-04-23T00:00:00Z'],
  ])('is the date in an unknown name: %s', (id, date) => {
    expect(created(id)).toBe(date);
  });

  it.each(['claude-code', 'codex', 'demo', 'review'])(
    'is the day of the first version of this server for what has no date: %s',
    (id) => {
      expect(created(id)).toBe('2026-11-22T00:00:00Z');
    },
  );

  it.each(['team-20261345', 'team-20260231', 'build-20251001234', 'claude-1999-01-01'])(
    'is not read out of a number that is no date: %s',
    (id) => {
      expect(created(id)).toBe('2026-11-22T00:00:00Z');
    },
  );
});
