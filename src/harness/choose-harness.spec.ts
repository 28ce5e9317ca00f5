import { describe, expect, it } from 'vitest';
import { BUILT_IN_ROUTES, chooseHarness, type HarnessChoices } from './choose-harness.js';

const claude = { name: 'claude-code', knowsModel: (model: string) => model.startsWith('claude-') } as const;
const codex = { name: 'codex', knowsModel: (model: string) => model.startsWith('gpt-') } as const;
const demo = { name: 'demo', knowsModel: () => false } as const;

const both: HarnessChoices = {
  available: [claude, codex, demo],
  defaultHarness: 'claude-code',
  routes: BUILT_IN_ROUTES,
  refusesUnknown: false,
};
const onlyCodex: HarnessChoices = {
  available: [codex, demo],
  defaultHarness: 'codex',
  routes: [],
  refusesUnknown: false,
};

describe(chooseHarness.name, () => {
  it('routes each kind of model to its own CLI when both are there', () => {
    expect(chooseHarness('claude-opus-5-5', both)).toEqual({ harness: 'claude-code', model: 'claude-opus-5-5' });
    expect(chooseHarness('gpt-5-codex', both)).toEqual({ harness: 'codex', model: 'gpt-5-codex' });
  });

  it('gives a model without a route to the default harness, which uses its own default model', () => {
    expect(chooseHarness('my-agent', both)).toEqual({ harness: 'claude-code', model: undefined });
  });

  it("turns a name that is not the default harness's kind into the harness's own default model", () => {
    expect(chooseHarness('claude-opus-5-5', onlyCodex)).toEqual({ harness: 'codex', model: undefined });
    expect(chooseHarness('gpt-5-codex', onlyCodex)).toEqual({ harness: 'codex', model: 'gpt-5-codex' });
  });

  it('always understands <harness>/<model>, whatever the routes say', () => {
    expect(chooseHarness('codex/claude-ish/v2', both)).toEqual({ harness: 'codex', model: 'claude-ish/v2' });
    expect(chooseHarness('demo', both)).toEqual({ harness: 'demo', model: undefined });
  });

  it('says that there is none when the request or a route names a harness that is not here', () => {
    expect(chooseHarness('claude-code/claude-opus-5-5', onlyCodex)).toBeUndefined();
    expect(chooseHarness('claude-x', { ...onlyCodex, routes: BUILT_IN_ROUTES })).toBeUndefined();
  });

  it('takes the first route that fits, with * for any text and a dot for itself', () => {
    const routes = [
      { pattern: 'a.b*', harness: 'codex' },
      { pattern: '*', harness: 'demo' },
    ] as const;
    expect(chooseHarness('a.b-1', { ...both, routes })?.harness).toBe('codex');
    expect(chooseHarness('axb-1', { ...both, routes })?.harness).toBe('demo');
  });
});
