import { describe, expect, it } from 'vitest';
import { CLAUDE_CODE_MODELS } from '../harness/claude-code/models.js';
import { CODEX_MODELS } from '../harness/codex/models.js';
import { type ModelSources, servedModels } from '../harness/served-models.js';
import { modelInfo } from './model-info.js';

/** What this server tells of a model, with routes of these names to Claude Code. */
function created(id: string, ...routes: readonly (readonly [pattern: string, model?: string])[]): string | undefined {
  const sources: ModelSources = {
    harnesses: [
      { name: 'claude-code', models: CLAUDE_CODE_MODELS },
      { name: 'codex', models: CODEX_MODELS },
      { name: 'demo', models: undefined },
    ],
    routes: routes.map(([pattern, model]) => ({ pattern, harness: 'claude-code', model })),
    choose: (name) => {
      const route = routes.find(([pattern]) => pattern === name);
      return {
        harness: name.startsWith('gpt') ? 'codex' : 'claude-code',
        model: route === undefined ? name : route[1],
      };
    },
  };
  const found = servedModels(sources).find((model) => model.id === id);
  return found === undefined ? undefined : modelInfo(found).created_at;
}

describe('when a model was made', () => {
  it.each([
    ['claude-opus-5-5', '2026-09-22T00:00:00Z'],
    ['claude-haiku-4-5', '2025-10-15T00:00:00Z'],
    ['gpt-6.1-sol', '2026-09-29T00:00:00Z'],
  ])('is the day of its release: %s', (id, date) => {
    expect(created(id)).toBe(date);
  });

  it('is that of the model that a route stands for', () => {
    expect(created('review', ['review', 'claude-opus-5'])).toBe('2026-07-24T00:00:00Z');
  });

  it.each([
    ['claude-haiku-4-5-20251001', '2025-10-01T00:00:00Z'],
    ['claude-sonnet-4-5@20250929', '2025-09-29T00:00:00Z'],
    ['anthropic.claude-opus-4-5-20251101-v1:0', '2025-11-01T00:00:00Z'],
    ['claude-x-2025-11-24', '2025-11-24T00:00:00Z'],
  ])('is the date in a name that is not known otherwise: %s', (id, date) => {
    expect(created(id, [id])).toBe(date);
  });

  it.each(['claude-code', 'codex', 'demo', 'gpt-6.1-terra'])(
    'is the day of the first version of this server for what has no date: %s',
    (id) => {
      expect(created(id)).toBe('2026-11-22T00:00:00Z');
    },
  );

  it.each(['team-20261345', 'team-20260231', 'build-20251001234', 'claude-1999-01-01'])(
    'is not read out of a number that is no date: %s',
    (id) => {
      expect(created(id, [id])).toBe('2026-11-22T00:00:00Z');
    },
  );

  it('is never the epoch, nor a day to come, for any model of the tables', () => {
    const dates = [...CLAUDE_CODE_MODELS, ...CODEX_MODELS].map(({ id }) => created(id) ?? created(`codex/${id}`));
    expect(dates.filter((date) => date === undefined || date < '2025-01-01' || date > '2026-11-23')).toEqual([]);
  });
});
