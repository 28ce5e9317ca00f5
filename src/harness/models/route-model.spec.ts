import { describe, expect, it } from 'vitest';
import { answeredModel, routeModel, type ModelRouting } from './route-model.js';

const claude = { name: 'claude-code', knowsModel: (model: string) => model.startsWith('claude-') } as const;
const codex = { name: 'codex', knowsModel: (model: string) => model.startsWith('gpt-') } as const;
const demo = { name: 'demo', knowsModel: () => false } as const;

const names = ['claude-code', 'codex', 'demo'];

const both: ModelRouting = {
  names,
  available: [claude, codex, demo],
  defaultHarness: 'claude-code',
  routes: [],
  routesByKind: true,
  refusesUnknown: false,
};
const onlyCodex: ModelRouting = {
  names,
  available: [codex, demo],
  defaultHarness: 'codex',
  routes: [],
  routesByKind: false,
  refusesUnknown: false,
};

describe(routeModel.name, () => {
  it('routes each kind of model to its own CLI if both are available', () => {
    expect(routeModel('claude-opus-5-5', both)).toEqual({ harness: 'claude-code', model: 'claude-opus-5-5' });
    expect(routeModel('gpt-5-codex', both)).toEqual({ harness: 'codex', model: 'gpt-5-codex' });
  });

  it('routes a model without a route to the default harness and its default model', () => {
    expect(routeModel('my-agent', both)).toEqual({ harness: 'claude-code', model: undefined });
  });

  it("replaces a name that the default harness does not know with the harness's own default model", () => {
    expect(routeModel('claude-opus-5-5', onlyCodex)).toEqual({ harness: 'codex', model: undefined });
    expect(routeModel('gpt-5-codex', onlyCodex)).toEqual({ harness: 'codex', model: 'gpt-5-codex' });
  });

  it('prefers <harness>/<model> over any route', () => {
    expect(routeModel('codex/claude-ish/v2', both)).toEqual({ harness: 'codex', model: 'claude-ish/v2' });
    expect(routeModel('demo', both)).toEqual({ harness: 'demo', model: undefined });
  });

  it('returns undefined if the request or a route names an unavailable harness', () => {
    expect(routeModel('claude-code/claude-opus-5-5', onlyCodex)).toBeUndefined();
    const routes = [{ pattern: 'claude-*', harness: 'claude-code' }] as const;
    expect(routeModel('claude-x', { ...onlyCodex, routes })).toBeUndefined();
    const demoOff = { ...both, available: [claude, codex] };
    expect(routeModel('demo', demoOff)).toBeUndefined();
    expect(routeModel('demo/x', demoOff)).toBeUndefined();
    expect(routeModel('mine', { ...demoOff, routes: [{ pattern: 'mine', harness: 'demo' }] })).toBeUndefined();
  });

  it('takes the first matching route; * matches any text, and a dot only itself', () => {
    const routes = [
      { pattern: 'a.b*', harness: 'codex' },
      { pattern: '*', harness: 'demo' },
    ] as const;
    expect(routeModel('a.b-1', { ...both, routes })?.harness).toBe('codex');
    expect(routeModel('axb-1', { ...both, routes })?.harness).toBe('demo');
  });
});

describe(answeredModel, () => {
  it.each([
    ['claude-opus-5-5', both, 'claude-opus-5-5'],
    ['codex/gpt-9', both, 'codex/gpt-9'],
    ['codex', both, 'codex'],
    ['my-agent', both, 'claude-code'],
    ['claude-opus-5-5', onlyCodex, 'codex'],
    ['claude-opus-5-5', { ...both, routes: [{ pattern: 'claude-*', harness: 'codex' }] }, 'codex'],
    ['fast', { ...both, routes: [{ pattern: 'fast', harness: 'codex' }] }, 'codex'],
    ['x', { ...both, defaultHarness: 'demo' }, 'demo'],
  ] as const)('of %s never names a model that does not run', (requested, choices, answered) => {
    const choice = routeModel(requested, choices);
    expect(choice && answeredModel(requested, choice)).toBe(answered);
  });
});
