import { describe, expect, it } from 'vitest';
import { readConfig } from '../config/app-config.js';
import { HARNESSES_OF_THIS_VERSION } from './harnesses.js';
import { HarnessRegistry } from './harness.registry.js';
import type { Harness, HarnessName } from './harness.js';

function harness(name: HarnessName, isHere = true): Harness {
  return {
    name,
    probe: () => Promise.resolve(isHere ? { name, version: '1.0.0' } : undefined),
    knowsModel: () => false,
    open: () => {
      throw new Error('nothing is opened here');
    },
  };
}

async function found(names: readonly HarnessName[], variables: Readonly<Record<string, string>>) {
  const all = (['claude-code', 'codex', 'demo'] as const).map((name) => harness(name, names.includes(name)));
  const registry = new HarnessRegistry(all, readConfig(variables, HARNESSES_OF_THIS_VERSION));
  await registry.probeAll();
  return registry;
}

describe('the demo agent', () => {
  it.each([
    [['demo'], {}],
    [['claude-code', 'demo'], { CHIRON_DEFAULT_HARNESS: 'demo' }],
    [['claude-code', 'demo'], { CHIRON_DEMO: 'on' }],
    [['codex', 'demo'], { CHIRON_DEFAULT_HARNESS: 'codex', CHIRON_DEMO: 'on' }],
  ] as const)('answers where it is the default, or was asked for: %j %j', async (names, variables) => {
    const registry = await found(names, variables);
    expect(registry.serves('demo')).toBe(true);
    expect(registry.route('demo/x')).toEqual({ harness: 'demo', model: 'x' });
    expect(registry.get('demo').name).toBe('demo');
  });

  it.each([
    [['claude-code', 'demo'], {}],
    [['codex', 'demo'], { CHIRON_DEFAULT_HARNESS: 'codex' }],
    [['claude-code', 'demo'], { CHIRON_MODEL_ROUTES: 'fast=demo,*=demo' }],
    [['claude-code', 'demo'], { CHIRON_DEMO: 'off' }],
  ] as const)('is not there beside another agent, by whatever name: %j %j', async (names, variables) => {
    const registry = await found(names, variables);
    expect(registry.serves('demo')).toBe(false);
    expect(registry.available.map(({ name }) => name)).not.toContain('demo');
    for (const model of ['demo', 'demo/x']) expect(registry.route(model)).toBeUndefined();
    expect(registry.route('fast')?.harness).not.toBe('demo');
    expect(() => registry.get('demo')).toThrow('not served');
  });

  it.each([
    [{ CHIRON_DEMO: 'off' }, /CHIRON_DEFAULT_HARNESS: is auto, no agent program was found, and CHIRON_DEMO is off/],
    [{ CHIRON_DEMO: 'off', CHIRON_DEFAULT_HARNESS: 'demo' }, /CHIRON_DEFAULT_HARNESS: is demo, and CHIRON_DEMO is off/],
    [{ CHIRON_DEFAULT_HARNESS: 'codex' }, /CHIRON_DEFAULT_HARNESS: names a harness whose program was not found/],
  ])('is not taken for the agent that is missing: %j', async (variables, problem) => {
    await expect(found(['demo'], variables)).rejects.toThrow(problem);
  });
});
