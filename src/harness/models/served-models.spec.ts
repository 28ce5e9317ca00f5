import { describe, expect, it } from 'vitest';
import { routeModel, type ModelRouting } from './route-model.js';
import { CLAUDE_CODE_MODELS } from '../claude-code/models.js';
import { CODEX_MODELS } from '../codex/models.js';
import type { HarnessModel } from '../harness.js';
import { findServedModel, type ModelSources, servedModels } from './served-models.js';

type Name = 'claude-code' | 'codex' | 'demo';

const KINDS: Readonly<Record<Name, string>> = { 'claude-code': 'claude-', codex: 'gpt-', demo: '?' };
const DISPLAY_NAMES: Readonly<Record<Name, string>> = {
  'claude-code': 'Claude Code',
  codex: 'Codex',
  demo: 'Demo agent',
};
const MODELS: Readonly<Record<Name, readonly HarnessModel[] | undefined>> = {
  'claude-code': [model('claude-big', 'Big')],
  codex: [model('gpt-big', 'GPT Big')],
  demo: undefined,
};

function sources(names: readonly Name[], defaultHarness: Name, routes: ModelRouting['routes'] = []): ModelSources {
  const available = names.map((name) => ({ name, knowsModel: (id: string) => id.startsWith(KINDS[name]) }));
  return {
    harnesses: names.map((name) => ({ name, displayName: DISPLAY_NAMES[name], models: MODELS[name] })),
    routes,
    route: (id) =>
      routeModel(id, {
        names: Object.keys(KINDS),
        available,
        defaultHarness,
        routes,
        routesByKind: false,
        refusesUnknown: false,
      }),
  };
}

const ids = (from: ModelSources) => servedModels(from).map(({ id }) => id);

describe('servedModels', () => {
  it('lists each available harness by its name, and its models', () => {
    expect(ids(sources(['claude-code', 'demo'], 'claude-code'))).toEqual(['claude-code', 'claude-big', 'demo']);
  });

  it('lists no model names for the demo agent alone', () => {
    expect(servedModels(sources(['demo'], 'demo'))).toEqual([
      { id: 'demo', displayName: 'Demo agent', harness: 'demo', hasModel: false },
    ]);
  });

  it('prefixes a model with its harness if the name alone routes to another one', () => {
    const both = sources(['claude-code', 'codex'], 'claude-code');
    expect(ids(both)).toEqual(['claude-code', 'claude-big', 'codex', 'codex/gpt-big']);
    expect(findServedModel('codex/gpt-big', both)).toMatchObject({ displayName: 'GPT Big (Codex)', harness: 'codex' });
    const routed = sources(['claude-code', 'codex'], 'claude-code', [{ pattern: 'gpt-*', harness: 'codex' }]);
    expect(ids(routed)).toEqual(['claude-code', 'claude-big', 'codex', 'gpt-big']);
  });

  it('starts with the routes, without patterns, unreachable ones and duplicates', () => {
    const routes: ModelRouting['routes'] = [
      { pattern: 'fast', harness: 'codex' },
      { pattern: 'claude-*', harness: 'claude-code' },
      { pattern: 'claude-big', harness: 'claude-code' },
      { pattern: 'gone', harness: 'demo' },
    ];
    const routed = sources(['claude-code', 'codex'], 'codex', routes);
    expect(ids(routed)).toEqual(['fast', 'claude-big', 'claude-code', 'codex', 'gpt-big']);
    expect(servedModels(routed)[0]).toMatchObject({ displayName: 'fast (Codex)', harness: 'codex', hasModel: true });
    expect(servedModels(routed)[1]).toMatchObject({ displayName: 'Big', contextTokens: 1000 });
  });

  it('finds offered models by their long names too, and no other models', () => {
    const both = sources(['claude-code', 'codex'], 'claude-code');
    expect(findServedModel('claude-code/claude-big', both)).toMatchObject({ id: 'claude-code/claude-big' });
    const others = ['', 'gpt-big', 'claude-code/claude-code', 'codex/claude-big', 'demo'];
    expect(others.filter((id) => findServedModel(id, both) !== undefined)).toEqual([]);
  });
});

describe('the tables of models', () => {
  it.each([
    ['Claude Code', CLAUDE_CODE_MODELS],
    ['Codex', CODEX_MODELS],
  ])('of %s have each name once, sizes, and dates that exist', (_, models) => {
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
    expect(models.filter(({ contextTokens }) => (contextTokens ?? 0) < 200_000)).toEqual([]);
    const dates = models.flatMap(({ releasedOn }) => releasedOn ?? []);
    expect(dates.map((date) => new Date(date).toISOString().slice(0, 10))).toEqual(dates);
    expect(dates.length).toBeGreaterThan(models.length / 2);
  });
});

function model(id: string, displayName: string): HarnessModel {
  return { id, displayName, contextTokens: 1000, maxOutputTokens: 100, releasedOn: undefined, line: undefined };
}
